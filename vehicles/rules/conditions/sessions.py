"""Charging sessions: begun, ended, impossible, without power."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from vehicles.rules.clocks import as_moment
from vehicles.rules.sessions import CHARGING, COMPLETE
from vehicles.rules.snapshot import Session, Snapshot, Vehicle
from vehicles.rules.windows import Thresholds, Window, condition, of_vehicle

# What a driver is told that a car does that is plugged in; by default just that.
ACTIVITIES = {CHARGING: "charging", COMPLETE: "charged"}


def _sessions(snapshot: Snapshot, *, managed: bool) -> Iterator[tuple[Vehicle, Session]]:
    for vehicle in snapshot.vehicles:
        for session in vehicle.sessions:
            if session.managed is managed and not is_of_former_driver(vehicle, session):
                yield vehicle, session


def is_of_former_driver(vehicle: Vehicle, session: Session) -> bool:
    """Whether a session began before the car came to its driver."""
    begun, came = session.started_at or session.ended_at, vehicle.reports.since("driver")
    return begun is not None and came is not None and begun < came and bool(vehicle.reports.before("driver"))


def _subject(session: Session) -> str:
    return f"session:{session.key}"


def _facts(session: Session) -> Mapping[str, Any]:
    return {
        "reason": session.reason,
        "activity": ACTIVITIES.get(session.charge_state, "plugged_in"),
        "started_at": session.started_at.isoformat() if session.started_at else "",
        "ended_at": session.ended_at.isoformat() if session.ended_at else "",
        "energy": session.energy_kwh if session.energy_kwh is not None else "",
    }


def _starts(snapshot: Snapshot, *, managed: bool) -> Iterator[Window]:
    for vehicle, session in _sessions(snapshot, managed=managed):
        begins = session.started_at
        yield from of_vehicle(vehicle, begins, subject=_subject(session), ends=session.ended_at, facts=_facts(session))


def _ends(snapshot: Snapshot, thresholds: Thresholds, *, managed: bool) -> Iterator[Window]:
    for vehicle, session in _sessions(snapshot, managed=managed):
        begins = session.ended_at
        ends = begins + timedelta(hours=thresholds["hours"]) if begins else None
        yield from of_vehicle(
            vehicle, begins, subject=_subject(session), ends=ends, expires=True, facts=_facts(session)
        )


@condition("managed_session_started")
def managed_session_started(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """A managed session is recorded. Over when it ends."""
    return _starts(snapshot, managed=True)


@condition("managed_session_ended")
def managed_session_ended(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Window]:
    """A managed session ended: unplugged, or smart charging was switched off."""
    return _ends(snapshot, thresholds, managed=True)


@condition("unmanaged_session_started")
def unmanaged_session_started(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """An unmanaged session is recorded, with the reason why it is not managed."""
    return _starts(snapshot, managed=False)


@condition("unmanaged_session_ended")
def unmanaged_session_ended(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Window]:
    """An unmanaged session ended."""
    return _ends(snapshot, thresholds, managed=False)


@condition("session_impossible")
def session_impossible(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """By the newest plan of an open managed session, the battery will hold less than wanted when it must be ready. Over
    at that moment, or when it holds as much."""
    for vehicle, session in _sessions(snapshot, managed=True):
        plan, planned_at = vehicle.reports.latest("plan"), vehicle.reports.since("plan")
        if session.ended_at is not None or session.started_at is None or planned_at is None:
            continue
        if vehicle.is_linked and _concerns(plan, planned_at, session.started_at) and _falls_short(plan, session):
            facts = {"target": plan["target_soc"], "forecast": plan["forecast_soc"], "ready_by": plan.get("ready_by")}
            begins, seen_at = max(planned_at, session.started_at), vehicle.reports.reported_at("plan")
            ends = as_moment(plan.get("ready_by"))
            yield from of_vehicle(
                vehicle, begins, subject=_subject(session), ends=ends, expires=True, seen_at=seen_at, facts=facts
            )


def _concerns(plan: Any, planned_at: datetime, started_at: datetime) -> bool:
    """Whether a plan is one of this session: made since it began, or for a departure after its beginning."""
    ready_by = as_moment(plan.get("ready_by")) if isinstance(plan, dict) else None
    return planned_at >= started_at or (ready_by is not None and ready_by > started_at)


def _falls_short(plan: Any, session: Session) -> bool:
    target, forecast = plan.get("target_soc"), plan.get("forecast_soc")
    is_reached = target is not None and session.soc_last is not None and session.soc_last >= target
    return target is not None and forecast is not None and forecast < target and not is_reached


@condition("received_no_power")
def received_no_power(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Window]:
    """The car is plugged in and ought to charge, and for so many minutes no power came."""
    for vehicle in snapshot.vehicles:
        for session in vehicle.sessions if vehicle.is_linked else ():
            if session.no_power_since is None or session.ended_at is not None:
                continue
            since = session.no_power_since
            begins = since + timedelta(minutes=thresholds["minutes"])
            yield from of_vehicle(vehicle, begins, subject=_subject(session))
