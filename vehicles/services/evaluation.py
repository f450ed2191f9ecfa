"""Evaluates drivers: reads what was reported, applies the rules, writes what follows. By facts and by time alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from core.sql import columns, pipelined, update_rows
from outbox.contract import NewEvent
from outbox.subscriptions.matching import Audience, audience_of
from vehicles.choices import LIVE, NotificationState, StepKind
from vehicles.event_kinds import CREATED
from vehicles.models import Driver, Vehicle
from vehicles.rules import windows_of
from vehicles.rules.clocks import as_day
from vehicles.rules.conditions.connection import HEARD_WITHIN, silence_judged_at, silent_at
from vehicles.rules.deciding import Case, Change, DecidedStep, Decision, History, Key, Policy, Row, decide
from vehicles.rules.pairing import Patience, pairing_status, status_changes
from vehicles.rules.sessions import LONGEST_PAUSE
from vehicles.rules.windows import Window
from vehicles.services.brakes import Brakes
from vehicles.services.looks import Looks
from vehicles.services.notifying import Item, created_event, write_changes
from vehicles.services.policies import policies_in_force
from vehicles.services.settling import settle_items
from vehicles.services.snapshots import Subject, read_snapshots
from vehicles.services.telemetry import end_silent_sessions
from vehicles.services.texts import Wording, Words

log = structlog.get_logger("signalbox.vehicles")

AT_ONCE = 500
# A driver whose evaluation fails waits this long, so that nobody behind waits too.
AFTER_A_FAILURE = timedelta(minutes=10)
_ROW = (
    "driver_id, id, title, body, vehicle_id, facts::text, type, subject, state, begins, created_at, reason, root,"
    " told_at, times_told, repeats, last_seen_at, dismissed_at, due_at, ended_at"
)


@dataclass(frozen=True, slots=True)
class _Previous:
    """What a notification was sent with, for when nothing new is sent."""

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
            _evaluate_gently(ids, now)
    return len(ids)


def _claim_due(now: datetime, limit: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM vehicles_driver WHERE due_at <= %s ORDER BY due_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED",
            [now, limit],
        )
        return [row[0] for row in cursor.fetchall()]


def _evaluate_gently(ids: Sequence[int], now: datetime) -> None:
    """Evaluates many at once; when that fails, each alone, so that one whose evaluation fails stops nobody."""
    try:
        with transaction.atomic():
            evaluate(driver_ids=ids, now=now)
        return
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("evaluating drivers failed; each is evaluated alone", drivers=len(ids))
    for driver_id in ids:
        try:
            with transaction.atomic():
                evaluate(driver_ids=[driver_id], now=now)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("a driver could not be evaluated", driver=driver_id)
            _write_due([(driver_id, now + AFTER_A_FAILURE)])


def evaluate(*, driver_ids: Collection[int], now: datetime) -> None:
    """Decides anew about drivers that the caller has locked."""
    if ids := sorted(driver_ids):
        with pipelined():
            _evaluate(ids, now)


def _evaluate(ids: Sequence[int], now: datetime) -> None:
    end_silent_sessions(driver_ids=ids, now=now)
    policies, author, audience = policies_in_force(), _Author(now), audience_of(CREATED)
    subjects = read_snapshots(ids, now)
    windows = {pk: list(windows_of(subject.snapshot, policies.values())) for pk, subject in subjects.items()}
    rows, histories, author.previous = _read_rows(subjects, windows)
    items: list[Item] = []
    due: list[tuple[int, datetime | None]] = []
    patience = _patience(policies)
    brakes = Brakes(subjects, windows, rows, now)
    for pk, subject in subjects.items():
        in_force = [] if subject.driver.removed else windows[pk]
        braked = brakes.held.get(pk, ())
        hears = partial(_is_heard, audience, author, subject)
        decision = decide(in_force, rows.get(pk, []), policies, subject.person, histories[pk], now, braked, hears)
        for change in decision.changes:
            item = author.item(subject, change)
            item.brake_key = brakes.key_of(subject.snapshot, change.policy, change.window)
            items.append(item)
        next_evaluation = _next_evaluation(subject, decision, patience, now)
        if next_evaluation != subject.driver.due_at or subject.driver.unsettled_since is not None:
            due.append((pk, next_evaluation))
    _write_due(due)
    if items:
        write_changes(items=items, now=now)
    _write_statuses(subjects.values(), patience, now)
    settle_items(subjects=subjects, windows=windows, now=now)


def _read_rows(
    subjects: Mapping[int, Subject], windows: Mapping[int, Sequence[tuple[Policy, Window]]]
) -> tuple[dict[int, list[Row]], dict[int, History], dict[int, _Previous]]:
    """The living notifications, and of earlier ones what was notified once for all, notified or dismissed lately."""
    named = sorted({window.subject for some in windows.values() for _policy, window in some})
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_ROW} FROM vehicles_drivernotification"  # noqa: S608 - the columns are ours
            " WHERE driver_id = ANY(%s) AND (state = ANY(%s) OR subject = ANY(%s)) ORDER BY id",
            [list(subjects), [state.value for state in LIVE], named],
        )
        fetched = cursor.fetchall()
    living: dict[int, list[Row]] = defaultdict(list)
    once: dict[int, set[Key]] = defaultdict(set)
    notified: dict[int, dict[Key, datetime]] = defaultdict(dict)
    dismissed: dict[int, dict[Key, datetime]] = defaultdict(dict)
    previous: dict[int, _Previous] = {}
    for driver_id, pk, title, body, vehicle_id, facts, *values in fetched:
        type_, subject, state, begins, created_at, *rest = values
        row = Row(type_, subject, state, begins, created_at, pk, *rest)
        once[driver_id].add(row.key)
        if row.told_at is not None:
            notified[driver_id][row.key] = row.told_at
        if row.dismissed_at is not None:
            dismissed[driver_id][row.key] = row.dismissed_at
        if state in LIVE:
            living[driver_id].append(row)
            previous[pk] = _Previous(Words(title, body), vehicle_id, msgspec.json.decode(facts))
    histories = {pk: History(frozenset(once[pk]), notified[pk], dismissed[pk]) for pk in subjects}
    return living, histories, previous


def _is_heard(audience: Audience, author: _Author, subject: Subject, case: Case) -> bool:
    """Whether somebody takes the push of what is about to be shown: whose condition is asked with the very event."""

    def event() -> NewEvent:
        row = Row(case.policy.name, case.window.subject, NotificationState.OPEN, case.window.begins, author.now)
        again = case.row is not None and case.row.times_told
        steps = [DecidedStep(StepKind.RETURNED if again else StepKind.NOTIFIED)]
        item = author.item(subject, Change(row, case.policy, case.window, steps, notify_by=case.policy.ways))
        return created_event(item, author.now)

    return audience.hears(event)


@dataclass(slots=True)
class _Author:
    """Gives changes their words, in the drivers' languages and as their programmes look."""

    now: datetime
    wording: Wording = field(default_factory=Wording)
    previous: Mapping[int, _Previous] = field(default_factory=dict)
    looks: Looks | None = None

    def item(self, subject: Subject, change: Change) -> Item:
        item = self._worded(subject, change)
        item.language = self.wording.language_for(change.row.type, subject.driver.language)
        self.looks = self.looks or Looks()
        item.look = self.looks.of(subject.driver.program)
        return item

    def _worded(self, subject: Subject, change: Change) -> Item:
        """A change with its words; what is not sent anew keeps those that it was sent with."""
        before, wording = self.previous.get(change.row.id), self.wording
        if before is not None and not change.notify_by:
            item = Item(subject.driver, change, words=before.words, nameless=before.words, facts=before.facts)
            vehicle_id = before.vehicle_id
            name = subject.driver.name
            if name and (name in before.words.title or name in before.words.body):
                item.nameless = _words(item, wording, subject)
        else:
            window = change.window
            item = Item(
                subject.driver, change, facts=_facts_at(window, self.now.astimezone(subject.person.zone).date())
            )
            vehicle_id = window.vehicle_id if window is not None else None
            item.words = item.nameless = _words(item, wording, subject)
            if wording.names_driver(change.row.type, subject.driver.language):
                item.words = _words(item, wording, subject, name=subject.driver.name)
                item.named = _words(item, wording, subject, name="{name}")
        vehicle = next((v for v in subject.snapshot.vehicles if v.id == vehicle_id), None)
        if vehicle is not None:
            item.vehicle_key = vehicle.key
            item.brand = str(vehicle.reports.latest("brand") or "")
            item.model = str(vehicle.reports.latest("model") or "")
        return item


def _facts_at(window: Window | None, today: date) -> dict[str, Any]:
    """The facts of a window; of a day that comes, the days that are left when it is told."""
    facts = dict(window.facts) if window is not None else {}
    if "days" in facts and (day := as_day(facts.get("date"))) is not None:
        facts["days"] = (day - today).days
    return facts


def _words(item: Item, wording: Wording, subject: Subject, **more: str) -> Words:
    """Without `name` those of an event, which never holds it; the app shows them with it."""
    facts = {**item.facts, **more}
    return wording.words(item.change.row.type, subject.driver.language, facts, subject.person.zone)


def _patience(policies: Mapping[str, Policy]) -> Patience:
    """How long is waited, as the notifications about it say."""
    return Patience(
        silence=policies["CarNotReachable"].thresholds["hours"],
        activation=policies["CheckCarActivation"].thresholds["hours"],
        pairing=policies["AudiPairingNotComplete"].thresholds["hours"],
    )


def _next_evaluation(subject: Subject, decision: Decision, patience: Patience, now: datetime) -> datetime | None:
    if subject.driver.removed:
        return None
    moments = [decision.due_at]
    for vehicle in subject.snapshot.vehicles:
        moments += status_changes(vehicle, patience)
        moments += (s.last_at + LONGEST_PAUSE for s in vehicle.sessions if s.last_at and s.ended_at is None)
        asked = silence_judged_at(vehicle, patience.silence)
        if asked is not None and silent_at(vehicle, patience.silence) is None:
            # Its feed is silent, too: once in a while it is asked whether it speaks again.
            moments.append(asked if asked > now else now + HEARD_WITHIN)
    return min((moment for moment in moments if moment is not None and moment > now), default=None)


def _write_statuses(subjects: Iterable[Subject], patience: Patience, now: datetime) -> None:
    """Writes the pairing statuses. A vehicle that a batch of facts holds is left to that batch, which evaluates too."""
    changed: dict[int, tuple[Any, ...]] = {}
    for subject in subjects:
        for vehicle in subject.snapshot.vehicles:
            status = pairing_status(vehicle, patience, now)
            if (status.state, status.reason) != subject.statuses[vehicle.id]:
                changed[vehicle.id] = (vehicle.id, status.state.value, status.reason)
    if not changed:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM vehicles_vehicle WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
            [sorted(changed)],
        )
        free = [changed[row[0]] for row in cursor.fetchall()]
    key, *written = columns(Vehicle, "id", "pairing_state", "pairing_reason")
    update_rows("vehicles_vehicle", key, written, free)


def _write_due(due: Sequence[tuple[int, datetime | None]]) -> None:
    key, *written = columns(Driver, "id", "due_at", "unsettled_since")
    update_rows("vehicles_driver", key, written, [(pk, moment, None) for pk, moment in due])
