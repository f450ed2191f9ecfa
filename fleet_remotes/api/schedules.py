"""Schedules by API: commands that are sent on days of the week, made, changed, paused, deleted."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Status
from pydantic import BeforeValidator, Field

from core.api import ConfigurationIn, PartialIn, Problem, audited_by, key_of, page_of, serialize
from core.time_zones import known_zones
from fleet_remotes import selectors
from fleet_remotes.api.base import READ, WRITE, router
from fleet_remotes.catalogue.advice import summary_of
from fleet_remotes.catalogue.words import DAYS
from fleet_remotes.ingest.commands import CommandError, read_command
from fleet_remotes.ingest.times import UnknownDay, days_meant, seconds_of_day
from fleet_remotes.models import CommandSchedule, FleetVehicle
from fleet_remotes.search import SCHEDULE_SEARCH
from fleet_remotes.services import schedules as services
from fleet_remotes.services.commands import MOST_VEHICLES


def _listed(value: Any) -> Any:
    """A list, also where one text stands in its place."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


Texts = Annotated[list[str], BeforeValidator(_listed)]
Days = Annotated[list[str], BeforeValidator(lambda said: [said] if isinstance(said, str) else said)]


class ScheduleIn(ConfigurationIn):
    """A command to `vins` at a time of day, `at` (6:30), on `days` (Mon-Fri, lundi, weekend; else daily) of a
    `time_zone`, the installation's if none is named. `type` and `parameters` as in `POST /remotes/actions`."""

    name: str
    type: str
    parameters: dict[str, Any] | None = None
    vins: Texts = Field(max_length=MOST_VEHICLES)
    days: Days = Field(default_factory=lambda: list(DAYS))
    at: str
    time_zone: str = Field(default_factory=lambda: settings.TIME_ZONE)
    reason: str = ""
    active: bool = True


class ScheduleChangeIn(ScheduleIn, PartialIn):
    """What is to change; the rest stays. `active: false` pauses it."""


def _serialize(row: CommandSchedule) -> dict[str, Any]:
    return serialize(row, "id", "name", "parameters", "reason", "time_zone", "next_at", "last_problem") | {
        "type": row.kind,
        "summary": summary_of(row.kind, row.parameters),
        "vins": row.vins,  # type: ignore[attr-defined]
        "days": [DAYS[day] for day in row.days],
        "at": f"{row.at:%H:%M:%S}".removesuffix(":00"),
        "active": row.is_active,
        "last_batch": row.last_batch_id,
        "created_by": row.made_by,
    }


def _shown(row: CommandSchedule) -> dict[str, Any]:
    selectors.attach_vins([row])
    return _serialize(row)


def _schedule(pk: int) -> CommandSchedule:
    return get_object_or_404(selectors.schedules(), pk=pk)


def _values(given: dict[str, Any], before: CommandSchedule | None = None) -> dict[str, Any]:
    """The fields as the service takes them. Raises Problem for what has no meaning."""
    values: dict[str, Any] = {name: given[name] for name in ("name", "reason", "time_zone", "active") if name in given}
    if "type" in given or "parameters" in given:
        try:
            values["command"] = read_command(given.get("type") or (before.kind if before else ""), given["parameters"])
        except CommandError as error:
            raise _wrong(error.pointer, str(error)) from error
    if "at" in given:
        seconds = seconds_of_day(given["at"])
        if seconds is None:
            raise _wrong("/at", f"“{given['at'][:40]}” is no time of day: write e.g. 6:30 or PT6H30M.")
        values["at"] = time(seconds // 3600, seconds // 60 % 60, seconds % 60)
    if "days" in given:
        values["days"] = _days(given["days"])
    if "time_zone" in values:
        spelled = values["time_zone"].strip()
        values["time_zone"] = next((zone for zone in known_zones() if zone.lower() == spelled.lower()), spelled)
    if "vins" in given:
        values["vehicle_ids"] = _vehicles(given["vins"])
    return values


def _wrong(pointer: str, sentence: str) -> Problem:
    return Problem(422, sentence, [{"pointer": pointer, "detail": sentence}])


def _days(said: list[str]) -> list[int]:
    try:
        return [DAYS.index(day) for day in days_meant(said)]
    except UnknownDay as error:
        raise _wrong(f"/days/{error.place}", str(error)) from error


def _vehicles(vins: list[str]) -> list[int]:
    """Raises Problem that names the vehicles which no fleet has."""
    wanted = [vin.strip().upper() for vin in vins]
    known = dict(FleetVehicle.objects.filter(vin__in=wanted).values_list("vin", "pk"))
    unknown = [(place, vin) for place, vin in enumerate(wanted) if vin not in known]
    if unknown:
        errors = [{"pointer": f"/vins/{place}", "detail": "unknown vehicle"} for place, _vin in unknown[:20]]
        raise Problem(422, f"No fleet has {unknown[0][1][:40]}; add it with PUT /remotes/vehicles.", errors)
    return list(known.values())


@router.get("/schedules", auth=READ, summary="Schedules, by Magic Search")
def list_schedules(request: HttpRequest, q: str = "", limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    return page_of(
        selectors.schedules().filter(SCHEDULE_SEARCH.condition(q)),
        limit=limit,
        cursor=cursor,
        shape=_serialize,
        prepare=selectors.attach_vins,
        descending=False,
    )


@router.post("/schedules", auth=WRITE, response={201: dict[str, Any]}, summary="Send a command regularly")
def create_schedule(request: HttpRequest, body: ScheduleIn) -> Status[dict[str, Any]]:
    """Each time it is a batch, with the checks of that moment, in the name of the key: once that is revoked, expired or
    without `remotes:write`, nothing is sent any more."""
    with audited_by(key_of(request)):
        made = services.create_schedule(**_values(body.model_dump()), by=key_of(request), now=timezone.now())
    return Status(201, _shown(_schedule(made.pk)))


@router.get("/schedules/{schedule_id}", auth=READ, summary="One schedule")
def get_schedule(request: HttpRequest, schedule_id: int) -> dict[str, Any]:
    return _shown(_schedule(schedule_id))


@router.patch("/schedules/{schedule_id}", auth=WRITE, summary="Change, pause, resume a schedule")
def change_schedule(request: HttpRequest, schedule_id: int, body: ScheduleChangeIn) -> dict[str, Any]:
    """From a change of its command or vehicles on, it is sent in the name of this key."""
    schedule, given = _schedule(schedule_id), body.changes()
    if "type" in given:
        given.setdefault("parameters", None)
    with audited_by(key_of(request)):
        services.change_schedule(
            schedule=schedule, changes=_values(given, schedule), by=key_of(request), now=timezone.now()
        )
    return _shown(_schedule(schedule_id))


@router.delete("/schedules/{schedule_id}", auth=WRITE, summary="Delete a schedule; what it sent stays")
def delete_schedule(request: HttpRequest, schedule_id: int) -> HttpResponse:
    with audited_by(key_of(request)):
        services.delete_schedule(schedule=_schedule(schedule_id))
    return HttpResponse(status=204)
