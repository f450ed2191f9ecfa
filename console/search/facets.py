"""The kinds of field that a search can name: each turns a value into a condition or says what it takes instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, Expression, Q
from django.db.models import Value as SqlValue
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.timezone import is_naive
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.search.grammar import Comparison, Span, Value, Word

LOOKUPS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


class SearchError(ValueError):
    """A term that cannot be understood: a sentence for the person, and a better spelling where one is near."""

    def __init__(self, message: str, *, suggestion: str = "") -> None:
        super().__init__(message)
        self.suggestion = suggestion


@dataclass(frozen=True)
class SearchContext:
    """What a value's meaning depends on, read once: the moment and the viewer's zone."""

    now: datetime
    zone: tzinfo = UTC


def nearest(word: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.5)
    return found[0] if found else ""


def _did_you_mean(near: str) -> str:
    return " " + _("Did you mean “%(near)s”?") % {"near": near} if near else ""


@dataclass(frozen=True)
class Facet:
    """A field of the search: `name` is typed, `path` is the ORM path it filters, `label` is shown."""

    name: str
    path: str
    label: str | Promise
    aliases: tuple[str, ...] = ()
    help_text: str | Promise = ""

    def condition(self, value: Value, context: SearchContext) -> Q:
        """Raises SearchError when this facet does not take such a value."""
        raise NotImplementedError

    def refuse(self, takes: str, value: str = "") -> SearchError:
        return SearchError(_("“%(facet)s” takes %(takes)s.") % {"facet": self.name, "takes": takes})

    def examples(self) -> Sequence[str | Promise]:
        return ()


@dataclass(frozen=True)
class TextFacet(Facet):
    """Text that contains the value, case and accents ignored; `city:""` finds the empty ones.

    `through` names a folded, indexed column that contains this text too: it lets the index find the candidates.
    """

    through: str = ""
    exact: bool = False

    def condition(self, value: Value, context: SearchContext) -> Q:
        if not isinstance(value, Word):
            raise self.refuse(_("a text, no comparison or range"))
        if not value.text:
            return Q(**{self.path: ""})
        if self.exact:
            return Q(**{f"{self.path}__iexact": value.text})
        condition = Q(**{f"{self.path}__fold_contains": value.text})
        # Two letters give the index no trigram, so they would only slow it down.
        if self.through and len(value.text) > 2:
            condition &= Q(**{f"{self.through}__folded_contains": value.text})
        return condition

    def examples(self) -> Sequence[str | Promise]:
        return (format_lazy("{}:{}", self.name, gettext_lazy("text")), format_lazy('{}:""', self.name))


@dataclass(frozen=True)
class TagFacet(Facet):
    """One of the texts in an array column, case ignored by storing lower case."""

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
    """One of a fixed set. `choices` maps what is typed (case ignored) to a condition on `path` or to a whole Q."""

    choices: dict[str, Any] = field(default_factory=dict)

    def condition(self, value: Value, context: SearchContext) -> Q:
        known = {key.lower(): target for key, target in self.choices.items()}
        if isinstance(value, Word) and value.text.lower() in known:
            target = known[value.text.lower()]
            if callable(target):
                target = target(context)
            return target if isinstance(target, Q) else Q(**{self.path: target})
        typed = value.text if isinstance(value, Word) else ""
        near = nearest(typed, known)
        raise SearchError(
            _("“%(facet)s” knows %(known)s, not “%(typed)s”.")
            % {"facet": self.name, "known": ", ".join(self.choices), "typed": typed}
            + _did_you_mean(near),
            suggestion=f"{self.name}:{near}" if near else "",
        )

    def examples(self) -> Sequence[str | Promise]:
        return tuple(f"{self.name}:{key}" for key in list(self.choices)[:2])


@dataclass(frozen=True)
class NumberFacet(Facet):
    """A number, compared or in a range; `units` maps a unit to what one of it is in the column's unit."""

    units: dict[str, Decimal] = field(default_factory=dict)

    def number(self, text: str) -> Expression:
        """The number as SQL, so that a fraction is not cut off where the column holds whole numbers."""
        matched = re.fullmatch(r"([+-]?\d{1,12}(?:[.,]\d{1,6})?)\s*([a-zA-Z%]*)", text.strip())
        unit = matched.group(2).lower() if matched else ""
        if matched is None or (unit and unit not in self.units):
            units = ", ".join(self.units)
            raise self.refuse(_("a number") + (f" ({units})" if units else ""))
        number = Decimal(matched.group(1).replace(",", ".")) * self.units.get(unit, Decimal(1))
        return SqlValue(number, output_field=DecimalField())

    def condition(self, value: Value, context: SearchContext) -> Q:
        match value:
            case Comparison(operator, text):
                return Q(**{f"{self.path}__{LOOKUPS[operator]}": self.number(text)})
            case Span(low, high):
                bounds = Q()
                if low:
                    bounds &= Q(**{f"{self.path}__gte": self.number(low)})
                if high:
                    bounds &= Q(**{f"{self.path}__lte": self.number(high)})
                return bounds & Q(**{f"{self.path}__isnull": False})
            case Word(text):
                if text.lower() in ("none", ""):
                    return Q(**{f"{self.path}__isnull": True})
                return Q(**{self.path: self.number(text)})

    def examples(self) -> Sequence[str | Promise]:
        unit = next(iter(self.units), "")
        return (f"{self.name}:>=50{unit}", f"{self.name}:11..22")


_UNITS = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


@dataclass(frozen=True)
class TimeFacet(Facet):
    """A moment: `<15m` younger than, `>1d` older than; `today`, `2026-11-01`, `2026-11`, ranges; `never` for none.

    A duration is an age, so `seen:<15m` means within the last quarter of an hour. Days are the viewer's days.
    """

    def _age(self, text: str) -> timedelta | None:
        matched = re.fullmatch(r"(\d{1,6})\s*(s|min|m|h|d|w)", text.strip().lower())
        return int(matched.group(1)) * _UNITS[matched.group(2)] if matched else None

    def _day(self, day: datetime, zone: tzinfo, days: int = 1) -> tuple[datetime, datetime]:
        start = datetime.combine(day.date(), time.min, zone)
        return start, datetime.combine((day + timedelta(days=days)).date(), time.min, zone)

    def _period(self, text: str, context: SearchContext) -> tuple[datetime, datetime]:
        """The start and end (not included) of what a text names."""
        text, local = text.strip().lower(), context.now.astimezone(context.zone)
        monday = local - timedelta(days=local.weekday())
        named: dict[str, Callable[[], tuple[datetime, datetime]]] = {
            "today": lambda: self._day(local, context.zone),
            "yesterday": lambda: self._day(local - timedelta(days=1), context.zone),
            "week": lambda: self._day(monday, context.zone, 7),
            "now": lambda: (context.now, context.now + timedelta(microseconds=1)),
        }
        if text in named:
            return named[text]()
        try:
            if (age := self._age(text)) is not None:
                return context.now - age, context.now - age + timedelta(microseconds=1)
            if re.fullmatch(r"\d{4}-\d{2}", text):
                first = datetime.fromisoformat(text + "-01")
                following = (first + timedelta(days=32)).replace(day=1)
                return self._day(first, context.zone)[0], self._day(following, context.zone)[0]
            if day := parse_date(text):
                return self._day(datetime.combine(day, time.min), context.zone)
            if moment := parse_datetime(text.replace(" ", "T").upper()):
                moment = moment.replace(tzinfo=context.zone) if is_naive(moment) else moment
                return moment, moment + timedelta(minutes=1 if text.count(":") == 1 else 0, microseconds=1)
        except (ValueError, OverflowError):
            pass
        near = nearest(text, [*named, "never"])
        raise SearchError(
            _("“%(facet)s” takes an age such as <15m, a day such as today or 2026-11-01, or a range, not “%(typed)s”.")
            % {"facet": self.name, "typed": text}
            + _did_you_mean(near),
            suggestion=f"{self.name}:{near}" if near else "",
        )

    def condition(self, value: Value, context: SearchContext) -> Q:
        match value:
            case Comparison(operator, text):
                start, end = self._period(text, context)
                if self._age(text) is not None:
                    flipped = {"<": "gt", "<=": "gte", ">": "lt", ">=": "lte"}[operator]
                    return Q(**{f"{self.path}__{flipped}": start})
                bound = {"<": start, ">=": start, "<=": end, ">": end}[operator]
                lookup = {"<": "lt", "<=": "lt", ">": "gte", ">=": "gte"}[operator]
                return Q(**{f"{self.path}__{lookup}": bound})
            case Span(low, high):
                moments = [self._period(side, context) for side in (low, high) if side]
                bounds = Q(**{f"{self.path}__isnull": False})
                if low:
                    start = min(m[0] for m in moments)
                    bounds &= Q(**{f"{self.path}__gte": start})
                if high:
                    end = max(m[1] for m in moments)
                    bounds &= Q(**{f"{self.path}__lt": end})
                return bounds
            case Word(text):
                if text.lower() in ("never", "none", ""):
                    return Q(**{f"{self.path}__isnull": True})
                if text.lower() == "any":
                    return Q(**{f"{self.path}__isnull": False})
                start, end = self._period(text, context)
                return Q(**{f"{self.path}__gte": start, f"{self.path}__lt": end})

    def examples(self) -> Sequence[str | Promise]:
        return (f"{self.name}:<15m", f"{self.name}:today", f"{self.name}:2026-11-01..2026-11-07")


@dataclass(frozen=True)
class MembershipFacet(Facet):
    """Whether and where something belongs: `group:none`, `group:any`, `group:"Köln Süd"` (the name, case ignored).

    `belongs(name)` returns the condition for one name, or for any membership when the name is None.
    """

    belongs: Callable[[str | None], Q] = lambda name: Q()

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

    def condition(self, value: Value, context: SearchContext) -> Q:
        if isinstance(value, Word) and value.text.lower() in ("yes", "true", "1"):
            return self.when_true
        if isinstance(value, Word) and value.text.lower() in ("no", "false", "0"):
            return ~self.when_true
        raise self.refuse(_("yes or no"))

    def examples(self) -> Sequence[str | Promise]:
        return (f"{self.name}:yes", f"{self.name}:no")
