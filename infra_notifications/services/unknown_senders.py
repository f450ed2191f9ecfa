"""Senders that are no charge points here: of each the last that it said, and of each source no more than a share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from core.sql import array_literal, columns, insert_rows, storable
from infra_notifications.ingest import Observation, OcppMessage
from infra_notifications.models import UnknownChargePoint
from infra_notifications.rules.stations import firmware_of

# A message that is kept of an unknown sender is at most this long.
MOST_KEPT = 8_000
# Of the faults that a batch says to be over so many are looked for.
MOST_OVER = 50
# What each of these says is put over what was kept, and a fault that is said to be over goes.
_SAID = (
    "(CASE WHEN EXCLUDED.said->'over' @> coalesce(jsonb_build_array(t.said->'fault'->>'name'), '[null]')"
    " THEN t.said - 'fault' ELSE t.said END || EXCLUDED.said) - 'over'"
)


@dataclass
class UnknownSender:
    """What a batch brought of one identity that is no charge point here; `said` is what adoption will apply."""

    evse_id: str
    station: str
    connector: int | None
    source: int | None
    received: datetime
    messages: int = 0
    sample: dict[str, Any] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    def hear(self, message: OcppMessage, observations: Iterable[Observation], received: datetime) -> None:
        kept = {"protocol": message.protocol, "action": message.action, "payload": message.payload}
        size = len(storable(kept))
        self.messages += 1
        self.received = max(self.received, received)
        self.sample = kept if size <= MOST_KEPT else kept | {"payload": f"({size} characters)"}
        if size > MOST_KEPT:
            return
        kept["at"] = received.isoformat()
        if facts := firmware_of(message.action, message.payload):
            self.facts |= facts
            self.said["boot"] = kept
        for observation in observations:
            if observation.status:
                self.said["status"] = kept | {"said": observation.said, "alarming": observation.alarming}
            elif observation.over:
                self.end(observation.fault)
            elif observation.alarming:
                self.said["fault"] = kept | {"said": observation.said, "name": observation.fault}

    def end(self, fault: str) -> None:
        """A fault is said to be over."""
        self.said["over"] = [*self.said.get("over", ()), fault][-MOST_OVER:]
        if self.said.get("fault", {}).get("name") == fault:
            del self.said["fault"]

    def row(self, now: datetime) -> tuple[Any, ...]:
        names = ("vendor", "model", "firmware")
        return (
            self.evse_id,
            self.station,
            self.connector,
            self.messages,
            storable(self.sample),
            now,
            self.received,
            self.source,
            storable(self.said),
            *(self.facts.get(name, "") for name in names),
        )


def write_unknown(senders: Iterable[UnknownSender], now: datetime) -> dict[int, int]:
    """Keeps what senders said that are no charge points here, and of each source no more than its share.

    Returns how many were dropped, by source.
    """
    rows = [sender.row(now) for sender in senders]
    table = "infra_notifications_unknownchargepoint"
    facts = ("vendor", "model", "firmware")
    written = insert_rows(
        f"{table} AS t",
        columns(
            UnknownChargePoint,
            *("evse_id", "station", "connector", "messages", "sample", "first_seen", "last_seen", "source_id", "said"),
            *facts,
        ),
        sorted(rows, key=lambda row: (row[0], row[1], row[2] if row[2] is not None else -1)),
        "ON CONFLICT (upper(evse_id), upper(station), coalesce(connector, -1)) DO UPDATE SET"
        " messages = t.messages + EXCLUDED.messages, sample = EXCLUDED.sample, source_id = EXCLUDED.source_id,"
        f" last_seen = greatest(t.last_seen, EXCLUDED.last_seen), said = {_SAID}, "
        + ", ".join(f"{name} = coalesce(nullif(EXCLUDED.{name}, ''), t.{name})" for name in facts)
        + " RETURNING source_id, xmax = 0",
    )
    grown = {source for source, is_new in written if is_new}
    return _drop_beyond_share(sorted(source or 0 for source in grown)) if grown else {}


def _drop_beyond_share(sources: Sequence[int]) -> dict[int, int]:
    """The oldest senders beyond a source's share go, first those without a fault: a flood of made-up identities cannot
    push out what somebody should see, nor fill the table. Their number is shown with the source."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH ranked AS (SELECT id, row_number() OVER (PARTITION BY source_id ORDER BY"
            " (said ? 'fault' OR coalesce(said->'status'->'alarming' = 'true', false)) DESC,"
            " last_seen DESC, id DESC) AS place"
            " FROM infra_notifications_unknownchargepoint"
            " WHERE coalesce(source_id, 0) = ANY(%s::bigint[])),"
            " doomed AS (SELECT id FROM infra_notifications_unknownchargepoint"
            " WHERE id IN (SELECT id FROM ranked WHERE place > %s) ORDER BY id FOR UPDATE SKIP LOCKED)"
            " DELETE FROM infra_notifications_unknownchargepoint u USING doomed WHERE u.id = doomed.id"
            " RETURNING coalesce(u.source_id, 0)",
            [array_literal(sources), settings.CHARGING_UNKNOWN_MAX],
        )
        return Counter(row[0] for row in cursor.fetchall())
