"""What lets Magic Search stay quick at a million charge points, and that it finds the same."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.test.utils import CaptureQueriesContext
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.models import KnownValue
from core.search import SearchContext, SearchError, vocabulary
from core.search.lookups import _FOLD_OF
from infra_notifications.choices import Case, CloseReason, Connectivity
from infra_notifications.models import ChargePoint, ChargePointState, Incident
from infra_notifications.search import CHARGE_POINT_SEARCH, INCIDENT_SEARCH
from tests.factories.infra_notifications import ChargePointFactory, IncidentFactory
from tests.racing import wait_for_a_waiting_statement
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.usefixtures("db")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CITY = "infra_notifications_chargepoint.city"


def matching(text: str) -> QuerySet[ChargePoint]:
    return ChargePoint.objects.filter(CHARGE_POINT_SEARCH.condition(text, SearchContext(NOW)))


def found(text: str) -> list[str]:
    return sorted(matching(text).values_list("evse_id", flat=True))


def known_cities() -> set[str]:
    return set(KnownValue.objects.filter(column=CITY).values_list("value", flat=True))


# ---- known values ---------------------------------------------------------------------------------------------------


def test_a_text_is_looked_for_among_the_values_and_the_rows_are_asked_for_those() -> None:
    for evse_id, city in (("A", "Köln"), ("B", "Köln Süd"), ("C", "Bonn")):
        ChargePointFactory(evse_id=evse_id, city=city)
    condition = CHARGE_POINT_SEARCH.condition("city:KOLN", SearchContext(NOW))
    assert [(path, set(values)) for path, values in condition.children] == [("city__any_of", {"Köln", "Köln Süd"})]  # type: ignore[misc]
    assert found("city:KOLN") == ["A", "B"]
    assert found("-city:koln") == ["C"]
    assert found("city:süd,bonn") == ["B", "C"]


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("city", "city"),
        ("operator", "operator"),
        ("vendor", "vendor"),
        ("model", "model"),
        ("firmware", "firmware"),
        ("plug", "connector_standard"),
    ],
)
def test_every_column_whose_values_are_kept(field: str, column: str) -> None:
    ChargePointFactory(evse_id="A", **{column: "Größe-7.1"})
    ChargePointFactory(evse_id="B", **{column: "else"})
    ChargePointFactory(evse_id="C", **{column: ""})
    assert found(f"{field}:grosse-7") == ["A"]
    assert found(f'{field}:""') == ["C"]
    ChargePoint.objects.filter(evse_id="B").update(**{column: "Kleine Sache"})
    assert found(f"{field}:KLEINE") == ["B"]
    assert found(f"-{field}:kleine,größe") == ["C"]


def test_a_country_is_the_whole_value_in_any_case() -> None:
    ChargePointFactory(evse_id="A", country="DEU")
    ChargePointFactory(evse_id="B", country="DE")
    assert (found("country:deu"), found("country:de"), found("country:d")) == (["A"], ["B"], [])


def test_values_are_known_as_soon_as_a_row_holds_them() -> None:
    assert found("city:aachen") == []
    point = ChargePointFactory(evse_id="A", city="Aachen")
    assert found("city:aachen") == ["A"]
    point.city = "Brühl"
    point.save()
    assert (found("city:bru"), found("city:aachen")) == (["A"], [])
    ChargePoint.objects.bulk_create([ChargePoint(evse_id=f"M{n}", city=f"Ort {n % 3}") for n in range(30)])
    assert len(found("city:ort")) == 30
    assert {"Aachen", "Brühl", "Ort 0", "Ort 1", "Ort 2"} <= known_cities()


def test_protocols_are_known_as_soon_as_a_message_says_one() -> None:
    point = ChargePointFactory(evse_id="A", state={"ocpp_version": "ocpp1.6"})
    assert (found("protocol:1.6"), found("protocol:2.1"), found("-protocol:ocpp")) == (["A"], [], [])
    ChargePointState.objects.filter(charge_point=point).update(ocpp_version="ocpp2.1")
    assert (found("ocpp:2.1"), found("protocol:1.6"), found('protocol:""')) == (["A"], [], [])
    ChargePointFactory(evse_id="B")
    assert (found("-protocol:ocpp"), found("-protocol:1.6"), found("-protocol:2.1")) == (["B"], ["A", "B"], ["B"])


def test_where_the_other_values_are_fewer_those_are_asked_for() -> None:
    for evse_id, country in (("A", "DEU"), ("B", "DNK"), ("C", "FRA"), ("D", "")):
        ChargePointFactory(evse_id=evse_id, country=country, city=country)
    assert CHARGE_POINT_SEARCH.condition("-city:d") == Q(city__any_of=["", "FRA"])
    assert CHARGE_POINT_SEARCH.condition("-city:fra") == ~Q(city__any_of=["FRA"])
    assert (found("-city:d"), found("-city:fra"), found("-city:d,fra")) == (["C", "D"], ["A", "B", "D"], ["D"])
    assert found("-country:deu") == ["B", "C", "D"]


def test_changing_something_else_keeps_no_values() -> None:
    point = ChargePointFactory(city="Aachen")
    KnownValue.objects.all().delete()
    point.save()
    ChargePoint.objects.update(name="else")
    assert known_cities() == set()


def test_what_no_value_contains_is_not_asked_for() -> None:
    ChargePointFactory(city="Bonn")
    rows = matching("city:nowhere status:faulted")
    with CaptureQueriesContext(connection) as queries:
        assert list(rows) == []
    assert len(queries) == 0
    assert len(found("-city:nowhere")) == 1
    assert CHARGE_POINT_SEARCH.condition("-city:nowhere") == ~Q(pk__in=[])


def test_too_many_values_are_looked_for_in_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        ChargePointFactory(evse_id=f"P{n}", city=f"Köln {n}")
    monkeypatch.setattr(vocabulary, "MOST_VALUES", 2)
    assert vocabulary.values_with(CITY, "koln", whole=False) is None
    assert found("city:koln") == ["P0", "P1", "P2"]
    assert found('city:"koln 1"') == ["P1"]


@pytest.mark.parametrize("sign", ["%", "_", "\\", "'", '"', "％", "(", "$1", "😀", "مرحبا", ";--"])
def test_signs_in_known_values_are_found_as_they_stand(sign: str) -> None:
    for evse_id, city in (("A", f"ab{sign}cd"), ("B", "abxxcd")):
        ChargePointFactory(evse_id=evse_id, city=city)
    quoted = sign.replace("\\", "\\\\").replace('"', '\\"')
    assert found(f'city:"b{quoted}c"') == ["A"]


def test_incidents_are_found_by_the_city_of_their_charge_point() -> None:
    one = IncidentFactory(charge_point=ChargePointFactory(city="Köln"))
    IncidentFactory(charge_point=ChargePointFactory(city="Bonn"))
    assert list(Incident.objects.filter(INCIDENT_SEARCH.condition("city:koln"))) == [one]
    assert list(Incident.objects.filter(INCIDENT_SEARCH.condition("city:nowhere"))) == []


def in_thread(act: Callable[[], Any]) -> threading.Thread:
    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.parametrize("keeps", [True, False])
def test_two_imports_with_the_same_new_values(committed: None, keeps: bool) -> None:
    """The second waits for the first, and knows the values whether that one is kept or not."""

    def second() -> None:
        ChargePoint.objects.bulk_create([ChargePoint(evse_id=f"S{n}", city=f"Neu {9 - n}") for n in range(10)])

    waiting = None
    try:
        with transaction.atomic():
            ChargePoint.objects.bulk_create([ChargePoint(evse_id=f"F{n}", city=f"Neu {n}") for n in range(10)])
            waiting = in_thread(second)
            wait_for_a_waiting_statement()
            if not keeps:
                transaction.set_rollback(True)
    finally:
        if waiting is not None:
            waiting.join(PATIENCE_S)
    assert len(found("city:neu")) == (20 if keeps else 10)
    assert {f"Neu {n}" for n in range(10)} <= known_cities()


# ---- folding --------------------------------------------------------------------------------------------------------


@hypothesis_settings(max_examples=200)
@example("".join(chr(n) for n in range(1, 128)))
@example("Straße Ångström Łódź Œuvre ＡＢ％ İ")
@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_folding_written_out_is_the_same_as_the_function(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_FOLD_OF.format('x')}, signalbox_fold(x) FROM (SELECT %s::text AS x) y", [text])
        written_out, function = cursor.fetchone()
    assert written_out == function


def test_one_or_two_letters_of_an_indexed_field_begin_a_word() -> None:
    ChargePointFactory(evse_id="DE*AB*E1", name="Nord Tor", station="XY-1", location="")
    ChargePointFactory(evse_id="DE*CD*E2", name="Norden", station="AXY", location="")
    assert found("name:to") == ["DE*AB*E1"]
    assert found("name:NO") == ["DE*AB*E1", "DE*CD*E2"]
    assert found("station:xy") == ["DE*AB*E1"]
    assert found("name:or") == []
    assert found("name:ord") == ["DE*AB*E1", "DE*CD*E2"]
    assert (found("-name:to"), found("-name:to,nord"), found("-name:ord")) == (["DE*CD*E2"], [], [])
    assert found('name:""') == []


def test_incidents_by_what_they_said() -> None:
    one = IncidentFactory(said="Faulted · Überstrom 17")
    two = IncidentFactory(said="Unavailable")

    def by(text: str) -> list[Incident]:
        return list(Incident.objects.filter(INCIDENT_SEARCH.condition(text)).order_by("pk"))

    assert (by("said:uberstrom"), by("said:17"), by("said:strom"), by("said:un")) == ([one], [one], [one], [two])
    assert (by("-said:faulted"), by("said:un,fa"), by('said:""')) == ([two], [one, two], [])
    with connection.cursor() as cursor:
        sql, params = Incident.objects.order_by().filter(INCIDENT_SEARCH.condition("said:17x")).query.sql_with_params()
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {sql}", params)
        assert "incident_said" in str(cursor.fetchall())


# ---- connectivity since ---------------------------------------------------------------------------------------------

HOURS = st.integers(0, 72)
POINTS = st.lists(
    st.tuples(st.sampled_from(Connectivity.values), st.none() | HOURS, st.lists(HOURS, max_size=3)), max_size=5
)
SINCE: dict[str, Callable[[float], bool]] = {
    "<24h": lambda age: age < 24,
    "<=24h": lambda age: age <= 24,
    ">24h": lambda age: age > 24,
    ">=1d": lambda age: age >= 24,
    "yesterday": lambda age: 12 < age <= 36,
    "<2026-11-20": lambda age: age > 36,
    "<=2026-11-20": lambda age: age > 12,
    ">2026-11-20": lambda age: age <= 12,
    ">=2026-11-20": lambda age: age <= 36,
    "2026-11-19..2026-11-20": lambda age: 12 < age <= 60,
    "..2026-11-19": lambda age: age > 36,
    "2026-11-20..": lambda age: age <= 36,
}
FOR_EVER = float("inf")


def age_of(connectivity: str, seen: int | None, ends: list[int]) -> float | None:
    """For how many hours it has been as it is; None where that is not known."""
    if connectivity in (Connectivity.SILENT, Connectivity.OFFLINE):
        return seen
    return min(ends, default=FOR_EVER) if connectivity == Connectivity.ONLINE else None


@pytest.mark.parametrize("text", SINCE)
@hypothesis_settings(max_examples=30)
@given(given_points=POINTS)
@example([(Connectivity.ONLINE, 1, []), (Connectivity.ONLINE, 1, [30, 20]), (Connectivity.SILENT, 24, [2])])
def test_since_when_a_charge_point_is_silent_or_online(text: str, given_points: list[Any]) -> None:
    with transaction.atomic():
        for number, (connectivity, seen, ends) in enumerate(given_points):
            state = {"connectivity": connectivity, "last_seen": None if seen is None else NOW - timedelta(hours=seen)}
            point = ChargePointFactory(evse_id=f"P{number}", state=state)
            for hours in ends:
                end = NOW - timedelta(hours=hours)
                IncidentFactory(
                    charge_point=point,
                    case=Case.UNAVAILABLE,
                    opened_at=end - timedelta(hours=1),
                    closed_at=end,
                    close_reason=CloseReason.SEEN,
                )
            # Neither another case nor another end of a silence says since when it is online.
            IncidentFactory(
                charge_point=point, opened_at=NOW - timedelta(hours=3), closed_at=NOW, close_reason=CloseReason.SEEN
            )
        ages = [age_of(*one) for one in given_points]
        fits = [f"P{n}" for n, age in enumerate(ages) if age is not None and SINCE[text](age)]
        rest = [f"P{n}" for n in range(len(ages)) if f"P{n}" not in fits]
        assert (found(f"since:{text}"), found(f"-since:{text}")) == (fits, rest)
        transaction.set_rollback(True)


@pytest.mark.parametrize("text", ["never", "any", "none", '""'])
def test_since_takes_a_moment(text: str) -> None:
    with pytest.raises(SearchError, match="takes an age such as"):
        CHARGE_POINT_SEARCH.condition(f"since:{text}")


def test_an_impossible_part_of_an_alternative_is_left_out() -> None:
    ChargePointFactory(evse_id="A", city="Bonn")
    assert found("city:nowhere,bonn") == ["A"]
    assert Q(pk__in=[]) == CHARGE_POINT_SEARCH.condition("city:nowhere")
