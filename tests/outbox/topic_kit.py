"""Topic lists and what they were told, for their tests, in a line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from outbox.contract import NewEvent
from outbox.models import Delivery, Event, TopicDecision, TopicList
from outbox.services import publish
from outbox.services.topic_lists.lists import create_list
from outbox.services.topic_lists.notifying import notify_due
from outbox.subscriptions.kinds import TOPIC_MAIL
from tests.outbox.kit import NOW, Note, a_note

ADDRESS = "ops@example.org"
SILENT, TRIP = "test.silent", "test.trip.mark.updated"


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def a_list(*topics: str, emails: Sequence[str] = (ADDRESS,), **settings: Any) -> TopicList:
    """A topic list, of every test event unless topics are named."""
    settings.setdefault("name", f"List {TopicList.objects.count() + 1}")
    return create_list(settings={"topics": topics or ("test.*",)} | settings, emails=emails)


def happening(title: str = "A fuse tripped", kind: str = SILENT, seconds: float = 0, **more: Any) -> NewEvent:
    """A public event, by default of a kind that is never mailed by itself."""
    return a_note(kind=kind, payload=Note(title=title), occurred_at=at(seconds), **more)


def happens(*events: NewEvent, seconds: float = 0) -> list[int]:
    """Publishes; returns the ids of the new events in the given order."""
    with transaction.atomic():
        ids = publish(events=events, now=at(seconds))
    return [ids[event.dedup_key] for event in events if event.dedup_key in ids]


def tell(seconds: float = 0) -> int:
    return notify_due(now=at(seconds))


def titles(event: Event) -> list[str]:
    """What a mail tells of, by the titles of the tests' payloads."""
    facts = [{fact["name"]: fact["value"] for fact in item["facts"]} for item in event.payload["items"]]
    return [one["title"] for one in facts]


@dataclass(frozen=True)
class Mail:
    event: Event
    titles: list[str]
    to: list[str]
    seconds: float


def mails(topic_list: TopicList | None = None) -> list[Mail]:
    """The mails of topic lists in the order in which they were written."""
    found = Event.objects.filter(kind=TOPIC_MAIL).order_by("id")
    if topic_list is not None:
        found = found.filter(subject=topic_list.list_key)
    return [
        Mail(
            event,
            titles(event),
            list(Delivery.objects.filter(event=event).order_by("address").values_list("address", flat=True)),
            (event.created_at - NOW).total_seconds(),
        )
        for event in found
    ]


def told(topic_list: TopicList | None = None) -> list[list[str]]:
    return [mail.titles for mail in mails(topic_list)]


def decisions(topic_list: TopicList | None = None) -> list[tuple[str, str]]:
    """State and reason of each decision, oldest first."""
    found = TopicDecision.objects.order_by("id")
    if topic_list is not None:
        found = found.filter(topic_list_id=topic_list.pk)
    return list(found.values_list("state", "reason"))
