"""What could be typed next, as the options of a listbox: `?as=suggestions&text=…&caret=…` of every list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.search.suggest import suggest

if TYPE_CHECKING:
    from console.lists.page import ListPage


def answer_suggestions(page: ListPage, request: HttpRequest) -> HttpResponse:
    text, caret = request.GET.get("text", ""), request.GET.get("caret", "")
    place = int(caret) if caret.isascii() and caret.isdigit() and len(caret) < 6 else len(text)
    source = page.facet_source(request)
    found = suggest(page.search, text, place, values_of=source.values_of, values_beginning=source.values_beginning)
    return render(request, "console/parts/suggestions.html", {"suggestions": found, "listing": page})
