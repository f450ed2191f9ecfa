"""Counts what each source brought, in one statement per shared commit, after that commit.

Afterwards, because a source's row is hot: in the batch's transaction two batches of one source would wait for each
other's commit. So the row is locked for a moment only, in a commit that waits for no disk; a process that dies between
the two commits loses one batch's counts, never its messages.

The web counts in its memory and writes once a second (`start`), because the statement, which learns the pace of each
source, takes as long as all else of a commit with a few messages; it may lose that second's counts.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections

from core.api import rfc3339
from core.device_clock import parse_time
from core.ingest import BatchSteps, Incoming, Intake, Item, Submission, take
from core.sql import array_literal, storable
from infra_notifications.choices import SourceKind
from infra_notifications.models.sources import NUMBER_OF_KIND, kind_of_source
from infra_notifications.rules.sources import KNOWN_GAPS, LAG_S, LAGGING, LEAST_OUTAGE_S, OUTAGES, TIMES
from infra_notifications.services.directory import Point

log = structlog.get_logger("signalbox.sources")
# Of each source so many last sentences, each cut to so much, and so many last measurements of its clock are kept.
SENTENCES, SENTENCE, OFFSETS = 20, 300, 15
WRITTEN_EVERY_S = 1.0
# A source that fed so many stations is more than a test; no more of their names are kept.
FED = 3

# The sentences of old and new together, the last ones, counted by their text.
_SENTENCES = (
    "(SELECT jsonb_agg(jsonb_build_object('text', s.text, 'n', s.n, 'at', s.at) ORDER BY s.at DESC)"  # noqa: S608
    " FROM (SELECT r.text, sum(r.n) AS n, max(r.at) AS at"
    " FROM jsonb_to_recordset(EXCLUDED.{0} || t.{0}) AS r(text text, n bigint, at text)"
    f" GROUP BY r.text ORDER BY max(r.at) DESC LIMIT {SENTENCES}) s)"
)
_GAP = "extract(epoch FROM EXCLUDED.last_heard_at - t.last_heard_at)"
# Batches within a second are one burst. While little is known, a gap counts for at most four times the longest one so
# far, or five minutes.
_LEARNT = f"least({_GAP}, greatest(4 * t.longest_gap_s, 300))"
# An outage teaches nothing: a gap that the pace does not explain, or at whose end the source was known to be silent.
# Only what is seen again and again within a day is what this source does.
_IS_OUTAGE = (
    f"{_GAP} >= 1 AND (t.gaps >= {KNOWN_GAPS} AND {_GAP} > greatest({TIMES} * t.longest_gap_s, {LEAST_OUTAGE_S})"
    " OR t.trouble = 'silent' AND t.last_heard_at <= t.trouble_since)"
    f" AND NOT coalesce(t.quiet_until[{OUTAGES}] > EXCLUDED.last_heard_at - interval '1 day', false)"
)
_IS_GAP = f"{_GAP} >= 1 AND NOT ({_IS_OUTAGE})"
# What was long becomes shorter by half in a day.
_FADED = f"t.longest_gap_s * power(0.5, least({_GAP}, 2592000) / 86400)"
# Where something was accepted before, stations that nobody registered yet are no fault of the source.
_REFUSED = (
    "(EXCLUDED.rejected - CASE WHEN t.accepted > 0 THEN"
    " (SELECT least(h.strangers, h.rejected) FROM heard h WHERE h.id = EXCLUDED.id) ELSE 0 END)"
)
# By how many seconds it was behind: the best of this commit, that of the last few batches, so that one that is sent
# again is no lag, and the best so far, which a clock that was set since makes wrong.
_BEST = "(SELECT max(o) FROM unnest(EXCLUDED.offsets_s) AS o)"
_NEWEST = (
    "(SELECT max(o) FROM unnest((EXCLUDED.offsets_s || t.offsets_s)"  # noqa: S608 - our own text alone
    f"[1:greatest({LAGGING}, cardinality(EXCLUDED.offsets_s))]) AS o WHERE EXCLUDED.offsets_s <> '{{}}')"
)
_FORGOTTEN = f"t.best_offset_s - 0.5 * least({_GAP}, greatest(60, t.longest_gap_s))"
_CHANGES = {
    # Keys and parties have their names; a link to a broker names itself.
    "name": "coalesce(nullif(EXCLUDED.name, ''), t.name)",
    "last_heard_at": "greatest(t.last_heard_at, EXCLUDED.last_heard_at)",
    **{
        name: f"t.{name} + EXCLUDED.{name}"
        for name in ("accepted", "duplicates", "rejected", "warnings", "dropped", "lost")
    },
    "lost_at": "coalesce(EXCLUDED.lost_at, t.lost_at)",
    "gaps": f"CASE WHEN {_IS_GAP} THEN least(t.gaps, 1000000) + 1 ELSE t.gaps END",
    # The mean of the first sixteen, then a decaying one.
    "usual_gap_s": f"CASE WHEN {_IS_GAP} THEN coalesce(t.usual_gap_s, 0) + ({_LEARNT} - coalesce(t.usual_gap_s, 0))"
    " / least(t.gaps + 1, 16) ELSE t.usual_gap_s END",
    "longest_gap_s": f"CASE WHEN {_IS_GAP} THEN greatest({_LEARNT}, {_FADED}) ELSE t.longest_gap_s END",
    "quiet_from": f"CASE WHEN {_IS_OUTAGE} THEN (t.last_heard_at || t.quiet_from)[1:{OUTAGES}] ELSE t.quiet_from END",
    "quiet_until": f"CASE WHEN {_IS_OUTAGE} THEN (EXCLUDED.last_heard_at || t.quiet_until)[1:{OUTAGES}]"
    " ELSE t.quiet_until END",
    "refused_in_row": "CASE WHEN EXCLUDED.accepted + EXCLUDED.duplicates > 0 THEN 0"
    f" ELSE t.refused_in_row + {_REFUSED} END",
    "refused_since": "CASE WHEN EXCLUDED.accepted + EXCLUDED.duplicates > 0 THEN NULL"
    f" WHEN {_REFUSED} > 0 THEN coalesce(t.refused_since, EXCLUDED.refused_since) ELSE t.refused_since END",
    **{
        name: f"CASE WHEN EXCLUDED.{name} = '[]' THEN t.{name} ELSE {_SENTENCES.format(name)} END"
        for name in ("rejections", "cautions")
    },
    "best_offset_s": f"CASE WHEN t.kind = '{SourceKind.PROXY}' THEN 0 ELSE greatest({_BEST}, {_FORGOTTEN}) END",
    "lagged_at": f"CASE WHEN {_NEWEST} < t.best_offset_s - {LAG_S} THEN EXCLUDED.last_heard_at ELSE t.lagged_at END",
    "offsets_s": f"(EXCLUDED.offsets_s || t.offsets_s)[1:{OFFSETS}]",
    "fed": f"CASE WHEN cardinality(t.fed) >= {FED} THEN t.fed"  # noqa: S608 - our own text alone
    f" ELSE (ARRAY(SELECT DISTINCT s FROM unnest(t.fed || EXCLUDED.fed) AS s ORDER BY s))[1:{FED}] END",
}
_COUNT = f"""
WITH quick AS MATERIALIZED (SELECT CASE WHEN %(quick)s THEN set_config('synchronous_commit', 'off', true) END AS done),
heard AS (
  SELECT x.* FROM quick, unnest(%(id)s::bigint[], %(kind)s::text[], %(accepted)s::bigint[], %(duplicates)s::bigint[],
    %(rejected)s::bigint[], %(warnings)s::bigint[], %(rejections)s::jsonb[], %(cautions)s::jsonb[],
    %(offsets)s::jsonb[], %(fed)s::jsonb[], %(dropped)s::bigint[], %(strangers)s::bigint[], %(lost)s::bigint[])
    AS x(id, kind, accepted, duplicates, rejected,
    warnings, rejections, cautions, offsets, fed, dropped, strangers, lost)
)
INSERT INTO infra_notifications_source AS t (id, kind, name, first_heard_at, last_heard_at, accepted, duplicates,
  rejected, warnings, gaps, quiet_from, quiet_until, refused_in_row, refused_since, rejections, cautions, offsets_s,
  fed, dropped, lost, lost_at, paused, trouble)
SELECT h.id, h.kind, coalesce(k.name, r.slug, p.name, ''), %(now)s, %(now)s, h.accepted, h.duplicates, h.rejected,
  h.warnings, 0, '{{}}', '{{}}',
  CASE WHEN h.accepted + h.duplicates > 0 THEN 0 ELSE h.rejected END,
  CASE WHEN h.accepted + h.duplicates = 0 AND h.rejected > 0 THEN %(now)s::timestamptz END,
  h.rejections, h.cautions, ARRAY(SELECT jsonb_array_elements_text(h.offsets)::float),
  ARRAY(SELECT jsonb_array_elements_text(h.fed))::varchar[], h.dropped, h.lost,
  CASE WHEN h.lost > 0 THEN %(now)s::timestamptz END, false, ''
FROM heard h LEFT JOIN console_apikey k ON h.kind IN ('key', 'citrineos') AND k.id = h.id & {NUMBER_OF_KIND}
  LEFT JOIN infra_notifications_ocpproute r ON h.kind = 'proxy' AND r.id = h.id & {NUMBER_OF_KIND}
  LEFT JOIN infra_notifications_ocpiparty p ON h.kind = 'ocpi' AND p.id = h.id & {NUMBER_OF_KIND} ORDER BY h.id
ON CONFLICT (id) DO UPDATE SET {", ".join(f"{name} = {value}" for name, value in _CHANGES.items())}
"""  # noqa: S608 - our own text alone


@dataclass
class Heard:
    """What the steps of a batch find that is counted of its sources: stations whose life each of them proved, as many
    as are needed, unknown senders beyond its share, and what was lost before it came. A batch that is tried again
    counts once more, which is rare."""

    fed: dict[int, set[str]] = field(default_factory=dict)
    dropped: Counter[int] = field(default_factory=Counter)
    strangers: Counter[int] = field(default_factory=Counter)
    lost: Counter[int] = field(default_factory=Counter)

    def feed(self, source: int, points: Iterable[Point]) -> None:
        known = self.fed.setdefault(source, set())
        if len(known) < FED:
            known.update(point.station or point.evse_key for point in points)

    def add(self, other: Heard) -> None:
        for source, stations in other.fed.items():
            self.fed.setdefault(source, set()).update(stations)
        for mine, more in ((self.dropped, other.dropped), (self.strangers, other.strangers), (self.lost, other.lost)):
            mine.update(more)

    def drop(self, dropped: Mapping[int, int]) -> None:
        self.dropped.update(dropped)


@dataclass
class _Count:
    """What one source brought in a shared commit."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    warnings: int = 0
    rejections: Counter[str] = field(default_factory=Counter)
    cautions: Counter[str] = field(default_factory=Counter)
    offsets: list[float] = field(default_factory=list)

    def add(self, submission: Submission[Any], intake: Intake, now: datetime) -> None:
        self.accepted += intake.accepted
        self.duplicates += intake.duplicates
        self.rejected += len(intake.rejected)
        self.warnings += len(intake.warnings)
        self.rejections.update(sentence[:SENTENCE] for _place, sentence in intake.rejected)
        self.cautions.update(sentence[:SENTENCE] for _place, sentence in intake.warnings)
        sent = _sent_at(submission)
        if sent is not None:
            self.offsets.append(round((sent - now).total_seconds(), 3))

    def merge(self, later: _Count) -> None:
        self.accepted += later.accepted
        self.duplicates += later.duplicates
        self.rejected += later.rejected
        self.warnings += later.warnings
        for mine, more in ((self.rejections, later.rejections), (self.cautions, later.cautions)):
            for sentence, count in more.items():  # the last ones stand last
                mine[sentence] = mine.pop(sentence, 0) + count
            for sentence in [*mine][:-SENTENCES]:
                del mine[sentence]
        self.offsets = [*self.offsets, *later.offsets][-OFFSETS:]


def _sent_at(submission: Submission[Any]) -> datetime | None:
    """By the sender's clock: when it received the last item that it passes on, which is the newest it has."""
    for _place, item in reversed(submission.items):
        if (received_at := getattr(item, "received_at", None)) is not None:
            return parse_time(received_at)
    return None


def take_and_count(
    submissions: Sequence[Submission[Item]],
    steps: Callable[[Heard, Incoming[Item]], BatchSteps[Item]],
    *,
    heard: Heard | None,
    now: datetime,
) -> list[Intake]:
    """Takes several requests in one transaction, an Intake for each, and counts what their sources brought; where
    `heard` is given, its caller counts it together with more."""
    found = Heard() if heard is None else heard
    intakes = take(submissions, partial(steps, found), now=now)
    if heard is None:
        count_sources(submissions=submissions, intakes=intakes, heard=found, now=now)
    return intakes


def count_sources(
    *,
    submissions: Sequence[Submission[Any]],
    intakes: Sequence[Intake],
    heard: Heard,
    now: datetime,
    is_answered: bool = True,
) -> None:
    """Counts what the sources of a shared commit brought.

    The submissions of the console itself (0) are of no source. A database that fails now costs the counts alone: the
    messages are committed, so whoever sent them must get their answer. Who waits for none (not `is_answered`) gets
    OperationalError, and brings the same once more.
    """
    counted = _Counted(now)
    for submission, intake in zip(submissions, intakes, strict=True):
        if submission.key_id:
            counted.counts.setdefault(submission.key_id, _Count()).add(submission, intake, now)
    for pk in heard.lost:
        counted.counts.setdefault(pk, _Count())
    if not counted.counts:
        return
    counted.heard.add(heard)
    if is_answered and gathered.is_started and not connection.in_atomic_block:
        gathered.add(counted)
        return
    try:
        _write(counted)
    except DatabaseError as error:
        if not is_answered and isinstance(error, OperationalError):
            raise
        log.warning("what the sources brought was not counted", error=str(error).strip())


@dataclass
class _Counted:
    """What some shared commits brought, the last of them at `now`."""

    now: datetime
    counts: dict[int, _Count] = field(default_factory=dict)
    heard: Heard = field(default_factory=Heard)

    def merge(self, later: _Counted) -> None:
        self.now = max(self.now, later.now)
        for pk, count in later.counts.items():
            self.counts.setdefault(pk, _Count()).merge(count)
        self.heard.add(later.heard)


class Gathered:
    """What this process has yet to write, and the thread that writes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: _Counted | None = None
        self._pid = 0

    @property
    def is_started(self) -> bool:
        return self._pid == os.getpid()

    def start(self) -> None:
        """Begins to write once a second, once in a process and again after a fork."""
        if not self.is_started:
            self._pid = os.getpid()
            threading.Thread(target=self._go_on, name="sources", daemon=True).start()

    def add(self, counted: _Counted) -> None:
        with self._lock:
            if self._held is None:
                self._held = counted
            else:
                self._held.merge(counted)

    def write(self) -> None:
        """Writes what is held. Raises DatabaseError, and holds it still."""
        with self._lock:
            counted, self._held = self._held, None
        if counted is None:
            return
        try:
            _write(counted)
        except DatabaseError:
            self._hold_again(counted)
            raise

    def _hold_again(self, counted: _Counted) -> None:
        with self._lock:
            if self._held is not None:
                counted.merge(self._held)
            self._held = counted

    def _go_on(self) -> None:
        waiting = threading.Event()
        while not waiting.wait(WRITTEN_EVERY_S):
            try:
                self.write()
            except (DatabaseError, InterfaceError) as error:
                log.warning("what the sources brought is not counted yet", error=str(error).strip().split("\n")[0])
            finally:
                connections.close_all()


gathered = Gathered()


def _write(counted: _Counted) -> None:
    heard, now = counted.heard, counted.now
    rows = [
        (
            pk,
            kind_of_source(pk).value,
            count.accepted,
            count.duplicates,
            count.rejected,
            count.warnings,
            _last(count.rejections, now),
            _last(count.cautions, now),
            storable(count.offsets[-OFFSETS:]),
            storable(sorted(heard.fed.get(pk, ()))[:FED]),
            heard.dropped[pk],
            heard.strangers[pk],
            heard.lost[pk],
        )
        for pk, count in sorted(counted.counts.items())
    ]
    numbers = ("id", "kind", "accepted", "duplicates", "rejected", "warnings")
    names = (*numbers, "rejections", "cautions", "offsets", "fed", "dropped", "strangers", "lost")
    values: dict[str, Any] = {
        name: array_literal(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, values | {"now": now, "quick": not connection.in_atomic_block})


def count_lost(*, source: int, count: int, now: datetime) -> None:
    """Notes that so much of a source was lost before it could be taken in."""
    count_sources(submissions=[], intakes=[], heard=Heard(lost=Counter({source: count})), now=now, is_answered=False)


def _last(sentences: Counter[str], now: datetime) -> str:
    at = rfc3339(now)
    return storable([{"text": text, "n": n, "at": at} for text, n in list(sentences.items())[-SENTENCES:]])


def source_of(key_id: int) -> int | None:
    """The source that a submission's key is; None for the console itself."""
    return key_id or None
