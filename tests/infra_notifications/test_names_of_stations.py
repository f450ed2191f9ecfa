"""A station has one name, however it is written, at every door: as it is stored, and as it is looked up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from core.text import identity, identity_key
from infra_notifications.models import ChargePoint, MovedStation, OcppRoute, StationConnection, UnknownChargePoint
from infra_notifications.services.adoption import whole_stations
from tests.conftest import ApiClient
from tests.infra_notifications.doors import DOORS, Door, by_mqtt, connections
from tests.infra_notifications.helpers import NOW, fault, open_cases
from tests.infra_notifications.pages import text_of

pytestmark = pytest.mark.django_db
# As forwarders, addresses and people write them; what no address can hold is not among them.
NAMES = (
    "/ocpp/B7-1",
    "k1/",
    " /k2 ",
    "k3//",
    "q4/\u00a0/",
    "\u200bq5",
    "stra\u00dfe6",
    "u\u1fb37",
    "A\u030a8",
    "\u01c69",
)
FRAME = [2, "1", "StatusNotification", fault(errorCode="GroundFailure")]


def doors(name: str) -> list[Door]:
    """The doors that such a name can come by: a slash parts the words of an MQTT topic."""
    return [door for door in DOORS if door is not by_mqtt or "/" not in name]


@pytest.mark.parametrize("name", NAMES)
def test_a_stranger_is_one_station_that_is_shown_and_adopted(
    api: ApiClient, administrator: Client, tmp_path: Path, name: str
) -> None:
    for number, door in enumerate(doors(name)):
        door(api, tmp_path / str(number), "ocpp1.6", [2, str(number), *FRAME[2:]], name)
    connections(api, name)
    stored: list[Any] = [*UnknownChargePoint.objects.all(), *StationConnection.objects.all()]
    assert {each.station for each in stored} == {identity(name)}
    assert identity(name) in text_of(administrator.get("/infrastructure/charge-points/unknown/"))
    (listed,) = api.get("/charging/unknown").json()["items"]
    assert (listed["station"], listed["messages"] > 4) == (identity(name), True)
    done = api.post("/charging/unknown", {"stations": [name], "pattern": "DE*ABC*E7*{connector}{station}"})
    assert (done.json()["refused"], UnknownChargePoint.objects.exists()) == ([], False)
    assert ChargePoint.objects.get().station == identity(name)
    assert api.get(f"/charging/charge-points/{ChargePoint.objects.get().evse_id.lower()}").status_code == 200


@pytest.mark.parametrize("name", NAMES)
def test_one_that_is_known_is_found_and_moved(api: ApiClient, tmp_path: Path, name: str) -> None:
    body: dict[str, Any] = {"evse_id": f"/DE*ABC*{identity(name)}*1/", "station": name, "connector": 1}
    assert api.put("/charging/charge-points", [body]).json()["rejected"] == []
    point = ChargePoint.objects.get(station=identity(name), evse_id=identity(body["evse_id"]))
    for door in doors(name):
        door(api, tmp_path / door.__name__, "ocpp1.6", FRAME, name)
    assert (open_cases(point), UnknownChargePoint.objects.exists()) == (["FUSE_TRIPPED"], False)
    OcppRoute.objects.get_or_create(slug="main", defaults={"upstream": "ws://csms"})
    OcppRoute.objects.create(slug="other", upstream="ws://other")
    moved = api.post("/charging/ocpp-routes/main/move", {"stations": [name], "target": "other"}).json()
    assert moved["moved"] == [identity(name)]
    assert MovedStation.objects.get().station == identity(name)


def test_a_row_of_another_spelling_spoils_no_list(api: ApiClient, administrator: Client) -> None:
    """What an earlier version or a repair by hand left."""
    for name in ("old/", "old", "new"):
        UnknownChargePoint.objects.create(station=name, first_seen=NOW, last_seen=NOW)
    text = text_of(administrator.get("/infrastructure/charge-points/unknown/"))
    assert "old/" in text
    assert "new" in text
    assert len(api.get("/charging/unknown").json()["items"]) == 2
    assert len(whole_stations(UnknownChargePoint.objects.filter(station="old/"))) == 1


def test_names_are_what_remains_of_them() -> None:
    for name in NAMES:
        assert (identity(identity(name)), identity_key(identity_key(name))) == (identity(name), identity_key(name))
    for blank in ("/", " / ", "\u00a0/"):
        assert identity(blank) == ""
