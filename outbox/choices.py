"""Choices of the outbox, each with the colour of its badge."""

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class Channel(StrEnum):
    """The channels that code means by name. Which there are, and what they are called, says `transports.registry`."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    BANNER = "banner"


class DeliveryState(models.TextChoices):
    """PENDING → SENDING → DELIVERED | RETRYING | FAILED; PENDING | RETRYING → CANCELLED; SUPPRESSED from the start.

    A mail that the server accepted may come back: DELIVERED → BOUNCED.
    """

    PENDING = "pending", _("Waiting")
    SENDING = "sending", _("Being sent")
    DELIVERED = "delivered", _("Delivered")
    RETRYING = "retrying", _("To be tried again")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    SUPPRESSED = "suppressed", _("Not sent")
    BOUNCED = "bounced", _("Bounced")


# What “delivered” means of a mail: a server took it over. Whether it arrives is known only when it comes back.
ACCEPTED_BY_SERVER = _("Accepted by the mail server")

STATE_COLOURS = {
    DeliveryState.PENDING: "info",
    DeliveryState.SENDING: "info",
    DeliveryState.DELIVERED: "success",
    DeliveryState.RETRYING: "warning",
    DeliveryState.FAILED: "danger",
    DeliveryState.CANCELLED: "secondary",
    DeliveryState.SUPPRESSED: "secondary",
    DeliveryState.BOUNCED: "danger",
}

# The states in which a person may do something, per action (one conditional UPDATE each).
RETRYABLE = (DeliveryState.FAILED, DeliveryState.BOUNCED, DeliveryState.CANCELLED, DeliveryState.RETRYING)
CANCELLABLE = (DeliveryState.PENDING, DeliveryState.RETRYING)
WAITING = (DeliveryState.PENDING, DeliveryState.RETRYING)
UNENDED = (*WAITING, DeliveryState.SENDING)


class BannerState(models.TextChoices):
    """OPEN, read or not, → DISMISSED by its user | RESOLVED by what it told of | EXPIRED by time."""

    OPEN = "open", _("Shown")
    DISMISSED = "dismissed", _("Dismissed")
    RESOLVED = "resolved", _("Resolved")
    EXPIRED = "expired", _("Expired")


class Severity(models.TextChoices):
    INFO = "info", _("Information")
    WARNING = "warning", _("Warning")
    CRITICAL = "critical", _("Critical")


SEVERITY_COLOURS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "danger"}


class Verdict(models.TextChoices):
    """What became of one attempt; the same words for every channel."""

    DELIVERED = "delivered", _("Delivered")
    RETRY = "retry", _("Refused for now")
    POSTPONED = "postponed", _("The server could not be reached")
    FAILED = "failed", _("Refused for good")
    RELEASED = "released", _("Given back unsent")
    HELD_BACK = "held_back", _("Held back")


class Reason(models.TextChoices):
    """Why an attempt or a delivery ended as it did; codes for machines, words for people."""

    NONE = "", _("–")
    ACCEPTED = "accepted", _("The receiver accepted it")
    CONNECTION = "connection", _("The server could not be reached")
    TIMEOUT = "timeout", _("The server did not answer in time")
    BROKEN_OFF = "broken_off", _("The server closed the connection in the middle")
    TLS = "tls", _("The encrypted connection could not be made")
    LOGIN = "login", _("The server refused the login")
    SENDER_REFUSED = "sender_refused", _("The server refused our sender address")
    TEMPORARY = "temporary", _("The server refused it for now")
    ADDRESS_REFUSED = "address_refused", _("The server refused this address")
    CONTENT_REFUSED = "content_refused", _("The server refused the message")
    ADDRESS_INVALID = "address_invalid", _("The address is not valid")
    NEEDS_SMTPUTF8 = "needs_smtputf8", _("The mail server cannot take international addresses")
    TEMPLATE = "template", _("The message could not be written")
    EXPIRED = "expired", _("It could not be sent in time")
    EXHAUSTED = "exhausted", _("All attempts failed")
    WORKER_LOST = "worker_lost", _("The worker ended before it could say what became of it")
    BY_HAND = "by_hand", _("A person cancelled it")
    ERASED = "erased", _("The address was erased")
    UNSUBSCRIBED = "unsubscribed", _("The address unsubscribed")
    REJECTED = "rejected", _("The receiver rejected it")
    REDIRECT = "redirect", _("The receiver sent us elsewhere, which is not followed")
    GONE = "gone", _("The receiver wants no more of these")
    FORBIDDEN = "forbidden", _("Its address lies in a network that must not be called")
    FAILING = "failing", _("The endpoint had failed for too long")
    PAUSED = "paused", _("The endpoint is paused")
    DISABLED = "disabled", _("The endpoint is disabled")
    DELETED = "deleted", _("The endpoint was deleted")
    LIST_DELETED = "list_deleted", _("Its list was deleted; what was being sent at that moment may still have arrived")
    CONDITION = "condition", _("The condition cannot be read")
    BOUNCED = "bounced", _("The mail came back")
    DELAYED = "delayed", _("The receiver’s server is still trying")
    COMPLAINED = "complained", _("The receiver reported it as unwanted")
    OVER = "over", _("It was over before it could be sent")
    TOLD_TOGETHER = "told_together", _("Told in the mail that it would have answered")


class EndpointState(models.TextChoices):
    """ENABLED ⇄ PAUSED by a person; ENABLED → DISABLED by what the receiver did; DISABLED → ENABLED by a person."""

    ENABLED = "enabled", _("Enabled")
    PAUSED = "paused", _("Paused")
    DISABLED = "disabled", _("Disabled")


ENDPOINT_COLOURS = {
    EndpointState.ENABLED: "success",
    EndpointState.PAUSED: "secondary",
    EndpointState.DISABLED: "danger",
}


class Language(models.TextChoices):
    """The languages in which mails are written."""

    ENGLISH = "en", _("English")
    GERMAN = "de", _("German")
    FRENCH = "fr", _("French")


class DecisionState(models.TextChoices):
    """Of one event on one topic list: WAITING → TOLD | SKIPPED; SKIPPED also from the start."""

    WAITING = "waiting", _("Waiting")
    NOTIFIED = "told", _("Told")
    SKIPPED = "skipped", _("Not told")


DECISION_COLOURS = {
    DecisionState.WAITING: "info",
    DecisionState.NOTIFIED: "success",
    DecisionState.SKIPPED: "secondary",
}


class DecisionReason(models.TextChoices):
    """Why a topic list has not been told of an event, or not yet."""

    NONE = "", _("–")
    GATHERED = "gathered", _("Gathered: waits for the list’s next mail")
    CONDITION = "condition", _("The event does not fit the list’s condition")
    CONDITION_BROKEN = "condition_broken", _("The list’s condition cannot be read; edit the list")
    TOPIC = "topic", _("The list no longer takes events of this kind")
    DISABLED = "disabled", _("The list is switched off")
    NO_ADDRESS = "no_address", _("The list has no address")
    TOO_OLD = "too_old", _("Too old: it happened long before it was reported")
    LIST_DELETED = "list_deleted", _("The list was deleted")
    EVENT_GONE = "event_gone", _("The event is no longer kept")
