"""Registering by OCPI's credentials module, as an operator's own program does it."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from infra_notifications.models import OcpiParty
from tests.conftest import ApiClient
from tests.infra_notifications.ocpi.cpo import Cpo, Sender, in_base64, role, said

pytestmark = pytest.mark.django_db
CREDENTIALS = "/ocpi/2.2.1/credentials"


def test_a_party_finds_its_way_from_the_versions_to_its_token(invited: Cpo, sender: Sender) -> None:
    versions = {one["version"]: one["url"] for one in invited.get("/ocpi/versions").json()["data"]}
    assert set(versions) == {"2.2.1", "2.3.0"}
    details = invited.get(versions["2.2.1"].removeprefix("http://testserver")).json()["data"]
    endpoints = {(one["identifier"], one["role"]): one["url"] for one in details["endpoints"]}
    assert details["version"] == "2.2.1"
    assert endpoints["locations", "RECEIVER"] == "http://testserver/ocpi/emsp/2.2.1/locations"
    path = endpoints["credentials", "SENDER"].removeprefix("http://testserver")
    answer = invited.call("POST", path, sender.credentials())
    assert said(answer) == (200, 1000)
    given = answer.json()["data"]
    assert given["url"] == "http://testserver/ocpi/versions"
    assert [(one["country_code"], one["party_id"]) for one in given["roles"]] == [("DE", "SBX")]
    # Token C is for everything, and token A is thrown away when it was used.
    registered = Cpo(given["token"])
    assert registered.get(CREDENTIALS).json()["data"]["token"] == given["token"]
    assert said(invited.get("/ocpi/versions")) == (401, 2001)
    assert said(registered.get("/ocpi/emsp/2.2.1/locations/BE/BEC/LOC1")) == (404, 2003)
    asked = [path for path, _headers in sender.requests]
    assert asked == ["/ocpi/cpo/versions", "/ocpi/cpo/2.2.1"]


def test_what_is_stored_of_a_party_is_no_key_to_us(cpo: Cpo, party: OcpiParty, sender: Sender) -> None:
    stored = {field.name: str(getattr(party, field.name)) for field in OcpiParty._meta.concrete_fields}
    assert not [name for name, value in stored.items() if cpo.token in value]
    assert party.locations_url == f"{sender.url}/ocpi/cpo/2.2.1/locations"
    assert (party.version, party.owners) == ("2.2.1", {("BE", "BEC")})


@pytest.mark.parametrize("spelling", ["{}", "\t{} "])
@pytest.mark.parametrize("is_plain", [True, False])
def test_the_token_is_known_in_base64_and_as_it_is(invited: Cpo, is_plain: bool, spelling: str) -> None:
    token = invited.token if is_plain else in_base64(invited.token)
    answer = invited.client.get("/ocpi/versions", headers={"Authorization": "Token " + spelling.format(token)})
    assert said(answer) == (200, 1000)


def test_base64_of_a_token_with_a_line_feed_is_taken_as_in_the_example_of_the_specification(invited: Cpo) -> None:
    """`ZXhhbXBsZS10b2tlbgo=` is "example-token" with a line feed."""
    headers = {"Authorization": f"Token {in_base64(invited.token + chr(10))}"}
    assert said(invited.client.get("/ocpi/versions", headers=headers)) == (200, 1000)


@pytest.mark.parametrize("header", ["", "Token", "Token ", "Token nonsense", "Bearer x", "Token ====", "Token é"])
@pytest.mark.parametrize("path", ["/ocpi/versions", "/ocpi/2.2.1", CREDENTIALS, "/ocpi/emsp/2.2.1/locations/a/b/c"])
def test_a_stranger_is_told_nothing(invited: Cpo, header: str, path: str) -> None:
    answer = invited.client.get(path, headers={"Authorization": header} if header else {})
    assert said(answer) == (401, 2001)
    assert answer["WWW-Authenticate"] == "Token"


def test_token_a_opens_no_other_module(invited: Cpo) -> None:
    assert said(invited.get("/ocpi/emsp/2.2.1/locations/BE/BEC/LOC1")) == (401, 2001)
    assert said(invited.put("LOC1", {})) == (401, 2001)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_who_is_not_registered_can_only_register(invited: Cpo, sender: Sender, method: str) -> None:
    answer = invited.call(method, CREDENTIALS, sender.credentials())
    assert said(answer)[0] == 405
    assert answer["Allow"] == "GET, POST"


def test_who_is_registered_cannot_register_again(cpo: Cpo, sender: Sender) -> None:
    assert said(cpo.call("POST", CREDENTIALS, sender.credentials()))[0] == 405
    assert said(cpo.get("/ocpi/versions")) == (200, 1000)


def test_credentials_are_rotated_and_the_version_follows(cpo: Cpo, sender: Sender, party: OcpiParty) -> None:
    sender.token = "another-token-of-theirs"
    answer = cpo.call("PUT", "/ocpi/2.3.0/credentials", sender.credentials(role(), role("NL", "BEC")))
    assert said(answer) == (200, 1000)
    new = Cpo(answer.json()["data"]["token"])
    assert said(new.get("/ocpi/versions")) == (200, 1000)
    assert said(cpo.get("/ocpi/emsp/2.3.0/locations/BE/BEC/LOC1")) == (404, 2003)
    assert said(new.get("/ocpi/emsp/2.3.0/locations/BE/BEC/LOC1")) == (404, 2003)
    assert said(cpo.get("/ocpi/versions")) == (401, 2001)
    party.refresh_from_db()
    assert (party.version, party.owners) == ("2.3.0", {("BE", "BEC"), ("NL", "BEC")})
    assert party.locations_url.endswith("/2.3.0/locations")


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_who_never_got_the_answer_asks_again_by_the_old_token(invited: Cpo, sender: Sender, method: str) -> None:
    """Of the tokens that were given meanwhile only the last one opens."""
    old = invited
    if method == "PUT":
        old = Cpo(invited.call("POST", CREDENTIALS, sender.credentials()).json()["data"]["token"])
        assert said(old.get(CREDENTIALS)) == (200, 1000)
    lost, got = (old.call(method, CREDENTIALS, sender.credentials()).json()["data"]["token"] for _time in range(2))
    assert said(Cpo(lost).get("/ocpi/versions")) == (401, 2001)
    assert said(Cpo(got).get(CREDENTIALS)) == (200, 1000)
    assert said(old.get("/ocpi/versions")) == (401, 2001)


def test_who_unregisters_is_a_stranger_and_called_no_more(cpo: Cpo, party: OcpiParty) -> None:
    assert said(cpo.call("DELETE", CREDENTIALS)) == (200, 1000)
    assert said(cpo.get("/ocpi/versions")) == (401, 2001)
    party.refresh_from_db()
    assert (party.state, party.peer_token, party.pull_due_at) == ("ended", "", None)


def test_a_party_that_takes_plain_tokens_alone_is_called_so(invited: Cpo, sender: Sender) -> None:
    sender.takes_base64, sender.takes_plain = False, True
    assert said(invited.call("POST", CREDENTIALS, sender.credentials())) == (200, 1000)
    assert OcpiParty.objects.get().sends_plain_token


def _broken(sender: Sender, how: str) -> dict[str, Any]:
    """Credentials with which we cannot work, or a server that does not."""
    match how:
        case "away":
            return sender.credentials(url="http://127.0.0.1:1/ocpi/versions")
        case "no server of OCPI":
            sender.answer = (200, b"<html>")
        case "an error":
            sender.answer = (500, b'{"status_code": 3000, "status_message": "boom"}')
        case "an envelope that says no":
            sender.answer = (200, b'{"data": [], "status_code": 2001, "timestamp": ""}')
        case "another token":
            return sender.credentials(token="wrong")
        case "a forbidden place":
            return sender.credentials(url="https://169.254.169.254/ocpi/versions")
        case "a file":
            return sender.credentials(url="file:///etc/passwd")
    return sender.credentials()


BROKEN = [
    "away",
    "no server of OCPI",
    "an error",
    "an envelope that says no",
    "another token",
    "a forbidden place",
    "a file",
]


@pytest.mark.parametrize("how", BROKEN)
def test_whose_api_cannot_be_used_is_told_so_and_may_try_again(invited: Cpo, sender: Sender, how: str) -> None:
    assert said(invited.call("POST", CREDENTIALS, _broken(sender, how))) == (200, 3001)
    sender.answer = None
    assert said(invited.call("POST", CREDENTIALS, sender.credentials())) == (200, 1000)


def test_private_networks_are_called_only_where_they_are_named(invited: Cpo, sender: Sender, settings: Any) -> None:
    settings.OUTBOX_ALLOWED_NETWORKS = []
    assert said(invited.call("POST", CREDENTIALS, sender.credentials())) == (200, 3001)
    assert sender.requests == []


def test_a_change_that_fails_leaves_the_old_token_alive(cpo: Cpo, sender: Sender) -> None:
    sender.answer = (500, b"")
    assert said(cpo.call("PUT", CREDENTIALS, sender.credentials())) == (200, 3001)
    assert said(cpo.get("/ocpi/versions")) == (200, 1000)


def test_a_version_that_the_party_does_not_have_is_unsupported(invited: Cpo, sender: Sender) -> None:
    sender.versions = ["2.1.1"]
    assert said(invited.call("POST", CREDENTIALS, sender.credentials())) == (200, 3002)


def test_a_party_without_locations_has_no_matching_endpoints(invited: Cpo, sender: Sender) -> None:
    sender.modules = [("credentials", "SENDER"), ("locations", "RECEIVER"), ("tokens", "RECEIVER")]
    assert said(invited.call("POST", CREDENTIALS, sender.credentials())) == (200, 3003)


@pytest.mark.parametrize(
    "change",
    [
        {"token": None},
        {"token": "two words"},
        {"token": ""},
        {"url": None},
        {"url": 5},
        {"roles": []},
        {"roles": "CPO"},
        {"roles": [{"role": "CPO"}]},
        {"roles": [{"role": "CPO", "country_code": "BEL", "party_id": "BEC"}]},
    ],
)
def test_incomplete_credentials_are_refused(invited: Cpo, sender: Sender, change: dict[str, Any]) -> None:
    assert said(invited.call("POST", CREDENTIALS, sender.credentials() | change)) == (200, 2001)
    assert sender.requests == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"token": }'])
def test_what_is_no_json_is_a_bad_request(invited: Cpo, body: bytes) -> None:
    assert said(invited.call("POST", CREDENTIALS, body))[0] == 400


@pytest.mark.parametrize("how", ["connected", "disabled", "invited again"])
def test_nobody_registers_as_somebody_else(
    cpo: Cpo, party: OcpiParty, sender: Sender, api: ApiClient, how: str
) -> None:
    """Until the registration of the other has ended; who it is an operator decides, and reads why."""
    path = f"/charging/ocpi-parties/{party.pk}"
    if how == "disabled":
        api.patch(path, {"enabled": False})
    elif how == "invited again":
        api.post(f"{path}/token")
    made = api.post("/charging/ocpi-parties", {"name": "Other"}).json()
    other = Cpo(made["token"])
    for roles in ([role("be", "bec")], [role("BE", "OTH"), role("BE", "BEC", "EMSP")]):
        assert said(other.call("POST", CREDENTIALS, sender.credentials(*roles))) == (200, 2001)
    assert "BE*BEC" in api.get(f"/charging/ocpi-parties/{made['id']}").json()["error"]
    assert api.post(f"{path}/unregister").status_code == 200
    assert said(other.call("POST", CREDENTIALS, sender.credentials(role("BE", "BEC")))) == (200, 1000)


def test_nobody_registers_as_us(invited: Cpo, sender: Sender) -> None:
    assert said(invited.call("POST", CREDENTIALS, sender.credentials(role("DE", "SBX")))) == (200, 2001)


def test_who_says_that_he_is_a_hub_must_be_allowed_to(invited: Cpo, sender: Sender, api: ApiClient) -> None:
    """A hub may speak for everybody who is not connected by himself."""
    (party,) = api.get("/charging/ocpi-parties").json()["items"]
    for more in ({"roles": [role("EU", "HUB", "HUB")]}, {"hub_party_id": "EUHUB"}):
        assert said(invited.call("POST", CREDENTIALS, sender.credentials() | more)) == (200, 2001)
    assert api.patch(f"/charging/ocpi-parties/{party['id']}", {"may_be_hub": True}).json()["may_be_hub"]
    assert said(invited.call("POST", CREDENTIALS, sender.credentials(hub_party_id="EUHUB"))) == (200, 1000)


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("POST", "/ocpi/versions", 405),
        ("PATCH", CREDENTIALS, 405),
        ("DELETE", "/ocpi/emsp/2.2.1/locations/BE/BEC/LOC1", 405),
        ("POST", "/ocpi/emsp/2.2.1/locations/BE/BEC/LOC1", 405),
        ("GET", "/ocpi/2.1.1", 404),
        ("GET", "/ocpi/2.1.1/credentials", 404),
        ("GET", "/ocpi/emsp/2.2.1/tariffs/BE/BEC/1", 404),
        ("GET", "/ocpi/emsp/2.2.1/locations", 404),
    ],
)
def test_what_there_is_not_is_answered_in_the_same_envelope(cpo: Cpo, method: str, path: str, code: int) -> None:
    assert said(cpo.call(method, path))[0] == code


def test_ids_of_requests_come_back(cpo: Cpo) -> None:
    answer = cpo.get("/ocpi/versions", X_Request_ID="a/b:1", X_Correlation_ID="c-2")
    assert (answer["X-Request-ID"], answer["X-Correlation-ID"]) == ("a/b:1", "c-2")
    assert "OCPI-to-party-id" not in answer


def test_answers_of_locations_are_routed_back_to_where_the_request_came_from(cpo: Cpo) -> None:
    headers = {"OCPI-from-country-code": "BE", "OCPI-from-party-id": "HUB", "OCPI-to-party-id": "SBX"}
    answer = cpo.get("/ocpi/emsp/2.2.1/locations/BE/BEC/LOC1", **headers)
    assert [answer[f"OCPI-{name}"] for name in ("to-country-code", "to-party-id", "from-country-code")] == [
        "BE",
        "HUB",
        "DE",
    ]
    assert answer["OCPI-from-party-id"] == "SBX"


def test_no_token_is_logged(invited: Cpo, sender: Sender, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer = invited.call("POST", CREDENTIALS, sender.credentials())
    for token in (invited.token, sender.token, answer.json()["data"]["token"]):
        assert token not in caplog.text
        assert in_base64(token) not in caplog.text
