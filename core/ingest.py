"""Batches in: the one frame in which every domain takes what many requests bring.

Decoded items become an `Incoming`, column by column: place n of each of its lists belongs to item n, and every step
adds lists of its own beside them. The steps of a domain (`BatchSteps`) check each item alone, find whom the items are
about (`resolve`), and judge and write those that are new (`apply`), all of them in a fixed number of statements. The
frame does what is the same for all: ids that were sent before, one transaction, a race that was lost, an item that the
database refuses.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

import msgspec
import structlog
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from core.api import key_of, raw_body
from core.batches import BatchDecoder, batch_answer
from core.combine import Combiner, is_turn
from core.corrections import Corrections
from core.field_types import Envelope
from core.receipts import Receipt, digest_of_content, digests_of, scope_of, write_receipts
from core.samples import say_once
from core.unit_of_work import LostRace

log = structlog.get_logger("signalbox.ingest")
Item = TypeVar("Item", bound=msgspec.Struct)
Result = TypeVar("Result")

TRIES = 3
# How long a commit for which other requests wait, or that they share, waits for a row.
TURN_PATIENCE = "1s"
# A thousand messages are less. What is more takes so long that it waits for its like alone, and nobody for it.
HEAVY_BYTES = 1024 * 1024
# Of PostgreSQL's errors those that mean that somebody else was quicker: serialization_failure, deadlock_detected (its
# documentation, appendix A). Who waited for too long does not wait again.
_LOST_TO_ANOTHER = ("40001", "40P01")


@dataclass(frozen=True, slots=True)
class Submission(Generic[Item]):
    """What one request brought: items with their place in its batch, under the key that sent them (0: the console).

    `rejected` holds places and sentences of what could not even be read, `warnings` of what was read with pains;
    `refused` what could be read of items that are rejected, which still shows who sent them.
    """

    key_id: int
    items: Sequence[tuple[int, Item]]
    rejected: Sequence[tuple[int, str]] = ()
    warnings: Sequence[tuple[int, str]] = ()
    refused: Sequence[tuple[int, Item, str]] = ()


@dataclass(slots=True)
class Intake:
    """What became of a submission; `rejected` and `warnings` hold places and sentences.

    A warning is said of what was taken although it looked odd, never beside a rejection.
    """

    accepted: int = 0
    duplicates: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class Incoming(Generic[Item]):
    """Items of one or more submissions as columns: `keys`, `submissions` (their number) and `places` (in its batch).

    `refused` holds the sentence of each row that was rejected when it was read, `errors` that of each item that cannot
    be taken, and "" for the others; `warnings` the sentences of those rows of which there are any, beginning with those
    that were `noted` when they were read.
    """

    now: datetime
    items: list[Item]
    keys: list[int]
    submissions: list[int]
    places: list[int]
    refused: dict[int, str] = field(default_factory=dict)
    noted: dict[int, list[str]] = field(default_factory=dict)
    errors: list[str] = field(init=False)
    warnings: dict[int, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.errors = [""] * len(self.items)
        self.warnings = {row: [*sentences] for row, sentences in self.noted.items()}

    @classmethod
    def of(cls, submissions: Sequence[Submission[Item]], now: datetime) -> Incoming[Item]:
        incoming = [
            (item, submission.key_id, number, place)
            for number, submission in enumerate(submissions)
            for place, item in submission.items
        ]
        refused: dict[int, str] = {}
        for number, submission in enumerate(submissions):
            for place, item, sentence in submission.refused:
                refused[len(incoming)] = sentence
                incoming.append((item, submission.key_id, number, place))
        items, keys, numbers, places = ([*column] for column in zip(*incoming, strict=True)) if incoming else ([],) * 4
        noted: dict[int, list[str]] = {}
        if any(submission.warnings for submission in submissions):
            rows = {where: row for row, where in enumerate(zip(numbers, places, strict=True))}
            for number, submission in enumerate(submissions):
                for place, sentence in submission.warnings:
                    if (row := rows.get((number, place))) is not None:
                        noted.setdefault(row, []).append(sentence)
        return cls(now, items, keys, numbers, places, refused, noted)

    def part(self, rows: slice) -> Incoming[Item]:
        """Some of the items as they came, nothing said of them yet."""
        start, stop, _step = rows.indices(len(self.items))
        refused = {row - start: sentence for row, sentence in self.refused.items() if start <= row < stop}
        noted = {row - start: sentences for row, sentences in self.noted.items() if start <= row < stop}
        columns = (self.items[rows], self.keys[rows], self.submissions[rows], self.places[rows])
        return Incoming(self.now, *columns, refused, noted)

    def reject(self, row: int, sentence: str) -> None:
        self.errors[row] = sentence

    def warn(self, row: int, sentence: str) -> None:
        """Says what is odd about an item that is taken; said once, however often it is noticed."""
        say_once(self.warnings.setdefault(row, []), sentence)

    @property
    def good(self) -> list[int]:
        """The rows of which nothing bad is known."""
        return [row for row, error in enumerate(self.errors) if not error]


class BatchSteps(ABC, Generic[Item]):
    """What a domain does with a batch; made anew for each attempt, so it may hold columns of its own."""

    def __init__(self, incoming: Incoming[Item]) -> None:
        self.incoming, self.now = incoming, incoming.now

    # Within what an id is unique beside its key and its sender, and whether senders begin their ids anew at times.
    endpoint: ClassVar[str]
    ids_restart: ClassVar[bool] = False

    def read(self) -> None:
        """Brings items into the form that they should have; what had to be done is warned of."""

    def check(self, item: Item) -> str:
        """What is wrong with an item by itself, as a sentence; "" when nothing is."""
        return ""

    def sender(self, row: int) -> str:
        """Whose id an item's id is: a station, a vehicle, a box. Asked when the row is resolved."""
        return ""

    def content(self, row: int) -> Any:
        """What is the same in a repetition: all of the item but its id."""
        item = self.incoming.items[row]
        return {name: getattr(item, name) for name in item.__struct_fields__ if name != "id"}

    def digest(self, row: int) -> str:
        return digest_of_content(self.content(row))

    def receipt(self, row: int, external_id: str) -> Receipt:
        """By which a repetition of the item will be known."""
        digest = self.digest(row)
        scope = scope_of(
            self.incoming.keys[row],
            self.endpoint,
            self.sender(row),
            external_id,
            digest if self.ids_restart else "",
        )
        return Receipt(scope, digest, self.now)

    def told_anew(self, duplicates: set[int]) -> set[int]:
        """Which of these rows, although their id and content were sent before, are to be taken again."""
        return set()

    def resolve(self, rows: list[int]) -> None:
        """Reads what the items are about, and rejects those that are about nothing we know."""

    @abstractmethod
    def apply(self, rows: list[int]) -> None:
        """Judges the items of these rows, which are good and new, and writes what follows. Called with none too."""

    def after_commit(self) -> None:
        """What must not hold the batch's locks."""


Begin = Callable[[Incoming[Item]], BatchSteps[Item]]


def take(submissions: Sequence[Submission[Item]], begin: Begin[Item], *, now: datetime) -> list[Intake]:
    """Takes what several requests brought, in one transaction; an Intake for each, in order.

    A lost race is tried again. What the database refuses is found by halves and rejected alone. Raises
    OperationalError when the database is away or busy beyond that: then nothing was taken.
    """
    intakes = [Intake(rejected=[*submission.rejected]) for submission in submissions]
    incoming = Incoming.of(submissions, now)
    try:
        outcome = [try_again(lambda: _take_all(incoming.part(slice(None)), begin))]
    except _REFUSALS:
        with transaction.atomic():
            outcome = _take_by_halves(incoming, begin)
    for steps, duplicates in outcome:
        _count(steps.incoming, duplicates, intakes)
        steps.after_commit()
    return intakes


_Taken = tuple[BatchSteps[Any], set[int]]
# What is refused of an item, however often it is tried.
_REFUSALS = (DataError, IntegrityError, LostRace, RecursionError)


def try_again(work: Callable[[], Result]) -> Result:
    """Does a transaction's work, again when it lost a race: a deadlock, a row that was deleted or made meanwhile.

    The one policy for lost races. `work` opens its own transaction and changes nothing outside of it.
    """
    for attempt in range(1, TRIES):
        try:
            return work()
        except (LostRace, IntegrityError, OperationalError) as error:
            if not _is_lost_race(error):
                raise
            log.info("lost a race; trying again", attempt=attempt, error=str(error).strip())
    return work()


def _is_lost_race(error: Exception) -> bool:
    return not isinstance(error, OperationalError) or getattr(error.__cause__, "sqlstate", "") in _LOST_TO_ANOTHER


def _take_all(incoming: Incoming[Item], begin: Begin[Item]) -> _Taken:
    with transaction.atomic():
        if is_turn():
            _wait_briefly()
        steps = begin(incoming)
        for row, sentence in incoming.refused.items():
            incoming.errors[row] = sentence
        steps.read()
        for row in incoming.good:
            incoming.errors[row] = steps.check(incoming.items[row])
        steps.resolve(incoming.good)
        duplicates = _find_duplicates(steps)
        steps.apply([row for row in incoming.good if row not in duplicates])
    return steps, duplicates


def _wait_briefly() -> None:
    """A commit for which others wait waits for no row for long: it falls apart, and who waits for one does so alone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [TURN_PATIENCE])


def _take_by_halves(incoming: Incoming[Item], begin: Begin[Item]) -> list[_Taken]:
    """Takes the good items of a batch that the database refuses as a whole; the bad ones are named."""
    try:
        return [_take_all(incoming.part(slice(None)), begin)]
    except _REFUSALS as error:
        count = len(incoming.items)
        if count == 1:
            is_deep = isinstance(error, RecursionError)
            why = "it is nested too deeply" if is_deep else str(error).strip().splitlines()[0]
            incoming.reject(0, f"It cannot be stored: {why}.")
            return [(_Rejecting(incoming), set())]
        parts = (slice(0, count // 2), slice(count // 2, count))
        return [taken for part in parts for taken in _take_by_halves(incoming.part(part), begin)]


class _Rejecting(BatchSteps[Any]):
    """The steps of an item that is rejected already."""

    def apply(self, rows: list[int]) -> None:
        return


def _id_of(item: msgspec.Struct) -> str | None:
    """The sender's own id, by which a repetition is known; None where there is none."""
    external_id = getattr(item, "id", None)
    return None if external_id is None or not str(external_id).strip() else str(external_id)


def _find_duplicates(steps: BatchSteps[Any]) -> set[int]:
    """The good rows that repeat what was taken before, in an earlier batch or in this one.

    Rejects those that bring the id of one with other content, where an id may not restart. Only items that are taken
    leave a receipt, so that a rejected one can be sent again.
    """
    incoming = steps.incoming
    receipts = {
        row: steps.receipt(row, external_id)
        for row in incoming.good
        if (external_id := _id_of(incoming.items[row])) is not None
    }
    # The first of each scope; what follows in the same batch is compared with it, or is the next of its kind.
    firsts: dict[str, int] = {}
    for row, receipt in receipts.items():
        firsts.setdefault(receipt.scope, row)
    new = write_receipts([receipts[row] for row in firsts.values()], incoming.now)
    before = digests_of([scope for scope in firsts if scope not in new])
    duplicates = set()
    for row, receipt in receipts.items():
        first = firsts[receipt.scope]
        if row == first and receipt.scope in new:
            continue
        if row != first and not receipts[first].is_repeated_by(receipt):
            continue
        if before.get(receipt.scope, receipts[first].digest) == receipt.digest:
            duplicates.add(row)
        else:
            incoming.reject(row, f"`id` {_id_of(incoming.items[row])} was sent before with other content.")
    return duplicates - steps.told_anew(duplicates) if duplicates else duplicates


def _count(incoming: Incoming[Any], duplicates: set[int], intakes: Sequence[Intake]) -> None:
    for row, number in enumerate(incoming.submissions):
        intake = intakes[number]
        if incoming.errors[row]:
            intake.rejected.append((incoming.places[row], incoming.errors[row]))
        elif row in duplicates:
            intake.duplicates += 1
        else:
            intake.accepted += 1
        if not incoming.errors[row]:
            intake.warnings += [(incoming.places[row], sentence) for sentence in incoming.warnings.get(row, ())]


class BatchEndpoint(Generic[Item]):
    """What stands behind the address of a batch: body → items → written together with others that come → answer.

    `take_batch` is a domain's way in: `take` with its steps, of several submissions at a moment.
    """

    def __init__(
        self,
        item_type: Any,
        take_batch: Callable[..., list[Intake]],
        blanks: Mapping[str, Any] | None = None,
        spare: Collection[str] = (),
        within: str = "",
        envelope: Envelope | None = None,
    ) -> None:
        """`blanks`, `spare`, `within` and `envelope` as in `Corrections`."""
        self._decoder: BatchDecoder[Item] = BatchDecoder(
            item_type, Corrections(item_type, blanks, spare, within=within, envelope=envelope)
        )

        def write(submissions: Sequence[Submission[Item]]) -> list[Intake]:
            return take_batch(submissions=submissions, now=timezone.now())

        self._combiner = Combiner[Submission[Item], Intake](write)
        self._heavy = Combiner[Submission[Item], Intake](write, most=1)

    def answer(self, request: HttpRequest) -> HttpResponse:
        """202 after the commit, with what became of the items. Raises Problem for a body that is no batch."""
        body = raw_body(request)
        batch = self._decoder.decode(body)
        combiner = self._heavy if len(body) > HEAVY_BYTES else self._combiner
        submission = Submission(key_of(request).pk, batch.items, batch.rejected, batch.warnings, batch.refused)
        size = len(batch)
        intake = combiner.submit(submission, size=size) if size else Intake()
        answer = batch_answer(intake.accepted, intake.duplicates, intake.rejected, intake.warnings)
        return HttpResponse(msgspec.json.encode(answer), status=202, content_type="application/json")
