"""What stations write into fields that have nothing to say: it makes no second fault of one that is open."""

from __future__ import annotations

from typing import Any

import pytest

from infra_notifications.models import ChargePoint
from infra_notifications.rules.placeholders import tells_more
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import at, event, events, fault, fine, open_cases, say
from tests.infra_notifications.test_corpus import ENTRIES, FUSE, OTHER, SENSORS

pytestmark = pytest.mark.django_db

NOTHING = """
    0|0x0000|00|0.0|null|None|none|NoError|-|---|N/A|n/a|Unknown|unknown error|E0|0,0|No error|OK|Faulted|Fault|Error
    status: Faulted|Connector 1 status change to Faulted|ConnectorId: 1, Status: Faulted|Charger faulted|EVSE fault
    [EVSE 1] Fault|InternalError|ERR_NONE|StatusFaulted|EVSE_FAULT|System error|Station out of order|Störung|Stoerung
    Ladepunkt 2 ist gestört|borne en défaut|En panne|Laadpaal gestoord|Estación averiada
""".replace("\n", "|").split("|")
PLACEHOLDERS = [text.strip() for text in NOTHING if text.strip()]
WORDS = ["17", "E-4711", "A000", "RCD", "Starting", "Fehler 17", "Störung Typ B", "UnderCurrent", "авария", "故障"]


@pytest.fixture
def point() -> ChargePoint:
    return ChargePointFactory()


def availability(**more: Any) -> dict[str, Any]:
    return events(event("EVSE", "AvailabilityState", "Faulted", trigger="Alerting", **more))


def test_placeholders_say_nothing_and_whatever_else_does() -> None:
    assert [text for text in PLACEHOLDERS if tells_more(text)] == []
    assert [text for text in WORDS if not tells_more(text)] == []


def test_what_names_a_fuse_or_a_sensor_is_no_placeholder() -> None:
    fields = ("errorCode", "info", "vendorErrorCode", "connectorStatus")
    named = [e["payload"] for e in ENTRIES if e["case"] in (FUSE, SENSORS) and "errorCode" in e["payload"]]
    empty = [p for p in named if not tells_more(*(p.get(field, "") for field in fields))]
    assert len(named) > 1_000
    assert empty == []


@pytest.mark.parametrize(
    ("first", "field", "code"),
    [("GroundFailure", "vendorErrorCode", "NoError"), ("HighTemperature", "info", "OtherError")],
)
def test_faulted_that_says_nothing_new_joins_the_fault_that_is_open(
    point: ChargePoint, first: str, field: str, code: str
) -> None:
    say(point, fault(first))
    (case,) = open_cases(point)
    for seconds, text in enumerate(PLACEHOLDERS):
        say(point, fault(code, **{field: text}), now=at(seconds + 1))
        assert open_cases(point) == [case], text
    say(point, fine(), now=at(1_000))
    assert open_cases(point) == []


def test_faulted_state_of_2_x_that_says_nothing_new_joins_too(point: ChargePoint) -> None:
    say(point, events(event("RCD", "Tripped")))
    for seconds, text in enumerate(PLACEHOLDERS):
        for field in ("techCode", "techInfo"):
            say(point, availability(**{field: text}), now=at(seconds + 1))
            assert open_cases(point) == [FUSE], (field, text)


def test_what_says_nothing_is_told_all_the_same_and_turns_out_to_be_what_follows(point: ChargePoint) -> None:
    say(point, fault("NoError", vendorErrorCode="0x0000", info="status: Faulted"))
    assert open_cases(point) == [OTHER]
    say(point, fault("GroundFailure"), now=at(1))
    assert open_cases(point) == [FUSE]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"code": "GroundFailure", "vendorErrorCode": "17"}, {"code": "OtherError", "vendorErrorCode": "17"}),
        ({"code": "GroundFailure", "vendorErrorCode": "17"}, {"code": "NoError", "vendorErrorCode": "17"}),
        ({"code": "OtherError", "info": "RCD tripped", "vendorErrorCode": "17"}, {"vendorErrorCode": "17"}),
        (
            {"code": "OtherError", "info": "RCD tripped", "vendorErrorCode": "17"},
            {"vendorErrorCode": "17", "info": "0"},
        ),
    ],
)
def test_code_that_the_open_fault_was_told_with_is_no_other_fault(
    point: ChargePoint, first: dict[str, Any], then: dict[str, Any]
) -> None:
    say(point, fault(**first))
    say(point, fault(**{"code": "OtherError"} | then), now=at(1))
    assert open_cases(point) == [FUSE]
    say(point, fault("OtherError", vendorErrorCode="18"), now=at(2))
    assert open_cases(point) == [FUSE, OTHER]
    say(point, fine(), now=at(3))
    assert open_cases(point) == []


def test_faulted_goes_on_after_the_end_of_a_transaction_that_names_it(point: ChargePoint) -> None:
    stop = {"meterStop": 1, "timestamp": at(0).isoformat(), "transactionId": 7, "reason": "GroundFault"}
    say(point, stop, action="StopTransaction")
    say(point, fault("OtherError", info="GroundFault"), now=at(1))
    assert FUSE in open_cases(point)
    assert point.incidents.get(case=FUSE).ends_at is None
