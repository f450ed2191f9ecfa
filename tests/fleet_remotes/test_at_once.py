"""Many senders, appliers and people at once: real threads on real connections, nothing lost, nothing sent twice."""

from __future__ import annotations

import json
import random
from collections import Counter
from functools import partial
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from core.refusal import Refused
from fleet_remotes.choices import State
from fleet_remotes.ingest.commands import read_command
from fleet_remotes.models import CallbackMessage, FleetVehicle, RemoteAction, RemoteNotification, WakeUpUse
from fleet_remotes.services import commands
from fleet_remotes.services.applying import apply_waiting
from fleet_remotes.services.binding import bind_waiting
from fleet_remotes.services.callbacks import Body, take_bodies
from fleet_remotes.services.following import give_up
from fleet_remotes.services.sending import send_due
from outbox.models import Event
from tests.factories.fleet_remotes import FleetVehicleFactory, with_callback
from tests.fleet_remotes.conftest import Running
from tests.fleet_remotes.kit import accepted, at, body, event, fresh, knock, sent, success, waking
from tests.infra_notifications.kit import at_once

pytestmark = pytest.mark.usefixtures("committed")
THREADS = 8
LIGHTS = read_command("lights", {"on": True})


def body_of(callback_id: int, *events: Any) -> Body:
    return Body(callback_id, json.dumps(body(*events)).encode(), at(60))


def apply_all() -> None:
    while apply_waiting(now=at(60)):
        continue


def test_callbacks_in_any_order_from_many_threads_end_as_they_would_in_order() -> None:
    first, callback = with_callback(since=at(0))
    actions = [first] + [
        with_callback(since=at(0), vehicle=FleetVehicleFactory(fleet=first.fleet))[0] for _ in range(19)
    ]
    events = [one for action in actions for one in (accepted(action), waking(action), sent(action), success(action))]
    bodies = [body_of(callback.pk, one) for one in events * 3]
    random.Random(1).shuffle(bodies)
    works = [partial(take_bodies, bodies[n::THREADS]) for n in range(THREADS)]
    at_once([*works, apply_all, apply_all, partial(bind_waiting, now=at(60)), partial(give_up, now=at(60))])
    apply_all()
    assert {fresh(action).state for action in actions} == {State.SUCCEEDED}
    assert RemoteNotification.objects.count() == len(events)
    assert sum(RemoteNotification.objects.values_list("duplicates", flat=True)) == 2 * len(events)
    callback.refresh_from_db()
    assert (callback.bodies, callback.duplicates) == (len(bodies), 2 * len(events))
    assert set(WakeUpUse.objects.values_list("used", flat=True)) == {1}
    assert Counter(Event.objects.values_list("kind", flat=True)) == {"remote.succeeded": 20}


def test_the_door_stores_each_body_once_whoever_knocks_with_it() -> None:
    action, callback = with_callback(since=at(0))
    answers = at_once([partial(knock, callback, body(event(action, "Pending", "Accepted", n))) for n in range(24)])
    assert {answer.status_code for answer in answers} == {200}
    assert CallbackMessage.objects.count() == 24


def test_the_same_command_from_eight_people_is_one(settings: Settings) -> None:
    settings.REMOTES_CLIENT_ID = "id"
    vehicle = FleetVehicleFactory()
    with_callback(vehicle=FleetVehicleFactory(fleet=vehicle.fleet))

    def give() -> str:
        try:
            commands.place_command(
                vehicle=vehicle, command=LIGHTS, reason="", by="x", now=timezone.now(), confirmed=True
            )
        except Refused:
            return "refused"
        return "queued"

    assert Counter(at_once([give] * THREADS)) == {"queued": 1, "refused": THREADS - 1}


def test_eight_senders_post_each_command_once(vendor: Running) -> None:
    first: FleetVehicle = FleetVehicleFactory()
    vehicles = [first, *FleetVehicleFactory.create_batch(29, fleet=first.fleet)]
    vendor.knows(*vehicles)
    vendor.next(*["silent"] * 30)
    for vehicle in vehicles:
        commands.place_command(vehicle=vehicle, command=LIGHTS, reason="", by="x", now=timezone.now(), confirmed=True)
    at_once([send_due] * THREADS)
    assert vendor.vendor.posts == 30
    assert len(set(vendor.requests())) == 30
    assert set(RemoteAction.objects.values_list("state", flat=True)) == {State.SUBMITTED}


def test_cancelling_races_sending_and_one_of_them_wins(vendor: Running) -> None:
    first: FleetVehicle = FleetVehicleFactory()
    vehicles = [first, *FleetVehicleFactory.create_batch(19, fleet=first.fleet)]
    vendor.knows(*vehicles)
    vendor.next(*["silent"] * 20)
    actions = [
        commands.place_command(vehicle=v, command=LIGHTS, reason="", by="x", now=timezone.now(), confirmed=True)[0]
        for v in vehicles
    ]
    cancels = [partial(commands.cancel_action, action=action, now=timezone.now(), by="x") for action in actions]
    answers = at_once([send_due, *cancels])
    cancelled = sum(answers[1:])
    states = Counter(RemoteAction.objects.values_list("state", flat=True))
    assert states == Counter({"cancelled": cancelled, "submitted": 20 - cancelled}) - Counter()
    assert vendor.vendor.posts == 20 - cancelled
