"""Campaigns: the list, drafting one with a preview of its audience, starting and ending it, its progress."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from console.lists import Action, Column, ListPage
from core.permissions import person, requires
from core.refusal import Refused, add_refusal
from core.search import SearchError
from vehicles import selectors
from vehicles.choices import CampaignState, NotificationState
from vehicles.forms import CampaignForm
from vehicles.models import Campaign
from vehicles.search import CAMPAIGN_SEARCH
from vehicles.services import campaigns as services
from vehicles.views.tabs import NOTIFICATION_TABS, tabs_of

_VIEW, _CELLS = "vehicles.view_campaign", "vehicles/cells"


class CampaignList(ListPage):
    key = "campaigns"
    title = gettext_lazy("Campaigns")
    permission = _VIEW
    intro = gettext_lazy("A banner for all drivers whom a search finds, for some time.")
    search = CAMPAIGN_SEARCH
    template = "vehicles/tabbed_list.html"
    columns = (
        Column("name", gettext_lazy("Campaign"), f"{_CELLS}/campaign.html", sort="name"),
        Column("type", gettext_lazy("Notification"), sort="type"),
        Column("audience", gettext_lazy("Audience"), value=lambda row: row.audience or _("everyone"), personal=True),
        Column("state", gettext_lazy("State"), f"{_CELLS}/campaign_state.html", sort="state"),
        Column("begins_at", gettext_lazy("Begins"), sort="begins_at"),
        Column("ends_at", gettext_lazy("Ends"), sort="ends_at"),
    )
    placeholder = gettext_lazy("Search, e.g. state:running")
    empty_title = gettext_lazy("No campaigns yet")
    empty_text = gettext_lazy("Draft one, look at its audience, and start it.")

    def rows(self, request: HttpRequest) -> Any:
        return Campaign.objects.all()

    def actions(self, request: HttpRequest) -> list[Action]:
        return [Action(_("New campaign"), reverse("vehicles:campaign_new"), "vehicles.add_campaign")]

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        return {"tabs": tabs_of(request, NOTIFICATION_TABS, self.key)}


@requires("vehicles.add_campaign")
def campaign_new(request: HttpRequest) -> HttpResponse:
    return _edit(request, None)


@requires("vehicles.change_campaign")
def campaign_edit(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign, pk=pk)
    if campaign.state != CampaignState.DRAFT:
        messages.info(request, _("A campaign that was started cannot be changed; end it and make another."))
        return redirect("vehicles:campaign", pk)
    return _edit(request, campaign)


def _edit(request: HttpRequest, campaign: Campaign | None) -> HttpResponse:
    """The form; its preview says how many drivers the audience holds, without saving anything."""
    initial: dict[str, Any] = {"begins_at": timezone.localtime(), "min_app_version": "4.16"}
    if campaign is not None:
        initial = {name: getattr(campaign, name) for name in services.FIELDS}
    form = CampaignForm(request.POST or None, initial=initial, row=campaign)
    audience = None
    if request.method == "POST" and form.is_valid():
        if "preview" in request.POST:
            try:
                audience = selectors.audience_preview(form.cleaned_data["audience"])
            except SearchError as error:
                form.add_error("audience", str(error))
        else:
            try:
                with form.held_or_new() as held:
                    saved = services.save_campaign(campaign=held, values=form.cleaned_data, by=person(request))
            except Refused as error:
                add_refusal(form, error)
            else:
                messages.success(request, _("The draft is saved. Nobody is told before you start it."))
                return redirect("vehicles:campaign", saved.pk)
    title = _("Change the campaign") if campaign is not None else _("New campaign")
    context = {"page_title": title, "form": form, "campaign": campaign, "audience": audience}
    return render(request, "vehicles/campaign_edit.html", context)


@requires(_VIEW)
def campaign(request: HttpRequest, pk: int) -> HttpResponse:
    """A campaign with its audience before the start, and its progress after it."""
    campaign = get_object_or_404(Campaign, pk=pk)
    name = "vehicles/campaign.html"
    wants_part = request.headers.get("HX-Target") == "progress"
    progress = selectors.campaign_progress(campaign)
    context = {
        "page_title": campaign.name,
        "campaign": campaign,
        "audience": selectors.audience_of_campaign(campaign) if campaign.state == CampaignState.DRAFT else None,
        "progress": progress,
        "by_state": [(state, progress[state.value]) for state in NotificationState if state.value in progress],
        "running": campaign.state == CampaignState.RUNNING,
    }
    return render(request, f"{name}#progress" if wants_part else name, context)


@requires("vehicles.run_campaign")
@require_POST
def campaign_start(request: HttpRequest, pk: int) -> HttpResponse:
    if services.start_campaign(campaign=get_object_or_404(Campaign, pk=pk), now=timezone.now()):
        messages.success(request, _("The campaign runs; its audience is being gathered."))
    else:
        messages.info(request, _("It was started already."))
    return redirect("vehicles:campaign", pk)


@requires("vehicles.run_campaign")
@require_POST
def campaign_end(request: HttpRequest, pk: int) -> HttpResponse:
    if services.end_campaign(campaign=get_object_or_404(Campaign, pk=pk), now=timezone.now()):
        messages.success(request, _("The campaign ended; its banners are taken away."))
    else:
        messages.info(request, _("It does not run."))
    return redirect("vehicles:campaign", pk)


@requires("vehicles.delete_campaign")
@require_POST
def campaign_delete(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign, pk=pk)
    if campaign.state != CampaignState.DRAFT:
        messages.warning(request, _("Only a draft can be deleted."))
        return redirect("vehicles:campaign", pk)
    campaign.delete()
    messages.success(request, _("The draft is deleted."))
    return redirect("vehicles:campaigns")
