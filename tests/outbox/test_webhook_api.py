"""The API's webhook endpoints, by the contract."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.utils import timezone

from core.api import rfc3339
from outbox.choices import Channel, DeliveryState
from outbox.event_kinds import public_kinds
from outbox.models import Attempt, Delivery, WebhookEndpoint
from tests.conftest import ApiClient
from tests.outbox.hooks import endpoint_at, happened
from tests.outbox.test_api import fits

pytestmark = pytest.mark.django_db
URL, SHOWN = "https://hooks.example.com/in", "https://hooks.example.com/***"


def made(api: ApiClient, **more: Any) -> dict[str, Any]:
    answer = api.post("/webhooks", {"url": URL, "topics": ["test.*"]} | more)
    assert answer.status_code == 201, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_endpoint_is_made_read_changed_and_deleted(api: ApiClient) -> None:
    first = made(api, description="Hooks", condition="words:dark", headers={"X-Key": "k"}, contact="a@example.org")
    assert first.pop("secret").startswith("whsec_")
    number = first["id"]
    assert first | {"created_at": ""} == {
        "id": number,
        "url": URL,
        "topics": ["test.*"],
        "description": "Hooks",
        "condition": "words:dark",
        "header_names": ["X-Key"],
        "contact": "a@example.org",
        "personal_data": False,
        "enabled": True,
        "state": "enabled",
        "reason": "",
        "held_since": None,
        "failing_since": None,
        "created_at": "",
    }
    shown = first | {"url": SHOWN}
    assert api.get(f"/webhooks/{number}").json() == shown
    assert api.get("/webhooks").json()["items"] == [shown]
    changed = api.patch(f"/webhooks/{number}", {"topics": ["*"], "description": "New", "personal_data": True}).json()
    assert (changed["topics"], changed["description"], changed["header_names"]) == (["*"], "New", ["X-Key"])
    assert changed["personal_data"]
    assert api.delete(f"/webhooks/{number}").status_code == 204
    assert api.get(f"/webhooks/{number}").status_code == 404


def test_endpoint_with_personal_data_wants_a_key_that_may_read_it(
    api: ApiClient, api_with: Callable[..., ApiClient]
) -> None:
    short = api_with("outbox:read", "outbox:write")
    body = {"url": URL, "topics": ["test.*"], "personal_data": True}
    refused = short.post("/webhooks", body)
    assert refused.status_code == 403
    assert "bikeshare:read" in refused.json()["detail"]
    assert not WebhookEndpoint.objects.exists()
    assert api.post("/webhooks", body | {"personal_data": "perhaps"}).status_code == 422
    number = made(api, personal_data=True)["id"]
    for change in ({"url": f"{URL}/elsewhere"}, {"topics": ["*"]}, {"personal_data": True}):
        assert short.patch(f"/webhooks/{number}", change).status_code == 403, change
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.url, endpoint.topics, endpoint.personal_data) == (URL, ["test.*"], True)
    assert not short.patch(f"/webhooks/{number}", {"enabled": False}).json()["enabled"]
    assert not short.patch(f"/webhooks/{number}", {"url": f"{URL}/b", "personal_data": False}).json()["personal_data"]
    assert short.patch(f"/webhooks/{number}", {"personal_data": True}).status_code == 403


def test_secret_is_shown_once(api: ApiClient) -> None:
    number = made(api)["id"]
    for answer in (api.get("/webhooks"), api.get(f"/webhooks/{number}"), api.patch(f"/webhooks/{number}", {})):
        assert "whsec_" not in answer.content.decode()


def test_maker_of_the_key_owns_the_endpoint_and_the_key_is_audited(api: ApiClient) -> None:
    endpoint = WebhookEndpoint.objects.get(pk=made(api)["id"])
    entry = LogEntry.objects.get_for_object(endpoint).get()
    assert entry.additional_data["api_key"]


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({}, 422, "/url"),
        ({"url": URL}, 422, "/topics"),
        ({"url": URL, "topics": []}, 422, "/topics"),
        ({"url": URL, "topics": ["no.such"]}, 422, "/topics"),
        ({"url": "http://127.0.0.1/", "topics": ["*"]}, 422, "/url"),
        ({"url": "https://169.254.169.254/", "topics": ["*"]}, 422, "/url"),
        ({"url": "https://0x7f.1/", "topics": ["*"]}, 422, "/url"),
        ({"url": URL, "topics": ["*"], "condition": "severity:hot"}, 422, "/condition"),
        ({"url": URL, "topics": ["*"], "headers": {"Host": "x"}}, 422, "/headers"),
        ({"url": URL, "topics": ["*"], "contact": "x"}, 422, "/contact"),
        ({"url": URL, "topics": "*"}, 422, "/topics"),
        ({"url": 5, "topics": ["*"]}, 422, "/url"),
        ({"url": URL, "topics": ["*"], "enabled": "perhaps"}, 422, "/enabled"),
        ({"url": URL, "topics": ["*"], "headers": {"X": 5}}, 422, "/headers/X"),
    ],
)
def test_wrong_body_is_answered_with_a_pointer(api: ApiClient, body: Any, status: int, pointer: str) -> None:
    answer = api.post("/webhooks", body)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert not WebhookEndpoint.objects.exists()


def test_unknown_field_is_refused_by_its_name(api: ApiClient) -> None:
    answer = api.post("/webhooks", {"url": URL, "topics": ["test.*"], "descripton": "x"})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/descripton"
    assert "`description`" in error["detail"]
    assert not WebhookEndpoint.objects.exists()


def test_nul_is_no_error(api: ApiClient) -> None:
    assert made(api, description="a\x00b")["description"] == "ab"


def test_enabled_pauses_and_resumes(api: ApiClient) -> None:
    number = made(api, enabled=False)["id"]
    assert happened()[0].reason == "paused"
    resumed = api.patch(f"/webhooks/{number}", {"enabled": True}).json()
    assert (resumed["enabled"], resumed["held_since"]) == (True, None)
    paused = api.patch(f"/webhooks/{number}", {"enabled": False}).json()
    assert (paused["enabled"], paused["state"]) == (False, "paused")


def test_list_is_searched(api: ApiClient) -> None:
    made(api, description="Warehouse")
    made(api, url="https://other.example/", topics=["*"], enabled=False)

    def urls(q: str) -> list[str]:
        return [one["url"] for one in api.get(f"/webhooks?q={q}").json()["items"]]

    assert urls("warehouse") == [SHOWN]
    assert urls("state:paused") == ["https://other.example/"]
    assert urls("topic:test.*") == [SHOWN]
    assert api.get("/webhooks?q=colour:green").status_code == 422


def test_test_event_is_published_for_this_endpoint(api: ApiClient) -> None:
    number = made(api)["id"]
    answer = api.post(f"/webhooks/{number}/test")
    assert (answer.status_code, answer.json()["type"], answer.json()["state"]) == (202, "webhook.test", "pending")
    listed = api.get(f"/webhooks/{number}/deliveries").json()["items"]
    assert [one["id"] for one in listed] == [answer.json()["id"]]


def test_deliveries_tell_what_the_receiver_answered(api: ApiClient) -> None:
    endpoint, other = endpoint_at(URL), endpoint_at(URL)
    happened()
    delivery = Delivery.objects.get(list_key=endpoint.key)
    Attempt.objects.create(
        delivery=delivery, at=timezone.now(), duration_ms=12, verdict="failed", reason="rejected", code=404, answer="no"
    )
    (shown,) = api.get(f"/webhooks/{endpoint.pk}/deliveries").json()["items"]
    (attempt,) = shown["tries"]
    assert {name: attempt[name] for name in ("duration_ms", "verdict", "reason", "status", "answer")} == {
        "duration_ms": 12,
        "verdict": "failed",
        "reason": "rejected",
        "status": 404,
        "answer": "no",
    }
    assert api.get(f"/webhooks/{other.pk}/deliveries").json()["items"][0]["tries"] == []


def test_rotation_answers_with_the_new_secret(api: ApiClient) -> None:
    first = made(api)
    answer = api.post(f"/webhooks/{first['id']}/rotate").json()
    assert answer["secret"].startswith("whsec_")
    assert answer["secret"] != first["secret"]
    assert answer["old_expires_at"] > (rfc3339(timezone.now() + timedelta(hours=23)) or "")


def test_replay_takes_a_range(api: ApiClient) -> None:
    number = made(api)["id"]
    happened(3)
    Delivery.objects.filter(channel=Channel.WEBHOOK).update(state=DeliveryState.FAILED, next_attempt_at=None)
    since = rfc3339(timezone.now() - timedelta(hours=1))
    answer = api.post(f"/webhooks/{number}/replay", {"since": since, "only_failed": True})
    assert (answer.status_code, answer.json()) == (202, {"replayed": 3})
    assert api.post(f"/webhooks/{number}/replay", {"since": since, "until": since}).status_code == 422
    assert api.post(f"/webhooks/{number}/replay", {"since": "2026-11-21T05:40:00"}).status_code == 422  # no offset
    assert api.post(f"/webhooks/{number}/replay", {}).json()["errors"][0]["pointer"] == "/since"
    api.patch(f"/webhooks/{number}", {"enabled": False})
    refused = api.post(f"/webhooks/{number}/replay", {"since": since})
    assert (refused.status_code, "resume" in refused.json()["detail"]) == (409, True)


def test_retry_of_a_webhook_sends_it_again_also_when_it_was_delivered(api: ApiClient) -> None:
    endpoint = endpoint_at(URL)
    (delivery,) = happened()
    path = f"/deliveries/{delivery.pk}/retry"
    assert api.post(path).status_code == 409  # it waits
    Delivery.objects.update(state=DeliveryState.DELIVERED, next_attempt_at=None)
    assert api.post(path).json()["state"] == "retrying"
    Delivery.objects.update(state=DeliveryState.FAILED)
    api.patch(f"/webhooks/{endpoint.pk}", {"enabled": False})
    assert "paused" in api.post(path).json()["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/test"),
        ("POST", "/rotate"),
        ("GET", "/deliveries"),
        ("POST", "/replay"),
    ],
)
def test_endpoint_that_is_not_there_is_404(api: ApiClient, method: str, path: str) -> None:
    body = {"PATCH": {"description": "x"}, "POST": {"since": "2026-11-21T05:40:00Z"}}.get(method)
    assert api.call(method, f"/webhooks/99{path}", body).status_code == 404


def test_scopes_are_asked_for(api_with: Callable[..., ApiClient]) -> None:
    reader = api_with("outbox:read")
    assert reader.get("/webhooks").status_code == 200
    assert reader.post("/webhooks", {"url": URL, "topics": ["*"]}).status_code == 403
    assert api_with().get("/webhooks").status_code == 401


# ---- the document -------------------------------------------------------------------------------------------------


def test_openapi_lists_every_kind_with_schema_and_example(api: ApiClient) -> None:
    from config.api import api as ninja

    # Not those that other tests registered after the document was made.
    registered = {kind.key: kind for kind in public_kinds() if not kind.key.startswith("test.")}
    webhooks = ninja.get_openapi_schema()["webhooks"]
    assert {key for key in webhooks if not key.startswith("test.")} == set(registered)
    for key, kind in registered.items():
        content = webhooks[key]["post"]["requestBody"]["content"]["application/json"]
        assert content["example"]["type"] == key
        assert content["example"]["data"] == kind.example_data()
        assert content["schema"]["properties"]["data"]["type"] == "object"
        assert fits(content["example"]["data"], content["schema"]["properties"]["data"], {})
        assert content["schema"]["properties"]["type"] == {"const": key}
        assert "$ref" not in str(content["schema"])
        assert str(kind.label) == webhooks[key]["post"]["summary"]
    served = api.client.get("/api/v1/openapi.json").json()["webhooks"]
    assert {key for key in served if not key.startswith("test.")} == set(registered)
