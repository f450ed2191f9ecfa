"""What surrounds incidents: which charge points are in maintenance, and which open the same case again and again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from infra_notifications.choices import Case
from infra_notifications.rules.connections import CLOSE_WITHIN, HELD, SEEN_WITHIN
from infra_notifications.rules.daily import FLAPPING_OPENINGS, FLAPPING_WINDOW, next_flapping_check
from infra_notifications.rules.lifecycle import CLOSED, SILENCE
from infra_notifications.rules.sources import LEAST_FED, LEAST_SILENCE

# How far back openings are counted: whoever opened this often in a day flaps, however often it was.
COUNTED = 500
# Small, because a message about a charge point that is being looked at waits for the look.
EVALUATION_LIMIT = 200
# What a silent source holds back is asked again when it speaks, and this often in case that was missed.
SOURCE_RECHECK = timedelta(hours=1)
# What a source that may be silent holds back is asked again this often, until it spoke or is known to be silent.
DOUBT_RECHECK = timedelta(seconds=15)

# Windows that touch the time from `since` to `now`, and which charge points each covers, by whichever of its targets.
COVERING = """
windows AS (
  SELECT id, starts_at, ends_at FROM infra_notifications_maintenancewindow
  WHERE ends_at > %(since)s AND starts_at <= %(now)s
), targets AS NOT MATERIALIZED (
  SELECT t.charge_point_id, t.group_id, t.location, t.city, w.starts_at, w.ends_at
  FROM windows w JOIN infra_notifications_maintenancetarget t ON t.window_id = w.id
), covering AS (
  SELECT charge_point_id AS id, starts_at, ends_at FROM targets WHERE charge_point_id = ANY(%(points)s)
  UNION ALL
  SELECT m.charge_point_id, t.starts_at, t.ends_at FROM targets t
  JOIN infra_notifications_groupmembership m ON m.group_id = t.group_id AND m.charge_point_id = ANY(%(points)s)
  UNION ALL
  SELECT c.id, t.starts_at, t.ends_at FROM targets t JOIN infra_notifications_chargepoint c
  ON c.id = ANY(%(points)s) AND c.location = t.location AND (t.city = '' OR c.city = t.city) WHERE t.location <> ''
)"""
# How often each case opened in the last day; what opened during maintenance does not count. The inner limit keeps a
# charge point with a long history cheap.
_OPENINGS = """
openings AS (
  SELECT p.charge_point_id, p."case", count(*) AS n
  FROM unnest(%(pair_points)s::bigint[], %(pair_cases)s::text[]) AS p(charge_point_id, "case")
  CROSS JOIN LATERAL (
    SELECT i.opened_at FROM infra_notifications_incident i
    WHERE i.charge_point_id = p.charge_point_id AND i."case" = p."case" ORDER BY i.id DESC LIMIT %(counted)s
  ) AS last
  WHERE last.opened_at > %(since)s AND NOT EXISTS (
    SELECT 1 FROM covering c WHERE c.id = p.charge_point_id
    AND last.opened_at >= c.starts_at AND last.opened_at < c.ends_at)
  GROUP BY 1, 2
)"""
# Charge points whose last source is in trouble, unless another one that fed them spoke since; those that had no time
# yet to speak since their source does again, or since it delivered what had waited, or so far in all while it was
# heard: a sender that starts anew again and again is heard for moments; and those whose source may fall silent: it
# was not heard for longer than is usual, but not yet for so long that administrators are told. A connection that
# closed may be one of many, until it is seen that it closed alone, also after many had; where many closed twice, those
# of the first time are held back no longer because of the second, and told together.
_SILENT_SOURCE = """
silent_source AS (
  SELECT s.charge_point_id AS id, CASE
    WHEN o.trouble = 'closed' AND s.disconnected_at < o.trouble_since
      THEN date_trunc('minute', s.disconnected_at + %(held)s) + interval '1 minute'
    WHEN o.trouble = 'closed' AND s.disconnected_at > o.closings_until + %(close_within)s
      THEN s.disconnected_at + %(seen_within)s
    WHEN o.trouble = 'closed' THEN o.trouble_since + %(held)s
    WHEN o.trouble <> '' THEN %(recheck)s::timestamptz WHEN heard.by > %(now)s THEN heard.by
    WHEN s.disconnected_at + %(seen_within)s > %(now)s THEN s.disconnected_at + %(seen_within)s
    ELSE least(%(soon)s, quiet.since + %(doubt)s) END AS until
  FROM infra_notifications_source o
  JOIN infra_notifications_chargepointstate s ON s.source_id = o.id AND s.charge_point_id = ANY(%(points)s)
  JOIN infra_notifications_chargepoint c ON c.id = s.charge_point_id
  CROSS JOIN LATERAL (SELECT make_interval(
    secs => CASE WHEN s.disconnected_at IS NOT NULL THEN %(grace)s
      ELSE coalesce(c.expected_interval_s, s.learnt_silence_s, %(interval)s) END) AS time) needed
  CROSS JOIN LATERAL (
    SELECT sum(q.until - greatest(q.since, s.last_seen)) AS time
    FROM unnest(o.quiet_from, o.quiet_until) AS q(since, until)
    WHERE q.until > s.last_seen AND s.disconnected_at IS NULL AND cardinality(o.fed) >= %(fed)s AND NOT EXISTS (
      SELECT 1 FROM infra_notifications_source b
      WHERE b.id = s.other_source_id AND b.trouble = '' AND b.last_heard_at > o.quiet_from[1])) lost
  CROSS JOIN LATERAL (
    SELECT greatest(greatest(o.recovered_at, o.lagged_at) + needed.time, s.last_seen + needed.time + lost.time) AS by
  ) heard
  CROSS JOIN LATERAL (SELECT greatest(o.last_heard_at, o.listening_since) AS since) quiet
  WHERE o.trouble <> '' AND NOT EXISTS (
    SELECT 1 FROM infra_notifications_source b
    WHERE b.id = s.other_source_id AND b.trouble = '' AND b.last_heard_at > o.trouble_since)
  OR o.trouble = '' AND heard.by > %(now)s
  OR o.trouble = '' AND cardinality(o.fed) >= %(fed)s AND s.disconnected_at + %(seen_within)s > %(now)s
  OR o.trouble = '' AND cardinality(o.fed) >= %(fed)s AND quiet.since + %(doubt)s > %(now)s
  AND quiet.since + make_interval(secs => greatest(o.longest_gap_s, 1)) <= %(now)s AND NOT EXISTS (
    SELECT 1 FROM infra_notifications_source b WHERE b.id = s.other_source_id AND b.last_heard_at > o.last_heard_at)
)"""
_CONTEXT = f"""
WITH {COVERING}, {_OPENINGS}, {_SILENT_SOURCE}, maintenance AS (
  SELECT id, max(ends_at) AS until FROM covering WHERE ends_at > %(now)s GROUP BY id
), begun AS (
  INSERT INTO infra_notifications_flapping (charge_point_id, "case", began_at, openings, next_check_at)
  SELECT o.charge_point_id, o."case", %(now)s, o.n, %(next_check)s FROM openings o
  WHERE o.n > %(threshold)s AND NOT EXISTS (SELECT 1 FROM maintenance m WHERE m.id = o.charge_point_id)
  ORDER BY 1, 2
  ON CONFLICT (charge_point_id, "case") WHERE ended_at IS NULL DO NOTHING
  RETURNING charge_point_id, "case", openings, next_check_at
)
SELECT 'maintenance', id, '', 0, until FROM maintenance
UNION ALL SELECT 'source', id, '', 0, until FROM silent_source
UNION ALL SELECT 'begun', charge_point_id, "case", openings, next_check_at FROM begun
UNION ALL SELECT DISTINCT 'member', charge_point_id, '', 0, NULL::timestamptz FROM infra_notifications_groupmembership
WHERE charge_point_id = ANY(%(points)s)
UNION ALL SELECT DISTINCT 'notified', incident_id, '', 0, NULL::timestamptz FROM infra_notifications_notice
WHERE incident_id = ANY(%(incidents)s)
UNION ALL SELECT 'flapping', charge_point_id, "case", openings, next_check_at FROM infra_notifications_flapping
WHERE ended_at IS NULL AND charge_point_id = ANY(%(points)s)"""  # noqa: S608 - our own text alone
_EVALUATE = f"""
WITH {COVERING}, {_OPENINGS}, counted AS (
  SELECT f.id, coalesce(o.n, 0) AS n FROM infra_notifications_flapping f
  LEFT JOIN openings o USING (charge_point_id, "case") WHERE f.id = ANY(%(due)s)
)
UPDATE infra_notifications_flapping f SET openings = counted.n,
  next_check_at = CASE WHEN counted.n > %(threshold)s THEN %(next_check)s ELSE f.next_check_at END,
  ended_at = CASE WHEN counted.n > %(threshold)s THEN NULL ELSE %(now)s::timestamptz END
FROM counted WHERE f.id = counted.id"""  # noqa: S608 - our own text alone

Pair = tuple[int, str]


@dataclass
class NotificationContext:
    """By charge point, until when it is in maintenance, and until when its silence may be that of its source; by charge
    point and case, when its flapping is told next.

    `points` are the charge points that this knows of, `members` those of them that are in a group; `notified` those of
    the incidents that were asked for about which something was decided; `begun` flap since just now; `openings` says
    how often.
    """

    points: set[int] = field(default_factory=set)
    members: set[int] = field(default_factory=set)
    notified: set[int] = field(default_factory=set)
    maintenance: dict[int, datetime] = field(default_factory=dict)
    silent_sources: dict[int, datetime] = field(default_factory=dict)
    flapping: dict[Pair, datetime] = field(default_factory=dict)
    openings: dict[Pair, int] = field(default_factory=dict)
    begun: set[Pair] = field(default_factory=set)

    def source_silent_until(self, point: int, faults: Iterable[str]) -> datetime | None:
        """Until when an incident that these faults hold open may be the silence of a source alone."""
        return self.silent_sources.get(point) if {SILENCE, CLOSED}.issuperset(faults) else None

    def flapping_until(self, pair: Pair, now: datetime) -> datetime | None:
        """When it is told next that this charge point flaps: now, if it has just begun; None when it does not."""
        return now if pair in self.begun else self.flapping.get(pair)


def context_of(
    points: Iterable[int],
    now: datetime,
    *,
    opened: Sequence[tuple[int, Case]] = (),
    incidents: Iterable[int] = (),
) -> NotificationContext:
    """What surrounds these charge points now, in one statement.

    `opened` are the cases that just opened and stand in the table by now: where that was once too often, flapping
    begins. Whoever passes them holds the charge points' state rows.
    """
    found = NotificationContext(set(points))
    pairs = sorted({(point, case.value) for point, case in opened})
    with connection.cursor() as cursor:
        cursor.execute(_CONTEXT, _parameters(found.points, pairs, now) | {"incidents": list(incidents)})
        for what, point, case, openings, moment in cursor.fetchall():
            if what in ("member", "notified"):
                (found.members if what == "member" else found.notified).add(point)
                continue
            if what in ("maintenance", "source"):
                (found.maintenance if what == "maintenance" else found.silent_sources)[point] = moment
                continue
            found.flapping[point, case], found.openings[point, case] = moment, openings
            if what == "begun":
                found.begun.add((point, case))
    return found


def _parameters(points: Iterable[int], pairs: Sequence[Pair], now: datetime) -> dict[str, Any]:
    return {
        "points": list(points),
        "pair_points": [point for point, _ in pairs],
        "pair_cases": [case for _, case in pairs],
        "now": now,
        "since": now - FLAPPING_WINDOW,
        "next_check": next_flapping_check(now),
        "threshold": FLAPPING_OPENINGS,
        "counted": COUNTED,
        "recheck": now + SOURCE_RECHECK,
        "soon": now + DOUBT_RECHECK,
        "doubt": LEAST_SILENCE + DOUBT_RECHECK,
        "fed": LEAST_FED,
        "held": HELD,
        "seen_within": SEEN_WITHIN,
        "close_within": CLOSE_WITHIN,
        "grace": settings.OCPP_GRACE_S,
        "interval": settings.CHARGING_EXPECTED_INTERVAL_S,
    }


def evaluate_flapping(*, now: datetime, limit: int = EVALUATION_LIMIT) -> int:
    """The daily look: what still opens too often goes on flapping until the next one, the rest is quiet.

    Returns how many were looked at. What waits for the result is told, or not, by `notify_due`.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            'SELECT id, charge_point_id, "case" FROM infra_notifications_flapping WHERE ended_at IS NULL'
            " AND next_check_at <= %s ORDER BY next_check_at, id LIMIT %s FOR UPDATE SKIP LOCKED",
            [now, limit],
        )
        due = cursor.fetchall()
        if due:
            pairs = [(point, case) for _, point, case in due]
            parameters = _parameters({point for point, _ in pairs}, pairs, now)
            cursor.execute(_EVALUATE, parameters | {"due": [pk for pk, *_ in due]})
    return len(due)
