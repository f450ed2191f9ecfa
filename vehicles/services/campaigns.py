"""Campaigns: drafted, started, ended; their audience is gathered bit by bit and goes on growing while they run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from core.people import seen_as_it_is
from core.refusal import Refused
from core.search import SearchError
from core.words import name_among
from outbox.subscriptions.conditions import refuse_unfinished
from vehicles.catalogue import CAMPAIGN_TYPES
from vehicles.choices import CampaignState
from vehicles.models import Campaign, CampaignRecipient, Driver
from vehicles.rules.versions import version_key
from vehicles.search import DRIVER_SEARCH

# Drivers looked through at once, and how long after a round the next one looks for new ones.
AT_ONCE = 5_000
ROUND = timedelta(minutes=10)
FIELDS = ("name", "type", "audience", "min_app_version", "begins_at", "ends_at")


def audience_of(text: str) -> Q:
    """The drivers whom a Magic Search finds, whoever asks for it. Raises SearchError."""
    with seen_as_it_is():
        return DRIVER_SEARCH.condition(text) & Q(removed=False)


def audience_for(text: str, brands: Sequence[str], programs: Sequence[str]) -> str:
    """A search narrowed to drivers of some brands and programmes. Raises Refused for a name that cannot be quoted."""
    terms = [text.strip()]
    for field, names in (("brand", brands), ("program", programs)):
        words = [" ".join(name.split()) for name in names]
        if any(not word or '"' in word for word in words):
            sentence = _("A brand or programme is a text without quotation marks.")
            raise Refused(sentence, field=f"{field}s")
        if words:
            terms.append(f"{field}:" + ",".join(f'"{word}"' for word in words))
    return " ".join(filter(None, terms))


def clean_campaign(values: dict[str, Any]) -> dict[str, Any]:
    """Checks a campaign's settings. Raises Refused with a sentence per field."""
    cleaned, errors = {key: values[key] for key in FIELDS if key in values}, {}
    cleaned["name"] = " ".join(str(cleaned.get("name") or "").split())[:100]
    if not cleaned["name"]:
        errors["name"] = _("Give the campaign a name.")
    cleaned["type"] = name_among(CAMPAIGN_TYPES, str(cleaned.get("type") or ""))
    if cleaned["type"] not in CAMPAIGN_TYPES:
        errors["type"] = _("A campaign sends one of %(known)s.") % {"known": ", ".join(CAMPAIGN_TYPES)}
    if cleaned["type"] == CAMPAIGN_TYPES[0] and not version_key(str(cleaned.get("min_app_version") or "")):
        errors["min_app_version"] = _("Say from which version on the app is new enough, e.g. 4.16.")
    try:
        audience_of(audience := str(cleaned.get("audience") or ""))
        refuse_unfinished(audience, DRIVER_SEARCH)
    except SearchError as error:
        errors["audience"] = str(error)
    if cleaned.get("ends_at") and cleaned["ends_at"] <= cleaned["begins_at"]:
        errors["ends_at"] = _("A campaign ends after it begins.")
    if errors:
        raise Refused.by_field(errors)
    return cleaned


def save_campaign(*, campaign: Campaign | None, values: dict[str, Any], by: User | None = None) -> Campaign:
    """Makes a draft or changes one. Raises Refused; a campaign that was started keeps its settings."""
    if campaign is not None and campaign.state != CampaignState.DRAFT:
        raise Refused(_("A campaign that was started cannot be changed; end it and make another."))
    row = campaign or Campaign(created_by=by)
    for key, value in clean_campaign(values).items():
        setattr(row, key, value)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        sentence = _("There is a campaign of this name already.")
        raise Refused(sentence, field="name", code="unique") from error
    return row


def start_campaign(*, campaign: Campaign, now: datetime) -> bool:
    """Starts a draft; its audience is gathered by the sweep. Says whether it was one."""
    return _move(campaign, CampaignState.DRAFT, CampaignState.RUNNING, next_round_at=now, reached_id=0)


def end_campaign(*, campaign: Campaign, now: datetime) -> bool:
    """Ends a running campaign: its banners are taken away. Says whether it ran."""
    with transaction.atomic():
        begins = min(campaign.begins_at, now - timedelta(seconds=1))  # one that was to begin later ends as well
        ended = _move(
            campaign, CampaignState.RUNNING, CampaignState.ENDED, next_round_at=None, begins_at=begins, ends_at=now
        )
        if ended:
            recipients = CampaignRecipient.objects.filter(campaign=campaign).values("driver_id")
            Driver.objects.filter(pk__in=recipients).update(due_at=now)
    return ended


def _move(campaign: Campaign, before: CampaignState, after: CampaignState, **more: Any) -> bool:
    with transaction.atomic():
        changed = Campaign.objects.filter(pk=campaign.pk, state=before).update(state=after, **more)
        if changed:
            changes = {"state": [before.value, after.value]}
            LogEntry.objects.log_create(campaign, action=LogEntry.Action.UPDATE, changes=changes)
    return bool(changed)


def gather_audiences(*, now: datetime) -> int:
    """Adds the next drivers of the audience of each running campaign, and makes them due; returns how many it looked
    through. A round that came to the end begins anew after a while, for those who have come to fit."""
    searched = 0
    for campaign in Campaign.objects.filter(state=CampaignState.RUNNING, next_round_at__lte=now):
        if campaign.ends_at is not None and campaign.ends_at <= now:
            # The windows of its notifications end by themselves at this moment.
            _move(campaign, CampaignState.RUNNING, CampaignState.ENDED, next_round_at=None)
            continue
        searched += _gather(campaign, now)
    return searched


def _gather(campaign: Campaign, now: datetime) -> int:
    ids = list(Driver.objects.filter(pk__gt=campaign.reached_id).order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    if ids:
        with transaction.atomic():
            add_recipients(driver_ids=ids, now=now, only=campaign)
            Campaign.objects.filter(pk=campaign.pk).update(reached_id=ids[-1])
    if len(ids) < AT_ONCE:
        until = min(now + ROUND, campaign.ends_at) if campaign.ends_at else now + ROUND
        Campaign.objects.filter(pk=campaign.pk).update(reached_id=0, next_round_at=until)
    return len(ids)


def add_recipients(*, driver_ids: Collection[int], now: datetime, only: Campaign | None = None) -> None:
    """Adds those of these drivers whom a running campaign's audience holds, and takes out those whom it held; both are
    due at once."""
    running = [only] if only is not None else Campaign.objects.filter(state=CampaignState.RUNNING)
    for campaign in running if driver_ids else ():
        try:
            fitting = Driver.objects.filter(audience_of(campaign.audience), pk__in=driver_ids)
        except SearchError:
            continue  # it was checked when it was saved; a search that has since lost a field finds nobody
        ids = list(fitting.order_by("pk").values_list("pk", flat=True))
        with connection.cursor() as cursor:
            cursor.execute(
                "WITH added AS (INSERT INTO vehicles_campaignrecipient AS r (campaign_id, driver_id, added_at)"
                " SELECT %(campaign)s, x, %(now)s FROM unnest(%(fit)s::bigint[]) AS x ORDER BY x"
                " ON CONFLICT (campaign_id, driver_id) DO UPDATE SET left_at = NULL WHERE r.left_at IS NOT NULL"
                " RETURNING driver_id), gone AS (UPDATE vehicles_campaignrecipient SET left_at = %(now)s"
                " WHERE campaign_id = %(campaign)s AND driver_id = ANY(%(asked)s) AND NOT driver_id = ANY(%(fit)s)"
                " AND left_at IS NULL RETURNING driver_id)"
                " UPDATE vehicles_driver SET due_at = %(now)s"
                " WHERE id IN (SELECT driver_id FROM added UNION SELECT driver_id FROM gone)",
                {"campaign": campaign.pk, "now": now, "fit": ids, "asked": list(driver_ids)},
            )
