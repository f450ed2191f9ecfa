"""What was reported of one entity, field by field, each as a timeline of (moment, value).

Facts come in any order, repeated and late. A timeline is the set of what was reported, in the order of the reported
moments; two orders of arrival give the same set. Of what has one moment, the one that came last counts. The newest
entry is the present value. Kept as it is stored:

    {"auth_state": [["2026-11-01T08:00:00.000000Z", "ok"], ["2026-11-03T10:00:00.000000Z", "invalid_credentials"]]}

Moments are UTC with microseconds, so that their texts sort as they do.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

# So many entries are kept as they came. Beyond that, of each run of one value only its ends are kept, and then the
# oldest go: the present value is always right, however late a fact is; only "since when" may then be too late.
MOST_ENTRIES = 30

Raw = dict[str, list[list[Any]]]
# Beside the timeline of a field stands one of the words for it that are not known, under its name and this.
UNKNOWN = "?"
# Beside the state of something that has a term: that a term of it is over, since its own end.
OVER = "over"


def to_text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def to_moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def extended(entries: list[list[Any]], at: datetime, value: Any, *, anew: bool = False) -> list[list[Any]]:
    """The timeline with one more entry, the last of its moment; the same list when it was there already. `anew` says
    that it is no repetition of what was said before: then it is the last of its moment again."""
    entry = [to_text(at), value]
    place = bisect_right(entries, entry[0], key=itemgetter(0))
    if entry in entries:
        if not anew or entries[place - 1] == entry:
            return entries
        entries, place = [one for one in entries if one != entry], place - 1
    return _short([*entries[:place], entry, *entries[place:]])


def _short(entries: list[list[Any]]) -> list[list[Any]]:
    if len(entries) <= MOST_ENTRIES:
        return entries
    last = len(entries) - 1
    ends = [
        entry
        for n, entry in enumerate(entries)
        if n in (0, last) or not entries[n - 1][1] == entry[1] == entries[n + 1][1]
    ]
    return ends[-MOST_ENTRIES:]


def with_terms(reports: Reports) -> Reports:
    """With the ends of terms in the timeline of the state: what ended before the first word of it is history."""
    states, over = reports.raw.get("state", []), reports.raw.get(OVER, [])
    ends = [entry for entry in over if not states or entry[0] > states[0][0]]
    return Reports(reports.raw | {"state": sorted([*ends, *states], key=itemgetter(0))}) if ends else reports


class Reports:
    """Reads and extends the timelines of one entity."""

    __slots__ = ("raw",)

    def __init__(self, raw: Raw | None = None) -> None:
        self.raw: Raw = raw if raw is not None else {}

    def add(self, field: str, value: Any, at: datetime, *, anew: bool = False) -> bool:
        """Adds a report; says whether it was new, even if late."""
        before = self.raw.get(field, [])
        after = extended(before, at, value, anew=anew)
        if after is before:
            return False
        self.raw = self.raw | {field: after}
        return True

    def has(self, field: str) -> bool:
        return field in self.raw

    def latest(self, field: str, default: Any = None) -> Any:
        entries = self.raw.get(field)
        return entries[-1][1] if entries else default

    def shown(self, field: str) -> Any:
        """The present value as it is shown: the last word, be it known or not."""
        known, unknown = self.raw.get(field), self.raw.get(field + UNKNOWN)
        if unknown and (not known or unknown[-1][0] >= known[-1][0]):
            return unknown[-1][1]
        return known[-1][1] if known else None

    def reported_at(self, field: str) -> datetime | None:
        """When the present value was last said."""
        entries = self.raw.get(field)
        return to_moment(entries[-1][0]) if entries else None

    def run(self, field: str) -> list[datetime]:
        """The moments at which the present value was said in a row, oldest first."""
        entries = self.raw.get(field, [])
        moments: list[str] = []
        for moment, value in reversed(entries):
            if value != entries[-1][1]:
                break
            moments.append(moment)
        return [to_moment(moment) for moment in reversed(moments)]

    def since(self, field: str) -> datetime | None:
        """Since when the present value holds, as far as it is known."""
        run = self.run(field)
        return run[0] if run else None

    def since_last(self, field: str, cleared: datetime | None) -> datetime | None:
        """Since when the present value holds; what was said before something else cleared it does not count."""
        run = self.run(field)
        if cleared is None or not run or run[0] >= cleared:
            return run[0] if run else None
        return next((moment for moment in run if moment > cleared), None)

    def before(self, field: str) -> list[Any]:
        """The values that were said before the present one came to hold, oldest first."""
        entries = self.raw.get(field, [])
        run = 0
        for _moment, value in reversed(entries):
            if value != entries[-1][1]:
                break
            run += 1
        return [value for _moment, value in entries[: len(entries) - run]]

    def last_time(self, field: str, value: Any) -> datetime | None:
        """When this value was last said, be it the present one or not."""
        return next((to_moment(m) for m, reported in reversed(self.raw.get(field, [])) if reported == value), None)

    def first_time(self, field: str, *values: Any) -> datetime | None:
        """When one of these values was first said."""
        return next((to_moment(m) for m, reported in self.raw.get(field, []) if reported in values), None)

    def at(self, field: str, moment: datetime, default: Any = None) -> Any:
        """The value as it was at a moment."""
        text, value = to_text(moment), default
        for reported_at, reported in self.raw.get(field, ()):
            if reported_at > text:
                break
            value = reported
        return value
