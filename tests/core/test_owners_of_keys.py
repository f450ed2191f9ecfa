"""A key works as long as its owner may sign in; what would stop is said before, and can be taken over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from core import cache
from core.models import ApiKey
from core.services import create_api_key, revoke_api_key
from tests.conftest import ApiClient
from tests.factories.console import UserFactory

pytestmark = pytest.mark.django_db


def key_of(owner: User | None, name: str = "CSMS Rhineland", **more: Any) -> tuple[ApiKey, ApiClient]:
    key, plain = create_api_key(name=name, scopes=["outbox:read"], created_by=owner, **more)
    return key, ApiClient(plain)


def status(client: ApiClient) -> int:
    cache.clear()  # as in a process that did not see the change, a second later
    return int(client.get("/event-kinds").status_code)


def deactivate(client: Client, user: User, **more: str) -> Any:
    """The form of the Django admin, with the box "active" unticked."""
    page = client.get(f"/admin/auth/user/{user.pk}/change/")
    initial = {name: page.context["adminform"].form.get_initial_for_field(field, name) for name, field in _fields(page)}
    sent = {
        name: value for name, value in initial.items() if value not in (None, False, "", []) and name != "is_active"
    }
    joined = sent.pop("date_joined")
    sent |= {"date_joined_0": f"{joined:%Y-%m-%d}", "date_joined_1": f"{joined:%H:%M:%S}", "username": user.username}
    return client.post(f"/admin/auth/user/{user.pk}/change/", {k: v for k, v in sent.items() if k != "groups"} | more)


def _fields(page: Any) -> Any:
    return page.context["adminform"].form.fields.items()


def test_keys_of_somebody_who_may_not_sign_in_stop_and_work_again(administrator: Client) -> None:
    owner = UserFactory(username="leaver")
    _key, client = key_of(owner)
    assert status(client) == 200
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert status(client) == 401
    page = administrator.get("/api-keys/").text
    assert "stopped" in page
    assert "leaver" in page
    assert "stopped" in b"".join(administrator.get("/api-keys/?as=csv").streaming_content).decode()  # type: ignore[attr-defined]
    User.objects.filter(pk=owner.pk).update(is_active=True)
    assert status(client) == 200


def test_a_key_of_the_command_line_is_nobodys_and_works() -> None:
    assert status(key_of(None)[1]) == 200


def test_who_deactivates_somebody_reads_first_which_keys_stop(administrator: Client) -> None:
    owner = UserFactory(username="leaver")
    _key, client = key_of(owner)
    key_of(owner, "Expired", expires_at=timezone.now() - timedelta(days=1))
    revoke_api_key(key=key_of(owner, "Revoked")[0])
    asked = deactivate(administrator, owner)
    assert asked.status_code == 200
    assert "These API keys would stop: CSMS Rhineland." in asked.text
    assert status(client) == 200
    assert deactivate(administrator, owner, stop_keys="on").status_code == 302
    assert not User.objects.get(pk=owner.pk).is_active
    assert status(client) == 401


def test_somebody_without_keys_is_deactivated_without_a_question(administrator: Client) -> None:
    owner = UserFactory()
    assert deactivate(administrator, owner).status_code == 302
    assert not User.objects.get(pk=owner.pk).is_active


def test_who_takes_a_key_over_keeps_it_working(administrator: Client, operator: Client) -> None:
    owner = UserFactory()
    key, client = key_of(owner)
    User.objects.filter(pk=owner.pk).update(is_active=False)
    path = f"/api-keys/{key.pk}/take-over/"
    assert path in administrator.get("/api-keys/").text
    assert operator.post(path).status_code == 403
    assert "works as long as its owner may sign in" in administrator.get(path).text
    assert administrator.post(path).status_code == 302
    assert status(client) == 200
    key.refresh_from_db()
    assert str(key.created_by_id) == administrator.session["_auth_user_id"]
    assert LogEntry.objects.get_for_object(key).filter(changes__has_key="created_by").exists()


def test_keys_of_somebody_who_is_deleted_are_revoked_and_the_question_before_names_them(administrator: Client) -> None:
    owner = UserFactory()
    key, client = key_of(owner)
    question = administrator.get(f"/admin/auth/user/{owner.pk}/delete/")
    assert "API key “CSMS Rhineland” stops" in question.text
    administrator.post(f"/admin/auth/user/{owner.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(pk=owner.pk).exists()
    assert status(client) == 401
    key.refresh_from_db()
    assert key.revoked_at is not None
