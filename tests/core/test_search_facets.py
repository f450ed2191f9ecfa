"""What each kind of field takes and finds, and that no text at all breaks a search."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.models import Q
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from console.views import ApiKeyList, AuditList
from core.search import (
    ChoiceFacet,
    FlagFacet,
    MembershipFacet,
    NumberFacet,
    SearchContext,
    SearchError,
    SearchSchema,
    TextFacet,
    TimeFacet,
)
from core.search.facets import TagFacet
from core.search.schema import any_text, folded_text
from infra_notifications.models import ChargePoint, ChargePointState, GroupMembership
from infra_notifications.search import CHARGE_POINT_SEARCH, GROUP_SEARCH, INCIDENT_SEARCH, in_group
from outbox.search import DELIVERY_SEARCH, EVENT_SEARCH
from tests.factories.infra_notifications import ChargePointFactory, IncidentFactory, NotificationGroupFactory

pytestmark = pytest.mark.django_db
KILOWATT = {"kw": Decimal(1), "w": Decimal("0.001")}
SCHEMA = SearchSchema(
    folded_text("search_text"),
    (
        TextFacet("city", "city", "City", ("town",), through="search_text"),
        TextFacet("land", "country", "Country", exact=True),
        ChoiceFacet(
            "plug", "connector_standard", "Plug", choices={"type2": "IEC_62196_T2", "CCS": "IEC_62196_T2_COMBO"}
        ),
        ChoiceFacet("late", "pk", "Late", choices={"yes": lambda context: Q(state__silent_at__lt=context.now)}),
        NumberFacet("power", "max_power_kw", "Power", units=KILOWATT),
        NumberFacet("connector", "connector", "Connector"),
        TimeFacet("seen", "state__last_seen", "Last seen"),
        TagFacet("tag", "tags", "Tag"),
        MembershipFacet("group", "groups", "Group", belongs=in_group),
        FlagFacet("named", "name", "Named", when_true=~Q(name="")),
    ),
)
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def found(text: str, context: SearchContext | None = None, schema: SearchSchema = SCHEMA) -> list[str]:
    rows = ChargePoint.objects.filter(schema.condition(text, context or SearchContext(NOW)))
    return sorted(rows.values_list("evse_id", flat=True))


def points(**by_id: Any) -> None:
    """Charge points by their id with what else is given."""
    for evse_id, fields in by_id.items():
        ChargePointFactory(evse_id=evse_id, **fields)


def seen(**by_id: datetime | None) -> None:
    for evse_id, moment in by_id.items():
        ChargePointFactory(evse_id=evse_id, state={"last_seen": moment})


def refusal(text: str, schema: SearchSchema = SCHEMA) -> SearchError:
    with pytest.raises(SearchError) as caught:
        schema.condition(text, SearchContext(NOW))
    return caught.value


# ---- text -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["köln", "KÖLN", "koln", "Kóln", "ko\u0308ln", "city:KOELN,koln", '"köln süd"', "SUD"])
def test_text_ignores_case_and_accents(text: str) -> None:
    points(A={"city": "Köln Süd"}, B={"city": "Bonn", "location": ""})
    assert found(text) == ["A"]


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("Straße", "strasse"),
        ("Ångström", "angstrom"),
        ("ПАРК", "парк"),
        ("Łódź", "lodz"),
        ("Œuvre", "oeuvre"),
        ("Ko\u0308ln", "Köln"),
    ],
)
def test_text_folds_letters_of_every_language(stored: str, text: str) -> None:
    points(A={"city": stored}, B={"city": "elsewhere"})
    assert found(f'city:"{text}"') == found(text) == ["A"]


@pytest.mark.parametrize(
    "sign", ["%", "_", "\\", "'", '"', "％", "＿", "＼", "\\%", "(", "*", "$1", "😀", "مرحبا", ";--"]
)
def test_signs_are_found_as_they_stand(sign: str) -> None:
    points(A={"city": f"ab{sign}cd"}, B={"city": "abxxcd"}, C={"city": ""})
    quoted = sign.replace("\\", "\\\\").replace('"', '\\"')
    assert found(f'city:"b{quoted}c"') == found(f'"ab{quoted}cd"') == ["A"]


def test_terms_must_all_hold_and_values_of_one_any() -> None:
    points(A={"city": "Köln", "name": "Nord"}, B={"city": "Bonn", "name": "Nord"}, C={"city": "Bonn", "name": "Süd"})
    assert found("nord city:bonn") == ["B"]
    assert found("city:köln,bonn nord") == ["A", "B"]


def test_a_minus_turns_a_term_round() -> None:
    points(A={"city": "Köln"}, B={"city": "Bonn"}, C={"city": ""})
    assert found("-city:köln") == ["B", "C"]
    assert found("-köln") == ["B", "C"]
    assert found("-city:köln,bonn") == ["C"]


def test_the_empty_text_finds_the_empty_ones() -> None:
    points(A={"city": ""}, B={"city": "Bonn"})
    assert found('city:""') == ["A"]
    assert found('-city:""') == ["B"]


def test_an_exact_field_finds_the_whole_text_alone() -> None:
    points(A={"country": "DE"}, B={"country": "DEU"})
    assert found("land:de") == ["A"]


def test_a_field_may_be_named_by_its_alias() -> None:
    points(A={"city": "Bonn"}, B={"city": "Köln"})
    assert found("TOWN:bonn") == ["A"]


def test_short_free_text_finds_beginnings_of_words() -> None:
    points(A={"city": "Bonn"}, B={"city": "Abo"})
    assert found("bo") == ["A"]


def test_an_empty_search_is_no_condition() -> None:
    assert SCHEMA.condition("") == SCHEMA.condition(" \t") == Q()


def test_free_text_uses_the_index() -> None:
    points(A={})
    sql, params = ChargePoint.objects.order_by().filter(SCHEMA.condition("bahnhof")).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {sql}", params)
        assert "chargepoint_search" in str(cursor.fetchall())


def test_text_takes_no_comparison_and_no_range() -> None:
    assert "no comparison or range" in str(refusal("city:>a"))
    assert "no comparison or range" in str(refusal("city:a..b"))


# ---- choices, tags, flags, membership -------------------------------------------------------------------------------


def test_a_choice_ignores_case() -> None:
    points(A={"connector_standard": "IEC_62196_T2"}, B={"connector_standard": "IEC_62196_T2_COMBO"})
    assert found("plug:TYPE2") == ["A"]
    assert found("plug:ccs") == ["B"]
    assert found("plug:ccs,type2") == ["A", "B"]


def test_a_choice_may_depend_on_the_moment() -> None:
    ChargePointFactory(evse_id="A", state={"silent_at": datetime(2026, 11, 21, 11, tzinfo=UTC)})
    ChargePointFactory(evse_id="B", state={"silent_at": datetime(2026, 11, 21, 13, tzinfo=UTC)})
    assert found("late:yes") == ["A"]


def test_an_unknown_choice_names_all_and_the_nearest() -> None:
    error = refusal("plug:tipe2")
    assert str(error) == "“plug” knows type2, CCS, not “tipe2”. Did you mean “type2”?"
    assert error.suggestion == "plug:type2"


def test_a_choice_takes_no_comparison() -> None:
    assert str(refusal("plug:>type2")) == "“plug” takes a name, no comparison or range."


def test_tags() -> None:
    points(A={"tags": ["garage", "test"]}, B={"tags": ["test"]}, C={"tags": []}, D={"tags": ["none"]})
    assert found("tag:Garage") == ["A"]
    assert found("tag:garage,none") == ["A", "C"]
    assert found("tag:any") == ["A", "B", "D"]
    assert found("-tag:test") == ["C", "D"]
    assert found('tag:"none"') == ["D"]
    assert "no comparison" in str(refusal("tag:>x"))


def test_membership() -> None:
    points(A={}, B={}, C={})
    for name, ids in {"Köln Süd": ["A", "B"], "None": ["B"]}.items():
        NotificationGroupFactory(name=name, members=list(ChargePoint.objects.filter(evse_id__in=ids)))
    assert GroupMembership.objects.count() == 3
    assert found("group:any") == ["A", "B"]
    assert found("group:none") == found("-group:any") == ["C"]
    assert found('group:"köln süd"') == ["A", "B"]
    assert found('group:"none"') == ["B"]
    assert found('-group:"köln süd"') == ["C"]
    assert found("group:nobody") == []
    assert "none or any" in str(refusal("group:1..2"))


def test_flags() -> None:
    points(A={"name": "x"}, B={"name": ""})
    assert found("named:yes") == found("named:TRUE") == found("-named:no") == ["A"]
    assert found("named:no") == found("named:0") == ["B"]
    assert "yes or no" in str(refusal("named:maybe"))


# ---- numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("power:22", ["B"]),
        ("power:22kW", ["B"]),
        ("power:22000w", ["B"]),
        ('power:"22 kW"', ["B"]),
        ("power:>=22", ["B", "C"]),
        ("power:>22", ["C"]),
        ("power:<22", ["A"]),
        ("power:<=22", ["A", "B"]),
        ("power:11..22", ["A", "B"]),
        ("power:..22", ["A", "B"]),
        ("power:22..", ["B", "C"]),
        ("power:..", ["A", "B", "C"]),
        ("power:<12,>100", ["A", "C"]),
        ("power:none", ["D"]),
        ('power:""', ["D"]),
        ("-power:none", ["A", "B", "C"]),
        ("-power:22", ["A", "C", "D"]),
        ('power:"3,7"..11.5', ["A"]),
        ("power:-5..5", []),
        ("power:>-5", ["A", "B", "C"]),
        ("power:999999999999", []),
        ("connector:2", ["B"]),
        ("connector:1.5", []),
        ("connector:>=1.5", ["B", "C"]),
        ("connector:<1.5", ["A"]),
        ("connector:<999999999999", ["A", "B", "C"]),
        ("connector:>999999999999", []),
    ],
)
def test_numbers(text: str, ids: list[str]) -> None:
    points(
        A={"max_power_kw": 11, "connector": 1},
        B={"max_power_kw": 22, "connector": 2},
        C={"max_power_kw": 150, "connector": 3},
        D={"max_power_kw": None, "connector": None},
    )
    assert found(text) == ids


@pytest.mark.parametrize(
    "text",
    [
        "power:fast",
        "power:22kg",
        "power:1e5",
        "power:>",
        "power:1..x",
        "power:0x10",
        "power:1234567890123",
        "power:nan",
        "power:>inf",
        "power:1.2.3",
    ],
)
def test_what_is_no_number_is_refused_with_the_units(text: str) -> None:
    assert str(refusal(text)) == "“power” takes a number (kw, w)."


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
