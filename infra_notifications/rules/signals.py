"""What a finding of a message raises or clears, by the rule that it meets."""

from __future__ import annotations

from datetime import datetime

from core.device_clock import Moment
from infra_notifications.choices import Case, Effect
from infra_notifications.ingest import Observation
from infra_notifications.rules.lifecycle import Signal
from infra_notifications.rules.matching import Reading


def signal_of(
    observation: Observation, reading: Reading, effect: Effect, moment: Moment, received_at: datetime, queued: bool
) -> Signal | None:
    """What a rule makes of an observation; None for nothing.

    A fault that says itself that it is over ends in whichever case it was counted: its clear need not repeat the
    code that raised it, and the rules may have changed meanwhile.
    """
    if effect == Effect.INFO and not observation.over:
        return None
    rule = reading.rule
    case = Case(rule.case) if rule and rule.case and not observation.over else None
    rule_id, momentary_s = (rule.id, rule.momentary_s) if rule else (None, None)
    return Signal(
        case or Case.OTHER_FAULT,
        effect == Effect.RAISE,
        observation.fault,
        moment,
        received_at,
        reading.said,
        rule_id,
        momentary_s,
        queued=queued,
        every_case=case is None,
    )
