"""Over all types of facts and all their fields: an odd side value loses only itself, and null can be said."""

from __future__ import annotations

from typing import Any, get_type_hints

import msgspec
import pytest

from tests.conftest import ApiClient
from tests.vehicles.helpers import ACCOUNT, CAR, DRIVER, HOME, at, fact, judge
from vehicles.ingest.fact_types import FACT_TYPES
from vehicles.models import ChargingSession, CostStatement, DriverNotification, Fact, Payout, Vehicle

pytestmark = pytest.mark.django_db
PATH = "/vehicles/facts"
# Of each type one that says what it is there for.
MAIN: dict[str, dict[str, Any]] = {
    "driver": {"driver": DRIVER, "name": "Anna"},
    "oem_account": {"account": ACCOUNT, "auth_state": "ok"},
    "connect_session": {"account": ACCOUNT, "finished": True},
    "vehicle": {"vehicle": CAR, "brand": "Audi"},
    "vehicle_listing": {"vehicle": CAR, "listed": True},
    "vehicle_contact": {"vehicle": CAR, "ok": True},
    "telemetry": {"vehicle": CAR, "charge_state": "charging"},
    "pairing": {"vehicle": CAR, "step": "ready"},
    "oem_service": {"vehicle": CAR, "state": "none"},
    "charge_settings": {"vehicle": CAR, "smart_charging": True},
    "charging_plan": {"vehicle": CAR, "target_soc": 80},
    "charging_command": {"vehicle": CAR, "command": "start"},
    "charging_session": {"session": "s-1", "vehicle": CAR, "managed": True},
    "charging_location": {"location": HOME, "name": "Home"},
    "utility_contract": {"contract": "c-1", "state": "valid"},
    "pdl_agreement": {"location": HOME, "version": "v1", "state": "offered"},
    "payout": {"payout": "p-1", "driver": DRIVER, "state": "sent"},
    "reimbursement": {"reimbursement": "r-1", "driver": DRIVER, "qualified": True},
    "cost_statement": {"statement": "e-1", "driver": DRIVER, "issued": True},
    "referral": {"referral": "f-1", "state": "open"},
}
ODD: list[Any] = [
    {},
    [],
    "",
    " ",
    "wibble",
    "x" * 5_000,
    -1e9,
    10**30,
    0.5,
    True,
    [1, 2],
    [{}],
    {"a": {"b": [1]}},
    None,
]
# What is true or false, and what a thing is at a time: it may be left out, and null says nothing of it.
NEVER_EMPTY = {
    *("linked", "asleep", "activation_confirmed", "removed", "confirmed", "managed", "push_enabled"),
    *("marketing_consent", "qualified", "requested", "issued"),
    *(
        "state",
        "auth_state",
        "charge_state",
        "capabilities",
        "preferences",
        "code",
        "started_at",
        "referrer",
        "invitee",
    ),
}


def side_fields(kind: str) -> tuple[list[str], list[str]]:
    """What may be left out beside the data, and of it."""
    outer = [f for f in msgspec.structs.fields(FACT_TYPES[kind]) if not f.required and f.encode_name not in MAIN[kind]]
    data = msgspec.structs.fields(get_type_hints(FACT_TYPES[kind])["data"])
    inner = [f for f in data if not f.required and f.encode_name not in MAIN[kind]]
    return [f.encode_name for f in outer], [f.encode_name for f in inner]


def post(api: ApiClient, *bodies: dict[str, Any]) -> list[str]:
    answer = api.post(PATH, list(bodies)).json()
    assert (answer["accepted"] + answer["duplicates"], answer["rejected"]) == (len(bodies), []), answer
    return [row["warning"] for row in answer["warnings"]]


def test_there_is_a_main_one_of_each_type(api: ApiClient) -> None:
    assert list(MAIN) == list(FACT_TYPES)
    assert post(api, *(fact(kind, at(), **values) for kind, values in MAIN.items())) == []


@pytest.mark.parametrize("kind", MAIN)
def test_an_odd_side_value_loses_only_itself(api: ApiClient, kind: str) -> None:
    """Each odd value in each field, and in all of them at once, at every type."""
    outer, inner = side_fields(kind)
    main = fact(kind, at(), **MAIN[kind])
    bodies = [main | {name: odd} for name in outer for odd in ODD]
    bodies += [main | {"data": main["data"] | {name: odd}} for name in inner for odd in ODD]
    # The same id with other content is another matter.
    outer.remove("id")
    bodies += [main | dict.fromkeys(outer, odd) | {"data": main["data"] | dict.fromkeys(inner, odd)} for odd in ODD]
    post(api, *bodies)
    said = {name: value for name, value in main["data"].items() if name not in ("name", "brand")}
    for stored in Fact.objects.filter(type=kind):
        assert said.items() <= stored.data.items()
    judge(at())


@pytest.mark.parametrize("kind", MAIN)
@pytest.mark.parametrize("spelling", ["30.11.2026 16:00", "2026-11-30T24:00:00Z", "now", "", {"at": 1}, [], True])
def test_an_odd_moment_is_that_of_the_receipt(api: ApiClient, kind: str, spelling: Any) -> None:
    (warning,) = post(api, fact(kind, None, **MAIN[kind]) | {"occurred_at": spelling})
    assert "`occurred_at`" in warning
    stored = Fact.objects.get()
    assert stored.occurred_at == stored.received_at


@pytest.mark.parametrize("kind", MAIN)
def test_null_can_be_said_of_what_may_be_empty(api: ApiClient, kind: str) -> None:
    _outer, inner = side_fields(kind)
    main = fact(kind, at(), **MAIN[kind])
    for name in inner:
        said = " ".join(post(api, main | {"data": main["data"] | {name: None}}))
        assert (f"`{name}`" in said) is (name in NEVER_EMPTY), (name, said)


def test_null_takes_back_what_was_said(api: ApiClient) -> None:
    money: dict[str, Any] = {"payout": "p-1", "driver": DRIVER, "amount": 12, "currency": "EUR", "state": "sent"}
    post(api, fact("payout", at(), **money))
    post(api, fact("payout", at(minutes=1), **money | {"amount": None, "currency": None}))
    payout = Payout.objects.get()
    assert (payout.amount, payout.currency, payout.state) == (None, "", "sent")
    post(api, fact("vehicle", at(), vehicle=CAR, brand="Audi", model="Q4", vin="X"))
    post(api, fact("vehicle", at(minutes=1), vehicle=CAR, model=None, vin=None))
    car = Vehicle.objects.get()
    assert (car.title, car.vin) == ("Audi", "")
    session: dict[str, Any] = {"session": "s-1", "vehicle": CAR, "managed": True, "started_at": at().isoformat()}
    post(api, fact("charging_session", at(), **session, location=HOME, energy_kwh=4, soc_start=20))
    post(api, fact("charging_session", at(minutes=1), **session, location=None, energy_kwh=None, soc_start=None))
    stored = ChargingSession.objects.get()
    assert (stored.location, stored.energy_kwh, stored.soc_start) == (None, None, None)


@pytest.mark.parametrize(
    ("said", "amount", "currency"),
    [
        ("1.234,56", "1234.56", ""),
        ("1,234.56 €", "1234.56", "EUR"),
        ("CHF 12.-", "12.00", "CHF"),
        ("12,50 €", "12.50", "EUR"),
        ("1'234.50", "1234.50", ""),
        ("1\u202f234,50 EUR", "1234.50", "EUR"),
        ("1.234.567,89 euros", "1234567.89", "EUR"),
        ("Fr. 12.50", "12.50", ""),
        ("12,50 kr", "12.50", ""),
        ("-12,50", "-12.50", ""),
        ({"value": "12,50", "currency": "EUR"}, "12.50", "EUR"),
        ({"amount": 12.5, "currencyCode": "NOK"}, "12.50", "NOK"),
        # Which of two numbers it is, is not said; a sum that may be wrong is worse than none.
        ("1,234 €", None, "EUR"),
        ("1.234 €", None, "EUR"),
        ("12.50-", None, ""),
        ({"cents": 1250}, None, ""),
    ],
)
def test_a_sum_in_any_spelling(api: ApiClient, said: Any, amount: str | None, currency: str) -> None:
    post(api, fact("payout", at(), payout="p", driver=DRIVER, amount=said, state="due"))
    payout = Payout.objects.get()
    assert (payout.amount and str(payout.amount), payout.currency) == (amount, currency)


def test_the_currency_that_stands_beside_counts(api: ApiClient) -> None:
    post(api, fact("cost_statement", at(), statement="s", driver=DRIVER, amount="12,50 €", currency="NOK"))
    assert CostStatement.objects.get().currency == "NOK"


def test_enodes_objects_of_capabilities_are_read(api: ApiClient) -> None:
    said = {
        "location": {"isCapable": False, "interventionIds": ["i-1"]},
        "chargeState": {"isCapable": True, "interventionIds": []},
        "startCharging": {"isCapable": False, "interventionIds": []},
        "smartCharging": {"isCapable": "perhaps"},
        "departureTimers": True,
    }
    warnings = post(api, fact("vehicle", at(), vehicle=CAR, brand="BMW", capabilities=said))
    assert Vehicle.objects.get().capabilities == ["chargeState", "departureTimes"]
    states = {name: one[-1][1] for name, one in Vehicle.objects.get().reports.items() if name.startswith("capability.")}
    assert (states["capability.geoLocation"], states["capability.startStopCharging"]) == ("blocked", "missing")
    assert any("smartCharging" in warning and "left out" in warning for warning in warnings)


def test_a_plan_without_a_forecast_is_kept_and_promises_nothing(api: ApiClient) -> None:
    warnings = post(api, fact("charging_plan", at(), vehicle=CAR, target_soc=80, forecast_soc=None, ready_by=None))
    assert warnings == []
    assert Vehicle.objects.get().reports["plan"][-1][1] == {"target_soc": 80, "forecast_soc": None, "ready_by": None}
    assert not DriverNotification.objects.exists()


def test_an_empty_id_names_nothing(api: ApiClient) -> None:
    post(api, *(fact("vehicle", at(minutes=n), vehicle=CAR, model=f"M{n}", id="") for n in range(2)))
    assert Vehicle.objects.get().model == "M1"


@pytest.mark.parametrize(
    ("brand", "model", "name"),
    [
        ("Volkswagen", "Volkswagen ID.3", "Volkswagen ID.3"),
        ("BMW", "bmw i3", "bmw i3"),
        ("MINI", "Mini", "Mini"),
        ("Renault", "Renaulution", "Renault Renaulution"),
        ("Renault", None, "Renault"),
        (None, "Zoe", "Zoe"),
    ],
)
def test_a_brand_is_said_once(api: ApiClient, brand: str | None, model: str | None, name: str) -> None:
    post(api, fact("vehicle", at(), vehicle=CAR, driver=DRIVER, brand=brand, model=model))
    post(api, fact("pairing", at(), vehicle=CAR, step="ready"))
    judge(at())
    assert Vehicle.objects.get().title == name
    assert f"your {name}." in DriverNotification.objects.get(type="ReadyForPairing").body
