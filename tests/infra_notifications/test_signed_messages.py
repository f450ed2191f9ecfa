"""Signed messages of OCPP 2.1: what they say is read at every door, and that nobody checked their signature is said."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra_notifications.choices import IntervalSource
from infra_notifications.models import ChargePoint, ChargePointMessage
from infra_notifications.rules.action_names import known_action
from infra_notifications.rules.actions import ACTIONS
from infra_notifications.rules.frame_text import SIGNED
from infra_notifications.rules.frames import unwrap
from infra_notifications.services.expectations import expectation_of
from tests.conftest import ApiClient
from tests.infra_notifications.doors import DOORS, Door
from tests.infra_notifications.helpers import event, open_cases, station
from tests.infra_notifications.proxy.test_listener import BOOT, Ear, ear

__all__ = ("ear",)
EVENT = {
    "generatedAt": "2026-11-30T10:00:00Z",
    "seqNo": 0,
    "eventData": [event("RCD", "Tripped", actualValue="true", trigger="Alerting")],
}


def signed(payload: Any, *, flat: bool = False) -> dict[str, Any]:
    """As JWS in JSON (RFC 7515, 7.2), general or flattened."""
    held = urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    signature = {"protected": "eyJhbGciOiJFUzI1NiJ9", "signature": "c2lnbmVk"}
    return {"payload": held} | (signature if flat else {"signatures": [signature]})


@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_may_be_signed(action: str) -> None:
    assert known_action(f"{action}-Signed") == (action, "call")


@pytest.mark.django_db
@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("door", DOORS)
def test_a_signed_fault_is_a_fault(door: Door, flat: bool, api: ApiClient, tmp_path: Path) -> None:
    (point,) = station(points=1)
    door(api, tmp_path, "ocpp2.1", [2, "1", "NotifyEvent-Signed", signed(EVENT, flat=flat)])
    assert open_cases(point)
    stored = ChargePointMessage.objects.get(action="NotifyEvent")
    assert not stored.payload.keys() & {"signature", "signatures"}
    assert SIGNED in (stored.warnings or ())


@pytest.mark.django_db
def test_a_signed_answer_is_one(ear: Ear) -> None:
    (point,) = station(points=1)
    link = ear.connect(protocol="ocpp2.1")
    ear.say(link, 2, "1", "BootNotification-Signed", signed({"reason": "PowerUp", "chargingStation": BOOT}))
    answer = {"status": "Accepted", "currentTime": "2026-11-30T10:00:00Z", "interval": 300}
    ear.say(link, 3, "1", signed(answer), csms=True)
    ear.take()
    found = expectation_of(ChargePoint.objects.select_related("state").get(pk=point.pk))
    assert (found.interval_s, found.source) == (300, IntervalSource.BOOT)


@given(st.dictionaries(st.sampled_from(["payload", "signature", "signatures", "x"]), st.text() | st.none()))
def test_what_is_no_signed_message_stays_what_it_is(payload: dict[str, Any]) -> None:
    read, note = unwrap(payload)
    assert note or read == payload
