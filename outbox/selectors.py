"""Reads of the outbox."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Lower, TruncHour

from core.cache import Cache
from core.people import shown_text
from outbox.choices import UNENDED, WAITING, BannerState, Channel, DecisionState, DeliveryState
from outbox.event_kinds import EventKind, domain_of, kind_of, kinds_of, matches_topic, public_kinds
from outbox.models import (
    Address,
    Attempt,
    Banner,
    Delivery,
    Event,
    HealthAlert,
    LogMark,
    TopicDecision,
    TopicList,
    WebhookEndpoint,
)
from outbox.subscriptions.conditions import EventView, compile_condition
from outbox.subscriptions.kinds import WEBHOOK_TEST


def deliveries() -> QuerySet[Delivery]:
    return Delivery.objects.select_related("event")


def deliveries_of_list(list_key: str) -> QuerySet[Delivery]:
    return deliveries().filter(list_key=list_key)


def deliveries_of_events(event_ids: Iterable[int]) -> QuerySet[Delivery]:
    return deliveries().filter(event_id__in=list(event_ids)).order_by("id")


# Hours that are over and counted: nothing is added to them any more.
counted_hours: Cache[datetime, dict[str, int]] = Cache()
_COMMITTED_AFTER = timedelta(minutes=5)


def activity(now: datetime, hours: int = 24) -> list[tuple[datetime, dict[str, int]]]:
    """How many events each domain published in each of the last hours, the oldest first, this one so far.

    Hours that are over are counted once in a process; the dashboard asks every half minute.
    """
    this = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    span = [this - timedelta(hours=back) for back in range(hours - 1, -1, -1)]
    counted = {hour: by for hour in span if (by := counted_hours.peek(hour)) is not None}
    since = next((hour for hour in span if hour not in counted), this)
    counts: dict[datetime, dict[str, int]] = {hour: {} for hour in span if hour >= since}
    rows = Event.objects.filter(created_at__gte=since).annotate(hour=TruncHour("created_at", tzinfo=UTC))
    for hour, kind, number in rows.order_by().values_list("hour", "kind").annotate(n=Count("pk")):
        domain = domain_of(kind)
        if hour in counts:
            counts[hour][domain] = counts[hour].get(domain, 0) + number
    for hour, by in counts.items():
        if hour + timedelta(hours=1) + _COMMITTED_AFTER < now:
            counted_hours.put(hour, by)
    return [(hour, (counted | counts)[hour]) for hour in span]


def attempts_of(delivery: Delivery) -> QuerySet[Attempt]:
    return Attempt.objects.filter(delivery_id=delivery.pk)


def last_answers(delivery_ids: Iterable[int]) -> dict[int, str]:
    """What the receiver said last, by delivery, for whoever looks."""
    tries = Attempt.objects.filter(delivery_id__in=list(delivery_ids)).exclude(answer="")
    newest = tries.order_by("delivery_id", "-id").distinct("delivery_id")
    return {pk: shown_text(answer) for pk, answer in newest.values_list("delivery_id", "answer")}


def log_after(position: int, *, kind: str, limit: int) -> QuerySet[Event]:
    """Events behind a place in the log, in its order; `kind` may be a topic such as `trip.*`."""
    events = Event.objects.filter(position__gt=position)
    if kind.endswith(".*"):
        events = events.filter(kind__startswith=kind[:-1])
    elif kind and kind != "*":
        events = events.filter(kind=kind)
    return events.order_by("position")[:limit]


def oldest_due(now: datetime) -> datetime | None:
    """When the oldest waiting delivery became due."""
    waiting = Delivery.objects.filter(state__in=WAITING, next_attempt_at__lte=now).order_by("next_attempt_at")
    return waiting.values_list("next_attempt_at", flat=True).first()


class Undelivered(NamedTuple):
    """Since when the oldest delivery waits that has not ended, and the oldest of those at which workers died."""

    since: datetime | None
    lost_since: datetime | None


def oldest_undelivered() -> Undelivered:
    """From when they were made, whatever they wait for or who holds them."""
    unended = Delivery.objects.filter(state__in=UNENDED)
    return Undelivered(*unended.aggregate(a=Min("created_at"), b=Min("created_at", filter=Q(lost__gt=0))).values())


def refused_addresses(addresses: Iterable[str]) -> dict[str, Address]:
    """The addresses among these that their server refuses or that are blocked, by lower-case address."""
    lowered = [address.lower() for address in addresses]
    refused = Address.objects.alias(lowered=Lower("address")).filter(
        Q(failing_since__isnull=False) | ~Q(blocked_reason=""), channel=Channel.EMAIL, lowered__in=lowered
    )
    return {row.address.lower(): row for row in refused}


def is_blocked() -> Exists:
    """Whether nothing is mailed to the `address` of a row, because mails came back or its owner asked."""
    rows = Address.objects.alias(lowered=Lower("address")).filter(channel=Channel.EMAIL)
    return Exists(rows.filter(lowered=Lower(OuterRef("address"))).exclude(blocked_reason=""))


def addresses_reached(event_ids: Iterable[int], addresses: Iterable[str]) -> set[tuple[int, str]]:
    """Which of these mails went, or are going, to which of these addresses, as (event id, lower-case address)."""
    on_the_way = (*WAITING, DeliveryState.SENDING, DeliveryState.DELIVERED)
    found = Delivery.objects.alias(lowered=Lower("address")).filter(
        event_id__in=list(event_ids),
        channel=Channel.EMAIL,
        state__in=on_the_way,
        lowered__in=[address.lower() for address in addresses],
    )
    return {(event_id, address.lower()) for event_id, address in found.values_list("event_id", "address")}


def open_counts() -> dict[str, int]:
    """How many deliveries wait, are being sent, or failed, by state."""
    states = (*WAITING, DeliveryState.SENDING, DeliveryState.FAILED)
    rows = Delivery.objects.filter(state__in=states).values_list("state").annotate(n=Count("pk"))
    return dict(rows)


@dataclass(frozen=True)
class DeadLetters:
    """What failed for good of one channel for one reason, newest last."""

    channel: str
    reason: str
    count: int
    newest_at: datetime


def dead_letters_by_reason() -> list[DeadLetters]:
    """What failed for good, most first; read through the partial index of what failed."""
    rows = (
        Delivery.objects.filter(state=DeliveryState.FAILED)
        .values_list("channel", "reason")
        .annotate(n=Count("pk"), newest=Max("settled_at"))
        .order_by("-n", "channel", "reason")
    )
    return [DeadLetters(*row) for row in rows]


def banners_of(audience: str, *, now: datetime, states: Iterable[str] = ()) -> QuerySet[Banner]:
    """What an audience was shown, newest first; with `states`, what stands in one of them now.

    A banner whose time has come is no longer open, though the sweep that says so may be seconds away.
    """
    banners = Banner.objects.filter(audience=audience).select_related("delivery__event")
    if states:
        over = Q(state=BannerState.OPEN, expires_at__lte=now)
        in_states = Q(state__in=list(states)) & ~over
        banners = banners.filter(in_states | over if BannerState.EXPIRED in states else in_states)
    return banners.order_by("-pk")


def open_health_alerts() -> QuerySet[HealthAlert]:
    """What does not work now, as far as it was noticed."""
    return HealthAlert.objects.filter(ended_at__isnull=True).order_by("began_at")


def log_end() -> int:
    """The newest place in the log; 0 when it is empty."""
    return Event.objects.aggregate(end=Max("position"))["end"] or 0


def log_pruned_to() -> int:
    """The newest place in the log that was pruned; 0 when none was."""
    return LogMark.objects.values_list("pruned_to", flat=True).first() or 0


# ---- topic lists ----------------------------------------------------------------------------------------------------

# How many of the last events the preview of a list looks at, and how many of those that fit it shows.
PREVIEWED, SHOWN = 1_000, 5


def topic_lists() -> QuerySet[TopicList]:
    return TopicList.objects.annotate(address_count=Count("addresses")).prefetch_related("addresses")


def waiting_decisions(topic_list: TopicList) -> int:
    return TopicDecision.objects.filter(topic_list_id=topic_list.pk, state=DecisionState.WAITING).count()


def not_notified(topic_list: TopicList) -> QuerySet[TopicDecision]:
    """What a list has not been told, or not yet, and why."""
    decisions = TopicDecision.objects.filter(topic_list_id=topic_list.pk).exclude(state=DecisionState.NOTIFIED)
    return decisions.select_related("event")


def decisions_of_event(event: Event) -> QuerySet[TopicDecision]:
    """What became of an event on each topic list."""
    return TopicDecision.objects.filter(event_id=event.pk).order_by("list_name")


def oldest_undecided(now: datetime) -> datetime | None:
    """When the oldest decision became due that should have been decided by now."""
    due = TopicDecision.objects.filter(state=DecisionState.WAITING, due_at__lte=now).order_by("due_at")
    return due.values_list("due_at", flat=True).first()


@dataclass(frozen=True)
class Preview:
    """What a list would have been told of the last events: how many of how many, since when, and the newest of them."""

    matched: int
    looked_at: int
    since: datetime | None
    newest: list[Event]


def preview(*, topics: Iterable[str], domain: str, condition: str) -> Preview:
    """Asks the last events that could be listened to. Raises SearchError for a condition that cannot be read."""
    fits = compile_condition(condition)
    takes = {kind.key: kind for kind in kinds_of(topics, domain)}
    public = Event.objects.filter(kind__in=[kind.key for kind in public_kinds()])
    events = list(public.order_by("-id").only("kind", "subject", "payload", "occurred_at")[:PREVIEWED])
    matching = [
        event
        for event in events
        if (kind := takes.get(event.kind)) is not None and fits(EventView.of(kind, event.subject, event.payload))
    ]
    return Preview(len(matching), len(events), events[-1].occurred_at if events else None, matching[:SHOWN])


# ---- webhooks -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EndpointSubscription:
    """A webhook endpoint, and of which of some kinds it hears, on its condition."""

    endpoint: WebhookEndpoint
    kinds: list[EventKind]


def webhooks_subscribed_to(keys: Iterable[str]) -> list[EndpointSubscription]:
    """The endpoints that take events of some of these kinds, whatever their state."""
    kinds = [kind_of(key) for key in keys]
    subscriptions = []
    for endpoint in WebhookEndpoint.objects.order_by("pk"):
        subscribed = [kind for kind in kinds if any(matches_topic(topic, kind.key) for topic in endpoint.topics)]
        if subscribed:
            subscriptions.append(EndpointSubscription(endpoint, subscribed))
    return subscriptions


def endpoint_counts(endpoint: WebhookEndpoint, now: datetime) -> dict[str, int]:
    """The endpoint's deliveries of the last day, by state."""
    rows = Delivery.objects.filter(list_key=endpoint.key, created_at__gte=now - timedelta(days=1))
    return dict(rows.order_by().values_list("state").annotate(n=Count("pk")))


def held_back(endpoint: WebhookEndpoint) -> int:
    """How many of an endpoint's deliveries were held back and can be replayed."""
    return Delivery.objects.filter(list_key=endpoint.key, state=DeliveryState.SUPPRESSED).count()


def last_test(endpoint: WebhookEndpoint) -> Delivery | None:
    """The delivery of the last test event that was sent to an endpoint."""
    return deliveries().filter(list_key=endpoint.key, event__kind=WEBHOOK_TEST).order_by("-pk").first()
