"""What a forwarder's messages say of people is stored nowhere: not with messages, unknown stations or unmapped ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra_notifications.models import ChargePointMessage
from infra_notifications.rules.kept_messages import kept_payload
from infra_notifications.rules.retained import HIDDEN
from tests.conftest import ApiClient
from tests.core.test_encryption import in_the_database
from tests.factories.infra_notifications import ChargePointFactory

pytestmark = pytest.mark.django_db
TAG, EMAID, PERSON, CERTIFICATE = "04E91C5A123B80", "DE8AACA2B3C4D59", "Zqanna Zqmuster", "MIIBzqcertificate"
SECRETS = (TAG, EMAID, PERSON, CERTIFICATE)
START = {"connectorId": 1, "idTag": TAG, "meterStart": 5, "timestamp": "2026-11-21T05:40:00Z"}
EVENT = {
    "eventType": "Started",
    "timestamp": "2026-11-21T05:40:00Z",
    "triggerReason": "Authorized",
    "seqNo": 1,
    "transactionInfo": {"transactionId": "t1"},
    "idToken": {"idToken": EMAID, "type": "eMAID"},
}
MESSAGES: list[tuple[str, str, dict[str, Any]]] = [
    ("ocpp1.6", "StartTransaction", START),
    ("ocpp1.6", "Authorize", {"idTag": TAG}),
    ("ocpp2.0.1", "TransactionEvent", EVENT),
    ("ocpp2.0.1", "Authorize", {"idToken": {"idToken": EMAID, "type": "eMAID"}, "certificate": CERTIFICATE}),
    ("ocpp2.0.1", "NotifyCustomerInformation", {"data": PERSON, "seqNo": 0, "generatedAt": "x", "requestId": 1}),
    ("ocpp2.0.1", "Get15118EVCertificate", {"exiRequest": CERTIFICATE, "action": "Install"}),
    ("ocpp1.6", "DataTransfer", {"vendorId": "V", "messageId": "card", "data": json.dumps({"idTag": TAG})}),
    ("ocpp1.6", "UnknownToEverybody", {"idTag": TAG, "customer": PERSON}),
    ("ocpp1.6", "StatusNotification", {"connectorId": 1, "errorCode": "OtherError", "status": "Faulted", "idTag": TAG}),
]


@pytest.mark.parametrize("known", [True, False], ids=["of a known station", "of an unknown one"])
def test_tokens_customers_and_certificates_are_stored_nowhere(api: ApiClient, known: bool) -> None:
    if known:
        ChargePointFactory(evse_id="DE*ABC*E1*1", station="CP-1", connector=1)
    body = [
        {"station": "CP-1", "connector": 1, "protocol": protocol, "action": action, "payload": payload, "id": str(n)}
        for n, (protocol, action, payload) in enumerate(MESSAGES)
    ]
    answer = api.post("/charging/messages", body)
    assert answer.status_code == 202, answer.text
    held = in_the_database()
    assert {secret for secret in SECRETS if secret in held} == set()
    if known:
        kept = {row.action: row.payload for row in ChargePointMessage.objects.all()}
        assert kept["StartTransaction"] == START | {"idTag": HIDDEN}
        assert kept["TransactionEvent"]["transactionInfo"] == {"transactionId": "t1"}


def test_a_text_does_not_repeat_a_token_that_its_message_names() -> None:
    payload = {
        "connectorId": 1,
        "errorCode": "OtherError",
        "status": "Faulted",
        "info": f"card {TAG.lower()}",
        "idTag": TAG,
    }
    assert TAG.lower() not in json.dumps(kept_payload("StatusNotification", payload)).lower()


def test_what_says_nothing_of_people_is_kept_as_it_is() -> None:
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "info": "", "timestamp": "t"}
    assert kept_payload("StatusNotification", status) is status
    assert kept_payload("Heartbeat", {}) == {}
    odd = kept_payload("StatusNotification", status | {"info": {"idTag": TAG}})
    assert TAG not in json.dumps(odd)


def test_a_token_that_stands_far_behind_in_a_message_is_no_secret_less() -> None:
    said = {"status": "Faulted", "info": "card 04 11 22 33 44 refused", "more": "x" * 60_000, "idTag": "0411223344"}
    assert kept_payload("StatusNotification", said)["info"] == "card *** refused"
