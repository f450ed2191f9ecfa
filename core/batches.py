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
from core.pieces import (
    CUT_BEHIND,
    CUT_OFF,
    MALFORMED,
    decode_piece,
    is_json,
    split_array,
    split_lines,
    why_malformed,
)
from core.text import as_utf8, clean_json

MAX_ITEMS = 1_000
Item = TypeVar("Item", bound=msgspec.Struct)
_WHOLE = msgspec.json.Decoder(msgspec.Raw)
# Strict readers take it, the database does not.
_NUL = b"\\u0000"
# What msgspec says of a number that no float holds, anywhere in an item.
OUT_OF_RANGE = "out of range"


@dataclass
class Batch(Generic[Item]):
    """The items that decoded, each with its place in the batch, and what is wrong with the others.

    `warnings` names what was read although it was not spelt as it should be. `is_single` when the body was one object.
    """

    items: list[tuple[int, Item]]
    rejected: list[tuple[int, str]] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)
    is_single: bool = False


class BatchDecoder(Generic[Item]):
    """Decodes a body into items of one msgspec type; newline-delimited objects are a batch too.

    Raises Problem 400 when the body is no JSON and no item of it is, 413 above 1,000 items, 422 when it is neither
    object nor array.
    """

    def __init__(self, item_type: type[Item]) -> None:
        self._many = msgspec.json.Decoder(list[item_type])  # type: ignore[valid-type]
        self._one = msgspec.json.Decoder(item_type)
        self._raws = msgspec.json.Decoder(list[msgspec.Raw])

    def decode(self, body: bytes) -> Batch[Item]:
        """The strict reader comes first; only what it refuses is read with pains."""
        error: Exception | None = None
        if _NUL not in body:
            try:
                return self._strictly(body)
            except MALFORMED as malformed:
                error = malformed
        return self._leniently(as_utf8(body), error)

    def _strictly(self, body: bytes) -> Batch[Item]:
        start = body.lstrip()[:1]
        if start == b"[":
            return self._array(body)
        if start == b"{":
            return self._object(body)
        msgspec.json.decode(body)
        raise Problem(422, "The body must be an object or an array of objects.")

    def _object(self, body: bytes) -> Batch[Item]:
        try:
            return Batch([(0, self._one.decode(body))], is_single=True)
        except msgspec.ValidationError as error:
            _WHOLE.decode(body)  # a wrong field is found before what is malformed behind it
            if OUT_OF_RANGE in str(error):
                raise msgspec.DecodeError(str(error)) from error
            return Batch([], [(0, readable(error))], is_single=True)

    def _array(self, body: bytes) -> Batch[Item]:
        try:
            items = self._many.decode(body)
        except msgspec.ValidationError:
            return self._pieces([bytes(raw) for raw in self._raws.decode(body)])
        self._check_size(len(items))
        return Batch(list(enumerate(items)))

    def _leniently(self, body: bytes, error: Exception | None) -> Batch[Item]:
        """The items of a body that is no JSON as a whole, as far as they can be told apart."""
        start = body.lstrip()[:1]
        batch: Batch[Item] = Batch([])
        if start == b"[":
            batch = self._cut(body)
        elif start == b"{":
            lines = split_lines(body)
            batch = self._pieces(lines or [body])
            batch.is_single = not lines
        if not batch.items and not is_json(clean_json(body)):
            raise Problem(400, f"The body is not valid JSON: {why_malformed(error) if error else 'it holds NUL'}.")
        return batch

    def _cut(self, body: bytes) -> Batch[Item]:
        """The items of an array; nothing where more follows the array, for then it is not what it seems."""
        pieces = split_array(body)
        if pieces.rest.strip():
            return Batch([])
        batch, last = self._pieces(pieces.items), len(pieces.items) - 1
        if pieces.is_cut_off:
            is_rejected = bool(batch.rejected) and batch.rejected[-1][0] == last
            if is_rejected:
                batch.rejected[-1] = (last, CUT_OFF)
            else:
                batch.warnings.append((last, CUT_BEHIND))
        return batch

    def _pieces(self, pieces: Sequence[bytes]) -> Batch[Item]:
        self._check_size(len(pieces))
        batch: Batch[Item] = Batch([])
        for index, piece in enumerate(pieces):
            try:
                item, note = decode_piece(piece, self._one.decode)
            except msgspec.ValidationError as error:
                batch.rejected.append((index, readable(error)))
            except MALFORMED as error:
                batch.rejected.append((index, f"It is not valid JSON: {why_malformed(error)}."))
            else:
                batch.items.append((index, item))
                if note:
                    batch.warnings.append((index, note))
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
