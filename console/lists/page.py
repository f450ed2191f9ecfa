"""The list page itself: reads its URL, finds and sorts the rows, answers with the page or a part of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import django_filters
from crispy_forms.utils import render_crispy_form
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views import View

from console.filters import FacetFilterSet
from console.lists import personal
from console.lists.actions import BulkAction
from console.lists.bulk import answer_bulk
from console.lists.columns import Action, Column
from console.lists.export import answer_csv
from console.lists.links import chips_of, kept, query_without
from console.lists.suggestions import answer_suggestions
from console.paging import page_of_rows
from core.permissions import check_permission, person
from core.search import SearchError, SearchSchema
from core.search.caret import typing_at
from core.search.stored import FacetSource
from core.undo import last_undo

PAGE_SIZE = 50


class ListPage(View):
    key: ClassVar[str]
    title: ClassVar[str | Promise]
    permission: ClassVar[str]
    search: ClassVar[SearchSchema]
    filterset: ClassVar[type[django_filters.FilterSet] | None] = None
    columns: ClassVar[Sequence[Column]]
    # What can be done with selected rows.
    bulk: ClassVar[Sequence[BulkAction]] = ()
    # The key of a registered long list whose rows these are, all of them; empty: the values are counted at once.
    counted_as: ClassVar[str] = ""
    default_sort: ClassVar[str] = "-pk"
    template: ClassVar[str] = "console/list.html"
    # The id of the part that htmx swaps, and what it is rendered from; other parts that htmx may ask for.
    list_id: ClassVar[str] = "list"
    results_template: ClassVar[str] = "console/parts/results.html"
    parts: ClassVar[dict[str, str]] = {}
    # What stands between the count and the rows: buttons for what is marked, or for all that match.
    bar_template: ClassVar[str] = ""
    intro: ClassVar[str | Promise] = ""
    empty_title: ClassVar[str | Promise] = _("Nothing here yet")
    empty_text: ClassVar[str | Promise] = ""
    placeholder: ClassVar[str | Promise] = _("Search")
    # Whether people may keep searches and columns of it and take it home: a step of a wizard is no place for that.
    has_tools: ClassVar[bool] = True

    # What a list answers beside its page: GET with `as=…`, POST with `do=…`.
    VIEWS: ClassVar[dict[str, Callable[[Any, HttpRequest], HttpResponseBase]]] = {
        "suggestions": answer_suggestions,
        "csv": answer_csv,
    }
    DOORS: ClassVar[dict[str, Callable[[Any, HttpRequest], HttpResponseBase]]] = {
        "bulk": answer_bulk,
        "columns": personal.choose_columns,
        "save_search": personal.save_search,
        "delete_search": personal.delete_search,
    }

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view = super().as_view(**initkwargs)
        view.asks_for = cls.permission  # type: ignore[attr-defined]
        return view

    # ---- what a list declares -----------------------------------------------------------------------------------

    def prepare(self, request: HttpRequest, **kwargs: Any) -> None:
        """Looks up what the URL names, e.g. the group whose members these are. May raise Http404."""

    def rows(self, request: HttpRequest) -> QuerySet[Any]:
        raise NotImplementedError

    def actions(self, request: HttpRequest) -> Sequence[Action]:
        return ()

    def bulk_arguments(self) -> dict[str, Any]:
        """What every bulk action here knows beside its form, e.g. the group; JSON."""
        return {}

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        """Adds to the rows of one page what would be too dear to ask for every row of the list."""

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def export_url(self, request: HttpRequest, query: str) -> str:
        return f"{request.path}{query}&as=csv"

    # ---- reading the URL ----------------------------------------------------------------------------------------

    def sort(self, params: QueryDict) -> tuple[str, tuple[str, ...]]:
        """What sorts the list as it is asked for, and as the ORM takes it."""
        asked = params.get("sort") or self.default_sort
        sortable = {c.name: c.sort for c in self.columns if c.sort}
        name = asked.lstrip("-")
        if name not in sortable and asked != self.default_sort:
            asked, name = self.default_sort, self.default_sort.lstrip("-")
        path = sortable.get(name, name)
        sign = "-" if asked.startswith("-") else ""
        return asked, (f"{sign}{path}", f"{sign}pk") if path != "pk" else (f"{sign}pk",)

    def _searched(self, request: HttpRequest) -> tuple[str, Q, SearchError | None]:
        """The text that selects the rows, its condition, and what is wrong with `q`.

        When `q` cannot be read, the list stays as it was: by the last text that could (`was`), if that one can.
        """
        params, text = request.GET, request.GET.get("q", "")
        try:
            return text, self.search.condition(text), None
        except SearchError as found:
            error = None if self._is_unfinished(request, text) else found
            try:
                return params.get("was", ""), self.search.condition(params.get("was", "")), error
            except SearchError:
                return "", Q(), error

    def _is_unfinished(self, request: HttpRequest, text: str) -> bool:
        """Whether nothing is wrong but the term that is just being typed."""
        if "X-Typing" not in request.headers:
            return False
        try:
            self.search.condition(text[: typing_at(text, len(text)).term_start])
        except SearchError:
            return False
        return True

    # ---- answering ------------------------------------------------------------------------------------------------

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Asks before anything is looked up, so that nobody learns by a 404 what there is."""
        check_permission(request, self.permission)
        self.prepare(request, **kwargs)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return self.VIEWS.get(request.GET.get("as", ""), type(self).render_list)(self, request)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        door = self.DOORS.get(request.POST.get("do", ""))
        return door(self, request) if door else self.http_method_not_allowed(request)

    def matching(self, request: HttpRequest) -> tuple[QuerySet[Any], dict[str, Any]]:
        """The rows that the URL selects, and what the template says about the selection."""
        params = request.GET
        rows, filters = self.rows(request), None
        text, condition, error = self._searched(request)
        rows = rows.filter(condition) if condition else rows
        if self.filterset is not None and not self._is_idle(params):
            filters = self.filterset(params, queryset=rows, request=request)
            rows = filters.qs if filters.is_valid() else rows
        chips = chips_of(params, text, self.search, filters)
        return rows, {
            "q": params.get("q", ""),
            "was": text,
            "search_error": error,
            "filters": filters,
            "chips": chips,
            "narrowed": bool(chips),
        }

    def _is_idle(self, params: QueryDict) -> bool:
        return (
            self.filterset is not None and issubclass(self.filterset, FacetFilterSet) and self.filterset.is_idle(params)
        )

    def facet_source(self, request: HttpRequest) -> FacetSource:
        return FacetSource(self.counted_as, lambda: self.rows(request), self.search)

    def render_list(self, request: HttpRequest) -> HttpResponse:
        matching, selection = self.matching(request)
        sort, order_by = self.sort(request.GET)
        params = kept(request.GET, selection["was"])
        number = request.GET.get("page", "1")
        page = page_of_rows(
            self.rows(request),
            matching,
            order_by=order_by,
            number=int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1,
            size=PAGE_SIZE,
        )
        self.finish(request, page.rows)
        shown = personal.shown_columns(self, request)
        context = selection | {
            "page_title": self.title,
            "listing": self,
            "page": page,
            "heads": [self._head(column, sort, params) for column in shown],
            "base_query": query_without(params),
            "clear_url": query_without(request.GET, *[n for n in request.GET if n != "sort"]),
            "actions": [a for a in self.actions(request) if request.user.has_perm(a.permission)],
            "bulk_actions": [a for a in self.bulk if request.user.has_perm(a.permission)],
            "undo": last_undo(person(request)) if self.bulk else None,
        }
        if self.has_tools:
            context |= personal.menu(self, request)
            context["export_url"] = self.export_url(request, context["base_query"])
        context |= self.extra_context(request)
        return self._answer(request, context)

    def _answer(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        """The page, or the part that htmx asks for; the address bar follows what is readable."""
        target = request.headers.get("HX-Target", "")
        known = {self.list_id: self.results_template, f"{self.list_id}-all": "console/parts/list_form.html"}
        name = (known | self.parts).get(target, self.template)
        if self.filterset is not None and target != self.list_id:
            context["filter_panel"] = self._filter_panel(request, context["filters"])
        response = render(request, name, context)
        response["Vary"] = "HX-Request, HX-Target, X-Typing"
        if target == self.list_id:
            url = f"{request.path}{query_without(request.GET)}"
            typing = "X-Typing" in request.headers
            readable = context["was"] == request.GET.get("q", "")
            response["HX-Replace-Url" if typing else "HX-Push-Url"] = url if readable or not typing else "false"
        return response

    def _filter_panel(self, request: HttpRequest, filters: django_filters.FilterSet | None) -> str:
        source = self.facet_source(request)
        if isinstance(filters, FacetFilterSet):
            return filters.drawn(source)
        if filters is not None:
            return str(render_crispy_form(filters.form))
        assert self.filterset is not None
        assert issubclass(self.filterset, FacetFilterSet)
        return self.filterset(request.GET).drawn(source)

    def _head(self, column: Column, sort: str, params: QueryDict) -> dict[str, Any]:
        up, down = column.name, f"-{column.name}"
        return {
            "column": column,
            "cell_class": "num" if column.numeric else "nowrap" if column.nowrap else "tool-cell" * column.is_tool,
            "url": query_without(params, sort=down if sort == up else up) if column.sort else "",
            "aria": {up: "ascending", down: "descending"}.get(sort, ""),
        }
