"""Two faults of one charge point are two: each is opened once, held and ended by its own code, whatever is between."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import msgspec
import pytest
from django.db import transaction

from infra_notifications.choices import Case
from infra_notifications.ingest import SignalMessage
from infra_notifications.models import Incident
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import at, event, events, fault, fine, open_cases, say, station, take_neutral

pytestmark = pytest.mark.django_db
FUSE, SENSORS, OTHER = "FUSE_TRIPPED", "SENSORS", "OTHER_FAULT"
CHARGEX = {"vendorId": "https://chargex.inl.gov"}
RELAY = {"vendorErrorCode": "evse_board_support/VendorError", "vendorId": "EVerest", "info": "Relay stuck"}
INOPERATIVE = {"vendorId": "EVerest", "vendorErrorCode": "Charging is not possible. Usually caused by anothe"}


def of(code: str, status: str = "Charging", **more: Any) -> dict[str, Any]:
    return fault(code, status=status, **more)


def vendors(code: str, info: str = "", **more: Any) -> dict[str, Any]:
    return of("OtherError", vendorErrorCode=code, info=info, **more)


def mrec(code: str, **more: Any) -> dict[str, Any]:
    return CHARGEX | vendors(code, **more)


def inoperative(cause: str) -> dict[str, Any]:
    return INOPERATIVE | of("OtherError", "Faulted", info=f"caused_by:{cause}")


def problem(code: str, value: Any = True, **more: Any) -> dict[str, Any]:
    return events(event("EVSE", "Problem", value, techCode=code, trigger="Alerting", **more))


def custom(code: str, status: str = "Faulted", **more: Any) -> dict[str, Any]:
    said = {"vendorId": "v", "vendorErrorCode": code} | more
    about = {"evseId": 1, "connectorId": 1, "connectorStatus": status, "timestamp": at(0).isoformat()}
    return about | {"customData": said}


def transfer(**data: Any) -> dict[str, Any]:
    return {"vendorId": "v", "messageId": "Alarm", "data": data | {"connectorId": 1}}


# What is said one after the other, with the cases that are open then.
STORIES: dict[str, list[tuple[dict[str, Any], list[str]]]] = {
    "a second code takes no first": [
        (of("OtherError", "Faulted", **RELAY), [OTHER]),
        (CHARGEX | of("GroundFailure", "Faulted", vendorErrorCode="CX002"), [FUSE, OTHER]),
        (mrec("CX002", info="Error CX002 resolved", status="Faulted"), [OTHER]),
        (fine(), []),
    ],
    "the other order": [
        (CHARGEX | of("GroundFailure", "Faulted", vendorErrorCode="CX002"), [FUSE]),
        (of("OtherError", "Faulted", **RELAY), [FUSE, OTHER]),
        (mrec("CX002", info="CX002 resolved", status="Faulted"), [OTHER]),
    ],
    "an end in words is of its case": [
        (vendors("Fan1", "Fan failure"), [OTHER]),
        (vendors("ESTOP", "Emergency stop pressed"), [FUSE, OTHER]),
        (vendors("ESTOP", "Emergency stop released"), [OTHER]),
        (fine(), []),
    ],
    "told in turn": [
        *[(of("PowerMeterFailure", "Faulted"), [OTHER]), (fault("GroundFailure"), [FUSE, OTHER])],
        *[(of("PowerMeterFailure", "Faulted"), [FUSE, OTHER]), (fault("GroundFailure"), [FUSE, OTHER])] * 2,
        (fine(), []),
    ],
    "words of its own": [
        (of("OtherError", "Faulted", info="Fan failure"), [OTHER]),
        (of("OtherError", "Faulted", info="RCD tripped"), [FUSE, OTHER]),
        (of("OtherError", "Faulted", info="Fan failure"), [FUSE, OTHER]),
        (fine(), []),
    ],
    "the same code is one fault, whatever else is said": [
        (vendors("17", status="Faulted"), [OTHER]),
        (of("GroundFailure", "Faulted", vendorErrorCode="17"), [FUSE]),
        (vendors("17", status="Faulted"), [FUSE]),
        (vendors("17", "17 resolved"), []),
    ],
    "the end of OCPP's own code": [
        (fault("GroundFailure"), [FUSE]),
        (vendors("GroundFailure", "Error GroundFailure resolved"), []),
    ],
    "it is Faulted for another reason": [
        (fault("GroundFailure"), [FUSE]),
        (vendors("GroundFailure", "Error GroundFailure resolved", status="Faulted"), [OTHER]),
        (fine(), []),
    ],
    "the name of what remains": [
        (mrec("CX008"), [FUSE]),
        (of("PowerMeterFailure"), [FUSE, OTHER]),
        (CHARGEX | of("PowerMeterFailure", vendorErrorCode="CX008", info="CX008 resolved"), [OTHER]),
        (fine(), []),
    ],
    "what remains is of the same case": [
        (CHARGEX | of("GroundFailure", vendorErrorCode="CX002"), [FUSE]),
        (mrec("CX008"), [FUSE]),
        (CHARGEX | of("GroundFailure", vendorErrorCode="CX008", info="CX008 resolved"), [FUSE]),
        (mrec("CX002", info="CX002 resolved"), []),
    ],
    "the end of one that nobody knows": [
        *[(vendors("E21"), [OTHER]), (vendors("E07"), [OTHER]), (vendors("E21", "E21 resolved"), [OTHER])],
        (vendors("E07", "E07 resolved"), []),
    ],
    "a code and what is no code": [
        *[(mrec("CX002"), [FUSE]), (vendors("Fan1"), [FUSE, OTHER]), (mrec("CX002", info="CX002 resolved"), [OTHER])],
    ],
    "EVerest, finishing": [
        (mrec("CX008", status="Finishing"), [FUSE]),
        (vendors("CommunicationFault/", "ev->x", status="Finishing", vendorId="Comm fault with meter"), [FUSE, OTHER]),
        (mrec("CX008", info="CX008 resolved", status="Finishing"), [OTHER]),
        (vendors("CommunicationFault/", "CommunicationFault/ resolved"), []),
    ],
    "EVerest, a name that ends with its sign": [
        (vendors("PowermeterTransactionStartFailed/", "evse->x"), [OTHER]),
        (vendors("PowermeterTransactionStartFailed/", "PowermeterTransactionStartFailed/ resolved"), []),
    ],
    "EVerest, a text that is cut": [
        (vendors("EmergencyStopButtonPressed/panel_front_left_s", "board->x"), [FUSE]),
        (
            fine(status="Charging", vendorErrorCode="EmergencyStopButtonPressed/panel_front_left_s")
            | {"info": "EmergencyStopButtonPressed/panel_front_left_s reso"},
            [],
        ),
    ],
    "EVerest, its consequence": [
        (mrec("CX008"), [FUSE]),
        (inoperative("evse_board_support/MREC8EmergencyStop"), [FUSE]),
        (fine(status="Charging"), []),
    ],
    "EVerest, its consequence by another name": [
        (vendors("TiltDetected/", "board->x"), [SENSORS]),
        (inoperative("evse_board_support/TiltDetected"), [SENSORS]),
        (inoperative("ac_rcd/MREC2GroundFailure"), [SENSORS]),
        (fine(), []),
    ],
    "EVerest, the consequence of what nobody knows": [
        (of("OtherError", **RELAY), [OTHER]),
        (inoperative("evse_board_support/VendorError"), [OTHER]),
        (inoperative("evse_board_support/MREC8EmergencyStop"), [OTHER]),
        (fine(), []),
    ],
    "EVerest, a consequence alone": [
        (inoperative("evse_board_support/MREC8EmergencyStop"), [FUSE]),
        (mrec("CX008", status="Faulted"), [FUSE]),
        (fine(), []),
    ],
    "EVerest by OCPP 2.x": [
        (problem("CX008", techInfo="stop"), [FUSE]),
        (problem("evse_manager/Inoperative", techInfo="Charging is not possible."), [FUSE]),
        (problem("CX008", False, techInfo="stop", cleared=True), [OTHER]),
        (problem("evse_manager/Inoperative", False, cleared=True), []),
    ],
    "EVerest by OCPP 2.x, its consequence names it": [
        (problem("evse_board_support/TiltDetected"), [SENSORS]),
        (problem("evse_manager/Inoperative", techInfo="Emergency stop pressed"), [SENSORS]),
        (problem("evse_manager/Inoperative", False, cleared=True), [SENSORS]),
        (problem("evse_board_support/TiltDetected", False, cleared=True), []),
    ],
    "OCPP 2.x, the codes of a maker": [
        *[(custom("E07"), [OTHER]), (custom("CX008"), [FUSE, OTHER]), (custom("E07"), [FUSE, OTHER])],
        (custom("CX008", info="CX008 resolved"), [OTHER]),
        (custom("", "Available"), []),
    ],
    "a maker's own messages": [
        (transfer(text="Fan failure"), [OTHER]),
        (transfer(text="RCD tripped"), [FUSE, OTHER]),
    ],
    "a maker's own messages by code": [
        *[(transfer(code="E21", state="active"), [OTHER]), (transfer(code="E07", state="active"), [OTHER])],
        *[(transfer(code="E21", state="cleared"), [OTHER]), (transfer(code="E07", state="cleared"), [])],
    ],
    "a list of codes": [
        (fault("OtherError", vendorErrorCode="EmergencyStop,DoorOpen"), [FUSE, SENSORS]),
        (vendors("DoorOpen", "DoorOpen resolved", status="Faulted"), [FUSE]),
        (fine(), []),
    ],
    "Faulted without a word belongs to what has a cause": [
        *[(fault("NoError"), [OTHER]), (fault("GroundFailure"), [FUSE]), (fault("OtherError"), [FUSE]), (fine(), [])],
    ],
}


def test_each_fault_is_opened_once_and_ended_by_its_own_end() -> None:
    wrong: dict[str, list[Any]] = {}
    for name, story in STORIES.items():
        point, found = ChargePointFactory(), []
        for second, (payload, _cases) in enumerate(story):
            action = {"action": "DataTransfer"} if "messageId" in payload else {}
            say(point, payload, now=at(2 * second), **action)
            found.append(open_cases(point))
        # "Faulted" is what is left of a station that names no other cause.
        opened = list(point.incidents.exclude(said="Faulted").order_by("id").values_list("case", flat=True))
        if found != [cases for _payload, cases in story] or len(opened) != len({*opened}):
            wrong[name] = [*found, opened]
    assert wrong == {}


def test_signals_of_different_cases_have_nothing_to_do_with_each_other() -> None:
    """In each order, with and without words, at a point and at its whole station, what is not cleared stays."""
    wrong = []
    for detail, whole in product((None, "door"), (False, True)):
        for first, then in permutations(Case.values, 2):
            with transaction.atomic():
                (point,) = station("CP-7", 1)
                found = []
                for second, (case, state) in enumerate([(first, "raised"), (then, "raised"), (then, "cleared")]):
                    about = SignalMessage(charge_point=point.evse_id, case=case, state=state, detail=detail)
                    if whole and second == 0:
                        about = msgspec.structs.replace(about, charge_point=None, station="CP-7")
                    take_neutral(about, now=at(second))
                    found.append(open_cases(point))
                if found != [[first], sorted((first, then)), [first]] or Incident.objects.count() != 2:
                    wrong.append((detail, whole, first, then, found))
                transaction.set_rollback(True)
    assert wrong == []
