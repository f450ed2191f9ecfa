"""Feeds of others that are read by a schedule."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone

from bikeshare.api.helpers import READ, WRITE, answer, read_and_said, with_warnings
from bikeshare.api.resources import body_openapi, router
from bikeshare.ingest.resources import FeedBody
from bikeshare.models import FeedSource
from bikeshare.services import feeds
from core.api import audited_by, key_of
from core.choices import Scope
from core.models import ApiKey

_body = msgspec.json.Decoder(FeedBody)
_FIELDS = ("id", "every_min", "types", "rfc7946", "next_at", "last_at", "last_ok_at", "problem", "result")


def _serialize(feed: FeedSource, key: ApiKey) -> dict[str, Any]:
    """Of the `url`, which may hold a key, those who may not write read scheme and host."""
    url = getattr(feed, "url", "") if Scope.BIKESHARE_WRITE.value in key.scopes else feed.shown_url
    shown = {name: getattr(feed, name) for name in _FIELDS}
    return {"object": "feed", "program": feed.program_id, "url": url} | shown


@router.get("/feeds", auth=READ, summary="Feeds that are read by a schedule, with what came of it")
def list_feeds(request: HttpRequest) -> dict[str, Any]:
    return {"items": [_serialize(feed, key_of(request)) for feed in FeedSource.objects.all()], "next": None}


@router.post("/feeds", auth=WRITE, summary="Read a feed by a schedule", openapi_extra=body_openapi(FeedBody))
def create_feed(request: HttpRequest) -> HttpResponse:
    body, said = read_and_said(request, _body)
    with audited_by(key_of(request)):
        made = _serialize(feeds.create_feed(body=body, now=timezone.now()), key_of(request))
        return answer(with_warnings(made, said), 201)


@router.get("/feeds/{uid}", auth=READ, summary="One feed")
def get_feed(request: HttpRequest, uid: int) -> dict[str, Any]:
    return _serialize(get_object_or_404(FeedSource, pk=uid), key_of(request))


@router.patch("/feeds/{uid}", auth=WRITE, summary="Change a feed", openapi_extra=body_openapi(FeedBody))
def patch_feed(request: HttpRequest, uid: int) -> HttpResponse:
    feed, (body, said) = get_object_or_404(FeedSource, pk=uid), read_and_said(request, _body)
    with audited_by(key_of(request)):
        changed = _serialize(feeds.patch_feed(feed=feed, body=body, now=timezone.now()), key_of(request))
        return answer(with_warnings(changed, said))


@router.delete("/feeds/{uid}", auth=WRITE, summary="Stop reading a feed; what it brought stays")
def delete_feed(request: HttpRequest, uid: int) -> HttpResponse:
    feed = get_object_or_404(FeedSource, pk=uid)
    with audited_by(key_of(request)):
        feed.delete()
    return HttpResponse(status=204)


@router.post("/feeds/{uid}/read", auth=WRITE, summary="Read a feed at the next sweep, all of it")
def read_feed(request: HttpRequest, uid: int) -> HttpResponse:
    feed = get_object_or_404(FeedSource, pk=uid)
    return answer(_serialize(feeds.read_soon(feed=feed, now=timezone.now()), key_of(request)), 202)
