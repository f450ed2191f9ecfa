"""Two tabs on one form: the second one names what the first one changed, and overwrites it only when it is asked to."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from infra_notifications.models import OcpiParty, OcppRoute
from infra_notifications.services.ocpi.parties import create_party
from tests.conftest import ApiClient
from vehicles.models import VehicleSource
from vehicles.services.sources import create_source

pytestmark = pytest.mark.django_db


def route() -> OcppRoute:
    return OcppRoute.objects.create(slug="berlin", upstream="wss://csms.example")


def party() -> OcpiParty:
    return create_party(name="BeCharged", now=timezone.now())[0]


def platform() -> VehicleSource:
    return create_source(slug="cars", platform="enode")[0]


# The page, what makes its row, what two people type, and the field that is named.
FORMS: dict[str, tuple[Callable[[], models.Model], dict[str, Any], dict[str, Any], str, str]] = {
    "infra_notifications:ocpp_route_edit": (
        route,
        {"upstream": "wss://first.example", "enabled": "on"},
        {"upstream": "wss://second.example", "enabled": "on"},
        "upstream",
        "wss://first.example",
    ),
    "infra_notifications:ocpi_party_edit": (party, {"name": "First"}, {"name": "Second"}, "name", "First"),
    "vehicles:source_edit": (
        platform,
        {"enabled": "on", "silent_after_s": 100},
        {"enabled": "on", "silent_after_s": 200},
        "silent_after_s",
        "100",
    ),
}


def shown_version(html: str) -> str:
    (found,) = re.findall(r'name="version" value="([^"]+)"', html)
    return str(found)


@pytest.mark.parametrize("name", FORMS)
def test_the_second_tab_is_told_who_changed_what(administrator: Client, name: str) -> None:
    make, first, second, field, said = FORMS[name]
    row = make()
    page = reverse(name, args=[row.pk])
    version = shown_version(administrator.get(page).content.decode())
    assert administrator.post(page, first | {"version": version}).status_code == 302
    answer = administrator.post(page, second | {"version": version})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "changed meanwhile" in html
    assert said in html
    assert answer.wsgi_request.user.get_username() in html
    row.refresh_from_db()
    assert str(getattr(row, field)) == said
    # Whoever has read that may overwrite it.
    assert administrator.post(page, second | {"version": shown_version(html)}).status_code == 302
    row.refresh_from_db()
    assert str(getattr(row, field)) == str(second[field])


def test_a_key_is_named_as_the_author(administrator: Client, api: ApiClient) -> None:
    row = route()
    page = reverse("infra_notifications:ocpp_route_edit", args=[row.pk])
    version = shown_version(administrator.get(page).content.decode())
    assert api.patch("/charging/ocpp-routes/berlin", {"upstream": "wss://by-a-key.example"}).status_code == 200
    html = administrator.post(page, {"upstream": "wss://mine.example", "version": version}).content.decode()
    assert "API key" in html
    assert "wss://by-a-key.example" in html


def test_what_a_form_does_not_show_may_change(administrator: Client) -> None:
    row = platform()
    page = reverse("vehicles:source_edit", args=[row.pk])
    version = shown_version(administrator.get(page).content.decode())
    VehicleSource.objects.update(received=7, last_received_at=timezone.now())
    body = {"enabled": "on", "silent_after_s": 100, "version": version}
    assert administrator.post(page, body).status_code == 302
    row.refresh_from_db()
    assert (row.received, row.silent_after_s) == (7, 100)


@pytest.mark.parametrize("version", ["x", "-", "0-", "9" * 99 + "-x", "é-\u0660"])
def test_a_version_that_is_none_overwrites_nothing(administrator: Client, version: str) -> None:
    row = route()
    page = reverse("infra_notifications:ocpp_route_edit", args=[row.pk])
    answer = administrator.post(page, {"upstream": "wss://mine.example", "version": version})
    assert answer.status_code == (302 if "-" not in version else 422)
