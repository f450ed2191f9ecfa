"""claim_fairly: due deliveries of many endpoints, some from each, so that no backlog of one stands before the others.

`claim` takes the oldest first, which is right where one server takes everything. Here each receiver has its own speed:
the statement walks from one destination to the next along an index and takes from each only as much as it may have
under way. What waits for a receiver that hangs is never even read.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from outbox.contract import Claimed
from outbox.services.settling import ALONE_FROM, claimed_rows

_CLAIM = """
WITH RECURSIVE allowed(destination, most) AS (
  SELECT * FROM unnest(%(known)s::text[], %(most)s::int[])
), walk(destination) AS (
  (SELECT destination FROM outbox_delivery
   WHERE channel = %(channel)s AND state IN ('pending', 'retrying') AND destination > %(after)s
   ORDER BY destination LIMIT 1)
  UNION ALL
  SELECT (SELECT d.destination FROM outbox_delivery d
          WHERE d.channel = %(channel)s AND d.state IN ('pending', 'retrying') AND d.destination > walk.destination
          ORDER BY d.destination LIMIT 1)
  FROM walk WHERE walk.destination IS NOT NULL
), due AS (
  SELECT one.id FROM walk LEFT JOIN allowed USING (destination), LATERAL (
    SELECT d.id FROM outbox_delivery d
    WHERE d.channel = %(channel)s AND d.state IN ('pending', 'retrying') AND d.destination = walk.destination
    AND d.next_attempt_at <= %(now)s AND d.lost < %(alone)s
    ORDER BY d.next_attempt_at LIMIT coalesce(allowed.most, %(first)s)
    FOR UPDATE SKIP LOCKED) one
  LIMIT %(limit)s
)
UPDATE outbox_delivery d SET state = 'sending', lease = %(lease)s, lease_until = %(until)s FROM due WHERE d.id = due.id
RETURNING d.id, d.event_id, d.address, d.list_key, d.language, d.destination, d.attempts, d.created_at, d.copy
"""


@dataclass
class FairClaim:
    """Goes round all destinations, batch by batch: where one batch ended, the next begins."""

    channel: str
    after: str = ""

    def take(
        self, *, limit: int, first: int, allowances: Mapping[str, int], lease_s: int, now: datetime
    ) -> list[Claimed]:
        """Up to `limit` due deliveries: of each destination what it is allowed, `first` of one that has no entry."""
        rows = self._take(limit, first, allowances, lease_s, now)
        if not rows and self.after:
            self.after = ""
            rows = self._take(limit, first, allowances, lease_s, now)
        self.after = max(claimed.destination for claimed in rows) if len(rows) >= limit else ""
        return rows

    def _take(
        self, limit: int, first: int, allowances: Mapping[str, int], lease_s: int, now: datetime
    ) -> list[Claimed]:
        lease = uuid.uuid4()
        with connection.cursor() as cursor:
            cursor.execute(
                _CLAIM,
                {
                    "channel": self.channel,
                    "after": self.after,
                    "known": list(allowances),
                    "most": list(allowances.values()),
                    "first": first,
                    "limit": limit,
                    "lease": lease,
                    "until": now + timedelta(seconds=lease_s),
                    "now": now,
                    "alone": ALONE_FROM,
                },
            )
            return claimed_rows(cursor.fetchall(), self.channel, lease)
