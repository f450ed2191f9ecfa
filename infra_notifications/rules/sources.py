"""When a source is in trouble: silent for longer than its pace explains, or everything it sends is rejected. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from infra_notifications.choices import SourceTrouble

# A source that fed fewer stations is left to the stations' own silence.
LEAST_FED = 3
# Shorter silences are restarts of the sender.
LEAST_SILENCE = timedelta(minutes=3)
# Its pace is known after so many gaps; it is then silent after so many times the longest of them.
KNOWN_GAPS, TIMES = 5, 3
# A shorter gap is no outage, however quick the pace; and so many outages within a day are remembered. One more is what
# is usual.
LEAST_OUTAGE_S, OUTAGES = 30, 5
# It delivers what had waited when so many batches in a row are behind by so much more than its clock is.
LAG_S, LAGGING = 30, 3
# So many items in a row, for so long, without one that was taken.
LEAST_REJECTED, REJECTED_FOR = 3, timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class SourcePace:
    """How regularly a source is heard. `heard_from` is the later of when it was heard last and when we began to listen:
    what was sent while nobody listened was not heard either."""

    heard_from: datetime
    gaps: int
    longest_gap_s: float | None
    fed: int

    @property
    def longest_gap(self) -> timedelta:
        return timedelta(seconds=self.longest_gap_s or 0)

    @property
    def silent_at(self) -> datetime | None:
        """When its pace explains its silence no more; None while its pace is unknown."""
        if self.gaps < KNOWN_GAPS:
            return None
        return self.heard_from + max(TIMES * self.longest_gap, LEAST_SILENCE)

    def may_be_silent(self, now: datetime) -> bool:
        """Whether it is silent if all its stations are overdue too: what is usual was exceeded."""
        return self.fed >= LEAST_FED and now - self.heard_from >= max(self.longest_gap, LEAST_SILENCE)


def is_silent(pace: SourcePace, now: datetime, *, all_overdue: bool) -> bool:
    """Whether a source is silent. `all_overdue`: each of its stations is silent for longer than it should be, which is
    better explained by the one source than by all of them."""
    if not pace.may_be_silent(now):
        return False
    return all_overdue or (pace.silent_at is not None and now >= pace.silent_at)


def trouble_of(
    pace: SourcePace, refused_in_row: int, refused_since: datetime | None, now: datetime, *, all_overdue: bool
) -> SourceTrouble:
    if is_silent(pace, now, all_overdue=all_overdue):
        return SourceTrouble.SILENT
    if refused_in_row >= LEAST_REJECTED and refused_since is not None and now - refused_since >= REJECTED_FOR:
        return SourceTrouble.REJECTED
    return SourceTrouble.NONE
