"""What charging infrastructure needs of the outbox for longer than the outbox would keep it."""

from __future__ import annotations

from collections.abc import Sequence

from infra_notifications.models import Notice


def events_of_open_incidents(ids: Sequence[int]) -> set[int]:
    """Of these events of the outbox, the mails that told of incidents which are still open."""
    told = Notice.objects.filter(event_id__in=ids, incident__closed_at__isnull=True)
    return {pk for pk in told.values_list("event_id", flat=True) if pk is not None}
