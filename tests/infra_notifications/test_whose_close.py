"""A close is heard whatever the clock of who reports it: what came to us before its report is no life after it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.api import rfc3339
from core.ingest import Intake, Submission
from infra_notifications.choices import Connectivity
from infra_notifications.models import ChargePoint, ChargePointState, StationConnection
from infra_notifications.rules.connections import ConnectionReport
from infra_notifications.services.connections import take_connections
from tests.conftest import ApiClient
from tests.infra_notifications.helpers import KEY, NOW, heartbeat, open_cases, station, take

pytestmark = pytest.mark.django_db
# Of our clock, in a second.
START = 0.4


def at(seconds: float) -> datetime:
    return NOW.replace(microsecond=0) + timedelta(seconds=seconds)


@pytest.fixture
def point() -> ChargePoint:
    return station(points=1)[0]


def stamp(seconds: float, *, is_whole: bool = False) -> str:
    moment = at(seconds)
    return (moment.replace(microsecond=0) if is_whole else moment).isoformat()


def tell(connected: bool, said: str | None, *, now: float, name: str = "CP-1", link: str | None = None) -> Intake:
    report = ConnectionReport(station=name, connected=connected, at=said, connection=link)
    return take_connections(submissions=[Submission(KEY, [(0, report)])], now=at(START + now))[0]


def is_away(point: ChargePoint) -> bool:
    states = {
        open_cases(point) == ["UNAVAILABLE"],
        ChargePointState.objects.get(charge_point=point).connectivity == Connectivity.OFFLINE,
    }
    (found,) = states
    return found


@pytest.mark.parametrize("link", ["a", None])
@pytest.mark.parametrize("opened", ["stamped", "at once", "not at all"])
@pytest.mark.parametrize("behind", [0, 0.2, 1, 3, 30])
def test_a_close_by_a_clock_that_is_behind_is_heard(
    api: ApiClient, point: ChargePoint, link: str | None, opened: str, behind: float
) -> None:
    if opened != "not at all":
        tell(True, stamp(-100) if opened == "stamped" else None, now=-100, link=link)
    take(heartbeat("CP-1"), now=at(START))
    assert tell(False, stamp(-behind, is_whole=True), now=0.1, link=link).warnings == []
    assert is_away(point)
    assert api.get("/charging/stations/CP-1").json()["connected"] is False
    # Repeated without an id it changes nothing, and what comes after it is life.
    tell(False, stamp(-behind, is_whole=True), now=0.2, link=link)
    assert StationConnection.objects.get().since == at(START) + timedelta(microseconds=1)
    take(heartbeat("CP-1"), now=at(START + 5))
    tell(False, stamp(-behind, is_whole=True), now=6, link=link)
    assert not is_away(point)


def test_a_close_in_the_second_of_the_last_word_is_heard_where_both_are_stamped(point: ChargePoint) -> None:
    tell(True, stamp(-100), now=-100, link="a")
    take(heartbeat("CP-1", received_at=stamp(0.7)), now=at(1))
    tell(False, stamp(0.9, is_whole=True), now=1, link="a")
    assert is_away(point)


def test_what_its_forwarder_received_after_the_close_is_life(point: ChargePoint) -> None:
    tell(True, stamp(-100), now=-100, link="a")
    take(heartbeat("CP-1", received_at=stamp(5)), now=at(6))
    told = tell(False, stamp(2), now=7, link="a")
    assert "received after that" in told.warnings[0][1]
    assert not is_away(point)


def test_a_late_close_that_nobody_opened_says_that_it_changed_nothing(point: ChargePoint) -> None:
    take(heartbeat("CP-1"), now=at(1_000))
    assert "changed nothing" in tell(False, stamp(0), now=1_000).warnings[0][1]
    assert open_cases(point) == []


@pytest.mark.parametrize("link", ["a", None])
@pytest.mark.parametrize("late", [0.3, 40])
def test_a_stale_close_of_an_older_connection_changes_nothing_and_says_so(
    point: ChargePoint, link: str | None, late: float
) -> None:
    tell(True, stamp(-100), now=-100, link=link)
    tell(True, stamp(10.5), now=10.5, link=link and "b")
    told = tell(False, stamp(9.4), now=10.5 + late, link=link)
    assert "changed nothing" in told.warnings[0][1]
    assert not is_away(point)


@pytest.mark.parametrize("is_whole", [True, False])
def test_an_opening_by_a_clock_that_is_behind_ends_what_was_heard_before(point: ChargePoint, is_whole: bool) -> None:
    tell(False, None, now=0)
    assert is_away(point)
    tell(True, stamp(-2, is_whole=is_whole), now=1)
    assert not is_away(point)


class Forwarder(NamedTuple):
    """Its clock is behind by so many seconds; what it stamps, and how; whether it names connections."""

    behind: float
    is_whole: bool
    stamps: bool
    stamps_messages: bool
    names: bool


FORWARDERS = st.builds(
    lambda behind, is_whole, stamps, names: Forwarder(behind, is_whole, stamps != "nothing", stamps == "all", names),
    st.sampled_from((0.0, 0.2, 1.0, 3.0, 30.0)),
    st.booleans(),
    st.sampled_from(("nothing", "reports", "all")),
    st.booleans(),
)
STEPS = st.lists(
    st.tuples(st.sampled_from(("message", "switch")), st.sampled_from((0.3, 1.5, 40.0))), min_size=1, max_size=8
)


@settings(max_examples=80)
@given(FORWARDERS, STEPS)
def test_in_the_order_in_which_it_happened_the_last_word_holds(
    db: None, forwarder: Forwarder, steps: list[tuple[str, float]]
) -> None:
    name = f"CP-{ChargePoint.objects.count()}"
    (point,) = station(name, points=1)
    now, is_open, sockets, is_gone = 0.0, False, 0, False
    for what, gap in steps:
        # Of what it stamps in one whole second nothing tells the order.
        now += max(gap, 1) if forwarder.is_whole and forwarder.stamps_messages else gap
        said: Any = stamp(START + now - forwarder.behind, is_whole=forwarder.is_whole)
        if what == "message":
            received = {"received_at": said} if forwarder.stamps_messages else {}
            take(heartbeat(name, **received), now=at(START + now))
        else:
            is_open = not is_open
            sockets += is_open
            link = f"s{sockets}" if forwarder.names else None
            tell(is_open, said if forwarder.stamps else None, now=now, name=name, link=link)
        is_gone = what == "switch" and not is_open
        assert is_away(point) == is_gone, (what, now)


def test_one_batch_is_read_in_its_order(api: ApiClient, point: ChargePoint) -> None:
    second = rfc3339((at(0) - timedelta(days=1)).replace(microsecond=0))
    items = [{"station": "CP-1", "connected": connected, "at": second} for connected in (True, False, True, False)]
    assert api.post("/charging/connections", items).json()["accepted"] == 4
    assert is_away(point)
