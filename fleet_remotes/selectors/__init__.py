"""Reads of fleet remotes."""

from fleet_remotes.selectors.preflight import budgets, callbacks_to_send_by, facts_of, means_of
from fleet_remotes.selectors.reads import (
    Lag,
    actions,
    attach_budgets,
    batches,
    callback_health,
    callbacks,
    fleets,
    messages,
    notifications,
    outcome_counts,
    progress_of,
    unmatched,
    vehicles,
    wakeup_rows,
)
from fleet_remotes.selectors.timeline import Moment, expected_next, timeline_of

__all__ = [
    "Lag",
    "Moment",
    "actions",
    "attach_budgets",
    "batches",
    "budgets",
    "callback_health",
    "callbacks",
    "callbacks_to_send_by",
    "expected_next",
    "facts_of",
    "fleets",
    "means_of",
    "messages",
    "notifications",
    "outcome_counts",
    "progress_of",
    "timeline_of",
    "unmatched",
    "vehicles",
    "wakeup_rows",
]
