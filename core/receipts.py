"""By which a repetition is known: receipts of what was taken with its sender's own id.

An id is its sender's own, so it counts for one key, one endpoint and one sender (a station, a vehicle, a box). Beside
it stands a digest of the content: the same id with the same content is a repetition. With other content it is a mistake
of the sender's, unless its protocol lets ids restart, as OCPP does with each connection: there the content belongs to
the identity. Content is what was decoded, in one canonical form: the order of keys, blanks between them, and how a
number is spelt do not matter.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
from django.conf import settings
from django.db import connection

from core.models import ApiReceipt
from core.sql import columns, insert_rows

_COLUMNS = columns(ApiReceipt, "scope", "digest", "said_at", "repeats_until", "received_at")
# Whole numbers beyond this are not exact as floats, so they are not the same number in another spelling.
_EXACT = 2**53
# A number with a point or an exponent, or a text that looks like one.
_MAYBE_FLOAT = re.compile(rb"[\[,:]-?\d+[.eE]")

# A shorter id may be a counter, which begins anew when its device boots. What has such an id and no moment of its own
# is the same message only for a while: later the same words are said again.
_UNIQUE_ID = 16
REPEATS_WITHIN = timedelta(hours=1)
TOLD_ANEW = "Its `id` was sent before with the same content, but something else was told since; it was taken."


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was taken: `scope` and `digest` are 32 hexadecimal digits.

    With `repeats_until` a repetition counts as one only from `said_at` until then, or from that long before.
    """

    scope: str
    digest: str
    said_at: datetime
    repeats_until: datetime | None = None

    def is_repeated_by(self, other: Receipt) -> bool:
        """Whether another of the same scope is the same thing again, as far as time says."""
        ends = (self.repeats_until, other.repeats_until)
        if ends[0] is None or ends[1] is None:
            return True
        return ends[0] >= other.said_at and ends[1] >= self.said_at


def may_restart(external_id: str | int | None) -> bool:
    """Whether an id, if there is one, may be a counter that begins anew."""
    return external_id is None or len(str(external_id)) < _UNIQUE_ID


def digest_of_content(content: Any) -> str:
    """A digest of decoded JSON values; equal for equal content, however it was spelt."""
    try:
        return _digest(msgspec.json.encode(_canonical(content), order="sorted"))
    except RecursionError:  # too deep to walk through: the spelling that came is the one that counts
        return _digest(msgspec.json.encode(content))


def digest_of_json(value: Any) -> str:
    """The same of JSON values alone, as a message's payload: most hold no number that could be spelt otherwise."""
    encoded = msgspec.json.encode(value, order="sorted")
    return digest_of_content(value) if _MAYBE_FLOAT.search(encoded) else _digest(encoded)


def scope_of(key_id: int, endpoint: str, sender: str, external_id: str, digest: str = "") -> str:
    """Within what an id counts; with a digest where the protocol lets ids restart."""
    return _digest("\0".join((str(key_id), endpoint, sender, external_id, digest)).encode())


def _digest(data: bytes) -> str:
    """Keyed, because contents such as a PIN are few enough to be tried out."""
    return hashlib.blake2b(data, digest_size=16, key=settings.SECRET_KEY.encode()[:64]).hexdigest()


def _canonical(value: Any) -> Any:
    """The same value in the one spelling that counts: whole floats are whole numbers, moments are of UTC."""
    match value:
        case float():
            return int(value) if value.is_integer() and abs(value) <= _EXACT else value
        case Mapping():
            return {str(key): _canonical(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_canonical(inner) for inner in value]
        case Decimal():
            return _canonical(float(value))
        case Enum():
            return value.value
        case datetime():
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        case msgspec.Struct():
            return _canonical({name: getattr(value, name) for name in value.__struct_fields__})
        case msgspec.UnsetType():
            return None
    return value


def write_receipts(receipts: Iterable[Receipt], now: datetime) -> set[str]:
    """Remembers receipts of different scopes and returns the scopes that are new, in one statement.

    Sorted, so that two batches with the same ids wait for one another instead of dead-locking.
    """
    rows = sorted((r.scope, r.digest, r.said_at, r.repeats_until, now) for r in receipts)
    new = insert_rows(
        "console_apireceipt AS r",
        _COLUMNS,
        rows,
        "ON CONFLICT (scope) DO UPDATE SET said_at = EXCLUDED.said_at, repeats_until = EXCLUDED.repeats_until"
        " WHERE r.repeats_until < EXCLUDED.said_at OR EXCLUDED.repeats_until < r.said_at RETURNING r.scope",
    )
    return {scope.hex for (scope,) in new}


def digests_of(scopes: Sequence[str]) -> dict[str, str]:
    """With which content each of these was taken."""
    if not scopes:
        return {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT scope, digest FROM console_apireceipt WHERE scope = ANY(%s::uuid[])", [list(scopes)])
        return {scope.hex: digest.hex for scope, digest in cursor.fetchall()}
