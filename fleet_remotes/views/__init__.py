"""Pages of fleet remotes, one file per noun."""

from fleet_remotes.views.actions import ActionList, action, action_again, action_cancel, action_look
from fleet_remotes.views.batches import BatchList, BatchPage, batch_cancel, batch_retry
from fleet_remotes.views.callbacks import (
    CallbackList,
    MessageList,
    NotificationList,
    UnmatchedList,
    callback,
    callback_new,
    callback_register,
    message,
    unmatched_read_again,
)
from fleet_remotes.views.drafts import draft_check, draft_command, draft_discard, vehicles_command
from fleet_remotes.views.vehicles import (
    FleetList,
    VehicleList,
    WakeUpList,
    fleet_resume,
    fleet_stop,
    vehicle,
    vehicle_budget,
)

__all__ = [
    "ActionList",
    "BatchList",
    "BatchPage",
    "CallbackList",
    "FleetList",
    "MessageList",
    "NotificationList",
    "UnmatchedList",
    "VehicleList",
    "WakeUpList",
    "action",
    "action_again",
    "action_cancel",
    "action_look",
    "batch_cancel",
    "batch_retry",
    "callback",
    "callback_new",
    "callback_register",
    "draft_check",
    "draft_command",
    "draft_discard",
    "fleet_resume",
    "fleet_stop",
    "message",
    "unmatched_read_again",
    "vehicle",
    "vehicle_budget",
    "vehicles_command",
]
