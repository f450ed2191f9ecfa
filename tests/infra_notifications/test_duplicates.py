"""The same id again: what repeats a message and what is another one, at all endpoints that take batches."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra_notifications.models import ChargePoint, ChargePointState, Incident
from tests import clock
from tests.conftest import ApiClient
from tests.infra_notifications.helpers import heartbeat, message, say, signal, station, take, take_neutral

pytestmark = pytest.mark.django_db
NOW = clock.NOW
FAULTED: dict[str, Any] = {"connectorId": 1, "errorCode": "OverCurrentFailure", "status": "Faulted"}
FINE: dict[str, Any] = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
COUNTS = ("accepted", "duplicates", "rejected")
QUIET = settings(max_examples=40)


@pytest.fixture
def point() -> ChargePoint:
    return station(points=1)[0]


def is_open() -> bool:
    return Incident.objects.filter(closed_at__isnull=True).exists()


def test_the_same_message_again_is_a_duplicate_also_when_it_is_received_later(point: ChargePoint) -> None:
    assert say(point, FAULTED, id="1", received_at="2026-11-21T05:40:00Z").accepted == 1
    again = say(point, dict(reversed(FAULTED.items())), id=1, received_at="2026-11-21T05:40:09Z")
    assert (again.accepted, again.duplicates) == (0, 1)


def test_the_same_id_with_other_content_is_taken_because_ids_restart(point: ChargePoint) -> None:
    assert say(point, FINE, id="1").accepted == 1
    assert say(point, FAULTED, id="1").accepted == 1
    assert is_open()


def test_another_station_has_ids_of_its_own(point: ChargePoint) -> None:
    (other,) = station("CP-2", points=1)
    assert take(message(point, FAULTED, id="1"), message(other, FAULTED, id="1")).accepted == 2


def test_a_station_is_one_sender_however_it_is_named(point: ChargePoint) -> None:
    assert say(point, {}, id="1", action="Heartbeat").accepted == 1
    assert take(heartbeat("CP-1", id="2"), heartbeat("CP-1", id="2")).duplicates == 1


def test_a_fault_that_comes_again_under_a_counter_that_began_anew_is_heard(point: ChargePoint) -> None:
    say(point, FAULTED, id="5")
    say(point, FINE, id="6")
    assert not is_open()
    later = NOW + timedelta(hours=1, seconds=1)
    assert say(point, FAULTED, id="5", now=later).accepted == 1
    assert is_open()


def test_heartbeats_under_one_id_keep_proving_life(point: ChargePoint) -> None:
    for minute in range(0, 10, 2):
        assert take(heartbeat("CP-1", id="1"), now=NOW + timedelta(minutes=minute)).accepted == 1
    assert ChargePointState.objects.get().last_seen == NOW + timedelta(minutes=8)


@pytest.mark.parametrize(
    ("more", "external_id"),
    [({"timestamp": "2026-11-21T05:40:00Z"}, "5"), ({}, "0b0ed3ab-2b0c-4b83-9a0d-3f1f9a1e3f60")],
)
def test_what_can_be_told_apart_is_a_duplicate_for_days(
    point: ChargePoint, more: dict[str, Any], external_id: str
) -> None:
    assert say(point, FAULTED | more, id=external_id).accepted == 1
    assert say(point, FAULTED | more, id=external_id, now=NOW + timedelta(days=6)).duplicates == 1


def test_a_queue_that_is_sent_again_hours_later_is_known_by_its_own_times(point: ChargePoint) -> None:
    queued = message(point, FAULTED, id="5", received_at=(NOW - timedelta(hours=3)).isoformat())
    assert take(queued).accepted == 1
    assert take(queued, now=NOW + timedelta(hours=9)).duplicates == 1


@QUIET
@given(st.lists(st.tuples(st.sampled_from("12"), st.booleans()), min_size=1, max_size=12))
def test_no_fault_is_lost_whatever_ids_restart(said: list[tuple[str, bool]]) -> None:
    """Messages an hour apart under two ids: the last one holds, each was heard."""
    point = station(f"CP-{ChargePoint.objects.count()}", points=1)[0]
    for hours, (external_id, faulted) in enumerate(said):
        later = NOW + timedelta(hours=2 * hours)
        assert say(point, FAULTED if faulted else FINE, id=external_id, now=later).accepted == 1
        assert Incident.objects.filter(charge_point=point, closed_at__isnull=True).exists() == faulted


# ---- ids that restart within the hour -------------------------------------------------------------------------------

GROUND: dict[str, Any] = {"connectorId": 1, "errorCode": "GroundFailure", "status": "Faulted"}
BOOT: dict[str, Any] = {"chargePointModel": "m", "chargePointVendor": "v"}
UUID = "0b0ed3ab-2b0c-4b83-9a0d-3f1f9a1e3f6"


def boots_and_says(point: ChargePoint, *statuses: dict[str, Any], **more: Any) -> None:
    """A boot and statuses under a counter that begins at 1."""
    say(point, BOOT, id="1", action="BootNotification", **more)
    for number, status in enumerate(statuses, 2):
        say(point, status, id=str(number), **more)


def test_a_fault_after_each_boot_under_the_same_ids_is_heard(point: ChargePoint) -> None:
    for second, fault in ((False, GROUND), (False, FINE), (True, GROUND)):
        boots_and_says(point, FINE, fault)
        assert is_open() == (fault is GROUND), second


def test_a_recovery_after_each_boot_under_the_same_ids_is_heard(point: ChargePoint) -> None:
    boots_and_says(point, FINE, GROUND)
    boots_and_says(point, FINE)
    assert not is_open()


@pytest.mark.parametrize("every", [None, timedelta(0), timedelta(minutes=15)])
def test_a_fault_under_the_id_of_an_earlier_one_is_heard_after_its_end(
    point: ChargePoint, every: timedelta | None
) -> None:
    for number, (external_id, status) in enumerate(zip("787", (GROUND, FINE, GROUND), strict=True)):
        moment = NOW + number * (every or timedelta(seconds=1))
        stamp = {"received_at": moment.isoformat()} if every else {}
        told = say(point, status, id=external_id, now=moment, **stamp)
        assert (told.accepted, is_open()) == (1, status is GROUND)
    assert [sentence[:8] for _place, sentence in told.warnings] == ["Its `id`"]


@pytest.mark.parametrize("prefix", [UUID, "0000000000000000"])
@pytest.mark.parametrize("every", [timedelta(0), timedelta(seconds=1), timedelta(minutes=15), timedelta(hours=5)])
@pytest.mark.parametrize("told", [(GROUND, FINE), (FINE, GROUND), (GROUND, FINE, GROUND, FINE)])
def test_what_has_an_id_that_is_no_counter_is_said_once(
    point: ChargePoint, prefix: str, every: timedelta, told: tuple[dict[str, Any], ...]
) -> None:
    """Whoever sends it again had no answer."""
    said = [(status, f"{prefix}{number}") for number, status in enumerate(told)]
    for number, (status, external_id) in enumerate(said):
        say(point, status, id=external_id, now=NOW + number * every)
    for again, (status, external_id) in enumerate(said, len(said)):
        assert say(point, status, id=external_id, now=NOW + again * every).duplicates == 1
        assert (is_open(), Incident.objects.count()) == (told[-1] is GROUND, told.count(GROUND))


def test_one_batch_is_read_like_its_messages_one_by_one(point: ChargePoint) -> None:
    said = zip("787", (GROUND, FINE, GROUND), strict=True)
    told = take(*(message(point, status, id=external_id) for external_id, status in said))
    assert (told.accepted, told.duplicates) == (3, 0)
    assert is_open()


@pytest.mark.parametrize("last", [GROUND, FINE])
def test_a_batch_that_is_sent_again_changes_nothing(point: ChargePoint, last: dict[str, Any]) -> None:
    statuses = (FINE, GROUND, FINE, last)
    batch = [message(point, status, id=str(number)) for number, status in enumerate(statuses)]
    take(*batch)
    count = Incident.objects.count()
    assert take(*batch, now=NOW + timedelta(minutes=2)).duplicates == len(batch)
    assert (Incident.objects.count(), is_open()) == (count, last is GROUND)


@pytest.mark.parametrize("more", [{"timestamp": "2026-11-21T05:40:00Z"}, {}])
def test_a_retry_that_comes_after_the_end_opens_nothing(point: ChargePoint, more: dict[str, Any]) -> None:
    """By its own moment, or by when its forwarder received it."""
    stamps: list[dict[str, Any]] = [{"received_at": (NOW + timedelta(seconds=second)).isoformat()} for second in (0, 9)]
    say(point, GROUND | more, id="7", **stamps[0])
    say(point, FINE, id="8", now=NOW + timedelta(seconds=9), **stamps[1])
    assert say(point, GROUND | more, id="7", now=NOW + timedelta(seconds=30), **stamps[0]).duplicates == 1
    assert not is_open()


def test_a_clock_that_was_never_set_tells_no_messages_apart(point: ChargePoint) -> None:
    unset = {"timestamp": "1970-01-01T00:00:12Z"}
    for external_id, status in zip("787", (GROUND, FINE, GROUND), strict=True):
        say(point, status | unset, id=external_id)
        assert is_open() == (status is GROUND)


def test_a_neighbours_status_is_no_newer_one(point: ChargePoint) -> None:
    first, second = station("CP-2", points=2)
    say(first, GROUND, id="7")
    say(second, FINE | {"connectorId": 2}, id="8")
    assert say(first, GROUND, id="7").duplicates == 1


def test_a_status_of_the_whole_station_is_told_anew_too() -> None:
    point, _other = station("CP-2", points=2)
    whole: dict[str, Any] = {"charge_point": None, "station": "CP-2"}
    for external_id, status in zip("787", (GROUND, FINE, GROUND), strict=True):
        assert say(point, status | {"connectorId": 0}, id=external_id, **whole).accepted == 1
        assert is_open() == (status is GROUND)


STEPS = st.lists(st.sampled_from([GROUND, FINE, None]), min_size=1, max_size=10)


@QUIET
@given(STEPS)
def test_counters_that_restart_at_any_time_lose_no_raise_and_no_clear(steps: list[dict[str, Any] | None]) -> None:
    """Statuses seconds apart, each under the next number; None is a boot, after which it begins anew."""
    point, number = station(f"CP-{ChargePoint.objects.count()}", points=1)[0], 0
    for second, status in enumerate(steps):
        number = 1 if status is None else number + 1
        later = NOW + timedelta(seconds=second)
        if status is None:
            say(point, BOOT, id="1", action="BootNotification", now=later)
            continue
        say(point, status, id=str(number), now=later)
        is_faulted = Incident.objects.filter(charge_point=point, closed_at__isnull=True).exists()
        assert is_faulted == (status is GROUND)


@QUIET
@given(STEPS, st.data())
def test_retries_of_what_its_forwarder_stamped_change_nothing_in_any_order(
    steps: list[dict[str, Any] | None], data: st.DataObject
) -> None:
    point = station(f"CP-{ChargePoint.objects.count()}", points=1)[0]
    sent = [
        message(point, status, id=str(number % 3), received_at=(NOW + timedelta(seconds=number)).isoformat())
        for number, status in enumerate(filter(None, steps))
    ]
    for item in sent:
        take(item, now=NOW + timedelta(minutes=1))
    incidents = Incident.objects.filter(charge_point=point)
    before = list(incidents.values_list("pk", "closed_at").order_by("pk"))
    retries = data.draw(st.lists(st.sampled_from(sent), max_size=6)) if sent else []
    for item in retries:
        take(item, now=NOW + timedelta(minutes=2))
    assert list(incidents.values_list("pk", "closed_at").order_by("pk")) == before


# ---- where ids do not restart ---------------------------------------------------------------------------------------


def test_a_signal_of_other_content_under_the_same_id_is_named(point: ChargePoint) -> None:
    assert take_neutral(signal(point, "raised", id="1"), signal(point, "raised", id="1")).duplicates == 1
    told = take_neutral(signal(point, "cleared", id="1"))
    assert told.rejected == [(0, "`id` 1 was sent before with other content.")]
    assert is_open()


def test_each_endpoint_has_ids_of_its_own(api: ApiClient, point: ChargePoint) -> None:
    evse_id = point.evse_id
    sent: list[tuple[str, dict[str, Any]]] = [
        ("/charging/messages", {"charge_point": evse_id, "action": "Heartbeat", "payload": {}}),
        ("/charging/signals", {"charge_point": evse_id, "case": "SENSORS", "state": "raised"}),
        ("/vehicles/facts", {"type": "driver", "driver": "CP-1", "data": {"name": "Anna"}}),
        ("/vehicles/facts", {"type": "driver", "driver": "CP-2", "data": {"name": "Ben"}}),
    ]
    answers: tuple[tuple[int, int, list[Any]], ...] = ((1, 0, []), (0, 1, []))
    for wanted in answers:
        for path, item in sent:
            answer = api.post(path, item | {"id": "1"}).json()
            assert tuple(answer[name] for name in COUNTS) == wanted


@pytest.mark.parametrize(
    ("path", "first", "other"),
    [
        (
            "/vehicles/facts",
            {"type": "driver", "driver": "d", "data": {"name": "Anna"}},
            {"type": "driver", "driver": "d", "data": {"name": "Ben"}},
        ),
        (
            "/vehicles/facts",
            {"type": "driver", "driver": "d", "data": {"name": "Anna"}, "occurred_at": "2026-11-21T05:40:00Z"},
            {"type": "driver", "driver": "d", "data": {"name": "Anna"}, "occurred_at": "2026-11-21T05:40:01Z"},
        ),
    ],
)
def test_a_fact_of_other_content_under_the_same_id_is_named(
    api: ApiClient, path: str, first: dict[str, Any], other: dict[str, Any]
) -> None:
    answers = [api.post(path, item | {"id": "1"}).json() for item in (first, other, first)]
    assert [(told["accepted"], told["duplicates"], len(told["rejected"])) for told in answers] == [
        (1, 0, 0),
        (0, 0, 1),
        (0, 1, 0),
    ]


def test_the_same_moment_in_another_zone_is_the_same_content(api: ApiClient) -> None:
    fact = {"type": "driver", "driver": "d", "data": {"name": "Anna"}, "id": "1"}
    assert api.post("/vehicles/facts", fact | {"occurred_at": "2026-11-21T06:40:00+01:00"}).json()["accepted"] == 1
    assert api.post("/vehicles/facts", fact | {"occurred_at": "2026-11-21T05:40:00Z"}).json()["duplicates"] == 1
