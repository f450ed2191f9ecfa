"""Reminders: a group hears again of what is still open and nobody acknowledged, in one mail, every n hours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from core.sql import Col, columns, update_rows
from infra_notifications.choices import NotificationKind, NotificationState
from infra_notifications.event_kinds import GROUP_REMINDER
from infra_notifications.models import Incident, NotificationDecision, NotificationGroup
from infra_notifications.services.context import context_of
from infra_notifications.services.decisions import (
    NotificationRow,
    addresses_of,
    insert_notifications,
    members_among,
    remind_at,
)
from infra_notifications.services.payloads import LISTED, MailThread, incidents_payload, threads_of
from outbox.contract import NewEvent
from outbox.services import publish
from outbox.services.mailing_lists.lists import mail_to_list

REMIND_LIMIT = 5_000


def send_reminders(*, now: datetime, limit: int = REMIND_LIMIT) -> int:
    """Reminds the groups whose reminders are due and returns how many incidents were looked at.

    A group that is reminded of one incident is reminded of all that it was told of and that are still open, so that
    it gets one mail every n hours, not one per incident.
    """
    with transaction.atomic():
        due = NotificationDecision.objects.filter(remind_at__lte=now)
        ids = set(due.order_by("remind_at").values_list("group_id", flat=True)[:limit])
        if None in ids:  # it was deleted, and nobody is left to remind
            due.filter(group__isnull=True).update(remind_at=None)
        # Groups come after notifications in the order of locks; here they come first, so nothing is waited for.
        groups = NotificationGroup.objects.select_for_update(no_key=True, skip_locked=True).filter(pk__in=ids - {None})
        free = {group.pk: group for group in groups.order_by("pk")}
        # Asked once more: whoever held a group a moment ago has reminded it.
        still_due = due.filter(group_id__in=free).values("group_id")
        waiting = NotificationDecision.objects.filter(remind_at__isnull=False, group_id__in=still_due)
        unlocked = waiting.select_for_update(of=("self",), skip_locked=True).order_by("id")
        locked = list(unlocked.values_list("pk", flat=True)[:limit])
        if locked:
            _ReminderRound(locked, free, now).remind()
    return len(locked)


class _OpenAlert(NamedTuple):
    """An alert that a group was told of, with what deciding about its reminder needs."""

    pk: int
    group_id: int
    thread: str
    incident_id: int
    case: str
    opened_at: datetime
    closed_at: datetime | None
    acknowledged_at: datetime | None
    charge_point_id: int


_OPEN_ALERT = (
    "pk",
    "group_id",
    "thread",
    "incident_id",
    "incident__case",
    "incident__opened_at",
    "incident__closed_at",
    "incident__acknowledgement__at",
    "incident__charge_point_id",
)


class _ReminderRound:
    """One round of reminders; everything it needs is read once, whatever the number of groups.

    Messages wait for the notifications that are locked here, so only what a mail lists is read in full.
    """

    def __init__(self, ids: Sequence[int], groups: dict[int, NotificationGroup], now: datetime) -> None:
        self.now, self.groups = now, groups
        found = (
            NotificationDecision.objects.filter(pk__in=ids)
            .order_by("incident__opened_at", "id")
            .values_list(*_OPEN_ALERT)
        )
        self.alerts = [_OpenAlert(*row) for row in found]
        group_ids = {alert.group_id for alert in self.alerts}
        self.addresses, _paused = addresses_of(group_ids)
        points = {alert.charge_point_id for alert in self.alerts}
        self.members = members_among(group_ids, points)
        self.maintenance = context_of(points, now).maintenance

    def remind(self) -> None:
        notified: dict[int, list[_OpenAlert]] = defaultdict(list)
        next_times: list[tuple[int, datetime | None]] = []
        for alert in self.alerts:
            group = self.groups[alert.group_id]
            if not self._is_to_remind(alert, group):
                next_times.append((alert.pk, None))
            elif (until := self.maintenance.get(alert.charge_point_id)) is not None:
                next_times.append((alert.pk, until))
            else:
                next_times.append((alert.pk, remind_at(group, self.now)))
                if self.addresses[group.pk]:
                    notified[group.pk].append(alert)
        self._publish(notified)
        update_rows(
            "infra_notifications_notice", Col("id", "bigint"), columns(NotificationDecision, "remind_at"), next_times
        )

    def _is_to_remind(self, alert: _OpenAlert, group: NotificationGroup) -> bool:
        return (
            alert.closed_at is None
            and alert.acknowledged_at is None
            and alert.case in group.cases
            and (group.pk, alert.charge_point_id) in self.members
            and remind_at(group, self.now) is not None
        )

    def _publish(self, notified: dict[int, list[_OpenAlert]]) -> None:
        listed = [alert.incident_id for alerts in notified.values() for alert in alerts[:LISTED]]
        incidents = Incident.objects.select_related("charge_point__state").in_bulk(listed)
        events: dict[int, NewEvent] = {}
        threads = {group_id: _common_thread(alerts) for group_id, alerts in notified.items()}
        known = threads_of(threads.values()) if threads else {}
        for group_id, alerts in notified.items():
            group, first = self.groups[group_id], [incidents[alert.incident_id] for alert in alerts[:LISTED]]
            events[group_id] = mail_to_list(
                group,
                self.addresses[group_id],
                kind=GROUP_REMINDER,
                payload=incidents_payload(
                    group,
                    first,
                    counts=(len(alerts), len({alert.charge_point_id for alert in alerts})),
                    about=known.get(threads[group_id], MailThread()).about,
                ),
                dedup_key=f"{GROUP_REMINDER}:{group_id}:{self.now.timestamp():.6f}",
                occurred_at=alerts[0].opened_at,
                thread=threads[group_id],
            )
        ids = publish(events=list(events.values()), now=self.now)
        rows: list[NotificationRow] = []
        for group_id, event in events.items():
            group, event_id = self.groups[group_id], ids.get(event.dedup_key)
            rows += [
                (
                    alert.incident_id,
                    group.pk,
                    group.name,
                    NotificationKind.REMINDER,
                    NotificationState.SENT,
                    "",
                    None,
                    self.now,
                    event.thread or event.uuid.hex,
                    event_id,
                    None,
                )
                for alert in notified[group_id]
            ]
        insert_notifications(rows)
        NotificationGroup.objects.filter(pk__in=events).update(last_notified_at=self.now)


def _common_thread(alerts: Sequence[_OpenAlert]) -> str:
    """A reminder of one alert answers in its thread; one of several begins its own."""
    threads = {alert.thread for alert in alerts}
    return threads.pop() if len(threads) == 1 else ""
