"""The demo's cars: what they push is understood whole, and follows from the time alone."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command

from vehicles.ingest.platforms import PLATFORMS
from vehicles.management.commands.vehicle_simulator import make_sources
from vehicles.management.vehicle_simulator import CARS, bodies_of, demo_secret, signed, state_at
from vehicles.models import PlatformMessage, TelemetrySample, VehicleSource

BEGIN = datetime(2026, 11, 30, tzinfo=UTC)
WEEK = [BEGIN + timedelta(minutes=minutes) for minutes in range(0, 60 * 24 * 7, 7)]


@pytest.mark.parametrize("car", CARS, ids=lambda car: car.vehicle)
def test_a_car_lives_through_its_days(car: Any) -> None:
    states = [state_at(car, at) for at in WEEK]
    assert {(state.is_plugged_in, state.is_charging, state.is_full) for state in states} == {
        (False, False, False),
        (True, False, False),
        (True, True, False),
        (True, False, True),
    }
    assert all(0 <= state.soc <= 100 for state in states)
    assert any(state.is_refused for state in states)
    rising = [b.soc >= a.soc for a, b in itertools.pairwise(states) if a.is_charging and b.is_charging]
    assert all(rising)


@pytest.mark.parametrize("car", CARS, ids=lambda car: car.vehicle)
def test_all_that_is_pushed_is_signed_and_understood(car: Any) -> None:
    platform, before, said = PLATFORMS[car.platform], None, set()
    for at in WEEK:
        state = state_at(car, at)
        for body in bodies_of(car, state, before, at):
            (signature,) = signed(car.platform, body).values()
            assert platform.is_signed(demo_secret(car.platform), body, signature)
            translation = platform.translate(json.loads(body))
            assert translation.notes == []
            said |= {fact["type"] for fact in translation.facts}
        before = state
    assert said == {"oem_account", "vehicle", "telemetry"}


@pytest.mark.parametrize("car", [car for car in CARS if car.platform == "enode"], ids=lambda car: car.vehicle)
def test_a_car_is_known_before_its_sign_in_is_refused(car: Any) -> None:
    refused = next(state for at in WEEK if (state := state_at(car, at)).is_refused)
    events = [event["event"] for body in bodies_of(car, refused, None, WEEK[0]) for event in json.loads(body)]
    assert events == ["user:vehicle:updated", "user:credentials:invalidated"]


@pytest.mark.usefixtures("committed")
def test_the_command_pushes_to_a_real_server(live_server: Any, settings: Any) -> None:
    settings.DEMO = True
    make_sources()
    make_sources()
    call_command("vehicle_simulator", url=live_server.url, rounds=1)
    assert {source.slug: source.notes for source in VehicleSource.objects.all()} == {"enode": {}, "smartcar": {}}
    assert not PlatformMessage.objects.filter(applied_at=None).exists()
    assert TelemetrySample.objects.exists()
