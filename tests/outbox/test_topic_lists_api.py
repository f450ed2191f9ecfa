"""Topic lists for machines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry

from core.api import rfc3339
from outbox.models import Delivery, TopicList
from tests.clock import NOW
from tests.conftest import ApiClient
from tests.outbox.topic_kit import ADDRESS, SILENT, a_list, happening, happens, tell

pytestmark = pytest.mark.django_db
LIST = {"name": "Werkstatt", "topics": ["test.*"], "emails": [ADDRESS], "condition": "title:fuse"}


def test_list_is_made_read_changed_and_deleted(api: ApiClient) -> None:
    made = api.post("/topic-lists", LIST)
    assert made.status_code == 201
    body = made.json()
    assert body | {"id": 0, "created_at": ""} == {
        "id": 0,
        "name": "Werkstatt",
        "description": "",
        "domain": "",
        "topics": ["test.*"],
        "condition": "title:fuse",
        "emails": [ADDRESS],
        "language": "en",
        "enabled": True,
        "gather_s": 60,
        "last_told_at": None,
        "created_at": "",
    }
    path = f"/topic-lists/{body['id']}"
    assert api.get(path).json() == body
    changed = api.patch(path, {"enabled": False, "emails": [], "topics": [SILENT]})
    assert changed.json() == body | {"enabled": False, "emails": [], "topics": [SILENT]}
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"topics": []}, "/topics"),
        ({"topics": ["test.silnt"]}, "/topics"),
        ({"topics": None}, "/topics"),
        ({"condition": "citty:x"}, "/condition"),
        ({"domain": "nowhere"}, "/domain"),
        ({"language": "xx"}, "/language"),
        ({"gather_s": -1}, "/gather_s"),
        ({"gather_s": 10**30}, "/gather_s"),
        ({"emails": ["nobody"]}, "/emails"),
        ({"emails": ["a@example.org"] * 201}, "/emails"),
    ],
)
def test_what_is_wrong_is_named_by_its_pointer(api: ApiClient, change: dict[str, Any], pointer: str) -> None:
    response = api.post("/topic-lists", LIST | change)
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


def test_taken_name_is_a_conflict(api: ApiClient) -> None:
    a_list(name="WERKSTATT")
    other = a_list()
    assert api.post("/topic-lists", LIST).status_code == 409
    assert api.patch(f"/topic-lists/{other.pk}", {"name": "werkstatt"}).status_code == 409


def test_lists_are_found_page_by_page(api: ApiClient) -> None:
    for n in range(3):
        a_list(name=f"List {n}", enabled=n != 1)
    first = api.get("/topic-lists?limit=2").json()
    rest = api.get(f"/topic-lists?limit=2&cursor={first['next']}").json()
    assert [one["name"] for one in first["items"] + rest["items"]] == ["List 0", "List 1", "List 2"]
    assert rest["next"] is None
    assert [one["name"] for one in api.get("/topic-lists?q=enabled:no").json()["items"]] == ["List 1"]
    assert api.get("/topic-lists?q=nosuch:x").status_code == 422


def test_what_was_not_told_is_listed_with_its_reason(api: ApiClient) -> None:
    found = a_list(condition="title:fuse")
    happens(happening("fuse"))
    tell()
    (pk,) = happens(happening("fuse"), seconds=5)
    happens(happening("other"), seconds=5)
    items = api.get(f"/topic-lists/{found.pk}/untold").json()["items"]
    assert [(one["state"], one["reason"]) for one in items] == [("skipped", "condition"), ("waiting", "gathered")]
    waiting = items[1]
    assert (waiting["type"], waiting["due_at"]) == (SILENT, rfc3339(NOW + timedelta(minutes=1)))
    assert waiting["event"] == found.notices.get(event_id=pk).event.public_id
    assert len(api.get(f"/topic-lists/{found.pk}/untold?q=state:waiting").json()["items"]) == 1
    assert api.get("/topic-lists/0/untold").status_code == 404


def test_test_mail_is_on_its_way(api: ApiClient) -> None:
    found = a_list()
    response = api.post(f"/topic-lists/{found.pk}/test")
    assert response.status_code == 202
    assert Delivery.objects.get().event.public_id == response.json()["event"]


def test_test_of_a_list_without_addresses_is_refused(api: ApiClient) -> None:
    assert api.post(f"/topic-lists/{a_list(emails=()).pk}/test").status_code == 422


def test_audit_log_names_the_key(api: ApiClient) -> None:
    api.post("/topic-lists", LIST)
    entries = LogEntry.objects.get_for_object(TopicList.objects.get())
    assert {entry.additional_data["api_key"] for entry in entries} == {"key 1"}


def test_reading_key_changes_nothing(api_with: Callable[..., ApiClient]) -> None:
    found = a_list()
    reader = api_with("outbox:read")
    assert reader.get(f"/topic-lists/{found.pk}").status_code == 200
    assert reader.patch(f"/topic-lists/{found.pk}", {"enabled": False}).status_code == 403
    assert reader.post(f"/topic-lists/{found.pk}/test").status_code == 403
