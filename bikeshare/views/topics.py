"""The topics: what each means, when it last happened, how often, who listens; and a sample to try listeners out."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import msgspec
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from bikeshare import selectors
from bikeshare.event_kinds import TOPIC_OF, TOPICS, Topic
from bikeshare.services.samples import send_sample
from core.permissions import requires

# More listeners than this are counted, not named.
NAMED = 3


@requires("bikeshare.view_program")
def topics(request: HttpRequest) -> HttpResponse:
    """All topics by resource; `q` narrows them by a part of their name or description."""
    text = request.GET.get("q", "").strip().lower()
    shown = [topic for topic in TOPICS if text in f"{topic.key} {topic.label} {topic.description}".lower()]
    activity = selectors.topic_activity(timezone.now())
    listeners = selectors.topic_listeners(
        webhooks=request.user.has_perm("outbox.view_webhookendpoint"),
        lists=request.user.has_perm("outbox.view_topiclist"),
    )
    groups = [
        (name, [_row(topic, activity, listeners[topic.key]) for topic in group])
        for name, group in groupby(shown, _resource)
    ]
    context = {
        "page_title": _("Topics"),
        "groups": groups,
        "count": len(shown),
        "total": len(TOPICS),
        "q": request.GET.get("q", ""),
    }
    return render(request, "bikeshare/topics.html", context)


def _resource(topic: Topic) -> str:
    return topic.resource


def _row(topic: Topic, activity: dict[str, Any], listeners: list[selectors.TopicListener]) -> dict[str, Any]:
    last_at, last_id, per_day = activity[topic.key]
    return {
        "topic": topic,
        "kind": topic.key,
        "last_at": last_at,
        "last_id": last_id,
        "per_day": per_day,
        "listeners": listeners[:NAMED],
        "unnamed": max(0, len(listeners) - NAMED),
        "example": msgspec.to_builtins(topic.example),
    }


@requires("bikeshare.send_sample")
@require_POST
def topic_sample(request: HttpRequest) -> HttpResponse:
    """Sends the sample of one topic to everyone who listens to it."""
    topic = request.POST.get("topic", "")
    if topic not in TOPIC_OF:
        raise Http404
    event_id = send_sample(topic=topic, now=timezone.now())
    sentence = _("A sample of %(topic)s was published.") % {"topic": topic}
    link = reverse("outbox:event", args=[event_id])
    messages.success(request, format_html('{} <a href="{}">{}</a>', sentence, link, _("See who was told")))
    return redirect("bikeshare:topics")
