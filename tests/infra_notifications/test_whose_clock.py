"""Whose clock: receipt orders, the device's time is shown, a wrong clock is flagged and loses nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from infra_notifications.models import ChargePoint, ChargePointState, NotificationGroup
from infra_notifications.search import CHARGE_POINT_SEARCH
from infra_notifications.views.timeline import timeline_of
from tests.clock import iso
from tests.factories.infra_notifications import NotificationGroupFactory
from tests.infra_notifications.helpers import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    at,
    decisions,
    event,
    events,
    fault,
    fine,
    kinds,
    message,
    only_incident,
    open_cases,
    recoveries,
    say,
    signal,
    station,
    take,
    take_neutral,
    verdicts,
)

pytestmark = pytest.mark.django_db
ERROR_S = -(5 * 3600 + 12 * 60)


@pytest.fixture
def point() -> ChargePoint:
    return station(points=1)[0]


@pytest.fixture
def group(point: ChargePoint) -> NotificationGroup:
    found: NotificationGroup = NotificationGroupFactory(members=[point])
    return found


def error_s(point: ChargePoint) -> int | None:
    return ChargePointState.objects.get(charge_point=point).clock_error_s


def status_2(status: str, moment: datetime | str) -> dict[str, Any]:
    timestamp = moment if isinstance(moment, str) else iso(moment)
    return {"evseId": 1, "connectorId": 1, "connectorStatus": status, "timestamp": timestamp}


# ---- a clock that fell back ------------------------------------------------------------------------------------------

FELL_BACK = [
    "1970-01-01T00:00:12Z",
    "2000-01-01T00:00:12Z",
    "2020-01-01T00:00:12Z",
    iso(at(600) - 400 * DAY),
    iso(at(600) - 31 * DAY),
    iso(at(600) - 5 * HOUR - 12 * MINUTE),
    iso(at(600) - 11 * MINUTE),
    iso(at(600) + 400 * DAY),
]


@pytest.mark.parametrize("timestamp", FELL_BACK)
def test_clear_with_the_time_of_a_clock_that_fell_back_ends_the_fault(
    point: ChargePoint, group: NotificationGroup, timestamp: str
) -> None:
    say(point, fault(timestamp=iso(NOW)))
    say(point, fine(timestamp=timestamp), now=at(600))
    incident = only_incident()
    assert (incident.closed_received_at, incident.opened_at) == (at(600), NOW)
    assert NOW <= incident.closed_at <= at(600)  # type: ignore[operator]
    assert kinds() == ["alert", "recovery"]


@pytest.mark.parametrize("timestamp", FELL_BACK[:-2])
def test_so_does_one_of_ocpp_2(point: ChargePoint, timestamp: str) -> None:
    say(point, events(event("RCD", "Tripped", timestamp=iso(NOW))))
    cleared = events(event("RCD", "Tripped", "false", timestamp=timestamp))
    say(point, cleared | {"generatedAt": timestamp}, now=at(600))
    assert open_cases(point) == []
    assert error_s(point) is not None


@pytest.mark.parametrize("timestamp", [*FELL_BACK, iso(NOW - 2 * DAY), iso(NOW - 5 * HOUR)])
def test_live_fault_with_such_a_clock_is_told(point: ChargePoint, group: NotificationGroup, timestamp: str) -> None:
    say(point, fault(timestamp=timestamp))
    assert decisions() == [("opened", "sent", "")]


@pytest.mark.parametrize("timestamp", FELL_BACK)
def test_fault_after_the_clock_fell_back_into_a_closed_incident_is_a_new_one(
    point: ChargePoint, group: NotificationGroup, timestamp: str
) -> None:
    say(point, fault(timestamp=iso(NOW - HOUR)), now=NOW - HOUR)
    say(point, fine(timestamp=iso(NOW)))
    say(point, fault(timestamp=iso(NOW - HOUR / 2)), now=at(300))
    say(point, fine(timestamp=timestamp), now=at(600))
    say(point, fault(timestamp=timestamp), now=at(900))
    assert kinds() == ["alert", "recovery"] * 2 + ["alert"]


def test_same_message_again_after_the_end_is_told_once(point: ChargePoint, group: NotificationGroup) -> None:
    say(point, fault(timestamp=iso(NOW)))
    say(point, fine(timestamp=iso(at(60))), now=at(60))
    say(point, fault(timestamp=iso(NOW)), now=at(120))
    assert (open_cases(point), kinds()) == ([], ["alert", "recovery"])


# ---- the flag -------------------------------------------------------------------------------------------------------


def wrong_clock(points: list[ChargePoint]) -> None:
    say(points[0], fine(timestamp=iso(NOW)))
    say(points[0], fine(timestamp=iso(at(600) - 5 * HOUR - 12 * MINUTE)), now=at(600))


def test_wrong_clock_is_flagged_at_the_whole_station_until_it_is_right() -> None:
    points = station(points=2)
    wrong_clock(points)
    assert [error_s(point) for point in points] == [ERROR_S, ERROR_S]
    say(points[1], fine(connectorId=2, timestamp=iso(at(900) - 5 * HOUR - 12 * MINUTE)), now=at(900))
    assert [error_s(point) for point in points] == [ERROR_S, ERROR_S]
    say(points[1], fine(connectorId=2, timestamp=iso(at(1200))), now=at(1203))
    assert [error_s(point) for point in points] == [None, None]


def test_sender_is_warned_with_by_how_much(point: ChargePoint) -> None:
    intake = say(point, fault(timestamp=iso(NOW - 400 * DAY)))
    assert intake.warnings == [(0, "The device's clock is wrong by 400 d; the time of receipt counts.")]
    assert say(point, fault(timestamp=iso(at(5))), now=at(5)).warnings == []


def test_wrong_clocks_can_be_listed_and_are_shown(viewer: Client, api: Any, point: ChargePoint) -> None:
    wrong_clock([point])
    assert list(ChargePoint.objects.filter(CHARGE_POINT_SEARCH.condition("clock:wrong"))) == [point]
    assert not ChargePoint.objects.filter(CHARGE_POINT_SEARCH.condition("clock:right")).exists()
    pages = (
        reverse("infra_notifications:charge_point", args=[point.pk]),
        reverse("infra_notifications:charge_points") + "?q=clock:wrong",
    )
    for page in pages:
        assert "Clock wrong by 5 h 12 min" in viewer.get(page).content.decode()
    assert api.get(f"/charging/charge-points/{point.evse_id}").json()["clock_error_s"] == ERROR_S


@pytest.mark.parametrize("action", ["StatusNotification", "SecurityEventNotification"])
def test_what_a_station_had_queued_is_no_wrong_clock(point: ChargePoint, action: str) -> None:
    say(point, fine(timestamp=iso(NOW)))
    queued = {"type": "SettingSystemTime", "timestamp": iso(NOW - HOUR)}
    payload = status_2("Faulted", NOW - HOUR) | {"offline": True} if action == "StatusNotification" else queued
    take(message(point, payload, action=action, protocol="ocpp2.0.1"), now=at(5))
    assert error_s(point) is None


def test_status_of_the_station_may_be_older_than_its_connectors() -> None:
    first, second = station()
    say(first, fine(timestamp=iso(NOW)))
    take(message("", fine(connectorId=0, timestamp=iso(NOW - HOUR)), charge_point=None, station="CP-1"), now=at(5))
    assert (error_s(first), error_s(second)) == (None, None)


def test_old_event_in_a_message_of_now_is_no_wrong_clock(point: ChargePoint) -> None:
    say(point, fine(timestamp=iso(NOW)))
    said = events(event("RCD", "Tripped", timestamp=iso(NOW - 3 * HOUR))) | {"generatedAt": iso(at(5))}
    say(point, said, now=at(5))
    assert (only_incident().opened_at, error_s(point)) == (NOW - 3 * HOUR, None)


def test_backlog_in_its_order_is_no_wrong_clock(point: ChargePoint) -> None:
    for number in range(20):
        say(point, fine(timestamp=iso(NOW - DAY + number * HOUR)), now=at(number))
    assert error_s(point) is None


# ---- order ----------------------------------------------------------------------------------------------------------


def test_clear_that_is_delivered_late_does_not_end_a_newer_fault_and_says_why(
    viewer: Client, api: Any, point: ChargePoint, group: NotificationGroup
) -> None:
    say(point, fault(timestamp=iso(NOW)))
    say(point, fine(timestamp=iso(at(-60))), received_at=iso(at(-58)), now=at(20))
    incident = only_incident()
    assert (incident.is_open, verdicts()[-1], recoveries()) == (True, "ignored", [])
    assert "Clear ignored" in [line.title for line in timeline_of(incident, at(30))]
    assert "Clear ignored" in viewer.get(reverse("infra_notifications:incident", args=[incident.pk])).content.decode()
    (ignored,) = api.get(f"/charging/incidents/{incident.pk}").json()["ignored_clears"]
    assert datetime.fromisoformat(ignored["received_at"]) == at(-58)
    assert ignored["explanation"] == "Ignored: older than what is known"


def test_late_status_does_not_hide_the_present_one(point: ChargePoint) -> None:
    say(point, fault())
    say(point, fine(), received_at=iso(at(-60)), now=at(5))
    assert ChargePointState.objects.get(charge_point=point).status == "Faulted"


def test_batch_is_read_in_the_order_of_its_receipts(point: ChargePoint) -> None:
    clear, raised = (
        message(point, said, received_at=iso(moment)) for said, moment in ((fine(), NOW), (fault(), at(-9)))
    )
    take(clear, raised)
    assert only_incident().closed_at == NOW


def test_fault_that_is_delivered_after_its_end_is_over(point: ChargePoint, group: NotificationGroup) -> None:
    say(point, fine())
    say(point, fault(), received_at=iso(at(-60)), now=at(5))
    assert only_incident().closed_at == NOW
    say(point, fault(), now=at(10))
    assert open_cases(point) == ["FUSE_TRIPPED"]


def test_queued_message_of_ocpp_2_is_ordered_by_its_own_time(point: ChargePoint) -> None:
    say(point, status_2("Faulted", NOW) | {"errorCode": "GroundFailure"}, protocol="ocpp2.0.1")
    say(point, events(event("RCD", "Tripped", timestamp=iso(NOW))))
    cleared = events(event("RCD", "Tripped", "false", timestamp=iso(at(-60)))) | {"generatedAt": iso(at(-60))}
    say(point, cleared | {"offline": True}, now=at(60))
    assert "FUSE_TRIPPED" in open_cases(point)


def test_neutral_signals_are_ordered_by_receipt_too(point: ChargePoint, group: NotificationGroup) -> None:
    take_neutral(signal(point, "raised", occurred_at=iso(NOW)))
    take_neutral(signal(point, "cleared", received_at=iso(at(-60))), now=at(5))
    assert (open_cases(point), verdicts()[-1]) == (["FUSE_TRIPPED"], "ignored")
    take_neutral(signal(point, "cleared", occurred_at=iso(NOW - 5 * HOUR)), now=at(10))
    assert open_cases(point) == []


def test_signal_is_too_old_only_where_the_sender_says_that_it_was_queued(
    point: ChargePoint, group: NotificationGroup
) -> None:
    take_neutral(signal(point, "raised", occurred_at=iso(NOW - 2 * DAY)))
    take_neutral(signal(point, "raised", case="SENSORS", received_at=iso(NOW - 2 * DAY)))
    assert decisions() == [("opened", "sent", ""), ("opened", "skipped", "too_old")]
