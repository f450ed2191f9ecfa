"""UNAVAILABLE: a charge point that does not communicate any more."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from infra_notifications.choices import Connectivity
from infra_notifications.models import ChargePoint, ChargePointState, Incident
from infra_notifications.services.charge_points import ChargePointInput, upsert_charge_points
from infra_notifications.services.incidents import sweep_silence
from tests.clock import iso
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    alerts,
    at,
    fine,
    heartbeat,
    listed,
    message,
    only_incident,
    open_cases,
    say,
    station,
    sweep,
    take,
)

pytestmark = pytest.mark.django_db
INTERVAL = 900


@pytest.fixture(autouse=True)
def interval(settings: Settings) -> None:
    """Of an installation whose charge points speak every quarter of an hour."""
    settings.CHARGING_EXPECTED_INTERVAL_S = INTERVAL


def state_of(point: ChargePoint) -> ChargePointState:
    return ChargePointState.objects.get(charge_point=point)


# ---- life -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["Heartbeat", "MeterValues", "StatusNotification", "Authorize", "Whatever", "x"])
def test_any_action_proves_life(action: str) -> None:
    (point,) = station(points=1)
    take(message(point, {}, action=action))
    state = state_of(point)
    assert (state.last_seen, state.connectivity, state.silent_at) == (NOW, Connectivity.ONLINE, at(INTERVAL))


@pytest.mark.parametrize("named", [True, False])
def test_message_proves_the_life_of_all_charge_points_of_the_station(named: bool) -> None:
    points = station("CP-1", 3)
    stranger: ChargePoint = ChargePointFactory(station="CP-2")
    take(message(points[0], fine()) if named else heartbeat("CP-1"))
    assert [state_of(point).last_seen for point in (*points, stranger)] == [NOW, NOW, NOW, None]


def test_charge_points_without_a_station_live_alone() -> None:
    one, other = ChargePointFactory(station=""), ChargePointFactory(station="")
    say(one, fine())
    assert (state_of(one).last_seen, state_of(other).last_seen) == (NOW, None)


def test_longest_normal_gap_is_the_charge_points_own() -> None:
    (point,) = station(points=1, expected_interval_s=60)
    say(point, fine())
    assert state_of(point).silent_at == at(60)


def test_newest_message_of_a_batch_counts_in_whatever_order_they_come() -> None:
    (point,) = station(points=1)
    moments = (NOW - MINUTE, NOW - 2 * MINUTE, NOW - 3 * MINUTE)
    take(*(message(point, fine(), received_at=moment.isoformat()) for moment in (moments[1], moments[0], moments[2])))
    assert state_of(point).last_seen == NOW - MINUTE


@pytest.mark.parametrize(
    ("received_at", "seen"),
    [
        (iso(at(-60)), NOW - MINUTE),
        (f"{at(-60):%Y-%m-%dT%H:%M:%S}", NOW - MINUTE),
        (iso(NOW + DAY), NOW),
        ("1970-01-01T00:00:00Z", NOW),
        ("soon", NOW),
        (None, NOW),
    ],
)
def test_forwarders_clock_is_believed_within_reason(received_at: str | None, seen: datetime) -> None:
    (point,) = station(points=1)
    say(point, fine(), received_at=received_at)
    assert state_of(point).last_seen == seen


def test_older_message_does_not_turn_back_the_last_sign_of_life() -> None:
    (point,) = station(points=1)
    say(point, fine())
    say(point, fine(), received_at=(NOW - MINUTE).isoformat(), now=at(5))
    assert state_of(point).last_seen == NOW


# ---- silence --------------------------------------------------------------------------------------------------------


def silent_station(points: int = 2, **more: object) -> list[ChargePoint]:
    """A station that was heard of at NOW and never again."""
    found = station("CP-1", points, **more)
    take(heartbeat("CP-1"))
    return found


def test_silence_opens_one_incident_per_charge_point() -> None:
    points = silent_station()
    assert sweep_silence(now=at(INTERVAL - 1)) == 0
    assert sweep_silence(now=at(INTERVAL)) == 2
    assert [open_cases(point) for point in points] == [["UNAVAILABLE"], ["UNAVAILABLE"]]
    assert {state_of(point).connectivity for point in points} == {Connectivity.SILENT}


def test_incident_begins_when_the_silence_became_an_alert() -> None:
    silent_station(1)
    sweep_silence(now=at(INTERVAL + 300))
    incident = only_incident()
    assert (incident.opened_at, incident.opened_received_at) == (at(INTERVAL), at(INTERVAL + 300))
    assert incident.said == "No message for 20 min"


def test_silence_is_found_once() -> None:
    silent_station()
    assert [sweep_silence(now=NOW + n * HOUR) for n in (1, 2, 3)] == [2, 0, 0]
    assert set(Incident.objects.values_list("repeats", flat=True)) == {0}


def test_charge_point_that_was_never_seen_never_alerts() -> None:
    station("CP-NEW")
    assert sweep_silence(now=NOW + 365 * DAY) == 0
    assert set(ChargePointState.objects.values_list("connectivity", flat=True)) == {Connectivity.NEVER}


def test_message_ends_the_silence_of_the_whole_station() -> None:
    points = silent_station()
    sweep_silence(now=NOW + HOUR)
    say(points[1], fine(), now=NOW + HOUR + MINUTE)
    assert list(Incident.objects.values_list("closed_at", "close_reason")) == [(NOW + HOUR + MINUTE, "life")] * 2
    assert state_of(points[0]).silent_at == NOW + HOUR + MINUTE + timedelta(seconds=INTERVAL)


def test_late_backlog_does_not_resurrect() -> None:
    (point,) = silent_station(1)
    sweep_silence(now=NOW + HOUR)
    say(point, fine(), received_at=at(60).isoformat(), now=NOW + HOUR + MINUTE)
    state = state_of(point)
    assert (state.connectivity, state.silent_at, state.last_seen) == (Connectivity.SILENT, None, at(60))
    assert open_cases(point) == ["UNAVAILABLE"]
    assert sweep_silence(now=NOW + 2 * HOUR) == 0


def test_backlog_within_the_interval_is_life() -> None:
    (point,) = silent_station(1)
    sweep_silence(now=NOW + HOUR)
    say(point, fine(), received_at=(NOW + HOUR - MINUTE).isoformat(), now=NOW + HOUR)
    assert open_cases(point) == []
    assert state_of(point).connectivity == Connectivity.ONLINE


def test_silence_after_life_opens_anew() -> None:
    (point,) = silent_station(1)
    sweep_silence(now=NOW + HOUR)
    say(point, fine(), now=NOW + 2 * HOUR)
    sweep_silence(now=NOW + 3 * HOUR)
    assert Incident.objects.count() == 2
    assert open_cases(point) == ["UNAVAILABLE"]


def test_charge_points_of_one_station_may_have_different_gaps() -> None:
    first, second = silent_station()
    upsert_charge_points(rows=[ChargePointInput(evse_id=second.evse_id, expected_interval_s=7200)], now=NOW)
    sweep_silence(now=NOW + HOUR)
    assert (open_cases(first), open_cases(second)) == (["UNAVAILABLE"], [])


@pytest.mark.parametrize(("interval_s", "found"), [(60, 2), (None, 0), (7200, 0)])
def test_changed_interval_moves_the_alert_of_a_silence_that_has_begun(interval_s: int | None, found: int) -> None:
    points = silent_station()
    rows = [ChargePointInput(evse_id=point.evse_id, expected_interval_s=interval_s) for point in points]
    upsert_charge_points(rows=rows, now=NOW)
    assert sweep_silence(now=at(61)) == found


# ---- the sweep ------------------------------------------------------------------------------------------------------


def test_sweep_takes_whole_stations() -> None:
    for name in ("CP-1", "CP-2", "CP-3"):
        station(name, 3)
        take(heartbeat(name))
    assert [sweep_silence(now=NOW + HOUR, limit=2) for _ in range(4)] == [3, 3, 3, 0]


def test_sweep_asks_by_the_partial_index_of_what_is_due() -> None:
    ChargePointState.objects.bulk_create(
        ChargePointState(charge_point=point, last_seen=NOW, silent_at=NOW + DAY, connectivity=Connectivity.ONLINE)
        for point in ChargePoint.objects.bulk_create(
            ChargePoint(evse_id=f"X{n}", station=f"S{n}") for n in range(3_000)
        )
    )
    silent_station()
    with (
        CaptureQueriesContext(
            connection,
        ) as captured,
        connection.cursor() as cursor,
    ):
        cursor.execute("ANALYZE infra_notifications_chargepointstate, infra_notifications_chargepoint")
        sweep_silence(now=at(INTERVAL))
        question = next(query["sql"] for query in captured.captured_queries if "SKIP LOCKED" in query["sql"])
        cursor.execute("EXPLAIN " + question)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "cpstate_sweep_at" in plan
    assert "Seq Scan" not in plan


def test_sweep_that_finds_nothing_asks_once() -> None:
    station("CP-1")
    with CaptureQueriesContext(connection) as captured:
        assert sweep_silence(now=NOW) == 0
    assert len([query for query in captured.captured_queries if "SAVEPOINT" not in query["sql"]]) == 1


# ---- and who is told ------------------------------------------------------------------------------------------------


def test_silence_of_a_station_is_one_mail_that_lists_its_charge_points() -> None:
    points = silent_station(3)
    NotificationGroupFactory(members=points, hold_off_s={"UNAVAILABLE": 0})
    sweep(NOW + HOUR)
    (mail,) = alerts()
    assert listed(mail) == [point.evse_id for point in points]


def test_groups_delay_counts_from_the_last_message() -> None:
    NotificationGroupFactory(members=silent_station())
    for second, notified in ((INTERVAL - 1, 0), (INTERVAL, 1), (2 * INTERVAL, 1)):
        sweep(at(second))
        assert len(alerts()) == notified
