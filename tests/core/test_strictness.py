"""What nobody knows: refused where Signalbox is configured and lists are asked for, ignored where data comes in."""

from __future__ import annotations

from typing import Any

import pytest

from config.api import api as machine_api
from infra_notifications.models import NotificationGroup
from outbox.models import TopicList
from tests.conftest import ApiClient
from tests.factories.bikeshare import ProgramFactory
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory

# The resources that configure Signalbox, adoption among them; other bodies are data or say what is to be done.
CONFIGURATION = (
    "/charging/groups",
    "/charging/ocpi-parties",
    "/charging/ocpp-routes",
    "/charging/unknown",
    "/topic-lists",
    "/webhooks",
    "/outbox/reports",
    "/remotes/callbacks",
    "/remotes/schedules",
    "/vehicles/campaigns",
    "/vehicles/platforms",
)
# What support does to a notification or a driver: so does it.
ACTS = ("/notes", "/mutes")


DOCUMENT = machine_api.get_openapi_schema()
OPERATIONS: list[tuple[str, str, dict[str, Any]]] = [
    (path.removeprefix("/api/v1"), method, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def query_parameters(operation: Any) -> dict[str, bool]:
    """The query parameters of an operation, and whether it needs them."""
    declared = [parameter for parameter in operation.get("parameters", ()) if parameter["in"] == "query"]
    return {parameter["name"]: parameter["required"] for parameter in declared}


LISTS = [
    pytest.param(path, names, id=path)
    for path, method, operation in OPERATIONS
    if method == "get" and (names := query_parameters(operation))
]


def body_of(operation: dict[str, Any]) -> dict[str, Any]:
    """The schema of an operation's body; nothing where it takes none."""
    schema: dict[str, Any] = (
        operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    )
    name = schema.get("$ref", "").rpartition("/")[2]
    return DOCUMENT["components"]["schemas"][name] if name else schema


def test_there_are_operations_of_every_kind() -> None:
    assert len(OPERATIONS) > 100
    assert len(LISTS) > 25


def test_every_body_says_whether_it_configures() -> None:
    for path, method, operation in OPERATIONS:
        body = body_of(operation)
        refuses_unknown = body.get("additionalProperties") is False
        configures = path.startswith(CONFIGURATION) or (path.startswith("/vehicles/") and path.endswith(ACTS))
        assert refuses_unknown == (bool(body) and configures), (method, path)


def _filled(path: str) -> str:
    return path.format_map(_Anything())


class _Anything(dict[str, str]):
    def __missing__(self, _name: str) -> str:
        return "1"


@pytest.mark.parametrize(("path", "known"), LISTS)
def test_every_list_refuses_a_parameter_that_it_does_not_know(
    path: str, known: dict[str, bool], api: ApiClient
) -> None:
    needed = "".join(f"&{name}=1" for name, is_needed in known.items() if is_needed)
    answer = api.get(f"{_filled(path)}?limt=1{needed}")
    if "limit" in known:
        assert errors(answer)["/limt"] == "There is no parameter `limt`; did you mean `limit`?"
    else:
        assert errors(answer)["/limt"].startswith("There is no parameter `limt`; ")


def test_a_parameter_that_is_sent_twice_is_refused(api: ApiClient) -> None:
    """One reads the first, another the last (ASVS 15.3.7)."""
    found = errors(api.get("/charging/groups?limit=1&limit=2"))
    assert found == {"/limit": "The parameter `limit` stands there twice; send it once."}


def test_a_list_still_answers_what_it_knows(api: ApiClient) -> None:
    assert api.get("/charging/groups?q=&limit=5").status_code == 200
    assert api.get("/events?after=&limit=5&kind=*").status_code == 200


def test_a_stranger_is_not_told_what_is_known(api_with: Any) -> None:
    assert api_with().get("/charging/groups?limt=1").status_code == 401
    assert api_with("vehicles:read").get("/charging/groups?limt=1").status_code == 403


def errors(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.content
    return {error["pointer"]: error["detail"] for error in answer.json()["errors"]}


CREATED: dict[str, dict[str, Any]] = {
    "/charging/groups": {"name": "A", "emails": []},
    "/charging/ocpi-parties": {"name": "A"},
    "/charging/ocpp-routes": {"slug": "a", "upstream": "wss://csms.example/ocpp"},
    "/charging/unknown": {"stations": ["TST-1"]},
    "/topic-lists": {"name": "A", "topics": ["*"]},
    "/outbox/reports": {"address": "anna@example.org", "reason": "Asked for it"},
    "/webhooks": {"url": "https://hooks.example.com/x", "topics": ["*"]},
    "/remotes/callbacks": {
        "slug": "a",
        "fleet": "f",
        "new_fleet": True,
        "header": {"name": "X-Key", "value": "0123456789abcdef"},
    },
    "/remotes/schedules": {"name": "A", "type": "wakeUp", "vins": ["VIN1"], "at": "6:30"},
    "/vehicles/campaigns": {"name": "A", "type": "Overview"},
    "/vehicles/platforms": {"slug": "a", "platform": "enode"},
}
SLIPS = {
    "/charging/groups": ("notify_recover", "notify_recovery"),
    "/charging/ocpi-parties": ("nmae", "name"),
    "/charging/ocpp-routes": ("register_unknwon", "register_unknown"),
    "/charging/unknown": ("patern", "pattern"),
    "/topic-lists": ("gather", "gather_s"),
    "/outbox/reports": ("reasn", "reason"),
    "/webhooks": ("topic", "topics"),
    "/remotes/callbacks": ("batch_window", "batch_window_s"),
    "/remotes/schedules": ("time_zon", "time_zone"),
    "/vehicles/campaigns": ("brand", "brands"),
    "/vehicles/platforms": ("silent_after", "silent_after_s"),
}


@pytest.mark.parametrize("path", CONFIGURATION)
def test_a_slip_in_a_field_of_a_configuration_is_refused_and_named(path: str, api: ApiClient) -> None:
    typed, meant = SLIPS[path]
    found = errors(api.post(path, CREATED[path] | {typed: 5}))
    assert found[f"/{typed}"] == f"There is no field `{typed}`; did you mean `{meant}`?"
    assert not NotificationGroup.objects.exists()
    assert not TopicList.objects.exists()


def test_a_field_that_nothing_is_near_to_is_answered_with_all_that_are_known(api: ApiClient) -> None:
    found = errors(api.post("/charging/groups", {"name": "A", "zzzzzz": 1}))
    assert found["/zzzzzz"].startswith("There is no field `zzzzzz`; known are `name`, `description`, `emails`")


def test_a_slip_in_a_nested_field_is_named_where_it_lies(api: ApiClient) -> None:
    header = {"name": "X-Key", "value": "0123456789abcdef", "vlaue": "x"}
    found = errors(api.post("/remotes/callbacks", {"slug": "a", "fleet": "f", "header": header}))
    assert found == {"/header/vlaue": "There is no field `vlaue`; did you mean `value`?"}


def test_all_that_is_wrong_is_named_together(api: ApiClient) -> None:
    found = errors(api.post("/charging/groups", {"name": 5, "nmae": "A", "language": "en"}))
    assert set(found) == {"/name", "/nmae"}


def test_a_change_refuses_it_too_and_changes_nothing(api: ApiClient) -> None:
    group = NotificationGroupFactory(name="A")
    found = errors(api.patch(f"/charging/groups/{group.pk}", {"name": "B", "langauge": "de"}))
    assert found == {"/langauge": "There is no field `langauge`; did you mean `language`?"}
    group.refresh_from_db()
    assert group.name == "A"


def test_data_may_hold_more_than_is_known(api: ApiClient) -> None:
    point = ChargePointFactory()
    message = {"charge_point": point.evse_id, "protocol": "ocpp1.6", "action": "Heartbeat", "payload": {}, "new": 1}
    answer = api.post("/charging/messages", message)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)


@pytest.mark.django_db
def test_a_slip_in_a_field_of_a_resource_is_refused_and_a_senders_own_field_is_not(api: ApiClient) -> None:
    """Configuration refuses every unknown field; of data what is nearly one of ours would be lost in silence."""
    body = {"program": ProgramFactory().pk, "email": "erna@x.example", "loyalty_points_of_ours": 3}
    made = api.post("/bikeshare/cyclists", body)
    assert made.status_code == 201, made.content
    path = f"/bikeshare/cyclists/{made.json()['id']}"
    for answer, slip, meant in (
        (api.post("/bikeshare/cyclists", body | {"phone_nubmer": "1"}), "phone_nubmer", "phone_number"),
        (api.patch(path, {"emial": "a@b.example"}), "emial", "email"),
        (api.patch(f"/bikeshare/programs/{body['program']}", {"nmae": "Lyon"}), "nmae", "name"),
    ):
        assert answer.status_code == 422, answer.content
        assert f"{slip}: Nobody reads a field of this name (is `{meant}` meant?)" in answer.json()["detail"]
        assert answer.json()["errors"][0]["pointer"] == f"/{slip}"
    # What was read is given back as it came, with what is told of it alone.
    again = api.patch(path, {name: value for name, value in api.get(path).json().items() if name != "program"})
    assert again.status_code == 200, again.content
    batch = api.post("/bikeshare/cyclists", [body | {"email": "c@x.example", "phone_nubmer": "1"}]).json()
    assert batch["accepted"] == 1
    assert "phone_nubmer" in str(batch["warnings"])
