"""What mails that came back say of their addresses: marked at the first, paused after some in a row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from core.text import clean_text
from outbox.choices import Channel, DeliveryState, Reason
from outbox.models import Address, Delivery
from outbox.services.deliveries import end_waiting
from outbox.services.mailing_lists.leaving import resume_on_lists

# A mail that comes back so long after the last one begins a new row; and mail that is taken so long after it was the
# last is a sign that the address works again.
BOUNCE_REMEMBERED = timedelta(days=30)


@dataclass(frozen=True)
class AddressMark:
    """How many mails in a row came back, and whether that paused the address just now."""

    bounces: int
    just_paused: bool


def mark_bounced(*, address: str, answer: str, now: datetime) -> AddressMark:
    """Counts a mail that came back; after BOUNCE_PAUSE_AFTER nothing more is sent there. Belongs to a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_address"
            " (channel, address, failing_since, last_failure_at, last_answer, blocked_reason, bounces)"
            " VALUES (%s, %s, %s, %s, %s, '', 1) ON CONFLICT (channel, lower(address)) DO UPDATE SET"
            " bounces = CASE WHEN outbox_address.bounces > 0 AND outbox_address.last_failure_at >= %s"
            "  THEN least(outbox_address.bounces + 1, 30000) ELSE 1 END,"
            " failing_since = coalesce(outbox_address.failing_since, EXCLUDED.failing_since),"
            " last_failure_at = EXCLUDED.last_failure_at, last_answer = EXCLUDED.last_answer RETURNING id, bounces",
            [Channel.EMAIL, address, now, now, clean_text(answer), now - BOUNCE_REMEMBERED],
        )
        pk, bounces = cursor.fetchone()
    if not settings.BOUNCE_PAUSE_AFTER or bounces < settings.BOUNCE_PAUSE_AFTER:
        return AddressMark(bounces, just_paused=False)
    paused = Address.objects.filter(pk=pk, blocked_reason="").update(blocked_reason=Reason.BOUNCED)
    if paused:
        rows = Delivery.objects.filter(channel=Channel.EMAIL, address__iexact=address)
        end_waiting(rows, state=DeliveryState.SUPPRESSED, reason=Reason.BOUNCED, now=now)
    return AddressMark(bounces, just_paused=bool(paused))


def forget_bounces(addresses: Iterable[str], now: datetime | None = None) -> int:
    """Mail to these addresses goes out again: somebody looked after them, or typed them anew. Returns how many."""
    with transaction.atomic():
        marked = Address.objects.alias(lowered=Lower("address")).filter(
            channel=Channel.EMAIL,
            lowered__in=[address.lower() for address in addresses],
            bounces__gt=0,
            blocked_reason__in=("", Reason.BOUNCED),
        )
        # One by one, for the audit log; a person chose them.
        for row in marked:
            row.bounces, row.failing_since, row.blocked_reason = 0, None, ""
            row.save(update_fields=["bounces", "failing_since", "blocked_reason"])
        resume_on_lists([row.address for row in marked], now or timezone.now())
        return len(marked)
