"""Charge points: inserted or updated by their EVSE id, one by one or by the thousand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.refusal import Refused
from infra_notifications.models import ChargePoint, ChargePointState, Incident, NotificationDecision, UnknownChargePoint
from infra_notifications.services.charge_points import ChargePointInput, upsert_charge_points
from infra_notifications.services.imports import check_file
from tests.conftest import ApiClient
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import NOW, adopt_unknown, fault, heartbeat, say, take

pytestmark = pytest.mark.django_db

EVERYTHING: dict[str, Any] = {
    "evse_id": "DE*ABC*E1*1",
    "station": "CP-1",
    "connector": 1,
    "name": "Deck 2",
    "location": "Parkhaus Süd",
    "street": "Bahnhofstr. 1",
    "postal_code": "50667",
    "city": "Köln",
    "country": "DEU",
    "latitude": 50.937512,
    "longitude": -6.960312,
    "operator": "ABC",
    "vendor": "Alfen",
    "model": "Eve",
    "firmware": "5.2",
    "connector_standard": "IEC_62196_T2",
    "power_type": "AC_3_PHASE",
    "max_power_kw": 22.05,
    "expected_interval_s": 60,
    "tags": ["garage", "hub"],
}


def upsert(*rows: dict[str, Any]) -> tuple[int, int, int]:
    """(created, changed, unchanged)"""
    done = upsert_charge_points(rows=[ChargePointInput(**row) for row in rows], now=NOW)
    return done.created, done.changed, done.unchanged


def test_every_field_is_written_and_read_back() -> None:
    assert upsert(EVERYTHING) == (1, 0, 0)
    point = ChargePoint.objects.get()
    exact = {"latitude": Decimal("50.937512"), "longitude": Decimal("-6.960312"), "max_power_kw": Decimal("22.05")}
    assert {name: getattr(point, name) for name in EVERYTHING} == EVERYTHING | exact


def test_new_charge_point_has_a_state_that_was_never_seen() -> None:
    upsert(EVERYTHING)
    assert ChargePointState.objects.get().connectivity == "never"


def test_same_values_again_change_nothing() -> None:
    upsert(EVERYTHING)
    before = ChargePoint.objects.get().updated_at
    assert upsert(EVERYTHING) == (0, 0, 1)
    assert ChargePoint.objects.get().updated_at == before


def test_field_left_out_stays_and_a_null_empties() -> None:
    upsert(EVERYTHING)
    assert upsert({"evse_id": "de*abc*e1*1", "name": None, "latitude": None, "tags": None, "city": "Bonn"}) == (0, 1, 0)
    point = ChargePoint.objects.get()
    assert (point.evse_id, point.name, point.latitude, point.tags) == ("DE*ABC*E1*1", "", None, [])
    assert (point.city, point.street, point.connector) == ("Bonn", "Bahnhofstr. 1", 1)


def test_of_repeated_ids_the_last_one_counts() -> None:
    assert upsert({"evse_id": "X", "name": "a"}, {"evse_id": "x", "name": "b"}) == (1, 0, 0)
    assert ChargePoint.objects.get().name == "b"


def test_texts_are_trimmed_and_tags_are_lower_case_once_each() -> None:
    upsert({"evse_id": " X ", "name": " ab ", "tags": [" Hub ", "hub", "", "Two  Words", "a;b,c"]})
    point = ChargePoint.objects.get()
    assert (point.evse_id, point.name, point.tags) == ("X", "ab", ["a", "b", "c", "hub", "two words"])


def test_thousands_are_written_at_once() -> None:
    assert upsert(*({"evse_id": f"X{n}", "tags": [str(n)]} for n in range(3_000))) == (3_000, 0, 0)
    assert ChargePointState.objects.count() == 3_000


def test_ids_are_unique_whatever_their_case() -> None:
    ChargePointFactory(evse_id="de*x*1")
    with pytest.raises(IntegrityError), transaction.atomic():
        ChargePoint.objects.create(evse_id="DE*X*1")


@pytest.mark.parametrize(
    ("location", "city", "place"), [("P", "K", "P, K"), ("", "K", "K"), ("P", "", "P"), ("", "", "")]
)
def test_place_is_said_in_a_line(location: str, city: str, place: str) -> None:
    assert ChargePoint(location=location, city=city).place == place


def test_removed_charge_point_takes_its_incidents_and_notices_along() -> None:
    point = ChargePointFactory()
    NotificationGroupFactory(members=[point])
    say(point, fault())
    point.delete()
    assert (Incident.objects.count(), NotificationDecision.objects.count()) == (0, 0)


# ---- the unknown ----------------------------------------------------------------------------------------------------


def test_adopted_charge_point_is_known_from_now_on() -> None:
    take(heartbeat("NEW", connector=2))
    point = adopt_unknown(unknown=UnknownChargePoint.objects.get(), evse_id=" DE*NEW*2 ", now=NOW)
    assert (point.evse_id, point.station, point.connector) == ("DE*NEW*2", "NEW", 2)
    assert not UnknownChargePoint.objects.exists()
    assert take(heartbeat("NEW", connector=2)).accepted == 1


@pytest.mark.parametrize("evse_id", ["", "  ", "x" * 49, "de*known*1"])
def test_charge_point_is_adopted_under_a_free_id_only(evse_id: str) -> None:
    ChargePointFactory(evse_id="DE*KNOWN*1")
    unknown = UnknownChargePoint.objects.create(station="NEW", first_seen=timezone.now(), last_seen=timezone.now())
    with pytest.raises(Refused):
        adopt_unknown(unknown=unknown, evse_id=evse_id, now=NOW)
    assert UnknownChargePoint.objects.exists()


def test_identities_that_a_person_edits_are_composed() -> None:
    point = ChargePoint(evse_id=" DE*Ko\u0308ln*1\u200b", station="Ko\u0308ln ")
    point.full_clean()
    assert (point.evse_id, point.station) == ("DE*K\u00f6ln*1", "K\u00f6ln")


# ---- two at one place -----------------------------------------------------------------------------------------------


def place(evse_id: str, connector: int | None = 1, station: str = "CP-1") -> dict[str, Any]:
    return {"evse_id": evse_id, "station": station, "connector": connector}


@pytest.mark.parametrize(
    ("rows", "warned"),
    [
        ([place("DE*NEW*E1")], [0]),
        ([place("DE*NEW*E1", station="cp-1 ")], [0]),
        ([place("DE*NEW*E1", connector=2)], []),
        ([place("DE*NEW*E1", connector=None)], []),
        ([place("DE*OLD*E1")], []),
        ([place("DE-OLD-E1")], []),
        ([place("DE*OLD*E1", station="CP-9"), place("DE*NEW*E1")], []),
        ([place("DE*NEW*E1", 7), place("DE*NEW*E2", 7), place("DE*NEW*E3", 8)], [1]),
        ([place("DE*NEW*E1", None, "CP-7"), place("DE*NEW*E2", None, "CP-7")], [1]),
        ([{"evse_id": "DE*NEW*E1", "station": ""}, {"evse_id": "DE*NEW*E2", "station": ""}], []),
    ],
)
def test_a_second_charge_point_at_one_connector_is_warned_of(
    api: ApiClient, rows: list[dict[str, Any]], warned: list[int]
) -> None:
    upsert(place("DE*OLD*E1"))
    check = check_file(as_file(rows))
    assert (check.is_clean, [line - 2 for line, _said in check.warnings]) == (True, warned)
    answer = api.put("/charging/charge-points", rows).json()
    assert (answer["accepted"], [told["index"] for told in answer["warnings"]]) == (len(rows), warned)
    assert all("has the same station and connector" in told["warning"] for told in answer["warnings"])


def as_file(rows: list[dict[str, Any]]) -> bytes:
    lines = [";".join(str(row.get(name) or "") for name in ("evse_id", "station", "connector")) for row in rows]
    return "\n".join(["evse_id;station;connector", *lines]).encode()
