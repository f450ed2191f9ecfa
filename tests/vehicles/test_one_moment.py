"""What came last of one moment counts; what is years old is history; and what else is of its own time alone."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from django.db import transaction

from tests.conftest import ApiClient
from tests.vehicles.cases import plugged, smart
from tests.vehicles.helpers import (
    CAR,
    DRIVER,
    HOME,
    Json,
    account,
    at,
    car,
    contract,
    events,
    fact,
    linked,
    people,
    service,
    shown,
    sweep,
    take,
    telemetry,
)
from tests.vehicles.test_platforms import enode_vehicle, error, make, moment, send, signal, state
from vehicles.models import ChargingSession, OemAccount, OemService, Vehicle
from vehicles.rules.words import state_of_capability

pytestmark = pytest.mark.django_db
CONNECTED = "CONNECTED_SERVICES_ACCOUNT"


@pytest.fixture(autouse=True)
def a_driver(db: None) -> None:
    people()


def is_told(name: str, *facts: Json, receipts: bool = False) -> bool:
    """Whether a driver sees a notification after some facts, in one batch or in requests of their own."""
    with transaction.atomic():
        for number, batch in enumerate([[one] for one in facts] if receipts else [list(facts)]):
            take(*batch, now=at(seconds=number))
        sweep(at(minutes=1))
        told = name in shown()
        transaction.set_rollback(True)
    return told


# By type of notification: the car, what is bad and what is good.
TIES: dict[str, tuple[str, Json, Json]] = {
    "InvalidCredentials": ("Tesla", account(auth_state="invalid_credentials"), account(auth_state="ok")),
    "AudiNotPaired": ("Audi", car(user_role="none"), car(user_role="primary")),
    "AudiRemoteAccessDisabled": ("Audi", car(privacy_mode=True), car(privacy_mode=False)),
    "GeoLocationDisabled": ("BMW", car(geolocation_enabled=False), car(geolocation_enabled=True)),
    "ZeInteractiveToBeActivated": ("Renault", service("ended"), service("active")),
    "InvalidUtilityContract": ("Tesla", contract("invalid"), contract("valid")),
}


@pytest.mark.parametrize("timed", [True, False])
def test_of_facts_of_one_moment_the_one_that_came_last_counts(timed: bool) -> None:
    for name, (brand, bad, good) in TIES.items():
        take(linked(brand), now=at(days=-1))
        said = [one if timed else {k: v for k, v in one.items() if k != "occurred_at"} for one in (bad, good)]
        for receipts in (False, True):
            assert is_told(name, said[1], said[0], receipts=receipts), name
            assert not is_told(name, *said, receipts=receipts), name
        identified = [one | {"id": number} for number, one in enumerate((said[0], said[1], said[0]))]
        assert is_told(name, *identified), name


def test_of_samples_of_one_moment_the_one_that_came_last_counts() -> None:
    take(*smart())
    charging, unplugged = plugged(0, power_kw=7, soc=50), telemetry(at(), charge_state="disconnected")
    take(plugged(-1, power_kw=7, soc=40), now=at(hours=-1))
    take(unplugged, charging)
    assert ChargingSession.objects.get(withdrawn=False, ended_at=None).started_at == at()
    take(telemetry(at(minutes=1), charge_state="charging"), now=at(minutes=1))
    take(telemetry(at(minutes=1), charge_state="disconnected"), now=at(minutes=2))
    assert not ChargingSession.objects.filter(withdrawn=False, ended_at=None).exists()


def test_each_of_smartcars_signals_is_of_its_own_moment() -> None:
    make("smartcar")
    soc = signal("tractionbattery-stateofcharge", 50, moment(20))
    for number, (is_in, when) in enumerate(((False, moment(-60)), (True, moment(0)))):
        signals = [signal(f"charge-{name}", is_in, when) for name in ("ischarging", "ischargingcableconnected")]
        send("smartcar", state(*signals, soc, eventId=f"e-{number}"))
    session = ChargingSession.objects.get()
    assert (session.started_at, session.soc_last) == (at(), 50)
    assert session.ended_at in (None, session.last_at), "but for want of samples, a day later"


def test_new_values_end_an_error_of_the_sign_in_and_kept_ones_do_not() -> None:
    make("smartcar")
    send("smartcar", error(CONNECTED, "AUTHENTICATION_FAILED"))
    for when, word in ((moment(50), "invalid_credentials"), (moment(70), "ok")):
        send("smartcar", state(signal("tractionbattery-stateofcharge", 50, when), eventId=when))
        assert OemAccount.objects.get(brand="RENAULT").auth_state == word
    make("enode")
    gone = {"event": "user:credentials:invalidated", "createdAt": moment(60), "vendor": "TESLA", "user": {"id": "u-2"}}
    send("enode", [enode_vehicle(vendor="TESLA", lastSeen=moment(0)) | {"user": {"id": "u-2"}}, gone])
    for seen, word in ((moment(30), "invalid_credentials"), (moment(90), "ok")):
        update = enode_vehicle(vendor="TESLA", lastSeen=seen, isReachable=True)
        send("enode", [update | {"user": {"id": "u-2"}, "createdAt": moment(120)}])
        assert OemAccount.objects.get(external_id="u-2/TESLA").auth_state == word


YEARS_AGO = timedelta(days=-900)
HISTORY = [
    fact("payout", at() + YEARS_AGO, payout="p", driver=DRIVER, state="paid", amount=5, currency="EUR"),
    fact("referral", at() + YEARS_AGO, referral="r", referrer=DRIVER, state="completed"),
    fact("cost_statement", at() + YEARS_AGO, statement="s", driver=DRIVER, provider="Elexent", issued=True),
    fact("reimbursement", at() + YEARS_AGO, reimbursement="q", driver=DRIVER, qualified=True, period="2024-04"),
    contract("valid", at() + 2 * YEARS_AGO),
    contract("removed", at() + YEARS_AGO),
    telemetry(at() + YEARS_AGO, charge_state="charging", power_kw=7, location=HOME),
]


def test_what_is_years_old_is_history_and_no_news() -> None:
    take(*smart())
    before = len(events())
    assert take(*HISTORY).warnings == []
    sweep(at(minutes=1))
    assert (len(events()), shown()) == (before, set())


def test_an_object_that_does_not_say_whether_a_car_can_is_unknown(api: ApiClient) -> None:
    says_nothing: list[Json] = [{"isEnabled": True, "status": []}, {"isCapable": None}, {}, {"isCapable": []}]
    assert [state_of_capability(one) for one in says_nothing] == [None] * len(says_nothing)
    take(linked("BMW", capabilities={"geoLocation": "available"}))
    for one in says_nothing:
        answer = api.post("/vehicles/facts", fact("vehicle", vehicle=CAR, capabilities={"geoLocation": one}, vin="V"))
        assert (answer.json()["accepted"], bool(answer.json()["warnings"])) == (1, True)
    assert Vehicle.objects.get().capabilities == ["geoLocation"]


def test_a_records_own_term_decides_whether_a_service_runs() -> None:
    """The list of a car of years, in every order: what ended ends nothing that runs; and what ends now does."""
    take(linked("Renault"))
    running = service("active", code="ZEINTER", expires_at=at(days=300).isoformat())
    old = [service("ended", code="ZECONNECTP", expires_at=at(days=-days).isoformat()) for days in (30, 800)]
    for order in permutations([running, *old]):
        for receipts in (False, True):
            for name in ("ZeInteractiveToBeActivated", "ReadyForPairing"):
                assert not is_told(name, *order, receipts=receipts)
    assert is_told("ZeInteractiveToBeActivated", *old)
    take(running, now=at(hours=-1))
    ended = service("ended", at(hours=1), expires_at=at(minutes=50).isoformat())
    take(ended, now=at(hours=1))
    assert (OemService.objects.get().state, "ZeInteractiveToBeActivated" in shown()) == ("ended", True)


def test_a_renewed_service_of_a_car_that_was_heard_of_asks_for_no_pairing() -> None:
    take(linked("Renault"), service("active", at(days=-5)), telemetry(at(days=-4), charge_state="charging"))
    take(service("expired", at(hours=-3)), now=at(hours=-3))
    take(service("active"), telemetry(at(), charge_state="charging"))
    sweep(at(minutes=1))
    assert not {"ReadyForPairing", "ZeInteractiveActivatedReadyForPairing"} & shown()


def test_a_car_that_is_gone_is_told_no_settings() -> None:
    ready = {"geoLocation": "available", "startStopCharging": "available"}
    for brand, model in (("BMW", "i4"), ("Mini", "Cooper"), ("Volkswagen", "ID.3")):
        with transaction.atomic():
            take(linked(brand, model=model, capabilities=dict.fromkeys(ready, "missing")), now=at(days=-6))
            take(car(at(hours=-1), capabilities=ready), now=at(hours=-1))
            told = shown()
            assert told, brand
            take(car(removed=True))
            assert not shown() & told, brand
            transaction.set_rollback(True)


def test_only_a_later_contract_of_the_same_meter_takes_anothers_place() -> None:
    def invalid(other: Json) -> bool:
        mine = [contract("valid", at(days=-5), meter_code="E"), contract("invalid")]
        return is_told("InvalidUtilityContract", other, *mine)

    assert invalid(contract("valid", at(days=-6), contract="gas"))
    assert invalid(contract("valid", at(days=-1), contract="gas", meter_code="G"))
    assert not invalid(contract("valid", at(days=-1), contract="new"))


def test_a_brand_that_is_said_of_the_account_alone_is_the_cars() -> None:
    take(account(at(days=-6), brand="BMW"), linked("") | {"data": {"model": "i4"}})
    take(car(geolocation_enabled=False))
    assert "GeoLocationDisabled" in shown()


# ---- power ----------------------------------------------------------------------------------------------------------


def test_a_session_of_the_senders_own_lacks_power_and_reaches_its_target() -> None:
    take(*smart())
    own = fact("charging_session", at(hours=-1), session="s", vehicle=CAR, managed=True)
    own["data"]["started_at"] = at(hours=-1).isoformat()
    take(own, fact("charging_command", at(minutes=-50), vehicle=CAR, command="start"), now=at(minutes=-50))
    for minutes in (-45, -20, -1):
        take(telemetry(at(minutes=minutes), power_kw=0, soc=50), now=at(minutes=minutes))
    sweep(at())
    assert "ReceivedNoPower" in shown()
    plan: Json = {"target_soc": 80, "forecast_soc": 60, "ready_by": at(hours=5).isoformat()}
    take(fact("charging_plan", vehicle=CAR, **plan), telemetry(at(minutes=1), power_kw=7, soc=60))
    assert "SessionImpossible" in shown()
    take(telemetry(at(minutes=2), power_kw=7, soc=81), now=at(minutes=2))
    assert not {"SessionImpossible", "ReceivedNoPower"} & shown()


def test_a_slow_charge_at_0_kw_has_power_until_it_stands_still() -> None:
    take(*smart())
    socs = [54] * 4 + [55] * 4 + [56] * 4
    for number, soc in enumerate(socs):
        when = at(minutes=6 * number)
        take(plugged(0.1 * number, power_kw=0, soc=soc), now=when)
        sweep(when)
        assert number < 4 or "ReceivedNoPower" not in shown(), number
    for number in range(12, 40):
        take(plugged(0.1 * number, power_kw=0, soc=56), now=at(minutes=6 * number))
    sweep(at(minutes=240))
    assert "ReceivedNoPower" in shown()


def test_a_car_at_its_limit_lacks_no_power() -> None:
    make("enode")
    for number, (word, level, limit) in enumerate((("STOPPED", 80, 80), ("CHARGING", 99, 99), ("NO_POWER", 80, 80))):
        charge = {
            "powerDeliveryState": f"PLUGGED_IN:{word}",
            "batteryLevel": level,
            "chargeLimit": limit,
            "chargeRate": 0,
            "isPluggedIn": True,
            "lastUpdated": moment(number),
        }
        send("enode", [enode_vehicle(charge=charge)])
        assert ChargingSession.objects.get(withdrawn=False).charge_state == "complete"
