"""The second person's yes to a dangerous command: who is asked and told, one or several at a time, in time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from core.refusal import Refused
from fleet_remotes import event_kinds as kinds
from fleet_remotes.choices import State
from fleet_remotes.ingest.commands import read_command
from fleet_remotes.models import FleetVehicle, RemoteAction
from fleet_remotes.services import commands
from outbox.contract import ClaimedEvent
from outbox.models import Delivery, Event
from outbox.transports.rendering.render import render_mail
from tests.conftest import ApiClient
from tests.factories.console import UserFactory
from tests.factories.fleet_remotes import CallbackFactory, FleetVehicleFactory
from tests.fleet_remotes.helpers import fresh
from tests.infra_notifications.pages import text_of

WARM = read_command("RemotePreconditioning", {"immediate": True})
UNLOCK = read_command("door", {"state": "Unlocked"})


@pytest.fixture(autouse=True)
def _set_up(settings: Settings) -> None:
    settings.REMOTES_CLIENT_ID = "id"


@pytest.fixture
def vehicle(db: None) -> FleetVehicle:
    found: FleetVehicle = FleetVehicleFactory()
    CallbackFactory(fleet=found.fleet)
    return found


@pytest.fixture
def anna(db: None) -> User:
    return UserFactory(username="anna", is_superuser=True)


@pytest.fixture
def _second_person(settings: Settings) -> None:
    settings.REMOTES_SECOND_PERSON = True


@pytest.mark.usefixtures("_second_person")
def test_a_dangerous_command_waits_for_somebody_else(vehicle: FleetVehicle, anna: User) -> None:
    def place(command: Any) -> RemoteAction:
        order: dict[str, Any] = {"command": command, "reason": "locked out", "by": "anna", "now": timezone.now()}
        return commands.place_command(vehicle=vehicle, confirmed=True, **order)[0]

    action = place(UNLOCK)
    assert (action.state, action.awaits_approval) == (State.DRAFT, True)
    with pytest.raises(Refused, match="somebody else"):
        commands.approve_command(action=action, by=anna, now=timezone.now())
    commands.approve_command(action=action, by=UserFactory(username="ben"), now=timezone.now())
    assert fresh(action).state == State.QUEUED
    with pytest.raises(Refused, match="any more"):
        commands.approve_command(action=action, by=UserFactory(), now=timezone.now())
    assert place(WARM).state == State.QUEUED


@pytest.mark.usefixtures("_second_person")
def test_approval_comes_in_time_and_checks_again(vehicle: FleetVehicle, settings: Settings) -> None:
    order: dict[str, Any] = {"command": UNLOCK, "reason": "locked out", "by": "anna", "now": timezone.now()}
    action, _code = commands.place_command(vehicle=vehicle, confirmed=True, **order)
    late = action.created_at + timedelta(seconds=settings.REMOTES_QUEUE_MAX_S)
    with pytest.raises(Refused, match="any more"):
        commands.approve_command(action=action, by=UserFactory(), now=late)
    FleetVehicle.objects.update(privacy="Full")
    with pytest.raises(Refused, match="privacy"):
        commands.approve_command(action=action, by=UserFactory(), now=late - timedelta(seconds=1))


@pytest.mark.usefixtures("_second_person")
def test_a_machines_code_is_the_first_of_two_confirmations(
    api: ApiClient, vehicle: FleetVehicle, operator: Client
) -> None:
    unlock = {"vin": vehicle.vin, "type": "RemoteDoorsState", "parameters": UNLOCK.parameters, "reason": "locked out"}
    made = api.post("/remotes/actions", unlock).json()
    code = {"code": made["confirmation"]["code"]}
    assert api.post(f"/remotes/actions/{made['id']}/confirm", code).json()["state"] == "draft"
    assert api.post(f"/remotes/actions/{made['id']}/confirm", code).status_code == 409
    page = reverse("fleet_remotes:action", args=[made["id"]])
    assert "Approve and send" in text_of(operator.get(page))
    operator.post(reverse("fleet_remotes:action_approve", args=[made["id"]]))
    assert RemoteAction.objects.get().state == State.QUEUED
    assert "Approve and send" not in text_of(operator.get(page))


# ---- several, and who is told -------------------------------------------------------------------------------------


@pytest.fixture
def three(vehicle: FleetVehicle, settings: Settings, operator: Client) -> list[RemoteAction]:
    """Anna unlocks two vehicles, the signed-in operator a third one."""
    settings.REMOTES_DANGEROUS_IN_BULK = True
    anna = UserFactory(username="anna", is_superuser=True, email="anna@fleet.example")
    for name, email in (("ben", "ben@fleet.example"), ("mute", "")):
        UserFactory(username=name, roles=["operator"], email=email)
    UserFactory(username="gone", roles=["operator"], email="gone@fleet.example", is_active=False)
    UserFactory(username="looks", roles=["viewer"], email="looks@fleet.example")
    more = FleetVehicleFactory.create_batch(2, fleet=vehicle.fleet)
    order: dict[str, Any] = {"command": UNLOCK, "reason": "locked out", "now": timezone.now()}
    commands.place_batch(vehicle_ids=[vehicle.pk, more[0].pk], by=anna, **order)
    me = User.objects.get(pk=operator.session["_auth_user_id"])
    commands.place_command(vehicle=more[1], by=me.username, confirmed=True, **order)
    return list(RemoteAction.objects.order_by("pk"))


@pytest.mark.usefixtures("_second_person")
def test_several_are_approved_at_once_but_not_ones_own(operator: Client, three: list[RemoteAction]) -> None:
    page = reverse("fleet_remotes:actions")
    assert "2 commands wait for your yes." in text_of(operator.get(page))
    assert "2 commands wait for your yes" in text_of(operator.get("/"))
    data = {"do": "bulk", "action": "remote_actions.approve", "row": [action.pk for action in three]}
    assert "Approve and send 3 commands?" in text_of(operator.post(page, data))
    said = text_of(operator.post(page, data | {"confirmed": "1", "number": 3}, follow=True))
    assert "2 commands are approved and will be sent." in said
    assert [fresh(action).state for action in three] == [State.QUEUED, State.QUEUED, State.DRAFT]
    assert "wait for your yes" not in text_of(operator.get(page))


@pytest.mark.usefixtures("_second_person")
def test_who_may_not_approve_is_neither_asked_nor_heard(viewer: Client, three: list[RemoteAction]) -> None:
    page = reverse("fleet_remotes:actions")
    assert "your yes" not in text_of(viewer.get(page)) + text_of(viewer.get("/"))
    data = {"do": "bulk", "action": "remote_actions.approve", "row": [three[0].pk]}
    assert viewer.post(page, data).status_code == 403


@pytest.mark.usefixtures("_second_person")
def test_those_who_may_approve_are_mailed_once_for_each_order(three: list[RemoteAction]) -> None:
    batch, single = Event.objects.filter(kind=kinds.APPROVAL).order_by("pk")
    told = {e.pk: set(Delivery.objects.filter(event=e).values_list("address", flat=True)) for e in (batch, single)}
    assert {"ben@fleet.example"} <= told[batch.pk]
    assert "anna@fleet.example" not in told[batch.pk]
    assert "anna@fleet.example" in told[single.pk]
    assert not {"gone@fleet.example", "looks@fleet.example", ""} & (told[batch.pk] | told[single.pk])
    assert (batch.payload["count"], len(batch.payload["vehicles"])) == (2, 2)
    assert batch.payload["url"].endswith(f"?q=batch:{three[0].batch_id}%20state:approval")
    assert f"/actions/{three[2].pk}/" in single.payload["url"]


@pytest.mark.usefixtures("_second_person")
@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Unlock the doors: To be approved ("),
        ("de", "Türen entriegeln: Zu genehmigen ("),
        ("fr", "Déverrouiller les portes: À approuver ("),
    ],
)
def test_its_mail_says_what_for_whom_and_why(three: list[RemoteAction], language: str, said: str) -> None:
    event = Event.objects.filter(kind=kinds.APPROVAL).latest("pk")
    claimed = ClaimedEvent(event.pk, event.uuid, event.kind, event.subject, event.payload, event.occurred_at, "")
    body = render_mail(claimed, language, unsubscribable=False)
    assert body.subject.startswith(said)
    for text in (body.text, body.html):
        assert "locked out" in text
        assert three[2].vehicle.vin in text
