"""The batch contract: good items are taken, bad ones named, whatever stands around them."""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from core.api import Problem
from core.batches import MAX_ITEMS, BatchDecoder, batch_answer, batch_openapi, inline


class Inner(msgspec.Struct):
    size: Annotated[int, Meta(ge=1)]


class Thing(msgspec.Struct):
    name: str
    inner: Inner | None = None
    tags: list[str] = []


DECODER = BatchDecoder(Thing)


def decoded(body: bytes | str) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    batch = DECODER.decode(body.encode() if isinstance(body, str) else body)
    return [(index, item.name) for index, item in batch.items], batch.rejected


def refused(body: bytes | str) -> Problem:
    with pytest.raises(Problem) as caught:
        decoded(body)
    return caught.value


def test_one_object_is_a_batch_of_one() -> None:
    assert decoded('{"name": "a"}') == ([(0, "a")], [])
    assert decoded(' \r\n\t{"name": "a"}\n') == ([(0, "a")], [])


def test_an_array_keeps_its_order() -> None:
    assert decoded('[{"name": "b"}, {"name": "a"}]') == ([(0, "b"), (1, "a")], [])


def test_an_empty_array_holds_nothing() -> None:
    assert decoded("[]") == ([], [])


def test_unknown_fields_are_ignored() -> None:
    assert decoded('{"name": "a", "colour": {"deep": [1]}}') == ([(0, "a")], [])


def test_bad_items_are_named_and_their_neighbours_taken() -> None:
    taken, rejected = decoded('[{"name": "a"}, {"name": 5}, 7, null, {"name": "b"}, {}]')
    assert taken == [(0, "a"), (4, "b")]
    assert [index for index, _error in rejected] == [1, 2, 3, 5]


def test_a_rejection_names_the_field_and_what_it_wants() -> None:
    _taken, rejected = decoded('[{"name": 5}, {"name": "a", "inner": {"size": 0}}, {}]')
    assert [error for _index, error in rejected] == [
        "name: Expected `str`, got `int`",
        "inner.size: Expected `int` >= 1",
        "Object missing required field `name`",
    ]


def test_a_bad_object_alone_is_rejected_like_one_of_many() -> None:
    assert decoded('{"name": 5}') == ([], [(0, "name: Expected `str`, got `int`")])


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "{",
        "[",
        "]",
        "nul",
        "[1, {]",
        '{"name": 5, ',
        '[{"name": 5}, {]',
        '{"name": "a"},{"name": "b"}',
        '{"name": "a"}]',
        "[]]",
        '{"name": "a"} x',
        "'a'",
        '{"name": "\\ud800"}',
        '[7, {"name": "\\ud800"}]',
        "[" * 100_000,
        "[7, " + "[" * 100_000 + "]" * 100_000 + "]",
        '{"x":' * 100_000,
        b'{"name": "\xff"}',
        b'[7, {"name": "\xff"}]',
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b"\x00",
        "NaN",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_json_is_malformed_wherever_it_breaks(body: bytes | str) -> None:
    problem = refused(body)
    assert problem.status == 400
    assert problem.detail.startswith("The body is not valid JSON")


@pytest.mark.parametrize("body", ["null", "7", '"a"', "true", "1.5"])
def test_json_that_is_neither_object_nor_array_is_refused(body: str) -> None:
    assert refused(body).status == 422


def test_a_thousand_items_are_the_most() -> None:
    good, bad = '{"name": "a"}', "7"
    for item in (good, bad):
        assert sum(map(len, decoded("[" + ",".join([item] * MAX_ITEMS) + "]"))) == MAX_ITEMS
        assert refused("[" + ",".join([item] * (MAX_ITEMS + 1)) + "]").status == 413


@given(st.lists(st.one_of(st.just({"name": "a"}), st.integers(), st.none(), st.just({"name": 1})), max_size=20))
def test_every_item_is_taken_or_rejected_at_its_own_place(items: list[Any]) -> None:
    taken, rejected = decoded(json.dumps(items))
    assert sorted([index for index, _ in taken] + [index for index, _ in rejected]) == list(range(len(items)))
    assert [index for index, _ in taken] == [i for i, item in enumerate(items) if item == {"name": "a"}]


@given(st.binary(max_size=50) | st.text(max_size=50).map(str.encode))
def test_no_body_ends_in_anything_but_a_problem(body: bytes) -> None:
    problems = []
    try:
        decoded(body)
    except Problem as problem:
        problems.append(problem.status)
    assert not problems or problems[0] in (400, 422)


def test_the_answer_names_the_rejected_and_what_was_odd_in_their_order() -> None:
    assert batch_answer(1, 2, [(5, "late"), (3, "early")], [(2, "z"), (1, "b"), (2, "a")]) == {
        "accepted": 1,
        "duplicates": 2,
        "rejected": [{"index": 3, "error": "early"}, {"index": 5, "error": "late"}],
        "warnings": [
            {"index": 1, "warning": "b"},
            {"index": 2, "warning": "z"},
            {"index": 2, "warning": "a"},
        ],
    }


def test_the_description_shows_one_object_or_up_to_a_thousand() -> None:
    described = batch_openapi(Thing, {"small": {"name": "a"}})["requestBody"]["content"]["application/json"]
    one, many = described["schema"]["oneOf"]
    assert one["properties"]["name"] == {"type": "string"}
    assert many == {"type": "array", "items": one, "maxItems": MAX_ITEMS}
    assert described["examples"]["small"]["value"] == {"name": "a"}
    assert "$ref" not in json.dumps(described)


def test_references_are_replaced_wherever_they_stand() -> None:
    components = {"A": {"type": "array", "items": {"$ref": "#/c/B"}}, "B": {"type": "string"}}
    assert inline({"anyOf": [{"$ref": "#/c/A"}, 1]}, components) == {
        "anyOf": [{"type": "array", "items": {"type": "string"}}, 1]
    }
