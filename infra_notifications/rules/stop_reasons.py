"""Which reasons for the end of a transaction are faults of the station: those of OCPP's, and what names one. Pure."""

from __future__ import annotations

import re

from infra_notifications.rules.action_names import fold
from infra_notifications.rules.transfer_words import names_fault

# Of 1.6 and 2.x; of 2.x as `triggerReason`, "An Abnormal Error or Fault Condition has occurred".
_FAULTS = {"emergencystop", "groundfault", "overcurrentfault", "abnormalcondition"}
# The vehicle, the person who pays, the network and the grid are none of the station.
_OF_OTHERS = re.compile(
    r"vehicle|^ev(?!e)|^car|bms|battery|auth|pay|credit|card|token|idtag|commun|connect(?!or)|network"
    r"|signal|locallist|backend|server|timeout|grid|powerloss"
)
_HEAT_OR_CURRENT = re.compile(
    r"(?:over|high)-?(?:temp|heat|current|volt|load)|undervolt|shortcircuit|leakage|overheat|contactor|welded"
)


def is_fault(reason: str) -> bool:
    """Whether a reason says that something of the station is broken."""
    folded = fold(reason)
    if folded in _FAULTS:
        return True
    return not _OF_OTHERS.search(folded) and (names_fault(reason) or bool(_HEAT_OR_CURRENT.search(folded)))
