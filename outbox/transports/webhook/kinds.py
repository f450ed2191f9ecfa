"""The outbox's own kinds of event about webhook endpoints: a test, and the mails to their owners."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from django.utils.translation import gettext_lazy as _

from outbox.choices import Severity
from outbox.event_kinds import EventKind

WEBHOOK_TEST = "webhook.test"
ENDPOINT_FAILING = "webhook.failing"
ENDPOINT_DISABLED = "webhook.disabled"


class WebhookTest(msgspec.Struct, kw_only=True):
    """Payload of a test event: it goes to one endpoint, whatever its topics are."""

    endpoint_id: int
    sent_by: str = ""
    message: str = "This is a test. Nothing happened."


class EndpointTrouble(msgspec.Struct, kw_only=True):
    """Payload of the mails to an endpoint's owner. Times are RFC 3339."""

    endpoint_id: int
    endpoint_url: str
    description: str = ""
    failing_since: datetime | None = None
    reason: str = ""
    last_answer: str = ""
    url: str = ""


_TROUBLE = EndpointTrouble(
    endpoint_id=3,
    endpoint_url="https://hooks.example.com/signalbox",
    failing_since=datetime(2026, 11, 21, 5, 40, tzinfo=UTC),
    last_answer="503 · Service Unavailable",
    url="https://signalbox.example/…",
)
KINDS = (
    EventKind(
        WEBHOOK_TEST,
        _("Test of a webhook"),
        _("Shows that an endpoint takes events; sent by hand to this endpoint alone."),
        "outbox",
        WebhookTest,
        WebhookTest(endpoint_id=3, sent_by="anna"),
        is_public=False,
    ),
    EventKind(
        ENDPOINT_FAILING,
        _("Webhook endpoint failing"),
        _("An endpoint has taken nothing for a day."),
        "outbox",
        EndpointTrouble,
        _TROUBLE,
        Severity.WARNING,
        mail="outbox/mail/endpoint_failing",
        is_public=False,
    ),
    EventKind(
        ENDPOINT_DISABLED,
        _("Webhook endpoint disabled"),
        _("An endpoint said that it wants no more, or took nothing for five days."),
        "outbox",
        EndpointTrouble,
        _TROUBLE,
        Severity.CRITICAL,
        mail="outbox/mail/endpoint_disabled",
        is_public=False,
    ),
)
