"""Choices of fleet remotes: actions with their states (reference B1 and B6), notifications, vehicles, callbacks."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """The nine actions; a value is the key of the vendor's request."""

    PRECONDITIONING = "preconditioning", _("Preconditioning")
    CHARGING = "charging", _("Charging")
    DOOR = "door", _("Doors")
    HORN = "horn", _("Horn")
    LIGHTS = "lights", _("Lights")
    IMMOBILIZATION = "immobilization", _("Immobilisation")
    STOLEN = "stolen", _("Stolen vehicle")
    WAKE_UP = "wakeUp", _("Wake-up")
    NAVIGATION = "navigation", _("Navigation")


# The vendor's name of each action in its notifications.
REMOTE_TYPES = {
    Kind.PRECONDITIONING: "ThermalPreconditioning",
    Kind.CHARGING: "ElectricBatteryChargingRequest",
    Kind.DOOR: "Doors",
    Kind.HORN: "Horn",
    Kind.LIGHTS: "Lights",
    Kind.IMMOBILIZATION: "Immobilization",
    Kind.STOLEN: "Stolen",
    Kind.WAKE_UP: "WakeUp",
    Kind.NAVIGATION: "Navigation",
}
# Mechanical or legal in effect: confirmed a second time, and given with a reason.
DANGEROUS_KINDS = frozenset({Kind.DOOR, Kind.IMMOBILIZATION, Kind.STOLEN})
# What an installation may choose to have repeated by itself: nobody is startled or locked out by a second time.
REPEATABLE_KINDS = tuple(kind for kind in Kind if kind not in DANGEROUS_KINDS | {Kind.HORN, Kind.LIGHTS})


class State(models.TextChoices):
    """The state of an action; `rules.status` says how it changes."""

    DRAFT = "draft", _("To be confirmed")
    QUEUED = "queued", _("Waiting to be sent")
    SUBMITTING = "submitting", _("Being sent")
    UNKNOWN = "unknown", _("Sent, fate unknown")
    SUBMITTED = "submitted", _("Sent")
    ACCEPTED = "accepted", _("Accepted")
    CHECKING = "checking", _("Vehicle is checked")
    WAKING = "waking", _("Vehicle is woken up")
    BLOCKED_QUOTA = "blocked_quota", _("Held up: wake-ups used up")
    BLOCKED_BATTERY = "blocked_battery", _("Held up: battery too low")
    SENT = "sent", _("Sent to the vehicle")
    SUCCEEDED = "succeeded", _("Succeeded")
    ALREADY_DONE = "already_done", _("Already so")
    FAILED = "failed", _("Failed")
    REJECTED = "rejected", _("Rejected by the vendor")
    REFUSED = "refused", _("Not sent")
    CANCELLED = "cancelled", _("Cancelled")
    UNCONFIRMED = "unconfirmed", _("Unconfirmed")


UNSENT = (State.DRAFT, State.QUEUED)
SUCCESS = (State.SUCCEEDED, State.ALREADY_DONE)
FAILURES = (State.FAILED, State.REJECTED, State.REFUSED)
# The vendor has it, as far as we know, and has not reported an outcome.
WITH_VENDOR = (
    State.SUBMITTED,
    State.ACCEPTED,
    State.CHECKING,
    State.WAKING,
    State.BLOCKED_QUOTA,
    State.BLOCKED_BATTERY,
    State.SENT,
)
# At most one action per vehicle is in one of these.
IN_FLIGHT = (State.SUBMITTING, State.UNKNOWN, *WITH_VENDOR)
OPEN = (*UNSENT, *IN_FLIGHT)
# UNCONFIRMED is the soft one among them: a late report of the vendor still settles it.
TERMINAL = (*SUCCESS, *FAILURES, State.CANCELLED, State.UNCONFIRMED)

STATE_COLOURS = dict.fromkeys(State, "info")
STATE_COLOURS |= dict.fromkeys((State.QUEUED, State.CANCELLED), "secondary")
STATE_COLOURS |= dict.fromkeys((State.DRAFT, State.UNKNOWN, State.BLOCKED_QUOTA, State.BLOCKED_BATTERY), "warning")
STATE_COLOURS |= dict.fromkeys(SUCCESS, "success")
STATE_COLOURS |= dict.fromkeys(FAILURES, "danger")
STATE_COLOURS[State.UNCONFIRMED] = "violet"


class StepKind(models.TextChoices):
    """What we ourselves did or concluded, beside the vendor's notifications."""

    CREATED = "created", _("Ordered")
    CONFIRMED = "confirmed", _("Confirmed a second time")
    APPROVED = "approved", _("Approved by a second person")
    POSTPONED = "postponed", _("Postponed")
    SUBMITTING = "submitting", _("Posted to the vendor")
    SUBMITTED = "submitted", _("The vendor took it")
    REJECTED = "rejected", _("The vendor rejected it")
    REFUSED = "refused", _("Not sent: a check of ours refused it")
    FATE_UNKNOWN = "fate_unknown", _("No answer: it may or may not have arrived")
    FOUND = "found", _("Found in the vendor’s list")
    NOT_FOUND = "not_found", _("The vendor’s list does not show it")
    POLLED = "looked", _("Asked the vendor")
    UNCONFIRMED = "unconfirmed", _("Nothing more was heard in time")
    CONTRADICTED = "contradicted", _("Outcomes contradict each other, and the vendor’s record did not decide in time")
    INFERRED = "inferred", _("Counted as failed: it stayed held up")
    CANCELLED = "cancelled", _("Cancelled before it was sent")
    RETRYING = "retrying", _("Will be tried again as a new action")


class Verdict(models.TextChoices):
    """Whether a notification changed its action, or why not."""

    APPLIED = "applied", _("Applied")
    REPEATED = "repeated", _("Says what was known")
    REGRESSIVE = "regressive", _("Older than what was known")
    LATE = "late", _("After the end")
    CONFLICT = "conflict", _("Contradicts another outcome")
    UNKNOWN_ACTION = "unknown_action", _("No action of ours has this id")
    VIN_MISMATCH = "vin_mismatch", _("Another vehicle than the action’s")
    UNKNOWN_VALUE = "unknown_value", _("A value that we do not know")
    UNREADABLE = "unreadable", _("Not readable as a notification")


VERDICT_COLOURS = dict.fromkeys((Verdict.REPEATED, Verdict.REGRESSIVE, Verdict.LATE), "secondary")
VERDICT_COLOURS |= dict.fromkeys((Verdict.UNKNOWN_ACTION, Verdict.UNKNOWN_VALUE), "warning")
VERDICT_COLOURS |= dict.fromkeys((Verdict.CONFLICT, Verdict.VIN_MISMATCH, Verdict.UNREADABLE), "danger")
VERDICT_COLOURS[Verdict.APPLIED] = "success"
# What the page of unmatched notifications shows.
UNMATCHED = (Verdict.UNKNOWN_ACTION, Verdict.VIN_MISMATCH, Verdict.UNKNOWN_VALUE, Verdict.UNREADABLE)


class Flag(models.TextChoices):
    """What was odd about a notification that was understood nevertheless."""

    NORMALISED = "normalised", _("An odd spelling was understood")
    NO_DATE = "no_date", _("No date: the receipt counts")
    BAD_DATE = "bad_date", _("Unreadable date: the receipt counts")
    FUTURE_DATE = "future_date", _("A date in the future: the receipt counts")
    OLD_DATE = "old_date", _("A date older than anything is kept: the receipt counts")
    CAUSE_IGNORED = "cause_ignored", _("A cause although it is not over: ignored")
    UNKNOWN_CAUSE = "unknown_cause", _("A cause that we do not know")
    UNKNOWN_VIN = "unknown_vin", _("A vehicle that is not in any fleet here")
    TYPE_MISMATCH = "type_mismatch", _("Another kind of action than was sent")
    BOUND_LATER = "bound_later", _("Found its action later")


class Brand(models.TextChoices):
    """The brands of the vendor's fleet-owner API (seed 003)."""

    CITROEN = "citroen", _("Citroën")
    DS = "ds", _("DS")
    PEUGEOT = "peugeot", _("Peugeot")
    OPEL = "opel", _("Opel")
    VAUXHALL = "vauxhall", _("Vauxhall")


class Privacy(models.TextChoices):
    """`privacy.state` of the vendor's vehicle status."""

    UNKNOWN = "", _("Unknown")
    NONE = "None", _("Off")
    GEOLOCATION = "Geolocation", _("Position hidden")
    FULL = "Full", _("Full privacy")


class Capability(models.TextChoices):
    """`onboardCapabilities.remote` of the vendor's vehicle; it has no entry for immobilisation."""

    PRECONDITIONING = "preconditioning", _("Preconditioning")
    DOOR = "door", _("Doors")
    HORN = "horn", _("Horn")
    CHARGING = "charging", _("Charging")
    LIGHTS = "lights", _("Lights")
    WAKEUP = "wakeup", _("Wake-up")
    NAVIGATION = "navigation", _("Navigation")
    STOLEN = "stolen", _("Stolen vehicle")


# The capability that an action needs; immobilisation is listed by none and therefore needs none.
CAPABILITY_OF: dict[Kind, Capability] = {kind: Capability(kind.lower()) for kind in Kind if kind != Kind.IMMOBILIZATION}


class CallbackStatus(models.TextChoices):
    """What the vendor says of a registered callback; Paused posts nothing at all."""

    UNREGISTERED = "", _("Not registered")
    RUNNING = "Running", _("Running")
    PAUSED = "Paused", _("Paused")
    FAILED = "Failed", _("Failed")
