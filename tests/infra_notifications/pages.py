"""Ways to look at a page."""

from __future__ import annotations

import re
from typing import Any

from django.urls import reverse

EVIL = "<script>alert('x')</script> & \"co\""


def url(name: str, *args: Any) -> str:
    return reverse(f"infra_notifications:{name}", args=args)


def words(html: str) -> str:
    """The words of some HTML, without its tags."""
    seen = re.sub(r'<span class="visually-hidden">, [^<]*</span></time>', "", html)
    return " ".join(re.sub(r"<[^>]*>", " ", seen).split())


def text_of(response: Any) -> str:
    return words(response.content.decode())


def rows_of(response: Any) -> list[str]:
    """The words of each row of a page's list."""
    table = re.search(r'<table class="table table-hover list-table">.*?</table>', response.content.decode(), re.DOTALL)
    return [words(row) for row in re.findall(r"<tr[^>]*>.*?</tr>", table.group(), re.DOTALL)[1:]] if table else []


def harmless(response: Any) -> str:
    """The HTML of a page in which nothing that was typed became a tag."""
    html: str = response.content.decode()
    assert "<script>alert" not in html
    assert "<i>odd" not in html
    return html
