"""claim → settle: one statement each, so that no lock outlives them and no socket is ever open inside a transaction."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from django.db import connection

from core.sql import array_literal
from core.text import clean_text
from outbox import metrics
from outbox.choices import Reason, Verdict
from outbox.contract import Claimed, ClaimedEvent, Result
from outbox.rules.retrying import settle as rule_settle
from outbox.transports.registry import transports

log = structlog.get_logger("signalbox.deliveries")
# So many are named in one line.
LISTED = 20
# Attempts at which nothing was sent.
UNSENT = frozenset({Verdict.RELEASED, Verdict.HELD_BACK})


# A delivery at which so many workers died is sent when nothing else is under way, so that it takes no other with it;
# after so many it fails. The pauses before it is sent again.
ALONE_FROM, MOST_LOST, LOST_PAUSES_S = 3, 5, (5, 5, 15, 60)


def claim(
    *, channel: str, limit: int, lease_s: int, now: datetime, busy: Sequence[str] = (), alone: bool = False
) -> list[Claimed]:
    """Takes up to `limit` due deliveries of a channel, oldest first, for `lease_s` seconds, skipping what others hold.

    Destinations in `busy` are left for later: they have enough under way. `alone`: of those that are sent alone.
    """
    lease, held = uuid.uuid4(), (ALONE_FROM, MOST_LOST) if alone else (0, ALONE_FROM - 1)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbox_delivery d SET state = 'sending', lease = %s, lease_until = %s FROM ("
            "  SELECT id FROM outbox_delivery WHERE state IN ('pending', 'retrying') AND channel = %s"
            "  AND next_attempt_at <= %s AND destination <> ALL(%s::text[]) AND lost BETWEEN %s AND %s"
            "  ORDER BY next_attempt_at LIMIT %s FOR UPDATE SKIP LOCKED) due WHERE d.id = due.id"
            " RETURNING d.id, d.event_id, d.address, d.list_key, d.language, d.destination, d.attempts, d.created_at,"
            " d.copy",
            [lease, now + timedelta(seconds=lease_s), channel, now, list(busy), *held, limit],
        )
        return claimed_rows(cursor.fetchall(), channel, lease)


def claimer_alone(channel: str, lease_s: int) -> Callable[[datetime], list[Claimed]]:
    """How the next one is taken that is sent alone."""
    return lambda now: claim(channel=channel, limit=1, lease_s=lease_s, now=now, alone=True)


def waits_alone(*, now: datetime) -> bool:
    """Whether one is due that is sent alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM outbox_delivery WHERE state IN ('pending', 'retrying') AND next_attempt_at <= %s"
            " AND lost > 0 AND lost >= %s LIMIT 1",
            [now, ALONE_FROM],
        )
        return cursor.fetchone() is not None


def claimed_rows(rows: Sequence[tuple[Any, ...]], channel: str, lease: uuid.UUID) -> list[Claimed]:
    """Claimed rows with their events, oldest first."""
    if not rows:
        return []
    events = _claimed_events({row[1] for row in rows})
    return [
        Claimed(row[0], events[row[1]], channel, row[2], row[3], row[4], row[5], row[6], row[7], lease, row[8])
        for row in sorted(rows)
    ]


def _claimed_events(ids: Iterable[int]) -> dict[int, ClaimedEvent]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, uuid, kind, subject, payload::text, occurred_at, thread, position,"
            " request_id FROM outbox_event"
            " WHERE id = ANY(%s::bigint[])",
            [array_literal(ids)],
        )
        return {
            row[0]: ClaimedEvent(
                row[0], row[1], row[2], row[3], msgspec.json.decode(row[4]), row[5], row[6], row[7], row[8]
            )
            for row in cursor.fetchall()
        }


def settle(*, results: Sequence[Result], now: datetime) -> int:
    """Writes what became of claimed deliveries and an Attempt each, in one statement guarded by the lease.

    Returns how many were still held; a delivery whose lease was lost meanwhile keeps what its new holder makes of it,
    but the attempt is recorded all the same.
    """
    if not results:
        return 0
    columns: list[tuple[Any, ...]] = []
    ends: list[tuple[str, str]] = []
    for result in results:
        counted = result.claimed.attempts + result.outcome.counts
        after = rule_settle(
            result.outcome,
            counted_attempts=counted,
            created_at=result.claimed.created_at,
            now=now,
            chance=random.random(),  # noqa: S311 - jitter, no secret
            pause_s=result.pause_s,
        )
        ended = now if after.next_attempt_at is None else None
        ends.append((after.state, after.reason))
        columns.append(
            (
                result.claimed.id,
                result.claimed.lease,
                after.state,
                after.reason,
                counted,
                after.next_attempt_at,
                ended,
                result.started_at,
                int(result.duration_s * 1000),
                result.outcome.verdict,
                result.outcome.reason,
                result.outcome.code,
                clean_text(result.outcome.answer),
            )
        )
    # Before the attempts are written: when the database fails in between, all of this is done again, and marking an
    # address twice does no harm, while an attempt would be recorded twice.
    for channel, transport in transports().items():
        if of_channel := [result for result in results if result.claimed.channel == channel]:
            transport.learn(of_channel, now)
    held = _write_settlements(columns)
    _count(results, ends)
    _log(results)
    return held


def _write_settlements(columns: Sequence[tuple[Any, ...]]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH r AS (SELECT * FROM unnest(%s::bigint[], %s::uuid[], %s::text[], %s::text[], %s::smallint[],"
            " %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::int[], %s::text[], %s::text[], %s::int[],"
            " %s::text[]) AS x(id, lease, state, reason, attempts, due, ended, at, ms, verdict, why, code, answer)),"
            " tried AS (INSERT INTO outbox_attempt (delivery_id, at, duration_ms, verdict, reason, code, answer)"
            " SELECT id, at, ms, verdict, why, code, answer FROM r WHERE verdict NOT IN ('released', 'held_back')"
            " ORDER BY id)"
            " UPDATE outbox_delivery d SET state = r.state, reason = r.reason, attempts = r.attempts,"
            " next_attempt_at = r.due, settled_at = r.ended, lease = NULL, lease_until = NULL"
            " FROM r WHERE d.id = r.id AND d.lease = r.lease AND d.state = 'sending'",
            [array_literal(column) for column in zip(*columns, strict=True)],
        )
        return int(cursor.rowcount)


def _log(results: Sequence[Result]) -> None:
    """One line for what came of one request in this batch, however many deliveries that are."""
    by_request: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        outcome = result.outcome
        if outcome.verdict not in UNSENT:
            key = (result.claimed.event.request_id, result.claimed.channel, outcome.verdict, outcome.reason)
            by_request.setdefault(key, []).append(result)
    for (request_id, channel, verdict, reason), same in by_request.items():
        log.info(
            "sent",
            request_id=request_id,
            channel=channel,
            verdict=verdict,
            reason=reason,
            code=same[0].outcome.code,
            count=len(same),
            deliveries=[result.claimed.id for result in same[:LISTED]],
            events=sorted({result.claimed.event.id for result in same})[:LISTED],
        )


def _count(results: Sequence[Result], ends: Sequence[tuple[str, str]]) -> None:
    """Counts a whole batch: each number that is kept in a file shared by processes is written once, not per result."""
    tried = Counter((result.claimed.channel, result.outcome.verdict, result.outcome.reason) for result in results)
    for (channel, verdict, why), number in tried.items():
        metrics.SETTLED.labels(channel, verdict, why).inc(number)
        if verdict == Verdict.HELD_BACK:
            metrics.SUPPRESSED.labels(channel, why).inc(number)
    sent = [result for result in zip(results, ends, strict=True) if result[0].outcome.verdict not in UNSENT]
    for (channel, state, reason), number in Counter((result.claimed.channel, *end) for result, end in sent).items():
        metrics.ENDED.labels(channel, state, reason).inc(number)
    for channel in {result.claimed.channel for result, _end in sent}:
        took, waited = metrics.SEND_SECONDS.labels(channel), metrics.WAIT_SECONDS.labels(channel)
        for result, _end in sent:
            if result.claimed.channel != channel:
                continue
            took.observe(result.duration_s)
            if result.claimed.attempts == 0:
                since = (result.started_at - result.claimed.created_at).total_seconds()
                waited.observe(max(0.0, since + result.duration_s))


# By how much the clocks of several machines may differ.
CLOCK_SLACK = timedelta(seconds=30)


def mend_times(*, now: datetime, lease_s: int) -> int:
    """Puts right what a clock wrote that was then set back; returns how many deliveries it touched.

    What was created in the future is due now. A lease that ends later than any that could be given now ends as if it
    had just been given: its holder, if it lives, has settled by then.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbox_delivery SET next_attempt_at = %s WHERE state IN ('pending', 'retrying')"
            " AND next_attempt_at > %s AND created_at > %s",
            [now, now + CLOCK_SLACK, now + CLOCK_SLACK],
        )
        due = int(cursor.rowcount)
        longest = now + timedelta(seconds=lease_s)
        cursor.execute(
            "UPDATE outbox_delivery SET lease_until = %s WHERE state = 'sending' AND lease_until > %s",
            [longest, longest + CLOCK_SLACK],
        )
        return due + int(cursor.rowcount)


_RECLAIM = """
WITH lost AS (
  UPDATE outbox_delivery SET reason = 'worker_lost', lease = NULL, lease_until = NULL, lost = lost + 1,
    attempts = attempts + 1, state = CASE WHEN lost + 1 < %(most)s THEN 'retrying' ELSE 'failed' END,
    settled_at = CASE WHEN lost + 1 >= %(most)s THEN %(now)s END, next_attempt_at = CASE WHEN lost + 1 < %(most)s
      THEN %(now)s + make_interval(secs => (%(pauses)s::int[])[lost + 1]) END
  WHERE id IN (SELECT id FROM outbox_delivery WHERE state = 'sending' AND lease_until < %(now)s
    ORDER BY id LIMIT 5000 FOR UPDATE SKIP LOCKED)
  RETURNING id, channel, state
), tried AS (
  INSERT INTO outbox_attempt (delivery_id, at, duration_ms, verdict, reason, answer)
  SELECT id, %(now)s, 0, CASE state WHEN 'failed' THEN 'failed' ELSE 'retry' END, 'worker_lost', '' FROM lost
)
SELECT channel, state, count(*) FROM lost GROUP BY 1, 2
"""


def reclaim_lost(*, now: datetime) -> int:
    """Gives back deliveries whose worker died: its lease ran out. The attempt counts as lost; one at which worker after
    worker dies fails."""
    with connection.cursor() as cursor:
        cursor.execute(_RECLAIM, {"now": now, "most": MOST_LOST, "pauses": list(LOST_PAUSES_S)})
        lost = cursor.fetchall()
    for channel, state, count in lost:
        metrics.ENDED.labels(channel, state, Reason.WORKER_LOST).inc(count)
    return sum(count for *_ends, count in lost)
