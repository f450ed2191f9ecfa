"""Addresses as people type and paste them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.utils.translation import gettext as _

from core.email_addresses import clean_address
from core.refusal import Refused

MAX_ADDRESSES = 200

_BETWEEN = re.compile(r"[\s,;]+")
# `Anna Muster <anna@example.org>`, as mail programs copy it; the name may be quoted and hold a comma.
_NAMED = re.compile(r"""(?:"[^"<>]*"|[^,;<>\n"])*<([^<>]*)>""")


def addresses_in(texts: Iterable[str]) -> list[str]:
    """What was typed or pasted, address by address; names beside them are left out."""
    return [part for text in texts for part in _BETWEEN.split(_NAMED.sub(r" \1 ", text)) if part]


def clean_addresses(texts: Iterable[str]) -> list[str]:
    """Addresses in their order, each once. Raises Refused that names every wrong one."""
    clean: dict[str, str] = {}
    wrong: list[str] = []
    for text in texts:
        if not text.strip():
            continue
        try:
            address = clean_address(text)
            clean.setdefault(address.lower(), address)
        except Refused as error:
            wrong += error.sentences
    if len(clean) > MAX_ADDRESSES:
        wrong.append(
            _("At most %(n)d addresses; use a mailing list of your mail server for more.") % {"n": MAX_ADDRESSES}
        )
    if wrong:
        raise Refused.by_field({"emails": wrong})
    return list(clean.values())
