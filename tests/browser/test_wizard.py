"""The wizard in a real browser: by mouse, by keyboard alone, without JavaScript, on a phone; nothing is ever lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, sign_in
from tests.browser.kit import GROUPS, focused, has_results, row, search, tab_to, too_wide
from tests.live import Live


@pytest.fixture(autouse=True)
def _no_drafts(live: Live) -> None:
    live.rows("DELETE FROM infra_notifications_groupdraft RETURNING id")


def begin(page: Page, name: str) -> None:
    """The first step, and into the second."""
    page.goto(GROUPS)
    page.get_by_role("link", name="New group").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name=f"New notification group: {name}")).to_be_visible()


def mark(page: Page, *evse_ids: str) -> None:
    for evse_id in evse_ids:
        page.get_by_label(f"Mark {evse_id}", exact=True).check()


def finish(page: Page) -> None:
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Make the group").click()


def is_in_overview(page: Page, name: str, number: int) -> None:
    expect(page.get_by_role("heading", name="Charging Infrastructure Notifications")).to_be_visible()
    expect(page.locator("#wizard")).to_have_count(0)
    expect(row(page, name).locator(".badge").first).to_contain_text(str(number))


# ---- the ways through ---------------------------------------------------------------------------------------------


def test_by_mouse(page: Page) -> None:
    begin(page, "By mouse")
    expect(page.locator(".modal.show")).to_be_visible()
    search(page, "city:köln")
    has_results(page, "20 results")
    mark(page, "DE*SBX*E0001*1", "DE*SBX*E0002*1")
    expect(page.locator("#marked")).to_contain_text("2 charge points marked")
    expect(row(page, "DE*SBX*E0001*1")).to_contain_text("Köln")  # in which group it is already
    page.get_by_role("button", name="Unmark DE*SBX*E0001*1").click()
    expect(page.locator("#marked")).to_contain_text("1 charge point marked")
    expect(page.get_by_label("Mark DE*SBX*E0001*1", exact=True)).not_to_be_checked()
    page.get_by_role("button", name="Mark this page").click()
    expect(page.locator("#marked")).to_contain_text("20 charge points marked")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#wizard")).to_contain_text("Charge points 20")
    expect(page.locator("svg.chart .rect").first).to_be_attached()
    page.get_by_text("The same as a table").click()
    expect(page.locator("#wizard table")).to_be_visible()
    page.get_by_role("button", name="Make the group").click()
    is_in_overview(page, "By mouse", 20)


def test_by_keyboard_alone(page: Page) -> None:
    page.goto(GROUPS)
    tab_to(page, page.get_by_role("link", name="New group"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    expect(page.locator("#modal-title")).to_be_focused()
    page.keyboard.press("/")
    assert focused(page) == "wizard-list-q"
    page.keyboard.type("vielstadt")
    has_results(page, "450 results")
    tab_to(page, page.get_by_label("Mark DE*MNY*E0000*1", exact=True))
    page.keyboard.press("Space")
    expect(page.locator("#marked")).to_contain_text("1 charge point marked")
    tab_to(page, page.get_by_role("button", name="Unmark DE*MNY*E0000*1"))
    page.keyboard.press("Enter")
    expect(page.locator("#marked")).to_contain_text("0 charge points marked")
    page.get_by_label("Mark DE*MNY*E0001*1", exact=True).focus()
    page.keyboard.press("Space")
    expect(page.locator("#marked")).to_contain_text("1 charge point marked")
    tab_to(page, page.get_by_role("button", name="Continue"))
    page.keyboard.press("Enter")
    expect(page.locator("#modal-title")).to_be_focused()
    tab_to(page, page.get_by_role("button", name="Make the group"))
    page.keyboard.press("Enter")
    is_in_overview(page, "By keyboard", 1)


def test_without_javascript(open_context: Open) -> None:
    page = open_context(script=False).new_page()
    page.goto(GROUPS)
    page.get_by_role("link", name="New group").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("This field is required.")).to_be_visible()
    page.get_by_label("Name").fill("Without script")
    page.get_by_role("button", name="Continue").click()
    search(page, "city:köln")
    has_results(page, "20 results")
    mark(page, "DE*SBX*E0001*1", "DE*SBX*E0003*1")
    page.get_by_role("button", name="Keep the marks of this page").click()
    has_results(page, "20 results")
    expect(page.get_by_label("Mark DE*SBX*E0001*1", exact=True)).to_be_checked()
    page.get_by_role("button", name="Unmark DE*SBX*E0001*1").click()
    expect(page.locator("#marked")).to_contain_text("1 charge point marked")
    mark(page, "DE*SBX*E0004*1")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#wizard")).to_contain_text("Charge points 2: DE*SBX*E0003*1, DE*SBX*E0004*1")
    page.get_by_role("button", name="Make the group").click()
    is_in_overview(page, "Without script", 2)


def test_on_a_phone(open_context: Open) -> None:
    page = open_context(width=390).new_page()
    for path in ("/infrastructure/incidents/", "/infrastructure/charge-points/", "/outbox/deliveries/"):
        page.goto(path)
        assert too_wide(page) == []
    begin(page, "On a phone")
    assert too_wide(page) == []
    wizard = page.locator("#wizard")
    wizard.get_by_text("Filters").click()
    wizard.locator(".facet-value", has_text="Never seen").click()
    has_results(page, "450 results")
    mark(page, "DE*MNY*E0000*1")
    expect(page.locator("#marked")).to_contain_text("1 charge point marked")
    assert too_wide(page) == []
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("button", name="Make the group")).to_be_in_viewport()
    assert too_wide(page) == []
    page.get_by_role("button", name="Make the group").click()
    is_in_overview(page, "On a phone", 1)
    assert too_wide(page) == []


# ---- nothing is lost ----------------------------------------------------------------------------------------------


def test_escape_asks_and_the_draft_stays(page: Page) -> None:
    begin(page, "Interrupted")
    mark(page, "DE*MNY*E0000*1")
    expect(page.locator("#marked")).to_contain_text("1 charge point marked")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Close the wizard?")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Close the wizard?")).to_be_hidden()
    expect(page.locator("#wizard")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Close, keep the draft").click()
    expect(page.locator(".draft-strip")).to_contain_text("“Interrupted” is not finished. 1 charge point marked")
    assert page.url.endswith(GROUPS)
    page.locator(".draft-strip").get_by_role("link", name="Go on").click()
    expect(page.get_by_label("Name")).to_have_value("Interrupted")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Discard the draft").click()
    expect(page.locator(".draft-strip")).to_have_count(0)


def test_empty_wizard_closes_without_a_question(page: Page) -> None:
    page.goto(GROUPS)
    page.get_by_role("link", name="New group").click()
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".modal.show")).to_have_count(0)
    assert page.url.endswith(GROUPS)


def test_typed_name_survives_a_reload(page: Page) -> None:
    page.goto(GROUPS)
    page.get_by_role("link", name="New group").click()
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.get_by_label("Name").fill("Half a na")
    page.reload()
    expect(page.get_by_label("Name")).to_have_value("Half a na")


def test_reload_and_back_keep_the_step_and_the_marks(page: Page) -> None:
    begin(page, "Reloaded")
    search(page, "vielstadt")
    has_results(page, "450 results")
    mark(page, "DE*MNY*E0002*1")
    expect(page.locator("#marked")).to_contain_text("1 charge point marked")
    page.reload()
    has_results(page, "450 results")
    expect(page.get_by_label("Mark DE*MNY*E0002*1", exact=True)).to_be_checked()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("button", name="Make the group")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Mark DE*MNY*E0002*1", exact=True)).to_be_checked()
    finish(page)
    is_in_overview(page, "Reloaded", 1)


def test_two_tabs_work_on_one_draft(open_context: Open) -> None:
    context = open_context()
    first, second = context.new_page(), context.new_page()
    begin(first, "Two tabs")
    second.goto(first.url)
    mark(first, "DE*MNY*E0001*1")
    expect(first.locator("#marked")).to_contain_text("1 charge point marked")
    mark(second, "DE*MNY*E0002*1")
    expect(second.locator("#marked")).to_contain_text("2 charge points marked")
    finish(first)
    is_in_overview(first, "Two tabs", 2)


def test_marks_of_a_lost_connection_are_sent_later(open_context: Open) -> None:
    context = open_context()
    page = context.new_page()
    begin(page, "Tunnel")
    context.set_offline(True)
    mark(page, "DE*MNY*E0001*1", "DE*MNY*E0002*1")
    expect(page.get_by_text("Signalbox cannot be reached")).to_be_visible()
    context.set_offline(False)
    expect(page.locator("#marked")).to_contain_text("2 charge points marked")
    expect(page.get_by_text("Signalbox cannot be reached")).to_be_hidden()
    finish(page)
    is_in_overview(page, "Tunnel", 2)


def test_mark_of_an_expired_sign_in_is_sent_after_the_next(open_context: Open) -> None:
    context = open_context()
    page = context.new_page()
    begin(page, "Expired")
    page.wait_for_load_state("networkidle")  # or the step's own requests find the sign-in expired first
    context.clear_cookies(name="signalbox_session")
    page.get_by_label("Mark DE*MNY*E0001*1", exact=True).click()
    sign_in(page, "operator")
    expect(page.locator("#marked")).to_contain_text("1 charge point marked")
    expect(page.get_by_label("Mark DE*MNY*E0001*1", exact=True)).to_be_checked()


# ---- changing -----------------------------------------------------------------------------------------------------


def test_edit_icon_changes_name_and_members_and_can_be_undone(page: Page) -> None:
    begin(page, "To be changed")
    mark(page, "DE*MNY*E0001*1", "DE*MNY*E0003*1")
    expect(page.locator("#marked")).to_contain_text("2 charge points marked")
    finish(page)
    is_in_overview(page, "To be changed", 2)
    page.get_by_role("link", name="Edit To be changed").click()
    expect(page.get_by_role("link", name="Delete this group instead…")).to_be_visible()
    page.get_by_label("Name").fill("Was changed")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Unmark DE*MNY*E0001*1").click()
    expect(page.locator("#marked")).to_contain_text("1 charge point marked")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Save").click()
    is_in_overview(page, "Was changed", 1)
    page.get_by_role("button", name="Undo").click()
    is_in_overview(page, "Was changed", 2)
    page.get_by_role("link", name="Delete Was changed").click()
    expect(page.get_by_text("the notifications of 2 charge points through this group")).to_be_visible()
    page.get_by_label("Type the group’s name").fill("Was changed")
    page.get_by_role("button", name="Delete the group").click()
    expect(row(page, "Was changed")).to_have_count(0)
