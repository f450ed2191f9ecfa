"""What time brings, found through indexed due times; each part is a transaction of its own."""

from __future__ import annotations

from datetime import datetime

from infra_notifications.services.circumstances import LOOK_LIMIT, look_at_flapping
from infra_notifications.services.digests import DIGEST_LIMIT, send_digests
from infra_notifications.services.incidents import SWEEP_LIMIT, end_momentary, sweep_silence
from infra_notifications.services.reminders import REMIND_LIMIT, send_reminders
from infra_notifications.services.telling import TELL_LIMIT, tell_due


def sweep(*, now: datetime) -> None:
    """Silences that became alerts, momentary events that are over, flapping that went on or ended, notices that are
    due."""
    while sweep_silence(now=now) >= SWEEP_LIMIT:
        continue
    end_momentary(now=now)
    while look_at_flapping(now=now) >= LOOK_LIMIT:
        continue
    while tell_due(now=now) >= TELL_LIMIT:
        continue


def sweep_daily(*, now: datetime) -> None:
    """Digests and reminders that are due."""
    while send_digests(now=now) >= DIGEST_LIMIT:
        continue
    while send_reminders(now=now) >= REMIND_LIMIT:
        continue
