"""Pages on which people take care of incidents: acknowledging, alone and many at once, and notes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from infra_notifications.models import (
    Acknowledgement,
    Incident,
    IncidentEntry,
)
from infra_notifications.services.acknowledging import acknowledge_incidents
from tests.factories.infra_notifications import ChargePointFactory, IncidentFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import HOUR
from tests.infra_notifications.pages import rows_of, text_of, url

pytestmark = pytest.mark.django_db


def closed_incident(**more: Any) -> Incident:
    now = timezone.now()
    found: Incident = IncidentFactory(opened_at=now - HOUR, closed_at=now, close_reason="cleared", **more)
    return found


def local(moment: Any) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%dT%H:%M}"


# ---- acknowledging --------------------------------------------------------------------------------------------------


def test_incident_is_acknowledged_with_a_note(operator: Client) -> None:
    incident = IncidentFactory()
    where = url("incident_acknowledge", incident.pk)
    page = operator.get(url("incident", incident.pk)).content.decode()
    assert f'formaction="{where}"' in page
    response = operator.post(where, {"note": "On my <way>"}, follow=True)
    shown = text_of(response)
    assert "You take care of it" in shown
    assert re.search(r"Acknowledged by user\d+ .* On my &lt;way&gt;", shown)
    assert where not in response.content.decode()
    assert "It was closed or acknowledged already." in text_of(operator.post(where, follow=True))


def test_acknowledgement_is_withdrawn(operator: Client) -> None:
    incident = IncidentFactory()
    operator.post(url("incident_acknowledge", incident.pk))
    where = url("incident_withdraw", incident.pk)
    assert where in operator.get(url("incident", incident.pk)).content.decode()
    assert "reminders go on" in text_of(operator.post(where, follow=True))
    assert "It was not acknowledged." in text_of(operator.post(where, follow=True))
    assert not Acknowledgement.objects.exists()


def test_note_is_kept_on_closed_incidents_too(operator: Client) -> None:
    incident = closed_incident()
    operator.post(url("incident_note", incident.pk), {"note": "Fuse replaced"})
    assert "Fuse replaced" in text_of(operator.get(url("incident", incident.pk)))
    assert url("incident_acknowledge", incident.pk) not in operator.get(url("incident", incident.pk)).content.decode()


@pytest.mark.parametrize("name", ["incident_note", "incident_acknowledge"])
def test_what_was_noted_stays_when_it_is_refused(operator: Client, name: str) -> None:
    incident = IncidentFactory()
    response = operator.post(url(name, incident.pk), {"note": "x" * 2_001})
    assert response.status_code == 422
    assert "A note has at most 2000 characters." in text_of(response)
    assert "x" * 2_001 in response.content.decode()
    assert not IncidentEntry.objects.exists()


def test_empty_note_says_so(operator: Client) -> None:
    response = operator.post(url("incident_note", IncidentFactory().pk), {"note": " "})
    assert "Write what there is to note." in text_of(response)


@pytest.mark.parametrize("name", ["incident_acknowledge", "incident_withdraw", "incident_note"])
def test_viewer_takes_care_of_nothing(viewer: Client, name: str) -> None:
    incident = IncidentFactory()
    assert viewer.post(url(name, incident.pk), {"note": "x"}).status_code == 403
    assert url("incident_note", incident.pk) not in viewer.get(url("incident", incident.pk)).content.decode()
    assert not IncidentEntry.objects.exists()


@pytest.mark.parametrize("name", ["incident_acknowledge", "incident_withdraw", "incident_note"])
def test_taking_care_is_no_link_to_follow(operator: Client, name: str) -> None:
    assert operator.get(url(name, IncidentFactory().pk)).status_code == 405
    assert operator.post(url(name, 0)).status_code == 404


def test_who_closed_it_by_hand_is_shown(operator: Client) -> None:
    incident = IncidentFactory()
    operator.post(url("incident_close", incident.pk))
    assert re.search(r"Closed by hand by user\d+", text_of(operator.get(url("incident", incident.pk))))


def test_list_shows_and_finds_what_is_acknowledged(operator: Client) -> None:
    first, second = IncidentFactory(), IncidentFactory()
    acknowledge_incidents(incident_ids=[first.pk], author="anna", now=timezone.now())
    assert "acknowledged by anna" in " ".join(rows_of(operator.get(url("incidents"))))
    for query, found in (
        ("q=acknowledged:yes", first),
        ("q=ack:no", second),
        ("acknowledged=yes", first),
        ("acknowledged=no", second),
    ):
        assert [row.pk for row in operator.get(f"{url('incidents')}?{query}").context["page"].rows] == [found.pk]


# ---- many at once ---------------------------------------------------------------------------------------------------


def acknowledge(client: Client, where: str, **more: Any) -> Any:
    return client.post(where, {"do": "bulk", "action": "incidents.acknowledge"} | more, follow=True)


def test_all_that_a_search_finds_are_acknowledged(operator: Client) -> None:
    for city in ("Köln", "Köln", "Bonn"):
        IncidentFactory(charge_point=ChargePointFactory(city=city))
    closed_incident(charge_point=ChargePointFactory(city="Köln"))
    where, yes = f"{url('incidents')}?q=city:k%C3%B6ln&case=FUSE_TRIPPED", {"all": "1", "confirmed": "1", "number": 3}
    assert "Acknowledge 3 incidents?" in text_of(acknowledge(operator, where, all="1"))
    wrong = acknowledge(operator, where, **yes, **{"bulk-note": "x" * 2_001})
    assert "at most 2000 characters" in text_of(wrong)
    assert not Acknowledgement.objects.exists()
    response = acknowledge(operator, where, **yes, **{"bulk-note": "Power cut"})
    assert "2 incidents acknowledged." in text_of(response)
    assert set(IncidentEntry.objects.values_list("incident__charge_point__city", "text")) == {("Köln", "Power cut")}


def test_those_that_are_selected_are_acknowledged_in_a_group_too(operator: Client) -> None:
    first, second, _third = IncidentFactory(), IncidentFactory(), IncidentFactory()
    group = NotificationGroupFactory(members=[first.charge_point, second.charge_point])
    for where, chosen in ((url("incidents"), first), (url("group_incidents", group.pk), second)):
        acknowledge(operator, where, row=[chosen.pk], confirmed="1", number=1)
    assert set(Acknowledgement.objects.values_list("incident", flat=True)) == {first.pk, second.pk}
    again = acknowledge(operator, url("incidents"), row=[first.pk], confirmed="1", number=1)
    assert "None of them is open without an acknowledgement." in text_of(again)


def test_viewer_acknowledges_nothing_at_once(viewer: Client) -> None:
    incident = IncidentFactory()
    assert acknowledge(viewer, url("incidents"), row=[incident.pk]).status_code == 403
    assert "incidents.acknowledge" not in viewer.get(url("incidents")).content.decode()
