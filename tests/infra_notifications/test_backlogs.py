"""What a forwarder had kept and delivers late says nothing of the present: nobody is told that stations are silent."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from infra_notifications.choices import SourceKind
from infra_notifications.models import ChargePoint, Incident, OcppRoute, Source
from infra_notifications.models.sources import source_id
from tests.clock import iso
from tests.factories.infra_notifications import NotificationGroupFactory
from tests.infra_notifications.helpers import (
    DAY,
    HOUR,
    KEY,
    MINUTE,
    NOW,
    alerts,
    heartbeat,
    kinds,
    only_incident,
    open_cases,
    station,
    sweep,
    take,
)

pytestmark = pytest.mark.django_db
PROXY = source_id(SourceKind.PROXY, 1)


def stations(count: int, interval_s: int) -> list[ChargePoint]:
    points = [station(f"CP-{number}", 1, expected_interval_s=interval_s)[0] for number in range(count)]
    NotificationGroupFactory(members=points, hold_off_s={"UNAVAILABLE": 0})
    return points


def beat(points: list[ChargePoint], now: datetime, *, received: datetime | None = None, key: int = KEY) -> None:
    said = iso(received or now)
    take(*(heartbeat(point.station, received_at=said) for point in points), now=now, key=key)


def live(points: list[ChargePoint], seconds: int, *, key: int = KEY) -> None:
    for second in range(0, seconds, 5):
        beat(points, NOW + timedelta(seconds=second), key=key)


def deliver(points: list[ChargePoint], since: datetime, now: datetime, *, step_s: int, key: int = KEY) -> datetime:
    """What was kept since then, in order, one batch every five seconds; returns when all was delivered."""
    received = since
    while received < now:
        beat(points, now, received=received, key=key)
        for _sweep in range(5):
            now += timedelta(seconds=1)
            sweep(now)
        received += timedelta(seconds=step_s)
    return now


@pytest.mark.parametrize("key", [KEY, PROXY])
def test_a_queue_that_is_delivered_in_order_alarms_nobody(key: int) -> None:
    OcppRoute.objects.create(pk=1, slug="main", upstream="wss://csms.example")
    points = stations(4, 30)
    live(points, 60, key=key)
    last = NOW + timedelta(seconds=55)
    for second in range(5, 260, 5):
        sweep(last + timedelta(seconds=second))
    now = deliver(points, last, last + timedelta(seconds=260), step_s=20, key=key)
    for second in range(0, 120, 5):
        beat(points, now + timedelta(seconds=second), key=key)
        sweep(now + timedelta(seconds=second))
    assert kinds() == []
    assert [open_cases(point) for point in points] == [[]] * 4


def test_who_stays_silent_when_all_was_delivered_is_told() -> None:
    points = stations(4, 30)
    live(points, 60)
    last = NOW + timedelta(seconds=55)
    for second in range(5, 260, 5):
        sweep(last + timedelta(seconds=second))
    now = deliver(points[1:], last, last + timedelta(seconds=260), step_s=20)
    for second in range(0, 300, 5):
        beat(points[1:], now + timedelta(seconds=second))
        sweep(now + timedelta(seconds=second))
    assert [mail.payload["items"][0]["charge_point"]["evse_id"] for mail in alerts()] == [points[0].evse_id]


@pytest.mark.parametrize("age", [2 * DAY, 150 * MINUTE])
def test_a_first_word_that_was_kept_for_long_is_no_silence_yet(age: timedelta) -> None:
    points = stations(4, 900)
    beat(points, NOW, received=NOW - age)
    for minute in range(15):
        sweep(NOW + minute * MINUTE)
    assert (kinds(), Incident.objects.count()) == ([], 0)
    sweep(NOW + 16 * MINUTE)
    assert kinds() == ["alert"]
    # What is counted is the time in which it could have been heard.
    assert Incident.objects.filter(silent_since=NOW).count() == 4


def test_a_late_word_of_who_speaks_is_no_silence_yet() -> None:
    (point,) = stations(1, 900)
    beat([point], NOW)
    beat([point], NOW + HOUR, received=NOW + 10 * MINUTE)
    sweep(NOW + HOUR + MINUTE)
    assert open_cases(point) == []


def test_a_late_word_wakes_nobody() -> None:
    (point,) = stations(1, 900)
    beat([point], NOW)
    sweep(NOW + HOUR)
    beat([point], NOW + 3 * HOUR, received=NOW + 10 * MINUTE)
    sweep(NOW + 3 * HOUR)
    assert only_incident().closed_at is None


def test_one_message_that_is_sent_again_holds_nothing_back() -> None:
    points = stations(4, 60)
    live(points, 120)
    for second in range(120, 240, 5):
        now = NOW + timedelta(seconds=second)
        beat(points[1:], now)
        if second % 15 == 0:
            beat(points[1:], now, received=NOW - DAY)
        sweep(now)
    assert Source.objects.get().lagged_at is None
    assert len(alerts()) == 1


def test_a_clock_that_is_wrong_is_no_queue() -> None:
    points = stations(2, 900)
    for minute in range(10):
        beat(points, NOW + minute * MINUTE, received=NOW + minute * MINUTE - HOUR)
    assert Source.objects.get().lagged_at is None
