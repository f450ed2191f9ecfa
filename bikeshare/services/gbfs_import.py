"""Writes a GBFS feed's stations and zones into a program, all of it or nothing, with their events."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from bikeshare.choices import OpenStatus, ZoneType
from bikeshare.ingest.gbfs import Feed
from bikeshare.models import Program, Station, Zone, new_id
from bikeshare.rules.order import found_again, precedences
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
    # Stations that the feed brought and does not hold; they stay, closed, since vehicles may stand there.
    missing_stations: int = 0


def feed_key(url: str, secret: str = "") -> str:
    """By which what a feed brings is told from what others bring. It says nothing of the address without our secret
    key, for that often is a key of its owner's."""
    return hmac.new((secret or settings.SECRET_KEY).encode(), f"feed:{url}".encode(), hashlib.sha256).hexdigest()[:20]


def take_over(program: Program, former: Sequence[str], key: str) -> None:
    """Gives what is known of a feed under former keys its new one, unless there is something under that already."""
    for model in (Station, Zone):
        brought = model.everything.filter(program=program)
        if not brought.filter(feed=key).exists():
            brought.filter(feed__in=former).update(feed=key)
    for one in former:
        if key not in program.feed_rules and one in program.feed_rules:
            program.feed_rules[key] = program.feed_rules.pop(one)
            program.save()


def import_feed(*, program_id: str, feed: Feed, now: datetime, dry_run: bool = False, url: str = "") -> Report:
    """Stations by their ids, zones as `rules.order` says, in one transaction; a dry run does the same and takes it
    back. What has no address is one feed for each kind.

    Of what the feed brought earlier and does not hold any more zones are deleted and stations closed, until it holds
    them again. What it holds but could not be read is left as it is; so is what others brought or made by hand.
    """
    key = feed_key(url) if url else feed.kind
    with transaction.atomic():
        report = Report(*_program(program_id, feed))
        if url and settings.SECRET_KEY_FALLBACKS:
            take_over(report.program, [feed_key(url, one) for one in settings.SECRET_KEY_FALLBACKS], key)
        if feed.zones is not None and feed.kind == "gbfs":
            _write_global_rules(report.program, feed.global_rules, key)
        with ResourceUnitOfWork.begin(now) as work:
            _write_stations(work, report, feed, key)
            if feed.zones is not None:
                _write_zones(work, report, feed, key)
        _write_reported(report.program, feed, key)
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
    return Program.objects.select_for_update(no_key=True).get(pk=program_id), is_new


def _write_global_rules(program: Program, rules: list[dict[str, Any]], key: str) -> None:
    """What a feed says now in the place of what it said before; what others said, and people, stays."""
    before = program.feed_rules.get(key, [])
    if rules == before:
        return
    kept = list(program.global_rules)
    for rule in before:
        if rule in kept:
            kept.remove(rule)
    program.global_rules = kept + rules
    program.feed_rules[key] = rules
    program.zones_version += 1
    program.save()


def _write_stations(work: ResourceUnitOfWork, report: Report, feed: Feed, key: str) -> None:
    rows = rows_of(Station).filter(program=report.program, feed__in=("", key)).exclude(external_id="")
    existing = {row.external_id: row for row in sorted(load(rows), key=lambda row: str(row.feed))}
    for values in feed.stations:
        row = existing.pop(values["external_id"], None)
        values = values | {"feed": key} | _open_status(feed, values["external_id"])
        if row is not None and row.gone_at is not None:
            values = {"status": OpenStatus.OPEN} | values | {"gone_at": None}
        _put(work, report.program, Station, row, values, report.stations)
    for external_id, row in existing.items():
        # The file of stations does not change when they close: a feed may bring their status alone.
        if not feed.stations and row.gone_at is None and (status := _open_status(feed, external_id)):
            _put(work, report.program, Station, row, status, report.stations)
        if feed.stations and row.feed == key and not feed.unread_stations & {external_id, ""}:
            report.missing_stations += 1
            if row.gone_at is None:
                gone = {"status": OpenStatus.CLOSED, "gone_at": work.now}
                _put(work, report.program, Station, row, gone, report.stations)


def _open_status(feed: Feed, external_id: str) -> dict[str, Any]:
    status = feed.statuses.get(external_id)
    if status is None or status.is_open is None:
        return {}
    return {"status": OpenStatus.OPEN if status.is_open else OpenStatus.CLOSED}


def _write_reported(program: Program, feed: Feed, key: str) -> None:
    """What is there at the moment: no change of the stations, so nothing is told of it."""
    rows = [
        (status.at, status.vehicules, status.docks, status.rents, status.takes_back, program.pk, external_id, key)
        for external_id, status in feed.statuses.items()
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE bikeshare_station SET reported_at = coalesce(%s, reported_at), reported_vehicules = %s,"
                " reported_docks = %s, reported_renting = %s, reported_returning = %s"
                " WHERE program_id = %s AND external_id = %s AND feed IN ('', %s)"
                " AND deleted_at IS NULL",
                rows,
            )


def _write_zones(work: ResourceUnitOfWork, report: Report, feed: Feed, key: str) -> None:
    given, existing = feed.zones or [], load(rows_of(Zone).filter(program=report.program, feed=key))
    found = found_again(given, existing)
    for values, row, precedence in zip(given, found, precedences(found), strict=True):
        more = {"type": values.get("type") or _type_of(values["rules"]), "feed": key, "precedence": precedence}
        _put(work, report.program, Zone, row, values | more, report.zones)
    kept = {row.pk for row in found if row is not None}
    for row in existing:
        if row.pk not in kept and not feed.unread_zones & {row.external_id or row.name, row.name}:
            work.delete(row)
            report.zones.deleted += 1


def _type_of(rules: list[dict[str, Any]]) -> ZoneType:
    """What an imported zone is called in lists; what holds in it is said by its rules."""
    if any(not rule["ride_through_allowed"] for rule in rules):
        return ZoneType.FORBIDDEN
    slow = any("maximum_speed_kph" in rule for rule in rules)
    return ZoneType.LIMITED_TRAFFIC if slow else ZoneType.GEOFENCING


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
