"""Days of the week and times of day as people write them, in the languages of the table (`catalogue.words`)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from fleet_remotes.catalogue.words import DAY_GROUPS, DAY_NAMES, DAYS, DAYS_AROUND, DAYS_UNTIL, HOURS

GROUPS = {"daily": DAYS, "weekdays": DAYS[:5], "weekend": DAYS[5:]}
_BETWEEN = re.compile(r"[,;&+|]")
_SIGN = re.compile(r"t/m|jusqu'au|[^\W\d_]+|\.{2,3}|\S")
_DURATION = re.compile(
    r"P(?:0+Y)?(?:0+M)?(?:0+W)?(?:0+D)?(?:T(?:(?P<h>\d{1,4}(?:[.,]\d+)?)H)?(?:(?P<m>\d{1,4})M)?(?:(?P<s>\d{1,6})(?:[.,]0*)?S)?)?",
    re.IGNORECASE,
)
_HALF = r"(?P<half>[ap])\.?\s*m\.?"
_HOURS = r"(?:h|hrs?|uhr|uur|u|heures?|o'?clock)"
_CLOCKS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?P<h>\d{{1,2}})\s*[:.]\s*(?P<m>\d{{2}})(?:[:.](?P<s>\d{{2}})(?:[.,]0+)?)?\s*(?:{_HOURS}|{_HALF})?",
        rf"(?P<h>\d{{1,2}})\s*{_HOURS}\s*(?:(?P<m>\d{{2}})(?:\s*min)?)?",
        rf"(?P<h>\d{{1,2}})\s*{_HALF}",
        r"(?P<h>\d{2})(?P<m>\d{2})",
    )
]
_DAY_S = 24 * 3600


class UnknownDay(ValueError):
    """What is no day of the week, in a sentence, and its place in the list."""

    def __init__(self, sentence: str, place: int) -> None:
        super().__init__(sentence)
        self.place = place


def days_meant(said: Sequence[str]) -> list[str]:
    """The days that names, groups and ranges ("Mon-Fri", "lundi au jeudi, sam.") mean, in the week's order. Names are
    of the one language that has them all, where there is one. Raises UnknownDay."""
    found: set[str] = set()
    words: list[tuple[int, str]] = []
    for place, text in enumerate(said):
        for part in filter(str.strip, _BETWEEN.split(unicodedata.normalize("NFC", text))):
            if group := DAY_GROUPS.read(part):
                found.update(GROUPS[group])
            else:
                words += [(place, word) for word in _SIGN.findall(part.casefold()) if word not in (*DAYS_AROUND, ".")]
    named = _named([(place, word) for place, word in words if word not in DAYS_UNTIL])
    is_range, before = False, ""
    for place, word in words:
        if word in DAYS_UNTIL:
            if not before or is_range:
                raise UnknownDay(f"“{said[place][:40]}”: a range goes from one day to another, e.g. Mon-Fri.", place)
            is_range = True
            continue
        day = named[word]
        found.update(_between(before, day) if is_range else (day,))
        is_range, before = False, day
    if is_range:
        raise UnknownDay(f"“{said[-1][:40]}”: a range goes from one day to another, e.g. Mon-Fri.", len(said) - 1)
    return [day for day in DAYS if day in found]


def _named(words: Sequence[tuple[int, str]]) -> dict[str, str]:
    """What each name means. Raises UnknownDay for one of no meaning, or of several."""
    readings = [{word: _day(word, language) for _place, word in words} for language in DAY_NAMES]
    whole = [reading for reading in readings if all(reading.values())]
    named: dict[str, str] = {}
    for place, word in words:
        meanings = {day for reading in whole or readings if (day := reading[word])}
        if len(meanings) > 1:
            raise UnknownDay(f"“{word}” may be {' or '.join(d for d in DAYS if d in meanings)}; write which.", place)
        if not meanings:
            raise UnknownDay(f"“{word[:40]}” is none of {', '.join((*DAYS, *GROUPS))}.", place)
        named[word] = meanings.pop()
    return named


def _day(word: str, language: str) -> str:
    """The day that a name is in a language; "mondays" are Monday too."""
    names = DAY_NAMES[language]
    return names.read(word) or names.read(word.removesuffix("s")) or ""


def _between(first: str, last: str) -> Sequence[str]:
    start, end = DAYS.index(first), DAYS.index(last)
    return DAYS[start : end + 1] if start <= end else (*DAYS[start:], *DAYS[: end + 1])


def seconds_of_day(text: str) -> int | None:
    """The seconds since midnight of an ISO 8601 duration or of what a clock shows; None for what is neither, or no time
    of one day."""
    text = text.strip()
    if named := HOURS.read(text):
        return int(named) * 3600 if not text[:1].isdigit() else None
    if duration := _DURATION.fullmatch(text):
        if not any(duration.groupdict().values()):
            return None
        parts = {unit: float((duration[unit] or "0").replace(",", ".")) for unit in "hms"}
        seconds = round(parts["h"] * 3600 + parts["m"] * 60 + parts["s"])
        return seconds if seconds < _DAY_S else None
    found = next((match for clock in _CLOCKS if (match := clock.fullmatch(text))), None)
    if found is None:
        return None
    said = {"m": None, "s": None, "half": None, **found.groupdict()}
    hour, minute, second = int(said["h"] or 0), int(said["m"] or 0), int(said["s"] or 0)
    if half := said["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (half.lower() == "p")
    return hour * 3600 + minute * 60 + second if hour < 24 and minute < 60 and second < 60 else None
