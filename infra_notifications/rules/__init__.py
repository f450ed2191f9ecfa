"""What decides: which rule a message meets, what it does to an incident, and whether a group is told. All pure.

Moments are passed in; nothing here reads a clock, a setting or a table.
"""

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
    decide_opening,
    decide_recovery,
    decide_waiting,
)

__all__ = [
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
    "apply",
    "believable",
    "close",
    "decide_opening",
    "decide_recovery",
    "decide_waiting",
    "effect_of",
    "life_signal",
    "silence_signal",
]
