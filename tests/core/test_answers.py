"""What answers say beside their content: who may keep them, what is told to strangers, and that a file is whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from console.lists.export import csv_answer
from core.services import show_life
from infra_notifications.views import charge_points
from outbox.services.mailing_lists.leaving import unsubscribe_url
from tests.core.test_settings import settings_of, start
from tests.factories.console import PASSWORD, UserFactory, make_key
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory
from tests.infra_notifications.pages import url

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/", "/infrastructure/charge-points/", url("unknown") + "?as=csv", "/account/"])
def test_nobody_keeps_what_a_person_saw(viewer: Client, path: str) -> None:
    answer = viewer.get(path)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("path", ["/api/v1/event-kinds", "/api/v1/nothing", "/api/v1/charging/groups"])
def test_nobody_keeps_what_a_machine_read(client: Client, path: str) -> None:
    for headers in ({"Authorization": f"Bearer {make_key()[1]}"}, {}):
        assert "no-store" in client.get(path, headers=headers)["Cache-Control"]


def test_static_files_are_kept(client: Client) -> None:
    assert "no-store" not in client.get("/static/js/theme.js")["Cache-Control"]


def test_signing_out_clears_what_the_browser_kept(viewer: Client) -> None:
    assert viewer.post("/sign-out/")["Clear-Site-Data"] == '"cache", "storage"'


def test_cookies_belong_to_one_host_where_there_is_tls(tmp_path: Any) -> None:
    code = "from config import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME)"
    assert start(tmp_path, "-c", code, PUBLIC_URL="https://x.example").stdout.split() == [
        "__Host-signalbox_session",
        "__Host-signalbox_csrf",
    ]
    assert start(tmp_path, "-c", code, PUBLIC_URL="http://x.example").stdout.split()[0] == "signalbox_session"


def test_such_cookies_have_what_browsers_ask_of_them(settings: Settings) -> None:
    settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE = "__Host-signalbox_session", True
    user: User = UserFactory(username="anna")
    answer = Client().post("/sign-in/", {"username": user.username, "password": PASSWORD}, secure=True)
    cookie = answer.cookies["__Host-signalbox_session"]
    assert cookie["secure"]
    assert cookie["path"] == "/"
    assert not cookie["domain"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "max-age=31536000; includeSubDomains"),
        ({"HSTS_INCLUDE_SUBDOMAINS": "false"}, "max-age=31536000"),
        ({"HSTS_PRELOAD": "true", "HSTS_S": "63072000"}, "max-age=63072000; includeSubDomains; preload"),
        ({"HSTS_S": "0"}, None),
    ],
)
def test_how_browsers_insist_on_tls_is_a_setting(
    settings: Settings, tmp_path: Any, given: dict[str, str], expected: str | None
) -> None:
    names = ("SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD")
    for name, value in settings_of(tmp_path, *names, PUBLIC_URL="https://x.example", **given).items():
        setattr(settings, name, value)
    assert Client().get("/healthz", secure=True).get("Strict-Transport-Security") == expected


@pytest.mark.parametrize("path", ["/api/v1/charging/messages", "/api/v1/nothing", "/ocpi/versions"])
def test_a_machine_without_tls_is_refused_and_not_sent_elsewhere(settings: Settings, path: str) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = Client().post(path, b"{}", content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
    assert "https://" in answer.json()["detail"]
    assert "Location" not in answer.headers
    page = Client().get("/sign-in/")
    assert (page.status_code, page["Location"]) == (301, "https://testserver/sign-in/")


def test_strangers_read_whether_it_is_ready_and_no_more(administrator: Client) -> None:
    for part in ("worker", "beat"):
        show_life(part=part, now=timezone.now())
    assert Client(REMOTE_ADDR="192.0.2.1").get("/readyz").json() == {"ready": True}
    watching = {"Authorization": f"Bearer {make_key('outbox:read')[1]}"}
    assert "checks" in Client(REMOTE_ADDR="192.0.2.1").get("/readyz", headers=watching).json()
    assert "checks" in administrator.get("/readyz", REMOTE_ADDR="192.0.2.1").json()


def test_the_document_of_the_api_is_built_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    first = client.get("/api/v1/openapi.json")

    def built(*_: object, **__: object) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr("ninja.NinjaAPI.get_openapi_schema", built)
    assert client.get("/api/v1/openapi.json").content == first.content


# ---- leaving a list -------------------------------------------------------------------------------------------------


@pytest.fixture
def leaving() -> str:
    group = NotificationGroupFactory()
    return "/outbox/" + unsubscribe_url(f"notification_group:{group.pk}", "anna@example.org").split("/outbox/")[1]


def test_no_search_engine_lists_the_page_that_leaves_a_list(client: Client, leaving: str) -> None:
    for answer in (client.get(leaving), client.post(leaving)):
        assert answer.status_code == 200
        assert answer["X-Robots-Tag"] == "noindex, nofollow"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_a_list_is_left_by_post_alone(client: Client, leaving: str, method: str) -> None:
    assert client.generic(method, leaving).status_code == 405


# ---- files ----------------------------------------------------------------------------------------------------------


def test_a_file_says_how_long_it_is(viewer: Client) -> None:
    ChargePointFactory.create_batch(3)
    for path in (url("charge_points_csv"), url("unknown") + "?as=csv"):
        answer: Any = viewer.get(path)
        assert int(answer["Content-Length"]) == len(b"".join(answer.streaming_content))


def test_a_file_that_fails_is_no_file(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    ChargePointFactory.create_batch(3)

    def failing(*_: object) -> Iterator[str]:
        yield "evse_id\n"
        raise RuntimeError("the database went away")

    monkeypatch.setattr(charge_points, "_csv_lines", failing)
    viewer.raise_request_exception = False
    assert viewer.get(url("charge_points_csv")).status_code == 500


def test_a_large_file_does_not_stay_in_memory(settings: Settings, tmp_path: Any) -> None:
    settings.VAR_DIR = tmp_path
    answer: Any = csv_answer("x.csv", ("y" * 100_000 for _ in range(60)))
    blocks = list(answer.streaming_content)
    assert sum(map(len, blocks)) == 6_000_000
    assert max(map(len, blocks)) <= 256 * 1024
    answer.close()
    assert not any(tmp_path.iterdir())
