"""Searches know the names of the customer's document, the vendor's pages and its flow chart."""

from __future__ import annotations

import pytest

from fleet_remotes.catalogue.words import CAPABILITY, KIND
from fleet_remotes.choices import Kind, State
from fleet_remotes.models import FleetVehicle, RemoteAction, RemoteNotification
from fleet_remotes.search import ACTION_SEARCH, BATCH_SEARCH, NOTIFICATION_SEARCH, SCHEDULE_SEARCH, VEHICLE_SEARCH
from tests.factories.fleet_remotes import FleetVehicleFactory, RemoteActionFactory


@pytest.mark.parametrize("word", [word for kind in Kind for word in (str(kind), *KIND.synonyms[kind].split())])
def test_every_name_of_a_command_is_a_type(word: str) -> None:
    kind = KIND.read(word)
    for schema in (ACTION_SEARCH, BATCH_SEARCH, SCHEDULE_SEARCH):
        assert schema.condition(f'type:"{word}"') == schema.condition(f"type:{str(kind).lower()}")


@pytest.mark.parametrize("word", [word for words in CAPABILITY.synonyms.values() for word in words.split()])
def test_every_name_of_a_capability_is_one(word: str) -> None:
    known = VEHICLE_SEARCH.condition(f"can:{str(CAPABILITY.read(word)).lower()}")
    assert VEHICLE_SEARCH.condition(f'can:"{word}"') == known


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("type:RemoteNavigation", 1),
        ("type:remote-doors-state", 0),
        ("brand:CITROËN", 1),
        ("brand:AP", 0),
        ("state:SentToVehicle", 1),
        ("state:WakingUpVehicle", 0),
        ("cause:TooManyWakesUpsOverMonth", 1),
        ("-cause:TooManyWakesUpsOverMonth", 0),
    ],
)
def test_actions_are_found_by_other_words(query: str, found: int) -> None:
    vehicle = FleetVehicleFactory(brand="citroen", privacy="Geolocation")
    RemoteActionFactory(vehicle=vehicle, kind=Kind.NAVIGATION, state=State.SENT, cause="TooManyWakeUpsOverMonth")
    assert RemoteAction.objects.filter(ACTION_SEARCH.condition(query)).count() == found
    assert FleetVehicle.objects.filter(VEHICLE_SEARCH.condition("privacy:location")).count() == 1


@pytest.mark.parametrize("word", ["RemoteDoorsState", "doors", "door"])
def test_notifications_are_found_by_the_type_that_they_name(word: str) -> None:
    rows = RemoteNotification.objects.filter(NOTIFICATION_SEARCH.condition(f"type:{word}"))
    assert "Doors" in str(rows.query) or word == "doors"
