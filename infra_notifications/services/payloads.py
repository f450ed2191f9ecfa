"""What leaves in events and mails about charge points and incidents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from django.conf import settings
from django.db import connection
from django.db.models import OuterRef, Subquery, TextField, Value
from django.db.models.functions import Cast, Replace
from django.urls import reverse

from infra_notifications.choices import Case, NotificationKind, NotificationState
from infra_notifications.event_kinds import (
    ChargePointFacts,
    ChargePointIncident,
    FlappingItem,
    GroupFlapping,
    GroupMail,
    IncidentFacts,
    MailSubject,
)
from infra_notifications.models import ChargePoint, Incident, NotificationDecision, NotificationGroup
from infra_notifications.rules.lifecycle import IncidentState
from infra_notifications.services.context import NotificationContext
from outbox.models import Event


def incident_url(pk: int) -> str:
    return f"{settings.PUBLIC_URL}{reverse('infra_notifications:incident', args=[pk])}"


def group_url(pk: int) -> str:
    return f"{settings.PUBLIC_URL}{reverse('infra_notifications:group', args=[pk])}"


def charge_point_url(pk: int) -> str:
    return f"{settings.PUBLIC_URL}{reverse('infra_notifications:charge_point', args=[pk])}"


def values_of(point: ChargePoint, names: Iterable[str]) -> dict[str, Any]:
    """Columns of a charge point as JSON has them: decimals are numbers."""
    values = ((name, getattr(point, name)) for name in names)
    return {name: float(value) if isinstance(value, Decimal) else value for name, value in values}


def charge_point_facts(point: ChargePoint) -> ChargePointFacts:
    return ChargePointFacts(**values_of(point, ChargePointFacts.__struct_fields__))


def points_of(ids: Iterable[int]) -> dict[int, tuple[ChargePointFacts, datetime | None]]:
    """What leaves of charge points, and when each was seen last, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_POINTS, [list(ids)])
        return {
            row[1]: (ChargePointFacts(**dict(zip(ChargePointFacts.__struct_fields__, row[1:], strict=True))), row[0])
            for row in cursor.fetchall()
        }


_POINTS = (
    f"SELECT s.last_seen, {', '.join(f'c.{name}' for name in ChargePointFacts.__struct_fields__)}"  # noqa: S608
    " FROM infra_notifications_chargepoint c LEFT JOIN infra_notifications_chargepointstate s"
    " ON s.charge_point_id = c.id WHERE c.id = ANY(%s)"
).replace("c.latitude, c.longitude", "c.latitude::float, c.longitude::float")


def incident_at(
    facts: ChargePointFacts, last_seen: datetime | None, incident: IncidentState | Incident
) -> ChargePointIncident:
    """A written incident, which has its id by then, at its charge point."""
    pk = incident.id or 0
    said = IncidentFacts(
        id=pk,
        case=str(incident.case),
        opened_at=incident.opened_at,
        closed_at=incident.closed_at,
        last_seen=last_seen,
        said=incident.said,
        repeats=incident.repeats,
        close_reason=str(incident.close_reason),
    )
    return ChargePointIncident(charge_point=facts, incident=said, url=incident_url(pk))


# ---- mails ----------------------------------------------------------------------------------------------------

# A mail lists this many charge points and says how many more there are; the page has them all.
LISTED = 100
# A subject has 250 characters at most, with a case, a charge point and what mail programs put before it.
SUBJECT_PLACE = 100


def to_group(group: NotificationGroup) -> dict[str, Any]:
    """What every mail of a group says."""
    return {
        "group_id": group.pk,
        "group": group.name,
        "time_zone": group.time_zone,
        "reply_to": group.reply_to,
        "url": group_url(group.pk),
    }


def incidents_payload(
    group: NotificationGroup,
    incidents: Sequence[Incident],
    *,
    counts: tuple[int, int] | None = None,
    about: MailSubject | None = None,
) -> GroupMail:
    """Incidents one by one, as alerts, all-clears and reminders list them.

    `counts` are errors and charge points when there are more than these incidents; `about` is the subject of the mail
    that this one answers.
    """
    items = [
        incident_at(charge_point_facts(incident.charge_point), incident.charge_point.state.last_seen, incident)
        for incident in incidents[:LISTED]
    ]
    errors, points = counts or (len(incidents), len({incident.charge_point_id for incident in incidents}))
    about = about or _subject_of(group, incidents[0], errors, points)
    over = sum(not incident.is_open for incident in incidents)
    return GroupMail(items=items, total=errors, points=points, over=over, about=about, **to_group(group))


def incidents_in(payload: Mapping[str, Any]) -> list[int]:
    """The incidents that a mail's payload lists, in its order."""
    return [incident_of(item) for item in payload.get("items", ())]


def incident_of(item: Mapping[str, Any]) -> int:
    """The incident that an item of a mail is about."""
    return int(item["incident"]["id"] if "incident" in item else item["incident_id"])


def _subject_of(group: NotificationGroup, first: Incident, errors: int, points: int) -> MailSubject:
    point = first.charge_point
    place = ", ".join(part for part in (point.location, point.city) if part)
    return MailSubject(
        group=group.name,
        errors=errors,
        points=points,
        case=Case(first.case).value,
        evse_id=point.evse_id,
        place=place[:SUBJECT_PLACE],
    )


class MailThread(NamedTuple):
    """What a thread of mails is about (None for a digest's), and when its last all-clear was told."""

    about: MailSubject | None = None
    recovered_at: datetime | None = None


def threads_of(threads: Iterable[str]) -> dict[str, MailThread]:
    """These threads (uuid in hex of their first mail), as far as these mails are kept; in one statement."""
    thread = Replace(Cast(OuterRef("uuid"), TextField()), Value("-"), Value(""))
    recoveries = NotificationDecision.objects.filter(
        thread=thread, kind=NotificationKind.RECOVERED, state=NotificationState.SENT
    )
    rows = (
        Event.objects.filter(uuid__in={thread for thread in threads if thread})
        .annotate(recovered_at=Subquery(recoveries.order_by("-decided_at").values("decided_at")[:1]))
        .values_list("uuid", "payload__about", "recovered_at")
    )
    return {
        uuid.hex: MailThread(msgspec.convert(about, MailSubject) if about else None, recovered_at)
        for uuid, about, recovered_at in rows
    }


def newest_incidents(ids: Iterable[int]) -> dict[tuple[int, str], Incident]:
    """The newest incidents of the charge points and cases of these, by both, in one statement."""
    kin = Incident.objects.filter(charge_point=OuterRef("charge_point"), case=OuterRef("case")).order_by("-pk")
    newest = Incident.objects.filter(pk__in=list(ids)).annotate(newest=Subquery(kin.values("pk")[:1])).values("newest")
    found = Incident.objects.filter(pk__in=newest).select_related("charge_point")
    return {(incident.charge_point_id, incident.case): incident for incident in found}


def flapping_payload(
    group: NotificationGroup, notifications: Sequence[NotificationDecision], context: NotificationContext
) -> GroupFlapping:
    """Charge points that flap, one item per charge point and case, with what its last incident said, be that told by
    this mail or not."""
    latest = newest_incidents(notification.incident_id for notification in notifications)
    items = [
        FlappingItem(
            charge_point=charge_point_facts(incident.charge_point),
            case=Case(case).value,
            openings=context.openings.get((point, case), 0),
            opened_at=incident.opened_at,
            is_open=incident.is_open,
            said=incident.said,
            url=charge_point_url(point),
            incident_id=incident.pk,
        )
        for (point, case), incident in list(latest.items())[:LISTED]
    ]
    points = len({point for point, _case in latest})
    return GroupFlapping(items=items, total=len(latest), points=points, **to_group(group))
