"""Whatever raises or ends a case is heard again under an id of before, when something was told in between."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra_notifications.models import ChargePoint, Incident
from tests.clock import NOW
from tests.conftest import ApiClient
from tests.infra_notifications.helpers import fault, fine, open_cases, say, station, take
from tests.infra_notifications.helpers import message as message_of

pytestmark = pytest.mark.django_db
UNSET = "1970-01-01T00:00:12Z"


def alarm(*, active: bool) -> dict[str, Any]:
    data = {"connectorId": 1, "code": "E1", "active": active}
    return {"vendorId": "v", "messageId": "alarm", "data": json.dumps(data)}


def door(what: str) -> dict[str, Any]:
    return {"type": f"Door{what}", "timestamp": UNSET}


STOPPED = {"transactionId": 7, "meterStop": 1, "timestamp": UNSET, "reason": "EmergencyStop"}
NOTIFIED = {
    "generatedAt": UNSET,
    "seqNo": 0,
    "eventData": [
        {
            "eventId": 1,
            "timestamp": UNSET,
            "trigger": "Alerting",
            "actualValue": "true",
            "eventNotificationType": "HardWiredMonitor",
            "component": {"name": "RCD"},
            "variable": {"name": "Tripped"},
        }
    ],
}
NOTIFIED_END = json.loads(json.dumps(NOTIFIED).replace('"actualValue": "true"', '"actualValue": "false"'))
# What raises and what ends it, each by its action and, where it is not 1.6, its version.
PAIRS: list[tuple[Any, Any]] = [
    (("DataTransfer", alarm(active=True)), ("DataTransfer", alarm(active=False))),
    (
        ("SecurityEventNotification", door("Opened"), "ocpp2.0.1"),
        ("SecurityEventNotification", door("Closed"), "ocpp2.0.1"),
    ),
    (("StopTransaction", STOPPED), ("StatusNotification", fine())),
    (("StatusNotification", fault()), ("StatusNotification", fine())),
    (("NotifyEvent", NOTIFIED, "ocpp2.0.1"), ("NotifyEvent", NOTIFIED_END, "ocpp2.0.1")),
]
each_pair = pytest.mark.parametrize(("begin", "end"), PAIRS, ids=[pair[0][0] for pair in PAIRS])


@pytest.fixture
def point() -> ChargePoint:
    return station(points=1)[0]


def spoken(point: ChargePoint, said: Any, pk: str) -> Any:
    action, payload, protocol = (*said, "ocpp1.6")[:3]
    return message_of(point, payload, id=pk, action=action, protocol=protocol)


@each_pair
def test_what_comes_again_after_its_end_is_heard(point: ChargePoint, begin: Any, end: Any) -> None:
    for number, (pk, said) in enumerate((("5", begin), ("6", end), ("5", begin))):
        told = take(spoken(point, said, pk), now=NOW + timedelta(seconds=number))
        assert (told.accepted, bool(open_cases(point))) == (1, said is begin), number
    assert any("was sent before" in sentence for _place, sentence in told.warnings)


@each_pair
def test_a_retry_is_a_duplicate(point: ChargePoint, begin: Any, end: Any) -> None:
    for pk, said in (("5", begin), ("6", end)):
        take(spoken(point, said, pk))
        take(message_of(point, {}, id=f"h{pk}", action="Heartbeat"))
        assert take(spoken(point, said, pk), now=NOW + timedelta(seconds=20)).duplicates == 1
    assert Incident.objects.count() == 1
    assert open_cases(point) == []


@each_pair
def test_a_batch_that_is_sent_again_changes_nothing(point: ChargePoint, begin: Any, end: Any) -> None:
    batch = [spoken(point, said, str(number)) for number, said in enumerate((begin, end, begin, end))]
    take(*batch)
    count = Incident.objects.count()
    assert take(*batch, now=NOW + timedelta(minutes=2)).duplicates == len(batch)
    assert (Incident.objects.count(), open_cases(point)) == (count, [])


def test_a_retry_that_its_forwarder_stamped_opens_nothing(point: ChargePoint) -> None:
    stamps: list[dict[str, Any]] = [{"received_at": (NOW + timedelta(seconds=second)).isoformat()} for second in (0, 9)]
    more: dict[str, Any] = {"action": "DataTransfer"}
    say(point, alarm(active=True), id="7", **stamps[0], **more)
    say(point, alarm(active=False), id="8", now=NOW + timedelta(seconds=9), **stamps[1], **more)
    again = say(point, alarm(active=True), id="7", now=NOW + timedelta(seconds=30), **stamps[0], **more)
    assert (again.duplicates, open_cases(point)) == (1, [])


@settings(max_examples=30)
@given(st.sampled_from(PAIRS), st.lists(st.tuples(st.booleans(), st.sampled_from("12")), min_size=1, max_size=8))
def test_whatever_ids_are_used_again_the_last_word_holds(pair: Any, steps: list[tuple[bool, str]]) -> None:
    point = station(f"CP-{ChargePoint.objects.count()}", points=1)[0]
    for second, (begins, pk) in enumerate(steps):
        take(spoken(point, pair[not begins], pk), now=NOW + timedelta(seconds=second))
        assert bool(open_cases(point)) == begins


def test_frames_of_a_counter_that_begins_anew(api: ApiClient, point: ChargePoint) -> None:
    boot = {"chargePointVendor": "v", "chargePointModel": "m"}
    for active in (True, False, True):
        frames = [[2, "1", "BootNotification", boot], [2, "5" if active else "6", "DataTransfer", alarm(active=active)]]
        assert api.post("/charging/frames/CP-1?protocol=ocpp1.6", frames).status_code == 202
        assert bool(open_cases(point)) == active
