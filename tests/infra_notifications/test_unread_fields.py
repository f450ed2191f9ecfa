"""A field of another name is read as what it means or named in a warning, also where all that is required is there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra_notifications.models import ChargePoint, Incident
from tests.clock import iso
from tests.conftest import ApiClient
from tests.infra_notifications.helpers import HOUR, NOW, fault, fine, open_cases, say, station

pytestmark = pytest.mark.django_db
MESSAGES, SIGNALS = "/charging/messages", "/charging/signals"
NOBODY = "nobody reads a field of this name"
GOOD: dict[str, tuple[str, str, dict[str, Any]]] = {
    "message": ("post", MESSAGES, {"station": "CP-1", "action": "StatusNotification", "payload": fine()}),
    "beat": ("post", MESSAGES, {"station": "CP-1", "action": "Heartbeat", "payload": {}, "protocol": "ocpp1.6"}),
    "signal": ("post", SIGNALS, {"station": "CP-1", "connector": 1, "case": "SENSORS", "state": "raised"}),
    "connection": ("post", "/charging/connections", {"station": "CP-1", "connected": True}),
    "point": ("put", "/charging/charge-points", {"evse_id": "DE*CP-1*1", "name": "North"}),
}


@pytest.fixture
def points() -> list[ChargePoint]:
    return station(points=2)


def send(api: ApiClient, kind: str, more: dict[str, Any], *, many: bool = False) -> dict[str, Any]:
    """The answer to a good item with more in it."""
    method, path, item = GOOD[kind]
    body = [item, item | more] if many else item | more
    return dict(getattr(api, method)(path, body).json())


def warned(answer: dict[str, Any]) -> str:
    return " ".join(told["warning"] for told in answer["warnings"])


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("kind", GOOD)
@pytest.mark.parametrize(
    ("name", "hint"), [("foo", ""), ("messageId", ""), ("recieved_at", "received_at"), ("conector", "connector")]
)
def test_what_nobody_reads_is_named(
    api: ApiClient, points: list[ChargePoint], kind: str, name: str, hint: str, many: bool
) -> None:
    answer = send(api, kind, {name: 1}, many=many)
    assert (answer["accepted"], answer["rejected"]) == (1 + many, [])
    assert [told["index"] for told in answer["warnings"]] == [int(many)]
    assert f"`{name}`" in warned(answer)
    assert NOBODY in warned(answer)
    if hint and hint not in GOOD[kind][2] and kind in ("message", "beat", "signal"):
        assert f"(is `{hint}` meant?)" in warned(answer)


@pytest.mark.parametrize("kind", GOOD)
def test_what_is_spelt_right_is_not_warned_of(api: ApiClient, points: list[ChargePoint], kind: str) -> None:
    for more in ({}, {"id": None}) if kind != "point" else ({},):
        assert send(api, kind, more, many=True)["warnings"] == []


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("name", ["receivedAt", "ReceivedAt", "RECEIVED_AT", "received-at", "received"])
def test_a_queued_clear_ends_no_live_fault_however_its_receipt_is_spelt(
    api: ApiClient, points: list[ChargePoint], name: str, many: bool
) -> None:
    say(points[0], fault("GroundFailure"))
    answer = send(api, "message", {name: iso(NOW - HOUR)})
    assert answer["accepted"] == 1
    assert f"`{name}` was read as `received_at`" in warned(answer)
    assert open_cases(points[0]) == ["FUSE_TRIPPED"]


def test_a_signal_of_one_connector_is_of_that_alone(api: ApiClient, points: list[ChargePoint]) -> None:
    item = {"station": "CP-1", "connectorId": 2, "case": "SENSORS", "state": "raised", "receivedAt": iso(NOW)}
    assert len(api.post(SIGNALS, item).json()["warnings"]) == 2
    incident = Incident.objects.get()
    assert (incident.charge_point, incident.opened_at) == (points[1], NOW)


@pytest.mark.parametrize("more", [{"version": "3.1"}, {"identity": "forwarder-7"}, {"chargeBoxId": "x"}, {"data": {}}])
def test_what_may_be_the_senders_own_changes_nothing(
    api: ApiClient, points: list[ChargePoint], more: dict[str, Any]
) -> None:
    item = {"charge_point": points[0].evse_id, "action": "StatusNotification", "payload": fault()} | more
    answer = api.post(MESSAGES, [item]).json()
    assert (answer["accepted"], NOBODY in warned(answer)) == (1, True)
    assert open_cases(points[0]) == ["FUSE_TRIPPED"]


def test_many_fields_are_named_in_part(api: ApiClient, points: list[ChargePoint]) -> None:
    answer = send(api, "beat", {f"x{number}": 1 for number in range(9)})
    assert "`x4` and 4 more: " in warned(answer)


def test_a_key_that_stands_twice_is_still_named(api: ApiClient, points: list[ChargePoint]) -> None:
    body = json.dumps(GOOD["beat"][2])[:-1] + ', "station": "CP-1", "foo": 1}'
    answer = api.post(MESSAGES, body.encode()).json()
    assert "twice" in warned(answer)
    assert "`foo`" in warned(answer)


NAMES = st.text(st.sampled_from("abcdefgxyz_AI"), min_size=1, max_size=12)


@settings(max_examples=40)
@given(st.sampled_from(sorted(GOOD)), st.dictionaries(NAMES, st.integers(0, 3), max_size=4))
def test_no_field_is_passed_over_in_silence(
    api: ApiClient, points: list[ChargePoint], kind: str, more: dict[str, int]
) -> None:
    known = GOOD[kind][2].keys() | {"id", "at", "name"}
    more = {name: value for name, value in more.items() if name.lower() not in known}
    answer = send(api, kind, more)
    assert answer["accepted"] == 1
    for name in list(more)[:5]:
        assert f"`{name}`" in warned(answer)
