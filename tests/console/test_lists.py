"""The list page: its state is its URL; a search that cannot be read leaves the list as it was."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from console.lists import query_without
from core.services import create_api_key
from infra_notifications.models import ChargePoint
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory

pytestmark = pytest.mark.django_db
KEYS, POINTS = "/api-keys/", "/infrastructure/charge-points/"
PART = {"HX-Request": "true", "HX-Target": "list"}


@pytest.fixture
def points() -> list[ChargePoint]:
    return [
        ChargePointFactory(evse_id="DE*TST*E1", city="Köln", max_power_kw=11, vendor="Acme"),
        ChargePointFactory(evse_id="DE*TST*E2", city="Köln", max_power_kw=22, vendor="Other"),
        ChargePointFactory(evse_id="DE*TST*E3", city="Bonn", max_power_kw=150, vendor="Acme"),
    ]


def shown(response: Any) -> list[str]:
    """The charge points of a list, in its order."""
    assert response.status_code == 200
    return [row.evse_id for row in response.context["page"].rows]


def chips(response: Any) -> dict[str, str]:
    return {chip.text: chip.url for chip in response.context["chips"]}


# ---- search and filters -----------------------------------------------------------------------------------------


def test_a_list_shows_everything_at_first(administrator: Client, points: Any) -> None:
    response = administrator.get(POINTS)
    assert shown(response) == ["DE*TST*E1", "DE*TST*E2", "DE*TST*E3"]
    assert ">3 results</span>" in response.content.decode()


def test_search_and_filters_both_apply(administrator: Client, points: Any) -> None:
    assert shown(administrator.get(POINTS, {"q": "city:köln"})) == ["DE*TST*E1", "DE*TST*E2"]
    assert shown(administrator.get(POINTS, {"vendor": "Acme"})) == ["DE*TST*E1", "DE*TST*E3"]
    assert shown(administrator.get(POINTS, {"q": "city:köln", "vendor": "Acme"})) == ["DE*TST*E1"]


def test_each_chip_leads_to_the_list_without_it(administrator: Client, points: Any) -> None:
    url = {"q": 'köln -city:bonn "DE*TST"', "vendor": "Acme", "power_min": "5", "sort": "-max_power_kw"}
    found = chips(administrator.get(POINTS, url))
    assert list(found) == ["köln", "-city:bonn", '"DE*TST"', "Vendor: Acme", "Power (kW): 5…"]
    for text, link in found.items():
        response = administrator.get(POINTS + link)
        assert set(chips(response)) == set(found) - {text}
        assert "sort=-max_power_kw" in link


def test_a_chip_takes_one_of_several_values_away(administrator: Client, points: Any) -> None:
    found = chips(administrator.get(f"{POINTS}?status=Faulted&status=Charging&page=2"))
    assert found == {"Status: Faulted": "?status=Charging", "Status: Charging": "?status=Faulted"}


def test_the_last_chip_leads_to_the_whole_list(administrator: Client, points: Any) -> None:
    assert chips(administrator.get(POINTS, {"q": "köln"})) == {"köln": "?"}


def test_clearing_keeps_the_order(administrator: Client, points: Any) -> None:
    response = administrator.get(POINTS, {"q": "x", "vendor": "y", "sort": "location"})
    assert response.context["clear_url"] == "?sort=location"
    assert "Nothing matches" in response.content.decode()


def test_an_empty_list_says_what_to_do(administrator: Client) -> None:
    page = administrator.get(POINTS).content.decode()
    assert "No charge points yet" in page
    assert "Import them" in page


def test_what_was_typed_stays_in_the_box(administrator: Client, points: Any) -> None:
    page = administrator.get(POINTS, {"q": '"><script>alert(1)</script>'}).content.decode()
    assert 'value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"' in page
    assert "<script>alert" not in page


# ---- a search that cannot be read -------------------------------------------------------------------------------


def test_an_unknown_field_keeps_the_list_as_it_was(administrator: Client, points: Any) -> None:
    response = administrator.get(POINTS, {"q": "ctiy:köln", "was": "city:bonn"})
    assert shown(response) == ["DE*TST*E3"]
    page = response.content.decode()
    assert "Did you mean “city”?" in page
    assert 'value="ctiy:köln"' in page
    assert '<input type="hidden" name="was" value="city:bonn" form="list-form">' in page


def test_links_below_an_error_go_on_with_the_list_as_it_was(administrator: Client, points: Any) -> None:
    response = administrator.get(POINTS, {"q": "ctiy:köln", "was": "city:köln", "vendor": "Acme"})
    assert shown(response) == ["DE*TST*E1"]
    assert shown(administrator.get(POINTS + chips(response)["Vendor: Acme"])) == ["DE*TST*E1", "DE*TST*E2"]
    assert shown(administrator.get(POINTS + chips(response)["city:köln"])) == ["DE*TST*E1", "DE*TST*E3"]
    assert shown(administrator.get(POINTS + response.context["heads"][0]["url"])) == ["DE*TST*E1"]
    assert shown(administrator.get(f"{POINTS}{response.context['base_query']}&page=1")) == ["DE*TST*E1"]


def test_an_error_without_a_list_before_shows_everything(administrator: Client, points: Any) -> None:
    assert len(shown(administrator.get(POINTS, {"q": "ctiy:köln"}))) == 3
    assert len(shown(administrator.get(POINTS, {"q": "ctiy:köln", "was": "also:wrong"}))) == 3
    assert len(shown(administrator.get(POINTS, {"q": "seen:soon", "was": "x" * 20_000}))) == 3


def test_a_search_that_can_be_read_forgets_what_was(administrator: Client, points: Any) -> None:
    response = administrator.get(POINTS, {"q": "city:köln", "was": "city:bonn"})
    assert response.context["was"] == "city:köln"


@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "q=%FF",
        "page=%00",
        "sort=%00",
        "vendor=%00",
        "power_min=x",
        "status=Odd",
        "q=" + quote("😀" * 2000),
        "page=999999999999",
        "page=-1",
        "page=²",
        "sort=--pk",
        "was=%00",
        "q=a&q=b",
        "sort=-",
        "power_min=1e999",
        "power_min=NaN",
        "group=x",
        "open_case=",
    ],
)
def test_no_url_breaks_a_list(administrator: Client, points: Any, query: str) -> None:
    for headers in ({}, PART):
        assert administrator.get(f"{POINTS}?{query}", headers=headers).status_code == 200


# ---- order and pages --------------------------------------------------------------------------------------------


def test_columns_sort_both_ways(administrator: Client, points: Any) -> None:
    assert shown(administrator.get(POINTS, {"sort": "-evse_id"}))[0] == "DE*TST*E3"
    assert shown(administrator.get(POINTS, {"sort": "max_power_kw"})) == ["DE*TST*E1", "DE*TST*E2", "DE*TST*E3"]


def test_the_head_of_the_sorted_column_turns_the_order_round(administrator: Client, points: Any) -> None:
    response = administrator.get(POINTS, {"sort": "max_power_kw", "q": "köln"})
    head = next(h for h in response.context["heads"] if h["column"].name == "max_power_kw")
    assert head["aria"] == "ascending"
    assert parse_qs(head["url"].lstrip("?")) == {"q": ["köln"], "sort": ["-max_power_kw"]}
    assert 'aria-sort="ascending"' in response.content.decode()


@pytest.mark.parametrize("sort", ["password", "created_by__password", "?", "-?", "connectivity", "groups"])
def test_a_column_that_does_not_sort_leaves_the_order(administrator: Client, points: Any, sort: str) -> None:
    assert shown(administrator.get(POINTS, {"sort": sort})) == ["DE*TST*E1", "DE*TST*E2", "DE*TST*E3"]


@pytest.fixture
def keys() -> None:
    for number in range(120):
        create_api_key(name=f"key {number:03}", scopes=["outbox:read"])


def test_pages_lead_on_and_back(administrator: Client, keys: None) -> None:
    response = administrator.get(KEYS, {"sort": "name", "page": "2"})
    assert [key.name for key in response.context["page"].rows] == [f"key {n:03}" for n in range(50, 100)]
    links = dict(re.findall(r'href="([^"]*page=\d)"[^>]* rel="(\w+)"', response.content.decode()))
    assert {rel: html.unescape(link) for link, rel in links.items()} == {
        "prev": "/api-keys/?sort=name&page=1",
        "next": "/api-keys/?sort=name&page=3",
    }
    assert "51–100" in response.content.decode()


def test_a_page_beyond_the_last_is_the_last(administrator: Client, keys: None) -> None:
    assert administrator.get(KEYS, {"page": "77"}).context["page"].number == 3


def test_a_narrowed_list_starts_at_its_first_page(administrator: Client, keys: None) -> None:
    response = administrator.get(KEYS, {"page": "3", "q": "key"})
    assert "page" not in chips(response)["key"]
    assert "page" not in response.context["heads"][0]["url"]


# ---- parts and costs --------------------------------------------------------------------------------------------


def test_htmx_gets_the_results_alone(administrator: Client, points: Any) -> None:
    response = administrator.get(POINTS, {"q": "köln"}, headers=PART)
    page = response.content.decode().strip()
    assert page.startswith('<section id="list"')
    assert page.endswith("</section>")
    assert "DE*TST*E2" in page
    assert "HX-Request" in response["Vary"]
    assert "HX-Target" in response["Vary"]


def test_htmx_asking_for_another_part_gets_the_page(administrator: Client, points: Any) -> None:
    page = administrator.get(POINTS, headers={"HX-Request": "true", "HX-Target": "elsewhere"})
    assert page.content.strip().startswith(b"<!DOCTYPE html>")


def test_actions_show_for_those_who_may(administrator: Client, viewer: Client) -> None:
    assert "/infrastructure/charge-points/import/" in administrator.get(POINTS).content.decode()
    assert "/infrastructure/charge-points/import/" not in viewer.get(POINTS).content.decode()


@pytest.mark.parametrize(
    "url",
    [
        POINTS,
        KEYS,
        "/audit/",
        "/infrastructure/groups/",
        "/infrastructure/incidents/",
        "/outbox/deliveries/",
        "/outbox/events/",
        f"{POINTS}?q=köln&vendor=Acme",
    ],
)
def test_a_list_costs_the_same_however_long_it_is(administrator: Client, url: str) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert administrator.get(url).status_code == 200
        for query in queries:  # the counts beside the filters look at 10,000 rows at most
            capped = query["sql"].startswith("WITH found") and "LIMIT 10001" in query["sql"]
            assert capped or "COUNT(*)" not in query["sql"].upper()
        return len(queries)

    fill(2)
    cost()
    before = cost()
    fill(30)
    assert cost() <= before
    assert before <= 16


def fill(count: int) -> None:
    """Rows for every list that the test above asks."""
    from tests.factories.everything import ADDRESS
    from tests.factories.infra_notifications import IncidentFactory

    made = [ChargePointFactory(city="Köln", vendor="Acme") for _ in range(count)]
    for point in made:
        NotificationGroupFactory(members=[point], emails=[ADDRESS])
        IncidentFactory(charge_point=point)
        create_api_key(name=f"key of {point.pk}", scopes=["outbox:read"])


# ---- query strings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "dropped", "changes", "expected"),
    [
        ("", (), {}, "?"),
        ("q=a", (), {}, "?q=a"),
        ("q=a&page=3&was=b", (), {}, "?q=a"),
        ("q=a&vendor=b", ("q",), {}, "?vendor=b"),
        ("q=a", ("q", "missing"), {}, "?"),
        ("q=a&q=b", (), {"q": "c"}, "?q=c"),
        ("q=a", (), {"q": ""}, "?"),
        ("status=a&status=b&empty=", (), {}, "?status=a&status=b"),
        ("q=k%C3%B6ln%20%26%20co%2Bx%3D1%23", (), {}, "?q=k%C3%B6ln+%26+co%2Bx%3D1%23"),
        ("q=a;b,%22c%22", (), {}, "?q=a%3Bb%2C%22c%22"),
    ],
)
def test_a_query_string_without_some(
    query: str, dropped: tuple[str, ...], changes: dict[str, str], expected: str
) -> None:
    params = QueryDict(query)
    assert query_without(params, *dropped, **changes) == expected
    assert params == QueryDict(query)


@given(
    st.dictionaries(st.text(min_size=1, max_size=5), st.lists(st.text(max_size=5), min_size=1, max_size=3), max_size=4)
)
def test_a_query_string_keeps_what_it_was_not_asked_to_drop(given_params: dict[str, list[str]]) -> None:
    params = QueryDict(mutable=True)
    for name, values in given_params.items():
        params.setlist(name, values)
    kept = {n: v for n, v in given_params.items() if n not in ("page", "was") and any(v)}
    read = QueryDict(urlsplit(query_without(params)).query)
    assert {name: read.getlist(name) for name in read} == kept
