"""Pages as a browser lays them out: without the indentation of their templates."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

# Elements at whose edges white space means nothing.
BLOCKS = (
    "article aside body button caption dd details div dl dt fieldset footer form h1 h2 h3 h4 head header html label"
    " legend li link main meta nav ol option p script section select summary table tbody td tfoot th thead title tr ul"
)
_BLOCK = re.compile(rf"\s*(</?(?:{'|'.join(BLOCKS.split())})\b[^>]*>)\s*")
_KEPT = re.compile(r"(<(pre|textarea|script)\b.*?</\2>)", re.DOTALL)


def laid_out(html: str) -> str:
    """The same HTML with white space only where it is seen."""
    parts = _KEPT.split(html)
    # Of three parts each, the second is kept but for its tag and the third names its element.
    return "".join(_squeezed(part) if n % 3 == 0 else _of_one_line(part) for n, part in enumerate(parts) if n % 3 < 2)


def _of_one_line(element: str) -> str:
    tag, end, content = element.partition(">")
    return f"{' '.join(tag.split())}{end}{content}"


def _squeezed(html: str) -> str:
    text = re.sub(r"\s+", " ", html)
    text = re.sub(r"(<[^<>]*?) >", r"\1>", text)
    return _BLOCK.sub(r"\1", text)


class PageClient(Client):
    """A client to whom HTML comes as it is laid out."""

    def request(self, **request: Any) -> Any:
        response: Any = super().request(**request)
        is_page = response.get("Content-Type", "").startswith("text/html") and not response.streaming
        if is_page:
            response.content = laid_out(response.content.decode())
        return response
