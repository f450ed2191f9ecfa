"""What every list does, tested once over those that are registered."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from console.filters import FacetFilterSet
from console.lists import ListPage
from core.models import ColumnChoice
from tests.conftest import client_of
from tests.console.walk import Route, own_routes, path_of
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


@each_list
def test_filters_offer_values_with_counts(
    administrator: Client, world: World, route: Route, page: type[ListPage]
) -> None:
    """Each choice that is offered selects, and says how many rows it stands for."""
    if page.filterset is None:
        return
    assert issubclass(page.filterset, FacetFilterSet)
    path = path_of(route, world)
    html = administrator.get(path).content.decode()
    checkbox = r'type="checkbox" name="(\w+)" value="([^"]*)"[^>]*>'
    offered = re.findall(checkbox + r'<span class="facet-name">[^<]*</span><span class="facet-count">([\d.,]*)<', html)
    assert offered
    assert re.search(r'<details class="facet" open>', html), "the first filters stand open"
    for name, value, count in offered:
        if count == "1":
            page_of_it = administrator.get(path, {name: value}, headers=part_of(page)).context["page"]
            assert page_of_it.total == 1, (name, value)
