"""What decides: which rule a message meets, what it does to an incident, and whether a group is told. All pure.

Moments are passed in; nothing here reads a clock, a setting or a table.
"""

from infra_notifications.rules.daily import FLAPPING_OPENINGS, FLAPPING_WINDOW, next_daily, next_flapping_check
from infra_notifications.rules.lifecycle import (
    NEUTRAL,
    SILENCE,
    CaseHistory,
    IncidentState,
    Moment,
    Signal,
    Step,
    apply,
    believable,
    close,
    life_signal,
    silence_signal,
)
from infra_notifications.rules.matching import CompiledRule, Reading, RuleBook, effect_of
from infra_notifications.rules.telling import (
    TELL,
    Decision,
    Facts,
    Listener,
    Waited,
    decide_opening,
    decide_recovery,
    decide_waiting,
    is_flapping_news,
)

__all__ = [
    "FLAPPING_OPENINGS",
    "FLAPPING_WINDOW",
    "NEUTRAL",
    "SILENCE",
    "TELL",
    "CaseHistory",
    "CompiledRule",
    "Decision",
    "Facts",
    "IncidentState",
    "Listener",
    "Moment",
    "Reading",
    "RuleBook",
    "Signal",
    "Step",
    "Waited",
    "apply",
    "believable",
    "close",
    "decide_opening",
    "decide_recovery",
    "decide_waiting",
    "effect_of",
    "is_flapping_news",
    "life_signal",
    "next_daily",
    "next_flapping_check",
    "silence_signal",
]
