"""What a group's mails say: the events whose recipients are a group's addresses."""

from __future__ import annotations

from collections.abc import Sequence

from infra_notifications.choices import Case
from infra_notifications.event_kinds import ChargePointIncident, FlappingItem, GroupFlapping, GroupMail
from infra_notifications.models import Incident, Notice, NotificationGroup
from infra_notifications.services.circumstances import Circumstances
from infra_notifications.services.payloads import (
    charge_point_facts,
    charge_point_url,
    group_url,
    incident_facts,
    incident_url,
)

# A mail lists this many charge points and says how many more there are; the page has them all.
LISTED = 100


def incidents_payload(
    group: NotificationGroup, incidents: Sequence[Incident], *, total: int | None = None
) -> GroupMail:
    """Incidents one by one, as alerts, all-clears and reminders list them; `total` when there are more of them."""
    items = [
        ChargePointIncident(
            charge_point=charge_point_facts(incident.charge_point),
            incident=incident_facts(incident, incident.charge_point),
            url=incident_url(incident.pk),
        )
        for incident in incidents[:LISTED]
    ]
    found = len(incidents) if total is None else total
    return GroupMail(group_id=group.pk, group=group.name, items=items, total=found, url=group_url(group.pk))


def flapping_payload(group: NotificationGroup, notices: Sequence[Notice], around: Circumstances) -> GroupFlapping:
    """Charge points that flap, one item per charge point and case, with what its last incident said."""
    latest: dict[tuple[int, str], Incident] = {}
    for notice in notices:
        incident = notice.incident
        latest[incident.charge_point_id, incident.case] = incident
    items = [
        FlappingItem(
            charge_point=charge_point_facts(incident.charge_point),
            case=Case(case).value,
            openings=around.openings.get((point, case), 0),
            opened_at=incident.opened_at,
            is_open=incident.is_open,
            said=incident.said,
            url=charge_point_url(point),
        )
        for (point, case), incident in list(latest.items())[:LISTED]
    ]
    return GroupFlapping(group_id=group.pk, group=group.name, items=items, total=len(latest), url=group_url(group.pk))
