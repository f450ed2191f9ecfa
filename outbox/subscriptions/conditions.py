"""Conditions on one event: `city:paris severity:>=warning -kind:trip.*`, a search that is asked in Python.

A field is `kind`, `domain`, `severity`, `subject`, or any value of the payload, by its last name (`city`) or by as much
of its path as one likes (`charge_point.city`, `data.charge_point.city`); of a list, one of its members has to fit.
Names of closed lists and of customers are compared as a whole, with `*` for parts; any other text contains the word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import msgspec
from django.db.models import Q
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.search import Facet, SearchContext, SearchError, SearchSchema, Word
from core.search.base import did_you_mean
from core.search.facets import RankedFacet, nearest
from core.search.folding import fold
from core.search.grammar import Term, Value
from core.search.open_values import NamedFacet, OpenFacet, Scalar, fits, named
from outbox.contract import NewEvent
from outbox.event_kinds import EventKind, Words, field_words, matches_topic, names_of_lists, severities

ENVELOPE = ("kind", "domain", "severity", "subject")
# Of every event, beside its envelope.
_ALWAYS = (*ENVELOPE, "type")
# What other languages of searches join parts by, and people write here for it.
_JOINING = ("OR", "AND", "NOT")


@dataclass(frozen=True)
class EventView:
    """What a condition is asked about: an event's envelope and its payload as plain JSON values."""

    kind: str
    domain: str
    severity: str
    subject: str
    payload: dict[str, Any]

    @classmethod
    def of(cls, kind: EventKind, subject: str, payload: dict[str, Any]) -> EventView:
        """An event of this kind; `payload` is plain JSON."""
        return cls(kind.key, kind.domain, kind.severity_of(payload), subject, payload)

    @classmethod
    def of_new(cls, event: NewEvent, kind: EventKind) -> EventView:
        return cls.of(kind, event.subject, msgspec.to_builtins(event.payload))

    @cached_property
    def values(self) -> dict[str, list[Scalar]]:
        """Every scalar of the payload under each end of its path: `city`, `charge_point.city`, …; and the envelope."""
        values: dict[str, list[Scalar]] = {}
        for path, value in _scalars("data", self.payload):
            for name in _ends(path):
                values.setdefault(name, []).append(value)
        for name in ENVELOPE:
            values[name] = [getattr(self, name)]
        # What payloads call their type and severity is asked for beside the event's own.
        values["type"] = [self.kind, *values.get("type", [])]
        values["severity"] += [said] if isinstance(said := self.payload.get("severity"), str) else []
        return values

    @cached_property
    def text(self) -> str:
        """What free text is looked for in, a line for each value so that no match runs over two."""
        texts = (str(value) for _path, value in _scalars("data", self.payload))
        return fold("\n".join((self.kind, self.subject, *texts)))

    def read(self, path: str) -> list[Scalar]:
        """The values that a condition asks for under this name; `*` is the text of all of them."""
        return [self.text] if path == "*" else self.values.get(path, [])


Predicate = Callable[[EventView], bool]


# ---- the fields -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TopicFacet(NamedFacet):
    """An event's kind, also by a topic: `kind:trip.*`."""

    def condition(self, value: Value, context: SearchContext) -> Q:
        if not isinstance(value, Word) or "*" not in value.text:
            return super().condition(value, context)
        topic = value.text
        if not matches_topic(topic, topic.replace("*", "x")):
            raise SearchError(
                _("“%(text)s” is no topic: a star stands alone or behind the last dot.") % {"text": topic}
            )
        return super().condition(value, context)


@dataclass(frozen=True)
class EventCondition(SearchSchema):
    """The envelope's fields; every other name is one of the payload's, which may hold anything."""

    def facet(self, name: str) -> Facet:
        is_name = name.rpartition(".")[2] in names_of_lists
        return super().facet(name) or (NamedFacet if is_name else OpenFacet)(name, name, name)


EVENT_CONDITION = EventCondition(
    lambda text: Q(**{"*__fold_contains": text}),
    (
        TopicFacet("kind", "kind", gettext_lazy("Kind"), ("topic",)),
        NamedFacet("type", "type", gettext_lazy("Type")),
        NamedFacet("domain", "domain", gettext_lazy("Domain")),
        RankedFacet(
            "severity",
            "severity",
            gettext_lazy("Severity"),
            choices=SimpleLazyObject(lambda: {word: word for word in severities()}),  # type: ignore[arg-type]
        ),
        OpenFacet("subject", "subject", gettext_lazy("About"), ("about",)),
    ),
    dotted=True,
)


def compile_condition(text: str) -> Predicate:
    """The predicate of a condition; an empty one takes every event. Raises SearchError, whose text is for people."""
    fits = EVENT_CONDITION.predicate(text)
    return lambda view: fits(view.read)


def check_condition(text: str, kinds: Iterable[EventKind]) -> None:
    """Raises SearchError when a condition is malformed, or names a field or a word that none of these kinds has."""
    compile_condition(text)
    terms = EVENT_CONDITION.parse(text).terms
    refuse_unfinished(text, EVENT_CONDITION)
    kinds = list(kinds)
    for term in terms:
        _refuse_unknown_words(term, kinds)
    fields = [fields_of(kind) for kind in kinds]
    is_open = None in fields  # a payload of free form may hold anything, but for what an envelope's field is taken for
    fields_known = {*_ALWAYS, *(name for names in fields for name in names or ())}
    for term in terms:
        if term.field is None or EVENT_CONDITION.facet(term.field).name in fields_known:
            continue
        if not is_open:
            raise _unknown(term.field, fields_known)
        # Only a slip of the pen: a payload's own field may have a name that is somewhat like one of them.
        if get_close_matches(term.field, ENVELOPE, n=1, cutoff=0.8):
            raise _unknown(term.field, ENVELOPE)


def refuse_unfinished(text: str, schema: SearchSchema) -> None:
    """A search that is being typed may be anything; one that is kept is finished, and means what it says. Raises
    SearchError."""
    terms = schema.parse(text).terms
    if len(schema.parse(f"{text} x").terms) == len(terms):
        raise SearchError(_("A quotation mark in the condition is not closed."))
    for term in terms:
        (value, *_more) = term.values
        if term.field is not None or not isinstance(value, Word) or value.quoted:
            continue
        word = value.text
        if word in _JOINING or re.match(r"[(\[{]+[-\w.]+:", word) or not any(map(str.isalnum, word)):
            sentence = _("“%(word)s” joins nothing here: all parts of a condition have to fit, city:a,b means either.")
            raise SearchError(sentence % {"word": word})
        if word.endswith(":"):
            raise SearchError(_("“%(field)s” has no value behind it.") % {"field": word})


def _refuse_unknown_words(term: Term, kinds: Sequence[EventKind]) -> None:
    """Of a field that has words of its own, what is none of them would fit no event."""
    facet = EVENT_CONDITION.facet(term.field) if term.field is not None else None
    words = _words_of(facet.name.removeprefix("data."), kinds) if facet is not None else None
    if words is None:
        return
    for value in term.values:
        if not isinstance(value, Word) or not value.text or value.text.lower() in ("none", "any"):
            continue
        typed, known = value.text, {word.lower(): word for word in words.read()}
        is_meant = (named if isinstance(facet, NamedFacet) else fits)(typed)
        if any(map(is_meant, known.values())):
            continue
        close = get_close_matches(typed.lower(), known, n=1, cutoff=0.75 if words.is_open else 0.5)
        if close or not words.is_open:
            near = known[close[0]] if close else ""
            sentence = _("“%(field)s” is never “%(typed)s”.") % {"field": term.field, "typed": typed}
            raise SearchError(sentence + did_you_mean(near), suggestion=near)


def _words_of(name: str, kinds: Sequence[EventKind]) -> Words | None:
    """All words that a field has in events of these kinds; None where one of them may say anything."""
    own = {"kind": {kind.key for kind in kinds}, "type": {kind.key for kind in kinds}}
    found = [Words(lambda: own[name])] if name in own else []
    for kind in kinds:
        fields, words = fields_of(kind), field_words.get(f"{kind.domain}.{name}")
        if words is not None:
            found.append(words)
        elif name != "kind" and fields is not None and name in fields:
            return None
    if not found:
        return None
    return Words(lambda: {word for words in found for word in words.read()}, any(words.is_open for words in found))


def fields_of(kind: EventKind) -> set[str] | None:
    """The names by which the payload of a kind can be asked; None where the payload's schema is open."""
    schema = kind.schema()
    names: set[str] = set()
    for path in _paths("data", schema, schema.get("$defs", {}), ()):
        if path is None:
            return None
        names.update(_ends(path))
    return names


def _unknown(field: str, names: Iterable[str]) -> SearchError:
    near = nearest(field, names)
    sentence = _("The chosen events have no field “%(name)s”.") % {"name": field}
    hint = _("Did you mean “%(near)s”?") % {"near": near} if near else _("Put the text in quotes to look for it.")
    return SearchError(f"{sentence} {hint}", suggestion=near)


# ---- the payload --------------------------------------------------------------------------------------------------


def _scalars(path: str, value: Any) -> Iterator[tuple[str, Scalar]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _scalars(f"{path}.{str(name).lower()}", inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _scalars(path, inner)
    elif value is not None and value != "":
        yield path, value


def _ends(path: str) -> Iterator[str]:
    """`data.charge_point.city`, `charge_point.city`, `city`; an id is also what its owner is asked by."""
    for whole in dict.fromkeys((path, path.removesuffix(".id"))):
        while whole and whole != "data":
            yield whole
            whole = whole.partition(".")[2]


def _paths(path: str, schema: dict[str, Any], defs: dict[str, Any], seen: tuple[str, ...]) -> Iterator[str | None]:
    """The paths of a JSON schema's scalars; None for a part of any form."""
    name = schema.get("$ref", "").rpartition("/")[2]
    if name:
        if name not in seen:
            yield from _paths(path, defs[name], defs, (*seen, name))
        return
    for option in schema.get("anyOf", ()):
        yield from _paths(path, option, defs, seen)
    if "anyOf" in schema:
        return
    kind = schema.get("type")
    if kind == "array":
        yield from _paths(path, schema.get("items") or {}, defs, seen)
    elif kind == "object" and "properties" in schema:
        for key, inner in schema["properties"].items():
            yield from _paths(f"{path}.{key.lower()}", inner, defs, seen)
    elif kind == "object" or (kind is None and "enum" not in schema and "const" not in schema):
        yield None
    else:
        yield path
