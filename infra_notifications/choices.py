"""Choices of charging infrastructure, each with the colour of its badge and, for the cases, its explanation."""

from dataclasses import dataclass

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from outbox.choices import Severity

# Between the parts of an EVSE id: the asterisk, and what people write for it.
EVSE_SEPARATORS = "*- ._\u2010\u2011\u2012\u2013\u2014\u2212\u2217"


class Case(models.TextChoices):
    """What a group can be told about; names and explanations of the first three are the seed's."""

    FUSE_TRIPPED = "FUSE_TRIPPED", _("Fuse tripped")
    UNAVAILABLE = "UNAVAILABLE", _("Unavailable")
    SENSORS = "SENSORS", _("Sensors")
    OTHER_FAULT = "OTHER_FAULT", _("Other fault")


@dataclass(frozen=True)
class CaseTraits:
    """What the rest of the application needs of a case.

    `hold_off_s`: seconds for which it must last before a group hears of it, where the group names none itself.
    `is_outage`: nobody can charge meanwhile. `event_label`, `event_description` and `example` (what a device reported)
    describe the event that is published when it opens.
    """

    explanation: Promise
    colour: str
    hold_off_s: int
    is_outage: bool
    severity: Severity
    event_label: Promise
    event_description: Promise
    example: str


# Short drop-outs are common and often affect a whole site at once; peers wait a quarter of an hour. Other faults are
# often over by themselves, and what they are is often said in a second message.
CASES = {
    Case.FUSE_TRIPPED: CaseTraits(
        explanation=_("The charger’s safety mechanism was activated."),
        colour="danger",
        hold_off_s=0,
        is_outage=True,
        severity=Severity.CRITICAL,
        event_label=_("Fuse tripped"),
        event_description=_(
            "A safety mechanism of a charge point was activated: fuse, breaker, residual current device."
        ),
        example="Faulted · OverCurrentFailure",
    ),
    Case.UNAVAILABLE: CaseTraits(
        explanation=_("The charge point is not available (does not communicate with the system anymore)."),
        colour="warning",
        hold_off_s=900,
        is_outage=True,
        severity=Severity.WARNING,
        event_label=_("Charge point unavailable"),
        event_description=_("A charge point does not communicate with the system any more."),
        example="No message for 15 min",
    ),
    Case.SENSORS: CaseTraits(
        explanation=_("A sensor (e.g. shock sensor) was triggered."),
        colour="violet",
        hold_off_s=0,
        is_outage=False,
        severity=Severity.WARNING,
        event_label=_("Sensor triggered"),
        event_description=_("A sensor of a charge point was triggered: shock, tilt, flood, an open case, tampering."),
        example="ShockSensor/Active",
    ),
    Case.OTHER_FAULT: CaseTraits(
        explanation=_("The charge point reports a fault that is none of the others."),
        colour="info",
        hold_off_s=300,
        is_outage=True,
        severity=Severity.WARNING,
        event_label=_("Other fault"),
        event_description=_("A charge point reports a fault that is none of the other cases."),
        example="Faulted · ConnectorLockFailure",
    ),
}
CASE_EXPLANATIONS = {case: traits.explanation for case, traits in CASES.items()}
CASE_COLOURS = {case: traits.colour for case, traits in CASES.items()}
DEFAULT_HOLD_OFF_S: dict[str, int] = {case: traits.hold_off_s for case, traits in CASES.items()}


# The statuses of a charge point that cannot be used, as OCPP spells them.
OUTAGES = ("Faulted", "Unavailable")


class Connectivity(models.TextChoices):
    NEVER = "never", _("Never seen")
    ONLINE = "online", _("Online")
    SILENT = "silent", _("Silent")
    OFFLINE = "offline", _("Disconnected")


CONNECTIVITY_COLOURS = {
    Connectivity.NEVER: "secondary",
    Connectivity.ONLINE: "success",
    Connectivity.SILENT: "warning",
    Connectivity.OFFLINE: "warning",
}


class SourceKind(models.TextChoices):
    """Through which door a source sends. The order is part of their numbers: new kinds are added at the end."""

    KEY = "key", _("API key")
    PROXY = "proxy", _("OCPP proxy")
    OCPI = "ocpi", _("OCPI party")
    MQTT = "mqtt", _("MQTT link")
    CITRINEOS = "citrineos", _("CitrineOS")


class OcpiPartyState(models.TextChoices):
    """How far the handshake with a party of OCPI has come."""

    INVITED = "invited", _("Waits for its registration")
    REGISTERED = "registered", _("Connected")
    ENDED = "ended", _("Registration ended")


OCPI_STATE_COLOURS = {
    OcpiPartyState.INVITED: "info",
    OcpiPartyState.REGISTERED: "success",
    OcpiPartyState.ENDED: "secondary",
}


class SourceTrouble(models.TextChoices):
    """What is wrong with a source; administrators are told once for as long as it lasts."""

    NONE = "", _("–")
    SILENT = "silent", _("Silent")
    REJECTED = "rejected", _("Everything is rejected")
    CLOSED = "closed", _("Many stations disconnected")


TROUBLE_COLOURS = {
    SourceTrouble.NONE: "success",
    SourceTrouble.SILENT: "danger",
    SourceTrouble.REJECTED: "danger",
    SourceTrouble.CLOSED: "warning",
}


class IntervalSource(models.TextChoices):
    """How it is known how often a charge point speaks."""

    BY_HAND = "by_hand", _("set by hand")
    BOOT = "boot", _("told by its CSMS")
    MESSAGES = "messages", _("learnt from its messages")
    DEFAULT = "default", _("default")


class Effect(models.TextChoices):
    """What a rule makes of a message that meets it."""

    RAISE = "raise", _("Opens an incident (closes it when the message says so)")
    CLEAR = "clear", _("Closes the incident")
    INFO = "info", _("Known, no alarm")


EFFECT_COLOURS = {Effect.RAISE: "danger", Effect.CLEAR: "success", Effect.INFO: "secondary"}


class MessageVerdict(models.TextChoices):
    """What a message turned out to be; of several findings in one message the gravest."""

    SEEN = "life", _("Sign of life")
    INFO = "info", _("Known, no alarm")
    IGNORED = "ignored", _("Ignored: older than what is known")
    CLEARED = "cleared", _("Cleared")
    UNMAPPED = "unmapped", _("Unmapped")
    RAISED = "raised", _("Raised")


VERDICT_COLOURS = {
    MessageVerdict.SEEN: "secondary",
    MessageVerdict.INFO: "secondary",
    MessageVerdict.IGNORED: "secondary",
    MessageVerdict.CLEARED: "success",
    MessageVerdict.UNMAPPED: "warning",
    MessageVerdict.RAISED: "danger",
}


class CloseReason(models.TextChoices):
    CLEARED = "cleared", _("The charge point reported that it is over")
    SIGNAL = "signal", _("Another system reported that it is over")
    SEEN = "life", _("The charge point communicates again")
    TRANSIENT = "momentary", _("A momentary event, over after its hold time")
    BY_HAND = "by_hand", _("Closed by a person")
    REMOVED = "removed", _("The charge point was removed")
    RENAMED = "renamed", _("It is reported as another case by now")
    MOVED = "moved", _("The charge point got another station or connector")
    UNREPORTED = "unreported", _("The OCPI party that reported it is no longer connected")


class NotificationKind(models.TextChoices):
    OPENED = "opened", _("Alert")
    RECOVERED = "recovered", _("All-clear")
    REMINDER = "reminder", _("Reminder")
    CATCH_UP = "catch_up", _("Mail to addresses that came later")


class NotificationState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    SENT = "sent", _("Told")
    SKIPPED = "skipped", _("Not told")


NOTIFICATION_COLOURS = {
    NotificationState.WAITING: "info",
    NotificationState.SENT: "success",
    NotificationState.SKIPPED: "secondary",
}


class NotificationReason(models.TextChoices):
    """Why a group has not been told, or not yet; shown wherever an incident is shown."""

    NONE = "", _("–")
    HOLD_OFF = "hold_off", _("On hold-off: it must last before it is told")
    GATHERED = "gathered", _("Gathered: waits for the group’s next mail")
    NO_ADDRESS = "no_address", _("The group has no address")
    PAUSED = "paused", _("Not sent: the group’s addresses are paused, because mails came back")
    CASE_NOT_SELECTED = "case_not_selected", _("The group does not listen to this case")
    MAINTENANCE = "maintenance", _("Maintenance: nothing is mailed until it ends")
    FLAPPING = "flapping", _("Flapping: it opens again and again, which one mail a day tells")
    DIGEST = "digest", _("For the group’s daily digest")
    TOO_OLD = "too_old", _("Too old: it happened long before it was reported")
    RECOVERED_IN_TIME = "recovered", _("Over before the hold-off had passed")
    OVER = "over", _("Over before it was told")
    ACKNOWLEDGED = "acknowledged", _("Acknowledged before the group could be told: somebody takes care of it")
    NOBODY_LEFT = "nobody_left", _("Nobody who was told of it is on the list any more")
    NOTIFIED_TOGETHER = "told_together", _("Told in the alert itself: it was over by then")
    NO_RECOVERY_MAILS = "no_recovery", _("The group wants no all-clear")
    TRANSIENT = "momentary", _("A momentary event has no all-clear")
    RENAMED = "renamed", _("It goes on as another case")
    SOURCE_SILENT = (
        "source_silent",
        _("Held back: its source is silent, or many stations may have disconnected at once"),
    )
    LEFT_GROUP = "left_group", _("The charge point left the group, or the group was deleted")


# How an acknowledgement by the link of a mail is stored, before the address, whatever the language of its mail.
BY_MAIL = "by mail: "


class EntryKind(models.TextChoices):
    """What people do to an incident."""

    ACKNOWLEDGED = "acknowledged", _("Acknowledged")
    WITHDRAWN = "withdrawn", _("Acknowledgement withdrawn")
    NOTE = "note", _("Note")
    CLOSED = "closed", _("Closed by hand")


class WindowState(models.TextChoices):
    """Where a maintenance window stands at a moment."""

    PLANNED = "planned", _("Planned")
    RUNNING = "running", _("Running")
    OVER = "over", _("Over")


WINDOW_COLOURS = {WindowState.PLANNED: "info", WindowState.RUNNING: "warning", WindowState.OVER: "secondary"}


class Language(models.TextChoices):
    ENGLISH = "en", _("English")
    GERMAN = "de", _("German")
    FRENCH = "fr", _("French")
