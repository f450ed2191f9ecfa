"""Fixtures of the tests of charging infrastructure: a database that really commits, quick passwords."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection, connections
from pytest_django import DjangoDbBlocker, Settings

from infra_notifications.models import EventRule
from infra_notifications.services.mapping import forget_rule_book

# Everything that a test may write and that no migration has filled.
_WRITTEN = (
    "infra_notifications_chargepoint", "infra_notifications_chargepointstate", "infra_notifications_chargepointmessage",
    "infra_notifications_unknownchargepoint", "infra_notifications_notificationgroup", "infra_notifications_incident",
    "infra_notifications_unmappedreport", "infra_notifications_maintenancewindow",
    "outbox_event", "outbox_delivery", "outbox_attempt", "outbox_address",
    "console_apikey", "console_apireceipt", "console_job", "auditlog_logentry", "auth_user",
)  # fmt: skip
_ROLES = (
    "console.migrations.0003_roles",
    "console.migrations.0005_list_roles",
    "outbox.migrations.0002_roles",
    "infra_notifications.migrations.0004_roles",
    "infra_notifications.migrations.0010_care_roles",
)


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
        _fill_again()
        yield
        connections.close_all()
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(_WRITTEN)} RESTART IDENTITY CASCADE")
        connections.close_all()


def _fill_again() -> None:
    """Rules and roles, should a test of another folder have emptied the database."""
    if not EventRule.objects.exists():
        import_module("infra_notifications.migrations.0003_rules").seed(apps, None)
        forget_rule_book()
    if not Group.objects.exists():
        for name in _ROLES:
            import_module(name).roles(apps, None)
