"""The fields around a payload, where they are not of the type that they should be but have one meaning all the same.

`"1"` is 1, 1.0 is 1, 7 is `"7"`, `[7]` is 7, a number of seconds (or their parts) since 1970 is a moment, and so is a
day or a time without a zone. Only items that a strict reader refused come here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

import msgspec

from core.amounts import amount_in
from core.field_types import PERCENT, Envelope, map_in, metas_of, scalars_of, types_of
from core.moments import moment_of_number, read_moment
from core.schema_words import field_within, first_field, said_of

Item = TypeVar("Item")
# What stands in each sentence of a value that was not kept.
LEFT_OUT = "was left out"
_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,15})?")
TRUTHS = {
    **dict.fromkeys(("true", "yes", "on", "1", "1.0", "t", "y", "oui", "vrai", "ja", "wahr"), True),
    **dict.fromkeys(("enabled", "active", "activated", "allowed", "granted", "given"), True),
    **dict.fromkeys(("false", "no", "off", "0", "0.0", "f", "n", "non", "faux", "nein", "falsch"), False),
    **dict.fromkeys(("disabled", "inactive", "deactivated", "denied", "revoked", "withdrawn"), False),
}
UNREADABLE = object()
# So many fields that nobody reads are named; so many sets of names, of so many characters, are remembered.
_NAMED, _REMEMBERED, _LOOKED_AT = 5, 500, 50


def folded(name: str) -> str:
    """A name without case and signs between its words."""
    return "".join(filter(str.isalnum, name)).lower()


class Corrections:
    """Corrects the items of one msgspec struct, or of a tagged union of them.

    What cannot be read of the fields in `spare` is left out. With `blanks` more can be left out of an item that is
    rejected, so that its sender is known (`rest`): these fill required fields.
    """

    def __init__(
        self,
        item_type: Any,
        blanks: Mapping[str, Any] | None = None,
        spare: Collection[str] = frozenset(),
        *,
        within: str = "",
        rounds: bool = False,
        envelope: Envelope | None = None,
    ) -> None:
        """`within` names a field that holds a struct of its own: what can be left out of that, is, where it cannot be
        read. With `rounds` a fraction is read as the nearest whole number."""
        structs = get_args(item_type) or (item_type,)
        self._within, self._rounds = within, rounds
        self._inner = {struct.__struct_config__.tag: _inner_of(struct, within) for struct in structs} if within else {}
        self._tag_field = structs[0].__struct_config__.tag_field
        every = [{field.encode_name: field for field in msgspec.structs.fields(struct)} for struct in structs]
        tags = {struct.__struct_config__.tag_field for struct in structs} - {None}
        self.names = frozenset().union(tags, *every)
        self.required = frozenset(
            name for name in every[0] if all(name in fields and fields[name].required for fields in every)
        ).union(tags)
        # Of a union of types what they have in common, and by the tag of each what is its own.
        self._own = {struct.__struct_config__.tag: types_of(struct) for struct in structs if self._tag_field}
        self._needed = {
            struct.__struct_config__.tag: {name for name, field in fields.items() if field.required}
            for struct, fields in zip(structs, every, strict=True)
        }
        self._tags = {folded(str(tag)): tag for tag in self._own}
        self._maps = {name: found for name, field in every[0].items() if (found := map_in(field.type))}
        self._types = dict.fromkeys(self.names) | {
            name: scalars_of(field.type)
            for name, field in every[0].items()
            if all(name in fields and fields[name].type == field.type for fields in every)
        }
        self._percents = {name for name, field in every[0].items() if PERCENT in metas_of(field.type)}
        self._blanks, self._spare = blanks, spare
        self._envelope = envelope or Envelope()
        self._named = {**self._envelope.aliases, **{folded(name): name for name in self.names}}
        # By the names of an item's fields, because a sender's items have the same ones.
        self._oddness: dict[frozenset[str], bool] = {}
        self._unread: dict[frozenset[str], list[str]] = {}
        self._spellings = {folded(name): name for name in self.names}

    @property
    def warns(self) -> bool:
        """Whether fields of no name of ours are of interest."""
        return self._envelope.warns

    def knows(self, name: str) -> bool:
        """Whether a field of this name is one of ours, perhaps under another name."""
        return folded(name) in self._named

    def is_odd(self, item: Mapping[str, Any]) -> bool:
        """Whether an item has fields of no name of ours, and some of them are ours all the same."""
        inner = self._inner_for(item) if self.warns else None
        if inner is not None and isinstance(value := item.get(self._within), dict) and inner.is_odd(value):
            return True
        if item.keys() <= self.names or not self.warns:
            return False
        keys = frozenset(item)
        odd = self._oddness.get(keys)
        if odd is None:
            odd = not self._has_marks(item) or bool(self._meanings(item))
            _remember(self._oddness, keys, odd)
        return odd

    def _has_marks(self, item: Mapping[str, Any]) -> bool:
        return all(any(name in item for name in names) for names in self._envelope.marks)

    def _meanings(self, item: Mapping[str, Any]) -> dict[str, str]:
        """The fields of no name of ours that mean one of ours, which is not there. What an item has a mark for has no
        second name."""
        taken = set[str]()
        if self._has_marks(item):
            taken = set(self._envelope.unsure).union(*self._envelope.marks)
        found = dict[str, str]()
        for key in item:
            name = None if key in self.names else self._named.get(folded(key))
            is_meant = name is not None and (name not in taken or self._spellings.get(folded(key)) == name)
            is_free = name not in item or folded(key) in self._envelope.surer
            if name is not None and is_meant and is_free and name not in found.values():
                found[key] = name
        return found if self._envelope.weigh is None else self._envelope.weigh(item, found)

    def unread(self, item: Mapping[str, Any]) -> list[str]:
        """What is said of the fields of an item, and within it, that nobody reads."""
        inner, value = self._inner_for(item) if self.warns else None, item.get(self._within)
        return self._own_unread(item) + (inner.unread(value) if inner is not None and isinstance(value, dict) else [])

    def _own_unread(self, item: Mapping[str, Any]) -> list[str]:
        if not self.warns or item.keys() <= self.names:
            return []
        keys = frozenset(item)
        said = self._unread.get(keys)
        if said is None:
            said = self._say_unread([key for key in item if key not in self.names], keys)
            _remember(self._unread, keys, said)
        return said

    def misspelt(self, item: Mapping[str, Any]) -> str:
        """What is said of the first field of an item that is nearly one of ours; empty where there is none."""
        for key in [key for key in item if key not in self.names][:_LOOKED_AT]:
            if hint := self._hint(key, frozenset(item)):
                return f"{key[:40]}: Nobody reads a field of this name{hint}."
        return ""

    def _say_unread(self, others: Sequence[str], keys: frozenset[str]) -> list[str]:
        named = ", ".join(f"`{key[:40]}`{self._hint(key, keys)}" for key in others[:_NAMED])
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        return [f"{named}{more}: nobody reads a field of this name."]

    def _hint(self, key: str, keys: frozenset[str]) -> str:
        typed = folded(key[:80])
        close = get_close_matches(typed, self._spellings, n=1, cutoff=0.8)
        close += [name for name in self._spellings if sorted(name) == sorted(typed)]  # `nmae`
        meant = (
            self._named.get(typed) or self._envelope.hints.get(typed) or (self._spellings[close[0]] if close else "")
        )
        return f" (is `{meant}` meant?)" if meant and meant not in keys else ""

    def named(self, item: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The item with its fields under their own names, where these are not there already; and what was done."""
        if item.keys() <= self.names and self._envelope.complete is None:
            return item, []
        meanings = self._meanings(item)
        renamed = {key: value for key, value in item.items() if key not in meanings}
        renamed |= {name: item[key] for key, name in meanings.items()}
        notes = [f"`{key[:40]}` was read as `{name}`." for key, name in meanings.items()]
        if self._envelope.complete is not None:
            notes += self._envelope.complete(renamed)
        return renamed, notes + self._own_unread(renamed)

    def correct(self, item: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The item as it was meant, and what was done for it in sentences."""
        item, renamed = self.named(item)
        corrected, notes = dict(item), list[str]()
        tag = item.get(self._tag_field) if self._tag_field else None
        if isinstance(tag, str) and tag not in self._own and (known := self._tags.get(folded(tag))) is not None:
            corrected[self._tag_field or ""] = tag = known
            notes.append(
                f"`{self._tag_field}` was {shortened(item[self._tag_field])} and was read as {shortened(known)}."
            )
        types_ = self._types | self._own.get(tag, {}) if isinstance(tag, str) else self._types
        for name in item.keys() & self.names:
            wanted = types_[name]
            if name in self._maps:
                corrected[name], more = _read_map(name, item[name], self._maps[name])
                notes += more
            if wanted is None or type(item[name]) in wanted:
                continue
            is_moment = name == "at" or name.endswith("_at")
            value = _read(item[name], wanted, is_moment=is_moment, rounds=self._rounds)
            if name in self._percents and (share := _share_of(item[name])) is not None:
                value = share
            if value is not UNREADABLE:
                if value == item[name] and (
                    type(item[name]) is type(value) or (type(item[name]), type(value)) == (int, float)
                ):
                    continue
                corrected[name] = value
                notes.append(f"`{name}` was {shortened(item[name])} and was read as {shortened(value)}.")
            elif self._can_spare(name, tag) or (item[name] is None and name not in self.required):
                del corrected[name]
                notes.append(f"`{name}` was {shortened(item[name])}, which cannot be read, and {LEFT_OUT}.")
        if (inner := self._inner_for(corrected)) is not None:
            value = corrected.get(self._within)
            if isinstance(value, list) and len(value) == 1:
                value = value[0]
            if isinstance(value, dict):
                read, more = inner.correct(value)
                # Where nothing that was said can be read, the item is rejected by what is wrong with it.
                corrected[self._within] = read if read.keys() & inner.names or not value.keys() & inner.names else value
                notes += more
        return corrected, renamed + sorted(notes)

    def fitted(self, corrected: dict[str, Any], read: Callable[[dict[str, Any]], Item]) -> tuple[Item, list[str]]:
        """An item, without the values that can be spared and that the reader refuses; and what is said of these. Raises
        ValidationError for an item of which more is wrong."""
        left_out: list[str] = []
        while True:
            try:
                return read(corrected), left_out
            except msgspec.ValidationError as error:
                less = self._without(corrected, error)
                if less is None:
                    raise
            corrected, sentence = less
            left_out.append(sentence)

    def _without(self, corrected: dict[str, Any], error: msgspec.ValidationError) -> tuple[dict[str, Any], str] | None:
        """The item without the value that a reader refuses, and what is said of that; None where it cannot be spared:
        it is required, or nothing would be left."""
        path, why = said_of(error)
        name = first_field(path)
        if name in corrected and self._can_spare(name, corrected.get(self._tag_field) if self._tag_field else None):
            rest = {other: kept for other, kept in corrected.items() if other != name}
            return rest, f"`{name}` was {shortened(corrected[name])} and {LEFT_OUT}: {why}."
        inner, value = self._inner_for(corrected), corrected.get(self._within)
        if inner is None or not isinstance(value, dict):
            return None
        name, why = field_within(path, why, self._within)
        if name not in value or name not in inner.names or name in inner.required:
            return None
        rest = {other: kept for other, kept in value.items() if other != name}
        if not rest.keys() & inner.names:
            return None
        return corrected | {self._within: rest}, f"`{name}` was {shortened(value[name])} and {LEFT_OUT}: {why}."

    def _can_spare(self, name: str, tag: Any) -> bool:
        needed = self._needed.get(tag) if isinstance(tag, str | type(None)) else None
        return name in self._spare and name not in (self.required if needed is None else needed)

    def _inner_for(self, item: Mapping[str, Any]) -> Corrections | None:
        tag = item.get(self._tag_field) if self._tag_field else None
        return self._inner.get(tag) if isinstance(tag, str | type(None)) else None

    def all_missing(self, item: Any) -> str:
        """What is said where several fields are missing: a reader names the first, its sender needs all."""
        missing = sorted(self.required - item.keys()) if isinstance(item, dict) else []
        return f"{', '.join(f'`{name}`' for name in missing)} are missing." if missing[1:] else ""

    def rest(self, corrected: dict[str, Any]) -> dict[str, Any] | None:
        """What can be read of an item that cannot be taken; None where nothing is made of that."""
        if self._blanks is None:
            return None
        readable = {
            name: value
            for name, value in corrected.items()
            if name in self.names and (wanted := self._types[name]) is not None and type(value) in wanted
        }
        return {**self._blanks, **readable} if readable else None


def _remember(found: dict[frozenset[str], Any], keys: frozenset[str], value: Any) -> None:
    """Within bounds, whatever senders make up."""
    if len(found) < _REMEMBERED and sum(map(len, keys)) < _REMEMBERED:
        found[keys] = value


def _inner_of(struct: type[msgspec.Struct], within: str) -> Corrections:
    """The corrections of the struct that a field holds; its own `complete` is its envelope's."""
    (inner,) = (field.type for field in msgspec.structs.fields(struct) if field.encode_name == within)
    optional = [field.encode_name for field in msgspec.structs.fields(inner) if not field.required]
    aliases = getattr(inner, "aliases", {})
    envelope = Envelope(warns=True, complete=getattr(inner, "complete", None), aliases=aliases)
    return Corrections(inner, spare=optional, rounds=True, envelope=envelope)


def _read_map(name: str, value: Any, wanted: set[Any]) -> tuple[Any, list[str]]:
    """A map without those of its values that cannot be read; names in one text as a list."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()], []
    if not isinstance(value, dict):
        return value, []
    read = {
        key: one if type(one) in wanted else _read(one, wanted, is_moment=False, rounds=False)
        for key, one in value.items()
    }
    good = {key: one for key, one in read.items() if one is not UNREADABLE}
    notes = [
        f"`{name}`: {shortened(key)} was {shortened(value[key])}, which cannot be read, and {LEFT_OUT}."
        for key in read.keys() - good.keys()
    ]
    return good, notes


def shortened(value: Any) -> str:
    """A value as JSON, as far as a sentence may quote it."""
    return msgspec.json.encode(value).decode()[:60]


def _share_of(value: Any) -> int | None:
    """A percentage that is said as a share of one: 0.45 is 45 %. Nothing has less than 1 % and says so."""
    try:
        share = float(value)
    except (TypeError, ValueError):
        return None
    return round(100 * share) if 0 < share < 1 else None


def _read(value: Any, wanted: set[Any], *, is_moment: bool, rounds: bool) -> Any:
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list | dict):
        value = value[0]
        if type(value) in wanted:
            return value
    if isinstance(value, bool | dict | list) or value is None:
        return UNREADABLE
    if Decimal in wanted:
        read = value if isinstance(value, int | float) else amount_in(value)
        return UNREADABLE if read is None else read
    if isinstance(value, str):
        return _of_text(value.strip(), wanted, rounds=rounds)
    if (is_moment and str in wanted) or datetime in wanted:
        return moment_of(value)
    if date in wanted:
        return moment if (moment := moment_of(value)) is UNREADABLE else moment[:10]
    if isinstance(value, float) and int in wanted and (value.is_integer() or (rounds and abs(value) < 10**15)):
        return round(value)
    if isinstance(value, int) and float in wanted:
        return float(value)
    if bool in wanted and value in (0, 1):
        return bool(value)
    return str(value) if str in wanted else UNREADABLE


def _of_text(text: str, wanted: set[Any], *, rounds: bool) -> Any:
    if bool in wanted and text.lower() in TRUTHS:
        return TRUTHS[text.lower()]
    if wanted & {datetime, date} and not _NUMBER.fullmatch(text):
        return _moment_of_text(text, wanted)
    spelt = text.removesuffix("%").strip()
    spelt = spelt.replace(",", ".") if spelt.count(",") == 1 and "." not in spelt else spelt
    if not _NUMBER.fullmatch(spelt):
        return UNREADABLE
    number = float(spelt)
    if wanted & {datetime, date} and not wanted & {int, float}:
        return _read(number, wanted, is_moment=False, rounds=False)
    if int in wanted and (number.is_integer() or rounds):
        return round(number)
    return number if float in wanted else UNREADABLE


def _moment_of_text(text: str, wanted: set[Any]) -> Any:
    """A day, or a time without a zone, which is read as UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        found = read_moment(text)
        if found is None:
            return UNREADABLE
        moment, text = found, found.isoformat().replace("+00:00", "Z")
    if datetime not in wanted:
        return text if len(text) == 10 else moment.date().isoformat()
    text = text if text[4:5] == "-" else moment.isoformat()  # the basic form, 20261130T205000Z
    return text if moment.tzinfo else moment.isoformat() + "Z"


def moment_of(number: float) -> Any:
    """The moment that a number since 1970 means, as text."""
    moment = moment_of_number(number)
    return UNREADABLE if moment is None else moment.isoformat().replace("+00:00", "Z")
