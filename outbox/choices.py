"""Choices of the outbox, each with the colour of its badge."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Channel(models.TextChoices):
    EMAIL = "email", _("E-mail")
    WEBHOOK = "webhook", _("Webhook")
    BANNER = "banner", _("Banner")


class DeliveryState(models.TextChoices):
    """PENDING → SENDING → DELIVERED | RETRYING | FAILED; PENDING | RETRYING → CANCELLED; SUPPRESSED from the start."""

    PENDING = "pending", _("Waiting")
    SENDING = "sending", _("Being sent")
    DELIVERED = "delivered", _("Delivered")
    RETRYING = "retrying", _("To be tried again")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    SUPPRESSED = "suppressed", _("Not sent")


STATE_COLOURS = {
    DeliveryState.PENDING: "info",
    DeliveryState.SENDING: "info",
    DeliveryState.DELIVERED: "success",
    DeliveryState.RETRYING: "warning",
    DeliveryState.FAILED: "danger",
    DeliveryState.CANCELLED: "secondary",
    DeliveryState.SUPPRESSED: "secondary",
}

# The states in which a person may do something, per action (one conditional UPDATE each).
RETRYABLE = (DeliveryState.FAILED, DeliveryState.CANCELLED, DeliveryState.RETRYING)
CANCELLABLE = (DeliveryState.PENDING, DeliveryState.RETRYING)
WAITING = (DeliveryState.PENDING, DeliveryState.RETRYING)


class Severity(models.TextChoices):
    INFO = "info", _("Information")
    WARNING = "warning", _("Warning")
    CRITICAL = "critical", _("Critical")


class Verdict(models.TextChoices):
    """What became of one attempt; the same words for every channel."""

    DELIVERED = "delivered", _("Delivered")
    RETRY = "retry", _("Refused for now")
    POSTPONED = "postponed", _("The server could not be reached")
    FAILED = "failed", _("Refused for good")
    RELEASED = "released", _("Given back unsent")


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
