"""The kinds of event that vehicles publish."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from django.utils.translation import gettext_lazy as _

from outbox.choices import Severity
from outbox.event_kinds import EventKind

DOMAIN = "vehicles"


class DriverFacts(msgspec.Struct, kw_only=True):
    """Who is notified; `id` is the sender's own id of the driver, whose name is never part of an event."""

    id: str
    language: str = "en"


class NamedWords(msgspec.Struct, kw_only=True):
    """Title and body as an operator wrote them to name the driver, with `{name}` where the name belongs."""

    title: str
    body: str


class VehicleFacts(msgspec.Struct, kw_only=True):
    """The car that it is about; `id` is the sender's own."""

    id: str
    brand: str = ""
    model: str = ""


class BrakeFacts(msgspec.Struct, kw_only=True):
    """Trouble of so many drivers of a brand at once that it is held until a person decides; `feed` is the API key's id,
    or a platform's."""

    brand: str
    feed: str
    drivers: int
    of: int


class LinkFacts(msgspec.Struct, kw_only=True):
    """Where the driver is led, and what stands on the button; operators set both, per programme."""

    url: str
    label: str


class LookFacts(msgspec.Struct, frozen=True):
    """How a programme's messages look: the name above them, its colour as #rrggbb, and that of words on it."""

    logo: str
    colour: str
    ink: str


class NotificationFacts(msgspec.Struct, kw_only=True):
    """One notification. `channels` says how it reaches the driver: on `push`, the app's backend shows it on the phone.

    `occasion`: new, returned, reminder, sample; at its end the reason: condition_ended, time_ended, root_cause and so
    on. Times are RFC 3339.
    """

    id: int
    type: str
    state: str
    channels: list[str]
    severity: str
    category: str
    driver: DriverFacts
    vehicle: VehicleFacts | None = None
    subject: str
    title: str
    body: str
    language: str
    # The driver's.
    program: str = ""
    since: datetime
    occasion: str = "new"
    reason: str = ""
    url: str = ""
    facts: dict[str, Any] = {}
    link: LinkFacts | msgspec.UnsetType = msgspec.UNSET
    # Where operators set them for the driver's programme.
    mail_from: str | msgspec.UnsetType = msgspec.UNSET
    reply_to: str | msgspec.UnsetType = msgspec.UNSET
    look: LookFacts | msgspec.UnsetType = msgspec.UNSET
    # Only where the operators' words name the driver; `title` and `body` are the same without the name.
    named: NamedWords | msgspec.UnsetType = msgspec.UNSET


# The others are information.
_SEVERITIES = {"action": Severity.INFO, "warning": Severity.WARNING, "critical": Severity.CRITICAL}
BRAKED = "vehicle.feed.braked"
CREATED, RESOLVED = "vehicle.notification.created", "vehicle.notification.resolved"
SAMPLE = "vehicle.notification.sample"
MAIL = "vehicles/mail/notification"

_EXAMPLE = NotificationFacts(
    id=41,
    type="InvalidCredentials",
    state="open",
    channels=["push", "email"],
    severity="critical",
    category="connection",
    driver=DriverFacts(id="driver-7", language="en"),
    vehicle=VehicleFacts(id="car-7", brand="Renault", model="Zoe"),
    subject="account:renault-7",
    title="Your Renault account needs you",
    body="Your sign-in is no longer accepted: connect your account again. Until then we cannot charge it smartly.",
    language="en",
    program="Lyon",
    since=datetime(2026, 11, 21, 5, 40, tzinfo=UTC),
    facts={"brand": "Renault", "account": "renault-7", "problem": "invalid_credentials"},
)
KINDS = (
    EventKind(
        BRAKED,
        _("Feed of cars braked"),
        _("Too many drivers of one brand and feed were to be told of trouble at once: the rest waits for a person."),
        DOMAIN,
        BrakeFacts,
        BrakeFacts(brand="renault", feed="3", drivers=61, of=1_000),
        severity=Severity.CRITICAL,
    ),
    EventKind(
        CREATED,
        _("Driver notified"),
        _("A notification is open for a driver: new, shown again, or as a reminder."),
        DOMAIN,
        NotificationFacts,
        _EXAMPLE,
        severities=_SEVERITIES,
        mail=MAIL,
    ),
    EventKind(
        RESOLVED,
        _("Driver’s notification over"),
        _("A notification that a driver was told of is over, or another one tells its cause: take it away."),
        DOMAIN,
        NotificationFacts,
        msgspec.structs.replace(_EXAMPLE, state="resolved", occasion="", reason="condition_ended"),
        severities=_SEVERITIES,
    ),
    EventKind(
        SAMPLE,
        _("Sample of a notification"),
        _("Shows an operator what a driver would get."),
        DOMAIN,
        NotificationFacts,
        msgspec.structs.replace(_EXAMPLE, id=0, occasion="sample"),
        mail=MAIL,
        is_public=False,
    ),
)
