"""Of one car only the root cause is told; what it brings with it is held back, recorded, and told when it goes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vehicles.helpers import (
    ACCOUNT,
    CAR,
    DRIVER,
    HOME,
    Json,
    account,
    at,
    car,
    events,
    fact,
    held,
    linked,
    only,
    people,
    service,
    shown,
    steps,
    sweep,
    take,
    telemetry,
)
from vehicles.catalogue import TYPES
from vehicles.models import TypeSetting
from vehicles.rules.deciding import History, Person, decide
from vehicles.rules.windows import Window
from vehicles.services.policies import policy_of

pytestmark = pytest.mark.django_db


def listing(listed: bool, hours: float) -> Json:
    return fact("vehicle_listing", at(hours=hours), vehicle=CAR, listed=listed)


def troubled_renault() -> None:
    """Everything is wrong at once, each thing a little later than what it is the cause of."""
    people()
    take(
        account(at(days=-6), brand="Renault", auth_state="ok"),
        linked("Renault"),
        car(at(days=-5), link_status="active"),
        service("active", at(days=-5), expires_at=at(days=300).isoformat()),
        telemetry(at(hours=-24)),
        now=at(hours=-24),
    )
    sweep(at())
    take(service("none", at(minutes=1)), now=at(minutes=1))
    take(listing(False, 0.05), listing(False, 0.06), now=at(minutes=4))
    take(car(at(minutes=5), link_status="missing"), now=at(minutes=5))
    take(account(at(minutes=6), auth_state="invalid_credentials"), now=at(minutes=6))


def test_the_order_is_that_of_the_reference() -> None:
    ranks = [
        {"InvalidCredentials", "InvalidCredentialsBanner"},
        {"MyRenaultAccessRevoked"},
        {"CarNotFound"},
        {"ZeInteractiveToBeActivated", "ZeInteractiveCannotBeActivated", "ZeInteractiveExpiresSoon"},
        {"AudiRemoteAccessDisabled", "AudiRemoteAccessDisabledBanner"},
        {"CarNotReachable"},
        {"GeoLocationDisabled"},
        {"SessionImpossible", "ReceivedNoPower"},
    ]
    for rank, names in enumerate(ranks, 1):
        assert {name for name, entry in TYPES.items() if entry.rank == rank} == names


CAUSES = [entry for entry in TYPES.values() if entry.rank]
PAIRS = [(cause, other) for cause in CAUSES for other in CAUSES if cause.explains and cause.rank < other.rank]


@pytest.mark.parametrize(("cause", "other"), PAIRS, ids=lambda entry: entry.name)
def test_each_cause_holds_back_everything_after_it_in_the_order(cause: Any, other: Any) -> None:
    """Also where no car of one brand can have both: the order is one for all."""
    account_wide = cause.condition == "invalid_credentials"
    windows = [
        (policy_of(cause, None), Window("a", at(hours=-1), vehicle_id=None if account_wide else 7, account_id=3)),
        (policy_of(other, None), Window("b", at(hours=-2), vehicle_id=7, account_id=3)),
    ]
    policies = {policy.name: policy for policy, _window in windows}
    person = Person(consents=True, has_email=True)
    found = {c.row.type: c.row for c in decide(windows, [], policies, person, History(), at()).changes}
    assert (found[cause.name].state, found[cause.name].reason) == ("open", "")
    held_back = found[other.name]
    assert (held_back.state, held_back.reason, held_back.root) == ("suppressed", "root_cause", cause.name)


def test_a_position_that_is_off_explains_a_session() -> None:
    people()
    take(
        linked("BMW", capabilities=["geoLocation", "startStopCharging"]),
        fact("charge_settings", at(days=-5), vehicle=CAR, smart_charging=True),
        telemetry(at(hours=-1), charge_state="charging", location=HOME, power_kw=7),
        fact("charging_plan", at(hours=-1), vehicle=CAR, target_soc=80, forecast_soc=50),
    )
    assert "SessionImpossible" in shown()
    take(car(at(minutes=1), geolocation_enabled=False), now=at(minutes=1))
    assert held() == {"SessionImpossible": "root_cause:GeoLocationDisabled"}


def test_only_the_root_cause_is_shown_and_every_suppression_has_its_reason() -> None:
    troubled_renault()
    assert shown() == {"InvalidCredentials", "InvalidCredentialsBanner"}
    assert held() == dict.fromkeys(
        ("MyRenaultAccessRevoked", "CarNotFound", "ZeInteractiveToBeActivated", "CarNotReachable"),
        "root_cause:InvalidCredentials",
    )


def test_what_was_shown_before_its_cause_was_known_is_taken_away() -> None:
    troubled_renault()
    assert steps("CarNotReachable") == [
        ("told", ""),
        ("withdrawn", "root_cause"),
        ("held", "root_cause"),
        ("held", "root_cause"),
        ("held", "root_cause"),
    ]
    over = events("vehicle.notification.resolved", "CarNotReachable")
    assert [event.payload["reason"] for event in over] == ["root_cause"]


def test_layer_by_layer_the_next_cause_appears() -> None:
    troubled_renault()
    peeled = []
    for hours, cure in (
        (1, fact("connect_session", at(hours=1), account=ACCOUNT, finished=True)),
        (2, car(at(hours=2), link_status="active")),
        (3, listing(True, 3)),
        (4, service("active", at(hours=4))),
    ):
        take(cure, now=at(hours=hours))
        peeled.append(shown() & {name for name, entry in TYPES.items() if entry.rank})
    assert peeled == [{"MyRenaultAccessRevoked"}, {"CarNotFound"}, {"ZeInteractiveToBeActivated"}, set()]
    # It was told a few hours ago, so it waits for its cooldown of six hours.
    assert held() == {"CarNotReachable": "cooldown"}
    sweep(at(hours=6))
    assert "CarNotReachable" in shown()
    assert only("CarNotReachable").times_told == 2


def test_privacy_explains_silence_and_silence_explains_a_session() -> None:
    people()
    TypeSetting.objects.filter(type="CarNotReachable").update(thresholds={"hours": 12})
    take(
        linked("Audi", user_role="primary", capabilities=["geoLocation", "startStopCharging"]),
        fact("charge_settings", at(days=-5), vehicle=CAR, smart_charging=True),
        telemetry(at(hours=-26), charge_state="charging", location=HOME, power_kw=7),
        fact("charging_plan", at(hours=-25), vehicle=CAR, target_soc=80, forecast_soc=50),
        now=at(hours=-25),
    )
    assert "SessionImpossible" in shown()
    sweep(at(hours=-14))
    assert (shown() & {"SessionImpossible", "CarNotReachable"}, held()) == (
        {"CarNotReachable"},
        {"SessionImpossible": "root_cause:CarNotReachable"},
    )
    take(car(at(hours=-13), privacy_mode=True), now=at(hours=-13))
    assert held() == dict.fromkeys(("SessionImpossible", "CarNotReachable"), "root_cause:AudiRemoteAccessDisabled")


def test_silence_explains_the_position_of_a_bmw() -> None:
    people()
    take(linked("BMW"), telemetry(at(hours=-24)), now=at(hours=-24))
    sweep(at())
    take(car(geolocation_enabled=False))
    assert (shown(), held()) == ({"CarNotReachable"}, {"GeoLocationDisabled": "root_cause:CarNotReachable"})


def test_a_cause_in_one_car_says_nothing_about_another() -> None:
    people()
    take(linked("BMW"), telemetry(at(hours=-24)), now=at(hours=-24))
    take(
        fact("vehicle", at(hours=-1), vehicle="car-8", driver=DRIVER, brand="BMW", geolocation_enabled=False),
        now=at(),
    )
    sweep(at())
    assert shown() == {"CarNotReachable", "GeoLocationDisabled"}


def test_a_cause_that_an_operator_switched_off_holds_nothing_back() -> None:
    from vehicles.services.policies import change_type

    troubled_renault()
    for name in ("InvalidCredentials", "InvalidCredentialsBanner"):
        entry = TYPES[name]
        change_type(entry=entry, enabled=False, ways=entry.ways, cooldown_h=0, thresholds={}, now=at(hours=1))
    sweep(at(hours=1))
    assert shown() == {"MyRenaultAccessRevoked"}
    assert held()["InvalidCredentials"] == "switched_off"
