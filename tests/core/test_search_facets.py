"""What each kind of field takes and finds; times and whole searches stand in `test_search_times.py`."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.models import Q

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
from core.search.schema import folded_text
from infra_notifications.models import ChargePoint, GroupMembership
from infra_notifications.search import in_group
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory

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
