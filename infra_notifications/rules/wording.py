"""How people and firmware write: names run together, what denies a fault, and what says that it is over. Pure.

The words are those of the six languages in which charging stations are sold here (en, de, fr, es, nl, it).
"""

from __future__ import annotations

import re

# Where a name that is run together falls apart: "BoxDoorIsOpen", "EVSEContactor", "ERR_RCD_TRIGGERED".
_SEAM = re.compile(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_+")
# Its second half is no FI (a residual current device), however it is written.
_WIFI = re.compile(r"\bwi[\s-]?fi(?![a-z])", re.IGNORECASE)
_CLAUSE_END = ",;.!|()·"

# Beginnings (`*`) and words that say that a fault is over, as a rule's `and_words` take them.
ENDS = [
    *("resolved", "cleared", "reconnected", "rearmed", "re-armed", "released", "recovered", "restored", "reset"),
    *("back to normal", "back on", "closed", "closed again", "replaced", "acknowledged", "gone"),
    *("behoben", "zurückgesetzt", "entriegelt", "quittiert", "wieder ein*", "wieder geschlossen", "geschlossen"),
    *("wieder normal", "ersetzt"),
    *(
        "réarmé*",
        "résolu*",
        "refermé*",
        "fermé*",
        "relâché*",
        "disparu*",
        "retour à la normale",
        "revenue à la normale",
    ),
    *("rearmad*", "resuelt*", "cerrad*", "liberad*", "normalizad*", "hersteld", "opgelost", "gesloten", "ontgrendeld"),
    *("vervangen", "riarmat*", "risolt*", "chius*", "sbloccat*", "rientrat*"),
]
_NO = (
    r"no(?!\.?\s*\d)|not(?![\s-]?(?:aus|halt|stop))|none|never|without|kein\w*|nicht|ohne|pas|aucune?|sans|sin"
    r"|ning[uú]n\w*|geen|niet|zonder|nessun\w*|non|senza"
)
_FINE = (
    r"ok|okay|passed|normal\w*|armed|enabled|calibrated|configured|scheduled|tested|geprüft"
    r"|self[\s-]?test\w*|selbsttest\w*|autotest|zelftest|autodiagn\w*|bestanden|in ordnung"
    r"|réussie?|superad[oa]|geslaagd|superato"
)


def _as_pattern(word: str) -> str:
    return re.escape(word.rstrip("*")) + (r"\w*" if word.endswith("*") else "")


# "Reset required" and "must be released" ask for the end; they do not report it.
_OVER = rf"(?<!be )(?<!to )(?:{'|'.join(map(_as_pattern, ENDS))})(?!\w)(?!\s+(?:required|needed|necessary|failed))"
_NEGATION = re.compile(rf"(?<![\w-])(?:{_NO})(?!\w)", re.IGNORECASE)
_DENIAL = re.compile(
    r"(?<![\w-])(?:"
    rf"(?:{_NO})(?!\w)(?!\W+(?:yet\W+)?{_OVER})"  # "not yet cleared" denies nothing
    rf"|(?:{_FINE})(?!\w)"
    rf"|(?<!not )(?<!yet )(?<!nicht )(?<!non )(?<!niet ){_OVER}"
    r")",
    re.IGNORECASE,
)


def readings(text: str) -> tuple[str, ...]:
    """A text as it was written and, where that differs, with its names taken apart into words."""
    apart = _SEAM.sub(" ", _WIFI.sub("WLAN", text.replace("’", "'")))
    return (text,) if apart == text else (text, apart)


def around(text: str, spans: list[tuple[int, int]]) -> str:
    """What stands around these places: everything between them and the rest of their clauses, without themselves."""
    start, end = min(first for first, _ in spans), max(last for _, last in spans)
    while start > 0 and text[start - 1] not in _CLAUSE_END:
        start -= 1
    while end < len(text) and text[end] not in _CLAUSE_END:
        end += 1
    rest = list(text)
    for first, last in spans:
        rest[first:last] = "·" * (last - first)
    return "".join(rest[start:end])


def denies(rest: str) -> bool:
    """Whether these words say that there is no fault, or that it is over: "not …", "kein …", "… resolved"."""
    return bool(_DENIAL.search(rest))


def negates(rest: str) -> bool:
    """Whether these words hold a negation."""
    return bool(_NEGATION.search(rest))
