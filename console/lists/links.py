"""A list's state is its URL: chips and column heads are links to the same URL with a little less or more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import django_filters
from django.db.models import Model, QuerySet
from django.http import QueryDict

from core.search import SearchSchema
from core.search.grammar import term_text


@dataclass(frozen=True)
class Chip:
    """An active term or filter and the URL of the list without it."""

    text: str
    url: str


def query_without(params: QueryDict, *names: str, **changes: str) -> str:
    """The query string with some parameters dropped or set; the page always starts anew."""
    copy = params.copy()
    for name in (*names, "page", "was", "as"):
        copy.pop(name, None)
    for name, value in changes.items():
        copy[name] = value
    for name in [n for n, values in copy.lists() if not any(values)]:
        del copy[name]
    return f"?{copy.urlencode()}" if copy else "?"


def kept(params: QueryDict, text: str) -> QueryDict:
    """The parameters for links that keep the selection: where `q` cannot be read, they go on with what selects now."""
    copy = params.copy()
    if copy.get("q", "") != text:
        copy["q"] = text
    return copy


def chips_of(
    params: QueryDict, text: str, search: SearchSchema, filters: django_filters.FilterSet | None
) -> list[Chip]:
    query = search.parse(text)
    chips = [Chip(term_text(term), query_without(params, "q", q=search.without(query, term))) for term in query.terms]
    if filters is None or not filters.is_bound:
        return chips
    for name, value in filters.form.cleaned_data.items() if filters.form.is_valid() else ():
        chips += _filter_chips(kept(params, text), filters.form.fields[name], name, value)
    return chips


def _filter_chips(params: QueryDict, form_field: Any, name: str, value: Any) -> list[Chip]:
    if value in (None, "", []) or (isinstance(value, QuerySet) and not value):
        return []
    label_of = getattr(form_field, "label_of", None) or (
        lambda one: dict(getattr(form_field, "choices", ())).get(one, one)
    )
    if not isinstance(value, list | QuerySet):
        shown = value if isinstance(value, slice) else label_of(value)  # a range is not hashable
        parts = [p for p in params if p == name or p.startswith(f"{name}_")]
        return [Chip(f"{form_field.label}: {_plain(shown)}", query_without(params, *parts))]
    chips = []
    for one in value:
        rest, key = params.copy(), str(one.pk) if isinstance(one, Model) else str(one)
        rest.setlist(name, [v for v in params.getlist(name) if v.lower() != key.lower()])
        chips.append(Chip(f"{form_field.label}: {_plain(label_of(one))}", query_without(rest)))
    return chips


def _plain(shown: Any) -> str:
    if isinstance(shown, slice):
        return f"{shown.start if shown.start is not None else ''}…{shown.stop if shown.stop is not None else ''}"
    return str(shown)
