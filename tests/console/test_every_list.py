"""What every list does, tested once over those that are registered."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import resolve

from console.filters import FacetFilterSet
from console.lists import PAGE_SIZE, ListPage
from core.models import ColumnChoice
from core.roles import VIEWER
from tests.conftest import client_of
from tests.console.walk import Route, own_routes, path_of, undone
from tests.factories.console import UserFactory
from tests.factories.everything import World

pytestmark = pytest.mark.django_db


def page_of(route: Route) -> type[ListPage] | None:
    found: Any = getattr(route.view, "view_class", None)
    return found if found is not None and issubclass(found, ListPage) else None


LISTS = [(route, page) for route in own_routes() if (page := page_of(route)) is not None]
# A step of a wizard is no list to take home.
FILES = [(route, page) for route, page in LISTS if page.has_tools]
each_list = pytest.mark.parametrize(("route", "page"), LISTS, ids=[page.key for _route, page in LISTS])


def part_of(page: type[ListPage]) -> dict[str, str]:
    """Asks for the rows of a list alone, as htmx does: most of a page's time is what stands around them."""
    return {"HX-Request": "true", "HX-Target": page.list_id}


@pytest.fixture
def administrator(owner: User, world: World, db: None) -> Client:
    """The owner of everything, who sees the columns that everyone sees at first."""
    ColumnChoice.objects.all().delete()
    return client_of(owner)


def test_lists_have_keys_of_their_own() -> None:
    keys = [page.key for _route, page in LISTS]
    assert len(keys) == len(set(keys)) > 40


def test_incidents_points_commands_and_deliveries_are_selected_alike(world: World, owner: User) -> None:
    """Each of their lists has boxes and something to do with what is selected, dead letters by a bar of their own."""
    alike, without, request = {"incident", "chargepoint", "remoteaction", "delivery"}, [], RequestFactory().get("/")
    request.user = owner
    for route, page in LISTS:
        listing = page()
        with undone():
            listing.prepare(request, **resolve(path_of(route, world)).kwargs)
            model = listing.rows(request).model._meta.model_name
        if model in alike and page.has_tools and not (page.bulk or page.bar_template):
            without.append(page.key)
    assert without == []


@each_list
def test_filters_offer_values_with_counts(
    administrator: Client, world: World, route: Route, page: type[ListPage]
) -> None:
    """Each choice that is offered selects, and says how many rows it stands for."""
    assert issubclass(page.filterset, FacetFilterSet)
    path = path_of(route, world)
    html = administrator.get(path).content.decode()
    checkbox = r'type="checkbox" name="(\w+)" value="([^"]*)"[^>]*>'
    offered = re.findall(checkbox + r'<span class="facet-name">[^<]*</span><span class="facet-count">([\d.,]*)<', html)
    assert offered or "no values yet" in html
    assert re.search(r'<details class="facet" open>', html), "the first filters stand open"
    for name, value, count in offered:
        if count == "1":
            page_of_it = administrator.get(path, {name: value}, headers=part_of(page)).context["page"]
            assert page_of_it.total == 1, (name, value)


def test_an_empty_list_leads_on_and_a_short_one_has_no_pages(
    owner: User, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For whoever may open it: by a button of what can be done here, or a link to where its rows come from."""
    clients = (client_of(owner), client_of(UserFactory(roles=[VIEWER])))
    wrong = []
    for route, page in LISTS:
        path = path_of(route, world)
        whole = clients[0].get(path, headers=part_of(page))
        if ('class="pager"' in whole.content.decode()) != (whole.context["page"].total > PAGE_SIZE >= 12):
            wrong.append(f"{page.key}: pages")
        with monkeypatch.context() as patch:
            patch.setattr(page, "rows", lambda self, request, rows=page.rows: rows(self, request).none())
            for client in clients:
                answer = client.get(path, headers=part_of(page))
                html = answer.content.decode()
                if answer.status_code == 200 and not re.search(
                    r'<div class="empty">.*<a class="btn[^>]*href="/', html, re.S
                ):
                    wrong.append(f"{page.key}: leads nowhere")
    assert wrong == []


def test_every_empty_part_of_a_page_leads_on() -> None:
    for path in (settings.BASE_DIR / "templates").rglob("*.html"):
        for part in re.findall(r'<div class="empty">(.*?)</div>', path.read_text(), re.S):
            assert "href=" in part, path
