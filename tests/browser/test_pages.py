"""A walk over every page: axe finds nothing, in light and in dark, and nothing breaks the Content-Security-Policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import Resolver404, resolve
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, Watch
from tests.browser.kit import POINTS, too_wide
from tests.console.walk import own_routes
from tests.live import Live

AXE = Axe()
# Of fifty rows or twenty choices that are drawn alike, the first ones speak for all.
FIRST_OF_EACH = {"exclude": [["tbody tr:nth-child(n+4)"], [".facet .form-check:nth-child(n+4)"]]}
# No page to be looked at: they answer with another, with data, or with a mail in a frame of its own.
NO_PAGES = {
    "console:sign_out",
    "console:theme",
    "console:healthz",
    "console:readyz",
    "console:metrics",
    "console:undo",
    "set_language",
    "bikeshare:zones_geojson",
    "infra_notifications:charge_points_csv",
    "infra_notifications:wizard_mark",
    "infra_notifications:wizard_discard",
    "outbox:delivery_preview",
    # What parties of OCPI ask, with their tokens.
    "ocpi",
}
# Two frames later every colour is the new one.
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
FEED = re.compile("^bikeshare:gbfs_")


def findings(page: Page, **options: Any) -> list[str]:
    """What axe finds, as one line each."""
    answer = AXE.run(page, context=FIRST_OF_EACH, options={"resultTypes": ["violations"], **options})
    return [
        f"{page.url}: {violation['id']}: {violation['nodes'][0]['html'][:160]}"
        for violation in answer.response["violations"]
    ]


def dark_findings(page: Page) -> list[str]:
    """What axe, which `findings` has brought into the page, finds of the dark colours, that alone differ."""
    for last_try in (False, True):
        page.evaluate(PAINTED)
        found: list[str] = page.evaluate(
            "async context => (await axe.run(context, {runOnly: ['color-contrast'], resultTypes: ['violations']}))"
            ".violations.flatMap(one => one.nodes.map(node => node.html.slice(0, 160)))",
            FIRST_OF_EACH,
        )
        if not found or last_try:  # some part may not have been painted anew on a busy machine
            return [f"dark: {page.url}: {html}" for html in found]
        page.wait_for_timeout(500)
    return []


def links(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all("a[href^='/']", "all => all.map(a => a.getAttribute('href'))")
    return found


def _view(path: str) -> str:
    try:
        return str(resolve(path.partition("?")[0].partition("#")[0]).view_name)
    except Resolver404:
        return ""


def walk(page: Page, starts: list[str]) -> Iterator[tuple[str, str]]:
    """Every page that links lead to from these, one for each view; an address is followed where its view is new."""
    waiting, seen = list(starts), set[str]()
    while waiting:
        path = waiting.pop(0)
        name = _view(path)
        if not name or name in seen or name in NO_PAGES or name.startswith(("admin:", "api")):
            continue
        answer = page.goto(path)
        if answer is None or not answer.ok or "text/html" not in answer.headers.get("content-type", ""):
            continue
        seen.add(name)
        yield name, path
        waiting += links(page)


def starts(live: Live) -> list[str]:
    """Where the walk begins: the dashboard, and what no link leads to before something has happened."""
    evse = "DE*SBX*E0001*1"
    live.api("POST", "/charging/signals", {"charge_point": evse, "case": "FUSE_TRIPPED", "state": "raised"})
    message = {"station": "ODD-1", "connector": 1, "protocol": "ocpp1.6", "action": "StatusNotification"}
    odd = {"connectorId": 1, "errorCode": "OtherError", "vendorErrorCode": "odd", "status": "Faulted"}
    live.call("POST", "/api/v1/charging/messages", message | {"payload": odd})
    live.call("POST", "/api/v1/charging/messages", message | {"station": "SBX-0001", "payload": odd})
    live.api("POST", "/charging/ocpi-parties", {"name": "Charge & Co"})
    ((draft,),) = live.rows(
        "INSERT INTO infra_notifications_groupdraft"
        " (owner_id, key, name, description, marked, members, began, version, updated_at)"
        " SELECT u.id, '0-walked', 'Walked', '', array(SELECT id FROM infra_notifications_chargepoint LIMIT 60),"
        " '{}', '{}', '', now() FROM auth_user u WHERE u.username = 'admin' RETURNING key"
    )
    ((job,),) = live.rows(
        "INSERT INTO console_job"
        " (kind, label, state, total, done, arguments, payload, result, created_at, created_by_id)"
        " SELECT 'charge_point_import', 'Walk', 'running', 10, 4, '{}', '', '{}', now(), u.id"
        " FROM auth_user u WHERE u.username = 'admin' RETURNING id"
    )
    ((group,),) = live.rows("SELECT min(id) FROM infra_notifications_notificationgroup")
    ((command,),) = live.rows(
        "INSERT INTO fleet_remotes_commanddraft (owner_id, vehicles, command, updated_at)"
        " SELECT u.id, array(SELECT id FROM fleet_remotes_fleetvehicle LIMIT 3),"
        """ '{"kind": "lights", "parameters": {"on": true}, "reason": ""}', now()"""
        " FROM auth_user u WHERE u.username = 'admin' RETURNING id"
    )
    ((fleet, callback),) = live.rows(
        "SELECT (SELECT min(id) FROM fleet_remotes_fleet), (SELECT min(id) FROM fleet_remotes_callback)"
    )
    drafts = [f"/infrastructure/groups/drafts/{draft}/{step}/" for step in ("name", "charge-points", "confirm")]
    return [
        "/",
        *drafts,
        "/infrastructure/groups/new/",
        f"/infrastructure/groups/{group}/delete/",
        f"/jobs/{job}/",
        f"/infrastructure/groups/{group}/edit/",
        f"/infrastructure/charge-points/import/{job}/",
        f"/infrastructure/groups/{group}/test/result/",
        f"/remotes/drafts/{command}/",
        f"/remotes/drafts/{command}/check/",
        f"/remotes/fleets/{fleet}/resume/",
        f"/remotes/callbacks/{callback}/register/",
    ]


@pytest.mark.walk
def test_every_page_is_accessible_in_light_and_dark_and_fits_a_phone(
    live: Live, open_context: Open, watch: Watch
) -> None:
    page = open_context("admin").new_page()
    found: list[str] = []
    visited = {}
    for name, path in walk(page, starts(live)):
        visited[name] = path
        assert watch.complaints == [], path
        found += findings(page)
        page.emulate_media(color_scheme="dark")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
        found += dark_findings(page)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 390, "height": 900})
        found += [f"on a phone: {line}" for line in too_wide(page)]
        page.set_viewport_size({"width": 1440, "height": 900})
        watch.complaints.clear()  # axe's own styles
    assert found == [], "\n".join(found)
    pages = {route.name for route in own_routes() if route.takes_get and not FEED.search(route.name)} - NO_PAGES
    # The sign-in and the unsubscribe page are for strangers; see below.
    assert sorted(pages - set(visited)) == ["console:sign_in", "outbox:unsubscribe"]


def test_pages_for_strangers_are_accessible(open_context: Open, watch: Watch) -> None:
    context = open_context()
    context.clear_cookies()
    page = context.new_page()
    page.goto("/sign-in/")
    assert findings(page) == []
    page.goto("/nothing-here/")
    assert findings(page) == []
    assert [text for text in watch.complaints if "status of 404" not in text] == []
    watch.complaints.clear()


def test_open_menus_modal_and_suggestions_are_accessible(open_context: Open) -> None:
    page = open_context("admin").new_page()
    page.goto(POINTS)
    for opened in ("Saved", "Columns"):
        page.locator("summary", has_text=opened).click()
        assert findings(page) == []
    page.get_by_label("How to search").click()
    assert findings(page) == []
    page.get_by_label("Magic Search", exact=True).press_sequentially("sta")
    expect(page.locator(".suggestions [role=option]").first).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("Escape")
    page.get_by_label("Select this page").check()
    assert findings(page) == []
    page.goto("/infrastructure/groups/")
    page.get_by_role("link", name="New group").click()
    expect(page.get_by_label("Name")).to_be_visible()
    assert findings(page) == []


def test_theme_switch_goes_round(open_context: Open) -> None:
    page = open_context(scheme="dark").new_page()
    page.goto("/")
    theme = page.locator("html")
    expect(theme).to_have_attribute("data-bs-theme", "dark")
    for expected in ("light", "dark"):
        page.locator(".theme-switch button").click()
        expect(theme).to_have_attribute("data-bs-theme", expected)
    page.emulate_media(color_scheme="light")
    expect(theme).to_have_attribute("data-bs-theme", "dark")  # chosen, not the system's
