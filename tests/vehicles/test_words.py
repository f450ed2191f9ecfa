"""The words of manufacturers and platforms: what they mean to us, and what becomes of those that nobody told us."""

from __future__ import annotations

from typing import Any, get_type_hints

import msgspec
import pytest

from core.words import Vocabulary
from tests.conftest import ApiClient
from tests.vehicles.helpers import ACCOUNT, CAR, at, fact, judge
from tests.vehicles.real_words import CAPABILITY_NAMES, CAPABILITY_STATES, CASES, OTHERS, SERVICE_CODES
from vehicles.choices import MEANINGS
from vehicles.ingest.fact_types import FACT_TYPES
from vehicles.models import DriverNotification, OemAccount, TelemetrySample, Vehicle
from vehicles.rules.words import CAPABILITY, CAPABILITY_STATE, CHARGE_STATE, SERVICE_CODE, VOCABULARIES

PATH = "/vehicles/facts"

# Words of Smartcar, Enode, Kamereon, WeConnect, BMW CarData, Tesla and Jedlix.
CHARGE_STATES = {
    "disconnected": ("UNPLUGGED", "Disconnected", "not_connected"),
    "charging": (
        "CHARGING",
        "charging",
        "PLUGGED_IN:CHARGING",
        "CHARGE_IN_PROGRESS",
        "CHARGINGACTIVE",
        "Starting",
        "1.0",
    ),
    "no_power": ("PLUGGED_IN:NO_POWER", "NoPower"),
    "stopped": ("PLUGGED_IN:STOPPED", "readyForCharging", "WAITING_FOR_CHARGING", "CHARGINGPAUSED", "0.1"),
    "complete": ("FULLY_CHARGED", "Complete", "PLUGGED_IN:COMPLETE", "CHARGE_ENDED", "FINISHED_FULLY_CHARGED", "0.2"),
    "unknown": ("NOT_CHARGING", "UNKNOWN", "off", "NOCHARGING", "0.0", "-1.0"),
}


@pytest.mark.parametrize(("ours", "word"), [(ours, word) for ours, words in CHARGE_STATES.items() for word in words])
def test_a_platforms_charge_state_has_one_meaning(ours: str, word: str) -> None:
    assert CHARGE_STATE.read(word) == ours


@pytest.mark.parametrize(("maker", "ours", "word"), CASES)
def test_what_cars_really_say_is_read(maker: str, ours: str, word: str) -> None:
    assert CHARGE_STATE.read(word) == ours


TABLES = {
    **{f"{kind}.{field}": (VOCABULARIES[kind][field], table) for (kind, field), table in OTHERS.items()},
    "capability": (CAPABILITY, CAPABILITY_NAMES),
    "state of a capability": (CAPABILITY_STATE, CAPABILITY_STATES),
    "service": (SERVICE_CODE, SERVICE_CODES),
}


@pytest.mark.parametrize("field", TABLES)
def test_what_others_really_say_of_other_fields_is_read(field: str) -> None:
    """With the share that is read, for whoever adds words before their table has them (`pytest -s`)."""
    vocabulary, table = TABLES[field]
    judged = [(ours, word) for ours, words in table.items() for word in words.split()]
    wrong = [(word, ours, read) for ours, word in judged if (read := vocabulary.read(word) or "") != ours]
    print(f"{field}: {len(judged) - len(wrong)} of {len(judged)} are read right")
    assert wrong == []


@pytest.mark.parametrize(
    ("vocabulary", "word"),
    [(v, w) for fields in VOCABULARIES.values() for v in fields.values() for w in v.words],
)
def test_our_words_mean_themselves_in_any_spelling(vocabulary: Vocabulary, word: str) -> None:
    for spelling in (word, word.upper(), f" {word.title()} ", word.replace("_", "-"), word.replace("_", "")):
        assert vocabulary.read(spelling) == word


def test_every_word_is_explained_to_who_tells_it_by_hand() -> None:
    words = {f"{kind}.{name}": set(v.words) for kind, fields in VOCABULARIES.items() for name, v in fields.items()}
    explained = {name: set(meanings) for name, meanings in MEANINGS.items()}
    assert explained == words | {"charging_session.reason": explained["charging_session.reason"]}


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
    api.post(PATH, fact("vehicle", at(), vehicle=CAR, capabilities={"parkingPosition": True, "charge": "wibble"}))
    assert Vehicle.objects.get().capabilities == ["geoLocation"]
    api.post(PATH, fact("telemetry", at(), vehicle=CAR, charge_state="NOT_CHARGING", soc=50))
    assert TelemetrySample.objects.get().charge_state == "unknown"
    assert not DriverNotification.objects.filter(type="UnmanagedSessionStart").exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"charge_state": "-1.0", "plugged": 0}, "disconnected"),
        ({"charge_state": "-1.0", "plugged": 1}, "stopped"),
        ({"charge_state": "CHARGING", "plugged": "CONNECTED"}, "charging"),
        ({"charge_state": "NOT_CHARGING", "plugged": "disconnected"}, "disconnected"),
        ({"charge_state": "NOT_CHARGING", "plugged": -2147483648}, "unknown"),
        ({"plugged": True}, "plugged"),
        ({"plugged": "false"}, "disconnected"),
        ({"charge_state": "charging", "plugged": None}, "charging"),
    ],
)
def test_the_plug_says_what_the_state_leaves_open(api: ApiClient, said: dict[str, Any], state: str) -> None:
    answer = api.post(PATH, fact("telemetry", at(), vehicle=CAR, **said)).json()
    assert (answer["accepted"], answer["warnings"]) == (1, [])
    assert TelemetrySample.objects.get().charge_state == state


@pytest.mark.django_db
def test_a_plug_of_which_nothing_is_known_opens_no_session(api: ApiClient) -> None:
    answer = api.post(PATH, fact("telemetry", at(), vehicle=CAR, plugged="FAULT", soc=40)).json()
    assert answer["accepted"] == 1
    assert not TelemetrySample.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "is_told"),
    [("none", True), ("CDIS_UNKNOWN_USER", True), ("UNKNOWN", False), ("unknown_user", False), (None, False)],
)
def test_a_role_that_is_not_known_is_no_missing_one(api: ApiClient, role: str | None, is_told: bool) -> None:
    api.post(PATH, fact("oem_account", at(), account=ACCOUNT, driver="d", brand="Audi", auth_state="ok"))
    api.post(PATH, fact("vehicle", at(), vehicle=CAR, driver="d", account=ACCOUNT, brand="Audi", user_role="primary"))
    answer = api.post(PATH, fact("vehicle", at(minutes=1), vehicle=CAR, user_role=role)).json()
    assert (answer["accepted"], answer["warnings"]) == (1, [])
    judge(at(minutes=1))
    assert DriverNotification.objects.filter(type="AudiNotPaired").exists() is is_told


# Of these a maker, a tariff or an app may be called anything: what is said is kept and shown as it is.
ANY_WORD = {
    *(("brand", kind) for kind in ("oem_account", "vehicle", "connect_session")),
    *((name, "driver") for name in ("language", "app_platform", "app_version")),
    ("provider", "cost_statement"),
    ("supplier", "utility_contract"),
}
WORDS = [
    (kind, field.encode_name, value)
    for kind, fact_type in FACT_TYPES.items()
    for field in msgspec.structs.fields(get_type_hints(fact_type)["data"])
    if "Meta(max_length=100)" in repr(field.type) and (field.encode_name, kind) not in ANY_WORD
    for shape, value in {"dict[": {"wibble": False}, "list[": ["wibble"], "": "wibble"}.items()
    if shape in repr(field.type) and (shape or "dict[" not in repr(field.type))
]


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "field", "value"), WORDS)
def test_every_field_of_words_warns_of_one_that_it_does_not_know(
    api: ApiClient, kind: str, field: str, value: Any
) -> None:
    known = {"payout": {"driver": "d"}, "pdl_agreement": {"version": "1"}}.get(kind, {})
    about = {FACT_TYPES[kind].about: "x"}
    answer = api.post(PATH, fact(kind, at(), **about, **{**known, field: value})).json()
    said = [row["warning"] for row in answer["warnings"]] + [row["error"] for row in answer["rejected"]]
    assert any("wibble" in one for one in said), answer
    assert not DriverNotification.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("word", "private"), [("OFFLINE_MODE", True), ("1005", True), (1005, True), ("public", False)])
def test_privacy_is_said_in_words_too(api: ApiClient, word: Any, private: bool) -> None:
    assert api.post(PATH, fact("vehicle", at(), vehicle=CAR, privacy_mode=[word])).json()["accepted"] == 1
    assert Vehicle.objects.get().privacy_mode is private
