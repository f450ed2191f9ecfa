"""Vehicles from files as Excel and people leave them: all or nothing, each error with its line."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from fleet_remotes.models import FleetVehicle
from fleet_remotes.services.imports import read_vehicles
from tests.factories.fleet_remotes import FleetFactory
from tests.infra_notifications.pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fleets() -> None:
    for key in ("F-1", "F"):
        FleetFactory(key=key)


GOOD = """VIN;Fleet;Brand;Plate;Capabilities;Battery;Privacy;Stolen;Tags
VR3UHZKXZPT500001;F-1;Peugeot;K-SB 1;RemoteDoorsState,RemoteState;60,4;full;no;Pool, North
vr7uhzkxzpt500002;F-1;AC;;;;;;
"""


def test_a_file_is_read_with_the_customers_names() -> None:
    found = read_vehicles(GOOD.encode("cp1252"))
    assert (found.errors, found.warnings) == ([], [])
    first, second = found.rows
    assert (first.capabilities, first.battery_level, first.privacy) == (["door", "wakeup"], 60, "Full")
    assert (first.is_stolen, first.tags, second.brand) == (False, ["Pool", "North"], "AC")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("vin,fleet\nVR3UHZKXZPT500001,F", 1, "brand"),
        ("vin,fleet,brand\nSHORT,F,ds", 2, "A VIN has"),
        ("vin,fleet,brand\n\nVR3UHZKXZPT500001,F,lada", 3, "brand: must be one of"),
        ("vin,fleet,brand\n", 1, "no vehicle"),
        ("", 1, "must name the columns"),
        ("vin,fleet,brand\n,F,ds", 2, "`vin` is missing."),
        ("vin,fleet,brand\nVR3UHZKXZPT500001,G,ds", 2, "There is no fleet “G”"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, line: int, said: str) -> None:
    where, sentence = read_vehicles(text.encode()).errors[0]
    assert where == line
    assert said in sentence


def test_what_nobody_reads_is_warned_of() -> None:
    found = read_vehicles(b"vin,fleet,brand,colour,plat,privacy\nVR3UHZKXZPT500001,F,ds,red,K,Sometimes")
    assert [line for line, _said in found.warnings] == [1, 2]
    assert "colour, plat (plate?)" in found.warnings[0][1]


def test_the_page_takes_all_or_nothing(administrator: Client, operator: Client) -> None:
    page = reverse("fleet_remotes:vehicles_import")
    assert operator.get(page).status_code == 403
    bad = administrator.post(page, {"file": SimpleUploadedFile("a.csv", (GOOD + "SHORT;F;ds").encode())})
    assert (bad.status_code, FleetVehicle.objects.count()) == (422, 0)
    assert "Line 4: vin: A VIN has" in text_of(bad)
    good = administrator.post(page, {"file": SimpleUploadedFile("a.csv", GOOD.encode())}, follow=True)
    assert "2 vehicles are imported." in text_of(good)
    assert FleetVehicle.objects.get(vin="VR7UHZKXZPT500002").brand == "citroen"
    assert administrator.post(page).status_code == 422
