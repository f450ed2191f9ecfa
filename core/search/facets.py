"""The kinds of field that a search can name: each turns a value into a condition or says what it takes instead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.search.base import Facet, SearchContext, SearchError, did_you_mean, nearest
from core.search.grammar import Comparison, Span, Value, Word
from core.search.quantities import NumberFacet, TimeFacet
from core.search.tally import ByArray, ByColumn, ByCondition, ByRelation, Tally
from core.search.vocabulary import values_with, values_without
from core.words import Vocabulary

__all__ = [
    "ChoiceFacet",
    "Facet",
    "FlagFacet",
    "MembershipFacet",
    "NameFacet",
    "NumberFacet",
    "RankedFacet",
    "SearchContext",
    "SearchError",
    "TagFacet",
    "TextFacet",
    "TimeFacet",
    "nearest",
]


@dataclass(frozen=True)
class TextFacet(Facet):
    """Text that contains the value, case and accents ignored; `city:""` finds the empty ones.

    `through` names a folded, indexed column that contains this text too, or nothing else (`is_same`): it lets the index
    find the candidates, and one or two letters match the beginnings of words. `kept_as` names a column whose values are
    kept in a list of their own (`core.search.vocabulary`): the text is looked for there, and the rows are asked for
    whole values.
    """

    through: str = ""
    is_same: bool = False
    kept_as: str = ""
    exact: bool = False
    counted: bool = False

    def choice_condition(self, text: str, context: SearchContext) -> Q:
        """The whole value as it is stored, still found by the index where there is one."""
        condition = Q(**{self.path: text})
        if self.kept_as:
            return condition
        return (
            condition & Q(**{f"{self.through}__folded_contains": text}) if self.through and len(text) > 2 else condition
        )

    def tally(self, context: SearchContext) -> Tally | None:
        return ByColumn(self.path) if self.counted else None

    def condition(self, value: Value, context: SearchContext) -> Q:
        if not isinstance(value, Word):
            raise self.refuse(_("a text, no comparison or range"))
        if not value.text:
            return Q(**{self.path: ""})
        if self.kept_as and (values := values_with(self.kept_as, value.text, whole=self.exact)) is not None:
            return self._is_any_of(values)
        if self.exact:
            return Q(**{f"{self.path}__iexact": value.text})
        if "*" in value.text and not value.quoted:
            return self._with_star(value.text)
        if not self.through:
            return Q(**{f"{self.path}__fold_contains": value.text})
        through = Q(**{f"{self.through}__folded_contains": value.text})
        return through if self.is_same else through & self._as_indexed(value.text)

    def negated(self, value: Value, context: SearchContext) -> Q:
        """Not through the index, which cannot find what lacks a text; by the other values, where they are fewer."""
        if not isinstance(value, Word) or not value.text:
            return super().negated(value, context)
        if self.kept_as:
            values = values_with(self.kept_as, value.text, whole=self.exact)
            if values is not None:
                others = values_without(self.kept_as, value.text, whole=self.exact, at_most=len(values))
                return self._is_any_of(others) if others else ~self._is_any_of(values)
        elif self.through and not (self.exact or self.is_same or "*" in value.text):
            return ~self._as_indexed(value.text)
        return super().negated(value, context)

    def _with_star(self, text: str) -> Q:
        """The whole text with stars for parts of it, or one that has the stars in it, as ids of charge points do."""
        found = Q(**{f"{self.path}__fold_is": text}) | Q(**{f"{self.path}__fold_contains": text})
        part = max(text.split("*"), key=len)
        return found & Q(**{f"{self.through}__folded_contains": part}) if self.through and len(part) > 2 else found

    def _is_any_of(self, values: Sequence[str]) -> Q:
        return Q(**{f"{self.path}__any_of": values}) if values else Q(pk__in=[])

    def _as_indexed(self, text: str) -> Q:
        return Q(**{f"{self.path}__fold_contains_as_indexed": text})

    def examples(self) -> Sequence[str | Promise]:
        return (format_lazy("{}:{}", self.name, gettext_lazy("text")), format_lazy('{}:""', self.name))


@dataclass(frozen=True)
class NameFacet(TextFacet):
    """A name of a closed list or of a customer, as a whole, case and accents ignored; `program:lyon*` for parts."""

    def condition(self, value: Value, context: SearchContext) -> Q:
        if isinstance(value, Word) and value.text:
            return Q(**{f"{self.path}__fold_is": value.text})
        return super().condition(value, context)

    def examples(self) -> Sequence[str | Promise]:
        word = gettext_lazy("text")
        return (format_lazy("{}:{}", self.name, word), format_lazy("{}:{}*", self.name, word))


@dataclass(frozen=True)
class TagFacet(Facet):
    """One of the texts in an array column, case ignored by storing lower case."""

    def choice_condition(self, text: str, context: SearchContext) -> Q:
        word = text in dict(self.hints())
        return self.condition(Word(text), context) if word else Q(**{f"{self.path}__contains": [text]})

    def tally(self, context: SearchContext) -> Tally | None:
        return ByArray(self.path)

    def hints(self) -> Sequence[tuple[str, str | Promise]]:
        return (("none", gettext_lazy("without any")), ("any", gettext_lazy("with one or more")))

    def label_of(self, value: str) -> str:
        return str(dict(self.hints()).get(value, value))

    def condition(self, value: Value, context: SearchContext) -> Q:
        if not isinstance(value, Word):
            raise self.refuse(_("a text, no comparison or range"))
        text = value.text.lower()
        if not text or (text == "none" and not value.quoted):
            return Q(**{self.path: []})
        if text == "any" and not value.quoted:
            return ~Q(**{self.path: []})
        return Q(**{f"{self.path}__contains": [text]})

    def examples(self) -> Sequence[str | Promise]:
        return (f"{self.name}:garage", f"{self.name}:none")


@dataclass(frozen=True)
class ChoiceFacet(Facet):
    """One of a fixed set. `choices` maps what is typed (case ignored) to a condition on `path` or to a whole Q.

    A condition that depends on the moment is a function of the context. `labels` says how a choice is shown. `words`
    are others by which a choice, or what it stands for, may be typed; `type:*Banner` is all that are like it.
    """

    choices: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str | Promise] = field(default_factory=dict)
    words: Vocabulary | None = None

    def tally(self, context: SearchContext) -> Tally | None:
        if all(isinstance(target, str | int) for target in self.choices.values()):
            return ByColumn(self.path, {target: key for key, target in self.choices.items()})
        return ByCondition({key: self.condition_of(target, context) for key, target in self.choices.items()})

    def label_of(self, value: str) -> str:
        return str(self.labels.get(value.lower(), value))

    def condition_of(self, target: Any, context: SearchContext) -> Q:
        found = target(context) if callable(target) else target
        return found if isinstance(found, Q) else Q(**{self.path: found})

    def condition(self, value: Value, context: SearchContext) -> Q:
        known = {key.lower(): target for key, target in self.choices.items()}
        if isinstance(value, Word) and value.text.lower() in known:
            return self.condition_of(known[value.text.lower()], context)
        meant = self.words.read(value.text) if self.words and isinstance(value, Word) else None
        if meant is not None and (meant.lower() in known or meant in known.values()):
            return self.condition_of(known.get(meant.lower(), meant), context)
        if isinstance(value, Word) and "*" in value.text:
            like = [target for key, target in known.items() if fnmatchcase(key, value.text.lower().replace("[", "[[]"))]
            if like:
                return reduce(or_, (self.condition_of(target, context) for target in like))
        raise self._unknown(value.text) if isinstance(value, Word) else self.refuse(_("a name, no comparison or range"))

    def _unknown(self, typed: str) -> SearchError:
        near = nearest(typed, [key.lower() for key in self.choices])
        return SearchError(
            _("“%(facet)s” knows %(known)s, not “%(typed)s”.")
            % {"facet": self.name, "known": ", ".join(self.choices), "typed": typed}
            + did_you_mean(near),
            suggestion=f"{self.name}:{near}" if near else "",
        )

    def examples(self) -> Sequence[str | Promise]:
        return tuple(f"{self.name}:{key}" for key in list(self.choices)[:2])


@dataclass(frozen=True)
class RankedFacet(ChoiceFacet):
    """Choices that have an order, theirs: `severity:>=warning`, `severity:info..warning`."""

    def condition(self, value: Value, context: SearchContext) -> Q:
        low, high = 0, len(self.choices) - 1
        match value:
            case Word():
                return super().condition(value, context)
            case Span(first, last):
                low, high = self._rank(first) if first else low, self._rank(last) if last else high
            case Comparison(operator, text):
                rank = self._rank(text)
                spans = {"<": (low, rank - 1), "<=": (low, rank), ">": (rank + 1, high), ">=": (rank, high)}
                low, high = spans[operator]
        conditions = [self.condition_of(target, context) for target in list(self.choices.values())[low : high + 1]]
        return reduce(or_, conditions, Q(**{f"{self.path}__in": []}))

    def _rank(self, text: str) -> int:
        names = [name.lower() for name in self.choices]
        if text.lower() not in names:
            raise self._unknown(text)
        return names.index(text.lower())

    def examples(self) -> Sequence[str | Promise]:
        *_others, name, _last = self.choices
        return (f"{self.name}:{name}", f"{self.name}:>={name}")


@dataclass(frozen=True)
class MembershipFacet(Facet):
    """Whether and where something belongs: `group:none`, `group:any`, `group:"Köln Süd"` (the name, case ignored).

    `belongs(name)` returns the condition for one name, or for any membership when the name is None; `pairs` a queryset
    of (row id, name) to count by.
    """

    belongs: Callable[[str | None], Q] = lambda name: Q()
    pairs: Callable[[], QuerySet[Any, Any]] | None = None

    def choice_condition(self, text: str, context: SearchContext) -> Q:
        """`none`, `any`, or `=` and a name: a group may be named “none”."""
        return self.condition(Word(text.removeprefix("="), quoted=text.startswith("=")), context)

    def tally(self, context: SearchContext) -> Tally | None:
        if self.pairs is None:
            return None
        return ByRelation(self.pairs, {"none": ~self.belongs(None), "any": self.belongs(None)})

    def hints(self) -> Sequence[tuple[str, str | Promise]]:
        return (("none", gettext_lazy("none")), ("any", gettext_lazy("any")))

    def label_of(self, value: str) -> str:
        return str(dict(self.hints()).get(value, value.removeprefix("=")))

    def condition(self, value: Value, context: SearchContext) -> Q:
        if not isinstance(value, Word):
            raise self.refuse(_("a name, none or any"))
        if not value.quoted and value.text.lower() == "none":
            return ~self.belongs(None)
        if not value.quoted and value.text.lower() == "any":
            return self.belongs(None)
        return self.belongs(value.text)

    def examples(self) -> Sequence[str | Promise]:
        return (f"{self.name}:none", f"{self.name}:any", f'{self.name}:"Köln Süd"')


@dataclass(frozen=True)
class FlagFacet(Facet):
    """Yes or no."""

    when_true: Q = field(default_factory=Q)

    def tally(self, context: SearchContext) -> Tally | None:
        return ByCondition({"yes": self.when_true, "no": ~self.when_true})

    def label_of(self, value: str) -> str:
        return str({"yes": gettext_lazy("yes"), "no": gettext_lazy("no")}.get(value.lower(), value))

    def condition(self, value: Value, context: SearchContext) -> Q:
        if isinstance(value, Word) and value.text.lower() in ("yes", "true", "1"):
            return self.when_true
        if isinstance(value, Word) and value.text.lower() in ("no", "false", "0"):
            return ~self.when_true
        raise self.refuse(_("yes or no"))

    def examples(self) -> Sequence[str | Promise]:
        return (f"{self.name}:yes", f"{self.name}:no")
