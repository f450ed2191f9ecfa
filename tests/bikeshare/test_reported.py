"""What operators reported of topics that were told wrongly or not at all, each as the kind of case that it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bikeshare.choices import BikeStatus, CyclistStatus, Refusal, SubscriptionStatus, TripStatus
from bikeshare.event_kinds import TOPIC_OF
from bikeshare.models import Bike, Cyclist, Trip
from bikeshare.selectors import rows_of
from bikeshare.services import people, renting, subscriptions, trips
from bikeshare.services.payloads import facts_of
from bikeshare.tasks import sweep
from core.refusal import Refused
from tests.bikeshare.kit import DAY, HOUR, NOW, at, create, last, patch, say, told, topics
from tests.bikeshare.test_topics import BOUNDS
from tests.factories.bikeshare import (
    BikeFactory,
    CyclistFactory,
    DockFactory,
    LockBoxFactory,
    PassFactory,
    ProgramFactory,
    StationFactory,
    SubscriptionFactory,
    TripFactory,
    ending_trip,
    rider,
)

pytestmark = pytest.mark.django_db
FORBIDDEN, LOW, TRIAL = "vehicule.position.forbidden", "vehicule.battery.low", "abonnement.trial_will_end"
INSIDE, OUTSIDE = {"latitude": 48.85, "longitude": 2.35}, {"latitude": 48.0, "longitude": 2.35}


# ---- who confirms what ----------------------------------------------------------------------------------------------


def test_a_pass_added_on_a_vehicle_is_confirmed_by_a_phone_number_alone() -> None:
    cyclist, card = CyclistFactory(phone_number=""), PassFactory()
    people.associate_pass(card.pk, cyclist_id=cyclist.pk, confirmed=False, now=NOW)
    with pytest.raises(Refused) as refused:
        people.confirm_pass(card.pk, now=NOW)
    assert refused.value.code == Refusal.NO_PHONE_NUMBER
    patch(cyclist, phone_number="+33 6 12 34 56 78")
    people.confirm_pass(card.pk, now=NOW)
    assert len(told("pass.confirmed")) == 1


def test_a_pass_confirmed_in_the_app_is_told_as_confirmed_too() -> None:
    people.associate_pass(PassFactory().pk, cyclist_id=CyclistFactory(phone_number="").pk, now=NOW)
    assert topics() == ["pass.associated", "pass.confirmed"]
    assert last("pass.confirmed")["object"]["confirmed_at"] is not None


def test_a_cyclist_without_a_phone_number_has_none_to_confirm() -> None:
    cyclist = CyclistFactory(status=CyclistStatus.UNCONFIRMED, phone_number="")
    with pytest.raises(Refused) as refused:
        people.confirm_cyclist(cyclist.pk, now=NOW)
    assert refused.value.code == Refusal.NO_PHONE_NUMBER
    assert told() == []


@pytest.mark.parametrize("number", ["+33 6 99 99 99 99", ""])
def test_another_phone_number_is_confirmed_anew(number: str) -> None:
    cyclist = rider(phone_number="+33611111111")
    patch(cyclist, phone_number=number)
    assert Cyclist.objects.get().status == CyclistStatus.UNCONFIRMED
    with pytest.raises(Refused) as refused:
        renting.start_trip(cyclist_id=cyclist.pk, vehicule_id=BikeFactory().pk, now=NOW)
    assert refused.value.code == "cyclist_unconfirmed"
    patch(cyclist, phone_number="+33699999999")
    people.confirm_cyclist(cyclist.pk, now=NOW)
    assert len(told("cyclist.confirmed")) == 1


def test_the_same_number_in_another_spelling_stays_confirmed() -> None:
    cyclist = CyclistFactory(phone_number="+33611111111")
    patch(cyclist, phone_number="+33 6 11-11 (11) 11")
    assert Cyclist.objects.get().status == CyclistStatus.ACTIVE


def test_a_blocked_cyclist_with_another_number_is_let_ride_after_confirming_it() -> None:
    cyclist = CyclistFactory()
    people.block_cyclist(cyclist.pk, reason="unpaid", now=NOW)
    patch(cyclist, phone_number="+33699999999")
    assert people.unblock_cyclist(cyclist.pk, now=NOW).status == CyclistStatus.UNCONFIRMED


# ---- edges belong to the bike ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", ["fix", "station"])
def test_a_trip_that_starts_outside_and_whose_first_position_is_inside_went_in(known: str) -> None:
    said = OUTSIDE if known == "fix" else {}
    station = StationFactory(**OUTSIDE)
    bike = BikeFactory(boitier__said=said, station=station)
    create("zones", program=bike.program_id, type="forbidden", bounds=BOUNDS)
    renting.start_trip(cyclist_id=rider().pk, vehicule_id=bike.pk, now=NOW)
    for seconds in (60, 65):
        say(bike, "position", at(seconds), **INSIDE)
    assert len(told(FORBIDDEN)) == 1


def test_a_trip_that_starts_inside_went_in_nowhere() -> None:
    bike = BikeFactory(boitier__said=INSIDE)
    create("zones", program=bike.program_id, type="forbidden", bounds=BOUNDS)
    renting.start_trip(cyclist_id=rider().pk, vehicule_id=bike.pk, now=NOW)
    say(bike, "position", at(60), **INSIDE)
    assert told(FORBIDDEN) == []


@pytest.mark.parametrize("kind", ["battery", "battery_vae"])
def test_a_low_battery_is_an_edge_of_the_bike_whatever_box_is_on_it(kind: str) -> None:
    first, second = BikeFactory(), BikeFactory()
    boxes = first.boitier, second.boitier
    say(first, kind, at(0), value=15)
    assert len(told(f"vehicule.{kind}.low")) == 1
    patch(first, boitier=None)
    patch(second, boitier=boxes[0].pk)
    say(boxes[0], kind, at(10), value=14)
    (event,) = told(f"vehicule.{kind}.low")[1:]
    assert event.subject == second.pk
    assert event.payload["previous"] is None
    patch(first, boitier=boxes[1].pk)
    say(boxes[1], kind, at(20), value=13)
    assert len(told(f"vehicule.{kind}.low")) == 2
    say(boxes[1], kind, at(30), value=80)
    say(boxes[1], kind, at(40), value=13)
    assert [event.subject for event in told(f"vehicule.{kind}.low")] == [first.pk, second.pk, first.pk]


def test_a_box_that_was_low_before_it_came_onto_a_bike_tells_it_there() -> None:
    box, bike = LockBoxFactory(), BikeFactory(boitier=None)
    say(box, "battery", at(0), value=15)
    patch(bike, boitier=box.pk)
    say(box, "battery", at(10), value=14)
    assert [event.subject for event in told(LOW)] == [bike.pk]


@pytest.mark.parametrize(
    ("words", "edges"),
    [
        (["locked", "undefined", "locked"], ["locked"]),
        (["unlocked", "undefined", "jammed", "unlocked"], ["unlocked"]),
        (["locked", "undefined", "unlocked"], ["locked", "unlocked"]),
        (["unlocked", "undefined", "locked"], ["unlocked", "locked"]),
    ],
)
def test_a_lock_that_did_not_know_for_a_while_is_no_new_lock(words: list[str], edges: list[str]) -> None:
    bike = BikeFactory()
    for seconds, word in enumerate(words):
        say(bike, "lock", at(seconds), state=word)
    assert [event.kind.removeprefix("boitier.") for event in told()] == edges


def test_a_lock_that_never_opened_ends_no_trip() -> None:
    bike = BikeFactory()
    say(bike, "lock", at(0), state="locked")
    TripFactory(vehicule=bike)
    for seconds, word in ((1, "undefined"), (2, "locked")):
        say(bike, "lock", at(seconds), state=word)
    assert Trip.objects.get().status == TripStatus.RENTING


# ---- the end of trials ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [SubscriptionStatus.INCOMPLETE, SubscriptionStatus.WAITING_VALIDATION])
def test_a_trial_of_what_was_never_activated_does_not_end(status: SubscriptionStatus) -> None:
    row = SubscriptionFactory(status=status, activated_at=None)
    patch(row, trial_end=NOW + DAY)
    sweep()
    assert told(TRIAL) == []
    if status == SubscriptionStatus.INCOMPLETE:
        subscriptions.activate(row.pk, now=NOW)
    else:
        subscriptions.validate(row.pk, by="user:1", now=NOW)
    assert len(told(TRIAL)) == 1


def test_a_trial_that_ends_later_is_told_after_the_activation_when_it_is_due() -> None:
    row = SubscriptionFactory(status=SubscriptionStatus.INCOMPLETE, activated_at=None)
    patch(row, trial_end=NOW + 9 * DAY)
    subscriptions.activate(row.pk, now=NOW)
    assert told(TRIAL) == []
    assert subscriptions.notify_trial_ends(now=NOW + 6 * DAY + HOUR) == 1
    assert len(told(TRIAL)) == 1


def test_the_words_are_those_of_the_customers_list() -> None:
    said = str(TOPIC_OF["abonnement.validation_declined"].description)
    assert said == "Occurs whenever an abonnement activation has been declined by the operator."


# ---- one rule for rentable ------------------------------------------------------------------------------------------

VEHICULES_OWN = ("not_rentable", "low_battery", "rent_locked_vehicule", "program_blocked")
READY = {"battery": 50.0, **INSIDE}


def _shown(client: Client, bike: Bike) -> dict[str, Any]:
    """What each of the places says: the facts of events, the public feed, and whether it can be rented."""
    row = rows_of(Bike).get(pk=bike.pk)
    vehicles = client.get("/gbfs/lutece/vehicle_status.json").json()["data"]["vehicles"]
    said = {"facts": facts_of(row).rentable, "feed": bool(vehicles) and not vehicles[0]["is_disabled"]}  # type: ignore[attr-defined]
    try:
        renting.start_trip(cyclist_id=rider().pk, vehicule_id=bike.pk, now=NOW)
    except Refused as refused:
        return said | {"rent": refused.code not in VEHICULES_OWN}
    return said | {"rent": True}


@pytest.mark.parametrize(
    ("bike", "program", "is_rentable"),
    [
        ({}, {}, True),
        ({"status": BikeStatus.MAINTENANCE}, {}, False),
        ({}, {"min_rent_battery": 51}, False),
        ({}, {"min_rent_battery": 50}, True),
        ({"boitier__said": {"battery": 5.0, "battery_vae": 5.0, **INSIDE}}, {"min_rent_battery": 0}, True),
        ({}, {"status": "blocked"}, False),
    ],
)
def test_one_rule_says_what_is_rentable(
    client: Client, bike: dict[str, Any], program: dict[str, Any], is_rentable: bool
) -> None:
    ProgramFactory(publish_gbfs=True, **program)
    row = BikeFactory(**{"boitier__said": READY} | bike)
    assert _shown(client, row) == {"facts": is_rentable, "feed": is_rentable, "rent": is_rentable}


def test_what_rides_is_not_rentable_until_it_is_back(client: Client) -> None:
    ProgramFactory(publish_gbfs=True)
    bike = BikeFactory(boitier__said=READY)
    trip, _pin = renting.start_trip(cyclist_id=rider().pk, vehicule_id=bike.pk, now=NOW)
    assert last("vehicule.updated")["previous_attributes"]["rentable"] is True
    assert last("vehicule.updated")["object"]["rentable"] is False
    assert _shown(client, bike) == {"facts": False, "feed": False, "rent": False}
    trips.close(trip.pk, now=NOW + timedelta(minutes=9))
    assert last("vehicule.updated")["object"]["rentable"] is True
    assert _shown(client, bike)["rent"] is True


# ---- a bike without a box -------------------------------------------------------------------------------------------


def test_a_bike_without_a_box_is_shown_everywhere(administrator: Client) -> None:
    station = StationFactory()
    bike = BikeFactory(boitier=None, station=station, number="nobox")
    DockFactory(station=station, vehicule=bike)
    ending_trip(vehicule=BikeFactory(boitier=None, number="onatrip"))
    LockBoxFactory(number="BX-lonely")
    url = reverse("bikeshare:vehicules")
    assert administrator.get(reverse("bikeshare:map")).status_code == 200
    for page in (url, reverse("bikeshare:vehicule", args=[bike.pk])):
        response = administrator.get(page)
        assert (response.status_code, b"nobox" in response.content) == (200, True), page
    answer: Any = administrator.get(url + "?as=csv")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) == 1 + Bike.objects.count()
