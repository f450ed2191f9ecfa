"""What reports of connections mean, in whatever order they come. Pure.

A station may hold several connections for a while: it connects anew before anybody notices that the old one is dead,
and the old one is closed then. So each connection that has an id counts by itself; reports without one are of the
station, and the latest of them counts: a closing that names none closes all that were open before. So does one whose
name nobody opened, where the opening named none. Whoever hears the same reports comes to the same state, whatever their
order.

Moments are compared like with like. What two senders' clocks say (`at`, `received_at`) is in their order, in whole
seconds where one says no more. A moment by our own receipt has no order against such a stamp, by which a clock that is
a little behind speaks: what came to us first was first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

# So many connections of a station are remembered, for reports that come late.
REMEMBERED = 8
# So many stations of a source, and this share of those that were connected, or simply very many, that lose their
# connection within seconds are one event of the source.
LEAST_CLOSED, SHARE_CLOSED, MANY_CLOSED = 3, 0.5, 100
CLOSE_WITHIN, REMEMBERED_FOR = timedelta(seconds=30), timedelta(minutes=5)
# It is over when fewer than this share are still away; it holds back what it explains for so long. What closes is held
# back for as long as it takes to see whether others close with it.
ENDS_BELOW, HELD, SEEN_WITHIN = 0.1, timedelta(minutes=15), timedelta(seconds=40)
_TICK, _ONE_MOMENT = timedelta(microseconds=1), timedelta(microseconds=100)
# The id of what is reported of the station as a whole.
STATION = ""


class ConnectionReport(msgspec.Struct, kw_only=True):
    """A station's connection was opened or closed, at `at` (RFC 3339) or just now.

    `connection` names it where a station may have several: one that is closed after a newer one was opened disconnects
    nobody.
    """

    station: str
    connected: bool
    id: str | int | None = None
    at: str | None = None
    reason: str | None = None
    connection: str | None = None


class LinkReport(ConnectionReport, kw_only=True):
    """What the proxy knows of a connection beside that.

    `lost`: it was not closed by the station or its CSMS, because the proxy's own process ended. `opens` tells the
    opening from later reports that the connection lives. `messages` counts those so far.
    """

    route: str = ""
    process: str = ""
    protocol: str = ""
    code: int | None = None
    lost: bool = False
    opens: bool = False
    messages: int | None = None
    round_trip_ms: float | None = None
    csms_offset_s: float | None = None


@dataclass(slots=True)
class Connection:
    """One connection: when it was first and last said to be open, and when it was closed."""

    id: str
    opened_at: datetime | None = None
    heard_at: datetime | None = None
    closed_at: datetime | None = None
    # Whether the later of both is by our receipt.
    is_ours: bool = False

    @property
    def is_open(self) -> bool:
        if self.opened_at is None or self.heard_at is None:
            return False
        # A connection that is over is over; what is said of the station may change.
        return self.closed_at is None or (self.id == STATION and self.heard_at > self.closed_at)

    @property
    def since(self) -> datetime | None:
        """Since when it is open, as far as that was said."""
        return self.heard_at if self.id == STATION else self.opened_at

    @property
    def moment(self) -> datetime:
        return max(filter(None, (self.heard_at, self.closed_at)))


@dataclass(slots=True)
class Connections:
    """All that is remembered of a station's connections."""

    known: dict[str, Connection] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Sequence[str | None]]) -> Connections:
        """From what `rows` made."""
        found = {}
        for pk, *values in rows:
            opened, heard, closed = (datetime.fromisoformat(at) if at else None for at in values[:3])
            found[str(pk)] = Connection(str(pk), opened, heard, closed, is_ours=len(values) > 3)
        return cls(found)

    @property
    def rows(self) -> list[list[str | None]]:
        rows = []
        for one in self.known.values():
            moments = (at.isoformat() if at else None for at in (one.opened_at, one.heard_at, one.closed_at))
            rows.append([one.id, *moments, *(["ours"] if one.is_ours else [])])
        return rows

    def placed(self, pk: str, at: datetime, *, connected: bool) -> tuple[datetime, bool]:
        """The moment of a report that says one, behind what it changes, where that came first; and whether that is by
        our receipt."""
        if connected:
            ended = [one for one in self.known.values() if one.id == pk == STATION and not one.is_open]
        else:
            ended = [one for one in self.known.values() if one.is_open and (pk in (STATION, one.id) or not one.id)]
        before = [(one.moment + _TICK, one.is_ours) for one in ended if one.moment >= at]
        return max([(at, False), *(each for each in before if came_first(each[0], at, is_ours=each[1]))])

    def are_closed_by(self, pk: str, at: datetime) -> bool:
        """Whether a closing is that of the connection which is open, the last one."""
        if not self.is_connected:
            return False
        after = Connections.of(self.rows)
        after.hear(pk, at, connected=False)
        return not after.is_connected

    def hear(self, pk: str, at: datetime, *, connected: bool, is_ours: bool = False) -> None:
        """Takes a report in. Of what is said of a station for one moment, as by clocks of whole seconds, the last word
        counts: it is put right behind what was said before."""
        one = self.known.setdefault(pk, Connection(pk))
        if pk == STATION and (one.heard_at or one.closed_at) and one.is_open != connected:
            at = one.moment + _TICK if timedelta(0) <= one.moment - at < _ONE_MOMENT else at
        if not (one.heard_at or one.closed_at) or at >= one.moment:
            one.is_ours = is_ours
        if connected:
            one.opened_at = min(at, one.opened_at or at)
            one.heard_at = max(at, one.heard_at or at)
        else:
            one.closed_at = max(at, one.closed_at or at)
        for each in sorted(self.known.values(), key=lambda each: (each.is_open, each.moment))[:-REMEMBERED]:
            del self.known[each.id]

    def knows(self, pk: str) -> bool:
        """Whether a connection of this id was opened, as far as that is remembered."""
        return pk in self.known and self.known[pk].opened_at is not None

    def _is_open(self, one: Connection) -> bool:
        ends = [each.closed_at for each in self.known.values() if each.closed_at and self._ends(each, one)]
        return one.is_open and one.heard_at is not None and all(one.heard_at > end for end in ends)

    @staticmethod
    def _ends(closed: Connection, one: Connection) -> bool:
        """Whether the closing of one connection is that of another, where one of both was reported without its id."""
        if one.id == STATION:
            return closed.id != STATION and closed.opened_at is None
        return closed.id == STATION

    @property
    def _open(self) -> list[Connection]:
        """Those that are open: the newest, unless it was closed, and others that were heard of since one was closed.

        One that nobody has closed although newer ones came and went is dead, and nobody noticed.
        """
        newest = max(
            (one for one in self.known.values() if one.since), key=lambda one: (one.since, one.id), default=None
        )
        closed = self.closed_at
        return [
            one
            for one in self.known.values()
            if self._is_open(one) and (one is newest or closed is None or (one.heard_at or closed) >= closed)
        ]

    @property
    def is_connected(self) -> bool:
        return bool(self._open)

    @property
    def newest(self) -> str:
        """The id of the connection that was opened last."""
        opened = [one for one in self.known.values() if one.since]
        return max(opened, key=lambda one: (one.since, one.id)).id if opened else STATION

    @property
    def closed_at(self) -> datetime | None:
        """When a connection was closed last."""
        return max((one.closed_at for one in self.known.values() if one.closed_at), default=None)

    @property
    def since(self) -> datetime:
        """When the newest connection was opened that is open, or the last one closed."""
        opened = [one.since for one in self._open if one.since]
        return max(opened) if opened else self.closed_at or max(one.moment for one in self.known.values())


def came_first(known: datetime, at: datetime, *, is_ours: bool) -> bool:
    """Whether what is known was before a report that comes now and says when: as far as that can be compared."""
    return is_ours or (known if at.microsecond else known.replace(microsecond=0)) <= at


def mass_closing(closed: Sequence[datetime], connected: int) -> datetime | None:
    """When the first of many connections of a source closed that closed within seconds of one another; None where there
    are no such. `closed` in order; `connected` counts the stations that still are."""
    least = max(LEAST_CLOSED, min(MANY_CLOSED, SHARE_CLOSED * (connected + len(closed))))
    start = 0
    for end, moment in enumerate(closed):
        while moment - closed[start] > CLOSE_WITHIN:
            start += 1
        if end - start + 1 >= least:
            return closed[start]
    return None


def last_in_a_row(closed: Sequence[datetime], since: datetime) -> datetime:
    """When the last connection closed of those that closed in a row from this moment on. `closed` in order."""
    for moment in closed:
        if moment - since > CLOSE_WITHIN:
            break
        since = moment
    return since
