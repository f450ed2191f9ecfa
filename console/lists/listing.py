"""What a list declares, and how it reads its URL: which rows are selected, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from console.filters import FacetFilterSet, facets_to_filter_by, filters_of
from console.lists.actions import BulkAction
from console.lists.columns import Action, Column
from console.lists.links import chips_of
from core.search import SearchError, SearchSchema
from core.search.caret import typing_at
from core.search.stored import FacetSource

PAGE_SIZE = 50


def page_number(params: QueryDict) -> int:
    number = params.get("page", "1")
    return max(1, int(number)) if number.isascii() and number.isdigit() and len(number) < 6 else 1


class Listing:
    """The rows of a list, as its declarations and a URL select them; `ListPage` answers with them."""

    key: ClassVar[str]
    title: ClassVar[str | Promise]
    permission: ClassVar[str]
    search: ClassVar[SearchSchema]
    # By default all facets of the search that are fit for it.
    filterset: ClassVar[type[FacetFilterSet]]
    columns: ClassVar[Sequence[Column]]
    # What can be done with selected rows.
    bulk: ClassVar[Sequence[BulkAction]] = ()
    # What of a row changes while one reads: such a list is asked for its changes by its page (`changes`).
    live_on: ClassVar[Sequence[str]] = ()
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
    # The name of the list where an empty one goes on, beside its actions; without either to the API's documentation.
    empty_link: ClassVar[str] = ""
    placeholder: ClassVar[str | Promise] = _("Search")
    # Whether people may keep searches and columns of it and take it home: a step of a wizard is no place for that.
    has_tools: ClassVar[bool] = True

    def __init_subclass__(cls) -> None:
        if "search" in vars(cls) and "filterset" not in vars(cls):
            cls.filterset = filters_of(cls.search, *facets_to_filter_by(cls.search), opened=2)

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

    def exports(self, query: str) -> list[tuple[str | Promise, str]]:
        """The files that can be taken home of what `query` selects: what each is called, and its address."""
        return [(form, f"{query}&as={form.partition(' ')[0].lower()}") for form in ("CSV", "XLSX (Excel)", "JSON")]

    # ---- reading the URL ----------------------------------------------------------------------------------------

    def sort(self, params: QueryDict) -> tuple[str, tuple[str, ...]]:
        """What sorts the list as it is asked for, and as the ORM takes it."""
        asked = params.get("sort") or self.default_sort
        sortable = {c.name: c.order for c in self.columns if c.order}
        name = asked.lstrip("-")
        if name not in sortable and asked != self.default_sort:
            asked, name = self.default_sort, self.default_sort.lstrip("-")
        hidden = name not in sortable and any(c.name == name and c.sort for c in self.columns)
        path = "pk" if hidden else sortable.get(name, name)
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

    def matching(self, request: HttpRequest) -> tuple[QuerySet[Any], dict[str, Any]]:
        """The rows that the URL selects, and what the template says about the selection."""
        params = request.GET
        rows, filters = self.rows(request), None
        text, condition, error = self._searched(request)
        rows = rows.filter(condition) if condition else rows
        if not self.filterset.is_idle(params):
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

    def facet_source(self, request: HttpRequest) -> FacetSource:
        """The values of all rows."""
        return FacetSource(self.counted_as, lambda: self.rows(request), self.search)

    def facets_within(self, request: HttpRequest, text: str) -> FacetSource:
        """The values of the rows that a search selects."""
        if not text:
            return self.facet_source(request)
        return FacetSource("", lambda: self.rows(request).filter(self.search.condition(text)), self.search)
