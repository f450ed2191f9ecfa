"""Banners for the apps that show them. An app with an API of its own asks the services instead."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone

from core.api import Problem, page_of, serialize
from outbox import selectors
from outbox.api.base import READ, WRITE, router
from outbox.api.events import serialize_event
from outbox.choices import BannerState
from outbox.models import Banner
from outbox.services import banners as services


def serialize_banner(banner: Banner) -> dict[str, Any]:
    return serialize(banner, "audience", "state", "shown_at", "read_at", "expires_at", "ended_at") | {
        "id": banner.pk,
        "read": banner.read_at is not None,
        "event": serialize_event(banner.delivery.event),
    }


def states_asked(state: str) -> list[str]:
    """`open,resolved` as states; empty for all. Raises Problem 422 for a word that is none."""
    asked = [word.strip() for word in state.split(",") if word.strip()]
    unknown = sorted(set(asked) - set(BannerState.values))
    if unknown:
        known = ", ".join(BannerState.values)
        sentence = f"`state` is a list of {known}, not {', '.join(unknown)[:100]}."
        raise Problem(422, sentence, [{"pointer": "/state", "detail": f"one of {known}"}])
    return asked


@router.get("/banners", auth=READ, summary="What an app shows to one of its users, newest first")
def list_banners(
    request: HttpRequest, audience: str, state: str = "open", limit: int = 100, cursor: str | None = None
) -> dict[str, Any]:
    """`state` is one or several of open, dismissed, resolved, expired with commas between them; empty means all."""
    rows = selectors.banners_of(audience, now=timezone.now(), states=states_asked(state))
    return page_of(rows, limit=limit, cursor=cursor, shape=serialize_banner)


@router.post("/banners/{banner_id}/read", auth=WRITE, summary="Its user has read a banner; it stands open all the same")
def read_banner(request: HttpRequest, banner_id: int) -> dict[str, Any]:
    banner = get_object_or_404(Banner.objects.select_related("delivery__event"), pk=banner_id)
    services.mark_read(audience=banner.audience, ids=[banner.pk], now=timezone.now())
    banner.refresh_from_db(fields=["state", "read_at", "ended_at"])
    return serialize_banner(banner)


@router.post("/banners/{banner_id}/dismiss", auth=WRITE, summary="Its user dismissed a banner")
def dismiss_banner(request: HttpRequest, banner_id: int) -> dict[str, Any]:
    """409 when it has ended otherwise; dismissing twice is one dismissal."""
    banner = get_object_or_404(Banner.objects.select_related("delivery__event"), pk=banner_id)
    services.dismiss(audience=banner.audience, ids=[banner.pk], now=timezone.now())
    banner.refresh_from_db(fields=["state", "read_at", "ended_at"])
    if banner.state != BannerState.DISMISSED:
        raise Problem(409, f"This banner is {banner.state} already.")
    return serialize_banner(banner)
