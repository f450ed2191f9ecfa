"""The strict Content-Security-Policy on every page, and no page that would need less."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client

from tests.console.walk import all_routes, ask, path_of
from tests.factories.everything import World

pytestmark = pytest.mark.django_db
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "frame-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
}
# The mail as its receiver sees it, in a sandboxed frame of our own page: its styles stand in the mail.
MAIL = "outbox:delivery_preview"
# Says 503 where a part is missing, as here every process is.
HEALTH = {"console:readyz", "console:healthz_full"}
# Whoever has this address may use it: it is told to nobody, not even to ourselves.
SECRET = {"infra_notifications:mail_acknowledge", "outbox:unsubscribe"}
# Redirected by SecurityMiddleware or answered by it before the policy is added; a redirect shows nothing.
TEMPLATES = [p for p in Path(settings.BASE_DIR, "templates").rglob("*.html") if "mail" not in p.parts]


class Offences(HTMLParser):
    """What a page must not hold: inline scripts, styles and handlers, and whatever comes from elsewhere."""

    VOID = ("src", "href", "action", "formaction", "data", "poster")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._script = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._script = tag == "script" and "src" not in given and given.get("type") != "application/json"
        if tag == "style":
            self.found.append("<style>")
        self.found += [f"<{tag} {name}>" for name in given if name.startswith(("on", "hx-on")) or name == "style"]
        self.found += [
            f"<{tag} {name}={given[name]}>" for name in given if given[name].lower().startswith("javascript:")
        ]
        for name in ("src", "href", "action", "formaction"):
            elsewhere = given.get(name, "").startswith(("http://", "https://", "//"))
            if elsewhere and not (tag == "a" and name == "href"):
                self.found.append(f"<{tag} {name}={given[name]}>")
        if given.get("hx-vals", "").startswith(("js:", "javascript:")) or "[" in given.get("hx-trigger", ""):
            self.found.append(f"<{tag}> asks htmx to evaluate")

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.found.append(f"<script> {data.strip()[:40]}")

    def handle_endtag(self, tag: str) -> None:
        self._script = False


# A script with what it holds, or the beginning of another element; values may hold a `>`.
_PART = re.compile(r"<script\b.*?</script\s*>|<[a-z](?:\"[^\"]*\"|'[^']*'|[^'\">])*>", re.IGNORECASE | re.DOTALL)


@cache
def offences_of_part(part: str) -> tuple[str, ...]:
    return tuple(Offences(part).found)


def offences(page: str) -> list[str]:
    """As `Offences`, which looks but once at what stands on many pages."""
    return [offence for part in dict.fromkeys(_PART.findall(page)) for offence in offences_of_part(part)]


def policy_of(response: Any) -> set[str]:
    return {part.strip() for part in response.headers.get("Content-Security-Policy", "").split(";")}


@pytest.fixture
def pages(world: World, owner: User) -> Iterator[tuple[str, Any]]:
    """Every page of the project as a stranger and as an administrator sees it."""
    administrator, stranger = Client(raise_request_exception=False), Client(raise_request_exception=False)
    administrator.force_login(owner, "django.contrib.auth.backends.ModelBackend")

    def walk() -> Iterator[tuple[str, Any]]:
        for route in all_routes():
            if route.is_api and route.name != "api:openapi-view":
                continue
            for client in (administrator, stranger):
                yield route.name, ask(client, "GET", path_of(route, world))

    return walk()


def test_every_page_has_the_strict_policy_and_nothing_that_breaks_it(pages: Iterator[tuple[str, Any]]) -> None:
    seen = 0
    for name, response in pages:
        # A mail's preview has a policy of its own; the others are machines' doors.
        is_machines = name in ("remote_callback", "platform_webhook", "ocpi", "citrineos")
        if (name == MAIL and response.status_code == 200) or is_machines:
            continue
        assert response.status_code < 500 or name in HEALTH, name
        assert policy_of(response) == POLICY, name
        assert response["X-Content-Type-Options"] == "nosniff", name
        assert response["X-Frame-Options"] == "DENY", name
        assert response["Referrer-Policy"] == ("no-referrer" if name in SECRET else "same-origin"), name
        if response.headers.get("Content-Type", "").startswith("text/html") and not response.streaming:
            assert offences(response.content.decode()) == [], name
            seen += bool(response.content)
    assert seen > 100


def test_the_sidebar_of_the_admin_does_not_break_it_either(
    administrator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin.site, "enable_nav_sidebar", True)
    page = administrator.get("/admin/auth/group/").content.decode()
    assert 'id="nav-sidebar"' in page
    assert Offences(page).found == []


def test_the_mail_preview_is_a_sandbox_without_scripts(world: World, owner: User) -> None:
    client = Client()
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    route = next(route for route in all_routes() if route.name == MAIL)
    response = client.get(path_of(route, world))
    parts = policy_of(response)
    assert "default-src 'none'" in parts
    assert "frame-ancestors 'self'" in parts
    assert any(part.startswith("sandbox") and "allow-scripts" not in part for part in parts)
    assert not any(part.startswith("script-src") for part in parts)
    assert "<script" not in response.content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/nothing-here/",
        "/sign-in/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/v1/nothing",
        "/api/v1/charging/groups",
        "/api/v1/docs",
        "/static/nothing.css",
    ],
)
def test_errors_and_machines_have_it_too(client: Client, path: str) -> None:
    assert policy_of(client.get(path)) == POLICY


def test_refusals_have_it_too(client: Client, nobody: Client) -> None:
    assert policy_of(nobody.get("/audit/")) == POLICY
    assert policy_of(client.get("/", headers={"Host": "evil.example"})) == POLICY
    assert policy_of(Client(enforce_csrf_checks=True).post("/sign-in/")) == POLICY


def test_no_template_holds_inline_code_in_any_of_its_branches() -> None:
    assert len(TEMPLATES) > 200
    assert {path: found for path in TEMPLATES if (found := Offences(path.read_text()).found)} == {}


def test_scripts_and_styles_are_served_from_here(client: Client) -> None:
    page = client.get("/sign-in/").content.decode()
    paths = {path for path in re.findall(r'(?:src|href)="([^"]+)"', page) if path.startswith("/static/")}
    assert len(paths) > 5
    for path in paths:
        assert client.get(path).status_code == 200, path


def test_our_own_scripts_evaluate_nothing() -> None:
    for script in Path(settings.BASE_DIR, "static", "js").glob("*.js"):
        text = script.read_text()
        assert not any(word in text for word in ("eval(", "new Function", "innerHTML =", "document.write", ".onclick"))


def test_the_policy_can_be_broken_only_knowingly() -> None:
    page = '<a onclick="x()" href="javascript:x"></a><p style="a"></p><script>x</script><img src="//e.example">'
    fine = '<script src="/a.js"></script><a href="https://e.example" title="a > b">x</a>'
    for judge in (offences, lambda html: Offences(html).found):
        assert len(judge(page)) == 5
        assert judge(fine) == []
