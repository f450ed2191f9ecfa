"""One query, two back ends: what PostgreSQL finds is what Python finds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Exists, Q
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.search import ChoiceFacet, FlagFacet, NumberFacet, SearchContext, SearchSchema, TextFacet, TimeFacet
from core.search.facets import NameFacet, RankedFacet, TagFacet
from core.search.folding import fold
from core.search.predicate import Read, predicate
from core.search.schema import any_text, folded_text
from infra_notifications.models import ChargePoint, ChargePointState
from tests.factories.infra_notifications import ChargePointFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FACETS = (
    TextFacet("city", "city", "City", through="search_text"),
    TextFacet("street", "street", "Street"),
    TextFacet("country", "country", "Country", exact=True),
    NameFacet("town", "city", "Town"),
    ChoiceFacet("plug", "connector_standard", "Plug", choices={"type2": "IEC_62196_T2", "ccs": "IEC_62196_T2_COMBO"}),
    RankedFacet("rank", "vendor", "Rank", choices={name: name for name in ("low", "middle", "high")}),
    NumberFacet("power", "max_power_kw", "Power", units={"kw": Decimal(1), "w": Decimal("0.001")}),
    TimeFacet("seen", "state__last_seen", "Last seen"),
    TagFacet("tag", "tags", "Tag"),
    FlagFacet("named", "name", "Named", when_true=~Q(name="")),
)
INDEXED = SearchSchema(folded_text("search_text"), FACETS)
PLAIN = SearchSchema(any_text("city", "street"), FACETS)

TOWNS = st.sampled_from(["", "Köln", "Köln Süd", "KOELN", "Bonn", "Paris 11e", "Łódź", "a b", "50%_\\"])
ROWS = st.fixed_dictionaries(
    {
        "city": TOWNS,
        "street": TOWNS,
        "name": st.sampled_from(["", "One"]),
        "country": st.sampled_from(["DE", "FR", ""]),
        "connector_standard": st.sampled_from(["IEC_62196_T2", "IEC_62196_T2_COMBO", ""]),
        "vendor": st.sampled_from(["low", "middle", "high", "odd"]),
        "max_power_kw": st.sampled_from([None, Decimal("11.00"), Decimal("22.00"), Decimal("49.50")]),
        "tags": st.lists(st.sampled_from(["garage", "roof"]), unique=True),
        "last_seen": st.sampled_from([None, NOW, NOW - timedelta(minutes=10), NOW - timedelta(days=3)]),
    }
)
TERMS = [
    "köln",
    "koln",
    '"köln süd"',
    "b",
    "on",
    "paris",
    "%",
    "city:köln",
    "city:sud",
    'city:""',
    "city:b,paris",
    "street:bonn",
    'street:""',
    "street:ł",
    "town:koln",
    "town:köln*,BONN",
    'town:"*a*b*"',
    'town:"50%_\\\\"',
    "town:50*",
    "town:bonn*n",
    "town:*o*o*",
    "town:b*o*",
    "country:de",
    "country:fr,de",
    "plug:type2",
    "plug:TYPE2,ccs",
    "rank:>=middle",
    "rank:low..middle",
    "rank:<low",
    "power:22",
    "power:>=11kw",
    "power:<22000w",
    "power:11..22",
    "power:..22",
    "power:none",
    "seen:<15m",
    "seen:>1d",
    "seen:never",
    "seen:any",
    "seen:today",
    "seen:2026-11-18..2026-11-20",
    "tag:garage",
    "tag:none",
    "tag:any",
    "named:yes",
    "named:no",
]
QUERIES = st.lists(
    st.tuples(st.booleans(), st.sampled_from(TERMS)).map(lambda pair: "-" * pair[0] + pair[1]), max_size=4
).map(" ".join)


def reader(row: Any) -> Read:
    """The values of a model's row under an ORM path."""

    def read(path: str) -> list[Any]:
        value = row
        for name in path.split("__"):
            value = getattr(value, name, None)
        return [] if value is None else [value]

    return read


# What lies on the borders of the terms' numbers and times.
EDGE: dict[str, Any] = {"city": "", "street": "", "last_seen": None}


def store(rows: Iterable[dict[str, Any]]) -> None:
    for number, row in enumerate(rows):
        fields = dict(row)
        ChargePointFactory(evse_id=f"DE*ABC*E{number:04}*1", state={"last_seen": fields.pop("last_seen")}, **fields)


def check_same(rows: list[dict[str, Any]], queries: Iterable[str]) -> None:
    """Stores the rows for a moment and asks both back ends each query."""
    with transaction.atomic():
        store(rows)
        everything = list(ChargePoint.objects.select_related("state"))
        for query, schema in product(queries, (INDEXED, PLAIN)):
            condition = schema.condition(query, SearchContext(NOW))
            fits = predicate(condition)
            in_python = {row.pk for row in everything if fits(reader(row))}
            assert in_python == set(ChargePoint.objects.filter(condition).values_list("pk", flat=True)), query
        transaction.set_rollback(True)


@given(st.lists(ROWS, min_size=3, max_size=6), st.lists(QUERIES, min_size=1, max_size=5))
@hypothesis_settings(max_examples=25)
def test_database_and_python_find_the_same_rows(rows: list[dict[str, Any]], queries: list[str]) -> None:
    check_same(rows, queries)


@given(st.lists(ROWS, min_size=15, max_size=15))
@hypothesis_settings(max_examples=5)
def test_they_agree_on_each_term_alone_and_behind_a_minus(rows: list[dict[str, Any]]) -> None:
    edges = [EDGE | {"max_power_kw": Decimal(power)} for power in (11, 22)]
    edges += [EDGE | {"last_seen": NOW - timedelta(**age)} for age in ({"minutes": 15}, {"days": 1}, {"days": 3})]
    check_same([*rows, *edges], [sign + term for sign in ("", "-") for term in TERMS])


def test_what_only_a_database_can_answer_is_refused() -> None:
    with pytest.raises(TypeError, match="Exists"):
        predicate(Q(Exists(ChargePointState.objects.all())))
    with pytest.raises(TypeError, match="XOR"):
        predicate(Q(name="a") ^ Q(name="b"))


@pytest.mark.parametrize("text", ["Köln Süd", "STRAßE", "Łódź", "Ærø", "ÇA VA", "plain", "Œuvre", "ħal Kirkop"])
def test_text_is_folded_as_the_database_folds_it(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT signalbox_fold(%s)", [text])
        assert fold(text) == cursor.fetchone()[0]
