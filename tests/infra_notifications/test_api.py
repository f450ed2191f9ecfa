"""Charging infrastructure for machines, as the contract has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.utils import timezone

from infra_notifications.choices import DEFAULT_HOLD_OFF_S, Case
from infra_notifications.models import Acknowledgement, ChargePoint, GroupMembership, Incident, NotificationGroup
from tests.conftest import ApiClient
from tests.factories.infra_notifications import ChargePointFactory, IncidentFactory, NotificationGroupFactory, online
from tests.infra_notifications.helpers import NOW, fault, fine

pytestmark = pytest.mark.django_db


@pytest.fixture
def points() -> list[ChargePoint]:
    return [ChargePointFactory(evse_id=f"DE*ABC*E{n}*1", city="Köln" if n < 3 else "Bonn") for n in range(1, 5)]


def status(evse_id: str, **more: Any) -> dict[str, Any]:
    return {"charge_point": evse_id, "protocol": "ocpp1.6", "action": "StatusNotification", "payload": fault()} | more


def pointers(response: Any) -> list[str]:
    """What a 422 points to; its body is a problem document."""
    assert (response.status_code, response.headers["Content-Type"]) == (422, "application/problem+json")
    return [error["pointer"] for error in response.json()["errors"]]


# ---- keys -----------------------------------------------------------------------------------------------------------

ENDPOINTS = [
    ("POST", "/charging/messages", "write"),
    ("POST", "/charging/signals", "write"),
    ("PUT", "/charging/charge-points", "write"),
    ("GET", "/charging/charge-points", "read"),
    ("GET", "/charging/charge-points/X", "read"),
    ("GET", "/charging/groups", "read"),
    ("POST", "/charging/groups", "write"),
    ("GET", "/charging/groups/1", "read"),
    ("PATCH", "/charging/groups/1", "write"),
    ("DELETE", "/charging/groups/1", "write"),
    ("GET", "/charging/groups/1/members", "read"),
    ("PUT", "/charging/groups/1/members", "write"),
    ("POST", "/charging/groups/1/members", "write"),
    ("DELETE", "/charging/groups/1/members", "write"),
    ("GET", "/charging/incidents", "read"),
    ("GET", "/charging/incidents/1", "read"),
]


@pytest.mark.parametrize(("method", "path", "scope"), ENDPOINTS)
def test_endpoint_needs_a_key_of_its_scope(
    api_with: Callable[..., ApiClient], method: str, path: str, scope: str
) -> None:
    other = {"read": "write", "write": "read"}[scope]
    assert api_with().call(method, path, []).status_code == 401
    assert api_with(f"charging:{other}").call(method, path, []).status_code == 403
    assert api_with(f"charging:{scope}").call(method, path, []).status_code not in (401, 403)


# ---- messages and signals -------------------------------------------------------------------------------------------


def test_one_message_or_a_batch(api: ApiClient, points: list[ChargePoint]) -> None:
    one = api.post("/charging/messages", status("DE*ABC*E1*1"))
    assert (one.status_code, one.json()) == (202, {"accepted": 1, "duplicates": 0, "rejected": [], "warnings": []})
    batch = [status(point.evse_id, id=str(n)) for n, point in enumerate(points)]
    assert api.post("/charging/messages", batch).json()["accepted"] == 4
    assert api.post("/charging/messages", batch).json() == {
        "accepted": 0,
        "duplicates": 4,
        "rejected": [],
        "warnings": [],
    }


def test_good_items_of_a_batch_are_taken_and_the_bad_ones_named(api: ApiClient, points: list[ChargePoint]) -> None:
    batch = [
        status("DE*ABC*E1*1"),
        {"charge_point": "DE*ABC*E1*1"},
        17,
        status("DE*NEW*1"),
        status("DE*ABC*E2*1", connector="one"),
        status("DE*ABC*E2*1", unheard={"of": 1}),
        status("DE*ABC*E1*1", payload=[]),
    ]
    answer = api.post("/charging/messages", batch).json()
    assert (answer["accepted"], answer["duplicates"]) == (2, 0)
    assert [(one["index"], one["error"].split(" ")[0]) for one in answer["rejected"]] == [
        (1, "`action`"),
        (2, "It"),
        (3, "Unknown"),
        (4, "connector:"),
        (6, "`payload`"),
    ]


def test_unknown_values_and_versions_are_kept_and_unknown_actions_are_named(
    api: ApiClient, points: list[ChargePoint]
) -> None:
    odd = status("DE*ABC*E1*1", protocol="ocpp9.9", payload={"status": "Dancing"})
    answer = api.post("/charging/messages", [odd, odd | {"action": "Teleport"}]).json()
    assert (answer["accepted"], [entry["index"] for entry in answer["rejected"]]) == (1, [1])


@pytest.mark.parametrize("path", ["/charging/messages", "/charging/signals", "/charging/charge-points"])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"[" * 100_000, 400),
        (b'"text"', 422),
        (b"17", 422),
        (b"null", 422),
        (b"[" + b",".join([b"{}"] * 1_001) + b"]", 413),
        (b'["' + b"x" * (5 * 1024 * 1024) + b'"]', 413),
        (b"[]", 202),
        (b"[{}]", 202),
        (b'{"\\ud800": 1}', 202),
    ],
)
def test_body_that_is_no_batch(api: ApiClient, path: str, body: bytes, code: int) -> None:
    method = "PUT" if path.endswith("points") else "POST"
    assert api.call(method, path, body).status_code == code


def test_signals_are_taken(api: ApiClient, points: list[ChargePoint]) -> None:
    raised = {"charge_point": "de*abc*e1*1", "case": "SENSORS", "state": "raised", "detail": "door", "id": 1}
    answer = api.post("/charging/signals", [raised, raised, raised | {"id": 2, "case": "FIRE"}]).json()
    assert (answer["accepted"], answer["duplicates"], len(answer["rejected"])) == (1, 1, 1)
    assert Incident.objects.get().said == "door"


def test_answer_comes_after_the_commit(api: ApiClient, points: list[ChargePoint]) -> None:
    api.post("/charging/messages", status("DE*ABC*E1*1"))
    shown = api.get("/charging/incidents").json()["items"]
    assert [(one["charge_point"], one["case"], one["closed_at"]) for one in shown] == [
        ("DE*ABC*E1*1", "FUSE_TRIPPED", None)
    ]


# ---- charge points --------------------------------------------------------------------------------------------------

POINT = {
    "evse_id": "DE*ABC*E9*1",
    "station": "CP-9",
    "connector": 1,
    "name": "Deck 2",
    "location": "Parkhaus",
    "street": "Bahnhofstr. 1",
    "postal_code": "50667",
    "city": "Köln",
    "country": "DEU",
    "latitude": 50.9,
    "longitude": 6.9,
    "operator": "ABC",
    "vendor": "Alfen",
    "model": "Eve",
    "firmware": "5",
    "power_type": "DC",
    "connector_standard": "IEC_62196_T2",
    "max_power_kw": 22.0,
    "expected_interval_s": 60,
    "tags": ["a"],
}


def test_charge_points_are_put_and_got(api: ApiClient) -> None:
    assert api.put("/charging/charge-points", POINT).json()["accepted"] == 1
    assert api.put("/charging/charge-points", [POINT, POINT | {"evse_id": "DE*2"}]).json()["accepted"] == 2
    shown = api.get("/charging/charge-points/de*abc*e9*1").json()
    assert {name: shown[name] for name in POINT} == POINT
    assert (shown["connectivity"], shown["last_seen"], shown["status"]) == ("never", None, "")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"evse_id": ""}, "evse_id"),
        ({"evse_id": "  "}, "evse_id"),
        ({"evse_id": "\x00"}, "evse_id"),
        ({"evse_id": None}, "evse_id"),
        ({"connector": 70_000}, "connector"),
        ({"latitude": 91}, "latitude"),
        ({"latitude": "north"}, "latitude"),
        ({"expected_interval_s": 0}, "expected_interval_s"),
        ({"tags": "a"}, "tags"),
        ({"name": "x" * 121}, "name"),
    ],
)
def test_charge_point_that_makes_no_sense_is_named_and_its_neighbours_are_taken(
    api: ApiClient, given: dict[str, Any], says: str
) -> None:
    answer = api.put("/charging/charge-points", [POINT | given, POINT]).json()
    assert answer["accepted"] == 1
    assert answer["rejected"][0]["index"] == 0
    assert says in answer["rejected"][0]["error"]


def test_charge_points_are_found_by_magic_search(api: ApiClient, points: list[ChargePoint]) -> None:
    items = api.get("/charging/charge-points?q=city:köln").json()["items"]
    assert [item["evse_id"] for item in items] == ["DE*ABC*E1*1", "DE*ABC*E2*1"]


def test_state_of_a_charge_point_is_shown(api: ApiClient) -> None:
    point = online()
    api.post("/charging/messages", status(point.evse_id, payload=fine(status="Charging")))
    shown = api.get(f"/charging/charge-points/{point.evse_id}").json()
    assert (shown["connectivity"], shown["status"], shown["ocpp_version"]) == ("online", "Charging", "ocpp1.6")


@pytest.mark.parametrize("path", ["charge-points", "groups", "incidents"])
def test_lists_come_in_pages(api: ApiClient, points: list[ChargePoint], path: str) -> None:
    for point in points:
        IncidentFactory(charge_point=point)
        NotificationGroupFactory(members=[point])
    seen, cursor = [], ""
    while True:
        page = api.get(f"/charging/{path}?limit=3{cursor}").json()
        seen += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(seen) == len({str(item) for item in seen}) == 4


@pytest.mark.parametrize("path", ["charge-points", "groups", "incidents", "groups/{group}/members"])
@pytest.mark.parametrize(("query", "code"), [("q=zzz:1", 422), ("limit=0", 422), ("limit=501", 422), ("cursor=x", 400)])
def test_list_that_cannot_be_made_says_why(
    api: ApiClient, points: list[ChargePoint], path: str, query: str, code: int
) -> None:
    group = NotificationGroupFactory(members=points)
    response = api.get(f"/charging/{path.format(group=group.pk)}?{query}")
    assert (response.status_code, bool(response.json()["detail"])) == (code, True)


@pytest.mark.parametrize(
    "path", ["charge-points/DE*NONE", "charge-points/%00", "groups/0", "incidents/0", "groups/99999999999999999999"]
)
def test_what_is_not_there_is_404(api: ApiClient, path: str) -> None:
    assert api.get(f"/charging/{path}").status_code == 404


# ---- groups ---------------------------------------------------------------------------------------------------------

GROUP = {
    "name": "Köln",
    "description": "Süd",
    "emails": ["ops@example.org"],
    "cases": ["FUSE_TRIPPED", "SENSORS"],
    "hold_off_s": {"FUSE_TRIPPED": 60},
    "notify_recovery": False,
    "reminder_s": 3600,
    "language": "de",
}


def make(api: ApiClient, **more: Any) -> Any:
    return api.post("/charging/groups", GROUP | more)


def test_group_is_made_and_shown(api: ApiClient, points: list[ChargePoint]) -> None:
    response = make(api, charge_points=["de*abc*e1*1", "DE*ABC*E2*1", "DE*ABC*E2*1"])
    assert response.status_code == 201
    made = response.json()
    assert {name: made[name] for name in GROUP} == GROUP | {"hold_off_s": {**DEFAULT_HOLD_OFF_S, "FUSE_TRIPPED": 60}}
    assert (made["charge_points"], made["open_incidents"], made["last_notified_at"]) == (2, 0, None)
    assert api.get(f"/charging/groups/{made['id']}").json() == made
    assert api.get("/charging/groups").json()["items"] == [made]


def test_group_needs_nothing_but_a_name(api: ApiClient) -> None:
    made = api.post("/charging/groups", {"name": "Köln"}).json()
    assert made["cases"] == Case.values
    assert made["hold_off_s"] == DEFAULT_HOLD_OFF_S
    assert (made["notify_recovery"], made["reminder_s"], made["language"], made["emails"]) == (True, None, "en", [])


def test_taken_name_is_a_conflict(api: ApiClient) -> None:
    make(api)
    response = make(api, name="  KÖLN ")
    assert (response.status_code, NotificationGroup.objects.count()) == (409, 1)
    other = make(api, name="Bonn").json()["id"]
    assert api.patch(f"/charging/groups/{other}", {"name": "köln"}).status_code == 409


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": None}, "/name"),
        ({"emails": ["ops"]}, "/emails"),
        ({"emails": "ops@example.org"}, "/emails"),
        ({"emails": ["a@example.org"] * 201}, "/emails"),
        ({"cases": ["FIRE"]}, "/cases"),
        ({"cases": ["\x00"]}, "/cases"),
        ({"hold_off_s": {"FIRE": 1}}, "/hold_off_s"),
        ({"hold_off_s": {"SENSORS": -1}}, "/hold_off_s"),
        ({"hold_off_s": {"SENSORS": None}}, "/hold_off_s/SENSORS"),
        ({"language": "nl"}, "/language"),
        ({"reminder_s": 1}, "/reminder_s"),
        ({"charge_points": ["DE*ABC*E1*1", "DE*NONE"]}, "/charge_points/1"),
        ({"charge_points": ["\x00"]}, "/charge_points/0"),
    ],
)
def test_setting_that_makes_no_sense_is_pointed_to(
    api: ApiClient, points: list[ChargePoint], given: dict[str, Any], pointer: str
) -> None:
    group = make(api, name="First").json()["id"]
    assert pointers(make(api, **given)) == [pointer]
    if given != {"name": None}:
        assert pointers(api.patch(f"/charging/groups/{group}", given)) == [pointer]
    assert NotificationGroup.objects.count() == 1


def test_nul_characters_in_texts_are_left_out(api: ApiClient) -> None:
    made = make(api, name="K\x00öln", description="a\x00b").json()
    assert (made["name"], made["description"]) == ("Köln", "ab")


def test_addresses_are_normalised(api: ApiClient) -> None:
    emails = ["ops@MÜNCHEN.example", " ops@münchen.example", "Ops@Example.ORG"]
    assert make(api, emails=emails).json()["emails"] == ["ops@xn--mnchen-3ya.example", "Ops@example.org"]


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"name": "Bonn"}, {"name": "Bonn"}),
        ({"emails": ["b@example.org"]}, {"emails": ["b@example.org"]}),
        ({"emails": []}, {"emails": []}),
        ({"cases": []}, {"cases": []}),
        ({"hold_off_s": {"SENSORS": 5}}, {"hold_off_s": {**DEFAULT_HOLD_OFF_S, "SENSORS": 5}}),
        ({"notify_recovery": True}, {"notify_recovery": True}),
        ({"reminder_s": None}, {"reminder_s": None}),
        ({"charge_points": ["DE*ABC*E2*1", "DE*ABC*E3*1"]}, {"charge_points": 2}),
        ({"charge_points": []}, {"charge_points": 0}),
        ({"name": None, "emails": None, "cases": None, "charge_points": None}, {}),
        ({}, {}),
    ],
)
def test_patch_changes_what_it_names(
    api: ApiClient, points: list[ChargePoint], change: dict[str, Any], shown: dict[str, Any]
) -> None:
    before = make(api, charge_points=["DE*ABC*E1*1"]).json()
    after = api.patch(f"/charging/groups/{before['id']}", change)
    assert (after.status_code, after.json()) == (200, before | shown)


def test_deleted_group_is_gone(api: ApiClient) -> None:
    made = make(api).json()["id"]
    assert api.delete(f"/charging/groups/{made}").status_code == 204
    assert api.delete(f"/charging/groups/{made}").status_code == 404


def test_groups_are_found_by_address_each_once(api: ApiClient) -> None:
    make(api, emails=["a@example.org", "b@example.org"])
    make(api, name="Other", emails=["c@example.com"])
    found = {
        query: [item["name"] for item in api.get(f"/charging/groups?q={query}").json()["items"]]
        for query in ("address:example.org", "-address:example.org", "address:EXAMPLE", "case:unavailable", "süd")
    }
    assert found == {
        "address:example.org": ["Köln"],
        "-address:example.org": ["Other"],
        "address:EXAMPLE": ["Köln", "Other"],
        "case:unavailable": [],
        "süd": ["Köln", "Other"],
    }


# ---- members --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "body", "left"),
    [
        ("PUT", {"charge_points": ["DE*ABC*E2*1", "de*abc*e3*1"]}, [2, 3]),
        ("PUT", {"charge_points": []}, []),
        ("PUT", {"q": "city:köln"}, [1, 2]),
        ("PUT", {"q": ""}, [1, 2, 3, 4]),
        ("POST", {"charge_points": ["DE*ABC*E1*1", "DE*ABC*E2*1"]}, [1, 2, 4]),
        ("POST", {"q": "city:köln"}, [1, 2, 4]),
        ("DELETE", {"charge_points": ["DE*ABC*E1*1", "DE*ABC*E2*1"]}, [4]),
        ("DELETE", {"q": "city:köln"}, [4]),
        ("DELETE", {"q": "group:any"}, []),
    ],
)
def test_members_are_set_added_and_removed_by_list_or_search(
    api: ApiClient, points: list[ChargePoint], method: str, body: dict[str, Any], left: list[int]
) -> None:
    group = NotificationGroupFactory(members=[points[0], points[3]])
    path = f"/charging/groups/{group.pk}/members"
    answer = api.call(method, path, body)
    assert (answer.status_code, answer.json()["charge_points"]) == (200, len(left))
    assert [item["evse_id"] for item in api.get(path).json()["items"]] == [f"DE*ABC*E{n}*1" for n in left]


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
@pytest.mark.parametrize(
    "body", [{}, {"charge_points": [], "q": ""}, {"charge_points": ["DE*NONE"]}, {"q": "zzz:1"}, {"charge_points": 5}]
)
def test_members_that_cannot_be_told_change_nothing(
    api: ApiClient, points: list[ChargePoint], method: str, body: dict[str, Any]
) -> None:
    group = NotificationGroupFactory(members=points[:1])
    assert api.call(method, f"/charging/groups/{group.pk}/members", body).status_code == 422
    assert GroupMembership.objects.get().charge_point == points[0]


def test_members_are_searched(api: ApiClient, points: list[ChargePoint]) -> None:
    group = NotificationGroupFactory(members=points)
    items = api.get(f"/charging/groups/{group.pk}/members?q=bonn").json()["items"]
    assert [item["evse_id"] for item in items] == ["DE*ABC*E3*1", "DE*ABC*E4*1"]


def test_key_that_changed_a_group_is_named_in_the_audit_log(api: ApiClient, points: list[ChargePoint]) -> None:
    made = make(api).json()["id"]
    api.put(f"/charging/groups/{made}/members", {"charge_points": ["DE*ABC*E1*1"]})
    group = NotificationGroup.objects.get()
    named = [entry.additional_data for entry in LogEntry.objects.get_for_object(group)]
    assert len(named) >= 3
    assert all(data == {"api_key": "key 1"} for data in named)


# ---- incidents ------------------------------------------------------------------------------------------------------


def test_incidents_are_listed_newest_first_and_searched(api: ApiClient, points: list[ChargePoint]) -> None:
    old = IncidentFactory(charge_point=points[0], case="SENSORS", closed_at=NOW, opened_at=NOW, close_reason="cleared")
    new = IncidentFactory(charge_point=points[3])
    assert [item["id"] for item in api.get("/charging/incidents").json()["items"]] == [new.pk, old.pk]
    found = {
        query: [item["id"] for item in api.get(f"/charging/incidents?q={query}").json()["items"]]
        for query in ("open:yes", "open:no", "case:sensors", "bonn", "evse:e1*1")
    }
    assert found == {
        "open:yes": [new.pk],
        "open:no": [old.pk],
        "case:sensors": [old.pk],
        "bonn": [new.pk],
        "evse:e1*1": [old.pk],
    }


def test_incident_says_who_was_told_or_why_not(api: ApiClient, points: list[ChargePoint]) -> None:
    NotificationGroupFactory(name="Told", members=points)
    NotificationGroupFactory(name="Deaf", members=points, cases=["SENSORS"])
    api.post("/charging/messages", status("DE*ABC*E1*1"))
    shown = api.get(f"/charging/incidents/{Incident.objects.get().pk}").json()
    assert (shown["charge_point"], shown["case"], shown["said"], shown["repeats"]) == (
        "DE*ABC*E1*1",
        "FUSE_TRIPPED",
        "Faulted · OverCurrentFailure",
        0,
    )
    assert [(one["group_name"], one["state"], one["reason"], one["explanation"]) for one in shown["notices"]] == [
        ("Told", "sent", "", ""),
        ("Deaf", "skipped", "case_not_selected", "The group does not listen to this case"),
    ]


def test_openapi_document_describes_every_endpoint(api: ApiClient) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    for method, path, _scope in ENDPOINTS:
        known = {
            "/charging/charge-points/X": "/charging/charge-points/{evse_id}",
            "/charging/incidents/1": "/charging/incidents/{incident_id}",
        }.get(path, path.replace("/groups/1", "/groups/{group_id}"))
        assert method.lower() in paths[f"/api/v1{known}"]


# ---- acknowledging and digests --------------------------------------------------------------------------------------


def test_incident_is_acknowledged_by_a_machine(api: ApiClient) -> None:
    incident = IncidentFactory()
    where = f"/charging/incidents/{incident.pk}/acknowledge"
    answer = api.post(where, {"note": "Ticket 4711"})
    assert (answer.status_code, answer.json()["acknowledged_by"]) == (200, "API: key 1")
    assert answer.json()["acknowledged_at"].endswith("Z")
    assert list(incident.entries.values_list("kind", "text")) == [("acknowledged", "Ticket 4711")]
    again = api.post(where)
    assert (again.status_code, again.json()["acknowledged_at"]) == (200, answer.json()["acknowledged_at"])
    (item,) = api.get("/charging/incidents?q=acknowledged:yes").json()["items"]
    assert (item["id"], item["acknowledged_by"]) == (incident.pk, "API: key 1")


@pytest.mark.parametrize(("body", "status"), [(None, 200), ({}, 200), ({"note": "x" * 2_001}, 422), ({"note": 5}, 422)])
def test_note_of_an_acknowledgement(api: ApiClient, body: Any, status: int) -> None:
    answer = api.post(f"/charging/incidents/{IncidentFactory().pk}/acknowledge", body)
    assert answer.status_code == status
    assert Acknowledgement.objects.exists() == (status == 200)


def test_closed_incident_is_a_conflict(api: ApiClient) -> None:
    now = timezone.now()
    closed = IncidentFactory(opened_at=now, closed_at=now, close_reason="cleared")
    answer = api.post(f"/charging/incidents/{closed.pk}/acknowledge")
    assert (answer.status_code, answer.json()["title"]) == (409, "Conflict")
    assert api.post("/charging/incidents/0/acknowledge").status_code == 404


def test_digest_of_a_group(api: ApiClient) -> None:
    made = api.post("/charging/groups", {"name": "A", "digest_time": "07:00", "time_zone": "Europe/Berlin"}).json()
    assert (made["digest_time"], made["time_zone"]) == ("07:00", "Europe/Berlin")
    where = f"/charging/groups/{made['id']}"
    assert api.patch(where, {"name": "B"}).json()["digest_time"] == "07:00"
    assert api.patch(where, {"digest_time": None}).json()["digest_time"] is None
    wrong = api.patch(where, {"digest_time": "7 am"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/digest_time")
