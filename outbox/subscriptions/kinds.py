"""The outbox's own kinds of event: the mails of topic lists, the test of a webhook, the mails to its owner."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from django.utils.translation import gettext_lazy as _

from outbox.choices import Severity
from outbox.event_kinds import EventKind
from outbox.rules.payload_summary import PayloadFact

TOPIC_MAIL = "topic_list.mail"
TOPIC_TEST = "topic_list.test"
WEBHOOK_TEST = "webhook.test"
LIST_BOUNCES = "mailing_list.bounces"
ENDPOINT_FAILING = "webhook.failing"
ENDPOINT_DISABLED = "webhook.disabled"
ENDPOINT_MOVED = "webhook.moved"


class TopicItem(msgspec.Struct, kw_only=True):
    """One event as a mail shows it. `page` is its page in the console, `url` the one that its payload names."""

    event: str
    kind: str
    subject: str
    headline: str
    occurred_at: datetime
    facts: list[PayloadFact] = []
    # Whole sentences: what happened and what to do.
    words: list[str] = []
    url: str = ""
    page: str = ""


class TopicCount(msgspec.Struct):
    kind: str
    n: int


class TopicMail(msgspec.Struct, kw_only=True):
    """Payload of a topic list's mails: at most `len(items)` of `total` events are listed, `counts` has all by kind."""

    list_id: int
    list_name: str
    items: list[TopicItem]
    total: int
    counts: list[TopicCount]
    url: str = ""


class TopicTest(msgspec.Struct, kw_only=True):
    """Payload of a test mail: the list's settings and, as `items`, how an event of its first topic would look."""

    list_id: int
    list_name: str
    topics: list[str]
    condition: str = ""
    sent_by: str = ""
    items: list[TopicItem] = []
    url: str = ""


class AddressBounces(msgspec.Struct, kw_only=True):
    """What came back to an address, for the n-th time."""

    address: str
    answer: str = ""
    bounces: int = 1
    is_paused: bool = False


class ListBounces(AddressBounces, kw_only=True):
    """Payload of the mail to a list's other addresses when mails to one of them come back; `others` are further ones,
    which the mail names as well, since they came back before it was sent."""

    list_name: str
    url: str = ""
    others: list[AddressBounces] = []


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


class EndpointMoved(msgspec.Struct, kw_only=True):
    """Payload of the mail to those who were told of an endpoint's trouble until it went to another host."""

    endpoint_id: int
    before: str
    endpoint_url: str
    description: str = ""
    dropped: list[str] = []
    url: str = ""


_URL = "https://signalbox.example/…"
_AT = datetime(2026, 11, 21, 5, 40, tzinfo=UTC)
_ITEM = TopicItem(
    event="evt_0123456789abcdef0123456789abcdef",
    kind="charge_point.fuse_tripped",
    subject="charge_point:7",
    headline="DE*ABC*E0001*1, Köln",
    occurred_at=_AT,
    facts=[PayloadFact("charge_point", "location", "Parkhaus Süd")],
    url=_URL,
    page=_URL,
)
_TROUBLE = EndpointTrouble(
    endpoint_id=3,
    endpoint_url="https://hooks.example.com/signalbox",
    failing_since=_AT,
    last_answer="503 · Service Unavailable",
    url=_URL,
)
KINDS = (
    EventKind(
        TOPIC_MAIL,
        _("Mail of a topic list"),
        _("What happened that a topic list listens to."),
        "outbox",
        TopicMail,
        TopicMail(
            list_id=3, list_name="Workshop", items=[_ITEM], total=1, counts=[TopicCount(_ITEM.kind, 1)], url=_URL
        ),
        Severity.WARNING,
        mail="outbox/mail/topics",
        is_public=False,
    ),
    EventKind(
        TOPIC_TEST,
        _("Test mail of a topic list"),
        _("Shows that the mails of a topic list arrive."),
        "outbox",
        TopicTest,
        TopicTest(list_id=3, list_name="Workshop", topics=["charge_point.*"], sent_by="anna", items=[_ITEM], url=_URL),
        mail="outbox/mail/topics_test",
        is_public=False,
    ),
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
        LIST_BOUNCES,
        _("Mails to an address come back"),
        _("Tells the others on a mailing list that mails to one of them come back."),
        "outbox",
        ListBounces,
        ListBounces(
            list_name="Köln Süd", address="night@example.org", answer="5.1.1 no such user", is_paused=True, url=_URL
        ),
        Severity.WARNING,
        mail="outbox/mail/bounces",
        refresh="outbox.services.bounces.telling.name_all",
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
    EventKind(
        ENDPOINT_MOVED,
        _("Webhook endpoint moved"),
        _("The host of an endpoint was changed; headers that were meant for the old one are not sent there."),
        "outbox",
        EndpointMoved,
        EndpointMoved(
            endpoint_id=3,
            before="https://hooks.example.com/***",
            endpoint_url="https://elsewhere.example/***",
            dropped=["X-Key"],
            url=_URL,
        ),
        Severity.WARNING,
        mail="outbox/mail/endpoint_moved",
        is_public=False,
    ),
)
