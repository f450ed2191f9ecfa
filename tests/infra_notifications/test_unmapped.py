"""What no rule knows: where it was heard, who is told of it, and what a click on its meaning changes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from infra_notifications.models import ChargePoint, EventRule, UnmappedReport
from infra_notifications.services.mapping import forget_rule_book, preview_rule, rule_from_report
from infra_notifications.services.unmapped import UNMAPPED, announce_unmapped
from outbox.models import Delivery, Event
from tests.conftest import ApiClient
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import DAY, NOW, at, event, events, fault, fine, open_cases, say
from tests.infra_notifications.pages import text_of, url

pytestmark = pytest.mark.django_db

UNKNOWN = fault("OtherError", vendorErrorCode="X-4711")
PROBLEM = events(event("EVSE", "Problem"))


@pytest.fixture
def point() -> ChargePoint:
    return ChargePointFactory(evse_id="DE*ABC*E1*1")


def click(effect: str = "raise", case: str = "SENSORS") -> EventRule:
    rule = rule_from_report(report=UnmappedReport.objects.latest("pk"), effect=effect, case=case)
    forget_rule_book()
    return rule


# ---- a rule made by a click applies to just what was seen -----------------------------------------------


@pytest.mark.parametrize(
    ("payload", "case"),
    [
        (events(event("EVSE", "Problem", techCode="evse_board_support/TiltDetected")), "SENSORS"),
        (events(event("EVSE", "Problem", techCode="CX004")), "FUSE_TRIPPED"),
        (events(event("EVSE", "Problem", techCode="ac_rcd/MREC2GroundFailure")), "FUSE_TRIPPED"),
        (events(event("EVSE", "Problem", techCode="X-1")), "OTHER_FAULT"),
        (events(event("EVSE", "Problem", techInfo="fan is slow")), "OTHER_FAULT"),
        (events(event("Connector", "Problem")), "OTHER_FAULT"),
        (PROBLEM, "UNAVAILABLE"),
    ],
)
def test_rule_of_a_part_without_a_code_takes_nothing_that_has_one(
    point: ChargePoint, payload: dict[str, Any], case: str
) -> None:
    say(ChargePointFactory(), PROBLEM)
    click(case="UNAVAILABLE")
    say(point, payload)
    assert open_cases(point) == [case]


@pytest.mark.parametrize(
    ("payload", "case"),
    [
        (UNKNOWN, "SENSORS"),
        (fault("OtherError", vendorErrorCode="x-4711", info="again"), "SENSORS"),
        (fault("OtherError", vendorErrorCode="X-4711,X-4712"), "OTHER_FAULT"),
        (fault("InternalError", vendorErrorCode="X-4711"), "OTHER_FAULT"),
        (fault("GroundFailure", vendorErrorCode="X-4711"), "FUSE_TRIPPED"),
        (fault("OtherError", vendorErrorCode="X-4711", info="RCD tripped"), "FUSE_TRIPPED"),
    ],
)
def test_rule_of_a_code_takes_nothing_that_says_more(point: ChargePoint, payload: dict[str, Any], case: str) -> None:
    say(ChargePointFactory(), UNKNOWN)
    click()
    say(point, payload)
    assert open_cases(point) == [case]


def test_rule_of_words_takes_these_words_alone(point: ChargePoint) -> None:
    say(ChargePointFactory(), fault("OtherError", info="Pilot odd"))
    click()
    say(point, fault("OtherError", info="Pilot odd, lock odd"))
    assert open_cases(point) == ["OTHER_FAULT"]
    say(point, fine(), now=at(1))
    say(point, fault("OtherError", info="pilot odd"), now=at(2))
    assert open_cases(point) == ["SENSORS"]


# ---- what it would change -------------------------------------------------------------------------------


def test_preview_names_what_would_change_from_what_to_what(point: ChargePoint) -> None:
    say(point, UNKNOWN, now=NOW - 31 * DAY)
    for second in range(12):
        say(point, UNKNOWN, now=at(second))
    say(point, fault("GroundFailure"), now=at(20))
    before = EventRule.objects.count()
    preview = preview_rule(report=UnmappedReport.objects.get(), effect="raise", case="SENSORS", now=at(30))
    assert dict(preview.changes) == {("Other fault", "Sensors"): 12}
    assert (preview.total, preview.looked_through, len(preview.examples)) == (12, 13, 10)
    assert preview.examples[0].message.charge_point == point
    assert EventRule.objects.count() == before


def test_preview_of_no_alarm_does_not_change_what_is_faulted(point: ChargePoint) -> None:
    say(point, UNKNOWN)
    preview = preview_rule(report=UnmappedReport.objects.get(), effect="info", case="", now=at(1))
    assert preview.total == 0


def test_click_shows_what_would_change_and_saves_when_that_is_confirmed(
    administrator: Client, point: ChargePoint
) -> None:
    say(point, UNKNOWN)
    where = url("unmapped_decide", UnmappedReport.objects.get().pk)
    before = EventRule.objects.count()
    shown = text_of(administrator.get(where, {"meaning": "raise:SENSORS"}))
    assert "Other fault → Sensors: 1" in shown
    assert EventRule.objects.count() == before
    administrator.post(where, {"meaning": "raise:SENSORS"})
    assert EventRule.objects.count() == before + 1


# ---- where it was heard ---------------------------------------------------------------------------------


def test_list_names_the_charge_point(viewer: Client, point: ChargePoint) -> None:
    say(point, UNKNOWN)
    page = viewer.get(url("unmapped")).content.decode()
    assert f'href="{url("charge_point", point.pk)}"' in page
    assert point.evse_id in page


def test_api_lists_them_by_search_page_by_page(api: ApiClient, point: ChargePoint) -> None:
    for number in range(3):
        say(point, fault("OtherError", vendorErrorCode=f"X-{number}"))
    first = api.get("/charging/unmapped?limit=2").json()
    assert len(first["items"]) == 2
    rest = api.get(f"/charging/unmapped?limit=2&cursor={first['next']}").json()
    assert (len(rest["items"]), rest["next"]) == (1, None)
    (found,) = api.get("/charging/unmapped?q=X-1").json()["items"]
    assert (found["charge_point"], found["seen"], found["action"]) == (point.evse_id, 1, "StatusNotification")
    assert found["sample"]["payload"]["vendorErrorCode"] == "X-1"


# ---- who is told ----------------------------------------------------------------------------------------


def test_administrators_are_told_of_new_kinds_once_a_day(point: ChargePoint, settings: Settings) -> None:
    settings.ADMIN_EMAILS = ["admin@example.org"]
    say(point, UNKNOWN)
    say(point, UNKNOWN, now=at(1))
    assert [announce_unmapped(now=at(second)) for second in (10, 11)] == [1, 0]
    assert list(Delivery.objects.filter(event__kind=UNMAPPED).values_list("address", flat=True)) == [
        "admin@example.org"
    ]
    say(point, fault("OtherError", vendorErrorCode="X-2"), now=at(20))
    assert announce_unmapped(now=at(30)) == 0
    assert announce_unmapped(now=at(10) + timedelta(days=1)) == 1
    assert announce_unmapped(now=at(10) + timedelta(days=3)) == 0
    assert Event.objects.filter(kind=UNMAPPED).count() == 2


def test_nobody_is_told_where_there_is_no_administrator(point: ChargePoint, settings: Settings) -> None:
    settings.ADMIN_EMAILS = []
    say(point, UNKNOWN)
    assert announce_unmapped(now=at(1)) == 0
    assert UnmappedReport.objects.get().told_at is None


def test_what_is_understood_is_not_listed(point: ChargePoint) -> None:
    for payload in (fine(), fault("ReaderFailure"), fault("NoError"), fault("GroundFailure"), fault("WeakSignal")):
        say(point, payload)
    assert not UnmappedReport.objects.exists()
