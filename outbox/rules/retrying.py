"""When to try again and when to stop. Pure: the moment and the chance are passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from outbox.choices import DeliveryState, Reason, Verdict
from outbox.contract import Outcome

# Pauses before attempts 2, 3, …: 5 s, 30 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h; the first is at once.
# Standard Webhooks' example schedule with a step of 30 s put in; about 75 h in all.
RETRY_PAUSES_S = (5, 30, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
# A random tenth more, so that what failed together does not come back together.
JITTER = 0.10
# A receiver's Retry-After is honoured up to the longest pause of our own.
MAX_RETRY_AFTER_S = RETRY_PAUSES_S[-1]
# A server that cannot be reached delays without counting; after this age the delivery fails, visibly.
MAX_AGE = timedelta(days=7)
# Pauses after a server could not be reached, by how often in a row: short, because it usually comes back.
SERVER_PAUSES_S = (2, 5, 10, 20, 40, 60)


@dataclass(frozen=True)
class Settlement:
    """The state that a delivery gets after an attempt."""

    state: DeliveryState
    reason: Reason
    next_attempt_at: datetime | None


def retry_pause(counted_attempts: int, chance: float) -> float | None:
    """Seconds until the next attempt after this many that counted, or None when the schedule is used up.

    `chance` is uniform in [0, 1).
    """
    if counted_attempts > len(RETRY_PAUSES_S):
        return None
    return RETRY_PAUSES_S[max(0, counted_attempts - 1)] * (1 + JITTER * chance)


def server_pause(failures_in_a_row: int, chance: float) -> float:
    """Seconds to leave an unreachable server alone."""
    step = min(max(1, failures_in_a_row), len(SERVER_PAUSES_S)) - 1
    return SERVER_PAUSES_S[step] * (1 + JITTER * chance)


def settle(
    outcome: Outcome,
    *,
    counted_attempts: int,
    created_at: datetime,
    now: datetime,
    chance: float,
    pause_s: float = 0,
) -> Settlement:
    """The state after an attempt; `counted_attempts` includes this one, `pause_s` is the server's if it was away."""
    match outcome.verdict:
        case Verdict.DELIVERED:
            return Settlement(DeliveryState.DELIVERED, outcome.reason, None)
        case Verdict.FAILED:
            return Settlement(DeliveryState.FAILED, outcome.reason, None)
        case Verdict.RELEASED:
            return Settlement(DeliveryState.RETRYING, outcome.reason, now + timedelta(seconds=pause_s))
        case Verdict.HELD_BACK:
            return Settlement(DeliveryState.SUPPRESSED, outcome.reason, None)
        case Verdict.POSTPONED:
            if now - created_at > MAX_AGE:
                return Settlement(DeliveryState.FAILED, Reason.EXPIRED, None)
            return Settlement(DeliveryState.RETRYING, outcome.reason, now + timedelta(seconds=pause_s))
    pause = retry_pause(counted_attempts, chance)
    if pause is None:
        return Settlement(DeliveryState.FAILED, Reason.EXHAUSTED, None)
    if outcome.retry_after_s is not None:
        pause = max(pause, min(outcome.retry_after_s, MAX_RETRY_AFTER_S))
    return Settlement(DeliveryState.RETRYING, outcome.reason, now + timedelta(seconds=pause))
