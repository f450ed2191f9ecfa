"""The bell of every page: what waits for somebody, as the apps say when they start (static/js/live.js)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.cache import get_conditional_response
from django.utils.functional import Promise
from django.utils.http import quote_etag
from django.views.decorators.http import require_GET

from core.permissions import SIGNED_IN, requires
from core.receipts import digest_of_json
from core.registry import Registry


class News(NamedTuple):
    """How many things wait for somebody, and the newest of them: id, text, address."""

    waiting: int
    newest: list[tuple[int, str, str]]


@dataclass(frozen=True)
class Bell:
    """What rings: things that wait for those who have a permission, the newest first, and their list."""

    key: str
    label: str | Promise
    permission: str
    url: Callable[[], str]
    news: Callable[[], News]


bells: Registry[Bell] = Registry("bell")


@requires(SIGNED_IN)
@require_GET
def bell(request: HttpRequest) -> HttpResponseBase:
    """What waits for somebody, as the bell shows it: 304 while that is as the page knows it (static/js/live.js)."""
    found = [
        {
            "key": one.key,
            "label": str(one.label),
            "url": one.url(),
            "count": news.waiting,
            "newest": [{"id": pk, "text": text, "url": url} for pk, text, url in news.newest],
        }
        for one in bells.values()
        if request.user.has_perm(one.permission)
        for news in (one.news(),)
    ]
    etag = quote_etag(digest_of_json(found))
    answer = JsonResponse({"bells": found}, headers={"ETag": etag})
    return get_conditional_response(request, etag=etag, response=answer) or answer
