"""Any message proves life, for how long silence is normal is learnt, and the delay counts from the last message."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from infra_notifications.choices import IntervalSource
from infra_notifications.ingest import OcppMessage
from infra_notifications.models import ChargePoint, ChargePointState, Incident, NotificationGroup
from infra_notifications.services.expectations import expectation_of
from infra_notifications.services.groups import update_group
from infra_notifications.services.incidents import sweep_silence
from tests.factories.infra_notifications import NotificationGroupFactory
from tests.infra_notifications.helpers import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    alerts,
    at,
    fine,
    heartbeat,
    message,
    open_cases,
    station,
    sweep,
    take,
)

pytestmark = pytest.mark.django_db


def last_seen(point: ChargePoint) -> datetime | None:
    return ChargePointState.objects.get(charge_point=point).last_seen


def boot_answer(interval: Any, action: str = "BootNotificationResponse", **more: Any) -> OcppMessage:
    payload = {"status": "Accepted", "currentTime": NOW.isoformat(), "interval": interval} | more
    return OcppMessage(station="CP-1", action=action, payload=payload)


# ---- whatever is rejected -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        {"station": "CP-1", "action": "MeterValues", "payload": {"connectorId": 7, "meterValue": []}},
        {"station": "CP-1", "action": "MeterValues", "payload": {"connectorId": 7}},
        {"station": "CP-1", "action": "StatusNotification", "payload": fine(connectorId=9)},
        {"station": "CP-1", "action": "StatusNotification", "payload": [1, 2]},
        {"station": "CP-1", "action": " ", "payload": {}},
        {"station": "CP-1", "action": "x" * 90, "payload": {}},
        {"station": "CP-1", "charge_point": "DE*UNKNOWN*1", "action": "Heartbeat", "payload": {}},
        {"charge_point": "DE*CP-1*1", "action": "StatusNotification", "payload": "odd"},
    ],
)
def test_what_is_rejected_proves_the_life_of_the_stations_known_points(sent: dict[str, Any]) -> None:
    points = station()
    intake = take(OcppMessage(**sent), now=at(60))
    assert len(intake.rejected) == 1
    assert [last_seen(point) for point in points] == [at(60), at(60)]


def test_meter_values_of_a_connector_that_is_not_listed_keep_its_station_available() -> None:
    (point,) = station(points=1, expected_interval_s=60)
    take(heartbeat("CP-1"))
    for second in range(30, 600, 30):
        take(OcppMessage(station="CP-1", action="MeterValues", payload={"connectorId": 2}), now=at(second))
        sweep(at(second + 5))
    assert open_cases(point) == []


def test_rejected_message_ends_a_silence_too() -> None:
    (point,) = station(points=1, expected_interval_s=60)
    take(heartbeat("CP-1"))
    sweep_silence(now=at(120))
    take(OcppMessage(station="CP-1", action="MeterValues", payload={"connectorId": 2}), now=at(180))
    assert open_cases(point) == []


def test_stranger_proves_nobodys_life() -> None:
    (point,) = station(points=1)
    take(OcppMessage(station="CP-99", action="Heartbeat", payload={}))
    assert last_seen(point) is None


# ---- what is learnt -------------------------------------------------------------------------------------------------


def expected(point: ChargePoint) -> tuple[int, int, IntervalSource]:
    found = expectation_of(ChargePoint.objects.select_related("state").get(pk=point.pk))
    return found.interval_s, found.silence_s, found.source


@pytest.mark.parametrize("action", ["BootNotificationResponse", "BootNotification.conf", "BootNotification"])
@pytest.mark.parametrize("interval", [3600, "3600", 3600.0])
def test_interval_is_learnt_from_the_answer_to_a_boot_notification(action: str, interval: Any) -> None:
    points = station()
    take(heartbeat("CP-1"), boot_answer(interval, action))
    for point in points:
        assert expected(point) == (3600, 4500, IntervalSource.BOOT)
    assert ChargePointState.objects.filter(silent_at=at(4500)).count() == 2


@pytest.mark.parametrize(
    "answer",
    [
        {"interval": 0},
        {"interval": -5},
        {"interval": True},
        {"interval": "soon"},
        {"interval": 10**9},
        {"interval": None},
        {"interval": 30, "status": "Pending"},
        {"interval": 30, "status": "Rejected"},
    ],
)
def test_answer_that_names_no_interval_teaches_none(answer: dict[str, Any]) -> None:
    (point,) = station(points=1)
    take(heartbeat("CP-1"), boot_answer(**answer))
    assert expected(point)[2] == IntervalSource.DEFAULT


def test_what_a_person_sets_wins() -> None:
    (point,) = station(points=1, expected_interval_s=120)
    take(heartbeat("CP-1"), boot_answer(3600))
    assert expected(point) == (120, 120, IntervalSource.BY_HAND)
    assert ChargePointState.objects.get(charge_point=point).silent_at == at(120)
    ChargePoint.objects.update(expected_interval_s=None)
    assert expected(point) == (3600, 4500, IntervalSource.BOOT)


def test_hourly_heartbeats_of_a_week_are_no_alarm() -> None:
    points = station()
    NotificationGroupFactory(members=points)
    for hour in range(7 * 24):
        moment = NOW + hour * HOUR + timedelta(seconds=hour % 50)
        sweep(moment - MINUTE)
        take(heartbeat("CP-1"), now=moment)
    assert (Incident.objects.count(), alerts()) == (0, [])
    assert expected(points[0])[1:] == (round(3601 * 1.25), IntervalSource.MESSAGES)


# ---- when it is told: the table in docs/charging.md ------------------------------------------------------------------

BY_HAND, BOOT = "by hand", "boot"


@pytest.mark.parametrize(
    ("source", "interval_s", "delay_s", "opens_s", "told_s"),
    [
        (None, None, None, 4500, 4500),
        (BOOT, 300, None, 900, 900),
        (BOOT, 300, 0, 900, 900),
        (BOOT, 300, 1800, 900, 1800),
        (BOOT, 900, None, 1125, 1125),
        (BOOT, 3600, None, 4500, 4500),
        (BOOT, 3600, 7200, 4500, 7200),
        (BY_HAND, 60, None, 60, 900),
        (BY_HAND, 60, 0, 60, 60),
        (BY_HAND, 60, 120, 60, 120),
        (BY_HAND, 1800, None, 1800, 1800),
    ],
)
def test_silence_is_told_when_both_have_passed_since_the_last_message(
    source: str | None, interval_s: int | None, delay_s: int | None, opens_s: int, told_s: int
) -> None:
    points = station(expected_interval_s=interval_s if source == BY_HAND else None)
    NotificationGroupFactory(members=points, hold_off_s={} if delay_s is None else {"UNAVAILABLE": delay_s})
    take(heartbeat("CP-1"), *([boot_answer(interval_s)] if source == BOOT else []))
    for second in sorted({opens_s - 1, opens_s, told_s - 1, told_s}):
        sweep(at(second))
        assert Incident.objects.count() == (2 if second >= opens_s else 0)
        assert len(alerts()) == (1 if second >= told_s else 0)


def test_five_minute_station_that_falls_silent_is_told_after_a_quarter_of_an_hour() -> None:
    points = station()
    NotificationGroupFactory(members=points)
    for number in range(12):
        take(heartbeat("CP-1"), now=NOW + number * 5 * MINUTE)
    silent_from = NOW + 55 * MINUTE
    for minute in range(1, 40):
        sweep(silent_from + minute * MINUTE)
        assert (Incident.objects.count(), len(alerts())) == ((2, 1) if minute >= 15 else (0, 0))


def test_life_before_the_delay_has_passed_is_not_told() -> None:
    points = station(expected_interval_s=60)
    NotificationGroupFactory(members=points)
    take(heartbeat("CP-1"))
    sweep(at(61))
    take(heartbeat("CP-1"), now=at(899))
    sweep(at(3_000))
    assert Incident.objects.filter(closed_at=at(899)).count() == 2
    assert len(alerts()) <= 1


def test_changed_delay_counts_from_the_last_message_too() -> None:
    points = station(expected_interval_s=60)
    group: NotificationGroup = NotificationGroupFactory(members=points)
    take(heartbeat("CP-1"))
    sweep(at(60))
    update_group(group=group, settings={"hold_off_s": {"UNAVAILABLE": 300}}, now=at(61))
    for second, mails in ((299, 0), (300, 1)):
        sweep(at(second))
        assert len(alerts()) == mails


def test_installations_own_interval_is_obeyed(settings: Settings) -> None:
    settings.CHARGING_EXPECTED_INTERVAL_S = 5
    (point,) = station(points=1)
    for second in range(4):
        take(message(point, fine()), heartbeat("CP-1"), now=at(second))
    assert [sweep_silence(now=at(second)) for second in (7, 8)] == [0, 1]


def test_day_of_outage_is_not_what_is_usual() -> None:
    (point,) = station(points=1)
    for number in range(6):
        take(heartbeat("CP-1"), now=NOW + number * 5 * MINUTE)
    back = NOW + 2 * DAY
    for second in (0, 1, 300, 600, 900):
        take(heartbeat("CP-1"), now=back + timedelta(seconds=second))
    assert expected(point)[1] == 900
