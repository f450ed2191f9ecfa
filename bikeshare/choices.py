"""Choices of bike-share, each with the colour of its badge. States and types are the words of the source's own API."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ProgramStatus(models.TextChoices):
    OPEN = "open", _("Open")
    BLOCKED = "blocked", _("Blocked")


class CyclistStatus(models.TextChoices):
    """unconfirmed ⇄ active ⇄ blocked; any → deletion_requested → deleted."""

    UNCONFIRMED = "unconfirmed", _("Unconfirmed")
    ACTIVE = "active", _("Active")
    BLOCKED = "blocked", _("Blocked")
    DELETION_REQUESTED = "deletion_requested", _("Deletion requested")
    DELETED = "deleted", _("Deleted")


class RegistrationStatus(models.TextChoices):
    UNCONFIRMED = "unconfirmed", _("Unconfirmed")
    ACTIVE = "active", _("Active")
    BLOCKED = "blocked", _("Blocked")
    DELETED = "deleted", _("Deleted")


class SubscriptionStatus(models.TextChoices):
    """incomplete → waiting_validation → active ⇄ past_due ⇄ unpaid; any → deletion_requested → canceled."""

    INCOMPLETE = "incomplete", _("Incomplete")
    WAITING_VALIDATION = "waiting_validation", _("Waiting for validation")
    ACTIVE = "active", _("Active")
    PAST_DUE = "past_due", _("Past due")
    UNPAID = "unpaid", _("Unpaid")
    DELETION_REQUESTED = "deletion_requested", _("Deletion requested")
    CANCELED = "canceled", _("Canceled")


class OpenStatus(models.TextChoices):
    """Whether a station, dock or zone is in use."""

    OPEN = "open", _("Open")
    CLOSED = "closed", pgettext_lazy("not in use", "Closed")


class BikeStatus(models.TextChoices):
    READY = "ready", _("Ready")
    SERVICE = "service", _("In service")
    MAINTENANCE = "maintenance", _("Maintenance")
    MAJ = "maj", _("Updating")
    STOCK = "stock", _("In stock")
    HS = "hs", _("Out of order")
    LOST = "lost", _("Lost")
    DESTROYED = "destroyed", _("Destroyed")


class BikeType(models.TextChoices):
    CLASSIC = "classic", _("Bicycle")
    VAE = "vae", _("E-bike")
    VAE_HYBRID = "vae_hybrid", _("Hybrid e-bike")
    VAE_OTGR = "vae_otgr", _("E-bike with own battery")
    OTGR_VAE = "otgr_vae", _("Own-battery e-bike")
    SCOOTER = "scooter", _("Scooter")
    BOAT = "boat", _("Boat")


class Lock(models.TextChoices):
    """What the lock says; another word of a device is kept as it comes and counts as neither."""

    LOCKED = "locked", _("Locked")
    UNLOCKED = "unlocked", _("Unlocked")
    UNDEFINED = "undefined", _("Undefined")


class TripStatus(models.TextChoices):
    RENTING = "renting", _("Renting")
    PITSTOP = "pitstop", _("Paused")
    TERMINATING = "terminating", _("Terminating")
    TERMINATION_REQUESTED = "termination_requested", _("Termination requested")
    COMPLETED = "completed", _("Completed")


RUNNING = (TripStatus.RENTING, TripStatus.PITSTOP, TripStatus.TERMINATING, TripStatus.TERMINATION_REQUESTED)
ENDING = (TripStatus.TERMINATING, TripStatus.TERMINATION_REQUESTED)


class RequestStatus(models.TextChoices):
    """Of a termination request. Those of cyclists wait (pending); others are created and decided by what follows."""

    CREATED = "created", pgettext_lazy("request", "Created")
    PENDING = "pending", _("Pending")
    ACCEPTED = "accepted", _("Accepted")
    CANCELLED = "cancelled", _("Cancelled")


OPEN_REQUEST = (RequestStatus.CREATED, RequestStatus.PENDING)


class RequestOrigin(models.TextChoices):
    SYSTEM = "system", _("The lock")
    CYCLIST = "cyclist", _("The cyclist")
    OPERATOR = "operator", _("An operator")


class ZoneType(models.TextChoices):
    """`forbidden` forbids riding unless its rules say otherwise; the others say what their rules say, without any
    nothing."""

    GEOFENCING = "geofencing", _("Geofencing")
    LIMITED_TRAFFIC = "limited_traffic", _("Limited traffic")
    FORBIDDEN = "forbidden", _("Forbidden")
    PARKING = "parking", _("Parking")


class TelemetryType(models.TextChoices):
    LOCK = "lock", _("Lock")
    PASS = "pass", _("Pass")
    PIN = "pin", _("PIN")
    CHAIN_TYPE = "chain_type", _("Chain")
    BATTERY = "battery", _("Battery")
    BATTERY_VAE = "battery_vae", _("Assistance battery")
    POSITION = "position", _("Position")


class TelemetryVerdict(models.TextChoices):
    """What a device's message turned out to be."""

    STATE = "state", _("Taken")
    EVENT = "event", _("Told")
    LATE = "late", _("Late")


# Laid out by hand as a table: it is read by its rows.
STATUS_COLOURS = {
    "open": "success", "active": "success", "ready": "success", "accepted": "success", "renting": "info",
    "pitstop": "violet", "terminating": "warning", "termination_requested": "warning", "completed": "secondary",
    "unconfirmed": "warning", "incomplete": "warning", "waiting_validation": "warning", "past_due": "warning",
    "unpaid": "danger", "blocked": "danger", "closed": "secondary", "deletion_requested": "warning",
    "canceled": "secondary", "cancelled": "secondary", "deleted": "secondary", "created": "info", "pending": "warning",
    "service": "info", "maintenance": "warning", "maj": "info", "stock": "secondary", "hs": "danger", "lost": "danger",
    "destroyed": "secondary",
}  # fmt: skip
ZONE_COLOURS = {
    ZoneType.FORBIDDEN: "danger",
    ZoneType.LIMITED_TRAFFIC: "info",
    ZoneType.GEOFENCING: "violet",
    ZoneType.PARKING: "success",
}
VERDICT_COLOURS = {
    TelemetryVerdict.STATE: "secondary",
    TelemetryVerdict.EVENT: "info",
    TelemetryVerdict.LATE: "warning",
}


class Refusal(models.TextChoices):
    """Why something was refused: the source's own code where it has one, and a sentence for people."""

    ILLEGAL_MOVE = "illegal_move", _("This change of state is not possible.")
    CHANGED_MEANWHILE = "changed_meanwhile", _("It was changed meanwhile; read it again and repeat.")
    IN_USE = "in_use", _("It is still in use.")
    DUPLICATE = "duplicate", _("There is such a one already.")
    PROGRAM_BLOCKED = "program_blocked", _("The program is blocked.")
    CYCLIST_BLOCKED = "cyclist_blocked", _("The cyclist is blocked.")
    CYCLIST_UNCONFIRMED = "cyclist_unconfirmed", _("The cyclist has not confirmed the phone number yet.")
    NO_PHONE_NUMBER = "no_phone_number", _("The cyclist has no phone number that could be confirmed.")
    CYCLIST_INACTIVE = "cyclist_inactive", _("The cyclist is leaving or gone.")
    UNCONFIRMED_REGISTRATION = (
        "unconfirmed_registration",
        _("The cyclist has no confirmed registration here."),
    )
    REGISTRATION_BLOCKED = "registration_blocked", _("The cyclist’s registration in the program is blocked.")
    DELETED_REGISTRATION = "deleted_registration", _("The cyclist’s registration in the program was deleted.")
    NOT_VALIDATED_ABONNEMENT = "not_validated_abonnement", _("The cyclist has no abonnement that allows renting.")
    MAX_RENTING_COUNT_REACHED = (
        "max_renting_count_reached",
        _("The cyclist rents as many vehicles as allowed."),
    )
    NOT_RENTABLE = "not_rentable", _("The vehicle is not ready to be rented.")
    RENT_LOCKED_VEHICULE = "rent_locked_vehicule", _("The vehicle is being rented.")
    LOW_BATTERY = "low_battery", _("The vehicle’s battery is too low to be rented.")
    TRIP_NOT_RENTING = "trip_not_renting", _("The trip is not renting.")
    MISSING_PENDING_REQUEST = "missing_pending_request", _("The trip has no open termination request.")
    PENDING_REQUEST = "pending_request", _("The trip has an open termination request already.")
    END_CODE_UNKNOWN = "end_code_wrong_program_dock", _("No dock of the program has this end code.")
    END_CODE_OCCUPIED = "end_code_vehicule_renting", _("Another vehicle stands in this dock.")
    NO_PAYMENT_SOURCE = "no_default_payment_source", _("The cyclist has no registered credit card.")
    WRONG_STATE = "validation_error", _("Only an abonnement that waits for validation can be validated or declined.")
    ABONNEMENT_DELETION_TRIPS = "abonnement_deletion_trips", _("The cyclist still has a running trip.")
    ALREADY_EXISTING_ABONNEMENT = "already_existing_abonnement", _("The cyclist has such an abonnement already.")
    FORBIDDEN_PASS = "forbidden_pass", _("The pass belongs to another cyclist.")
    DISABLED_PASS = "disabled_pass", _("The pass is disabled.")
