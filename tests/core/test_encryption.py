"""Secrets at rest: what the database holds of them, new and lost keys; over all models and pages, where they show."""

from __future__ import annotations

import base64
import re
import secrets
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.checks import run_checks
from django.core.exceptions import FieldError
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import CharField, JSONField, Model, TextField
from django.test import Client
from pytest_django import Settings

from console.lists import ListPage
from core.encryption import AddressElsewhere, EncryptedTextField, encrypted_columns
from infra_notifications.models import OcpiParty
from outbox.models import WebhookEndpoint, WebhookSecret
from tests.conftest import ApiClient
from tests.console.test_every_list import FILES, LISTS
from tests.console.walk import api_operations, own_routes, path_of
from tests.factories.everything import World
from tests.outbox.hooks import endpoint_at
from tests.outbox.kit import NOW
from vehicles.models import VehicleSource

pytestmark = pytest.mark.django_db
URL, VALUE = "https://hooks.example.com/services/T0001/B0002/path-secret?sig=query-secret", "header-secret"
# Names of columns that hold a secret.
SECRET = re.compile(r"secret|password|token|credential|api_?key|^headers$|pin_|private", re.IGNORECASE)
# What is kept of some is a digest, by which nothing can be done; users' passwords are hashed by Django.
HASHED = {
    "auth.User.password",
    "bikeshare.Trip.pin_hash",
    "infra_notifications.OcpiParty.old_token_digest",
    "infra_notifications.OcpiParty.token_digest",
}
# Of Celery's own messages, which carry none.
NO_SECRETS = {"django_celery_beat.PeriodicTask.headers"}


def in_the_database() -> str:
    with connection.cursor() as cursor:
        found = []
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT t::text FROM {table} t")
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


def secrets_made(api: ApiClient) -> set[str]:
    """One of each kind of secret, as its owner knows it."""
    hook = api.post("/webhooks", {"url": URL, "topics": ["*"], "headers": {"X-Key": VALUE}}).json()
    VehicleSource.objects.create(slug="smart", platform="smartcar", secret="platform-secret-0123456")
    OcpiParty.objects.create(name="Other", token_digest="x", created_at=NOW, peer_token="party-secret")
    return {"path-secret", "query-secret", VALUE, "platform-secret-0123456", "party-secret", hook["secret"]}


def test_database_holds_no_secret(api: ApiClient) -> None:
    made = secrets_made(api)
    held = in_the_database()
    assert {secret for secret in made if secret in held or secret.removeprefix("whsec_") in held} == set()
    assert WebhookEndpoint.objects.get().url == URL
    assert WebhookEndpoint.objects.get().headers == {"X-Key": VALUE}
    assert VehicleSource.objects.get().secret == "platform-secret-0123456"
    assert OcpiParty.objects.get(name="Other").peer_token == "party-secret"


def test_every_column_that_is_called_a_secret_is_encrypted_or_a_digest() -> None:
    columns = {
        f"{model._meta.label}.{field.name}": field
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if SECRET.search(field.name) and isinstance(field, CharField | TextField | JSONField)
    }
    plain = {name for name, field in columns.items() if not isinstance(field, EncryptedTextField)}
    assert plain == HASHED | NO_SECRETS
    assert len(list(encrypted_columns())) >= 5


# ---- keys -----------------------------------------------------------------------------------------------------------


def new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def rotated() -> str:
    out = StringIO()
    call_command("rotate_field_key", stdout=out)
    return out.getvalue()


def test_a_new_key_writes_and_old_ones_read_until_all_is_rewritten(settings: Settings) -> None:
    endpoint = endpoint_at(URL, headers={"X-Key": VALUE})
    old, fresh = settings.FIELD_KEY[0], new_key()
    settings.FIELD_KEY = [fresh, old]
    assert WebhookEndpoint.objects.get().url == URL
    assert rotated() == "3 values are encrypted by the first key.\n"
    settings.FIELD_KEY = [fresh]
    found = WebhookEndpoint.objects.get()
    assert (found.url, found.headers, found.secrets.get().secret) == (URL, {"X-Key": VALUE}, endpoint.secret)  # type: ignore[attr-defined]
    settings.FIELD_KEY = [old]
    assert not hasattr(WebhookEndpoint.objects.get(), "url")


def test_a_lost_key_is_told_and_harms_nothing_else(settings: Settings, administrator: Client, api: ApiClient) -> None:
    endpoint = endpoint_at(URL, headers={"X-Key": VALUE}, contact="ops@example.org")
    settings.FIELD_KEY = [new_key()]
    with pytest.raises(CommandError, match=r"None of the keys opens outbox.WebhookEndpoint.url #\d+"):
        rotated()
    assert "FIELD_KEY" in administrator.get("/healthz/full").text
    for path in ("/outbox/webhooks/", f"/outbox/webhooks/{endpoint.pk}/", f"/outbox/webhooks/{endpoint.pk}/edit/"):
        assert "hooks.example.com" in administrator.get(path).text
    assert api.get(f"/webhooks/{endpoint.pk}").json()["header_names"] == []
    # Given anew, all is well.
    assert api.patch(f"/webhooks/{endpoint.pk}", {"description": "kept"}).status_code == 422
    given = {"url": URL, "headers": {"X-Key": "new"}}
    assert api.patch(f"/webhooks/{endpoint.pk}", given).status_code == 200
    api.post(f"/webhooks/{endpoint.pk}/rotate")
    WebhookSecret.objects.filter(expires_at__isnull=False).delete()
    assert rotated() == "3 values are encrypted by the first key.\n"


def test_what_cannot_be_read_is_emptied_on_demand(settings: Settings) -> None:
    endpoint_at(URL, headers={"X-Key": VALUE})
    settings.FIELD_KEY = [new_key()]
    out = StringIO()
    call_command("rotate_field_key", "--empty-unreadable", stdout=out)
    assert "3 that could not be read are empty now" in out.getvalue()
    found = WebhookEndpoint.objects.get()
    assert (found.url, found.headers) == ("", {})


def test_what_nobody_opened_is_written_back_as_it_is(settings: Settings) -> None:
    endpoint = endpoint_at(URL, headers={"X-Key": VALUE})
    keys, settings.FIELD_KEY = settings.FIELD_KEY, [new_key()]
    WebhookSecret.objects.get().save()
    WebhookEndpoint.objects.get().save()
    settings.FIELD_KEY = keys
    found = WebhookEndpoint.objects.get()
    assert (found.url, found.headers, found.secrets.get().secret) == (URL, {"X-Key": VALUE}, endpoint.secret)  # type: ignore[attr-defined]


@pytest.mark.parametrize("lookup", ["exact", "icontains", "startswith", "in"])
def test_nothing_is_looked_up_by_a_secret(lookup: str) -> None:
    with pytest.raises(FieldError, match="is encrypted"):
        WebhookEndpoint.objects.filter(**{f"url__{lookup}": ["x"] if lookup == "in" else "x"}).exists()


def test_a_key_that_is_no_random_one_is_told_before_it_is_relied_on(settings: Settings) -> None:
    def found() -> set[str | None]:
        return {message.id for message in run_checks(include_deployment_checks=True)}

    assert "signalbox.W001" not in found()
    settings.FIELD_KEY = [base64.urlsafe_b64encode(b"0123456701234567" * 2).decode(), "A" * 43 + "="]
    assert "signalbox.W001" in found()


# ---- where secrets would show ---------------------------------------------------------------------------------------

each_list = pytest.mark.parametrize("page", [page for _route, page in LISTS], ids=[page.key for _route, page in LISTS])


@each_list
def test_no_list_sorts_or_searches_by_a_secret(page: type[ListPage]) -> None:
    sealed = {field.name for _model, field in encrypted_columns()} - {"url", "tags"}
    paths = {column.sort for column in page.columns} | {getattr(facet, "path", "") for facet in page.search.facets}
    assert not {path for path in paths if path.rpartition("__")[2] in sealed}


def test_no_page_list_file_admin_page_or_answer_shows_a_secret(world: World, owner: Any, api: ApiClient) -> None:
    """Every page and every file for an administrator, every answer of the API for a key with all scopes."""
    made = secrets_made(api)
    for model, field in encrypted_columns():
        if isinstance(field, AddressElsewhere):  # who may change one sees it: tests/core/test_addresses_elsewhere.py
            continue
        for row in model._base_manager.all():
            value = getattr(row, field.name)
            made |= set(value.values()) if isinstance(value, dict) else {value}
    made -= {"", URL}
    client = Client()
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    seen = {}
    for route in own_routes():
        if route.takes_get:
            seen[route.name] = _text(client.get(path_of(route, world)))
    for route, page in FILES:
        seen[f"{page.key} as file"] = _text(client.get(path_of(route, world), {"as": "csv"}))
    for operation in api_operations():
        if operation.method == "GET":
            seen[str(operation)] = _text(api.call("GET", operation.path(world)))
    for model in {model for model, _field in encrypted_columns()}:
        if admin.site.is_registered(model):
            seen |= _admin_pages(client, model)
    shown = {(name, secret) for name, text in seen.items() for secret in made if secret and secret in text}
    assert shown == set()
    assert len(seen) > 300


def _admin_pages(client: Client, model: type[Model]) -> dict[str, str]:
    base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    pages = [base, *(f"{base}{row.pk}/change/" for row in model._base_manager.all())]
    answers = {path: client.get(path) for path in pages}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {path: _text(answer) for path, answer in answers.items()}


def _text(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return bytes(content).decode(errors="replace")
