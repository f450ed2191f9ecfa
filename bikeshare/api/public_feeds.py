"""The files of the public feeds: for everyone, kept by whoever stands between, asked for again by what they held."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.gzip import gzip_page

from bikeshare.api import gbfs, gbfs_2_3
from bikeshare.models import Program
from core.api import rfc3339
from core.middleware import for_everyone
from core.permissions import public

TTL_S = 60
VERSIONS = {gbfs.VERSION: gbfs.FILES, gbfs_2_3.VERSION: gbfs_2_3.FILES}


def gbfs_file(version: str, name: str) -> Callable[..., HttpResponse]:
    """The view of one file of one version."""

    @public
    @gzip_page
    def view(request: HttpRequest, pk: str) -> HttpResponse:
        program = get_object_or_404(Program, pk=pk)
        if not program.publish_gbfs:
            raise Http404
        now = timezone.now()
        return _answer(request, version, VERSIONS[version][name](program, now), now)

    return view


@public
@gzip_page
def gbfs_manifest(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    programs = list(Program.objects.filter(publish_gbfs=True).order_by("pk"))
    return _answer(request, gbfs.VERSION, gbfs.manifest(programs, now), now)


def _answer(request: HttpRequest, version: str, data: dict[str, Any], now: datetime) -> HttpResponse:
    """The file, or that it is still as it was: its tag is of what it holds, not of when it was asked for."""
    held = msgspec.json.encode(data)
    etag = f'"{hashlib.sha256(held).hexdigest()[:32]}"'
    updated = rfc3339(now) if version == gbfs.VERSION else int(now.timestamp())
    body = {"last_updated": updated, "ttl": TTL_S, "version": version, "data": msgspec.Raw(held)}
    response = HttpResponse(msgspec.json.encode(body), content_type="application/json")
    response["ETag"] = etag
    response = get_conditional_response(request, etag=etag, response=response) or response
    response["Cache-Control"] = f"public, max-age={TTL_S}"
    response["Access-Control-Allow-Origin"] = "*"
    return for_everyone(response)
