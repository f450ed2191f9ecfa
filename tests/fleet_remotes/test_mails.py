"""Mails about commands: the command, the vehicle's name and plate in the subject, words that a person reads at once."""

from __future__ import annotations

import msgspec
import pytest
from django.utils.translation import override

from fleet_remotes import event_kinds as kinds
from outbox.models import Event
from outbox.services.topic_lists.items import item_of
from outbox.transports.rendering.words import in_language
from tests.factories.fleet_remotes import FleetVehicleFactory, with_callback
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
