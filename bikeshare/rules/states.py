"""The state machines: which status may follow which. Pure.

Source: the reference's § 1.3 to 1.5 (the termination request is the only way to end a trip; a completed trip stays).
"""

from __future__ import annotations

from collections.abc import Mapping

from bikeshare.choices import (
    BikeStatus,
    CyclistStatus,
    RegistrationStatus,
    RequestStatus,
    SubscriptionStatus,
    TripStatus,
)

# By resource: for each status those that may follow it.
MACHINES: Mapping[str, Mapping[str, str]] = {
    "trip": {
        TripStatus.RENTING: "pitstop terminating termination_requested",
        TripStatus.PITSTOP: "renting terminating termination_requested",
        TripStatus.TERMINATING: "renting completed",
        TripStatus.TERMINATION_REQUESTED: "renting completed",
        TripStatus.COMPLETED: "",
    },
    "termination_request": {
        RequestStatus.CREATED: "accepted cancelled",
        RequestStatus.PENDING: "accepted cancelled",
        RequestStatus.ACCEPTED: "",
        RequestStatus.CANCELLED: "",
    },
    "abonnement": {
        SubscriptionStatus.INCOMPLETE: "waiting_validation active deletion_requested",
        SubscriptionStatus.WAITING_VALIDATION: "active incomplete deletion_requested",
        SubscriptionStatus.ACTIVE: "past_due unpaid deletion_requested",
        SubscriptionStatus.PAST_DUE: "active unpaid deletion_requested",
        SubscriptionStatus.UNPAID: "active deletion_requested",
        SubscriptionStatus.DELETION_REQUESTED: "canceled",
        SubscriptionStatus.CANCELED: "",
    },
    "cyclist": {
        CyclistStatus.UNCONFIRMED: "active deletion_requested",
        # Another phone number is confirmed anew.
        CyclistStatus.ACTIVE: "unconfirmed blocked deletion_requested",
        CyclistStatus.BLOCKED: "unconfirmed active deletion_requested",
        CyclistStatus.DELETION_REQUESTED: "deleted",
        CyclistStatus.DELETED: "",
    },
    "registration": {
        RegistrationStatus.UNCONFIRMED: "active blocked deleted",
        RegistrationStatus.ACTIVE: "blocked deleted",
        RegistrationStatus.BLOCKED: "active deleted",
        RegistrationStatus.DELETED: "active",
    },
    # A vehicle is put wherever people find it; what is destroyed stays so.
    "vehicule": {
        status: "" if status == BikeStatus.DESTROYED else " ".join(BikeStatus.values) for status in BikeStatus.values
    },
}


def may_move(resource: str, old: str, new: str) -> bool:
    """Whether a resource of this name may go from one status to another; one without a machine may always."""
    machine = MACHINES.get(resource)
    return machine is None or new in machine.get(old, "").split()
