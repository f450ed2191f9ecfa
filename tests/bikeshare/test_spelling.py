"""What boxes and feeds of others write, in their own spelling, and what it means here.

The values are of fixtures, guides and bug reports of public clients (locks and trackers of Lime, Segway, SwitchBot and
Milesight, own inventions of fleets), written anew: each stands for a way of writing.
"""

from __future__ import annotations

from typing import Any

import pytest

from bikeshare.models import LockBoxState, TelemetryMessage
from bikeshare.services.trips import pin_hash
from tests.bikeshare.kit import NOW, last, say, state_of, told
from tests.clock import iso
from tests.conftest import ApiClient
from tests.factories.bikeshare import BikeFactory, DockFactory, PassFactory, ProgramFactory, TripFactory

pytestmark = pytest.mark.django_db
PLACE = {"latitude": 54.750423, "longitude": 55.998016}
STAMP = NOW.timestamp()


def post(api: ApiClient, body: Any) -> Any:
    response = api.post("/bikeshare/telemetry", body)
    assert response.status_code == 202, response.content
    return response.json()


# ---- readings, one a line: what was sent, what holds then -----------------------------------------------------------

READ: list[tuple[dict[str, Any], dict[str, Any]]] = [
    # numbers
    ({"type": "battery", "value": "100"}, {"battery": 100}),
    ({"type": "battery", "value": "98%"}, {"battery": 98}),
    ({"type": "battery", "value": "19,5"}, {"battery": 19.5}),
    ({"type": "battery", "value": [93]}, {"battery": 93}),
    ({"type": "battery", "battery_percentage": 93}, {"battery": 93}),
    ({"type": "battery", "batteryLevel": "32"}, {"battery": 32}),
    (
        {"type": "BATTERY_VAE", "value": 64.0, "remaining_distance": "23000"},
        {"battery_vae": 64, "battery_vae_range_m": 23000},
    ),
    ({"type": "battery-vae", "soc": 64, "range": "unknown"}, {"battery_vae": 64, "battery_vae_range_m": None}),
    ({"type": "vehicule.battery.low", "value": 12}, {"battery": 12}),
    ({"type": "position", "Lat": "54.750423", "Lon": "55.998016"}, PLACE),
    ({"type": "position", "latitude": "54,750423", "longitude": "55,998016"}, PLACE),
    ({"type": "position", "lat_deg": 54.750423, "lon_deg": 55.998016}, PLACE),
    ({"type": "gps", "lat": 54.750423, "lng": 55.998016, "hdop": 0.7}, PLACE),
    ({"type": "position", "position": {"latitude": 54.750423, "longitude": 55.998016}}, PLACE),
    ({"type": "position", "location": {"lat": "54.750423", "lng": "55.998016"}}, PLACE),
    ({"type": "position", "position": {"type": "Point", "coordinates": [55.998016, 54.750423]}}, PLACE),
    ({"type": "position", **PLACE, "accuracy": -1}, PLACE | {"accuracy": None}),
    ({"type": "position", **PLACE, "accuracy": "n/a"}, PLACE | {"accuracy": None}),
    ({"type": "position", **PLACE, "accuracy": {"h": 8}}, PLACE | {"accuracy": None}),
    ({"type": "position", **PLACE, "accuracy": None}, PLACE | {"accuracy": None}),
    ({"type": "position", **PLACE, "accuracy": "8"}, PLACE | {"accuracy": 8}),
    ({**PLACE}, PLACE),
    # words
    ({"type": "lock", "state": "LOCKED"}, {"lock": "locked"}),
    ({"type": "lock", "lockState": "UNLOCKED"}, {"lock": "unlocked"}),
    ({"type": "lock", "state": True}, {"lock": "locked"}),
    ({"type": "lock", "state": 0}, {"lock": "unlocked"}),
    ({"type": "lock", "locked": "false"}, {"lock": "unlocked"}),
    ({"type": "lock", "lock_status": " Locked "}, {"lock": "locked"}),
    ({"type": "Lock", "state": "closed"}, {"lock": "locked"}),
    ({"type": "lock", "state": "verrouillé"}, {"lock": "locked"}),
    ({"type": "lock", "state": "abgeschlossen"}, {"lock": "locked"}),
    ({"type": "lock", "state": None}, {"lock": "undefined"}),
    ({"type": "lock", "state": "unavable"}, {"lock": "unavable"}),
    ({"type": "lock", "state": "x" * 60}, {"lock": "x" * 40}),
    ({"type": "lock", "state": "locked", "rfid": 7}, {"lock": "locked"}),
    ({"type": "lock", "state": "locked", "rfid": "E2" * 30}, {"lock": "locked"}),
    ({"type": "boitier.locked"}, {"lock": "locked"}),
    ({"event": "unlocked"}, {"lock": "unlocked"}),
    ({"type": "chain_type", "chain_type": None}, {"chain_type": "null"}),
    ({"type": "chainType", "chainType": "valid"}, {"chain_type": "valid"}),
]


@pytest.mark.parametrize(("sent", "holds"), READ)
def test_a_reading_is_understood_in_its_own_spelling(
    api: ApiClient, sent: dict[str, Any], holds: dict[str, Any]
) -> None:
    bike = BikeFactory()
    answer = post(api, {"boitier": bike.boitier.number, "at": iso(NOW), **sent})
    assert (answer["accepted"], answer["rejected"]) == (1, [])
    state = state_of(bike)
    assert {name: getattr(state, name) for name in holds} == holds


@pytest.mark.parametrize(
    ("at", "seconds"),
    [
        (STAMP, 0),
        (str(int(STAMP)), 0),
        (STAMP * 1000, 0),
        (iso(NOW).replace("T", " ").replace("Z", ""), 0),
        (iso(NOW).replace("Z", "+00:00"), 0),
        (f"{NOW:%Y-%m-%dT%H:%M:%S}", 0),
        (STAMP + 0.164, 0.164),
        (f"{NOW:%Y%m%dT%H%M%SZ}", 0),
    ],
)
@pytest.mark.parametrize("name", ["at", "timestamp"])
def test_a_time_is_understood_in_any_spelling(api: ApiClient, at: Any, seconds: float, name: str) -> None:
    bike = BikeFactory()
    post(api, {"boitier": bike.boitier.number, "type": "battery", "value": 50, name: at})
    read = state_of(bike).battery_at
    assert read is not None
    assert (read - NOW).total_seconds() == pytest.approx(seconds, abs=0.01)


@pytest.mark.parametrize("at", [None, "soon", "", -9_223_372_036_854_775_808, {"seconds": 5}, "2019-10-05 18:27 UTC"])
def test_a_time_that_nobody_can_read_costs_nothing_and_the_receipt_counts(api: ApiClient, at: Any) -> None:
    bike = BikeFactory()
    answer = post(api, {"boitier": bike.boitier.number, "type": "battery", "value": 5, "at": at})
    assert answer["accepted"] == 1
    assert at is None or "`at` was" in answer["warnings"][0]["warning"]
    assert len(told("vehicule.battery.low")) == 1


def test_what_was_left_out_or_read_otherwise_is_said(api: ApiClient) -> None:
    box = BikeFactory().boitier.number
    sent: list[dict[str, Any]] = [
        {"type": "battery", "value": 50},
        {"type": "battery", "value": "50"},
        {"type": "position", **PLACE, "accuracy": -1},
        {"type": "lock", "state": "closed"},
        {"type": "battery", "value": 50, "voltage": 3.7},
    ]
    answer = post(api, [{"boitier": box, "at": iso(NOW), **one} for one in sent])
    assert [(said["index"], said["warning"]) for said in answer["warnings"]] == [
        (1, '`value` was "50" and was read as 50.0.'),
        (2, "`accuracy` was -1, which must be metres, and was left out."),
        (3, "`state` was closed and was read as locked."),
        (4, "`voltage`: nobody reads a field of this name."),
    ]


@pytest.mark.parametrize("pin", [42, "0042", "PIN:0042"])
def test_a_pin_that_is_a_number_has_its_zeros(api: ApiClient, pin: Any) -> None:
    trip = TripFactory()
    type(trip).objects.update(pin_hash=pin_hash(trip.pk, "0042"))
    answer = post(api, {"boitier": trip.vehicule.boitier.number, "type": "pin", "pin": pin, "at": iso(NOW)})
    assert (answer["accepted"], told("boitier.pin.incorrect")) == (1, [])
    assert len(answer["warnings"]) == (":" in str(pin))


def test_a_topics_own_name_says_what_was_wrong(api: ApiClient) -> None:
    box = BikeFactory().boitier.number
    post(api, [{"boitier": box, "at": iso(NOW), "type": "boitier.pin.incorrect"}, {"boitier": box, "uid": 4660}])
    assert last("boitier.pin.incorrect")["attempts"] == 1
    assert len(told("boitier.pass.unrecognized")) == 1


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"type": "battery", "value": "many"}, "value: must be"),
        ({"type": "battery", "value": None}, "`value` must be a charge"),
        ({"type": "speed", "value": 5}, "`type` must be one of"),
        ({"value": 5}, "`type` must be one of"),
        ({"type": "lock"}, "`state` must be a word"),
        ({"type": "position", "position": [1]}, "degrees on the earth"),
    ],
)
def test_what_has_no_meaning_is_rejected_in_words(api: ApiClient, sent: dict[str, Any], said: str) -> None:
    answer = post(api, {"boitier": BikeFactory().boitier.number, "at": iso(NOW), **sent})
    assert answer["accepted"] == 0
    assert said in answer["rejected"][0]["error"]


def test_another_spelling_of_the_same_message_is_a_duplicate(api: ApiClient) -> None:
    number = BikeFactory().boitier.number
    plain = {"id": "m-1", "boitier": number, "type": "lock", "state": "locked", "at": iso(NOW)}
    assert post(api, plain)["accepted"] == 1
    assert post(api, plain | {"state": "LOCKED", "at": STAMP})["duplicates"] == 1
    assert TelemetryMessage.objects.count() == 1


def test_a_lock_in_other_words_still_ends_a_trip() -> None:
    trip = TripFactory()
    dock = DockFactory(program=trip.program)
    say(trip, "lock", state="LOCKED", rfid=dock.rfid)
    assert len(told("trip.terminated")) == 1
    assert LockBoxState.objects.get().lock == "locked"


def test_what_nobody_sees_is_no_part_of_a_number(api: ApiClient) -> None:
    bike = BikeFactory()
    body = {"boitier": f" \ufeff{bike.boitier.number}\u200b", "type": "battery", "value": 50}
    assert post(api, body)["accepted"] == 1


# ---- resources ------------------------------------------------------------------------------------------------------

LOOSE = {"number": 17, "model": 3, "dockless": "yes", "score": "4"}


def test_a_resource_whose_fields_are_of_other_types_is_what_they_mean(api: ApiClient) -> None:
    ProgramFactory(pk="lutece")
    made = api.post("/bikeshare/vehicules", LOOSE | {"program": "lutece"})
    assert made.status_code == 201
    meant = {"number": "17", "model": "3", "dockless": True, "score": 4}
    assert {name: made.json()[name] for name in meant} == meant
    batch = api.post("/bikeshare/vehicules", [LOOSE | {"program": "lutece", "number": 18}]).json()
    assert (batch["accepted"], len(batch["warnings"])) == (1, 4)
    changed = api.patch(f"/bikeshare/vehicules/{made.json()['id']}", {"number": 19, "dockless": 0}).json()
    assert (changed["number"], changed["dockless"], changed["model"]) == ("19", False, "3")


@pytest.mark.parametrize("body", [{"number": {"a": 1}}, {"number": True}, {"dockless": "perhaps"}, {"score": "high"}])
def test_what_has_no_meaning_is_refused_by_its_field(api: ApiClient, body: dict[str, Any]) -> None:
    ProgramFactory(pk="lutece")
    answer = api.post("/bikeshare/vehicules", {"program": "lutece", "number": "1"} | body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/{next(iter(body))}"


def test_a_pointer_leads_into_what_a_field_holds(api: ApiClient) -> None:
    place = {"latitude": "north", "longitude": 2}
    answer = api.post("/bikeshare/stations", {"program": "lutece", "name": "a", "position": place})
    assert answer.json()["errors"][0]["pointer"] == "/position/latitude"
    answer = api.post("/bikeshare/stations", {"program": "lutece", "name": "a", "position": {"lat": 50.7}})
    assert answer.json()["errors"][0]["pointer"] == "/position/latitude"
    answer = api.post(f"/bikeshare/passes/{PassFactory().pk}/associate", {})
    assert answer.json()["errors"][0]["pointer"] == "/cyclist"


def test_a_place_is_understood_in_any_spelling(api: ApiClient) -> None:
    ProgramFactory(pk="lutece")
    for place in (
        {"latitude": "50.7", "longitude": "7,1"},
        {"lat": 50.7, "lng": 7.1},
        {"type": "Point", "coordinates": [7.1, 50.7]},
        "50.7, 7.1",
        [7.1, 50.7],
    ):
        made = api.post("/bikeshare/stations", {"program": "lutece", "name": "a", "position": place})
        assert (made.status_code, made.json()["position"]) == (201, {"latitude": 50.7, "longitude": 7.1}), place
        changed = api.patch(f"/bikeshare/stations/{made.json()['id']}", {"position": place})
        assert changed.json()["warnings"] == ["`position` was read as latitude and longitude."]
        batch = api.post("/bikeshare/stations", [{"program": "lutece", "name": "b", "position": place}]).json()
        assert (batch["accepted"], batch["rejected"]) == (1, []), place
    ring = [{"latitude": "48.843", "longitude": "2.356"}, {"lat": 48.842, "lon": 2.362}, [2.363, 48.846]]
    made = api.post("/bikeshare/zones", {"program": "lutece", "bounds": ring})
    assert (made.status_code, len(made.json().get("bounds", []))) == (201, 3), made.content
