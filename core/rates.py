"""How often somebody may ask: token buckets that all processes share, without a statement in any request.

A process counts in its memory. Once a second a thread of it (`start`) writes what was spent to the database, one
statement for all buckets, and takes over what is left there after the others have spent theirs. Within that second each
process may give away what it believes to be left; what was too much is owed, so that over time the limit holds
(docs/decisions/0039-rate-limits.md).
"""

from __future__ import annotations

import math
import os
import threading
import uuid
from hashlib import blake2b
from time import monotonic
from typing import Any, NamedTuple

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, connections
from django.http import HttpRequest

from core.addresses import site_of

log = structlog.get_logger("signalbox.rates")
SHARE_EVERY_S = 1.0
# So many buckets are remembered; those that are full again say nothing and go.
MOST = 20_000
# A key may save up so many seconds of its rate, for what a sender sends after it was away.
SAVED_S = 10


class Limit(NamedTuple):
    """A bucket of `burst` that fills by `per_s`; none where that is 0. `name` is what answers call it."""

    name: str
    per_s: float
    burst: float


class Verdict(NamedTuple):
    """Whether it may be, and what is left of it."""

    limit: Limit
    left: float

    @property
    def is_refused(self) -> bool:
        return self.left < 0

    @property
    def retry_after_s(self) -> int:
        return max(1, math.ceil(-self.left / self.limit.per_s))

    @property
    def headers(self) -> dict[str, str]:
        """`RateLimit` and `RateLimit-Policy` as draft-ietf-httpapi-ratelimit-headers writes them, and how long to wait
        where it is refused."""
        name, per_s, burst = self.limit
        left = max(0, int(self.left))
        told = {
            "RateLimit-Policy": f'"{name}";q={burst:.0f};w={math.ceil(burst / per_s)}',
            "RateLimit": f'"{name}";r={left};t={math.ceil((burst - left) / per_s)}',
        }
        return told | {"Retry-After": str(self.retry_after_s)} if self.is_refused else told


class _Bucket:
    __slots__ = ("at", "left", "limit", "spent")

    def __init__(self, limit: Limit, at: float) -> None:
        self.limit, self.left, self.at, self.spent = limit, limit.burst, at, 0.0

    def fill(self, at: float) -> None:
        self.left = min(self.limit.burst, self.left + (at - self.at) * self.limit.per_s)
        self.at = at


class Buckets:
    """What this process knows of what is left; threads share it."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], _Bucket] = {}
        self._lock = threading.Lock()

    def spend(self, limit: Limit, who: str) -> Verdict | None:
        """Takes one of what somebody may do, if one is left; None where there is no limit."""
        if limit.per_s <= 0:
            return None
        at = monotonic()
        with self._lock:
            bucket = self.held.get((limit.name, who))
            if bucket is None or bucket.limit != limit:
                if len(self.held) >= MOST:
                    self._forget_full(at)
                bucket = self.held[limit.name, who] = _Bucket(limit, at)
            bucket.fill(at)
            if bucket.left < 1:
                return Verdict(limit, bucket.left - 1)
            bucket.left -= 1
            bucket.spent += 1
            return Verdict(limit, bucket.left)

    def give_back(self, limit: Limit, who: str) -> None:
        """What was taken and turned out not to be limited."""
        with self._lock:
            if (bucket := self.held.get((limit.name, who))) is not None:
                bucket.left += 1
                bucket.spent -= 1

    def clear(self) -> None:
        with self._lock:
            self.held.clear()

    def _forget_full(self, at: float) -> None:
        """Makes room: buckets that are full again, and at last those that were made first."""
        for name, bucket in [*self.held.items()]:
            bucket.fill(at)
            if bucket.left >= bucket.limit.burst and not bucket.spent:
                del self.held[name]
        while len(self.held) >= MOST:
            del self.held[next(iter(self.held))]

    def share(self) -> None:
        """Tells the other processes what was spent here since the last time, and hears what is left for all."""
        with self._lock:
            told = {
                _row_of(*name): (name, bucket.spent, bucket.limit) for name, bucket in self.held.items() if bucket.spent
            }
        if not told:
            return
        # Settings are whole numbers, and psycopg takes no list of such and others.
        columns: list[Any] = [
            list(told),
            [float(n) for _name, n, _limit in told.values()],
            [float(limit.burst) for _name, _n, limit in told.values()],
            [float(limit.per_s) for _name, _n, limit in told.values()],
        ]
        with connection.cursor() as cursor:
            cursor.execute(_SHARE, columns)
            rows = cursor.fetchall()
        at = monotonic()
        with self._lock:
            for row, left in rows:
                name, number, _limit = told[row]
                if (bucket := self.held.get(name)) is not None:
                    bucket.spent -= number
                    # What was spent while the others were told is not in it yet.
                    bucket.left, bucket.at = left - bucket.spent, at


buckets = Buckets()
spend, give_back, clear, share = buckets.spend, buckets.give_back, buckets.clear, buckets.share


# ---- who is limited in what -----------------------------------------------------------------------------------------


def of_key(key_id: object) -> Verdict | None:
    """A request with a key, or with another credential that is known."""
    per_s = settings.API_RATE_PER_S
    return spend(Limit("key", per_s, per_s * SAVED_S), str(key_id))


def of_stranger(request: HttpRequest) -> Verdict | None:
    """A request with a credential that is wrong, by its address."""
    per_min = settings.WRONG_KEYS_PER_MIN
    return spend(Limit("address", per_min / 60, per_min), site_of(request))


def sign_in_limit() -> Limit:
    """Passwords that are tried, by address, and by person where the person is known."""
    per_min = settings.SIGN_INS_PER_MIN
    return Limit("sign-in", per_min / 60, per_min)


# ---- shared by all processes ----------------------------------------------------------------------------------------

# A row holds what is left after a process has spent its part; a new one begins with a full bucket.
_SHARE = """
INSERT INTO console_rateaccount AS t (id, left_over, burst, per_s, at)
SELECT id, burst - spent, burst, per_s, now()
FROM unnest(%s::uuid[], %s::float8[], %s::float8[], %s::float8[]) AS x (id, spent, burst, per_s) ORDER BY id
ON CONFLICT (id) DO UPDATE SET at = EXCLUDED.at, burst = EXCLUDED.burst, per_s = EXCLUDED.per_s,
  left_over = greatest(-EXCLUDED.burst,
    least(EXCLUDED.burst, t.left_over + extract(epoch FROM EXCLUDED.at - t.at) * EXCLUDED.per_s)
    - (EXCLUDED.burst - EXCLUDED.left_over))
RETURNING id, left_over
"""


def _row_of(name: str, who: str) -> uuid.UUID:
    """Nothing of an address can be read out of it."""
    keyed = blake2b(f"{name}:{who}".encode(), digest_size=16, key=settings.SECRET_KEY.encode()[:64])
    return uuid.UUID(bytes=keyed.digest())


class _Sharing:
    """The thread of this process, begun once and again after a fork."""

    def __init__(self) -> None:
        self._pid = 0

    def start(self) -> None:
        if self._pid != os.getpid():
            self._pid = os.getpid()
            threading.Thread(target=_go_on_sharing, name="rates", daemon=True).start()


def _go_on_sharing() -> None:
    waiting = threading.Event()
    while not waiting.wait(SHARE_EVERY_S):
        try:
            share()
        except (DatabaseError, InterfaceError) as error:
            log.warning("rates not shared", error=str(error).strip().split("\n")[0])
        finally:
            connections.close_all()


start = _Sharing().start
