"""Reads of charging infrastructure notifications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import (
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    Window,
)
from django.db.models.functions import Coalesce, RowNumber, TruncDate, Upper
from django.utils import timezone

from core.text import identity_key
from infra_notifications.choices import (
    MessageVerdict,
    NotificationKind,
    NotificationReason,
    NotificationState,
)
from infra_notifications.event_kinds import GROUP_TEST
from infra_notifications.models import (
    ChargePoint,
    ChargePointMessage,
    Flapping,
    GroupDraft,
    GroupMembership,
    Incident,
    MaintenanceTarget,
    MaintenanceWindow,
    NotificationDecision,
    NotificationGroup,
)
from outbox.models import Event

LAST_MESSAGES = 200


def charge_points() -> QuerySet[ChargePoint]:
    return ChargePoint.objects.select_related("state")


def attach_groups(points: Sequence[ChargePoint]) -> None:
    """Gives each charge point `group_list` (its groups) and `open_cases`, in two queries for a whole page."""
    ids = [point.pk for point in points]
    groups: dict[int, list[NotificationGroup]] = {}
    memberships = GroupMembership.objects.filter(charge_point_id__in=ids).select_related("group")
    for membership in memberships.only("charge_point_id", "group__name"):
        groups.setdefault(membership.charge_point_id, []).append(membership.group)
    cases: dict[int, list[Incident]] = {}
    open_ones = Incident.objects.filter(charge_point_id__in=ids, closed_at__isnull=True)
    for incident in open_ones.only("charge_point_id", "case"):
        cases.setdefault(incident.charge_point_id, []).append(incident)
    for point in points:
        point.group_list = sorted(groups.get(point.pk, []), key=lambda g: g.name)  # type: ignore[attr-defined]
        point.open_incidents = cases.get(point.pk, [])  # type: ignore[attr-defined]


def messages_of(point: ChargePoint, limit: int = LAST_MESSAGES, before: int | None = None) -> list[ChargePointMessage]:
    """The last messages of a charge point and of its whole station, newest first; `before` is the key of a message."""
    earlier = ChargePointMessage.objects.filter(Q() if before is None else Q(pk__lt=before)).order_by("-id")
    own = list(earlier.filter(charge_point=point)[:limit])
    shared: list[ChargePointMessage] = []
    if point.station:
        # Its charge points may spell it in other case; a message bears the name that one of them has.
        names = ChargePoint.objects.alias(key=Upper("station")).filter(key=identity_key(point.station))
        spellings = list(names.values_list("station", flat=True).distinct())
        shared = list(earlier.filter(charge_point__isnull=True, station__in=spellings)[:limit])
    return sorted((*own, *shared), key=lambda message: message.pk, reverse=True)[:limit]


def notification_events_of(point: ChargePoint, limit: int = 50) -> list[int]:
    """The last outbox events that told of its incidents."""
    notified = NotificationDecision.objects.filter(incident__charge_point=point, event_id__isnull=False)
    ids = notified.order_by("-id").values_list("event_id", flat=True)[:limit]
    return [event_id for event_id in ids if event_id is not None]


def attach_counts(rows: Sequence[NotificationGroup]) -> None:
    """Gives each group `member_count`, `open_count` and `address_count`, in three queries for a whole page."""
    ids = [group.pk for group in rows]
    members = dict(
        GroupMembership.objects.filter(group_id__in=ids).values_list("group_id").annotate(n=Count("pk")).order_by()
    )
    open_incidents = dict(
        Incident.objects.filter(closed_at__isnull=True, charge_point__memberships__group_id__in=ids)
        .values_list("charge_point__memberships__group_id")
        .annotate(n=Count("pk"))
        .order_by()
    )
    addresses = dict(
        NotificationGroup.objects.filter(pk__in=ids).values_list("pk").annotate(n=Count("addresses")).order_by()
    )
    for group in rows:
        group.member_count = members.get(group.pk, 0)  # type: ignore[attr-defined]
        group.open_count = open_incidents.get(group.pk, 0)  # type: ignore[attr-defined]
        group.address_count = addresses.get(group.pk, 0)  # type: ignore[attr-defined]


def counted_groups() -> QuerySet[NotificationGroup]:
    """Groups that bring their counts along, for lists that are shaped row by row."""
    members = GroupMembership.objects.filter(group=OuterRef("pk"))
    incidents_at_members = Incident.objects.filter(
        closed_at__isnull=True, charge_point__memberships__group=OuterRef("pk")
    )
    return NotificationGroup.objects.annotate(
        member_count=_number_of(members), open_count=_number_of(incidents_at_members)
    ).prefetch_related("addresses")


def _number_of(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().annotate(one=Value(1)).values("one").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)


def member_points(group: NotificationGroup) -> QuerySet[ChargePoint]:
    return charge_points().filter(Exists(GroupMembership.objects.filter(group=group, charge_point=OuterRef("pk"))))


def incidents() -> QuerySet[Incident]:
    return Incident.objects.select_related("charge_point", "acknowledgement")


def incidents_of_group(group: NotificationGroup) -> QuerySet[Incident]:
    """Incidents at the group's members, and those it was told of before."""
    members = GroupMembership.objects.filter(group=group).values("charge_point")
    at_members = Incident.objects.filter(charge_point__in=members).order_by().values("pk")
    # A union, because with an OR the planner asks every incident.
    return incidents().filter(
        pk__in=at_members.union(NotificationDecision.objects.filter(group=group).order_by().values("incident"))
    )


def attach_notifications(rows: Sequence[Incident]) -> None:
    """Gives each incident `notification_list`: who was told, or why not. Reminders stand on its page alone."""
    found: dict[int, list[NotificationDecision]] = {}
    notifications = NotificationDecision.objects.filter(incident_id__in=[row.pk for row in rows]).exclude(
        kind=NotificationKind.REMINDER
    )
    for notification in notifications.order_by("id"):
        found.setdefault(notification.incident_id, []).append(notification)
    for row in rows:
        row.notification_list = found.get(row.pk, [])  # type: ignore[attr-defined]


def notifications_of(incident: Incident) -> QuerySet[NotificationDecision]:
    return NotificationDecision.objects.filter(incident=incident).select_related("group")


def open_incident_counts() -> dict[str, int]:
    rows = Incident.objects.filter(closed_at__isnull=True).values_list("case").annotate(n=Count("pk")).order_by()
    return dict(rows)


def worst_locations(limit: int = 5) -> list[dict[str, Any]]:
    """The locations with the most open incidents."""
    rows = (
        Incident.objects.filter(closed_at__isnull=True)
        .values("charge_point__location", "charge_point__city")
        .annotate(n=Count("pk"))
        .order_by("-n", "charge_point__location")[:limit]
    )
    return [
        {"location": row["charge_point__location"], "city": row["charge_point__city"], "n": row["n"]} for row in rows
    ]


@dataclass(frozen=True)
class Forecast:
    """Recorded incidents that a group would have been told of, by (case, day), and how many hold-off spared it."""

    days: list[date]
    notified: dict[tuple[str, date], int]
    held: int


def would_have_sent(draft: GroupDraft, now: datetime, hold_offs: Mapping[str, int], days: int = 30) -> Forecast:
    """What happened at a draft's charge points in the last days, by the viewer's days.

    `hold_offs` maps the cases that the group listens to to the seconds for which each must last.
    """
    today = timezone.localtime(now).date()
    lasted = ExpressionWrapper(Coalesce("closed_at", Value(now)) - F("opened_at"), output_field=DurationField())
    marked = GroupDraft.objects.filter(pk=draft.pk).values(point=Func(F("marked"), function="unnest"))
    notified_cases = Q(pk__in=[])
    for case, seconds in hold_offs.items():
        notified_cases |= Q(case=case, lasted__gte=timedelta(seconds=seconds))
    rows = (
        Incident.objects.filter(
            charge_point_id__in=marked, opened_at__gte=now - timedelta(days=days), case__in=list(hold_offs)
        )
        .annotate(lasted=lasted, day=TruncDate("opened_at"))
        .values_list("case", "day")
        .annotate(all=Count("pk"), notified=Count("pk", filter=notified_cases))
        .order_by()
    )
    found = list(rows)
    return Forecast(
        days=[today - timedelta(days=back) for back in range(days - 1, -1, -1)],
        notified={(case, day): notified for case, day, _all, notified in found if notified},
        held=sum(every - notified for _case, _day, every, notified in found),
    )


def open_for_draft(draft: GroupDraft, cases: Sequence[str]) -> int:
    """How many errors are open at a draft's charge points of which its group has not heard and is to hear."""
    marked = GroupDraft.objects.filter(pk=draft.pk).values(point=Func(F("marked"), function="unnest"))
    return _unheard(Incident.objects.filter(charge_point_id__in=marked), draft.group, cases).count()


def open_at_members(group: NotificationGroup) -> int:
    """How many errors of its cases are open at a group's charge points."""
    found = Incident.objects.filter(charge_point__memberships__group=group, closed_at__isnull=True)
    return found.filter(case__in=group.cases, acknowledgement__isnull=True).count()


def unheard_at_members(group: NotificationGroup) -> int:
    """The same, without those that the group was told of before."""
    found = Incident.objects.filter(charge_point__memberships__group=group)
    return _unheard(found, group, group.cases).count()


def _unheard(found: QuerySet[Incident], group: NotificationGroup | None, cases: Sequence[str]) -> QuerySet[Incident]:
    told = NotificationDecision.objects.filter(
        incident=OuterRef("pk"), group=group, kind=NotificationKind.OPENED, state=NotificationState.SENT
    )
    found = found.filter(closed_at__isnull=True, case__in=list(cases), acknowledgement__isnull=True)
    return found if group is None else found.filter(~Exists(told))


def unfinished_drafts(owner_id: int) -> list[GroupDraft]:
    """What a person began in the wizard and did not finish: a name, marks, or a change of a group."""
    begun = ~Q(name="") | ~Q(marked=[]) | Q(group__isnull=False)
    found = GroupDraft.objects.filter(begun, owner_id=owner_id).select_related("group").defer("marked", "members")
    return list(found.annotate(marked_count=Func(F("marked"), function="cardinality", output_field=IntegerField()))[:5])


# ---- what people did, maintenance, flapping ------------------------------------------------------------------------

# Of the messages of a charge point only this many are looked through for an incident's story.
LOOKED_THROUGH = 2_000


def ignored_clears(incident: Incident, limit: int = 50) -> list[ChargePointMessage]:
    """The messages that would have ended an incident, were they not older than its last raise; oldest first."""
    point = incident.charge_point
    whose = [ChargePointMessage.objects.filter(charge_point_id=incident.charge_point_id)]
    if point.station:
        whose.append(ChargePointMessage.objects.filter(charge_point__isnull=True, station=point.station))
    found: list[ChargePointMessage] = []
    for messages in whose:
        last = messages.order_by("-id").values("pk")[:LOOKED_THROUGH]
        found += ChargePointMessage.objects.filter(
            pk__in=last,
            verdict__in=(MessageVerdict.IGNORED, MessageVerdict.CLEARED, MessageVerdict.RAISED),
            findings__contains=[{"ignored": [incident.pk]}],
        ).order_by("id")[:limit]
    return sorted(found, key=lambda message: message.pk)


def messages_about(incident: Incident, until: datetime, limit: int = 50) -> list[ChargePointMessage]:
    """The messages that raised or eased an incident, oldest first, among the last ones of its charge point."""
    last = ChargePointMessage.objects.filter(charge_point_id=incident.charge_point_id).order_by("-id")
    found = ChargePointMessage.objects.filter(
        pk__in=last.values("pk")[:LOOKED_THROUGH],
        verdict__in=(MessageVerdict.RAISED, MessageVerdict.CLEARED),
        received_at__gte=incident.opened_received_at,
        received_at__lte=until,
    )
    return list(found.order_by("id")[:limit])


def windows_at(point: ChargePoint, since: datetime, until: datetime | None = None) -> QuerySet[MaintenanceWindow]:
    """The windows that cover a charge point by what it is now, and that ended after `since` and began by `until`."""
    targets = MaintenanceTarget.objects.filter(
        Q(charge_point=point)
        | Q(group__memberships__charge_point=point)
        | (Q(location=point.location, city__in=("", point.city)) & ~Q(location="")),
        window=OuterRef("pk"),
    )
    found = MaintenanceWindow.objects.filter(Exists(targets), ends_at__gt=since)
    return (found.filter(starts_at__lte=until) if until is not None else found).order_by("starts_at")


def targets_of(window: MaintenanceWindow, limit: int = 100) -> list[MaintenanceTarget]:
    found = MaintenanceTarget.objects.filter(window=window).select_related("charge_point", "group")
    return list(found[:limit])


def held_back_by(window: MaintenanceWindow) -> QuerySet[Incident]:
    """Open incidents at what a window covers, of which somebody hears when it ends."""
    waiting = NotificationDecision.objects.filter(
        incident=OuterRef("pk"), state=NotificationState.WAITING, reason=NotificationReason.MAINTENANCE
    )
    targets = MaintenanceTarget.objects.filter(window=window)
    covered = (
        Q(charge_point__in=targets.filter(charge_point__isnull=False).values("charge_point"))
        | Exists(targets.filter(group__memberships__charge_point=OuterRef("charge_point")))
        | Exists(
            targets.filter(location=OuterRef("charge_point__location")).filter(
                ~Q(location=""), Q(city="") | Q(city=OuterRef("charge_point__city"))
            )
        )
    )
    return incidents().filter(covered, Exists(waiting))


def flapping_of(incident: Incident, until: datetime) -> QuerySet[Flapping]:
    """The times at which the charge point of an incident flapped with its case while it lasted."""
    found = Flapping.objects.filter(charge_point_id=incident.charge_point_id, case=incident.case, began_at__lte=until)
    return found.filter(Q(ended_at__isnull=True) | Q(ended_at__gte=incident.opened_at)).order_by("id")


def locations_named(lines: Sequence[str]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Reads "location" or "location, city" line by line: what exists as (location, city or ""), and what does not,
    each with the nearest name that does."""
    names = set(lines) | {line.rpartition(",")[0].strip() for line in lines}
    rows = ChargePoint.objects.filter(location__in=names - {""}).values_list("location", "city").distinct()
    known = set(rows.order_by("location", "city")[:10_000])
    cities: dict[str, set[str]] = {}
    for location, city in known:
        cities.setdefault(location, set()).add(city)
    found, unknown = [], []
    for line in lines:
        name, _comma, city = (part.strip() for part in line.rpartition(","))
        if line in cities:
            found.append((line, ""))
        elif city in cities.get(name, ()):
            found.append((name, city))
        else:
            unknown.append((line, _nearest_location(name or line)))
    return found, unknown


def _nearest_location(name: str) -> str:
    near = ChargePoint.objects.filter(search_text__folded_contains=name).exclude(location="").first()
    return near.place if near is not None else ""


def attach_targets(windows: Sequence[MaintenanceWindow], shown: int = 5) -> None:
    """Gives each window `target_list` (its first targets) and `more_targets`, in one query for a whole page."""
    found: dict[int, list[MaintenanceTarget]] = {}
    ranked = MaintenanceTarget.objects.filter(window__in=[window.pk for window in windows]).annotate(
        place=Window(RowNumber(), partition_by="window", order_by="id"),
        total=Window(Count("pk"), partition_by="window"),
    )
    for target in ranked.filter(place__lte=shown).select_related("charge_point", "group"):
        found.setdefault(target.window_id, []).append(target)
    for window in windows:
        targets = found.get(window.pk, [])
        window.target_list = targets  # type: ignore[attr-defined]
        window.more_targets = targets[0].total - len(targets) if targets else 0  # type: ignore[attr-defined]


def last_test(group: NotificationGroup, event_ids: Sequence[int]) -> Event | None:
    """A test mail of a group: the one of these ids, else the last one."""
    found = Event.objects.filter(subject=group.list_key, kind=GROUP_TEST)
    return (found.filter(pk__in=event_ids) if event_ids else found).order_by("-id").first()


def events_of_open_incidents(ids: Sequence[int]) -> set[int]:
    """Of these events of the outbox, the mails that told of incidents which are still open: it keeps them longer."""
    notified = NotificationDecision.objects.filter(event_id__in=ids, incident__closed_at__isnull=True)
    return {pk for pk in notified.values_list("event_id", flat=True) if pk is not None}
