"""Pages of big lists without counting them whole."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from console import paging
from console.paging import Page, _Keys, page_of_rows
from console.templatetags.console import count_text
from core.models import SignOfLife
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


def walking_is_cheaper(monkeypatch: pytest.MonkeyPatch, than_everything: bool = True) -> None:
    """What PostgreSQL estimates: a row of the walk costs one, or far too much."""
    each = 1.0 if than_everything else 1e6
    everything = paging.CHEAP + 1.0
    monkeypatch.setattr(_Keys, "cost", lambda _keys, rows=None: everything if rows is None else each * rows)


@pytest.fixture
def long_table(rows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are walked to; as soon as one is found, the time for counting is up."""
    paging.long_tables.put(SignOfLife, True)
    monkeypatch.setattr(paging, "COUNT_FOR_S", 0)
    walking_is_cheaper(monkeypatch)


def slow_below(part: str, by_s: float = 0.04) -> QuerySet[SignOfLife]:
    """Every row, but those before `part` are found slowly."""
    return SignOfLife.objects.extra(
        where=["CASE WHEN part < %s THEN pg_sleep(%s) IS NOT NULL ELSE true END"], params=[part, by_s]
    )


def paged(matching: QuerySet[SignOfLife]) -> Page[SignOfLife]:
    return page_of_rows(SignOfLife.objects.all(), matching, order_by=("-pk",), number=1, size=3)


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


def test_what_is_walked_to_its_end_in_time_is_counted_exactly(
    long_table: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "COUNT_FOR_S", 60)
    assert (page(1).total, page(1).capped) == (7, False)
    monkeypatch.setattr(paging, "COUNT_CAP", 6)
    assert (page(1).total, page(1).capped) == (6, True)


def statement_timeout() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        return str(cursor.fetchone()[0])


def test_a_walk_that_takes_longer_than_expected_is_left(long_table: None, monkeypatch: pytest.MonkeyPatch) -> None:
    before = statement_timeout()
    monkeypatch.setattr(paging, "WALK_FOR_S", 0.02)
    found = paged(slow_below("p9"))
    assert (found.total, found.capped, [row.part for row in found.rows]) == (7, False, ["p6", "p5", "p4"])
    assert statement_timeout() == before


def test_a_page_that_was_found_is_shown_although_counting_on_took_too_long(
    long_table: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "WALK_FOR_S", 0.4)
    monkeypatch.setattr(paging, "COUNT_FOR_S", 60)
    found = paged(slow_below("p3", by_s=2))
    assert (found.total, found.capped, [row.part for row in found.rows]) == (4, True, ["p6", "p5", "p4"])


def test_two_pages_in_one_transaction_do_not_meet(long_table: None) -> None:
    assert page(1) == page(1)


def test_what_is_cheaply_found_at_once_is_not_walked_to(long_table: None, monkeypatch: pytest.MonkeyPatch) -> None:
    walking_is_cheaper(monkeypatch, than_everything=False)
    assert (page(1).total, page(1).capped, [row.part for row in page(1).rows]) == (7, False, ["p6", "p5", "p4"])
    walking_is_cheaper(monkeypatch)
    monkeypatch.setattr(paging, "CHEAP", 1e9)
    assert (page(1).total, page(1).capped) == (7, False)


def test_pages_of_long_tables_by_postgres_own_estimates(rows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    paging.long_tables.put(SignOfLife, True)
    monkeypatch.setattr(paging, "CHEAP", 0)
    for number in (1, 2, 3):
        assert [row.part for row in page(number).rows] == [f"p{n}" for n in range(6, -1, -1)][
            3 * number - 3 : 3 * number
        ]
    keys = _Keys.of(SignOfLife.objects.filter(part__gte="p5"), "pk")
    assert 0 < keys.cost(1) <= keys.cost()
    assert len(keys.found()) == 2


def test_what_can_never_match_is_not_asked_for(long_table: None) -> None:
    nothing = paged(SignOfLife.objects.filter(pk__in=[]))
    assert (nothing.rows, nothing.total, nothing.capped, nothing.number) == ([], 0, False, 1)


def test_postgres_says_which_table_is_long(rows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "LONG_TABLE", 6)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE console_signoflife")
    page(1)
    assert paging.long_tables.peek(SignOfLife) is False  # known for a minute
    paging.long_tables.clear()
    page(1)
    assert paging.long_tables.peek(SignOfLife) is True


def test_what_the_planner_is_told_ends_with_its_transaction(committed: None) -> None:
    before = statement_timeout()
    with connection.cursor() as cursor:
        with paging.settings_of_postgres(enable_sort="off"):
            paging.limit_postgres(0.5)
            cursor.execute("SELECT current_setting('enable_sort'), current_setting('statement_timeout')")
            assert cursor.fetchone() == ("off", "500ms")
        cursor.execute("SELECT current_setting('enable_sort'), current_setting('statement_timeout')")
        assert cursor.fetchone() == ("on", before)
    assert before != "500ms"


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
