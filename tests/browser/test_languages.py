"""German and French, by the browser's language and by the switch, on every page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.kit import GROUPS
from tests.browser.test_pages import starts, walk
from tests.live import Live
from tests.messages import APPS, is_translated, read

# What is said by the page itself; cells and tags hold people's own words.
SAID = "h1, h2, h3, th, dt, label, legend, button, summary, .btn, .nav-link"
# Names of the API, of bike-share's resources and of models' fields stand there as they are.
# The last shows English phrases beside the fields for those of a new language.
NAMES = {"bikeshare:topics", "console:audit", "vehicles:fact_new", "vehicles:notification", "vehicles:language_new"}


def english_words(language: str) -> set[str]:
    """What only an untranslated page says: texts of ours whose translation is another, and no other text's."""
    english, translated = set[str](), set[str]()
    for app in APPS:
        for message in read(app, language):
            if isinstance(message.id, str) and message.id and is_translated(message.string):
                english.add(message.id)
                translated.add(str(message.string))
    return english - translated


def said(page: Page) -> set[str]:
    texts: list[str] = page.eval_on_selector_all(SAID, "all => all.map(one => one.innerText.trim())")
    return set(texts)


@pytest.mark.walk
def test_every_page_speaks_the_browsers_language(live: Live, open_context: Open) -> None:
    """In German; that French is as complete, the catalogues' test shows."""
    language = "de"
    english = english_words(language)
    page = open_context("admin", locale=f"{language}-{language.upper()}").new_page()
    found = []
    for name, path in walk(page, starts(live)):
        expect(page.locator("html")).to_have_attribute("lang", language)
        if name not in NAMES:
            found += [f"{name} ({path}): {text}" for text in sorted(said(page) & english)]
    assert found == []


def test_the_switch_wins_over_the_browser(open_context: Open) -> None:
    page = open_context(locale="de-DE").new_page()
    page.goto("/account/")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.get_by_role("button", name="Französisch").click()
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    page.goto(GROUPS)
    expect(page.get_by_role("heading", level=1)).to_contain_text("infrastructure de recharge")


def test_times_are_in_the_viewers_zone(live: Live, open_context: Open) -> None:
    ((there,),) = live.rows(
        "SELECT to_char(opened_at AT TIME ZONE 'Europe/Berlin', 'HH24:MI') FROM infra_notifications_incident"
        " ORDER BY id LIMIT 1"
    )
    ((pk,),) = live.rows("SELECT min(id) FROM infra_notifications_incident")
    page = open_context(locale="de-DE").new_page()
    page.goto("/")  # from now on the server knows the zone
    page.goto(f"/infrastructure/incidents/{pk}/")
    expect(page.locator("#main dl.facts")).to_contain_text(there)


def test_the_dashboard_refreshes_and_leaves_the_focus_where_it_is(open_context: Open) -> None:
    page = open_context().new_page()
    page.clock.install()
    page.goto("/")
    link = page.get_by_role("link", name="Charge points").first
    link.focus()
    page.evaluate("document.querySelector('#tiles').dataset.old = 'yes'")
    with page.expect_response(lambda answer: answer.url.endswith("/") and answer.request.method == "GET"):
        page.clock.fast_forward(31_000)
    expect(page.locator("#tiles[data-old]")).to_have_count(0)
    expect(link).to_be_focused()
