"""An event as the mails of topic lists show it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from outbox.event_kinds import EventKind, UnknownKind, kind_of
from outbox.models import Event
from outbox.rules.payload_summary import headline, in_order, key_facts, link_of, sentences, without_sentences
from outbox.subscriptions.kinds import TopicItem


def list_url(pk: int) -> str:
    return f"{settings.PUBLIC_URL}{reverse('outbox:topic_list', args=[pk])}"


@lru_cache(maxsize=512)
def _schema(kind: str) -> dict[str, Any]:
    """The schema of a kind's payload; nothing for a kind that no app registers any more."""
    try:
        return kind_of(kind).schema()
    except UnknownKind:
        return {}


def item_of(event: Event) -> TopicItem:
    payload = in_order(event.payload, _schema(event.kind))
    return TopicItem(
        event=event.public_id,
        kind=event.kind,
        subject=event.subject,
        headline=headline(payload),
        occurred_at=event.occurred_at,
        facts=key_facts(without_sentences(payload)),
        words=sentences(payload),
        url=link_of(payload),
        page=f"{settings.PUBLIC_URL}{reverse('outbox:event', args=[event.pk])}",
    )


def example_item(kind: EventKind) -> TopicItem:
    """How an event of this kind would look in a mail, by the kind's own example."""
    payload = kind.example_data()
    return TopicItem(
        event="evt_example",
        kind=kind.key,
        subject=kind.key,
        headline=headline(payload),
        occurred_at=timezone.now(),
        facts=key_facts(without_sentences(payload)),
        words=sentences(payload),
    )
