"""Changes that do not say when they happened: taken as of their receipt, warned of, and no obstacle to what says so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.device_clock import parse_time
from infra_notifications.models import ChargePoint, Incident
from infra_notifications.rules.ocpi.merging import NO_MOMENT
from tests.infra_notifications.helpers import open_cases
from tests.infra_notifications.ocpi.cpo import Cpo, evse, location, said

pytestmark = pytest.mark.django_db
EVSE_ID = "BE*BEC*E041503256"
FAULT = {"status": "OUTOFORDER"}


def cases() -> list[str]:
    return open_cases(ChargePoint.objects.get(evse_id=EVSE_ID))


def ago(**span: float) -> str:
    return f"{timezone.now() - timedelta(**span):%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture
def known(cpo: Cpo) -> Cpo:
    """A party whose EVSE was said to be well an hour ago."""
    cpo.put("LOC1", location("LOC1", evse(last_updated=ago(hours=1)), last_updated=ago(hours=1)))
    return cpo


@pytest.mark.parametrize(
    ("place", "body"),
    [
        ("LOC1/3256", FAULT),
        ("LOC1/3256", FAULT | {"last_updated": None}),
        ("LOC1", {"evses": [{"uid": "3256"} | FAULT]}),
        ("LOC1", {"evses": [{"uid": "3256"} | FAULT], "last_updated": None}),
    ],
)
def test_a_fault_without_a_moment_is_one_of_now(known: Cpo, place: str, body: Any) -> None:
    answer = known.patch(place, body)
    assert said(answer) == (200, 1000)
    assert NO_MOMENT in answer.json()["status_message"]
    assert cases() == ["OTHER_FAULT"]
    assert timezone.now() - Incident.objects.get().opened_at < timedelta(minutes=1)
    told = known.get(f"{known.LOCATIONS}/LOC1/3256").json()["data"]
    assert told["status"] == "OUTOFORDER"
    assert (parse_time(told["last_updated"]) or timezone.now()) > timezone.now() - timedelta(minutes=1)


@pytest.mark.parametrize("minutes", [0, 30, 59])
def test_what_says_when_counts_though_its_clock_is_behind_that_receipt(known: Cpo, minutes: int) -> None:
    known.patch("LOC1/3256", FAULT)
    assert said(known.put("LOC1/3256", evse(status="AVAILABLE", last_updated=ago(minutes=minutes)))) == (200, 1000)
    assert cases() == []


def test_what_is_older_than_what_was_known_before_still_changes_nothing(known: Cpo) -> None:
    known.patch("LOC1/3256", FAULT)
    known.put("LOC1/3256", evse(status="AVAILABLE", last_updated=ago(hours=2)))
    assert cases() == ["OTHER_FAULT"]


def test_one_of_several_that_says_no_moment_is_of_the_whole(known: Cpo) -> None:
    body = {"evses": [{"uid": "3256"} | FAULT], "last_updated": ago(seconds=30)}
    assert said(known.patch("LOC1", body)) == (200, 1000)
    assert cases() == ["OTHER_FAULT"]
    assert timezone.now() - Incident.objects.get().opened_at < timedelta(minutes=2)


def test_name_and_connector_change_without_a_moment_and_with_one_after_it(known: Cpo) -> None:
    for place, change in (("LOC1", {"name": "New"}), ("LOC1/3256/1", {"tariff_ids": ["1"]})):
        answer = known.patch(place, change)
        assert (said(answer), NO_MOMENT in answer.json()["status_message"]) == ((200, 1000), True)
    body: Any = {"tariff_ids": ["2"], "last_updated": ago(minutes=1)}
    assert said(known.patch("LOC1/3256/1", body)) == (200, 1000)
    found = known.get(f"{known.LOCATIONS}/LOC1").json()["data"]
    assert (found["name"], found["evses"][0]["connectors"][0]["tariff_ids"]) == ("New", ["2"])
