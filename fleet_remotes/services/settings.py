"""What the installation's settings say, as the values that the rules take."""

from __future__ import annotations

from django.conf import settings

from fleet_remotes.rules import Timers


def timers() -> Timers:
    return Timers(
        first_s=settings.REMOTES_SOFT_FIRST_S,
        navigation_s=settings.REMOTES_SOFT_NAVIGATION_S,
        waking_s=settings.REMOTES_SOFT_WAKING_S,
        sent_s=settings.REMOTES_SOFT_SENT_S,
        blocked_s=settings.REMOTES_SOFT_BLOCKED_S,
        blocked_hard_s=settings.REMOTES_HARD_BLOCKED_S,
        hard_s=settings.REMOTES_HARD_S,
    )


def default_budget() -> int | None:
    """Wake-ups a month of a vehicle that names none; None for no limit of ours."""
    return settings.REMOTES_WAKEUPS_PER_MONTH or None


def is_set_up() -> bool:
    """Whether the access to the vendor's API is configured."""
    return bool(settings.REMOTES_CLIENT_ID)
