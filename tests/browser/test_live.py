"""Pages that follow what happens, without moving what one reads; the bell, and the count in the title."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.live import Live

OF_LIVE = "/infrastructure/incidents/?q=vielstadt case:other_fault"


def raised(live: Live, number: int, state: str = "raised") -> str:
    evse = f"DE*MNY*E{number:04}*1"
    live.api("POST", "/charging/signals", {"charge_point": evse, "case": "OTHER_FAULT", "state": state})
    return evse


def following(page: Page) -> None:
    """Asks often enough for a test."""
    page.add_init_script(
        "document.addEventListener('DOMContentLoaded', () => document.body.setAttribute('data-every-ms', '300'))"
    )


def test_a_list_follows_and_moves_nothing_under_ones_eyes(open_context: Open, live: Live) -> None:
    page = open_context().new_page()
    following(page)
    first = raised(live, 101)
    page.goto(OF_LIVE)
    row = page.locator("tbody tr", has_text=first)
    expect(row).to_be_visible()
    second = raised(live, 102)
    expect(page.locator("tbody tr", has_text=second)).to_be_visible()  # nobody reads or selects yet
    page.get_by_label(re.compile("Select.*")).last.check()
    third = raised(live, 103)
    news = page.get_by_role("button", name="The list has changed: show it")
    expect(news).to_be_visible()
    expect(page.locator("tbody tr", has_text=third)).to_have_count(0)
    raised(live, 101, "cleared")
    expect(row).not_to_contain_text("open")  # in its place
    expect(page.locator("[data-selected]")).to_have_text("1 selected")
    news.click()
    expect(page.locator("tbody tr", has_text=third)).to_be_visible()


def test_the_bell_counts_and_forgets_what_was_looked_at(open_context: Open, live: Live) -> None:
    context = open_context()
    page = context.new_page()
    following(page)
    page.goto("/account/")
    raised(live, 111)
    expect(page).to_have_title(re.compile(r"^\(\d+\) Account"))
    unread = page.locator("[data-unread]")
    expect(unread).to_be_visible()
    page.locator("#bell summary").click()
    expect(page.locator("#bell")).to_contain_text("DE*MNY*E0111*1")
    expect(unread).to_be_hidden()
    page.get_by_label("Sound when something new comes").check()
    page.keyboard.press("Escape")
    page.reload()
    raised(live, 112)
    expect(unread).to_have_text("1")
    page.locator("#bell summary").click()
    expect(page.get_by_label("Sound when something new comes")).to_be_checked()
    page.locator("#bell").get_by_role("link", name=re.compile("DE.MNY.E0112.1")).click()
    expect(page.get_by_role("heading", name=re.compile("E0112"))).to_be_visible()
