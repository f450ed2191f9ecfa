"""Schedules: made, paused, deleted, and carried out when they are due, each time as a batch with its checks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, time, timedelta

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from core.refusal import Refused
from core.time_zones import known_zones
from fleet_remotes.ingest.commands import Command
from fleet_remotes.models import CommandSchedule, FleetVehicle
from fleet_remotes.rules.schedules import next_time
from fleet_remotes.services.commands import MOST_VEHICLES, place_batch

log = structlog.get_logger("signalbox.remotes")


def create_schedule(
    *,
    name: str,
    command: Command,
    vehicle_ids: Sequence[int],
    days: Collection[int],
    at: time,
    time_zone: str,
    by: User | None,
    now: datetime,
    reason: str = "",
) -> CommandSchedule:
    """Makes a schedule. Raises Refused for a dangerous command, which asks for a person each time, and for what is
    missing."""
    if command.is_dangerous:
        raise Refused(_("Such a command asks for a person each time; it cannot be scheduled."), field="type")
    if not name.strip():
        raise Refused(_("Give it a name."), field="name")
    if not days or not set(days) <= set(range(7)):
        raise Refused(_("Choose at least one day of the week."), field="days")
    if time_zone not in known_zones():
        raise Refused(_("This is no time zone, e.g. Europe/Paris."), field="time_zone")
    ids = sorted(FleetVehicle.objects.filter(pk__in=vehicle_ids).values_list("pk", flat=True))
    if not ids or len(ids) > MOST_VEHICLES:
        raise Refused(_("Choose between 1 and %(n)d vehicles.") % {"n": MOST_VEHICLES}, field="vehicles")
    return CommandSchedule.objects.create(
        name=name.strip()[:120],
        kind=command.kind,
        parameters=command.parameters,
        reason=" ".join(reason.split())[:200],
        vehicles=ids,
        days=sorted(set(days)),
        at=at,
        time_zone=time_zone,
        next_at=next_time(days=days, at=at, zone=time_zone, after=now),
        created_at=now,
        created_by=by,
    )


def set_active(*, schedule: CommandSchedule, active: bool, now: datetime) -> None:
    """Pauses a schedule or lets it go on; what was due meanwhile is left out."""
    schedule.next_at = _next_after(schedule, now) if active else None
    schedule.save(update_fields=["next_at"])


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
        rows = CommandSchedule.objects.select_for_update(skip_locked=True, of=("self",)).select_related("created_by")
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
    person = schedule.created_by
    if was_due < now - timedelta(seconds=settings.REMOTES_QUEUE_MAX_S):
        raise Refused(_("It was too late: nothing ran here when it was due."))
    if person is None or not person.is_active or not person.has_perm("fleet_remotes.send_command"):
        raise Refused(_("Whoever made it may not send commands any more; make it anew."))
    command = Command(schedule.kind, schedule.parameters)  # type: ignore[arg-type]
    reason = schedule.reason or schedule.name
    schedule.last_batch = place_batch(vehicle_ids=schedule.vehicles, command=command, reason=reason, by=person, now=now)


def _next_after(schedule: CommandSchedule, now: datetime) -> datetime:
    return next_time(days=schedule.days, at=schedule.at, zone=schedule.time_zone, after=now)
