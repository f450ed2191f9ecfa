"""Acknowledging by the link in a mail, without sign-in: whoever has the mail may say that they take care of it.

The link is signed and names the delivery alone. It works for the incidents that this mail told of, while they are
open, for as long as its address is on the group's list, and for LINK_DAYS at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.conf import settings
from django.core import signing
from django.db.models import Q, QuerySet
from django.urls import reverse

from infra_notifications.choices import BY_MAIL
from infra_notifications.models import GroupAddress, Incident, NotificationDecision, NotificationGroup
from infra_notifications.services.acknowledging import acknowledge_incidents
from infra_notifications.services.payloads import incidents_in
from outbox.models import Delivery, Event
from outbox.services.mailing_lists.lists import pk_in

_SALT = "infra_notifications.acknowledge"
# A fault that is older is looked at in the console; a mail that long is not a secret any more.
LINK_DAYS = 14


@dataclass(frozen=True)
class MailLink:
    """A link that was opened: its delivery, and what it may still do."""

    delivery: Delivery
    is_expired: bool
    is_on_list: bool
    # The IANA name of the zone of the mail's times; empty for the installation's.
    time_zone: str = ""

    @property
    def is_valid(self) -> bool:
        return self.is_on_list and not self.is_expired


def acknowledge_url(delivery_id: int) -> str:
    """A delivery's link: always the same, so that a mail tried again reads as it did before."""
    return f"{settings.PUBLIC_URL}{_page()}{signing.Signer(salt=_SALT).sign(str(delivery_id))}/"


@cache
def _page() -> str:
    return reverse("infra_notifications:mail_acknowledge", args=["-"]).removesuffix("-/")


def read_link(token: str, now: datetime) -> MailLink | None:
    """The link of this token; None for one that we never gave, or whose mail is no longer kept."""
    try:
        pk = int(signing.Signer(salt=_SALT).unsign(token))
    except (signing.BadSignature, ValueError):
        return None
    delivery = Delivery.objects.filter(pk=pk).first()
    if delivery is None:
        return None
    group = NotificationGroup.objects.filter(pk=pk_in(delivery.list_key)).first()
    on_list = group is not None and group.addresses.filter(address__iexact=delivery.address).exists()
    return MailLink(
        delivery, now - delivery.created_at > timedelta(days=LINK_DAYS), on_list, group.time_zone if group else ""
    )


def incidents_of(link: MailLink) -> QuerySet[Incident]:
    """What this mail told of: what it lists, and what it only counts."""
    event = Event.objects.filter(pk=link.delivery.event_id).first()
    payload = event.payload if event is not None else {}
    told = Q(pk__in=incidents_in(payload))
    if payload.get("total", 0) > len(payload.get("items", ())):
        # By its group, because no index leads from an event to what was decided.
        notified = NotificationDecision.objects.filter(
            group=pk_in(link.delivery.list_key), event_id=link.delivery.event_id
        )
        told |= Q(pk__in=notified.values("incident_id"))
    rows = Incident.objects.filter(told)
    return rows.select_related("charge_point", "acknowledgement").order_by("opened_at", "pk")


def hide_strangers(link: MailLink, incidents: Sequence[Incident]) -> None:
    """Who acknowledged by mail is named by address to those alone who are on a list with them, for nobody signed in.
    Nothing of it is saved."""
    known = GroupAddress.objects.filter(group=pk_in(link.delivery.list_key)).values_list("address", flat=True)
    lowered = {address.lower() for address in known}
    for incident in incidents:
        found = getattr(incident, "acknowledgement", None)
        if found is not None and "@" in found.author and found.author.removeprefix(BY_MAIL).lower() not in lowered:
            name = found.author.partition("@")[0]  # somebody who signs in by an address
            found.author = BY_MAIL if name.startswith(BY_MAIL) else name


def acknowledge_by_mail(link: MailLink, incidents: Iterable[Incident], now: datetime) -> int:
    """Acknowledges those that are open and nobody has acknowledged; returns how many, 0 where the link is over."""
    if not link.is_valid:
        return 0
    author = f"{BY_MAIL}{link.delivery.address}"
    return acknowledge_incidents(incident_ids=[incident.pk for incident in incidents], author=author, now=now)
