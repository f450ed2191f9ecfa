"""What is kept of payloads: nothing that says who somebody is, and all that rules read."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ocpp
import pytest

from infra_notifications.ingest import observe
from infra_notifications.rules.action_names import CALL, ERROR, RESULT
from infra_notifications.rules.actions import missing_fields
from infra_notifications.rules.kept_messages import kept_payload
from infra_notifications.rules.retained import HIDDEN, retained
from infra_notifications.rules.spelling import is_exact
from tests.infra_notifications.helpers import event, events, fault
from tests.infra_notifications.test_every_request import FOLDERS, Maker, requests

# Whatever stands under such a name, at whatever depth.
_SECRETS = """
    idtag token emaid parentid additionalinfo certificate csr exi password key customdata customer serial iccid
    imsi vatnumber url uri location configuration value data content signature ocsp apn username
    localauthorization company address ssid network chargingprofile sampledvalue meter pin
"""
SECRETS = _SECRETS.split()


class Marked(Maker):
    """Fills every field; each text says where it stood."""

    def __init__(self, schema: dict[str, Any]) -> None:
        super().__init__(schema, random.Random(7))
        self.path: list[str] = []

    def _object(self, part: dict[str, Any], depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, inner in part.get("properties", {}).items():
            if depth > 7:
                continue
            self.path.append(name)
            made[name] = self.make(inner, depth + 1)
            self.path.pop()
        return made

    def _string(self, part: dict[str, Any], depth: int) -> str:
        return "/".join(self.path)


def responses() -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for version, folder in FOLDERS.items():
        for path in sorted((Path(ocpp.__file__).parent / folder / "schemas").glob("*Response.json")):
            found[version, path.stem.removesuffix("Response")] = json.loads(path.read_text(encoding="utf-8-sig"))
    return found


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


def is_secret(text: str) -> bool:
    names = text.lower().split("/")
    # What a NotifyEvent and a NotifyReport of 2.x tell stands in fields of these names.
    return any(word in name for name in names if name not in ("eventdata", "reportdata") for word in SECRETS)


def test_no_secret_of_any_request_survives() -> None:
    assert len(requests()) == 194
    for (version, action), schema in requests().items():
        payload = Marked(schema).make()
        kept = retained(action, payload)
        survivors = [text for text in texts(kept) if (is_secret(text) and "/" in text) or text.lower() in SECRETS]
        survivors = [text for text in survivors if not text.endswith("actualValue")]
        assert not survivors, (version, action, survivors)
        assert not missing_fields(action, version, kept), (version, action)


def test_no_secret_of_any_answer_survives() -> None:
    assert len(responses()) > 190
    for (version, action), schema in responses().items():
        payload = Marked(schema).make()
        for kind in (RESULT, ERROR):
            survivors = [text for text in texts(retained(action, payload, kind)) if is_secret(text)]
            assert not survivors, (version, action, survivors)


def test_whatever_is_not_known_is_not_kept() -> None:
    for action in ("StatusNotification", "Authorize", "VendorSpecific"):
        odd = {
            "idTag": "S",
            "x": {"idTag": "S"},
            "y": [["S"]],
            "customData": {"vendorId": "S"},
            "connectorId": {"a": "S"},
        }
        assert "S" not in list(texts(retained(action, odd)))
    for nothing in (None, "S", ["S"], 7):
        assert retained("Authorize", nothing) == {}


@pytest.mark.parametrize(
    "said", ["login pw=hunter2", "Password: hunter2, retry", "api_key=hunter2&x=1", "token = hunter2"]
)
def test_a_text_that_names_a_secret_is_kept_without_it(said: str) -> None:
    kept = retained("StatusNotification", {"info": said, "status": "Faulted", "timestamp": "2026-11-29T09:00:00Z"})
    assert "hunter2" not in str(kept)
    assert kept["info"].startswith(said[:5])
    assert "hunter2" not in str(kept_payload("StatusNotification", {"info": said, "status": "Faulted"}))
    assert kept_payload("StatusNotification", {"info": "Fuse: blown = yes"}) == {"info": "Fuse: blown = yes"}


def test_what_is_named_alone_is_kept_and_what_it_names_as_secret_is_not() -> None:
    said = {"component": "EVSE", "variable": "Problem", "actualValue": "true", "timestamp": "x"}
    placed = said | {"component": {"name": "EVSE", "evse": "2"}}
    assert retained("NotifyEvent", {"eventData": [said, placed]})["eventData"] == [said, placed]
    secret = said | {"variable": "BasicAuthPassword", "actualValue": "hunter2"}
    assert "hunter2" not in str(retained("NotifyEvent", {"eventData": [secret, secret | {"component": "x" * 99}]}))


def test_names_in_other_spellings_are_kept_and_hidden_alike() -> None:
    payload = {"connector_id": 1, "error_code": "GroundFailure", "status": "Faulted", "id_tag": "S", "ID-TAG": "S"}
    kept = {"connector_id": 1, "error_code": "GroundFailure", "status": "Faulted", "id_tag": "***", "ID-TAG": "***"}
    assert retained("StatusNotification", payload) == kept


@pytest.mark.parametrize(
    ("component", "variable", "value", "kept"),
    [
        ("EVSE", "Problem", "true", "true"),
        ("Connector", "AvailabilityState", "Faulted", "Faulted"),
        ("TokenReader", "Token", "04A2B3C4", HIDDEN),
        ("SecurityCtrlr", "BasicAuthPassword", "hunter2", HIDDEN),
        ("ISO15118Ctrlr", "ContractCertificate", "MIIB", HIDDEN),
        ("EVSE", "Power", "x" * 300, HIDDEN),
        ("EVSE", "ErrorInfo", "RCD tripped, " * 20, "RCD tripped, " * 20),
        ("TokenReader", "AvailabilityState", "Faulted", "Faulted"),
        ("Keypad", "ErrorText", "Stuck, pin=1234 password=x", "Stuck, pin=1234 password=***"),
        ("Reader", "userPinState", "secret", HIDDEN),
        ("Reader", "BASICAUTHPASSWORD", "x", HIDDEN),
        ("Reader", "apikeys", "x", HIDDEN),
        ("Shipping", "Mapping", "x", "x"),
    ],
)
def test_values_of_variables(component: str, variable: str, value: str, kept: str) -> None:
    found = retained("NotifyEvent", events(event(component, variable, value)))
    assert found["eventData"][0]["actualValue"] == kept


def test_all_that_rules_read_is_kept() -> None:
    """What is kept says the same as the whole message, of every request that its schema allows."""
    chance = random.Random(11)
    for (version, action), schema in requests().items():
        for _round in range(5):
            payload = Maker(schema, chance).make()
            kept = retained(action, payload)
            protocol = f"ocpp{version}"
            hidden = [each for each in texts(kept) if each == HIDDEN]
            if not hidden or action not in ("NotifyEvent", "BootNotification", "DataTransfer"):
                assert observe(protocol, action, kept) == observe(protocol, action, payload), (version, action)
            assert not is_exact(protocol, action, payload) or is_exact(protocol, action, kept), (version, action)
    assert retained("StatusNotification", fault(info="RCD triggered"), CALL) == fault(info="RCD triggered")


def test_a_transfer_is_kept_where_it_carries_a_status_or_an_alarm_alone() -> None:
    carried = {"vendorId": "x", "messageId": "StatusNotification", "data": fault(idTag="S")}
    assert retained("DataTransfer", carried) == carried | {"data": fault()}
    assert retained("DataTransfer", {"vendorId": "x", "data": "idTag=S"}) == {"vendorId": "x", "data": HIDDEN}
    as_text = carried | {"data": json.dumps(fault(idTag="S"))}
    assert retained("DataTransfer", as_text) == carried | {"data": fault()}
    alarm = {"vendorId": "x", "messageId": "FaultNotification"}
    told = {"errorCode": "E12", "info": "RCD tripped", "active": True, "connectorId": 1}
    kept = retained("DataTransfer", alarm | {"data": told | {"idTag": "S", "session": {"user": "S", "code": "E13"}}})
    assert kept == alarm | {"data": told | {"session": {"code": "E13"}}}
    assert retained("DataTransfer", alarm | {"data": "RCD tripped"})["data"] == "RCD tripped"
    assert retained("DataTransfer", alarm | {"messageId": "CustomerCard", "data": "S"})["data"] == HIDDEN
