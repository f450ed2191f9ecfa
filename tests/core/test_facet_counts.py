"""Counts of facets: all of a list's in one statement; of long lists counted beforehand, by beat."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.models import FacetCensus, FacetCount
from core.search import ChoiceFacet, MembershipFacet, SearchContext, TextFacet, stored
from core.search.counts import Value, count_live, fold
from core.search.facets import FlagFacet, TagFacet, TimeFacet
from core.search.stored import FacetSource, refresh_counts
from core.tasks import count_facets
from infra_notifications import selectors
from infra_notifications.models import ChargePoint, GroupMembership
from infra_notifications.search import CHARGE_POINT_SEARCH, in_group
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()
CONTEXT = SearchContext(NOW)
FACETS = {
    "column": TextFacet("city", "city", "City", counted=True),
    "joined": TextFacet("word", "state__status", "Status", counted=True),
    "not counted": TextFacet("name", "name", "Name"),
    "choice": ChoiceFacet("plug", "connector_standard", "Plug", choices={"type2": "T2", "ccs": "CCS"}),
    "condition": ChoiceFacet(
        "current", "pk", "Current", choices={"dc": Q(power_type="DC"), "now": lambda context: Q(pk__gt=0)}
    ),
    "flag": FlagFacet("named", "pk", "Named", when_true=~Q(name="")),
    "array": TagFacet("tag", "tags", "Tag"),
    "relation": MembershipFacet(
        "group",
        "groups",
        "Group",
        belongs=in_group,
        pairs=lambda: GroupMembership.objects.values_list("charge_point_id", "group__name"),
    ),
    "time": TimeFacet("seen", "state__last_seen", "Seen"),
}


@pytest.fixture
def points() -> list[ChargePoint]:
    made: list[ChargePoint] = [
        ChargePointFactory(city="Köln", connector_standard="T2", power_type="DC", tags=["a", "b"], name=""),
        ChargePointFactory(city="Köln", connector_standard="Odd", tags=["b"]),
        ChargePointFactory(city="Bonn", connector_standard="T2"),
        ChargePointFactory(city="", connector_standard=""),
    ]
    NotificationGroupFactory(name="A", members=made[:3])
    NotificationGroupFactory(name="none", members=made[:1])
    return made


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("column", [("Köln", 2), ("Bonn", 1)]),
        ("joined", []),
        ("not counted", []),
        ("choice", [("type2", 2)]),
        ("condition", [("dc", 1), ("now", 4)]),
        ("flag", [("yes", 3), ("no", 1)]),
        ("array", [("b", 2), ("a", 1)]),
        ("relation", [("none", 1), ("any", 3), ("=A", 3), ("=none", 1)]),
        ("time", []),
    ],
)
def test_each_kind_of_facet_is_counted(points: Any, kind: str, expected: list[tuple[str, int]]) -> None:
    facet = FACETS[kind]
    counts = count_live(selectors.charge_points(), [facet], CONTEXT)
    assert [(v.value, v.count) for v in counts.of(facet.name)] == expected
    assert counts.rows == 4


def test_all_facets_of_a_list_take_one_statement(points: Any) -> None:
    with CaptureQueriesContext(connection) as queries:
        counts = count_live(selectors.charge_points(), CHARGE_POINT_SEARCH.facets, CONTEXT)
    assert len(queries) == 1
    assert counts.of("city") == [Value("Köln", 2), Value("Bonn", 1)]


def test_counts_are_those_of_the_rows_that_are_asked(points: Any) -> None:
    some = ChargePoint.objects.filter(city="Bonn")
    counts = count_live(some, FACETS.values(), CONTEXT)
    assert (counts.rows, counts.of("city"), counts.of("tag")) == (1, [Value("Bonn", 1)], [])
    assert [(v.value, v.count) for v in counts.of("group")] == [("any", 1), ("=A", 1)]
    assert count_live(ChargePoint.objects.none(), FACETS.values(), CONTEXT).rows == 0


def test_more_rows_than_are_counted_give_values_without_numbers(points: Any) -> None:
    counts = count_live(ChargePoint.objects.all(), [FACETS["column"]], CONTEXT, limit=3)
    assert {v.count for v in counts.of("city")} == {None}


def test_fold_ignores_case_and_accents() -> None:
    assert [fold(text) for text in ("Köln", "KÖLN", "Gare d’Été", "ŝ")] == ["koln", "koln", "gare d’ete", "s"]


# ---- beforehand -----------------------------------------------------------------------------------------------------


@pytest.fixture
def long_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "LIVE_ROWS", 3)


def source() -> FacetSource:
    return FacetSource("charge_points", selectors.charge_points, CHARGE_POINT_SEARCH)


def test_a_short_list_is_not_counted_beforehand(points: Any) -> None:
    assert refresh_counts(now=NOW) == 0
    assert not FacetCount.objects.exists()
    assert source().first_values(["city"], 5).of("city")[0] == Value("Köln", 2)


def test_a_long_list_is_counted_beforehand_and_shown_from_there(points: Any, long_lists: None) -> None:
    assert refresh_counts(now=NOW) == 1
    census = FacetCensus.objects.get(pk="charge_points")
    assert (census.rows, census.counted_at) == (4, NOW)
    ChargePointFactory(city="Aachen")
    with CaptureQueriesContext(connection) as queries:
        shown = source().first_values(["city", "tag"], 1)
    assert len(queries) == 1
    assert (shown.of("city"), shown.of("tag")) == ([Value("Köln", 2)], [Value("b", 2)])
    assert source().values_of(FACETS["column"], "") == [Value("Köln", 2), Value("Bonn", 1)]
    assert source().values_of(FACETS["column"], "ONN") == [Value("Bonn", 1)]
    assert list(source().values_beginning("kO")) == [("city", Value("Köln", 2))]


def test_a_list_is_counted_again_after_a_rest_that_its_cost_decides(points: Any, long_lists: None) -> None:
    refresh_counts(now=NOW)
    assert refresh_counts(now=NOW + timedelta(seconds=59)) == 0
    ChargePointFactory(city="Aachen")
    assert refresh_counts(now=NOW + timedelta(seconds=61)) == 1
    assert Value("Aachen", 1) in source().values_of(FACETS["column"], "")
    FacetCensus.objects.update(took_ms=2_000, counted_at=NOW)
    assert refresh_counts(now=NOW + timedelta(seconds=199)) == 0
    assert refresh_counts(now=NOW + timedelta(seconds=201)) == 1


def test_a_list_that_became_short_forgets_its_counts(points: list[ChargePoint], long_lists: None) -> None:
    refresh_counts(now=NOW)
    points[0].delete()
    refresh_counts(now=NOW + timedelta(minutes=10))
    assert not FacetCount.objects.exists()
    assert source().first_values(["city"], 5).of("city")[0].count == 1


def test_a_count_that_takes_too_long_is_given_up_and_rests(
    points: Any, long_lists: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh_counts(now=NOW)
    rows = selectors.charge_points().extra(where=["pg_sleep(0.2) IS NOT NULL"])
    slow = stored.LongList("charge_points", lambda: rows, CHARGE_POINT_SEARCH)
    monkeypatch.setitem(stored.long_lists, "charge_points", slow)
    monkeypatch.setattr(stored, "GIVEN_UP_AFTER_S", 0.1)
    later = NOW + timedelta(minutes=10)
    assert refresh_counts(now=later) == 0
    assert FacetCount.objects.filter(list_key="charge_points").exists()
    assert FacetCensus.objects.get(pk="charge_points").counted_at == later


def test_values_too_long_to_keep_are_left_out(points: Any, long_lists: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "LONGEST_VALUE", 3)
    refresh_counts(now=NOW)
    assert set(FacetCount.objects.values_list("facet", flat=True)) & {"city", "tag"} == {"tag"}


def test_the_periodic_task_counts(points: Any, long_lists: None) -> None:
    count_facets()
    assert FacetCount.objects.filter(list_key="charge_points", facet="city", rank=0, value="Köln").exists()
