"""Writes what was decided: the notifications, their steps, and the events that notify drivers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from django.conf import settings
from django.urls import reverse
from msgspec import UNSET, UnsetType

from core.sql import columns, insert_rows, take_ids, update_rows
from outbox.choices import BannerState
from outbox.contract import NewEvent, Recipient
from outbox.services import banners, publish
from vehicles.choices import SHOWN, Category, DriverChannel, DriverSeverity, NotificationState, StepKind
from vehicles.event_kinds import CREATED, RESOLVED, DriverFacts, LinkFacts, NamedWords, NotificationFacts, VehicleFacts
from vehicles.models import Driver, DriverNotification, NotificationStep
from vehicles.rules.deciding import Change, Policy
from vehicles.services.banners import banner_recipient, events_that_notified
from vehicles.services.texts import Words

_ROW = ("state", "reason", "root", "told_at", "times_told", "repeats", "last_seen_at", "due_at", "ended_at")
_STATE = columns(DriverNotification, *_ROW, "ways", "language", "title", "body", "facts")
_IDENTITY = columns(
    DriverNotification,
    *("id", "driver_id", "type", "subject", "vehicle_id", "severity", "category", "begins", "created_at"),
    "brake_key",
)
_STEP = columns(NotificationStep, "notification_id", "at", "kind", "reason", "detail", "event_id")
_OCCASIONS = {StepKind.NOTIFIED: "new", StepKind.RETURNED: "returned", StepKind.REMINDED: "reminder"}


@dataclass(slots=True)
class Item:
    """A decided change of one driver, with the words that the driver reads and the facts that fill them."""

    driver: Driver
    change: Change
    vehicle_key: str = ""
    brand: str = ""
    model: str = ""
    brake_key: str = ""
    # As the driver's app shows them, and as an event holds them: without the driver's name, or with its place.
    words: Words = field(default_factory=lambda: Words("", ""))
    nameless: Words = field(default_factory=lambda: Words("", ""))
    named: Words | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    # In which language these are, and what the driver's programme says of sender and look.
    language: str = "en"
    look: Mapping[str, Any] = field(default_factory=dict)


def write_changes(*, items: Sequence[Item], now: datetime) -> None:
    """Writes decided changes and publishes what follows, in a fixed number of statements."""
    new = [item for item in items if not item.change.row.id]
    for item, pk in zip(new, take_ids("vehicles_drivernotification", len(new)) if new else (), strict=True):
        item.change.row.id = pk
    fresh = {item.change.row.id for item in new}
    insert_rows("vehicles_drivernotification", (*_IDENTITY, *_STATE), [(*_identity(i), *_state(i)) for i in new])
    old = [(item.change.row.id, *_state(item)) for item in items if item.change.row.id not in fresh]
    update_rows("vehicles_drivernotification", _IDENTITY[0], _STATE, old)
    again = [item.change.row.id for item in items if item.change.notify_by and item.change.row.id not in fresh]
    if again:
        # What was reported of a push is said of the last one.
        told = DriverNotification.objects.filter(pk__in=again).exclude(push_state="")
        told.update(push_state="", push_at=None, push_reason="")
    _end_banners([item for item in items if item.change.row.id not in fresh], now)
    event_ids = _publish(items, now)
    _write_steps(items, event_ids, now)


def _end_banners(items: Sequence[Item], now: datetime) -> None:
    """Takes away the banners of what is over or held back, and those in whose place another one is shown."""
    over: dict[BannerState, list[int]] = defaultdict(list)
    for item in items:
        change, row = item.change, item.change.row
        if row.times_told and (change.notify_by or row.state not in SHOWN):
            is_expired = row.state == NotificationState.EXPIRED
            over[BannerState.EXPIRED if is_expired else BannerState.RESOLVED].append(row.id)
    for state, ids in over.items():
        banners.end_of_events(event_ids=[pk for pk in events_that_notified(ids) if pk], state=state, now=now)


def _state(item: Item) -> tuple[Any, ...]:
    return (
        *(getattr(item.change.row, name) for name in _ROW),
        msgspec.json.encode(item.change.policy.ways).decode(),
        item.language,
        item.words.title[:300],
        item.words.body,
        msgspec.json.encode(item.facts).decode(),
    )


def _identity(item: Item) -> tuple[Any, ...]:
    row, policy, window = item.change.row, item.change.policy, item.change.window
    vehicle_id = window.vehicle_id if window is not None else None
    return (
        row.id,
        item.driver.pk,
        row.type,
        row.subject,
        vehicle_id,
        policy.severity,
        policy.category,
        row.begins,
        row.created_at,
        item.brake_key,
    )


def _publish(items: Sequence[Item], now: datetime) -> dict[tuple[int, str], int]:
    """The ids of the events by notification and kind."""
    events: dict[tuple[int, str], NewEvent] = {}
    for item in items:
        row = item.change.row
        if item.change.notify_by:
            events[row.id, CREATED] = created_event(item, now)
        elif item.change.withdraw:
            key = f"vehicle-notification/{row.id}/{row.times_told}/over"
            payload = payload_of(item, "", row.reason)
            events[row.id, RESOLVED] = NewEvent(RESOLVED, _subject(item), payload, key, now)
    ids = publish(events=list(events.values()), now=now)
    return {key: ids[event.dedup_key] for key, event in events.items() if event.dedup_key in ids}


def created_event(item: Item, now: datetime) -> NewEvent:
    row, occasion = item.change.row, _occasion(item.change)
    return NewEvent(
        CREATED,
        _subject(item),
        payload_of(item, occasion),
        f"vehicle-notification/{row.id}/{row.times_told}",
        now,
        recipients=recipients_of(item),
    )


def _occasion(change: Change) -> str:
    return next((_OCCASIONS[step.kind] for step in change.steps if step.kind in _OCCASIONS), "new")


def _subject(item: Item) -> str:
    return f"driver:{item.driver.external_id}"[:120]


def recipients_of(item: Item) -> tuple[Recipient, ...]:
    """E-mail and banner; a push needs no recipient, because the app's backend hears of the event by webhook."""
    driver, change, recipients = item.driver, item.change, []
    if DriverChannel.EMAIL in change.notify_by:
        # What is critical cannot be unsubscribed by a click: it would leave the driver without charging.
        critical = change.policy.severity == DriverSeverity.CRITICAL
        list_key = "" if critical else list_key_of(driver, change.policy.category)
        recipients.append(Recipient(driver.email, list_key=list_key, language=item.language))
    if DriverChannel.BANNER in change.notify_by:
        recipients.append(banner_recipient(driver.external_id, item.language))
    return tuple(recipients)


def list_key_of(driver: Driver, category: str) -> str:
    """A category of one driver's notifications as a mailing list that can be left."""
    return f"driver_category:{driver.pk}:{Category(category).value}"


def payload_of(item: Item, occasion: str, reason: str = "") -> NotificationFacts:
    row, policy, driver = item.change.row, item.change.policy, item.driver
    vehicle = None
    if item.vehicle_key:
        vehicle = VehicleFacts(id=item.vehicle_key, brand=item.brand, model=item.model)
    return NotificationFacts(
        id=row.id,
        type=row.type,
        state=row.state,
        channels=list(item.change.notify_by or policy.ways),
        severity=policy.severity,
        category=policy.category,
        driver=DriverFacts(id=driver.external_id, language=driver.language),
        vehicle=vehicle,
        subject=row.subject,
        title=item.nameless.title,
        body=item.nameless.body,
        language=item.language,
        program=driver.program,
        since=row.begins,
        occasion=occasion,
        reason=reason,
        url=notification_url(row.id),
        facts=dict(item.facts),
        link=link_facts(policy, driver.program),
        **item.look,
        named=NamedWords(title=item.named.title, body=item.named.body) if item.named is not None else UNSET,
    )


def link_facts(policy: Policy, program: str) -> LinkFacts | UnsetType:
    link = policy.link_for(program)
    return LinkFacts(url=link[0], label=link[1]) if link else UNSET


def notification_url(pk: int) -> str:
    before, _, after = _path_of_nothing().rpartition("0")
    return f"{settings.PUBLIC_URL}{before}{pk}{after}" if pk else ""


@cache
def _path_of_nothing() -> str:
    """To ask for each path anew takes longer than the rules."""
    return reverse("vehicles:notification", args=[0])


def _write_steps(items: Sequence[Item], event_ids: Mapping[tuple[int, str], int], now: datetime) -> None:
    rows = []
    for item in items:
        row = item.change.row
        for step in item.change.steps:
            kind = CREATED if step.kind in _OCCASIONS else RESOLVED
            is_published = step.kind in (*_OCCASIONS, StepKind.WITHDRAWN, StepKind.RESOLVED, StepKind.EXPIRED)
            event_id = event_ids.get((row.id, kind)) if is_published else None
            rows.append((row.id, now, step.kind, step.reason, step.detail[:120], event_id))
    insert_rows("vehicles_notificationstep", _STEP, rows)
