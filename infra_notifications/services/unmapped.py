"""New kinds of unmapped message, told to the administrators once a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from infra_notifications.event_kinds import DOMAIN
from infra_notifications.models import UnmappedReport
from infra_notifications.services.payloads import LISTED
from outbox.choices import Severity
from outbox.contract import NewEvent, Recipient
from outbox.event_kinds import EventKind
from outbox.services import publish

UNMAPPED = "mapping.unmapped"


class UnmappedKind(msgspec.Struct, kw_only=True):
    """Something that no rule knows, with the charge point or station where it was heard last."""

    said: str
    action: str
    seen: int
    place: str = ""


class UnmappedKinds(msgspec.Struct, kw_only=True):
    """Payload of the administrators' mail about new kinds of unmapped message: `len(items)` of `total` listed."""

    items: list[UnmappedKind]
    total: int
    url: str = ""


KIND = EventKind(
    UNMAPPED,
    _("New kinds of unmapped message"),
    _("Charge points said something that no rule knows. It goes to administrators, once a day."),
    DOMAIN,
    UnmappedKinds,
    UnmappedKinds(
        items=[
            UnmappedKind(
                said="Faulted · OtherError, X-4711", action="StatusNotification", seen=3, place="DE*ABC*E0001*1"
            )
        ],
        total=1,
        url="https://signalbox.example/…",
    ),
    Severity.INFO,
    mail="infra_notifications/mail/unmapped",
    is_public=False,
)


def _told_lately(now: datetime) -> bool:
    return UnmappedReport.objects.filter(told_at__gt=now - timedelta(days=1)).exists()


def announce_unmapped(*, now: datetime) -> int:
    """Mails administrators what kinds of unmapped message are new, at most once a day; returns how many it names."""
    if not settings.ADMIN_EMAILS:
        return 0
    if _told_lately(now):
        return 0
    with transaction.atomic():
        fresh = UnmappedReport.objects.select_for_update(of=("self",)).filter(told_at=None)
        reports = list(fresh.select_related("charge_point").order_by("-seen", "id"))
        # Asked again behind the lock: who held it may just have told of others.
        if not reports or _told_lately(now):
            return 0
        # Two that announce at once wait for each other above, and the second finds nothing or this key.
        event = NewEvent(
            kind=UNMAPPED,
            subject="mapping:unmapped",
            payload=_payload(reports),
            dedup_key=f"{UNMAPPED}:{reports[0].pk}:{now.date()}",
            occurred_at=now,
            recipients=tuple(Recipient(address) for address in settings.ADMIN_EMAILS),
        )
        UnmappedReport.objects.filter(pk__in=[report.pk for report in reports]).update(told_at=now)
        publish(events=[event], now=now)
    return len(reports)


def _payload(reports: Sequence[UnmappedReport]) -> UnmappedKinds:
    """What administrators are mailed about new kinds of unmapped message."""
    items = [
        UnmappedKind(
            said=report.said or report.signature,
            action=report.action,
            seen=report.seen,
            place=report.charge_point.evse_id if report.charge_point else report.station,
        )
        for report in reports[:LISTED]
    ]
    url = f"{settings.PUBLIC_URL}{reverse('infra_notifications:unmapped')}"
    return UnmappedKinds(items=items, total=len(reports), url=url)
