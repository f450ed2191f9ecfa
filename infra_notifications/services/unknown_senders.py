"""Senders that are no charge points here: of each the last that it said, and of each source no more than a share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, islice
from typing import Any

from django.conf import settings
from django.db import connection

from core.receipts import digest_of_json
from core.sql import array_literal, columns, insert_rows, storable
from core.text import identity
from infra_notifications.ingest import Observation, OcppMessage
from infra_notifications.models import UnknownChargePoint
from infra_notifications.rules.frames import ORDER, told_interval
from infra_notifications.rules.kept_messages import kept_payload
from infra_notifications.rules.stations import firmware_of

# A message that is kept of an unknown sender is at most this long.
MOST_KEPT = 8_000
# Of a longer one so much of each text, and of each list or object so many, are.
_BEGINNING, _FIRST, _DEEPEST = 500, 40, 20
# Of a sender so many messages are kept, and so many characters of them.
MOST_MESSAGES, MOST_CHARACTERS = 64, 48_000
# Old and new together, within the bounds. What says the same as a later message goes first, then the oldest: what the
# last message that speaks of a fault said of it stays, and with it whether it is open.
_SAID = (
    "(SELECT jsonb_build_object('messages', coalesce(jsonb_agg(r.m ORDER BY r.n), '[]')) FROM ("  # noqa: S608
    "SELECT d.m, d.n, row_number() OVER w AS place, sum(length(d.m::text)) OVER w AS characters FROM ("
    "SELECT m, n, row_number() OVER (PARTITION BY m->>'key' ORDER BY m->>'at' DESC, n DESC) > 1 AS is_repeated"
    " FROM jsonb_array_elements(coalesce(t.said->'messages', '[]') || coalesce(EXCLUDED.said->'messages', '[]'))"
    " WITH ORDINALITY AS x(m, n)) d WINDOW w AS (ORDER BY d.is_repeated, d.m->>'at' DESC, d.n DESC)) r"
    f" WHERE r.place <= {MOST_MESSAGES} AND r.characters <= {MOST_CHARACTERS})"
)
MAX_IDENTITY = 48
_NUMBERS = re.compile(r"\d+")


def too_long(*identities: str | None) -> str:
    """Why an identity can be kept of nobody, as a sentence; cut, it could be somebody else's. "" where it can."""
    for name in identities:
        if name and len(name) > MAX_IDENTITY:
            return f"It is not kept, because an identity has at most {MAX_IDENTITY} characters, not {len(name)}."
    return ""


def shown(name: str | None) -> str:
    """An identity in a sentence: its beginning where it is too long, so that what is said of it is read."""
    whole = identity(name or "")
    return whole if len(whole) <= MAX_IDENTITY else f"{whole[:MAX_IDENTITY]}…"


def _shortened(value: Any, depth: int = 0) -> Any:
    """JSON with the beginnings of its long texts and lists: mostly what a message says is in its short ones."""
    if isinstance(value, str):
        return value if len(value) <= _BEGINNING else f"{value[:_BEGINNING]}…"
    if depth > _DEEPEST:
        return None
    if isinstance(value, list):
        return [_shortened(inner, depth + 1) for inner in value[:_FIRST]]
    if isinstance(value, dict):
        return {key[:_BEGINNING]: _shortened(value[key], depth + 1) for key in islice(value, _FIRST)}
    return value


@dataclass
class UnknownSender:
    """What a batch brought of one identity that is no charge point here; `said` is what adoption applies."""

    evse_id: str
    station: str
    connector: int | None
    source: int | None
    received: datetime
    messages: int = 0
    sample: dict[str, Any] = field(default_factory=dict)
    said: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)

    def hear(
        self,
        message: OcppMessage,
        observations: Sequence[Observation],
        received: datetime,
        order: tuple[datetime, int],
        kind: str,
    ) -> None:
        """Keeps a message of a kind; `order` is when and at which place of a batch it came."""
        payload = kept_payload(message.action, message.payload, kind)
        sample = {"protocol": message.protocol, "action": message.action, "payload": payload}
        if (whole := len(storable(sample))) > MOST_KEPT:
            sample["payload"] = _shortened(payload)
        size = len(storable(sample))
        self.messages += 1
        self.received = max(self.received, received)
        self.sample = sample if size <= MOST_KEPT else sample | {"payload": f"({whole} characters)"}
        facts = firmware_of(message.action, message.payload)
        interval_s = told_interval(message) if kind != ORDER else None
        if size > MOST_KEPT or not (facts or observations or interval_s is not None):
            return
        self.facts |= facts
        key = [
            [each.fault, each.evse, each.status, each.codes, each.over, _NUMBERS.sub("", each.words)]
            for each in observations
        ]
        more = {"id": message.id, "connector": message.connector, "alarming": any(o.alarming for o in observations)}
        more |= {"kind": kind, "interval_s": interval_s, "proves_life": getattr(message, "proves_life", True)}
        self.keep(sample | more, digest_of_json(key or ("boot" if facts else "interval")), received, order)

    def keep(self, sample: dict[str, Any], key: str, received: datetime, order: tuple[datetime, int]) -> None:
        """Keeps something as it came. Of equal `key`, the last alone counts where not all can be kept."""
        heard, place = order
        self.said.append(sample | {"key": key, "at": received.isoformat(), "heard": heard.isoformat(), "place": place})

    def _bounded(self) -> list[dict[str, Any]]:
        """What a batch brought, within the bounds, by the rule of `_SAID`."""
        newest = sorted(enumerate(self.said), key=lambda pair: (pair[1]["at"], pair[0]), reverse=True)
        first = {said["key"]: n for n, said in reversed(newest)}
        ranked = sorted(newest, key=lambda pair: first[pair[1]["key"]] != pair[0])[:MOST_MESSAGES]
        sizes = accumulate(len(storable(said)) for _n, said in ranked)
        chosen = [pair for pair, size in zip(ranked, sizes, strict=True) if size <= MOST_CHARACTERS]
        return [said for _n, said in sorted(chosen, key=lambda pair: pair[0])]

    def row(self, now: datetime) -> tuple[Any, ...]:
        names = ("vendor", "model", "firmware")
        return (
            self.evse_id,
            self.station,
            self.connector,
            self.messages,
            storable(self.sample),
            min(now, self.received),
            self.received,
            self.source,
            storable({"messages": self._bounded()}),
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
        "ON CONFLICT (upper(evse_id), upper(station), coalesce(connector, -1)) DO UPDATE SET"  # nosec B608 - ours
        " messages = t.messages + EXCLUDED.messages, sample = EXCLUDED.sample, source_id = EXCLUDED.source_id,"
        " first_seen = least(t.first_seen, EXCLUDED.first_seen),"
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
            """ said @> '{"messages": [{"alarming": true}]}' DESC,"""
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
