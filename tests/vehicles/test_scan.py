"""The benchmark's fleet, small: what it fills in is what the sweep finds, and the statements still fit the tables."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone

from bench import vehicles as bench
from tests.vehicles.kit import states
from vehicles.models import Driver, Vehicle
from vehicles.services.evaluation import sweep_due

pytestmark = pytest.mark.django_db


def test_the_benchmarks_fleet_is_swept_as_the_benchmark_says() -> None:
    expires = timezone.now().astimezone(ZoneInfo("Europe/Paris")) - timedelta(minutes=1) + timedelta(days=30)
    with connection.cursor() as cursor:
        cursor.execute(bench.DRIVERS, [bench.reported(country="FR"), 20, 60])
        cursor.execute(bench.VEHICLES_SQL, [bench.reported(brand="Renault", model="Zoe", contact=True)])
        cursor.execute(bench.SERVICES, [bench.reported(state="active", expires_at=expires.isoformat())])
    assert (Driver.objects.count(), Vehicle.objects.count()) == (60, 60)
    assert sweep_due(now=timezone.now()) == 3
    assert states("ZeInteractiveExpiresSoon") == ["open"] * 3
    assert sweep_due(now=timezone.now()) == 0
