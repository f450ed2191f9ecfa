"""What a person may do to a delivery, each by one conditional UPDATE and with an entry in the audit log."""

from __future__ import annotations

from datetime import datetime

from auditlog.models import LogEntry
from django.db import transaction

from outbox import nudge
from outbox.choices import CANCELLABLE, RETRYABLE, WAITING, DeliveryState, Reason
from outbox.models import Delivery


def retry_delivery(*, delivery: Delivery, now: datetime) -> bool:
    """Sends a failed, cancelled or waiting delivery again at once; its schedule starts anew. Says whether it could."""
    with transaction.atomic():
        changed = Delivery.objects.filter(pk=delivery.pk, state__in=RETRYABLE).update(
            state=DeliveryState.RETRYING,
            reason="",
            attempts=0,
            next_attempt_at=now,
            settled_at=None,
        )
        if changed:
            _audit(delivery, DeliveryState.RETRYING)
            transaction.on_commit(nudge.nudge, robust=True)
    return bool(changed)


def cancel_delivery(*, delivery: Delivery, now: datetime) -> bool:
    """Stops a delivery that waits; what is being sent or ended cannot be called back. Says whether it could."""
    with transaction.atomic():
        changed = Delivery.objects.filter(pk=delivery.pk, state__in=CANCELLABLE).update(
            state=DeliveryState.CANCELLED, reason=Reason.BY_HAND, next_attempt_at=None, settled_at=now
        )
        if changed:
            _audit(delivery, DeliveryState.CANCELLED)
    return bool(changed)


def _audit(delivery: Delivery, state: DeliveryState) -> None:
    LogEntry.objects.log_create(
        delivery, action=LogEntry.Action.UPDATE, changes={"state": [delivery.state, state.value]}
    )


def cancel_for_list(*, list_key: str, address: str, reason: Reason, now: datetime) -> int:
    """Stops what still waits for an address that left a mailing list."""
    return Delivery.objects.filter(list_key=list_key, address__iexact=address, state__in=WAITING).update(
        state=DeliveryState.CANCELLED, reason=reason, next_attempt_at=None, settled_at=now
    )
