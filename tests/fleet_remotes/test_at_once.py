"""Many senders, appliers and people at once: real threads on real connections, nothing lost, nothing sent twice."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.utils import timezone
from pytest_django import Settings

from core.ingest import Submission
from core.refusal import Refused
from fleet_remotes.choices import State, StepKind
from fleet_remotes.ingest.commands import read_command
from fleet_remotes.models import CallbackMessage, FleetVehicle, RemoteAction, RemoteNotification, WakeUpUse
from fleet_remotes.services import commands, polling
from fleet_remotes.services.applying import apply_waiting
from fleet_remotes.services.binding import bind_waiting
from fleet_remotes.services.callbacks import Body, take_bodies
from fleet_remotes.services.polling import give_up
from fleet_remotes.services.sending import Claimed, send_due, settle
from fleet_remotes.services.silence import watch_callbacks
from fleet_remotes.services.vehicles import VehicleInput, resume_fleet, stop_fleet, take_vehicles
from outbox.models import Event
from tests.factories.console import UserFactory
from tests.factories.fleet_remotes import CallbackFactory, FleetVehicleFactory, RemoteActionFactory, with_callback
from tests.fleet_remotes.conftest import Running
from tests.fleet_remotes.helpers import accepted, at, body, event, fresh, post_callback, sent, success, waking
from tests.racing import at_once, passed_by

pytestmark = pytest.mark.usefixtures("committed")
THREADS = 8
LIGHTS = read_command("lights", {"on": True})
UNLOCK = read_command("door", {"state": "Unlocked"})


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


def test_the_endpoint_stores_each_body_once_whoever_posts_it() -> None:
    action, callback = with_callback(since=at(0))
    bodies = [body(event(action, "Pending", "Accepted", second)) for second in range(24)]
    answers = at_once([partial(post_callback, callback, content) for content in bodies])
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


def ready_vehicle() -> FleetVehicle:
    vehicle: FleetVehicle = FleetVehicleFactory()
    CallbackFactory(fleet=vehicle.fleet)
    return vehicle


def outcome_of(work: Callable[[], Any]) -> str:
    try:
        return str(work())
    except Refused:
        return "refused"


def test_two_batches_for_the_same_vehicles_send_one_command_to_each(settings: Settings) -> None:
    settings.REMOTES_CLIENT_ID = "id"
    first = ready_vehicle()
    ids = [first.pk, *(vehicle.pk for vehicle in FleetVehicleFactory.create_batch(9, fleet=first.fleet))]
    place = partial(commands.place_batch, command=LIGHTS, reason="", by=UserFactory(), now=timezone.now())
    # In opposite orders, which must not make them wait for one another for ever.
    at_once([partial(place, vehicle_ids=ids[::step]) for step in (1, -1) * 2])
    assert Counter(RemoteAction.objects.values_list("state", flat=True)) == {State.QUEUED: 10, State.REFUSED: 30}


def test_one_confirmation_of_many_counts(settings: Settings) -> None:
    settings.REMOTES_CLIENT_ID = "id"
    action, code = commands.place_command(
        vehicle=ready_vehicle(), command=UNLOCK, reason="because", by="x", now=timezone.now(), confirmed=False
    )
    confirm = partial(commands.confirm_command, action=action, code=code, by="x", now=timezone.now())
    answers = at_once([partial(outcome_of, confirm)] * THREADS)
    assert Counter(answer == "refused" for answer in answers) == {False: 1, True: THREADS - 1}
    assert action.steps.filter(kind=StepKind.CONFIRMED).count() == 1


def test_two_drafts_of_the_same_command_are_not_both_confirmed(settings: Settings) -> None:
    settings.REMOTES_CLIENT_ID = "id"
    vehicle = ready_vehicle()
    drafts = [
        commands.place_command(
            vehicle=vehicle, command=UNLOCK, reason="because", by="x", now=timezone.now(), confirmed=False
        )
        for _ in range(THREADS)
    ]
    confirms = [
        partial(commands.confirm_command, action=action, code=code, by="x", now=timezone.now())
        for action, code in drafts
    ]
    answers = at_once([partial(outcome_of, confirm) for confirm in confirms])
    assert Counter(answer == "refused" for answer in answers) == {False: 1, True: THREADS - 1}


def test_guesses_at_once_are_one_guess(settings: Settings) -> None:
    settings.REMOTES_CLIENT_ID = "id"
    action, code = commands.place_command(
        vehicle=ready_vehicle(), command=UNLOCK, reason="because", by="x", now=timezone.now(), confirmed=False
    )
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    guess = partial(commands.confirm_command, action=action, code=wrong, by="x", now=timezone.now())
    assert at_once([partial(outcome_of, guess)] * THREADS) == ["refused"] * THREADS
    assert fresh(action).state == State.CANCELLED
    assert action.steps.filter(kind=StepKind.CANCELLED).count() == 1


def test_each_overdue_action_is_asked_about_once(settings: Settings) -> None:
    settings.REMOTES_CLIENT_ID = "id"
    first, callback = with_callback(since=at(0), look_at=at(60))
    for _ in range(39):
        RemoteActionFactory(
            vehicle=FleetVehicleFactory(fleet=first.fleet), since=at(0), look_at=at(60), callback_ref=callback.pk
        )
    taken = at_once([partial(polling.take_questions, now=at(61), limit=10)] * THREADS)
    ids = [question.id for questions in taken for question in questions]
    assert len(ids) == len(set(ids))
    assert len(ids) + len(polling.take_questions(now=at(61), limit=100)) == 40


def test_who_asks_passes_by_what_another_is_about_to_ask(settings: Settings) -> None:
    settings.REMOTES_CLIENT_ID = "id"
    with_callback(since=at(0), look_at=at(60))
    asking = partial(polling.take_questions, now=at(61))
    assert passed_by(asking, asking) == []


def test_two_requests_for_a_new_vehicle_lose_nothing_that_either_says() -> None:
    base: dict[str, Any] = {"vin": "VR3ATONCE0000001", "fleet": "F-1", "new_fleet": True, "brand": "peugeot"}
    given = [VehicleInput(**base | {name: name}) for name in ("model", "plate", "name", "vehicle_id")]
    at_once([partial(take_vehicles, submissions=[Submission(0, [(0, one)])], now=at(0)) for one in given])
    vehicle = FleetVehicle.objects.get()
    assert [vehicle.model, vehicle.plate, vehicle.name, vehicle.vehicle_id] == ["model", "plate", "name", "vehicle_id"]
    again = [VehicleInput(**base | {name: name.upper()}) for name in ("model", "plate", "name", "vehicle_id")]
    at_once([partial(take_vehicles, submissions=[Submission(0, [(0, one)])], now=at(0)) for one in again])
    vehicle.refresh_from_db()
    assert [vehicle.model, vehicle.plate, vehicle.name, vehicle.vehicle_id] == ["MODEL", "PLATE", "NAME", "VEHICLE_ID"]


def test_silence_and_its_end_are_told_once_whoever_looks() -> None:
    action, callback = with_callback(since=at(0), submitted_at=at(0))
    at_once([partial(watch_callbacks, now=at(1_000))] * THREADS)
    take_bodies([Body(callback.pk, json.dumps(body(success(action))).encode(), at(1_100))])
    while apply_waiting(now=at(1_100)):
        continue
    at_once([partial(watch_callbacks, now=at(1_200))] * THREADS)
    assert Event.objects.filter(kind="callback.silent").count() == 2


def test_a_stop_switch_that_many_turn_is_turned_once() -> None:
    fleet, anna = ready_vehicle().fleet, UserFactory()
    stops = at_once([partial(stop_fleet, fleet=fleet, by=anna, reason="holiday", now=at(0))] * THREADS)
    resumes = at_once([partial(resume_fleet, fleet=fleet)] * THREADS)
    assert (stops.count(True), resumes.count(True)) == (1, 1)
    assert LogEntry.objects.filter(object_pk=str(fleet.pk), changes__has_key="stopped").count() == 2


def test_what_is_cancelled_while_it_is_confirmed_is_not_sent(settings: Settings) -> None:
    settings.REMOTES_CLIENT_ID = "id"
    drafts = [
        commands.place_command(
            vehicle=ready_vehicle(), command=UNLOCK, reason="because", by="x", now=timezone.now(), confirmed=False
        )
        for _ in range(THREADS)
    ]
    cancels = [partial(commands.cancel_action, action=action, now=timezone.now(), by="x") for action, _code in drafts]
    confirms = [
        partial(commands.confirm_command, action=action, code=code, by="x", now=timezone.now())
        for action, code in drafts
    ]
    at_once([*cancels, *(partial(outcome_of, confirm) for confirm in confirms)])
    assert {fresh(action).state for action, _code in drafts} == {State.CANCELLED}


def test_a_notification_that_races_its_202_is_applied_all_the_same() -> None:
    first, callback = with_callback(since=at(0), state=State.SUBMITTING, remote_action_id="", posts=1)
    vehicles = FleetVehicleFactory.create_batch(19, fleet=first.fleet)
    more = [
        RemoteActionFactory(
            vehicle=vehicle,
            since=at(0),
            state=State.SUBMITTING,
            remote_action_id="",
            posts=1,
            callback_ref=callback.pk,
        )
        for vehicle in vehicles
    ]
    actions: list[RemoteAction] = [first, *more]

    def answer(part: list[RemoteAction]) -> None:
        for action in part:
            settle(claimed=Claimed(action, "cb"), posted=f"id-{action.pk}", now=at(30))

    def notify(part: list[RemoteAction]) -> None:
        for action in part:
            take_bodies([body_of(callback.pk, success(action) | {"remoteActionId": f"id-{action.pk}"})])
            apply_all()

    at_once([partial(work, actions[n::4]) for n in range(4) for work in (answer, notify)])
    assert {fresh(action).state for action in actions} == {State.SUCCEEDED}
