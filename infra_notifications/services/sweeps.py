"""What time brings, found through indexed due times; each part is a transaction of its own."""

from __future__ import annotations

from datetime import datetime

from core.listening import listening
from infra_notifications.services.already_open import REVIEW_LIMIT, review_due
from infra_notifications.services.charge_points import settle_known
from infra_notifications.services.connections import SWEEP_LIMIT as LOST_LIMIT
from infra_notifications.services.connections import sweep_lost
from infra_notifications.services.context import EVALUATION_LIMIT, evaluate_flapping
from infra_notifications.services.digests import DIGEST_LIMIT, send_digests
from infra_notifications.services.incidents import SWEEP_LIMIT, end_transient, sweep_silence
from infra_notifications.services.notifying import NOTIFY_LIMIT, notify_due
from infra_notifications.services.reminders import REMIND_LIMIT, send_reminders
from infra_notifications.services.source_watch import sweep_sources
from infra_notifications.services.unmapped import announce_unmapped


def sweep(*, now: datetime) -> None:
    """Senders that became known, sources in trouble, silences that became alerts, what is over, flapping that lasts or
    ended, and what is due."""
    settle_known(now=now)
    heard = listening(now)
    since = heard.since if heard is not None else None
    # Silence counts only while somebody listens.
    if heard is None or heard.is_on:
        # Before the silences, because a source's silence holds those of its charge points back.
        sweep_sources(now=now, listening_since=since)
        while sweep_lost(now=now) >= LOST_LIMIT:
            continue
        while sweep_silence(now=now, listening_since=since) >= SWEEP_LIMIT:
            continue
    end_transient(now=now)
    while evaluate_flapping(now=now) >= EVALUATION_LIMIT:
        continue
    while review_due(now=now) >= REVIEW_LIMIT:
        continue
    while notify_due(now=now) >= NOTIFY_LIMIT:
        continue


def sweep_daily(*, now: datetime) -> None:
    """Digests and reminders that are due, and what is new among unmapped messages."""
    announce_unmapped(now=now)
    while send_digests(now=now) >= DIGEST_LIMIT:
        continue
    while send_reminders(now=now) >= REMIND_LIMIT:
        continue
