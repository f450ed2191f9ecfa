"""Webhook endpoints for machines, by the contract: made, changed, tested, given a new secret, replayed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Status
from pydantic import AwareDatetime, Field

from core.api import ConfigurationIn, PartialIn, Problem, audited_by, key_of, page_of, rfc3339, serialize
from core.models import ApiKey
from core.people import shown_text
from outbox import selectors
from outbox.api.base import READ, WRITE, router
from outbox.api.events import serialize_delivery
from outbox.choices import EndpointState
from outbox.models import WebhookEndpoint
from outbox.search import DELIVERY_SEARCH, ENDPOINT_SEARCH
from outbox.services import replaying
from outbox.services import webhooks as services
from outbox.subscriptions.personal_data import scopes_lacking

MAX_TOPICS = 500


class EndpointIn(ConfigurationIn):
    """`topics`: kinds (`GET /event-kinds`), prefixes such as `trip.*`, or `*`, which takes everything (the condition
    `-kind:x.*` leaves a part out); `condition`: a Magic Search."""

    url: str = Field(examples=["https://hooks.example.com/signalbox"])
    topics: list[str] = Field(max_length=MAX_TOPICS, examples=[["trip.*"]])
    description: str = ""
    enabled: bool = True
    condition: str = Field(default="", max_length=10_000, examples=["city:paris severity:>=warning"])
    headers: dict[str, str] = Field(default_factory=dict, description="Sent with every request; never shown again.")
    contact: str = Field(default="", description="The e-mail address that is told when the endpoint fails.")
    personal_data: bool = Field(default=False, description="Whether `data.person` says who an event tells of.")


class EndpointPatch(EndpointIn, PartialIn):
    """What is to change; everything may be left out. `enabled` pauses and resumes.

    The `url` as it is shown, and `***` as the value of a header, leave them as they are. Another scheme, host or port
    drops the headers that are not given anew with it.
    """


class ReplayIn(ConfigurationIn):
    """Events recorded in [since, until); `only_failed`: what has not arrived, else also what was delivered."""

    since: AwareDatetime
    until: AwareDatetime | None = None
    only_failed: bool = False


def serialize_endpoint(endpoint: WebhookEndpoint) -> dict[str, Any]:
    shown = ("id", "topics", "description", "condition", "contact", "personal_data", "state", "reason")
    return serialize(endpoint, *shown, "held_since", "failing_since", "created_at") | {
        "url": endpoint.shown_url,
        "header_names": endpoint.header_names,
        "enabled": endpoint.state == EndpointState.ENABLED,
    }


def _may_decide(key: ApiKey, personal_data: bool, topics: list[str]) -> None:
    """An endpoint with personal data is decided about by keys that may read it themselves. Raises Problem."""
    if personal_data and (lacking := scopes_lacking(key.scopes, topics)):
        raise Problem(403, f"For an endpoint with personal data this key lacks the scope {', '.join(lacking)}.")


@router.get("/webhooks", auth=READ, summary="Webhook endpoints, newest first")
def list_webhooks(request: HttpRequest, q: str = "", limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    rows = WebhookEndpoint.objects.filter(ENDPOINT_SEARCH.condition(q))
    return page_of(rows, limit=limit, cursor=cursor, shape=serialize_endpoint)


@router.post("/webhooks", auth=WRITE, response={201: dict[str, Any]}, summary="Make a webhook endpoint")
def create_webhook(request: HttpRequest, body: EndpointIn) -> Status[dict[str, Any]]:
    """The answer holds the `secret` (`whsec_…`) and the whole `url`, which are shown this once."""
    values = body.model_dump()
    enabled, key = values.pop("enabled"), key_of(request)
    _may_decide(key, values["personal_data"], values["topics"])
    with audited_by(key):
        endpoint, secret = services.create_endpoint(
            details=services.EndpointInput(**values), owner=key.created_by, enabled=enabled, now=timezone.now()
        )
    return Status(201, serialize_endpoint(endpoint) | {"url": endpoint.url, "secret": secret})


@router.get("/webhooks/{webhook_id}", auth=READ, summary="One webhook endpoint")
def get_webhook(request: HttpRequest, webhook_id: int) -> dict[str, Any]:
    return serialize_endpoint(get_object_or_404(WebhookEndpoint, pk=webhook_id))


@router.patch("/webhooks/{webhook_id}", auth=WRITE, summary="Change, pause or resume a webhook endpoint")
def patch_webhook(request: HttpRequest, webhook_id: int, body: EndpointPatch) -> dict[str, Any]:
    endpoint, now = get_object_or_404(WebhookEndpoint, pk=webhook_id), timezone.now()
    changes = body.changes()
    enabled = changes.pop("enabled", None)
    if changes:  # also another URL or topic: it is told of people there
        personal_data = changes.get("personal_data", endpoint.personal_data)
        _may_decide(key_of(request), personal_data, changes.get("topics", endpoint.topics))
    with audited_by(key_of(request)):
        services.update_endpoint(endpoint=endpoint, changes=changes, enabled=enabled, now=now)
    endpoint.refresh_from_db()
    return serialize_endpoint(endpoint)


@router.delete("/webhooks/{webhook_id}", auth=WRITE, response={204: None}, summary="Delete a webhook endpoint")
def delete_webhook(request: HttpRequest, webhook_id: int) -> Status[None]:
    endpoint = get_object_or_404(WebhookEndpoint, pk=webhook_id)
    with audited_by(key_of(request)):
        services.delete_endpoint(endpoint=endpoint, now=timezone.now())
    return Status(204, None)


@router.post("/webhooks/{webhook_id}/test", auth=WRITE, response={202: dict[str, Any]}, summary="Send a test event")
def test_webhook(request: HttpRequest, webhook_id: int) -> Status[dict[str, Any]]:
    """Goes the way of every event. What became of it: `GET /webhooks/{id}/deliveries`."""
    endpoint, key = get_object_or_404(WebhookEndpoint, pk=webhook_id), key_of(request)
    delivery = services.send_test(endpoint=endpoint, sent_by=key.name, now=timezone.now())
    return Status(202, serialize_delivery(delivery))


@router.post("/webhooks/{webhook_id}/rotate", auth=WRITE, summary="Make a new secret")
def rotate_webhook(request: HttpRequest, webhook_id: int) -> dict[str, Any]:
    """The new `secret` is shown this once; the old one signs as well until `old_expires_at`, 24 hours from now."""
    endpoint, now = get_object_or_404(WebhookEndpoint, pk=webhook_id), timezone.now()
    with audited_by(key_of(request)):
        secret = services.rotate_secret(endpoint=endpoint, now=now)
    return {"secret": secret, "old_expires_at": rfc3339(now + services.OVERLAP)}


@router.post("/webhooks/{webhook_id}/replay", auth=WRITE, response={202: dict[str, Any]}, summary="Send a range again")
def replay_webhook(request: HttpRequest, webhook_id: int, body: ReplayIn) -> Status[dict[str, Any]]:
    """Each event is sent under the `webhook-id` that it had. 409 while the endpoint is paused or disabled."""
    endpoint = get_object_or_404(WebhookEndpoint, pk=webhook_id)
    since: datetime = body.since
    with audited_by(key_of(request)):
        count = replaying.replay_endpoint(
            endpoint=endpoint, since=since, until=body.until, only_failed=body.only_failed, now=timezone.now()
        )
    return Status(202, {"replayed": count})


@router.get("/webhooks/{webhook_id}/deliveries", auth=READ, summary="An endpoint's deliveries, newest first")
def list_webhook_deliveries(
    request: HttpRequest, webhook_id: int, q: str = "", limit: int = 100, cursor: str | None = None
) -> dict[str, Any]:
    """Each with its `tries`: when, how long, the status and the first 4 kB of the answer."""
    endpoint = get_object_or_404(WebhookEndpoint, pk=webhook_id)
    rows = selectors.deliveries_of_list(endpoint.key).filter(DELIVERY_SEARCH.condition(q)).prefetch_related("tries")
    return page_of(rows, limit=limit, cursor=cursor, shape=_serialize_with_tries)


def _serialize_with_tries(delivery: Any) -> dict[str, Any]:
    tries = [
        serialize(attempt, "at", "duration_ms", "verdict", "reason")
        | {"answer": shown_text(attempt.answer), "status": attempt.code}
        for attempt in delivery.tries.all()
    ]
    return serialize_delivery(delivery) | {"tries": tries}
