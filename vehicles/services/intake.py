"""Takes facts in: many at once, in any order, repeated, late. A batch is one transaction; a 2xx follows its commit.

Read → made and locked → told → written → sessions derived → the drivers concerned looked at. What a fact says is merged
into the timelines of the things it names, so that the order of arrival does not matter.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from django.db import IntegrityError, OperationalError, transaction

from core.services import take_receipts
from core.sql import Col, insert_rows
from vehicles.choices import FactEffect
from vehicles.ingest import Fact, Understood, understand
from vehicles.ingest.facts import data_of, type_of
from vehicles.services.campaigns import add_recipients
from vehicles.services.evaluation import lock_drivers, look_at
from vehicles.services.sampling import take_samples
from vehicles.services.things import Things, drivers_concerned, inherit_drivers

MAX_ID = 200
# A moment that is further ahead than this, or before anything was connected, is a wrong clock: the receipt counts.
AHEAD = timedelta(minutes=5)
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
TRIES = 3


@dataclass
class Submission:
    """What one request brought: facts with their place in its batch, under the key that sent them (0: the console)."""

    key_id: int
    items: Sequence[tuple[int, Fact]]


@dataclass
class Intake:
    """What became of a submission."""

    accepted: int = 0
    duplicates: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class _Incoming:
    submission: int
    index: int
    fact: Fact
    at: datetime
    said: Understood
    data: str
    effect: str = FactEffect.TAKEN


def take_facts(*, submissions: Sequence[Submission], now: datetime) -> list[Intake]:
    """Takes the facts of several requests in one transaction; an Intake for each, in order.

    Tried again when another batch stood in the way: a deadlock, or a row deleted meanwhile.
    """
    for attempt in range(TRIES):
        try:
            with transaction.atomic():
                return _Taking(submissions, now).run()
        except (OperationalError, IntegrityError):
            if attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable")


def moment_of(fact: Fact, now: datetime) -> datetime:
    told = fact.occurred_at
    return told.astimezone(UTC) if told is not None and EARLIEST <= told <= now + AHEAD else now


class _Taking:
    def __init__(self, submissions: Sequence[Submission], now: datetime) -> None:
        self.submissions, self.now = submissions, now
        self.intakes = [Intake() for _ in submissions]

    def run(self) -> list[Intake]:
        incoming = [
            read
            for number, submission in enumerate(self.submissions)
            for index, fact in submission.items
            if (read := self._read(number, index, fact)) is not None
        ]
        fresh = self._without_duplicates(incoming)
        if fresh:
            self._apply(fresh)
        return self.intakes

    def _read(self, number: int, index: int, fact: Fact) -> _Incoming | None:
        data = msgspec.json.encode(fact).decode()
        given = fact.id
        problem = ""
        if "\\u0000" in data:
            problem = "A NUL character cannot be stored; leave it out."
        elif given is not None and len(str(given)) > MAX_ID:
            problem = f"`id` must be at most {MAX_ID} characters."
        if problem:
            self.intakes[number].rejected.append((index, problem))
            return None
        at = moment_of(fact, self.now)
        told = msgspec.json.encode(data_of(fact)).decode()
        return _Incoming(number, index, fact, at, understand(fact, at), told)

    def _without_duplicates(self, incoming: Sequence[_Incoming]) -> list[_Incoming]:
        """Leaves out what the same key sent before under the same id."""
        wanted: dict[int, list[str]] = defaultdict(list)
        for one in incoming:
            if one.fact.id is not None:
                wanted[self.submissions[one.submission].key_id].append(str(one.fact.id))
        left = {key: take_receipts(key_id=key, external_ids=wanted[key], now=self.now) for key in sorted(wanted)}
        fresh = []
        for one in incoming:
            intake, given = self.intakes[one.submission], one.fact.id
            ids = left.get(self.submissions[one.submission].key_id, set())
            if given is not None and str(given) not in ids:
                intake.duplicates += 1
                continue
            ids.discard(str(given))
            intake.accepted += 1
            fresh.append(one)
        return fresh

    def _apply(self, fresh: Sequence[_Incoming]) -> None:
        things = Things()
        for one in fresh:
            for report in one.said.reports:
                things.name(report)
        things.open()
        self._tell(fresh, things, of_drivers=False)
        others = {thing.kind.name for thing in things.found.values()}
        things.write(*others)
        inherit_drivers(
            [thing.id for thing in things.of("account")],
            [thing.id for thing in things.of("vehicle")],
            _location_ids(things),
        )
        take_samples(samples=[s for one in fresh for s in one.said.samples], things=things, now=self.now)
        concerned = drivers_concerned(things)
        lock_drivers(concerned)
        things.lock_drivers()
        self._tell(fresh, things, of_drivers=True)
        things.write("driver")
        _write_facts(fresh, self.now)
        add_recipients(driver_ids=concerned, now=self.now)
        look_at(driver_ids=concerned, now=self.now)

    def _tell(self, fresh: Iterable[_Incoming], things: Things, *, of_drivers: bool) -> None:
        for one in fresh:
            present = [
                things.tell(report, one.at)
                for report in one.said.reports
                if (report.kind == "driver") == of_drivers and report.values
            ]
            if present and not any(present) and not one.said.samples:
                one.effect = FactEffect.LATE


def _location_ids(things: Things) -> list[int]:
    locations = {thing.id for thing in things.of("location")}
    return sorted(locations | {i for t in things.of("contract") if (i := t.links["location_id"]) is not None})


def _write_facts(fresh: Sequence[_Incoming], now: datetime) -> None:
    """Keeps the facts for the timeline; the same one again, of the same moment, is counted."""
    rows: dict[bytes, list[Any]] = {}
    for one in fresh:
        kind = type_of(one.fact)
        digest = hashlib.blake2b(f"{kind}|{one.said.subject}|{one.at.isoformat()}|{one.data}".encode(), digest_size=16)
        row = rows.setdefault(
            digest.digest(), [kind, one.said.subject, one.data, one.at, now, one.effect, digest.hexdigest(), 0]
        )
        row[-1] += 1
    insert_rows(
        "vehicles_fact",
        (
            Col("type", "text"),
            Col("subject", "text"),
            Col("data", "jsonb"),
            Col("occurred_at", "timestamptz"),
            Col("received_at", "timestamptz"),
            Col("effect", "text"),
            Col("digest", "text", "decode(x.digest, 'hex')"),
            Col("times", "int"),
        ),
        [rows[key] for key in sorted(rows)],
        "ON CONFLICT (digest) DO UPDATE SET times = vehicles_fact.times + EXCLUDED.times",
    )
