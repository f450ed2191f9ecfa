"""What decides: where an action stands, when to look after it, whether to send it. All pure; `now` is passed in."""

from fleet_remotes.rules.budget import Budget, Forecast, forecast_of, month_of, next_month, resting_until
from fleet_remotes.rules.preflight import Finding, Level, Means, Vehicle, preflight
from fleet_remotes.rules.retrying import auto_retry_delay, may_post_again
from fleet_remotes.rules.standing import Report, Standing, advance, infer_failure, mark_unconfirmed, rank
from fleet_remotes.rules.timers import RECONCILE_AT, Timers, Watch, watch_after

__all__ = [
    "RECONCILE_AT",
    "Budget",
    "Finding",
    "Forecast",
    "Level",
    "Means",
    "Report",
    "Standing",
    "Timers",
    "Vehicle",
    "Watch",
    "advance",
    "auto_retry_delay",
    "forecast_of",
    "infer_failure",
    "mark_unconfirmed",
    "may_post_again",
    "month_of",
    "next_month",
    "preflight",
    "rank",
    "resting_until",
    "watch_after",
]
