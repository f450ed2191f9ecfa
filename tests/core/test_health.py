"""/healthz, /readyz and the list of checks: what works, what does not, and why."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connection, connections, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from core import health
from core.health import Asker, Finding, check_life, check_migrations, database_fault, register_check, run_checks
from core.models import SignOfLife
from core.registry import Registry
from core.services import show_life
from tests import clock
from tests.mailserver import free_port

NOW = clock.last(12)
READINESS = {"database", "migrations", "commit"}
DASHBOARD = READINESS | {"worker", "beat", "broker", "deliveries", "clocks", "hold", "listening"}


@pytest.fixture
def alive(db: None) -> None:
    for part in ("worker", "beat"):
        show_life(part=part, now=timezone.now())


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that a test may fill."""
    monkeypatch.setattr(health, "checks", Registry("health check", health.checks))


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that nobody listens for, as the settings would name it."""
    monkeypatch.setitem(connections["default"].settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connections["default"].settings_dict, "PORT", free_port())


def ready(client: Client) -> tuple[int, dict[str, Any]]:
    response = client.get("/readyz")
    assert "no-store" in response["Cache-Control"]
    return response.status_code, response.json()


# ---- the probes -------------------------------------------------------------------------------------------------


def test_a_process_lives_without_a_database(client: Client) -> None:
    """Without the mark for it, pytest forbids any query."""
    for method in (client.get, client.head):
        response = method("/healthz")
        assert (response.status_code, response["Content-Type"]) == (200, "text/plain")


def well(client: Client) -> tuple[int, dict[str, Any]]:
    response = client.get("/healthz/full")
    return response.status_code, response.json()["checks"]


@pytest.mark.django_db
def test_it_is_ready_when_a_message_can_be_committed_whoever_else_is_silent(client: Client) -> None:
    """A load balancer that took the web away because beat is dead would lose what it could have kept."""
    status, body = ready(client)
    assert (status, body["ready"]) == (200, True)
    assert set(body["checks"]) == READINESS
    assert all(check["ok"] and check["detail"] for check in body["checks"].values())


@pytest.mark.django_db
def test_it_is_not_ready_where_nothing_can_be_written(client: Client) -> None:
    """As on a standby, or while the disk is full."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL transaction_read_only = on")
        status, body = ready(client)
        transaction.set_rollback(True)
    assert (status, body["ready"]) == (503, False)
    assert "read-only" in body["checks"]["commit"]["detail"]
    assert body["checks"]["database"]["ok"]


@pytest.mark.django_db
def test_it_is_not_well_before_anyone_showed_life(client: Client) -> None:
    status, checks = well(client)
    assert status == 503
    assert checks["beat"] == {"ok": False, "detail": "has never shown life"}
    assert checks["database"]["ok"]


def test_it_is_not_well_when_a_part_fell_silent(client: Client, alive: None) -> None:
    SignOfLife.objects.filter(part="worker").update(at=timezone.now() - timedelta(seconds=61))
    status, checks = well(client)
    assert status == 503
    assert checks["worker"]["age_s"] >= 61
    assert "last sign of life 61 s ago" in checks["worker"]["detail"]


def test_without_the_database_it_says_so_at_once(client: Client, alive: None, no_database: None) -> None:
    started = time.monotonic()
    status, body = ready(client)
    assert time.monotonic() - started < 10
    assert status == 503
    assert "refused" in body["checks"]["database"]["detail"]
    assert body["checks"]["commit"]["detail"] == "cannot be asked: the database does not answer"


def test_a_reason_holds_no_password(alive: None, no_database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections["default"].settings_dict, "PASSWORD", "hunter2")
    fault = database_fault()
    assert fault
    assert "hunter2" not in fault


# ---- the checks -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_database_names_its_version() -> None:
    assert dict(run_checks())["database"].text.startswith("PostgreSQL ")


@pytest.mark.django_db
def test_a_migration_that_was_not_applied_is_counted() -> None:
    assert check_migrations(NOW).ok
    ((app, latest),) = MigrationLoader(connection).graph.leaf_nodes("console")
    MigrationRecorder(connection).record_unapplied(app, latest)
    found = check_migrations(NOW)
    assert not found.ok
    assert found.text == "1 migration is not applied (manage.py migrate)"


@pytest.mark.django_db
@pytest.mark.parametrize(("age", "ok"), [(0, True), (60, True), (60.1, False), (-5, True)])
def test_a_part_lives_while_its_last_sign_is_young(age: float, ok: bool) -> None:
    show_life(part="worker", now=NOW - timedelta(seconds=age))
    found = check_life("worker")(NOW)
    assert (found.ok, found.age_s) == (ok, max(0.0, age))


@pytest.mark.django_db
def test_the_youngest_sign_of_several_instances_counts() -> None:
    show_life(part="worker", now=NOW - timedelta(hours=1), instance="old")
    show_life(part="worker", now=NOW, instance="new")
    show_life(part="worker", now=NOW + timedelta(seconds=1), instance="new")
    assert check_life("worker")(NOW + timedelta(seconds=1)).age_s == 0
    assert SignOfLife.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    "error", [DatabaseError("broken\nDETAIL: row"), ConnectionRefusedError("refused"), SignOfLife.DoesNotExist("none")]
)
def test_a_check_that_fails_is_a_finding(checks: None, error: Exception) -> None:
    def fail(_now: datetime) -> Finding:
        raise error

    register_check("new", fail)
    found = dict(run_checks())["new"]
    assert not found.ok
    assert found.text.startswith("cannot be asked: ")
    assert "DETAIL" not in found.text


@pytest.mark.django_db
def test_all_checks_see_the_same_moment(checks: None) -> None:
    seen = []
    for name in ("a", "b"):
        register_check(name, lambda now: seen.append(now) or Finding(True, "fine"))  # type: ignore[func-returns-value]
    with time_machine.travel(NOW):
        run_checks()
    assert seen[0] == seen[1]


@pytest.mark.django_db
def test_each_who_asks_is_told_what_he_must_know(checks: None) -> None:
    register_check("slow", lambda _now: Finding(False, "slow"))
    assert set(dict(run_checks(Asker.BALANCER))) == READINESS
    assert set(dict(run_checks(Asker.DASHBOARD))) == DASHBOARD
    assert {"slow", "mail server"} <= set(dict(run_checks()))


def test_what_needs_no_database_is_asked_without_one(checks: None, alive: None, no_database: None) -> None:
    register_check("elsewhere", lambda _now: Finding(True, "works"), asks_database=False)
    assert dict(run_checks())["elsewhere"].ok


# ---- on the dashboard -------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_dashboard_says_what_does_not_work(viewer: Client) -> None:
    page = viewer.get("/").content.decode()
    assert "Is everything working?" in page
    assert "has never shown life" in page
