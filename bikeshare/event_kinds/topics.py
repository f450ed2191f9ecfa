"""The topics of the seed `002`: description, what causes each here, payload, example.

`cause` is the sentence of docs/bikeshare.md; tests/bikeshare/test_topics.py brings each about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from msgspec.structs import replace

from bikeshare.event_kinds import examples as ex
from bikeshare.event_kinds.objects import ObjectFacts
from bikeshare.event_kinds.payloads import (
    BatteryLow,
    ChainTypeUpdated,
    Deleted,
    Failure,
    LockChanged,
    ObjectPayload,
    PassDisassociated,
    PassUnrecognized,
    PinIncorrect,
    PositionForbidden,
    StationFavored,
    SubscriptionDeclined,
    SubscriptionFailed,
    SubscriptionValidated,
    TrialWillEnd,
    TripMarked,
    TripMarkUpdated,
    Updated,
    ZoneReference,
)
from outbox.choices import Severity

Text = str | Promise
WHERE: dict[str, Any] = {"program": ex.PROGRAM, "city": ex.CITY}
_REPORTED: dict[str, Any] = {"vehicule": ex.VEHICULE.id, "trip": ex.TRIP.id, "reported_at": ex.AT}
_NO_CARD = Failure("no_default_payment_source", "The cyclist has no registered credit card.")
_DONE = replace(
    ex.TRIP,
    status="completed",
    version=6,
    end_timestamp=ex.AT.replace(hour=6),
    end_name=ex.STATION.name,
    end_station=ex.STATION.id,
    end_dock=ex.DOCK.id,
    duration=1200,
    duration_total=1200,
)
_ACCEPTED = replace(ex.REQUEST, status="accepted", version=2, decided_at=ex.AT)


@dataclass(frozen=True)
class Topic:
    """`description` is the seed's; `cause` says exactly when it happens."""

    key: str
    label: Text
    description: Text
    cause: Text
    example: ObjectPayload[Any]
    severity: Severity = Severity.INFO

    @property
    def resource(self) -> str:
        return self.key.partition(".")[0]

    @property
    def payload(self) -> Any:
        """The type of its payload: that of the example, for the kind of object in it."""
        kind: Any = type(self.example)
        return kind[type(self.example.object)] if kind in (ObjectPayload, Updated, Deleted) else kind


def _about(example: ObjectFacts) -> ObjectPayload[Any]:
    return ObjectPayload(**WHERE, object=example)


def _deleted(example: ObjectFacts) -> Deleted[Any]:
    return Deleted(**WHERE, object=example, deleted=True)


# Laid out by hand as a table, a topic on few lines: it is read by its rows.
CUSTOMERS: tuple[Topic, ...] = (
    Topic(
        "abonnement.created", _("Abonnement created"), _("Occurs whenever an abonnement has been created."),
        _("An abonnement was made."), _about(ex.ABONNEMENT),
    ),
    Topic(
        "abonnement.updated", _("Abonnement updated"),
        _("Occurs whenever an abonnement’s properties has been updated."),
        _("At least one property of an abonnement changed, its status too."),
        Updated(**WHERE, object=ex.ABONNEMENT, previous_attributes={"status": "past_due", "can_rent": False}),
    ),
    Topic(
        "abonnement.deleted", _("Abonnement deleted"), _("Occurs whenever an abonnement has been deleted."),
        _("An abonnement was deleted for good, after its deletion was requested or before it ever was complete."),
        _deleted(replace(ex.ABONNEMENT, status="canceled")),
    ),
    Topic(
        "abonnement.activation_failed", _("Activation failed"),
        _(
            "Occurs whenever an abonnement activation has failed (for example because the cyclist doesn’t have"
            " a registered credit card)."
        ),
        _(
            "An activation was tried and refused: no credit card for a tariff that costs, or an error that the"
            " payment system reported."
        ),
        SubscriptionFailed(**WHERE, object=replace(ex.ABONNEMENT, status="incomplete"), error=_NO_CARD),
        Severity.WARNING,
    ),
    Topic(
        "abonnement.activation_succeeded", _("Activation succeeded"),
        _("Occurs whenever an abonnement activation has succeeded."),
        _("An abonnement became active, by activation or by validation."), _about(ex.ABONNEMENT),
    ),
    Topic(
        "abonnement.validation_failed", _("Validation failed"),
        _(
            "Occurs whenever an abonnement validation has failed (for example because the cyclist doesn’t have"
            " a registered credit card)."
        ),
        _("A validation was tried and refused: no credit card for a tariff that costs, or an error that was reported."),
        SubscriptionFailed(**WHERE, object=replace(ex.ABONNEMENT, status="waiting_validation"), error=_NO_CARD),
        Severity.WARNING,
    ),
    Topic(
        "abonnement.validation_succeeded", _("Validation succeeded"),
        _("Occurs whenever an abonnement validation has succeeded."),
        _("An abonnement that waited for validation was validated; its activation follows in the same moment."),
        SubscriptionValidated(**WHERE, object=ex.ABONNEMENT, validator="user:7"),
    ),
    Topic(
        "abonnement.validation_declined", _("Validation declined"),
        _("Occurs whenever an abonnement activation has been declined by the operator."),
        _("An operator declined an abonnement that waited for validation; it is incomplete again."),
        SubscriptionDeclined(
            **WHERE, object=replace(ex.ABONNEMENT, status="incomplete"), validator="user:7", reason="Not readable"
        ),
    ),
    Topic(
        "abonnement.trial_will_end", _("Trial will end"), _("Occurs 3 days before the abonnement trial period end."),
        _(
            "The end of an activated abonnement’s trial is 72 hours away or nearer; once for each end, found"
            " by a periodic task, at once when it is activated or shortened then."
        ),
        TrialWillEnd(**WHERE, object=ex.ABONNEMENT, trial_end=ex.AT.replace(day=24)),
    ),
    Topic(
        "boitier.locked", _("Locked"), _("Occurs whenever a chain is added into a vehicule lock."),
        _("A lock message says “locked”, and of locked and unlocked the last word was not that."),
        LockChanged(**WHERE, object=ex.BOITIER, **_REPORTED, previous="unlocked", rfid="E200001B"),
    ),
    Topic(
        "boitier.unlocked", _("Unlocked"), _("Occurs whenever a chain is removed from a vehicule lock."),
        _("A lock message says “unlocked”, and of locked and unlocked the last word was not that."),
        LockChanged(**WHERE, object=replace(ex.BOITIER, lock="unlocked"), **_REPORTED, previous="locked"),
    ),
    Topic(
        "boitier.pass.unrecognized", _("Pass unrecognized"),
        _("Occurs whenever an NFC card is swiped on a vehicule and is not recognised by the system."),
        _("A pass message names a card that is no enabled pass of a cyclist in the program; each time."),
        PassUnrecognized(**WHERE, object=ex.BOITIER, **_REPORTED, uid="••••9A01"),
    ),
    Topic(
        "boitier.pin.incorrect", _("PIN incorrect"), _("Occurs whenever an incorrect pin is typed on a vehicule."),
        _("A pin message holds another PIN than that of the vehicle’s trip, or says that it was wrong; each time."),
        PinIncorrect(**WHERE, object=ex.BOITIER, **_REPORTED, attempts=2),
    ),
    Topic(
        "boitier.chain_type.updated", _("Chain changed"), _("Occurs whenever the vehicule chain reading has changed."),
        _("A chain_type message says something else than the last one."),
        ChainTypeUpdated(**WHERE, object=ex.BOITIER, **_REPORTED, chain_type="valid", previous="checking"),
    ),
    Topic(
        "cyclist.created", _("Cyclist created"), _("Occurs whenever a cyclist is created."), _("A cyclist was made."),
        _about(replace(ex.CYCLIST, status="unconfirmed", version=1)),
    ),
    Topic(
        "cyclist.confirmed", _("Cyclist confirmed"), _("Occurs whenever a cyclist has confirmed their phone number."),
        _("An unconfirmed cyclist became active by confirming the phone number; another number is confirmed anew."),
        _about(ex.CYCLIST),
    ),
    Topic(
        "cyclist.updated", _("Cyclist updated"), _("Occurs whenever a cyclist’s properties has been updated."),
        _("At least one property of a cyclist changed; personal ones are named, not shown."),
        Updated(**WHERE, object=ex.CYCLIST, previous_attributes={}, personal_attributes_changed=["email"]),
    ),
    Topic(
        "cyclist.deleted", _("Cyclist deleted"), _("Occurs whenever a cyclist is deleted."),
        _("A cyclist whose deletion was requested was erased for good, with the personal data."),
        _deleted(replace(ex.CYCLIST, status="deleted")),
    ),
    Topic(
        "dock.created", _("Dock created"), _("Occurs whenever a dock is created."), _("A dock was made."),
        _about(ex.DOCK),
    ),
    Topic(
        "dock.updated", _("Dock updated"), _("Occurs whenever a dock’s properties has been updated."),
        _("At least one property of a dock changed; a vehicle that leaves it or comes into it is such a change."),
        Updated(**WHERE, object=ex.DOCK, previous_attributes={"free": True, "vehicule": None}),
    ),
    Topic(
        "dock.deleted", _("Dock deleted"), _("Occurs whenever a dock is deleted."), _("An empty dock was deleted."),
        _deleted(ex.DOCK),
    ),
    Topic(
        "pass.disassociated", _("Pass disassociated"), _("Occurs whenever a pass is disassociated from a user."),
        _("A pass was taken from its cyclist."),
        PassDisassociated(**WHERE, object=replace(ex.PASS, user=None), previous_user=ex.CYCLIST.id),
    ),
    Topic(
        "pass.associated", _("Pass associated"), _("Occurs whenever a pass is associated to a user."),
        _("A pass that belonged to nobody was given to a cyclist."), _about(ex.PASS),
    ),
    Topic(
        "pass.confirmed", _("Pass confirmed"),
        _(
            "Occurs whenever a pass is confirmed (if the pass is added from the vehicule, it should be confirmed"
            " with the cyclist phone number)."
        ),
        _("A pass was given to a cyclist in the app, or the code sent to the phone was accepted for one added on a vehicle."),  # noqa: E501
        _about(replace(ex.PASS, confirmed_at=ex.AT)),
    ),
    Topic(
        "registration.updated", _("Registration updated"),
        _("Occurs whenever a registration’s properties has been updated."),
        _("At least one property of a registration changed; the first and each further trip is such a change."),
        Updated(**WHERE, object=ex.REGISTRATION, previous_attributes={"first_trip_at": None}),
    ),
    Topic(
        "registration.deleted", _("Registration deleted"), _("Occurs whenever a registration is deleted."),
        _("A registration was deleted."), _deleted(ex.REGISTRATION),
    ),
    Topic(
        "station.created", _("Station created"), _("Occurs whenever a station is created."),
        _("A station was made, by the API or by an import."), _about(ex.STATION),
    ),
    Topic(
        "station.updated", _("Station updated"), _("Occurs whenever a station’s properties has been updated."),
        _("At least one property of a station changed; what comes and goes in its docks is not one."),
        Updated(**WHERE, object=ex.STATION, previous_attributes={"capacity": 6}),
    ),
    Topic(
        "station.deleted", _("Station deleted"), _("Occurs whenever a station is deleted."),
        _("A station without docks and vehicles was deleted."), _deleted(ex.STATION),
    ),
    Topic(
        "station.favorite", _("Station is a favourite"),
        _("Occurs whenever a station is added to a cyclist favorite list."),
        _("A cyclist put a station on the list of favourites where it did not stand."),
        StationFavored(**WHERE, object=ex.STATION, cyclist=ex.CYCLIST.id),
    ),
    Topic(
        "trip.created", _("Trip created"), _("Occurs whenever a trip is created."), _("A cyclist rented a vehicle."),
        _about(replace(ex.TRIP, version=1)),
    ),
    Topic(
        "trip.updated", _("Trip updated"), _("Occurs whenever a trip’s properties has been updated."),
        _("At least one property of a trip changed: its status, and later what it costs."),
        Updated(**WHERE, object=replace(_DONE, amount=150), previous_attributes={"amount": None}),
    ),
    Topic(
        "trip.terminated", _("Trip terminated"), _("Occurs whenever a trip is completed."),
        _("A termination request was accepted: the trip is completed. What it costs comes later, by trip.updated."),
        _about(_DONE),
    ),
    Topic(
        "trip.marked", _("Termination requested"), _("Occurs whenever a termination request is created for the trip."),
        _("The lock was closed, the cyclist asked for the end with a photo or an end code, or an operator closes the trip."),  # noqa: E501
        TripMarked(**WHERE, object=replace(ex.TRIP, status="terminating"), termination_request=ex.REQUEST),
    ),
    Topic(
        "trip.mark.updated", _("Termination request updated"),
        _("Occurs whenever a trip’s termination request is updated."),
        _("A termination request was accepted, cancelled, or changed."),
        TripMarkUpdated(
            **WHERE, object=_DONE, termination_request=_ACCEPTED, previous_attributes={"status": "created"}
        ),
    ),
    Topic(
        "trip.resumed", _("Trip resumed"),
        _("Occurs whenever a trip in status terminating or termination_requested is set back to the renting status."),
        _(
            "A termination request was cancelled: the vehicle was unlocked again, or by the cyclist or an"
            " operator. The end of a pause is none."
        ),
        _about(replace(ex.TRIP, version=4)),
    ),
    Topic(
        "vehicule.battery.low", _("Battery low"), _("Occurs whenever a vehicule internal battery is under 20 percent."),
        _(
            "A battery message is the vehicle’s first below 20 % (20 itself is not), whatever box is on it;"
            " told again only after 25 % or more."
        ),
        BatteryLow(
            **WHERE, object=ex.VEHICULE, value=19.0, previous=22.0, threshold=20.0, trip=None, reported_at=ex.AT
        ),
        Severity.WARNING,
    ),
    Topic(
        "vehicule.battery_vae.low", _("Assistance battery low"),
        _("Occurs whenever a vehicule electrical assistance battery is under 20 percent."),
        _(
            "A battery_vae message is the vehicle’s first below 20 % (20 itself is not), whatever box is on"
            " it; told again only after 25 % or more."
        ),
        BatteryLow(
            **WHERE, object=replace(ex.VEHICULE, battery_vae=12.0), value=12.0, previous=31.0, threshold=20.0,
            trip=ex.TRIP.id, reported_at=ex.AT,
        ),
        Severity.WARNING,
    ),
    Topic(
        "vehicule.created", _("Vehicle created"), _("Occurs whenever a vehicule is created."), _("A vehicle was made."),
        _about(replace(ex.VEHICULE, version=1)),
    ),
    Topic(
        "vehicule.updated", _("Vehicle updated"), _("Occurs whenever a vehicule’s properties has been updated."),
        _("At least one property of a vehicle changed; what its box says (position, lock, batteries) is none."),
        Updated(**WHERE, object=ex.VEHICULE, previous_attributes={"status": "maintenance"}),
    ),
    Topic(
        "vehicule.position.forbidden", _("Vehicle in a forbidden zone"),
        _("Occurs whenever a vehicule with a renting trip just went into a forbidden zone."),
        _(
            "A position of a renting trip is the first in a forbidden zone, the one before it or where the"
            " trip began was not; see *Zones*."
        ),
        PositionForbidden(
            **WHERE, object=ex.VEHICULE, trip=ex.TRIP.id, cyclist=ex.CYCLIST.id,
            zone=ZoneReference(ex.ZONE.id, ex.ZONE.name), rule={"ride_through_allowed": False}, position=ex.HERE,
            accuracy=8.0, reported_at=ex.AT,
        ),
        Severity.WARNING,
    ),
    Topic(
        "vehicule.deleted", _("Vehicle deleted"), _("Occurs whenever a vehicule is deleted."),
        _("A vehicle without a running trip and outside all docks was deleted."), _deleted(ex.VEHICULE),
    ),
    Topic(
        "zone.created", _("Zone created"), _("Occurs whenever a zone is created."),
        _("A zone was made, by the API or by an import."), _about(ex.ZONE),
    ),
    Topic(
        "zone.updated", _("Zone updated"), _("Occurs whenever a zone’s properties has been updated."),
        _("At least one property of a zone changed, its area too."),
        Updated(**WHERE, object=ex.ZONE, previous_attributes={"status": "closed"}),
    ),
    Topic(
        "zone.deleted", _("Zone deleted"), _("Occurs whenever a zone is deleted."),
        _("A zone was deleted, or an import does not hold it any more."), _deleted(ex.ZONE),
    ),
)  # fmt: skip
