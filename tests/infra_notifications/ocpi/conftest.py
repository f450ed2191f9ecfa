"""A sender of Locations on this machine, and a party that is registered with it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from infra_notifications.models import OcpiParty
from tests.conftest import ApiClient
from tests.infra_notifications.ocpi.cpo import Cpo, Sender, serving


@pytest.fixture
def sender(settings: Settings) -> Iterator[Sender]:
    settings.OUTBOX_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    with serving(Sender()) as found:
        yield found


@pytest.fixture
def invited(api: ApiClient) -> Cpo:
    """A party with its token A."""
    return Cpo(api.post("/charging/ocpi-parties", {"name": "BeCharged"}).json()["token"])


@pytest.fixture
def cpo(invited: Cpo, sender: Sender) -> Cpo:
    """A registered party with its token C."""
    answer = invited.call("POST", "/ocpi/2.2.1/credentials", sender.credentials())
    assert answer.status_code == 200, answer.content
    return Cpo(answer.json()["data"]["token"])


@pytest.fixture
def party(cpo: Cpo) -> OcpiParty:
    return OcpiParty.objects.get(name="BeCharged")
