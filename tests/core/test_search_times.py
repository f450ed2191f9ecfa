"""What fields of times take and find, and whole searches: no text at all breaks one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from console.views import ApiKeyList, AuditList
from core.search import (
    SearchContext,
    SearchError,
    SearchSchema,
)
from core.search.schema import any_text
from infra_notifications.models import ChargePoint, ChargePointState
from infra_notifications.search import CHARGE_POINT_SEARCH, GROUP_SEARCH, INCIDENT_SEARCH
from outbox.search import DELIVERY_SEARCH, EVENT_SEARCH
from tests.core.test_search_facets import BERLIN, NOW, SCHEMA, found, refusal, seen
from tests.factories.infra_notifications import ChargePointFactory, IncidentFactory, NotificationGroupFactory

pytestmark = pytest.mark.django_db


# ---- times ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("seen:<15m", ["A"]),
        ("seen:<15min", ["A"]),
        ("seen:<=1h", ["A", "B"]),
        ("seen:>1d", ["D"]),
        ("seen:>=24h", ["D"]),
        ("seen:1h..26h", ["B", "C", "D"]),
        ("seen:26h..1h", ["B", "C", "D"]),
        ("seen:today", ["A", "B", "C"]),
        ("seen:yesterday", ["D"]),
        ("seen:yesterday..today", ["A", "B", "C", "D"]),
        ("seen:week", ["A", "B", "C", "D"]),
        ("seen:2026-11-20", ["D"]),
        ("seen:2026-11", ["A", "B", "C", "D"]),
        ("seen:2026-10", []),
        ("seen:>2026-11-20", ["A", "B", "C"]),
        ("seen:>=2026-11-20", ["A", "B", "C", "D"]),
        ("seen:<2026-11-21", ["D"]),
        ("seen:<=2026-11-20", ["D"]),
        ("seen:2026-11-19..2026-11-20", ["D"]),
        ("seen:2026-11-21..", ["A", "B", "C"]),
        ("seen:..2026-11-20", ["D"]),
        ("seen:..", ["A", "B", "C", "D"]),
        ('seen:"2026-11-21 11:00"', ["B"]),
        ("seen:2026-11-21T11:00:00Z", ["B"]),
        ("seen:2026-11-21T12:00+01:00", ["B"]),
        ("seen:>2026-11-21T05:00:00Z", ["A", "B"]),
        ("seen:<now", ["A", "B", "C", "D"]),
        ("seen:never", ["E"]),
        ("seen:none", ["E"]),
        ("seen:any", ["A", "B", "C", "D"]),
        ("-seen:<15m", ["B", "C", "D", "E"]),
        ("seen:<15m,never", ["A", "E"]),
    ],
)
def test_times(text: str, ids: list[str]) -> None:
    seen(
        A=datetime(2026, 11, 21, 11, 55, tzinfo=UTC),
        B=datetime(2026, 11, 21, 11, 0, tzinfo=UTC),
        C=datetime(2026, 11, 21, 0, 0, tzinfo=UTC),
        D=datetime(2026, 11, 20, 11, 0, tzinfo=UTC),
        E=None,
    )
    assert found(text) == ids


def test_days_are_the_viewers_days() -> None:
    seen(A=datetime(2026, 11, 20, 22, 59, 59, tzinfo=UTC), B=datetime(2026, 11, 20, 23, 0, tzinfo=UTC))
    assert found("seen:today", SearchContext(NOW)) == []
    assert found("seen:today", SearchContext(NOW, BERLIN)) == ["B"]
    assert found("seen:2026-11-20", SearchContext(NOW, BERLIN)) == ["A"]
    assert found("seen:2026-11-20T23:59:59", SearchContext(NOW, BERLIN)) == ["A"]


def test_a_day_of_changed_clocks_has_23_or_25_hours() -> None:
    seen(
        A=datetime(2026, 10, 24, 21, 59, tzinfo=UTC),
        B=datetime(2026, 10, 24, 22, 0, tzinfo=UTC),
        C=datetime(2026, 10, 25, 22, 59, tzinfo=UTC),
        D=datetime(2026, 10, 25, 23, 0, tzinfo=UTC),
        E=datetime(2026, 3, 28, 23, 0, tzinfo=UTC),
        F=datetime(2026, 3, 29, 21, 59, tzinfo=UTC),
        G=datetime(2026, 3, 29, 22, 0, tzinfo=UTC),
    )
    assert found("seen:2026-10-25", SearchContext(NOW, BERLIN)) == ["B", "C"]
    assert found("seen:2026-03-29", SearchContext(NOW, BERLIN)) == ["E", "F"]
    autumn = SearchContext(datetime(2026, 10, 25, 12, tzinfo=UTC), BERLIN)
    assert found("seen:today", autumn) == ["B", "C"]
    assert found("seen:yesterday", autumn) == ["A"]


def test_a_week_begins_on_monday() -> None:
    seen(A=datetime(2026, 11, 15, 23, 59, tzinfo=UTC), B=datetime(2026, 11, 16, tzinfo=UTC))
    assert found("seen:week") == ["B"]


def test_a_month_ends_with_its_last_day() -> None:
    seen(A=datetime(2026, 12, 31, 23, 59, tzinfo=UTC), B=datetime(2027, 1, 1, tzinfo=UTC))
    assert found("seen:2026-12") == ["A"]


@pytest.mark.parametrize(
    "text",
    [
        "seen:soon",
        "seen:2026-13-01",
        "seen:2026-02-30",
        "seen:<999999w",
        "seen:999999w",
        "seen:1d..999999w",
        "seen:9999-12-31",
        "seen:9999-12",
        "seen:25:00",
        "seen:>",
        "seen:0000-01-01",
        "seen:2026-11-21T25:00",
        "seen:0000-01",
    ],
)
def test_what_is_no_time_is_refused_with_what_is(text: str) -> None:
    assert "takes an age such as <15m" in str(refusal(text))


def test_a_mistyped_time_names_the_nearest() -> None:
    assert refusal("seen:tody").suggestion == "seen:today"


# ---- whole searches ---------------------------------------------------------------------------------------------


def test_an_unknown_field_names_the_nearest() -> None:
    error = refusal("ctiy:bonn")
    assert str(error) == "There is no field “ctiy” to search by. Did you mean “city”?"
    assert error.suggestion == "city"


def test_an_unknown_field_without_a_near_one_says_how_to_search_for_the_text() -> None:
    assert "quotes" in str(refusal("https://example.org"))


@pytest.mark.parametrize("text", ["x" * 10_001, " ".join(["x"] * 101), "city:" + ",".join(["x"] * 501)])
def test_a_search_beyond_all_measure_is_refused(text: str) -> None:
    assert "at most" in str(refusal(text))


def test_a_chip_leads_to_the_search_without_its_term() -> None:
    query = SCHEMA.parse('köln "a b" -city:x,y power:1..2')
    left = [SCHEMA.without(query, term) for term in query.terms]
    assert left[0] == '"a b" -city:x,y power:1..2'
    assert left[2] == 'köln "a b" power:1..2'


def test_of_two_equal_terms_one_is_taken_away() -> None:
    query = SCHEMA.parse("a a")
    assert SCHEMA.without(query, query.terms[0]) == "a"


SCHEMAS: dict[str, tuple[SearchSchema, Any]] = {
    "charge points": (CHARGE_POINT_SEARCH, lambda: _charge_points()),  # noqa: PLW0108
    "own": (SCHEMA, lambda: _charge_points()),  # noqa: PLW0108
    "groups": (GROUP_SEARCH, lambda: _all("infra_notifications", "NotificationGroup")),
    "incidents": (INCIDENT_SEARCH, lambda: _all("infra_notifications", "Incident")),
    "deliveries": (DELIVERY_SEARCH, lambda: _all("outbox", "Delivery")),
    "events": (EVENT_SEARCH, lambda: _all("outbox", "Event")),
    "keys": (ApiKeyList.search, lambda: _all("console", "ApiKey")),
    "audit": (AuditList.search, lambda: _all("auditlog", "LogEntry")),
}


def _charge_points() -> Any:
    return ChargePoint.objects.all()


def _all(app: str, model: str) -> Any:
    from django.apps import apps

    return apps.get_model(app, model)._default_manager.all()


WORDS = st.text(max_size=12) | st.sampled_from(
    [
        "",
        "none",
        "any",
        "today",
        "never",
        "now",
        "week",
        "yes",
        "no",
        "1",
        "50kW",
        "<15m",
        ">=22",
        "11..22",
        "..",
        "1e9",
        "2026-11-01",
        "2026-11",
        "2026-11-01..2026-11-07",
        "0001-01-01",
        "9999-12-30",
        "999999w",
        "999999d",
        "-5",
        "999999999999.999999",
        "٣",
        "😀",
        "'; DROP TABLE x; --",
        "%",
        "_",
        "\\",
        '"',
        '"a b"',
        "\x00",
        "ＡＢ％",
        "\u202eabc",
        "مرحبا",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "12:30",
        "a,b",
        "ß",
        "İ",
        "\ud7ff",
        "x" * 300,
    ]
)


def queries(schema: SearchSchema) -> st.SearchStrategy[str]:
    """Texts made of the schema's own fields and of what people might write behind them."""
    values = st.lists(WORDS, min_size=1, max_size=3).map(",".join)
    fields = st.builds(lambda name, value: f"{name}:{value}", st.sampled_from(list(schema.names())), values)
    terms = st.builds(lambda minus, term: f"{minus}{term}", st.sampled_from(["", "-"]), fields | WORDS)
    return st.lists(terms, max_size=4).map(" ".join)


@pytest.fixture
def rows() -> Iterable[Any]:
    group = NotificationGroupFactory(members=[ChargePointFactory(max_power_kw=22, tags=["a"])])
    return [group, IncidentFactory(), ChargePointState.objects.first()]


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/New_York"])
@hypothesis_settings(max_examples=25)
@given(data=st.data())
def test_no_search_breaks(rows: Any, name: str, zone: str, data: st.DataObject) -> None:
    schema, queryset = SCHEMAS[name]
    text = data.draw(queries(schema))
    try:
        condition = schema.condition(text, SearchContext(NOW, ZoneInfo(zone)))
    except SearchError:
        return
    list(queryset().filter(condition)[:5])


@hypothesis_settings(max_examples=50)
@example("x" * 10_000)
@example('"' + "😀" * 4_000)
@example("\x00")
@example("%" * 5_000)
@example("\\" * 9_999)
@given(st.text(max_size=60))
def test_no_text_breaks_a_search_for_text(rows: Any, text: str) -> None:
    loose = SearchSchema(any_text("name", "city"), SCHEMA.facets)
    for schema in (SCHEMA, loose):
        complaint = None
        try:
            list(ChargePoint.objects.filter(schema.condition(text, SearchContext(NOW))))
        except SearchError as error:
            complaint = str(error)
        assert complaint is None or ":" in text or "too" in complaint


def test_every_example_of_every_field_is_understood() -> None:
    for schema, queryset in SCHEMAS.values():
        for facet in schema.facets:
            for shown in facet.examples():
                list(queryset().filter(schema.condition(str(shown), SearchContext(NOW)))[:1])
