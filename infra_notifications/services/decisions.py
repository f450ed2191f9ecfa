"""Who is notified of an incident, when, and why not: the rules decide once per incident, group and kind.

What is decided here when an incident opens or closes is told by `services/notifying.py`, at once or when it is due.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from core.sql import columns, insert_rows
from infra_notifications.choices import CloseReason, NotificationKind, NotificationReason, NotificationState
from infra_notifications.models import GroupAddress, GroupMembership, Incident, NotificationDecision, NotificationGroup
from infra_notifications.rules.decisions import (
    Decision,
    Listener,
    Situation,
    Successor,
    decide_opening,
    decide_recovery,
)
from infra_notifications.rules.lifecycle import IncidentState
from infra_notifications.services.context import NotificationContext
from outbox.selectors import addresses_reached, is_blocked

_NOTIFICATION = columns(
    NotificationDecision,
    "incident_id",
    "group_id",
    "group_name",
    "kind",
    "state",
    "reason",
    "due_at",
    "decided_at",
    "thread",
    "event_id",
    "successor_id",
)
NotificationRow = tuple[object, ...]


def insert_notifications(rows: Sequence[NotificationRow]) -> None:
    """Writes what was decided; what is decided already for an incident, group and kind stays. Reminders repeat."""
    once = "ON CONFLICT (incident_id, group_id, kind) WHERE kind IN ('opened', 'recovered') DO NOTHING"
    insert_rows("infra_notifications_notice", _NOTIFICATION, rows, once)


def notification_row(
    incident_id: int,
    group: NotificationGroup,
    kind: str,
    decision: Decision,
    now: datetime,
    thread: str = "",
    successor_id: int | None = None,
) -> NotificationRow:
    """A decision's values. What is to be sent waits until `notify_due`, a moment later in the same transaction."""
    due = now if decision.notifies else decision.due_at
    state = NotificationState.WAITING if due else NotificationState.SKIPPED
    return (incident_id, group.pk, group.name, kind, state, decision.reason, due, now, thread, None, successor_id)


def listener_of(group: NotificationGroup, *, has_address: bool, is_paused: bool) -> Listener:
    """What the rules need of a group."""
    return Listener(
        frozenset(group.cases),
        {case: group.hold_off_of(case) for case in group.cases},
        has_address,
        group.notify_recovery,
        group.digest_due_at,
        is_paused,
    )


def situation_of(
    point: int,
    incident: IncidentState | Incident,
    context: NotificationContext,
    flapping_until: datetime | None,
    successor: Successor | None = None,
) -> Situation:
    """What the rules need of an incident and of what surrounds its charge point."""
    return Situation(
        incident.case,
        incident.opened_at,
        incident.last_raised_at,
        incident.closed_at,
        incident.close_reason == CloseReason.TRANSIENT,
        context.maintenance.get(point),
        flapping_until,
        goes_on_as=successor,
        silent_since=incident.silent_since,
        source_silent_until=context.source_silent_until(point, incident.faults),
    )


def max_age() -> timedelta:
    """What was last raised longer ago, by its receipt, is recorded and not told."""
    return timedelta(seconds=settings.CHARGING_MAIL_MAX_AGE_S)


def _reached() -> QuerySet[GroupAddress]:
    """Of a row with a group: its addresses that mail goes to."""
    return GroupAddress.objects.filter(~is_blocked(), group=OuterRef("group"))


def _paused() -> QuerySet[GroupAddress]:
    """Of a row with a group: its addresses that no mail goes to."""
    return GroupAddress.objects.filter(is_blocked(), group=OuterRef("group"))


def _groups_of(charge_point_ids: set[int]) -> dict[int, list[tuple[NotificationGroup, Listener]]]:
    """The groups of each charge point, as the rules see them, in the order in which they were made."""
    memberships = (
        GroupMembership.objects.filter(charge_point_id__in=charge_point_ids)
        .select_related("group")
        .annotate(has_address=Exists(_reached()), is_paused=Exists(_paused()))
        .order_by("group_id")
    )
    found: dict[int, list[tuple[NotificationGroup, Listener]]] = defaultdict(list)
    for membership in memberships:
        listener = listener_of(membership.group, has_address=membership.has_address, is_paused=membership.is_paused)
        found[membership.charge_point_id].append((membership.group, listener))
    return found


def addresses_of(group_ids: Iterable[int]) -> tuple[dict[int, dict[str, datetime]], dict[int, set[str]]]:
    """The addresses of each group, each with the moment at which it came or mail went there again, and those that are
    paused among them; no addresses for a group of which each is paused, for a mail would go to nobody."""
    addresses: dict[int, dict[str, datetime]] = defaultdict(dict)
    paused: dict[int, set[str]] = defaultdict(set)
    found = GroupAddress.objects.filter(group_id__in=group_ids).annotate(blocked=is_blocked())
    for group_id, address, added_at, blocked in found.values_list("group_id", "address", "added_at", "blocked"):
        addresses[group_id][address] = added_at
        if blocked:
            paused[group_id].add(address)
    for group_id, those in paused.items():
        if len(those) == len(addresses[group_id]):
            del addresses[group_id]
    return addresses, paused


def unheard_by(
    notified: Iterable[tuple[int, Incident]], addresses: Mapping[int, Mapping[str, datetime]]
) -> dict[tuple[int, int], set[str]]:
    """Of groups that were told of incidents, by (group, incident) the addresses that have not heard of it.

    An address that stood on the list when an incident was received has heard of it as the group has; what those got
    that came later, the deliveries say. At most two statements, and none where nobody came later.
    """
    late = {
        (group_id, incident.pk): {
            address for address, came in addresses[group_id].items() if came > incident.opened_received_at
        }
        for group_id, incident in notified
    }
    late = {pair: those for pair, those in late.items() if those}
    if not late:
        return {}
    sent = NotificationDecision.objects.filter(
        group_id__in={group_id for group_id, _ in late},
        incident_id__in={incident_id for _, incident_id in late},
        event_id__isnull=False,
    ).exclude(kind=NotificationKind.RECOVERED)
    by_event: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for group_id, incident_id, event_id in sent.values_list("group_id", "incident_id", "event_id"):
        if group_id is not None and event_id is not None and (group_id, incident_id) in late:
            by_event[event_id].append((group_id, incident_id))
    reached = addresses_reached(by_event, {address for those in late.values() for address in those})
    for event_id, lowered in reached:
        for pair in by_event[event_id]:
            late[pair] = {address for address in late[pair] if address.lower() != lowered}
    return {pair: those for pair, those in late.items() if those}


def members_among(group_ids: Iterable[int], points: Iterable[int]) -> set[tuple[int, int]]:
    """Which of these charge points are in which of these groups, as (group, charge point)."""
    memberships = GroupMembership.objects.filter(group_id__in=group_ids, charge_point_id__in=points)
    return set(memberships.values_list("group_id", "charge_point_id"))


def successors_of(incident_ids: Iterable[int]) -> dict[tuple[int, int], Successor]:
    """By group and incident what the rules need of incidents as which others go on; in one statement, none without."""
    ids = set(incident_ids)
    if not ids:
        return {}
    found = NotificationDecision.objects.filter(
        incident_id__in=ids, kind=NotificationKind.OPENED, group__isnull=False
    ).values_list("group_id", "incident_id", "incident__case", "incident__closed_at", "state", "due_at")
    return {
        (group_id, pk): Successor(case, closed_at is not None, state == NotificationState.SENT, due_at)
        for group_id, pk, case, closed_at, state, due_at in found
        if group_id is not None
    }


def decide_openings(
    *, opened: Sequence[tuple[int, IncidentState]], context: NotificationContext, now: datetime
) -> None:
    """Decides for each group of each charge point whether an incident that just opened is told, waits, or is not."""
    if not opened:
        return
    groups = _groups_of({cp for cp, _ in opened})
    rows = []
    for cp, state in opened:
        situation = situation_of(cp, state, context, context.flapping_until((cp, state.case.value), now))
        for group, listener in groups.get(cp, ()):
            decision = decide_opening(situation, listener, now, max_age())
            rows.append(notification_row(state.id or 0, group, NotificationKind.OPENED, decision, now))
    insert_notifications(rows)


def decide_closings(
    *, closed: Sequence[tuple[int, IncidentState]], context: NotificationContext, now: datetime
) -> None:
    """For incidents that just closed: what waited on hold-off, for the end of a maintenance or for a source to speak is
    not told; who was told gets the all-clear. What went on as one of them and was told is decided again."""
    if not closed:
        return
    states = {state.id: (cp, state) for cp, state in closed if state.id is not None}
    going_on = {state.goes_on_as.id or 0 for _cp, state in closed if state.goes_on_as is not None}
    successors = successors_of(going_on)
    notifications = list(
        NotificationDecision.objects.select_for_update(of=("self",))
        .filter(
            Q(incident_id__in=states, kind=NotificationKind.OPENED)
            | Q(successor_id__in=states, state=NotificationState.WAITING),
            group__isnull=False,
        )
        .exclude(state=NotificationState.SKIPPED)
        .select_related("group")
        .annotate(has_address=Exists(_reached()), is_paused=Exists(_paused()))
        .order_by("id")
    )
    never: dict[NotificationReason, list[int]] = defaultdict(list)
    rows = []
    owed = [one.pk for one in notifications if one.successor_id in states]
    NotificationDecision.objects.filter(pk__in=owed, reason=NotificationReason.RENAMED).update(due_at=now)
    for notification in notifications:
        if notification.successor_id in states:
            continue
        (cp, state), group = states[notification.incident_id], notification.group
        assert group is not None
        successor_id = state.goes_on_as.id if state.goes_on_as is not None else None
        successor = successors.get((group.pk, successor_id or 0))
        if notification.state == NotificationState.SENT:
            situation = situation_of(cp, state, context, context.flapping.get((cp, state.case.value)), successor)
            listener = listener_of(group, has_address=notification.has_address, is_paused=notification.is_paused)
            decision, kind = decide_recovery(situation, listener, now), NotificationKind.RECOVERED
            about = (notification.incident_id, group, kind, decision, now)
            rows.append(notification_row(*about, notification.thread, successor_id))
        elif successor is not None and successor.is_told_by(now):
            never[NotificationReason.RENAMED].append(notification.pk)
        elif (why := _why_never(notification, cp, state, context)) is not None:
            never[why].append(notification.pk)
    for reason, ids in never.items():
        NotificationDecision.objects.filter(pk__in=ids).update(
            state=NotificationState.SKIPPED, reason=reason, due_at=None, decided_at=now
        )
    insert_notifications(rows)


def _why_never(
    notification: NotificationDecision, cp: int, state: IncidentState, context: NotificationContext
) -> NotificationReason | None:
    """Why what waited is not told now that its incident closed; None where it goes on waiting."""
    if notification.reason == NotificationReason.HOLD_OFF and _was_over_in_time(state, notification):
        return NotificationReason.RENAMED if state.goes_on_as else NotificationReason.RECOVERED_IN_TIME
    if _is_over_before_the_next_mail(state, notification):
        return NotificationReason.RENAMED if state.goes_on_as else NotificationReason.OVER
    if notification.reason == NotificationReason.MAINTENANCE and cp in context.maintenance:
        return NotificationReason.MAINTENANCE
    if notification.reason == NotificationReason.SOURCE_SILENT:
        return NotificationReason.RENAMED if state.goes_on_as else NotificationReason.OVER
    return None


def _was_over_in_time(state: IncidentState, notification: NotificationDecision) -> bool:
    return state.closed_at is not None and notification.due_at is not None and state.closed_at < notification.due_at


def _is_over_before_the_next_mail(state: IncidentState, notification: NotificationDecision) -> bool:
    waits = notification.reason == NotificationReason.GATHERED and state.close_reason != CloseReason.TRANSIENT
    return waits and _was_over_in_time(state, notification)


def reconsider_too_old(*, incidents: Sequence[IncidentState], now: datetime) -> None:
    """An incident that was too old to be told was raised anew: now it is news."""
    ids = [state.id or 0 for state in incidents if now - state.last_raised_at <= max_age()]
    NotificationDecision.objects.filter(
        incident_id__in=ids, state=NotificationState.SKIPPED, reason=NotificationReason.TOO_OLD
    ).update(state=NotificationState.WAITING, reason=NotificationReason.NONE, due_at=now, decided_at=now)


# ---- when settings change -------------------------------------------------------------------------------------------


def reschedule_group(*, group: NotificationGroup, now: datetime) -> None:
    """Applies a group's changed hold-off to what waits on it: the notifications become due anew by the new times.

    What someone else holds is left out: it is being decided, after our commit and by the new times. (We hold the
    group by now, which comes after the notifications in the order of locks, so waiting could dead-lock.)
    """
    with connection.cursor() as cursor:
        for case in group.cases:
            cursor.execute(
                "WITH free AS (SELECT n.id, coalesce(i.silent_since, i.opened_at) AS delay_from"
                " FROM infra_notifications_notice n"
                " JOIN infra_notifications_incident i ON i.id = n.incident_id"
                " WHERE i.\"case\" = %s AND n.group_id = %s AND n.state = 'waiting' AND n.reason = 'hold_off'"
                " FOR UPDATE OF n SKIP LOCKED)"
                " UPDATE infra_notifications_notice n SET due_at = free.delay_from + make_interval(secs => %s),"
                " decided_at = %s FROM free WHERE n.id = free.id",
                [case, group.pk, group.hold_off_of(case), now],
            )


def reschedule_digest(*, group: NotificationGroup, now: datetime) -> None:
    """Applies a changed digest to what waits for it: it is due with the next one, or at once when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH free AS (SELECT id FROM infra_notifications_notice WHERE group_id = %s AND state = 'waiting'"
            " AND reason = 'digest' FOR UPDATE SKIP LOCKED)"
            " UPDATE infra_notifications_notice n SET due_at = %s, decided_at = %s FROM free WHERE n.id = free.id",
            [group.pk, group.digest_due_at or now, now],
        )


def reschedule_reminders(*, group: NotificationGroup, now: datetime) -> None:
    """Applies a changed reminder to the open incidents that the group was told of, counted from now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH free AS (SELECT n.id FROM infra_notifications_notice n"
            " JOIN infra_notifications_incident i ON i.id = n.incident_id AND i.closed_at IS NULL"
            " WHERE n.group_id = %s AND n.kind = 'opened' AND n.state = 'sent' FOR UPDATE OF n SKIP LOCKED)"
            " UPDATE infra_notifications_notice n SET remind_at = %s::timestamptz FROM free WHERE n.id = free.id",
            [group.pk, remind_at(group, now)],
        )


def remind_at(group: NotificationGroup, now: datetime) -> datetime | None:
    """When the group is reminded of what it is told now; a daily digest reminds by itself."""
    if not group.reminder_s or group.digest_time is not None:
        return None
    return now + timedelta(seconds=group.reminder_s)
