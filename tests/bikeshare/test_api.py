"""The API of bike-share: ten resources, their actions, batches, errors."""

from __future__ import annotations

from typing import Any

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bikeshare.models import Program, Station, Trip, Zone
from bikeshare.services.specs import SPECS
from tests import clock
from tests.bikeshare.kit import told, topics
from tests.conftest import ApiClient
from tests.factories.bikeshare import (
    SQUARE,
    BikeFactory,
    CyclistFactory,
    DockFactory,
    LockBoxFactory,
    PassFactory,
    ProgramFactory,
    RegistrationFactory,
    StationFactory,
    SubscriptionFactory,
    TripFactory,
    ZoneFactory,
    ending_trip,
    rider,
)

pytestmark = pytest.mark.django_db
BOUNDS = [{"longitude": x, "latitude": y} for x, y in SQUARE]
END = "2030-01-01T00:00:00+01:00"
PHOTO = "https://photos.example.org/1.jpg"


def ok(response: Any, status: int = 200) -> Any:
    assert response.status_code == status, response.content
    return response.json() if response.content else None


def problem(response: Any, status: int) -> str:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    detail: str = response.json()["detail"]
    return detail


# ---- create, read, change, delete -----------------------------------------------------------------------------------


def _bodies() -> dict[str, dict[str, Any]]:
    """A body for each resource, and what is changed of it afterwards."""
    program, cyclist = ProgramFactory().pk, CyclistFactory().pk
    return {
        "abonnements": {"program": program, "cyclist": cyclist, "forfait": "day", "trial_end": END},
        "boitiers": {"program": program, "number": "BX-9"},
        "cyclists": {"program": program, "name": "Élodie", "phone_number": "+33612345678"},
        "docks": {"station": StationFactory().pk, "rfid": "E29"},
        "passes": {"program": program, "uid": "04AABBCC"},
        "registrations": {"program": program, "cyclist": cyclist},
        "stations": {"program": program, "name": "Gare", "position": {"latitude": 48.85, "longitude": 2.35}},
        "vehicules": {"program": program, "number": "417", "type": "vae", "boitier": LockBoxFactory().pk},
        "zones": {"program": program, "type": "forbidden", "bounds": BOUNDS},
    }


CHANGES: dict[str, dict[str, Any]] = {
    "abonnements": {"forfait": "month"},
    "boitiers": {"fw": "3.1"},
    "cyclists": {"email": "e@example.org"},
    "docks": {"number": "12"},
    "passes": {"disabled": True},
    "registrations": {"status": "blocked"},
    "stations": {"capacity": 12},
    "vehicules": {"status": "ready"},
    "zones": {"precedence": 1},
}


@pytest.mark.parametrize("plural", CHANGES)
def test_each_resource_is_made_read_changed_and_deleted(api: ApiClient, plural: str) -> None:
    body = _bodies()[plural]
    made = ok(api.post(f"/bikeshare/{plural}", body), 201)
    assert made["object"] == SPECS[plural].name
    path = f"/bikeshare/{plural}/{made['id']}"
    assert ok(api.get(path)) == made
    assert made in ok(api.get(f"/bikeshare/{plural}?q=id:{made['id']}"))["items"]
    changed = ok(api.patch(path, CHANGES[plural]))
    assert changed["version"] == 2
    assert ok(api.get(path)) == changed
    gone = api.delete(f"{path}?final=true")
    if plural == "cyclists":  # its deletion has to be asked for before
        problem(gone, 409)
        assert ok(api.delete(path))["status"] == "deletion_requested"
        gone = api.delete(f"{path}?final=true")
    assert gone.status_code == 204
    assert problem(api.get(path), 404)
    kinds = {kind for kind in topics() if kind.startswith(f"{SPECS[plural].name}.")}
    without = {"boitiers": set(), "passes": set(), "registrations": {"updated", "deleted"}}
    expected = without.get(plural, {"created", "updated", "deleted"})
    assert kinds == {f"{SPECS[plural].name}.{verb}" for verb in expected}


def test_changes_by_the_api_are_audited_under_the_keys_name(api: ApiClient) -> None:
    station = StationFactory()
    ok(api.patch(f"/bikeshare/stations/{station.pk}", {"capacity": 7}))
    entry = LogEntry.objects.get(object_pk=station.pk)
    assert entry.changes_dict == {"capacity": ["None", "7"]}
    assert entry.additional_data == {"api_key": "key 1"}


@pytest.mark.parametrize("plural", CHANGES)
def test_what_is_needed_is_asked_for(api: ApiClient, plural: str) -> None:
    assert "It is needed" in problem(api.post(f"/bikeshare/{plural}", {}), 422)


@pytest.mark.parametrize(
    ("plural", "more", "pointer"),
    [
        ("stations", {"program": "nowhere"}, "/program"),
        ("stations", {"status": "half-open"}, "/status"),
        ("stations", {"position": {"latitude": 91, "longitude": 0}}, "/position/latitude"),
        ("stations", {"name": "  "}, "/name"),
        ("stations", {"area": {"type": "Polygon", "coordinates": [[[1, 2]]]}}, "/area"),
        ("vehicules", {"type": "tank"}, "/type"),
        ("vehicules", {"station": "stn_x"}, "/station"),
        ("abonnements", {"cyclist": "cycl_x"}, "/cyclist"),
        ("abonnements", {"trial_end": "tomorrow"}, "/trial_end"),
        ("zones", {"bounds": [{"latitude": 1}]}, "/bounds"),
        ("zones", {"rules": [{"ride_allowed": "maybe"}]}, "/rules"),
        ("zones", {"start": "2026-11-21T09:00:00Z", "end": "2026-11-21T08:00:00Z"}, "/end"),
    ],
)
def test_what_is_wrong_is_pointed_to(api: ApiClient, plural: str, more: dict[str, Any], pointer: str) -> None:
    response = api.post(f"/bikeshare/{plural}", _bodies()[plural] | more)
    problem(response, 422)
    assert response.json()["errors"][0]["pointer"] == pointer
    assert told() == []


def test_a_resource_of_another_program_is_refused(api: ApiClient) -> None:
    vehicule, station = BikeFactory(), StationFactory(program__id="elsewhere")
    response = api.patch(f"/bikeshare/vehicules/{vehicule.pk}", {"station": station.pk})
    assert "another program" in problem(response, 422)


def test_what_is_fixed_cannot_be_changed(api: ApiClient) -> None:
    ProgramFactory(id="elsewhere")
    response = api.patch(f"/bikeshare/stations/{StationFactory().pk}", {"program": "elsewhere"})
    assert "cannot be changed" in problem(response, 422)


def test_the_same_again_is_a_conflict(api: ApiClient) -> None:
    body = _bodies()["boitiers"]
    ok(api.post("/bikeshare/boitiers", body), 201)
    response = api.post("/bikeshare/boitiers", body)
    assert "of this number already" in problem(response, 409)
    assert response.json()["errors"][0]["code"] == "duplicate"


def test_what_is_in_use_is_not_deleted(api: ApiClient) -> None:
    bike = BikeFactory()
    dock = DockFactory(vehicule=bike)
    for path in (
        f"stations/{dock.station_id}",
        f"docks/{dock.pk}",
        f"vehicules/{bike.pk}",
        f"boitiers/{bike.boitier_id}",
        f"passes/{PassFactory(user=CyclistFactory()).pk}",
        f"trips/{TripFactory().pk}",
    ):
        assert problem(api.delete(f"/bikeshare/{path}"), 409)
    assert told() == []


def test_putting_a_vehicle_into_a_dock_moves_it_to_the_station(api: ApiClient) -> None:
    bike, dock = BikeFactory(), DockFactory()
    changed = ok(api.patch(f"/bikeshare/docks/{dock.pk}", {"vehicule": bike.pk}))
    assert (changed["free"], changed["vehicule_number"]) == (False, bike.number)
    assert ok(api.get(f"/bikeshare/vehicules/{bike.pk}"))["station"] == dock.station_id
    station = ok(api.get(f"/bikeshare/stations/{dock.station_id}"))
    assert station["docks"] == {"total": 1, "total_free": 0, "total_vehicules": 1}
    assert problem(api.patch(f"/bikeshare/vehicules/{bike.pk}", {"station": None}), 422)
    ok(api.patch(f"/bikeshare/docks/{dock.pk}", {"vehicule": None}))
    assert ok(api.get(f"/bikeshare/vehicules/{bike.pk}"))["station"] is None
    assert topics() == ["dock.updated"] * 2 + ["vehicule.updated"] * 2


def test_a_person_is_shown_to_those_who_may_read(api: ApiClient) -> None:
    cyclist = CyclistFactory(name="Camille")
    assert ok(api.get(f"/bikeshare/cyclists/{cyclist.pk}"))["name"] == "Camille"


# ---- batches and lists ----------------------------------------------------------------------------------------------


def test_a_batch_makes_the_good_and_names_the_bad(api: ApiClient) -> None:
    program = ProgramFactory().pk
    good = {"program": program, "name": "A", "external_id": "1"}
    batch = [good, {"program": program}, good | {"name": 5}, good | {"external_id": "2"}, good | {"program": "x"}]
    answer = ok(api.post("/bikeshare/stations", batch), 202)
    assert (answer["accepted"], [one["index"] for one in answer["rejected"]]) == (2, [1, 2, 4])
    assert len(told("station.created")) == 2


def test_of_two_that_cannot_stand_together_the_later_is_rejected(api: ApiClient) -> None:
    row = {"program": ProgramFactory().pk, "name": "A", "external_id": "1"}
    answer = ok(api.post("/bikeshare/stations", [row, row | {"name": "B"}, row | {"external_id": "2"}]), 202)
    assert answer["accepted"] == 2
    assert answer["rejected"] == [{"index": 1, "error": "There is a station of this external_id already."}]
    assert (Station.objects.count(), len(told("station.created"))) == (2, 2)


@pytest.mark.parametrize("plural", ["stations", "boitiers", "vehicules", "zones", "docks"])
def test_statements_of_a_batch_do_not_grow_with_it(api: ApiClient, plural: str) -> None:
    counts = []
    api.get("/bikeshare/programs")  # the key's first use is written down
    for size in (1, 40):
        unique = {"boitiers": "number", "vehicules": "number"}.get(plural)
        body = {k: v for k, v in _bodies()[plural].items() if k not in ("rfid", "boitier")}
        batch = [body | ({unique: f"{size}-{n}"} if unique else {}) for n in range(size)]
        with CaptureQueriesContext(connection) as captured:
            assert ok(api.post(f"/bikeshare/{plural}", batch), 202)["accepted"] == size
        counts.append(sum("console_apikey" not in query["sql"] for query in captured))
        LockBoxFactory._meta.model.objects.filter(number="BX-9").delete()
    assert counts[0] == counts[1]


@pytest.mark.parametrize("plural", [*CHANGES, "trips"])
def test_statements_of_a_list_do_not_grow_with_its_rows(api: ApiClient, plural: str) -> None:
    factory: Any = {
        "abonnements": SubscriptionFactory,
        "boitiers": LockBoxFactory,
        "cyclists": CyclistFactory,
        "docks": DockFactory,
        "passes": PassFactory,
        "registrations": RegistrationFactory,
        "stations": StationFactory,
        "vehicules": BikeFactory,
        "zones": ZoneFactory,
        "trips": TripFactory,
    }[plural]
    counts = []
    factory()
    api.get(f"/bikeshare/{plural}")  # the key's first use is written down, and that it reads people
    for rows in (2, 20):
        for _number in range(rows):
            factory()
        with CaptureQueriesContext(connection) as captured:
            assert len(ok(api.get(f"/bikeshare/{plural}?limit=500"))["items"]) >= rows
        # That the key was used is written down now and then.
        counts.append(sum("console_apikey" not in query["sql"] for query in captured))
    assert counts[0] == counts[1] <= 6


def test_a_list_is_paged_in_the_order_of_making(api: ApiClient) -> None:
    made = [StationFactory().pk for _number in range(5)]
    found, cursor = [], ""
    while True:
        page = ok(api.get(f"/bikeshare/stations?limit=2{cursor}"))
        found += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == made
    assert problem(api.get("/bikeshare/stations?cursor=WzFd"), 400)
    assert problem(api.get("/bikeshare/stations?q=colour:red"), 422)


def test_lists_are_searched_by_city(api: ApiClient) -> None:
    ProgramFactory(id="nemo", city="Nemours")
    here, _there = StationFactory(), StationFactory(program__id="nemo")
    assert [i["id"] for i in ok(api.get("/bikeshare/stations?q=city:paris"))["items"]] == [here.pk]


# ---- programs -------------------------------------------------------------------------------------------------------


def test_programs_are_made_changed_and_deleted_when_empty(api: ApiClient) -> None:
    body = {"id": "nemo", "name": "Némo", "city": "Nemours"}
    assert ok(api.post("/bikeshare/programs", body), 201)["timezone"] == "Europe/Paris"
    assert problem(api.post("/bikeshare/programs", body), 409)
    assert problem(api.post("/bikeshare/programs", body | {"id": "No Good"}), 422)
    assert problem(api.patch("/bikeshare/programs/nemo", {"timezone": "Mars/Olympus"}), 422)
    assert ok(api.patch("/bikeshare/programs/nemo", {"exit_margin_m": 15}))["exit_margin_m"] == 15
    before = Program.objects.get().zones_version
    rule = {"ride_start_allowed": False, "ride_end_allowed": False, "ride_through_allowed": False}
    assert ok(api.patch("/bikeshare/programs/nemo", {"global_rules": [rule]}))["global_rules"] == [rule]
    assert Program.objects.get().zones_version == before + 1
    station = StationFactory(program__id="nemo")
    assert "still has resources" in problem(api.delete("/bikeshare/programs/nemo"), 409)
    station.delete()
    assert api.delete("/bikeshare/programs/nemo").status_code == 204


# ---- trips and actions ----------------------------------------------------------------------------------------------


def test_a_trip_from_its_beginning_to_its_bill(api: ApiClient) -> None:
    cyclist, bike = rider(), BikeFactory()
    trip = ok(api.post("/bikeshare/trips", {"cyclist": cyclist.pk, "vehicule": bike.pk, "origin": "web"}), 201)
    assert (trip["status"], len(trip["pin"])) == ("renting", 4)
    path = f"/bikeshare/trips/{trip['id']}"
    assert "pin" not in ok(api.get(path))
    assert ok(api.post(f"{path}/pause"))["status"] == "pitstop"
    assert ok(api.post(f"{path}/continue"))["status"] == "renting"
    marked = ok(api.post(f"{path}/mark", {"photo": PHOTO, "position": {"latitude": 48.8, "longitude": 2.3}}))
    assert marked["termination_requests"][0]["status"] == "pending"
    assert ok(api.post(f"{path}/resume", {"reason": "moved"}))["status"] == "renting"
    ok(api.post(f"{path}/mark", {"photo": PHOTO}))
    ended = ok(api.post(f"{path}/update-mark", {"status": "accepted"}))
    assert (ended["status"], ended["amount"]) == ("completed", None)
    assert ok(api.patch(path, {"distance": 1200}))["distance"] == 1200
    assert ok(api.post(f"{path}/bill", {"amount": 150}))["amount"] == 150
    assert problem(api.post("/bikeshare/trips", {"cyclist": cyclist.pk, "vehicule": "vhcl_x"}), 422)
    assert api.delete(path).status_code == 204
    assert not Trip.objects.exists()


def test_a_refusal_says_its_code(api: ApiClient) -> None:
    response = api.post("/bikeshare/trips", {"cyclist": CyclistFactory().pk, "vehicule": BikeFactory().pk})
    assert problem(response, 409) == "The cyclist has no confirmed registration here."
    assert response.json()["errors"][0]["code"] == "unconfirmed_registration"


def test_a_pin_that_is_given_is_used_and_must_be_digits(api: ApiClient) -> None:
    body = {"cyclist": rider().pk, "vehicule": BikeFactory().pk, "pin": "abcd"}
    assert problem(api.post("/bikeshare/trips", body), 422)
    assert ok(api.post("/bikeshare/trips", body | {"pin": "0815"}), 201)["pin"] == "0815"


def test_a_batch_of_rentals(api: ApiClient) -> None:
    batch = [{"cyclist": rider().pk, "vehicule": BikeFactory().pk} for _number in range(2)]
    answer = ok(api.post("/bikeshare/trips", [*batch, {"cyclist": "x", "vehicule": "y"}, batch[0]]), 202)
    assert (answer["accepted"], [one["index"] for one in answer["rejected"]]) == (2, [2, 3])


def test_the_request_of_a_trip_is_changed(api: ApiClient) -> None:
    path = f"/bikeshare/trips/{ending_trip().pk}/update-mark"
    assert ok(api.post(path, {"photo": PHOTO}))["termination_requests"][0]["photo"] == PHOTO
    assert problem(api.post(path, {}), 422)
    assert problem(api.post(path, {"photo": "javascript:alert(1)"}), 422)


def _abonnement(status: str) -> Any:
    return lambda: SubscriptionFactory(status=status)


WAITING, INCOMPLETE = _abonnement("waiting_validation"), _abonnement("incomplete")
FAILED = {"error": {"code": "card_declined"}}
ACTS: list[tuple[str, Any, str, dict[str, Any] | None, str]] = [
    ("abonnements", INCOMPLETE, "submit", None, "abonnement.updated"),
    ("abonnements", WAITING, "validate", None, "abonnement.validation_succeeded"),
    ("abonnements", WAITING, "decline", {"reason": "x"}, "abonnement.validation_declined"),
    ("abonnements", INCOMPLETE, "activate", FAILED, "abonnement.activation_failed"),
    ("abonnements", SubscriptionFactory, "payment", {"outcome": "unpaid"}, "abonnement.updated"),
    ("abonnements", SubscriptionFactory, "cancel", None, "abonnement.updated"),
    ("cyclists", lambda: CyclistFactory(status="unconfirmed"), "confirm", None, "cyclist.confirmed"),
    ("cyclists", CyclistFactory, "block", {"reason": "x"}, "cyclist.updated"),
    ("cyclists", lambda: CyclistFactory(status="blocked"), "unblock", None, "cyclist.updated"),
    ("passes", lambda: PassFactory(user=CyclistFactory()), "confirm", None, "pass.confirmed"),
    ("passes", lambda: PassFactory(user=CyclistFactory()), "disassociate", None, "pass.disassociated"),
    ("trips", TripFactory, "close", {"reason": "lost"}, "trip.terminated"),
]


@pytest.mark.parametrize(("plural", "make", "action", "body", "topic"), ACTS, ids=[f"{a[0]}-{a[2]}" for a in ACTS])
def test_actions_do_what_they_say(
    api: ApiClient, plural: str, make: Any, action: str, body: dict[str, Any] | None, topic: str
) -> None:
    path = f"/bikeshare/{plural}/{make().pk}/{action}"
    assert ok(api.post(path, body))["object"] == SPECS[plural].name
    assert topic in topics()


def test_favourites_and_passes_name_a_cyclist(api: ApiClient) -> None:
    station, cyclist, card = StationFactory(), CyclistFactory(), PassFactory()
    for path in (f"stations/{station.pk}/favorite", f"passes/{card.pk}/associate", f"stations/{station.pk}/unfavorite"):
        ok(api.post(f"/bikeshare/{path}", {"cyclist": cyclist.pk}))
    assert problem(api.post(f"/bikeshare/stations/{station.pk}/favorite", {"cyclist": "cycl_x"}), 422)
    assert problem(api.post(f"/bikeshare/stations/{station.pk}/favorite"), 400)
    assert topics() == ["pass.associated", "pass.confirmed", "station.favorite"]


def test_actions_on_nothing_are_404(api: ApiClient) -> None:
    assert problem(api.post("/bikeshare/trips/trip_x/close"), 404)
    assert problem(api.post("/bikeshare/trips/%00/close"), 404)


def test_a_big_zone_keeps_its_area_though_events_leave_it_out(api: ApiClient) -> None:
    ring = [[2.0 + 0.0001 * n, 48.0 + (0.01 if n % 2 else 0.02)] for n in range(500)]
    ring = [[2.0, 48.0], *[[2.0 + 0.0001 * n, 48.1 + 0.0001 * (n % 7)] for n in range(500)], [2.05, 48.0]]
    body = {"program": ProgramFactory().pk, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    made = ok(api.post("/bikeshare/zones", body), 201)
    assert len(made["geometry"]["coordinates"][0][0]) == 503
    assert told("zone.created")[0].payload["object"]["geometry"] is None
    assert Zone.objects.get().geometry == made["geometry"]


# ---- telemetry ------------------------------------------------------------------------------------------------------


def test_device_messages_come_in_one_by_one_or_in_batches(api: ApiClient) -> None:
    number = BikeFactory().boitier.number
    one = {"boitier": number, "type": "battery", "at": clock.iso(clock.NOW), "value": 19, "id": "m-1"}
    assert ok(api.post("/bikeshare/telemetry", one), 202) == {
        "accepted": 1,
        "duplicates": 0,
        "rejected": [],
        "warnings": [],
    }
    batch = [one, one | {"id": "m-2", "value": "little"}, one | {"id": "m-3", "boitier": "BX-x"}, {"type": 5}]
    answer = ok(api.post("/bikeshare/telemetry", batch), 202)
    assert (answer["accepted"], answer["duplicates"]) == (0, 1)
    assert [item["index"] for item in answer["rejected"]] == [1, 2, 3]
    assert len(told("vehicule.battery.low")) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"5", 422), (b'"x"', 422), (b"[]", 202), (b"[1]", 202), (b'[{"a":"\\u0000"}]', 202)],
)
def test_odd_bodies_are_no_500(api: ApiClient, body: bytes, status: int) -> None:
    assert api.call("POST", "/bikeshare/telemetry", body).status_code == status


@pytest.mark.parametrize("plural", [*CHANGES, "trips", "programs"])
@pytest.mark.parametrize(
    "body", [b"[[]]", b"[null]", b'{"id":{"a":[]}}', b'{"name":"\\u0000","number":"\\u0000"}', b"\xff"]
)
def test_odd_bodies_of_resources_are_no_500(api: ApiClient, plural: str, body: bytes) -> None:
    assert api.call("POST", f"/bikeshare/{plural}", body).status_code in (202, 400, 422)
