"""One frame of station CP-1 through each door by which frames come."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.utils import timezone

from infra_notifications.models import OcppRoute
from infra_notifications.services.mqtt import MqttIntake
from tests.conftest import ApiClient
from tests.factories.console import make_key
from tests.infra_notifications.proxy.test_listener import Ear
from tests.infra_notifications.test_citrineos import event
from tests.infra_notifications.test_mqtt import Arrival

Door = Callable[[ApiClient, Path, str, list[Any]], None]


def by_messages(api: ApiClient, _folder: Path, protocol: str, frame: list[Any]) -> None:
    body = {"station": "CP-1", "protocol": protocol, "action": frame[2], "payload": frame[3]}
    assert api.post("/charging/messages", [body]).status_code == 202


def by_frames(api: ApiClient, _folder: Path, protocol: str, frame: list[Any]) -> None:
    assert api.post(f"/charging/frames/CP-1?protocol={protocol}", frame).status_code == 202


def by_proxy(_api: ApiClient, folder: Path, protocol: str, frame: list[Any]) -> None:
    OcppRoute.objects.get_or_create(slug="main", upstream="ws://csms")
    ear = Ear(folder)
    ear.say(ear.connect(protocol=protocol), *frame)
    ear.take()


def by_mqtt(_api: ApiClient, _folder: Path, protocol: str, frame: list[Any]) -> None:
    body = json.dumps({"type": "call", "action": frame[2], "id": frame[1], "request": frame[3]}).encode()
    MqttIntake("broker").take([Arrival(f"cs/in/{protocol}/CP-1", body, timezone.now())], timezone.now())


def by_citrineos(api: ApiClient, _folder: Path, protocol: str, frame: list[Any]) -> None:
    _key, token = make_key("charging:write")
    assert api.post(f"/charging/in/citrineos/{token}", event(frame=frame, protocol=protocol)).status_code == 202


DOORS: list[Door] = [by_messages, by_frames, by_proxy, by_mqtt, by_citrineos]
