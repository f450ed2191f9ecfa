"""Takes facts in: many at once, in any order, repeated, late. A batch is one transaction; a 2xx follows its commit.

Read → created and locked → changed → written → sessions derived → the drivers concerned evaluated. What a fact reports
is merged into the timelines of the entities it names, so that the order of arrival does not matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from core.device_clock import Moment, judge, span_text
from core.ingest import BatchSteps, Intake, Submission, take
from core.sql import Col, columns, insert_rows
from vehicles.choices import FactEffect
from vehicles.ingest import IncomingFact
from vehicles.models import Fact
from vehicles.services.campaigns import add_recipients
from vehicles.services.evaluation import evaluate, lock_drivers
from vehicles.services.feeds import OLD_AFTER, note_feeds, wait_for_newer
from vehicles.services.telemetry import take_samples
from vehicles.services.unit_of_work import EntityUnitOfWork, drivers_concerned, inherit_drivers

# What is years old is history, and tells nothing as of now.
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)


def take_facts(*, submissions: Sequence[Submission[IncomingFact]], now: datetime) -> list[Intake]:
    """Takes the facts of several requests in one transaction; an Intake for each, in order."""
    return take(submissions, _FactSteps, now=now)


def unknown_word(name: str, word: str) -> str:
    """What is said of a word that is in no table."""
    return f"`{name}`: “{word}” is no word that Signalbox knows; it is stored and shown, and nothing follows from it."


def _judged(fact: IncomingFact, now: datetime) -> Moment:
    # Facts come from systems that keep them, in any order: neither an old one nor one that is older than the last shows
    # a wrong clock.
    return judge(fact.occurred_at, now, longest_queue=None, earliest=EARLIEST)


def moment_of(fact: IncomingFact, now: datetime) -> datetime:
    """When a fact occurred, as far as its clock can be believed; else now. One that is a little ahead stays so, because
    it keeps its place among its like."""
    moment = _judged(fact, now)
    return moment.stamp.astimezone(UTC) if moment.device_clock and moment.stamp is not None else now


class _FactSteps(BatchSteps[IncomingFact]):
    """What a fact says is merged into the timelines of what it names, by columns: facts, moments, reports."""

    endpoint = "vehicles/facts"

    def sender(self, row: int) -> str:
        return self.incoming.items[row].subject

    def content(self, row: int) -> Any:
        return super().content(row) | {"type": self.incoming.items[row].type}

    def apply(self, rows: list[int]) -> None:
        if not rows:
            return
        self.facts = [self.incoming.items[row] for row in rows]
        self.moments = [self._moment(row) for row in rows]
        self.reports = [fact.reports() for fact in self.facts]
        self.effects: list[str] = [FactEffect.TAKEN.value] * len(rows)
        work = EntityUnitOfWork(self.now)
        work.load(report for reports in self.reports for report in reports)
        self._change(work, of_drivers=False)
        work.flush()
        inherit_drivers(
            [account.id for account in work.of("account")],
            [vehicle.id for vehicle in work.of("vehicle")],
            _location_ids(work),
        )
        samples = [fact.samples(at) for fact, at in zip(self.facts, self.moments, strict=True)]
        take_samples(samples=[sample for some in samples for sample in some], work=work)
        note_feeds(spoken=self._spoken(rows), work=work, now=self.now)
        concerned = drivers_concerned(work.entities) | work.driver_ids()
        waiting = self._waiting(rows, work, concerned)
        lock_drivers(concerned)
        work.load_drivers()
        self._change(work, of_drivers=True)
        work.flush()
        self._write_facts()
        add_recipients(driver_ids=concerned, now=self.now)
        evaluate(driver_ids=concerned - waiting, now=self.now)
        wait_for_newer(driver_ids=waiting, now=self.now)

    def _spoken(self, rows: list[int]) -> list[tuple[int, str]]:
        """By which key which car was spoken of; "" for everything else."""
        cars = (getattr(fact, "vehicle", "") for fact in self.facts)
        return [
            (self.incoming.keys[row], car if isinstance(car, str) else "") for row, car in zip(rows, cars, strict=True)
        ]

    def _waiting(self, rows: list[int], work: EntityUnitOfWork, concerned: set[int]) -> set[int]:
        """The drivers of whom only old things were said, and not by a person."""
        since = self.now - OLD_AFTER
        old = [at < since and self.incoming.keys[row] != 0 for row, at in zip(rows, self.moments, strict=True)]
        if not any(old):
            return set()
        new = {
            (report.kind, report.key)
            for is_old, reports in zip(old, self.reports, strict=True)
            if not is_old
            for report in reports
        }
        lately = drivers_concerned(entity for entity in work.entities if (entity.kind.name, entity.key) in new)
        return concerned - lately - work.ids_of("driver", (key for kind, key in new if kind == "driver"))

    def _moment(self, row: int) -> datetime:
        fact = self.incoming.items[row]
        if (error_s := _judged(fact, self.now).error_s) is not None:
            self.incoming.warn(row, f"`occurred_at` is wrong by {span_text(error_s)}; the time of receipt counts.")
        for name, word in fact.unknown_words():
            self.incoming.warn(row, unknown_word(name, word))
        return moment_of(fact, self.now)

    def _change(self, work: EntityUnitOfWork, *, of_drivers: bool) -> None:
        for row, (fact, reports, at) in enumerate(zip(self.facts, self.reports, self.moments, strict=True)):
            present = [
                work.change(report, at, anew=fact.id is not None)
                for report in reports
                if (report.kind == "driver") == of_drivers and report.values
            ]
            if present and not any(present) and not fact.samples(at):
                self.effects[row] = FactEffect.LATE.value

    def _write_facts(self) -> None:
        """Stores the facts for the timeline; the same one again, of the same moment, is counted."""
        rows: dict[bytes, list[Any]] = {}
        for fact, at, effect in zip(self.facts, self.moments, self.effects, strict=True):
            data = msgspec.json.encode(fact.wording()).decode()
            digest = hashlib.blake2b(f"{fact.type}|{fact.subject}|{at.isoformat()}|{data}".encode(), digest_size=16)
            values = [fact.type, fact.subject, data, at, self.now, effect, 0, digest.hexdigest()]
            rows.setdefault(digest.digest(), values)[-2] += 1
        insert_rows(
            "vehicles_fact",
            _FACT,
            [rows[key] for key in sorted(rows)],
            "ON CONFLICT (digest) DO UPDATE SET times = vehicles_fact.times + EXCLUDED.times",
        )


_FACT = (
    *columns(Fact, "type", "subject", "data", "occurred_at", "received_at", "effect", "times"),
    Col("digest", "text", "decode(x.digest, 'hex')"),
)


def _location_ids(work: EntityUnitOfWork) -> list[int]:
    locations = {location.id for location in work.of("location")}
    linked = (contract.links["location_id"] for contract in work.of("contract"))
    return sorted(locations | {location_id for location_id in linked if location_id is not None})
