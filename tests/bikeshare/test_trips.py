"""Trips: who may rent, how a trip ends, what is told of it and in which order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bikeshare.choices import (
    BikeStatus,
    CyclistStatus,
    ProgramStatus,
    Refusal,
    RegistrationStatus,
    RequestStatus,
    SubscriptionStatus,
    TripStatus,
)
from bikeshare.models import Bike, Dock, Registration, TerminationRequest, Trip
from bikeshare.rules.states import MACHINES, may_move
from bikeshare.services import trips
from bikeshare.services.renting import start_trip
from core.refusal import Refused
from tests.bikeshare.kit import HOUR, MINUTE, NOW, at, last, message, say, take, told
from tests.factories.bikeshare import (
    MADE,
    BikeFactory,
    CyclistFactory,
    DockFactory,
    ProgramFactory,
    RegistrationFactory,
    SubscriptionFactory,
    TripFactory,
    ending_trip,
    rider,
)

pytestmark = pytest.mark.django_db
PHOTO = "https://photos.example.org/1.jpg"


def rent(cyclist: Any, vehicule: Any, now: Any = NOW) -> Trip:
    return start_trip(cyclist_id=cyclist.pk, vehicule_id=vehicule.pk, now=now)[0]


def kinds(trip: Trip) -> list[str]:
    return sorted(event.kind for event in told() if event.subject == trip.pk)


# ---- renting --------------------------------------------------------------------------------------------------------


def test_a_rental_takes_the_vehicle_out_of_its_dock() -> None:
    bike = BikeFactory()
    dock = DockFactory(vehicule=bike)
    Bike.objects.filter(pk=bike.pk).update(station=dock.station)
    trip = rent(rider(), bike)
    dock.refresh_from_db()
    assert (dock.vehicule_id, trip.start_dock_id, trip.start_name) == (None, dock.pk, dock.station.name)
    assert Bike.objects.get(pk=bike.pk).station_id is None
    assert Registration.objects.get().first_trip_at == NOW
    assert [event.kind for event in told()] == [
        "dock.updated",
        "registration.updated",
        "trip.created",
        "vehicule.updated",
    ]
    assert last("dock.updated")["previous_attributes"]["free"] is False


def _refuse(case: str) -> tuple[Any, Any]:
    """A cyclist and a vehicle with one thing against their rental."""
    cyclist, bike = rider(), BikeFactory()
    match case:
        case "program_blocked":
            ProgramFactory._meta.model.objects.update(status=ProgramStatus.BLOCKED)
        case "cyclist_blocked" | "cyclist_unconfirmed" | "cyclist_inactive":
            status = {"blocked": CyclistStatus.BLOCKED, "unconfirmed": CyclistStatus.UNCONFIRMED}
            cyclist = CyclistFactory(status=status.get(case[8:], CyclistStatus.DELETION_REQUESTED))
        case "unconfirmed_registration":
            cyclist = CyclistFactory()
        case "registration_blocked" | "deleted_registration":
            found = RegistrationStatus.BLOCKED if case.endswith("blocked") else RegistrationStatus.DELETED
            Registration.objects.update(status=found)
        case "not_validated_abonnement":
            cyclist = CyclistFactory()
            RegistrationFactory(cyclist=cyclist)
            SubscriptionFactory(cyclist=cyclist, status=SubscriptionStatus.WAITING_VALIDATION)
        case "max_renting_count_reached":
            TripFactory(cyclist=cyclist)
        case "not_rentable":
            bike = BikeFactory(status=BikeStatus.MAINTENANCE)
        case "rent_locked_vehicule":
            TripFactory(vehicule=bike)
        case "low_battery":
            bike = BikeFactory(boitier__said={"battery": 9})
            ProgramFactory._meta.model.objects.update(min_rent_battery=10)
    return cyclist, bike


@pytest.mark.parametrize(
    "code",
    [
        "program_blocked",
        "cyclist_blocked",
        "cyclist_unconfirmed",
        "cyclist_inactive",
        "unconfirmed_registration",
        "registration_blocked",
        "deleted_registration",
        "not_validated_abonnement",
        "max_renting_count_reached",
        "not_rentable",
        "rent_locked_vehicule",
        "low_battery",
    ],
)
def test_what_forbids_a_rental_is_said_with_its_code(code: str) -> None:
    cyclist, bike = _refuse(code)
    before = Trip.objects.count()
    with pytest.raises(Refused) as error:
        rent(cyclist, bike)
    assert (error.value.code, error.value.sentence) == (code, str(Refusal(code).label))
    assert Trip.objects.count() == before
    assert told() == []


def test_an_abonnement_that_waits_may_rent_where_its_tariff_allows_it() -> None:
    cyclist = CyclistFactory()
    RegistrationFactory(cyclist=cyclist)
    SubscriptionFactory(cyclist=cyclist, status=SubscriptionStatus.WAITING_VALIDATION, rent_while_waiting=True)
    assert rent(cyclist, BikeFactory()).status == TripStatus.RENTING


def test_an_unknown_vehicle_is_named() -> None:
    with pytest.raises(Refused, match="There is no vehicule vhcl_x"):
        start_trip(cyclist_id=rider().pk, vehicule_id="vhcl_x", now=NOW)


# ---- ending by the lock (reference § 1.3) ---------------------------------------------------------------------------


def test_lock_and_tag_end_a_trip() -> None:
    dock = DockFactory()
    trip = rent(rider(), BikeFactory())
    say(trip, "lock", at(1), state="unlocked")
    say(trip, "lock", NOW + HOUR, state="locked")
    assert Trip.objects.get().status == TripStatus.TERMINATING
    assert last("trip.marked")["termination_request"]["status"] == "created"
    say(trip, "lock", NOW + HOUR + MINUTE, state="locked", rfid=dock.rfid)
    trip.refresh_from_db()
    assert (trip.status, trip.end_at, trip.duration) == (TripStatus.COMPLETED, NOW + HOUR, 3600)
    assert (trip.end_dock_id, trip.end_name) == (dock.pk, dock.station.name)
    assert (Dock.objects.get().vehicule_id, Bike.objects.get().station_id) == (trip.vehicule_id, dock.station_id)
    assert kinds(trip) == [
        "trip.created",
        "trip.mark.updated",
        "trip.marked",
        "trip.terminated",
        "trip.updated",
        "trip.updated",
    ]
    terminated = last("trip.terminated")["object"]
    assert (terminated["status"], terminated["amount"]) == ("completed", None)


def test_the_amount_comes_after_the_end_by_an_update() -> None:
    trip = ending_trip()
    trips.decide(trip_id=trip.pk, accept=True, now=NOW)
    ended = last("trip.terminated")["object"]["version"]
    trips.bill(trip_id=trip.pk, amounts={"amount": 150, "amount_cyclist": 150}, now=at(60))
    billed = last("trip.updated")
    assert billed["object"]["amount"] == 150
    assert billed["previous_attributes"] == {"amount": None, "amount_cyclist": None}
    assert billed["object"]["version"] == ended + 1


def test_lock_and_tag_in_one_message_end_a_trip_at_once() -> None:
    dock, trip = DockFactory(), TripFactory()
    say(trip, "lock", state="locked", rfid=dock.rfid)
    assert Trip.objects.get().status == TripStatus.COMPLETED
    assert TerminationRequest.objects.get().status == RequestStatus.ACCEPTED


def test_a_repeated_message_of_the_end_ends_nothing_twice() -> None:
    dock, trip = DockFactory(), TripFactory()
    for _repetition in range(2):
        take(message(trip, "lock", state="locked", rfid=dock.rfid))
    assert len(told("trip.terminated")) == 1


def test_unlocked_again_the_trip_goes_on() -> None:
    trip = TripFactory()
    say(trip, "lock", at(0), state="locked")
    say(trip, "lock", at(30), state="unlocked")
    trip.refresh_from_db()
    assert (trip.status, trip.termination_requested_at) == (TripStatus.RENTING, None)
    assert TerminationRequest.objects.get().status == RequestStatus.CANCELLED
    assert kinds(trip) == ["trip.mark.updated", "trip.marked", "trip.resumed", "trip.updated", "trip.updated"]
    assert last("trip.mark.updated")["previous_attributes"]["status"] == "created"


def test_an_unlocking_from_before_the_request_does_not_cancel_it() -> None:
    trip = ending_trip(TripStatus.TERMINATION_REQUESTED)
    TerminationRequest.objects.update(date=at(-60))
    say(trip, "lock", at(-61), state="unlocked")
    assert Trip.objects.get().status == TripStatus.TERMINATION_REQUESTED


def test_a_lock_closed_before_the_trip_began_does_not_end_it() -> None:
    trip = TripFactory(start_at=NOW)
    take(message(trip, "lock", NOW - MINUTE, state="locked"), now=at(10))
    assert Trip.objects.get().status == TripStatus.RENTING


def test_a_pause_is_no_end_and_its_end_no_resumption() -> None:
    trip = TripFactory(start_at=NOW)
    trips.pause(trip_id=trip.pk, now=at(60))
    say(trip, "lock", at(61), state="locked")
    assert Trip.objects.get().status == TripStatus.PITSTOP
    say(trip, "lock", at(360), state="unlocked")
    assert Trip.objects.get().status == TripStatus.RENTING
    trips.close(trip_id=trip.pk, now=at(600))
    trip.refresh_from_db()
    assert (trip.duration_total, trip.duration, trip.paused_s) == (600, 300, 300)
    assert told("trip.resumed") == []


# ---- ending by the cyclist and by operators -------------------------------------------------------------------------


def test_a_cyclists_request_waits_and_the_end_is_its_date() -> None:
    trip = TripFactory(start_at=NOW)
    trips.request_end(trip_id=trip.pk, photo=PHOTO, latitude=48.85, longitude=2.35, now=NOW + HOUR)
    assert Trip.objects.get().status == TripStatus.TERMINATION_REQUESTED
    assert TerminationRequest.objects.get().status == RequestStatus.PENDING
    trips.close(trip_id=trip.pk, now=NOW + 5 * HOUR)
    trip.refresh_from_db()
    assert (trip.end_at, trip.end_photo, trip.end_latitude) == (NOW + HOUR, PHOTO, 48.85)


def test_a_cancelled_request_does_not_date_the_end() -> None:
    trip = TripFactory(start_at=NOW)
    trips.request_end(trip_id=trip.pk, photo=PHOTO, now=NOW + HOUR)
    trips.decide(trip_id=trip.pk, accept=False, now=NOW + HOUR)
    trips.request_end(trip_id=trip.pk, photo=PHOTO, now=NOW + 2 * HOUR)
    trips.decide(trip_id=trip.pk, accept=True, now=NOW + 3 * HOUR)
    assert Trip.objects.get().end_at == NOW + 2 * HOUR
    assert len(told("trip.resumed")) == 1


def test_renting_the_vehicle_again_completes_the_trip_that_waits() -> None:
    waiting = ending_trip(TripStatus.TERMINATION_REQUESTED)
    trip = rent(rider(), waiting.vehicule)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.end_at) == (TripStatus.COMPLETED, MADE + timedelta(minutes=20))
    assert trip.status == TripStatus.RENTING


def test_a_refused_rental_does_not_complete_the_trip_that_waits() -> None:
    waiting = ending_trip(TripStatus.TERMINATION_REQUESTED)
    with pytest.raises(Refused):
        rent(CyclistFactory(), waiting.vehicule)
    assert Trip.objects.get().status == TripStatus.TERMINATION_REQUESTED
    assert told() == []


def test_an_end_code_names_the_dock() -> None:
    dock, trip = DockFactory(), TripFactory()
    trips.request_end(trip_id=trip.pk, end_code=dock.end_code, now=NOW)
    trips.decide(trip_id=trip.pk, accept=True, now=NOW)
    assert Trip.objects.get().end_dock_id == dock.pk
    assert Dock.objects.get().vehicule_id == trip.vehicule_id


def test_a_wrong_end_code_is_refused() -> None:
    trip = TripFactory()
    DockFactory(end_code="OTHER", program__id="elsewhere")
    taken = DockFactory(vehicule=BikeFactory())
    for code, refusal in (("OTHER", "end_code_wrong_program_dock"), (taken.end_code, "end_code_vehicule_renting")):
        with pytest.raises(Refused) as error:
            trips.request_end(trip_id=trip.pk, end_code=code, now=NOW)
        assert error.value.code == refusal


def test_an_operator_closes_a_trip_by_a_request_of_the_operators_own() -> None:
    trip = TripFactory()
    trips.close(trip_id=trip.pk, reason="lost", now=NOW)
    request = TerminationRequest.objects.get()
    assert (request.origin, request.status, request.reason) == ("operator", "accepted", "lost")
    assert [k for k in kinds(trip) if k != "trip.updated"] == ["trip.mark.updated", "trip.marked", "trip.terminated"]


@pytest.mark.parametrize(
    ("status", "action", "code"),
    [
        (TripStatus.COMPLETED, lambda pk: trips.close(trip_id=pk, now=NOW), "trip_not_renting"),
        (TripStatus.COMPLETED, lambda pk: trips.pause(trip_id=pk, now=NOW), "trip_not_renting"),
        (TripStatus.RENTING, lambda pk: trips.go_on(trip_id=pk, now=NOW), "illegal_move"),
        (TripStatus.RENTING, lambda pk: trips.decide(trip_id=pk, accept=True, now=NOW), "missing_pending_request"),
        (TripStatus.RENTING, lambda pk: trips.decide(trip_id=pk, accept=False, now=NOW), "missing_pending_request"),
        (TripStatus.RENTING, lambda pk: trips.bill(trip_id=pk, amounts={"amount": 1}, now=NOW), "illegal_move"),
        (TripStatus.COMPLETED, lambda pk: trips.request_end(trip_id=pk, photo=PHOTO, now=NOW), "trip_not_renting"),
    ],
)
def test_illegal_moves_are_refused(status: TripStatus, action: Any, code: str) -> None:
    trip = TripFactory(status=status, **({"end_at": NOW} if status == TripStatus.COMPLETED else {}))
    with pytest.raises(Refused) as error:
        action(trip.pk)
    assert error.value.code == code
    assert told() == []


def test_a_second_request_is_refused_while_one_is_open() -> None:
    trip = ending_trip()
    with pytest.raises(Refused) as error:
        trips.request_end(trip_id=trip.pk, photo=PHOTO, now=NOW)
    assert error.value.code == "pending_request"


def test_a_requests_date_lies_within_the_trip() -> None:
    trip = ending_trip(start_at=MADE)
    with pytest.raises(Refused, match="between the trip"):
        trips.edit_request(trip_id=trip.pk, changes={"date": MADE - HOUR}, now=NOW)
    trips.edit_request(trip_id=trip.pk, changes={"date": MADE + HOUR}, now=NOW)
    assert Trip.objects.get().termination_requested_at == MADE + HOUR


def test_the_machines_are_complete() -> None:
    for name, moves in MACHINES.items():
        for old, following in moves.items():
            assert set(following.split()) <= set(moves), (name, old)
            assert all(may_move(name, old, new) for new in following.split())
    assert not may_move("trip", "completed", "renting")
    assert not may_move("trip", "pitstop", "completed")
    assert may_move("station", "open", "closed")
