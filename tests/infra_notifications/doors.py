"""One frame of a station through each door by which frames come, and its connection through each door for that."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.utils import timezone

from infra_notifications.models import OcppRoute
from infra_notifications.services.mqtt import MqttIntake
from tests.conftest import ApiClient
from tests.factories.console import make_key
from tests.infra_notifications.proxy.test_listener import Ear
from tests.infra_notifications.test_citrineos import event
from tests.infra_notifications.test_mqtt import Arrival

Door = Callable[..., None]
STATION = "CP-1"


def by_messages(api: ApiClient, _folder: Path, protocol: str, frame: list[Any], name: str = STATION) -> None:
    body = {"station": name, "protocol": protocol, "action": frame[2], "payload": frame[3]}
    assert api.post("/charging/messages", [body]).status_code == 202


def by_frames(api: ApiClient, _folder: Path, protocol: str, frame: list[Any], name: str = STATION) -> None:
    assert api.post(f"/charging/frames/{quote(name)}?protocol={protocol}", frame).status_code == 202


def by_proxy(_api: ApiClient, folder: Path, protocol: str, frame: list[Any], name: str = STATION) -> None:
    OcppRoute.objects.get_or_create(slug="main", defaults={"upstream": "ws://csms"})
    ear = Ear(folder)
    ear.say(ear.connect(name, protocol=protocol), *frame)
    ear.take()


def by_mqtt(_api: ApiClient, _folder: Path, protocol: str, frame: list[Any], name: str = STATION) -> None:
    body = json.dumps({"type": "call", "action": frame[2], "id": frame[1], "request": frame[3]}).encode()
    MqttIntake("broker").take([Arrival(f"cs/in/{protocol}/{name}", body, timezone.now())], timezone.now())


def by_citrineos(api: ApiClient, _folder: Path, protocol: str, frame: list[Any], name: str = STATION) -> None:
    _key, token = make_key("charging:write")
    assert (
        api.post(
            f"/charging/in/citrineos/{token}", event(frame=frame, protocol=protocol) | {"stationId": name}
        ).status_code
        == 202
    )


DOORS: list[Door] = [by_messages, by_frames, by_proxy, by_mqtt, by_citrineos]


def connections(api: ApiClient, name: str) -> None:
    """The station connects and closes, by each door for that but the proxy, which says it with each frame."""
    _key, token = make_key("charging:write")
    for is_open, kind in ((True, "connected"), (False, "closed")):
        assert api.post("/charging/connections", {"station": name, "connected": is_open}).status_code == 202
        told = {"stationId": name, "event": kind}
        assert api.post(f"/charging/in/citrineos/{token}", told).status_code == 202
