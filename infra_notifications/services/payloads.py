"""What leaves in events and mails about charge points and incidents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.urls import reverse

from infra_notifications.choices import Case
from infra_notifications.event_kinds import (
    ChargePointFacts,
    ChargePointIncident,
    FlappingItem,
    GroupFlapping,
    GroupMail,
    IncidentFacts,
)
from infra_notifications.models import ChargePoint, Incident, NotificationDecision, NotificationGroup
from infra_notifications.rules.lifecycle import IncidentState
from infra_notifications.services.context import NotificationContext


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


def incident_at(point: ChargePoint, incident: IncidentState | Incident) -> ChargePointIncident:
    """A written incident, which has its id by then, at its charge point."""
    pk = incident.id or 0
    facts = IncidentFacts(
        id=pk,
        case=str(incident.case),
        opened_at=incident.opened_at,
        closed_at=incident.closed_at,
        last_seen=point.state.last_seen,
        said=incident.said,
        repeats=incident.repeats,
        close_reason=str(incident.close_reason),
    )
    return ChargePointIncident(charge_point=charge_point_facts(point), incident=facts, url=incident_url(pk))


# ---- mails ----------------------------------------------------------------------------------------------------

# A mail lists this many charge points and says how many more there are; the page has them all.
LISTED = 100


def incidents_payload(
    group: NotificationGroup, incidents: Sequence[Incident], *, total: int | None = None
) -> GroupMail:
    """Incidents one by one, as alerts, all-clears and reminders list them; `total` when there are more of them."""
    items = [incident_at(incident.charge_point, incident) for incident in incidents[:LISTED]]
    found = len(incidents) if total is None else total
    return GroupMail(group_id=group.pk, group=group.name, items=items, total=found, url=group_url(group.pk))


def flapping_payload(
    group: NotificationGroup, notifications: Sequence[NotificationDecision], context: NotificationContext
) -> GroupFlapping:
    """Charge points that flap, one item per charge point and case, with what its last incident said."""
    latest: dict[tuple[int, str], Incident] = {}
    for notification in notifications:
        incident = notification.incident
        latest[incident.charge_point_id, incident.case] = incident
    items = [
        FlappingItem(
            charge_point=charge_point_facts(incident.charge_point),
            case=Case(case).value,
            openings=context.openings.get((point, case), 0),
            opened_at=incident.opened_at,
            is_open=incident.is_open,
            said=incident.said,
            url=charge_point_url(point),
        )
        for (point, case), incident in list(latest.items())[:LISTED]
    ]
    return GroupFlapping(group_id=group.pk, group=group.name, items=items, total=len(latest), url=group_url(group.pk))
