"""Takes facts in: many at once, in any order, repeated, late. A batch is one transaction; a 2xx follows its commit.

Read → made and locked → told → written → sessions derived → the drivers concerned looked at. What a fact says is merged
into the timelines of the things it names, so that the order of arrival does not matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from core.ingest import BatchSteps, Intake, Submission, take
from core.sql import Col, insert_rows
from vehicles.choices import FactEffect
from vehicles.ingest import Fact, Understood, understand
from vehicles.ingest.facts import data_of, type_of
from vehicles.services.campaigns import add_recipients
from vehicles.services.evaluation import lock_drivers, look_at
from vehicles.services.sampling import take_samples
from vehicles.services.unit_of_work import EntityUnitOfWork, drivers_concerned, inherit_drivers

# A moment that is further ahead than this, or before anything was connected, is a wrong clock: the receipt counts.
AHEAD = timedelta(minutes=5)
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)


def take_facts(*, submissions: Sequence[Submission[Fact]], now: datetime) -> list[Intake]:
    """Takes the facts of several requests in one transaction; an Intake for each, in order."""
    return take(submissions, _FactSteps, now=now)


def moment_of(fact: Fact, now: datetime) -> datetime:
    """When a fact occurred, as far as its clock can be believed; else now."""
    occurred = fact.occurred_at
    return occurred.astimezone(UTC) if occurred is not None and EARLIEST <= occurred <= now + AHEAD else now


class _FactSteps(BatchSteps[Fact]):
    """What a fact says is merged into the timelines of what it names, by columns: facts, moments, understood."""

    def apply(self, rows: list[int]) -> None:
        if not rows:
            return
        self.facts = [self.incoming.items[row] for row in rows]
        self.moments = [moment_of(fact, self.now) for fact in self.facts]
        self.understood = [understand(fact, at) for fact, at in zip(self.facts, self.moments, strict=True)]
        self.effects: list[str] = [FactEffect.TAKEN.value] * len(rows)
        work = EntityUnitOfWork(self.now)
        work.load(report for said in self.understood for report in said.reports)
        self._change(work, of_drivers=False)
        work.flush()
        inherit_drivers(
            [account.id for account in work.of("account")],
            [vehicle.id for vehicle in work.of("vehicle")],
            _location_ids(work),
        )
        take_samples(samples=[sample for said in self.understood for sample in said.samples], work=work)
        concerned = drivers_concerned(work)
        lock_drivers(concerned)
        work.load_drivers()
        self._change(work, of_drivers=True)
        work.flush()
        _write_facts(self.facts, self.moments, self.understood, self.effects, self.now)
        add_recipients(driver_ids=concerned, now=self.now)
        look_at(driver_ids=concerned, now=self.now)

    def _change(self, work: EntityUnitOfWork, *, of_drivers: bool) -> None:
        for row, (said, at) in enumerate(zip(self.understood, self.moments, strict=True)):
            present = [
                work.change(report, at)
                for report in said.reports
                if (report.kind == "driver") == of_drivers and report.values
            ]
            if present and not any(present) and not said.samples:
                self.effects[row] = FactEffect.LATE.value


def _location_ids(work: EntityUnitOfWork) -> list[int]:
    locations = {location.id for location in work.of("location")}
    linked = (contract.links["location_id"] for contract in work.of("contract"))
    return sorted(locations | {location_id for location_id in linked if location_id is not None})


def _write_facts(
    facts: Sequence[Fact],
    moments: Sequence[datetime],
    understood: Sequence[Understood],
    effects: Sequence[str],
    now: datetime,
) -> None:
    """Keeps the facts for the timeline; the same one again, of the same moment, is counted."""
    rows: dict[bytes, list[Any]] = {}
    for fact, at, said, effect in zip(facts, moments, understood, effects, strict=True):
        kind, data = type_of(fact), msgspec.json.encode(data_of(fact)).decode()
        digest = hashlib.blake2b(f"{kind}|{said.subject}|{at.isoformat()}|{data}".encode(), digest_size=16)
        row = rows.setdefault(digest.digest(), [kind, said.subject, data, at, now, effect, digest.hexdigest(), 0])
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
