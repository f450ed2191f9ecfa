"""Which security event of a maker ends which: their types come in pairs, "DoorOpened" and "DoorClosed". Pure."""

from __future__ import annotations

import re

from infra_notifications.rules.action_names import fold
from infra_notifications.rules.transfer_words import names_fault

SECURITY = "security/"
# So many letters of a word make two the same: "Tampering", "TamperDetection".
_SAME = 4
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+")
# What types of any kind are called by.
_GENERAL = {
    *("alar", "even", "secu", "dete", "sens", "faul", "erro", "stat", "vend", "char", "acti", "trig", "clea", "ende"),
    *("stop", "star", "open", "clos", "rele", "rest", "noti", "warn", "cust", "trip", "deac", "norm", "swit", "cont"),
}

# What somebody or something tried, and what goes on between the station and others, is no fault of its parts.
_OF_ATTEMPTS = re.compile(
    r"auth|log-?in|password|credential|certif|tls|ssl|firmware|update|sign|connect(?!or)|commun|network|message|config"
    r"|session|csms|backend|attempt|attack|access"
)


def tells_fault(kind: str) -> bool:
    """Whether the type of a maker's security event names a fault of the station: "HardwareFault", "PowerLoss"."""
    folded = fold(kind)
    return not _OF_ATTEMPTS.search(folded) and (names_fault(kind) or folded.startswith(("powerloss", "poweroutage")))


def names_end_of(end: str, begin: str) -> bool:
    """Whether two names of faults are of security events that name the same thing."""
    if not (end.startswith(SECURITY) and begin.startswith(SECURITY)):
        return False
    return bool(_subjects(end) & _subjects(begin))


def _subjects(fault: str) -> set[str]:
    words = (word.lower() for word in _WORD.findall(fault.removeprefix(SECURITY)))
    return {word[:_SAME] for word in words if len(word) >= 3} - _GENERAL
