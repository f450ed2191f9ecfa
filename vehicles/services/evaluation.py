"""Looks at drivers: reads what is known, asks the rules, writes what follows. By facts and by time alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from core.sql import columns, update_rows
from vehicles.choices import LIVE
from vehicles.models import Driver, Vehicle
from vehicles.rules import windows_of
from vehicles.rules.deciding import Change, Decision, History, Key, Policy, Row, decide
from vehicles.rules.pairing import Patience, standing, standing_changes
from vehicles.rules.windows import Window
from vehicles.services.pictures import Subject, read_pictures
from vehicles.services.policies import policies_in_force
from vehicles.services.settling import settle_items
from vehicles.services.telling import Item, write_changes
from vehicles.services.texts import Wording, Words

log = structlog.get_logger("signalbox.vehicles")

AT_ONCE = 500
# A driver whom the rules cannot look at waits this long, so that nobody behind waits too.
STUMBLE = timedelta(minutes=10)
_ROW = (
    "driver_id, id, title, body, vehicle_id, facts::text, type, subject, state, begins, created_at, reason, root,"
    " told_at, times_told, repeats, last_seen_at, dismissed_at, due_at, ended_at"
)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a notification was told with, for when nothing new is told."""

    words: Words
    vehicle_id: int | None
    facts: Mapping[str, Any]


def lock_drivers(driver_ids: Collection[int]) -> None:
    """Locks drivers in the order in which everyone does, so that two batches wait for one another and no worse."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM vehicles_driver WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [sorted(driver_ids)]
        )


def sweep_due(*, now: datetime, limit: int = AT_ONCE) -> int:
    """Looks at the drivers that are due, the longest first, past those whom others hold; returns how many.

    One short transaction: what it does not finish stays due. Nobody who writes facts waits for more than one of these.
    """
    with transaction.atomic():
        ids = _claim_due(now, limit)
        if ids:
            _look_gently(ids, now)
    return len(ids)


def _claim_due(now: datetime, limit: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM vehicles_driver WHERE due_at <= %s ORDER BY due_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED",
            [now, limit],
        )
        return [row[0] for row in cursor.fetchall()]


def _look_gently(ids: Sequence[int], now: datetime) -> None:
    """Looks at many at once; when that fails, at each alone, so that one that cannot be looked at stops nobody."""
    try:
        with transaction.atomic():
            look_at(driver_ids=ids, now=now)
        return
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("looking at drivers failed; each is looked at alone", drivers=len(ids))
    for driver_id in ids:
        try:
            with transaction.atomic():
                look_at(driver_ids=[driver_id], now=now)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("a driver could not be looked at", driver=driver_id)
            _write_due([(driver_id, now + STUMBLE)])


def look_at(*, driver_ids: Collection[int], now: datetime) -> None:
    """Decides anew about drivers that the caller has locked."""
    ids = sorted(driver_ids)
    if not ids:
        return
    policies, wording = policies_in_force(), Wording()
    subjects = read_pictures(ids, now)
    windows = {pk: list(windows_of(subject.picture, policies.values())) for pk, subject in subjects.items()}
    rows, histories, kept = _read_rows(subjects, windows)
    items: list[Item] = []
    due: list[tuple[int, datetime | None]] = []
    patience = _patience(policies)
    for pk, subject in subjects.items():
        known = [] if subject.driver.removed else windows[pk]
        decision = decide(known, rows.get(pk, []), policies, subject.person, histories[pk], now)
        items += [_item(subject, change, wording, kept) for change in decision.changes]
        next_look = _next_look(subject, decision, patience, now)
        if next_look != subject.driver.due_at:
            due.append((pk, next_look))
    if items:
        write_changes(items=items, now=now)
    _write_standings(subjects.values(), patience, now)
    settle_items(subjects=subjects, windows=windows, now=now)
    _write_due(due)


def _read_rows(
    subjects: Mapping[int, Subject], windows: Mapping[int, Sequence[tuple[Policy, Window]]]
) -> tuple[dict[int, list[Row]], dict[int, History], dict[int, _Kept]]:
    """The living notifications, and of earlier ones what matters: told once for all, told or dismissed lately."""
    named = sorted({window.subject for some in windows.values() for _policy, window in some})
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_ROW} FROM vehicles_drivernotification"  # noqa: S608 - the columns are ours
            " WHERE driver_id = ANY(%s) AND (state = ANY(%s) OR subject = ANY(%s)) ORDER BY id",
            [list(subjects), [state.value for state in LIVE], named],
        )
        found = cursor.fetchall()
    living: dict[int, list[Row]] = defaultdict(list)
    once: dict[int, set[Key]] = defaultdict(set)
    told: dict[int, dict[Key, datetime]] = defaultdict(dict)
    dismissed: dict[int, dict[Key, datetime]] = defaultdict(dict)
    kept: dict[int, _Kept] = {}
    for driver_id, pk, title, body, vehicle_id, facts, *values in found:
        type_, subject, state, begins, created_at, *rest = values
        row = Row(type_, subject, state, begins, created_at, pk, *rest)
        once[driver_id].add(row.key)
        if row.told_at is not None:
            told[driver_id][row.key] = row.told_at
        if row.dismissed_at is not None:
            dismissed[driver_id][row.key] = row.dismissed_at
        if state in LIVE:
            living[driver_id].append(row)
            kept[pk] = _Kept(Words(title, body), vehicle_id, msgspec.json.decode(facts))
    histories = {pk: History(frozenset(once[pk]), told[pk], dismissed[pk]) for pk in subjects}
    return living, histories, kept


def _item(subject: Subject, change: Change, wording: Wording, kept: Mapping[int, _Kept]) -> Item:
    """A change with its words; what is not told anew keeps those that it was told with."""
    before = kept.get(change.row.id)
    if before is not None and not change.tell_by:
        item = Item(subject.driver, change, words=before.words, nameless=before.words, facts=before.facts)
        vehicle_id = before.vehicle_id
        name = subject.driver.name
        if name and (name in before.words.title or name in before.words.body):
            item.nameless = _words(item, wording, subject)
    else:
        window = change.window
        item = Item(subject.driver, change, facts=dict(window.facts) if window is not None else {})
        vehicle_id = window.vehicle_id if window is not None else None
        item.words = item.nameless = _words(item, wording, subject)
        if wording.names_driver(change.row.type, subject.driver.language):
            item.words = _words(item, wording, subject, name=subject.driver.name)
            item.named = _words(item, wording, subject, name="{name}")
    vehicle = next((v for v in subject.picture.vehicles if v.id == vehicle_id), None)
    if vehicle is not None:
        item.vehicle_key = vehicle.key
        item.brand = str(vehicle.reports.latest("brand") or "")
        item.model = str(vehicle.reports.latest("model") or "")
    return item


def _words(item: Item, wording: Wording, subject: Subject, **more: str) -> Words:
    """Without `name` those of an event, which never holds it; the app shows them with it."""
    facts = {**item.facts, **more}
    return wording.words(item.change.row.type, subject.driver.language, facts, subject.person.zone)


def _patience(policies: Mapping[str, Policy]) -> Patience:
    """What is waited for, as the notifications that tell of it say."""
    return Patience(
        silence=policies["CarNotReachable"].thresholds["hours"],
        activation=policies["CheckCarActivation"].thresholds["hours"],
        pairing=policies["AudiPairingNotComplete"].thresholds["hours"],
    )


def _next_look(subject: Subject, decision: Decision, patience: Patience, now: datetime) -> datetime | None:
    if subject.driver.removed:
        return None
    moments = [decision.due_at] + [
        moment for vehicle in subject.picture.vehicles for moment in standing_changes(vehicle, patience)
    ]
    return min((moment for moment in moments if moment is not None and moment > now), default=None)


def _write_standings(subjects: Iterable[Subject], patience: Patience, now: datetime) -> None:
    """Writes where vehicles stand. A vehicle that a batch of facts holds is left to that batch, which looks too."""
    changed: dict[int, tuple[Any, ...]] = {}
    for subject in subjects:
        for vehicle in subject.picture.vehicles:
            found = standing(vehicle, patience, now)
            if (found.state, found.reason) != subject.standings[vehicle.id]:
                changed[vehicle.id] = (vehicle.id, found.state.value, found.reason)
    if not changed:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM vehicles_vehicle WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
            [sorted(changed)],
        )
        free = [changed[row[0]] for row in cursor.fetchall()]
    key, *status = columns(Vehicle, "id", "pairing_state", "pairing_reason")
    update_rows("vehicles_vehicle", key, status, free)


def _write_due(due: Sequence[tuple[int, datetime | None]]) -> None:
    key, due_at = columns(Driver, "id", "due_at")
    update_rows("vehicles_driver", key, (due_at,), due)
