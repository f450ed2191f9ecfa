"""EVSE ids are spelt with other separators, in other case, with blanks: one charge point at every entry point."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core.text import identity_key
from infra_notifications.evse_ids import ids_by_evse
from infra_notifications.models import ChargePoint, Incident, MaintenanceTarget, UnknownChargePoint
from infra_notifications.rules.evse_ids import joined, letters_of, meant_by
from infra_notifications.services.charge_points import ChargePointInput, upsert_charge_points
from infra_notifications.services.imports import check_file, write_import
from tests.conftest import ApiClient
from tests.factories.infra_notifications import ChargePointFactory, IncidentFactory
from tests.infra_notifications.helpers import fine, heartbeat, say, signal, take, take_neutral
from tests.infra_notifications.pages import url

STORED = "DE*ABC*E7*12"
SPELLINGS = (
    "DE*ABC*E7*12",
    "de*abc*e7*12",
    "DE-ABC-E7-12",
    "DEABCE712",
    "DE ABC E7 12",
    " DE*ABC*E7*12 ",
    "DE.ABC.E7.12",
    "DE_ABC_E7_12",
    "DE\u2011ABC\u2011E7\u201112",
    "DE\u200b*ABC*E7*12",
    "/DE*ABC*E7*12/",
    "\uff24\uff25\uff0aABC\uff0aE7\uff0a12",
)
spelt = pytest.mark.parametrize("spelling", SPELLINGS)


def has_blank(spelling: str) -> bool:
    """What writes an EVSE id refuses a blank in it: it is more often a mistake."""
    return " " in spelling.strip()


@pytest.fixture
def point(db: None) -> ChargePoint:
    ChargePointFactory(evse_id="DE*ABC*E7*13")
    return ChargePointFactory(evse_id=STORED, station="CP-7", connector=1)


@spelt
def test_the_api_finds_and_changes_it(point: ChargePoint, api: ApiClient, spelling: str) -> None:
    found = api.get(f"/charging/charge-points/{quote(spelling, safe='')}")
    assert (found.status_code, found.json().get("evse_id")) == (200, STORED)
    if has_blank(spelling):
        assert api.put("/charging/charge-points", {"evse_id": spelling}).json()["accepted"] == 0
        return
    assert api.put("/charging/charge-points", {"evse_id": spelling, "name": "renamed"}).json()["accepted"] == 1
    point.refresh_from_db()
    assert (point.evse_id, point.name, ChargePoint.objects.count()) == (STORED, "renamed", 2)


@spelt
def test_the_api_takes_it_as_a_member(point: ChargePoint, api: ApiClient, spelling: str) -> None:
    group = api.post("/charging/groups", {"name": "Group", "charge_points": [spelling, STORED]}).json()
    assert group["charge_points"] == 1
    members = f"/charging/groups/{group['id']}/members"
    assert api.delete(members, {"charge_points": [spelling]}).json()["charge_points"] == 0
    assert api.put(members, {"charge_points": [spelling]}).json()["charge_points"] == 1


@spelt
def test_messages_and_signals_name_it(point: ChargePoint, spelling: str) -> None:
    assert say(point, fine(), charge_point=spelling).accepted == 1
    assert take_neutral(signal(spelling, "raised", case="SENSORS")).accepted == 1
    assert Incident.objects.get().charge_point == point


@spelt
def test_a_file_changes_it(point: ChargePoint, spelling: str) -> None:
    check = check_file(f"evse_id;name\n{spelling};from a file\n".encode())
    if has_blank(spelling):
        assert not check.is_clean
        return
    assert (check.is_clean, check.created) == (True, 0)
    write_import(check=check, now=timezone.now())
    point.refresh_from_db()
    assert (point.name, ChargePoint.objects.count()) == ("from a file", 2)


def test_a_file_that_names_it_twice_says_so(db: None) -> None:
    check = check_file(b"evse_id\nDE*ABC*E1*1\nDE-ABC-E1-1\n")
    assert [line for line, _sentence in check.errors] == [3]


@spelt
def test_searches_find_it(point: ChargePoint, api: ApiClient, spelling: str) -> None:
    incident = IncidentFactory(charge_point=point)
    IncidentFactory()
    searched = quote(f'evse:"{spelling}"')
    for list_, name, wanted in (("charge-points", "evse_id", STORED), ("incidents", "id", incident.pk)):
        found = api.get(f"/charging/{list_}?q={searched}").json()
        assert [row[name] for row in found["items"]] == [wanted], list_
    assert STORED not in {row["evse_id"] for row in api.get(f"/charging/charge-points?q=-{searched}").json()["items"]}


def test_free_text_finds_it_and_a_part_finds_all_of_it(point: ChargePoint, api: ApiClient) -> None:
    def found(text: str) -> int:
        return len(api.get(f"/charging/charge-points?q={quote(text)}").json()["items"])

    assert (found("DE-ABC-E7-12"), found("DEABCE712"), found("evse:DE*ABC*E7"), found("DE*ABC*E7")) == (1, 1, 2, 2)


@spelt
def test_the_forms_of_pages_take_it(point: ChargePoint, operator: Client, spelling: str) -> None:
    ends_at = f"{timezone.localtime() + timedelta(hours=2):%Y-%m-%dT%H:%M}"
    data = {"evse_ids": f"{spelling}\nDE*ABC*E7*13", "reason": "repair", "ends_at": ends_at}
    operator.post(url("maintenance_new"), data)
    assert MaintenanceTarget.objects.filter(charge_point=point).count() == 1
    assert MaintenanceTarget.objects.count() == 2


@spelt
def test_adoption_names_what_is_there_already(point: ChargePoint, api: ApiClient, spelling: str) -> None:
    take(heartbeat("NEW"))
    done = api.post("/charging/unknown", {"stations": ["NEW"], "evse_ids": {"NEW/1": spelling}}).json()
    assert (done["adopted"], len(done["refused"])) == (0, 1)


def test_what_an_unknown_one_said_is_applied_to_it_in_another_spelling(db: None) -> None:
    take_neutral(signal("DE-ABC-E9-1", "raised", case="SENSORS"))
    assert UnknownChargePoint.objects.count() == 1
    upsert_charge_points(rows=[ChargePointInput(evse_id="DE*ABC*E9*1")], now=timezone.now())
    assert (Incident.objects.count(), UnknownChargePoint.objects.count()) == (1, 0)


def test_two_that_have_the_same_letters_stay_two(db: None, api: ApiClient) -> None:
    for evse_id in ("DE*ABC*E1*11", "DE*ABC*E11*1", "DE-ABC-E1-11"):
        assert api.put("/charging/charge-points", {"evse_id": evse_id}).json()["accepted"] == 1
    assert {*ChargePoint.objects.values_list("evse_id", flat=True)} == {"DE*ABC*E1*11", "DE*ABC*E11*1"}
    assert ids_by_evse([identity_key("DEABCE111")]) == {}


def test_a_batch_that_spells_one_in_two_ways_makes_one(db: None) -> None:
    rows = [ChargePointInput(evse_id=evse_id, name=evse_id) for evse_id in ("DE*ABC*E5*1", "deabce51")]
    assert upsert_charge_points(rows=rows, now=timezone.now()).created == 1
    assert ChargePoint.objects.get().name == "deabce51"


@pytest.mark.parametrize("evse_id", ["A/B", "DE*ABC*E%2F1", "50%off", "CP?x=1", "Köln#1"])
def test_an_id_that_an_address_must_escape_is_found(db: None, api: ApiClient, evse_id: str) -> None:
    assert api.put("/charging/charge-points", {"evse_id": evse_id}).json()["accepted"] == 1
    for escaped in (quote(evse_id, safe=""), quote(evse_id, safe="/"), quote(quote(evse_id, safe=""), safe="")):
        assert api.get(f"/charging/charge-points/{escaped}").json().get("evse_id") == evse_id, escaped


def test_the_admin_stores_identities_as_they_are_compared(db: None) -> None:
    point = ChargePoint(evse_id=" /DE*ABC*E1/ ", station="/CP-1/", tags=["Ko\u0308ln ", "b;a"])
    point.full_clean()
    point.save()
    assert (point.evse_id, point.station, point.tags) == ("DE*ABC*E1", "CP-1", ["a", "b", "köln"])
    assert take(heartbeat("/cp-1/")).accepted == 1


# ---- what holds of every spelling -----------------------------------------------------------------------------------

_REST = st.lists(st.text("0123456789ABC", min_size=1, max_size=4), min_size=1, max_size=3)
_SEPARATED: tuple[Callable[[list[str]], str], ...] = ("*".join, "-".join, " ".join)


@given(_REST, _REST, st.sampled_from(_SEPARATED))
def test_an_id_means_itself_and_never_one_that_is_parted_otherwise(
    one: list[str], other: list[str], join: Callable[[list[str]], str]
) -> None:
    stored = "*".join(["DE", "ABC", "E" + one[0], *one[1:]])
    written = join(["DE", "ABC", "E" + other[0], *other[1:]])
    if letters_of(written) != letters_of(stored):
        return
    is_same = one == other
    assert (meant_by(written, [stored], strictly=True) == stored) == is_same
    assert meant_by(letters_of(stored), [stored], strictly=True) == stored
    assert (joined([stored, written])[written] == stored) == is_same
