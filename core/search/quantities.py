"""Fields that measure: numbers with their units, and moments."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, tzinfo
from decimal import Decimal

from django.db.models import DecimalField, Expression, Q
from django.db.models import Value as SqlValue
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.functional import Promise
from django.utils.timezone import is_naive
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.search.base import Facet, SearchContext, SearchError, did_you_mean, nearest
from core.search.grammar import Comparison, Span, Value, Word

LOOKUPS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


@dataclass(frozen=True)
class NumberFacet(Facet):
    """A number, compared or in a range; `units` maps a unit to what one of it is in the column's unit."""

    units: dict[str, Decimal] = field(default_factory=dict)

    def hints(self) -> Sequence[tuple[str, str | Promise]]:
        unit = next(iter(self.units), "")
        return (
            (f">=50{unit}", gettext_lazy("at least")),
            (f"<50{unit}", gettext_lazy("less than")),
            ("11..22", gettext_lazy("from … to")),
            ("none", gettext_lazy("unknown")),
        )

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


_NEVER = ("never", "none", "")


@dataclass(frozen=True)
class TimeFacet(Facet):
    """A moment: `<15m` younger than, `>1d` older than; `today`, `2026-11-01`, `2026-11`, ranges; `never` for none.

    A duration is an age, so `seen:<15m` means within the last quarter of an hour. Days are the viewer's days.
    """

    def hints(self) -> Sequence[tuple[str, str | Promise]]:
        return (
            ("<15m", gettext_lazy("within the last 15 minutes")),
            ("<1h", gettext_lazy("within the last hour")),
            ("today", gettext_lazy("today")),
            ("yesterday", gettext_lazy("yesterday")),
            ("week", gettext_lazy("this week")),
            ("<30d", gettext_lazy("within the last 30 days")),
            (">1d", gettext_lazy("more than a day ago")),
            ("never", gettext_lazy("never")),
        )

    def label_of(self, value: str) -> str:
        return str(dict(self.hints()).get(value, value))

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
            + did_you_mean(near),
            suggestion=f"{self.name}:{near}" if near else "",
        )

    def bounds(self, value: Value, context: SearchContext) -> dict[str, datetime] | None:
        """The moments between which it lies, by lookup (`gt`, `gte`, `lt`, `lte`); None for `never` and `any`."""
        match value:
            case Comparison(operator, text):
                start, end = self._period(text, context)
                if self._age(text) is not None:
                    return {{"<": "gt", "<=": "gte", ">": "lt", ">=": "lte"}[operator]: start}
                bound = {"<": start, ">=": start, "<=": end, ">": end}[operator]
                return {{"<": "lt", "<=": "lt", ">": "gte", ">=": "gte"}[operator]: bound}
            case Span(low, high):
                moments = [self._period(side, context) for side in (low, high) if side]
                from_low = {"gte": min(start for start, _end in moments)} if low else {}
                to_high = {"lt": max(end for _start, end in moments)} if high else {}
                return from_low | to_high
            case Word(text):
                if text.lower() in (*_NEVER, "any"):
                    return None
                start, end = self._period(text, context)
                return {"gte": start, "lt": end}

    def condition(self, value: Value, context: SearchContext) -> Q:
        bounds = self.bounds(value, context)
        if bounds is None:
            return Q(**{f"{self.path}__isnull": isinstance(value, Word) and value.text.lower() in _NEVER})
        condition = Q(**{f"{self.path}__{lookup}": moment for lookup, moment in bounds.items()})
        return condition & Q(**{f"{self.path}__isnull": False}) if isinstance(value, Span) else condition

    def examples(self) -> Sequence[str | Promise]:
        return (f"{self.name}:<15m", f"{self.name}:today", f"{self.name}:2026-11-01..2026-11-07")
