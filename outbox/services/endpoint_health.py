"""What deliveries teach about webhook endpoints: who fails since when, who wants no more, who must be told of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from auditlog.models import LogEntry
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.urls import reverse

from outbox import metrics
from outbox.choices import Channel, DeliveryState, EndpointState, Reason, Verdict
from outbox.contract import NewEvent, Recipient, Result
from outbox.models import Attempt, Delivery, WebhookEndpoint
from outbox.models.webhooks import endpoint_id
from outbox.services.deliveries import end_waiting
from outbox.services.publishing import publish
from outbox.subscriptions.kinds import (
    ENDPOINT_DISABLED,
    ENDPOINT_FAILING,
    ENDPOINT_MOVED,
    WEBHOOK_TEST,
    EndpointMoved,
    EndpointTrouble,
)
from outbox.subscriptions.stamps import listeners_changed

SOURCE = "webhooks"
# An endpoint that failed for so long without one success: its owner is told; it is disabled.
WARN_AFTER, DISABLE_AFTER = timedelta(days=1), timedelta(days=5)
_NO_FAULT = frozenset({Verdict.RELEASED, Verdict.HELD_BACK, Verdict.POSTPONED})
# Failures that are ours, or a person's doing.
_OURS = frozenset({Reason.TEMPLATE, Reason.DELETED})


def learn_about_endpoints(results: Sequence[Result], now: datetime) -> None:
    """Marks endpoints whose requests failed, clears the mark of those that took one, disables those that said 410."""
    healthy = {result.claimed.list_key for result in results if result.outcome.verdict == Verdict.DELIVERED}
    failing = {result.claimed.list_key for result in results if _is_failure(result)} - healthy
    with connection.cursor() as cursor:
        if healthy:
            cursor.execute(
                "UPDATE outbox_webhookendpoint SET failing_since = NULL, warned_at = NULL"
                " WHERE id = ANY(%s) AND failing_since IS NOT NULL",
                [_ids(healthy)],
            )
        if failing:
            cursor.execute(
                "UPDATE outbox_webhookendpoint SET failing_since = %s"
                " WHERE id = ANY(%s) AND failing_since IS NULL AND state = 'enabled'",
                [now, _ids(failing)],
            )
    gone = {result.claimed.list_key for result in results if result.outcome.reason == Reason.GONE}
    for endpoint in WebhookEndpoint.objects.filter(pk__in=_ids(gone)) if gone else ():
        disable_endpoint(endpoint=endpoint, reason=Reason.GONE, now=now)


def _is_failure(result: Result) -> bool:
    outcome = result.outcome
    return (
        outcome.verdict != Verdict.DELIVERED
        and outcome.verdict not in _NO_FAULT
        and outcome.reason not in _OURS
        and result.claimed.event.kind != WEBHOOK_TEST
    )


def _ids(keys: Iterable[str]) -> list[int]:
    return sorted(pk for pk in map(endpoint_id, keys) if pk is not None)


def check_endpoints(*, now: datetime) -> int:
    """The sweep: disables endpoints that failed for five days, tells the owners of those that failed for one.

    Returns how many it found.
    """
    failing = WebhookEndpoint.objects.filter(state=EndpointState.ENABLED, failing_since__isnull=False)
    lost = list(failing.filter(failing_since__lte=now - DISABLE_AFTER))
    for endpoint in lost:
        disable_endpoint(endpoint=endpoint, reason=Reason.FAILING, now=now)
    warned = 0
    for endpoint in failing.filter(failing_since__lte=now - WARN_AFTER, warned_at__isnull=True):
        warned += _warn(endpoint, now)
    return len(lost) + warned


def _warn(endpoint: WebhookEndpoint, now: datetime) -> int:
    with transaction.atomic():
        rows = WebhookEndpoint.objects.filter(pk=endpoint.pk, warned_at__isnull=True, failing_since__isnull=False)
        if not rows.update(warned_at=now):
            return 0  # another sweep told them
        _notify_owner(endpoint, ENDPOINT_FAILING, Reason.NONE, now)
    return 1


def disable_endpoint(*, endpoint: WebhookEndpoint, reason: Reason, now: datetime) -> bool:
    """Stops an endpoint for what its receiver did, and tells its owner. Says whether it was enabled until now."""
    with transaction.atomic():
        changed = WebhookEndpoint.objects.filter(pk=endpoint.pk, state=EndpointState.ENABLED).update(
            state=EndpointState.DISABLED, reason=reason, held_since=now
        )
        if changed:
            LogEntry.objects.log_create(
                endpoint,
                action=LogEntry.Action.UPDATE,
                changes={"state": [EndpointState.ENABLED.value, EndpointState.DISABLED.value]},
                additional_data={"reason": str(reason)},
            )
            listeners_changed(SOURCE)
            hold_back_waiting(endpoint, Reason.DISABLED, now)
            _notify_owner(endpoint, ENDPOINT_DISABLED, reason, now)
    return bool(changed)


def hold_back_waiting(endpoint: WebhookEndpoint, reason: Reason, now: datetime) -> int:
    """What waits for an endpoint becomes "not sent", to be replayed."""
    rows = Delivery.objects.filter(destination=endpoint.key, channel=Channel.WEBHOOK).exclude(event__kind=WEBHOOK_TEST)
    held = end_waiting(rows, state=DeliveryState.SUPPRESSED, reason=reason, now=now)
    metrics.SUPPRESSED.labels(Channel.WEBHOOK, reason).inc(held)
    return held


def _notify_owner(endpoint: WebhookEndpoint, kind: str, reason: Reason, now: datetime) -> None:
    trouble = EndpointTrouble(
        endpoint_id=endpoint.pk,
        endpoint_url=endpoint.shown_url,
        description=endpoint.description,
        failing_since=endpoint.failing_since,
        reason=str(reason.label) if reason else "",
        last_answer=_last_answer(endpoint),
        url=_page_of(endpoint),
    )
    recipients = tuple(Recipient(address) for address in contacts_of(endpoint))
    key = f"{kind}:{endpoint.pk}:{now.isoformat()}"
    publish(events=[NewEvent(kind, endpoint.key, trouble, key, now, recipients)], now=now)


def tell_of_move(
    *, endpoint: WebhookEndpoint, before: str, dropped: Sequence[str], contacts: Sequence[str], now: datetime
) -> None:
    """Tells those who were its contacts that it goes to another host from now on, without which of its headers."""
    moved = EndpointMoved(
        endpoint_id=endpoint.pk,
        before=before,
        endpoint_url=endpoint.shown_url,
        description=endpoint.description,
        dropped=list(dropped),
        url=_page_of(endpoint),
    )
    key = f"{ENDPOINT_MOVED}:{endpoint.pk}:{now.isoformat()}"
    recipients = tuple(Recipient(address) for address in contacts)
    publish(events=[NewEvent(ENDPOINT_MOVED, endpoint.key, moved, key, now, recipients)], now=now)


def _page_of(endpoint: WebhookEndpoint) -> str:
    return f"{settings.PUBLIC_URL}{reverse('outbox:webhook', args=[endpoint.pk])}"


def contacts_of(endpoint: WebhookEndpoint) -> list[str]:
    """Whom trouble is told: the endpoint's contact, or its owner, or else all administrators."""
    if endpoint.contact:
        return [endpoint.contact]
    if endpoint.owner is not None and endpoint.owner.is_active and endpoint.owner.email:
        return [endpoint.owner.email]
    users = get_user_model().objects.filter(is_active=True, groups__name="administrator").exclude(email="")
    return sorted(set(users.values_list("email", flat=True)))


def _last_answer(endpoint: WebhookEndpoint) -> str:
    """What the receiver said last, in a line."""
    attempt = Attempt.objects.filter(delivery__list_key=endpoint.key).order_by("-delivery", "-pk").first()
    if attempt is None:
        return ""
    answer = " ".join(attempt.answer.split())[:200]
    return " · ".join(part for part in (str(attempt.code or ""), attempt.get_reason_display(), answer) if part)
