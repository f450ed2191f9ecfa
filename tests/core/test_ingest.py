"""The batch intake, with steps of its own: one bad item fails alone, repetitions count, lost races are run again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ingest import TRIES, BatchSteps, Incoming, Intake, Submission, take, try_again
from core.models import ApiReceipt, SignOfLife
from core.sql import columns, insert_rows
from core.unit_of_work import LostRace
from tests import clock

pytestmark = pytest.mark.django_db
NOW = clock.NOW
MOST_BYTES = 40  # of a sign of life's part
QUIET = settings(max_examples=60)


class Ping(msgspec.Struct):
    """An item that is stored under its name, unless the name is refused by us or by the database."""

    name: str
    id: str | int | None = None
    sender: str = ""
    data: Any = None


class Pings(BatchSteps[Ping]):
    """Blank names are wrong by themselves, `stranger` is nobody we know, and what is too long the database refuses."""

    endpoint = "pings"

    def sender(self, row: int) -> str:
        return self.incoming.items[row].sender

    def check(self, item: Ping) -> str:
        return "" if item.name.strip() else "`name` must not be blank."

    def resolve(self, rows: list[int]) -> None:
        for row in rows:
            if self.incoming.items[row].name == "stranger":
                self.incoming.reject(row, "Unknown stranger.")

    def apply(self, rows: list[int]) -> None:
        stored = [(self.incoming.items[row].name, str(row), self.now, "{}") for row in rows]
        written = columns(SignOfLife, "part", "instance", "at", "detail")
        insert_rows("console_signoflife", written, stored, "ON CONFLICT DO NOTHING")


def take_pings(*batches: Sequence[Ping], key: int = 1, begin: Callable[..., Any] = Pings) -> list[Intake]:
    submissions = [Submission(key, list(enumerate(batch))) for batch in batches]
    return take(submissions, begin, now=NOW)


GOOD = st.sampled_from("abc")
BAD = st.sampled_from(["", " ", "stranger", "x" * (MOST_BYTES + 1), "n\x00l"])
BATCHES = st.lists(st.lists(st.builds(Ping, GOOD | BAD), max_size=8), min_size=1, max_size=4)


def is_good(ping: Ping) -> bool:
    return ping.name in ("a", "b", "c")


# ---- one bad item fails alone ---------------------------------------------------------------------------------------


@QUIET
@given(BATCHES)
def test_whatever_is_wrong_with_an_item_fails_alone(batches: list[list[Ping]]) -> None:
    with transaction.atomic():
        intakes = take_pings(*batches)
        for batch, intake in zip(batches, intakes, strict=True):
            bad = [place for place, ping in enumerate(batch) if not is_good(ping)]
            assert sorted(place for place, _sentence in intake.rejected) == bad
            assert all(sentence for _place, sentence in intake.rejected)
            assert (intake.accepted, intake.duplicates) == (len(batch) - len(bad), 0)
        names = {ping.name for batch in batches for ping in batch if is_good(ping)}
        assert set(SignOfLife.objects.values_list("part", flat=True)) == names
        transaction.set_rollback(True)


def test_what_the_database_refuses_is_named_with_its_reason() -> None:
    (intake,) = take_pings([Ping("a"), Ping("x" * 41), Ping("b")])
    assert intake == Intake(2, 0, [(1, "It cannot be stored: value too long for type character varying(40).")])


class Odd(Pings):
    """Warns of every name that is no single letter, twice, and afterwards lets the database look at it."""

    def resolve(self, rows: list[int]) -> None:
        for row in [row for row in rows if self.incoming.items[row].name != "a"] * 2:
            self.incoming.warn(row, f"{self.incoming.items[row].name} is odd.")
        super().resolve(rows)


def test_what_is_odd_is_taken_and_warned_of_once_and_what_is_rejected_is_not_warned_of() -> None:
    first, second = take_pings(
        [Ping("a"), Ping("bb", "1"), Ping("bb", "1")], [Ping("stranger"), Ping("cc"), Ping("x" * 41)], begin=Odd
    )
    assert (first.accepted, first.duplicates, first.rejected) == (2, 1, [])
    assert first.warnings == [(1, "bb is odd."), (2, "bb is odd.")]
    assert (second.accepted, [place for place, _ in second.rejected]) == (1, [0, 2])
    assert second.warnings == [(1, "cc is odd.")]


def test_what_was_noticed_at_reading_is_said_beside_what_is_noticed_later() -> None:
    items = [(1, Ping("a")), (2, Ping("stranger"))]
    submission = Submission(1, items, rejected=[(0, "It is no JSON.")], warnings=[(1, "A mark."), (2, "A mark.")])
    (intake,) = take([submission], Pings, now=NOW)
    assert (intake.accepted, intake.warnings) == (1, [(1, "A mark.")])
    assert intake.rejected == [(0, "It is no JSON."), (2, "Unknown stranger.")]


def test_what_is_rejected_leaves_no_receipt_and_can_be_sent_again() -> None:
    bad = [Ping("", "1"), Ping("stranger", "2"), Ping("x" * 41, "3")]
    assert take_pings([Ping("a", "0"), *bad])[0].accepted == 1
    assert ApiReceipt.objects.count() == 1
    corrected = [Ping(name, ping.id) for name, ping in zip("bca", bad, strict=True)]
    assert take_pings(corrected)[0].accepted == 3


def test_a_mistake_of_ours_takes_nothing_and_is_raised() -> None:
    class Broken(Pings):
        def apply(self, rows: list[int]) -> None:
            super().apply(rows)
            raise KeyError("ours")

    with pytest.raises(KeyError):
        take_pings([Ping("a", "1"), Ping("b", "2")], begin=Broken)
    assert not SignOfLife.objects.exists()
    assert not ApiReceipt.objects.exists()


# ---- repetitions ----------------------------------------------------------------------------------------------------


class Restarting(Pings):
    ids_restart = True


IDS = st.sampled_from([None, "None", "1", 1, "", "\\u0000"])
SENT = st.lists(st.lists(st.builds(Ping, GOOD, IDS, st.sampled_from(["", "S"])), max_size=8))


def is_named(ping: Ping) -> bool:
    """An empty id names nothing."""
    return ping.id not in (None, "")


@QUIET
@given(SENT)
def test_an_id_counts_once_for_its_sender_and_no_id_always(batches: list[list[Ping]]) -> None:
    """With other content it is named; afterwards everything that was taken is known, and nothing else."""
    with transaction.atomic():
        first: dict[tuple[str, str], str] = {}
        for batch in batches:
            (intake,) = take_pings(batch)
            known = [ping for ping in batch if is_named(ping)]
            for ping in known:
                first.setdefault((ping.sender, str(ping.id)), ping.name)
            odd = [
                p for p, ping in enumerate(batch) if is_named(ping) and first[ping.sender, str(ping.id)] != ping.name
            ]
            assert [place for place, _sentence in intake.rejected] == odd
            assert intake.accepted + intake.duplicates == len(batch) - len(odd)
        assert ApiReceipt.objects.count() == len(first)
        again = take_pings(*batches)
        assert sum(intake.accepted for intake in again) == sum(not is_named(p) for batch in batches for p in batch)
        transaction.set_rollback(True)


@QUIET
@given(SENT)
def test_where_ids_restart_other_content_is_taken(batches: list[list[Ping]]) -> None:
    with transaction.atomic():
        intakes = [intake for batch in batches for intake in take_pings(batch, begin=Restarting)]
        pings = [ping for batch in batches for ping in batch]
        different = {(ping.sender, str(ping.id), ping.name) for ping in pings if is_named(ping)}
        without = sum(not is_named(ping) for ping in pings)
        assert sum(intake.accepted for intake in intakes) == len(different) + without
        assert sum(intake.duplicates for intake in intakes) == len(pings) - len(different) - without
        assert all(not intake.rejected for intake in intakes)
        transaction.set_rollback(True)


def test_the_first_of_a_batch_is_taken_and_the_others_repeat_it_or_are_named() -> None:
    first, second = take_pings([Ping("a", "1"), Ping("b", "1")], [Ping("a", "1"), Ping("c", "2"), Ping("c", "2")])
    assert first == Intake(1, 0, [(1, "`id` 1 was sent before with other content.")])
    assert second == Intake(1, 2)
    assert set(SignOfLife.objects.values_list("part", flat=True)) == {"a", "c"}


@pytest.mark.parametrize(
    ("other", "key", "endpoint"),
    [(Ping("b", "1", "T"), 1, "pings"), (Ping("b", "1", "S"), 2, "pings"), (Ping("b", "1", "S"), 1, "pongs")],
)
def test_an_id_is_one_senders_at_one_endpoint_under_one_key(other: Ping, key: int, endpoint: str) -> None:
    class Elsewhere(Pings):
        pass

    Elsewhere.endpoint = endpoint
    assert take_pings([Ping("a", "1", "S")])[0] == Intake(1)
    assert take_pings([other], key=key, begin=Elsewhere)[0] == Intake(1)
    assert take_pings([other], key=key, begin=Elsewhere)[0] == Intake(0, 1)


@pytest.mark.parametrize(
    ("sent", "again"),
    [
        ({"a": 1, "b": [2.0]}, {"b": [2], "a": 1.0}),
        (1e3, 1000),
        ({"deep": {"y": None, "x": -0.0}}, {"deep": {"x": 0, "y": None}}),
    ],
)
def test_the_spelling_of_content_does_not_matter(sent: Any, again: Any) -> None:
    assert take_pings([Ping("a", "1", data=sent)])[0] == Intake(1)
    assert take_pings([Ping("a", "1", data=again)])[0] == Intake(0, 1)


@pytest.mark.parametrize(
    ("sent", "other"),
    [(1, "1"), (1, True), (0, None), ("x,1.0,y", "x,1,y"), ({"a": 1}, [{"a": 1}]), (2**60, 2**60 + 1), ("a", "A")],
)
def test_other_content_is_other_content(sent: Any, other: Any) -> None:
    assert take_pings([Ping("a", "1", data=sent)])[0] == Intake(1)
    assert len(take_pings([Ping("a", "1", data=other)])[0].rejected) == 1


@pytest.mark.parametrize("length", [200, 201, 5_000])
def test_an_id_has_any_length(length: int) -> None:
    pings = [Ping("a", "x" * length), Ping("a", "x" * length), Ping("a", "x" * length + "y")]
    (intake,) = take_pings(pings)
    assert (intake.accepted, intake.duplicates, intake.rejected) == (2, 1, [])


# ---- lost races -----------------------------------------------------------------------------------------------------


def deadlock() -> None:
    """What PostgreSQL says to the one of two transactions that it ends."""
    with connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN RAISE deadlock_detected; END $$")


def lost() -> None:
    raise LostRace("it was changed meanwhile")


def deleted() -> None:
    raise IntegrityError("the charge point is gone")


def away() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN RAISE crash_shutdown; END $$")


class Racing(Pings):
    """Loses its first races, after it has written."""

    def __init__(self, incoming: Incoming[Ping], races: list[Callable[[], None]], runs: list[int]) -> None:
        super().__init__(incoming)
        self.races, self.runs = races, runs

    def apply(self, rows: list[int]) -> None:
        super().apply(rows)
        self.runs.append(len(rows))
        if self.races:
            self.races.pop()()


@QUIET
@given(races=st.lists(st.sampled_from([deadlock, lost, deleted]), max_size=TRIES - 1))
def test_a_race_that_is_lost_a_few_times_is_won_at_last(races: list[Callable[[], None]]) -> None:
    with transaction.atomic():
        runs: list[int] = []
        tries = len(races) + 1
        (intake,) = take_pings([Ping("a", "1"), Ping("b"), Ping("")], begin=partial(Racing, races=races, runs=runs))
        assert (intake.accepted, intake.duplicates, len(intake.rejected)) == (2, 0, 1)
        assert runs == [2] * tries
        assert SignOfLife.objects.count() == 2
        transaction.set_rollback(True)


def test_a_race_that_is_lost_for_ever_by_one_item_fails_alone() -> None:
    class Loser(Pings):
        def apply(self, rows: list[int]) -> None:
            super().apply(rows)
            if any(self.incoming.items[row].name == "b" for row in rows):
                deleted()

    (intake,) = take_pings([Ping(name) for name in "abc"], begin=Loser)
    assert (intake.accepted, intake.rejected) == (2, [(1, "It cannot be stored: the charge point is gone.")])
    assert set(SignOfLife.objects.values_list("part", flat=True)) == {"a", "c"}


def test_a_deadlock_without_end_takes_nothing_and_is_raised() -> None:
    runs: list[int] = []
    with pytest.raises(OperationalError):
        take_pings([Ping("a", "1")], begin=partial(Racing, races=[deadlock] * 9, runs=runs))
    assert runs == [1] * TRIES
    assert not ApiReceipt.objects.exists()


def test_a_database_that_is_away_is_not_asked_again() -> None:
    runs: list[int] = []
    with pytest.raises(OperationalError):
        take_pings([Ping("a")], begin=partial(Racing, races=[away] * 9, runs=runs))
    assert runs == [1]


@pytest.mark.parametrize("error", [ValueError, KeyError])
def test_only_lost_races_are_run_again(error: type[Exception]) -> None:
    runs = Counter[str]()

    def work() -> None:
        runs["all"] += 1
        raise error

    with pytest.raises(error):
        try_again(work)
    assert runs["all"] == 1


# ---- cost -----------------------------------------------------------------------------------------------------------


def test_statements_do_not_grow_with_items_keys_or_what_is_wrong_with_them() -> None:
    counts = []
    for size, keys in ((1, 1), (100, 9)):
        pings = [(n, Ping(name, f"{size}-{n}")) for n, name in enumerate(["a", "", "stranger"] * size)]
        submissions = [Submission(key, pings) for key in range(keys)]
        with CaptureQueriesContext(connection) as captured:
            take(submissions, Pings, now=NOW)
        counts.append(sum("SAVEPOINT" not in query["sql"] for query in captured))
    assert counts == [2, 2]  # the receipts and the rows


def test_what_must_not_hold_locks_comes_after_the_commit() -> None:
    seen: list[bool] = []
    depth = len(connection.savepoint_ids)

    class Later(Pings):
        def after_commit(self) -> None:
            seen.append(len(connection.savepoint_ids) == depth)

    take_pings([Ping("a")], begin=Later)
    assert seen == [True]
