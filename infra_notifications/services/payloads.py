"""What leaves in events and mails about charge points and incidents."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from infra_notifications.event_kinds import ChargePointFacts, IncidentFacts
from infra_notifications.models import ChargePoint, Incident
from infra_notifications.rules.lifecycle import IncidentState


def incident_url(pk: int) -> str:
    return f"{settings.PUBLIC_URL}{reverse('infra_notifications:incident', args=[pk])}"


def group_url(pk: int) -> str:
    return f"{settings.PUBLIC_URL}{reverse('infra_notifications:group', args=[pk])}"


def charge_point_url(pk: int) -> str:
    return f"{settings.PUBLIC_URL}{reverse('infra_notifications:charge_point', args=[pk])}"


def charge_point_facts(point: ChargePoint) -> ChargePointFacts:
    return ChargePointFacts(
        id=point.pk,
        evse_id=point.evse_id,
        station=point.station,
        connector=point.connector,
        name=point.name,
        location=point.location,
        street=point.street,
        postal_code=point.postal_code,
        city=point.city,
        country=point.country,
        operator=point.operator,
        latitude=float(point.latitude) if point.latitude is not None else None,
        longitude=float(point.longitude) if point.longitude is not None else None,
        tags=list(point.tags),
    )


def incident_facts(incident: IncidentState | Incident, point: ChargePoint) -> IncidentFacts:
    """The facts of a written incident; its id is given by then."""
    return IncidentFacts(
        id=incident.id or 0,
        case=str(incident.case),
        opened_at=incident.opened_at,
        closed_at=incident.closed_at,
        last_seen=point.state.last_seen,
        said=incident.said,
        repeats=incident.repeats,
        close_reason=str(incident.close_reason),
    )
