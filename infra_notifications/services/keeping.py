"""How long charging infrastructure keeps what it records, and how an address is erased from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from core.erasure import Erased, scrub
from core.retention import STEP, Step
from infra_notifications.models import GroupAddress, Incident, Notice


def prune_incidents(before: datetime, after: int) -> Step:
    """Deletes incidents that closed long ago, with what was told of them; open ones never."""
    rows = list(Incident.objects.filter(pk__gt=after).order_by("pk").values_list("pk", "opened_received_at")[:STEP])
    ids = [pk for pk, _received in rows]
    closed = Incident.objects.filter(pk__in=ids, closed_at__lt=before, closed_received_at__lt=before)
    going = list(closed.values_list("pk", flat=True))
    # By the ORM, which takes with it whatever refers to them.
    Incident.objects.filter(pk__in=going, closed_at__isnull=False).delete()
    is_end = len(rows) < STEP or all(received >= before for _pk, received in rows)
    return Step(len(going), None if is_end else ids[-1])


def events_of_open_incidents(ids: Sequence[int]) -> set[int]:
    """Of these events of the outbox, the mails that told of incidents which are still open."""
    told = Notice.objects.filter(event_id__in=ids, incident__closed_at__isnull=True)
    return {pk for pk in told.values_list("event_id", flat=True) if pk is not None}


def erase_address(address: str, _now: datetime) -> Sequence[Erased]:
    """Takes an address off every group's list and out of the messages that named it."""
    listed = GroupAddress.objects.filter(address__iexact=address).delete()[0]
    messages = scrub("infra_notifications_chargepointmessage", address, documents=("payload", "findings"))
    unknown = scrub("infra_notifications_unknownchargepoint", address, documents=("sample",))
    unmapped = scrub("infra_notifications_unmappedreport", address, texts=("said",), documents=("sample",))
    return [
        Erased(_("notification groups that it stood on"), listed),
        Erased(_("messages of charge points that named it"), messages + unknown + unmapped),
    ]
