"""The API of fleet remotes: vehicles, callbacks, commands, schedules; and the door of the vendor's callbacks."""

from fleet_remotes.api import schedules
from fleet_remotes.api.base import receive_callback, router

__all__ = ["receive_callback", "router", "schedules"]
