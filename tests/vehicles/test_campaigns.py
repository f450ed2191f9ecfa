"""Campaigns: an audience by a Magic Search, gathered bit by bit, growing while they run, taken away at their end."""

from __future__ import annotations

from typing import Any

import pytest

from core.refusal import Refused
from tests.vehicles.helpers import DRIVER, HOME, NOW, at, driver, fact, held, notes, people, shown, states, sweep, take
from vehicles import selectors
from vehicles.models import Campaign, CampaignRecipient
from vehicles.services import campaigns as services

pytestmark = pytest.mark.django_db
UPDATE, PDL = "ImportantUpdateAppv416Banner", "InformationMobilizePdlBenefitBanner"


def draft(**values: Any) -> Campaign:
    found = {
        "name": "Autumn",
        "type": UPDATE,
        "min_app_version": "4.16",
        "audience": "",
        "begins_at": NOW,
        "ends_at": at(days=10),
    }
    return services.save_campaign(campaign=None, values=found | values)


def run(**values: Any) -> Campaign:
    campaign = draft(**values)
    assert services.start_campaign(campaign=campaign, now=NOW)
    sweep(NOW)
    return campaign


def old_apps(count: int = 3) -> None:
    take(*(driver(at(days=-1), driver=f"d-{n}", app_version="4.9") for n in range(count)), now=at(days=-1))


def test_only_the_audience_is_told_and_only_whom_it_concerns() -> None:
    old_apps()
    take(driver(at(days=-1), driver="d-9", app_version="4.16"), now=at(days=-1))
    campaign = run(audience="-id:d-2")
    assert {note.driver.external_id for note in notes(UPDATE)} == {"d-0", "d-1"}
    assert selectors.campaign_progress(campaign) == {"recipients": 3, "told": 2, "open": 2}


def test_a_draft_tells_nobody() -> None:
    old_apps()
    draft()
    sweep(NOW)
    assert notes(UPDATE) == []


def test_a_campaign_that_begins_later_waits() -> None:
    old_apps(1)
    run(begins_at=at(days=1))
    assert notes(UPDATE) == []
    sweep(at(days=1))
    assert states(UPDATE) == ["open"]


def test_those_who_come_later_are_found() -> None:
    run(audience="country:fr")
    take(driver(at(hours=1), driver="d-1", app_version="4.9", country="FR"), now=at(hours=1))
    assert shown("d-1") == {UPDATE}
    take(driver(at(hours=2), driver="d-2", app_version="4.9"), now=at(hours=2))
    assert shown("d-2") == set()


def test_its_end_takes_the_banners_away() -> None:
    old_apps(1)
    run()
    sweep(at(days=10))
    assert states(UPDATE) == ["expired"]
    assert Campaign.objects.get().state == "ended"


def test_ending_it_by_hand_takes_the_banners_away() -> None:
    old_apps(2)
    campaign = run(ends_at=None)
    assert services.end_campaign(campaign=campaign, now=at(days=1))
    assert not services.end_campaign(campaign=campaign, now=at(days=1))
    sweep(at(days=1))
    assert states(UPDATE) == ["expired", "expired"]
    take(driver(at(days=2), driver="d-5", app_version="4.9"), now=at(days=2))
    assert shown("d-5") == set()


def test_one_that_has_not_begun_can_be_ended() -> None:
    campaign = run(begins_at=at(days=5))
    assert services.end_campaign(campaign=campaign, now=at(days=1))


def test_marketing_needs_consent_and_a_place_in_france_without_pdl() -> None:
    people()
    run(type=PDL, audience="")
    assert held() == {PDL: "no_consent"}
    take(driver(at(hours=1), marketing_consent=True), now=at(hours=1))
    assert shown() == {PDL}
    take(fact("charging_location", at(hours=2), location=HOME, pdl="1" * 14), now=at(hours=2))
    assert states(PDL) == ["resolved"]


def test_the_audience_is_gathered_in_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "AT_ONCE", 2)
    old_apps(5)
    campaign = draft()
    services.start_campaign(campaign=campaign, now=NOW)
    assert [services.gather_audiences(now=NOW) for _ in range(4)] == [2, 2, 1, 0]
    assert CampaignRecipient.objects.count() == 5
    campaign.refresh_from_db()
    assert campaign.next_round_at == NOW + services.ROUND
    assert services.gather_audiences(now=NOW + services.ROUND) == 2
    assert CampaignRecipient.objects.count() == 5


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": " "}, "name"),
        ({"type": "PayoutReceipt"}, "type"),
        ({"min_app_version": "new"}, "min_app_version"),
        ({"audience": "colour:red"}, "audience"),
        ({"ends_at": NOW}, "ends_at"),
    ],
)
def test_nonsense_is_refused_by_field(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as caught:
        draft(**wrong)
    assert set(caught.value.fields) == {field}


def test_a_taken_name_is_refused() -> None:
    draft()
    with pytest.raises(Refused, match="already"):
        draft(name="AUTUMN")


def test_what_was_started_is_not_changed() -> None:
    campaign = run()
    campaign.refresh_from_db()
    with pytest.raises(Refused, match="started"):
        services.save_campaign(campaign=campaign, values={"name": "Other"})
    assert not services.start_campaign(campaign=campaign, now=NOW)


def test_the_type_of_a_campaign_is_read_in_any_case() -> None:
    values = {"name": "x", "type": " importantupdateappV416banner ", "min_app_version": "4.16", "begins_at": at()}
    assert services.save_campaign(campaign=None, values=values).type == "ImportantUpdateAppv416Banner"


def test_a_preview_counts_without_telling() -> None:
    old_apps(3)
    take(driver(driver=DRIVER, app_version="5.0"), driver(driver="gone", removed=True, app_version="4.9"))
    preview = selectors.audience_preview("app:<4.16")
    assert (preview.count, preview.capped, [d.external_id for d in preview.first]) == (3, False, ["d-0", "d-1", "d-2"])
    assert CampaignRecipient.objects.count() == 0


def test_who_leaves_the_audience_loses_the_banner_and_counts_as_told() -> None:
    take(driver(at(days=-1), app_version="4.9", program="lyon"), now=at(days=-1))
    campaign = run(audience="program:lyon")
    assert shown() == {UPDATE}
    for minutes, program, seen in ((1, "other", set()), (2, "lyon", {UPDATE})):
        take(driver(at(minutes=minutes), program=program), now=at(minutes=minutes))
        assert shown() == seen
    assert selectors.campaign_progress(campaign)["told"] == 1


@pytest.mark.parametrize("audience", ["country:FR OR app:1", "(program:lyon", "program:", 'country:"FR'])
def test_an_audience_that_would_mean_something_else_is_refused(audience: str) -> None:
    with pytest.raises(Refused):
        draft(audience=audience)
