"""The list page itself: answers with the page or a part of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.urls import resolve, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views import View

from console.lists import personal
from console.lists.bulk import answer_bulk
from console.lists.changes import answer_changes, stamp_of
from console.lists.columns import Action, Column
from console.lists.export import FORMS, answer_file
from console.lists.links import kept, query_without
from console.lists.listing import PAGE_SIZE, Listing, page_number
from console.lists.suggestions import answer_suggestions
from console.paging import page_of_rows
from core.permissions import check_permission, person
from core.undo import last_undo


class ListPage(Listing, View):
    # What a list answers beside its page: GET with `as=…`, POST with `do=…`.
    VIEWS: ClassVar[dict[str, Callable[[Any, HttpRequest], HttpResponseBase]]] = {
        "suggestions": answer_suggestions,
        **dict.fromkeys(FORMS, answer_file),
        "changes": answer_changes,
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

    # ---- answering ------------------------------------------------------------------------------------------------

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Asks before anything is looked up, so that nobody learns by a 404 what there is."""
        check_permission(request, self.permission)
        self.prepare(request, **kwargs)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return self.VIEWS.get(request.GET.get("as", ""), type(self).render_list)(self, request)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        handler = self.DOORS.get(request.POST.get("do", ""))
        return handler(self, request) if handler else self.http_method_not_allowed(request)

    def render_list(self, request: HttpRequest) -> HttpResponse:
        matching, selection = self.matching(request)
        sort, order_by = self.sort(request.GET)
        params = kept(request.GET, selection["was"])
        page = page_of_rows(
            self.rows(request),
            matching,
            order_by=order_by,
            number=page_number(request.GET),
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
            "clear_url": query_without(request.GET, *[n for n in request.GET if n not in ("sort", "columns")]),
            "new_counts": self._counts_anew(request, selection["was"]),
            "actions": [a for a in self.actions(request) if request.user.has_perm(a.permission)],
            "bulk_actions": [a for a in self.bulk if request.user.has_perm(a.permission)],
            "stamp": stamp_of(self, request) if self.live_on else "",
            "undo": last_undo(person(request)) if self.bulk else None,
        }
        if self.has_tools:
            context |= personal.menu(self, request)
            context["exports"] = self.exports(context["base_query"])
        if not page.rows:
            context["ways_on"] = self._ways_on(request, context["actions"])
        context |= self.extra_context(request)
        return self._answer(request, context)

    def _answer(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        """The page, or the part that htmx asks for; the address bar follows what is readable."""
        target = request.headers.get("HX-Target", "")
        known = {
            self.list_id: self.results_template,
            f"{self.list_id}-all": "console/parts/list_form.html",
            f"{self.list_id}-filters": "console/parts/filter_panel.html",
        }
        name = (known | self.parts).get(target, self.template)
        if target != self.list_id:
            source = self.facets_within(request, context["was"])
            filters = context["filters"] or self.filterset(request.GET, queryset=source.rows())
            context["filter_panel"] = filters.drawn(source)
        response = render(request, name, context)
        response["Vary"] = "HX-Request, HX-Target, X-Typing"
        if target == self.list_id and "X-By-Itself" not in request.headers:
            url = f"{request.path}{query_without(request.GET)}"
            typing = "X-Typing" in request.headers
            readable = context["was"] == request.GET.get("q", "")
            response["HX-Replace-Url" if typing else "HX-Push-Url"] = url if readable or not typing else "false"
        return response

    def _ways_on(self, request: HttpRequest, actions: list[Action]) -> list[tuple[str | Promise, str]]:
        """Where who stands before an empty list goes on: by what can be done here, to another list, or to the API."""
        ways: list[tuple[str | Promise, str]] = [(action.label, action.url) for action in actions]
        if self.empty_link:
            url = reverse(self.empty_link)
            other: Any = resolve(url).func
            if request.user.has_perm(other.view_class.permission):
                ways.append((other.view_class.title, url))
        return ways or [(_("API documentation"), reverse("api:openapi-view"))]

    def _counts_anew(self, request: HttpRequest, text: str) -> bool:
        """Whether the search of the list's form has changed, and with it the counts beside the filters."""
        of_form = request.headers.get("HX-Trigger") == f"{self.list_id}-form"
        return of_form and request.headers.get("HX-Target") == self.list_id and text != request.GET.get("was", "")

    def _head(self, column: Column, sort: str, params: QueryDict) -> dict[str, Any]:
        up, down = column.name, f"-{column.name}"
        return {
            "column": column,
            "cell_class": "num" if column.numeric else "nowrap" if column.nowrap else "tool-cell" * column.is_tool,
            "url": query_without(params, sort=down if sort == up else up) if column.order else "",
            "aria": {up: "ascending", down: "descending"}.get(sort, ""),
        }
