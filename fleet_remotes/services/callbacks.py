"""Callbacks: creating them, and storing what they receive."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from core.refusal import Refused
from core.services import digest_of
from core.text import SLUG
from fleet_remotes.models import Callback, Fleet
from fleet_remotes.services import nudges
from fleet_remotes.services.bulk_writes import store_bodies

# RFC 9110's token; some names would never reach us, or are not the vendor's to set.
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,60}")
_TAKEN = ("host", "content-length", "content-type", "connection", "transfer-encoding", "cookie")


@dataclass(frozen=True, slots=True)
class Body:
    """A callback's body as it was received."""

    callback_id: int
    body: bytes
    received_at: datetime


def create_callback(
    *,
    slug: str,
    fleet: Fleet,
    header_name: str,
    header_value: str = "",
    callback_id: str = "",
    batch_window_s: int = 0,
    silent_after_s: int = 900,
) -> tuple[Callback, str]:
    """Creates a callback and returns it with its header's value, which is not stored, and generated when none is given.

    Raises Refused for a bad or taken slug, a header that cannot be one, or a value that is guessed quickly.
    """
    slug, header_name = slug.strip().lower(), header_name.strip()
    value = header_value.strip() or secrets.token_urlsafe(32)
    check_header(header_name, value)
    if not SLUG.fullmatch(slug) or len(slug) > 60:
        raise Refused(_("Give a short name of letters, digits and hyphens."), field="slug")
    callback = Callback(
        slug=slug,
        fleet=fleet,
        header_name=header_name,
        header_digest=digest_of(value),
        callback_id=callback_id.strip(),
        batch_window_s=batch_window_s,
        silent_after_s=silent_after_s,
        status="Running" if callback_id.strip() else "",
    )
    try:
        with transaction.atomic():
            callback.save()
    except IntegrityError as error:
        raise Refused(_("There is a callback of this slug or vendor’s id already."), code="unique") from error
    return callback, value


def check_header(name: str, value: str) -> None:
    if not _HEADER.fullmatch(name) or name.lower() in _TAKEN:
        raise Refused(_("This is no header that the vendor can send, e.g. Authorization."), field="header_name")
    if len(value) < 16 or len(value) > 500 or not value.isascii() or not value.isprintable():
        raise Refused(_("Give 16 to 500 printable ASCII characters, or none for a random one."), field="header_value")


def header_matches(callback: Callback, value: str) -> bool:
    """Compares each in constant time; only the digests of the right value, and of those before it, are known here."""
    right, given = (callback.header_digest, *callback.earlier_at(timezone.now())), digest_of(value)
    return any(hmac.compare_digest(digest, given) for digest in right)


def demo_header() -> str:
    """The header's value of the demo's callback: the simulator, a process of its own, finds it by the same secret."""
    return "Bearer " + salted_hmac("fleet_remotes.demo", "callback").hexdigest()


def take_bodies(bodies: Sequence[Body]) -> list[None]:
    """Stores bodies in one insert, and wakes a worker that applies them."""
    store_bodies([(item.callback_id, item.body, item.received_at) for item in bodies])
    nudges.apply_soon()
    return [None] * len(bodies)


def count_refused(*, callback: Callback, now: datetime) -> None:
    """A wrong header: nothing is stored but this count. The vendor repeats for 72 h, so a mistake loses nothing."""
    Callback.objects.filter(pk=callback.pk).update(refused=F("refused") + 1, last_refused_at=now)
