"""What Magic Search suggests while typing: the names of fields, then their values with counts."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from core.search import parse, stored
from core.search.caret import Typing, replaced, typing_at
from core.search.stored import refresh_counts
from infra_notifications.models import ChargePoint
from infra_notifications.search import CHARGE_POINT_SEARCH
from tests.factories.infra_notifications import ChargePointFactory, IncidentFactory, NotificationGroupFactory, online
from tests.infra_notifications.helpers import NOW

POINTS = "/infrastructure/charge-points/"

# ---- the piece before the caret -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "piece", "prefix", "field"),
    [
        ("|", "", "", None),
        ("ci|", "ci", "ci", None),
        ("köln ci|", "ci", "ci", None),
        ("köln ci|ty", "city", "ci", None),
        ("ci|ty:köln", "city:köln", "ci", None),
        ("köln |", "", "", None),
        ("köln | bonn", "", "", None),
        ("-ci|", "ci", "ci", None),
        ("city:|", "", "", "city"),
        ("City:Kö|", "Kö", "Kö", "city"),
        ("-city:Kö| x", "Kö", "Kö", "city"),
        ("status:faulted,un|", "un", "un", "status"),
        ("status:faulted,|", "", "", "status"),
        ("status:fau|lted,unavailable", "faulted", "fau", "status"),
        ('city:"Köln S|', '"Köln S', "Köln S", "city"),
        ('city:"Köln S|üd" x', '"Köln Süd"', "Köln S", "city"),
        ('city:"Köln, Süd","B|', '"B', "B", "city"),
        ('"köln s|', '"köln s', "köln s", None),
        ('city:"Köln Süd" |', "", "", None),
        ("2nd:x|", "2nd:x", "2nd:x", None),
    ],
)
def test_the_piece_that_is_typed(typed: str, piece: str, prefix: str, field: str | None) -> None:
    caret = typed.index("|")
    text = typed.replace("|", "")
    found = typing_at(text, caret)
    assert (text[found.start : found.end], found.prefix, found.field) == (piece, prefix, field)


@pytest.mark.parametrize(
    ("typed", "piece", "then"),
    [
        ("ci|", "city:", "city:|"),
        ("köln ci| bonn", "city:", "köln city:| bonn"),
        ("city:Kö|", "Köln", "city:Köln |"),
        ("city:Kö| x", "Köln", "city:Köln |x"),
        ('-city:"K|" x', '"Köln Süd"', '-city:"Köln Süd" |x'),
        ("status:faulted,un|", "unavailable", "status:faulted,unavailable |"),
    ],
)
def test_a_piece_takes_its_place(typed: str, piece: str, then: str) -> None:
    caret = typed.index("|")
    text = typed.replace("|", "")
    new, place = replaced(text, typing_at(text, caret), piece)
    assert new[:place] + "|" + new[place:] == then


@given(st.text(alphabet='ab:",-\\ é<.', max_size=12), st.integers(-1, 13))
def test_every_text_and_caret_has_a_piece(text: str, caret: int) -> None:
    found = typing_at(text, caret)
    assert isinstance(found, Typing)
    assert 0 <= found.term_start <= found.start <= found.end <= len(text)
    new, place = replaced(text, found, "city:")
    assert new[:place].endswith("city:")
    parse(new)


# ---- what a list suggests -------------------------------------------------------------------------------------------


def options(client: Client, text: str, url: str = POINTS, caret: int | None = None) -> list[tuple[str, str]]:
    """The options as (what is shown, the text that it makes)."""
    response = client.get(url, {"as": "suggestions", "text": text} | ({} if caret is None else {"caret": caret}))
    assert response.status_code == 200
    found = re.findall(r'data-text="([^"]*)".*?>(.*?)</li>', response.content.decode())
    return [(" ".join(html.unescape(re.sub("<[^>]*>", " ", shown)).split()), html.unescape(t)) for t, shown in found]


def shown(client: Client, text: str, url: str = POINTS) -> list[str]:
    return [text for text, _new in options(client, text, url)]


@pytest.fixture
def points(db: None) -> list[ChargePoint]:
    made: list[ChargePoint] = [
        online(evse_id="DE*TST*E1", city="Köln", vendor="Acme", tags=["deck 3", "roof"], power_type="DC"),
        online(evse_id="DE*TST*E2", city="Köln", vendor="Other", tags=["roof"], power_type="AC_3_PHASE"),
        ChargePointFactory(evse_id="DE*TST*E3", city='Bad "X"', vendor="Acme", location="Köln, Hof"),
        ChargePointFactory(evse_id="DE*TST*E4", city="", vendor="none"),
    ]
    made[0].state.status = "Faulted"
    made[0].state.save()
    NotificationGroupFactory(name="Köln Süd", members=made[:2])
    NotificationGroupFactory(name="none", members=made[1:2])
    IncidentFactory(charge_point=made[0])
    return made


@pytest.fixture(params=["counted at once", "counted beforehand"])
def counted(request: pytest.FixtureRequest, points: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same suggestions come from a short list and from a long one."""
    if request.param == "counted beforehand":
        monkeypatch.setattr(stored, "LIVE_ROWS", 2)
        refresh_counts(now=NOW)


def test_nothing_typed_offers_every_field(viewer: Client, points: Any) -> None:
    assert [new for _shown, new in options(viewer, "")] == [f"{f.name}:" for f in CHARGE_POINT_SEARCH.facets]


def test_fields_are_found_by_name_alias_and_label(viewer: Client, points: Any) -> None:
    assert shown(viewer, "cit")[0] == "city: City"
    assert shown(viewer, "manu") == ["vendor: Vendor"]
    assert "plug: Connector standard" in shown(viewer, "connector")
    assert shown(viewer, "köln -ci")[0] == "city: City"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("city:", ["Köln 2", '"Bad \\"X\\"" 1']),
        ("city:KOL", ["Köln 2"]),
        ("-city:b", ['"Bad \\"X\\"" 1']),
        ("city:Köln,b", ['"Bad \\"X\\"" 1']),
        ("vendor:", ["Acme 2", "Other 1", "none 1"]),
        ("status:", ["faulted 1"]),
        ("connectivity:s", []),
        ("tag:", ["roof 2", '"deck 3" 1', "none without any", "any with one or more"]),
        ("tag:deck", ['"deck 3" 1']),
        ("current:", ["ac 1", "dc 1"]),
        ("open:", ["fuse_tripped Fuse tripped 1", "any 1", "none 3"]),
        ("group:", ["none 2", "any 2", '"Köln Süd" 2', '"none" 1']),
        ("group:s", ['"Köln Süd" 2']),
        ("seen:", ["<15m within the last 15 minutes", "<1h within the last hour", "today", "yesterday"]),
        ("power:>", [">=50kw at least"]),
        ("nothing:x", []),
        ("evse:DE", []),
        ("köl", ["city:Köln 2", 'group:"Köln Süd" 2', 'location:"Köln, Hof" 1']),
    ],
)
def test_values_come_with_their_counts(viewer: Client, counted: None, text: str, expected: list[str]) -> None:
    assert shown(viewer, text)[: len(expected)] == expected or shown(viewer, text) == expected
    if not expected:
        assert shown(viewer, text) == []


def test_what_is_chosen_selects_as_many_as_it_says(viewer: Client, counted: None) -> None:
    for field in ("city", "vendor", "status", "connectivity", "tag", "current", "open", "history", "group"):
        for text, new in options(viewer, f"{field}:"):
            if number := re.search(r" (\d+)$", text):
                found = viewer.get(POINTS, {"q": new}).context["page"].total
                assert found == int(number[1]), new


def test_values_of_a_members_list_are_those_of_the_members(viewer: Client, points: list[ChargePoint]) -> None:
    group = NotificationGroupFactory(members=points[2:3])
    members = f"/infrastructure/groups/{group.pk}/members/"
    assert shown(viewer, "city:", members) == ['"Bad \\"X\\"" 1']


def test_values_beyond_what_is_counted_come_without_numbers(
    viewer: Client, points: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.search.counts.count_live.__defaults__", (3,))
    assert shown(viewer, "vendor:acm") == ["Acme"]


@pytest.mark.parametrize(
    "url",
    [
        POINTS,
        "/infrastructure/groups/",
        "/infrastructure/incidents/",
        "/infrastructure/rules/",
        "/outbox/events/",
        "/outbox/deliveries/",
        "/audit/",
        "/api-keys/",
        "/infrastructure/charge-points/unknown/",
        "/infrastructure/rules/unmapped/",
    ],
)
@pytest.mark.parametrize("text", ["", "a", "name:", "😀" * 5000, "x" * 20_000, "city:\x00'; --", 'a:"', "\u200fשלום"])
def test_every_list_suggests_and_no_text_breaks_it(administrator: Client, points: Any, url: str, text: str) -> None:
    options(administrator, text, url)
    options(administrator, text, url, caret=3)


@pytest.mark.parametrize("caret", ["", "x", "-1", "²", "9" * 40])
def test_an_odd_caret_is_the_end(viewer: Client, points: Any, caret: str) -> None:
    response = viewer.get(POINTS, {"as": "suggestions", "text": "city:Kö", "caret": caret})
    assert "city:Köln " in response.content.decode()


def test_suggestions_ask_for_the_lists_permission(nobody: Client, points: Any) -> None:
    assert nobody.get(POINTS, {"as": "suggestions", "text": "city:"}).status_code == 403


# ---- half a term ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["city:", "status:fau", "köln seen:yester", "-open:fuse", "city:köln citty:x"])
def test_a_term_that_is_being_typed_is_no_error_yet(viewer: Client, points: Any, text: str) -> None:
    typing = {"HX-Request": "true", "HX-Target": "list", "X-Typing": "1"}
    response = viewer.get(POINTS, {"q": text, "was": "vendor:acme"}, headers=typing)
    assert response.context["search_error"] is None
    assert len(response.context["page"].rows) == 2
    assert response["HX-Replace-Url"] == "false"
    sent = viewer.get(POINTS, {"q": text, "was": "vendor:acme"})
    assert sent.context["search_error"] is not None


def test_an_error_before_what_is_typed_is_said(viewer: Client, points: Any) -> None:
    response = viewer.get(POINTS, {"q": "citty:köln acm"}, headers={"HX-Target": "list", "X-Typing": "1"})
    assert "Did you mean “city”?" in str(response.context["search_error"])


def test_a_field_without_a_value_says_what_to_type(viewer: Client, points: Any) -> None:
    response = viewer.get(POINTS, {"q": "City:"})
    assert str(response.context["search_error"]) == "“City:” needs a value, e.g. city:text"
    assert viewer.get(POINTS, {"q": '"city:"'}).context["search_error"] is None


def test_the_address_follows_what_is_readable(viewer: Client, points: Any) -> None:
    part = {"HX-Request": "true", "HX-Target": "list"}
    url = {"q": "köln", "was": "x", "power_min": "", "vendor": "Acme"}
    pushed = viewer.get(POINTS, url, headers=part)["HX-Push-Url"]
    assert pushed == f"{POINTS}?q=k%C3%B6ln&vendor=Acme"
    assert viewer.get(POINTS, url, headers=part | {"X-Typing": "1"})["HX-Replace-Url"] == pushed
