"""Two that change the same rows: the second waits for the first and goes on from what that has left behind."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction

from tests.racing import overtaken
from tests.vehicles.helpers import (
    ACCOUNT,
    CAR,
    DRIVER,
    EMAIL,
    HOME,
    NOW,
    account,
    at,
    car,
    contract,
    driver,
    due,
    fact,
    linked,
    only,
    people,
    shown,
    sweep,
    take,
    telemetry,
)
from tests.waiting import PATIENCE_S
from vehicles.catalogue import TYPES
from vehicles.models import ChargingLocation, Driver, Fact, UtilityContract, Vehicle
from vehicles.services.campaigns import end_campaign, save_campaign, start_campaign
from vehicles.services.erasing import erase_drivers
from vehicles.services.notifications import dismiss, stop_category
from vehicles.services.policies import change_type

pytestmark = pytest.mark.usefixtures("committed")


def test_two_batches_about_one_car_lose_nothing_of_each_other() -> None:
    take(car(at(hours=-2), model="One"), now=at(hours=-2))
    overtaken(partial(take, car(brand="Audi")), partial(take, car(privacy_mode=True)))
    take(car(at(hours=1), user_role="primary"), now=at(hours=1))
    row = Vehicle.objects.get(external_id=CAR)
    assert (row.brand, row.model, row.privacy_mode, row.user_role) == ("Audi", "One", True, "primary")


def test_two_batches_about_one_driver_lose_nothing_of_each_other() -> None:
    take(driver(at(hours=-2), country="FR"), now=at(hours=-2))
    overtaken(partial(take, driver(name="Anna")), partial(take, driver(email=EMAIL)))
    take(driver(at(hours=1), language="fr"), now=at(hours=1))
    row = Driver.objects.get(external_id=DRIVER)
    assert (row.country, row.name, row.email, row.language) == ("FR", "Anna", EMAIL, "fr")


def test_a_driver_who_leaves_a_category_keeps_what_a_batch_says_meanwhile() -> None:
    people()
    leaving = partial(stop_category, driver_id=Driver.objects.get().pk, category="session", now=NOW)
    assert overtaken(partial(take, driver(name="Berta")), leaving) is True
    take(driver(at(hours=1), country="DE"), now=at(hours=1))
    row = Driver.objects.get()
    assert (row.name, row.unwanted, row.country) == ("Berta", ["session"], "DE")


def test_a_batch_keeps_that_a_driver_leaves_a_category_meanwhile() -> None:
    people()
    leaving = partial(stop_category, driver_id=Driver.objects.get().pk, category="session", now=NOW)
    overtaken(leaving, partial(take, driver(name="Berta")))
    take(driver(at(hours=1), country="DE"), now=at(hours=1))
    row = Driver.objects.get()
    assert (row.name, row.unwanted, row.country) == ("Berta", ["session"], "DE")


def credentials_banner() -> None:
    people()
    take(linked("Renault"), account(at(hours=-1), brand="Renault", auth_state="invalid_credentials"), now=NOW)


def test_a_driver_who_puts_a_banner_away_is_evaluated_as_soon_as_a_changed_type_asks() -> None:
    credentials_banner()
    sweep(NOW)
    entry = TYPES["InvalidCredentialsBanner"]
    change = partial(
        change_type, entry=entry, enabled=False, ways=["banner"], cooldown_h=24, thresholds={}, now=at(minutes=1)
    )
    putting_away = partial(dismiss, notification=only(entry.name), now=at(minutes=1))
    assert overtaken(change, putting_away) is True
    assert due() == at(minutes=1)


def test_a_banner_whose_cause_is_ending_cannot_be_put_away() -> None:
    credentials_banner()
    ending = partial(take, account(at(minutes=1), auth_state="ok"), now=at(minutes=1))
    putting_away = partial(dismiss, notification=only("InvalidCredentialsBanner"), now=at(minutes=1))
    assert overtaken(ending, putting_away) is False
    assert only("InvalidCredentialsBanner").state == "resolved"


# ---- erasure --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "report",
    [
        driver(name="Annabel Lee"),
        fact("charging_location", location=HOME, driver=DRIVER, address="Annabel Lee 1"),
        fact("utility_contract", contract="contract-7", contract_number="Annabel-4711"),
        contract("valid", contract="contract-8", contract_number="Annabel-4711"),
    ],
    ids=["driver", "location", "contract", "new contract"],
)
def test_erasure_takes_away_what_a_batch_is_bringing(report: dict[str, Any]) -> None:
    people()
    take(contract("valid", at(hours=-1), contract_number="Berta-1"), now=at(hours=-1))
    overtaken(partial(take, report), partial(erase_drivers, EMAIL, NOW))
    assert (Driver.objects.get().name, ChargingLocation.objects.get().address) == ("", "")
    assert set(UtilityContract.objects.values_list("contract_number", flat=True)) == {""}
    assert "Annabel" not in str(list(Fact.objects.values_list("data", flat=True)))


def lock(table: str, key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {table} WHERE external_id = %s FOR NO KEY UPDATE", [key])


def test_erasure_locks_in_the_order_of_batches() -> None:
    """A batch locks places and contracts first and drivers last; the other way round would be a deadlock."""
    people()
    answer = overtaken(
        partial(lock, "vehicles_charginglocation", HOME),
        partial(erase_drivers, EMAIL, NOW),
        then=partial(lock, "vehicles_driver", DRIVER),
    )
    assert not isinstance(answer, OperationalError)
    assert Driver.objects.get().email == ""


# ---- campaigns ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("move", [start_campaign, end_campaign])
def test_of_two_who_move_a_campaign_one_does(move: Callable[..., bool]) -> None:
    values = {"name": "Autumn", "type": "InformationMobilizePdlBenefitBanner", "begins_at": at(days=-1)}
    campaign = save_campaign(campaign=None, values=values)
    if move is end_campaign:
        start_campaign(campaign=campaign, now=NOW)
    moving = partial(move, campaign=campaign, now=NOW)
    assert overtaken(moving, moving) is False


# ---- a sweep waits for nobody ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "key"), [("vehicles_vehicle", CAR), ("vehicles_payout", "payout-7"), ("vehicles_oemaccount", ACCOUNT)]
)
def test_a_sweep_does_not_wait_for_a_batch_that_holds_rows(table: str, key: str) -> None:
    people()
    take(linked("Tesla"), telemetry(), fact("payout", payout="payout-7", driver=DRIVER, amount=9, state="sent"))
    swept: list[int] = []

    def run() -> None:
        swept.append(sweep(at(days=40)))
        connections.close_all()

    with transaction.atomic():
        lock(table, key)
        thread = Thread(target=run)
        thread.start()
        thread.join(PATIENCE_S)
        assert swept == [1]
    assert "CarNotReachable" in shown()
