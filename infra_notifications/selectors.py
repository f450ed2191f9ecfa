"""Reads of charging infrastructure notifications."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Prefetch, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Upper

from infra_notifications.choices import NoticeState
from infra_notifications.models import (
    ChargePoint,
    ChargePointMessage,
    EventRule,
    GroupDraft,
    GroupMembership,
    Incident,
    Notice,
    NotificationGroup,
    UnmappedReport,
)

LAST_MESSAGES = 200


def charge_points() -> QuerySet[ChargePoint]:
    return ChargePoint.objects.select_related("state")


def with_groups(points: QuerySet[ChargePoint]) -> QuerySet[ChargePoint]:
    """Charge points that know the names of their groups, for the column *Group*."""
    return points.prefetch_related(Prefetch("groups", NotificationGroup.objects.only("pk", "name")))


def ids_by_evse(evse_ids: Iterable[str]) -> dict[str, int]:
    """Charge points by upper-case EVSE id."""
    storable = [evse_id for evse_id in evse_ids if "\x00" not in evse_id]
    found = ChargePoint.objects.alias(key=Upper("evse_id")).filter(key__in=storable)
    return {evse_id.upper(): pk for evse_id, pk in found.values_list("evse_id", "pk")}


def attach_groups(points: Sequence[ChargePoint]) -> None:
    """Gives each charge point `group_list` (its groups) and `open_cases`, in two queries for a whole page."""
    ids = [point.pk for point in points]
    groups: dict[int, list[NotificationGroup]] = {}
    for membership in GroupMembership.objects.filter(charge_point_id__in=ids).select_related("group"):
        groups.setdefault(membership.charge_point_id, []).append(membership.group)
    cases: dict[int, list[Incident]] = {}
    for incident in Incident.objects.filter(charge_point_id__in=ids, closed_at__isnull=True):
        cases.setdefault(incident.charge_point_id, []).append(incident)
    for point in points:
        point.group_list = sorted(groups.get(point.pk, []), key=lambda g: g.name)  # type: ignore[attr-defined]
        point.open_incidents = cases.get(point.pk, [])  # type: ignore[attr-defined]


def messages_of(point: ChargePoint, limit: int = LAST_MESSAGES) -> list[ChargePointMessage]:
    """The last messages of a charge point and of its whole station, newest first."""
    own = list(ChargePointMessage.objects.filter(charge_point=point).order_by("-id")[:limit])
    shared: list[ChargePointMessage] = []
    if point.station:
        of_station = ChargePointMessage.objects.filter(charge_point__isnull=True, station=point.station)
        shared = list(of_station.order_by("-id")[:limit])
    return sorted((*own, *shared), key=lambda message: message.pk, reverse=True)[:limit]


def groups() -> QuerySet[NotificationGroup]:
    return NotificationGroup.objects.all()


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
    return Incident.objects.select_related("charge_point")


def incidents_of_group(group: NotificationGroup) -> QuerySet[Incident]:
    """Incidents at the group's members, and those it was told of before."""
    members = GroupMembership.objects.filter(group=group).values("charge_point")
    at_members = Incident.objects.filter(charge_point__in=members).order_by().values("pk")
    # A union, because with an OR the planner asks every incident.
    return incidents().filter(pk__in=at_members.union(Notice.objects.filter(group=group).order_by().values("incident")))


def attach_notices(rows: Sequence[Incident]) -> None:
    """Gives each incident `notice_list`: who was told, or why not."""
    found: dict[int, list[Notice]] = {}
    for notice in Notice.objects.filter(incident_id__in=[row.pk for row in rows]).order_by("id"):
        found.setdefault(notice.incident_id, []).append(notice)
    for row in rows:
        row.notice_list = found.get(row.pk, [])  # type: ignore[attr-defined]


def notices_of(incident: Incident) -> QuerySet[Notice]:
    return Notice.objects.filter(incident=incident).select_related("group")


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


def would_have_sent(charge_point_ids: Iterable[int], now: datetime, days: int = 30) -> list[tuple[str, Any, int]]:
    """Recorded incidents of these charge points in the last days as (case, day, number)."""
    rows = (
        Incident.objects.filter(charge_point_id__in=list(charge_point_ids), opened_at__gte=now - timedelta(days=days))
        .values_list("case", "opened_at__date")
        .annotate(n=Count("pk"))
        .order_by("opened_at__date", "case")
    )
    return list(rows)


def draft_of(pk: int, owner_id: int) -> GroupDraft | None:
    return GroupDraft.objects.select_related("group").filter(pk=pk, owner_id=owner_id).first()


def rules() -> QuerySet[EventRule]:
    return EventRule.objects.all()


def unmapped() -> QuerySet[UnmappedReport]:
    return UnmappedReport.objects.all()


def waiting_notices() -> int:
    return Notice.objects.filter(state=NoticeState.WAITING).count()
