"""The batch contract, once: one object or an array in, `{"accepted", "duplicates", "rejected", "warnings"}` out.

The good items of a batch are taken, the bad ones named by their index. msgspec decodes a whole batch at once; only
when an item is wrong are they decoded one by one, so that its neighbours are not lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Generic, TypeVar

import msgspec

from core.api import Problem
from core.corrections import Corrections
from core.pieces import (
    CUT_BEHIND,
    CUT_OFF,
    MALFORMED,
    OUTER,
    decode_any,
    decode_piece,
    is_json,
    keys_in,
    repeated_keys,
    repeated_sentence,
    split_array,
    split_objects,
    split_values,
    why_malformed,
)
from core.schema_words import readable
from core.text import as_utf8, clean_json, composed_json

MAX_ITEMS = 1_000
Item = TypeVar("Item", bound=msgspec.Struct)
_WHOLE = msgspec.json.Decoder(msgspec.Raw)
# Strict readers take it, the database does not.
_NUL = b"\\u0000"
# What msgspec says of a number that no float holds, anywhere in an item.
OUT_OF_RANGE = "out of range"
# What senders wrap a batch in, or each of its items.
_WRAPPERS = {"messages", "message", "items", "item", "data", "batch", "events", "signals", "facts", "records", "rows"}
_WRAPPERS |= {"connections", "connection", "body"}
_DEEPEST = 3
NESTED = "It was in an array within the array."
TEXT = "It was JSON text and was read as what it says."


@dataclass
class Batch(Generic[Item]):
    """The items that decoded, each with its place in the batch, and what is wrong with the others.

    `warnings` names what was read although it was not spelt as it should be. `is_single` when the body was one object.
    `refused` holds what can be read of rejected items, with what is wrong with them.
    """

    items: list[tuple[int, Item]]
    rejected: list[tuple[int, str]] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)
    is_single: bool = False
    refused: list[tuple[int, Item, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.items) + len(self.rejected) + len(self.refused)


class BatchDecoder(Generic[Item]):
    """Decodes a body into items of one msgspec type; newline-delimited objects are a batch too.

    Raises Problem 400 when the body is no JSON and no item of it is, 413 above 1,000 items, 422 when it is neither
    object nor array.
    """

    def __init__(self, item_type: type[Item], corrections: Corrections | None = None) -> None:
        """With `corrections` a field of another type that has one meaning is taken."""
        self._corrections, self._corrects = corrections or Corrections(item_type), corrections is not None
        self._many = msgspec.json.Decoder(list[item_type])  # type: ignore[valid-type]
        self._one = msgspec.json.Decoder(item_type)
        self._raws = msgspec.json.Decoder(list[msgspec.Raw])
        # How a field is spelt that has its default, where the encoder leaves that out.
        self._defaults = _defaults_of(item_type)

    def decode(self, body: bytes) -> Batch[Item]:
        """The strict reader comes first; only what it refuses is read with pains."""
        error: Exception | None = None
        body = composed_json(body)
        if _NUL not in body:
            try:
                return self._strictly(body)
            except MALFORMED as malformed:
                error = malformed
        return self._leniently(as_utf8(body).strip(OUTER), error)

    def _strictly(self, body: bytes) -> Batch[Item]:
        start = body.lstrip()[:1]
        if start == b"[":
            return self._array(body)
        if start == b"{":
            return self._object(body)
        if start == b'"' and (text := msgspec.json.decode(body, type=str).strip())[:1] in ("[", "{"):
            batch = self.decode(text.encode())
            batch.warnings += [(index, TEXT) for index, _item in batch.items]
            return batch
        msgspec.json.decode(body)
        raise Problem(422, "The body must be an object or an array of objects.")

    def _object(self, body: bytes) -> Batch[Item]:
        try:
            item = self._one.decode(body)
            if not self._has_more_keys(body, item):
                return Batch([(0, item)], is_single=True)
            raw = self._raw([body])
            if any(self._corrections.is_odd(item) for item in raw):
                return self._single(body)
            return Batch([(0, item)], warnings=self._more_in(raw, body, [body]), is_single=True)
        except msgspec.ValidationError as error:
            _WHOLE.decode(body)  # a wrong field is found before what is malformed behind it
            if OUT_OF_RANGE in (why := readable(error)):
                raise msgspec.DecodeError(why) from error
            return self._single(body)

    def _single(self, body: bytes) -> Batch[Item]:
        """One object that is no item: it may hold a batch."""
        wrapped = self._unwrap(body)
        if wrapped is None:
            batch = self._pieces([body])
            batch.is_single = True
            return batch
        batch, (name, _pieces) = self._pieces(wrapped[1]), wrapped
        batch.warnings += self._repeated([body])
        batch.warnings += [(index, f"It was in `{name}`.") for index, _item in batch.items]
        return batch

    def _unwrap(self, body: bytes) -> tuple[str, list[bytes]] | None:
        """The items of a batch that stands within an object, and by which name; fields beside it are of each item."""
        outer, names = decode_any(body)[0], list[str]()
        common: dict[str, Any] = {}
        for _depth in range(_DEEPEST):
            if not isinstance(outer, dict) or self._corrections.required <= outer.keys():
                return None
            inner = [
                name
                for name in _WRAPPERS & outer.keys() - self._corrections.names
                if isinstance(outer[name], dict | list)
            ] or [name for name, value in outer.items() if self._holds_items(name, value)]
            if len(inner) != 1:
                return None
            names.append(inner[0])
            common |= {name: outer[name] for name in outer if name != inner[0] and self._corrections.knows(name)}
            outer = outer[inner[0]]
            if isinstance(outer, list) or self._corrections.required <= outer.keys():
                items = outer if isinstance(outer, list) else [outer]
                spread = [{**common, **item} if isinstance(item, dict) else item for item in items]
                return ".".join(names), [msgspec.json.encode(item) for item in spread]
        return None

    def _holds_items(self, name: str, value: Any) -> bool:
        """Whether it is a list of our items, whatever its name."""
        is_list = isinstance(value, list) and bool(value) and not self._corrections.knows(name)
        return is_list and all(isinstance(one, dict) and any(map(self._corrections.knows, one)) for one in value)

    def _array(self, body: bytes) -> Batch[Item]:
        try:
            items = self._many.decode(body)
        except msgspec.ValidationError:
            return self._pieces([bytes(raw) for raw in self._raws.decode(body)])
        self._check_size(len(items))
        if not self._has_more_keys(body, items):
            return Batch(list(enumerate(items)))
        pieces = [bytes(piece) for piece in self._raws.decode(body)]
        raw = self._raw(pieces)
        if any(self._corrections.is_odd(item) for item in raw):
            return self._pieces(pieces)
        return Batch(list(enumerate(items)), warnings=self._more_in(raw, body, pieces))

    @staticmethod
    def _raw(pieces: Sequence[bytes]) -> list[dict[str, Any]]:
        """Items with all of their keys; none where one has what no reader but a struct's passes over."""
        try:
            return [msgspec.json.decode(piece) for piece in pieces]
        except MALFORMED:
            return []

    def _more_in(self, raw: Sequence[dict[str, Any]], body: bytes, pieces: Sequence[bytes]) -> list[tuple[int, str]]:
        """What is to be said of items that have more keys than were read: unknown ones, or the same one twice."""
        said = [(index, sentence) for index, item in enumerate(raw) for sentence in self._corrections.unread(item)]
        if raw and keys_in(body) > keys_in(msgspec.json.encode(raw)):
            said += self._repeated(pieces)
        return said

    @staticmethod
    def _repeated(pieces: Sequence[bytes]) -> list[tuple[int, str]]:
        """What is to be said of items that have a key twice."""
        named = ((index, repeated_keys(piece)) for index, piece in enumerate(pieces))
        return [(index, repeated_sentence(names)) for index, names in named if names]

    def _has_more_keys(self, body: bytes, decoded: Any) -> bool:
        """Whether a body may have keys that were not decoded; a count, whatever they are. An encoder that leaves
        defaults out makes it cheap, and it is all that most bodies need."""
        if self._defaults is None:
            return True
        spelt_out = sum(body.count(spelt) for spelt in self._defaults)
        return keys_in(body) > keys_in(msgspec.json.encode(decoded)) + spelt_out

    def _leniently(self, body: bytes, error: Exception | None) -> Batch[Item]:
        """The items of a body that is no JSON as a whole, as far as they can be told apart."""
        start = body.lstrip()[:1]
        batch: Batch[Item] = Batch([])
        if start == b"[":
            batch = self._cut(body)
        elif start == b"{":
            several = split_objects(body)
            batch = self._pieces(several or [body])
            batch.is_single = not several
        if not (batch.items or batch.refused) and not is_json(clean_json(body)):
            raise Problem(400, f"The body is not valid JSON: {why_malformed(error) if error else 'it holds NUL'}.")
        return batch

    def _cut(self, body: bytes) -> Batch[Item]:
        """The items of an array, and what follows it: more arrays, more items, or what is none."""
        pieces = split_array(body)
        more = [split_array(piece).items if piece[:1] == b"[" else [piece] for piece in split_values(pieces.rest)]
        batch = self._pieces([*pieces.items, *chain.from_iterable(more)])
        last = len(batch) - 1
        if pieces.is_cut_off:
            if batch.rejected and batch.rejected[-1][0] == last:
                batch.rejected[-1] = (last, CUT_OFF)
            else:
                batch.warnings.append((last, CUT_BEHIND))
        return batch

    def _pieces(self, pieces: Sequence[bytes]) -> Batch[Item]:
        flat = _flat(pieces)
        self._check_size(len(flat))
        batch: Batch[Item] = Batch([])
        for index, (piece, nested) in enumerate(flat):
            if nested:
                batch.warnings.append((index, nested))
            if names := repeated_keys(piece):
                batch.warnings.append((index, repeated_sentence(names)))
            try:
                item, note = decode_piece(piece, self._strict_piece)
            except msgspec.ValidationError as error:
                self._correct(index, piece, error, batch)
            except MALFORMED as error:
                batch.rejected.append((index, f"It is not valid JSON: {why_malformed(error)}."))
            else:
                batch.items.append((index, item))
                if note:
                    batch.warnings.append((index, note))
        return batch

    def _strict_piece(self, piece: bytes) -> Item:
        item = self._one.decode(piece)
        if self._corrections.warns and self._corrections.unread(msgspec.json.decode(piece)):
            raise msgspec.ValidationError("Its fields are under other names")
        return item

    def _correct(self, index: int, piece: bytes, error: msgspec.ValidationError, batch: Batch[Item]) -> None:
        """Takes an item of which a field is not of its type, where it has one meaning all the same."""
        raw, note = decode_any(piece) if self._corrects else (None, "")
        if isinstance(raw, dict):
            corrected, notes = self._corrections.correct(raw)
            try:
                item, left_out = self._corrections.fitted(
                    corrected, lambda fields: self._one.decode(msgspec.json.encode(fields))
                )
            except msgspec.ValidationError as still:
                error = still
            else:
                batch.items.append((index, item))
                sentences = (*filter(None, (note,)), *notes, *left_out)
                batch.warnings += [(index, sentence) for sentence in sentences]
                return
            if (rest := self._corrections.rest(corrected)) is not None:
                # What can be read of it may be out of its bounds all the same.
                with suppress(msgspec.ValidationError):
                    batch.refused.append((index, self._one.decode(msgspec.json.encode(rest)), readable(error)))
                    return
        batch.rejected.append((index, self._corrections.all_missing(raw) or readable(error)))

    @staticmethod
    def _check_size(count: int) -> None:
        if count > MAX_ITEMS:
            raise Problem(413, f"A batch holds at most {MAX_ITEMS} items; this one has {count}.")


def _defaults_of(item_type: Any) -> list[bytes] | None:
    """How the fields of a struct are spelt that have their defaults; None where the encoder writes these too, as it
    does a text that was decoded."""
    if not getattr(getattr(item_type, "__struct_config__", None), "omit_defaults", False):
        return None
    defaults = [
        (field.encode_name.encode(), msgspec.json.encode(field.default))
        for field in msgspec.structs.fields(item_type)
        if not field.required and field.default is None
    ]
    return [b'"%b":%b%b' % (name, blank, value) for name, value in defaults for blank in (b"", b" ")]


def _flat(pieces: Sequence[bytes], depth: int = 0) -> list[tuple[bytes, str]]:
    """The items of a batch, those of arrays of objects within it as well, each with what is to be said of that."""
    flat: list[tuple[bytes, str]] = []
    for piece in pieces:
        inner = piece.strip(OUTER)
        if inner.startswith(b'"') and depth < _DEEPEST and (text := _json_in(inner)):
            flat += [(item, TEXT) for item, _nested in _flat([text], depth + 1)]
            continue
        # Brackets that only open are no list of items, and would be cut anew for each of the first.
        is_list = inner.startswith(b"[") and not inner.startswith(b"[" * (_DEEPEST + 2)) and depth < _DEEPEST
        items = split_array(inner).items if is_list else []
        if items and all(item.strip(OUTER)[:1] in (b"{", b"[") for item in items):
            flat += [(item, NESTED) for item, _nested in _flat(items, depth + 1)]
        else:
            flat.append((piece, ""))
    return flat


def _json_in(piece: bytes) -> bytes:
    """What a text holds as JSON; nothing where it does not look like any."""
    try:
        text = msgspec.json.decode(clean_json(piece), type=str).strip()
    except MALFORMED:
        return b""
    return text.encode() if text.startswith(("[", "{", '"')) else b""


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
