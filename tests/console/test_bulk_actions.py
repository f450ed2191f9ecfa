"""Bulk actions: rows are selected, their exact number is confirmed, a few are done at once, many by a worker."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from console.lists import BulkAction, BulkRun, bulk, jobs
from console.lists.actions import bulk_actions, register_bulk
from core.background import run_job, sweep
from core.choices import JobState
from core.models import Job, Undo
from core.refusal import Refused
from core.undo import packed, take_back, unpacked
from infra_notifications.models import ChargePoint, NotificationGroup
from tests.dying import catch_handed_over, worker_dying
from tests.factories.console import UserFactory
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory

pytestmark = pytest.mark.django_db
POINTS = "/infrastructure/charge-points/"


@pytest.fixture
def points() -> list[ChargePoint]:
    return [ChargePointFactory(evse_id=f"DE*TST*E{n}", city="Köln" if n < 3 else "Bonn") for n in range(5)]


@pytest.fixture
def group() -> NotificationGroup:
    made: NotificationGroup = NotificationGroupFactory(name="West")
    return made


@pytest.fixture
def nudged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The jobs that a worker would have been told of."""
    return catch_handed_over(monkeypatch)


def ask(client: Client, action: str, *rows: ChargePoint, query: str = "", **more: Any) -> Any:
    data = {"do": "bulk", "action": action, "row": [row.pk for row in rows]} | more
    return client.post(f"{POINTS}?{query}", data)


def add(client: Client, group: NotificationGroup, *rows: ChargePoint, number: int, query: str = "", **more: Any) -> Any:
    confirmed = {"confirmed": "1", "number": number, "bulk-group": group.pk} | more
    return ask(client, "charge_points.add_to_group", *rows, query=query, **confirmed)


def members(group: NotificationGroup) -> list[str]:
    return sorted(group.charge_points.values_list("evse_id", flat=True))


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


# ---- asking ---------------------------------------------------------------------------------------------------------


def test_a_yes_is_asked_for_that_names_the_number(operator: Client, points: Any, group: Any) -> None:
    page = ask(operator, "charge_points.add_to_group", *points[:2]).content.decode()
    assert "Add 2 charge points to a group?" in page
    assert re.findall(r'name="number" value="(\d+)"', page) == ["2"]
    assert len(re.findall(r'name="row" value="\d+"', page)) == 2
    assert 'name="all"' not in page
    assert members(group) == []


def test_all_that_match_are_counted_exactly(operator: Client, points: Any) -> None:
    page = ask(operator, "charge_points.add_to_group", points[4], query="q=city:köln", all="1").content.decode()
    assert "Add 3 charge points to a group?" in page
    assert 'name="all" value="1"' in page
    assert f'action="{POINTS}?q=city%3Ak%C3%B6ln"' in page


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ({"rows": []}, "Select rows first."),
        ({"row": ["x", "²", "-1", "9" * 30]}, "Select rows first."),
        ({"row": [10**9]}, "Select rows first."),
        ({"all": "1", "query": "q=city:aachen"}, "Select rows first."),
        ({"all": "1", "query": "q=citty:köln"}, "Select rows first."),
        ({"action": "group_members.remove", "all": "1"}, "This cannot be done here."),
        ({"action": "", "all": "1"}, "This cannot be done here."),
    ],
)
def test_what_cannot_be_done_is_said(operator: Client, points: Any, what: dict[str, Any], says: str) -> None:
    data = {"do": "bulk", "action": "charge_points.add_to_group"} | what
    response = operator.post(f"{POINTS}?{what.get('query', '')}", data)
    assert (response.status_code, said(response)) == (302, [says])
    assert not Job.objects.exists()


def test_an_incomplete_form_is_asked_for_again(operator: Client, points: Any) -> None:
    response = ask(operator, "charge_points.add_to_group", points[0], confirmed="1", number=1)
    assert response.status_code == 422
    assert "This field is required." in response.content.decode()


def test_a_number_that_changed_meanwhile_is_asked_for_again(operator: Client, points: Any, group: Any) -> None:
    response = add(operator, group, number=3, query="q=city:bonn", all="1")
    assert "Meanwhile the number has changed." in response.content.decode()
    assert "Add 2 charge points" in response.content.decode()
    assert members(group) == []


def test_only_those_who_may_see_and_do_it(viewer: Client, operator: Client, points: Any, group: Any) -> None:
    assert 'value="charge_points.add_to_group"' not in viewer.get(POINTS).content.decode()
    assert add(viewer, group, points[0], number=1).status_code == 403
    page = operator.get(POINTS).content.decode()
    assert 'value="charge_points.add_to_group"' in page
    assert 'value="charge_points.tag"' not in page
    assert ask(operator, "charge_points.tag", points[0]).status_code == 403


# ---- doing ----------------------------------------------------------------------------------------------------------


def test_a_few_are_done_at_once(operator: Client, points: Any, group: Any, nudged: list[int]) -> None:
    response = add(operator, group, *points[:2], number=2, query="q=köln")
    assert response.headers["Location"] == f"{POINTS}?q=k%C3%B6ln"
    assert said(response) == ["2 charge points added to “West”."]
    assert members(group) == ["DE*TST*E0", "DE*TST*E1"]
    assert nudged == []
    job = Job.objects.defer("payload").get()
    assert (job.state, job.done, job.total) == (JobState.DONE, 2, 2)
    assert bytes(Job.objects.values_list("payload", flat=True)[0]) == b""


def test_those_that_were_in_it_are_not_counted(operator: Client, points: Any, group: Any) -> None:
    add(operator, group, points[0], number=1)
    assert said(add(operator, group, *points[:2], number=2))[-1:] == ["1 charge point added to “West”."]
    assert said(add(operator, group, *points[:2], number=2))[-1:] == ["All of them were in “West” already."]
    assert Undo.objects.count() == 2


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is much, and chunks are small."""
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    monkeypatch.setattr(jobs, "CHUNK", 2)


def start(client: Client, group: NotificationGroup, capture: Callable[..., Any]) -> Job:
    with capture(execute=True):
        response = add(client, group, number=5, all="1")
    job = Job.objects.defer("payload").get()
    assert response.headers["Location"] == f"/jobs/{job.pk}/"
    return job


def test_many_are_done_by_a_worker(
    operator: Client,
    points: Any,
    group: Any,
    few: None,
    nudged: list[int],
    django_capture_on_commit_callbacks: Any,
) -> None:
    job = start(operator, group, django_capture_on_commit_callbacks)
    assert nudged == [job.pk]
    assert "0 / 5" in operator.get(f"/jobs/{job.pk}/").content.decode()
    run_job(job_id=job.pk)
    page = operator.get(f"/jobs/{job.pk}/").content.decode()
    assert "5 charge points added to “West”." in page
    assert "Undo" in page
    assert len(members(group)) == 5


def test_progress_grows_chunk_by_chunk_and_a_second_worker_repeats_nothing(
    operator: Client,
    points: Any,
    group: Any,
    few: None,
    nudged: list[int],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    job = start(operator, group, django_capture_on_commit_callbacks)
    seen = []
    for done in (2, 4):
        with worker_dying(after=done):
            run_job(job_id=job.pk)
        job.refresh_from_db(fields=["done", "state"])
        seen.append((job.done, job.state, len(members(group))))
    assert seen == [(2, "running", 2), (4, "running", 4)]
    group.charge_points.clear()
    run_job(job_id=job.pk)
    run_job(job_id=job.pk)
    assert len(members(group)) == 1


def test_ids_are_frozen_at_the_yes(
    operator: Client, points: Any, group: Any, few: None, nudged: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    job = start(operator, group, django_capture_on_commit_callbacks)
    ChargePointFactory(evse_id="LATER")
    points[0].delete()
    run_job(job_id=job.pk)
    assert members(group) == ["DE*TST*E1", "DE*TST*E2", "DE*TST*E3", "DE*TST*E4"]


def test_work_that_nobody_took_is_nudged_again(
    operator: Client, points: Any, group: Any, few: None, nudged: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    job = start(operator, group, django_capture_on_commit_callbacks)
    nudged.clear()
    sweep(now=timezone.now())
    assert nudged == []
    later = timezone.now() + timedelta(minutes=1)
    sweep(now=later)
    assert nudged == [job.pk]
    run_job(job_id=job.pk)
    sweep(now=later)
    assert nudged == [job.pk]


@pytest.mark.parametrize("lost", ["permission", "account", "group"])
def test_work_that_may_no_longer_be_done_fails_and_says_so(
    operator: Client,
    points: Any,
    group: Any,
    few: None,
    nudged: list[int],
    lost: str,
    django_capture_on_commit_callbacks: Any,
) -> None:
    job = start(operator, group, django_capture_on_commit_callbacks)
    with worker_dying(after=2):
        run_job(job_id=job.pk)
    match lost:
        case "permission":
            User.objects.get(pk=str(job.created_by_id)).groups.clear()
        case "account":
            User.objects.update(is_active=False)
        case "group":
            group.delete()
    run_job(job_id=job.pk)
    job.refresh_from_db(fields=["state", "result"])
    assert job.state == JobState.FAILED
    assert "It ended after 2 of 5:" in job.result["message"]
    assert Undo.objects.get(pk=job.result["undo"]).is_open(timezone.now())


def test_an_unexpected_error_fails_the_job_and_is_raised(
    operator: Client,
    points: Any,
    group: Any,
    few: None,
    nudged: list[int],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    def broken(run: BulkRun) -> list[int]:
        raise RuntimeError("broken")

    job = start(operator, group, django_capture_on_commit_callbacks)
    action = BulkAction("charge_points.add_to_group", "x", "auth.view_user", broken, lambda n, a: "", lambda n, a: "")
    monkeypatch.setitem(
        bulk_actions, action.key, BulkAction(**(vars(action) | {"permission": "console.share_savedsearch"}))
    )
    with pytest.raises(RuntimeError):
        run_job(job_id=job.pk)
    job.refresh_from_db(fields=["state", "result"])
    assert job.state == JobState.FAILED
    assert "An unexpected error" in job.result["message"]
    assert "undo" not in job.result


def test_a_thousand_ids_cost_a_fixed_number_of_statements(operator: Client, group: Any) -> None:
    counts = []
    for number in (10, 150):
        points = [ChargePointFactory() for _ in range(number)]
        with CaptureQueriesContext(connection) as queries:
            assert "added" in said(add(operator, group, *points, number=number))[0]
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_who_did_it_is_in_the_audit_log(operator: Client, points: Any, group: Any) -> None:
    add(operator, group, *points[:2], number=2)
    entry = LogEntry.objects.latest("pk")
    assert entry.changes_dict["charge_points"]["objects"] == ["DE*TST*E0", "DE*TST*E1"]
    assert str(entry.actor_id) == operator.session["_auth_user_id"]


# ---- undo -----------------------------------------------------------------------------------------------------------


def test_what_was_added_is_taken_out_again_and_no_more(operator: Client, points: Any, group: Any) -> None:
    group.charge_points.add(points[0])
    add(operator, group, *points[:3], number=3)
    page = operator.get(POINTS).content.decode()
    assert "2 charge points added to “West”." in page
    undo = Undo.objects.get()
    response = operator.post(f"/undo/{undo.pk}/", {"next": POINTS})
    assert (response.headers["Location"], members(group)) == (POINTS, ["DE*TST*E0"])
    assert "possible for" not in operator.get(POINTS).content.decode()


def test_removal_in_bulk_is_undone(operator: Client, points: Any, group: Any) -> None:
    group.charge_points.set(points)
    url = f"/infrastructure/groups/{group.pk}/members/"
    data = {"do": "bulk", "action": "group_members.remove", "all": "1"}
    page = operator.post(f"{url}?city=Bonn", data).content.decode()
    assert "Remove 2 charge points from “West”?" in page
    operator.post(f"{url}?city=Bonn", data | {"confirmed": "1", "number": "2"})
    assert members(group) == ["DE*TST*E0", "DE*TST*E1", "DE*TST*E2"]
    operator.post(f"/undo/{Undo.objects.get().pk}/")
    assert len(members(group)) == 5


def test_removal_by_hand_is_undone(operator: Client, points: Any, group: Any) -> None:
    group.charge_points.set(points)
    operator.post(f"/infrastructure/groups/{group.pk}/members/remove/", {"charge_point": points[0].pk})
    assert len(members(group)) == 4
    operator.post(f"/undo/{Undo.objects.get().pk}/")
    assert len(members(group)) == 5


def test_undo_is_possible_once_for_ten_minutes_by_its_owner(
    operator: Client, administrator: Client, points: Any, group: Any
) -> None:
    add(operator, group, points[0], number=1)
    undo = Undo.objects.get()
    assert administrator.post(f"/undo/{undo.pk}/").status_code == 404
    owner = User.objects.get(pk=undo.created_by_id)
    later = timezone.now() + timedelta(minutes=10)
    assert not take_back(undo=undo, by=owner, now=later)
    assert len(members(group)) == 1
    assert take_back(undo=undo, by=owner, now=later - timedelta(seconds=5))
    assert not take_back(undo=undo, by=owner, now=timezone.now())
    assert said(operator.post(f"/undo/{undo.pk}/"))[-1].startswith("It is too late")


def test_undo_needs_the_permission_still(operator: Client, points: Any, group: Any) -> None:
    add(operator, group, points[0], number=1)
    undo = Undo.objects.get()
    undo.created_by.groups.clear()
    assert operator.post(f"/undo/{undo.pk}/").status_code == 403


def test_undo_of_a_group_that_is_gone_says_so(operator: Client, points: Any, group: Any) -> None:
    add(operator, group, points[0], number=1)
    group.delete()
    assert said(operator.post(f"/undo/{Undo.objects.get().pk}/"))[-1] == "The group is gone."
    assert Undo.objects.get().undone_at is None


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_undo_leads_nowhere_else(operator: Client, points: Any, group: Any, target: str) -> None:
    add(operator, group, points[0], number=1)
    assert operator.post(f"/undo/{Undo.objects.get().pk}/", {"next": target}).headers["Location"] == "/"


def test_ids_are_packed_as_the_database_packs_them() -> None:
    ids = [1, 2**40, 0, 7]
    assert unpacked(packed(ids)) == ids
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(int8send(x), ''::bytea ORDER BY n) FROM unnest(%s) WITH ORDINALITY u(x, n)", [ids]
        )
        assert bytes(cursor.fetchone()[0]) == packed(ids)


# ---- tags -----------------------------------------------------------------------------------------------------------


def tag(client: Client, *points: ChargePoint, **form: str) -> Any:
    sent = {f"bulk-{name}": value for name, value in form.items()}
    return ask(client, "charge_points.tag", *points, confirmed="1", number=len(points), **sent)


def test_tags_are_added_and_taken_away(administrator: Client, points: list[ChargePoint]) -> None:
    ChargePoint.objects.filter(pk=points[0].pk).update(tags=["old", "roof"])
    response = tag(administrator, *points[:2], add=" Roof, Deck 3;roof", drop="OLD")
    assert said(response) == ["The tags of 2 charge points are changed."]
    assert ChargePoint.objects.get(pk=points[0].pk).tags == ["roof", "deck 3"]
    assert ChargePoint.objects.get(pk=points[1].pk).tags == ["roof", "deck 3"]
    assert said(tag(administrator, *points[:2], add="roof"))[-1:] == ["All of them had these tags already."]
    entry = LogEntry.objects.filter(object_pk=str(points[0].pk)).latest("pk")
    assert entry.changes_dict == {"tags": ["old, roof", "roof, deck 3"]}


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({}, "Name a tag to add or to take away."),
        ({"add": " , ;"}, "Name a tag to add or to take away."),
        ({"add": "x" * 41}, "A tag has at most 40 characters."),
        ({"drop": "a\x00b"}, "Null characters are not allowed."),
    ],
)
def test_tags_that_cannot_be_are_said_so(administrator: Client, points: Any, form: dict[str, str], says: str) -> None:
    response = tag(administrator, points[0], **form)
    assert response.status_code == 422
    assert says in response.content.decode()


# ---- another app's action -------------------------------------------------------------------------------------------


def test_an_app_registers_an_action_in_a_few_lines() -> None:
    def refuse(run: BulkRun) -> list[int]:
        raise Refused(f"{len(run.ids)} for {run.by}: {run.arguments['why']}")

    action = BulkAction("tests.refuse", "Refuse", "console.share_savedsearch", refuse, lambda n, a: "", lambda n, a: "")
    register_bulk(action)
    try:
        by = UserFactory(username="berta", roles=["operator"])
        job = jobs.start_bulk(action=action, ids=packed([5, 6]), arguments={"why": "no"}, by=by, url="/", at_once=True)
    finally:
        del bulk_actions["tests.refuse"]
    assert (job.state, job.result["message"]) == (JobState.FAILED, "It ended after 0 of 2: 2 for berta: no")
