"""Addresses as people type and paste them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from email_validator import EmailNotValidError, validate_email

MAX_ADDRESSES = 200

_BETWEEN = re.compile(r"[\s,;]+")
# `Anna Muster <anna@example.org>`, as mail programs copy it; the name may be quoted and hold a comma.
_NAMED = re.compile(r"""(?:"[^"<>]*"|[^,;<>\n"])*<([^<>]*)>""")


def addresses_in(texts: Iterable[str]) -> list[str]:
    """What was typed or pasted, address by address; names beside them are left out."""
    return [part for text in texts for part in _BETWEEN.split(_NAMED.sub(r" \1 ", text)) if part]


def clean_address(text: str) -> str:
    """An address in the form that mail servers take: the domain in ASCII. Raises ValidationError with a sentence."""
    try:
        found = validate_email(text.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise ValidationError(
            _("“%(text)s” is no e-mail address: %(why)s") % {"text": text.strip()[:100], "why": error},
            code="email",
        ) from error
    return f"{found.local_part}@{found.ascii_domain}"


def clean_addresses(texts: Iterable[str]) -> list[str]:
    """Addresses in their order, each once. Raises ValidationError that names every wrong one."""
    clean: dict[str, str] = {}
    wrong: list[str] = []
    for text in texts:
        if not text.strip():
            continue
        try:
            address = clean_address(text)
            clean.setdefault(address.lower(), address)
        except ValidationError as error:
            wrong += error.messages
    if len(clean) > MAX_ADDRESSES:
        wrong.append(
            _("At most %(n)d addresses; use a mailing list of your mail server for more.") % {"n": MAX_ADDRESSES}
        )
    if wrong:
        raise ValidationError({"emails": wrong})
    return list(clean.values())
