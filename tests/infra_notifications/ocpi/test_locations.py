"""Locations, EVSEs and connectors that a party pushes: kept as they were sent, and made charge points."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from infra_notifications.models import ChargePoint, OcpiEvse, OcpiParty, Source
from tests.conftest import ApiClient
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import open_cases, signal, take_neutral
from tests.infra_notifications.ocpi.cpo import Cpo, Sender, connector, evse, location, role, said

pytestmark = pytest.mark.django_db
EVSE_ID = "BE*BEC*E041503256"
OCTOBER, NOVEMBER, LATER = "2026-10-01T00:00:00Z", "2026-11-01T10:00:00Z", "2026-11-02T10:00:00Z"


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


def point(evse_id: str = EVSE_ID) -> ChargePoint:
    return ChargePoint.objects.get(evse_id=evse_id)


def status(cpo: Cpo, uid: str = "3256") -> Any:
    return cpo.get(f"{cpo.LOCATIONS}/LOC1/{uid}").json()["data"]["status"]


# ---- what becomes of a location -------------------------------------------------------------------------------------


def test_a_location_becomes_charge_points(cpo: Cpo) -> None:
    assert said(cpo.put("LOC1", location())) == (201, 1000)
    found = point()
    assert (found.name, found.location, found.street) == ("Gent Zuid 1", "Gent Zuid", "F.Rooseveltlaan 3A")
    assert (found.postal_code, found.city, found.country) == ("9000", "Gent", "BEL")
    assert (float(found.latitude or 0), float(found.longitude or 0)) == (51.047599, 3.729944)
    assert (found.connector_standard, found.power_type) == ("IEC_62196_T2", "AC_3_PHASE")
    assert (float(found.max_power_kw or 0), found.operator) == (10.56, "BeCharged")
    assert point("BE*BEC*E041503257").name == "Gent Zuid 2"


def test_it_is_answered_as_it_was_sent(cpo: Cpo) -> None:
    sent = location(parking_places=[{"id": "1"}], a_field_of_tomorrow={"x": [1, 2.5, None]})
    cpo.put("LOC1", sent)
    assert cpo.get(f"{cpo.LOCATIONS}/LOC1").json()["data"] == sent
    assert cpo.get(f"{cpo.LOCATIONS}/loc1/3257").json()["data"] == sent["evses"][1]
    assert cpo.get(f"{cpo.LOCATIONS}/LOC1/3256/1").json()["data"] == sent["evses"][0]["connectors"][0]
    for place in ("LOC2", "LOC1/9", "LOC1/3256/9"):
        assert said(cpo.get(f"{cpo.LOCATIONS}/{place}")) == (404, 2003)


@pytest.mark.parametrize(
    ("connectors", "kilowatts"),
    [
        ([connector(max_electric_power=22_000)], 22),
        ([connector(max_voltage=230, max_amperage=32)], 22.08),
        ([connector(max_voltage=400, max_amperage=32)], 22.17),
        ([connector(power_type="AC_1_PHASE", max_voltage=230, max_amperage=16)], 3.68),
        ([connector(power_type="DC", max_voltage=500, max_amperage=100), connector("2")], 50),
        ([connector(max_voltage="230", max_amperage="32")], 22.08),
        ([connector(max_electric_power=None)], 10.56),
        ([connector(max_voltage=None)], None),
        ([], None),
    ],
)
def test_the_power_is_that_of_the_strongest_connector(cpo: Cpo, connectors: list[Any], kilowatts: float | None) -> None:
    cpo.put("LOC1", location("LOC1", evse(connectors=connectors)))
    found = point().max_power_kw
    assert (float(found) if found is not None else None) == kilowatts


def test_a_charge_point_that_is_known_is_filled_and_keeps_what_ocpi_does_not_say(cpo: Cpo) -> None:
    known = ChargePointFactory(evse_id="BEBECE041503256", station="CP-1", connector=2, vendor="ABB", tags=["a"])
    cpo.put("LOC1", location())
    known.refresh_from_db()
    assert (known.city, known.station, known.connector, known.vendor, known.tags) == ("Gent", "CP-1", 2, "ABB", ["a"])
    assert ChargePoint.objects.count() == 2


def test_an_evse_without_an_id_gets_one_of_its_own(cpo: Cpo) -> None:
    answer = cpo.put("LOC1", location("LOC1", without(evse("A-1"), "evse_id")))
    assert said(answer) == (201, 1000)
    assert ChargePoint.objects.get().evse_id == "BE*BEC*A-1"


def test_ids_are_the_same_whatever_their_case(cpo: Cpo) -> None:
    cpo.put("LOC1", location())
    assert said(cpo.call("PUT", "/ocpi/emsp/2.2.1/locations/be/bec/loc1", location("Loc1", name="Süd"))) == (200, 1000)
    assert point().location == "Süd"
    assert ChargePoint.objects.count() == 2


def test_the_newer_version_has_the_same_locations(cpo: Cpo) -> None:
    assert said(cpo.call("PUT", "/ocpi/emsp/2.3.0/locations/BE/BEC/LOC1", location())) == (201, 1000)
    assert said(cpo.get("/ocpi/emsp/2.3.0/locations/BE/BEC/LOC1")) == (200, 1000)


# ---- news and old news ----------------------------------------------------------------------------------------------


def test_an_evse_is_added_changed_and_kept_by_age(cpo: Cpo) -> None:
    cpo.put("LOC1", location())
    assert said(cpo.put("LOC1/3258", evse("3258"))) == (201, 1000)
    assert said(cpo.put("LOC1/3256", evse(status="CHARGING", last_updated=LATER))) == (200, 1000)
    old = cpo.put("LOC1/3256", evse(status="OUTOFORDER"))
    assert said(old) == (200, 1000)
    assert "older" in old.json()["status_message"]
    assert status(cpo) == "CHARGING"
    assert said(cpo.patch("LOC1/3256", {"status": "BLOCKED", "last_updated": OCTOBER})) == (200, 1000)
    assert status(cpo) == "CHARGING"


def test_of_one_second_the_last_word_counts(cpo: Cpo) -> None:
    cpo.put("LOC1", location())
    cpo.patch("LOC1/3256", {"status": "CHARGING", "last_updated": NOVEMBER})
    assert status(cpo) == "CHARGING"


def test_a_clock_of_the_future_does_not_shut_out_what_follows(cpo: Cpo) -> None:
    cpo.put("LOC1", location())
    cpo.patch("LOC1/3256", {"status": "CHARGING", "last_updated": "2099-01-01T00:00:00Z"})
    cpo.patch("LOC1/3256", {"status": "AVAILABLE", "last_updated": "2099-01-01T00:00:01Z"})
    assert status(cpo) == "AVAILABLE"


def test_what_is_inside_is_told_from_old_by_itself(cpo: Cpo) -> None:
    """The location is newer than ours, one of its EVSEs is not."""
    cpo.put("LOC1", location())
    cpo.patch("LOC1/3256", {"status": "CHARGING", "last_updated": LATER})
    cpo.put("LOC1", location(name="Gent Noord", last_updated="2026-11-03T00:00:00Z"))
    assert (status(cpo), point().location) == ("CHARGING", "Gent Noord")


def test_a_part_that_changed_makes_its_parents_younger(cpo: Cpo) -> None:
    cpo.put("LOC1", location())
    cpo.patch("LOC1/3256/1", {"tariff_ids": ["15"], "last_updated": LATER})
    found = cpo.get(f"{cpo.LOCATIONS}/LOC1").json()["data"]
    assert (found["last_updated"], found["evses"][0]["last_updated"]) == (LATER, LATER)
    assert found["evses"][0]["connectors"][0] == connector(tariff_ids=["15"], last_updated=LATER)
    assert found["evses"][1]["last_updated"] == NOVEMBER


def test_a_patch_changes_what_it_names_alone(cpo: Cpo) -> None:
    cpo.put("LOC1", location())
    assert said(cpo.patch("LOC1", {"name": "Interparking Gent Zuid", "last_updated": LATER})) == (200, 1000)
    assert (point().location, point().city) == ("Interparking Gent Zuid", "Gent")
    assert len(cpo.get(f"{cpo.LOCATIONS}/LOC1").json()["data"]["evses"]) == 2
    cpo.patch("LOC1", {"name": None, "last_updated": LATER})
    assert "name" not in cpo.get(f"{cpo.LOCATIONS}/LOC1").json()["data"]


def test_a_connector_is_added_and_counts(cpo: Cpo) -> None:
    cpo.put("LOC1", location())
    fast = connector("2", standard="IEC_62196_T2_COMBO", power_type="DC", max_electric_power=150_000)
    assert said(cpo.put("LOC1/3256/2", fast)) == (201, 1000)
    assert (point().connector_standard, float(point().max_power_kw or 0)) == ("IEC_62196_T2_COMBO", 150)
    assert said(cpo.put("LOC1/3256/2", fast | {"max_electric_power": 50_000})) == (200, 1000)
    assert float(point().max_power_kw or 0) == 50


def test_what_a_replaced_location_lists_no_more_is_removed(cpo: Cpo) -> None:
    cpo.put("LOC1", location())
    cpo.put("LOC1", location("LOC1", evse("3257"), last_updated=LATER))
    assert (status(cpo, "3256"), status(cpo, "3257")) == ("REMOVED", "AVAILABLE")
    cpo.put("LOC1", without(location(last_updated=LATER), "evses"))
    assert status(cpo, "3257") == "AVAILABLE"


# ---- what cannot be taken -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "body"),
    [
        ("LOC1/3256", {"status": "CHARGING", "last_updated": "yesterday"}),
        ("LOC1/3256", {"status": "CHARGING", "last_updated": 1_700_000_000}),
        ("LOC1/3256", {"status": None, "last_updated": LATER}),
        ("LOC1/3256", {"uid": "3257", "last_updated": LATER}),
        ("LOC1/3256", {"connectors": "none", "last_updated": LATER}),
        ("LOC1", {"id": "LOC2", "last_updated": LATER}),
        ("LOC1", {"country_code": "NL", "last_updated": LATER}),
        ("LOC1", {"evses": {}, "last_updated": LATER}),
        ("LOC1", []),
        ("LOC1", "LOC1"),
        ("LOC1", None),
    ],
)
def test_a_patch_that_cannot_be_taken_is_refused_and_changes_nothing(cpo: Cpo, place: str, body: Any) -> None:
    cpo.put("LOC1", location())
    before = cpo.get(f"{cpo.LOCATIONS}/LOC1").json()["data"]
    sent = b"null" if body is None else body
    assert said(cpo.patch(place, sent)) == (200, 2001)
    assert cpo.get(f"{cpo.LOCATIONS}/LOC1").json()["data"] == before


@pytest.mark.parametrize("place", ["LOC9", "LOC9/3256", "LOC1/9", "LOC1/9/1", "LOC1/3256/9"])
def test_what_is_not_known_cannot_be_patched(cpo: Cpo, place: str) -> None:
    cpo.put("LOC1", location())
    assert said(cpo.patch(place, {"status": "CHARGING", "last_updated": LATER})) == (404, 2003)


@pytest.mark.parametrize("place", ["LOC9/3256", "LOC9/3256/1", "LOC1/9/1"])
def test_a_part_of_what_is_not_known_cannot_be_put(cpo: Cpo, place: str) -> None:
    cpo.put("LOC1", location())
    body = connector() if place.count("/") == 2 else evse()
    assert said(cpo.put(place, body)) == (404, 2003)


def test_one_bad_evse_fails_alone(cpo: Cpo) -> None:
    bad = [without(evse("1"), "status"), evse("2", last_updated="soon"), "evse", without(evse("3"), "uid")]
    answer = cpo.put("LOC1", location("LOC1", *bad, evse()))
    assert said(answer) == (201, 1000)
    assert "EVSE 1 was not taken: `status` is missing." in answer.json()["status_message"]
    assert [found.uid for found in OcpiEvse.objects.all()] == ["3256"]
    assert said(cpo.put("LOC2", location("LOC2", *bad))) == (200, 2001)


def test_what_ocpi_requires_and_nobody_needs_is_warned_of(cpo: Cpo, api: ApiClient) -> None:
    """The specification's own example of a new EVSE lacks fields that it requires."""
    cpo.put("LOC1", location())
    short = {"id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "tariff_ids": ["14"]}
    answer = cpo.put("LOC1/3258", evse("3258", connectors=[short], physical_reference=3, floor=-1))
    assert said(answer) == (201, 1000)
    assert "lacks `power_type`, `max_voltage`, `max_amperage`" in answer.json()["status_message"]
    [source] = api.get("/charging/sources?q=kind:ocpi").json()["items"]
    assert (source["name"], source["kind"], source["warnings"]) == ("BeCharged", "ocpi", 1)


@pytest.mark.parametrize(
    "change",
    [
        {"evse_id": "a b"},
        {"evse_id": "x" * 60},
        {"status": {"a": 1}},
        {"physical_reference": ["1"]},
        {"coordinates": {"latitude": "95", "longitude": "x"}},
        {"connectors": [connector(max_voltage={"a": 1}, standard=["x"], power_type=7)]},
        {"uid": 3256},
        {"evse_id": "\x00"},
    ],
)
def test_odd_values_are_no_error_of_ours(cpo: Cpo, change: dict[str, Any]) -> None:
    answer = cpo.put("LOC1", location("LOC1", evse(**change)))
    assert answer.status_code in (200, 201)
    assert answer.json()["status_code"] in (1000, 2001)


def test_long_ids_are_refused(cpo: Cpo) -> None:
    name = "x" * 101
    assert said(cpo.put(name, location(name))) == (200, 2001)
    assert said(cpo.put("LOC1", location("LOC1", evse("y" * 101)))) == (200, 2001)


# ---- whose it is ----------------------------------------------------------------------------------------------------


@pytest.fixture
def other(api: ApiClient, sender: Sender) -> Cpo:
    """Another registered party, NL*OTH."""
    invited = Cpo(api.post("/charging/ocpi-parties", {"name": "Other"}).json()["token"])
    answer = invited.call("POST", "/ocpi/2.2.1/credentials", sender.credentials(role("NL", "OTH")))
    return Cpo(answer.json()["data"]["token"])


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH"])
@pytest.mark.parametrize("owner", ["BE/BEC", "NL/BEC", "BE/OTH", "be/bec"])
def test_nobody_reads_or_changes_what_is_anothers(cpo: Cpo, other: Cpo, owner: str, method: str) -> None:
    cpo.put("LOC1", location())
    body = location(name="Mine now", last_updated=LATER)
    assert said(other.call(method, f"/ocpi/emsp/2.2.1/locations/{owner}/LOC1", body))[0] == 404
    assert point().location == "Gent Zuid"


def test_an_evse_id_of_another_party_is_kept_and_not_applied(cpo: Cpo, other: Cpo) -> None:
    cpo.put("LOC1", location())
    mine = location("X", evse(status="OUTOFORDER"), country_code="NL", party_id="OTH", name="Mine now")
    answer = other.call("PUT", "/ocpi/emsp/2.2.1/locations/NL/OTH/X", mine)
    assert said(answer) == (201, 1000)
    assert "another party's" in answer.json()["status_message"]
    assert (point().location, point().state.status) == ("Gent Zuid", "Available")


@pytest.mark.parametrize("sent", ["DE*B15*E0010*1", "DEB15E00101", "de-b15-e0010-1", "+49*810*000*1", "OUR-BOX-1"])
def test_a_charge_point_of_ours_is_no_partys_to_change(cpo: Cpo, party: OcpiParty, sent: str) -> None:
    ours = ChargePointFactory(evse_id=sent if "B15" not in sent.upper() else "DE*B15*E0010*1", name="Ours", city="Ulm")
    take_neutral(signal(ours, "raised", case="FUSE_TRIPPED"), now=timezone.now())
    before = ChargePoint.objects.filter(pk=ours.pk).values().get()
    answer = cpo.put("HIJ", location("HIJ", evse("1", evse_id=sent, status="OUTOFORDER")))
    assert said(answer) == (201, 1000)
    assert "is no EVSE of the party" in answer.json()["status_message"]
    for status in ("AVAILABLE", "REMOVED"):
        assert said(cpo.patch("HIJ/1", {"status": status, "last_updated": LATER})) == (200, 1000)
    assert ChargePoint.objects.filter(pk=ours.pk).values().get() == before
    assert open_cases(ours) == ["FUSE_TRIPPED"]
    assert Source.objects.get(pk=party.source_id).warnings


def test_an_evse_of_the_party_cannot_become_one_of_ours(cpo: Cpo) -> None:
    ours = ChargePointFactory(evse_id="DE*B15*E0010*1", city="Ulm")
    cpo.put("LOC1", location())
    answer = cpo.patch("LOC1/3256", {"evse_id": "DE*B15*E0010*1", "status": "OUTOFORDER", "last_updated": LATER})
    assert "is no EVSE of the party" in answer.json()["status_message"]
    ours.refresh_from_db()
    assert (ours.city, open_cases(ours)) == ("Ulm", [])


def test_an_evse_with_an_id_of_no_operator_is_the_partys_once_it_made_it(cpo: Cpo) -> None:
    cpo.put("LOC1", location("LOC1", evse("1", evse_id="+49*810*000*1")))
    cpo.put("LOC1", location("LOC1", evse("1", evse_id="+49*810*000*1"), city="Aalst", last_updated=LATER))
    assert point("+49*810*000*1").city == "Aalst"


def test_a_hub_does_not_change_what_was_there_before(hub: Cpo) -> None:
    ours = ChargePointFactory(evse_id="DE*B15*E0010*1", city="Ulm")
    body = location("L", evse("1", evse_id="DE*B15*E0010*1"), country_code="DE", party_id="B15")
    answer = hub.call("PUT", "/ocpi/emsp/2.3.0/locations/DE/B15/L", body)
    assert "is no EVSE of the party" in answer.json()["status_message"]
    ours.refresh_from_db()
    assert ours.city == "Ulm"


@pytest.fixture(params=["role", "hub_party_id"])
def hub(request: pytest.FixtureRequest, api: ApiClient, sender: Sender) -> Cpo:
    """A hub that reaches FR*ABC and BE*BEC, as those of 2.2.1 and of 2.3.0 say it."""
    invited = Cpo(api.post("/charging/ocpi-parties", {"name": "Hub", "may_be_hub": True}).json()["token"])
    said_so = sender.credentials(role("EU", "HUB", "HUB"))
    if request.param == "hub_party_id":
        said_so = sender.credentials(role("FR", "ABC"), role("BE", "BEC"), hub_party_id="EUHUB")
    answer = invited.call("POST", "/ocpi/2.3.0/credentials", said_so)
    assert said(answer) == (200, 1000)
    return Cpo(answer.json()["data"]["token"])


def test_a_hub_speaks_for_those_behind_it_and_not_for_who_is_connected_by_itself(cpo: Cpo, hub: Cpo) -> None:
    behind = location("L", evse("9", evse_id="FR*ABC*E9"), country_code="FR", party_id="ABC")
    assert said(hub.call("PUT", "/ocpi/emsp/2.3.0/locations/FR/ABC/L", behind)) == (201, 1000)
    assert said(hub.call("PUT", "/ocpi/emsp/2.3.0/locations/BE/BEC/L", location("L")))[0] == 404


def test_who_connects_by_itself_takes_over_what_a_hub_had_sent(hub: Cpo, cpo: Cpo, party: OcpiParty) -> None:
    """The fixture `hub` stands first: it is registered before."""
    old = location(last_updated="2026-10-01T00:00:00Z")
    OcpiParty.objects.filter(pk=party.pk).update(state="ended")
    assert said(hub.call("PUT", "/ocpi/emsp/2.3.0/locations/BE/BEC/LOC1", old)) == (201, 1000)
    OcpiParty.objects.filter(pk=party.pk).update(state="registered")
    assert said(cpo.put("LOC1", location(name="By itself"))) == (200, 1000)
    assert point().location == "By itself"
    assert said(cpo.get(f"{cpo.LOCATIONS}/LOC1")) == (200, 1000)
    assert said(hub.call("PUT", "/ocpi/emsp/2.3.0/locations/BE/BEC/LOC1", location(last_updated=LATER)))[0] == 404


def test_a_party_that_is_invited_anew_under_another_name_takes_over_its_own(
    cpo: Cpo, api: ApiClient, sender: Sender
) -> None:
    cpo.put("LOC1", location())
    cpo.call("DELETE", "/ocpi/2.2.1/credentials")
    invited = Cpo(api.post("/charging/ocpi-parties", {"name": "BeCharged again"}).json()["token"])
    again = Cpo(invited.call("POST", "/ocpi/2.2.1/credentials", sender.credentials()).json()["data"]["token"])
    assert said(again.put("LOC1", location(name="Again", last_updated=LATER))) == (200, 1000)
    assert point().location == "Again"


def test_a_disabled_party_is_a_stranger(cpo: Cpo, party: OcpiParty, api: ApiClient) -> None:
    api.patch(f"/charging/ocpi-parties/{party.pk}", {"enabled": False})
    assert said(cpo.put("LOC1", location())) == (401, 2001)
    api.patch(f"/charging/ocpi-parties/{party.pk}", {"enabled": True})
    assert said(cpo.put("LOC1", location())) == (201, 1000)


def test_an_evse_id_that_moves_to_another_evse_takes_its_charge_point_along(cpo: Cpo) -> None:
    cpo.put("LOC1", location())
    cpo.put("LOC2", location("LOC2", evse("77", evse_id=EVSE_ID, last_updated=LATER), name="Elsewhere"))
    assert (point().location, point().ocpi_evse.uid) == ("Elsewhere", "77")
    assert ChargePoint.objects.count() == 2
