"""What operators do: the buttons on the page of a resource, and the POST behind each, answered by that page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from bikeshare.choices import ENDING, BikeStatus, CyclistStatus, SubscriptionStatus, TripStatus
from bikeshare.models import Bike, Cyclist, Resource, Subscription, Trip
from bikeshare.services import bikes, people, subscriptions, trips
from core.permissions import person, requires
from core.refusal import INVALID, Refused
from core.text import clean_text

MAX_REASON = 200


@dataclass(frozen=True)
class OperatorAction:
    """A button on the page of resources in some states.

    `do` gets the resource's id and `now`, the reason where one may be given (`reason`), and `by` where it names who
    acts. What is dangerous asks for a reason in its form; `needs_reason` insists on it.
    """

    name: str
    path: str
    model: type[Resource]
    statuses: tuple[str, ...]
    permission: str
    label: str | Promise
    icon: str
    done: str | Promise
    do: Callable[..., object]
    reason: bool = False
    danger: bool = False
    needs_reason: bool = False
    names_actor: bool = False

    def view(self) -> Callable[..., HttpResponse]:
        @requires(f"bikeshare.{self.permission}")
        @require_POST
        def view(request: HttpRequest, pk: str) -> HttpResponse:
            try:
                self._act(request, pk)
            except Refused as error:
                if error.code == INVALID:  # there is no such resource
                    raise Http404 from error
                messages.error(request, error.sentence)
            return redirect(f"bikeshare:{self.model.NAME}", pk)

        return view

    def _act(self, request: HttpRequest, pk: str) -> None:
        values: dict[str, str] = {"by": f"user:{person(request).pk}"} if self.names_actor else {}
        if self.reason:
            values["reason"] = clean_text(request.POST.get("reason", "")).strip()[:MAX_REASON]
        if self.needs_reason and not values["reason"]:
            messages.error(request, _("Say why."))
            return
        self.do(pk, now=timezone.now(), **values)
        messages.success(request, str(self.done))


# Laid out by hand: what is done, to what, and by which button, two or three lines each.
ACTIONS = (
    OperatorAction(
        "trip_close", "trips/<str:pk>/close/", Trip, (TripStatus.RENTING, TripStatus.PITSTOP), "close_trip",
        gettext_lazy("Close the trip"), "flag", gettext_lazy("The trip is closed."),
        trips.close, reason=True, danger=True,
    ),
    OperatorAction(
        "request_accept", "trips/<str:pk>/accept/", Trip, ENDING, "close_trip",
        gettext_lazy("Accept the end"), "check", gettext_lazy("The termination request is accepted."),
        partial(trips.decide, accept=True),
    ),
    OperatorAction(
        "request_cancel", "trips/<str:pk>/cancel/", Trip, ENDING, "close_trip",
        gettext_lazy("Cancel the request"), "arrow-uturn-left",
        gettext_lazy("The termination request is cancelled; the trip goes on."),
        partial(trips.decide, accept=False), reason=True,
    ),
    OperatorAction(
        "abonnement_validate", "abonnements/<str:pk>/validate/", Subscription, (SubscriptionStatus.WAITING_VALIDATION,),
        "validate_abonnement", gettext_lazy("Validate"), "check",
        gettext_lazy("Validation was tried; see what came of it."), subscriptions.validate, names_actor=True,
    ),
    OperatorAction(
        "abonnement_decline", "abonnements/<str:pk>/decline/", Subscription, (SubscriptionStatus.WAITING_VALIDATION,),
        "validate_abonnement", gettext_lazy("Decline"), "x-mark", gettext_lazy("The abonnement is declined."),
        subscriptions.decline, reason=True, danger=True, needs_reason=True, names_actor=True,
    ),
    OperatorAction(
        "cyclist_block", "cyclists/<str:pk>/block/", Cyclist, (CyclistStatus.ACTIVE,), "block_cyclist",
        gettext_lazy("Block"), "no-symbol", gettext_lazy("The cyclist is blocked."),
        people.block_cyclist, reason=True, danger=True, needs_reason=True,
    ),
    OperatorAction(
        "cyclist_unblock", "cyclists/<str:pk>/unblock/", Cyclist, (CyclistStatus.BLOCKED,), "block_cyclist",
        gettext_lazy("Unblock"), "check", gettext_lazy("The cyclist may ride again."), people.unblock_cyclist,
    ),
    OperatorAction(
        "vehicule_maintenance", "vehicules/<str:pk>/maintenance/", Bike,
        (BikeStatus.READY, BikeStatus.SERVICE, BikeStatus.STOCK, BikeStatus.MAJ), "service_vehicule",
        gettext_lazy("Set to maintenance"), "wrench-screwdriver", gettext_lazy("The vehicle is set to maintenance."),
        partial(bikes.set_status, status=BikeStatus.MAINTENANCE), reason=True,
    ),
    OperatorAction(
        "vehicule_ready", "vehicules/<str:pk>/ready/", Bike, (BikeStatus.MAINTENANCE, BikeStatus.HS),
        "service_vehicule", gettext_lazy("Set to ready"), "check", gettext_lazy("The vehicle is set to ready."),
        partial(bikes.set_status, status=BikeStatus.READY),
    ),
)  # fmt: skip


def buttons(request: HttpRequest, row: Resource) -> list[tuple[OperatorAction, str]]:
    """What the person may do to a resource in its present state, each with where it posts to."""
    return [
        (action, reverse(f"bikeshare:{action.name}", args=[row.pk]))
        for action in ACTIONS
        if isinstance(row, action.model)
        and getattr(row, "status", "") in action.statuses
        and request.user.has_perm(f"bikeshare.{action.permission}")
    ]
