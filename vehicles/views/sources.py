"""Platforms that push: how each of them is, what was not understood, and the bodies as they came."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.forms import ConfirmByTypingForm
from console.lists import Action, Column, ListPage
from core.permissions import requires
from core.refusal import Refused, add_refusal
from vehicles import selectors
from vehicles.forms import SourceChangeForm, SourceForm
from vehicles.models import PlatformMessage, VehicleSource
from vehicles.search import PLATFORM_MESSAGE_SEARCH, SOURCE_SEARCH
from vehicles.services import sources as services
from vehicles.views.tabs import SOURCE_TABS, tabs_of

_CELLS = "vehicles/cells"
_VIEW, _MESSAGES = "vehicles.view_vehiclesource", "vehicles.view_platformmessage"
STATES = {
    "heard": gettext_lazy("Heard"),
    "silent": gettext_lazy("Silent"),
    "never": gettext_lazy("Never heard"),
    "off": gettext_lazy("Off"),
}


class _SourceTab(ListPage):
    template = "vehicles/tabbed_list.html"

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        return {"tabs": tabs_of(request, SOURCE_TABS, self.key)}


class SourceList(_SourceTab):
    key = "platforms"
    title = gettext_lazy("Platforms")
    permission = _VIEW
    intro = gettext_lazy("Connected-car platforms whose webhooks arrive here, and what of them was not understood.")
    search = SOURCE_SEARCH
    columns = (
        Column("slug", gettext_lazy("Source"), f"{_CELLS}/source.html", sort="slug"),
        Column("platform", gettext_lazy("Platform"), value=lambda row: row.get_platform_display()),
        Column("state", gettext_lazy("State"), f"{_CELLS}/source_state.html"),
        Column("last_received_at", gettext_lazy("Last received"), "console/cells/ago.html", sort="last_received_at"),
        Column("received", gettext_lazy("Received"), sort="received", numeric=True),
        Column("facts", gettext_lazy("Facts"), sort="facts", numeric=True),
        Column("unknown", gettext_lazy("Not understood"), numeric=True, value=lambda row: len(row.notes)),
        Column("refused", gettext_lazy("Refused"), f"{_CELLS}/source_refused.html", sort="refused", numeric=True),
    )
    default_sort = "slug"
    empty_title = gettext_lazy("No platform pushes yet")
    empty_text = gettext_lazy("Make an address for Smartcar or Enode, then enter it in the platform’s dashboard.")

    def rows(self, request: HttpRequest) -> Any:
        return VehicleSource.objects.all()

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        for row in rows:
            _add_state(row)

    def actions(self, request: HttpRequest) -> list[Action]:
        return [Action(_("New platform"), reverse("vehicles:source_new"), "vehicles.add_vehiclesource")]


def _add_state(source: VehicleSource) -> None:
    state = selectors.source_state(source, timezone.now())
    source.state, source.state_label = state, STATES[state]  # type: ignore[attr-defined]


class PlatformMessageList(_SourceTab):
    key = "platform_messages"
    empty_link = "vehicles:sources"
    title = gettext_lazy("Messages of platforms")
    permission = _MESSAGES
    intro = gettext_lazy("Every signed body that a platform sent, as it was received.")
    search = PLATFORM_MESSAGE_SEARCH
    columns = (
        Column("received_at", gettext_lazy("Received"), f"{_CELLS}/platform_message.html", sort="pk"),
        Column("source", gettext_lazy("Source"), sort="source__slug", export="source.slug"),
        Column("applied_at", gettext_lazy("Read"), f"{_CELLS}/platform_applied.html"),
        Column("facts", gettext_lazy("Facts"), sort="facts", numeric=True),
        Column("notes", gettext_lazy("Not understood"), f"{_CELLS}/platform_notes.html"),
    )
    placeholder = gettext_lazy("Search, e.g. source:smartcar received:<1h understood:no")
    empty_title = gettext_lazy("Nothing received yet")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.platform_messages()


@requires(_VIEW)
def source(request: HttpRequest, pk: int) -> HttpResponse:
    return _source_page(request, get_object_or_404(VehicleSource, pk=pk))


def _source_page(request: HttpRequest, source: VehicleSource, secret: str = "") -> HttpResponse:
    """A source's page; its secret is on it once, in the answer to whoever made it."""
    _add_state(source)
    notes = sorted(source.notes.items(), key=lambda item: item[1]["at"], reverse=True)
    context = {
        "page_title": source.slug,
        "source": source,
        "platform": services.platform_of(source),
        "address": f"{settings.PUBLIC_URL}/api/v1/vehicles/sources/{source.slug}",
        "secret": secret,
        "notes": [{"text": text, **count} for text, count in notes],
        "last": selectors.platform_messages().filter(source=source)[:20],
    }
    return render(request, "vehicles/source.html", context)


@requires("vehicles.add_vehiclesource")
def source_new(request: HttpRequest) -> HttpResponse:
    form = SourceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made, secret = services.create_source(**form.cleaned_data)
        except Refused as error:
            add_refusal(form, error)
        else:
            shown = "" if form.cleaned_data["secret"].strip() else secret
            return _source_page(request, made, shown)
    context = {"page_title": _("New platform"), "form": form}
    return render(request, "vehicles/source_edit.html", context, status=422 if form.errors else 200)


@requires("vehicles.change_vehiclesource")
def source_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes a source; its secret only where a new one is typed."""
    source = get_object_or_404(VehicleSource, pk=pk)
    initial = {"enabled": source.enabled, "silent_after_s": source.silent_after_s}
    form = SourceChangeForm(request.POST or None, initial=initial, row=source)
    if request.method == "POST" and form.is_valid():
        changes = dict(form.cleaned_data)
        if not changes["secret"]:
            del changes["secret"]
        try:
            with form.held() as held:
                services.change_source(source=held, **changes)
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("vehicles:source", pk)
    context = {"page_title": source.slug, "form": form, "source": source}
    return render(request, "vehicles/source_edit.html", context, status=422 if form.errors else 200)


@requires("vehicles.delete_vehiclesource")
def source_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Its address is gone; what it brought stays as facts."""
    source = get_object_or_404(VehicleSource, pk=pk)
    form = ConfirmByTypingForm(
        request.POST or None,
        label=_("Type the slug to delete the address"),
        expected=source.slug,
        refusal=_("This is not the URL name; it is %(slug)s.") % {"slug": source.slug},
    )
    if request.method == "POST" and form.is_valid():
        source.delete()
        messages.success(request, _("The address is deleted."))
        return redirect("vehicles:sources")
    context = {"page_title": source.slug, "form": form, "source": source}
    return render(request, "vehicles/source_delete.html", context, status=422 if form.errors else 200)


@requires(_MESSAGES)
def platform_message(request: HttpRequest, pk: int) -> HttpResponse:
    message = get_object_or_404(PlatformMessage.objects.select_related("source"), pk=pk)
    context = {"page_title": _("Message %(id)d") % {"id": message.pk}, "message": message}
    return render(request, "vehicles/platform_message.html", context)
