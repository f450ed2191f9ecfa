"""Parties of OCPI: the list, and of one party its connection, its locations in numbers, and its token."""

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
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from console.forms import ConfirmByTypingForm
from console.lists import Action, Column, ListPage
from core.permissions import requires
from core.refusal import Refused, add_refusal
from infra_notifications.filters import OcpiPartyFilters
from infra_notifications.forms.ocpi import OcpiConnectForm, OcpiPartyForm
from infra_notifications.models import OcpiEvse, OcpiParty
from infra_notifications.search import OCPI_PARTY_SEARCH
from infra_notifications.services.ocpi import parties as services
from infra_notifications.services.ocpi.connecting import connect, end_registration, rotate
from infra_notifications.services.ocpi.pulls import fetch_soon, pull_soon
from infra_notifications.services.source_status import sources

_VIEW, _CHANGE = "infra_notifications.view_ocpiparty", "infra_notifications.change_ocpiparty"
_CELLS = "infra_notifications/cells"


class OcpiPartyList(ListPage):
    key = "ocpi_parties"
    title = gettext_lazy("OCPI parties")
    permission = _VIEW
    intro = gettext_lazy("Operators and hubs that send their locations and statuses by OCPI 2.2.1 or 2.3.0.")
    search = OCPI_PARTY_SEARCH
    filterset = OcpiPartyFilters
    columns = (
        Column("name", gettext_lazy("Party"), f"{_CELLS}/ocpi_party.html", sort="name"),
        Column("state", gettext_lazy("State"), f"{_CELLS}/ocpi_party_state.html", sort="state"),
        Column("version", gettext_lazy("OCPI version"), sort="version"),
        Column("pulled_at", gettext_lazy("Last comparison"), "console/cells/ago.html", sort="pulled_at"),
        Column("registered_at", gettext_lazy("Registered"), "console/cells/ago.html", sort="registered_at"),
    )
    default_sort = "name"
    placeholder = gettext_lazy("Search parties")
    empty_title = gettext_lazy("No party yet")
    empty_text = gettext_lazy("Invite one: it gets an address and a token, and registers by itself.")

    def rows(self, request: HttpRequest) -> Any:
        return OcpiParty.objects.all()

    def actions(self, request: HttpRequest) -> list[Action]:
        url = reverse("infra_notifications:ocpi_party_new")
        return [Action(_("Invite a party"), url, "infra_notifications.add_ocpiparty")]


@requires("infra_notifications.add_ocpiparty")
@never_cache
def party_new(request: HttpRequest) -> HttpResponse:
    form = OcpiPartyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made, token = services.create_party(**form.cleaned_data, now=timezone.now())
        except Refused as error:
            add_refusal(form, error)
        else:
            return _token_page(request, made, token)
    status = 422 if request.method == "POST" else 200
    context = {"page_title": _("Invite a party"), "form": form, "button": _("Create token")}
    return render(request, "infra_notifications/ocpi_party_form.html", context, status=status)


def _token_page(request: HttpRequest, party: OcpiParty, token: str) -> HttpResponse:
    context = {
        "page_title": _("Token of %(name)s") % {"name": party},
        "party": party,
        "token": token,
        "versions_url": f"{settings.PUBLIC_URL}/ocpi/versions",
    }
    return render(request, "infra_notifications/ocpi_party_token.html", context)


@requires(_VIEW)
def party(request: HttpRequest, pk: int) -> HttpResponse:
    """How far the connection is, what came of the last comparison, and how many EVSEs there are."""
    found = get_object_or_404(OcpiParty, pk=pk)
    evses = OcpiEvse.objects.filter(location__party=found)
    context = {
        "page_title": found.name,
        "party": found,
        "locations": found.locations.count(),
        "evses": evses.count(),
        "points": evses.filter(charge_point__isnull=False).count(),
        "source": sources().filter(pk=found.source_id).first(),
    }
    return render(request, "infra_notifications/ocpi_party.html", context)


@requires(_CHANGE)
@never_cache
def party_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks first, then begins the registration anew: the old token is dead, the new one is shown once."""
    found = get_object_or_404(OcpiParty, pk=pk)
    if request.method == "POST":
        return _token_page(request, found, services.invite_again(party=found, now=timezone.now()))
    context = {"page_title": _("New token of %(name)s") % {"name": found}, "party": found}
    return render(request, "infra_notifications/ocpi_party_invite.html", context)


@requires(_CHANGE)
def party_edit(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(OcpiParty, pk=pk)
    initial = {"name": found.name, "may_be_hub": found.may_be_hub}
    form = OcpiPartyForm(request.POST if request.method == "POST" else None, initial=initial, row=found)
    if request.method == "POST" and form.is_valid():
        try:
            with form.held() as held:
                services.change_party(party=held, **form.cleaned_data)
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("infra_notifications:ocpi_party", pk)
    status = 422 if request.method == "POST" else 200
    context = {
        "page_title": _("Change %(name)s") % {"name": found},
        "party": found,
        "form": form,
        "button": _("Save"),
    }
    return render(request, "infra_notifications/ocpi_party_form.html", context, status=status)


@requires(_CHANGE)
@never_cache
def party_connect(request: HttpRequest, pk: int) -> HttpResponse:
    """Begins the handshake from here, with the token A that the party gave us."""
    found = get_object_or_404(OcpiParty, pk=pk)
    form = OcpiConnectForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            connect(party=found, **form.cleaned_data, now=timezone.now())
        except Refused as error:
            add_refusal(form, error)
        else:
            fetch_soon()
            messages.success(request, _("%(name)s is connected; its locations are fetched now.") % {"name": found})
            return redirect("infra_notifications:ocpi_party", pk)
    status = 422 if request.method == "POST" else 200
    context = {
        "page_title": _("Connect to %(name)s") % {"name": found},
        "party": found,
        "form": form,
        "button": _("Connect"),
    }
    return render(request, "infra_notifications/ocpi_party_form.html", context, status=status)


@requires(_CHANGE)
@require_POST
def party_rotate(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        rotate(party=get_object_or_404(OcpiParty, pk=pk), now=timezone.now())
        messages.success(request, _("Both sides have new tokens."))
    except Refused as error:
        messages.error(request, error.sentence)
    return redirect("infra_notifications:ocpi_party", pk)


@requires(_CHANGE)
@require_POST
def party_unregister(request: HttpRequest, pk: int) -> HttpResponse:
    if error := end_registration(party=get_object_or_404(OcpiParty, pk=pk), now=timezone.now()):
        messages.warning(request, _("The registration is ended; the other side could not be told: %s") % error)
    else:
        messages.success(request, _("The registration is ended."))
    return redirect("infra_notifications:ocpi_party", pk)


@requires(_CHANGE)
@require_POST
def party_disable(request: HttpRequest, pk: int) -> HttpResponse:
    found, disabled = get_object_or_404(OcpiParty, pk=pk), request.POST.get("disabled") == "yes"
    services.set_disabled(party=found, disabled=disabled, now=timezone.now())
    said = _("Nothing is accepted from %(name)s any more.") if disabled else _("%(name)s is enabled again.")
    messages.success(request, said % {"name": found})
    return redirect("infra_notifications:ocpi_party", pk)


@requires(_CHANGE)
@require_POST
def party_pull(request: HttpRequest, pk: int) -> HttpResponse:
    if pull_soon(party_id=get_object_or_404(OcpiParty, pk=pk).pk, now=timezone.now()):
        messages.success(request, _("All locations are compared now; refresh the page in a moment."))
    else:
        messages.warning(request, _("The party is not connected."))
    return redirect("infra_notifications:ocpi_party", pk)


@requires("infra_notifications.delete_ocpiparty")
def party_delete(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(OcpiParty, pk=pk)
    form = ConfirmByTypingForm(
        request.POST or None,
        label=_("Type the party’s name to delete it"),
        expected=found.name,
        refusal=_("This is not the party’s name."),
    )
    if request.method == "POST" and form.is_valid():
        end_registration(party=found, now=timezone.now())
        services.delete_party(party=found, now=timezone.now())
        messages.success(request, _("The party “%(name)s” is deleted.") % {"name": found.name})
        return redirect("infra_notifications:ocpi_parties")
    context = {"page_title": _("Delete %(name)s") % {"name": found}, "party": found, "form": form}
    return render(request, "infra_notifications/ocpi_party_delete.html", context)
