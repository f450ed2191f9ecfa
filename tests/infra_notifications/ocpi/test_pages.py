"""The pages of parties: a token is shown once, and nothing of it afterwards."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from infra_notifications.models import OcpiParty
from tests.infra_notifications.ocpi.cpo import Cpo, Sender, said

pytestmark = pytest.mark.django_db
PARTIES = "/infrastructure/ocpi-parties/"


def token_on(page: bytes) -> str:
    found = re.search(r'id="token"\s+value="([^"]+)"', page.decode())
    assert found
    return found[1]


def test_an_administrator_invites_a_party_with_a_token_that_is_shown_once(
    administrator: Client, sender: Sender
) -> None:
    token = token_on(administrator.post(f"{PARTIES}new/", {"name": " Charge  & Co "}).content)
    assert said(Cpo(token).call("POST", "/ocpi/2.2.1/credentials", sender.credentials())) == (200, 1000)
    party = OcpiParty.objects.get()
    page = administrator.get(f"{PARTIES}{party.pk}/").content.decode()
    assert "Charge &amp; Co" in page
    assert "BE*BEC" in page
    for secret in (token, sender.token):
        assert secret not in page
    assert administrator.post(f"{PARTIES}new/", {"name": "charge & co"}).status_code == 422


def test_a_new_token_is_asked_for_first_and_ends_the_old_one(administrator: Client, cpo: Cpo, party: OcpiParty) -> None:
    assert administrator.get(f"{PARTIES}{party.pk}/token/").status_code == 200
    assert said(cpo.get("/ocpi/versions")) == (200, 1000)
    token = token_on(administrator.post(f"{PARTIES}{party.pk}/token/").content)
    assert said(cpo.get("/ocpi/versions")) == (401, 2001)
    assert said(Cpo(token).get("/ocpi/versions")) == (200, 1000)


def test_a_party_is_disabled_and_deleted_by_its_name(administrator: Client, cpo: Cpo, party: OcpiParty) -> None:
    administrator.post(f"{PARTIES}{party.pk}/disable/", {"disabled": "yes"})
    assert said(cpo.get("/ocpi/versions")) == (401, 2001)
    administrator.post(f"{PARTIES}{party.pk}/delete/", {"typed": "something"})
    assert OcpiParty.objects.exists()
    administrator.post(f"{PARTIES}{party.pk}/delete/", {"typed": "BeCharged"})
    assert not OcpiParty.objects.exists()
