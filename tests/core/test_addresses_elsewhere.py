"""Addresses of foreign systems: over all models, what the database, readers and the audit log have of a key in one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.core.validators import URLValidator
from django.db.models import CharField, Model, TextField
from django.test import Client
from pytest_django import Settings

from bikeshare.models import FeedSource, Program
from bikeshare.services.feeds import read_due
from core.choices import Scope
from core.encryption import AddressElsewhere, encrypted_columns
from infra_notifications.models import OcppRoute
from tests.clock import NOW
from tests.conftest import ApiClient
from tests.console.test_people import text_of
from tests.console.walk import api_operations, own_routes, path_of
from tests.core.test_encryption import in_the_database
from tests.factories.everything import World

pytestmark = pytest.mark.django_db
ADDRESS = re.compile(r"(?:^|_)(?:ur[il]|upstream|endpoint|callback|link|href|feed)s?$")
# What is no address of a foreign system, or is meant for everybody.
SHOWN = {
    "bikeshare.Program.url": "the city's web page, which its public feed names",
    "bikeshare.Station.feed": "a digest of its feed's",
    "bikeshare.Zone.feed": "a digest of its feed's",
    "bikeshare.FeedSource.shown_url": "what may be shown",
    "infra_notifications.OcppRoute.shown_url": "what may be shown",
    "outbox.WebhookEndpoint.shown_url": "what may be shown",
}
# Pages that could name one.
LEADS = re.compile("feed|route|ocpi|webhook|moved|deliver|event|dashboard|station|source|unknown")
KEY = "key-of-the-other-side"


def texts() -> Iterator[tuple[str, CharField[str, str] | TextField[str, str]]]:
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, CharField | TextField):
                yield f"{model._meta.label}.{field.name}", field


def test_every_address_is_encrypted_or_said_to_be_no_secret() -> None:
    named = {
        name: field
        for name, field in texts()
        if ADDRESS.search(field.name) or any(isinstance(check, URLValidator) for check in field.validators)
    }
    assert {name for name, field in named.items() if not isinstance(field, AddressElsewhere)} == set(SHOWN)
    assert len(named) - len(SHOWN) == 6


def planted() -> set[type[Model]]:
    """A key in the path and the query of each address of each row, twice changed."""
    columns = [(model, field) for model, field in encrypted_columns() if isinstance(field, AddressElsewhere)]
    for model, field in columns:
        for row in model._base_manager.all():
            for path in ("first", "second"):
                setattr(row, field.name, f"https://other.example/{KEY}/{path}?api_key={KEY}")
                row.save()
    return {model for model, _field in columns if model._base_manager.exists()}


def test_no_key_in_an_address_is_shown_kept_or_audited(
    world: World, viewer: Client, administrator: Client, api_with: Callable[..., ApiClient]
) -> None:
    assert {model.__name__ for model in planted()} == {"WebhookEndpoint", "FeedSource", "OcppRoute", "OcpiParty"}
    FeedSource.objects.update(next_at=NOW)
    assert read_due(now=NOW) > 0
    assert "other.example" in FeedSource.objects.exclude(problem="").latest("pk").problem
    assert KEY not in in_the_database()
    reader = api_with(*(scope.value for scope in Scope if scope.value.endswith(":read")))
    seen: dict[str, Any] = {"audit.csv": administrator.get("/audit/?as=csv"), "audit": administrator.get("/audit/")}
    for route in own_routes():
        if LEADS.search(route.name) and route.takes_get and (path := path_of(route, world)):
            seen |= {route.name + suffix: viewer.get(path + suffix) for suffix in ("", "?as=csv")}
    for operation in api_operations():
        if operation.method == "GET":
            seen[str(operation)] = reader.call("GET", operation.path(world))
    told = {name: text_of(answer) for name, answer in seen.items()}
    assert {name for name, text in told.items() if KEY in text} == set()
    assert sum("other.example" in text for text in told.values()) > 8


def test_a_feed_whose_key_is_lost_is_told_and_can_be_given_anew(
    world: World, administrator: Client, api: ApiClient, settings: Settings
) -> None:
    planted()
    settings.FIELD_KEY = ["A" * 43 + "="]
    FeedSource.objects.update(next_at=NOW)
    assert read_due(now=NOW) == FeedSource.objects.filter(problem__contains="FIELD_KEY").count() > 0
    uid = world[FeedSource].pk
    assert (administrator.get("/bikeshare/feeds/").status_code, api.get("/bikeshare/feeds").status_code) == (200, 200)
    given = api.patch(f"/bikeshare/feeds/{uid}", {"url": "https://anew.example/gbfs.json"})
    assert given.json()["url"] == "https://anew.example/gbfs.json"


def test_without_the_key_every_page_answers_and_forms_ask_for_the_address(
    world: World, administrator: Client, api: ApiClient, settings: Settings
) -> None:
    planted()
    settings.FIELD_KEY = ["A" * 43 + "="]
    for route in own_routes():
        if LEADS.search(route.name) and route.takes_get and (path := path_of(route, world)):
            assert administrator.get(path).status_code < 500, path
    for operation in api_operations():
        if operation.method == "GET":
            assert api.call("GET", operation.path(world)).status_code < 500, operation
    program, feed, route = world[Program].pk, world[FeedSource].pk, world[OcppRoute].pk
    for path, name, url, more in (
        (f"/bikeshare/feeds/{feed}/", "url", "https://anew.example/gbfs.json", {"program": program, "every_min": 60}),
        (f"/infrastructure/ocpp-routes/{route}/edit/", "upstream", "wss://anew.example/ocpp", {}),
    ):
        assert "cannot be read by FIELD_KEY. Give it anew." in administrator.get(path).content.decode()
        without = administrator.post(path, {name: "", **more})
        assert (without.status_code, [*without.context["form"].errors]) == (422, [name])
        assert administrator.post(path, {name: url, **more}).status_code == 302
        assert url in administrator.get(path).content.decode()


def test_who_may_change_an_address_sees_it(world: World, administrator: Client, api: ApiClient) -> None:
    planted()
    assert KEY in api.get("/bikeshare/feeds").content.decode()
    assert KEY in api.get("/charging/ocpp-routes").content.decode()
    assert KEY in administrator.get("/infrastructure/ocpp-routes/").content.decode()
