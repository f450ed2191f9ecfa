"""The audit log: every change made by a person or by a key, with who, from where, and what it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from pytest_django import Settings

from console.admin import ReadOnlyAdmin
from core.models import ApiKey
from tests.clock import NOW
from tests.conftest import ApiClient
from tests.factories.console import PASSWORD, UserFactory, make_key
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory

pytestmark = pytest.mark.django_db
# What the system writes: an administrator may only throw it away, and of a sign-in attempt that is audited.
NOT_REGISTERED = {
    "AccessAttempt",
    "AccessLog",
    "LogEntry",
    "UnknownChargePoint",
    "UnmappedReport",
    "GroupDraft",
    "CommandDraft",
}


def entries(**where: Any) -> list[LogEntry]:
    return list(LogEntry.objects.filter(**where).order_by("pk"))


def last() -> LogEntry:
    entry = LogEntry.objects.order_by("-pk").first()
    assert entry is not None
    return entry


def actor_of(client: Client) -> User:
    return User.objects.get(pk=client.session["_auth_user_id"])


# ---- by a person ------------------------------------------------------------------------------------------------


def test_a_change_in_the_console_names_the_person_and_the_address(administrator: Client) -> None:
    administrator.post("/api-keys/new/", {"name": "CSMS", "scopes": ["outbox:read"]}, REMOTE_ADDR="192.0.2.7")
    entry = last()
    assert (entry.action, entry.object_repr) == (LogEntry.Action.CREATE, "CSMS")
    assert entry.actor == actor_of(administrator)
    assert entry.remote_addr == "192.0.2.7"


def test_behind_a_proxy_the_address_is_the_persons(administrator: Client, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1
    key, _plain = make_key()
    administrator.post(f"/api-keys/{key.pk}/revoke/", headers={"X-Forwarded-For": "[2001:db8::7]:4711"})
    assert last().remote_addr == "2001:db8::7"


def test_without_an_address_the_person_is_still_named(administrator: Client) -> None:
    key, _plain = make_key()
    administrator.post(f"/api-keys/{key.pk}/revoke/", REMOTE_ADDR="")
    assert (last().actor, last().remote_addr) == (actor_of(administrator), None)


def test_a_change_in_the_django_admin_names_the_person(administrator: Client) -> None:
    group = Group.objects.get(name="viewer")
    administrator.post(f"/admin/auth/group/{group.pk}/change/", {"name": "watcher", "permissions": []})
    assert {entry.actor for entry in entries(object_repr="watcher")} == {actor_of(administrator)}
    assert any(entry.changes_dict.get("name") == ["viewer", "watcher"] for entry in entries(object_repr="watcher"))


def test_giving_a_role_is_a_readable_entry(administrator: Client) -> None:
    user = UserFactory(username="berta")
    fields = {
        "username": "berta",
        "is_active": "on",
        "groups": [Group.objects.get(name="operator").pk],
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
    }
    response = administrator.post(f"/admin/auth/user/{user.pk}/change/", fields)
    assert response.status_code == 302
    (change,) = [e.changes_dict["groups"] for e in entries(object_repr="berta") if "groups" in e.changes_dict]
    assert (change["type"], change["operation"], change["objects"]) == ("m2m", "add", ["operator"])


def test_a_password_is_never_in_the_log(administrator: Client) -> None:
    user = UserFactory(username="berta")
    new = {"password1": "battery-horse-correct", "password2": "battery-horse-correct", "usable_password": "true"}
    administrator.post(f"/admin/auth/user/{user.pk}/password/", new)
    user.refresh_from_db()
    assert user.check_password("battery-horse-correct")
    logged = json.dumps([entry.changes for entry in entries()])
    assert "password" in logged
    assert user.password not in logged
    assert "battery" not in logged


def test_signing_in_and_using_a_key_are_no_changes() -> None:
    UserFactory(username="anna")
    _key, plain = make_key()
    before = LogEntry.objects.count()
    Client().post("/sign-in/", {"username": "anna", "password": PASSWORD})
    ApiClient(plain).get("/event-kinds")
    assert LogEntry.objects.count() == before


def test_what_was_taken_back_leaves_no_entry() -> None:
    key, _plain = make_key()
    before = LogEntry.objects.count()
    with transaction.atomic():
        key.name = "other"
        key.save()
        assert LogEntry.objects.count() == before + 1
        transaction.set_rollback(True)
    assert LogEntry.objects.count() == before


def test_a_request_leaves_no_actor_behind(administrator: Client) -> None:
    make_key(name="before")
    administrator.post("/api-keys/new/", {"name": "during", "scopes": ["outbox:read"]})
    make_key(name="after")
    assert [entry.actor_id is None for entry in entries(content_type__model="apikey")] == [True, False, True]


# ---- by a key ---------------------------------------------------------------------------------------------------


def test_a_change_by_the_api_names_the_key() -> None:
    _key, plain = make_key(name="CSMS Rhineland")
    answer = ApiClient(plain).post("/charging/groups", {"name": "Köln"})
    for entry in entries(object_repr="Köln"):
        assert (entry.actor, entry.remote_addr, entry.cid) == (None, "127.0.0.1", answer["X-Request-ID"])
        assert entry.additional_data == {"api_key": "CSMS Rhineland"}


def test_two_keys_are_told_apart() -> None:
    clients = {name: ApiClient(make_key(name=name)[1]) for name in ("first", "second")}
    for name, client in clients.items():
        client.post("/charging/groups", {"name": f"of the {name}"})
    named = {e.object_repr: e.additional_data["api_key"] for e in entries(object_repr__startswith="of the")}
    assert named == {"of the first": "first", "of the second": "second"}


def test_many_members_are_one_entry_that_names_them() -> None:
    group = NotificationGroupFactory()
    ids = [ChargePointFactory(evse_id=f"DE*TST*M{n}").evse_id for n in range(3)]
    _key, plain = make_key(name="CSMS")
    before = LogEntry.objects.count()
    assert ApiClient(plain).put(f"/charging/groups/{group.pk}/members", {"charge_points": ids}).status_code == 200
    assert LogEntry.objects.count() == before + 1
    change = last().changes_dict["charge_points"]
    assert (change["operation"], sorted(change["objects"])) == ("add", ids)
    assert last().additional_data == {"api_key": "CSMS"}


def test_an_entry_of_very_many_members_counts_the_rest(api: ApiClient) -> None:
    group = NotificationGroupFactory()
    for _ in range(120):
        ChargePointFactory()
    api.put(f"/charging/groups/{group.pk}/members", {"q": "group:none"})
    names = last().changes_dict["charge_points"]["objects"]
    assert len(names) == 101
    assert names[-1] == "and 20 more"


# ---- what is watched --------------------------------------------------------------------------------------------


def test_whatever_an_administrator_can_change_is_watched() -> None:
    registered = [model for model in apps.get_models() if admin.site.is_registered(model)]
    changeable = {m for m in registered if not isinstance(admin.site.get_model_admin(m), ReadOnlyAdmin)}
    silent = {model.__name__ for model in changeable if not auditlog.contains(model)}
    assert silent == NOT_REGISTERED


def test_a_changed_schedule_is_an_entry_and_its_runs_are_none(administrator: Client) -> None:
    every = IntervalSchedule.objects.create(every=5, period=IntervalSchedule.SECONDS)
    task = PeriodicTask.objects.create(name="sweep", task="outbox.sweep", interval=every)
    before = LogEntry.objects.count()
    task.last_run_at, task.total_run_count = timezone.now(), 7
    task.save()
    assert LogEntry.objects.count() == before
    task.enabled = False
    task.save()
    assert last().changes_dict == {"enabled": [True, False]}


# ---- its page ---------------------------------------------------------------------------------------------------


@pytest.fixture
def changes(administrator: Client) -> None:
    administrator.post("/api-keys/new/", {"name": "by a person", "scopes": ["outbox:read"]})
    ApiClient(make_key(name="robot")[1]).post("/charging/groups", {"name": "by a key"})
    ApiKey.objects.get(name="robot").delete()


def test_the_page_shows_who_changed_what(administrator: Client, changes: None) -> None:
    page = administrator.get("/audit/").content.decode()
    assert actor_of(administrator).username in page
    assert "by a person" in page
    assert "robot" in page
    assert "by a key" in page


@pytest.fixture
def _at_nine() -> Iterator[None]:
    """No day begins between what is done and the search for it."""
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.mark.usefixtures("_at_nine")
@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ('what:"by a person"', 1),
        ("action:deleted", 1),
        ('action:created what:"by a"', 2),
        ("type:notificationgroup", 1),
        ("at:today type:apikey", 3),
        ("at:yesterday", 0),
        ('"by a key"', 1),
    ],
)
def test_the_page_can_be_searched(administrator: Client, changes: None, query: str, rows: int) -> None:
    assert administrator.get("/audit/", {"q": query}).context["page"].total == rows


def test_a_persons_entries_are_found_by_name(administrator: Client, changes: None) -> None:
    found = administrator.get("/audit/", {"q": f"who:{actor_of(administrator).username} action:created"})
    assert [row.object_repr for row in found.context["page"].rows] == ["by a person"]


def test_hostile_names_are_shown_as_text(administrator: Client, api: ApiClient) -> None:
    api.post("/charging/groups", {"name": "<script>alert(1)</script>"})
    page = administrator.get("/audit/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_log_and_its_file_show_from_where_and_in_which_request(administrator: Client) -> None:
    headers = {"X-Request-ID": "one-request-of-mine"}
    administrator.post(
        "/api-keys/new/", {"name": "CSMS", "scopes": ["outbox:read"]}, REMOTE_ADDR="192.0.2.7", headers=headers
    )
    told = (
        administrator.get("/audit/", {"q": 'request:"one-request-of-mine"'}).content.decode(),
        audit_file(administrator),
    )
    assert all("192.0.2.7" in text and text.count("one-request-of-mine") > 0 for text in told)
    assert "192.0.2.7" not in administrator.get("/audit/", {"q": "request:another"}).content.decode()


def audit_file(client: Client) -> str:
    answer: Any = client.get("/audit/", {"as": "csv"})
    return b"".join(answer.streaming_content).decode()
