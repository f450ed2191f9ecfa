"""What a text beside "no error" says of the present: neither of the past nor what was only measured. Pure."""

from __future__ import annotations

import re

# "Last fault: …", "letzter Fehler …", "errore precedente …", to where the list goes on.
_FORMER = (
    r"last|previous|prev|prior|former|past|historic(?:al)?|letzte[rns]?|vorige[rns]?|vorherige[rns]?|frühere[rns]?"
    r"|derni[eè]re?s?|pr[eé]c[eé]dente?s?|[uú]ltim[oa]s?|anterior(?:es)?|laatste|eerdere|precedent[ei]"
)
_FAULT = (
    r"fault|error|alarm|failure|trip|fehler|störung|stoerung|alarme|d[eé]faut|erreur|panne|fallo|aver[ií]a|falla|fout"
    r"|storing|errore|guasto|allarme|stop|shutdown|incident|abschaltung|halt|arr[eê]t|parada|paro|arresto|event"
    r"|(?:self[ -]?|selbst|auto|zelf)test"
)
_HISTORY = r"history|historie|historique|historial|geschiedenis|storico|cronologia"
_PAST = re.compile(
    rf"(?:^|(?<=[;|\n]))[^;|\n]*?(?<![^\W_])(?:{_HISTORY})(?![^\W_])[^;|\n]*"
    rf"|(?<![^\W_])(?:(?:{_FORMER})[\s_-]*+(?:\w{{1,40}}+\s)?(?:{_FAULT})|(?:{_FAULT})s?\s(?:{_FORMER}))"
    r"(?![^\W\d_]{4})[^;|\n]*",
    re.IGNORECASE,
)
_NUMBER = (
    r"(?<!\d)(\d++(?:[.,]\d++)?+)"
    r"\s?(?:[uµmkM]?(?:Ah?|Vh?|Wh?|Ω|ohms?)|°\s?[CF]?|C|deg(?:rees?|C)?|Grad|%|Hz|g|mm|cm|bar)(?!\w)"
)
_MEASURED = re.compile(_NUMBER, re.IGNORECASE)
_LIMIT = re.compile(
    rf"[(\[]?\s?(?:limit|max(?:imum)?\.?|threshold|Grenzwert|Grenze|seuil|límite|umbral|grens|soglia|limite)\s?[:=]?\s?{_NUMBER}\s?[)\]]?",
    re.IGNORECASE,
)
# What says that something happened, or that a limit is passed.
_HAPPENED = re.compile(
    r"trip|exceed|over|above|high|too\b|detect|fault(?! current)|error|alarm|fail|trigger|>|warn|limit|threshold|press"
    r"|stop|open|smoke|fire|ausgel|überschr|ueberschr|grenz|\bzu\b|fehler(?!strom)|störung|erkannt|dépass|depass|défaut"
    r"|déclench|seuil|trop|élev|super|fallo|disparad|umbral|\balt[oa]|aangesproken|grens|\bte\b|fout|storing|scatt"
    r"|interven|soglia|guasto|rilevat|not-?aus|urgence|emergen|noodstop|über|rauch|brand|kurz|short|court|corto",
    re.IGNORECASE,
)
# A reading that says no, behind the name of what is read: "Tilt 0"; not a number of a place or code.
_IS_ZERO = re.compile(
    r"\W*(?:[^\W\d_]{2,30}[ _-]){0,2}(?!(?:code|id|nr|no|number|connector|evse|phase|line|module|port)\b)"
    r"[^\W\d_]{2,30}\s?0(?:[.,]0+)?\W*",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"([;|\n]|,\s)")


def at_present(said: str) -> str:
    """What a text beside "no error" says of the present, "" where that is nothing."""
    return "".join(part for part in _CLAUSE.split(_PAST.sub("", said)) if not _only_measures(part)).strip(" ,;|")


def _only_measures(clause: str) -> bool:
    """Whether a clause holds a measured value, and nothing that happened: "residual current 2.1 mA (limit 6 mA)"; or a
    reading that says no."""
    if _IS_ZERO.fullmatch(clause):
        return True
    limit = _LIMIT.search(clause)
    rest = _LIMIT.sub(" ", clause)
    measured = _MEASURED.search(rest)
    if measured is None or _HAPPENED.search(rest):
        return False
    return limit is None or _amount(measured[1]) <= _amount(limit[1])


def _amount(number: str) -> float:
    return float(number.replace(",", "."))
