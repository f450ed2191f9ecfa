"""How often a charge point is expected to speak."""

from __future__ import annotations

from django.conf import settings

from infra_notifications.choices import IntervalSource
from infra_notifications.models import ChargePoint
from infra_notifications.rules.pace import Allowance


def expectation_of(point: ChargePoint) -> Allowance:
    """How often a charge point should speak, after how much silence it is UNAVAILABLE, and how that is known."""
    if point.expected_interval_s:
        return Allowance(point.expected_interval_s, point.expected_interval_s, IntervalSource.BY_HAND)
    state = getattr(point, "state", None)
    if state is None or state.learnt_silence_s is None:
        default_s = settings.CHARGING_EXPECTED_INTERVAL_S
        return Allowance(default_s, default_s, IntervalSource.DEFAULT)
    return Allowance(state.learnt_interval_s or 0, state.learnt_silence_s, IntervalSource(state.interval_source))
