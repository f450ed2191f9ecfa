"""Endpoints, events and whole deliveries for the tests of webhooks, in a line each."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from outbox.dispatcher import Dispatcher
from outbox.models import Attempt, Delivery, WebhookEndpoint
from outbox.services.webhooks import EndpointInput, create_endpoint
from outbox.transports.webhook.targets import Policy
from outbox.transports.webhook.transport import WebhookTransport
from tests.outbox.kit import a_note, published
from tests.outbox.receiver import Receiver

LOOPBACK = Policy(networks=(ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")))
SILENT, TRIP = "test.silent", "test.trip.mark.updated"


def endpoint_at(to: Receiver | str, *topics: str, now: datetime | None = None, **more: Any) -> WebhookEndpoint:
    """An endpoint; `endpoint.secret` is what it was given."""
    url = to if isinstance(to, str) else to.url
    made = {name: more.pop(name) for name in ("owner", "enabled") if name in more}
    wanted = EndpointInput(url, topics or ("*",), **more)
    endpoint, secret = create_endpoint(details=wanted, now=now or timezone.now(), **made)
    endpoint.secret = secret  # type: ignore[attr-defined]
    return endpoint


def happened(number: int = 1, *, kind: str = SILENT, now: datetime | None = None, **more: Any) -> list[Delivery]:
    """Publishes events that endpoints listen to; returns all their deliveries."""
    moment = now or timezone.now()
    return published(*(a_note(kind=kind, occurred_at=moment, **more) for _ in range(number)), now=moment)


def deliver(*, policy: Policy = LOOPBACK, tls: ssl.SSLContext | None = None) -> int:
    """Sends what is due by a dispatcher that has only the webhook transport; returns how many results it settled."""
    return asyncio.run(Dispatcher(lambda: (WebhookTransport(policy=policy, tls=tls),)).run_until_idle())


def fresh(delivery: Delivery) -> Delivery:
    return Delivery.objects.select_related("event").get(pk=delivery.pk)


def tries(delivery: Delivery) -> list[Attempt]:
    return list(Attempt.objects.filter(delivery=delivery))


def make_due(delivery: Delivery) -> None:
    """As if its pause were over."""
    Delivery.objects.filter(pk=delivery.pk).update(next_attempt_at=timezone.now() - timedelta(seconds=1))
