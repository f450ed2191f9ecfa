"""What browser tests do again and again."""

from __future__ import annotations

import shutil
from typing import Any

from playwright.sync_api import Browser, Locator, Page, Playwright, expect

GROUPS, POINTS = "/infrastructure/groups/", "/infrastructure/charge-points/"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium(playwright: Playwright) -> Browser:
    """The system's Chromium."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "The browser tests need Chromium; on Debian: apt-get install chromium"
    return playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))


def tab_to(page: Page, target: Locator, limit: int = 120) -> None:
    """Presses Tab until the target has the focus: what cannot be reached so, a keyboard cannot reach."""
    for _ in range(limit):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {target}")


def focused(page: Page) -> Any:
    """The id of what has the focus."""
    return page.evaluate("document.activeElement.id")


_WIDE = """() => document.documentElement.scrollWidth <= window.innerWidth ? [] :
  [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > window.innerWidth + 1)
    .map(e => `${location.pathname}: ${e.outerHTML.slice(0, 120)}`).slice(0, 3)"""


def too_wide(page: Page) -> list[str]:
    """What makes the page wider than the window; lists scroll in frames of their own."""
    found: list[str] = page.evaluate(_WIDE)
    return found


def search(page: Page, text: str) -> None:
    """Types a search and waits until the list follows."""
    box = page.get_by_label("Magic Search", exact=True).last
    box.fill(text)
    box.press("Enter")


def results(page: Page) -> Locator:
    return page.locator(".list-count").last


def has_results(page: Page, text: str) -> None:
    expect(results(page)).to_have_text(text)


def row(page: Page, text: str) -> Locator:
    return page.locator(".list-table tbody tr", has_text=text)
