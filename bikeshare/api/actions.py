"""What can be done to resources besides changing their fields: `POST /bikeshare/trips/{id}/mark` and so on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from msgspec import UNSET, Meta, UnsetType

from bikeshare import selectors
from bikeshare.api.kit import WRITE, answer, answering, read_body, shape, trip_shape
from bikeshare.api.resources import body_openapi, router
from bikeshare.event_kinds.payloads import Failure
from bikeshare.ingest.resources import Cents, Given, Moment, Photo, Place, Text, clean, values_of
from bikeshare.models import Resource, Trip
from bikeshare.services import abonnements, people, trips
from bikeshare.services.refused import Invalid
from bikeshare.services.specs import SPECS
from core.api import key_of


class Nothing(Given, kw_only=True):
    """Needs no body."""


class WithReason(Given, kw_only=True):
    reason: Text = ""


class Declined(Given, kw_only=True):
    reason: Annotated[str, Meta(min_length=1, max_length=200)]


class Mark(Given, kw_only=True):
    """A cyclist's request to end a trip: the end code of a dock, or a photo and a position."""

    end_code: Annotated[str, Meta(max_length=20)] = ""
    photo: Photo | Literal[""] = ""
    position: Place | None = None


class MarkChange(Given, kw_only=True):
    """`status` decides the request; the rest changes it while it is open."""

    status: Literal["accepted", "cancelled"] | UnsetType = UNSET
    reason: Text = ""
    photo: Photo | UnsetType = UNSET
    position: Place | UnsetType = UNSET
    date: Moment | UnsetType = UNSET


class Bill(Given, kw_only=True):
    """What a trip costs, in integer cents."""

    amount: Cents
    amount_cyclist: Cents | UnsetType | None = UNSET
    amount_organization: Cents | UnsetType | None = UNSET
    amount_discounted: Cents | UnsetType | None = UNSET
    amount_refunded: Cents | UnsetType | None = UNSET
    amount_refundable_max: Cents | UnsetType | None = UNSET
    deposit: Cents | UnsetType | None = UNSET


class Error(msgspec.Struct):
    code: Annotated[str, Meta(min_length=1, max_length=80)]
    message: Text = ""


class Attempt(Given, kw_only=True):
    """`error` is a failure that another system found, e.g. the payment provider."""

    error: Error | None = None


class Submitted(Given, kw_only=True):
    documents: list[Annotated[str, Meta(max_length=120)]] | UnsetType = UNSET


class Payment(Given, kw_only=True):
    outcome: Literal["paid", "past_due", "unpaid"]


class OfCyclist(Given, kw_only=True):
    cyclist: Annotated[str, Meta(max_length=40)]


class Associate(OfCyclist, kw_only=True):
    """`confirmed` is false for a pass that was added on a vehicle and waits for the code sent to the phone."""

    confirmed: bool = True


@dataclass(frozen=True)
class Call:
    """One action on one resource."""

    pk: str
    body: Any
    by: str
    now: datetime


def _failure(error: Error | None) -> Failure | None:
    return Failure(clean(error.code), clean(error.message)) if error else None


def _place(place: Any) -> dict[str, Any]:
    return {"latitude": place.latitude, "longitude": place.longitude} if isinstance(place, Place) else {}


def _mark(call: Call) -> Trip:
    body = call.body
    return trips.request_end(
        trip_id=call.pk, now=call.now, end_code=clean(body.end_code), photo=clean(body.photo), **_place(body.position)
    )


def _update_mark(call: Call) -> Trip:
    changes = values_of(call.body)
    status, reason, place = changes.pop("status", None), changes.pop("reason"), changes.pop("position", None)
    changes |= _place(place)
    if not changes and status is None:
        raise Invalid("status", "Give what is to change: status, photo, position or date.")
    trip = trips.edit_request(trip_id=call.pk, changes=changes, now=call.now) if changes else None
    if status is not None:
        trip = trips.decide(trip_id=call.pk, accept=status == "accepted", reason=reason, now=call.now)
    assert trip is not None
    return trip


def _submit(call: Call) -> Resource:
    documents = values_of(call.body).get("documents")
    return abonnements.submit(abonnement_id=call.pk, documents=documents, now=call.now)


def _favorite(call: Call, *, add: bool) -> Resource:
    cyclist = clean(call.body.cyclist)
    if add:
        people.add_favorite(station_id=call.pk, cyclist_id=cyclist, now=call.now)
    else:
        people.remove_favorite(station_id=call.pk, cyclist_id=cyclist)
    found: Resource = selectors.rows_of(SPECS["stations"].model).get(pk=call.pk)
    return found


Do = Callable[[Call], Resource]
# Laid out by hand as a table: it is read by its rows.
ACTIONS: tuple[tuple[str, str, type[Given], Do, str], ...] = (
    ("trips", "mark", Mark, _mark, "A cyclist asks for the end of a trip"),
    ("trips", "update-mark", MarkChange, _update_mark, "Change, accept or cancel a trip's termination request"),
    (
        "trips", "resume", WithReason,
        lambda c: trips.decide(trip_id=c.pk, accept=False, reason=clean(c.body.reason), now=c.now),
        "Cancel the termination request: the trip goes on",
    ),
    ("trips", "pause", Nothing, lambda c: trips.pause(trip_id=c.pk, now=c.now), "Pause a trip (pitstop)"),
    ("trips", "continue", Nothing, lambda c: trips.go_on(trip_id=c.pk, now=c.now), "End the pause of a trip"),
    (
        "trips", "close", WithReason, lambda c: trips.close(trip_id=c.pk, reason=clean(c.body.reason), now=c.now),
        "An operator ends a trip",
    ),
    (
        "trips", "bill", Bill, lambda c: trips.bill(trip_id=c.pk, amounts=values_of(c.body), now=c.now),
        "What a completed trip costs",
    ),
    ("abonnements", "submit", Submitted, _submit, "Hand in for validation"),
    (
        "abonnements", "validate", Attempt,
        lambda c: abonnements.validate(abonnement_id=c.pk, by=c.by, error=_failure(c.body.error), now=c.now),
        "Validate one that waits for it",
    ),
    (
        "abonnements", "decline", Declined,
        lambda c: abonnements.decline(abonnement_id=c.pk, by=c.by, reason=clean(c.body.reason), now=c.now),
        "Decline one that waits for validation",
    ),
    (
        "abonnements", "activate", Attempt,
        lambda c: abonnements.activate(abonnement_id=c.pk, error=_failure(c.body.error), now=c.now),
        "Activate one that needs no validation",
    ),
    (
        "abonnements", "payment", Payment,
        lambda c: abonnements.note_payment(abonnement_id=c.pk, outcome=c.body.outcome, now=c.now),
        "What the payment system says",
    ),
    ("abonnements", "cancel", Nothing, lambda c: abonnements.cancel(abonnement_id=c.pk, now=c.now), "End it"),
    (
        "cyclists", "confirm", Nothing, lambda c: people.confirm_cyclist(cyclist_id=c.pk, now=c.now),
        "The phone number was confirmed",
    ),
    (
        "cyclists", "block", WithReason,
        lambda c: people.block_cyclist(cyclist_id=c.pk, reason=clean(c.body.reason), now=c.now), "Block a cyclist",
    ),
    ("cyclists", "unblock", Nothing, lambda c: people.unblock_cyclist(cyclist_id=c.pk, now=c.now), "Let ride again"),
    (
        "passes", "associate", Associate,
        lambda c: people.associate_pass(
            pass_id=c.pk, cyclist_id=clean(c.body.cyclist), confirmed=c.body.confirmed, now=c.now
        ),
        "Give a pass to a cyclist",
    ),
    ("passes", "disassociate", Nothing, lambda c: people.disassociate_pass(pass_id=c.pk, now=c.now), "Take it back"),
    (
        "passes", "confirm", Nothing, lambda c: people.confirm_pass(pass_id=c.pk, now=c.now),
        "The code for a pass that was added on a vehicle was accepted",
    ),
    ("stations", "favorite", OfCyclist, lambda c: _favorite(c, add=True), "Put on a cyclist's list of favourites"),
    ("stations", "unfavorite", OfCyclist, lambda c: _favorite(c, add=False), "Take off a cyclist's list"),
)  # fmt: skip


def add_action(plural: str, name: str, kind: type[Given], do: Do, summary: str) -> None:
    spec, decoder = SPECS[plural], msgspec.json.Decoder(kind)
    try:
        default: Given | None = kind()
    except TypeError:  # something is needed
        default = None

    def act(request: HttpRequest, uid: str) -> HttpResponse:
        get_object_or_404(spec.model.objects, pk=uid)
        body = read_body(request, decoder, default=default)
        with answering(request):
            row = do(Call(uid, body, f"key:{key_of(request).name}", timezone.now()))
        return answer(trip_shape(row) if isinstance(row, Trip) else shape(row))

    router.add_api_operation(
        f"/{plural}/{{uid}}/{name}",
        ["POST"],
        act,
        auth=WRITE,
        summary=summary,
        operation_id=f"bikeshare_{plural}_{name.replace('-', '_')}",
        url_name=f"bikeshare_{plural}_{name}",
        openapi_extra=body_openapi(kind, needed=default is None),
    )


for _action in ACTIONS:
    add_action(*_action)
