"""Pages of incidents: the list, one with everything that happened, closing by hand, and the dashboard's tile."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from infra_notifications.models import Incident
from tests.factories.infra_notifications import ChargePointFactory, IncidentFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import DAY, HOUR, event, events, fault, fine, only_incident, say
from tests.infra_notifications.pages import EVIL, harmless, rows_of, text_of, url

pytestmark = pytest.mark.django_db


def test_list_says_who_was_told_and_why_not(viewer: Client) -> None:
    point, now = ChargePointFactory(evse_id="A", location="Parkhaus", city="Köln"), timezone.now()
    NotificationGroupFactory(name="Told", members=[point])
    NotificationGroupFactory(name="Deaf", members=[point], cases=["SENSORS"])
    for _ in range(3):
        say(point, fault(), now=now)
    (row,) = rows_of(viewer.get(url("incidents")))
    assert re.search(r"Fuse tripped A Parkhaus, Köln Faulted · OverCurrentFailure open \d+ s ago 2 repeats", row)
    assert row.endswith("Told Told Not told Deaf · The group does not listen to this case")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["C", "B", "A"]),
        ("case=SENSORS", ["B"]),
        ("open=yes", ["C", "B"]),
        ("open=no", ["A"]),
        ("q=open:no", ["A"]),
        ("q=case:unavailable", ["C"]),
        ("q=opened:<1d", ["C", "B"]),
        ("q=group:west", ["A"]),
        ("q=group:none", ["C", "B"]),
        ("q=said:oops", ["B"]),
        ("sort=opened_at", ["A", "B", "C"]),
    ],
)
def test_list_is_narrowed(viewer: Client, query: str, found: list[str]) -> None:
    now = timezone.now()
    a, b, c = (ChargePointFactory(evse_id=name) for name in "ABC")
    NotificationGroupFactory(name="West", members=[a])
    IncidentFactory(charge_point=a, opened_at=now - 2 * DAY, closed_at=now, close_reason="cleared")
    IncidentFactory(charge_point=b, opened_at=now - HOUR, case="SENSORS", said="Oops")
    IncidentFactory(charge_point=c, opened_at=now, case="UNAVAILABLE")
    page = viewer.get(f"{url('incidents')}?{query}").context["page"]
    assert [row.charge_point.evse_id for row in page.rows] == found


def test_empty_list_says_what_would_stand_there(viewer: Client) -> None:
    assert "When a charge point reports an error or falls silent" in text_of(viewer.get(url("incidents")))


def test_page_tells_the_whole_story(operator: Client) -> None:
    point, now = ChargePointFactory(evse_id="A"), timezone.now()
    NotificationGroupFactory(name="Told", members=[point], emails=["ops@example.org"])
    NotificationGroupFactory(name="Later", members=[point], hold_off_s={"FUSE_TRIPPED": 600})
    say(point, fault(timestamp=(now - HOUR / 6).isoformat(), info="MCB 2"), now=now)
    shown = text_of(operator.get(url("incident", only_incident().pk)))
    for said in (
        "FUSE_TRIPPED",
        "Faulted · OverCurrentFailure · MCB 2",
        "by the device’s clock · received",
        "still open",
        "Over-current protection tripped",
        "Held open by status",
        "Told Alert Told",
        "ops@example.org Waiting",
        "Told Alert Later",
    ):
        assert said in shown


def test_page_says_why_nobody_was_told_yet_or_at_all(viewer: Client) -> None:
    point = ChargePointFactory()
    NotificationGroupFactory(name="Later", members=[point], hold_off_s={"FUSE_TRIPPED": 600})
    NotificationGroupFactory(name="Empty", members=[point], emails=[])
    say(point, fault(), now=timezone.now())
    shown = text_of(viewer.get(url("incident", only_incident().pk)))
    assert "Waiting Alert Later" in shown
    assert "On hold-off: it must last before it is told · decided again in 9 min" in shown
    assert "Not told Alert Empty" in shown
    assert "The group has no address" in shown


def test_page_of_a_momentary_incident_says_when_it_is_over(viewer: Client) -> None:
    say(ChargePointFactory(), events(event("ShockSensor", "Active")), now=timezone.now())
    shown = text_of(viewer.get(url("incident", only_incident().pk)))
    assert "Over by itself in 59 min" in shown
    assert "Nobody: the charge point was in no notification group when it happened." in shown


def test_page_of_a_closed_incident_says_how_it_ended(viewer: Client) -> None:
    point = ChargePointFactory()
    group = NotificationGroupFactory(name="Gone", members=[point])
    say(point, fault(), now=timezone.now())
    say(point, fine(), now=timezone.now())
    group.delete()
    shown = text_of(viewer.get(url("incident", only_incident().pk)))
    assert ": The charge point reported that it is over" in shown
    assert "Alert Gone (deleted)" in shown
    assert "Held open by" not in shown


def test_incident_is_closed_by_hand_once(operator: Client) -> None:
    incident = IncidentFactory()
    where = url("incident_close", incident.pk)
    assert url("incident_close", incident.pk) in operator.get(url("incident", incident.pk)).content.decode()
    assert "The incident is closed." in text_of(operator.post(where, follow=True))
    assert "It was closed already." in text_of(operator.post(where, follow=True))
    assert Incident.objects.get().close_reason == "by_hand"
    assert where not in operator.get(url("incident", incident.pk)).content.decode()


def test_viewer_closes_nothing(viewer: Client) -> None:
    incident = IncidentFactory()
    assert viewer.post(url("incident_close", incident.pk)).status_code == 403
    assert url("incident_close", incident.pk) not in viewer.get(url("incident", incident.pk)).content.decode()
    assert Incident.objects.get().is_open


def test_closing_is_no_link_to_follow(operator: Client) -> None:
    assert operator.get(url("incident_close", IncidentFactory().pk)).status_code == 405


@pytest.mark.parametrize("name", ["incident", "incident_close"])
def test_incident_that_is_gone_is_404(operator: Client, name: str) -> None:
    response = operator.get(url(name, 0)) if name == "incident" else operator.post(url(name, 0))
    assert response.status_code == 404


def test_words_that_hold_html_are_shown_as_they_are(operator: Client) -> None:
    point = ChargePointFactory(evse_id="<i>odd</i>", location=EVIL, city=EVIL)
    NotificationGroupFactory(name=EVIL, members=[point], emails=['"<i>odd"@example.org'])
    say(point, fault(info=EVIL), now=timezone.now())
    for where in (url("incidents"), url("incident", only_incident().pk)):
        assert escape(EVIL) in harmless(operator.get(where))


# ---- the dashboard --------------------------------------------------------------------------------------------------


def test_dashboard_counts_open_incidents_and_names_the_worst_places(viewer: Client) -> None:
    for location, count in (("Parkhaus", 3), ("<i>odd", 1)):
        for _ in range(count):
            IncidentFactory(charge_point=ChargePointFactory(location=location, city="Köln"))
    IncidentFactory(case="SENSORS", charge_point=ChargePointFactory(location="Parkhaus", city="Köln"))
    IncidentFactory(closed_at=timezone.now(), opened_at=timezone.now() - DAY, close_reason="cleared")
    response = viewer.get(reverse("console:dashboard"))
    harmless(response)
    assert "Open incidents 4 Fuse tripped 0 Unavailable 1 Sensors" in text_of(response)
    assert "Worst locations 4 Parkhaus, Köln 1 &lt;i&gt;odd, Köln" in text_of(response)


def test_dashboard_is_quiet_when_nothing_is_open(viewer: Client) -> None:
    assert "All quiet." in text_of(viewer.get(reverse("console:dashboard")))
