"""The API: facts in by the batch contract, notifications out, and what is wrong told in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.conftest import ApiClient
from tests.factories.vehicles import NotificationFactory
from tests.vehicles.helpers import CAR, DRIVER, Json, at, driver, fact
from vehicles.catalogue import TYPES
from vehicles.ingest import FACT_TYPES
from vehicles.models import (
    ChargingLocation,
    Driver,
    DriverNotification,
    Fact,
    OemAccount,
    OemService,
    Payout,
    UtilityContract,
    Vehicle,
)

pytestmark = pytest.mark.django_db
PATH = "/vehicles/facts"


def post(api: ApiClient, body: Any) -> Any:
    response = api.post(PATH, body)
    assert response.status_code == 202, response.content
    return response.json()


def problem(response: Any) -> tuple[int, str]:
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["detail"]


# ---- facts ----------------------------------------------------------------------------------------------------------


def test_one_fact_or_a_batch(api: ApiClient) -> None:
    assert post(api, driver()) == {"accepted": 1, "duplicates": 0, "rejected": [], "warnings": []}
    assert post(api, [driver(), driver(driver="driver-8")]) == {
        "accepted": 2,
        "duplicates": 0,
        "rejected": [],
        "warnings": [],
    }
    assert post(api, []) == {"accepted": 0, "duplicates": 0, "rejected": [], "warnings": []}
    assert Driver.objects.count() == 2


def test_the_good_of_a_batch_are_taken_and_the_bad_named(api: ApiClient) -> None:
    answer = post(
        api,
        [
            driver(),
            {"type": "nonsense", "data": {}},
            {"type": "driver", "data": {}},
            {"type": "telemetry", "vehicle": CAR, "data": {"soc": 101}},
            {"type": "driver", "driver": "x", "data": {"email": "no address"}},
            {"type": "driver", "driver": "x", "data": {"time_zone": "Mars/Base"}},
            {"type": "driver", "driver": DRIVER, "occurred_at": "yesterday", "data": {}},
            {"type": "oem_service", "vehicle": CAR, "data": {"expires_at": "0001-01-01T00:00:00Z"}},
            {"type": "payout", "payout": "p", "driver": "x", "data": {"amount": 1e300}},
            {"type": "driver", "driver": "", "data": {}},
            "fact",
        ],
    )
    assert (answer["accepted"], answer["duplicates"]) == (2, 0)
    assert [(one["index"], "occurred_at" in one["warning"]) for one in answer["warnings"]] == [(6, True)]
    told = {one["index"]: one["error"] for one in answer["rejected"]}
    assert set(told) == set(range(1, 11)) - {6}
    for index, words in {
        1: "type",
        2: "driver",
        3: "soc",
        4: "e-mail",
        5: "time zone",
        9: "driver",
    }.items():
        assert words in told[index], told[index]
    assert Driver.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"3", 422), (b"[" + b"{}," * 1000 + b"{}]", 413), (b"\xff", 400)]
)
def test_bodies_that_are_no_facts(api: ApiClient, body: bytes, status: int) -> None:
    assert problem(api.post(PATH, body))[0] == status


def test_the_same_id_from_the_same_key_changes_nothing(api: ApiClient, api_with: Callable[..., ApiClient]) -> None:
    post(api, driver(id="a-1", name="Anna"))
    answer = post(api, [driver(at(hours=1), id="a-1", name="Berta"), driver(id="a-2"), driver(id="a-2")])
    other = {"index": 0, "error": "`id` a-1 was sent before with other content."}
    assert answer == {"accepted": 1, "duplicates": 1, "rejected": [other], "warnings": []}
    assert Driver.objects.get().name == "Anna"
    assert post(api_with("vehicles:write"), driver(id="a-1"))["accepted"] == 1


@pytest.mark.parametrize("occurred_at", ["1970-01-01T00:00:00Z", "2014-12-31T23:59:12Z", "2199-01-01T00:00:00Z"])
def test_a_fact_of_a_wrong_clock_is_taken_with_a_warning_and_counts_from_its_receipt(
    api: ApiClient, occurred_at: str
) -> None:
    fact = {"type": "driver", "driver": "clock", "occurred_at": occurred_at, "data": {"email": "a@example.org"}}
    answer = post(api, fact)
    assert (answer["accepted"], answer["rejected"]) == (1, [])
    assert answer["warnings"][0]["warning"].startswith("`occurred_at` is wrong by ")
    assert timezone.now() - Fact.objects.get().occurred_at < timedelta(minutes=5)


def test_a_rejected_fact_can_be_sent_again_under_its_id(api: ApiClient) -> None:
    assert post(api, {"id": 7, "type": "driver", "driver": "x", "data": {"email": "?"}})["rejected"]
    assert post(api, {"id": 7, "type": "driver", "driver": "x", "data": {"email": "a@b.c"}})["accepted"] == 1


def test_what_a_fact_names_for_the_first_time_is_made(api: ApiClient) -> None:
    post(
        api,
        [
            fact("telemetry", vehicle="c-1", location="h-1", charge_state="charging"),
            fact("utility_contract", contract="k-1", location="h-2", driver="d-2", state="valid"),
            fact("oem_service", vehicle="c-2", state="none"),
            fact("payout", payout="p-1", driver="d-3", amount=1),
            fact("connect_session", account="a-1", vehicle="c-3", driver="d-4", finished=True, brand="BMW"),
            fact("referral", referral="r-1") | {"data": {"referrer": "d-5", "invitee": "d-6"}},
        ],
    )
    keys = {
        model: set(model.objects.values_list("external_id", flat=True))
        for model in (Driver, Vehicle, ChargingLocation, UtilityContract, OemService, OemAccount, Payout)
    }
    assert keys == {
        Driver: {"d-2", "d-3", "d-4", "d-5", "d-6"},
        Vehicle: {"c-1", "c-2", "c-3"},
        ChargingLocation: {"h-1", "h-2"},
        UtilityContract: {"k-1"},
        OemService: {"c-2/ZE_INTERACTIVE"},
        OemAccount: {"a-1"},
        Payout: {"p-1"},
    }
    contract, car = UtilityContract.objects.get(), Vehicle.objects.get(external_id="c-3")
    assert (contract.driver.external_id, contract.location.driver.external_id) == ("d-2", "d-2")  # type: ignore[union-attr]
    assert (car.driver.external_id, car.account.external_id, car.brand) == ("d-4", "a-1", "BMW")  # type: ignore[union-attr]


def test_an_account_hands_its_driver_to_its_cars(api: ApiClient) -> None:
    post(api, fact("vehicle", vehicle="c-1", account="a-1"))
    post(api, fact("oem_account", account="a-1", driver="d-1"))
    assert Vehicle.objects.get().driver == Driver.objects.get()


def test_unknown_fields_are_ignored_and_unknown_words_kept(api: ApiClient) -> None:
    post(api, fact("vehicle", vehicle=CAR, user_role="king", brand="Škoda", colour="red") | {"extra": 1})
    car = Vehicle.objects.get()
    assert (car.user_role, car.brand) == ("king", "Škoda")


def test_a_wrong_clock_is_not_believed(api: ApiClient) -> None:
    before = timezone.now()
    for moment in ("2999-01-01T00:00:00Z", "1970-01-01T00:00:00Z"):
        post(api, {"type": "driver", "driver": DRIVER, "occurred_at": moment, "data": {"name": moment}})
    assert all(before <= one.occurred_at <= timezone.now() for one in Fact.objects.all())


def test_a_late_fact_is_kept_and_marked(api: ApiClient) -> None:
    post(api, driver(at(), name="New"))
    post(api, driver(at(days=-1), name="Old"))
    assert Driver.objects.get().name == "New"
    assert list(Fact.objects.order_by("id").values_list("effect", flat=True)) == ["taken", "late"]


def test_null_forgets_and_leaving_out_does_not(api: ApiClient) -> None:
    post(api, driver(at(), name="Anna", email="a@b.c"))
    post(api, driver(at(hours=1), email=None))
    found = Driver.objects.get()
    assert (found.name, found.email) == ("Anna", "")


def test_the_openapi_document_lists_every_type_with_its_schema(api: ApiClient) -> None:
    document = api.get("/openapi.json").json()
    content = document["paths"]["/api/v1/vehicles/facts"]["post"]["requestBody"]["content"]["application/json"]
    *single, batch = content["schema"]["oneOf"]
    types = {schema["properties"]["type"]["enum"][0] for schema in single}
    assert types == set(FACT_TYPES)
    assert batch["items"]["oneOf"] == single
    for example in content["examples"].values():
        assert post(api, example["value"])["rejected"] == []
    assert "$ref" not in str(content["schema"])


# ---- notifications --------------------------------------------------------------------------------------------------


def shown_banner(api: ApiClient) -> Json:
    post(
        api,
        [
            fact("vehicle", None, vehicle=CAR, driver=DRIVER, account="a", brand="Renault"),
            fact("oem_account", None, account="a", driver=DRIVER, auth_state="invalid_credentials"),
        ],
    )
    answer = api.get(f"/vehicles/drivers/{DRIVER}/notifications?channel=banner&state=open").json()
    (banner,) = answer["items"]
    found: Json = banner
    return found


def test_the_38(api: ApiClient) -> None:
    types = api.get("/vehicles/notification-types").json()
    assert [one["name"] for one in types] == list(TYPES)
    assert {"name", "description", "channel", "severity", "category", "kind"} <= set(types[0])
    by_name = {one["name"]: one for one in types}
    assert by_name["InvalidCredentialsBanner"]["channel"] == "banner"
    assert by_name["RenaultReadyForPairingEmail"]["channel"] == "email"
    assert by_name["ManagedSessionStart"]["channel"] == "push"


def test_the_banners_that_an_app_shows(api: ApiClient) -> None:
    banner = shown_banner(api)
    assert (banner["type"], banner["driver"], banner["channel"]) == ("InvalidCredentialsBanner", DRIVER, "banner")
    assert banner["title"] == "Connection to Renault lost"
    every = api.get(f"/vehicles/drivers/{DRIVER}/notifications").json()["items"]
    assert {one["type"] for one in every} == {"InvalidCredentials", "InvalidCredentialsBanner"}
    assert api.get(f"/vehicles/drivers/{DRIVER}/notifications?state=read,dismissed").json()["items"] == []


def test_reading_and_dismissing(api: ApiClient) -> None:
    banner = shown_banner(api)
    path = f"/vehicles/notifications/{banner['id']}"
    assert api.post(f"{path}/read").json()["state"] == "read"
    assert api.post(f"{path}/dismiss").json()["state"] == "dismissed"
    assert api.post(f"{path}/dismiss").json()["state"] == "dismissed"
    steps = api.get(path).json()["steps"]
    assert [step["what"] for step in steps] == ["told", "read", "dismissed"]
    post(api, fact("oem_account", None, account="a", auth_state="ok"))
    for verb in ("read", "dismiss"):
        assert problem(api.post(f"{path}/{verb}"))[0] == 409


def test_a_push_cannot_be_dismissed(api: ApiClient) -> None:
    shown_banner(api)
    push = DriverNotification.objects.get(type="InvalidCredentials")
    status, detail = problem(api.post(f"/vehicles/notifications/{push.pk}/dismiss"))
    assert (status, "banner" in detail) == (409, True)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/vehicles/drivers/nobody/notifications", 404),
        ("/vehicles/drivers/a%00b/notifications", 404),
        ("/vehicles/notifications/999", 404),
        ("/vehicles/notifications/99999999999999999999", 404),
        ("/vehicles/notifications?q=colour:red", 422),
        ("/vehicles/drivers?q=app:old", 422),
        ("/vehicles/drivers?limit=501", 422),
        ("/vehicles/drivers?cursor=x", 400),
    ],
)
def test_questions_without_an_answer(api: ApiClient, path: str, status: int) -> None:
    assert problem(api.get(path))[0] in (status, 422)


def test_a_channel_or_state_that_there_is_not_is_no_empty_list(api: ApiClient) -> None:
    post(api, driver())
    for query in ("channel=pigeon", "state=opened", "state=open,shut"):
        status, detail = problem(api.get(f"/vehicles/drivers/{DRIVER}/notifications?{query}"))
        assert (status, "there are" in detail) == (422, True)


def test_ids_with_a_slash(api: ApiClient) -> None:
    post(api, driver(driver="a/b c"))
    assert api.get("/vehicles/drivers/a/b%20c/notifications").json() == {"items": [], "next": None}


def test_pages_by_cursor(api: ApiClient) -> None:
    post(api, [driver(driver=f"d-{n}") for n in range(5)])
    first = api.get("/vehicles/drivers?limit=3").json()
    second = api.get(f"/vehicles/drivers?limit=3&cursor={first['next']}").json()
    assert [one["id"] for one in (*first["items"], *second["items"])] == [f"d-{n}" for n in range(5)]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("app:<4.16", {"d-1"}),
        ("app:4.9..4.16", {"d-1", "d-2"}),
        ("app:>4.16", {"d-3"}),
        ("app:none", {"d-4"}),
        ("brand:renault", {"d-1"}),
        ("car:none", {"d-2", "d-3", "d-4"}),
        ("country:fr", {"d-1"}),
        ("anna", {"d-1"}),
        ("-anna", {"d-2", "d-3", "d-4"}),
        ("unwanted:money", {"d-2"}),
        ("pairing:linked", set()),
        ("lang:de", {"d-3"}),
        ("open:none", {"d-1", "d-2", "d-3", "d-4"}),
        ("pdl:no consent:no", {"d-1", "d-2", "d-3", "d-4"}),
    ],
)
def test_audiences(api: ApiClient, query: str, found: set[str]) -> None:
    post(
        api,
        [
            driver(driver="d-1", app_version="4.9", name="Änna", country="FR"),
            driver(driver="d-2", app_version="4.16", preferences={"money": False}),
            driver(driver="d-3", app_version="4.20", language="de-AT"),
            driver(driver="d-4"),
            fact("vehicle", vehicle="c-1", driver="d-1", brand="Renault"),
        ],
    )
    answer = api.call("GET", "/vehicles/drivers", QUERY_STRING=f"q={query.replace('<', '%3C').replace('>', '%3E')}")
    assert {one["id"] for one in answer.json()["items"]} == found


def test_a_note_of_a_driver_that_is_gone_from_the_world_is_still_listed(api: ApiClient) -> None:
    note = NotificationFactory(state="resolved", reason="condition_ended")
    (one,) = api.get("/vehicles/notifications?q=state:resolved").json()["items"]
    assert (one["id"], one["reason"]) == (note.pk, "condition_ended")
