"""Conditions on events: Magic Search, evaluated in Python on what an event tells."""

from __future__ import annotations

import contextlib
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.search import SearchError
from outbox.event_kinds import EventKind, field_words, kind_of, registered
from outbox.subscriptions.conditions import EventView, check_condition, compile_condition, fields_of
from tests.outbox.kit import Note

PAYLOAD = {
    "charge_point": {
        "evse_id": "DE*ABC*E0001*1",
        "city": "Paris 11e",
        "power": 22,
        "tags": ["garage", "süd"],
        "name": "",
        "price": "12.50",
        "kind": "socket",
    },
    "incident": {"opened_at": "2026-11-21T05:40:00Z", "closed_at": None, "repeats": 0, "known": True},
    "items": [{"code": 7}, {"code": 11}],
}
EVENT = EventView("charge_point.fuse_tripped", "charging", "critical", "charge_point:7", PAYLOAD)


def takes(text: str, event: EventView = EVENT) -> bool:
    return compile_condition(text)(event)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "city:paris",
        "CITY:PARIS",
        "city:bonn,paris",
        "-city:bonn",
        'city:"paris 11e"',
        "charge_point.city:paris",
        "data.charge_point.city:paris",
        "tags:sud",
        "tags:garage tags:süd",
        "power:22",
        "power:22.0",
        "power:>=22",
        "power:>21,5",
        "power:11..22",
        "power:..22",
        "power:22..",
        "price:>12",
        "price:12.50",
        "code:11",
        "code:>10",
        "-code:8..10",
        "name:none",
        'name:""',
        "name:none,bonn",
        "closed_at:none",
        "opened_at:any",
        "no_such_field:none",
        "opened_at:>=2026-11-21",
        "opened_at:2026-11-21..2026-11-21",
        "opened_at:<2026-11-22",
        "opened_at:<=2026-11-21",
        'opened_at:>"2026-11-21 05:39"',
        "known:yes",
        "known:true",
        "-known:no",
        "repeats:0",
        "kind:charge_point.*",
        "kind:*",
        "KIND:Charge_Point.Fuse_Tripped",
        "domain:charg*",
        "type:charge_point.fuse_tripped",
        "data.charge_point.kind:socket",
        "severity:critical",
        "severity:>=warning",
        "severity:warning..critical",
        "severity:warning..",
        "severity:info,critical",
        "-severity:<warning",
        "domain:charging",
        "about:charge_point:7",
        "subject:point:7",
        "paris",
        '"paris 11"',
        "de*abc",
        "-bonn",
        "fuse_tripped garage",
    ],
)
def test_condition_takes_the_event(text: str) -> None:
    assert takes(text)


@pytest.mark.parametrize(
    "text",
    [
        "city:bonn",
        "-city:paris",
        "city:none",
        "city:any -city:any",
        "city:paris power:>50",
        "other.city:paris",
        "power:2",
        "power:>=50",
        "power:>22",
        "power:<22",
        "power:23..",
        "code:8..10",
        "known:no",
        "known:1",
        "repeats:no",
        "city:>5",
        "opened_at:>2026-11-21",
        "opened_at:<2026-11-21",
        "opened_at:..2026-11-20",
        "kind:trip.*",
        "kind:socket",
        "kind:fuse",
        "domain:charg",
        "type:charge_point.fuse",
        "severity:warning",
        "severity:<critical",
        "no_such_field:any",
        "no_such_field:0",
        "bonn",
        '"11e garage"',
        "-paris",
    ],
)
def test_condition_leaves_the_event(text: str) -> None:
    assert not takes(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("power:>=many", "number or a time"),
        ("power:>=", "number or a time"),
        ("power:1..lots", "number or a time"),
        ("opened_at:>2026-13-40", "number or a time"),
        ("opened_at:<9999-12-31", "number or a time"),
        ("severity:hot", "info, action, warning, critical"),
        ("severity:>=", "info, action, warning, critical"),
        ("kind:trip*", "no topic"),
        ("kind:*.mark", "no topic"),
        ("x" * 10_001, "too long"),
        ("a:b " * 101, "too many"),
    ],
)
def test_malformed_condition_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(SearchError, match=said):
        compile_condition(text)


def test_misspelled_severity_is_answered_with_the_right_one() -> None:
    with pytest.raises(SearchError) as caught:
        compile_condition("severity:critcal")
    assert caught.value.suggestion == "severity:critical"


# ---- fields of the chosen kinds -----------------------------------------------------------------------------------


class Place(msgspec.Struct):
    city: str
    near: list[Place] = []


class Seen(msgspec.Struct):
    place: Place
    level: int | None = None
    mood: Literal["calm", "grim"] = "calm"


class Anything(msgspec.Struct):
    data: dict[str, Any]


SEEN = EventKind("test.seen", "Seen", "", "test", Seen, Seen(Place("Köln")))
OPEN = EventKind("test.open", "Open", "", "test", Anything, Anything({}))


def test_fields_of_a_kind_are_every_end_of_every_path() -> None:
    assert fields_of(SEEN) == {"city", "place.city", "data.place.city", "level", "data.level", "mood", "data.mood"}


def test_field_of_none_of_the_kinds_is_refused_with_a_near_one() -> None:
    check_condition("place.city:köln level:>3 severity:info mood:calm Köln", [SEEN])
    with pytest.raises(SearchError, match="Did you mean “city”") as caught:
        check_condition("ctiy:köln", [SEEN])
    assert caught.value.suggestion == "city"


def test_payload_of_any_form_may_hold_any_field() -> None:
    check_condition("ctiy:köln", [SEEN, OPEN])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('city:paris "unclosed', "not closed"),
        ('city:"', "not closed"),
        ("city:paris OR", "joins nothing"),
        ("city:paris AND city:lyon", "joins nothing"),
        ("(((", "joins nothing"),
        ("city:paris || x", "joins nothing"),
        ("city:", "no value"),
        ("(city:paris", "joins nothing"),
        ("-city: severity:critical", "no value"),
        ("severty:critical", "Did you mean “severity”"),
    ],
)
def test_a_condition_that_is_kept_is_finished(text: str, said: str) -> None:
    with pytest.raises(SearchError, match=said):
        check_condition(text, [SEEN, OPEN])


@pytest.mark.parametrize("text", ["", 'city:"new york" "OR"', 'city:""', "or paris", "a-b (x)", r'"a \"b\""', "a:b"])
def test_a_finished_one_is_taken(text: str) -> None:
    check_condition(text, [SEEN, OPEN])


def test_registered_kinds_of_the_domains_can_be_asked_for_their_city() -> None:
    check_condition("city:paris", [kind_of("charge_point.fuse_tripped")])


def test_every_field_with_words_of_its_own_is_compared_as_a_whole() -> None:
    """Closed lists by schema or by an app, and programmes; of another customer nobody hears."""
    closed = {name.rpartition(".")[2] for name, words in field_words.items() if not words.is_open} | {"program"}
    for kind in registered.values():
        defs = kind.schema().get("$defs", {}).values()
        closed |= {
            name
            for part in (kind.schema(), *defs)
            for name, inner in part.get("properties", {}).items()
            if "enum" in inner
        }
    for name in closed - {"severity"}:
        view = EventView("test.seen", "test", "info", "seen:1", {name: "Lyon-Süd"})
        for fitting in ("lyon-sud", "LYON-SÜD", "lyon*", "*sud", "*on*su*", "*"):
            assert takes(f"{name}:{fitting}", view), (name, fitting)
        for other in ("lyon", "sud", "yon*", "lyon-sud2", "*lyon"):
            assert not takes(f"{name}:{other}", view), (name, other)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.datetimes().map(str)
    | st.sampled_from(["9999-12-31", "9999-12-31T23:59:59.999999", "0001-01-01T00:00:00+14:00", "1e999999", "NaN"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["city", "power", "at", "place"]), VALUES),
    st.sampled_from(
        [
            "city:paris",
            "power:>=50",
            "power:1..2",
            "at:<2026-11-21",
            "at:2026-01-01..",
            "city:none",
            "-city:any",
            "x",
            "place.city:paris",
            "power:5",
            "city:yes",
            'at:>"9998-12-31 05:39"',
        ]
    ),
)
def test_no_payload_breaks_a_condition(payload: dict[str, Any], text: str) -> None:
    """It would break its publisher's transaction."""
    assert takes(text, EventView("test.note", "test", "info", "note:1", payload)) in (True, False)


@given(st.text(max_size=60))
def test_every_text_is_a_condition_or_a_sentence(text: str) -> None:
    with contextlib.suppress(SearchError):
        assert takes(text, EventView("test.note", "test", "info", "note:1", msgspec.to_builtins(Note()))) in (
            True,
            False,
        )
