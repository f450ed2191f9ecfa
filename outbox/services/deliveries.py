"""What a person may do to a delivery, each by one conditional UPDATE and with an entry in the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from auditlog.models import LogEntry
from django.db import transaction
from django.db.models import Max, QuerySet

from outbox import metrics, nudge
from outbox.choices import RETRYABLE, UNENDED, WAITING, Channel, DeliveryState, Reason
from outbox.models import Address, Delivery


def send_again(rows: QuerySet[Delivery], now: datetime) -> int:
    """Has deliveries sent at once, whatever became of them; their schedules start anew. Returns how many."""
    return rows.update(state=DeliveryState.RETRYING, reason="", attempts=0, next_attempt_at=now, settled_at=None)


def retry_delivery(*, delivery: Delivery, now: datetime, states: Sequence[DeliveryState] = RETRYABLE) -> bool:
    """Sends a delivery in one of these states again at once: failed, cancelled or waiting. Says whether it could."""
    with transaction.atomic():
        changed = send_again(Delivery.objects.filter(pk=delivery.pk, state__in=states), now)
        if changed:
            _audit(delivery, DeliveryState.RETRYING)
            transaction.on_commit(nudge.nudge, robust=True)
    return bool(changed)


def resend_mail(*, delivery: Delivery, now: datetime) -> Delivery | None:
    """Sends a mail that was delivered once more: a delivery of its own, with a Message-ID of its own, or the receiver's
    mail program would hide it as a repeat. None for what was not delivered by mail.

    An address that nothing may be sent to any more gets a delivery that says so.
    """
    with transaction.atomic():
        delivered = Delivery.objects.filter(channel=Channel.EMAIL, state=DeliveryState.DELIVERED)
        first = delivered.select_for_update().filter(pk=delivery.pk).first()
        if first is None:
            return None
        mails = Delivery.objects.filter(event_id=first.event_id, channel=Channel.EMAIL, address__iexact=first.address)
        blocked = Address.objects.filter(channel=Channel.EMAIL, address__iexact=first.address).values_list(
            "blocked_reason", flat=True
        )
        reason = next(iter(blocked), "")
        again = Delivery.objects.create(
            event_id=first.event_id,
            channel=first.channel,
            address=first.address,
            list_key=first.list_key,
            language=first.language,
            destination=first.destination,
            copy=(mails.aggregate(last=Max("copy"))["last"] or 0) + 1,
            state=DeliveryState.SUPPRESSED if reason else DeliveryState.PENDING,
            reason=reason,
            next_attempt_at=None if reason else now,
            settled_at=now if reason else None,
            created_at=now,
        )
        metrics.DELIVERIES.labels(Channel.EMAIL).inc()
        LogEntry.objects.log_create(again, action=LogEntry.Action.CREATE, changes={"copy_of": ["", str(first.pk)]})
        transaction.on_commit(nudge.nudge, robust=True)
    return again


def cancel_delivery(*, delivery: Delivery, now: datetime) -> bool:
    """Stops a delivery that waits; what is being sent or ended cannot be called back. Says whether it could."""
    with transaction.atomic():
        row = Delivery.objects.filter(pk=delivery.pk)
        changed = end_waiting(row, state=DeliveryState.CANCELLED, reason=Reason.BY_HAND, now=now)
        if changed:
            metrics.ENDED.labels(delivery.channel, DeliveryState.CANCELLED, Reason.BY_HAND).inc()
            _audit(delivery, DeliveryState.CANCELLED)
    return bool(changed)


def _audit(delivery: Delivery, state: DeliveryState) -> None:
    LogEntry.objects.log_create(
        delivery, action=LogEntry.Action.UPDATE, changes={"state": [delivery.state, state.value]}
    )


def end_waiting(rows: QuerySet[Delivery], *, state: DeliveryState, reason: Reason, now: datetime) -> int:
    """Ends those of these deliveries that wait, without sending them; returns how many."""
    waiting = rows.filter(state__in=WAITING)
    return waiting.update(state=state, reason=reason, next_attempt_at=None, settled_at=now)


def cancel_for_list(*, list_key: str, address: str, reason: Reason, now: datetime) -> int:
    """Stops what still waits for an address that left a mailing list."""
    rows = Delivery.objects.filter(list_key=list_key, address__iexact=address)
    return end_waiting(rows, state=DeliveryState.CANCELLED, reason=reason, now=now)


def cancel_deleted_list(*, list_key: str, now: datetime) -> int:
    """Stops everything on its way to a list that was deleted in this transaction, before; returns how much it was.

    Whoever writes a mail holds the list's row, so that nothing new can follow.
    """
    return stop_unended(Delivery.objects.filter(list_key=list_key), reason=Reason.LIST_DELETED, now=now)


def stop_unended(rows: QuerySet[Delivery], *, reason: Reason, now: datetime) -> int:
    """Cancels those of these deliveries that have not ended; returns how many.

    What is being sent at this moment cannot be called back and may arrive, but is neither tried again nor counted as
    delivered: its lease is taken from whoever sends it.
    """
    return rows.filter(state__in=UNENDED).update(
        state=DeliveryState.CANCELLED,
        reason=reason,
        next_attempt_at=None,
        settled_at=now,
        lease=None,
        lease_until=None,
    )
