"""Who is told of an incident, when, and why not: one Notice per incident, group and kind, decided by the rules.

The first incident of a group mails at once; what opens within the next minute (CHARGING_GATHER_S) is gathered into
one mail. All-clears answer in the thread of the alert that told the incident, gathered in the same way.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef, Q

from console.bulk import Col, insert_rows, update_rows
from infra_notifications import rules
from infra_notifications.choices import CloseReason, NoticeKind, NoticeReason, NoticeState
from infra_notifications.event_kinds import GROUP_ALERT, GROUP_RECOVERY, ChargePointIncident, GroupMail
from infra_notifications.models import GroupAddress, GroupMembership, Notice, NotificationGroup
from infra_notifications.rules import Decision, Facts, IncidentState, Listener
from infra_notifications.services.payloads import (
    charge_point_facts,
    group_url,
    incident_facts,
    incident_url,
)
from outbox.services import NewEvent, Recipient, publish

# A mail lists this many charge points and says how many more there are; the page has them all.
LISTED = 100
TELL_LIMIT = 5_000
# Requests are told in another order than they began: a window that another one opened may end a little later than
# our own would. One that ends much later was made by a clock that was wrong, and does not count.
CLOCK_SLACK = timedelta(minutes=5)

_NOTICE = (
    Col("incident_id", "bigint"),
    Col("group_id", "bigint"),
    Col("group_name", "text"),
    Col("kind", "text"),
    Col("state", "text"),
    Col("reason", "text"),
    Col("due_at", "timestamptz"),
    Col("decided_at", "timestamptz"),
    Col("thread", "text"),
)
_ONCE = "ON CONFLICT (incident_id, group_id, kind) DO NOTHING"


def listener_of(group: NotificationGroup, *, has_address: bool) -> Listener:
    """What the rules need of a group."""
    return Listener(
        frozenset(group.cases),
        {case: group.hold_off_of(case) for case in group.cases},
        has_address,
        group.notify_recovery,
    )


def facts_of(incident: IncidentState) -> Facts:
    """What the rules need of an incident."""
    return Facts(
        incident.case,
        incident.opened_at,
        incident.last_raised_at,
        incident.closed_at,
        incident.close_reason == CloseReason.MOMENTARY,
    )


def _max_age() -> timedelta:
    return timedelta(seconds=settings.CHARGING_MAIL_MAX_AGE_S)


def _row(
    incident_id: int, group: NotificationGroup, kind: str, decision: Decision, now: datetime, thread: str = ""
) -> tuple[object, ...]:
    """A Notice's values. What is to be told waits until `tell_due`, a moment later in the same transaction."""
    due = now if decision.tells else decision.due_at
    state = NoticeState.WAITING if due else NoticeState.SKIPPED
    return (incident_id, group.pk, group.name, kind, state, decision.reason, due, now, thread)


def _groups_of(charge_point_ids: set[int]) -> dict[int, list[tuple[NotificationGroup, Listener]]]:
    """The groups of each charge point, as the rules see them."""
    addresses = GroupAddress.objects.filter(group=OuterRef("group"))
    memberships = (
        GroupMembership.objects.filter(charge_point_id__in=charge_point_ids)
        .select_related("group")
        .annotate(has_address=Exists(addresses))
    )
    found: dict[int, list[tuple[NotificationGroup, Listener]]] = defaultdict(list)
    for membership in memberships:
        listener = listener_of(membership.group, has_address=membership.has_address)
        found[membership.charge_point_id].append((membership.group, listener))
    return found


def open_notices(*, opened: Sequence[tuple[int, IncidentState]], now: datetime) -> None:
    """Decides for each group of each charge point whether an incident that just opened is told, waits, or is not."""
    if not opened:
        return
    groups = _groups_of({cp for cp, _ in opened})
    rows = [
        _row(
            state.id or 0,
            group,
            NoticeKind.OPENED,
            rules.decide_opening(facts_of(state), listener, now, _max_age()),
            now,
        )
        for cp, state in opened
        for group, listener in groups.get(cp, ())
    ]
    insert_rows("infra_notifications_notice", _NOTICE, rows, _ONCE)


def close_notices(*, closed: Sequence[IncidentState], now: datetime) -> None:
    """For incidents that just closed: what waited on hold-off is not told; who was told gets the all-clear."""
    if not closed:
        return
    states = {state.id: state for state in closed if state.id is not None}
    notices = list(
        Notice.objects.select_for_update(of=("self",))
        .filter(incident_id__in=states, kind=NoticeKind.OPENED, group__isnull=False)
        .exclude(state=NoticeState.SKIPPED)
        .select_related("group")
        .annotate(has_address=Exists(GroupAddress.objects.filter(group=OuterRef("group"))))
        .order_by("id")
    )
    in_time, rows = [], []
    for notice in notices:
        state, group = states[notice.incident_id], notice.group
        assert group is not None
        if notice.state == NoticeState.SENT:
            decision = rules.decide_recovery(facts_of(state), listener_of(group, has_address=notice.has_address))
            rows.append(_row(notice.incident_id, group, NoticeKind.RECOVERED, decision, now, notice.thread))
        elif notice.reason == NoticeReason.HOLD_OFF and _was_over_in_time(state, notice):
            in_time.append(notice.pk)
    Notice.objects.filter(pk__in=in_time).update(
        state=NoticeState.SKIPPED, reason=NoticeReason.RECOVERED_IN_TIME, due_at=None, decided_at=now
    )
    insert_rows("infra_notifications_notice", _NOTICE, rows, _ONCE)


def _was_over_in_time(state: IncidentState, notice: Notice) -> bool:
    return state.closed_at is not None and notice.due_at is not None and state.closed_at < notice.due_at


def reconsider_too_old(*, incidents: Sequence[IncidentState], now: datetime) -> None:
    """An incident that was too old to be told was raised anew: now it is news."""
    ids = [state.id or 0 for state in incidents if now - state.last_raised_at <= _max_age()]
    Notice.objects.filter(incident_id__in=ids, state=NoticeState.SKIPPED, reason=NoticeReason.TOO_OLD).update(
        state=NoticeState.WAITING, reason=NoticeReason.NONE, due_at=now, decided_at=now
    )


# ---- telling ----------------------------------------------------------------------------------------------------


def tell_due(*, now: datetime, incident_ids: Sequence[int] | None = None) -> int:
    """Publishes the mails of all waiting notices that are due and returns how many notices were decided.

    With `incident_ids`, only those of the groups that these incidents concern: what a batch just opened or closed,
    and what was gathered for them meanwhile, or a steady stream of new incidents would always go first.
    """
    with transaction.atomic():
        due = Notice.objects.filter(state=NoticeState.WAITING, due_at__lte=now)
        if incident_ids is not None:
            groups = due.filter(incident_id__in=incident_ids, group__isnull=False).values_list("group_id", flat=True)
            due = due.filter(group_id__in=set(groups))
        locked = list(due.select_for_update(skip_locked=True).order_by("id").values_list("pk", flat=True)[:TELL_LIMIT])
        if locked:
            # Read after the lock: an incident that closed in between is then told as over.
            found = Notice.objects.filter(pk__in=locked).select_related("incident__charge_point__state")
            _Telling(list(found.order_by("id")), now).tell()
    return len(locked)


class _Telling:
    """One round of telling: decides each due notice again with what holds now, and writes one mail per group."""

    def __init__(self, notices: Sequence[Notice], now: datetime) -> None:
        self.now = now
        self.notices = notices
        ids = {notice.group_id for notice in notices if notice.group_id is not None}
        # Locked so that two rounds never open two gathering windows of one group; "no key" because inserting a
        # notice holds a key share lock on its group.
        locked = NotificationGroup.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
        self.groups = {group.pk: group for group in locked}
        self.addresses: dict[int, list[str]] = defaultdict(list)
        for group_id, address in GroupAddress.objects.filter(group_id__in=ids).values_list("group_id", "address"):
            self.addresses[group_id].append(address)
        points = {notice.incident.charge_point_id for notice in notices}
        memberships = GroupMembership.objects.filter(group_id__in=ids, charge_point_id__in=points)
        self.members = set(memberships.values_list("group_id", "charge_point_id"))
        self.changes: list[tuple[object, ...]] = []
        self.events: list[tuple[NewEvent, list[Notice]]] = []

    def tell(self) -> None:
        alerts: dict[int, list[Notice]] = defaultdict(list)
        recoveries: dict[tuple[int, str], list[Notice]] = defaultdict(list)
        for notice in self.notices:
            group = self.groups.get(notice.group_id or 0)
            if group is None:
                self._change(notice, NoticeState.SKIPPED, NoticeReason.LEFT_GROUP)
            elif not self._still_to_tell(notice, group):
                continue
            elif notice.kind == NoticeKind.RECOVERED:
                recoveries[group.pk, notice.thread].append(notice)
            else:
                alerts[group.pk].append(notice)
        self._tell_alerts(alerts)
        self._tell_recoveries(recoveries)
        self._write()

    def _change(self, notice: Notice, state: NoticeState, reason: NoticeReason, due_at: datetime | None = None) -> None:
        self.changes.append((notice.pk, state, reason, due_at, self.now, notice.event_id, notice.thread))

    def _still_to_tell(self, notice: Notice, group: NotificationGroup) -> bool:
        """Decides a waiting notice again: its group or incident may have changed meanwhile."""
        incident = notice.incident
        facts = Facts(
            incident.case,
            incident.opened_at,
            incident.last_raised_at,
            incident.closed_at,
            left_group=(group.pk, incident.charge_point_id) not in self.members,
        )
        listener = listener_of(group, has_address=bool(self.addresses[group.pk]))
        # Who was told of an incident is told of its end, member or not.
        is_opening = notice.kind == NoticeKind.OPENED
        decision = (
            rules.decide_waiting(facts, listener, self.now) if is_opening else rules.decide_recovery(facts, listener)
        )
        if decision.tells:
            return True
        state = NoticeState.WAITING if decision.due_at else NoticeState.SKIPPED
        self._change(notice, state, decision.reason, decision.due_at)
        return False

    def _tell_alerts(self, alerts: dict[int, list[Notice]]) -> None:
        window = timedelta(seconds=settings.CHARGING_GATHER_S)
        for group_id, notices in alerts.items():
            group = self.groups[group_id]
            until = group.gathering_until
            if window and until is not None and self.now < until <= self.now + window + CLOCK_SLACK:
                for notice in notices:
                    self._change(notice, NoticeState.WAITING, NoticeReason.GATHERED, until)
                continue
            group.gathering_until, group.last_notified_at = self.now + window, self.now
            self._publish_mail(group, GROUP_ALERT, notices, thread="")

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
                group.last_notified_at = self.now
                self._publish_mail(group, GROUP_RECOVERY, notices, thread=thread)

    def _publish_mail(self, group: NotificationGroup, kind: str, notices: list[Notice], *, thread: str) -> None:
        items = [
            ChargePointIncident(
                charge_point=charge_point_facts(notice.incident.charge_point),
                incident=incident_facts(notice.incident, notice.incident.charge_point),
                url=incident_url(notice.incident_id),
            )
            for notice in notices[:LISTED]
        ]
        event = NewEvent(
            kind=kind,
            subject=group.list_key,
            payload=GroupMail(
                group_id=group.pk, group=group.name, items=items, total=len(notices), url=group_url(group.pk)
            ),
            dedup_key=f"notice:{notices[0].pk}:{self.now.timestamp():.6f}",
            occurred_at=min(notice.incident.opened_at for notice in notices),
            recipients=tuple(
                Recipient(address, list_key=group.list_key, language=group.language)
                for address in self.addresses[group.pk]
            ),
            thread=thread,
            uuid=uuid.uuid4(),
        )
        self.events.append((event, notices))

    def _write(self) -> None:
        ids = publish(events=[event for event, _ in self.events], now=self.now)
        told_over = []
        for event, notices in self.events:
            for notice in notices:
                notice.event_id = ids.get(event.dedup_key)
                notice.thread = event.thread or event.uuid.hex
                self._change(notice, NoticeState.SENT, NoticeReason.NONE)
                if notice.kind == NoticeKind.OPENED and notice.incident.closed_at is not None:
                    decision = Decision(NoticeReason.TOLD_TOGETHER)
                    group = self.groups[notice.group_id or 0]
                    told_over.append(
                        _row(notice.incident_id, group, NoticeKind.RECOVERED, decision, self.now, notice.thread)
                    )
        update_rows(
            "infra_notifications_notice",
            Col("id", "bigint"),
            (
                Col("state", "text"),
                Col("reason", "text"),
                Col("due_at", "timestamptz"),
                Col("decided_at", "timestamptz"),
                Col("event_id", "bigint"),
                Col("thread", "text"),
            ),
            self.changes,
        )
        insert_rows("infra_notifications_notice", _NOTICE, told_over, _ONCE)
        update_rows(
            "infra_notifications_notificationgroup",
            Col("id", "bigint"),
            (Col("gathering_until", "timestamptz"), Col("last_notified_at", "timestamptz")),
            [(g.pk, g.gathering_until, g.last_notified_at) for g in self.groups.values()],
        )


def reschedule_group(*, group: NotificationGroup, now: datetime) -> None:
    """Applies a group's changed hold-off to what waits on it: the notices become due anew by the new times.

    What someone else holds is left out: it is being decided, after our commit and by the new times. (We hold the
    group by now, which comes after the notices in the order of locks, so waiting could dead-lock.)
    """
    with connection.cursor() as cursor:
        for case in group.cases:
            cursor.execute(
                "WITH free AS (SELECT n.id, i.opened_at FROM infra_notifications_notice n"
                " JOIN infra_notifications_incident i ON i.id = n.incident_id"
                " WHERE i.\"case\" = %s AND n.group_id = %s AND n.state = 'waiting' AND n.reason = 'hold_off'"
                " FOR UPDATE OF n SKIP LOCKED)"
                " UPDATE infra_notifications_notice n SET due_at = free.opened_at + make_interval(secs => %s),"
                " decided_at = %s FROM free WHERE n.id = free.id",
                [case, group.pk, group.hold_off_of(case), now],
            )
