"""No click is lost and nobody's change: sign-ins that end, connections that break, two people at one form."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, sign_in
from tests.browser.kit import GROUPS, POINTS, has_results, search
from tests.live import Live


def incident(live: Live) -> str:
    evse = "DE*MNY*E0007*1"
    live.api("POST", "/charging/signals", {"charge_point": evse, "case": "SENSORS", "state": "raised"})
    ((pk,),) = live.rows(
        "SELECT max(i.id) FROM infra_notifications_incident i"
        " JOIN infra_notifications_chargepoint c ON c.id = i.charge_point_id WHERE c.evse_id = %s",
        evse,
    )
    return f"/infrastructure/incidents/{pk}/"


def test_note_of_an_ended_sign_in_stands_in_its_form_again(open_context: Open, live: Live) -> None:
    context = open_context()
    page = context.new_page()
    page.goto(address := incident(live))
    page.get_by_label("Note").fill("Fuse of 32 A\nordered")
    context.clear_cookies(name="signalbox_session")
    page.get_by_role("button", name="Only note this").click()
    expect(page.get_by_text("what you sent was not done")).to_be_visible()
    sign_in(page, "operator")
    assert page.url.endswith(address)
    expect(page.get_by_text("What you sent was not done")).to_be_visible()
    expect(page.get_by_label("Note")).to_have_value("Fuse of 32 A\nordered")
    expect(page.locator(".timeline")).not_to_contain_text("Fuse of 32 A")
    page.get_by_role("button", name="Only note this").click()
    expect(page.get_by_label("Note")).to_have_value("")
    expect(page.locator(".timeline")).to_contain_text("Fuse of 32 A")


def test_name_typed_in_the_wizard_after_the_sign_in_ended_is_there_again(open_context: Open) -> None:
    context = open_context()
    page = context.new_page()
    page.goto(GROUPS)
    page.get_by_role("link", name="New group").click()
    expect(page.get_by_label("Name")).to_be_focused()
    context.clear_cookies(name="signalbox_session")
    page.get_by_label("Name").fill("Typed too late")
    sign_in(page, "operator")
    expect(page.get_by_label("Name")).to_have_value("Typed too late")


def test_without_a_connection_lists_ask_again_and_forms_stay(open_context: Open, live: Live) -> None:
    context = open_context()
    page = context.new_page()
    page.goto(POINTS)
    context.set_offline(True)
    search(page, "city:köln")
    expect(page.get_by_text("lists are asked for again by themselves")).to_be_visible()
    context.set_offline(False)
    has_results(page, "20 results")
    expect(page.locator("#offline")).to_be_hidden()
    page.goto(incident(live))
    page.get_by_label("Note").fill("In a tunnel")
    context.set_offline(True)
    page.get_by_role("button", name="Only note this").click()
    expect(page.get_by_text("What you last sent was not done. It is still here")).to_be_visible()
    expect(page.get_by_label("Note")).to_have_value("In a tunnel")
    context.set_offline(False)
    expect(page.get_by_text("The connection is back. What you last sent was not done")).to_be_visible()
    page.get_by_role("button", name="Only note this").click()
    expect(page.locator(".timeline")).to_contain_text("In a tunnel")
    expect(page.locator("#offline")).to_be_hidden()


def test_second_of_two_is_told_and_keeps_what_was_typed(open_context: Open, live: Live) -> None:
    live.api("POST", "/charging/groups", {"name": "Of two people"})
    first, second = open_context("operator").new_page(), open_context("admin").new_page()
    for page in (first, second):
        page.goto(GROUPS)
        page.get_by_role("link", name="Of two people", exact=True).click()
        page.get_by_role("link", name="Edit").first.click()

    def save(page: Page, hours: str) -> None:
        page.get_by_label("Remind every").fill(hours)
        page.get_by_role("button", name="Save").click()

    save(second, "5")
    expect(second.get_by_text("The configuration is saved.")).to_be_visible()
    save(first, "7")
    expect(first.get_by_text("This was changed meanwhile: admin")).to_be_visible()
    expect(first.get_by_label("Remind every")).to_have_value("7")
    first.get_by_role("button", name="Save").click()
    expect(first.get_by_text("The configuration is saved.")).to_be_visible()
