"""What time brings: quiet hours, days and months across daylight saving, due times, a sweep that is down or busy."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from outbox.models import Event
from tests.racing import at_once
from tests.vehicles.helpers import (
    CAR,
    DRIVER,
    EMAIL,
    HOME,
    NOW,
    Json,
    at,
    car,
    contract,
    driver,
    due,
    events,
    fact,
    heard,
    linked,
    notes,
    only,
    people,
    report_each,
    service,
    shown,
    states,
    sweep,
    take,
    telemetry,
)
from vehicles.models import Driver, DriverNotification, Fact
from vehicles.rules import windows_of
from vehicles.rules.clocks import as_day, as_moment, days_before, end_of_day, end_of_month, quiet_until
from vehicles.rules.versions import is_older, version_key
from vehicles.services import evaluation
from vehicles.services.evaluation import sweep_due
from vehicles.services.policies import mark_everyone_due

PARIS, NEW_YORK, UTC_ZONE = ZoneInfo("Europe/Paris"), ZoneInfo("America/New_York"), ZoneInfo("UTC")


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


# ---- pure -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "zone", "until"),
    [
        (utc(2026, 11, 21, 21, 30), PARIS, utc(2026, 11, 22, 6)),
        (utc(2026, 11, 21, 5, 59), PARIS, utc(2026, 11, 21, 6)),
        (utc(2026, 11, 21, 6), PARIS, None),
        (utc(2026, 11, 21, 20, 59), PARIS, None),
        (utc(2026, 11, 21, 21, 0), PARIS, utc(2026, 11, 22, 6)),
        # The night in which the clocks go back is an hour longer, the one in which they go forward an hour shorter.
        (utc(2026, 10, 24, 20), PARIS, utc(2026, 10, 25, 6)),
        (utc(2026, 3, 28, 21), PARIS, utc(2026, 3, 29, 5)),
        (utc(2026, 11, 21, 12), NEW_YORK, None),
        (utc(2026, 11, 22, 3), NEW_YORK, utc(2026, 11, 22, 12)),
    ],
)
def test_quiet_hours_pass_midnight_and_changes_of_the_clock(
    now: datetime, zone: ZoneInfo, until: datetime | None
) -> None:
    assert quiet_until(now, time(22), time(7), zone) == until


def test_quiet_hours_within_a_day() -> None:
    assert quiet_until(utc(2026, 11, 21, 12), time(12), time(14), UTC_ZONE) == utc(2026, 11, 21, 14)
    assert quiet_until(utc(2026, 11, 21, 14), time(12), time(14), UTC_ZONE) is None


def test_without_quiet_hours_there_are_none() -> None:
    assert quiet_until(NOW, None, time(7), PARIS) is None
    assert quiet_until(NOW, time(7), time(7), PARIS) is None


@given(st.integers(0, 10 * 365 * 24 * 60), st.times(), st.times())
def test_quiet_hours_always_end(minutes: int, begins: time, ends: time) -> None:
    now = utc(2020, 1, 1) + timedelta(minutes=minutes)
    until = quiet_until(now, begins, ends, PARIS)
    if until is not None:
        assert now < until <= now + timedelta(hours=25)
        assert quiet_until(until, begins, ends, PARIS) is None


def test_days_before_are_calendar_days() -> None:
    # A week that holds the change of October has 169 hours, one that holds that of March 167.
    assert utc(2026, 10, 28, 9) - days_before(utc(2026, 10, 28, 9), 7, PARIS) == timedelta(hours=169)
    assert utc(2026, 4, 1, 9) - days_before(utc(2026, 4, 1, 9), 7, PARIS) == timedelta(hours=167)
    assert utc(2026, 7, 8, 9) - days_before(utc(2026, 7, 8, 9), 7, PARIS) == timedelta(days=7)


def test_a_time_that_a_change_skips_comes_after_the_gap() -> None:
    # Half past two does not exist on 29 March in Paris; seven days before 5 April, 2:30.
    assert days_before(utc(2026, 4, 5, 0, 30), 7, PARIS) == utc(2026, 3, 29, 1, 30)


def test_days_and_months_end_at_local_midnight() -> None:
    assert end_of_day(date(2026, 11, 20), PARIS) == utc(2026, 11, 20, 23)
    assert end_of_day(date(2026, 7, 20), PARIS) == utc(2026, 7, 20, 22)
    assert end_of_month("2026-10", PARIS) == utc(2026, 10, 31, 23)
    assert end_of_month("2026-12", NEW_YORK) == utc(2027, 1, 1, 5)
    assert [end_of_month(text, PARIS) for text in ("", "2026-13", "26-1", "2026-00", "1999-12")] == [None] * 5


def test_days_and_moments_of_facts() -> None:
    assert as_day("2026-11-20") == as_day("2026-11-20T10:00:00Z") == date(2026, 11, 20)
    assert (as_day(None), as_day("soon"), as_moment(None), as_moment("soon")) == (None,) * 4
    assert as_moment("2026-11-20T10:00:00+01:00") == utc(2026, 11, 20, 9)


@pytest.mark.parametrize(
    ("version", "than", "older"),
    [
        ("4.9", "4.16", True),
        ("4.15.99", "4.16", True),
        ("4.16", "4.16", False),
        ("4.16.0", "4.16", False),
        ("4.16", "4.16.0", False),
        ("4.16.1", "4.16", False),
        ("10.0", "4.16", False),
        ("v4.9 (12)", "4.16", True),
        ("", "4.16", False),
        ("beta", "4.16", False),
        ("4.9", "", False),
        ("0", "4.16", True),
    ],
)
def test_versions_are_compared_as_numbers(version: str, than: str, older: bool) -> None:
    assert is_older(version, than) is older


def test_version_keys_have_no_trailing_zeros() -> None:
    assert [version_key(v) for v in ("4.16.0.0", "4.0", "0.0", "x")] == [[4, 16], [4], [0], []]


# ---- due times ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_service_is_announced_30_7_and_1_days_before_one_at_a_time() -> None:
    before, expires = utc(2027, 2, 1), utc(2027, 4, 1, 8)  # the change of March lies within the week before the end
    report_each(
        driver(before, email=EMAIL, time_zone="Europe/Paris"),
        linked("Renault", before),
        service("active", before, expires_at=expires.isoformat()),
    )
    seen = []
    while (moment := due()) is not None and moment <= expires:
        sweep(moment)
        live = [note.subject.rpartition(":")[2] for note in notes("ZeInteractiveExpiresSoon", state="open")]
        seen.append((moment, live))
    shots = [(moment, live) for moment, live in seen if live]
    assert [live for _moment, live in shots] == [["30"], ["7"], ["1"]]
    # Ten in the morning by the driver's clock each time; before the change that is an hour later in UTC.
    assert [moment.astimezone(PARIS).hour for moment, _live in shots] == [10, 10, 10]
    assert [moment.hour for moment, _live in shots] == [9, 9, 8]
    assert states("ZeInteractiveExpiresSoon") == ["resolved"] * 3
    assert "ZeInteractiveToBeActivated" in shown()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "begins"),
    [
        ("Europe/Paris", utc(2026, 11, 20, 23)),
        ("America/New_York", utc(2026, 11, 21, 5)),
        ("Asia/Tokyo", utc(2026, 11, 20, 15)),
    ],
)
def test_a_contract_ends_at_midnight_where_it_is_supplied(zone: str, begins: datetime) -> None:
    before = utc(2026, 11, 18)
    report_each(
        driver(before, email=EMAIL),
        fact("charging_location", before, location=HOME, driver=DRIVER, time_zone=zone),
        contract("valid", before, valid_to="2026-11-20"),
    )
    assert due() == begins
    sweep(begins - timedelta(seconds=1))
    assert notes("ReconnectUtilityContract") == []
    sweep(begins)
    assert only("ReconnectUtilityContract").begins == begins


@pytest.mark.django_db
def test_months_end_where_the_driver_lives() -> None:
    october, before = {"driver": DRIVER, "period": "2026-10"}, utc(2026, 10, 22)
    report_each(
        driver(before, email=EMAIL, time_zone="America/New_York"),
        fact("reimbursement", before, reimbursement="m", qualified=True, **october),
        fact("cost_statement", before, statement="e", provider="Elexent", **october),
    )
    sweep(utc(2026, 11, 1, 3, 59))
    assert shown() == set()
    sweep(utc(2026, 11, 1, 4))
    assert shown() == {"ChargingCostReimbursement", "ElexentChargingCostsOverview"}


@pytest.mark.django_db
@pytest.mark.parametrize("down", [timedelta(0), timedelta(hours=5), timedelta(days=5)])
def test_a_sweep_that_was_down_delays_and_neither_loses_nor_doubles(down: timedelta) -> None:
    people()
    take(linked("Tesla"), telemetry(at()), fact("pairing", at(hours=1), vehicle=CAR, step="completed"), now=at(hours=1))
    for _ in range(3):
        sweep(at(hours=25) + down)
    assert states("CarNotReachable") == ["open"]
    assert states("CheckCarActivation") == ["open"]
    assert only("CarNotReachable").begins == at(hours=24)
    assert len(events(name="CarNotReachable")) == len(events(name="CheckCarActivation")) == 1


@pytest.mark.django_db
def test_a_threshold_that_a_downtime_skipped_gives_way_to_the_nearer_one() -> None:
    people()
    take(linked("Renault"), service("active", expires_at=at(days=31).isoformat()))
    sweep(at(days=26))
    assert [note.subject.rpartition(":")[2] for note in notes("ZeInteractiveExpiresSoon")] == ["7"]


@pytest.mark.django_db
def test_nothing_is_due_when_nothing_can_change() -> None:
    people()
    assert due() is None
    take(fact("payout", payout="p", driver=DRIVER, amount=10, currency="EUR", state="sent"))
    assert due() == at(days=30)
    sweep(at(days=30))
    assert due() is None
    assert sweep_due(now=at(days=400)) == 0


@pytest.mark.django_db
def test_a_silent_car_is_due_a_day_after_its_last_word() -> None:
    people()
    take(linked("Tesla"), telemetry(at()))
    assert due() == at(days=1)
    take(telemetry(at(hours=3)), now=at(hours=3))
    assert due() == at(days=1, hours=3)


@pytest.mark.django_db
def test_a_driver_who_cannot_be_looked_at_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    people()
    take(linked("Tesla"), telemetry(at()))
    other = {"driver": "driver-8", "vehicle": "car-8"}
    take(fact("vehicle", at(), **other, brand="Tesla"), fact("telemetry", at(), vehicle="car-8"))
    genuine = windows_of

    def stumbling(snapshot: Any, policies: Any) -> Any:
        if snapshot.key == DRIVER:
            raise ZeroDivisionError
        return genuine(snapshot, policies)

    monkeypatch.setattr(evaluation, "windows_of", stumbling)
    heard(at(days=1))
    assert sweep_due(now=at(days=1)) == 2
    assert shown("driver-8") == {"CarNotReachable"}
    assert due() == at(days=1, minutes=10)
    monkeypatch.undo()
    sweep(at(days=1, minutes=10))
    assert shown() == {"CarNotReachable"}


@pytest.mark.django_db
def test_everyone_can_be_looked_at_again() -> None:
    people()
    take(driver(driver="driver-8"))
    assert mark_everyone_due(now=at()) == 2
    assert sweep_due(now=at()) == 2


# ---- at once --------------------------------------------------------------------------------------------------------


def fleet(count: int, moment: datetime = NOW) -> list[Json]:
    """Drivers with a car each that was last heard of at a moment."""
    facts = []
    for n in range(count):
        facts.append(driver(moment, driver=f"d-{n}", email=EMAIL))
        facts.append(fact("vehicle", moment, vehicle=f"c-{n}", driver=f"d-{n}", brand="Tesla"))
        facts.append(fact("telemetry", moment, vehicle=f"c-{n}"))
    return facts


def until_done(now: datetime) -> int:
    heard(now)
    looked = 0
    while found := sweep_due(now=now, limit=7):
        looked += found
    return looked


@pytest.mark.usefixtures("committed")
def test_several_sweeps_share_the_work_and_tell_nobody_twice() -> None:
    take(*fleet(60))
    later = at(days=1)
    looked = at_once([lambda: until_done(later)] * 4)
    assert sum(looked) == 60
    assert DriverNotification.objects.filter(type="CarNotReachable", state="open").count() == 60
    assert Event.objects.filter(kind="vehicle.notification.created").count() == 60


@pytest.mark.usefixtures("committed")
def test_facts_and_sweeps_at_once_neither_block_nor_lose() -> None:
    take(*fleet(40))
    later = at(days=1)

    def speak() -> None:
        for n in range(0, 40, 2):
            take(fact("telemetry", later, vehicle=f"c-{n}"), now=later)

    at_once([speak, speak, lambda: until_done(later), lambda: until_done(later)])
    until_done(later)
    silent = DriverNotification.objects.filter(type="CarNotReachable", state__in=("open", "read"))
    assert set(silent.values_list("driver__external_id", flat=True)) == {f"d-{n}" for n in range(1, 40, 2)}
    assert set(Driver.objects.filter(due_at__lte=later)) == set()


@pytest.mark.usefixtures("committed")
def test_the_same_facts_at_once_are_taken_once() -> None:
    # Another brand of the same moment would count where it comes last.
    batch = [*fleet(10), *(fact("vehicle", vehicle=f"c-{n}", privacy_mode=True) for n in range(10))]
    at_once([*[lambda: take(*batch)] * 4, *[lambda: take(*reversed(batch))] * 2])
    assert Driver.objects.count() == 10
    assert Fact.objects.filter(times=6).count() == len(batch)
    assert DriverNotification.objects.filter(type="AudiRemoteAccessDisabled").count() == 0  # heard of at that moment
    take(*(fact("vehicle", at(hours=1), vehicle=f"c-{n}", privacy_mode=True) for n in range(10)), now=at(hours=1))
    assert DriverNotification.objects.filter(type="AudiRemoteAccessDisabled").count() == 0


@pytest.mark.usefixtures("committed")
def test_a_sweep_passes_by_whom_somebody_holds() -> None:
    take(*fleet(2))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM vehicles_driver WHERE external_id = 'd-0' FOR UPDATE")
        assert at_once([lambda: until_done(at(days=1))]) == [1]
    assert until_done(at(days=1)) == 1
    assert car() is not None
