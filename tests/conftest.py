"""Fixtures that all tests share: clients by role and by key, a real mail server."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection, connections, transaction
from django.test import Client
from django.test.client import ClientHandler
from django.utils import translation
from playwright.sync_api import Browser, sync_playwright
from pytest_django import DjangoDbBlocker, Settings

from console.paging import long_tables
from core import cache, rates
from core.handlers import ForMachines
from outbox import dispatcher
from tests.browser.kit import chromium
from tests.committing import keep_aside, put_back
from tests.factories.console import UserFactory, make_key
from tests.factories.everything import World, one_of_everything
from tests.mailserver import MailServer, mail_server
from tests.pages import PageClient
from tests.template import template_on

# Before any test module's own settings are made of it. A busy machine is no failure of a property; and CI tries the
# same examples each time, while on developers' machines the search goes on.
hypothesis.settings.register_profile(
    "signalbox",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("signalbox")


def pytest_configure() -> None:
    """What is slow on purpose or at first need not be so in each of thousands of tests."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.WHITENOISE_AUTOREFRESH = True  # static files are looked for when they are asked for
    # The links to all models on every page of the admin; tests/console/test_security_headers.py looks at them once.
    admin.site.enable_nav_sidebar = False


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """After a marked test that commits, pytest-django empties every table, also what the migrations filled."""
    for item in items:
        mark = item.get_closest_marker("django_db")
        if mark and ("transactional_db" in item.fixturenames or mark.args or mark.kwargs):
            raise pytest.UsageError(f'{item.nodeid} commits: let its module use the fixture "db", not the mark.')


def pytest_collection_finish() -> None:
    """What is loaded by now lives as long as the process: looking through it for garbage is a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


class _MachineHandler(ForMachines, ClientHandler):
    """What surrounds a request of a machine where the product runs."""


class ApiClient:
    """Calls the API with a key and JSON bodies."""

    def __init__(self, plain_key: str | None) -> None:
        self.client = Client()
        self.client.handler = _MachineHandler(enforce_csrf_checks=False)
        self.headers = {"Authorization": f"Bearer {plain_key}"} if plain_key else {}

    def call(self, method: str, path: str, body: Any = None, **kwargs: Any) -> Any:
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.generic(
            method, f"/api/v1{path}", data, content_type="application/json", headers=self.headers, **kwargs
        )

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def post(self, path: str, body: Any = None) -> Any:
        return self.call("POST", path, body)

    def put(self, path: str, body: Any = None) -> Any:
        return self.call("PUT", path, body)

    def patch(self, path: str, body: Any = None) -> Any:
        return self.call("PATCH", path, body)

    def delete(self, path: str, body: Any = None) -> Any:
        return self.call("DELETE", path, body)


def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> None:
    """Whoever gets a database begins like a new process: nothing is remembered of what another test had in it."""
    if fixturedef.argname in ("_django_db_helper", "transactional_db"):
        cache.clear()
        rates.clear()
        translation.deactivate()  # of whoever asked last
        for model in apps.get_models():
            # As they are here; the question would come once a minute and change how many statements run.
            long_tables.put(model, False)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Test databases are copies of the migrated one."""
    connection.settings_dict["TEST"]["TEMPLATE"] = template_on(os.environ["DATABASE_URL"])


@pytest.fixture
def db(request: pytest.FixtureRequest) -> None:
    """A database whose changes are rolled back, or one that commits if the test asks for that."""
    request.getfixturevalue("transactional_db" if "transactional_db" in request.fixturenames else "_django_db_helper")


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A database that commits; afterwards it is what the migrations left."""
    with django_db_blocker.unblock():
        assert str(connection.settings_dict["NAME"]).startswith("test_")
        keep_aside()
        yield
        dispatcher.stop()  # one that the test's tasks started would go on with its settings
        connections.close_all()
        put_back()
        connections.close_all()


@pytest.fixture
def committed(transactional_db: None) -> None:
    """For tests with several connections, each of which sees what the others committed."""
    # The flush behind the last such test gave content types other ids than those that this process remembers.
    ContentType.objects.clear_cache()


@pytest.fixture
def api(db: None) -> ApiClient:
    """The API with a key that has every scope."""
    return ApiClient(make_key()[1])


@pytest.fixture
def api_with(db: None) -> Callable[..., ApiClient]:
    """The API with a key of the given scopes, or without a key for none."""
    return lambda *scopes: ApiClient(make_key(*scopes)[1] if scopes else None)


@pytest.fixture(scope="module")
def owner(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[User]:
    """An administrator for all tests of a module, in a transaction around them: each takes back its own changes."""
    around = transaction.atomic()
    with django_db_blocker.unblock():
        around.__enter__()
        user: User = UserFactory(roles=["administrator"])
    yield user
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        around.__exit__(None, None, None)


@pytest.fixture(scope="module")
def world(owner: User, django_db_blocker: DjangoDbBlocker) -> World:
    """One of everything, which is the owner's where it has one; made once for all tests of a module."""
    with django_db_blocker.unblock():
        return one_of_everything(owner)


def client_of(user: User) -> Client:
    client = PageClient()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def _client_of(role: str) -> Client:
    return client_of(UserFactory(roles=[role] if role else []))


@pytest.fixture
def viewer(db: None) -> Client:
    return _client_of("viewer")


@pytest.fixture
def operator(db: None) -> Client:
    return _client_of("operator")


@pytest.fixture
def administrator(db: None) -> Client:
    return _client_of("administrator")


@pytest.fixture
def nobody(db: None) -> Client:
    """Signed in, without any role."""
    return _client_of("")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, one for all tests of a process: Playwright starts but once in it."""
    with sync_playwright() as playwright:
        found = chromium(playwright)
        yield found
        found.close()


@pytest.fixture
def smtp(settings: Settings) -> Iterator[MailServer]:
    """A real mail server that the outbox delivers to."""
    with mail_server() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server
