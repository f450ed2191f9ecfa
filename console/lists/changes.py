"""Whether something changed on the page of a list that somebody reads: `?as=changes`, 304 while nothing did.

It costs the rows of that page by their index, without counts, filters and templates (static/js/live.js).
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag

from console.lists.listing import PAGE_SIZE, Listing, page_number
from core.receipts import digest_of_json


def stamp_of(page: Listing, request: HttpRequest) -> str:
    """What the page of a list shows now, as an ETag."""
    matching, _selection = page.matching(request)
    _asked, order_by = page.sort(request.GET)
    first = (page_number(request.GET) - 1) * PAGE_SIZE
    rows = matching.order_by(*order_by).values_list("pk", *page.live_on)[first : first + PAGE_SIZE]
    return quote_etag(digest_of_json([[str(value) for value in row] for row in rows]))


def answer_changes(page: Listing, request: HttpRequest) -> HttpResponseBase:
    if not page.live_on:
        return HttpResponse(status=404)
    etag = stamp_of(page, request)
    answer = HttpResponse(status=204, headers={"ETag": etag})
    return get_conditional_response(request, etag=etag, response=answer) or answer
