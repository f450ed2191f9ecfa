"""What a reader of a schema refuses is said in words of people, at every door and of every kind of error."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.apps import apps

from core.schema_words import pointer_of, readable

ROOT = Path(__file__).parents[2]
OURS = {"core", "outbox", "console", "infra_notifications", "bikeshare", "vehicles", "fleet_remotes"}
# What msgspec says, and nobody else.
TECHNICAL = re.compile(r"Expected|Object (missing|contains)|Invalid |`\$|, got |`\w+ \| |[<>]=")
WRONG: list[Any] = [None, "", "x" * 70_000, -1, -(10**9), 10**12, 1.5, 1e300, True, [], {}, [None], [[]], {"x": None}]
WRONG += [{"x": [5]}, ["x"] * 2_000, "2026-13-45"]


def _structs(parent: type = msgspec.Struct) -> Iterator[type[msgspec.Struct]]:
    struct: type[msgspec.Struct]
    for struct in parent.__subclasses__():
        if struct.__module__.partition(".")[0] in OURS:
            yield struct
        yield from _structs(struct)


STRUCTS = sorted(
    {struct for struct in _structs() if apps.ready}, key=lambda struct: (struct.__module__, struct.__name__)
)


def _refusals(struct: type[msgspec.Struct]) -> Iterator[msgspec.ValidationError]:
    fields = [field.encode_name for field in msgspec.structs.fields(struct)]
    tag = {struct.__struct_config__.tag_field: struct.__struct_config__.tag} if struct.__struct_config__.tag else {}
    documents = [{**tag, name: value} for name, value in itertools.product(fields, WRONG)]
    for document in (*WRONG, {}, {"no such": 1}, *documents):
        try:
            msgspec.convert(document, struct, strict=True)
        except msgspec.ValidationError as error:
            yield error


@pytest.mark.parametrize("struct", STRUCTS, ids=str)
def test_every_refusal_of_every_schema_is_a_sentence_of_people(struct: type[msgspec.Struct]) -> None:
    for error in _refusals(struct):
        said = readable(error)
        assert not TECHNICAL.search(said), f"{error} → {said}"
        assert re.fullmatch(r"(/[^/\[\]`]+)*", pointer_of(error)), str(error)


def test_the_place_and_what_is_wrong_are_named() -> None:
    class Inner(msgspec.Struct, forbid_unknown_fields=True):
        size: int
        names: list[str] = []

    for document, sentence, pointer in (
        ({"size": "x"}, "size: must be a whole number, not text", "/size"),
        ({"size": 1, "names": ["a", 5]}, "names[1]: must be text, not a whole number", "/names/1"),
        ({}, "`size` is missing.", "/size"),
        ({"size": 1, "y": 1}, "there is no field `y`", ""),
        (5, "It must be an object, not a whole number.", ""),
    ):
        with pytest.raises(msgspec.ValidationError) as error:
            msgspec.convert(document, Inner)
        assert (readable(error.value), pointer_of(error.value)) == (sentence, pointer)


def _said_as_they_are(tree: ast.AST) -> Iterator[int]:
    """Lines of handlers of msgspec's errors that give its words on."""
    for handler in ast.walk(tree):
        if not isinstance(handler, ast.ExceptHandler) or handler.type is None:
            continue
        if "msgspec.ValidationError" not in ast.unparse(handler.type):
            continue
        for node in ast.walk(handler):
            spoken: list[ast.expr] = [node.value] if isinstance(node, ast.FormattedValue) else []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("str", "repr"):
                spoken = node.args
            yield from (one.lineno for one in spoken if isinstance(one, ast.Name) and one.id == handler.name)


def test_nobody_gives_the_readers_own_words_on() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for folder in sorted(OURS)
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line in _said_as_they_are(ast.parse(path.read_text()))
    ]
    assert not found, "say readable(error)"
    assert list(_said_as_they_are(ast.parse("try: 1\nexcept msgspec.ValidationError as e: raise X(f'{e}') from e")))
