"""How many statements a batch, a sweep or a page takes: a fixed number, however many facts, drivers or rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.conftest import ApiClient
from tests.vehicles.helpers import EMAIL, Json, at, driver, events, fact, take
from vehicles.models import Driver, DriverNotification
from vehicles.services.evaluation import sweep_due

pytestmark = pytest.mark.django_db
SIZES = (1, 40, 200)


def statements(work: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        work()
    return len([one for one in captured.captured_queries if "SAVEPOINT" not in one["sql"]])


def fleet(count: int) -> list[Json]:
    """Drivers with everything: an account, a car with a service, a place, a contract, money."""
    facts = []
    for n in range(count):
        own: dict[str, Any] = {"driver": f"d-{n}"}
        facts += [
            driver(driver=f"d-{n}", email=EMAIL),
            fact("oem_account", account=f"a-{n}", **own, brand="Renault", auth_state="ok"),
            fact("vehicle", vehicle=f"c-{n}", **own, account=f"a-{n}", brand="Renault"),
            fact("oem_service", vehicle=f"c-{n}", state="active", expires_at=at(days=40).isoformat()),
            fact("utility_contract", contract=f"k-{n}", location=f"h-{n}", **own, state="valid", valid_to="2026-12-01"),
            fact("telemetry", vehicle=f"c-{n}", charge_state="charging", location=f"h-{n}"),
            fact("payout", payout=f"p-{n}", **own, amount=10, currency="EUR", state="sent"),
        ]
    return facts


def taken(count: int) -> None:
    facts = fleet(count)
    for start in range(0, len(facts), 700):
        take(*facts[start : start + 700])


@pytest.mark.parametrize("count", SIZES)
def test_statements_of_a_batch_do_not_grow_with_it(count: int) -> None:
    taken(count)
    broken = [
        fact("oem_account", at(hours=1), account=f"a-{n}", auth_state="invalid_credentials") for n in range(count)
    ]
    heard = [
        fact("telemetry", at(hours=2), vehicle=f"c-{n}", charge_state="disconnected", location=f"h-{n}")
        for n in range(count)
    ]
    assert statements(lambda: take(*broken, now=at(hours=1), alone=True)) <= 43
    assert statements(lambda: take(*heard, now=at(hours=2), alone=True)) <= 50
    assert len(events(name="InvalidCredentials")) == count


@pytest.mark.parametrize("count", SIZES)
def test_statements_of_the_first_batch_do_not_grow_with_it(count: int) -> None:
    facts = fleet(count)[:1_000]
    assert statements(lambda: take(*facts, alone=True)) <= 82


@pytest.mark.parametrize("count", SIZES)
def test_statements_of_a_sweep_do_not_grow_with_those_who_are_due(count: int) -> None:
    taken(count)
    assert statements(lambda: sweep_due(now=at(days=10))) <= 34
    assert DriverNotification.objects.filter(type="ZeInteractiveExpiresSoon").count() == count


def test_a_sweep_without_work_asks_one_question() -> None:
    taken(3)
    assert statements(lambda: sweep_due(now=at())) == 1


LISTS = ("drivers", "vehicles", "accounts", "sessions", "contracts", "notifications", "catalogue", "campaigns")


@pytest.mark.parametrize("page", [*LISTS, "driver"])
def test_statements_of_a_page_do_not_grow_with_its_rows(operator: Client, page: str) -> None:
    counts = []
    for rows in (2, 30):
        taken(rows)
        args = [Driver.objects.order_by("pk")[0].pk] if page == "driver" else []
        url = reverse(f"vehicles:{page}", args=args)
        assert operator.get(url).status_code == 200
        counts.append(statements(lambda url=url: operator.get(url)))  # type: ignore[misc]
    assert counts[0] == counts[1] <= (32 if page == "driver" else 13)


@pytest.mark.parametrize("path", ["drivers", "notifications", "drivers/d-0/notifications", "notification-types"])
def test_statements_of_an_api_list_do_not_grow_with_its_rows(api: ApiClient, path: str) -> None:
    counts = []
    for rows in (2, 30):
        taken(rows)
        api.get(f"/vehicles/{path}")
        counts.append(statements(lambda: api.get(f"/vehicles/{path}")))
    assert counts[0] == counts[1] <= 5


def test_the_sweep_finds_the_due_by_their_index() -> None:
    taken(200)
    Driver.objects.update(due_at=None)
    Driver.objects.filter(external_id="d-7").update(due_at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE vehicles_driver")
        cursor.execute(
            "EXPLAIN SELECT id FROM vehicles_driver WHERE due_at <= now() ORDER BY due_at LIMIT 500"
            " FOR NO KEY UPDATE SKIP LOCKED"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "driver_due" in plan
