"""Choices of vehicles, each with the colour of its badge."""

from typing import Any

from django.conf.locale import LANG_INFO
from django.db import models
from django.utils.translation import gettext_lazy as _


class DriverChannel(models.TextChoices):
    """How a notification reaches a driver. A push is sent by the app's backend, which hears of it by webhook."""

    PUSH = "push", _("Push")
    EMAIL = "email", _("E-mail")
    BANNER = "banner", _("Banner")


class DriverLanguage(models.TextChoices):
    """The languages in which drivers are told from the start; operators add further ones."""

    ENGLISH = "en", _("English")
    GERMAN = "de", _("German")
    FRENCH = "fr", _("French")
    DUTCH = "nl", _("Dutch")


# Languages that people write dates and numbers in as Django knows, by their own names.
LANGUAGE_NAMES: dict[str, str] = {
    code: str(info["name_local"]) for code, info in LANG_INFO.items() if "-" not in code and "name_local" in info
}


class DriverSeverity(models.TextChoices):
    INFO = "info", _("Information")
    ACTION = "action", _("To do")
    WARNING = "warning", _("Warning")
    CRITICAL = "critical", _("Critical")


SEVERITY_COLOURS = {
    DriverSeverity.INFO: "info",
    DriverSeverity.ACTION: "violet",
    DriverSeverity.WARNING: "warning",
    DriverSeverity.CRITICAL: "danger",
}


class Category(models.TextChoices):
    """What a driver may switch off, as one."""

    SESSION = "session", _("Charging sessions")
    CONNECTION = "connection", _("Connection of the car")
    PAIRING = "pairing", _("Pairing")
    SETTING = "setting", _("Settings of the car")
    CAPABILITY = "capability", _("New capabilities")
    CONTRACT = "contract", _("Contracts")
    MONEY = "money", _("Payouts and costs")
    APP = "app", _("The app")
    REFERRAL = "referral", _("Referrals")


class TriggerKind(models.TextChoices):
    """What brings a notification about."""

    EVENT = "event", _("A fact")
    SCAN = "scan", _("Time")
    CAMPAIGN = "campaign", _("A campaign")


class NotificationState(models.TextChoices):
    """Suppressed, open, read and dismissed hold as long as the condition does; resolved and expired are ends."""

    SUPPRESSED = "suppressed", _("Held back")
    OPEN = "open", _("Open")
    READ = "read", _("Read")
    DISMISSED = "dismissed", _("Dismissed")
    RESOLVED = "resolved", _("Resolved")
    EXPIRED = "expired", _("Expired")


LIVE = (
    NotificationState.SUPPRESSED,
    NotificationState.OPEN,
    NotificationState.READ,
    NotificationState.DISMISSED,
)
SHOWN = (NotificationState.OPEN, NotificationState.READ)
STATE_COLOURS = {
    NotificationState.SUPPRESSED: "secondary",
    NotificationState.OPEN: "warning",
    NotificationState.READ: "info",
    NotificationState.DISMISSED: "secondary",
    NotificationState.RESOLVED: "success",
    NotificationState.EXPIRED: "secondary",
}


class Reason(models.TextChoices):
    """Why a driver does not (yet, any more) see a notification."""

    SWITCHED_OFF = "switched_off", _("An operator switched this type off")
    ROOT_CAUSE = "root_cause", _("Another notification tells its cause")
    PREFERENCE = "preference", _("The driver does not want this category")
    NO_CONSENT = "no_consent", _("The driver did not consent to marketing")
    NO_CHANNEL = "no_way", _("There is no way to the driver: no e-mail address, or push is switched off")
    BY_HAND = "by_hand", _("A person ended it")
    MUTED = "muted", _("A person muted it for a time")
    BRAKE = "brake", _("Too many at once of one feed: a person is asked first")
    DROPPED = "dropped", _("Too many at once of one feed: a person dropped it")
    NO_LISTENER = "no_listener", _("Nobody listens: no webhook takes pushes to the app’s backend")
    COOLDOWN = "cooldown", _("The same was told or dismissed shortly before")
    QUIET_HOURS = "quiet_hours", _("Quiet hours in the driver’s time zone")
    NEVER_NOTIFIED = "never_told", _("It was over before it could be told")
    CONDITION_ENDED = "condition_ended", _("Its condition ended")
    TIME_ENDED = "time_ended", _("Its time was over")


class StepKind(models.TextChoices):
    """What happened to a notification, for its timeline."""

    HELD = "held", _("Held back")
    NOTIFIED = "told", _("Told")
    REMINDED = "reminded", _("Reminded")
    RETURNED = "returned", _("Shown again")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    SKIPPED = "skipped", _("Way not used")
    REPEATED = "repeated", _("Repeated")
    READ = "read", _("Read")
    DISMISSED = "dismissed", _("Dismissed")
    RESOLVED = "resolved", _("Resolved")
    EXPIRED = "expired", _("Expired")
    PUSH_DELIVERED = "delivered", _("Push delivered")
    PUSH_FAILED = "failed", _("Push failed")
    PUSH_OPENED = "opened", _("Push opened")
    RESENT = "resent", _("Sent again")
    NOTE = "note", _("Note")


class PushState(models.TextChoices):
    """What the app's backend reports of a push."""

    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Failed")
    OPENED = "opened", _("Opened")


PUSH_COLOURS = {PushState.DELIVERED: "success", PushState.FAILED: "danger", PushState.OPENED: "success"}


class BrakeState(models.TextChoices):
    """Of many notifications at once: held until a person releases or drops them."""

    HOLDING = "holding", _("Holding")
    RELEASED = "released", _("Released")
    DROPPED = "dropped", _("Dropped")


BRAKE_COLOURS = {BrakeState.HOLDING: "danger", BrakeState.RELEASED: "success", BrakeState.DROPPED: "secondary"}


class PairingState(models.TextChoices):
    """The state machine of the reference, A1.3."""

    NOT_CONNECTED = "not_connected", _("Not connected")
    LINKED = "linked", _("Linked")
    ACTION_REQUIRED = "action_required", _("The driver must act")
    WAITING_OEM = "waiting_oem", _("Waiting for the manufacturer")
    BLOCKED = "blocked", _("Refused by the manufacturer")
    READY_FOR_PAIRING = "ready_for_pairing", _("Ready for pairing")
    PAIRING = "pairing", _("Pairing")
    PAIRING_INCOMPLETE = "pairing_incomplete", _("Pairing incomplete")
    PAIRED = "paired", _("Paired")
    CHECK_ACTIVATION = "check_activation", _("Activation to be checked")
    ACTIVE = "active", _("Active")
    LOST = "lost", _("Lost")


PAIRING_COLOURS = {
    PairingState.NOT_CONNECTED: "secondary",
    PairingState.LINKED: "info",
    PairingState.ACTION_REQUIRED: "violet",
    PairingState.WAITING_OEM: "info",
    PairingState.BLOCKED: "danger",
    PairingState.READY_FOR_PAIRING: "violet",
    PairingState.PAIRING: "info",
    PairingState.PAIRING_INCOMPLETE: "warning",
    PairingState.PAIRED: "info",
    PairingState.CHECK_ACTIVATION: "warning",
    PairingState.ACTIVE: "success",
    PairingState.LOST: "danger",
}


class PairingReason(models.TextChoices):
    """Why a vehicle stands where it stands."""

    SERVICE_TO_BE_ACTIVATED = "service_to_be_activated", _("ZE Interactive must be activated")
    SERVICE_REQUESTED = "service_requested", _("ZE Interactive was requested")
    SERVICE_REJECTED = "service_rejected", _("ZE Interactive was refused")
    NOT_A_USER = "not_a_user", _("Neither primary nor secondary user")
    ENROLLMENT_STARTED = "enrollment_started", _("The enrolment was begun and not ended")
    GEOLOCATION = "geolocation", _("The car’s position is not available")
    PAIRING_STALE = "pairing_stale", _("The pairing was begun and not ended")
    INVALID_CREDENTIALS = "invalid_credentials", _("The account’s credentials are not valid")
    ACCESS_REVOKED = "access_revoked", _("The car was removed from the manufacturer’s app")
    NOT_FOUND = "not_found", _("The car is not in the account")
    SERVICE_EXPIRED = "service_expired", _("ZE Interactive expired")
    PRIVACY_MODE = "privacy_mode", _("Privacy mode")
    NOT_REACHABLE = "not_reachable", _("The car cannot be reached")


class FactEffect(models.TextChoices):
    """What a fact did when it came."""

    TAKEN = "taken", _("Taken")
    LATE = "late", _("Late: something newer was known")


class UnmanagedReason(models.TextChoices):
    """Why a session is not managed (A1.2)."""

    SMART_CHARGING_OFF = "smart_charging_off", _("Smart charging is off")
    UNKNOWN_LOCATION = "unknown_location", _("Unknown location")
    MISSING_CAPABILITY = "missing_capability", _("The car lacks a capability")


class CampaignState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    RUNNING = "running", _("Running")
    ENDED = "ended", _("Ended")


CAMPAIGN_COLOURS = {CampaignState.DRAFT: "secondary", CampaignState.RUNNING: "success", CampaignState.ENDED: "info"}


class PlatformName(models.TextChoices):
    """Connected-car platforms whose webhooks are understood; the modules of `vehicles.ingest.platforms`."""

    SMARTCAR = "smartcar", "Smartcar"
    ENODE = "enode", "Enode"


# What our words in facts mean, for who tells one by hand; by type of fact and field (`rules.words.VOCABULARIES`).
MEANINGS: dict[str, dict[str, Any]] = {
    "oem_account.auth_state": {
        "ok": _("The sign-in is valid"),
        "invalid_credentials": _("The manufacturer refuses the sign-in"),
        "action_required": _("The manufacturer’s app wants something of the driver"),
        "revoked": _("The driver withdrew access"),
    },
    "vehicle.user_role": {
        "primary": _("Primary user"),
        "secondary": _("Secondary user"),
        "guest": _("Guest"),
        "none": _("No user of the car"),
        "unknown": _("The manufacturer knows no role"),
    },
    "vehicle.enrollment": {
        "not_started": _("Not begun"),
        "started": _("Begun"),
        "completed": _("Completed"),
        "unknown": _("Not known"),
    },
    "vehicle.link_status": {"active": _("Linked in MyRenault"), "missing": _("No more in MyRenault")},
    "vehicle.privacy_mode": {"on": _("Enabled"), "off": _("Disabled")},
    "telemetry.charge_state": {
        "disconnected": _("Unplugged"),
        "charging": _("Charges"),
        "stopped": _("Plugged in and does not charge"),
        "no_power": _("Plugged in, and no power comes"),
        "complete": _("Charged as far as wanted"),
        "unknown": _("The car does not say"),
    },
    "telemetry.plugged": {"in": _("The cable is in"), "out": _("The cable is out"), "unknown": _("Not known")},
    "pairing.step": {
        "ready": _("Ready to begin"),
        "started": _("Begun"),
        "completed": _("Completed"),
        "failed": _("Failed"),
    },
    "oem_service.state": {
        "none": _("Never asked for"),
        "requested": _("Asked for"),
        "active": _("Runs"),
        "rejected": _("Refused by the manufacturer"),
        "expired": _("Its time is over"),
        "ended": _("Ended or switched off"),
        "revoked": _("Withdrawn by the manufacturer"),
    },
    "utility_contract.state": {
        "pending": _("Not confirmed yet"),
        "valid": _("Valid"),
        "invalid": _("Found invalid"),
        "expired": _("Its time is over"),
        "removed": _("Removed"),
    },
    "pdl_agreement.state": {"offered": _("Offered"), "accepted": _("Accepted"), "declined": _("Declined")},
    "payout.state": {"due": _("Due"), "sent": _("On its way"), "paid": _("Arrived"), "failed": _("Failed")},
    "referral.state": {"open": _("Not complete yet"), "completed": _("Complete")},
    "charging_command.command": {"start": _("Charge"), "stop": _("Stop charging")},
    "charging_session.reason": {reason.value: reason.label for reason in UnmanagedReason},
}
