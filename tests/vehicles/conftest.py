"""Fixtures of the tests of vehicles: a database that really commits."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection, connections
from pytest_django import DjangoDbBlocker, Settings

# Everything that a test may write and that no migration has filled.
_WRITTEN = (
    "vehicles_driver", "vehicles_vehicle", "vehicles_oemaccount", "vehicles_charginglocation", "vehicles_fact",
    "vehicles_utilitycontract", "vehicles_campaign", "vehicles_notificationtext", "vehicles_telemetrysample",
    "vehicles_payout", "vehicles_reimbursement", "vehicles_coststatement", "vehicles_referral", "outbox_event",
    "outbox_delivery", "outbox_attempt", "outbox_address", "outbox_banner", "console_apikey", "console_apireceipt",
    "auditlog_logentry", "auth_user",
)  # fmt: skip
_ROLES = (
    "console.migrations.0003_roles", "outbox.migrations.0002_roles", "infra_notifications.migrations.0004_roles",
    "vehicles.migrations.0002_roles",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    """A password's hash is slow on purpose; here it need not be."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: DjangoDbBlocker, settings: Settings) -> Iterator[None]:
    """A database that commits, for tests with several connections; what they wrote is taken away afterwards."""
    for folder in ("queue", "control"):  # the broker's, for the nudges that follow a commit
        (settings.VAR_DIR / "broker" / folder).mkdir(parents=True, exist_ok=True)
    with django_db_blocker.unblock():
        if not Group.objects.exists():
            for name in _ROLES:
                import_module(name).roles(apps, None)
        import_module("vehicles.migrations.0003_settings").fill(apps, None)
        yield
        connections.close_all()
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(_WRITTEN)} RESTART IDENTITY CASCADE")
        connections.close_all()
