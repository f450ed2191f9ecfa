"""The words of manufacturers and platforms: what they mean to us, and what becomes of those that nobody told us."""

from __future__ import annotations

import pytest

from core.words import Vocabulary
from tests.conftest import ApiClient
from tests.vehicles.helpers import ACCOUNT, CAR, at, fact, judge
from tests.vehicles.real_words import CASES
from vehicles.models import DriverNotification, OemAccount, TelemetrySample, Vehicle
from vehicles.rules.words import CHARGE_STATE, VOCABULARIES

PATH = "/vehicles/facts"

# Words of Smartcar, Enode, Kamereon, WeConnect, BMW CarData, Tesla and Jedlix.
CHARGE_STATES = {
    "disconnected": ("UNPLUGGED", "Disconnected", "not_connected", "-1.0"),
    "charging": (
        "CHARGING",
        "charging",
        "PLUGGED_IN:CHARGING",
        "CHARGE_IN_PROGRESS",
        "CHARGINGACTIVE",
        "Starting",
        "1.0",
    ),
    "stopped": ("PLUGGED_IN:STOPPED", "NoPower", "readyForCharging", "WAITING_FOR_CHARGING", "CHARGINGPAUSED", "0.1"),
    "complete": ("FULLY_CHARGED", "Complete", "PLUGGED_IN:COMPLETE", "CHARGE_ENDED", "FINISHED_FULLY_CHARGED", "0.2"),
    "unknown": ("NOT_CHARGING", "UNKNOWN", "off", "NOCHARGING", "0.0"),
}


@pytest.mark.parametrize(("ours", "word"), [(ours, word) for ours, words in CHARGE_STATES.items() for word in words])
def test_a_platforms_charge_state_has_one_meaning(ours: str, word: str) -> None:
    assert CHARGE_STATE.read(word) == ours


@pytest.mark.parametrize(("maker", "ours", "word"), CASES)
def test_what_cars_really_say_is_read(maker: str, ours: str, word: str) -> None:
    assert CHARGE_STATE.read(word) == ours


@pytest.mark.parametrize(
    ("vocabulary", "word"),
    [(v, w) for fields in VOCABULARIES.values() for v in fields.values() for w in v.words],
)
def test_our_words_mean_themselves_in_any_spelling(vocabulary: Vocabulary, word: str) -> None:
    for spelling in (word, word.upper(), f" {word.title()} ", word.replace("_", "-"), word.replace("_", "")):
        assert vocabulary.read(spelling) == word


def test_a_word_has_one_meaning() -> None:
    with pytest.raises(ValueError, match="two meanings"):
        Vocabulary({"open": "pending", "closed": "Pending"})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "field"), [(kind, field) for kind, fields in VOCABULARIES.items() for field in fields]
)
def test_an_unknown_word_is_warned_of_and_nothing_follows(api: ApiClient, kind: str, field: str) -> None:
    subject = {"oem_account": "account", "utility_contract": "contract", "pdl_agreement": "location"}.get(
        kind, kind if kind in ("payout", "referral") else "vehicle"
    )
    more = {"driver": "d"} if kind == "payout" else {"version": "1"} if kind == "pdl_agreement" else {}
    body = fact(kind, at(), **{subject: "x", field: "wibble"}, **more)
    answer = api.post(PATH, body).json()
    assert answer["accepted"] == 1, answer
    assert ["wibble" in row["warning"] for row in answer["warnings"]] == [True]
    assert not DriverNotification.objects.exists()


@pytest.mark.django_db
def test_an_unknown_word_is_shown_and_the_known_one_holds_on(api: ApiClient) -> None:
    api.post(PATH, fact("oem_account", at(), account=ACCOUNT, driver="d", brand="Renault", auth_state="AUTH_FAILED"))
    judge(at())
    assert DriverNotification.objects.filter(type="InvalidCredentials").exists()
    api.post(PATH, fact("oem_account", at(hours=1), account=ACCOUNT, auth_state="half-signed-in"))
    assert OemAccount.objects.get().auth_state == "half-signed-in"
    assert not DriverNotification.objects.filter(type="InvalidCredentials", state="resolved").exists()
    api.post(PATH, fact("oem_account", at(hours=2), account=ACCOUNT, auth_state="Valid"))
    judge(at(hours=2))
    assert OemAccount.objects.get().auth_state == "ok"
    assert DriverNotification.objects.get(type="InvalidCredentials").state == "resolved"


@pytest.mark.django_db
def test_vendors_words_bring_about_what_ours_do(api: ApiClient) -> None:
    api.post(PATH, fact("vehicle", at(), vehicle=CAR, driver="d", brand="Audi", user_role="PRIMARY_USER"))
    assert not DriverNotification.objects.filter(type="AudiNotPaired").exists()
    api.post(PATH, fact("vehicle", at(), vehicle=CAR, capabilities={"geolocation": "AVAILABLE", "charge": "wibble"}))
    assert Vehicle.objects.get().capabilities == ["geoLocation"]
    api.post(PATH, fact("telemetry", at(), vehicle=CAR, charge_state="NOT_CHARGING", soc=50))
    assert TelemetrySample.objects.get().charge_state == "unknown"
    assert not DriverNotification.objects.filter(type="UnmanagedSessionStart").exists()
