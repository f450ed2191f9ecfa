"""Sample events: the example of a topic, marked as a sample, through the real outbox."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from msgspec.structs import replace

from bikeshare.event_kinds import TOPIC_OF
from outbox.contract import NewEvent
from outbox.services import publish

SUBJECT = "sample"


def send_sample(*, topic: str, now: datetime) -> int:
    """Publishes the topic's example with `sample: true` and returns the event's id. Raises KeyError for no topic."""
    payload = replace(TOPIC_OF[topic].example, sample=True)
    event = NewEvent(topic, SUBJECT, payload, f"sample:{topic}:{uuid.uuid4().hex}", now)
    with transaction.atomic():
        ids = publish(events=[event], now=now)
    return ids[event.dedup_key]
