"""Mails about commands: the command, the vehicle's name and plate in the subject, words that a person reads at once."""

from __future__ import annotations

from itertools import product
from typing import Any

import msgspec
import pytest
from django.utils.translation import override

from fleet_remotes import event_kinds as kinds
from fleet_remotes.catalogue.advice import summary_of
from fleet_remotes.choices import Kind, State
from fleet_remotes.services.outcomes import explanation_of
from outbox.models import Event
from outbox.services.topic_lists.items import item_of
from outbox.transports.rendering.words import fact_name, fact_value, in_language
from tests.factories.fleet_remotes import FleetVehicleFactory, RemoteActionFactory, with_callback
from tests.fleet_remotes.helpers import at, failed, notify

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "plate", "said"),
    [
        ("Pool 7", "K-SB 107", "Pool 7, K-SB 107"),
        ("", "K-SB 107", "K-SB 107"),
        ("Pool 7", "", "Pool 7"),
        ("", "", "Peugeot e-208"),
    ],
)
def test_a_mail_names_command_and_vehicle_and_says_what_to_do(name: str, plate: str, said: str) -> None:
    action, callback = with_callback(since=at(0), vehicle=FleetVehicleFactory(name=name, plate=plate))
    notify(callback, failed(action, "DoorsOpen"))
    item = item_of(Event.objects.get(kind=kinds.FAILED))
    assert item.headline == f"Lock the doors: Failed ({said})"
    assert item.words == ["A door is open.", "Someone must close it at the vehicle."]
    facts = {fact.name: fact.value for fact in item.facts}
    assert not facts.keys() & {"headline", "explanation", "suggestion"}
    assert facts["vin"] == action.vehicle.vin
    with override("de"):
        assert in_language(item.headline) == f"Türen verriegeln: Fehlgeschlagen ({said})"
        assert in_language(item.words[0]) == "Eine Tür ist offen."
    assert msgspec.json.encode(item)


@pytest.mark.parametrize("language", ["de", "fr"])
def test_a_mail_is_in_the_language_of_its_list_whatever_it_tells(language: str) -> None:
    """Of each kind, state and cause: the names of all facts, headline, sentences, and what was commanded."""
    structs: list[Any] = [kinds.VehicleFacts, kinds.ActionFacts, *{kind.payload for kind in kinds.KINDS}]
    names = {field.name for struct in structs for field in msgspec.structs.fields(struct)}
    assert names - kinds.FACT_NAMES.keys() == {"id", "url", "headline", "explanation", "suggestion"}
    action = RemoteActionFactory(error_text="<why>", error_code="40499", http_status=404)
    said = ["No notifications at callback north", "Notifications arrive again at callback north"]
    with override("en"):
        for action.state, action.cause in product(State, ("DoorsOpen", "NewCause2027", "")):
            said += [text for text in explanation_of(action) if text] + [str(State(action.state).label)]
        said += [summary_of("navigation", {"positions": [0] * n}) for n in (1, 3)]
    with override(language):
        assert fact_name("plate", kinds.FAILED) not in ("plate", "Plate")
        assert not [text for text in said if in_language(text) == text]
        assert fact_value("door", "type", kinds.FAILED) == str(Kind.DOOR.label) != "door"
        assert fact_value("Switch the lights on", "summary", kinds.FAILED) != "Switch the lights on"
