"""Notifications: the list, and of one everything that happened to it and why."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy

from console.lists import Column, ListPage
from core.permissions import requires
from vehicles import selectors
from vehicles.catalogue import TYPES
from vehicles.choices import SHOWN, NotificationState
from vehicles.filters import NotificationFilters
from vehicles.forms import NoteForm
from vehicles.models import DriverNotification
from vehicles.search import NOTIFICATION_SEARCH
from vehicles.views.tabs import NOTIFICATION_TABS, tabs_of

_CELLS = "vehicles/cells"
NOTIFICATION_COLUMNS = (
    Column("created_at", gettext_lazy("Created"), f"{_CELLS}/notification_created.html", sort="pk"),
    Column("type", gettext_lazy("Notification"), f"{_CELLS}/notification_type.html", sort="type"),
    Column("driver", gettext_lazy("Driver"), f"{_CELLS}/driver_of.html"),
    Column("vehicle", gettext_lazy("Vehicle"), f"{_CELLS}/vehicle_of.html"),
    Column("state", gettext_lazy("State"), f"{_CELLS}/notification_state.html"),
    Column("ways", gettext_lazy("Channels"), f"{_CELLS}/ways.html"),
)


class NotificationList(ListPage):
    key = "notifications"
    empty_link = "vehicles:catalogue"
    title = gettext_lazy("Vehicle notifications")
    permission = "vehicles.view_drivernotification"
    intro = gettext_lazy("What drivers were told, what is held back, and why.")
    search = NOTIFICATION_SEARCH
    filterset = NotificationFilters
    columns = NOTIFICATION_COLUMNS
    template = "vehicles/tabbed_list.html"
    placeholder = gettext_lazy("Search, e.g. state:open severity:critical type:carnotfound")
    empty_title = gettext_lazy("No notifications yet")
    empty_text = gettext_lazy("When facts or time bring one about, it stands here.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.notifications()

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        return {"tabs": tabs_of(request, NOTIFICATION_TABS, self.key)}


@requires("vehicles.view_drivernotification")
def notification(request: HttpRequest, pk: int) -> HttpResponse:
    return notification_page(request, get_object_or_404(selectors.notifications(), pk=pk), NoteForm())


def notification_page(request: HttpRequest, note: DriverNotification, form: NoteForm) -> HttpResponse:
    steps = list(selectors.steps_of(note))
    deliveries = selectors.deliveries_of_steps(steps)
    context = {
        "page_title": note.type,
        "note": note,
        "entry": TYPES.get(note.type),
        "setting": selectors.setting_of(note.type),
        "steps": [(step, deliveries.get(step.event_id or 0, [])) for step in steps],
        "facts": sorted(note.shown_facts.items()),
        "form": form,
        "can_resend": note.told_at is not None and note.state != NotificationState.SUPPRESSED,
        "can_resolve": note.state in (*SHOWN, NotificationState.DISMISSED),
    }
    return render(request, "vehicles/notification.html", context, status=422 if form.errors else 200)
