"""All topics: the cause of each, and what is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.db import transaction

from bikeshare.choices import BikeStatus, CyclistStatus, SubscriptionStatus, TripStatus
from bikeshare.event_kinds import KINDS, TOPIC_OF, TOPICS
from bikeshare.event_kinds.payloads import Failure
from bikeshare.models import Program
from bikeshare.services import people, renting, resources, subscriptions, trips
from bikeshare.services.specs import SPECS
from bikeshare.services.watching import watch_fleets
from outbox.event_kinds import all_kinds, clean_topics, matches_topic
from tests.bikeshare.kit import DAY, NOW, create, delete, given, last, patch, say, told
from tests.bikeshare.test_api import CHANGES
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


def _id(row: Any) -> str:
    return str(row.pk)


def _waiting(**more: Any) -> str:
    return _id(SubscriptionFactory(status=SubscriptionStatus.WAITING_VALIDATION, **more))


def _poor() -> Any:
    return CyclistFactory(has_payment_source=False)


def _bill() -> None:
    trip = TripFactory(status=TripStatus.COMPLETED, end_at=NOW)
    trips.bill(trip_id=trip.pk, amounts={"amount": 150}, now=NOW)


def _rent() -> None:
    renting.start_trip(cyclist_id=rider().pk, vehicule_id=BikeFactory().pk, now=NOW)


def _ride_into_a_zone() -> None:
    trip = TripFactory()
    create("zones", program=trip.program_id, type="forbidden", bounds=BOUNDS)
    say(trip, "position", NOW, latitude=48.0, longitude=2.35)
    say(trip, "position", NOW + DAY / 1440, latitude=48.85, longitude=2.35)


def _somewhere_else() -> None:
    bike = BikeFactory()
    say(bike, "position", NOW, latitude=48.0, longitude=2.35)
    say(bike, "position", NOW + DAY / 1440, latitude=48.1, longitude=2.35)


def _silent(span: Any) -> Any:
    BikeFactory(boitier__said={"last_seen": NOW})
    bike = BikeFactory(boitier__said={"last_seen": NOW - span})
    watch_fleets(now=NOW)
    return bike


def _open_it() -> None:
    bike = BikeFactory()
    Program.objects.update(watch_unlocking=True)
    say(bike, "lock", state="unlocked")


def _idle() -> None:
    BikeFactory()
    watch_fleets(now=NOW)


def _stand(*places: bool) -> None:
    """As it was the other way round before: how a station stands at its first look tells nothing."""
    station = StationFactory()
    docks = [DockFactory(station=station, vehicule=None if is_taken else BikeFactory()) for is_taken in places]
    watch_fleets(now=NOW)
    for dock, is_taken in zip(docks, places, strict=True):
        dock.vehicule = BikeFactory() if is_taken else None
        dock.save()
    watch_fleets(now=NOW)


# What brings about each topic, as simple as it can be.
CAUSES: dict[str, Callable[[], Any]] = {
    "abonnement.created": lambda: create(
        "abonnements", program=ProgramFactory().pk, cyclist=CyclistFactory().pk, forfait="day"
    ),
    "abonnement.updated": lambda: patch(SubscriptionFactory(), forfait="month"),
    "abonnement.deleted": lambda: delete(SubscriptionFactory(status=SubscriptionStatus.CANCELED), final=True),
    "abonnement.activation_failed": lambda: subscriptions.activate(
        abonnement_id=_id(SubscriptionFactory(status=SubscriptionStatus.INCOMPLETE, cyclist=_poor())), now=NOW
    ),
    "abonnement.activation_succeeded": lambda: subscriptions.activate(
        abonnement_id=_id(SubscriptionFactory(status=SubscriptionStatus.INCOMPLETE)), now=NOW
    ),
    "abonnement.validation_failed": lambda: subscriptions.validate(
        abonnement_id=_waiting(), by="user:1", now=NOW, error=Failure("card_declined", "The card was declined.")
    ),
    "abonnement.validation_succeeded": lambda: subscriptions.validate(abonnement_id=_waiting(), by="user:1", now=NOW),
    "abonnement.validation_declined": lambda: subscriptions.decline(
        abonnement_id=_waiting(), by="user:1", reason="Not readable", now=NOW
    ),
    "abonnement.trial_will_end": lambda: patch(SubscriptionFactory(), trial_end=NOW + DAY),
    "boitier.locked": lambda: say(BikeFactory(), "lock", state="locked"),
    "boitier.unlocked": lambda: say(BikeFactory(), "lock", state="unlocked"),
    "boitier.pass.unrecognized": lambda: say(BikeFactory(), "pass", uid="04AABBCCDD"),
    "boitier.pin.incorrect": lambda: say(TripFactory(), "pin", pin="0000"),
    "boitier.chain_type.updated": lambda: say(BikeFactory(), "chain_type", chain_type="valid"),
    "cyclist.created": lambda: create("cyclists", program=ProgramFactory().pk, name="Camille"),
    "cyclist.confirmed": lambda: people.confirm_cyclist(
        cyclist_id=_id(CyclistFactory(status=CyclistStatus.UNCONFIRMED)), now=NOW
    ),
    "cyclist.updated": lambda: patch(CyclistFactory(), email="new@example.org"),
    "cyclist.deleted": lambda: delete(CyclistFactory(status=CyclistStatus.DELETION_REQUESTED), final=True),
    "dock.created": lambda: create("docks", station=StationFactory().pk, number="4"),
    "dock.updated": lambda: patch(DockFactory(), number="5"),
    "dock.deleted": lambda: delete(DockFactory()),
    "pass.disassociated": lambda: people.disassociate_pass(pass_id=_id(PassFactory(user=CyclistFactory())), now=NOW),
    "pass.associated": lambda: people.associate_pass(
        pass_id=_id(PassFactory()), cyclist_id=_id(CyclistFactory()), now=NOW
    ),
    "pass.confirmed": lambda: people.confirm_pass(pass_id=_id(PassFactory(user=CyclistFactory())), now=NOW),
    "registration.updated": lambda: patch(RegistrationFactory(), status="blocked"),
    "registration.deleted": lambda: delete(RegistrationFactory()),
    "station.created": lambda: create("stations", program=ProgramFactory().pk, name="Gare"),
    "station.updated": lambda: patch(StationFactory(), capacity=9),
    "station.deleted": lambda: delete(StationFactory()),
    "station.favorite": lambda: people.add_favorite(
        station_id=_id(StationFactory()), cyclist_id=_id(CyclistFactory()), now=NOW
    ),
    "trip.created": _rent,
    "trip.updated": _bill,
    "trip.terminated": lambda: trips.decide(trip_id=_id(ending_trip()), accept=True, now=NOW),
    "trip.marked": lambda: trips.request_end(trip_id=_id(TripFactory()), photo="https://example.org/p.jpg", now=NOW),
    "trip.mark.updated": lambda: trips.edit_request(
        trip_id=_id(ending_trip()), changes={"photo": "https://example.org/p.jpg"}, now=NOW
    ),
    "trip.resumed": lambda: trips.decide(trip_id=_id(ending_trip()), accept=False, now=NOW),
    "vehicule.battery.low": lambda: say(BikeFactory(), "battery", value=19.9),
    "vehicule.battery_vae.low": lambda: say(BikeFactory(), "battery_vae", value=3),
    "vehicule.created": lambda: create("vehicules", program=ProgramFactory().pk, number="0417"),
    "vehicule.updated": lambda: patch(BikeFactory(), status="maintenance"),
    "vehicule.position.forbidden": _ride_into_a_zone,
    "vehicule.deleted": lambda: delete(BikeFactory(status=BikeStatus.STOCK)),
    "zone.created": lambda: create("zones", program=ProgramFactory().pk, type="forbidden", bounds=BOUNDS),
    "zone.updated": lambda: patch(ZoneFactory(), name="Jardin"),
    "zone.deleted": lambda: delete(ZoneFactory()),
    "x.vehicule.connection.lost": lambda: _silent(DAY),
    "x.vehicule.connection.restored": lambda: say(_silent(DAY), "battery", value=50),
    "x.vehicule.moved": _somewhere_else,
    "x.vehicule.unlocked": _open_it,
    "x.vehicule.unseen": lambda: _silent(4 * DAY),
    "x.vehicule.unridden": _idle,
    "x.station.empty": lambda: _stand(False),
    "x.station.full": lambda: _stand(True),
}
FACTORIES: dict[str, Any] = {
    "abonnements": SubscriptionFactory,
    "boitiers": LockBoxFactory,
    "cyclists": CyclistFactory,
    "docks": DockFactory,
    "passes": PassFactory,
    "registrations": RegistrationFactory,
    "stations": StationFactory,
    "vehicules": BikeFactory,
    "zones": ZoneFactory,
}
SEED = Path(__file__).parent / "topics.txt"


def test_the_topics_of_the_seed_are_all_here_and_each_has_its_cause() -> None:
    seed = SEED.read_text().split()
    assert [topic.key for topic in TOPICS if topic.key in seed] == seed
    assert len(seed) == 45
    assert len(KINDS) == len(TOPICS) == len(CAUSES)
    assert set(CAUSES) == set(TOPIC_OF)


def test_every_topic_can_be_listened_to() -> None:
    ours = {kind.key: kind for kind in all_kinds() if kind.domain == "bikeshare"}
    assert set(ours) == set(TOPIC_OF)
    assert all(kind.is_public and kind.description and kind.schema() for kind in ours.values())


def test_three_segments_are_met_by_the_first() -> None:
    assert {key for key in TOPIC_OF if matches_topic("trip.*", key)} == {k for k in TOPIC_OF if k.startswith("trip.")}
    assert matches_topic("trip.*", "trip.mark.updated")


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.key)
def test_each_cause_tells_its_topic_once(topic: Any) -> None:
    CAUSES[topic.key]()
    (event,) = told(topic.key)
    payload = msgspec.convert(event.payload, topic.payload)
    assert event.subject == payload.object.id
    assert (payload.program, payload.city, payload.sample) == ("lutece", "Paris", False)
    assert payload.object.version >= 1


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.key)
def test_examples_are_what_their_schema_says(topic: Any) -> None:
    encoded = msgspec.json.encode(topic.example)
    assert msgspec.json.decode(encoded, type=topic.payload) == topic.example
    assert len(encoded) < 20_000


@pytest.mark.parametrize("key", sorted(CAUSES))
def test_no_event_holds_personal_data_or_a_pin(key: str) -> None:
    CAUSES[key]()
    for event in told():
        text = str(event.payload)
        assert not re.search(r"camille\d+@|\+336|Camille|04A1B2C3|04AABBCCDD|4711", text), text


UPDATED = [
    topic.key for topic in TOPICS if topic.key.endswith(".updated") and "previous_attributes" in str(topic.example)
]


@pytest.mark.parametrize("key", UPDATED)
def test_updates_say_what_was_before(key: str) -> None:
    CAUSES[key]()
    payload = last(key)
    changed = payload["previous_attributes"] or payload.get("personal_attributes_changed")
    assert changed, payload
    assert "version" not in payload["previous_attributes"]
    told_of = payload.get("termination_request", payload["object"])
    for name, old in payload["previous_attributes"].items():
        assert told_of[name] != old


@pytest.mark.parametrize("plural", CHANGES)
def test_the_same_change_again_tells_nothing(plural: str) -> None:
    row = FACTORIES[plural]()
    patch(row, **CHANGES[plural])
    before, version = len(told()), type(row).objects.get().version
    patch(row, **CHANGES[plural])
    assert (len(told()), type(row).objects.get().version) == (before, version)


BATCHES: dict[str, Callable[[int], dict[str, Any]]] = {
    "abonnements": lambda n: {"program": "lutece", "cyclist": CyclistFactory().pk, "forfait": f"f{n}"},
    "cyclists": lambda n: {"program": "lutece", "name": f"C{n}"},
    "docks": lambda n: {"station": StationFactory().pk, "number": str(n)},
    "stations": lambda n: {"program": "lutece", "name": f"S{n}"},
    "vehicules": lambda n: {"program": "lutece", "number": f"V{n}"},
    "zones": lambda n: {"program": "lutece", "type": "forbidden", "bounds": BOUNDS},
}


@pytest.mark.parametrize("plural", BATCHES)
def test_a_batch_tells_of_each_object_once_and_not_of_the_bad_ones(plural: str) -> None:
    ProgramFactory()
    items = [(n, given(plural, **BATCHES[plural](n))) for n in range(5)] + [(5, given(plural))]
    made, rejected = resources.create_many(spec=SPECS[plural], items=items, now=NOW)
    assert (made, [index for index, _said in rejected]) == (5, [5])
    events = told(f"{SPECS[plural].name}.created")
    assert len(events) == len({event.subject for event in events}) == 5
    assert {event.payload["object"]["version"] for event in events} == {1}


@pytest.mark.parametrize("key", sorted(CAUSES))
def test_what_is_rolled_back_was_never_told(key: str) -> None:
    with transaction.atomic():
        CAUSES[key]()
        assert told(key)
        transaction.set_rollback(True)  # as when the caller fails after the service
    assert told() == []


def test_deleted_says_so() -> None:
    for key in [key for key in TOPIC_OF if key.endswith(".deleted")]:
        CAUSES[key]()
        assert last(key)["deleted"] is True


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("vehicle.battery.low", "vehicule.battery.low"),
        ("Bike.*", "vehicule.*"),
        ("subscription.trial_will_end", "abonnement.trial_will_end"),
        ("lock.pin.incorrect", "boitier.pin.incorrect"),
        ("station.favourite", "station.favorite"),
        ("x.vehicle.moved", "x.vehicule.moved"),
        ("TRIP.TERMINATED", "trip.terminated"),
        ("trip.*", "trip.*"),
    ],
)
def test_topics_are_taken_in_english_words_too(given: str, meant: str) -> None:
    assert clean_topics([given]) == [meant]
