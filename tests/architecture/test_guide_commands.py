"""The commands of the guide to charging do what it says: they are played in its order, as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from core.choices import Scope
from core.services import create_api_key
from infra_notifications.models import ChargePoint, Incident, OcppRoute, StationConnection

GUIDE = (Path(settings.BASE_DIR) / "docs/charging.md").read_text()
SITE = "http://127.0.0.1:8000"


def commands() -> list[str]:
    """Each `curl` of the guide, in one line."""
    blocks = re.findall(r"```sh\n(.+?)```", GUIDE, re.DOTALL)
    return [block.replace("\\\n", " ").strip() for block in blocks if block.startswith("curl")]


def play(client: Client, command: str, key: str) -> Any:
    """Asks what a command asks: its method, address, headers and body."""
    words = shlex.split(command.replace("$SIGNALBOX", SITE).replace("$KEY", key))
    method, url, headers, body = "GET", "", {}, None
    rest = iter(words[1:])
    for word in rest:
        match word:
            case "-X":
                method = next(rest)
            case "-H":
                name, _, value = next(rest).partition(": ")
                headers[name] = value
            case "-d":
                body = next(rest)
            case _:
                url = word
    assert url.startswith(SITE), command
    kind = headers.pop("Content-Type", "application/json")
    return client.generic(method, url.removeprefix(SITE), body or "", content_type=kind, headers=headers)


def test_the_guide_has_commands_for_every_door_that_takes_requests() -> None:
    played = " ".join(commands())
    for door in ("charge-points", "ocpp-routes", "stations/", "frames/", "messages", "connections", "ocpi-parties"):
        assert f"/charging/{door}" in played


@pytest.mark.django_db
def test_the_commands_of_the_guide_do_what_it_says() -> None:
    key = create_api_key(name="guide", scopes=Scope.values)[1]
    client, heard = Client(), set[str]()
    for command in commands():
        if "/stations/" in command:
            # What a station says comes through the proxy, which runs in tests of its own.
            StationConnection.objects.update_or_create(
                key="CP-0001", defaults={"station": "CP-0001", "connected": True, **moments()}
            )
        answer = play(client, command, key)
        assert answer.status_code in (200, 201, 202), (command, answer.content)
        said = answer.json()
        assert not said.get("rejected"), (command, said)
        assert not said.get("warnings"), (command, said)
        heard |= set(Incident.objects.filter(closed_at=None).values_list("case", flat=True))
    assert set(ChargePoint.objects.values_list("evse_id", flat=True)) == {"DE*ABC*E0001*1", "DE*ABC*E0001*2"}
    assert {"cologne", "steve", "citrine", "rented"} <= set(OcppRoute.objects.values_list("slug", flat=True))
    assert heard == {"FUSE_TRIPPED", "UNAVAILABLE"}
    assert not Incident.objects.filter(closed_at=None, case="FUSE_TRIPPED").exists()


def moments() -> dict[str, Any]:
    return {"since": timezone.now(), "last_seen": timezone.now()}


def test_the_guide_names_only_addresses_inside_itself_that_exist() -> None:
    titles = re.findall(r"^#+ (.+)$", re.sub(r"```.+?```", "", GUIDE, flags=re.DOTALL), re.MULTILINE)
    anchors = [re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles]
    assert set(re.findall(r"\]\(#([^)]+)\)", GUIDE)) <= set(anchors)
