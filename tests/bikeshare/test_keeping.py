"""How long bike-share keeps things: trips and messages by age, and never what still runs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bikeshare.choices import RequestOrigin, RequestStatus, TripStatus
from bikeshare.models import Bike, Cyclist, TelemetryMessage, TerminationRequest, Trip
from core.retention import prune_old
from tests import clock
from tests.factories.bikeshare import TripFactory

NOW = clock.NOW
OLD, YOUNG = NOW - timedelta(days=91), NOW - timedelta(days=89)
pytestmark = pytest.mark.django_db


def a_trip(*, status: str = TripStatus.COMPLETED, days: float = 91) -> Trip:
    end = NOW - timedelta(days=days)
    trip: Trip = TripFactory(
        status=status, created=OLD, start_at=min(OLD, end), end_at=end if status == TripStatus.COMPLETED else None
    )
    return trip


def a_message(trip: Trip | None = None) -> TelemetryMessage:
    return TelemetryMessage.objects.create(
        boitier_id="boit_x",
        trip_id=trip.pk if trip else "",
        type="position",
        value={},
        verdict="state",
        at=OLD,
        received_at=OLD,
    )


def test_trip_goes_after_it_ended_with_its_requests() -> None:
    trip = a_trip()
    TerminationRequest.objects.create(
        id="treq_1",
        program_id=trip.program_id,
        trip=trip,
        origin=RequestOrigin.SYSTEM,
        status=RequestStatus.ACCEPTED,
        date=OLD,
        created=OLD,
    )
    assert prune_old(now=NOW)["bikeshare trip"] == 1
    assert not Trip.everything.exists()
    assert not TerminationRequest.everything.exists()
    assert Cyclist.objects.filter(pk=trip.cyclist_id).exists()
    assert Bike.objects.filter(pk=trip.vehicule_id).exists()


@pytest.mark.parametrize(("status", "days"), [("completed", 89), ("renting", 91), ("terminating", 91), ("pitstop", 91)])
def test_trip_that_runs_or_ended_lately_stays(status: str, days: float) -> None:
    a_trip(status=status, days=days)
    prune_old(now=NOW)
    assert Trip.everything.count() == 1


def test_messages_go_by_age_but_not_those_of_a_running_trip() -> None:
    running = a_trip(status=TripStatus.RENTING)
    kept, _ended, _alone = a_message(running), a_message(a_trip()), a_message()
    assert prune_old(now=NOW)["bikeshare telemetrymessage"] == 2
    assert TelemetryMessage.objects.get() == kept
