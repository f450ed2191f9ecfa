"""Error pages for people, and problem documents in their place for machines."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import Settings

from config import urls
from core.permissions import public

pytestmark = pytest.mark.django_db


def _broken(request: HttpRequest) -> HttpResponse:
    raise KeyError("the-name-of-our-bug")


def _suspicious(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation("the-name-of-our-suspicion")


@pytest.fixture
def breaking(settings: Settings) -> None:
    """The project with two more pages, which fail."""
    more = [path(f"{prefix}broken/", public(_broken)) for prefix in ("", "api/")]
    more += [path(f"{prefix}suspicious/", public(_suspicious)) for prefix in ("", "api/")]
    handlers = {name: getattr(urls, name) for name in ("handler400", "handler403", "handler404", "handler500")}
    settings.ROOT_URLCONF = type("urls", (), {"urlpatterns": [*more, *urls.urlpatterns], **handlers})


@pytest.fixture
def visitor() -> Client:
    return Client(raise_request_exception=False)


def page(response: Any, status: int) -> str:
    assert response.status_code == status
    assert response["Content-Type"] == "text/html; charset=utf-8"
    text: str = response.content.decode()
    assert f'<p class="error-status">{status}</p>' in text
    return text


def test_a_page_that_is_not_there(visitor: Client) -> None:
    assert "There is no such page" in page(visitor.get("/nothing-here/"), 404)


def test_a_thing_that_is_gone(administrator: Client) -> None:
    for url in ("/api-keys/7654321/revoke/", "/jobs/7654321/", "/jobs/99999999999999999999999/"):
        assert "what it showed is gone" in page(administrator.get(url), 404)


def test_a_page_that_ones_role_does_not_include(nobody: Client) -> None:
    assert "Ask an administrator if you need it" in page(nobody.get("/audit/"), 403)


def test_a_form_that_came_from_elsewhere(visitor: Client) -> None:
    response = Client(enforce_csrf_checks=True).post("/theme/", {"theme": "dark"})
    assert "too old or came from elsewhere" in page(response, 403)


def test_a_request_that_cannot_be_read(breaking: None, visitor: Client) -> None:
    text = page(visitor.get("/suspicious/"), 400)
    assert "could not read this request" in text
    assert "suspicion" not in text


def test_a_host_that_is_not_ours(visitor: Client) -> None:
    for path_ in ("/", "/healthz", "/api/v1/events"):
        assert visitor.get(path_, headers={"Host": "evil.example"}).status_code == 400


def test_a_bug_shows_how_to_find_it_and_nothing_of_it(breaking: None, visitor: Client) -> None:
    response = visitor.get("/broken/")
    text = page(response, 500)
    assert "X-Request-ID" in text
    assert response["X-Request-ID"]
    assert "the-name-of-our-bug" not in text


def test_pages_that_fail_do_so_for_machines_too(breaking: None, visitor: Client) -> None:
    for path_, status in (("/api/broken/", 500), ("/api/suspicious/", 400), ("/api/nothing/", 404)):
        response = visitor.get(path_)
        assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
        assert response.json()["status"] == status


def test_a_stranger_on_an_error_page_is_offered_the_sign_in(visitor: Client, viewer: Client) -> None:
    stranger, known = (page(client.get("/nothing-here/"), 404) for client in (visitor, viewer))
    assert 'href="/sign-in/"' in stranger
    assert "Sign out" not in stranger
    assert "Sign out" in known
    assert "Incidents" in known


@pytest.mark.parametrize("language", ["en", "de", "fr", "xx", "*", "\x00"])
def test_no_language_breaks_a_page(visitor: Client, language: str) -> None:
    page(visitor.get("/nothing-here/", headers={"Accept-Language": language}), 404)


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Berlin",
        "Europe%2FBerlin",
        "Etc%2FGMT%2B5",
        "Mars/Base",
        "../../etc/passwd",
        "Europe",
        "%00",
        "x" * 3000,
        "/etc/localtime",
        "é",
        "",
    ],
)
def test_no_zone_breaks_a_page(viewer: Client, zone: str) -> None:
    viewer.cookies["signalbox_tz"] = zone
    assert viewer.get("/account/").status_code == 200


@pytest.mark.parametrize(
    ("path_", "status"),
    [
        ("/%00", 404),
        ("/%FF%FE", 404),
        ("/../etc/passwd", 404),
        ("/" + "x" * 5000, 404),
        ("/audit", 301),
        ("/infrastructure/groups/²/", 404),
        ("/outbox/unsubscribe/x/", 404),
        ("/outbox/unsubscribe/%00/", 404),
    ],
)
def test_no_address_breaks_anything(visitor: Client, path_: str, status: int) -> None:
    assert visitor.get(path_).status_code == status


# ---- theme and language -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "followed"),
    [
        ("/audit/?q=a", "/audit/?q=a"),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
        ("", "/"),
        ("foo", "/"),
        ("console:sign_out", "/"),
        ("javascript:alert(1)", "/"),
        ("\x00", "/"),
    ],
)
def test_a_chosen_theme_leads_back(visitor: Client, target: str, followed: str) -> None:
    response = visitor.post("/theme/", {"theme": "dark", "next": target})
    assert (response.status_code, response["Location"]) == (302, followed)
    assert response.cookies["signalbox_theme"].value == "dark"


def test_the_theme_is_one_of_three(visitor: Client) -> None:
    for given, kept in (("light", "light"), ("auto", "auto"), ('"><script>', "auto")):
        visitor.post("/theme/", {"theme": given})
        assert f'data-theme="{kept}"' in visitor.get("/sign-in/").content.decode()
    visitor.cookies["signalbox_theme"] = "neon"
    assert 'data-theme="auto"' in visitor.get("/sign-in/").content.decode()


def test_a_chosen_language_is_kept(viewer: Client) -> None:
    viewer.post("/language/", {"language": "de", "next": "/account/"})
    assert '<html lang="de"' in viewer.get("/account/").content.decode()
