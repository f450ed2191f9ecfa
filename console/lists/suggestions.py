"""What could be typed next, as the options of a listbox: `?as=suggestions&text=…&caret=…` of every list."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from console.lists.listing import Listing
from core.search.suggest import suggest


def answer_suggestions(page: Listing, request: HttpRequest) -> HttpResponse:
    text, caret = request.GET.get("text", ""), request.GET.get("caret", "")
    place = int(caret) if caret.isascii() and caret.isdigit() and len(caret) < 6 else len(text)
    source = page.facet_source(request)
    suggestions = suggest(
        page.search, text, place, values_of=source.values_of, values_beginning=source.values_beginning
    )
    return render(request, "console/parts/suggestions.html", {"suggestions": suggestions, "listing": page})
