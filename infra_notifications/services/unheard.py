"""Groups and charge points of which nobody would hear, told to the administrators once a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from infra_notifications.event_kinds import DOMAIN
from infra_notifications.models import ChargePoint, NotificationGroup
from infra_notifications.search import MISSING, MISSING_LABELS, in_group
from infra_notifications.services.payloads import group_url
from outbox.choices import Severity
from outbox.contract import NewEvent, Recipient
from outbox.event_kinds import EventKind
from outbox.services import publish

LISTED = 50
UNHEARD = "notification_group.unheard"


class UnheardGroup(msgspec.Struct, kw_only=True):
    """A group that notifies nobody, and what it is missing: address, member, case."""

    name: str
    missing: list[str]
    url: str = ""


class UnheardReport(msgspec.Struct, kw_only=True):
    """Payload of the daily mail to administrators: what notifies nobody; some of `total` and `charge_points` listed."""

    groups: list[UnheardGroup]
    total: int
    charge_points: int
    examples: list[str]
    url: str = ""
    points_url: str = ""


KIND = EventKind(
    UNHEARD,
    _("Daily mail about what notifies nobody"),
    _("Groups without an address, a case or a charge point, and charge points in no group, for administrators."),
    DOMAIN,
    UnheardReport,
    UnheardReport(groups=[UnheardGroup(name="Köln", missing=["case"])], total=1, charge_points=1, examples=["A"]),
    Severity.WARNING,
    mail="infra_notifications/mail/unheard",
    is_public=False,
)


def report_unheard(*, now: datetime) -> bool:
    """Mails ADMIN_EMAILS what notifies nobody, at most once a local day; says whether there was anything."""
    report = _report()
    if report is None or not settings.ADMIN_EMAILS:
        return False
    day = timezone.localtime(now, timezone.get_default_timezone()).date()
    event = NewEvent(
        kind=UNHEARD,
        subject="unheard",
        payload=report,
        dedup_key=f"{UNHEARD}:{day.isoformat()}",
        occurred_at=now,
        recipients=tuple(Recipient(address) for address in settings.ADMIN_EMAILS),
    )
    with transaction.atomic():
        publish(events=[event], now=now)
    return True


def _report() -> UnheardReport | None:
    ways = {name: condition() for name, condition in MISSING.items()}
    found = NotificationGroup.objects.filter(ways["any"])
    number = found.count()
    listed = list(found[:LISTED])
    by_way = {
        name: set(found.filter(condition, pk__in=[group.pk for group in listed]).values_list("pk", flat=True))
        for name, condition in ways.items()
        if name != "any"
    }
    outside = ChargePoint.objects.filter(~in_group(None))
    points = outside.count()
    if not (number or points):
        return None
    return UnheardReport(
        groups=[
            UnheardGroup(
                name=group.name,
                missing=[name for name, pks in by_way.items() if group.pk in pks],
                url=group_url(group.pk),
            )
            for group in listed
        ],
        total=number,
        charge_points=points,
        examples=list(outside.order_by("evse_id").values_list("evse_id", flat=True)[:LISTED]),
        url=f"{settings.PUBLIC_URL}{reverse('infra_notifications:groups')}?q=missing:any",
        points_url=f"{settings.PUBLIC_URL}{reverse('infra_notifications:charge_points')}?q=group:none",
    )


# ---- for pages ------------------------------------------------------------------------------------------------------


def attach_missing(rows: Sequence[NotificationGroup]) -> None:
    """Gives each group `missing`: why it notifies nobody, in the words of its page; one query for all of them."""
    why = [name for name in MISSING if name != "any"]
    found = NotificationGroup.objects.filter(MISSING["any"](), pk__in=[group.pk for group in rows])
    answers = found.values_list("pk", *(ExpressionWrapper(MISSING[name](), BooleanField()) for name in why))
    missing = {
        pk: [MISSING_LABELS[name] for name, is_so in zip(why, reasons, strict=True) if is_so]
        for pk, *reasons in answers
    }
    for group in rows:
        group.missing = missing.get(group.pk, [])  # type: ignore[attr-defined]


def unheard_counts() -> dict[str, int]:
    """How many groups notify nobody, and how many charge points are in no group."""
    return {
        "groups": NotificationGroup.objects.filter(MISSING["any"]()).count(),
        "points": ChargePoint.objects.filter(~in_group(None)).count(),
    }
