"""Campaigns by API: drafted for an audience of brands and programmes or of any search, started, ended."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Status
from pydantic import AwareDatetime, Field

from core.api import ConfigurationIn, Problem, audited_by, key_of, page_of, rfc3339, serialize
from core.people import shown
from vehicles import selectors
from vehicles.api.base import READ, WRITE, router
from vehicles.choices import CampaignState
from vehicles.models import Campaign
from vehicles.services import campaigns as services


class CampaignIn(ConfigurationIn):
    """Whoever has a car of one of the `brands`, is of one of the `programs`, and is found by the search `audience`;
    what is left out narrows nothing."""

    name: str
    type: str
    brands: list[str] = Field(default=[], max_length=50)
    programs: list[str] = Field(default=[], max_length=50)
    audience: str = Field(default="", max_length=500)
    min_app_version: str = ""
    begins_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None


def _serialize(campaign: Campaign) -> dict[str, Any]:
    return serialize(campaign, "id", "name", "type", "state", "min_app_version") | {
        "audience": shown(campaign.audience),
        "begins_at": rfc3339(campaign.begins_at),
        "ends_at": rfc3339(campaign.ends_at),
    }


def _values(body: CampaignIn) -> dict[str, Any]:
    values = body.model_dump(exclude={"brands", "programs"})
    values["begins_at"] = body.begins_at or timezone.now()
    values["audience"] = services.audience_for(body.audience, body.brands, body.programs)
    return values


@router.get("/campaigns", auth=READ, summary="Campaigns, newest first")
def list_campaigns(request: HttpRequest, limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    return page_of(Campaign.objects.all(), limit=limit, cursor=cursor, shape=_serialize)


@router.post("/campaigns", auth=WRITE, response={201: dict[str, Any]}, summary="Draft a campaign")
def create_campaign(request: HttpRequest, body: CampaignIn) -> Status[dict[str, Any]]:
    """Nobody is told before it is started. `drivers` counts its audience."""
    with audited_by(key_of(request)):
        campaign = services.save_campaign(campaign=None, values=_values(body))
    return Status(201, _with_audience(campaign))


@router.get("/campaigns/{campaign_id}", auth=READ, summary="A campaign, its audience or its progress")
def get_campaign(request: HttpRequest, campaign_id: int) -> dict[str, Any]:
    return _with_audience(get_object_or_404(Campaign, pk=campaign_id))


@router.put("/campaigns/{campaign_id}", auth=WRITE, summary="Change a draft")
def put_campaign(request: HttpRequest, campaign_id: int, body: CampaignIn) -> dict[str, Any]:
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    with audited_by(key_of(request)):
        return _with_audience(services.save_campaign(campaign=campaign, values=_values(body)))


@router.post("/campaigns/{campaign_id}/start", auth=WRITE, summary="Start a draft")
def start_campaign(request: HttpRequest, campaign_id: int) -> dict[str, Any]:
    return _moved(request, campaign_id, start=True)


@router.post("/campaigns/{campaign_id}/end", auth=WRITE, summary="End a running campaign")
def end_campaign(request: HttpRequest, campaign_id: int) -> dict[str, Any]:
    return _moved(request, campaign_id, start=False)


def _moved(request: HttpRequest, campaign_id: int, *, start: bool) -> dict[str, Any]:
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    move = services.start_campaign if start else services.end_campaign
    with audited_by(key_of(request)):
        if not move(campaign=campaign, now=timezone.now()):
            raise Problem(409, f"This campaign is {campaign.state}.")
    campaign.refresh_from_db()
    return _with_audience(campaign)


@router.delete("/campaigns/{campaign_id}", auth=WRITE, response={204: None}, summary="Delete a draft")
def delete_campaign(request: HttpRequest, campaign_id: int) -> Status[None]:
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    if campaign.state != CampaignState.DRAFT:
        raise Problem(409, f"This campaign is {campaign.state}; only a draft can be deleted.")
    with audited_by(key_of(request)):
        campaign.delete()
    return Status(204, None)


def _with_audience(campaign: Campaign) -> dict[str, Any]:
    if campaign.state == CampaignState.DRAFT:
        return _serialize(campaign) | {"drivers": selectors.audience_of_campaign(campaign).count}
    return _serialize(campaign) | {"progress": selectors.campaign_progress(campaign)}
