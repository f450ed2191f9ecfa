"""Filters beside a list: the facets of its search as choices with counts, for those who would rather choose than type.

    ChargePointFilters = filters_of(CHARGE_POINT_SEARCH, "status", "city", "power")

A choice means what the same value means in Magic Search, except that a text is the whole text. The choices are filled
when the panel is shown; any value is taken from the URL, whether it is among the first ones or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import django_filters
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, LayoutObject
from crispy_forms.utils import render_crispy_form
from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django_filters.widgets import RangeWidget

from core.cache import Cache
from core.search import (
    ChoiceFacet,
    Facet,
    FlagFacet,
    MembershipFacet,
    NumberFacet,
    SearchContext,
    SearchError,
    SearchSchema,
    TimeFacet,
)
from core.search.counts import Value
from core.search.stored import FacetSource

# So many values of a facet are offered; Magic Search offers the rest.
SHOWN = 10
LONGEST = 300


class CountedLabel(str):
    """What a choice is called, and how many rows it stands for; None where that is not counted."""

    rows: int | None

    def __new__(cls, label: str, rows: int | None) -> CountedLabel:
        made = super().__new__(cls, label)
        made.rows = rows
        return made


class FacetChoices(forms.CheckboxSelectMultiple):
    template_name = "console/widgets/facet.html"
    known: Callable[[str], str] = staticmethod(str)

    def format_value(self, value: Any) -> list[str]:
        return [self.known(one) for one in super().format_value(value)]


class FacetField(forms.MultipleChoiceField):
    """Values of one facet. One that the facet does not take is refused with its own sentence."""

    widget = FacetChoices

    def __init__(self, *, facet: Facet, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.facet = facet
        self.offered: list[tuple[str, CountedLabel]] = []
        self.has_more = False
        self.widget.known = self._known

    def label_of(self, value: str) -> str:
        return self.facet.label_of(value)

    def validate(self, value: list[str]) -> None:
        for one in value:
            if not one or len(one) > LONGEST:
                raise forms.ValidationError(_("This cannot be filtered by."))
            try:
                self.facet.choice_condition(one, _context())
            except SearchError as error:
                raise forms.ValidationError(str(error)) from error

    def fill(self, counted: list[Value], chosen: list[str]) -> None:
        """Offers the counted values, the words that always hold, and what is chosen already."""
        self.has_more = len(counted) > SHOWN
        counts = {value.value: value.count for value in counted[:SHOWN]}
        values = list(dict.fromkeys([*self._always(), *counts, *(self._known(one) for one in chosen)]))
        known = any(count is not None for count in counts.values())
        fixed = isinstance(self.facet, ChoiceFacet | FlagFacet)
        self.offered = [
            (value, CountedLabel(self.label_of(value), counts.get(value, 0 if fixed and known else None)))
            for value in values
        ]
        self.choices = self.offered

    @property
    def shown(self) -> tuple[Any, ...]:
        """Everything that the choices show."""
        return self.facet.name, tuple((value, str(label), label.rows) for value, label in self.offered), self.has_more

    def _always(self) -> list[str]:
        if isinstance(self.facet, ChoiceFacet):
            return list(self.facet.choices)
        return ["yes", "no"] if isinstance(self.facet, FlagFacet) else [value for value, _label in self.facet.hints()]

    def _known(self, value: str) -> str:
        """A value as it is offered, where only its case differs."""
        return next((known for known in self._always() if known.lower() == value.lower()), value)


class FacetFilter(django_filters.Filter):
    """A facet of the set's search as a filter."""

    def __init__(self, facet: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.facet_name = facet

    @property
    def facet(self) -> Facet:
        facet: Facet | None = self.parent.search.facet(self.facet_name)
        assert facet is not None, f"{type(self.parent).__name__} has no facet {self.facet_name}"
        return facet

    @cached_property
    def field(self) -> FacetField:
        return FacetField(label=self.extra.get("label") or self.facet.label, required=False, facet=self.facet)

    def filter(self, qs: QuerySet[Any], value: list[str]) -> QuerySet[Any]:
        condition, context = Q(), _context()
        for one in value:
            condition |= self.facet.choice_condition(one, context)
        return qs.filter(condition) if value else qs


class NumberRange(RangeWidget):
    """Two numbers with a name each."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        for part, label in zip(context["widget"]["subwidgets"], (_("from"), _("to")), strict=True):
            part["attrs"] |= {"aria-label": label, "placeholder": label, "inputmode": "decimal", "step": "any"}
            part["type"] = "number"
        return context


class Section(LayoutObject):
    """One filter: open when it is one of the first or filters now."""

    def __init__(self, name: str, opened: bool) -> None:
        self.name, self.opened = name, opened

    def render(self, form: Any, context: Any, **kwargs: Any) -> str:
        bound = form[self.name]
        active = [value for value in _values(bound.value()) if value]
        opened = bool(self.opened or active or bound.errors)
        if not isinstance(bound.field, FacetField) or bound.errors:
            return _drawn(bound, len(active), opened)
        key = (*bound.field.shown, bound.auto_id, str(bound.label), tuple(active), opened, get_language())
        return _sections.get(key, lambda: _drawn(bound, len(active), opened))


# What a section shows follows from its key: it is drawn once for all who see the same.
_sections: Cache[tuple[Any, ...], str] = Cache()


def _drawn(bound: Any, active: int, opened: bool) -> str:
    nothing = isinstance(bound.field, FacetField) and not bound.field.choices
    return render_to_string(
        "console/parts/facet.html", {"field": bound, "active": active, "opened": opened, "nothing": nothing}
    )


def _values(value: Any) -> Iterator[Any]:
    if isinstance(value, slice):
        yield from (value.start, value.stop)
    elif isinstance(value, list | tuple):
        yield from value
    else:
        yield value


class FacetFilterSet(django_filters.FilterSet):
    """A FilterSet whose choices are the facets of a search, with counts; the first `sections_open` ones stand open."""

    search: ClassVar[SearchSchema]
    sections_open: ClassVar[int]
    # Templates ask whether a list has filters; they would call the class.
    do_not_call_in_templates = True

    @property
    def form(self) -> Any:
        form = super().form
        if not hasattr(form, "helper"):
            form.helper = FormHelper()
            form.helper.form_tag, form.helper.disable_csrf = False, True
            form.helper.layout = Layout(*(Section(name, n < self.sections_open) for n, name in enumerate(form.fields)))
        return form

    @classmethod
    def is_idle(cls, params: QueryDict) -> bool:
        """Whether these parameters filter by nothing; then nothing of the set need be made, unless it is drawn."""
        names = tuple(cls.base_filters)
        return not any(param == name or param.startswith(f"{name}_") for param in params for name in names)

    def drawn(self, source: FacetSource) -> str:
        self.fill(source)
        return str(render_crispy_form(self.form))

    def fill(self, source: FacetSource) -> None:
        """Gives each facet its choices, all with one count."""
        fields = {name: f for name, f in self.form.fields.items() if isinstance(f, FacetField)}
        counts = source.first_values([f.facet.name for f in fields.values()], each=SHOWN + 1)
        for name, one in fields.items():
            chosen = self.data.getlist(name) if hasattr(self.data, "getlist") else []
            one.fill(counts.of(one.facet.name), [value for value in chosen if value][:SHOWN])


def filters_of(search: SearchSchema, *facets: str, opened: int = 3) -> type[FacetFilterSet]:
    """The filters of a list: these facets of its search, under their own names in the URL. A number is a range."""
    filters = {name: _filter_of(search, name) for name in facets}
    return type("Filters", (FacetFilterSet,), {"search": search, "sections_open": opened, **filters})


def facets_to_filter_by(search: SearchSchema) -> list[str]:
    """The facets whose values are counted, or ranges, and for everybody who sees the list."""
    kinds = (ChoiceFacet, FlagFacet, MembershipFacet, NumberFacet, TimeFacet)
    fit = [one for one in search.facets if isinstance(one, kinds) or getattr(one, "counted", False)]
    return [one.name for one in fit if not (one.personal or one.identifies)]


def _filter_of(search: SearchSchema, name: str) -> django_filters.Filter:
    facet = search.facet(name)
    if facet is None:
        raise LookupError(f"the search has no facet {name}")
    if facet.personal or facet.identifies:
        raise ValueError(f"the values of {name} are not for everybody who sees the list")
    if isinstance(facet, NumberFacet):
        return django_filters.RangeFilter(field_name=facet.path, label=facet.label, widget=NumberRange)
    return FacetFilter(name)


def _context() -> SearchContext:
    return SearchContext(timezone.now(), timezone.get_current_timezone())
