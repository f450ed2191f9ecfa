"""Tells what is due: decides each waiting notice once more and writes one mail per group.

The first incident of a group mails at once; what opens within the next minute (CHARGING_GATHER_S) is gathered into
one mail. All-clears answer in the thread of the alert that told the incident, gathered in the same way. What a
maintenance held back and what flaps have mails of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q

from core.sql import Col, columns, update_rows
from infra_notifications.choices import CloseReason, NoticeKind, NoticeReason, NoticeState
from infra_notifications.event_kinds import GROUP_ALERT, GROUP_FLAPPING, GROUP_RECOVERY, GROUP_STILL_BROKEN
from infra_notifications.models import Incident, Notice, NotificationGroup
from infra_notifications.rules.telling import (
    Decision,
    Facts,
    Listener,
    Waited,
    decide_recovery,
    decide_waiting,
    is_flapping_news,
)
from infra_notifications.services.circumstances import Circumstances, circumstances_of
from infra_notifications.services.notices import (
    NoticeRow,
    addresses_of,
    insert_notices,
    listener_of,
    members_among,
    notice_row,
    remind_at,
)
from infra_notifications.services.payloads import flapping_payload, incidents_payload
from outbox.contract import NewEvent
from outbox.rules import window_end
from outbox.services import publish
from outbox.services.mailing_lists.lists import mail_to_list

TELL_LIMIT = 5_000
# What a digest holds is told by `services/digests.py`, unless its group wants no digest any more.
_NOT_IN_A_DIGEST = ~Q(reason=NoticeReason.DIGEST) | Q(group__isnull=True) | Q(group__digest_due_at__isnull=True)


def tell_due(*, now: datetime, incident_ids: Sequence[int] | None = None, around: Circumstances | None = None) -> int:
    """Publishes the mails of all waiting notices that are due and returns how many notices were decided.

    With `incident_ids`, only those of the groups that these incidents concern: what a batch just opened or closed,
    and what was gathered for them meanwhile, or a steady stream of new incidents would always go first. `around` is
    what is known already of their surroundings.
    """
    with transaction.atomic():
        due = Notice.objects.filter(_NOT_IN_A_DIGEST, state=NoticeState.WAITING, due_at__lte=now)
        if incident_ids is not None:
            groups = due.filter(incident_id__in=incident_ids, group__isnull=False).values_list("group_id", flat=True)
            due = due.filter(group_id__in=set(groups))
        free = due.select_for_update(of=("self",), skip_locked=True).order_by("id")
        locked = list(free.values_list("pk", flat=True)[:TELL_LIMIT])
        if locked:
            # Read after the lock: an incident that closed in between is then told as over.
            found = Notice.objects.filter(pk__in=locked).select_related("incident__charge_point__state")
            Telling(list(found.order_by("id")), now, around).tell()
    return len(locked)


class Telling:
    """One round of telling: decides each due notice again with what holds now, and writes one mail per group."""

    def __init__(self, notices: Sequence[Notice], now: datetime, around: Circumstances | None = None) -> None:
        self.now = now
        self.notices = notices
        points = {notice.incident.charge_point_id for notice in notices}
        known = around is not None and points <= around.points
        self.around = around if around is not None and known else circumstances_of(points, now)
        self._lock_groups({notice.group_id for notice in notices if notice.group_id is not None})
        self.members = members_among(self.groups, points)
        self.open_cases = self._read_open_cases()
        self.changes: list[tuple[object, ...]] = []
        self.events: list[tuple[NewEvent, list[Notice]]] = []

    def _lock_groups(self, ids: set[int]) -> None:
        """Locked so that two rounds never open two gathering windows of one group; "no key" because inserting a
        notice holds a key share lock on its group."""
        locked = NotificationGroup.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
        self.groups = {group.pk: group for group in locked}
        self.addresses = addresses_of(ids)

    def _read_open_cases(self) -> set[tuple[int, str]]:
        """The open cases at charge points whose flapping held an all-clear back."""
        points = {
            notice.incident.charge_point_id
            for notice in self.notices
            if notice.kind == NoticeKind.RECOVERED and notice.reason == NoticeReason.FLAPPING
        }
        found = Incident.objects.filter(charge_point_id__in=points, closed_at__isnull=True)
        return set(found.values_list("charge_point_id", "case"))

    # ---- deciding -----------------------------------------------------------------------------------------------

    def tell(self) -> None:
        alerts: dict[int, dict[str, list[Notice]]] = defaultdict(lambda: defaultdict(list))
        recoveries: dict[tuple[int, str], list[Notice]] = defaultdict(list)
        for notice in self.notices:
            facts = self.facts_of(notice)
            if not self.still_to_tell(notice, facts):
                continue
            group_id = notice.group_id or 0
            if notice.kind == NoticeKind.RECOVERED:
                recoveries[group_id, notice.thread].append(notice)
            else:
                alerts[group_id][self._mail_of(facts)].append(notice)
        self._tell_alerts(alerts)
        self._tell_recoveries(recoveries)
        self.write()

    def _mail_of(self, facts: Facts) -> str:
        if is_flapping_news(facts, self.now):
            return GROUP_FLAPPING
        return GROUP_STILL_BROKEN if facts.waited_for(NoticeReason.MAINTENANCE) else GROUP_ALERT

    def facts_of(self, notice: Notice) -> Facts:
        incident = notice.incident
        pair = (incident.charge_point_id, incident.case)
        return Facts(
            incident.case,
            incident.opened_at,
            incident.last_raised_at,
            incident.closed_at,
            momentary=incident.close_reason == CloseReason.MOMENTARY,
            maintenance_until=self.around.maintenance.get(pair[0]),
            flapping_until=self.around.flapping.get(pair),
            left_group=(notice.group_id, pair[0]) not in self.members,
            open_again=pair in self.open_cases,
            waited=Waited(NoticeReason(notice.reason), notice.due_at) if notice.due_at is not None else None,
        )

    def listener_of(self, group: NotificationGroup) -> Listener:
        return listener_of(group, has_address=bool(self.addresses[group.pk]))

    def still_to_tell(self, notice: Notice, facts: Facts) -> bool:
        """Decides a waiting notice again: its group or incident may have changed meanwhile."""
        group = self.groups.get(notice.group_id or 0)
        if group is None:
            self._change(notice, NoticeState.SKIPPED, NoticeReason.LEFT_GROUP)
            return False
        listener = self.listener_of(group)
        # Who was told of an incident is told of its end, member or not.
        is_opening = notice.kind == NoticeKind.OPENED
        decide = decide_waiting if is_opening else decide_recovery
        decision = decide(facts, listener, self.now)
        if decision.tells:
            return True
        state = NoticeState.WAITING if decision.due_at else NoticeState.SKIPPED
        self._change(notice, state, decision.reason, decision.due_at)
        return False

    def _change(
        self,
        notice: Notice,
        state: NoticeState,
        reason: NoticeReason,
        due_at: datetime | None = None,
        reminder: datetime | None = None,
    ) -> None:
        self.changes.append((notice.pk, state, reason, due_at, self.now, notice.event_id, notice.thread, reminder))

    # ---- gathering into mails -----------------------------------------------------------------------------------

    def _tell_alerts(self, alerts: dict[int, dict[str, list[Notice]]]) -> None:
        window = timedelta(seconds=settings.CHARGING_GATHER_S)
        for group_id, by_kind in alerts.items():
            group = self.groups[group_id]
            until = window_end(group.gathering_until, settings.CHARGING_GATHER_S, self.now)
            # What a maintenance held back comes together anyway, and was waited for long enough.
            self._tell_incidents(group, GROUP_STILL_BROKEN, by_kind.pop(GROUP_STILL_BROKEN, []))
            if not by_kind:
                continue
            if until is not None:
                self._gather(by_kind, until)
                continue
            group.gathering_until = self.now + window
            self._tell_flapping(group, by_kind.pop(GROUP_FLAPPING, []))
            self._tell_incidents(group, GROUP_ALERT, by_kind.pop(GROUP_ALERT, []))

    def _gather(self, by_kind: dict[str, list[Notice]], until: datetime) -> None:
        for kind, notices in by_kind.items():
            reason = NoticeReason.FLAPPING if kind == GROUP_FLAPPING else NoticeReason.GATHERED
            for notice in notices:
                self._change(notice, NoticeState.WAITING, reason, until)

    def _tell_recoveries(self, recoveries: dict[tuple[int, str], list[Notice]]) -> None:
        window = timedelta(seconds=settings.CHARGING_GATHER_S)
        last = dict(
            Notice.objects.filter(
                Q(thread__in={thread for _, thread in recoveries}) & ~Q(thread=""),
                kind=NoticeKind.RECOVERED,
                state=NoticeState.SENT,
            )
            .values_list("thread")
            .annotate(newest=Max("decided_at"))
        )
        for (group_id, thread), notices in recoveries.items():
            group, told = self.groups[group_id], last.get(thread)
            if window and told is not None and self.now < told + window:
                for notice in notices:
                    self._change(notice, NoticeState.WAITING, NoticeReason.GATHERED, told + window)
            else:
                self._tell_incidents(group, GROUP_RECOVERY, notices, thread)

    def _tell_incidents(self, group: NotificationGroup, kind: str, notices: list[Notice], thread: str = "") -> None:
        if notices:
            payload = incidents_payload(group, [notice.incident for notice in notices])
            self.add_mail(group, kind, payload, notices, thread)

    def _tell_flapping(self, group: NotificationGroup, notices: list[Notice]) -> None:
        if notices:
            self.add_mail(group, GROUP_FLAPPING, flapping_payload(group, notices, self.around), notices)

    def add_mail(
        self, group: NotificationGroup, kind: str, payload: msgspec.Struct, notices: list[Notice], thread: str = ""
    ) -> None:
        """Plans a mail that tells these notices; a digest of what is still open has none."""
        group.last_notified_at = self.now
        about = f"notice:{notices[0].pk}" if notices else f"group:{group.pk}"
        event = mail_to_list(
            group,
            self.addresses[group.pk],
            kind=kind,
            payload=payload,
            dedup_key=f"{kind}:{about}:{self.now.timestamp():.6f}",
            occurred_at=min((notice.incident.opened_at for notice in notices), default=self.now),
            thread=thread,
        )
        self.events.append((event, notices))

    # ---- writing ------------------------------------------------------------------------------------------------

    def write(self) -> None:
        ids = publish(events=[event for event, _ in self.events], now=self.now)
        told_over: list[NoticeRow] = []
        for event, notices in self.events:
            for notice in notices:
                told_over += self._told(notice, event, ids.get(event.dedup_key))
        update_rows("infra_notifications_notice", Col("id", "bigint"), _CHANGED, self.changes)
        insert_notices(told_over)
        update_rows(
            "infra_notifications_notificationgroup",
            Col("id", "bigint"),
            columns(NotificationGroup, "gathering_until", "last_notified_at", "digest_due_at"),
            [(g.pk, g.gathering_until, g.last_notified_at, g.digest_due_at) for g in self.groups.values()],
        )

    def _told(self, notice: Notice, event: NewEvent, event_id: int | None) -> list[NoticeRow]:
        """Notes that a notice was told, and that an incident told as over needs no all-clear."""
        group, incident = self.groups[notice.group_id or 0], notice.incident
        notice.event_id = event_id
        # In a digest an end keeps the thread of its beginning.
        notice.thread = notice.thread or event.thread or event.uuid.hex
        is_opening = notice.kind == NoticeKind.OPENED
        reminder = remind_at(group, self.now) if is_opening and incident.is_open else None
        self._change(notice, NoticeState.SENT, NoticeReason.NONE, reminder=reminder)
        if not is_opening or incident.is_open:
            return []
        decision = Decision(NoticeReason.TOLD_TOGETHER)
        return [notice_row(incident.pk, group, NoticeKind.RECOVERED, decision, self.now, notice.thread)]


_CHANGED = columns(Notice, "state", "reason", "due_at", "decided_at", "event_id", "thread", "remind_at")
