"""The demo's fleets: two of them with their callbacks, vehicles of five brands, a fortnight of commands."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from django.contrib.auth.models import User

from core.ingest import Submission
from fleet_remotes.choices import Capability, Kind, State, StepKind
from fleet_remotes.ingest.commands import Command
from fleet_remotes.management.remote_simulator.paths import ACCEPTED, PathStep, arranged, named
from fleet_remotes.models import Callback, CommandBatch, Fleet, FleetVehicle, RemoteAction
from fleet_remotes.services.applying import apply_waiting
from fleet_remotes.services.bulk_writes import write_steps
from fleet_remotes.services.callbacks import Body, create_callback, demo_header, take_bodies
from fleet_remotes.services.schedules import create_schedule
from fleet_remotes.services.vehicles import VehicleInput, take_vehicles

FLEETS = (("F-100", "Pool Köln", "pool"), ("F-200", "Dépôt Lyon", "depot"))
MODELS = (
    ("peugeot", "e-208", "VR3UHZKX"),
    ("citroen", "ë-C4", "VR7BCZKX"),
    ("ds", "3 E-Tense", "VR1URZKX"),
    ("opel", "Corsa Electric", "VXKUHZKX"),
    ("vauxhall", "Mokka Electric", "VXKUSZKX"),
)
COMMANDS: tuple[tuple[Kind, dict[str, Any]], ...] = (
    (Kind.DOOR, {"state": "Locked"}),
    (Kind.PRECONDITIONING, {"airConditioning": {"immediate": True}}),
    (Kind.CHARGING, {"immediate": True}),
    (Kind.LIGHTS, {"on": True}),
    (Kind.WAKE_UP, {"action": "WakeUp"}),
    (Kind.HORN, {"state": "Activated"}),
)
# Those that are not tried again by themselves: what is long over must not be sent now.
PATH_NAMES = (
    "success",
    "success",
    "success",
    "success_awake",
    "success_checked",
    "already_done",
    "failed_DoorsOpen",
    "failed_CidInside",
    "failed_VehicleInUse",
    "battery",
    "missing_rights",
    "success+duplicated",
    "success_awake+disordered",
    "failed_CanceledByDriver+type_failed",
)


def load(now: datetime) -> None:
    """Fills an empty database; does nothing when there are fleet vehicles."""
    if FleetVehicle.objects.exists():
        return
    chance = random.Random(20261121)  # noqa: S311 - the same demo everywhere
    take_vehicles(submissions=[Submission(0, list(enumerate(_vehicles(chance))))], now=now)
    for key, name, slug in FLEETS:
        Fleet.objects.filter(key=key).update(name=name)
        create_callback(
            slug=slug,
            fleet=Fleet.objects.get(key=key),
            header_name="Authorization",
            header_value=demo_header(),
            callback_id=f"cb-{slug}",
        )
    _history(chance, now)
    _batch(chance, now - timedelta(days=1))
    _oddities(now - timedelta(hours=3))
    _schedules(now)


def _vehicles(chance: random.Random) -> list[VehicleInput]:
    rows = []
    for number in range(1, 41):
        brand, model, prefix = MODELS[number % len(MODELS)]
        key = FLEETS[number % 3 == 0][0]
        can = [c.value for c in Capability if c != Capability.STOLEN or number % 4 == 0]
        rows.append(
            VehicleInput(
                new_fleet=True,
                vin=f"{prefix}ZPT{500_000 + number}",
                fleet=key,
                brand=brand,
                vehicle_id=f"{chance.randrange(1 << 48):012x}",
                model=model,
                plate=f"K-SB {100 + number}" if key == "F-100" else f"GA-{100 + number}-SB",
                name=f"Pool {number}" if key == "F-100" else f"Dépôt {number}",
                capabilities=can if number != 7 else ["door", "horn"],
                privacy={5: "Full", 11: "Geolocation"}.get(number, "None"),
                battery_level=chance.randint(8, 100),
                wakeup_budget={9: 3}.get(number, 40),
                tags=["pool" if number % 2 else "service"],
            )
        )
    return rows


def _history(chance: random.Random, now: datetime) -> None:
    vehicles = list(FleetVehicle.objects.select_related("fleet").order_by("vin"))
    for day in range(14, 0, -1):
        for vehicle in chance.sample(vehicles, 3):
            at = now - timedelta(days=day, minutes=chance.randint(0, 600))
            kind, parameters = chance.choice(COMMANDS)
            _played([_sent(vehicle, kind, parameters, at)], [chance.choice(PATH_NAMES)], at, chance)
    thirsty = next(vehicle for vehicle in vehicles if vehicle.wakeup_budget == 3)
    for hour in (30, 26, 22):
        at = now - timedelta(hours=hour)
        _played([_sent(thirsty, Kind.WAKE_UP, {"action": "WakeUp"}, at)], ["success"], at, chance)


def _batch(chance: random.Random, at: datetime) -> None:
    """One command to a dozen vehicles, of which some did not do it."""
    vehicles = list(FleetVehicle.objects.filter(fleet__key="F-100").select_related("fleet").order_by("-vin")[:12])
    kind, parameters = COMMANDS[1]
    batch = CommandBatch.objects.create(
        kind=kind, parameters=parameters, total=len(vehicles), created_at=at, reason="Cold morning"
    )
    actions = [_sent(vehicle, kind, parameters, at, batch) for vehicle in vehicles]
    path_names = ["success"] * 8 + ["failed_VehicleInUse", "failed_VehicleInUse", "battery", "already_done"]
    _played(actions, path_names, at, chance)


def _schedules(now: datetime) -> None:
    """Cars that are warm when people come to work, and one that is paused."""
    person = User.objects.filter(username="operator").first()
    pool = list(FleetVehicle.objects.filter(fleet__key="F-100").order_by("vin").values_list("pk", flat=True))
    warm, charge = (Command(*COMMANDS[place]) for place in (1, 2))
    create_schedule(
        name="Warm on weekdays",
        command=warm,
        vehicle_ids=pool[:8],
        days=range(5),
        at=time(6, 30),
        time_zone="Europe/Berlin",
        by=person,
        now=now,
    )
    create_schedule(
        name="Charge at night",
        command=charge,
        vehicle_ids=pool[8:20],
        days=range(7),
        at=time(23),
        time_zone="Europe/Berlin",
        by=person,
        now=now,
        active=False,
    )


def _sent(
    vehicle: FleetVehicle, kind: Kind, parameters: dict[str, Any], at: datetime, batch: CommandBatch | None = None
) -> RemoteAction:
    """An action that the vendor took at that time."""
    action = RemoteAction.ordered(
        now=at,
        vehicle=vehicle,
        fleet=vehicle.fleet,
        batch=batch,
        kind=kind,
        parameters=parameters,
        requested_by="operator",
        state=State.SUBMITTED,
        submitting_at=at,
        submitted_at=at,
        posts=1,
        callback_ref=Callback.objects.get(fleet=vehicle.fleet).pk,
    )
    action.remote_action_id = f"demo-{action.label[-12:]}"
    action.save()
    steps = ((StepKind.CREATED, "operator"), (StepKind.SUBMITTING, ""), (StepKind.SUBMITTED, action.remote_action_id))
    write_steps((action.pk, at, step, detail) for step, detail in steps)
    return action


def _played(actions: Sequence[RemoteAction], path_names: Sequence[str], at: datetime, chance: random.Random) -> None:
    """What the vendor notified of these actions, stored and applied as if it were then."""
    over = at
    for action, path_name in zip(actions, path_names, strict=True):
        path, oddities = named(path_name)
        events, moment = [], at
        for step in path.steps:
            moment += timedelta(seconds=step.after_s)
            events.append(_event(step, action, moment))
        for number, event in enumerate(arranged(events, oddities)):
            received = moment if oddities else datetime.fromisoformat(event["eventDate"])
            received += timedelta(milliseconds=chance.randint(80, 900) + number)
            _receive(action.callback_ref or 0, [event], received)
            over = max(over, received)
    while apply_waiting(now=over):
        continue


def _event(step: PathStep, action: RemoteAction, at: datetime) -> dict[str, Any]:
    return step.notification(action.remote_action_id, action.vehicle.vin, Kind(action.kind), at)


def _receive(callback_id: int, events: Sequence[dict[str, Any]], at: datetime) -> None:
    body = {"callbackId": "demo", "attributes": [], "events": events}
    take_bodies([Body(callback_id, json.dumps(body).encode(), at)])


def _oddities(at: datetime) -> None:
    """What matches nothing: an action of another tool, a word that nobody knows, something that is no notification."""
    callback = Callback.objects.order_by("pk")[0]
    vin = FleetVehicle.objects.filter(fleet=callback.fleet).order_by("vin")[0].vin
    action = RemoteAction.objects.filter(fleet=callback.fleet).order_by("-pk")[0]
    events = [
        ACCEPTED.notification("of-another-tool", vin, Kind.DOOR, at),
        _event(PathStep(0, "Pending", "ThinkingAboutIt"), action, at),
        {"vin": vin, "eventStatus": {"type": "Done", "status": "Success"}},
    ]
    _receive(callback.pk, events, at + timedelta(seconds=1))
    apply_waiting(now=at + timedelta(seconds=1))
