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
from core.corrections import Corrections


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
        "name: must be text, not a whole number",
        "inner.size: must be a whole number of at least 1",
        "`name` is missing.",
    ]


class Pair(msgspec.Struct):
    first: str
    second: str
    third: str = ""


def test_everything_that_is_missing_is_named_at_once() -> None:
    batch = BatchDecoder(Pair, Corrections(Pair)).decode(b'[{"third": "a"}, {"second": "b"}]')
    assert [error for _index, error in batch.rejected] == [
        "`first`, `second` are missing.",
        "`first` is missing.",
    ]


def test_a_bad_object_alone_is_rejected_like_one_of_many() -> None:
    assert decoded('{"name": 5}') == ([], [(0, "name: must be text, not a whole number")])


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
        "[" * 100_000,
        "[7, " + "[" * 100_000 + "]" * 100_000 + "]",
        '{"x":' * 100_000,
        b"\x00",
        "NaN",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_json_is_malformed_wherever_it_breaks(body: bytes | str) -> None:
    problem = refused(body)
    assert problem.status == 400
    assert problem.detail.startswith("The body is not valid JSON")


GOOD = b'{"name": "a"}'
DIRT = {
    "no UTF-8": b'{"name": "\xff"}',
    "Latin-1": '{"name": "Münster"}'.encode("latin-1"),
    "half a pair": b'{"name": "\\ud83d"}',
    "half a pair in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "NUL": b'{"name": "a\\u0000"}',
    "raw NUL": b'{"name": "a\0"}',
    "control": b'{"name": "a\nb\x07"}',
    "no number": b'{"name": "a", "more": [NaN, -Infinity]}',
    "no text": b'{"name": 1e400}',
    "too deep": b'{"name": "a", "more": ' + b"[" * 3000 + b"]" * 3000 + b"}",
    "never closed": b'{"name": "a", "more": [}',
    "no key": b'{"name": "a", 7: 1}',
    "a word": b"broken",
    "bad escape": b'{"name": "\\x"}',
}


@pytest.mark.parametrize("dirt", DIRT.values(), ids=DIRT)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_is_no_json_spoils_its_own_item_alone_and_is_named(dirt: bytes, place: int) -> None:
    items = [GOOD, GOOD]
    items.insert(place, dirt)
    batch = DECODER.decode(b"[" + b", ".join(items) + b"]")
    assert {0, 1, 2} - {place} <= {index for index, _item in batch.items}
    assert [index for index, _sentence in batch.rejected + batch.warnings] == [place]
    assert all(item.name for _index, item in batch.items)


@pytest.mark.parametrize("dirt", ["no UTF-8", "Latin-1", "half a pair", "NUL", "raw NUL", "control", "no number"])
def test_a_text_that_was_spoilt_does_not_cost_its_item(dirt: str) -> None:
    for body in (DIRT[dirt], b"[" + DIRT[dirt] + b"]"):
        batch = DECODER.decode(body)
        assert (len(batch.items), batch.rejected, len(batch.warnings)) == (1, [], 1)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ['{"name": "ä"}', ' [{"name": "ä"}]'])
def test_a_body_in_another_encoding_is_read(encoding: str, text: str) -> None:
    assert decoded(text.strip().encode(encoding)) == ([(0, "ä")], [])


def test_objects_line_by_line_are_a_batch() -> None:
    taken, rejected = decoded('{"name": "a"}\n\n{"name": 5}\r\n{"name": "b", , 7}\n{"name": "c"}\n')
    assert taken == [(0, "a"), (3, "c")]
    assert [index for index, _error in rejected] == [1, 2]


def test_of_a_body_that_is_cut_off_the_whole_items_are_taken() -> None:
    whole = '[{"name": "a"}, {"name": "b, ]"}, {"name": "c"}]'
    for end in range(len(whole)):
        complete = [name for name in ("a", "b, ]", "c") if f'"{name}"}}' in whole[:end]]
        if complete:
            batch = DECODER.decode(whole[:end].encode())
            assert [item.name for _index, item in batch.items] == complete
            assert all(error == "The body ends within this item." for _index, error in batch.rejected)
        else:
            assert refused(whole[:end]).status == 400


def test_a_comma_too_many_costs_nothing() -> None:
    assert decoded('[{"name": "a"}, {"name": "b"},\n]') == ([(0, "a"), (1, "b")], [])
    for body in ('{"name": "a,}",\n}', '[{"name": "a,}",}]', '{"name": "a,}",, "more": [1, 2,]}'):
        batch = DECODER.decode(body.encode())
        assert ([item.name for _index, item in batch.items], len(batch.warnings)) == (["a,}"], 1)


@pytest.mark.parametrize(
    ("behind", "taken", "rejected"),
    [
        ("xxx", 2, [2]),
        ("\nOK 200", 2, [2]),
        ("]", 2, []),
        ('\n[{"name": "c"}, 7]', 3, [3]),
        ('{"name": "c"}', 3, []),
        (', {"name": "c"}]', 3, []),
        ('[{"name": "c"', 2, [2]),
    ],
)
def test_what_follows_an_array_costs_itself_alone(behind: str, taken: int, rejected: list[int]) -> None:
    batch = DECODER.decode(('[{"name": "a"}, {"name": "b"}]' + behind).encode())
    assert ([index for index, _item in batch.items], [index for index, _error in batch.rejected]) == (
        list(range(taken)),
        rejected,
    )


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


def joined(parts: list[int | bytes]) -> bytes:
    return b"".join(bytes([part]) if isinstance(part, int) else part for part in parts)


@given(
    st.binary(max_size=50)
    | st.text(max_size=50).map(str.encode)
    | st.lists(st.sampled_from([b"[", b"]", b"{", b"}", b",", b'"', b"\\", b"1e999", GOOD, b"\xff", b"\n"])).map(
        b"".join
    )
)
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
