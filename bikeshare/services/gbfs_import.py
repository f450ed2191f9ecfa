"""Writes a GBFS feed's stations and zones into a program, all of it or nothing, with their events."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from bikeshare.choices import OpenStatus, ZoneType
from bikeshare.ingest.gbfs import Feed
from bikeshare.models import Program, Station, Zone, new_id
from bikeshare.selectors import rows_of
from bikeshare.services.unit_of_work import ResourceUnitOfWork, load
from core.refusal import refusing_invalid_models
from core.time_zones import known_zones


@dataclass
class Written:
    """How many were made, changed, left as they were, deleted."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    deleted: int = 0


@dataclass
class Report:
    program: Program
    is_new: bool
    stations: Written = field(default_factory=Written)
    zones: Written = field(default_factory=Written)
    # Stations of earlier imports that the feed does not hold; they stay, since vehicles may stand there.
    missing_stations: int = 0


def import_feed(*, program_id: str, feed: Feed, now: datetime, dry_run: bool = False) -> Report:
    """Stations by their ids, zones by their names, in one transaction; a dry run does the same and takes it back.

    Zones of earlier imports that the file does not hold any more are deleted, for their order is the file's. Those that
    it holds but that could not be read are left as they are; so are zones made by hand, which come after the file's.
    """
    with transaction.atomic():
        report = Report(*_program(program_id, feed))
        with ResourceUnitOfWork.begin(now) as work:
            _write_stations(work, report, feed)
            if feed.zones is not None:
                _write_zones(work, report, feed)
        _write_reported(report.program, feed)
        if dry_run:
            transaction.set_rollback(True)
    return report


def _program(program_id: str, feed: Feed) -> tuple[Program, bool]:
    is_known = feed.timezone in known_zones()
    details = {"timezone": feed.timezone} if is_known else {}
    if feed.language:
        details["language"] = feed.language
    program, is_new = Program.objects.get_or_create(
        pk=program_id, defaults={"name": feed.name or program_id, **details}
    )
    if is_new:
        with refusing_invalid_models():
            program.clean_fields()
    if feed.zones is not None and program.global_rules != feed.global_rules:
        program.global_rules = feed.global_rules
        program.zones_version += 1
        program.save()
    return program, is_new


def _write_stations(work: ResourceUnitOfWork, report: Report, feed: Feed) -> None:
    existing = _by_external_id(Station, report.program, prefix="")
    for values in feed.stations:
        row = existing.pop(values["external_id"], None)
        _put(work, report.program, Station, row, values | _open_status(feed, values["external_id"]), report.stations)
    for external_id, row in existing.items():
        # The file of stations does not change when they close: a feed may bring their status alone.
        if not feed.stations and (status := _open_status(feed, external_id)):
            _put(work, report.program, Station, row, status, report.stations)
    report.missing_stations = len(existing) if feed.stations else 0


def _open_status(feed: Feed, external_id: str) -> dict[str, Any]:
    status = feed.statuses.get(external_id)
    if status is None or status.is_open is None:
        return {}
    return {"status": OpenStatus.OPEN if status.is_open else OpenStatus.CLOSED}


def _write_reported(program: Program, feed: Feed) -> None:
    """What is there at the moment: no change of the stations, so nothing is told of it."""
    rows = [
        (program.pk, external_id, status.at, status.vehicules, status.docks)
        for external_id, status in feed.statuses.items()
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE bikeshare_station SET reported_at = coalesce(%s, reported_at), reported_vehicules = %s,"
                " reported_docks = %s WHERE program_id = %s AND external_id = %s AND deleted_at IS NULL",
                [(at, vehicules, docks, key, external_id) for key, external_id, at, vehicules, docks in rows],
            )


def _write_zones(work: ResourceUnitOfWork, report: Report, feed: Feed) -> None:
    existing = _by_external_id(Zone, report.program, prefix=feed.zones_prefix)
    for values in feed.zones or ():
        row = existing.pop(values["external_id"], None)
        kind = values.get("type") or _type_of(values["rules"])
        _put(work, report.program, Zone, row, values | {"type": kind}, report.zones)
    for key, row in existing.items():
        if key not in feed.unread_zones:
            work.delete(row)
            report.zones.deleted += 1


def _type_of(rules: list[dict[str, Any]]) -> ZoneType:
    """What an imported zone is called in lists; what holds in it is said by its rules."""
    if any(not rule["ride_through_allowed"] for rule in rules):
        return ZoneType.FORBIDDEN
    slow = any("maximum_speed_kph" in rule for rule in rules)
    return ZoneType.LIMITED_TRAFFIC if slow else ZoneType.GEOFENCING


def _by_external_id(model: type[Station | Zone], program: Program, *, prefix: str) -> dict[str, Any]:
    rows = rows_of(model).filter(program=program, external_id__startswith=prefix).exclude(external_id="")
    return {row.external_id: row for row in load(rows)}


def _put(
    work: ResourceUnitOfWork,
    program: Program,
    model: type[Station | Zone],
    row: Any,
    values: dict[str, Any],
    written: Written,
) -> None:
    if row is None:
        work.create(model(id=new_id(model.PREFIX), program=program, created=work.now, **values))
        written.created += 1
    elif work.change(row, **values):
        written.changed += 1
    else:
        written.unchanged += 1
