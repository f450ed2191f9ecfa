"""Feeds that break: silence, backlogs that are replayed, logins that flap; and sessions of which nothing is heard."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.vehicles.cases import plugged, smart, unplugged
from tests.vehicles.helpers import (
    CAR,
    HOME,
    Json,
    account,
    at,
    car,
    due,
    events,
    fact,
    linked,
    only,
    people,
    shown,
    states,
    take,
    telemetry,
)
from vehicles.catalogue import TYPES
from vehicles.choices import DriverChannel
from vehicles.models import ChargingSession, Driver
from vehicles.services.evaluation import sweep_due

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def a_driver(db: None) -> None:
    people()


def other_car(hours: float, key: int = 1) -> None:
    """The feed is heard of another car."""
    take(fact("telemetry", at(hours=hours), vehicle="car-9"), now=at(hours=hours), key=key, alone=True)


def tried(hours: float) -> None:
    take(fact("vehicle_contact", at(hours=hours), vehicle=CAR, ok=False), now=at(hours=hours), alone=True)


def until(hours: float) -> None:
    """The periodic task at every hour up to then."""
    for hour in range(int(hours) + 1):
        sweep_due(now=at(hours=hour))


# ---- silence --------------------------------------------------------------------------------------------------------


@pytest.fixture
def a_car() -> None:
    take(linked("Tesla"), telemetry(at()))


@pytest.mark.usefixtures("a_car")
def test_a_feed_that_is_silent_makes_no_car_unreachable() -> None:
    until(60)
    assert shown() == set()


@pytest.mark.usefixtures("a_car")
def test_a_car_is_silent_while_its_feed_is_heard() -> None:
    for hours in range(5, 26, 5):
        other_car(hours)
    until(24)
    assert shown() == {"CarNotReachable"}


@pytest.mark.usefixtures("a_car")
def test_another_feed_says_nothing_about_it() -> None:
    for hours in range(5, 26, 5):
        other_car(hours, key=2)
    until(26)
    assert shown() == set()


@pytest.mark.usefixtures("a_car")
def test_a_feed_that_is_back_gives_a_car_its_time_anew() -> None:
    for hours in (30, 35, 40, 45, 50, 53):
        other_car(hours)
        sweep_due(now=at(hours=hours))
    assert shown() == set()
    other_car(54)
    until(60)
    assert shown() == {"CarNotReachable"}


@pytest.mark.parametrize(("failed", "is_silent"), [((1, 25), True), ((25,), True), ((1,), True), ((23,), False)])
@pytest.mark.usefixtures("a_car")
def test_failed_attempts_prove_a_silence_without_a_feed(failed: tuple[float, ...], is_silent: bool) -> None:
    for hours in failed:
        tried(hours)
    until(26)
    assert ("CarNotReachable" in shown()) is is_silent


# ---- a backlog ------------------------------------------------------------------------------------------------------


def replay(*facts: Json, seconds: float) -> None:
    now = at(seconds=seconds)
    sweep_due(now=now)
    take(*facts, now=now, alone=True)


def test_a_backlog_is_judged_when_it_is_told() -> None:
    take(*smart(), now=at(days=-5))
    replay(plugged(-30, power_kw=0), seconds=0)
    replay(plugged(-29, power_kw=0), seconds=20)
    replay(unplugged(-25), seconds=50)
    sweep_due(now=at(seconds=100))
    assert shown() == set()
    sweep_due(now=at(seconds=110))
    assert "ReceivedNoPower" not in shown()
    assert states("ReceivedNoPower") == []
    assert Driver.objects.get(external_id="driver-7").unsettled_since is None


def test_something_new_has_the_backlog_judged_at_once() -> None:
    replay(linked("Renault", at(days=-6)), account(at(hours=-5), auth_state="invalid_credentials"), seconds=0)
    assert shown() == set()
    replay(telemetry(at(seconds=5)), seconds=6)
    assert "InvalidCredentials" in shown()


def test_a_backlog_without_an_end_is_judged_after_a_while() -> None:
    replay(linked("Renault", at(days=-6)), account(at(hours=-5), auth_state="invalid_credentials"), seconds=0)
    for step in range(1, 30):
        replay(telemetry(at(hours=-4, seconds=step)), seconds=30 * step)
    assert due() == at(minutes=15)
    sweep_due(now=at(minutes=15))
    assert "InvalidCredentials" in shown()


def test_what_a_person_tells_is_judged_at_once() -> None:
    take(linked("Renault", at(days=-6)), account(at(hours=-5), auth_state="revoked"), key=0, alone=True)
    assert "InvalidCredentials" in shown()


# ---- flapping -------------------------------------------------------------------------------------------------------


def test_a_login_that_flaps_is_one_mail() -> None:
    take(linked("Renault"), account(at(days=-6), auth_state="ok"))
    for minutes in range(0, 60, 10):
        take(account(at(minutes=minutes), auth_state="invalid_credentials"), now=at(minutes=minutes))
        take(account(at(minutes=minutes + 5), auth_state="ok"), now=at(minutes=minutes + 5))
    assert len(events(name="InvalidCredentials")) == 1
    take(account(at(minutes=90), auth_state="invalid_credentials"), now=at(minutes=90))
    sweep_due(now=at(hours=24))
    assert len(events(name="InvalidCredentials")) == 2


def test_whatever_is_mailed_and_may_come_again_has_a_cooldown() -> None:
    mailed = [entry for entry in TYPES.values() if DriverChannel.EMAIL in entry.ways and not entry.once]
    assert [entry.name for entry in mailed if not entry.cooldown_h] == []


# ---- sessions -------------------------------------------------------------------------------------------------------


def sessions() -> list[tuple[float, float | None, str]]:
    rows = ChargingSession.objects.filter(withdrawn=False).order_by("started_at")
    hour = timedelta(hours=1)
    return [
        (
            (row.started_at - at()) / hour if row.started_at else 0,
            (row.ended_at - at()) / hour if row.ended_at else None,
            row.end_reason,
        )
        for row in rows
    ]


def live(*facts: tuple[float, Json]) -> None:
    for hours, one in facts:
        take(one, now=at(hours=hours))


def test_a_session_without_samples_ends_at_its_last_good_one() -> None:
    take(*smart())
    live((0, plugged(0)), (2, plugged(2)))
    sweep_due(now=at(hours=25))
    assert sessions() == [(0, None, "")]
    assert due() == at(hours=26)
    sweep_due(now=at(hours=26))
    assert sessions() == [(0, 2, "no_samples")]
    assert only("ManagedSessionEnd").begins == at(hours=2)
    live((40, plugged(40)))
    assert sessions() == [(0, 2, "no_samples"), (40, None, "")]


GONE = {"account_unlinked": account(at(hours=1), linked=False), "vehicle_removed": car(at(hours=1), removed=True)}
BACK = {"account_unlinked": account(at(hours=3), linked=True), "vehicle_removed": car(at(hours=3), removed=False)}


@pytest.mark.parametrize("reason", GONE)
def test_a_sample_after_an_unlink_opens_no_session_again(reason: str) -> None:
    take(account(at(days=-6), auth_state="ok"), *smart())
    live((0, plugged(0)), (1, GONE[reason]), (2, plugged(2)))
    assert sessions() == [(0, 0, reason)]
    live((3, BACK[reason]), (4, plugged(4)))
    assert sessions() == [(0, 0, reason), (4, None, "")]


def test_a_removed_place_ends_the_managed_session_there() -> None:
    take(*smart())
    live((0, plugged(0)), (1, fact("charging_location", at(hours=1), location=HOME, removed=True)))
    assert sessions() == [(0, 0, "place_removed")]
    live((2, plugged(2)))
    assert [row.reason for row in ChargingSession.objects.order_by("started_at")] == ["", "unknown_location"]
