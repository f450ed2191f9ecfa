"""What a reader of a schema refuses is said in words of people, at every door and of every kind of error."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.apps import apps
from ninja import Schema
from pydantic import BaseModel, ValidationError

import config.urls  # noqa: F401 - all bodies are known
from core.schema_words import pointer_of, readable, sentence_of

ROOT = Path(__file__).parents[2]
OURS = {"core", "outbox", "console", "infra_notifications", "bikeshare", "vehicles", "fleet_remotes"}
# What msgspec says, and nobody else.
TECHNICAL = re.compile(r"Expected|Object (missing|contains)|Invalid |`\$|, got |`\w+ \| |[<>]=")
WRONG: list[Any] = [None, "", "x" * 70_000, -1, -(10**9), 10**12, 1.5, 1e300, True, [], {}, [None], [[]], {"x": None}]
WRONG += [{"x": [5]}, ["x"] * 2_000, "2026-13-45"]


def _below(parent: type[Any]) -> Iterator[type[Any]]:
    for child in parent.__subclasses__():
        if child.__module__.partition(".")[0] in OURS:
            yield child
        yield from _below(child)


STRUCTS = sorted(
    {struct for struct in _below(msgspec.Struct) if apps.ready}, key=lambda struct: (struct.__module__, struct.__name__)
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


def test_every_refusal_of_every_schema_is_a_sentence_of_people() -> None:
    assert len(STRUCTS) > 150
    for struct in STRUCTS:
        for error in _refusals(struct):
            said = readable(error)
            assert not TECHNICAL.search(said), f"{struct}: {error} → {said}"
            assert re.fullmatch(r"(/[^/\[\]`]+)*", pointer_of(error)), f"{struct}: {error}"


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


_READERS = re.compile(r"msgspec\.|MALFORMED|UNREADABLE|pydantic")


def _said_as_they_are(tree: ast.AST) -> Iterator[int]:
    """Lines of handlers of msgspec's errors that give its words on."""
    for handler in ast.walk(tree):
        if not isinstance(handler, ast.ExceptHandler) or handler.type is None:
            continue
        if not _READERS.search(ast.unparse(handler.type)):
            continue
        for node in ast.walk(handler):
            spoken: list[ast.expr] = [node.value] if isinstance(node, ast.FormattedValue) else []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("str", "repr"):
                spoken = node.args
            yield from (one.lineno for one in spoken if isinstance(one, ast.Name) and one.id == handler.name)


# What pydantic says, and nobody else.
PYDANTIC = re.compile(r"Input should|Field required|valid (string|list|int|number|bool|dict)|Value error|[<>]=|ctx")


def _errors_of(model: type[BaseModel]) -> Iterator[Mapping[str, Any]]:
    for document in (*({name: value} for name in model.model_fields for value in WRONG), {}, 5):
        try:
            model.model_validate(document)
        except ValidationError as error:
            yield from error.errors()


def test_every_refusal_of_every_body_is_a_sentence_of_people() -> None:
    said = {error["type"]: sentence_of(error) for model in _below(Schema) for error in _errors_of(model)}
    for kind, sentence in said.items():
        assert re.fullmatch(r"[A-Z].*[.?]", sentence), kind
        assert not PYDANTIC.search(sentence), kind
    assert said.keys() >= {"missing", "string_type", "list_type", "bool_parsing"}


def test_nobody_gives_the_readers_own_words_on() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for folder in sorted(OURS)
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line in _said_as_they_are(ast.parse(path.read_text()))
    ]
    assert not found, "say readable(error), of what is no JSON why_malformed(error)"
    assert list(_said_as_they_are(ast.parse("try: 1\nexcept msgspec.ValidationError as e: raise X(f'{e}') from e")))
