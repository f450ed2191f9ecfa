"""What a sample of telemetry leaves out stays as it was: at every door, for every value."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vehicles.cases import plugged, smart
from tests.vehicles.helpers import HOME, Json, at, events, people, shown, take, telemetry
from vehicles.models import ChargingSession
from vehicles.rules.sessions import CHARGING, COMPLETE, NO_POWER, PLUGGED, STOPPED, Sample, Surroundings, derive
from vehicles.rules.timelines import Reports

TRUE_OF_IT = {
    "smart_charging": True,
    "capability.geoLocation": "available",
    "capability.startStopCharging": "available",
}
CAR = Reports({name: [["2020-01-01T00:00:00.000000Z", said]] for name, said in TRUE_OF_IT.items()})


@st.composite
def said_and_left_out(draw: st.DrawFn) -> tuple[list[Sample], list[Sample]]:
    """Samples of one plug at one place, whole; and with some of the values left out that are as they were."""
    whole: list[Sample] = []
    short: list[Sample] = []
    for n in range(draw(st.integers(1, 8))):
        state = draw(st.sampled_from([CHARGING, STOPPED, COMPLETE, NO_POWER]))
        power, soc = draw(st.sampled_from([0.0, 7.0])), draw(st.sampled_from([50, 60, 100]))
        sample = Sample(at(minutes=10 * n), state, "home", power, soc)
        left_out: dict[str, Any] = {}
        for name, nothing in (("location", ""), ("power_kw", None), ("soc", None), ("charge_state", PLUGGED)):
            same = bool(whole) and all(
                getattr(whole[-1], one) == getattr(sample, one)
                for one in ({name, "charge_state"} if name == "power_kw" else {name})
            )
            if (same or (name == "location" and n)) and draw(st.booleans()):
                left_out[name] = nothing
        whole.append(sample)
        short.append(replace(sample, **left_out))
    return whole, short


@given(said_and_left_out())
def test_what_is_left_out_is_as_if_it_had_been_said_again(samples: tuple[list[Sample], list[Sample]]) -> None:
    whole, short = samples
    assert derive(short, Surroundings(CAR)) == derive(whole, Surroundings(CAR))


def test_the_place_of_a_session_is_its_first_known_one_until_the_car_is_unplugged() -> None:
    said = [("", CHARGING), ("home", CHARGING), ("", STOPPED), ("work", CHARGING), ("", "disconnected"), ("", CHARGING)]
    samples = [Sample(at(minutes=n), state, place) for n, (place, state) in enumerate(said)]
    found = [(session.location, session.managed) for session in derive(samples, Surroundings(CAR))]
    assert found == [("home", True), ("", False)]


def test_where_a_car_was_before_it_was_plugged_in_is_not_where_it_charges() -> None:
    samples = [Sample(at(), "unknown", "work", None, 100), Sample(at(minutes=30), CHARGING, "", 0.0)]
    (session,) = derive(samples, Surroundings(CAR))
    assert (session.location, session.no_power_since) == ("", at(minutes=30))


def test_a_place_that_is_no_more_makes_way_for_another() -> None:
    gone = Reports({"removed": [[at(minutes=5).isoformat(), True]]})
    samples = [Sample(at(minutes=n), CHARGING, place) for n, place in ((0, "home"), (9, ""), (12, "new"), (15, ""))]
    found = derive(samples, Surroundings(CAR, places={"home": gone}))
    assert [(session.managed, session.location) for session in found] == [
        (True, "home"),
        (False, "home"),
        (True, "new"),
    ]


def test_what_says_nothing_of_the_plug_prolongs_no_session() -> None:
    samples = [Sample(at(), CHARGING, "home"), Sample(at(minutes=30), "", "", None, 60)]
    (session,) = derive(samples, Surroundings(CAR))
    assert (session.last_at, session.soc_last) == (at(), 60)


LEFT_OUT: list[Json] = [{"location": None}, {"power_kw": None}, {"soc": None}, {"charge_state": None, "plugged": True}]


@pytest.mark.django_db
@pytest.mark.parametrize("left_out", LEFT_OUT)
@pytest.mark.parametrize("is_null", [True, False])
def test_a_sample_that_leaves_something_out_tells_nothing_new(left_out: Json, *, is_null: bool) -> None:
    people()
    take(*smart(), plugged(-0.3, soc=40), now=at(hours=-0.3))
    sample = {"charge_state": "charging", "location": HOME, "power_kw": 7.4, "soc": 42} | left_out
    said = {name: value for name, value in sample.items() if value is not None or (is_null and name != "charge_state")}
    take(telemetry(at(minutes=-9), **said), now=at(minutes=-9))
    take(plugged(0, soc=44))
    assert shown() == {"ManagedSessionStart"}
    assert len(events()) == 1
    assert ChargingSession.objects.count() == 1


@pytest.mark.django_db
def test_what_is_no_word_of_the_plug_is_kept_of_cars_that_are_plugged_in_alone() -> None:
    people()
    day = timedelta(days=1)
    take(*smart(), telemetry(at(minutes=-9), soc=50))
    take(telemetry(at(minutes=-8), charge_state="disconnected"), telemetry(at(minutes=-7), soc=50))
    assert not ChargingSession.objects.exists()
    take(plugged(-0.1, soc=50), telemetry(at(minutes=-1), soc=52), telemetry(at() + day, soc=90), now=at() + day)
    assert [(row.soc_last, row.last_at) for row in ChargingSession.objects.all()] == [(52, at(minutes=-1))]
