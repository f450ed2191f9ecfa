"""One running installation with the demo's data, and one Chromium, for all browser tests of a session."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.live import Live, running

ROLES = ("operator", "admin", "viewer")
PASSWORD = "correct-horse-battery"
# More than a request does at once, in a town of their own.
MANY = 450
# A browser on a busy machine may halt for seconds; nothing waits longer than it must.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS / 2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("browser"), "web", "worker", DEMO="true") as found:
        found.manage("load_demo", "--logins", json.dumps(dict.fromkeys(ROLES, PASSWORD)))
        rows = [
            {"evse_id": f"DE*MNY*E{n:04d}*1", "station": f"MNY-{n:04d}", "connector": 1, "city": "Vielstadt"}
            for n in range(MANY)
        ]
        found.api("PUT", "/charging/charge-points", rows)
        yield found


@pytest.fixture(scope="session")
def signed_in(live: Live, browser: Browser) -> dict[str, Any]:
    """The cookies of each role, from a real sign-in."""
    states = {}
    for role in ROLES:
        context = browser.new_context(base_url=f"http://127.0.0.1:{live.port}")
        page = context.new_page()
        page.goto("/sign-in/")
        sign_in(page, role)
        states[role] = context.storage_state()
        context.close()
    return states


def sign_in(page: Page, role: str) -> None:
    page.get_by_label("Username").fill(role)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in/" not in url)


@dataclass
class Watch:
    """What the browser complained of: errors of scripts, of the Content-Security-Policy, of the server."""

    complaints: list[str] = field(default_factory=list)

    def page(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        # A form that is refused (422) and a lost connection are what some tests are about.
        lost = ("ERR_INTERNET_DISCONNECTED", "htmx:sendError", "htmx:afterRequest")
        expected = ("status of 422", "status of 401", *lost)
        if message.type in ("error", "warning") and not any(text in message.text for text in expected):
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url')})")


Open = Callable[..., BrowserContext]


@pytest.fixture
def watch() -> Iterator[Watch]:
    found = Watch()
    yield found
    assert found.complaints == []


@pytest.fixture
def open_context(live: Live, browser: Browser, signed_in: dict[str, Any], watch: Watch) -> Iterator[Open]:
    """Opens a browser window of a role; `width`, `scheme` and `script` make it a phone, dark, without scripts."""
    contexts: list[BrowserContext] = []

    def open_one(
        role: str = "operator", *, width: int = 1440, scheme: Any = "light", script: bool = True, locale: str = "en-GB"
    ) -> Any:
        context = browser.new_context(
            base_url=f"http://127.0.0.1:{live.port}",
            storage_state=signed_in[role],
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=script,
            locale=locale,
            timezone_id="Europe/Berlin",
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        context.on("page", watch.page)
        contexts.append(context)
        return context

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_context: Open) -> Page:
    """A window of an operator."""
    found: Page = open_context().new_page()
    return found
