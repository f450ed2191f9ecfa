"""Mailing lists that a person can leave with one click. The app that owns a list registers how to leave it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext as _
from email_validator import EmailNotValidError, validate_email

MAX_ADDRESSES = 200

_SALT = "outbox.unsubscribe"


@dataclass(frozen=True)
class MailingList:
    """`title(key)` names the list for people (None when it is gone); `leave(key, address)` says if it stood there."""

    prefix: str
    title: Callable[[str], str | None]
    leave: Callable[[str, str], bool]


_lists: dict[str, MailingList] = {}


def register_list(mailing_list: MailingList) -> None:
    _lists[mailing_list.prefix] = mailing_list


def list_of(key: str) -> MailingList | None:
    return _lists.get(key.partition(":")[0])


def unsubscribe_url(list_key: str, address: str) -> str:
    """The address's own link to leave the list: signed, without time limit, as RFC 8058 wants it, and always the
    same, so that a mail tried or sent again reads as it did before."""
    token = signing.Signer(salt=_SALT).sign_object([list_key, address])
    return f"{settings.PUBLIC_URL}{_page()}{token}/"


@cache
def _page() -> str:
    """The path that a token follows; looked up once, for a mail is written in a fraction of a millisecond."""
    return reverse("outbox:unsubscribe", args=["-"]).removesuffix("-/")


def read_token(token: str) -> tuple[str, str] | None:
    try:
        list_key, address = signing.Signer(salt=_SALT).unsign_object(token)
    except (signing.BadSignature, ValueError):
        return None
    return list_key, address


# ---- addresses as they are typed ------------------------------------------------------------------------------------

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
