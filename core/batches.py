"""The batch contract, once: one object or an array in, `{"accepted", "duplicates", "rejected", "warnings"}` out.

The good items of a batch are taken, the bad ones named by their index. msgspec decodes a whole batch at once; only
when an item is wrong are they decoded one by one, so that its neighbours are not lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from core.api import Problem

MAX_ITEMS = 1_000
Item = TypeVar("Item", bound=msgspec.Struct)
_ANYTHING = msgspec.json.Decoder(msgspec.Raw)


@dataclass
class Batch(Generic[Item]):
    """The items that decoded, each with its place in the batch, and what is wrong with the others.

    `warnings` names what was read although it was not spelt as it should be.
    """

    items: list[tuple[int, Item]]
    rejected: list[tuple[int, str]] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)


class BatchDecoder(Generic[Item]):
    """Decodes a body into items of one msgspec type.

    Raises Problem 400 when the body is no JSON, 413 above 1,000 items, 422 when it is neither object nor array.
    """

    def __init__(self, item_type: type[Item]) -> None:
        self._many = msgspec.json.Decoder(list[item_type])  # type: ignore[valid-type]
        self._one = msgspec.json.Decoder(item_type)
        self._raws = msgspec.json.Decoder(list[msgspec.Raw])

    def decode(self, body: bytes) -> Batch[Item]:
        start = body.lstrip()[:1]
        try:
            if start == b"[":
                return self._array(body)
            if start == b"{":
                return self._object(body)
            msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Problem(400, f"The body is not valid JSON: {error}.") from error
        raise Problem(422, "The body must be an object or an array of objects.")

    def _object(self, body: bytes) -> Batch[Item]:
        try:
            return Batch([(0, self._one.decode(body))])
        except msgspec.ValidationError as error:
            _ANYTHING.decode(body)  # a wrong field is found before what is malformed behind it
            return Batch([], [(0, readable(error))])

    def _array(self, body: bytes) -> Batch[Item]:
        try:
            items = self._many.decode(body)
        except msgspec.ValidationError:
            return self._one_by_one(body)
        self._check_size(len(items))
        return Batch(list(enumerate(items)))

    def _one_by_one(self, body: bytes) -> Batch[Item]:
        raws = self._raws.decode(body)
        self._check_size(len(raws))
        batch: Batch[Item] = Batch([])
        for index, raw in enumerate(raws):
            try:
                batch.items.append((index, self._one.decode(raw)))
            except msgspec.ValidationError as error:
                batch.rejected.append((index, readable(error)))
        return batch

    @staticmethod
    def _check_size(count: int) -> None:
        if count > MAX_ITEMS:
            raise Problem(413, f"A batch holds at most {MAX_ITEMS} items; this one has {count}.")


def readable(error: msgspec.ValidationError) -> str:
    """msgspec's message without its JSON path notation: "`action`: required, but missing"."""
    text = str(error)
    message, _, path = text.partition(" - at `$")
    return f"{path.rstrip('`').lstrip('.')}: {message}" if path.strip("`") else message


def batch_answer(
    accepted: int,
    duplicates: int,
    rejected: list[tuple[int, str]],
    warnings: Sequence[tuple[int, str]] = (),
) -> dict[str, Any]:
    """What a batch is answered; places and sentences by place, those of one item in the order they were said."""
    return {
        "accepted": accepted,
        "duplicates": duplicates,
        "rejected": [{"index": index, "error": error} for index, error in sorted(rejected)],
        "warnings": [
            {"index": index, "warning": warning} for index, warning in sorted(warnings, key=lambda said: said[0])
        ],
    }


def batch_openapi(item_type: type[msgspec.Struct], examples: dict[str, Any] | None = None) -> dict[str, Any]:
    """`openapi_extra` for an endpoint that reads its body by a BatchDecoder of this type."""
    schemas, components = msgspec.json.schema_components([item_type], ref_template="#/components/schemas/{name}")
    item = inline(schemas[0], components)
    media: dict[str, Any] = {
        "schema": {"oneOf": [item, {"type": "array", "items": item, "maxItems": MAX_ITEMS}]},
    }
    if examples:
        media["examples"] = {name: {"value": value} for name, value in examples.items()}
    answer = {
        "type": "object",
        "properties": {
            "accepted": {"type": "integer"},
            "duplicates": {"type": "integer"},
            "rejected": _sentences("error", "What was not taken, and why."),
            "warnings": _sentences("warning", "What was taken although it looked odd, and how it was read."),
        },
    }
    return {
        "requestBody": {"required": True, "content": {"application/json": media}},
        "responses": {202: {"description": "Committed", "content": {"application/json": {"schema": answer}}}},
    }


def _sentences(name: str, description: str) -> dict[str, Any]:
    item = {"type": "object", "properties": {"index": {"type": "integer"}, name: {"type": "string"}}}
    return {"type": "array", "description": description, "items": item}


def inline(schema: Any, components: dict[str, Any]) -> Any:
    """The schema with every reference replaced by what it refers to (our item types do not recurse)."""
    resolve: Callable[[Any], Any] = lambda part: inline(part, components)  # noqa: E731
    if isinstance(schema, dict):
        if "$ref" in schema:
            return resolve(components[schema["$ref"].rsplit("/", 1)[1]])
        return {key: resolve(value) for key, value in schema.items()}
    return [resolve(part) for part in schema] if isinstance(schema, list) else schema
