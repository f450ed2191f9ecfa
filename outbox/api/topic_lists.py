"""Topic lists for machines: mailing lists that subscribe to events by topic and condition."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Status
from pydantic import Field

from core.api import ConfigurationIn, PartialIn, audited_by, key_of, page_of, serialize
from core.people import shown_id
from outbox import selectors
from outbox.api.base import READ, WRITE, router
from outbox.choices import Language
from outbox.models import TopicDecision, TopicList
from outbox.models.topic_lists import DEFAULT_GATHER_S
from outbox.search import DECISION_SEARCH, TOPIC_LIST_SEARCH
from outbox.services.mailing_lists.addresses import MAX_ADDRESSES
from outbox.services.topic_lists import lists as services

MAX_TOPICS = 500


class TopicListIn(ConfigurationIn):
    """A topic list. `domain` empty: any; `condition` is a Magic Search on the event, empty: every event."""

    name: str
    topics: list[str] = Field(max_length=MAX_TOPICS)
    emails: list[str] = Field(default_factory=list, max_length=MAX_ADDRESSES)
    description: str = ""
    domain: str = ""
    condition: str = Field(default="", max_length=10_000)
    language: str = Language.ENGLISH.value
    enabled: bool = True
    gather_s: int = DEFAULT_GATHER_S


class TopicListPatch(TopicListIn, PartialIn):
    """What is to change; everything may be left out. `emails` and `topics` replace what there was."""


def serialize_topic_list(topic_list: TopicList) -> dict[str, Any]:
    emails = [row.address for row in topic_list.addresses.all()]
    return serialize(topic_list, "id", *services.SETTINGS, "last_told_at", "created_at") | {"emails": emails}


def serialize_decision(decision: TopicDecision) -> dict[str, Any]:
    event = decision.event
    return serialize(decision, "id", "state", "reason", "due_at", "decided_at") | {
        "event": event.public_id,
        "type": event.kind,
        "subject": shown_id(event.subject),
    }


@router.get("/topic-lists", auth=READ, summary="Topic lists")
def list_topic_lists(request: HttpRequest, q: str = "", limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    rows = selectors.topic_lists().filter(TOPIC_LIST_SEARCH.condition(q))
    return page_of(rows, limit=limit, cursor=cursor, shape=serialize_topic_list, descending=False)


@router.post("/topic-lists", auth=WRITE, response={201: dict[str, Any]}, summary="Make a topic list")
def create_topic_list(request: HttpRequest, body: TopicListIn) -> Status[dict[str, Any]]:
    """The topics are kinds of event (`GET /event-kinds`), prefixes such as `trip.*`, or `*`."""
    settings = body.model_dump()
    emails = settings.pop("emails")
    with audited_by(key_of(request)):
        topic_list = services.create_list(settings=settings, emails=emails)
    return Status(201, serialize_topic_list(topic_list))


@router.get("/topic-lists/{list_id}", auth=READ, summary="One topic list")
def get_topic_list(request: HttpRequest, list_id: int) -> dict[str, Any]:
    return serialize_topic_list(get_object_or_404(TopicList, pk=list_id))


@router.patch("/topic-lists/{list_id}", auth=WRITE, summary="Change a topic list")
def patch_topic_list(request: HttpRequest, list_id: int, body: TopicListPatch) -> dict[str, Any]:
    topic_list = get_object_or_404(TopicList, pk=list_id)
    settings = body.changes()
    emails = settings.pop("emails", None)
    with audited_by(key_of(request)):
        changed = services.update_list(topic_list=topic_list, settings=settings, emails=emails, now=timezone.now())
    return serialize_topic_list(changed)


@router.delete("/topic-lists/{list_id}", auth=WRITE, response={204: None}, summary="Delete a topic list")
def delete_topic_list(request: HttpRequest, list_id: int) -> Status[None]:
    topic_list = get_object_or_404(TopicList, pk=list_id)
    with audited_by(key_of(request)):
        services.delete_list(topic_list=topic_list, now=timezone.now())
    return Status(204, None)


@router.get("/topic-lists/{list_id}/untold", auth=READ, summary="What a topic list was not told, and why")
def list_untold(
    request: HttpRequest, list_id: int, q: str = "", limit: int = 100, cursor: str | None = None
) -> dict[str, Any]:
    """Newest first; what waits to be gathered stands here too, with the moment at which it is due."""
    topic_list = get_object_or_404(TopicList, pk=list_id)
    rows = selectors.not_notified(topic_list).filter(DECISION_SEARCH.condition(q))
    return page_of(rows, limit=limit, cursor=cursor, shape=serialize_decision)


@router.post("/topic-lists/{list_id}/test", auth=WRITE, response={202: dict[str, Any]}, summary="Send a test mail")
def test_topic_list(request: HttpRequest, list_id: int) -> Status[dict[str, Any]]:
    """To every address of the list, the whole way through the outbox; its deliveries are those of the event."""
    topic_list, key = get_object_or_404(TopicList, pk=list_id), key_of(request)
    event = services.send_test(topic_list=topic_list, sent_by=key.name, now=timezone.now())
    return Status(202, {"event": event.public_id})
