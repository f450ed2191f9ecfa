"""What time brings to a fleet: connections that are lost, vehicles that nobody saw or rode, stations empty or full.

Each is told once per occurrence: what was told is kept beside the vehicle (`BikeState`) and the station (`fill`), and
is forgotten when the box speaks, the vehicle is ridden, or the station has some of both again. What a station is
when it is first looked at is nothing that happened.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max
from django.db.models.functions import Coalesce

from bikeshare.choices import BikeStatus, OpenStatus
from bikeshare.event_kinds.payloads import ConnectionLost, NotRidden, NotSeen, StationFill
from bikeshare.models import Bike, BikeState, LockBoxState, Program, Station
from bikeshare.rules.watching import HANDLED
from bikeshare.selectors import attach_docks, rows_of
from bikeshare.services.unit_of_work import ResourceUnitOfWork

# Of each kind so many of a program are told at a sweep; the rest follows at the next.
AT_ONCE = 500
# How a station stood at the last look; "" when there was none.
EMPTY, FULL, SOME = "empty", "full", "some"


def watch_fleets(*, now: datetime) -> None:
    """Looks through all programs, each in a transaction of its own."""
    for program in Program.objects.order_by("pk"):
        with ResourceUnitOfWork.begin(now) as work:
            if program.connection_lost_min and _is_heard(program, now):
                _tell_lost(work, program)
            if program.unseen_days:
                _tell_unseen(work, program)
            if program.unridden_days:
                _tell_unridden(work, program)
            if program.watch_stations:
                _tell_fill(work, program)


def _is_heard(program: Program, now: datetime) -> bool:
    """Whether anything of the program speaks: else its source is silent, not its vehicles."""
    newest = LockBoxState.objects.filter(boitier__program=program).aggregate(at=Max("last_seen"))["at"]
    return newest is not None and newest > now - timedelta(minutes=program.connection_lost_min)


def _in_use(program: Program, **conditions: Any) -> list[Bike]:
    rows = rows_of(Bike).filter(program=program, **conditions).exclude(status__in=(*HANDLED, BikeStatus.LOST))
    return list(rows.order_by("pk")[:AT_ONCE])


def _silent_since(work: ResourceUnitOfWork, span: timedelta) -> dict[str, Any]:
    return {"boitier__state__last_seen__lt": work.now - span}


def _note(rows: list[Bike], **told: datetime) -> None:
    BikeState.objects.filter(vehicule__in=[row.pk for row in rows]).update(**told)


def _tell_lost(work: ResourceUnitOfWork, program: Program) -> None:
    silent = _silent_since(work, timedelta(minutes=program.connection_lost_min))
    rows = _in_use(program, told__connection_lost_at=None, **silent)
    for row in rows:
        assert row.state is not None
        seen = row.state.last_seen
        work.publish("x.vehicule.connection.lost", row, ConnectionLost, key=str(seen), last_seen=seen)
    _note(rows, connection_lost_at=work.now)


def _tell_unseen(work: ResourceUnitOfWork, program: Program) -> None:
    silent = _silent_since(work, timedelta(days=program.unseen_days))
    rows = _in_use(program, told__unseen_at=None, **silent)
    for row in rows:
        assert row.state is not None
        seen = row.state.last_seen
        days = program.unseen_days
        work.publish("x.vehicule.unseen", row, NotSeen, key=str(seen), last_seen=seen, days=days)
    _note(rows, unseen_at=work.now)


def _tell_unridden(work: ResourceUnitOfWork, program: Program) -> None:
    since = work.now - timedelta(days=program.unridden_days)
    idle = rows_of(Bike).select_related("told").annotate(idle_since=Coalesce("told__ridden_at", "created"))
    rows = list(
        idle.filter(program=program, status=BikeStatus.READY, on_trip=False, told__unridden_at=None)
        .filter(idle_since__lt=since)
        .order_by("pk")[:AT_ONCE]
    )
    for row in rows:
        ridden = row.told.ridden_at
        days, key = program.unridden_days, str(ridden or row.created)
        work.publish("x.vehicule.unridden", row, NotRidden, key=key, last_ridden=ridden, days=days)
    _note(rows, unridden_at=work.now)


def _tell_fill(work: ResourceUnitOfWork, program: Program) -> None:
    """Empty and full stations, by what stands there or by what their feed says."""
    stations = list(Station.objects.filter(program=program).order_by("pk"))
    attach_docks(stations)
    changed: dict[str, list[str]] = {EMPTY: [], FULL: [], SOME: []}
    for station in stations:
        vehicules, free = _counts(station)
        fill = _fill(vehicules, free) if station.status == OpenStatus.OPEN else station.fill
        if fill in ("", station.fill):
            continue
        changed[fill].append(station.pk)
        if fill != SOME and station.fill:
            key = f"{fill}:{work.now.isoformat()}"
            work.publish(f"x.station.{fill}", station, StationFill, key=key, vehicules=vehicules, free_docks=free)
    for fill, ids in changed.items():
        if ids:
            Station.objects.filter(pk__in=ids).update(fill=fill)


def _counts(station: Any) -> tuple[int | None, int | None]:
    """Vehicles and free places; None where nobody knows."""
    docks, here = station.dock_counts, station.vehicule_count
    if docks["total"]:
        return max(here, docks["vehicules"]), docks["free"]
    if station.external_id and not here:
        return station.reported_vehicules, station.reported_docks
    return here, None if station.capacity is None else max(0, station.capacity - here)


def _fill(vehicules: int | None, free: int | None) -> str:
    """How a station stands; "" where nobody knows."""
    if free == 0 and vehicules != 0:
        return FULL
    if vehicules is None:
        return ""
    return SOME if vehicules else EMPTY
