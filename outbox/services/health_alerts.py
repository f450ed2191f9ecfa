"""Troubles of Signalbox itself: noticed by whichever process still lives, told to administrators once, and once more
when they are over. Several processes watch; conditional updates see to it that one of them tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q

from core.text import clean_text
from outbox.models import HealthAlert

# A trouble is told when it lasts for this long: a restart is none.
MAIL_AFTER = timedelta(seconds=60)
# Who claimed to tell it and died is replaced after this time.
HOLD = timedelta(seconds=120)


@dataclass(frozen=True)
class AlertMail:
    """One mail to write: that a trouble began, or that it is over."""

    trouble: HealthAlert
    is_over: bool


def note_findings(*, faults: Mapping[str, str | None], now: datetime) -> None:
    """Takes note of what was found: for each watched name what is wrong with it, or None when nothing is."""
    broken = {name: text for name, text in faults.items() if text is not None}
    with connection.cursor() as cursor:
        for name, text in sorted(broken.items()):
            cursor.execute(
                "INSERT INTO outbox_healthalert (name, text, began_at) VALUES (%s, %s, %s)"
                " ON CONFLICT (name) WHERE ended_at IS NULL DO UPDATE SET text = EXCLUDED.text",
                [name[:60], clean_text(text)[:500], now],
            )
    healthy = [name for name in faults if name not in broken]
    HealthAlert.objects.filter(name__in=healthy, ended_at__isnull=True).update(ended_at=now, held_until=None)


def claim_mails(*, now: datetime) -> list[AlertMail]:
    """What is to be told and is told by nobody else; held for HOLD seconds."""
    free = Q(held_until__isnull=True) | Q(held_until__lt=now) | Q(held_until__gt=now + HOLD)
    lasts = Q(began_at__lte=now - MAIL_AFTER) | Q(began_at__gt=now + MAIL_AFTER)  # the clock was set back
    begun = Q(told_at__isnull=True, ended_at__isnull=True) & lasts
    over = Q(told_at__isnull=False, ended_at__isnull=False, end_told_at__isnull=True)
    mails = []
    for trouble in HealthAlert.objects.filter(free & (begun | over)).order_by("pk"):
        held = HealthAlert.objects.filter(free & (begun | over), pk=trouble.pk).update(held_until=now + HOLD)
        if held:
            mails.append(AlertMail(trouble, trouble.ended_at is not None))
    return mails


def note_sent(*, mail: AlertMail, now: datetime) -> None:
    changes = {"end_told_at": now} if mail.is_over else {"told_at": now}
    HealthAlert.objects.filter(pk=mail.trouble.pk).update(held_until=None, **changes)
