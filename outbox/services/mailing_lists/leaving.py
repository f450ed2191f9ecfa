"""Mailing lists that a person can leave with one click. The app that owns a list registers how to leave it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django.conf import settings
from django.core import signing
from django.urls import reverse

from core.registry import Registry

_SALT = "outbox.unsubscribe"


@dataclass(frozen=True)
class FoundList:
    """A mailing list as others see it; `url` is its page in the console."""

    name: str
    language: str
    addresses: list[str]
    url: str


@dataclass(frozen=True)
class MailingList:
    """`title(key)` names the list for people (None when it is gone); `leave(key, address)` says if it stood there."""

    prefix: str
    title: Callable[[str], str | None]
    leave: Callable[[str, str], bool]
    # Who else is on it, to be told of its addresses' troubles; None for what is one person's.
    find: Callable[[str], FoundList | None] | None = None
    # Called in the transaction that lets mail go again to addresses that had been paused.
    resumed: Callable[[Sequence[str], datetime], None] | None = None


_lists: Registry[MailingList] = Registry("mailing list")


def register_list(mailing_list: MailingList) -> None:
    """Raises ValueError for a prefix that another list has."""
    _lists.add(mailing_list.prefix, mailing_list)


def list_of(key: str) -> MailingList | None:
    return _lists.get(key.partition(":")[0])


def resume_on_lists(addresses: Sequence[str], now: datetime) -> None:
    """Says to all lists that mail goes to these addresses again, so that they catch up. Belongs to a transaction."""
    for mailing_list in _lists.values():
        if addresses and mailing_list.resumed is not None:
            mailing_list.resumed(addresses, now)


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
