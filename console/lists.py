"""The list page: Magic Search, filters, chips, columns, sorting, pages. A new list declares, it does not program.

    class IncidentList(ListPage):
        key = "incidents"
        title = _("Incidents")
        permission = "infra_notifications.view_incident"
        search = INCIDENT_SEARCH
        filterset = IncidentFilters
        columns = (Column("opened_at", _("Opened"), sort="opened_at"), …)

        def rows(self, request): return selectors.incidents()

Its state is its URL: `q`, the filters, `sort`, `page`; chips and column heads are links, htmx swaps the named partial.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import django_filters
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views import View

from console.paging import page_of_rows
from console.permissions import check_permission
from console.search import SearchError, SearchSchema
from console.search.grammar import term_text

PAGE_SIZE = 50


@dataclass(frozen=True)
class Column:
    """One column: `template` renders a cell from `row` (default: the attribute's text); `sort` is an ORM path."""

    name: str
    label: str | Promise
    template: str = ""
    sort: str = ""
    numeric: bool = False
    value: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Action:
    """A button above the list, for those who have the permission."""

    label: str | Promise
    url: str
    permission: str
    icon: str = "plus"
    modal: bool = False


@dataclass(frozen=True)
class Chip:
    """An active term or filter and the URL of the list without it."""

    text: str
    url: str


def query_without(params: QueryDict, *names: str, **changes: str) -> str:
    """The query string with some parameters dropped or set; the page always starts anew."""
    copy = params.copy()
    for name in (*names, "page", "was"):
        copy.pop(name, None)
    for name, value in changes.items():
        copy[name] = value
    for name in [n for n, values in copy.lists() if not any(values)]:
        del copy[name]
    return f"?{copy.urlencode()}" if copy else "?"


class ListPage(View):
    key: ClassVar[str]
    title: ClassVar[str | Promise]
    permission: ClassVar[str]
    search: ClassVar[SearchSchema]
    filterset: ClassVar[type[django_filters.FilterSet] | None] = None
    columns: ClassVar[Sequence[Column]]
    default_sort: ClassVar[str] = "-pk"
    template: ClassVar[str] = "console/list.html"
    # The id of the part that htmx swaps, and what it is rendered from; other parts that htmx may ask for.
    list_id: ClassVar[str] = "list"
    results_template: ClassVar[str] = "console/parts/results.html"
    parts: ClassVar[dict[str, str]] = {}
    intro: ClassVar[str | Promise] = ""
    empty_title: ClassVar[str | Promise] = _("Nothing here yet")
    empty_text: ClassVar[str | Promise] = ""
    placeholder: ClassVar[str | Promise] = _("Search")

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view = super().as_view(**initkwargs)
        view.asks_for = cls.permission  # type: ignore[attr-defined]
        return view

    def rows(self, request: HttpRequest) -> QuerySet[Any]:
        raise NotImplementedError

    def actions(self, request: HttpRequest) -> Sequence[Action]:
        return ()

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        """Adds to the rows of one page what would be too dear to ask for every row of the list."""

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    # ---- reading the URL ----------------------------------------------------------------------------------

    def _sort(self, params: QueryDict) -> tuple[str, tuple[str, ...]]:
        asked = params.get("sort") or self.default_sort
        sortable = {c.name: c.sort for c in self.columns if c.sort}
        name = asked.lstrip("-")
        if name not in sortable and asked != self.default_sort:
            asked, name = self.default_sort, self.default_sort.lstrip("-")
        path = sortable.get(name, name)
        sign = "-" if asked.startswith("-") else ""
        return asked, (f"{sign}{path}", f"{sign}pk") if path != "pk" else (f"{sign}pk",)

    def _searched(self, params: QueryDict) -> tuple[str, Q, SearchError | None]:
        """The text that selects the rows, its condition, and what is wrong with `q`.

        When `q` cannot be read, the list stays as it was: by the last text that could (`was`), if that one can.
        """
        text = params.get("q", "")
        try:
            return text, self.search.condition(text), None
        except SearchError as error:
            try:
                return params.get("was", ""), self.search.condition(params.get("was", "")), error
            except SearchError:
                return "", Q(), error

    def _chips(self, params: QueryDict, text: str, filters: django_filters.FilterSet | None) -> list[Chip]:
        query = self.search.parse(text)
        chips = [
            Chip(term_text(term), query_without(params, "q", q=self.search.without(query, term)))
            for term in query.terms
        ]
        if filters is None or not filters.is_bound:
            return chips
        kept = _kept(params, text)
        for name, value in filters.form.cleaned_data.items() if filters.form.is_valid() else ():
            chips += self._filter_chips(kept, filters.form.fields[name], name, value)
        return chips

    def _filter_chips(self, params: QueryDict, form_field: Any, name: str, value: Any) -> list[Chip]:
        if value in (None, "", []) or (isinstance(value, QuerySet) and not value):
            return []
        labels = dict(getattr(form_field, "choices", ()))
        if not isinstance(value, list | QuerySet):
            shown = value if isinstance(value, slice) else labels.get(value, value)  # a range is not hashable
            parts = [p for p in params if p == name or p.startswith(f"{name}_")]
            return [Chip(f"{form_field.label}: {_plain(shown)}", query_without(params, *parts))]
        chips = []
        for one in value:
            rest = params.copy()
            key = str(one.pk) if isinstance(one, Model) else str(one)
            rest.setlist(name, [v for v in params.getlist(name) if v != key])
            chips.append(Chip(f"{form_field.label}: {_plain(labels.get(one, one))}", query_without(rest)))
        return chips

    # ---- answering --------------------------------------------------------------------------------------------

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Asks before anything is looked up, so that nobody learns by a 404 what there is."""
        check_permission(request, self.permission)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render_list(request)

    def matching(self, request: HttpRequest) -> tuple[QuerySet[Any], dict[str, Any]]:
        """The rows that the URL selects, and what the template says about the selection."""
        params = request.GET
        rows, filters = self.rows(request), None
        text, condition, error = self._searched(params)
        rows = rows.filter(condition) if condition else rows
        if self.filterset is not None:
            filters = self.filterset(params, queryset=rows, request=request)
            rows = filters.qs if filters.is_valid() else rows
        chips = self._chips(params, text, filters)
        return rows, {
            "q": params.get("q", ""),
            "was": text,
            "search_error": error,
            "filters": filters,
            "chips": chips,
            "narrowed": bool(chips),
        }

    def render_list(self, request: HttpRequest) -> HttpResponse:
        matching, selection = self.matching(request)
        sort, order_by = self._sort(request.GET)
        kept = _kept(request.GET, selection["was"])
        number = request.GET.get("page", "1")
        page = page_of_rows(
            self.rows(request),
            matching,
            order_by=order_by,
            number=int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1,
            size=PAGE_SIZE,
        )
        self.finish(request, page.rows)
        context = selection | {
            "page_title": self.title,
            "listing": self,
            "page": page,
            "heads": [self._head(column, sort, kept) for column in self.columns],
            "base_query": query_without(kept),
            "clear_url": query_without(request.GET, *[n for n in request.GET if n != "sort"]),
            "actions": [a for a in self.actions(request) if request.user.has_perm(a.permission)],
        }
        context |= self.extra_context(request)
        target = request.headers.get("HX-Target", "")
        name = self.results_template if target == self.list_id else self.parts.get(target, self.template)
        response = render(request, name, context)
        response["Vary"] = "HX-Request, HX-Target"
        return response

    def _head(self, column: Column, sort: str, params: QueryDict) -> dict[str, Any]:
        up, down = column.name, f"-{column.name}"
        return {
            "column": column,
            "url": query_without(params, sort=down if sort == up else up) if column.sort else "",
            "aria": {up: "ascending", down: "descending"}.get(sort, ""),
        }


def _kept(params: QueryDict, text: str) -> QueryDict:
    """The parameters for links that keep the selection: where `q` cannot be read, they go on with what selects now."""
    kept = params.copy()
    if kept.get("q", "") != text:
        kept["q"] = text
    return kept


def _plain(shown: Any) -> str:
    if isinstance(shown, slice):
        return f"{shown.start if shown.start is not None else ''}…{shown.stop if shown.stop is not None else ''}"
    return str(shown)
