"""Keeps telemetry and the sessions that follow from it, also when a sample comes late."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

import msgspec
from django.db import connection

from core.sql import columns, insert_rows, take_ids, update_rows
from vehicles.ingest import SampleReport
from vehicles.models import ChargingSession, TelemetrySample
from vehicles.models.charging import SAMPLES_MATTER_DAYS
from vehicles.rules.sessions import (
    LONGEST_PAUSE,
    NEEDED,
    Derived,
    Recorded,
    Sample,
    Surroundings,
    derive,
    follow,
    match,
)
from vehicles.rules.timelines import Raw, Reports
from vehicles.services.unit_of_work import EntityChange, EntityUnitOfWork

# Changes of these may begin or end a session, or say that power was expected.
DECISIVE_FIELDS = ("smart_charging", "command", "removed", *(f"capability.{name}" for name in NEEDED))

_SAMPLE = columns(TelemetrySample, "vehicle_id", "at", "charge_state", "location", "power_kw", "soc")
_ID = columns(ChargingSession, "id")[0]
_DERIVED = (
    *("managed", "reason", "started_at", "ended_at", "end_reason", "last_at", "no_power_since", "soc_start"),
    *("soc_last", "charge_state"),
)
_OWN = columns(ChargingSession, "no_power_since", "soc_last")
_FOLLOWED = columns(ChargingSession, *_DERIVED, "location_id", "withdrawn", "settled")


_OWN_OPEN = "NOT c.derived AND NOT c.settled AND c.ended_at IS NULL AND c.started_at IS NOT NULL"


def take_samples(*, samples: Iterable[SampleReport], work: EntityUnitOfWork) -> None:
    """Keeps samples and derives the sessions anew of every vehicle that they or its settings may have changed."""
    from_moment: dict[int, datetime] = {}
    vehicles = {vehicle.id: vehicle for vehicle in work.of("vehicle")}
    rows: dict[tuple[int, datetime, str], Sample] = {}
    oldest = work.now - timedelta(days=SAMPLES_MATTER_DAYS)
    for report in samples:
        sample, vehicle_id = report.sample, work.id_of("vehicle", report.vehicle)
        if sample.at >= oldest:
            key = (vehicle_id, sample.at, sample.charge_state)
            # Of one moment the one that came last is the last.
            rows[key] = _both(rows.pop(key, sample), sample)
    for vehicle in vehicles.values():
        for name in DECISIVE_FIELDS:
            if name in vehicle.news:
                _note(from_moment, vehicle.id, vehicle.news[name])
    said = [(key[0], rows[key]) for key in sorted(rows, key=itemgetter(0, 1))]
    _insert([(vehicle_id, sample) for vehicle_id, sample in said if sample.charge_state])
    silent = _of_plugged_in([(vehicle_id, sample) for vehicle_id, sample in said if not sample.charge_state])
    _insert(silent)
    for vehicle_id, sample in (*((v, s) for v, s in said if s.charge_state), *silent):
        _note(from_moment, vehicle_id, sample.at)
    if from_moment:
        _follow(from_moment, vehicles)
    _end_open("vehicle_removed", "v.id = ANY(%s)", _gone(vehicles.values(), "removed", True))
    _end_open("account_unlinked", "v.account_id = ANY(%s)", _gone(work.of("account"), "linked", False))
    _end_open("place_removed", "c.location_id = ANY(%s) AND c.managed", _gone(work.of("location"), "removed", True))


def _gone(entities: Iterable[EntityChange], field: str, value: bool) -> list[int]:
    return [entity.id for entity in entities if field in entity.news and entity.reports.latest(field) is value]


def _end_open(reason: str, which: str, ids: list[int], *more: Any, passing: str = "") -> None:
    """Ends the open sessions of what is gone or silent, with their last good sample."""
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE vehicles_chargingsession SET ended_at = coalesce(last_at, started_at), end_reason = %s,"  # noqa: S608
            " no_power_since = NULL WHERE id IN (SELECT c.id FROM vehicles_chargingsession c"
            f" JOIN vehicles_vehicle v ON v.id = c.vehicle_id WHERE {which} AND c.ended_at IS NULL"
            f" AND NOT c.withdrawn AND c.started_at IS NOT NULL ORDER BY c.id FOR NO KEY UPDATE OF c {passing})",
            [reason, sorted(ids), *more],
        )


def end_silent_sessions(*, driver_ids: Sequence[int], now: datetime) -> None:
    """Ends sessions of which there was no sample for a day. One that a batch of facts holds is left to that batch."""
    which = "v.driver_id = ANY(%s) AND c.derived AND c.last_at <= %s"
    _end_open("no_samples", which, list(driver_ids), now - LONGEST_PAUSE, passing="SKIP LOCKED")


def _both(sample: Sample, other: Sample) -> Sample:
    """Of two words about one moment the later one counts, as far as it says something."""
    power = sample.power_kw if other.power_kw is None else other.power_kw
    soc = sample.soc if other.soc is None else other.soc
    return Sample(sample.at, sample.charge_state, other.location or sample.location, power, soc)


def _of_plugged_in(samples: Sequence[tuple[int, Sample]]) -> list[tuple[int, Sample]]:
    """Of samples that say nothing of the plug, those of cars that were plugged in, or whose sender records a session
    of its own: no other has one."""
    if not samples:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT x.number FROM unnest(%s::bigint[], %s::timestamptz[]) WITH ORDINALITY AS x(id, at, number)"  # noqa: S608
            " LEFT JOIN LATERAL (SELECT s.charge_state FROM vehicles_telemetrysample s WHERE s.vehicle_id = x.id"
            " AND s.at <= x.at AND s.at > x.at - make_interval(secs => %s) AND s.charge_state NOT IN ('', 'unknown')"
            " ORDER BY s.at DESC, s.id DESC LIMIT 1) AS s ON true WHERE s.charge_state <> 'disconnected'"
            " OR EXISTS (SELECT FROM vehicles_chargingsession c WHERE c.vehicle_id = x.id AND c.started_at <= x.at"
            f" AND {_OWN_OPEN})"
            " ORDER BY x.number",
            [
                [vehicle_id for vehicle_id, _ in samples],
                [sample.at for _, sample in samples],
                LONGEST_PAUSE.total_seconds(),
            ],
        )
        return [samples[number - 1] for (number,) in cursor.fetchall()]


def _note(moments: dict[int, datetime], vehicle_id: int, at: datetime) -> None:
    moments[vehicle_id] = min(moments.get(vehicle_id, at), at)


def _insert(samples: Sequence[tuple[int, Sample]]) -> None:
    # The same as _both, with what was kept before.
    insert_rows(
        "vehicles_telemetrysample",
        _SAMPLE,
        [(v, s.at, s.charge_state, s.location, s.power_kw, s.soc) for v, s in samples],
        "ON CONFLICT (vehicle_id, at, charge_state) DO UPDATE SET"
        " location = coalesce(nullif(EXCLUDED.location, ''), vehicles_telemetrysample.location),"
        " power_kw = coalesce(EXCLUDED.power_kw, vehicles_telemetrysample.power_kw),"
        " soc = coalesce(EXCLUDED.soc, vehicles_telemetrysample.soc)",
    )


def _follow(from_moment: Mapping[int, datetime], vehicles: Mapping[int, EntityChange]) -> None:
    ids = sorted(from_moment)
    anchors = _anchors(ids, [from_moment[vehicle_id] for vehicle_id in ids])
    samples, (recorded, others) = _samples_since(anchors), _sessions_since(anchors)
    locations, places = _locations(samples)
    accounts = _accounts(ids)
    fresh: list[tuple[int, Derived]] = []
    rows: list[tuple[Any, ...]] = []
    for vehicle_id in ids:
        earlier = recorded.get(vehicle_id, [])
        around = Surroundings(vehicles[vehicle_id].reports, accounts.get(vehicle_id, Reports()), places)
        derived = derive(samples.get(vehicle_id, []), around)
        continued, new = match(derived, earlier)
        rows += [(old, *_row(session, locations)) for old, session in continued.items()]
        rows += [_withdrawn(old) for old in earlier if old.id not in continued]
        fresh += [(vehicle_id, session) for session in new]
    update_rows("vehicles_chargingsession", _ID, _FOLLOWED, rows)
    own = [(key, one) for key in ids for one in others.get(key, ())]
    update_rows(
        "vehicles_chargingsession", _ID, _OWN, [_own(one, samples.get(key, ()), vehicles[key]) for key, one in own]
    )
    _create(fresh, vehicles, locations)


def _own(recorded: Recorded, samples: Iterable[Sample], vehicle: EntityChange) -> tuple[Any, ...]:
    """What the samples say of an open session that its sender records."""
    session = Derived(recorded.managed is True, "", recorded.started_at, recorded.started_at)
    follow(session, samples, vehicle.reports)
    return (recorded.id, session.no_power_since, session.soc_last)


def _anchors(ids: Sequence[int], moments: Sequence[datetime]) -> list[tuple[int, datetime | None]]:
    """For each vehicle the last unplugged sample before a moment, alone at its own: no session reaches across it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT x.id, (SELECT s.at FROM vehicles_telemetrysample s WHERE s.vehicle_id = x.id AND s.at < x.at"
            " AND s.charge_state = 'disconnected' AND NOT EXISTS (SELECT FROM vehicles_telemetrysample o WHERE"
            " o.vehicle_id = s.vehicle_id AND o.at = s.at AND o.id <> s.id) ORDER BY s.at DESC LIMIT 1)"
            " FROM unnest(%s::bigint[], %s::timestamptz[]) AS x(id, at)",
            [list(ids), list(moments)],
        )
        return [(vehicle_id, at) for vehicle_id, at in cursor.fetchall()]


_SINCE = "FROM unnest(%s::bigint[], %s::timestamptz[]) AS x(id, at)"


def _arrays(anchors: Sequence[tuple[int, datetime | None]]) -> list[list[Any]]:
    return [[vehicle_id for vehicle_id, _at in anchors], [at for _vehicle_id, at in anchors]]


def _samples_since(anchors: Sequence[tuple[int, datetime | None]]) -> dict[int, list[Sample]]:
    samples: dict[int, list[Sample]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.vehicle_id, s.at, s.charge_state, s.location, s.power_kw, s.soc"
            f" {_SINCE} JOIN vehicles_telemetrysample s ON s.vehicle_id = x.id AND (x.at IS NULL OR s.at >= x.at)"
            " ORDER BY s.id",
            _arrays(anchors),
        )
        for vehicle_id, *values in cursor.fetchall():
            samples[vehicle_id].append(Sample(*values))
    return samples


_Sessions = dict[int, list[Recorded]]


def _sessions_since(anchors: Sequence[tuple[int, datetime | None]]) -> tuple[_Sessions, _Sessions]:
    """Those that follow from samples; and the open ones that senders record."""
    found: tuple[_Sessions, _Sessions] = (defaultdict(list), defaultdict(list))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.derived, c.vehicle_id, c.id, c.managed, c.started_at, coalesce(c.ended_at, c.last_at)"
            f" {_SINCE} JOIN vehicles_chargingsession c ON c.vehicle_id = x.id AND NOT c.withdrawn AND CASE"
            f" WHEN c.derived THEN x.at IS NULL OR coalesce(c.ended_at, c.last_at) >= x.at ELSE {_OWN_OPEN} END"
            " ORDER BY c.id",
            _arrays(anchors),
        )
        for derived, vehicle_id, *values in cursor.fetchall():
            found[0 if derived else 1][vehicle_id].append(Recorded(*values))
    return found


def _locations(samples: Mapping[int, Sequence[Sample]]) -> tuple[dict[str, int], dict[str, Reports]]:
    """The places where cars were: their ids, and whether they were removed."""
    keys = {sample.location for some in samples.values() for sample in some if sample.location}
    if not keys:
        return {}, {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT external_id, id, coalesce(reports -> 'removed', '[]')::text FROM vehicles_charginglocation"
            " WHERE external_id = ANY(%s)",
            [list(keys)],
        )
        rows = cursor.fetchall()
    return {key: pk for key, pk, _ in rows}, {key: _timeline("removed", text) for key, _pk, text in rows}


def _accounts(vehicle_ids: Sequence[int]) -> dict[int, Reports]:
    """Of each car, whether its account was linked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT v.id, (a.reports -> 'linked')::text FROM vehicles_vehicle v JOIN vehicles_oemaccount a"
            " ON a.id = v.account_id AND a.reports ? 'linked' WHERE v.id = ANY(%s)",
            [list(vehicle_ids)],
        )
        return {vehicle_id: _timeline("linked", text) for vehicle_id, text in cursor.fetchall()}


def _timeline(name: str, text: str) -> Reports:
    raw: Raw = {name: msgspec.json.decode(text)}
    return Reports(raw)


def _row(derived: Derived, locations: Mapping[str, int]) -> tuple[Any, ...]:
    """A session that goes on or ended, as the samples say."""
    return (*(getattr(derived, name) for name in _DERIVED), locations.get(derived.location), False, False)


def _withdrawn(old: Recorded) -> tuple[Any, ...]:
    """A session that a late sample said was none."""
    ended = old.ended_at
    return (old.id, old.managed, "", old.started_at, ended, "withdrawn", ended, None, None, None, "", None, True, True)


def _create(
    fresh: Sequence[tuple[int, Derived]], vehicles: Mapping[int, EntityChange], locations: Mapping[str, int]
) -> None:
    if not fresh:
        return
    ids = take_ids("vehicles_chargingsession", len(fresh))
    identity = columns(ChargingSession, "id", "external_id", "vehicle_id")
    constants = columns(ChargingSession, "reports", "derived", "created_at")
    rows = []
    for (vehicle_id, session), pk in zip(fresh, ids, strict=True):
        key = f"{vehicles[vehicle_id].key}@{session.started_at:%Y%m%dT%H%M%S}-{pk}"
        rows.append((pk, key, vehicle_id, *_row(session, locations), "{}", True, session.last_at))
    insert_rows("vehicles_chargingsession", (*identity, *_FOLLOWED, *constants), rows)
