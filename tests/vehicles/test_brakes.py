"""The brake: trouble of many drivers of one brand and feed at once waits for a person, who is told once."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import ApiClient
from tests.vehicles.helpers import EMAIL, Json, at, driver, events, fact, sweep, take
from vehicles.models import Brake, DriverNotification
from vehicles.selectors import check_brakes
from vehicles.services import brakes
from vehicles.services.brakes import decide_brake

pytestmark = pytest.mark.django_db
MANY = 40


@pytest.fixture(autouse=True)
def a_fleet(db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch, no_brake: None) -> None:
    monkeypatch.setattr(brakes, "LEAST", 5)
    settings.VEHICLES_BRAKE_PERCENT = 25
    facts: list[Json] = []
    for n in range(MANY):
        facts.append(driver(at(days=-2), driver=f"d-{n}", email=EMAIL))
        brand = "Renault" if n < 20 else "Audi"
        facts.append(fact("oem_account", at(days=-2), account=f"a-{n}", driver=f"d-{n}", brand=brand))
        facts.append(fact("vehicle", at(days=-2), vehicle=f"c-{n}", account=f"a-{n}", brand=brand))
    take(*facts, now=at(days=-2))


def refuse(*numbers: int, minutes: float = 0, state: str = "invalid_credentials") -> None:
    moment = at(minutes=minutes)
    take(*(fact("oem_account", moment, account=f"a-{n}", auth_state=state) for n in numbers), now=moment)


def count(state: str, reason: str = "") -> int:
    return DriverNotification.objects.filter(type="InvalidCredentials", state=state, reason=reason).count()


def test_some_are_told_and_too_many_at_once_are_held() -> None:
    refuse(0, 1, 2)
    assert (count("open"), Brake.objects.count()) == (3, 0)
    refuse(*range(3, 12), minutes=5)
    assert (count("open"), count("suppressed", "brake")) == (3, 9)
    refuse(*range(12, 15), minutes=10)
    assert count("suppressed", "brake") == 12
    (alert,) = events("vehicle.feed.braked")
    assert (alert.payload["brand"], alert.payload["drivers"], alert.payload["of"]) == ("renault", 12, 20)
    assert not check_brakes(timezone.now()).ok


def test_another_brand_is_not_held() -> None:
    refuse(*range(12))
    refuse(21, minutes=1)
    assert (count("open"), count("suppressed", "brake")) == (1, 12)


def test_what_comes_slowly_is_told() -> None:
    for n in range(15):
        refuse(n, minutes=20 * n)
    assert (count("open"), Brake.objects.count()) == (15, 0)


def test_few_drivers_are_never_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brakes, "LEAST", 15)
    refuse(*range(14))
    assert count("open") == 14


def test_released_all_are_told_and_it_holds_no_more_for_a_day() -> None:
    refuse(*range(12))
    assert decide_brake(brake=Brake.objects.get(), release=True, by="ops", now=at(minutes=30))
    sweep(at(minutes=30))
    assert count("open") == 12
    refuse(*range(12, 20), minutes=31)
    assert count("open") == 20
    assert not decide_brake(brake=Brake.objects.get(), release=False, by="ops", now=at(minutes=32))


def test_dropped_nothing_is_told_as_long_as_it_lasts() -> None:
    refuse(*range(12))
    decide_brake(brake=Brake.objects.get(), release=False, by="ops", now=at(minutes=30))
    sweep(at(hours=30))
    assert (count("open"), count("suppressed", "dropped")) == (0, 12)
    refuse(3, minutes=60 * 31, state="ok")
    refuse(3, minutes=60 * 40)
    assert count("open") == 1


def test_what_ends_meanwhile_was_never_told() -> None:
    refuse(*range(12))
    refuse(*range(12), minutes=3, state="ok")
    assert count("resolved", "never_told") == 12


def test_operators_decide_by_page_and_api(operator: Client, viewer: Client, api: ApiClient) -> None:
    refuse(*range(12))
    page = operator.get(reverse("vehicles:brakes")).content.decode()
    assert "renault" in page
    decide = reverse("vehicles:brake_decide", args=[Brake.objects.get().pk])
    assert viewer.post(decide, {"decision": "drop"}).status_code == 403
    (row,) = api.get("/vehicles/brakes").json()["items"]
    assert (row["waiting"], row["state"]) == (12, "holding")
    assert api.post(f"/vehicles/brakes/{row['id']}/release").json()["state"] == "released"
    assert api.post(f"/vehicles/brakes/{row['id']}/drop").status_code == 409
    operator.post(decide, {"decision": "drop"})
    assert Brake.objects.get().state == "released"


def test_a_role_that_all_lose_at_once_is_the_feeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brakes, "LEAST", 5)
    take(*(fact("vehicle", at(), vehicle=f"c-{n}", user_role="none") for n in range(20, 40)))
    rows = DriverNotification.objects.filter(type="AudiNotPaired")
    assert set(rows.values_list("state", "reason")) == {("suppressed", "brake")}


def test_contracts_that_end_by_the_calendar_are_told_however_many() -> None:
    last = at(days=-1).date().isoformat()
    for state, moment in (("pending", at(days=-2)), ("valid", at(hours=-1))):
        facts = (
            fact(
                "utility_contract",
                moment,
                contract=f"k-{n}",
                location=f"h-{n}",
                driver=f"d-{n}",
                valid_to=last,
                state=state,
            )
            for n in range(MANY)
        )
        take(*facts, now=moment)
    sweep(at(days=1))
    states = DriverNotification.objects.filter(type="ReconnectUtilityContract").values_list("state", flat=True)
    assert (len(states), set(states)) == (MANY, {"open"})
