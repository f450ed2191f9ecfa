"""Tells a mailing list's other addresses that mails to one of them come back.

Every address is an event of its own, so that none is missed. Its mails wait a little: what comes back to further
addresses of the list meanwhile, as it does to all of a domain that is gone, is told in the mail that waits already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models.functions import Lower

from outbox.choices import Channel, DeliveryState, Reason
from outbox.contract import ClaimedEvent, NewEvent, Recipient, Refreshed
from outbox.models import Address, Delivery, Event
from outbox.services.bounces.marks import AddressMark
from outbox.services.deliveries import end_waiting
from outbox.services.mailing_lists.leaving import list_of
from outbox.services.publishing import publish
from outbox.subscriptions.kinds import LIST_BOUNCES, ListBounces

# Mails wait so long for further addresses of their list to come back.
GATHER = timedelta(minutes=10)
# What comes back is told together only with what was told as lately as this.
_SINCE = timedelta(days=2)


def tell_others(delivery: Delivery, answer: str, mark: AddressMark, now: datetime) -> None:
    """Tells the list's addresses from which nothing came back, or the administrators where there is no such one."""
    registered = list_of(delivery.list_key)
    found = registered.find(delivery.list_key) if registered is not None and registered.find is not None else None
    if found is None:
        return
    mails = Delivery.objects.filter(event__kind=LIST_BOUNCES, event__subject=delivery.list_key, channel=Channel.EMAIL)
    # Those that wait for this address itself reach nobody.
    own = mails.filter(address__iexact=delivery.address)
    end_waiting(own, state=DeliveryState.SUPPRESSED, reason=Reason.BOUNCED, now=now)
    waiting = mails.filter(state__in=(DeliveryState.PENDING, DeliveryState.RETRYING), created_at__gte=now - _SINCE)
    first = waiting.order_by("event_id").select_related("event").first()
    failing = set(
        Address.objects.filter(channel=Channel.EMAIL, bounces__gt=0)
        .annotate(lowered=Lower("address"))
        .filter(lowered__in=[address.lower() for address in found.addresses])
        .values_list("lowered", flat=True)
    )
    others = [address for address in found.addresses if address.lower() not in failing | {delivery.address.lower()}]
    to = [Recipient(address, list_key=delivery.list_key, language=found.language) for address in others]
    event = NewEvent(
        kind=LIST_BOUNCES,
        subject=delivery.list_key,
        payload=ListBounces(
            list_name=found.name,
            address=delivery.address,
            answer=answer,
            bounces=mark.bounces,
            is_paused=mark.just_paused,
            url=found.url,
        ),
        dedup_key=f"{LIST_BOUNCES}:{delivery.pk}",
        occurred_at=now,
        recipients=tuple(to or [Recipient(address) for address in settings.ADMIN_EMAILS]),
        # What answers a mail that waits is told in it.
        thread=first.event.uuid.hex if first else "",
    )
    publish(events=[event], now=now)
    Delivery.objects.filter(event__uuid=event.uuid, state=DeliveryState.PENDING).update(next_attempt_at=now + GATHER)


def name_all(events: Sequence[ClaimedEvent]) -> dict[int, Refreshed]:
    """These mails with every address of which the mails that are told in them are."""
    said: dict[str, list[dict[str, Any]]] = defaultdict(list)
    answers = Event.objects.filter(
        kind=LIST_BOUNCES,
        subject__in={event.subject for event in events},
        thread__in=[event.uuid.hex for event in events],
        created_at__gte=min(event.occurred_at for event in events),
    )
    for thread, payload in answers.order_by("id").values_list("thread", "payload"):
        said[thread].append(payload)
    return {event.id: Refreshed(_together(event.payload, said[event.uuid.hex])) for event in events}


def _together(payload: dict[str, Any], further: list[dict[str, Any]]) -> dict[str, Any]:
    """What was said of each address at last, in the order in which they came back."""
    each = {one["address"].lower(): one for one in (payload, *further)}
    told, *others = each.values()
    return payload | told | {"others": [{key: one[key] for key in _OF_ONE} for one in others]}


_OF_ONE = ("address", "answer", "bounces", "is_paused")
