"""What can be done to resources besides changing their fields: `POST /bikeshare/trips/{id}/mark` and so on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from msgspec import UNSET, Meta, UnsetType

from bikeshare import selectors
from bikeshare.api.helpers import WRITE, answer, read_body, serialize, serialize_trip
from bikeshare.api.resources import body_openapi, router
from bikeshare.event_kinds.payloads import Failure
from bikeshare.ingest.resources import Cents, Moment, Photo, Place, ResourceBody, Text, values_of
from bikeshare.models import Resource, Station, Trip
from bikeshare.services import people, subscriptions, trips
from bikeshare.services.refusals import invalid
from bikeshare.services.specs import SPECS
from core.api import audited_by, key_of


class Nothing(ResourceBody, kw_only=True):
    """Needs no body."""


class WithReason(ResourceBody, kw_only=True):
    reason: Text = ""


class Declined(ResourceBody, kw_only=True):
    reason: Annotated[str, Meta(min_length=1, max_length=200)]


class Mark(ResourceBody, kw_only=True):
    """A cyclist's request to end a trip: the end code of a dock, or a photo and a position."""

    end_code: Annotated[str, Meta(max_length=20)] = ""
    photo: Photo | Literal[""] = ""
    position: Place | None = None


class MarkChange(ResourceBody, kw_only=True):
    """`status` decides the request; the rest changes it while it is open."""

    status: Literal["accepted", "cancelled"] | UnsetType = UNSET
    reason: Text = ""
    photo: Photo | UnsetType = UNSET
    position: Place | UnsetType = UNSET
    date: Moment | UnsetType = UNSET


class Bill(ResourceBody, kw_only=True):
    """What a trip costs, in integer cents."""

    amount: Cents
    amount_cyclist: Cents | UnsetType | None = UNSET
    amount_organization: Cents | UnsetType | None = UNSET
    amount_discounted: Cents | UnsetType | None = UNSET
    amount_refunded: Cents | UnsetType | None = UNSET
    amount_refundable_max: Cents | UnsetType | None = UNSET
    deposit: Cents | UnsetType | None = UNSET


class Error(Failure):
    code: Annotated[str, Meta(min_length=1, max_length=80)]
    message: Text = ""


class Attempt(ResourceBody, kw_only=True):
    """`error` is a failure that another system found, e.g. the payment provider."""

    error: Error | None = None


class Submitted(ResourceBody, kw_only=True):
    documents: list[Annotated[str, Meta(max_length=120)]] | UnsetType = UNSET


class Payment(ResourceBody, kw_only=True):
    outcome: Literal["paid", "past_due", "unpaid"]


class OfCyclist(ResourceBody, kw_only=True):
    cyclist_id: Annotated[str, Meta(max_length=40)] = msgspec.field(name="cyclist")


class Associate(OfCyclist, kw_only=True):
    """`confirmed` is false for a pass that was added on a vehicle and waits for the code sent to the phone."""

    confirmed: bool = True


def _update_mark(pk: str, *, now: datetime, reason: str, status: str | None = None, **changes: Any) -> Trip:
    if not changes and status is None:
        raise invalid("status", "Give what is to change: status, photo, position or date.")
    trip = trips.edit_request(pk, changes=changes, now=now) if changes else None
    if status is not None:
        trip = trips.decide(pk, accept=status == "accepted", reason=reason, now=now)
    assert trip is not None
    return trip


def _favorite(pk: str, *, now: datetime, cyclist_id: str) -> Any:
    people.add_favorite(station_id=pk, cyclist_id=cyclist_id, now=now)
    return selectors.rows_of(Station).get(pk=pk)


def _unfavorite(pk: str, *, now: datetime, cyclist_id: str) -> Any:
    people.remove_favorite(station_id=pk, cyclist_id=cyclist_id)
    return selectors.rows_of(Station).get(pk=pk)


@dataclass(frozen=True)
class Operation:
    """One action on one resource: `do` gets its id, `now`, the fields of the body, and `by` where it names who acts."""

    plural: str
    name: str
    body: type[ResourceBody]
    do: Callable[..., Resource]
    summary: str
    names_actor: bool = False


OPERATIONS = (
    Operation("trips", "mark", Mark, trips.request_end, "A cyclist asks for the end of a trip"),
    Operation(
        "trips", "update-mark", MarkChange, _update_mark, "Change, accept or cancel a trip's termination request"
    ),
    Operation(
        "trips",
        "resume",
        WithReason,
        partial(trips.decide, accept=False),
        "Cancel the termination request: the trip goes on",
    ),
    Operation("trips", "pause", Nothing, trips.pause, "Pause a trip (pitstop)"),
    Operation("trips", "continue", Nothing, trips.go_on, "End the pause of a trip"),
    Operation("trips", "close", WithReason, trips.close, "An operator ends a trip"),
    Operation(
        "trips",
        "bill",
        Bill,
        lambda pk, now, **amounts: trips.bill(pk, amounts=amounts, now=now),
        "What a completed trip costs",
    ),
    Operation("abonnements", "submit", Submitted, subscriptions.submit, "Hand in for validation"),
    Operation("abonnements", "validate", Attempt, subscriptions.validate, "Validate one that waits for it", True),
    Operation("abonnements", "decline", Declined, subscriptions.decline, "Decline one that waits for validation", True),
    Operation("abonnements", "activate", Attempt, subscriptions.activate, "Activate one that needs no validation"),
    Operation("abonnements", "payment", Payment, subscriptions.note_payment, "What the payment system says"),
    Operation("abonnements", "cancel", Nothing, subscriptions.cancel, "End it"),
    Operation("cyclists", "confirm", Nothing, people.confirm_cyclist, "The phone number was confirmed"),
    Operation("cyclists", "block", WithReason, people.block_cyclist, "Block a cyclist"),
    Operation("cyclists", "unblock", Nothing, people.unblock_cyclist, "Let ride again"),
    Operation("passes", "associate", Associate, people.associate_pass, "Give a pass to a cyclist"),
    Operation("passes", "disassociate", Nothing, people.disassociate_pass, "Take it back"),
    Operation(
        "passes",
        "confirm",
        Nothing,
        people.confirm_pass,
        "The code for a pass that was added on a vehicle was accepted",
    ),
    Operation("stations", "favorite", OfCyclist, _favorite, "Put on a cyclist's list of favourites"),
    Operation("stations", "unfavorite", OfCyclist, _unfavorite, "Take off a cyclist's list"),
)


def add_operation(operation: Operation) -> None:
    model, decoder = SPECS[operation.plural].model, msgspec.json.Decoder(operation.body)
    try:
        default: ResourceBody | None = operation.body()
    except TypeError:  # something is needed
        default = None

    def act(request: HttpRequest, uid: str) -> HttpResponse:
        get_object_or_404(model.objects, pk=uid)
        values = values_of(read_body(request, decoder, default=default))
        actor = {"by": f"key:{key_of(request).name}"} if operation.names_actor else {}
        with audited_by(key_of(request)):
            row = operation.do(uid, now=timezone.now(), **values, **actor)
        return answer(serialize_trip(row) if isinstance(row, Trip) else serialize(row))

    path, name = f"/{operation.plural}/{{uid}}/{operation.name}", operation.name.replace("-", "_")
    router.add_api_operation(
        path,
        ["POST"],
        act,
        auth=WRITE,
        summary=operation.summary,
        operation_id=f"bikeshare_{operation.plural}_{name}",
        url_name=f"bikeshare_{operation.plural}_{name}",
        openapi_extra=body_openapi(operation.body, needed=default is None),
    )


for _operation in OPERATIONS:
    add_operation(_operation)
