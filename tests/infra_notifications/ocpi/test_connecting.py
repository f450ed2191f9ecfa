"""The handshake that we begin, its rotation and its end, with a party's own server of plain HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from infra_notifications.models import OcpiParty
from tests.conftest import ApiClient
from tests.infra_notifications.ocpi.cpo import Cpo, Sender, in_base64, role, said
from tests.infra_notifications.pages import url

pytestmark = pytest.mark.usefixtures("db")
TOKEN_A = "their-token-a"
LOCATIONS = "/ocpi/emsp/2.3.0/locations/BE/BEC/LOC1"


@pytest.fixture
def theirs(sender: Sender) -> Sender:
    """A party that waits for us."""
    sender.token, sender.token_a = "", TOKEN_A
    return sender


def invite(api: ApiClient) -> str:
    return f"/charging/ocpi-parties/{api.post('/charging/ocpi-parties', {'name': 'BeCharged'}).json()['id']}"


def connect(api: ApiClient, path: str, sender: Sender, **more: str) -> Any:
    return api.post(f"{path}/connect", {"versions_url": sender.versions_url, "token": TOKEN_A} | more)


def test_we_register_with_a_party_that_gave_us_its_token(committed: None, api: ApiClient, theirs: Sender) -> None:
    """It looks at our versions before it answers, as the specification asks: what we wrote is committed by then."""
    seen: list[Any] = []

    def look(given: dict[str, Any]) -> None:
        theirs_of_us = Cpo(given["token"])
        seen.append(theirs_of_us.get("/ocpi/versions").json()["data"])
        seen.append(said(theirs_of_us.get(LOCATIONS)))
        connection.close()

    theirs.on_credentials = look
    path = invite(api)
    answer = connect(api, path, theirs)
    assert answer.status_code == 200, answer.content
    assert ((shown := answer.json())["state"], shown["version"]) == ("registered", "2.3.0")
    assert {one["version"] for one in seen[0]} == {"2.2.1", "2.3.0"}
    assert seen[1] == (401, 2001)
    ((method, given),) = theirs.given
    assert given is not None
    assert (method, given["url"]) == ("POST", "http://testserver/ocpi/versions")
    assert [(one["country_code"], one["party_id"], one["role"]) for one in given["roles"]] == [("DE", "SBX", "NSP")]
    # By its token B it pushes, by its token C we call it.
    assert said(Cpo(given["token"]).get(LOCATIONS)) == (404, 2003)
    party = OcpiParty.objects.get()
    assert (party.peer_token, party.owners) == ("token-c-1", {("BE", "BEC")})
    assert party.locations_url.endswith("/2.3.0/locations")
    assert TOKEN_A not in str([getattr(party, field.name) for field in OcpiParty._meta.concrete_fields])
    assert connect(api, path, theirs).status_code == 409


@pytest.mark.parametrize(
    "how", ["wrong token", "away", "no versions", "no credentials", "no locations", "as us", "a hub"]
)
def test_a_handshake_that_fails_leaves_nothing_open(api: ApiClient, theirs: Sender, how: str) -> None:
    more: dict[str, str] = {}
    match how:
        case "wrong token":
            more = {"token": "wrong"}
        case "away":
            more = {"versions_url": "http://127.0.0.1:1/versions"}
        case "no versions":
            theirs.versions = ["2.1.1"]
        case "no credentials":
            theirs.modules = [("locations", "SENDER")]
        case "no locations":
            theirs.modules = [("credentials", "SENDER")]
        case "as us":
            theirs.roles = [role("DE", "SBX")]
        case "a hub":
            theirs.roles = [role("EU", "HUB", "HUB")]
    path = invite(api)
    answer = connect(api, path, theirs, **more)
    assert answer.status_code == 422, answer.content
    assert api.get(path).json()["state"] == "invited"
    assert OcpiParty.objects.get().peer_token == ""
    for _method, given in theirs.given:
        assert given is None or said(Cpo(given["token"]).get("/ocpi/versions")) == (401, 2001)
    if theirs.given:
        assert theirs.given[-1] == ("DELETE", None)  # it does not believe that we are connected


def test_tokens_are_exchanged_and_the_old_ones_open_until_the_new_ones_were_used(
    api: ApiClient, theirs: Sender
) -> None:
    path = invite(api)
    connect(api, path, theirs)
    assert api.post(f"{path}/rotate").status_code == 200
    (_first, before), (method, after) = theirs.given
    assert before is not None
    assert after is not None
    assert (method, OcpiParty.objects.get().peer_token) == ("PUT", "token-c-2")
    old, new = Cpo(before["token"]), Cpo(after["token"])
    assert said(old.get(LOCATIONS)) == (404, 2003)
    assert said(new.get(LOCATIONS)) == (404, 2003)
    assert said(old.get(LOCATIONS)) == (401, 2001)


def test_an_exchange_that_fails_twice_leaves_the_token_that_it_has(api: ApiClient, theirs: Sender) -> None:
    path = invite(api)
    connect(api, path, theirs)
    theirs.answer = (500, b"")
    for _time in range(2):
        assert api.post(f"{path}/rotate").status_code == 422
    assert theirs.given[0][1] is not None
    assert said(Cpo(theirs.given[0][1]["token"]).get(LOCATIONS)) == (404, 2003)


@pytest.mark.parametrize("is_away", [False, True])
def test_we_end_a_registration_and_tell_so(api: ApiClient, theirs: Sender, is_away: bool) -> None:
    path = invite(api)
    connect(api, path, theirs)
    assert theirs.given[0][1] is not None
    token = theirs.given[0][1]["token"]
    theirs.answer = (503, b"") if is_away else None
    answer = api.post(f"{path}/unregister").json()
    assert (answer["state"], bool(answer["not_told"])) == ("ended", is_away)
    assert is_away or theirs.given[-1] == ("DELETE", None)
    assert said(Cpo(token).get("/ocpi/versions")) == (401, 2001)


def test_the_console_does_the_same(administrator: Client, api: ApiClient, theirs: Sender) -> None:
    invite(api)
    pk = OcpiParty.objects.get().pk
    body = {"versions_url": theirs.versions_url, "token": "wrong"}
    refused = administrator.post(url("ocpi_party_connect", pk), body)
    assert (refused.status_code, "HTTP 401" in refused.content.decode()) == (422, True)
    body["token"] = TOKEN_A
    assert administrator.post(url("ocpi_party_connect", pk), body).status_code == 302
    shown = administrator.get(url("ocpi_party", pk)).content.decode()
    assert "BE*BEC" in shown
    assert in_base64(TOKEN_A) not in shown
    assert TOKEN_A not in shown
    administrator.post(url("ocpi_party_rotate", pk))
    administrator.post(url("ocpi_party_edit", pk), {"name": "Renamed", "may_be_hub": "on"})
    administrator.post(url("ocpi_party_unregister", pk))
    assert [method for method, _given in theirs.given] == ["POST", "PUT", "DELETE"]
    found = OcpiParty.objects.get()
    assert (found.name, found.may_be_hub, found.state) == ("Renamed", True, "ended")
