"""Rows of a list in a real browser: boxes, ranges, all that match, keys, a row as a link, the way past the filters."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.kit import POINTS, focused, has_results, tab_to
from tests.live import Live

MANY = f"{POINTS}?q=vielstadt"


def selected(page: Page, text: str) -> None:
    expect(page.locator("[data-selected]")).to_have_text(text)


def test_rows_are_gone_through_and_selected_by_keys(page: Page) -> None:
    page.goto(MANY)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("tbody tr:focus-within")).to_contain_text("DE*MNY*E0000*1")
    page.keyboard.press("x")
    selected(page, "1 selected")
    page.keyboard.press("a")
    selected(page, "50 selected")
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys in lists")).to_be_visible()
    page.get_by_label("Use single keys in this browser").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    selected(page, "50 selected")
    page.keyboard.press("?")
    page.get_by_label("Use single keys in this browser").check()
    page.get_by_role("button", name="Close", exact=True).click()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/charge-points/" in url and "q=" not in url)


def test_rows_by_mouse_a_range_and_all_that_match(page: Page, live: Live) -> None:
    page.goto(MANY)
    page.get_by_label("Select DE*MNY*E0002*1", exact=True).click()
    page.get_by_label("Select DE*MNY*E0006*1", exact=True).click(modifiers=["Shift"])
    selected(page, "5 selected")
    page.get_by_label("Select DE*MNY*E0004*1", exact=True).click()
    selected(page, "4 selected")
    page.get_by_label("all 450 results").check()
    page.get_by_role("button", name="Add to group", exact=True).click()
    expect(page.get_by_text("450 charge points")).to_be_visible()
    page.go_back()
    page.locator("tbody tr", has_text="DE*MNY*E0003*1").locator("td").last.click()
    expect(page.get_by_role("heading", name="DE*MNY*E0003*1")).to_be_visible()


def test_search_leads_past_the_filters_to_the_first_row(page: Page) -> None:
    page.goto(MANY)
    page.keyboard.press("/")
    assert focused(page) == "list-q"
    tab_to(page, page.get_by_role("link", name="Skip to the first row"), 6)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Select DE*MNY*E0000*1", exact=True)).to_be_focused()
    has_results(page, "450 results")


def test_incidents_are_acknowledged_together(page: Page, live: Live) -> None:
    for number in (11, 12):
        evse = f"DE*MNY*E{number:04}*1"
        live.api("POST", "/charging/signals", {"charge_point": evse, "case": "SENSORS", "state": "raised"})
    page.goto("/infrastructure/incidents/?q=vielstadt case:sensors open:yes")
    page.locator("[data-select-page]").check()
    page.get_by_role("button", name="Acknowledge", exact=True).click()
    page.get_by_label("Note").fill("Storm")
    page.get_by_role("button", name="Acknowledge", exact=True).click()
    expect(page.get_by_text("incidents acknowledged.")).to_be_visible()
