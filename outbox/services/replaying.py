"""Replay: what a webhook endpoint did not get, or is to get once more, under the ids that it had."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
from auditlog.models import LogEntry
from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.refusal import Refused
from outbox import nudge
from outbox.choices import Channel, DeliveryState, EndpointState
from outbox.event_kinds import kind_of, kinds_of
from outbox.models import Delivery, WebhookEndpoint
from outbox.models.webhooks import endpoint_id
from outbox.services.deliveries import retry_delivery, send_again
from outbox.services.publishing import insert_deliveries
from outbox.services.webhooks import recipient_of
from outbox.subscriptions.conditions import EventView, compile_condition
from outbox.subscriptions.kinds import WEBHOOK_TEST

# What has not arrived, or not yet.
NOT_ARRIVED = (DeliveryState.FAILED, DeliveryState.SUPPRESSED, DeliveryState.CANCELLED, DeliveryState.RETRYING)
REPLAYABLE = (*NOT_ARRIVED, DeliveryState.DELIVERED)
STEP, MOST_NEW = 1_000, 20_000


def endpoint_of(delivery: Delivery) -> WebhookEndpoint | None:
    """The endpoint of a webhook's delivery, while there is one."""
    pk = endpoint_id(delivery.list_key)
    if delivery.channel != Channel.WEBHOOK or pk is None:
        return None
    return WebhookEndpoint.objects.filter(pk=pk).first()


def replay_delivery(*, delivery: Delivery, now: datetime) -> bool:
    """Sends one webhook again now, delivered or not, under the same `webhook-id`; its schedule starts anew.

    Says whether it could. Raises Refused when its endpoint is gone, paused or disabled.
    """
    endpoint = endpoint_of(delivery)
    if endpoint is None:
        raise Refused(_("The endpoint was deleted; nothing can be sent to it."), code="endpoint_deleted")
    _check_enabled(endpoint)
    return retry_delivery(delivery=delivery, now=now, states=REPLAYABLE)


def replay_endpoint(
    *, endpoint: WebhookEndpoint, since: datetime, until: datetime | None, only_failed: bool, now: datetime
) -> int:
    """Sends what was recorded in [since, until) again; returns how many events.

    With `only_failed` that is what has not arrived: failed, held back, cancelled, or still being retried. Without,
    also what was delivered, and events of the endpoint's topics that had no delivery because it was made or changed
    later. Raises Refused.
    """
    _check_enabled(endpoint)
    until = min(until, now) if until else now
    if since >= until:
        raise Refused(_("The range is empty: “since” has to lie before “until” and in the past."), field="since")
    with transaction.atomic():
        rows = Delivery.objects.filter(
            list_key=endpoint.key,
            channel=Channel.WEBHOOK,
            created_at__gte=since,
            created_at__lt=until,
            state__in=NOT_ARRIVED if only_failed else REPLAYABLE,
        ).exclude(event__kind=WEBHOOK_TEST)
        count = send_again(rows, now)
        if not only_failed:
            count += _deliver_missing(endpoint, since, until, now)
        if count:
            period = f"{since.isoformat()} – {until.isoformat()}"
            LogEntry.objects.log_create(
                endpoint, action=LogEntry.Action.UPDATE, changes={"replayed": ["", f"{count}: {period}"]}
            )
            transaction.on_commit(nudge.nudge, robust=True)
    return count


def _check_enabled(endpoint: WebhookEndpoint) -> None:
    if endpoint.state != EndpointState.ENABLED:
        state = str(endpoint.get_state_display()).lower()
        raise Refused(_("The endpoint is %(state)s; resume it first.") % {"state": state}, code="endpoint_held")


def _deliver_missing(endpoint: WebhookEndpoint, since: datetime, until: datetime, now: datetime) -> int:
    fits, to, count = compile_condition(endpoint.condition), recipient_of(endpoint), 0
    for step in _events_without_delivery(endpoint, since, until):
        count += insert_deliveries([(pk, to) for pk, view in step if fits(view)], now)
        if count > MOST_NEW:
            raise Refused(_("More than %(n)d events to add; choose a shorter range.") % {"n": MOST_NEW}, field="since")
    return count


def _events_without_delivery(
    endpoint: WebhookEndpoint, since: datetime, until: datetime
) -> Iterator[list[tuple[int, EventView]]]:
    kinds, last = [kind.key for kind in kinds_of(endpoint.topics)], 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT e.id, e.kind, e.subject, e.payload::text FROM outbox_event e"
                " WHERE e.created_at >= %s AND e.created_at < %s AND e.kind = ANY(%s) AND e.id > %s AND NOT EXISTS"
                " (SELECT FROM outbox_delivery d WHERE d.event_id = e.id AND d.list_key = %s)"
                " ORDER BY e.id LIMIT %s",
                [since, until, kinds, last, endpoint.key, STEP],
            )
            rows = cursor.fetchall()
        if not rows:
            return
        last = rows[-1][0]
        yield [
            (pk, EventView.of(kind_of(kind), subject, msgspec.json.decode(payload)))
            for pk, kind, subject, payload in rows
        ]
