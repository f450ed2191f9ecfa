"""Charging sessions: from telemetry, with ends dated back, split by smart charging, also when samples are late."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from core.retention import prune_old
from tests.vehicles.helpers import (
    CAR,
    DRIVER,
    HOME,
    Json,
    at,
    events,
    fact,
    linked,
    notes,
    only,
    people,
    shown,
    states,
    sweep,
    take,
    telemetry,
)
from vehicles.models import ChargingSession, TelemetrySample, Vehicle
from vehicles.rules.sessions import Sample, Surroundings, derive
from vehicles.rules.timelines import Reports

SMART = {"geoLocation": "available", "startStopCharging": "available"}


def plugged(minutes: float, **more: Any) -> Json:
    return telemetry(at(minutes=minutes), **{"charge_state": "charging", "location": HOME, "power_kw": 7} | more)


def unplugged(minutes: float) -> Json:
    return telemetry(at(minutes=minutes), charge_state="disconnected")


def switch(minutes: float, on: bool) -> Json:
    return fact("charge_settings", at(minutes=minutes), vehicle=CAR, smart_charging=on)


def report_each(*facts: Json) -> None:
    for one in facts:
        take(one, now=datetime.fromisoformat(one["occurred_at"]))


def sessions() -> list[tuple[bool | None, float, float | None]]:
    """(managed, start, end) in minutes."""

    def minutes(moment: datetime | None) -> float | None:
        return None if moment is None else (moment - at()) / timedelta(minutes=1)

    rows = ChargingSession.objects.filter(withdrawn=False).order_by("started_at")
    return [(row.managed, minutes(row.started_at) or 0.0, minutes(row.ended_at)) for row in rows]


@pytest.fixture
def smart_car(db: None) -> None:
    people()
    take(linked("Tesla", capabilities=SMART), switch(-600, True), now=at(hours=-5))


pytestmark = pytest.mark.usefixtures("smart_car")


def test_a_session_ends_with_the_last_good_sample() -> None:
    report_each(plugged(0), plugged(10), plugged(20), unplugged(65))
    assert sessions() == [(True, 0, 20)]
    row = ChargingSession.objects.get()
    assert (row.end_reason, row.location is not None and row.location.external_id) == ("unplugged", HOME)


def test_switching_smart_charging_off_ends_the_managed_session_and_the_next_sample_opens_an_unmanaged_one() -> None:
    report_each(plugged(0), plugged(10), switch(15, False))
    assert sessions() == [(True, 0, 10)]
    assert shown() == {"ManagedSessionEnd"}
    report_each(plugged(20))
    assert sessions() == [(True, 0, 10), (False, 20, None)]
    assert only("UnmanagedSessionStart").facts["reason"] == "smart_charging_off"
    assert "smart charging is switched off" in only("UnmanagedSessionStart").body


def test_switching_it_on_again_makes_it_managed_with_the_next_sample() -> None:
    report_each(plugged(0), switch(5, False), plugged(10), switch(15, True), plugged(20))
    assert sessions() == [(True, 0, 0), (False, 10, 10), (True, 20, None)]


def test_off_and_on_between_two_samples_still_ends_the_session() -> None:
    report_each(plugged(0), switch(3, False), switch(6, True), plugged(10))
    assert sessions() == [(True, 0, 0), (True, 10, None)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (fact("vehicle", at(minutes=-5), vehicle=CAR, capabilities={"geoLocation": "blocked"}), "missing_capability"),
        (switch(-5, False), "smart_charging_off"),
        (fact("vehicle_contact", at(minutes=-5), vehicle=CAR, ok=True), ""),
    ],
)
def test_why_a_session_is_not_managed(change: Json, reason: str) -> None:
    report_each(change, plugged(0))
    row = ChargingSession.objects.get()
    assert (row.managed, row.reason) == (not reason, reason)


def test_an_unknown_place_is_not_managed() -> None:
    report_each(plugged(0, location=None))
    assert ChargingSession.objects.get().reason == "unknown_location"


def test_a_complete_or_stopped_car_is_still_plugged_in() -> None:
    report_each(plugged(0), plugged(10, charge_state="complete"), plugged(20, charge_state="stopped"))
    assert sessions() == [(True, 0, None)]


def test_a_late_sample_moves_the_beginning_and_tells_nothing_twice() -> None:
    report_each(plugged(10), plugged(20))
    take(plugged(0), now=at(minutes=30))
    assert sessions() == [(True, 0, None)]
    assert len(events(name="ManagedSessionStart")) == 1


def test_a_late_end_splits_a_session() -> None:
    report_each(plugged(0), plugged(30))
    take(unplugged(15), now=at(minutes=40))
    assert sessions() == [(True, 0, 0), (True, 30, None)]
    assert states("ManagedSessionStart") == ["resolved", "open"]
    assert states("ManagedSessionEnd") == ["open"]


def test_a_late_word_that_a_session_was_never_managed_withdraws_it() -> None:
    report_each(plugged(0))
    take(switch(-5, False), now=at(minutes=10))
    assert sessions() == [(False, 0, None)]
    assert ChargingSession.objects.filter(withdrawn=True).count() == 1
    assert (states("ManagedSessionStart"), states("UnmanagedSessionStart")) == (["resolved"], ["open"])


def test_a_sample_older_than_what_is_kept_changes_no_session() -> None:
    take(telemetry(at(days=-30), charge_state="charging"), now=at())
    assert sessions() == []
    assert Vehicle.objects.get().last_contact_at == at(days=-30)


def test_samples_are_pruned_and_sessions_stay(settings: Settings) -> None:
    report_each(plugged(0), unplugged(10))
    settings.RETENTION_MESSAGES_DAYS = 1  # as long as a late one may change a session they stay all the same
    assert "vehicles telemetrysample" not in prune_old(now=at(days=21))
    assert prune_old(now=at(days=23))["vehicles telemetrysample"] == 2
    assert (TelemetrySample.objects.count(), len(sessions())) == (0, 1)


def test_a_short_session_in_one_batch_is_told_by_its_end() -> None:
    take(plugged(0), plugged(20), unplugged(30), now=at(minutes=31))
    assert shown() == {"ManagedSessionEnd"}
    assert [(note.state, note.reason) for note in notes("ManagedSessionStart")] == [("resolved", "never_told")]


def test_no_power_waits_its_minutes_and_ends_with_power() -> None:
    report_each(plugged(0, power_kw=0))
    sweep(at(minutes=14))
    assert "ReceivedNoPower" not in shown()
    sweep(at(minutes=15))
    assert "ReceivedNoPower" in shown()
    report_each(plugged(20))
    assert states("ReceivedNoPower") == ["resolved"]


def test_a_command_to_charge_expects_power_of_a_stopped_car() -> None:
    report_each(plugged(0, charge_state="stopped", power_kw=None))
    sweep(at(minutes=30))
    assert "ReceivedNoPower" not in shown()
    report_each(
        fact("charging_command", at(minutes=31), vehicle=CAR, command="start"),
        plugged(32, charge_state="stopped", power_kw=None),
    )
    sweep(at(minutes=47))
    assert "ReceivedNoPower" in shown()


def test_sessions_that_the_sender_records_itself() -> None:
    session = {"session": "s-1", "vehicle": CAR}
    take(
        fact("charging_session", at(), **session, managed=False, started_at=at().isoformat(), reason="unknown_location")
    )
    assert shown() == {"UnmanagedSessionStart"}
    take(fact("charging_session", at(hours=1), **session, ended_at=at(minutes=50).isoformat()), now=at(hours=1))
    assert shown() == {"UnmanagedSessionEnd"}
    assert sessions() == [(False, 0, 50)]


def test_an_end_that_comes_before_its_beginning_waits_for_it() -> None:
    session = {"session": "s-1", "vehicle": CAR}
    take(fact("charging_session", at(hours=1), **session, ended_at=at(minutes=50).isoformat()), now=at(hours=1))
    assert shown() == set()
    take(fact("charging_session", at(), **session, managed=True, started_at=at().isoformat()), now=at(hours=2))
    assert shown() == {"ManagedSessionEnd"}


def test_a_settled_session_is_read_no_more_and_a_late_word_opens_it_again() -> None:
    report_each(plugged(0), unplugged(10))
    sweep(at(days=1))
    assert ChargingSession.objects.get().settled
    assert states("ManagedSessionEnd") == ["expired"]
    take(plugged(5), now=at(days=2))
    assert sessions() == [(True, 0, 5)]
    assert states("ManagedSessionEnd") == ["expired"]


def test_a_new_driver_of_a_car_gets_the_next_session_and_the_old_one_loses_the_open_one() -> None:
    report_each(plugged(0))
    assert shown() == {"ManagedSessionStart"}
    take(fact("vehicle", at(minutes=5), vehicle=CAR, driver="driver-8"), now=at(minutes=5))
    assert shown(DRIVER) == set()
    assert shown("driver-8") == set()
    report_each(unplugged(10))
    assert ChargingSession.objects.get().settled
    report_each(plugged(20))
    assert shown("driver-8") == {"ManagedSessionStart"}


def test_samples_that_say_nothing_end_nothing() -> None:
    reports = Reports({"smart_charging": [["2020-01-01T00:00:00.000000Z", True]]})
    samples = [Sample(at(minutes=0), "charging"), Sample(at(minutes=5), "unknown"), Sample(at(minutes=9), "")]
    (session,) = derive(samples, Surroundings(reports))
    assert (session.ended_at, session.last_at) == (None, at())
