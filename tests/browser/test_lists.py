"""Lists in a real browser: Magic Search with suggestions, filters, chips, tabs, selected rows, saved searches."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from infra_notifications.search import CHARGE_POINT_SEARCH
from tests.browser.conftest import Open
from tests.browser.kit import GROUPS, POINTS, focused, has_results, row, search, tab_to
from tests.live import Live


def box(page: Page) -> Locator:
    return page.get_by_label("Magic Search", exact=True)


def options(page: Page) -> Locator:
    return page.locator(".suggestions:visible [role=option]")


def option(page: Page, text: str) -> Locator:
    return options(page).filter(has_text=text)


# ---- Magic Search ---------------------------------------------------------------------------------------------------


def test_suggestions_by_keyboard_alone(page: Page) -> None:
    page.goto(POINTS)
    page.keyboard.press("/")
    assert focused(page) == "list-q"
    expect(box(page)).to_have_attribute("role", "combobox")
    page.keyboard.type("cit")
    expect(option(page, "city:")).to_be_visible()
    expect(box(page)).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(box(page)).to_have_attribute("aria-activedescendant", "list-option-1")
    expect(options(page).first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value("city:")
    expect(option(page, "Vielstadt")).to_contain_text("450")
    page.keyboard.type("kö")
    expect(options(page)).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value("city:Köln ")
    expect(options(page)).to_have_count(0)
    has_results(page, "20 results")
    page.keyboard.type("status")
    expect(option(page, "status:")).to_be_visible()
    page.keyboard.press("Escape")
    expect(options(page)).to_have_count(0)
    assert focused(page) == "list-q"


def test_what_a_page_asks_by_itself_says_so_and_what_a_person_does_not(page: Page) -> None:
    """So that a dashboard on a wall keeps no session open, and work does."""
    page.goto("/")
    with page.expect_request(lambda request: "hx-request" in request.headers) as polled:
        page.evaluate(
            "() => { const part = document.querySelector('#tiles');"
            " part.setAttribute('hx-trigger', 'every 100ms'); htmx.process(part); }"
        )
    assert polled.value.headers["x-by-itself"] == "1"
    page.goto(POINTS)
    with page.expect_request(lambda request: "hx-request" in request.headers) as typed:
        search(page, "city:köln")
    assert "x-by-itself" not in typed.value.headers


def test_suggestions_by_mouse_and_of_every_field(page: Page) -> None:
    page.goto(POINTS)
    box(page).focus()
    page.keyboard.press("ArrowDown")
    expect(options(page)).to_have_count(len(CHARGE_POINT_SEARCH.facets))
    option(page, "group:").click()
    option(page, "Strasbourg").click()
    expect(box(page)).to_have_value("group:Strasbourg ")
    has_results(page, "12 results")
    page.get_by_role("button", name="Clear the search").click()
    has_results(page, "530 results")


def test_half_a_term_leaves_the_list_as_it_was(page: Page) -> None:
    page.goto(POINTS)
    box(page).press_sequentially("city:köln")
    has_results(page, "20 results")
    box(page).press_sequentially(" status:fau")
    page.wait_for_timeout(700)
    has_results(page, "20 results")
    expect(page.locator(".search-error")).to_have_count(0)
    box(page).press("Enter")
    expect(page.locator(".search-error")).to_contain_text("Did you mean “faulted”?")
    expect(box(page)).to_have_attribute("aria-invalid", "true")
    has_results(page, "20 results")
    search(page, "citty:köln")
    expect(page.locator(".search-error")).to_contain_text("Did you mean “city”?")
    has_results(page, "20 results")


def test_chips_take_terms_away_and_back_brings_them_back(page: Page) -> None:
    page.goto(POINTS)
    search(page, "city:köln -evse:E0001 power:>=10")
    has_results(page, "18 results")
    page.get_by_role("link", name="Remove -evse:E0001").click()
    has_results(page, "20 results")
    expect(box(page)).to_have_value("city:köln power:>=10")
    page.go_back()
    has_results(page, "18 results")
    page.get_by_role("link", name="Clear all").click()
    has_results(page, "530 results")


def test_help_opens_and_closes_with_escape(page: Page) -> None:
    page.goto(POINTS)
    page.get_by_label("How to search").click()
    expect(page.get_by_text("Fields of this list")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Fields of this list")).to_be_hidden()


def test_filters_narrow_at_once_and_show_counts(page: Page) -> None:
    page.goto(POINTS)
    silent = page.locator(".facet-value", has_text="Never seen")
    expect(silent).to_contain_text("450")
    silent.click()
    has_results(page, "450 results")
    expect(page.get_by_role("link", name="Remove Connectivity: Never seen")).to_be_visible()
    assert "connectivity=never" in page.url
    page.locator("summary", has_text="City").click()
    page.locator(".facet-value", has_text="Köln").last.click()
    has_results(page, "0 results")
    page.get_by_role("link", name="Clear everything").click()
    has_results(page, "530 results")


def test_the_address_holds_the_list_and_back_leads_to_its_row(page: Page) -> None:
    page.goto(f"{POINTS}?sort=-evse_id&columns=evse_id,status&page=2")
    city = page.locator(".facet", has=page.locator("summary", has_text=re.compile(r"^\s*City\b")))
    if not city.get_attribute("open"):
        city.locator("summary").click()
    search(page, "city:köln")
    has_results(page, "20 results")
    expect(city.locator(".facet-value")).to_have_count(1)
    expect(city).to_contain_text("20")
    assert "sort=-evse_id" in page.url
    assert "columns=evse_id" in page.url
    page.goto(f"{POINTS}?sort=-evse_id&columns=evse_id,status&page=2")
    assert page.get_by_role("columnheader", name="Location").count() == 0
    heading, last = page.get_by_role("columnheader", name="EVSE id"), page.locator(".list-table tbody tr").last
    last.scroll_into_view_if_needed()
    expect(heading).to_be_in_viewport()
    name = last.get_by_role("link").first.inner_text()
    last.get_by_role("link").first.click()
    expect(page.locator("h1")).to_contain_text(name)
    page.go_back()
    expect(row(page, name)).to_be_in_viewport()
    expect(row(page, name).get_by_role("link").first).to_be_focused()
    assert "page=2" in page.url
    row(page, name).get_by_role("link").first.press("Enter")
    page.locator(".crumbs").get_by_role("link", name="Charge points").click()
    expect(row(page, name)).to_be_in_viewport()
    assert "page=2" in page.url


# ---- tabs -----------------------------------------------------------------------------------------------------------


def test_tabs_are_addresses(page: Page) -> None:
    page.goto(GROUPS)
    page.get_by_role("link", name="Strasbourg", exact=True).click()
    for tab, shows in (("Members", "12 results"), ("Incidents", "results"), ("Deliveries", "results")):
        page.locator(".nav-tabs").get_by_role("link", name=tab).click()
        expect(page.locator(".nav-tabs [aria-current=page]")).to_contain_text(tab)
        expect(page.locator(".list-count")).to_contain_text(re.compile(shows))
        assert page.url.rstrip("/").endswith(tab.lower())
    page.go_back()
    expect(page.locator(".nav-tabs [aria-current=page]")).to_contain_text("Incidents")
    page.reload()
    expect(page.locator(".nav-tabs [aria-current=page]")).to_contain_text("Incidents")


# ---- selected rows --------------------------------------------------------------------------------------------------


@pytest.fixture
def group(live: Live) -> str:
    """A group of its own, empty before and after."""
    name = "Bulk"
    made = live.api("POST", "/charging/groups", {"name": name, "emails": []})
    return str(made["id"])


@pytest.fixture(autouse=True)
def _without_bulk(live: Live) -> None:
    live.rows("DELETE FROM console_undo RETURNING id")
    for (pk,) in live.rows("SELECT id FROM infra_notifications_notificationgroup WHERE name = 'Bulk'"):
        live.api("DELETE", f"/charging/groups/{pk}")


def test_few_rows_are_done_at_once_and_undone(page: Page, group: str) -> None:
    page.goto(f"{POINTS}?q=city:köln")
    expect(page.get_by_role("button", name="Add to group")).to_be_hidden()
    page.get_by_label("Select DE*SBX*E0001*1").check()
    page.get_by_label("Select DE*SBX*E0002*1").check()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.get_by_role("button", name="Add to group").click()
    expect(page.get_by_text("Add 2 charge points to a group?")).to_be_visible()
    page.get_by_role("button", name="Add to group").click()
    expect(page.get_by_text("This field is required.")).to_be_visible()
    page.get_by_label("Group").select_option("Bulk")
    page.get_by_role("button", name="Add to group").click()
    expect(page.locator("#messages .alert")).to_contain_text("2 charge points added to “Bulk”.")
    has_results(page, "20 results")
    expect(row(page, "DE*SBX*E0001*1")).to_contain_text("Bulk")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#messages .alert")).to_contain_text("Taken back")
    expect(row(page, "DE*SBX*E0001*1")).not_to_contain_text("Bulk")


def test_all_that_match_are_done_by_a_worker_with_a_bar(page: Page, group: str) -> None:
    page.goto(f"{POINTS}?q=vielstadt")
    page.get_by_label("Select this page").check()
    expect(page.get_by_text("50 selected")).to_be_visible()
    page.get_by_label("all 450 results").check()
    page.get_by_role("button", name="Add to group").click()
    expect(page.get_by_text("Add 450 charge points to a group?")).to_be_visible()
    page.get_by_label("Group").select_option("Bulk")
    page.get_by_role("button", name="Add to group").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.locator("#progress")).to_contain_text("450 charge points added to “Bulk”.", timeout=20_000)
    page.get_by_role("link", name="Continue").click()
    has_results(page, "450 results")
    page.goto(f"/infrastructure/groups/{group}/members/")
    has_results(page, "450 results")
    page.get_by_label("Select this page").check()
    page.get_by_role("button", name="Remove from the group").click()
    expect(page.get_by_text("Remove 50 charge points from “Bulk”?")).to_be_visible()
    page.get_by_role("button", name="Remove from the group").click()
    has_results(page, "400 results")
    page.get_by_role("button", name="Undo").click()
    has_results(page, "450 results")


def test_selection_without_javascript(open_context: Open, group: str) -> None:
    page = open_context("admin", script=False).new_page()
    page.goto(f"{POINTS}?q=city:bonn")
    page.get_by_role("button", name="Tag", exact=True).click()
    expect(page.locator("#messages .alert")).to_contain_text("Select rows first.")
    page.get_by_label("Select DE*SBX*E0011*1").check()
    page.get_by_role("button", name="Tag", exact=True).click()
    page.get_by_label("Add tags").fill("Deck 3, Roof")
    page.get_by_role("button", name="Tag", exact=True).click()
    expect(page.locator("#messages .alert")).to_contain_text("The tags of 1 charge point are changed.")
    page.goto(f'{POINTS}?q=tag:"deck 3"')
    has_results(page, "1 result")


def test_selection_by_keyboard(page: Page) -> None:
    page.goto(f"{POINTS}?q=city:köln")
    tab_to(page, page.get_by_label("Select DE*SBX*E0001*1"))
    page.keyboard.press("Space")
    expect(page.get_by_text("1 selected")).to_be_visible()
    page.get_by_label("Select this page").focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("20 selected")).to_be_visible()


# ---- what people keep -----------------------------------------------------------------------------------------------


def test_saved_search_columns_and_csv(page: Page, open_context: Open) -> None:
    page.goto(f"{POINTS}?q=city:köln&sort=-evse_id")
    page.locator("summary", has_text="Saved").click()
    page.get_by_label("Save this search as").fill("Cologne")
    page.get_by_label("for everyone").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#messages .alert")).to_contain_text("The search “Cologne” is saved.")

    page.locator("summary", has_text="Columns").click()
    page.get_by_label("Connectivity", exact=True).uncheck()
    page.get_by_role("button", name="Show these").click()
    expect(page.get_by_role("columnheader", name="Connectivity")).to_have_count(0)

    page.locator("summary", has_text="Export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    lines = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert len(lines) == 21

    other = open_context("viewer").new_page()
    other.goto(POINTS)
    expect(other.get_by_role("columnheader", name="Connectivity")).to_be_visible()
    other.locator("summary", has_text="Saved").click()
    other.get_by_role("link", name="Cologne").click()
    has_results(other, "20 results")
    expect(other.locator(".list-table tbody tr").first).to_contain_text("DE*SBX*E0010*2")
    other.locator("summary", has_text="Saved").click()
    expect(other.get_by_role("button", name="Delete the search Cologne")).to_have_count(0)


# ---- what a list says -----------------------------------------------------------------------------------------------


def test_moments_are_in_the_readers_zone_and_an_empty_list_leads_on(page: Page) -> None:
    page.goto("/account/")
    page.goto(f"{POINTS}?q=city:köln&columns=evse_id,connectivity")
    seen = page.locator(".list-table time").first
    expect(seen).to_have_attribute("title", re.compile(r"^\d+ \w{3} \d{4} \d\d:\d\d:\d\d CES?T$"))
    page.goto("/account/")
    page.get_by_label("Time zone").select_option("Asia/Kolkata")
    page.locator("form", has=page.get_by_label("Time zone")).get_by_role("button", name="Save").click()
    page.goto(f"{POINTS}?q=city:köln&columns=evse_id,connectivity")
    expect(seen).to_have_attribute("title", re.compile(r"IST$"))
    page.goto("/vehicles/languages/")
    page.locator(".empty").get_by_role("link").first.click()
    expect(page.locator("h1")).not_to_contain_text("Languages of drivers")
