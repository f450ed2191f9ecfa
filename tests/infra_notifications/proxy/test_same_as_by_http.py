"""What the proxy hears of a frame is what `/charging/frames` takes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra_notifications.models import ChargePointMessage, Incident, OcppRoute, Source
from infra_notifications.proxy.reader import FolderReader
from infra_notifications.rules.actions import ACTIONS
from infra_notifications.rules.frames import parse_frame
from infra_notifications.rules.spelling import PROTOCOLS
from infra_notifications.services.frames import message_of
from tests.conftest import ApiClient
from tests.infra_notifications.helpers import NOW, open_cases, station
from tests.infra_notifications.proxy.test_listener import Ear

LABELS = {version: label for label, version in PROTOCOLS.items()}
PLACES: list[dict[str, Any]] = [
    {"connectorId": 2, "evseId": "3", "transactionId": 90, "evse": {"id": 4, "connectorId": 1}, "offline": True},
    {"connector_id": 2, "EvseId": None, "transaction_id": "90", "evse": {"id": "4"}, "idTag": "SECRET-1"},
]
METER = [{"timestamp": NOW.isoformat(), "sampledValue": [{"value": "1"}] * 20}]


def test_of_every_action_the_proxy_keeps_what_the_frame_by_http_keeps(tmp_path: Path) -> None:
    ear, expected = Ear(tmp_path), []
    for protocol in LABELS.values():
        link = ear.connect(protocol=protocol)
        for action, versions in ACTIONS.items():
            for places in PLACES:
                required = dict.fromkeys(versions.get(PROTOCOLS[protocol], ()), "said")
                frame = [2, "7", action, {**required, **places, "meterValue": METER}]
                ear.say(link, *frame)
                expected.append((action, message_of(parse_frame(frame), None, "CP-1", protocol).payload))
    ear.listener.save()
    heard = [record.message for record in FolderReader(ear.listener.spools[0].own).take(10_000)]
    assert [(message.action, message.payload) for message in heard if message] == expected
    assert "SECRET-1" not in str(expected)


@pytest.mark.django_db
def test_meter_values_say_where_their_transaction_is(ear: Ear) -> None:
    station(points=3)
    link = ear.connect()
    ear.say(link, 2, "1", "MeterValues", {"connectorId": 2, "transactionId": 90, "meterValue": METER})
    stop = {"meterStop": 9, "timestamp": NOW.isoformat(), "transactionId": 90, "reason": "EmergencyStop"}
    ear.say(link, 2, "2", "StopTransaction", stop)
    ear.take()
    assert list(Incident.objects.values_list("charge_point__connector", flat=True)) == [2]
    kept = ChargePointMessage.objects.get(action="MeterValues").payload
    assert kept == {"connectorId": 2, "transactionId": 90, "meterValue": "***"}
    assert (Source.objects.get().warnings, Source.objects.get().rejected) == (0, 0)


@pytest.mark.django_db
def test_what_is_cut_off_in_a_part_that_nobody_reads_is_a_frame_all_the_same(ear: Ear) -> None:
    station(points=3)
    whole = json.dumps([2, "1", "MeterValues", {"connectorId": 2, "meterValue": METER}])
    for cut in (whole[:-1], whole.replace("{", '{"customData": NaN, ', 1)):
        ear.raw(ear.connect(), cut.encode())
    ear.take()
    said = [message.payload for message in ChargePointMessage.objects.filter(action="MeterValues")]
    assert said == [{"connectorId": 2, "meterValue": "***"}] * 2
    assert Source.objects.get().rejected == 0


@pytest.fixture
def ear(tmp_path: Path) -> Ear:
    OcppRoute.objects.create(slug="main", upstream="ws://csms")
    return Ear(tmp_path)


@pytest.mark.django_db
def test_a_fault_that_an_answer_tells_is_heard_and_other_values_are_nobodys_business(ear: Ear, api: ApiClient) -> None:
    where = {"component": {"name": "Connector", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}
    secret = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}

    def answer(said: str) -> dict[str, Any]:
        told = {"attributeStatus": "Accepted", "attributeValue": said}
        return {"getVariableResult": [where | told, secret | told | {"attributeValue": "SECRET-1"}]}

    ask = [2, "c1", "GetVariables", {"getVariableData": [where, secret]}]
    points = (station(points=1), station("CP-2", points=1))
    link = ear.connect(protocol="ocpp2.0.1")
    for said, cases in (("Faulted", ["OTHER_FAULT"]), ("Available", [])):
        ear.now += 1
        ear.say(link, *ask, csms=True)
        ear.say(link, 3, "c1", answer(said))
        ear.take()
        frames = [ask, [3, "c1", answer(said)]]
        assert api.post("/charging/frames/CP-2?protocol=ocpp2.0.1", frames).status_code == 202
        assert [open_cases(*each) for each in points] == [cases, cases], said
    assert "SECRET-1" not in ear.stored + str(list(ChargePointMessage.objects.values_list("payload", flat=True)))
