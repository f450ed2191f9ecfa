"""Filters beside a list: the facets of its search as choices with counts."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from core.search import stored
from core.search.stored import refresh_counts
from infra_notifications.filters import ChargePointFilters
from infra_notifications.models import ChargePoint
from tests.conftest import client_of
from tests.console.test_every_list import LISTS
from tests.console.walk import path_of
from tests.factories.everything import World
from tests.factories.infra_notifications import ChargePointFactory, IncidentFactory, NotificationGroupFactory, online

pytestmark = pytest.mark.django_db
POINTS = "/infrastructure/charge-points/"
PART = {"HX-Request": "true", "HX-Target": "list"}
NOW = timezone.now()


@pytest.fixture
def points() -> dict[str, ChargePoint]:
    made: dict[str, ChargePoint] = {
        "A": online(
            evse_id="A",
            location="Süd",
            city="Köln",
            country="DEU",
            operator="Op",
            vendor="Acme",
            model="M1",
            firmware="1.0",
            connector_standard="IEC_62196_T2",
            power_type="AC_3_PHASE",
            max_power_kw=22,
            tags=["roof"],
        ),
        "B": ChargePointFactory(
            evse_id="B",
            city="Bonn",
            vendor="Acme",
            power_type="DC",
            max_power_kw=150,
            state={
                "last_seen": NOW - timedelta(days=3),
                "connectivity": "silent",
                "status": "Faulted",
                "ocpp_version": "ocpp1.6",
            },
        ),
        "C": ChargePointFactory(evse_id="C", city="Bonn"),
    }
    NotificationGroupFactory(name="none", members=[made["A"]])
    NotificationGroupFactory(name="West", members=[made["A"], made["B"]])
    IncidentFactory(charge_point=made["B"], case="UNAVAILABLE", opened_at=NOW - timedelta(days=2))
    ended = {"closed_at": NOW - timedelta(hours=2), "close_reason": "life"}
    IncidentFactory(charge_point=made["A"], case="UNAVAILABLE", opened_at=NOW - timedelta(days=5), **ended)
    old = {"closed_at": NOW - timedelta(days=39), "close_reason": "cleared"}
    IncidentFactory(charge_point=made["C"], case="SENSORS", opened_at=NOW - timedelta(days=40), **old)
    return made


def found(client: Client, query: str) -> str:
    return "".join(row.evse_id for row in client.get(f"{POINTS}?{query}", headers=PART).context["page"].rows)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=faulted", "B"),
        ("status=Faulted", "B"),
        ("connectivity=online&connectivity=silent", "AB"),
        ("since=<1d", "A"),
        ("since=>1d", "B"),
        ("since=>7d", ""),
        ("since=<1h", ""),
        ("seen=<15m", "A"),
        ("seen=>1d", "B"),
        ("seen=never", "C"),
        ("open=unavailable", "B"),
        ("open=none", "AC"),
        ("history=unavailable", "AB"),
        ("history=sensors", ""),
        ("history=none", "C"),
        ("group=none", "C"),
        ("group=any", "AB"),
        ("group==West", "AB"),
        ("group==none", "A"),
        ("group=none&group==none", "AC"),
        ("location=S%C3%BCd", "A"),
        ("city=Bonn", "BC"),
        ("city=Bon", ""),
        ("city=Bonn&city=K%C3%B6ln", "ABC"),
        ("country=DEU", "A"),
        ("operator=Op", "A"),
        ("vendor=Acme&city=Bonn", "B"),
        ("model=M1", "A"),
        ("firmware=1.0", "A"),
        ("protocol=ocpp1.6", "B"),
        ("plug=IEC_62196_T2", "A"),
        ("current=dc", "B"),
        ("power_min=50", "B"),
        ("power_max=50", "A"),
        ("tag=roof", "A"),
        ("tag=none", "BC"),
        ("status=faulted&q=city:köln", ""),
        ("status=", "ABC"),
    ],
)
def test_filters_narrow_the_list(viewer: Client, points: Any, query: str, expected: str) -> None:
    assert found(viewer, query) == expected


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("status=fauled", "Did you mean “faulted”?"),
        ("since=soon", "takes an age"),
        ("city=" + "x" * 301, "This cannot be filtered by."),
        ("power_min=x", "Enter a number."),
    ],
)
def test_what_cannot_be_filtered_by_is_said_and_leaves_the_list(
    viewer: Client, points: Any, query: str, says: str
) -> None:
    response = viewer.get(f"{POINTS}?{query}")
    assert says in html.unescape(response.content.decode())
    assert len(response.context["page"].rows) == 3


def choices(client: Client, url: str, name: str) -> list[tuple[str, str, bool]]:
    """A filter's choices as (value, label with count, checked)."""
    page = client.get(url).content.decode()
    boxes = re.findall(rf'<input[^>]* name="{name}" value="([^"]*)"( checked)?[^>]*>(.*?)</label>', page)
    return [
        (html.unescape(value), " ".join(re.sub("<[^>]*>", " ", label).split()), bool(checked))
        for value, checked, label in boxes
    ]


def test_choices_come_with_their_counts(viewer: Client, points: Any) -> None:
    assert choices(viewer, POINTS, "city") == [("Bonn", "Bonn 2", False), ("Köln", "Köln 1", False)]
    assert choices(viewer, POINTS, "connectivity") == [
        ("never", "Never seen 1", False),
        ("online", "Online 1", False),
        ("silent", "Silent 1", False),
        ("offline", "Disconnected 0", False),
    ]
    assert choices(viewer, POINTS, "open")[1:] == [
        ("unavailable", "Unavailable 1", False),
        ("sensors", "Sensors 0", False),
        ("other_fault", "Other fault 0", False),
        ("any", "any 1", False),
        ("none", "none 2", False),
    ]
    assert choices(viewer, POINTS, "group") == [
        ("none", "none 1", False),
        ("any", "any 2", False),
        ("=West", "West 2", False),
        ("=none", "none 1", False),
    ]


def test_what_is_chosen_stays_checked_even_beyond_the_first_ones(viewer: Client, points: Any) -> None:
    for number in range(12):
        for _ in range(2):
            ChargePointFactory(city=f"Town {number:02}")
    shown = choices(viewer, f"{POINTS}?city=Aachen&status=FAULTED", "city")
    assert len(shown) == 11
    assert shown[-1] == ("Aachen", "Aachen", True)
    assert ("faulted", "Faulted 1", True) in choices(viewer, f"{POINTS}?status=FAULTED", "status")
    assert "more: type <code>city:</code>" in viewer.get(POINTS).content.decode()


def test_chips_of_filters_say_what_they_mean_and_lead_on_without_them(viewer: Client, points: Any) -> None:
    response = viewer.get(f"{POINTS}?group==West&group=none&seen=>1d&connectivity=SILENT&power_min=5")
    chips = {chip.text: chip.url for chip in response.context["chips"]}
    assert list(chips) == [
        "Connectivity: Silent",
        "Last seen: more than a day ago",
        "Group: West",
        "Group: none",
        "Power (kW): 5…",
    ]
    for text, url in chips.items():
        left = {chip.text for chip in viewer.get(POINTS + url).context["chips"]}
        assert left == set(chips) - {text}


def test_a_part_without_filters_counts_nothing(viewer: Client, points: Any, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(12) as captured:
        viewer.get(POINTS, headers={"HX-Request": "true", "HX-Target": "list"})
    assert not any("WITH found" in query["sql"] for query in captured.captured_queries)


@pytest.mark.parametrize(
    "url",
    ["/infrastructure/groups/", "/infrastructure/incidents/", "/outbox/deliveries/", "/outbox/events/"],
)
def test_other_lists_have_filters_with_counts_too(viewer: Client, points: Any, url: str) -> None:
    assert 'class="facet-value"' in viewer.get(url).content.decode()


def test_a_filter_is_drawn_anew_when_anything_that_it_shows_has_changed(viewer: Client, points: Any) -> None:
    before = choices(viewer, POINTS, "city")
    chosen = choices(viewer, f"{POINTS}?city=Bonn", "city")
    assert [checked for _value, _label, checked in chosen] == [value == "Bonn" for value, _label, _checked in chosen]
    assert choices(viewer, POINTS, "city") == before
    ChargePointFactory(evse_id="D", city="Bonn")
    assert choices(viewer, POINTS, "city") != before
    german = viewer.get(POINTS, headers={"Accept-Language": "de"}).content.decode()
    assert "<summary>Stadt" in german
    assert "<summary>City" in viewer.get(POINTS).content.decode()


def test_the_panel_of_a_long_list_shows_its_last_count(
    viewer: Client, points: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "LIVE_ROWS", 2)
    refresh_counts(now=NOW)
    before = choices(viewer, POINTS, "city")
    assert choices(viewer, f"{POINTS}?sort=city&page=2", "city") == before
    german = viewer.get(POINTS, headers={"Accept-Language": "de"}).content.decode()
    assert "<summary>Stadt" in german
    # A choice is drawn for itself, and does not stay for the next one.
    chosen = choices(viewer, f"{POINTS}?city=Bonn", "city")
    assert [checked for _value, _label, checked in chosen] == [value == "Bonn" for value, _label, _checked in chosen]
    assert choices(viewer, f"{POINTS}?power_min=20", "city") == choices(viewer, POINTS, "city") == before
    ChargePointFactory(evse_id="D", city="Bonn")
    assert choices(viewer, POINTS, "city") == before
    refresh_counts(now=NOW + timedelta(minutes=10))
    assert choices(viewer, POINTS, "city") != before


@pytest.mark.parametrize(
    ("query", "idle"),
    [
        ("", True),
        ("q=city:bonn&sort=city&page=3&was=x&as=csv", True),
        ("city=Bonn", False),
        ("city=", False),
        ("power_min=1", False),
        ("power_max=", False),
        ("q=x&tag=a&tag=b", False),
        ("cit=Bonn", True),
    ],
)
def test_only_parameters_of_its_own_filter(query: str, idle: bool) -> None:
    assert ChargePointFilters.is_idle(QueryDict(query)) is idle


@pytest.mark.parametrize("stored_rows", [2, 10_000])
def test_counts_are_of_the_rows_that_the_search_selects(
    viewer: Client, points: Any, monkeypatch: pytest.MonkeyPatch, stored_rows: int
) -> None:
    """Also of a long list, whose values are counted beforehand while nothing is searched for."""
    monkeypatch.setattr(stored, "LIVE_ROWS", stored_rows)
    refresh_counts(now=NOW)
    assert {value for value, _label, _checked in choices(viewer, POINTS, "city")} == {"Bonn", "Köln"}
    assert choices(viewer, f"{POINTS}?q=city:bonn", "city") == [("Bonn", "Bonn 2", False)]


def test_counts_follow_the_search_in_every_list(owner: User, world: World) -> None:
    """Every list has the panel; what nothing matches counts nothing, on the page and in the panel that follows."""
    client, wrong = client_of(owner), []
    for route, page in LISTS:
        path, nothing = path_of(route, world), {"q": "zzznothing"}
        whole = client.get(path, nothing).content.decode()
        typed = {"HX-Request": "true", "HX-Target": page.list_id, "HX-Trigger": f"{page.list_id}-form"}
        rows = client.get(path, nothing, headers=typed).content.decode()
        panel = client.get(path, nothing, headers=typed | {"HX-Target": f"{page.list_id}-filters"}).content.decode()
        counts = [re.findall(r'facet-count">([^<]*)<', html) for html in (whole, panel)]
        asks = f'hx-target="#{page.list_id}-filters"' in rows
        if counts[0] != counts[1] or set(counts[0]) - {"0"} or not asks or 'class="facet"' not in panel:
            wrong.append((page.key, counts, asks))
    assert wrong == []
