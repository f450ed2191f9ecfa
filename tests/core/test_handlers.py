"""Machines' requests go another way through Django than people's, and are answered alike."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from django.conf import settings
from django.test import Client

from core.handlers import MACHINE_MIDDLEWARE, by_address
from tests.conftest import ApiClient

pytestmark = pytest.mark.django_db
HEARTBEAT = {"station": "NOBODY", "protocol": "ocpp1.6", "action": "Heartbeat", "payload": {}}
# Of machines alone, by what a person's answer is made of.
APART = {"X-Request-ID", "Content-Security-Policy", "RateLimit", "Vary"}


@pytest.mark.parametrize(
    ("method", "path", "body", "headers"),
    [
        ("POST", "/api/v1/charging/messages", HEARTBEAT, {}),
        ("POST", "/api/v1/charging/messages", b"{", {}),
        ("POST", "/api/v1/charging/messages", b"[" * 200_000, {}),
        ("POST", "/api/v1/charging/messages", {"station": 1}, {}),
        ("POST", "/api/v1/charging/messages", HEARTBEAT, {"Authorization": "Bearer nonsense"}),
        ("POST", "/api/v1/charging/messages/", HEARTBEAT, {}),
        ("DELETE", "/api/v1/charging/messages", None, {}),
        ("OPTIONS", "/api/v1/charging/messages", None, {}),
        ("GET", "/api/v1/charging/messages", None, {"Accept-Language": "de"}),
        ("GET", "/api/v1/charging/incidents?q=%22", None, {"Accept-Language": "fr"}),
        ("GET", "/api/v1/charging/incidents?q=%00", None, {}),
        ("HEAD", "/api/v1/charging/incidents", None, {}),
        ("GET", "/api/v1/nothing/at/all", None, {}),
        ("PUT", "/api/v1/charging/charge-points", [{"evse_id": "DE*A*E1*1", "station": "A", "connector": 1}], {}),
        ("POST", "/api/v1/charging/groups", {"name": "A", "emails": ["no address"]}, {}),
        ("POST", "/api/v1/vehicles/facts", {"vehicle": {"id": "v1"}}, {}),
        ("POST", "/api/v1/bikeshare/telemetry", {"box": "b1"}, {}),
        ("POST", "/api/v1/remotes/callbacks/none", {"remoteEvent": {}}, {}),
        ("POST", "/api/v1/charging/in/citrineos/none", HEARTBEAT, {}),
        ("GET", "/ocpi/versions", None, {"Authorization": "Token none"}),
    ],
)
def test_machines_and_people_get_the_same_answer(
    method: str, path: str, body: Any, headers: dict[str, str], api: ApiClient
) -> None:
    def asked(client: Client) -> tuple[int, bytes, dict[str, str]]:
        data = body if isinstance(body, bytes) else b"" if body is None else _json(body)
        answer = client.generic(method, path, data, "application/json", headers=api.headers | headers)
        return answer.status_code, answer.content, dict(answer.headers)

    status, content, told = asked(api.client)
    people_status, people_content, people_told = asked(Client())
    assert (status, _alike(content)) == (people_status, _alike(people_content))
    assert {name: told[name] for name in told.keys() - APART} == {
        name: people_told[name] for name in people_told.keys() - APART
    }
    assert "default-src 'none'" in told["Content-Security-Policy"]


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


def _alike(content: bytes) -> bytes:
    """Without the moment, and what was made the first time is there the second."""
    content = re.sub(rb'"timestamp":"[^"]+"', b"", content)
    return content.replace(b'"created":1', b'"created":0').replace(b'"updated":0', b'"updated":1')


def test_only_the_addresses_of_machines_go_their_way() -> None:
    application = by_address(lambda *_: [b"people"], lambda *_: [b"machines"])
    answers = {
        path: b"".join(application({"PATH_INFO": path}, print))
        for path in ("/", "/api/v1/charging/messages", "/ocpi/versions", "/api/v1/docs", "/apis", "/admin/")
    }
    assert answers == dict.fromkeys(answers, b"people") | {
        "/api/v1/charging/messages": b"machines",
        "/ocpi/versions": b"machines",
    }
    assert set(MACHINE_MIDDLEWARE) - {"core.middleware.NoPage"} <= set(settings.MIDDLEWARE)
