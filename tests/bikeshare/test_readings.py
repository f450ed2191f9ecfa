"""What boxes put into one message, and what readers and keypads put around a number: all of it is taken, or named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bikeshare.ingest.telemetry import DeviceMessage
from bikeshare.ingest.words import ALIASES
from bikeshare.models import TelemetryMessage
from bikeshare.services.trips import pin_hash
from tests.bikeshare.kit import NOW, at, state_of, told
from tests.bikeshare.test_spelling import PLACE, post
from tests.clock import iso
from tests.conftest import ApiClient
from tests.factories.bikeshare import BikeFactory, CyclistFactory, PassFactory, TripFactory

pytestmark = pytest.mark.django_db


# ---- several readings in one message, or one level down -------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "holds"),
    [
        ({"type": "lock", "data": {"state": "locked"}}, {"lock": "locked"}),
        ({"type": "lock", "payload": [{"lock_status": "closed"}]}, {"lock": "locked"}),
        ({"data": {"event": "battery", "soc": "32", "lat": 54.750423, "lng": 55.998016}}, PLACE | {"battery": 32}),
        ({"type": "battery", "battery": 15, "lat": 54.750423, "lng": 55.998016}, PLACE | {"battery": 15}),
        (
            {"type": "position", **PLACE, "battery": 42, "battery_vae": 0.6, "locked": "yes"},
            PLACE | {"battery": 42, "battery_vae": 60, "lock": "locked"},
        ),
        ({**PLACE, "battery": 42, "state": "unlocked"}, PLACE | {"battery": 42, "lock": "unlocked"}),
        ({"battery": 42}, {"battery": 42}),
        (
            {"type": "lock", "state": "locked", "battery_vae": 64, "range": 23000, "chain_type": "valid"},
            {"lock": "locked", "battery_vae": 64, "battery_vae_range_m": 23000, "chain_type": "valid"},
        ),
        ({"type": "battery-vae", "battery": 64}, {"battery_vae": 64, "battery": None}),
        # yes and no, and their opposite
        ({"type": "lock", "locked": "yes"}, {"lock": "locked"}),
        ({"type": "lock", "is_locked": "nein"}, {"lock": "unlocked"}),
        ({"type": "lock", "unlocked": True}, {"lock": "unlocked"}),
        ({"type": "lock", "unlocked": "no"}, {"lock": "locked"}),
        ({"type": "lock", "open": 1}, {"lock": "unlocked"}),
        ({"type": "lock", "closed": "oui"}, {"lock": "locked"}),
        ({"unlocked": False}, {"lock": "locked"}),
        ({"type": "lock", "lock": "opened"}, {"lock": "unlocked"}),
        ({"type": "lock", "locked": True, "unlocked": True}, {"lock": "undefined"}),
        ({"type": "lock", "locked": None, "unlocked": True}, {"lock": "unlocked"}),
        # charges as a share of one
        ({"type": "battery", "value": 0.85}, {"battery": 85}),
        ({"type": "battery", "battery": "0,855"}, {"battery": 85.5}),
        ({"type": "battery_vae", "current_fuel_percent": 0.64}, {"battery_vae": 64}),
        ({"type": "battery", "value": 0}, {"battery": 0}),
    ],
)
def test_each_reading_of_a_message_is_taken(api: ApiClient, sent: dict[str, Any], holds: dict[str, Any]) -> None:
    bike = BikeFactory()
    answer = post(api, {"boitier": bike.boitier.number, "timestamp": iso(NOW), **sent})
    assert (answer["accepted"], answer["rejected"]) == (1, [])
    state = state_of(bike)
    assert {name: getattr(state, name) for name in holds} == holds
    assert "nobody reads" not in str(answer["warnings"])
    assert "is not read" not in str(answer["warnings"])


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"type": "lock", "state": "locked", "uid": "04A2B3C4"}, "`uid`"),
        ({"type": "battery", "value": 50, "lat": 54.75}, "`latitude`"),
        ({"type": "battery", "value": 50, "lat": 540.75, "lon": 1}, "degrees on the earth"),
        ({"type": "position", **PLACE, "status": "moving"}, "`state`"),
        ({"type": "lock", "state": "locked", "battery": 180}, "0 to 100"),
        ({"type": "lock", "state": "locked", "level": 18}, "`value`"),
        ({"type": "lock", "state": "locked", "data": 7}, "`data`"),
        ({"type": "lock", "state": "locked", "data": {"colour": "red"}}, "`colour`"),
    ],
)
def test_what_is_beside_a_reading_and_not_taken_is_named(api: ApiClient, sent: dict[str, Any], said: str) -> None:
    answer = post(api, {"boitier": BikeFactory().boitier.number, "at": iso(NOW), **sent})
    assert answer["accepted"] == 1
    assert said in str(answer["warnings"])
    assert TelemetryMessage.objects.count() == 1


def test_readings_of_one_message_come_once(api: ApiClient) -> None:
    body = {"id": "m-1", "boitier": BikeFactory().boitier.number, "at": iso(NOW), "battery": 15, **PLACE}
    assert [post(api, body)["accepted"], post(api, body)["duplicates"]] == [1, 1]
    assert sorted(TelemetryMessage.objects.values_list("type", flat=True)) == ["battery", "position"]
    assert len(told("vehicule.battery.low")) == 1


@pytest.mark.parametrize(
    "place",
    [
        "54.750423,55.998016",
        "54.750423 55.998016",
        "POINT(55.998016 54.750423)",
        "geo:54.750423,55.998016",
        {"coordinates": "54.750423,55.998016"},
        [{"lat": "54.750423", "lon": 55.998016}],
    ],
)
@pytest.mark.parametrize("name", ["position", "location", "gps", "coordinates"])
def test_a_place_is_read_in_any_form(api: ApiClient, name: str, place: Any) -> None:
    bike = BikeFactory()
    assert post(api, {"boitier": bike.boitier.number, "at": iso(NOW), "type": "gps", name: place})["accepted"] == 1
    assert (state_of(bike).latitude, state_of(bike).longitude) == (PLACE["latitude"], PLACE["longitude"])


JUNK = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=60)
)
ANY = st.recursive(JUNK, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=9), one, max_size=3))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(sorted({*DeviceMessage.__struct_fields__, *ALIASES} - {"id"})), ANY, max_size=5))
def test_nothing_in_a_message_loses_its_neighbours(api: ApiClient, junk: dict[str, Any]) -> None:
    box = BikeFactory().boitier.number
    good = {"boitier": box, "at": iso(NOW), "type": "battery", "value": 50}
    answer = post(api, [good, {"boitier": box} | junk, {"boitier": box, "type": "lock", "state": "locked"} | junk])
    assert 0 not in [said["index"] for said in (*answer["rejected"], *answer["warnings"])]
    assert answer["accepted"] + len(answer["rejected"]) == 3


def test_a_chain_type_in_another_spelling_is_no_other(api: ApiClient) -> None:
    bike = BikeFactory()
    for seconds, word in enumerate(("valid", "VALID", "banana", "Valid", "invalid")):
        post(api, {"boitier": bike.boitier.number, "type": "chain_type", "chain_type": word, "at": iso(at(seconds))})
    assert [event.payload["chain_type"] for event in told("boitier.chain_type.updated")] == ["valid", "invalid"]


# ---- what readers and keypads put around -----------------------------------------------------------------------

UID = "04A2B3C4D5E680"
AROUND = ["{}\r\n", "{}\n", "\t{} ", "UID:{}", "uid = {}", "{}h", "{}H\r\n", ";{}?", "#{}#", "0x{}", "[{}]"]
PARTED = [
    "04,A2,B3,C4,D5,E6,80",
    "0x04, 0xA2, 0xB3, 0xC4, 0xD5, 0xE6, 0x80",
    "04:a2:b3:c4:d5:e6:80h",
    "04 A2 B3\tC4 D5 E6 80",
]


@pytest.mark.parametrize("spelt", [around.format(UID) for around in AROUND] + PARTED)
def test_a_card_is_known_whatever_its_reader_puts_around(api: ApiClient, spelt: str) -> None:
    bike = BikeFactory()
    PassFactory(program=bike.program, uid=UID, user=CyclistFactory(program=bike.program))
    answer = post(api, {"boitier": bike.boitier.number, "type": "pass", "uid": spelt, "at": iso(NOW)})
    assert (answer["accepted"], told("boitier.pass.unrecognized")) == (1, [])


@pytest.mark.parametrize(
    ("pin", "typed"),
    [("0042", typed) for typed in (42, "42", " 0042 ", "0042\r\n", "0042#", "*0042#", "00-42", 42.0, "42\n")]
    + [("00421", 421), ("00421", "00421#"), ("0000", 0), ("0000", "0"), ("12345678", 12345678)],
)
def test_a_pin_is_its_digits_whatever_its_keypad_puts_around(api: ApiClient, pin: str, typed: Any) -> None:
    trip = TripFactory()
    type(trip).objects.update(pin_hash=pin_hash(trip.pk, pin))
    box = trip.vehicule.boitier.number
    answer = post(api, {"boitier": box, "type": "pin", "pin": typed, "at": iso(NOW)})
    assert (answer["accepted"], told("boitier.pin.incorrect")) == (1, [])
    assert pin not in str(answer["warnings"])
    post(api, {"boitier": box, "type": "pin", "pin": "9" + pin[1:], "at": iso(NOW)})
    assert len(told("boitier.pin.incorrect")) == 1
