"""Everything that time brings about: at its moment, across changes of the clock, after a sweep that was down, once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.vehicles.helpers import (
    ACCOUNT,
    CAR,
    DRIVER,
    EMAIL,
    HOME,
    Json,
    contract,
    driver,
    due,
    events,
    fact,
    linked,
    notes,
    only,
    report_each,
    service,
    states,
    sweep,
    take,
    telemetry,
)
from vehicles.services import notifications as services
from vehicles.services.campaigns import save_campaign, start_campaign

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PARIS, NEW_YORK, TOKYO = "Europe/Paris", "America/New_York", "Asia/Tokyo"


def utc(month: int, day: int, hour: int = 0, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@dataclass(frozen=True)
class Timed:
    """One notification that facts prepare and time brings about at `begins`, for a driver in a zone."""

    name: str
    how: str
    facts: list[Json]
    begins: datetime
    zone: str = PARIS
    down: tuple[timedelta, ...] = (timedelta(0), 5 * HOUR, 5 * DAY)
    campaign: dict[str, Any] = field(default_factory=dict)


def renault(state: str, told: datetime, **data: Any) -> list[Json]:
    return [linked("Renault", utc(10, 1)), service(state, told, **data)]


def month(kind: str, period: str, zone: str, begins: datetime) -> Timed:
    """What is told when a month is over where the driver lives."""
    known: dict[str, tuple[str, Json]] = {
        "reimbursement": ("ChargingCostReimbursement", {"reimbursement": "m", "qualified": True}),
        "cost_statement": ("ElexentChargingCostsOverview", {"statement": "e", "provider": "Elexent"}),
    }
    name, values = known[kind]
    told = begins - 20 * DAY
    return Timed(name, f"{period} in {zone}", [fact(kind, told, driver=DRIVER, period=period, **values)], begins, zone)


def supplied(last_day: str, zone: str, begins: datetime) -> Timed:
    """A contract that is over when its last day is, by the clock where it is supplied."""
    told = begins - 20 * DAY
    place = fact("charging_location", told, location=HOME, driver=DRIVER, time_zone=zone)
    facts = [place, contract("valid", told, valid_to=last_day)]
    return Timed("ReconnectUtilityContract", f"{last_day} in {zone}", facts, begins, TOKYO)


# In Paris the clocks go back on 25 October 2026 at 1:00 UTC and forward on 28 March 2027 at 1:00 UTC; in New York they
# go back on 1 November 2026 at 6:00 UTC. Tokyo's never change.
TIMED = [
    # So many hours are hours that pass, whatever the clock on the wall does meanwhile.
    Timed(
        "CarNotReachable",
        "a day of 25 hours",
        [linked("Tesla", utc(10, 1)), telemetry(utc(10, 24, 12))],
        utc(10, 25, 12),
    ),
    Timed(
        "CarNotReachable",
        "a day of 23 hours",
        [linked("Tesla", utc(10, 1)), telemetry(utc(3, 27, 12, year=2027))],
        utc(3, 28, 12, year=2027),
    ),
    Timed(
        "CheckCarActivation",
        "a day of 25 hours",
        [linked("Tesla", utc(10, 1)), fact("pairing", utc(10, 24, 20), vehicle=CAR, step="completed")],
        utc(10, 25, 20),
    ),
    Timed(
        "AudiPairingNotComplete",
        "three days with a change",
        [
            linked("Audi", utc(10, 1), user_role="primary"),
            fact("vehicle", utc(10, 23, 8), vehicle=CAR, enrollment="started"),
        ],
        utc(10, 26, 8),
    ),
    # 2:50 in Paris, then the hour from two to three comes again. After a day of silence that explains it.
    Timed(
        "ReceivedNoPower",
        "the hour that comes twice",
        [
            linked("Tesla", utc(10, 1), capabilities=["geoLocation", "startStopCharging"]),
            fact("charging_location", utc(10, 1), location=HOME, driver=DRIVER),
            fact("charge_settings", utc(10, 1), vehicle=CAR, smart_charging=True),
            telemetry(utc(10, 25, 0, 50), charge_state="charging", location=HOME, power_kw=0),
        ],
        utc(10, 25, 1, 5),
        down=(timedelta(0), 5 * HOUR, 20 * HOUR),
    ),
    # Days before an end are days of the calendar: nine in the morning before and after the change.
    Timed(
        "ZeInteractiveExpiresSoon",
        "thirty days with a change",
        renault("active", utc(10, 2), expires_at=utc(11, 20, 8).isoformat()),
        utc(10, 21, 7),
    ),
    Timed(
        "ZeInteractiveExpiresSoon",
        "where no clock changes",
        renault("active", utc(10, 2), expires_at=utc(11, 20, 8).isoformat()),
        utc(10, 21, 8),
        TOKYO,
    ),
    Timed(
        "ZeInteractiveToBeActivated",
        "the service ends",
        renault("active", utc(10, 2), expires_at="2026-10-25T02:30:00+01:00"),
        utc(10, 25, 1, 30),
    ),
    # Days and months end at midnight.
    supplied("2026-10-24", PARIS, utc(10, 24, 22)),
    supplied("2026-10-25", PARIS, utc(10, 25, 23)),
    supplied("2027-03-27", PARIS, utc(3, 27, 23, year=2027)),
    supplied("2027-03-28", PARIS, utc(3, 28, 22, year=2027)),
    supplied("2026-11-01", NEW_YORK, utc(11, 2, 5)),
    month("reimbursement", "2026-10", PARIS, utc(10, 31, 23)),
    month("reimbursement", "2027-03", PARIS, utc(3, 31, 22, year=2027)),
    month("reimbursement", "2026-10", NEW_YORK, utc(11, 1, 4)),
    month("cost_statement", "2026-10", PARIS, utc(10, 31, 23)),
    month("cost_statement", "2026-11", NEW_YORK, utc(12, 1, 5)),
    month("cost_statement", "2026-12", TOKYO, utc(12, 31, 15)),
    # A campaign begins at a moment, which an operator typed as a time of the day.
    Timed(
        "ImportantUpdateAppv416Banner",
        "4.9 is older than 4.16",
        [driver(utc(10, 2), app_version="4.9")],
        utc(10, 25, 7),
        campaign={"type": "ImportantUpdateAppv416Banner", "min_app_version": "4.16"},
    ),
    Timed(
        "InformationMobilizePdlBenefitBanner",
        "a place in France",
        [
            driver(utc(10, 2), marketing_consent=True),
            fact("charging_location", utc(10, 2), location=HOME, driver=DRIVER, country="FR"),
        ],
        utc(10, 25, 7),
        campaign={"type": "InformationMobilizePdlBenefitBanner"},
    ),
]
timed = pytest.mark.parametrize("one", TIMED, ids=lambda one: f"{one.name}: {one.how}")


def prepare(one: Timed) -> None:
    report_each(driver(utc(9, 30), email=EMAIL, time_zone=one.zone), *one.facts)
    if one.campaign:
        draft = save_campaign(campaign=None, values={"name": "Autumn", "begins_at": one.begins} | one.campaign)
        start_campaign(campaign=draft, now=one.begins - DAY)


@timed
def test_it_comes_at_its_moment_and_not_before(one: Timed) -> None:
    prepare(one)
    sweep(one.begins - timedelta(seconds=1))
    assert events(name=one.name) == []
    assert due() == one.begins
    sweep(one.begins)
    assert only(one.name).begins == one.begins
    assert states(one.name) == ["open"]


@timed
def test_a_sweep_that_was_down_tells_it_late_and_once(one: Timed) -> None:
    for down in one.down:
        with transaction.atomic():
            prepare(one)
            sweep(one.begins - timedelta(seconds=1))
            for again in range(3):
                sweep(one.begins + down + timedelta(minutes=again))
            note = only(one.name)
            assert (note.state, note.begins, note.told_at) == ("open", one.begins, one.begins + down)
            assert len(events(name=one.name)) == 1
            transaction.set_rollback(True)


@settings(max_examples=25, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
@given(st.sampled_from(TIMED), st.lists(st.integers(-48 * 60, 15 * 60), max_size=6))
def test_when_the_sweep_runs_does_not_matter(one: Timed, minutes: list[int]) -> None:
    """Whenever it ran before, at the end each was told once, at the first look after its moment."""
    moments = [one.begins + timedelta(minutes=m) for m in sorted(minutes)] + [one.begins + 16 * HOUR]
    with transaction.atomic():
        prepare(one)
        for moment in moments:
            sweep(moment)
        assert [note.told_at for note in notes(one.name)] == [min(m for m in moments if m >= one.begins)]
        assert len(events(name=one.name)) == 1
        transaction.set_rollback(True)


# ---- what lasts, and what comes again -------------------------------------------------------------------------------

REMINDED = [
    ("ZeInteractiveToBeActivated", renault("none", utc(10, 20, 10))),
    ("AudiNotPaired", [linked("Audi", utc(10, 1)), fact("vehicle", utc(10, 20, 10), vehicle=CAR, user_role="none")]),
]


@pytest.mark.parametrize(("name", "facts"), REMINDED, ids=[name for name, _facts in REMINDED])
@pytest.mark.parametrize("down", [timedelta(0), 5 * HOUR, 5 * DAY])
def test_a_reminder_comes_a_week_later_and_once_after_a_downtime(name: str, facts: list[Json], down: timedelta) -> None:
    report_each(driver(utc(9, 30), time_zone=PARIS), *facts)
    week = utc(10, 27, 10)  # a week of 169 hours by the clock in Paris; a week is 168 hours
    sweep(week - timedelta(seconds=1))
    assert [event.payload["occasion"] for event in events(name=name)] == ["new"]
    assert due() == week
    for again in range(3):
        sweep(week + down + timedelta(minutes=again))
    assert [event.payload["occasion"] for event in events(name=name)] == ["new", "reminder"]
    # Counted from when it was told, so that a downtime does not bring the next one at once.
    assert due() == week + down + 7 * DAY


@pytest.mark.parametrize("down", [timedelta(0), 5 * HOUR, 5 * DAY])
def test_a_dismissed_banner_comes_back_late_and_once_after_a_downtime(down: timedelta) -> None:
    broken = utc(10, 24, 12)
    report_each(
        driver(utc(9, 30)),
        fact("oem_account", broken, account=ACCOUNT, driver=DRIVER, auth_state="invalid_credentials"),
    )
    services.dismiss(notification=only("InvalidCredentialsBanner"), now=broken)
    assert due() == broken + DAY
    for again in range(3):
        sweep(broken + DAY + down + timedelta(minutes=again))
    told = events(name="InvalidCredentialsBanner")
    assert [event.payload["occasion"] for event in told] == ["new", "returned"]


@pytest.mark.parametrize("down", [timedelta(0), 5 * HOUR, 40 * DAY])
def test_what_has_a_limit_ends_once_however_late_the_sweep_is(down: timedelta) -> None:
    sent = utc(10, 20)
    report_each(
        driver(utc(9, 30), email=EMAIL), fact("payout", sent, payout="p", driver=DRIVER, amount=10, state="sent")
    )
    sweep(sent + 30 * DAY - timedelta(seconds=1))
    assert states("PayoutReceipt") == ["open"]
    for again in range(3):
        sweep(sent + 30 * DAY + down + timedelta(minutes=again))
    assert states("PayoutReceipt") == ["expired"]
    assert len(events("vehicle.notification.resolved", "PayoutReceipt")) == 1


def test_a_car_is_not_found_by_its_second_absence_however_late_the_first_is_told() -> None:
    first, second = utc(10, 25, 0, 30), utc(10, 25, 1, 30)  # both are half past two in Paris
    report_each(driver(utc(9, 30), time_zone=PARIS), linked("Tesla", utc(10, 1)))
    report_each(fact("vehicle_listing", second, vehicle=CAR, listed=False))
    assert notes("CarNotFound") == []
    take(fact("vehicle_listing", first, vehicle=CAR, listed=False), now=second + HOUR)
    assert only("CarNotFound").begins == second


def test_quiet_hours_of_the_long_night_end_by_the_drivers_clock() -> None:
    late = utc(10, 24, 21)  # eleven in the evening in Paris; at seven in the morning it is winter time
    report_each(
        driver(utc(9, 30), time_zone=PARIS, quiet_hours={"from": "22:00", "until": "07:00"}),
        linked("Audi", utc(10, 1), user_role="primary"),
        fact("vehicle", late, vehicle=CAR, privacy_mode=True),
    )
    assert only("AudiRemoteAccessDisabled").due_at == utc(10, 25, 6) == due()
    sweep(utc(10, 25, 5, 59))
    assert states("AudiRemoteAccessDisabled") == ["suppressed"]
    sweep(utc(10, 25, 6))
    assert states("AudiRemoteAccessDisabled") == ["open"]
