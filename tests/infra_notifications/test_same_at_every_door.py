"""What is read of a message is read of it at every door: what is kept and masked of a frame takes no fault away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra_notifications.ingest import observe
from infra_notifications.models import ChargePoint, ChargePointState, Incident, OcppRoute
from infra_notifications.rules.frames import parse_frame
from infra_notifications.rules.retained import retained
from infra_notifications.rules.spelling import read_wire
from infra_notifications.services.frames import message_of
from tests.conftest import ApiClient
from tests.infra_notifications.helpers import event, events, take
from tests.infra_notifications.proxy.test_listener import Ear
from tests.infra_notifications.test_corpus import ENTRIES
from tests.infra_notifications.test_spelling import SPELT
from tests.infra_notifications.test_transfers import ALARMS, CALM, transfer

F = {"connectorId": 1, "errorCode": "GroundFailure", "status": "Faulted"}
TRIPPED = events(event("RCD", "Tripped"))
LONG = "Faulted: residual current device has tripped on phase L1, see the manual page 40"
REPORT = {"component": {"name": "RCD"}, "variable": {"name": "Tripped"}, "variableAttribute": [{"value": "true"}]}
STOP = {"meterStop": 9, "timestamp": "2026-11-29T09:00:00Z", "transactionId": 9, "reason": "EmergencyStop"}
ENDED = {
    "eventType": "Ended",
    "seqNo": 1,
    "timestamp": "2026-11-29T09:00:00Z",
    "triggerReason": "AbnormalCondition",
    "transactionInfo": {"transactionId": "9", "stoppedReason": "GroundFault"},
    "evse": {"id": 1},
}
# Of which each is a fault of the station's only connector.
CARRIED: list[dict[str, Any]] = [
    *(
        transfer("StatusNotification", data)
        for data in (
            *({"connectors": [{"id": 1, "state": "Faulted"}]}, [F], json.dumps([F]), json.dumps(json.dumps(F))),
            *("1,Faulted,OtherError,,17", {"payload": F}, {"StatusNotification": F}, [2, "1", "StatusNotification", F]),
            *(json.dumps([2, "1", "StatusNotification", F]), ["ok", F], {"1": "Faulted"}),
            {"evses": [{"id": 1, "connectors": [{"id": 1, "status": "Faulted"}]}]},
        )
    ),
    *({"vendorId": "x", "messageId": name, "data": data} for name in (None, "") for data in (F, json.dumps(F))),
    *({"vendorId": "x", "data": data} for data in (F, json.dumps(F), "RCD tripped", {"error": "RCD tripped"})),
    {"vendor_id": "x", "message_id": "StatusNotification", "data": F},
    {"vendor_id": "x", "message_id": "FaultNotification", "data": {"error_code": "GroundFailure"}},
    transfer("StatusNotificationRequest", F),
    transfer("StatusNotification", None) | F,
    transfer("NotifyEventRequest", TRIPPED),
    transfer("NotifyEvent", TRIPPED["eventData"]),
    transfer("NotifyEvent", TRIPPED["eventData"][0]),
    transfer(
        "NotifyReport", {"reportData": [REPORT], "generatedAt": "2026-11-29T09:00:00Z", "requestId": 1, "seqNo": 0}
    ),
    transfer("SecurityEventNotification", [{"type": "TamperDetectionActivated", "timestamp": "2026-11-29T09:00:00Z"}]),
    transfer("StopTransaction", STOP | {"connectorId": 1}),
    transfer("TransactionEvent", ENDED),
]
NESTED: list[tuple[str, str, Any]] = [
    ("ocpp2.0.1", "NotifyEvent", TRIPPED | {"eventData": json.dumps(TRIPPED["eventData"])}),
    ("ocpp2.0.1", "NotifyEvent", TRIPPED | {"eventData": {"0": TRIPPED["eventData"][0]}}),
    ("ocpp2.0.1", "NotifyEvent", TRIPPED["eventData"]),
    ("ocpp2.0.1", "NotifyEvent", TRIPPED["eventData"] * 2),
    (
        "ocpp2.0.1",
        "NotifyEvent",
        events(event("RCD", "Tripped") | {"component": [{"name": "RCD", "evse": [{"id": 1}]}]}),
    ),
    *(("ocpp1.6", "StatusNotification", {name: F}) for name in ("payload", "StatusNotification", "data", "request")),
    *(
        ("ocpp1.6", "StatusNotification", F | {"errorCode": code})
        for code in ({"code": "GroundFailure"}, ["GroundFailure"])
    ),
    *(
        ("ocpp2.0.1", "NotifyEvent", events(event(component, "AvailabilityState", value)))
        for component in ("TokenReader", "Keypad", "UserInterface", "EVSE")
        for value in ("Faulted", LONG)
    ),
    *(("ocpp2.0.1", "NotifyEvent", events(event("Stopping", name, LONG))) for name in ("ErrorInfo", "mappingState")),
    ("ocpp1.6", "StatusNotification", F | {"errorCode": "OtherError", "info": "token: RCD tripped"}),
]
FAULTS = [*NESTED, *SPELT, *(("ocpp1.6", "DataTransfer", body) for body in CARRIED)]
FAULTS += [("ocpp1.6", "DataTransfer", transfer(name, data)) for name, data, _case in ALARMS]
CALMS = [("ocpp1.6", "DataTransfer", transfer(name, data)) for name, data in CALM]
ALL = [*FAULTS, *CALMS, *((each["protocol"], each["action"], each["payload"]) for each in ENTRIES)]


def said(protocol: str, action: str, payload: Any) -> list[Any]:
    return [each.facts for each in observe(protocol, action, payload)]


def test_what_is_kept_says_what_was_read() -> None:
    for protocol, action, payload in ALL:
        wire = read_wire(protocol, action, payload)
        kept = retained(wire.action, wire.payload)
        assert said(wire.protocol, wire.action, kept) == said(wire.protocol, wire.action, wire.payload), (
            action,
            payload,
        )


@pytest.mark.django_db
def test_a_fault_is_one_at_every_door(api: ApiClient, tmp_path: Path) -> None:
    OcppRoute.objects.create(slug="main", upstream="ws://csms")
    ear, items, frames = Ear(tmp_path), list[dict[str, Any]](), list[Any]()
    bodies = [*FAULTS, *CALMS]
    names = [f"{door}{number}" for door in "MFP" for number in range(len(bodies))]
    points = ChargePoint.objects.bulk_create(ChargePoint(evse_id=name, station=name, connector=1) for name in names)
    ChargePointState.objects.bulk_create(ChargePointState(charge_point=point) for point in points)
    for number, (protocol, action, payload) in enumerate(bodies):
        items.append({"station": f"M{number}", "protocol": protocol, "action": action, "payload": payload})
        frame = [2, str(number), action, payload]
        frames.append(message_of(parse_frame(frame), None, f"F{number}", protocol))
        ear.say(ear.connect(f"P{number}", protocol=protocol), *frame)
    assert api.post("/charging/messages", items).json()["accepted"] == len(items)
    assert take(*frames).accepted == len(frames)
    ear.take()
    opened = dict.fromkeys(names, "")
    opened |= dict(Incident.objects.filter(closed_at=None).values_list("charge_point__station", "case"))
    made = [{opened[f"{door}{number}"] for door in "MFP"} for number in range(len(bodies))]
    assert [(body, cases) for body, cases in zip(bodies, made, strict=True) if len(cases) > 1] == []
    assert [body for body, cases in zip(FAULTS, made, strict=False) if cases == {""}] == []
    assert [body for body, cases in zip(CALMS, made[len(FAULTS) :], strict=True) if cases != {""}] == []
