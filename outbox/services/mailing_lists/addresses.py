"""Addresses as people type and paste them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from core.email_addresses import clean_address
from core.refusal import Refused

MAX_ADDRESSES = 200
# So many wrong addresses are named.
NAMED_WRONG = 20

_BETWEEN = re.compile(r"[\s,;]+")
# `Anna Muster <anna@example.org>`, as mail programs copy it; the name may be quoted and hold a comma. Every letter
# belongs to one token, so that the time grows with the length of what was pasted and no faster.
_TOKEN = re.compile(r"""("[^"<>]*+"|[^,;<>\n"]++)|<([^<>]*+)>|.""", re.DOTALL)


def addresses_in(texts: Iterable[str]) -> list[str]:
    """What was typed or pasted, address by address; names beside them are left out."""
    return [part for text in texts for part in _BETWEEN.split(_without_names(text)) if part]


def in_fields(addresses: Sequence[str]) -> list[str]:
    """What is typed, one address a field; what is more than may be stands in the last, to be shortened there."""
    return [*addresses[:MAX_ADDRESSES], *filter(None, [" ".join(addresses[MAX_ADDRESSES:])])]


def _without_names(text: str) -> str:
    kept: list[str] = []
    name: list[str] = []
    for token in _TOKEN.finditer(text):
        if token[1] is not None:
            name.append(token[1])
            continue
        if token[2] is None:  # a separator, or a sign that belongs to no name
            kept += name
        name.clear()
        kept.append(token[0] if token[2] is None else f" {token[2]} ")
    return "".join(kept + name)


def changed_addresses(typed: Iterable[str], known: Iterable[str], present: Iterable[str]) -> list[str]:
    """What a form makes of the present addresses that was shown those that were `known`: it takes off and adds what its
    reader did, and leaves what another did meanwhile. One that does not say what was known replaces them all."""
    typed, before = list(typed), {address.lower() for address in known}
    if not before:
        return typed
    kept = {address.lower(): address for address in typed}
    stay = [address for address in present if address.lower() in kept or address.lower() not in before]
    there = {address.lower() for address in stay}
    return stay + [address for key, address in kept.items() if key not in before and key not in there]


def clean_addresses(texts: Iterable[str]) -> list[str]:
    """Addresses in their order, each once. Raises Refused that names every wrong one."""
    clean: dict[str, str] = {}
    wrong: list[str] = []
    given = [text for text in texts if text.strip()]
    for place, text in enumerate(given):
        if len(wrong) == NAMED_WRONG or len(clean) > MAX_ADDRESSES:
            # What follows is not looked at: it takes a while, and enough is said.
            wrong += [_("and %(n)d more") % {"n": len(given) - place}] * (len(wrong) == NAMED_WRONG)
            break
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
