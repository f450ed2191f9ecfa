"""Fetching all locations: page by page when a party registers, and by night to compare."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from infra_notifications.models import ChargePoint, Incident, OcpiEvse, OcpiParty, Source
from infra_notifications.services.ocpi.pulls import pull_due
from tests.conftest import ApiClient
from tests.infra_notifications.ocpi.cpo import Cpo, Sender, evse, location
from tests.infra_notifications.ocpi.helpers import places, pull

pytestmark = pytest.mark.django_db
LATER = "2026-11-02T10:00:00Z"


def pages_of(sender: Sender) -> list[str]:
    return [path.partition("?")[2] for path, _headers in sender.requests if "/locations" in path]


@pytest.mark.parametrize("by", ["link", "total"])
def test_all_pages_are_fetched_at_once_after_the_registration(sender: Sender, party: OcpiParty, by: str) -> None:
    sender.locations, sender.sends_link = places(5), by == "link"
    assert pull_due(now=timezone.now()) == 1
    assert ChargePoint.objects.count() == 5
    assert len(pages_of(sender)) == 3
    party.refresh_from_db()
    assert party.pull_result == {"locations": 5, "evses": 5, "changed": 10, "removed": 0, "rejected": 0}
    assert party.pull_error == ""
    assert party.pull_due_at is not None
    assert timedelta(hours=1) < party.pull_due_at - timezone.now() < timedelta(hours=30)
    assert pull_due(now=timezone.now()) == 0


def test_requests_for_pages_name_token_ids_and_parties(sender: Sender, party: OcpiParty) -> None:
    pull(party)
    _path, headers = sender.requests[-1]
    assert headers["x-request-id"] != headers["x-correlation-id"]
    names = ("from-country-code", "from-party-id", "to-country-code", "to-party-id")
    assert [headers[f"ocpi-{name}"] for name in names] == ["DE", "SBX", "BE", "BEC"]


def test_a_night_without_news_changes_nothing(sender: Sender, party: OcpiParty) -> None:
    sender.locations = places(3)
    pull(party)
    before = list(OcpiEvse.objects.order_by("pk").values_list("pk", "received_at"))
    assert pull(party).pull_result["changed"] == 0
    assert list(OcpiEvse.objects.order_by("pk").values_list("pk", "received_at")) == before


def test_the_night_finds_what_was_lost(cpo: Cpo, sender: Sender, party: OcpiParty) -> None:
    sender.locations = [location("LOC1", evse("1"), evse("2"))]
    pull(party)
    cpo.patch("LOC1/1", {"status": "OUTOFORDER", "last_updated": LATER})
    sender.locations = [location("LOC1", evse("1", last_updated="2026-11-03T00:00:00Z"), evse("3"), last_updated=LATER)]
    assert pull(party).pull_result["changed"] > 0
    statuses = {found.uid: found.status for found in OcpiEvse.objects.all()}
    assert statuses == {"1": "AVAILABLE", "2": "REMOVED", "3": "AVAILABLE"}
    assert not Incident.objects.filter(closed_at=None).exists()


def test_bad_objects_are_left_out_and_counted(sender: Sender, party: OcpiParty, api: ApiClient) -> None:
    sender.page_size = 10
    broken = location("BAD")
    del broken["last_updated"]
    foreign = location("L", country_code="NL", party_id="XXX")
    half = location("HALF", evse("1"), {"uid": "2", "last_updated": LATER})
    sender.locations = ["nonsense", broken, foreign, half, location("LOC1", evse("3"))]
    assert pull(party).pull_result["rejected"] == 4
    assert set(OcpiEvse.objects.values_list("uid", flat=True)) == {"1", "3"}
    [source] = api.get("/charging/sources?q=kind:ocpi").json()["items"]
    assert source["accepted"] == 4
    assert any("EVSE 2 was not taken" in one["text"] for one in source["last_rejections"])


def test_one_that_the_database_refuses_is_left_out(sender: Sender, party: OcpiParty) -> None:
    sender.page_size = 10
    sender.locations = [location("A", evse("1")), location("B", evse("2"), name="x" * 10, odd="\x00\ud800")]
    pull(party)
    assert OcpiEvse.objects.filter(uid="1").exists()


@pytest.mark.parametrize(
    "answer",
    [(500, b""), (401, b"{}"), (200, b"<html>"), (200, b'{"data": {}, "status_code": 1000}'), (302, b"")],
)
def test_a_party_that_cannot_be_fetched_is_tried_again_and_seen(
    sender: Sender, party: OcpiParty, answer: tuple[int, bytes], api: ApiClient
) -> None:
    sender.locations = places(1)
    pull(party)
    sender.answer = answer
    pull(party)
    assert party.pull_error
    assert party.pull_due_at is not None
    assert party.pull_due_at - timezone.now() < timedelta(hours=1)
    assert OcpiEvse.objects.get().status == "AVAILABLE"
    assert api.get(f"/charging/ocpi-parties/{party.pk}").json()["error"] == party.pull_error
    source = Source.objects.get(pk=party.source_id)
    assert source.refused_in_row == 1
    sender.answer = None
    assert pull(party).pull_error == ""


def test_an_empty_list_removes_nothing(sender: Sender, party: OcpiParty) -> None:
    sender.locations = places(2)
    pull(party)
    sender.locations = []
    assert "nothing was removed" in pull(party).pull_error
    assert not OcpiEvse.objects.filter(document__status="REMOVED").exists()


def test_a_list_that_ends_early_removes_nothing(sender: Sender, party: OcpiParty) -> None:
    sender.locations = places(5)
    pull(party)
    sender.sends_link, sender.sends_total = False, False
    assert pull(party).pull_result["locations"] == 2
    assert pull(party).pull_result["removed"] == 0


def test_pages_in_a_circle_end(sender: Sender, party: OcpiParty, monkeypatch: pytest.MonkeyPatch) -> None:
    sender.locations = places(2)
    usual = sender.respond

    def circling(path: str, headers: dict[str, str]) -> Any:
        status, more, body = usual(path, headers)
        return status, more | {"Link": f"<{sender.url}{path}>; rel=next"}, body

    monkeypatch.setattr(sender, "respond", circling)
    assert "circle" in pull(party).pull_error


def test_a_disabled_party_is_not_called(sender: Sender, party: OcpiParty, api: ApiClient) -> None:
    OcpiParty.objects.update(pull_due_at=timezone.now(), is_disabled=True)
    assert pull_due(now=timezone.now()) == 0


def test_a_comparison_is_asked_for_by_the_api(party: OcpiParty, api: ApiClient) -> None:
    OcpiParty.objects.update(pull_due_at=timezone.now() + timedelta(hours=9))
    assert api.post(f"/charging/ocpi-parties/{party.pk}/pull").status_code == 200
    assert pull_due(now=timezone.now()) == 1
    api.post(f"/charging/ocpi-parties/{party.pk}/token")
    assert api.post(f"/charging/ocpi-parties/{party.pk}/pull").status_code == 409


def test_what_no_json_may_hold_spoils_no_page(sender: Sender, party: OcpiParty) -> None:
    odd = (
        location("LOC1", evse("1"), coordinates={"latitude": float("nan")}),
        location("LOC2", evse("2"), name="\ud83d"),
    )
    sender.answer = 200, json.dumps({"status_code": "1000", "data": odd}).encode()
    found = pull(party)
    assert (found.pull_error, found.pull_result["evses"], ChargePoint.objects.count()) == ("", 2, 2)
