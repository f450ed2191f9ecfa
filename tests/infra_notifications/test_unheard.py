"""What notifies nobody is red on its page and in its list, counted on the dashboard, and told once a day."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from core.refusal import Refused
from infra_notifications.models import NotificationGroup
from infra_notifications.services.groups import GROUPS, update_group
from infra_notifications.services.unheard import UNHEARD, report_unheard
from outbox.models import Delivery, Event
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import DAY, HOUR, NOW
from tests.infra_notifications.pages import url

pytestmark = pytest.mark.django_db


@pytest.fixture
def well() -> NotificationGroup:
    found: NotificationGroup = NotificationGroupFactory(name="Well", members=[ChargePointFactory(evse_id="IN")])
    return found


def group(missing: str) -> NotificationGroup:
    values: dict[str, Any] = {"members": [ChargePointFactory()], "name": f"No {missing}"}
    values |= {"address": {"emails": []}, "member": {"members": []}, "case": {"cases": []}}[missing]
    found: NotificationGroup = NotificationGroupFactory(**values)
    return found


@pytest.mark.parametrize(
    ("missing", "words"), [("address", "no address"), ("member", "no charge point"), ("case", "no case")]
)
def test_group_that_notifies_nobody_is_red_on_its_page_in_the_list_and_on_the_dashboard(
    viewer: Client, well: NotificationGroup, missing: str, words: str
) -> None:
    found = group(missing)
    for page in (url("group", found.pk), url("group_members", found.pk), url("groups")):
        assert words in viewer.get(page).content.decode()
    assert "notifies nobody" not in viewer.get(url("group", well.pk)).content.decode().lower()
    for query in (f"missing:{missing}", "missing:any"):
        listed = viewer.get(url("groups"), {"q": query}).content.decode()
        assert (found.name in listed, "Well" in listed) == (True, False)
    assert "1 group notifies nobody" in viewer.get("/").content.decode()


def test_charge_point_in_no_group_is_red_and_counted_with_a_link_that_leads_to_it(
    viewer: Client, well: NotificationGroup
) -> None:
    point = ChargePointFactory(evse_id="OUT")
    dashboard = viewer.get("/").content.decode()
    assert "1 charge point is in no group" in dashboard
    assert 'charge-points/?q=group:none"' in dashboard
    listed = viewer.get(url("charge_points"), {"q": "group:none"}).content.decode()
    assert ("OUT" in listed, ">IN<" in listed, "in no group" in listed) == (True, False, True)
    assert "in no group" in viewer.get(url("charge_point", point.pk)).content.decode()


def test_administrators_are_told_once_a_day_and_only_of_something(settings: Settings, well: NotificationGroup) -> None:
    settings.ADMIN_EMAILS = ["admin@example.org"]
    assert not report_unheard(now=NOW)
    GROUPS.leave(well.list_key, "ops@example.org")
    ChargePointFactory(evse_id="OUT")
    for moment in (NOW, NOW + HOUR, NOW + 2 * HOUR, NOW + DAY):
        assert report_unheard(now=moment)
    reports = list(Event.objects.filter(kind=UNHEARD).order_by("id"))
    assert len(reports) == 2
    assert reports[0].payload["groups"][0] | {"url": ""} == {"name": "Well", "missing": ["address"], "url": ""}
    assert (reports[0].payload["charge_points"], reports[0].payload["examples"]) == (1, ["OUT"])
    assert set(Delivery.objects.filter(event__kind=UNHEARD).values_list("address", flat=True)) == {"admin@example.org"}


@pytest.mark.parametrize("address", ["ops@example", "ops@", "@example.org", "ops@example..org", "ops example.org"])
def test_address_that_cannot_be_one_is_refused(well: NotificationGroup, address: str) -> None:
    with pytest.raises(Refused):
        update_group(group=well, settings={}, emails=[address], now=NOW)
