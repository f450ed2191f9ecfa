"""The checks before sending and the wake-up budget: pure, each finding for its own reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from fleet_remotes.catalogue.advice import words_for
from fleet_remotes.choices import CAPABILITY_OF, Capability, Kind
from fleet_remotes.rules.budget import Budget, forecast_of, month_of, next_month, resting_until
from fleet_remotes.rules.preflight import Level, OpenAction, SendingContext, VehicleSnapshot, preflight
from fleet_remotes.rules.retrying import auto_retry_delay, may_post_again
from tests.fleet_remotes.helpers import NOW, at

ABLE = VehicleSnapshot(capabilities=frozenset(Capability.values))
ASLEEP = ("notes", "Asleep")


def found(kind: Kind = Kind.LIGHTS, context: SendingContext | None = None, **more: Any) -> list[tuple[str, str]]:
    findings = preflight(kind, {"on": True}, replace(ABLE, **more), context or SendingContext())
    found = [(f.level.value, str(f.code)) for f in findings]
    assert (ASLEEP in found) == (more.get("awake_until") is None)
    return [finding for finding in found if finding != ASLEEP]


@pytest.mark.parametrize("kind", Kind)
def test_nothing_speaks_against_an_able_vehicle(kind: Kind) -> None:
    assert found(kind) == []


@pytest.mark.parametrize("kind", CAPABILITY_OF)
def test_each_kind_needs_its_own_capability(kind: Kind) -> None:
    others = frozenset(Capability.values) - {CAPABILITY_OF[kind]}
    assert found(kind, capabilities=others) == [("blocks", "NotCapable")]
    assert found(kind, capabilities=None) == [("warns", "CapabilityUnknown")]


def test_immobilisation_is_no_capability_and_needs_none() -> None:
    assert found(Kind.IMMOBILIZATION, capabilities=frozenset()) == []


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"has_id": False}, ("blocks", "NoVehicleId")),
        ({"privacy": "Full"}, ("blocks", "PrivacyOn")),
        ({"privacy": "Geolocation"}, ("warns", "PositionHidden")),
        ({"open_actions": (OpenAction(7, "lights", {"on": True}),)}, ("blocks", "SameActionOpen")),
        ({"open_actions": (OpenAction(7, "lights", {"on": False}),)}, ("waits", "OppositeOpen")),
        ({"open_actions": (OpenAction(7, "door", {"on": True}),)}, ("waits", "VehicleBusy")),
        ({"battery_level": 19}, ("warns", "BatteryLow")),
        ({"is_stolen": True}, ("warns", "DeclaredStolen")),
        ({"budget": Budget(used=40, limit=40)}, ("blocks", "WakeUpBudgetUsed")),
        ({"budget": Budget(used=40, learnt=40)}, ("warns", "WakeUpsUsedUp")),
        ({"budget": Budget(used=3, limit=40, refused=True)}, ("warns", "WakeUpsUsedUp")),
        ({"budget": Budget(used=3, refused=True)}, ("warns", "WakeUpsUsedUp")),
        ({"budget": Budget(resting_until=at(60))}, ("waits", "WokenUpOften")),
    ],
)
def test_each_fact_is_found(more: dict[str, Any], expected: tuple[str, str]) -> None:
    assert found(**more) == [expected]
    assert str(words_for(expected[1]))


@pytest.mark.parametrize("budget", [Budget(used=40, learnt=40), Budget(refused=True), Budget(used=9, limit=9)])
def test_a_wake_up_is_not_sent_when_none_is_left(budget: Budget) -> None:
    assert found(Kind.WAKE_UP, budget=budget) == [("blocks", "WakeUpBudgetUsed")]


@pytest.mark.parametrize("more", [{"battery_level": 20}, {"privacy": "None"}, {"privacy": ""}])
def test_what_is_well_is_no_finding(more: dict[str, Any]) -> None:
    assert found(**more) == []
    assert found(Kind.CHARGING, battery_level=1) == []
    assert found(Kind.STOLEN, is_stolen=True) == []


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (SendingContext(is_stopped=True), ("blocks", "FleetStopped")),
        (SendingContext(is_set_up=False), ("blocks", "SendingNotSetUp")),
        (SendingContext(has_callback=False), ("blocks", "NoCallback")),
        (SendingContext(paused_until=at(9)), ("waits", "Throttled")),
    ],
)
def test_what_sending_stands_on_is_checked(context: SendingContext, expected: tuple[str, str]) -> None:
    assert found(context=context) == [expected]


def test_waits_say_until_when() -> None:
    vehicle = replace(ABLE, budget=Budget(resting_until=at(60)))
    _asleep, finding = preflight(Kind.LIGHTS, {}, vehicle, SendingContext())
    assert (finding.level, finding.until) == (Level.WAITS, at(60))


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    "budget", [Budget(used=9, limit=9), Budget(used=9, learnt=9), Budget(refused=True), Budget(resting_until=at(60))]
)
def test_what_is_awake_is_not_woken_up(kind: Kind, budget: Budget) -> None:
    assert found(kind, budget=budget, awake_until=at(60)) == []


# ---- budget ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "learnt", "effective"), [(None, None, None), (40, None, 40), (None, 31, 31), (40, 31, 40), (9, 31, 9)]
)
def test_what_a_person_set_wins_over_what_was_learnt(
    limit: int | None, learnt: int | None, effective: int | None
) -> None:
    budget = Budget(used=9, limit=limit, learnt=learnt)
    assert budget.effective == effective
    assert budget.left == (None if effective is None else effective - 9)
    assert budget.is_exhausted == (effective == 9)
    refused = replace(budget, refused=True)
    assert refused.is_exhausted == (limit != 40)


def test_six_in_twenty_minutes_ask_for_a_rest() -> None:
    wakes = [at(50), at(40), at(30), at(20), at(10), at(0)]
    assert resting_until(wakes[:5], burst=6, burst_s=1_200) is None
    assert resting_until(wakes, burst=6, burst_s=1_200) == at(1_200)
    assert resting_until([at(60), *wakes], burst=6, burst_s=1_200) == at(1_210)
    assert resting_until(wakes, burst=0, burst_s=1_200) is None


@pytest.mark.parametrize(
    ("used", "at_end", "used_up_on"),
    [
        (0, 0, None),
        (10, 15, None),
        (27, 40, None),
        (28, 41, date(2026, 11, 30)),
        (39, 57, date(2026, 11, 21)),
        (40, 59, date(2026, 11, 21)),
    ],
)
def test_forecast_goes_on_as_the_month_began(used: int, at_end: int, used_up_on: date | None) -> None:
    forecast = forecast_of(Budget(used=used, limit=40), datetime(2026, 11, 21, 9, tzinfo=UTC))
    assert (forecast.at_month_end, forecast.used_up_on) == (at_end, used_up_on)


def test_forecast_without_a_budget_names_no_day_and_the_first_day_is_not_the_whole_truth() -> None:
    assert forecast_of(Budget(used=5), NOW).used_up_on is None
    first = datetime(2026, 11, 1, 0, 5, tzinfo=UTC)
    assert forecast_of(Budget(used=2, limit=100), first).at_month_end == 60


def test_months_are_of_utc_and_follow_one_another() -> None:
    assert month_of(datetime(2026, 12, 1, 0, 30, tzinfo=UTC)) == date(2026, 12, 1)
    assert month_of(datetime.fromisoformat("2026-12-01T00:30:00+01:00")) == date(2026, 11, 1)
    assert next_month(date(2026, 12, 1)) == date(2027, 1, 1)


# ---- retries --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "minutes"),
    [
        ("VehicleConnectionTimeout", [20]),
        ("GeneralError", [5]),
        ("TooManyRequestInShortTime", [20, 60]),
        ("TooManyRequestSent", [20, 60]),
        ("DoorsOpen", []),
        ("MissingRights", []),
        ("TooManyWakeUpsOverMonth", []),
        ("VehicleInUse", []),
        ("NewThing", []),
        ("", []),
    ],
)
def test_retries_follow_the_failure_table(cause: str, minutes: list[int]) -> None:
    delays = [auto_retry_delay(kind=Kind.CHARGING, cause=cause, tries=tries) for tries in range(3)]
    assert delays == [timedelta(minutes=m) for m in minutes] + [None] * (3 - len(minutes))


@pytest.mark.parametrize("kind", Kind)
def test_what_startles_or_locks_out_is_never_repeated(kind: Kind) -> None:
    never = kind in (Kind.DOOR, Kind.IMMOBILIZATION, Kind.STOLEN, Kind.HORN, Kind.LIGHTS)
    assert (auto_retry_delay(kind=kind, cause="GeneralError", tries=0) is None) == never
    assert may_post_again(kind) != never
