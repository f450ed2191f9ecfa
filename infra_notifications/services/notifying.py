"""Tells what is due: decides each waiting notification once more and writes one mail per group.

The first incident of a group mails at once; what opens within the next minute (CHARGING_GATHER_S) is gathered into
one mail. All-clears answer in the thread of the alert that told the incident, gathered in the same way. What a
maintenance held back and what flaps have mails of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from core.sql import Col, columns, update_rows
from infra_notifications.choices import CloseReason, NotificationKind, NotificationReason, NotificationState
from infra_notifications.event_kinds import (
    GROUP_ALERT,
    GROUP_FLAPPING,
    GROUP_RECOVERY,
    GROUP_STILL_BROKEN,
    MailSubject,
)
from infra_notifications.models import Incident, NotificationDecision, NotificationGroup
from infra_notifications.rules.decisions import (
    Decision,
    Listener,
    Situation,
    Waited,
    decide_recovery,
    decide_waiting,
    is_flapping_news,
)
from infra_notifications.services.context import NotificationContext, context_of
from infra_notifications.services.decisions import (
    NotificationRow,
    addresses_of,
    insert_notifications,
    listener_of,
    members_among,
    notification_row,
    remind_at,
    successors_of,
    unheard_by,
)
from infra_notifications.services.payloads import MailThread, flapping_payload, incidents_payload, threads_of
from outbox.contract import NewEvent
from outbox.rules.deciding import window_end
from outbox.services import publish
from outbox.services.mailing_lists.lists import mail_to_list

NOTIFY_LIMIT = 5_000
# What a digest holds is told by `services/digests.py`, unless its group wants no digest any more.
_NOT_IN_A_DIGEST = ~Q(reason=NotificationReason.DIGEST) | Q(group__isnull=True) | Q(group__digest_due_at__isnull=True)


def notify_due(
    *, now: datetime, incident_ids: Sequence[int] | None = None, context: NotificationContext | None = None
) -> int:
    """Publishes the mails of all waiting notifications that are due and returns how many notifications were decided.

    With `incident_ids`, only those of the groups that these incidents concern: what a batch just opened or closed,
    and what was gathered for them meanwhile, or a steady stream of new incidents would always go first. `context` is
    what is known already of their surroundings.
    """
    with transaction.atomic():
        due = NotificationDecision.objects.filter(_NOT_IN_A_DIGEST, state=NotificationState.WAITING, due_at__lte=now)
        if incident_ids is not None:
            concerned = Q(incident_id__in=incident_ids) | Q(successor_id__in=incident_ids)
            groups = due.filter(concerned, group__isnull=False).values_list("group_id", flat=True)
            due = due.filter(group_id__in=set(groups))
        free = due.select_for_update(of=("self",), skip_locked=True).order_by("id")
        locked = list(free.values_list("pk", flat=True)[:NOTIFY_LIMIT])
        if locked:
            # Read after the lock: an incident that closed in between is then told as over.
            found = NotificationDecision.objects.filter(pk__in=locked).select_related("incident__charge_point__state")
            NotificationRound(list(found.order_by("id")), now, context).notify()
    return len(locked)


class NotificationRound:
    """One round of telling: decides each due notification again with what holds now, and writes one mail per group."""

    def __init__(
        self, notifications: Sequence[NotificationDecision], now: datetime, context: NotificationContext | None = None
    ) -> None:
        self.now = now
        self.notifications = notifications
        points = {notification.incident.charge_point_id for notification in notifications}
        known = context is not None and points <= context.points
        self.context = context if context is not None and known else context_of(points, now)
        self._lock_groups(
            {notification.group_id for notification in notifications if notification.group_id is not None}
        )
        self.members = members_among(self.groups, points)
        self.open_cases = self._read_open_cases()
        going_on = {one.successor_id for one in notifications if one.successor_id is not None}
        self.successors = successors_of(going_on)
        ended = Incident.objects.filter(closed_at__isnull=False).select_related("charge_point__state")
        self.ended = ended.in_bulk(going_on) if going_on else {}
        self.changes: list[tuple[object, ...]] = []
        self.events: list[tuple[NewEvent, list[NotificationDecision]]] = []

    def _lock_groups(self, ids: set[int]) -> None:
        """Locked so that two rounds never open two gathering windows of one group; "no key" because inserting a
        notification holds a key share lock on its group."""
        locked = NotificationGroup.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
        self.groups = {group.pk: group for group in locked}
        self.addresses, self.paused = addresses_of(ids)

    def _read_open_cases(self) -> set[tuple[int, str]]:
        """The open cases at charge points whose flapping held an all-clear back."""
        points = {
            notification.incident.charge_point_id
            for notification in self.notifications
            if notification.kind == NotificationKind.RECOVERED and notification.reason == NotificationReason.FLAPPING
        }
        found = Incident.objects.filter(charge_point_id__in=points, closed_at__isnull=True)
        return set(found.values_list("charge_point_id", "case"))

    # ---- deciding -----------------------------------------------------------------------------------------------

    def notify(self) -> None:
        alerts: dict[int, dict[str, list[NotificationDecision]]] = defaultdict(lambda: defaultdict(list))
        recoveries: dict[tuple[int, str], list[NotificationDecision]] = defaultdict(list)
        for notification in self.notifications:
            situation = self.situation_of(notification)
            if not self.is_still_due(notification, situation):
                continue
            group_id = notification.group_id or 0
            if notification.kind == NotificationKind.RECOVERED:
                recoveries[group_id, notification.thread].append(notification)
            else:
                alerts[group_id][self._mail_of(situation)].append(notification)
        self._notify_alerts(alerts)
        self._notify_recoveries(recoveries)
        self.write()

    def _mail_of(self, situation: Situation) -> str:
        if is_flapping_news(situation, self.now):
            return GROUP_FLAPPING
        return GROUP_STILL_BROKEN if situation.waited_for(NotificationReason.MAINTENANCE) else GROUP_ALERT

    def situation_of(self, notification: NotificationDecision) -> Situation:
        incident = notification.incident
        pair = (incident.charge_point_id, incident.case)
        return Situation(
            incident.case,
            incident.opened_at,
            incident.last_raised_at,
            incident.closed_at,
            transient=incident.close_reason == CloseReason.TRANSIENT,
            maintenance_until=self.context.maintenance.get(pair[0]),
            flapping_until=self.context.flapping.get(pair),
            left_group=(notification.group_id, pair[0]) not in self.members,
            open_again=pair in self.open_cases,
            goes_on_as=self.successors.get((notification.group_id or 0, notification.successor_id or 0)),
            source_silent_until=self.context.source_silent_until(pair[0], incident.faults),
            waited=Waited(NotificationReason(notification.reason), notification.due_at)
            if notification.due_at is not None
            else None,
            silent_since=incident.silent_since,
        )

    def listener_of(self, group: NotificationGroup) -> Listener:
        return listener_of(group, has_address=bool(self.addresses[group.pk]), is_paused=bool(self.paused[group.pk]))

    def is_still_due(self, notification: NotificationDecision, situation: Situation) -> bool:
        """Decides a waiting notification again: its group or incident may have changed meanwhile."""
        group = self.groups.get(notification.group_id or 0)
        if group is None:
            self._change(notification, NotificationState.SKIPPED, NotificationReason.LEFT_GROUP)
            return False
        listener = self.listener_of(group)
        # Who was told of an incident is told of its end, member or not.
        is_opening = notification.kind == NotificationKind.OPENED
        decide = decide_waiting if is_opening else decide_recovery
        decision = decide(situation, listener, self.now)
        if decision.notifies:
            return True
        state = NotificationState.WAITING if decision.due_at else NotificationState.SKIPPED
        self._change(notification, state, decision.reason, decision.due_at)
        return False

    def _change(
        self,
        notification: NotificationDecision,
        state: NotificationState,
        reason: NotificationReason,
        due_at: datetime | None = None,
        reminder: datetime | None = None,
    ) -> None:
        self.changes.append(
            (notification.pk, state, reason, due_at, self.now, notification.event_id, notification.thread, reminder)
        )

    # ---- gathering into mails -----------------------------------------------------------------------------------

    def _notify_alerts(self, alerts: dict[int, dict[str, list[NotificationDecision]]]) -> None:
        window = timedelta(seconds=settings.CHARGING_GATHER_S)
        for group_id, by_kind in alerts.items():
            group = self.groups[group_id]
            until = window_end(group.gathering_until, settings.CHARGING_GATHER_S, self.now)
            # What a maintenance held back comes together anyway, and was waited for long enough.
            self._notify_incidents(group, GROUP_STILL_BROKEN, by_kind.pop(GROUP_STILL_BROKEN, []))
            if not by_kind:
                continue
            if until is not None:
                self._gather(by_kind, until)
                continue
            group.gathering_until = self.now + window
            self._notify_flapping(group, by_kind.pop(GROUP_FLAPPING, []))
            self._notify_incidents(group, GROUP_ALERT, by_kind.pop(GROUP_ALERT, []))

    def _gather(self, by_kind: dict[str, list[NotificationDecision]], until: datetime) -> None:
        for kind, notifications in by_kind.items():
            reason = NotificationReason.FLAPPING if kind == GROUP_FLAPPING else NotificationReason.GATHERED
            for notification in notifications:
                self._change(notification, NotificationState.WAITING, reason, until)

    def _notify_recoveries(self, recoveries: dict[tuple[int, str], list[NotificationDecision]]) -> None:
        window = timedelta(seconds=settings.CHARGING_GATHER_S)
        threads = threads_of(thread for _, thread in recoveries) if recoveries else {}
        unheard = unheard_by(
            [(group_id, one.incident) for (group_id, _thread), those in recoveries.items() for one in those],
            self.addresses,
        )
        for (group_id, thread), notifications in recoveries.items():
            group, (about, notified) = self.groups[group_id], threads.get(thread, MailThread())
            if window and notified is not None and self.now < notified + window:
                for notification in notifications:
                    self._change(
                        notification, NotificationState.WAITING, NotificationReason.GATHERED, notified + window
                    )
                continue
            for to, those in self._by_those_who_heard(group_id, notifications, unheard).items():
                self._notify_incidents(group, GROUP_RECOVERY, those, thread, about, to)

    def _by_those_who_heard(
        self, group_id: int, notifications: list[NotificationDecision], unheard: dict[tuple[int, int], set[str]]
    ) -> dict[tuple[str, ...], list[NotificationDecision]]:
        """All-clears by who heard of the beginning: an address that came later, and was told of nothing, gets none."""
        addresses = self.addresses[group_id]
        found: dict[tuple[str, ...], list[NotificationDecision]] = defaultdict(list)
        for notification in notifications:
            deaf = unheard.get((group_id, notification.incident_id), ())
            found[tuple(address for address in addresses if address not in deaf)].append(notification)
        for notification in found.pop((), ()):
            self._change(notification, NotificationState.SKIPPED, NotificationReason.NOBODY_LEFT)
        return found

    def _notify_incidents(
        self,
        group: NotificationGroup,
        kind: str,
        notifications: list[NotificationDecision],
        thread: str = "",
        about: MailSubject | None = None,
        to: Iterable[str] | None = None,
    ) -> None:
        if notifications:
            # What went on as another incident is over as that.
            those = dict.fromkeys(self.ended.get(one.successor_id or 0, one.incident) for one in notifications)
            payload = incidents_payload(group, list(those), about=about)
            self.add_mail(group, kind, payload, notifications, thread, to)

    def _notify_flapping(self, group: NotificationGroup, notifications: list[NotificationDecision]) -> None:
        if notifications:
            self.add_mail(group, GROUP_FLAPPING, flapping_payload(group, notifications, self.context), notifications)

    def add_mail(
        self,
        group: NotificationGroup,
        kind: str,
        payload: msgspec.Struct,
        notifications: list[NotificationDecision],
        thread: str = "",
        to: Iterable[str] | None = None,
    ) -> None:
        """Plans a mail that tells these notifications; a digest of what is still open has none. `to`: not to all."""
        group.last_notified_at = self.now
        about = f"notice:{notifications[0].pk}" if notifications else f"group:{group.pk}"
        event = mail_to_list(
            group,
            self.addresses[group.pk] if to is None else to,
            kind=kind,
            payload=payload,
            dedup_key=f"{kind}:{about}:{self.now.timestamp():.6f}",
            occurred_at=min((notification.incident.opened_at for notification in notifications), default=self.now),
            thread=thread,
        )
        self.events.append((event, notifications))

    # ---- writing ------------------------------------------------------------------------------------------------

    def write(self) -> dict[str, int]:
        """Publishes the mails and notes what became of each notification; returns the events' ids by their keys."""
        ids = publish(events=[event for event, _ in self.events], now=self.now)
        told_over: list[NotificationRow] = []
        for event, notifications in self.events:
            for notification in notifications:
                told_over += self._settle(notification, event, ids.get(event.dedup_key))
        update_rows("infra_notifications_notice", Col("id", "bigint"), _CHANGED, self.changes)
        insert_notifications(told_over)
        update_rows(
            "infra_notifications_notificationgroup",
            Col("id", "bigint"),
            columns(NotificationGroup, "gathering_until", "last_notified_at", "digest_due_at"),
            [(g.pk, g.gathering_until, g.last_notified_at, g.digest_due_at) for g in self.groups.values()],
        )
        return ids

    def _settle(
        self, notification: NotificationDecision, event: NewEvent, event_id: int | None
    ) -> list[NotificationRow]:
        """Notes that a notification was told, and that an incident told as over needs no all-clear."""
        group, incident = self.groups[notification.group_id or 0], notification.incident
        notification.event_id = event_id
        # In a digest an end keeps the thread of its beginning.
        notification.thread = notification.thread or event.thread or event.uuid.hex
        is_opening = notification.kind == NotificationKind.OPENED
        reminder = remind_at(group, self.now) if is_opening and incident.is_open else None
        self._change(notification, NotificationState.SENT, NotificationReason.NONE, reminder=reminder)
        if not is_opening or incident.is_open:
            return []
        decision = Decision(NotificationReason.NOTIFIED_TOGETHER)
        return [
            notification_row(incident.pk, group, NotificationKind.RECOVERED, decision, self.now, notification.thread)
        ]


_CHANGED = columns(NotificationDecision, "state", "reason", "due_at", "decided_at", "event_id", "thread", "remind_at")
