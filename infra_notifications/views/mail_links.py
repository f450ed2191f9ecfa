"""The page behind the link of a mail: acknowledge without sign-in."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from core.permissions import public
from core.time_zones import known_zones
from infra_notifications.services.mail_links import acknowledge_by_mail, hide_strangers, incidents_of, read_link

# A page on a phone; the incidents beyond are in the console.
LISTED = 20


@public
@csrf_exempt  # the link itself is the proof; a mail program's browser may keep no cookie
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def mail_acknowledge(request: HttpRequest, token: str) -> HttpResponse:
    """Shows a button, and acts on POST alone: programs that look at each link of a mail change nothing."""
    now = timezone.now()
    link = read_link(token, now)
    if link is None:  # mail programs cut long links
        return _answer(request, {"page_title": _("Acknowledge"), "link": None}, 404)
    zone = ZoneInfo(link.time_zone) if link.time_zone in known_zones() else None
    with translation.override(link.delivery.language), timezone.override(zone):
        number = acknowledge_by_mail(link, incidents_of(link), now) if request.method == "POST" else 0
        incidents = list(incidents_of(link))
        hide_strangers(link, incidents)
        waiting = [incident for incident in incidents if _is_waiting(incident)]
        context = {
            "page_title": _("Acknowledge"),
            "link": link,
            "incidents": incidents[:LISTED],
            "more": max(0, len(incidents) - LISTED),
            "waiting": len(waiting) if link.is_valid else 0,
            "acknowledged": number,
        }
        status = 410 if link.is_expired or not link.is_on_list else 200
        return _answer(request, context, status)


def _answer(request: HttpRequest, context: dict[str, Any], status: int) -> HttpResponse:
    response = render(request, "infra_notifications/mail_acknowledge.html", context, status=status)
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _is_waiting(incident: object) -> bool:
    return getattr(incident, "closed_at", None) is None and not hasattr(incident, "acknowledgement")
