"""Callbacks and how they are; what they brought: raw messages, notifications, what matched nothing."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from console.lists import Action, Column, ListPage
from core.permissions import requires
from core.refusal import Refused, add_refusal
from fleet_remotes import selectors
from fleet_remotes.choices import CallbackStatus
from fleet_remotes.filters import MessageFilters, NotificationFilters
from fleet_remotes.forms import CallbackForm, CallbackUpdateForm, RegisterForm, RotateForm
from fleet_remotes.models import Callback, CallbackMessage, Fleet
from fleet_remotes.search import CALLBACK_SEARCH, MESSAGE_SEARCH, NOTIFICATION_SEARCH
from fleet_remotes.services import binding, registration
from fleet_remotes.services import callbacks as services
from fleet_remotes.views.columns import CELLS, NOTIFICATION_COLUMNS

_VIEW, _ADD = "fleet_remotes.view_callback", "fleet_remotes.add_callback"
_REGISTER = "fleet_remotes.register_callback"
_NOTIFICATIONS, _MESSAGES = "fleet_remotes.view_remotenotification", "fleet_remotes.view_callbackmessage"


class CallbackList(ListPage):
    key = "callbacks"
    title = gettext_lazy("Callbacks")
    permission = _VIEW
    intro = gettext_lazy("Where the vendor’s notifications arrive, and how well they do.")
    search = CALLBACK_SEARCH
    columns = (
        Column("slug", gettext_lazy("Callback"), f"{CELLS}/callback.html", sort="slug"),
        Column("fleet", gettext_lazy("Fleet"), f"{CELLS}/fleet.html", sort="fleet__key"),
        Column("status", gettext_lazy("State"), f"{CELLS}/callback_state.html", sort="status"),
        Column("last_received_at", gettext_lazy("Last received"), "console/cells/ago.html", sort="last_received_at"),
        Column("lag", gettext_lazy("Delay (half, 95 %)"), f"{CELLS}/lag.html"),
        Column("events", gettext_lazy("Notifications"), sort="events", numeric=True),
        Column("duplicates", gettext_lazy("Duplicates"), sort="duplicates", numeric=True),
        Column(
            "unmatched",
            gettext_lazy("Unmatched"),
            f"{CELLS}/unmatched_count.html",
            numeric=True,
            export="health.unmatched",
        ),
        Column("refused", gettext_lazy("Refused"), f"{CELLS}/refused.html", sort="refused", numeric=True),
    )
    default_sort = "slug"
    empty_title = gettext_lazy("No callbacks yet")
    empty_text = gettext_lazy("Make one, then register it with the vendor.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.callbacks()

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        health = selectors.callback_health(rows)
        for row in rows:
            row.health = health[row.pk]

    def actions(self, request: HttpRequest) -> list[Action]:
        return [
            Action(_("Raw messages"), reverse("fleet_remotes:messages"), _MESSAGES, "code-bracket"),
            Action(_("Notifications"), reverse("fleet_remotes:notifications"), _NOTIFICATIONS, "inbox"),
            Action(_("Unmatched"), reverse("fleet_remotes:unmatched"), _NOTIFICATIONS, "question-mark-circle"),
            Action(_("New callback"), reverse("fleet_remotes:callback_new"), _ADD),
        ]


@requires(_VIEW)
def callback(request: HttpRequest, pk: int) -> HttpResponse:
    return _callback_page(request, get_object_or_404(selectors.callbacks(), pk=pk))


def _callback_page(request: HttpRequest, callback: Callback, header_value: str = "") -> HttpResponse:
    """A callback's page; the header's value is on it once, in the answer to whoever created it, and not stored."""
    context = {
        "page_title": callback.slug,
        "callback": callback,
        "health": selectors.callback_health([callback])[callback.pk],
        "address": registration.address_of(callback),
        "now": timezone.now(),
        "can_pause": callback.status == CallbackStatus.RUNNING,
        "can_resume": callback.status in (CallbackStatus.PAUSED, CallbackStatus.FAILED),
        "header_value": header_value,
        "last": selectors.notifications().filter(callback=callback)[:20],
    }
    return render(request, "fleet_remotes/callback.html", context)


@requires(_ADD)
def callback_new(request: HttpRequest) -> HttpResponse:
    form = CallbackForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made, value = services.create_callback(**form.cleaned_data)
        except Refused as error:
            add_refusal(form, error)
        else:
            return _callback_page(request, made, value)
    context = {"page_title": _("New callback"), "form": form}
    return render(request, "fleet_remotes/callback_new.html", context, status=422 if form.errors else 200)


@requires(_REGISTER)
def callback_register(request: HttpRequest, pk: int) -> HttpResponse:
    """Registers a callback with the vendor, who gets the header's value; it is not stored here."""
    callback = get_object_or_404(selectors.callbacks(), pk=pk)
    form = RegisterForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            registration.register_callback(callback=callback, header_value=form.cleaned_data["header_value"])
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("The vendor registered it as %(id)s.") % {"id": callback.callback_id})
            return redirect("fleet_remotes:callback", pk)
    context = {
        "page_title": _("Register %(slug)s") % {"slug": callback.slug},
        "callback": callback,
        "form": form,
        "address": registration.address_of(callback),
    }
    return render(request, "fleet_remotes/callback_register.html", context, status=422 if form.errors else 200)


@requires(_REGISTER)
def callback_update(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes what is set, here and at the vendor."""
    callback = get_object_or_404(selectors.callbacks(), pk=pk)
    initial = {"batch_window_s": callback.batch_window_s, "silent_after_s": callback.silent_after_s}
    form = CallbackUpdateForm(request.POST or None, initial=initial, row=callback)
    if request.method == "POST" and form.is_valid():
        try:
            form.check_version(callback)  # the vendor is asked outside of a transaction
            registration.update_callback(callback=callback, **form.cleaned_data)
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("It is up to date."))
            return redirect("fleet_remotes:callback", pk)
    context = {"page_title": _("Update %(slug)s") % {"slug": callback.slug}, "callback": callback, "form": form}
    return render(request, "fleet_remotes/callback_update.html", context, status=422 if form.errors else 200)


@requires(_REGISTER)
def callback_rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """Gives the header a new value, which is shown once."""
    callback = get_object_or_404(selectors.callbacks(), pk=pk)
    form = RotateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        value = form.cleaned_data["header_value"]
        try:
            value = registration.rotate_header(callback=callback, now=timezone.now(), header_value=value)
        except Refused as error:
            add_refusal(form, error, field="header_value")
        else:
            messages.success(request, _("The header has a new value; the one before is taken for three more days."))
            return _callback_page(request, callback, value)
    context = {"page_title": _("New header for %(slug)s") % {"slug": callback.slug}, "callback": callback, "form": form}
    return render(request, "fleet_remotes/callback_rotate.html", context, status=422 if form.errors else 200)


@requires(_REGISTER)
@require_POST
def callback_set_status(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Pauses, resumes or deletes a callback at the vendor."""
    callback = get_object_or_404(selectors.callbacks(), pk=pk)
    try:
        if what == "delete":
            registration.delete_at_vendor(callback=callback)
            messages.success(request, _("The vendor deleted it; what it brought stays here."))
        else:
            status = CallbackStatus.PAUSED if what == "pause" else CallbackStatus.RUNNING
            registration.set_status(callback=callback, status=status)
            messages.success(request, _("The vendor says: %(status)s.") % {"status": callback.get_status_display()})
    except Refused as error:
        messages.error(request, error.sentence)
    return redirect("fleet_remotes:callback", pk)


@requires(_VIEW)
def callbacks_at_vendor(request: HttpRequest, pk: int) -> HttpResponse:
    """Every callback of a fleet that the vendor knows, as it says now."""
    fleet = get_object_or_404(Fleet, pk=pk)
    found, refusal = [], ""
    try:
        found = registration.list_at_vendor(fleet=fleet)
    except Refused as error:
        refusal = error.sentence
    context = {
        "page_title": _("Callbacks of %(fleet)s at the vendor") % {"fleet": fleet},
        "found": found,
        "refusal": refusal,
    }
    return render(request, "fleet_remotes/callbacks_at_vendor.html", context)


class NotificationList(ListPage):
    key = "remote_notifications"
    empty_link = "fleet_remotes:callbacks"
    title = gettext_lazy("Notifications received")
    permission = _NOTIFICATIONS
    search = NOTIFICATION_SEARCH
    filterset = NotificationFilters
    columns = NOTIFICATION_COLUMNS
    placeholder = gettext_lazy("Search, e.g. verdict:late received:<1h")
    empty_title = gettext_lazy("Nothing received yet")
    empty_text = gettext_lazy("What the vendor’s callbacks bring stands here, applied or not and why.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.notifications().defer("raw")


class UnmatchedList(NotificationList):
    key = "unmatched_notifications"
    title = gettext_lazy("Unmatched notifications")
    intro = gettext_lazy(
        "They were stored but changed nothing: an action, vehicle or value that is not known here. What becomes known"
        " within 72 hours is bound by itself."
    )
    columns = (
        *NOTIFICATION_COLUMNS[:-1],
        Column(
            "raw",
            gettext_lazy("As received"),
            f"{CELLS}/raw.html",
            export=lambda row: json.dumps(row.raw, ensure_ascii=False),
        ),
    )
    template = "fleet_remotes/unmatched.html"
    empty_title = gettext_lazy("Everything matched")
    empty_text = gettext_lazy("Notifications of unknown actions, vehicles and values would stand here.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.unmatched()


@requires("fleet_remotes.send_command")
@require_POST
def unmatched_read_again(request: HttpRequest) -> HttpResponse:
    """Reads again what was not understood, as after an upgrade, and binds what can be bound."""
    n = binding.read_again(now=timezone.now())
    text = ngettext("%(n)d notification is understood now.", "%(n)d notifications are understood now.", n)
    messages.info(request, text % {"n": n})
    return redirect("fleet_remotes:unmatched")


class MessageList(ListPage):
    key = "callback_messages"
    empty_link = "fleet_remotes:callbacks"
    title = gettext_lazy("Raw messages")
    permission = _MESSAGES
    intro = gettext_lazy("Every body that a callback brought, as it was received.")
    search = MESSAGE_SEARCH
    filterset = MessageFilters
    columns = (
        Column("received_at", gettext_lazy("Received"), f"{CELLS}/message.html", sort="pk"),
        Column("callback", gettext_lazy("Callback"), sort="callback__slug", export="callback.slug"),
        Column("applied_at", gettext_lazy("Applied"), f"{CELLS}/applied.html", sort="applied_at"),
        Column("events", gettext_lazy("Notifications"), sort="events", numeric=True),
        Column("duplicates", gettext_lazy("Duplicates"), sort="duplicates", numeric=True),
        Column("problem", gettext_lazy("Problem")),
    )
    empty_title = gettext_lazy("Nothing received yet")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.messages()


@requires(_MESSAGES)
def message(request: HttpRequest, pk: int) -> HttpResponse:
    message = get_object_or_404(CallbackMessage.objects.select_related("callback"), pk=pk)
    context = {
        "page_title": _("Raw message %(id)d") % {"id": message.pk},
        "message": message,
        "notifications": selectors.notifications().filter(message=message).order_by("position"),
    }
    return render(request, "fleet_remotes/message.html", context)
