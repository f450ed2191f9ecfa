"""Several workers and people at once, on a database that commits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from bikeshare.choices import TripStatus
from bikeshare.ingest.resources import ProgramBody
from bikeshare.models import Program, Trip
from bikeshare.services import programs, subscriptions, trips
from bikeshare.services.renting import start_trip
from core.refusal import Refused
from tests.bikeshare.kit import DAY, NOW, at, message, patch, say, state_of, take, told
from tests.factories.bikeshare import (
    BikeFactory,
    DockFactory,
    ProgramFactory,
    SubscriptionFactory,
    TripFactory,
    ZoneFactory,
    rider,
)
from tests.racing import at_once, or_refusal


def test_case_13_the_same_entry_from_many_workers_is_told_once(committed: None) -> None:
    """The last of the thirteen cases of forbidden zones."""
    trip = TripFactory()
    ZoneFactory()
    say(trip, "position", at(0), latitude=48.79, longitude=2.35)

    def work(late_s: int) -> None:
        for turn in range(5):
            when: datetime = at(5 + 5 * turn)
            inside = message(trip, "position", when, latitude=48.85, longitude=2.35)
            take(inside, now=when + timedelta(seconds=late_s))

    assert at_once([partial(work, number) for number in range(4)]) == [None] * 4
    assert len(told("vehicule.position.forbidden")) == 1


def test_a_trials_end_found_by_many_sweeps_at_once_is_told_once(committed: None) -> None:
    ends = [SubscriptionFactory(trial_end=at(3_600), trial_notice_at=at(-60)).pk for _number in range(5)]
    works = [partial(subscriptions.notify_trial_ends, now=NOW) for _number in range(4)]
    assert sum(at_once(works)) == 5
    assert sorted(event.subject for event in told("abonnement.trial_will_end")) == sorted(ends)


def test_a_trial_that_is_moved_while_a_sweep_looks_is_told_for_one_end_or_both(committed: None) -> None:
    row = SubscriptionFactory(trial_end=at(3_600), trial_notice_at=at(-60))
    later = partial(patch, row, trial_end=NOW + 30 * DAY)
    at_once([partial(subscriptions.notify_trial_ends, now=NOW), later])
    row.refresh_from_db()
    # Whoever was first: the new end waits for its time.
    assert (row.trial_end, row.trial_notice_at) == (NOW + 30 * DAY, NOW + 27 * DAY)
    assert len(told("abonnement.trial_will_end")) <= 1


def test_of_those_who_rent_at_once_one_gets_the_vehicle(committed: None) -> None:
    cyclists, bike = [rider() for _number in range(4)], BikeFactory()
    answers = at_once(
        [partial(or_refusal, start_trip, cyclist_id=cyclist.pk, vehicule_id=bike.pk, now=NOW) for cyclist in cyclists]
    )
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert [error.code for error in refused] == ["rent_locked_vehicule"] * 3
    assert len(told("trip.created")) == Trip.objects.count() == 1


def test_a_trip_that_is_closed_and_locked_at_once_ends_once(committed: None) -> None:
    dock, trip = DockFactory(), TripFactory()
    works: list[Callable[[], object]] = [
        partial(or_refusal, trips.close, trip_id=trip.pk, now=NOW),
        partial(or_refusal, say, trip, "lock", state="locked", rfid=dock.rfid),
    ]
    at_once(works)
    assert Trip.objects.get().status == TripStatus.COMPLETED
    assert len(told("trip.terminated")) == 1


def test_wrong_pins_from_many_workers_are_all_counted(committed: None) -> None:
    trip = TripFactory()

    def work(worker: int) -> None:
        for turn in range(5):
            say(trip, "pin", at(10 * turn + worker), pin="0000")

    assert at_once([partial(work, number) for number in range(4)]) == [None] * 4
    assert state_of(trip).pin_attempts == 20


def test_two_changes_of_one_program_at_once_both_hold(committed: None) -> None:
    program = ProgramFactory()
    for turn in range(10):
        bodies = (
            ProgramBody(name=f"Vélos {turn}"),
            ProgramBody(operator=f"Operator {turn}"),
            ProgramBody(city=f"{turn}"),
        )
        works = [partial(programs.patch_program, program=program, body=body) for body in bodies]
        at_once(works)
        row = Program.objects.get()
        assert (row.name, row.operator, row.city) == (f"Vélos {turn}", f"Operator {turn}", f"{turn}")
