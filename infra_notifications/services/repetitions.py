"""Which messages under an id that was sent before repeat an earlier one, and which tell a state anew.

Counters of messages restart when a station boots or connects anew. What has such an id and no moment of its own is the
same message only for a while: later the same words are said again. And what says that something is wrong or well is
taken again when its teller has since said anything else of that: to lose a raise or a clear is worse than to hear a
late retry. Two things still show a retry for what it is: the device's own moment, which belongs to its content, and a
`received_at` that is not after that of the newer state. Of a batch that is sent again only the last word of a teller is
looked at, for the batch as a whole changes nothing when that is the present one. Signals and reports of connections,
which begin and end something, are taken again in the same way, unless they say when or their id is too long for a
counter.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import connection

from core.receipts import REPEATS_WITHIN, may_restart
from core.sql import array_literal
from infra_notifications.choices import MessageVerdict
from infra_notifications.rules.oddities import has_moment

# These tell a state that holds until another is told.
STATES = frozenset(("StatusNotification", "NotifyEvent"))
# What only proves life may be taken twice.
LIFE_REPEATS_WITHIN = timedelta(minutes=1)
# What raised or ended something, or would have.
_VERDICTS = sorted(set(MessageVerdict) - {MessageVerdict.SEEN, MessageVerdict.INFO})
# So far back the last status of a charge point is looked for.
_LOOKED_AT = 1_000
_LAST = """
SELECT k.id, k.station, l.payload::text, l.received_at
FROM unnest(%(ids)s::bigint[], %(stations)s::text[]) AS k(id, station) CROSS JOIN LATERAL (
  SELECT s.payload, s.received_at FROM (
    SELECT m.payload, m.received_at, m.action, m.verdict, m.id FROM infra_notifications_chargepointmessage m
    WHERE {} ORDER BY m.id DESC LIMIT %(looked_at)s
  ) s WHERE s.action = ANY(%(actions)s) OR s.verdict = ANY(%(verdicts)s) ORDER BY s.received_at DESC, s.id DESC LIMIT 1
) l
"""
_OF_POINTS = _LAST.format("m.charge_point_id = k.id")
_OF_STATIONS = _LAST.format("m.charge_point_id IS NULL AND m.station = k.station")

# A charge point by its key, or a station as a whole.
Teller = tuple[int | None, str]


@dataclass(frozen=True, slots=True)
class Told:
    """What says in a batch that something is wrong or well: `repeats` when its id and content were sent before,
    `stamped` when its forwarder says when it was received; `payload` as it is stored."""

    row: int
    teller: Teller
    action: str
    payload: Any
    received_at: datetime
    repeats: bool
    stamped: bool


def repeats_within(external_id: str, payload: Any, *, is_life_only: bool) -> timedelta | None:
    """For how long the same id with the same content is the same message; None where it always is."""
    if not may_restart(external_id) or has_moment(payload):
        return None
    return LIFE_REPEATS_WITHIN if is_life_only else REPEATS_WITHIN


def told_anew(statuses: Iterable[Told]) -> set[int]:
    """The rows that repeat what was sent before and yet say what is new, because something else was told between."""
    ordered = sorted(statuses, key=lambda told: told.received_at)
    repeated = {told.teller for told in ordered if told.repeats}
    # What is repeated is found, whatever came of it.
    present = _last_told(repeated, STATES.union(told.action for told in ordered if told.repeats))
    final = {told.teller: told.row for told in ordered}
    anew = set()
    for told in ordered:
        if not told.repeats:
            present[told.teller] = (told.payload, told.received_at)
        elif final[told.teller] == told.row and _differs(told, present.get(told.teller)):
            anew.add(told.row)
    return anew


@dataclass(frozen=True, slots=True)
class Switch:
    """What says that something begins or ends, and not when: `of` names it, `repeats` as in `Told`."""

    row: int
    of: Hashable
    begins: bool
    repeats: bool


def switched_anew(switches: Iterable[Switch], present: Mapping[Hashable, bool]) -> set[int]:
    """The rows, in their order, that repeat what was sent before although the opposite holds since; `present` says what
    holds. Of a batch the last word alone is looked at, as of statuses."""
    ordered, holds = list(switches), dict(present)
    final = {switch.of: switch.row for switch in ordered}
    anew = set()
    for switch in ordered:
        if not switch.repeats:
            holds[switch.of] = switch.begins
        elif final[switch.of] == switch.row and holds.get(switch.of, switch.begins) != switch.begins:
            anew.add(switch.row)
    return anew


def _differs(told: Told, present: tuple[Any, datetime] | None) -> bool:
    if has_moment(told.payload):
        return False
    if present is None:
        return True
    payload, received_at = present
    return bool(payload != told.payload) and (told.received_at > received_at or not told.stamped)


def _last_told(tellers: Iterable[Teller], actions: Iterable[str]) -> dict[Teller, tuple[Any, datetime]]:
    """What each of these told last: by such a message, or by another that raised or ended something."""
    found: dict[Teller, tuple[Any, datetime]] = {}
    of_points = [teller for teller in tellers if teller[0] is not None]
    of_stations = [teller for teller in tellers if teller[0] is None]
    for statement, asked in ((_OF_POINTS, of_points), (_OF_STATIONS, of_stations)):
        if not asked:
            continue
        values: dict[str, Any] = {
            "ids": array_literal(pk for pk, _station in asked),
            "stations": array_literal(station for _pk, station in asked),
            "actions": sorted(actions),
            "verdicts": _VERDICTS,
            "looked_at": _LOOKED_AT,
        }
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            rows = cursor.fetchall()
        found |= {(pk, station): (msgspec.json.decode(payload), at) for pk, station, payload, at in rows}
    return found
