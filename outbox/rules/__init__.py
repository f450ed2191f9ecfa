"""The outbox's decisions. Pure: the moment and the chance are passed in, no ORM, no settings, no network."""

from outbox.rules.deciding import DecisionInput, why_not_notified, window_end
from outbox.rules.retrying import (
    JITTER,
    MAX_AGE,
    MAX_RETRY_AFTER_S,
    RETRY_PAUSES_S,
    SERVER_PAUSES_S,
    Settlement,
    retry_pause,
    server_pause,
    settle,
)

__all__ = [
    "JITTER",
    "MAX_AGE",
    "MAX_RETRY_AFTER_S",
    "RETRY_PAUSES_S",
    "SERVER_PAUSES_S",
    "DecisionInput",
    "Settlement",
    "retry_pause",
    "server_pause",
    "settle",
    "why_not_notified",
    "window_end",
]
