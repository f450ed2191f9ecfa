"""What the statuses of an EVSE mean here (OCPI, mod_locations, Status enum).

| status                                              | here                                                        |
|-----------------------------------------------------|-------------------------------------------------------------|
| AVAILABLE, BLOCKED, CHARGING, RESERVED              | nothing is wrong: what OCPI had raised ends                 |
| PLANNED ("planned for the future")                  | nothing, and no end of a fault                              |
| OUTOFORDER                                          | a fault of which the cause is not known: OTHER_FAULT        |
| UNKNOWN ("also used when offline")                  | UNAVAILABLE; a fault that was reported before goes on       |
| INOPERATIVE ("temporarily not available … but not broken") | maintenance until another status; faults end         |
| REMOVED                                             | the charge point is there no more: its incidents end        |

Any other word is kept, shown and warned of, and brings nothing about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from infra_notifications.choices import Case, Connectivity
from infra_notifications.rules.fault_names import VAGUE
from infra_notifications.rules.lifecycle import OCPI_OFFLINE
from infra_notifications.rules.transfer_words import names_fault
from infra_notifications.rules.vocabulary import text

# The names of what OCPI raises; a fault without a cause belongs to the case that has one, if any.
OCPI_FAULT = f"ocpi{VAGUE}"
MAX_WORD = 30
REMOVED = "REMOVED"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a status brings about.

    `word` is shown as the charge point's status, in OCPP's word where there is one. `raises` is the case and name of
    what it raises, `ends` the names of what it says to be over.
    """

    word: str
    ends: tuple[str, ...] = (OCPI_FAULT, OCPI_OFFLINE)
    raises: tuple[Case, str] | None = None
    connectivity: Connectivity = Connectivity.ONLINE
    is_maintenance: bool = False
    is_removed: bool = False

    @property
    def is_well(self) -> bool:
        """Whether it says that nothing is wrong."""
        return self.raises is None and not self.is_maintenance and not self.is_removed


MEANINGS = {
    "AVAILABLE": Meaning("Available"),
    "BLOCKED": Meaning("Blocked"),
    "CHARGING": Meaning("Charging"),
    "INOPERATIVE": Meaning("Inoperative", is_maintenance=True),
    "OUTOFORDER": Meaning("Faulted", (OCPI_OFFLINE,), (Case.OTHER_FAULT, OCPI_FAULT)),
    "PLANNED": Meaning("Planned", ()),
    REMOVED: Meaning("Removed", (), connectivity=Connectivity.NEVER, is_removed=True),
    "RESERVED": Meaning("Reserved"),
    "UNKNOWN": Meaning("Unknown", (), (Case.UNAVAILABLE, OCPI_OFFLINE), Connectivity.SILENT),
}
# Words of other systems, which some parties pass on as they are.
_ALIASES = {"FAULTED": "OUTOFORDER", "OCCUPIED": "CHARGING", "OFFLINE": "UNKNOWN", "UNAVAILABLE": "INOPERATIVE"}


def read_status(value: Any) -> str:
    """A status as the specification spells it, out of order where it names a fault; any other word in capitals, cut to
    what can be kept."""
    said = text(value).upper()
    letters = "".join(filter(str.isalpha, said))
    letters = _ALIASES.get(letters, letters)
    if letters in MEANINGS:
        return letters
    return "OUTOFORDER" if names_fault(text(value)) else said[:MAX_WORD]
