"""Schedules: made, paused, deleted, and carried out when they are due, each time as a batch with its checks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from core.choices import Scope
from core.models import ApiKey
from core.refusal import Refused
from core.time_zones import known_zones
from fleet_remotes.ingest.commands import Command
from fleet_remotes.models import CommandSchedule, FleetVehicle
from fleet_remotes.rules.schedules import next_time
from fleet_remotes.services.commands import MOST_VEHICLES, place_batch

log = structlog.get_logger("signalbox.remotes")
Author = User | ApiKey | None


def create_schedule(
    *,
    name: str,
    command: Command,
    vehicle_ids: Sequence[int],
    days: Collection[int],
    at: time,
    time_zone: str,
    by: Author,
    now: datetime,
    reason: str = "",
    active: bool = True,
) -> CommandSchedule:
    """Makes a schedule. Raises Refused for a dangerous command, which asks for a person each time, and for what is
    missing."""
    schedule = CommandSchedule(created_at=now)
    values: dict[str, Any] = {"name": name, "command": command, "vehicle_ids": vehicle_ids, "days": days, "at": at}
    values |= {"time_zone": time_zone, "reason": reason, "active": active}
    _put(schedule, values, by, now)
    schedule.save()
    return schedule


def change_schedule(*, schedule: CommandSchedule, changes: Mapping[str, Any], by: Author, now: datetime) -> None:
    """Changes what is given, named as in `create_schedule`; what was due while it was paused is left out. From a change
    of its command or vehicles on it is sent in the name of whoever changed it. Raises Refused as that does."""
    with transaction.atomic():
        locked = CommandSchedule.objects.select_for_update().get(pk=schedule.pk)
        _put(locked, changes, by, now)
        locked.save()
    schedule.refresh_from_db()


def _put(schedule: CommandSchedule, values: Mapping[str, Any], by: Author, now: datetime) -> None:
    if "command" in values:
        if values["command"].is_dangerous:
            raise Refused(_("Such a command asks for a person each time; it cannot be scheduled."), field="type")
        schedule.kind, schedule.parameters = values["command"].kind, values["command"].parameters
    if "name" in values:
        schedule.name = " ".join(values["name"].split())[:120]
        if not schedule.name:
            raise Refused(_("Give it a name."), field="name")
    if "reason" in values:
        schedule.reason = " ".join(values["reason"].split())[:200]
    if "vehicle_ids" in values:
        schedule.vehicles = _known_vehicles(values["vehicle_ids"])
    if "days" in values:
        if not values["days"] or not set(values["days"]) <= set(range(7)):
            raise Refused(_("Choose at least one day of the week."), field="days")
        schedule.days = sorted(set(values["days"]))
    if values.get("time_zone", "UTC") not in known_zones():
        raise Refused(_("This is no time zone, e.g. Europe/Paris."), field="time_zone")
    schedule.at, schedule.time_zone = values.get("at", schedule.at), values.get("time_zone", schedule.time_zone)
    if not {"command", "vehicle_ids"}.isdisjoint(values):
        schedule.created_by = by if isinstance(by, User) else None
        schedule.created_by_key = by if isinstance(by, ApiKey) else None
    if not values.get("active", schedule.is_active):
        schedule.next_at = None
    elif schedule.next_at is None or not {"days", "at", "time_zone"}.isdisjoint(values):
        schedule.next_at = _next_after(schedule, now)


def _known_vehicles(vehicle_ids: Sequence[int]) -> list[int]:
    ids = sorted(FleetVehicle.objects.filter(pk__in=vehicle_ids).values_list("pk", flat=True))
    if not ids or len(ids) > MOST_VEHICLES:
        raise Refused(_("Choose between 1 and %(n)d vehicles.") % {"n": MOST_VEHICLES}, field="vehicles")
    return ids


def delete_schedule(*, schedule: CommandSchedule) -> None:
    """Deletes a schedule; the batches that it sent stay."""
    schedule.delete()


def run_due(*, now: datetime) -> int:
    """Carries out what is due; returns how many. What is late by more than a command may wait is left out: a command
    must not come as a surprise."""
    due = list(CommandSchedule.objects.filter(next_at__lte=now).order_by("next_at").values_list("pk", flat=True))
    return sum(_run(pk, now) for pk in due)


def _run(pk: int, now: datetime) -> bool:
    with transaction.atomic():
        rows = CommandSchedule.objects.select_for_update(skip_locked=True, of=("self",)).select_related(
            "created_by", "created_by_key__created_by"
        )
        schedule = rows.filter(pk=pk, next_at__lte=now).first()
        if schedule is None or schedule.next_at is None:
            return False
        was_due = schedule.next_at
        schedule.next_at, schedule.last_problem = _next_after(schedule, now), ""
        try:
            with transaction.atomic():
                _send(schedule, was_due, now)
        except Refused as error:
            schedule.last_problem = error.sentence[:200]
            log.warning("a schedule was left out", schedule=pk, why=error.sentence)
        schedule.save(update_fields=["next_at", "last_batch", "last_problem"])
    return True


def _send(schedule: CommandSchedule, was_due: datetime, now: datetime) -> None:
    if was_due < now - timedelta(seconds=settings.REMOTES_QUEUE_MAX_S):
        raise Refused(_("It was too late: nothing ran here when it was due."))
    by = _author(schedule, now)
    if by is None:
        raise Refused(_("Whoever made it may not send commands any more; make it anew."))
    command = Command(schedule.kind, schedule.parameters)  # type: ignore[arg-type]
    reason = schedule.reason or schedule.name
    schedule.last_batch = place_batch(vehicle_ids=schedule.vehicles, command=command, reason=reason, by=by, now=now)


def _author(schedule: CommandSchedule, now: datetime) -> User | str | None:
    """In whose name it is sent; None when that is nobody who may send any more."""
    person, key = schedule.created_by, schedule.created_by_key
    if person is not None and person.is_active and person.has_perm("fleet_remotes.send_command"):
        return person
    if key is not None and key.is_usable(now) and Scope.REMOTES_WRITE in key.scopes:
        return schedule.made_by
    return None


def _next_after(schedule: CommandSchedule, now: datetime) -> datetime:
    return next_time(days=schedule.days, at=schedule.at, zone=schedule.time_zone, after=now)
