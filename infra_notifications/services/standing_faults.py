"""What is shown as Faulted while no incident of it is open, and why that is so."""

from __future__ import annotations

from django.db.models import OuterRef, Subquery

from infra_notifications.choices import Case, CloseReason, EntryKind
from infra_notifications.ingest import FAULTED
from infra_notifications.models import ChargePoint, Incident, IncidentEntry
from infra_notifications.rules.memory import read_memory


def is_unattended(point: ChargePoint) -> bool:
    """Whether it is shown as Faulted and no incident of it is open; silence is none of its faults."""
    if point.state.status.lower() != FAULTED:
        return False
    open_ones = Incident.objects.filter(charge_point=point, closed_at__isnull=True).exclude(case=Case.UNAVAILABLE)
    return not open_ones.exists()


def end_of_standing_fault(point: ChargePoint) -> Incident | None:
    """Of a charge point that is unattended: the incident that a person or another system ended since it said so last,
    with `closed_by` where it was a person."""
    ended = Incident.objects.filter(charge_point=point, close_reason__in=(CloseReason.BY_HAND, CloseReason.SIGNAL))
    since = read_memory(point.state.memory).status_order
    if since is not None:
        ended = ended.filter(closed_received_at__gte=since)
    closing = IncidentEntry.objects.filter(incident=OuterRef("pk"), kind=EntryKind.CLOSED).order_by("-id")
    ended = ended.annotate(closed_by=Subquery(closing.values("author")[:1]))
    return ended.exclude(case=Case.UNAVAILABLE).order_by("-closed_received_at", "-id").first()
