"""Numbers, truths and times of facts in any spelling; one bad value beside good ones loses nothing but itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import ApiClient
from tests.vehicles.helpers import CAR, at, fact
from vehicles.models import CostStatement, Driver, Fact, OemAccount, Payout, TelemetrySample, UtilityContract, Vehicle

pytestmark = pytest.mark.django_db
PATH = "/vehicles/facts"


def post(api: ApiClient, body: Any) -> list[str]:
    answer = api.post(PATH, body).json()
    assert (answer["accepted"], answer["rejected"]) == (1, []), answer
    return [row["warning"] for row in answer["warnings"]]


@pytest.mark.parametrize(
    ("spelling", "soc"),
    [
        (60, 60),
        (60.0, 60),
        (60.5, 60),
        (61.5, 62),
        ("60", 60),
        ("60.0", 60),
        ("60 %", 60),
        ("60,4", 60),
        ([60], 60),
    ],
)
def test_a_state_of_charge_in_any_spelling(api: ApiClient, spelling: Any, soc: int) -> None:
    post(api, fact("telemetry", at(), vehicle=CAR, charge_state="charging", soc=spelling))
    assert TelemetrySample.objects.get().soc == soc


@pytest.mark.parametrize("spelling", [0.45, "0.45"])
def test_a_share_is_a_percentage_and_is_warned_of(api: ApiClient, spelling: Any) -> None:
    (warning,) = post(api, fact("telemetry", at(), vehicle=CAR, charge_state="charging", soc=spelling))
    assert "45" in warning
    assert TelemetrySample.objects.get().soc == 45


@pytest.mark.parametrize(
    ("spelling", "truth"),
    [
        *[(True, True), (1, True), (0, False), ("true", True), ("False", False), ("yes", True), ("off", False)],
        *[("1", True), ("ENABLED", True), ("deactivated", False)],
    ],
)
def test_a_truth_in_any_spelling(api: ApiClient, spelling: Any, truth: bool) -> None:
    post(api, fact("vehicle", at(), vehicle=CAR, privacy_mode=spelling, brand="Audi"))
    assert Vehicle.objects.get().privacy_mode is truth


@pytest.mark.parametrize(
    "spelling",
    [
        "2026-11-21T05:40:00Z",
        "2026-11-21T06:40:00+01:00",
        "2026-11-21T05:40:00",
        "2026-11-21 05:40:00",
        1_795_239_600,
        1_795_239_600_000,
        "1795239600",
    ],
)
def test_a_moment_in_any_spelling(api: ApiClient, spelling: Any) -> None:
    body = fact("vehicle", None, vehicle=CAR, brand="Audi") | {"occurred_at": spelling}
    post(api, body)
    assert Fact.objects.get().occurred_at.isoformat() == "2026-11-21T05:40:00+00:00"


@pytest.mark.parametrize(
    "spelling", ["2027-01-31", "20270131", "2027-01-31T00:00:00Z", "2027-01-31 10:00", 1_801_353_600]
)
def test_a_day_in_any_spelling(api: ApiClient, spelling: Any) -> None:
    post(api, fact("utility_contract", at(), contract="c", state="valid", valid_to=spelling))
    assert UtilityContract.objects.get().valid_to.isoformat() == "2027-01-31"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("field", "value"),
    [("soc", 130), ("soc", "full"), ("soc", {}), ("power_kw", 1e9), ("power_kw", "much"), ("location", ["a", "b"])],
)
def test_a_bad_side_value_loses_only_itself(api: ApiClient, field: str, value: Any) -> None:
    (warning,) = post(api, fact("telemetry", at(), vehicle=CAR, charge_state="disconnected", **{field: value}))
    assert f"`{field}`" in warning
    assert "left out" in warning
    assert TelemetrySample.objects.get().charge_state == "disconnected"


def test_what_a_struct_itself_refuses_is_left_out_too(api: ApiClient) -> None:
    body = fact("driver", at(), driver="d", name="Anna", email="no address", time_zone="Mars/X", country="ATLANTIS")
    warnings = post(api, body)
    assert sorted(w.split("`")[1] for w in warnings) == ["country", "email", "time_zone"]
    driver = Driver.objects.get()
    assert (driver.name, driver.email, driver.time_zone, driver.country) == ("Anna", "", "", "")


@pytest.mark.parametrize("data", [{"soc": 130}, {"soc": {}}, {"charge_state": []}])
def test_a_fact_of_which_nothing_is_left_is_rejected(api: ApiClient, data: dict[str, Any]) -> None:
    body = {"type": "telemetry", "vehicle": CAR, "data": data}
    answer = api.post(PATH, body).json()
    assert (answer["accepted"], len(answer["rejected"])) == (0, 1)


def test_what_is_required_is_not_spared(api: ApiClient) -> None:
    answer = api.post(PATH, {"type": "vehicle_listing", "vehicle": CAR, "data": {"listed": "perhaps"}}).json()
    assert (answer["accepted"], len(answer["rejected"])) == (0, 1)


def test_null_says_nothing_where_it_cannot_be_meant(api: ApiClient) -> None:
    post(api, fact("oem_account", at(), account="a", brand="Audi", linked=None))
    assert OemAccount.objects.get().linked


def test_data_in_a_list_of_one_is_read(api: ApiClient) -> None:
    body = {"type": "vehicle", "vehicle": CAR, "data": [{"brand": "Audi"}]}
    post(api, body)
    assert Vehicle.objects.get().brand == "Audi"


def test_names_types_and_ids_in_other_spellings_are_read_and_warned_of(api: ApiClient) -> None:
    body = {"type": "Telemetry", "vehicle": 7, "occurredAt": at().isoformat()}
    warnings = post(api, body | {"data": {"chargeState": "charging", "wheels": 4}})
    said = " ".join(warnings)
    assert all(f"`{name}`" in said for name in ("type", "vehicle", "occurredAt", "chargeState", "wheels"))
    assert said.count("chargeState") == 1
    sample = TelemetrySample.objects.select_related("vehicle").get()
    assert (sample.charge_state, sample.vehicle.external_id, sample.at) == ("charging", "7", at())


def test_a_field_that_nobody_reads_is_warned_of_where_all_else_is_right(api: ApiClient) -> None:
    (warning,) = post(api, fact("telemetry", at(), vehicle=CAR, charge_state="charging", odometer_km=40_000))
    assert "`odometer_km`" in warning


def test_maps_are_read_value_by_value(api: ApiClient) -> None:
    post(api, fact("driver", at(), driver="d", preferences={"money": "no", "session": 1, "contract": None}))
    assert Driver.objects.get().unwanted == ["money"]
    post(api, fact("vehicle", at(), vehicle=CAR, capabilities={"geoLocation": True, "charge": None, "pairing": [1]}))
    assert Vehicle.objects.get().capabilities == ["geoLocation", "pairing"]
    post(api, fact("vehicle", at(hours=1), vehicle=CAR, capabilities="charge, location"))
    assert Vehicle.objects.get().capabilities == ["charge", "geoLocation"]


@pytest.mark.parametrize("spelling", ["4,50", "€ 4.50", "4.50 EUR", 4.5, "4.5"])
def test_an_amount_in_any_spelling(api: ApiClient, spelling: Any) -> None:
    post(api, fact("payout", at(), payout="p", driver="d", amount=spelling, state="pending"))
    assert str(Payout.objects.get().amount) == "4.50"


@pytest.mark.parametrize(("spelling", "currency"), [("eur", "EUR"), (" € ", "EUR"), ("£", "GBP"), ("kr", "")])
def test_a_currency_in_any_spelling(api: ApiClient, spelling: str, currency: str) -> None:
    warnings = post(api, fact("payout", at(), payout="p", driver="d", amount=4, currency=spelling, state="due"))
    assert Payout.objects.get().currency == currency
    assert not any("regex" in warning for warning in warnings)


@pytest.mark.parametrize("spelling", ["2026-10", "2026-10-01", "2026-10-31T23:00:00Z", "10/2026"])
def test_a_month_in_any_spelling(api: ApiClient, spelling: str) -> None:
    post(api, fact("cost_statement", at(), statement="s", driver="d", period=spelling, provider="Elexent"))
    assert CostStatement.objects.get().period == "2026-10"


@pytest.mark.parametrize("hours", [{"from": "22:00", "until": "7:00"}, {"from": 22, "until": "07"}])
def test_quiet_hours_in_any_spelling(api: ApiClient, hours: dict[str, Any]) -> None:
    post(api, fact("driver", at(), driver="d", quiet_hours=hours))
    driver = Driver.objects.get()
    assert (str(driver.quiet_from), str(driver.quiet_until)) == ("22:00:00", "07:00:00")


# Type of fact, what is said of a field, and what is read: fields by others' names, units, names of places and months.
AS_OTHERS_WRITE: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("driver", {"country": "Netherlands"}, {"country": "NL"}),
    ("driver", {"country": "Frankreich"}, {"country": "FR"}),
    ("driver", {"email": "Anna <anna@example.org>"}, {"email": "anna@example.org"}),
    ("driver", {"locale": "nl_NL"}, {"language": "nl_NL"}),
    (
        "driver",
        {"quiet_hours": {"from": "22:00", "to": "07:00"}},
        {"quiet_hours": {"from": "22:00", "until": "07:00"}},
    ),
    ("driver", {"quiet_hours": {"start": 22, "end": 7}}, {"quiet_hours": {"from": "22:00", "until": "07:00"}}),
    ("charging_location", {"country": "Belgique"}, {"country": "BE"}),
    ("telemetry", {"power_kw": "7.2 kW"}, {"power_kw": 7.2}),
    ("telemetry", {"power_kw": "7200 W"}, {"power_kw": 7.2}),
    ("oem_service", {"status": "ACTIVE", "endDate": "2027-12-31"}, {"state": "ACTIVE", "expires_at": "2027-12-31"}),
    ("oem_service", {"expires_at": "31/12/2027"}, {"expires_at": "2027-12-31"}),
    ("utility_contract", {"valid_to": "28.11.2027"}, {"valid_to": "2027-11-28"}),
    ("reimbursement", {"period": "October 2026"}, {"period": "2026-10"}),
    ("reimbursement", {"period": 202610}, {"period": "2026-10"}),
]
ABOUT = {
    "driver": "driver",
    "charging_location": "location",
    "telemetry": "vehicle",
    "oem_service": "vehicle",
    "utility_contract": "contract",
    "reimbursement": "reimbursement",
}


def test_what_others_write_otherwise_is_read(api: ApiClient) -> None:
    whose = {"driver": "d-1"}
    bodies = [
        {"type": kind, **whose, ABOUT[kind]: f"{kind}-1", "occurred_at": at(seconds=n).isoformat(), "data": said}
        for n, (kind, said, _read) in enumerate(AS_OTHERS_WRITE)
    ]
    answer = api.post(PATH, bodies).json()
    assert (answer["accepted"], answer["rejected"]) == (len(bodies), [])
    stored = {fact.occurred_at: fact.data for fact in Fact.objects.all()}
    wrong = [
        (said, stored[at(seconds=n)])
        for n, (_kind, said, read) in enumerate(AS_OTHERS_WRITE)
        if not read.items() <= stored[at(seconds=n)].items()
    ]
    assert wrong == []


def test_what_is_missing_within_a_value_is_named(api: ApiClient) -> None:
    (warning,) = post(api, fact("driver", at(), driver="d", name="Anna", quiet_hours={"from": "22:00"}))
    assert "`until` is missing" in warning
