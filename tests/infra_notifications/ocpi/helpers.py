"""What several tests of fetching need."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from infra_notifications.models import OcpiParty
from infra_notifications.services.ocpi.pulls import pull_due
from tests.infra_notifications.ocpi.cpo import evse, location


def places(count: int) -> list[dict[str, Any]]:
    return [location(f"LOC{n}", evse(f"{n}")) for n in range(count)]


def pull(party: OcpiParty) -> OcpiParty:
    """Fetches now, whenever it was due."""
    OcpiParty.objects.filter(pk=party.pk).update(pull_due_at=timezone.now())
    assert pull_due(now=timezone.now()) == 1
    party.refresh_from_db()
    return party
