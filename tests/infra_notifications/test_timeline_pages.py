"""The timeline of an incident and maintenance, as people work with them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from console.lists import bulk, jobs
from core.background import run_job
from core.models import Job
from infra_notifications.models import (
    ChargePoint,
    Incident,
    IncidentEntry,
    MaintenanceWindow,
    NotificationDecision,
)
from infra_notifications.services.acknowledging import acknowledge_incidents
from infra_notifications.services.maintenance import Targets, end_maintenance, plan_maintenance
from tests.dying import catch_handed_over, worker_dying
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import HOUR, fault, fine, only_incident, say, signal, sweep, take_neutral
from tests.infra_notifications.pages import EVIL, harmless, rows_of, text_of, url
from tests.infra_notifications.test_care_pages import local

pytestmark = pytest.mark.django_db


# ---- the timeline ---------------------------------------------------------------------------------------------------


def _order(shown: str, *words: str) -> None:
    """These words stand in this order."""
    places = [shown.index(word) for word in words]
    assert places == sorted(places), words


def test_timeline_tells_everything_in_its_order(operator: Client) -> None:
    point, now = ChargePointFactory(expected_interval_s=86_400), timezone.now() - timedelta(hours=5)
    group = NotificationGroupFactory(name="Köln", members=[point], reminder_s=3600)
    NotificationGroupFactory(name="Deaf", members=[point], cases=["SENSORS"])
    say(point, fault(info="MCB 2"), now=now)
    say(point, fault(info="MCB 3"), now=now + timedelta(minutes=10))
    sweep(now + timedelta(minutes=70))
    plan_maintenance(
        reason="New cables",
        ends_at=now + timedelta(minutes=100),
        targets=Targets(groups=[group.pk]),
        author="anna",
        now=now + timedelta(minutes=80),
    )
    acknowledge_incidents(
        incident_ids=[only_incident().pk], author="bert", note="On it", now=now + timedelta(minutes=90)
    )
    say(point, fine(), now=now + timedelta(minutes=110))
    shown = text_of(operator.get(url("incident", only_incident().pk))).partition("Timeline")[2]
    _order(
        shown,
        "Opened",
        "Alert Köln",
        "Raised again",
        "MCB 3",
        "Reminder Köln",
        "Maintenance began",
        "New cables (anna)",
        "Acknowledged by bert",
        "On it",
        "Maintenance ended",
        "Closed",
        "All-clear Köln",
    )
    assert "Not told Alert Deaf" in shown
    assert "The group does not listen to this case" in shown
    assert "rule Over-current protection tripped" in shown


def test_timeline_says_that_it_was_reported_late_and_flaps(viewer: Client) -> None:
    point, now = ChargePointFactory(), timezone.now() - HOUR
    for second in range(0, 600, 100):
        for state in ("raised", "cleared"):
            take_neutral(signal(point, state), now=now + timedelta(seconds=second))
    last = Incident.objects.order_by("id").last()
    assert last is not None
    shown = text_of(viewer.get(url("incident", last.pk)))
    assert "The charge point flaps" in shown
    assert "It opened 6 times within 24 h." in shown
    say(point, fault(timestamp=(now - HOUR).isoformat()), now=now + HOUR)
    late = Incident.objects.order_by("id").last()
    assert late is not None
    assert "It was reported only now." in text_of(viewer.get(url("incident", late.pk)))


def test_page_of_an_incident_with_a_long_history_takes_few_statements(
    operator: Client, django_assert_max_num_queries: Any
) -> None:
    point, now = ChargePointFactory(), timezone.now() - timedelta(days=9)
    NotificationGroupFactory(members=[point], reminder_s=3600, emails=[f"a{n}@example.org" for n in range(10)])
    say(point, fault(), now=now)
    for hour in range(1, 200):
        sweep(now + hour * HOUR)
    assert IncidentEntry.objects.count() == 0
    with django_assert_max_num_queries(20):
        response = operator.get(url("incident", only_incident(case="FUSE_TRIPPED").pk))
    assert text_of(response).count("Reminder") >= 199


# ---- maintenance ----------------------------------------------------------------------------------------------------


def form_of(**more: Any) -> dict[str, Any]:
    ends = timezone.now() + 2 * HOUR
    return {"reason": "New cables", "starts_at": "", "ends_at": local(ends)} | more


def plan(client: Client, query: str = "", **more: Any) -> Any:
    return client.post(f"{url('maintenance_new')}{query}", form_of(**more), follow=True)


def test_maintenance_is_planned_for_charge_points_locations_and_groups(operator: Client) -> None:
    points = [ChargePointFactory(evse_id=f"DE*ABC*{n}", location="Depot", city="Münster") for n in range(2)]
    group = NotificationGroupFactory(name="Köln", members=[ChargePointFactory(location="x")])
    response = plan(operator, evse_ids="de*abc*0\nDE*ABC*1", locations="Depot, Münster\nDepot", groups=[group.pk])
    shown = text_of(response)
    for said in ("New cables", "Running", "3 charge points", "DE*ABC*0", "Köln", "Depot, Münster", "Nothing so far."):
        assert said in shown
    window = MaintenanceWindow.objects.get()
    assert (window.targets.count(), window.author) == (5, "user" + re.findall(r"user(\d+)", shown)[0])
    say(points[0], fault(), now=timezone.now())
    assert response.redirect_chain[-1][0] == url("maintenance_window", window.pk)


def test_maintenance_of_what_a_list_finds(operator: Client) -> None:
    for city in ("Köln", "Köln", "Bonn"):
        ChargePointFactory(city=city)
    query = "?q=city:k%C3%B6ln"
    assert "2 charge points from the list:" in text_of(operator.get(f"{url('maintenance_new')}{query}"))
    plan(operator, query)
    assert MaintenanceWindow.objects.get().targets.count() == 2


def of_selected(client: Client, *points: ChargePoint, **more: Any) -> Any:
    ends = local(timezone.now() + 2 * HOUR)
    form = {"bulk-reason": "New <cables>", "bulk-starts_at": "", "bulk-ends_at": ends} | more
    data = {"do": "bulk", "action": "charge_points.maintenance", "row": [point.pk for point in points]} | form
    return client.post(url("charge_points"), data | {"confirmed": "1", "number": len(points)}, follow=True)


def test_maintenance_of_selected_charge_points(operator: Client, viewer: Client) -> None:
    points = [ChargePointFactory() for _n in range(3)]
    group = NotificationGroupFactory(members=points)
    asked = {"do": "bulk", "action": "charge_points.maintenance", "row": [points[0].pk]}
    for where in (url("charge_points"), url("group_members", group.pk)):
        shown = text_of(operator.post(where, asked))
        assert "Plan maintenance of 1 charge point? While it lasts, its incidents are recorded" in shown
    assert viewer.post(url("charge_points"), asked).status_code == 403
    assert "Maintenance of 2 charge points is planned." in text_of(of_selected(operator, *points[:2]))
    window = MaintenanceWindow.objects.get()
    assert (window.reason, window.author.startswith("user")) == ("New <cables>", True)
    assert set(window.targets.values_list("charge_point", flat=True)) == {point.pk for point in points[:2]}
    for point in points:
        say(point, fault(), now=timezone.now())
    held = {n.incident.charge_point_id for n in NotificationDecision.objects.filter(reason="maintenance")}
    assert held == {point.pk for point in points[:2]}


def test_maintenance_of_many_is_one_window_that_a_worker_fills(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    monkeypatch.setattr(jobs, "CHUNK", 2)
    catch_handed_over(monkeypatch)
    points = [ChargePointFactory() for _n in range(5)]
    of_selected(operator, *points)
    assert not MaintenanceWindow.objects.exists()
    job = Job.objects.get()
    points[3].delete()
    run_job(job_id=job.pk)
    job.refresh_from_db()
    assert (job.state, job.done) == ("done", 5)
    assert job.result["message"] == "Maintenance of 4 charge points is planned."
    window = MaintenanceWindow.objects.get()
    assert window.targets.count() == 4
    covered = LogEntry.objects.get_for_object(window).filter(changes__has_key="targets").order_by("id")
    assert [entry.changes["targets"][1] for entry in covered][1:] == [
        "2 charge points",
        "1 charge point",
        "1 charge point",
    ]


def test_maintenance_that_ended_meanwhile_is_not_filled_further(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    monkeypatch.setattr(jobs, "CHUNK", 1)
    catch_handed_over(monkeypatch)
    of_selected(operator, *[ChargePointFactory() for _n in range(2)])
    job = Job.objects.get()
    with worker_dying(after=1):
        run_job(job_id=job.pk)
    end_maintenance(window=MaintenanceWindow.objects.get(), now=timezone.now())
    run_job(job_id=job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, "This maintenance is over." in str(job.result)) == ("failed", 1, True)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"bulk-reason": " "}, "This field is required."),
        ({"bulk-ends_at": "soon"}, "Enter a valid date/time."),
        ({"bulk-ends_at": "2020-01-01T10:00"}, "The end must lie after the beginning and in the future."),
        ({"bulk-starts_at": "2020-01-01T10:00"}, "The beginning is over"),
    ],
)
def test_maintenance_of_selected_ones_that_makes_no_sense_is_asked_again(
    operator: Client, wrong: dict[str, Any], said: str
) -> None:
    response = of_selected(operator, ChargePointFactory(), **wrong)
    assert (response.status_code, said in text_of(response)) == (422, True)
    assert not MaintenanceWindow.objects.exists()


def test_maintenance_of_one_charge_point_and_of_a_group_begins_from_their_pages(operator: Client) -> None:
    point = ChargePointFactory()
    group = NotificationGroupFactory(members=[point])
    begun = f"{url('maintenance_new')}?for_point={point.pk}"
    assert f'href="{begun}"' in operator.get(url("charge_point", point.pk)).content.decode()
    assert "1 charge point from the list:" in text_of(operator.get(begun))
    begun = f"{url('maintenance_new')}?for_group={group.pk}"
    assert f'href="{begun}"' in operator.get(url("group", group.pk)).content.decode()
    assert re.search(rf'value="{group.pk}"[^>]*checked', operator.get(begun).content.decode())


def test_held_back_incidents_are_listed(operator: Client) -> None:
    point = ChargePointFactory()
    group = NotificationGroupFactory(members=[point])
    plan(operator, groups=[group.pk])
    say(point, fault(), now=timezone.now())
    window = MaintenanceWindow.objects.get()
    shown = text_of(operator.get(url("maintenance_window", window.pk)))
    assert "1 open incident; if it lasts until the end, it is told then." in shown
    shown = text_of(operator.get(url("incident", only_incident().pk)))
    assert "Waiting Alert" in shown
    assert "Maintenance: nothing is mailed until it ends" in shown
    assert "what is still broken is being told" in text_of(
        operator.post(url("maintenance_end", window.pk), follow=True)
    )
    assert "It was not running." in text_of(operator.post(url("maintenance_end", window.pk), follow=True))
    sweep(timezone.now())
    assert "Told Alert" in text_of(operator.get(url("incident", only_incident().pk)))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"reason": " "}, "This field is required."),
        ({"ends_at": ""}, "This field is required."),
        ({"ends_at": "soon"}, "Enter a valid date/time."),
        ({"ends_at": "2020-01-01T10:00"}, "The end must lie after the beginning and in the future."),
        ({"starts_at": "2020-01-01T10:00"}, "The beginning is over"),
        ({"evse_ids": "DE*NONE*1, DE*NONE*2"}, "There is no charge point DE*NONE*1, DE*NONE*2."),
        ({"locations": "Depto"}, "There is no location “Depto”."),
        ({"locations": "depot, münster"}, "did you mean “Depot, Münster”?"),
        ({"groups": ["0"]}, "Select a valid choice."),
        ({}, "Name what is worked at"),
    ],
)
def test_maintenance_that_makes_no_sense_keeps_what_was_typed(
    operator: Client, wrong: dict[str, Any], said: str
) -> None:
    ChargePointFactory(evse_id="DE*ABC*1", location="Depot", city="Münster")
    NotificationGroupFactory()
    response = operator.post(url("maintenance_new"), form_of(**wrong))
    assert response.status_code == 422
    assert said in text_of(response).replace("&#x27;", "'")
    assert 'value="New cables"' in response.content.decode() or "reason" in wrong
    assert not MaintenanceWindow.objects.exists()


def test_list_shows_where_each_window_stands(viewer: Client) -> None:
    now, point = timezone.now(), ChargePointFactory(evse_id="DE*ABC*1")
    targets = Targets(charge_points=[point.pk], locations=[(f"Place {n}", "") for n in range(7)])
    for name, starts, ends in (("Soon", 2, 3), ("Now", -1, 1), ("Past", -5, -4)):
        begun = now + starts * HOUR
        plan_maintenance(reason=name, ends_at=now + ends * HOUR, targets=targets, author="anna", now=begun)
    rows = rows_of(viewer.get(url("maintenance")))
    assert [row.partition(" ")[0] for row in rows] == ["Soon", "Now", "Past"]
    assert [state in row for state, row in zip(("Planned", "Running", "Over"), rows, strict=True)] == [True] * 3
    assert "and 3 more" in rows[0]
    for state, name in (("planned", "Soon"), ("running", "Now"), ("over", "Past")):
        page = viewer.get(f"{url('maintenance')}?q=state:{state}").context["page"]
        assert [row.reason for row in page.rows] == [name]


def test_window_is_changed_and_taken_back(operator: Client) -> None:
    now, point = timezone.now(), ChargePointFactory()
    window = plan_maintenance(
        reason="x", starts_at=now + HOUR, ends_at=now + 2 * HOUR, targets=Targets([point.pk]), author="anna", now=now
    )
    where = url("maintenance_change", window.pk)
    assert 'name="starts_at"' in operator.get(where).content.decode()
    response = operator.post(where, {"reason": "y", "starts_at": "", "ends_at": local(now + 3 * HOUR)}, follow=True)
    assert "The maintenance is changed." in text_of(response)
    assert "Running" in text_of(response)
    assert 'name="starts_at"' not in operator.get(where).content.decode()
    assert "It has begun; end it instead." in text_of(operator.post(url("maintenance_cancel", window.pk), follow=True))
    refused = operator.post(where, {"reason": "z", "ends_at": local(now - HOUR)})
    assert (refused.status_code, MaintenanceWindow.objects.get().reason) == (422, "y")
    MaintenanceWindow.objects.update(starts_at=now + HOUR, ends_at=now + 2 * HOUR)
    assert "The plan is taken back." in text_of(operator.post(url("maintenance_cancel", window.pk), follow=True))
    assert not MaintenanceWindow.objects.exists()


def test_window_that_is_over_cannot_be_changed(operator: Client) -> None:
    now = timezone.now()
    window = plan_maintenance(
        reason="x", ends_at=now - HOUR, targets=Targets(locations=[("A", "")]), author="anna", now=now - 2 * HOUR
    )
    response = operator.post(url("maintenance_change", window.pk), {"reason": "y", "ends_at": local(now + HOUR)})
    assert "This maintenance is over." in text_of(response)


def test_viewer_plans_nothing(viewer: Client) -> None:
    now = timezone.now()
    window = plan_maintenance(
        reason="x", ends_at=now + HOUR, targets=Targets(locations=[("A", "")]), author="anna", now=now
    )
    assert viewer.get(url("maintenance_window", window.pk)).status_code == 200
    assert viewer.get(url("maintenance_new")).status_code == 403
    for name in ("maintenance_change", "maintenance_end", "maintenance_cancel"):
        assert viewer.post(url(name, window.pk)).status_code == 403
        assert url(name, window.pk) not in viewer.get(url("maintenance_window", window.pk)).content.decode()


def test_words_that_hold_html_are_shown_as_they_are(operator: Client) -> None:
    point = ChargePointFactory(evse_id="<i>odd</i>", location=EVIL, city=EVIL)
    group = NotificationGroupFactory(name=EVIL, members=[point])
    now = timezone.now()
    targets = Targets([point.pk], [group.pk], [(EVIL, EVIL)])
    window = plan_maintenance(reason=EVIL, ends_at=now + HOUR, targets=targets, author=EVIL, now=now)
    say(point, fault(info=EVIL), now=timezone.now())
    acknowledge_incidents(incident_ids=[only_incident().pk], author=EVIL, note=EVIL, now=timezone.now())
    for where in (
        url("maintenance"),
        url("maintenance_window", window.pk),
        url("maintenance_change", window.pk),
        f"{url('maintenance_new')}?for_point={point.pk}",
        url("incident", only_incident().pk),
        url("incidents"),
    ):
        assert escape(EVIL) in harmless(operator.get(where))
