"""What was said holds no more where a car moves to another account or driver, or where it was taken back since."""

from __future__ import annotations

from itertools import permutations

import pytest
from django.db import transaction

from tests.vehicles.cases import agreement, payout, place, plan, plugged, smart
from tests.vehicles.helpers import (
    ACCOUNT,
    CAR,
    DRIVER,
    Json,
    account,
    at,
    car,
    decoded,
    driver,
    fact,
    linked,
    people,
    shown,
    take,
    telemetry,
)
from vehicles.models import Vehicle
from vehicles.models.sources import KEYS_OF_SOURCES
from vehicles.rules.conditions.connection import missing_since
from vehicles.rules.snapshot import Account
from vehicles.rules.snapshot import Vehicle as Car
from vehicles.rules.timelines import Reports

NEW = "account-8"


def missing(hours: float, key: str = ACCOUNT) -> Json:
    return fact("vehicle_listing", at(hours=hours), vehicle=CAR, account=key, listed=False)


HISTORY = {
    "its new account says nothing": ([missing(-5), missing(-4), car(at(hours=-3), account=NEW)], None),
    "its former account goes on": ([missing(-5), car(at(hours=-3), account=NEW), missing(-2), missing(-1)], None),
    "its new account does once": ([missing(-5), car(at(hours=-3), account=NEW), missing(-2), missing(-1, NEW)], None),
    "its new account does": ([car(at(hours=-3), account=NEW), missing(-2, NEW), missing(-1, NEW)], -1),
    "it came back": (
        [car(at(hours=-5), account=NEW), missing(-4), missing(-3), car(at(hours=-1), account=ACCOUNT)],
        None,
    ),
    "it never moved": ([missing(-5), missing(-4)], -4),
}


@pytest.mark.parametrize("name", HISTORY)
def test_a_car_is_missing_from_the_account_that_it_stands_in_in_any_order_of_the_facts(name: str) -> None:
    told, since = HISTORY[name]
    for facts in permutations([linked("Renault"), *told]):
        reports = Reports()
        for one in facts:
            for field, value in decoded(one).reports()[0].values.items():
                reports.add(field, value, decoded(one).occurred_at or at())
        stands_in = Account(1, str(reports.latest("account")), Reports())
        assert missing_since(Car(1, CAR, reports, account=stands_in)) == (None if since is None else at(hours=since))


@pytest.mark.django_db
def test_a_move_ends_what_was_said_of_the_former_account() -> None:
    people()
    lost = account(at(hours=-2), brand="Renault", auth_state="invalid_credentials")
    take(linked("Renault"), missing(-5), missing(-4), lost)
    assert shown() == {"InvalidCredentials", "InvalidCredentialsBanner"}
    take(driver(driver="driver-8"), car(driver="driver-8", account=NEW), missing(0))
    assert (shown("driver-8"), Vehicle.objects.get().account.external_id) == (set(), NEW)  # type: ignore[union-attr]
    take(car(at(minutes=1), driver="driver-7"), now=at(minutes=1))
    assert shown() == set()


@pytest.mark.django_db
@pytest.mark.parametrize(("key", "is_told"), [(1, True), (KEYS_OF_SOURCES + 1, False)])
def test_silence_is_unreachability_only_where_everything_is_told(key: int, is_told: bool) -> None:
    people()
    take(linked("Tesla"), fact("telemetry", vehicle=CAR, soc=50), key=key)
    take(fact("telemetry", at(days=2), vehicle="car-9", soc=50), now=at(days=2), key=key)
    take(driver(at(days=2), name="Anna"), now=at(days=2), key=key)
    assert ("CarNotReachable" in shown()) is is_told
    take(fact("vehicle_contact", at(days=2), vehicle=CAR, ok=False), now=at(days=3, minutes=1), key=key)
    assert "CarNotReachable" in shown()


E: Json = {"statement": "e-1", "driver": DRIVER, "provider": "Elexent"}
# Notification → facts that come at once, of which the last take back what the first say; and facts that do not.
BACKLOGS: dict[str, tuple[list[Json], list[Json]]] = {
    "PayoutReceipt": (
        [payout("due", hours=-2), payout("failed")],
        [payout("due", hours=-2), payout("failed", hours=-1), payout("due")],
    ),
    "SessionImpossible": (
        [*smart(), plugged(-2, soc=40), plan(50, -1), plugged(-0.5, soc=90)],
        [*smart(), plugged(-2, soc=40), plan(50, -1), plugged(-0.5, soc=45)],
    ),
    "ElexentChargingCostsOverview": (
        [fact("cost_statement", at(hours=-1), **E, issued=True), fact("cost_statement", **E, issued=False)],
        [fact("cost_statement", at(hours=-1), **E, issued=False), fact("cost_statement", **E, issued=True)],
    ),
    "CarNotFound": (
        [missing(-2), missing(-1), telemetry(soc=50)],
        [missing(-2), telemetry(at(hours=-1), soc=50), missing(0)],
    ),
    "AcceptPdlAgreementBanner": (
        [agreement("offered", -1, "v1.9"), agreement("accepted", 0, "v1.10")],
        [agreement("offered", -1, "v1.10"), agreement("accepted", 0, "v1.9")],
    ),
    "ReferralCompletedForReferrerBanner": (
        [
            fact("referral", at(hours=-1), referral="r", referrer=DRIVER, state="completed"),
            fact("referral", referral="r", state="open"),
        ],
        [fact("referral", referral="r", referrer=DRIVER, state="completed")],
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", BACKLOGS)
def test_what_comes_at_once_is_told_as_it_ends(name: str) -> None:
    people()
    take(linked("Tesla"), place(pdl="12345678901234"))
    for facts, is_told in zip(BACKLOGS[name], (False, True), strict=True):
        before = transaction.savepoint()
        take(*facts)
        assert (name in shown()) is is_told
        transaction.savepoint_rollback(before)
