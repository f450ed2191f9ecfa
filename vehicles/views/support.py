"""What support does from the console: resend, end, note, mute; and what a brake holds, released or dropped."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from console.lists import Column, ListPage
from core.permissions import person, requires
from core.refusal import Refused, add_refusal
from vehicles import selectors
from vehicles.forms import MuteForm, NoteForm
from vehicles.models import Brake, Driver, DriverNotification, Mute
from vehicles.search import BRAKE_SEARCH
from vehicles.services import brakes, support
from vehicles.views.drivers import driver_page
from vehicles.views.notifications import notification_page
from vehicles.views.tabs import SOURCE_TABS, tabs_of

_SUPPORT = "vehicles.support_drivernotification"


def _by(request: HttpRequest) -> str:
    return person(request).get_username()


def _notification(pk: int) -> DriverNotification:
    return get_object_or_404(selectors.notifications(), pk=pk)


@requires(_SUPPORT)
@require_POST
def notification_resend(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        support.resend(notification=_notification(pk), by=_by(request), now=timezone.now())
    except Refused as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("It is on its way once more."))
    return redirect("vehicles:notification", pk)


@requires(_SUPPORT)
@require_POST
def notification_resolve(request: HttpRequest, pk: int) -> HttpResponse:
    if support.resolve(notification=_notification(pk), by=_by(request), now=timezone.now()):
        messages.success(request, _("The driver sees it no more, until its condition has ended and comes again."))
    else:
        messages.info(request, _("It is not shown."))
    return redirect("vehicles:notification", pk)


@requires(_SUPPORT)
@require_POST
def notification_note(request: HttpRequest, pk: int) -> HttpResponse:
    notification, form = _notification(pk), NoteForm(request.POST)
    if form.is_valid():
        try:
            support.add_note(
                notification=notification, text=form.cleaned_data["text"], by=_by(request), now=timezone.now()
            )
        except Refused as error:
            add_refusal(form, error)
        else:
            return redirect("vehicles:notification", pk)
    return notification_page(request, notification, form)


@requires(_SUPPORT)
@require_POST
def driver_mute(request: HttpRequest, pk: int) -> HttpResponse:
    driver, form, now = get_object_or_404(Driver, pk=pk), MuteForm(request.POST), timezone.now()
    if form.is_valid():
        data = form.cleaned_data
        until = now + timedelta(hours=data["hours"])
        support.mute(driver=driver, until=until, by=_by(request), now=now, name=data["type"], note=data["note"])
        messages.success(request, _("Muted."))
        return redirect("vehicles:driver", pk)
    return driver_page(request, driver, form)


@requires(_SUPPORT)
@require_POST
def driver_unmute(request: HttpRequest, pk: int) -> HttpResponse:
    mute = get_object_or_404(Mute, pk=pk)
    support.unmute(mute=mute, now=timezone.now())
    messages.success(request, _("The driver is told again."))
    return redirect("vehicles:driver", mute.driver_id)


class BrakeList(ListPage):
    key = "brakes"
    empty_link = "vehicles:catalogue"
    title = gettext_lazy("Brakes")
    permission = "vehicles.view_brake"
    intro = gettext_lazy("Trouble of many drivers of one brand and feed at once waits until you release or drop it.")
    search = BRAKE_SEARCH
    template = "vehicles/tabbed_list.html"
    columns = (
        Column("began_at", gettext_lazy("Began"), sort="pk"),
        Column("brand", gettext_lazy("Brand"), value=lambda row: row.brand),
        Column("feed", gettext_lazy("Feed"), value=lambda row: row.feed_label),
        Column("drivers", gettext_lazy("Drivers"), value=lambda row: f"{row.drivers} / {row.of}"),
        Column("state", gettext_lazy("State"), "vehicles/cells/brake_state.html", sort="state"),
        Column("waiting", gettext_lazy("Waiting"), "vehicles/cells/brake_waiting.html", export="waiting", numeric=True),
    )
    empty_title = gettext_lazy("No brake ever held")
    empty_text = gettext_lazy("It holds when more than a share of a brand’s drivers are to be told of trouble at once.")

    def rows(self, request: HttpRequest) -> Any:
        return Brake.objects.all()

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        selectors.attach_waiting(rows)

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        return {"tabs": tabs_of(request, SOURCE_TABS, self.key)}


@requires("vehicles.decide_brake")
@require_POST
def brake_decide(request: HttpRequest, pk: int) -> HttpResponse:
    brake, release = get_object_or_404(Brake, pk=pk), request.POST.get("decision") == "release"
    if not brakes.decide_brake(brake=brake, release=release, by=_by(request), now=timezone.now()):
        messages.info(request, _("It was decided already."))
    elif release:
        messages.success(request, _("What it held is being told."))
    else:
        messages.success(request, _("What it held is dropped."))
    return redirect("vehicles:brakes")
