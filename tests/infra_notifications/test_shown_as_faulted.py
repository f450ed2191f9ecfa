"""What is shown as Faulted has an open incident, or says why not: whatever is said, in whatever order, by whomever."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import example, given, settings
from hypothesis import strategies as st

from infra_notifications.choices import CloseReason
from infra_notifications.models import ChargePoint, ChargePointState, EventRule, Incident
from infra_notifications.services.incidents import close_by_hand
from infra_notifications.services.mapping import forget_rule_book
from infra_notifications.services.standing_faults import end_of_standing_fault, is_unattended
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import (
    HOUR,
    NOW,
    at,
    event,
    events,
    fault,
    fine,
    heartbeat,
    message,
    only_incident,
    open_cases,
    say,
    signal,
    station,
    sweep,
    take,
    take_neutral,
)
from tests.infra_notifications.pages import text_of, url

pytestmark = pytest.mark.django_db
SAID: dict[str, dict[str, Any]] = {
    "fuse": fault(),
    "other": fault("InternalError"),
    "shock and faulted": fault("OtherError", info="shock sensor"),
    "tamper and faulted": fault("OtherError", vendorErrorCode="Tamper"),
    "unspecific": fault("NoError"),
    "harmless": fault("WeakSignal"),
    "end beside": fault("OtherError", info="door closed"),
    "shock": fault("OtherError", status="Available", info="shock sensor"),
    "available": fine(),
    "charging": fine(status="Charging"),
    "unavailable": fine(status="Unavailable"),
    "unavailable, broken": fault("GroundFailure", status="Unavailable"),
    "station": fault("InternalError", connectorId=0),
    "station is fine": fine(connectorId=0),
    "2.x faulted": {"connectorStatus": "Faulted", "evseId": 1, "connectorId": 1, "timestamp": NOW.isoformat()},
    "2.x available": {"connectorStatus": "Available", "evseId": 1, "connectorId": 1, "timestamp": NOW.isoformat()},
    "state faulted": events(event("EVSE", "AvailabilityState", "Faulted")),
    "state available": events(event("EVSE", "AvailabilityState", "Available")),
    "state over": events(event("EVSE", "AvailabilityState", "Faulted", cleared=True)),
    "rcd": events(event("RCD", "Tripped")),
    "rcd over": events(event("RCD", "Tripped", "false")),
    "shock sensor": events(event("ShockSensor", "Active")),
    "shock sensor over": events(event("ShockSensor", "Active", "false")),
}
CASES = ["FUSE_TRIPPED", "UNAVAILABLE", "SENSORS", "OTHER_FAULT"]
MESSAGES = st.tuples(
    st.sampled_from(sorted(SAID)),
    # How long ago: by the device's clock, said to be queued, and by the forwarder's receipt.
    st.sampled_from([None, 0, 5, 600, 7_200]),
    st.booleans(),
    st.sampled_from([None, None, 0, 300]),
)
RULES = st.sampled_from(["momentary", "momentary fuse", "clear", "info", "none"])
STEPS = st.tuples(
    st.sampled_from([0, 1, 20, 61, 950, 4_000]),
    st.one_of(
        st.tuples(st.just("messages"), st.lists(MESSAGES, min_size=1, max_size=3)),
        st.tuples(st.just("signal"), st.sampled_from(CASES), st.booleans()),
        st.tuples(st.just("by hand"), st.integers(0, 1)),
        st.tuples(st.just("sweep")),
        st.tuples(st.just("life")),
        st.tuples(st.just("again")),
        st.tuples(st.just("rule"), RULES),
    ),
)
OWN = "Own rule"


def a_rule(which: str) -> None:
    """One rule of ours before all others, or none."""
    EventRule.objects.filter(name=OWN).delete()
    more: dict[str, dict[str, Any]] = {
        "momentary": {"effect": "raise", "case": "SENSORS", "momentary_s": 30, "statuses": ["Faulted"]},
        "momentary fuse": {"effect": "raise", "case": "FUSE_TRIPPED", "momentary_s": 30},
        "clear": {"effect": "clear", "case": "FUSE_TRIPPED", "statuses": ["Faulted"]},
        "info": {"effect": "info", "statuses": ["Faulted"]},
    }
    if which in more:
        EventRule.objects.create(name=OWN, precedence=1, **more[which])
    forget_rule_book()


class Story:
    """One charge point of a station with one connector, and what happens to it."""

    def __init__(self) -> None:
        self.point: ChargePoint = station("CP-1", 1, expected_interval_s=3_600)[0]
        self.now, self.last = NOW, list[Any]()

    def step(self, seconds: int, what: tuple[Any, ...]) -> None:
        self.now += timedelta(seconds=seconds)
        match what:
            case ("messages", said):
                self.last = [self._message(*one) for one in said]
                take(*self.last, now=self.now)
            case ("again",):
                take(*self.last, now=self.now)
            case ("signal", case, raised):
                take_neutral(signal(self.point, "raised" if raised else "cleared", case=case), now=self.now)
            case ("by hand", place):
                for incident in Incident.objects.filter(closed_at=None).order_by("id")[place : place + 1]:
                    close_by_hand(incident=incident, now=self.now, author="anna")
            case ("sweep",):
                sweep(self.now)
            case ("life",):
                take(heartbeat("CP-1"), now=self.now)
            case ("rule", which):
                a_rule(which)

    def _message(self, name: str, age: int | None, offline: bool, forwarded: int | None) -> Any:
        payload = dict(SAID[name])
        stamp = (self.now - timedelta(seconds=age)).isoformat() if age is not None else None
        if "eventData" in payload:
            payload = payload | {"eventData": [payload["eventData"][0] | {"timestamp": stamp}]}
        else:
            payload = payload | {"timestamp": stamp}
        if offline:
            payload["offline"] = True
        more = {"received_at": (self.now - timedelta(seconds=forwarded)).isoformat()} if forwarded is not None else {}
        return message(self.point, payload, **more)

    def check(self) -> None:
        point = ChargePoint.objects.select_related("state").get(pk=self.point.pk)
        if is_unattended(point):
            ended = end_of_standing_fault(point)
            assert ended is not None
            assert ended.close_reason in (CloseReason.BY_HAND, CloseReason.SIGNAL)


@settings(max_examples=60)
@given(st.lists(STEPS, min_size=1, max_size=9))
@example([(0, ("rule", "momentary")), (0, ("messages", [("fuse", 0, False, None)])), (61, ("sweep",))])
@example([(0, ("messages", [("available", 0, False, None), ("2.x faulted", 600, True, None)]))])
def test_what_is_shown_as_faulted_has_an_incident_or_says_why_not(steps: list[tuple[int, tuple[Any, ...]]]) -> None:
    with transaction.atomic():
        story = Story()
        try:
            for seconds, what in steps:
                story.step(seconds, what)
                story.check()
        finally:
            transaction.set_rollback(True)
            forget_rule_book()


# ---- one by one -----------------------------------------------------------------------------------------------------


@pytest.fixture
def point() -> ChargePoint:
    return ChargePointFactory(expected_interval_s=30 * 86_400)


def status_of(point: ChargePoint) -> str:
    return ChargePointState.objects.get(charge_point=point).status


def reasons(page: Any) -> str:
    shown = text_of(page)
    return shown[shown.index("Open incidents") : shown.index("Groups")]


def test_faulted_lasts_although_its_rule_says_over_after_a_while(point: ChargePoint) -> None:
    a_rule("momentary")
    say(point, fault())
    assert only_incident().ends_at is None
    sweep(at(7_200))
    assert open_cases(point) == ["SENSORS"]
    say(point, fine(), now=at(7_300))
    assert open_cases(point) == []
    forget_rule_book()


def test_momentary_event_beside_a_working_charge_point_ends_by_itself(point: ChargePoint) -> None:
    a_rule("momentary fuse")
    say(point, fault(status="Available"))
    sweep(at(60))
    assert only_incident().close_reason == CloseReason.TRANSIENT
    forget_rule_book()


def test_queued_faulted_from_before_an_end_is_not_shown(point: ChargePoint) -> None:
    say(point, fine(timestamp=at(0).isoformat()))
    say(point, fault(timestamp=(NOW - HOUR).isoformat(), offline=True), now=at(60))
    assert (open_cases(point), status_of(point)) == ([], "Available")
    assert Incident.objects.count() == 1  # it stands in the history


def test_queued_faulted_that_nothing_ended_is_shown_and_open(point: ChargePoint) -> None:
    say(point, fault(timestamp=(NOW - HOUR).isoformat(), offline=True))
    assert (open_cases(point), status_of(point)) == (["FUSE_TRIPPED"], "Faulted")


def test_end_of_another_systems_case_leaves_what_the_station_says(point: ChargePoint) -> None:
    take_neutral(signal(point, "raised", case="SENSORS"))
    say(point, fault("NoError"), now=at(1))
    assert open_cases(point) == ["SENSORS"]  # its cause
    take_neutral(signal(point, "cleared", case="SENSORS"), now=at(2))
    assert open_cases(point) == ["OTHER_FAULT"]
    say(point, fine(), now=at(3))
    assert open_cases(point) == []


def test_page_says_why_nothing_is_open_although_it_is_faulted(point: ChargePoint, operator: Client) -> None:
    page = url("charge_point", point.pk)
    assert "None" in reasons(operator.get(page))
    say(point, fault())
    assert "Fuse tripped" in reasons(operator.get(page))
    close_by_hand(incident=only_incident(), now=at(60), author="anna")
    assert "“Fuse tripped” was closed by anna" in reasons(operator.get(page))
    say(point, fault(), now=at(120))
    assert "anna" not in reasons(operator.get(page))
    take_neutral(signal(point, "cleared"), now=at(180))
    assert "Another system reported the end of “Fuse tripped”" in reasons(operator.get(page))
    assert Incident.objects.order_by("-id")[0].close_reason == CloseReason.SIGNAL
    say(point, fine(), now=at(240))
    assert "None" in reasons(operator.get(page))


# ---- whose status is shown ------------------------------------------------------------------------------------------


def shown(point: ChargePoint) -> str:
    return ChargePointState.objects.get(charge_point=point).status


STATION_SAYS = [
    lambda status: fine(connectorId=0, status=status),
    lambda status: events(event("ChargingStation", "AvailabilityState", status, evse=None)),
]


@pytest.mark.parametrize("says", STATION_SAYS)
@pytest.mark.parametrize("own", ["Faulted", "Charging", "SuspendedEV", "Reserved"])
def test_a_station_that_is_available_hides_no_status_of_a_connector(says: Any, own: str) -> None:
    first, second = station(points=2)
    take(message("", fault("GroundFailure", status=own), charge_point=None, station="CP-1"))
    take(message("", says("Available"), charge_point=None, station="CP-1"), now=at(9))
    assert (shown(first), shown(second), open_cases(first)) == (own, "Available", ["FUSE_TRIPPED"])


@pytest.mark.parametrize("says", STATION_SAYS)
@pytest.mark.parametrize("state", ["Unavailable", "Faulted"])
def test_what_the_station_is_its_connectors_are_until_it_is_available(says: Any, state: str) -> None:
    points = station(points=2)
    take(message("", fine(status="Charging"), charge_point=None, station="CP-1"))
    for seconds, status in ((5, state), (9, "Available")):
        take(message("", says(status), charge_point=None, station="CP-1"), now=at(seconds))
        assert [shown(point) for point in points] == [status, status]


def test_a_station_that_is_unavailable_hides_no_fault_of_a_connector() -> None:
    first, second = station(points=2)
    take(message("", fault(), charge_point=None, station="CP-1"))
    take(message("", fine(connectorId=0, status="Unavailable"), charge_point=None, station="CP-1"), now=at(9))
    assert (shown(first), shown(second)) == ("Faulted", "Unavailable")


@pytest.mark.parametrize("word", ["Idle", "Operative", "Foo"])
def test_a_word_that_is_no_status_hides_no_fault(word: str) -> None:
    (point,) = station(points=1)
    say(point, fault())
    say(point, fine(status=word), now=at(9))
    assert (shown(point), open_cases(point)) == ("Faulted", ["FUSE_TRIPPED"])
    say(point, fine(), now=at(20))
    say(point, fine(status=word), now=at(30))
    assert shown(point) == word
