"""What operators do: each a POST, answered by the page it came from."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from bikeshare.choices import VehiculeStatus
from bikeshare.services import abonnements, people, trips, vehicules
from bikeshare.services.refused import Invalid, Refused
from core.permissions import person, requires
from core.text import clean_text

Do = Callable[[HttpRequest, str, str], object]
MAX_REASON = 200


def _reason(request: HttpRequest) -> str:
    return clean_text(request.POST.get("reason", "")).strip()[:MAX_REASON]


def action(
    page: str, permission: str, done: str | Promise, do: Do, *, needs_reason: bool = False
) -> Callable[..., HttpResponse]:
    """The view of one action on one resource; `do` gets the request, the id and the reason."""

    @requires(permission)
    @require_POST
    def view(request: HttpRequest, pk: str) -> HttpResponse:
        reason = _reason(request)
        if needs_reason and not reason:
            messages.error(request, _("Say why."))
            return redirect(f"bikeshare:{page}", pk)
        try:
            do(request, pk, reason)
        except Invalid as error:
            raise Http404 from error
        except Refused as error:
            messages.error(request, error.sentence)
        else:
            messages.success(request, str(done))
        return redirect(f"bikeshare:{page}", pk)

    return view


def _by(request: HttpRequest) -> str:
    return f"user:{person(request).pk}"


def _set(pk: str, status: VehiculeStatus, reason: str) -> None:
    vehicules.set_status(vehicule_id=pk, status=status, reason=reason, now=timezone.now())


# Laid out by hand as a table: it is read by its rows.
ACTIONS: dict[str, tuple[str, Callable[..., HttpResponse]]] = {
    "trip_close": (
        "trips/<str:pk>/close/",
        action(
            "trip", "bikeshare.close_trip", gettext_lazy("The trip is closed."),
            lambda request, pk, reason: trips.close(trip_id=pk, reason=reason, now=timezone.now()),
        ),
    ),
    "request_accept": (
        "trips/<str:pk>/accept/",
        action(
            "trip", "bikeshare.close_trip", gettext_lazy("The termination request is accepted."),
            lambda request, pk, reason: trips.decide(trip_id=pk, accept=True, reason=reason, now=timezone.now()),
        ),
    ),
    "request_cancel": (
        "trips/<str:pk>/cancel/",
        action(
            "trip", "bikeshare.close_trip", gettext_lazy("The termination request is cancelled; the trip goes on."),
            lambda request, pk, reason: trips.decide(trip_id=pk, accept=False, reason=reason, now=timezone.now()),
        ),
    ),
    "abonnement_validate": (
        "abonnements/<str:pk>/validate/",
        action(
            "abonnement", "bikeshare.validate_abonnement", gettext_lazy("Validation was tried; see what came of it."),
            lambda request, pk, reason: abonnements.validate(abonnement_id=pk, by=_by(request), now=timezone.now()),
        ),
    ),
    "abonnement_decline": (
        "abonnements/<str:pk>/decline/",
        action(
            "abonnement", "bikeshare.validate_abonnement", gettext_lazy("The abonnement is declined."),
            lambda request, pk, reason: abonnements.decline(
                abonnement_id=pk, by=_by(request), reason=reason, now=timezone.now()
            ),
            needs_reason=True,
        ),
    ),
    "cyclist_block": (
        "cyclists/<str:pk>/block/",
        action(
            "cyclist", "bikeshare.block_cyclist", gettext_lazy("The cyclist is blocked."),
            lambda request, pk, reason: people.block_cyclist(cyclist_id=pk, reason=reason, now=timezone.now()),
            needs_reason=True,
        ),
    ),
    "cyclist_unblock": (
        "cyclists/<str:pk>/unblock/",
        action(
            "cyclist", "bikeshare.block_cyclist", gettext_lazy("The cyclist may ride again."),
            lambda request, pk, reason: people.unblock_cyclist(cyclist_id=pk, now=timezone.now()),
        ),
    ),
    "vehicule_maintenance": (
        "vehicules/<str:pk>/maintenance/",
        action(
            "vehicule", "bikeshare.service_vehicule", gettext_lazy("The vehicle is set to maintenance."),
            lambda request, pk, reason: _set(pk, VehiculeStatus.MAINTENANCE, reason),
        ),
    ),
    "vehicule_ready": (
        "vehicules/<str:pk>/ready/",
        action(
            "vehicule", "bikeshare.service_vehicule", gettext_lazy("The vehicle is set to ready."),
            lambda request, pk, reason: _set(pk, VehiculeStatus.READY, reason),
        ),
    ),
}  # fmt: skip
