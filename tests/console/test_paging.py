"""Pages of big lists without counting them whole."""

from __future__ import annotations

import math

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from console import paging
from console.models import SignOfLife
from console.paging import Page, page_of_rows
from console.templatetags.console import count_text
from tests.factories.console import UserFactory


@pytest.fixture
def rows(db: None) -> None:
    """Seven signs of life, the latest first by name."""
    now = UserFactory().date_joined
    SignOfLife.objects.bulk_create([SignOfLife(part=f"p{n}", instance="here", at=now) for n in range(7)])


def page(number: int, size: int = 3, **where: str) -> Page[SignOfLife]:
    base = SignOfLife.objects.all()
    return page_of_rows(base, base.filter(**where), order_by=("-part", "-pk"), number=number, size=size)


def test_a_page_holds_its_rows_in_order(rows: None) -> None:
    assert [row.part for row in page(1).rows] == ["p6", "p5", "p4"]
    assert [row.part for row in page(3).rows] == ["p0"]


def test_a_page_knows_its_place(rows: None) -> None:
    middle = page(2)
    assert (middle.first_row, middle.last_row, middle.total, middle.last_number) == (4, 6, 7, 3)
    assert (middle.previous_number, middle.next_number) == (1, 3)
    assert (page(1).previous_number, page(3).next_number) == (None, None)


@pytest.mark.parametrize(("asked", "shown"), [(-5, 1), (0, 1), (4, 3), (10**9, 3)])
def test_a_page_beyond_the_ends_is_the_nearest(rows: None, asked: int, shown: int) -> None:
    assert page(asked).number == shown


def test_nothing_is_one_empty_page(rows: None) -> None:
    empty = page(1, part="nothing")
    assert (empty.rows, empty.total, empty.last_number, empty.first_row, empty.last_row) == ([], 0, 1, 0, 0)


def test_a_match_narrows_the_pages(rows: None) -> None:
    assert [row.part for row in page(1, part__gte="p5").rows] == ["p6", "p5"]


def test_more_than_is_counted_is_said_and_still_shown_in_order(rows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "COUNT_CAP", 5)
    last = page(99)
    assert (last.total, last.capped, last.number) == (5, True, 2)
    assert [row.part for row in last.rows] == ["p3", "p2", "p1"]


def test_as_many_as_are_counted_is_not_more(rows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "COUNT_CAP", 7)
    assert (page(1).total, page(1).capped) == (7, False)


def test_no_page_counts_the_table(rows: None) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page(2)
    assert len(queries) == 2
    assert not any("COUNT(" in query["sql"].upper() for query in queries)
    assert f"LIMIT {paging.COUNT_CAP + 1}" in queries[0]["sql"]


# ---- long tables ----------------------------------------------------------------------------------------------------


@pytest.fixture
def long_table(rows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows are found in the time for counting, and that is taken for frequent."""
    paging._lengths[SignOfLife] = paging._Length(math.inf, True)  # in a dictionary of this test alone
    monkeypatch.setattr(paging, "COUNT_FOR_S", 0)
    monkeypatch.setattr(paging, "_CHUNK", 2)
    monkeypatch.setattr(paging, "_STEP", 2)


def test_what_is_not_counted_in_time_is_still_paged_through_to_the_end(long_table: None) -> None:
    first, second, last = page(1), page(2), page(3)
    assert [row.part for row in (*first.rows, *second.rows, *last.rows)] == [f"p{n}" for n in range(6, -1, -1)]
    assert [(one.total, one.capped, one.next_number) for one in (first, second, last)] == [
        (4, True, 2),
        (7, False, 3),
        (7, False, None),
    ]


def test_beyond_the_end_of_what_is_not_counted_is_the_last_page(long_table: None) -> None:
    assert ([row.part for row in page(99).rows], page(99).total, page(99).capped) == (["p0"], 7, False)


def test_a_count_that_finds_nothing_in_time_is_done_again_without_a_limit(
    long_table: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "COUNT_FOR_S", 0.02)
    monkeypatch.setattr(paging, "WALK_FOR_S", 0.02)
    slow = SignOfLife.objects.extra(where=["pg_sleep(0.03) IS NOT NULL"])
    found = page_of_rows(SignOfLife.objects.all(), slow, order_by=("-part", "-pk"), number=1, size=3)
    assert (found.total, found.capped, [row.part for row in found.rows]) == (7, False, ["p6", "p5", "p4"])
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def sampled(monkeypatch: pytest.MonkeyPatch, some: int, many: int) -> None:
    """Every row is in the sample; matches are taken for frequent from `some` and for very frequent from `many` on."""
    sample = list(SignOfLife.objects.values_list("pk", flat=True))
    paging._lengths[SignOfLife] = paging._Length(math.inf, True, sample)
    monkeypatch.setattr(paging, "_SOME", some)
    monkeypatch.setattr(paging, "_MANY", many)


def test_frequent_matches_by_the_sample_are_walked_through_and_counted_by_the_way(
    long_table: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampled(monkeypatch, 7, 8)
    monkeypatch.setattr(paging, "ids_in_time", None)  # would raise
    first, second, last = page(1), page(2), page(3)
    assert [row.part for row in (*first.rows, *second.rows, *last.rows)] == [f"p{n}" for n in range(6, -1, -1)]
    assert [(one.total, one.capped) for one in (first, second, last)] == [(4, True), (7, False), (7, False)]


def test_what_is_walked_to_its_end_in_time_is_counted_exactly(
    long_table: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampled(monkeypatch, 7, 8)
    monkeypatch.setattr(paging, "COUNT_FOR_S", 60)
    assert (page(1).total, page(1).capped) == (7, False)
    monkeypatch.setattr(paging, "COUNT_CAP", 6)
    assert (page(1).total, page(1).capped) == (6, True)


@pytest.mark.parametrize(("some", "many", "counting"), [(8, 9, "ids_in_time"), (3, 7, "capped_ids")])
def test_rare_and_very_frequent_matches_by_the_sample_are_counted_first(
    long_table: None, monkeypatch: pytest.MonkeyPatch, some: int, many: int, counting: str
) -> None:
    sampled(monkeypatch, some, many)
    monkeypatch.setattr(paging, "COUNT_FOR_S", 60)
    asked, usual = [], getattr(paging, counting)

    def counted(found: QuerySet[SignOfLife]) -> object:
        asked.append(1)
        return usual(found)

    monkeypatch.setattr(paging, counting, counted)
    assert (page(1).total, page(1).capped, asked) == (7, False, [1, 1])


def test_a_walk_that_takes_too_long_is_left(long_table: None, monkeypatch: pytest.MonkeyPatch) -> None:
    sampled(monkeypatch, 7, 8)
    monkeypatch.setattr(paging, "WALK_FOR_S", 0.02)
    slow = SignOfLife.objects.extra(where=["pg_sleep(0.03) IS NOT NULL"])
    found = page_of_rows(SignOfLife.objects.all(), slow, order_by=("-part", "-pk"), number=1, size=3)
    assert (found.total, [row.part for row in found.rows]) == (7, ["p6", "p5", "p4"])


def test_postgres_says_which_table_is_long_and_rows_are_taken_by_chance(
    rows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "_lengths", {})
    assert not paging._length(SignOfLife).is_long
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE console_signoflife")
    monkeypatch.setattr(paging, "LONG_TABLE", 6)
    assert not paging._length(SignOfLife).is_long  # known for a minute
    monkeypatch.setattr(paging, "_lengths", {})
    monkeypatch.setattr(paging, "_SAMPLE", 5)
    known = paging._length(SignOfLife)
    assert known.is_long
    assert len(set(known.sample)) == 5
    assert set(known.sample) <= set(SignOfLife.objects.values_list("pk", flat=True))


def test_what_the_planner_is_told_ends_with_its_transaction(committed: None) -> None:
    with connection.cursor() as cursor:
        with paging.settings_of_postgres(0.5, "enable_sort"):
            cursor.execute("SELECT current_setting('enable_sort'), current_setting('statement_timeout')")
            assert cursor.fetchone() == ("off", "500ms")
        cursor.execute("SELECT current_setting('enable_sort'), current_setting('statement_timeout')")
        assert cursor.fetchone() == ("on", "0")


def test_a_row_that_a_join_finds_twice_counts_once(db: None) -> None:
    from infra_notifications.models import NotificationGroup
    from tests.factories.infra_notifications import NotificationGroupFactory

    NotificationGroupFactory(emails=["a@example.org", "b@example.org"])
    base = NotificationGroup.objects.all()
    found = page_of_rows(base, base.filter(addresses__address__contains="@"), order_by=("pk",), number=1)
    assert (found.total, len(found.rows)) == (1, 1)


@given(st.integers(0, 60), st.integers(1, 20), st.integers(-3, 70))
def test_pages_join_up(total: int, size: int, number: int) -> None:
    last = max(1, -(-total // size))
    shown = min(max(1, number), last)
    start = (shown - 1) * size
    one: Page[SignOfLife] = Page([SignOfLife()] * len(range(total)[start : start + size]), shown, size, total, False)
    assert one.last_number == last
    assert one.last_row - one.first_row + 1 == len(one.rows) or not one.rows
    assert (one.next_number is None) == (shown == last)


@pytest.mark.parametrize(
    ("total", "capped", "said"),
    [
        (0, False, "0 results"),
        (1, False, "1 result"),
        (1234, False, "1,234 results"),
        (10_000, True, "10,000+ results"),
    ],
)
def test_the_count_is_said_in_words(total: int, capped: bool, said: str) -> None:
    assert count_text(Page[SignOfLife]([], 1, 50, total, capped)) == said
