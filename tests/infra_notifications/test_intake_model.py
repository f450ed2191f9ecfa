"""Intake of batches, judged by a plain model that handles one message after another in dicts, by the rules in words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as configured
from django.db import transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from infra_notifications.ingest import OcppMessage
from infra_notifications.models import ChargePointState, Incident, Source
from tests.clock import NOW, SECOND
from tests.infra_notifications.helpers import fault, fine, station, sweep, take

pytestmark = pytest.mark.django_db

STATIONS = {"CP-1": (1, 2), "CP-2": (1,)}
SAID = {
    "fuse": fault("OverCurrentFailure"),
    "other": fault("ReaderFailure"),
    "fine": fine(),
    "charging": fine(status="Charging"),
    "life": None,
}
CASES = {"fuse": "FUSE_TRIPPED", "other": "OTHER_FAULT"}
# Whom, connector, what, how many seconds before now its forwarder received it (None: unsaid), and under which id.
MESSAGES = st.tuples(
    st.sampled_from(["CP-1", "CP-1", "CP-2", "CP-9"]),
    st.sampled_from([1, 1, 2, 5]),
    st.sampled_from(sorted(SAID)),
    st.sampled_from([None, None, 0, 1, 30, 600]),
    st.sampled_from([None, None, "message-with-its-id-1", "message-with-its-id-2"]),
)
# After how many seconds a batch comes, and whether the sweep comes before it.
BATCHES = st.tuples(st.sampled_from([1, 2, 30, 700]), st.booleans(), st.lists(MESSAGES, max_size=6))

Point = tuple[str, int]


@dataclass
class Known:
    """What the model knows of a charge point."""

    last_seen: datetime | None = None
    connectivity: str = "never"
    status: str = ""
    status_order: datetime | None = None
    open: dict[str, datetime] = field(default_factory=dict)
    cleared: datetime | None = None


class Model:
    """Receipt orders; the same id with the same content is one message; any message proves the life of its station."""

    def __init__(self) -> None:
        self.points = {(name, number): Known() for name, numbers in STATIONS.items() for number in numbers}
        self.sent: set[tuple[Any, ...]] = set()
        self.silence = configured.CHARGING_EXPECTED_INTERVAL_S * SECOND

    def take(self, batch: Sequence[tuple[OcppMessage, datetime]], now: datetime) -> tuple[int, int, int]:
        """Takes a batch; how many were accepted, repeated and rejected."""
        good, repeated, bad = [], 0, 0
        for message, received in batch:
            about = self._about(message)
            content = (message.station, message.id, message.action, repr(message.payload))
            if about and message.id is not None and content in self.sent:
                repeated += 1
                continue
            self.sent.add(content)
            bad += not about
            good.append((received, message, about))
        for received, message, about in sorted(good, key=lambda each: each[0]):
            self._live(message.station or "", received, now)
            for point in about if message.action == "StatusNotification" else ():
                self._say(point, message.payload, received)
        return len(good) - bad, repeated, bad

    def _about(self, message: OcppMessage) -> list[Known]:
        number = message.payload.get("connectorId")
        return [known for (name, n), known in self.points.items() if name == message.station and number in (None, n)]

    def _live(self, name: str, received: datetime, now: datetime) -> None:
        for point in (known for (owner, _n), known in self.points.items() if owner == name):
            is_fresh = received + self.silence > now
            if (point.last_seen is None or received > point.last_seen) and (is_fresh or point.connectivity != "silent"):
                point.connectivity = "online"
            point.last_seen = max(received, point.last_seen or received)
            if is_fresh:
                point.open.pop("UNAVAILABLE", None)

    def _say(self, point: Known, payload: dict[str, Any], received: datetime) -> None:
        is_fault = payload["status"] == "Faulted"
        if not is_fault:
            point.cleared = max(received, point.cleared or received)
            point.open = {case: at for case, at in point.open.items() if at > received or case == "UNAVAILABLE"}
        elif point.cleared is None or point.cleared <= received:
            case = CASES["fuse" if payload["errorCode"] == "OverCurrentFailure" else "other"]
            point.open[case] = max(received, point.open.get(case, received))
        is_late = is_fault and not set(point.open) - {"UNAVAILABLE"}
        if not is_late and (point.status_order is None or received >= point.status_order):
            point.status, point.status_order = payload["status"], received

    def sweep(self, now: datetime, put_off: Collection[Point]) -> None:
        for where, point in self.points.items():
            is_due = point.last_seen is not None and point.last_seen + self.silence <= now
            if point.connectivity == "online" and is_due and where not in put_off:
                point.connectivity = "silent"
                point.open["UNAVAILABLE"] = now

    @property
    def shown(self) -> dict[Point, Any]:
        return {
            where: (known.last_seen, known.connectivity, known.status, sorted(known.open))
            for where, known in self.points.items()
        }


def shown() -> dict[Point, Any]:
    """The same of the database; and that a deadline is where it belongs, with the sweep not after it."""
    cases: dict[int, list[str]] = {}
    for pk, case in Incident.objects.filter(closed_at=None).order_by("case").values_list("charge_point", "case"):
        cases.setdefault(pk, []).append(case)
    found: dict[Point, Any] = {}
    for state in ChargePointState.objects.select_related("charge_point"):
        where = (state.charge_point.station, state.charge_point.connector or 0)
        found[where] = (state.last_seen, state.connectivity, state.status, cases.get(state.pk, []))
        if state.connectivity == "online":
            assert state.last_seen is not None
            due = state.last_seen + configured.CHARGING_EXPECTED_INTERVAL_S * SECOND
            assert state.silent_at == due or (state.silent_at and state.silent_at > due and where in put_off())
            assert state.sweep_at is not None
            assert state.sweep_at <= state.silent_at
        else:
            assert (state.silent_at, state.sweep_at) == (None, None)
    return found


def put_off() -> set[Point]:
    """The charge points whose silence does not count, since that of their source was found out first."""
    silent = Source.objects.exclude(trouble_since=None).values("pk")
    states = ChargePointState.objects.select_related("charge_point").filter(source__in=silent, connectivity="online")
    limit = configured.CHARGING_EXPECTED_INTERVAL_S * SECOND
    late = (each for each in states if each.last_seen and each.silent_at and each.silent_at > each.last_seen + limit)
    return {(each.charge_point.station, each.charge_point.connector or 0) for each in late}


def messages_of(said: Sequence[tuple[Any, ...]], now: datetime, first: dict[Any, Any]) -> list[Any]:
    """A batch, each message with its receipt. What has an id says a moment of its own, that of when it came first."""
    batch = []
    for name, number, what, age, identity in said:
        received = now if age is None else now - timedelta(seconds=age)
        payload = (SAID[what] or {}) | {"connectorId": number}
        if identity:
            moment = first.setdefault((name, number, what, identity), received.isoformat())
            payload = payload | {"timestamp": moment}
        action = "MeterValues" if what == "life" else "StatusNotification"
        payload = payload | ({"meterValue": []} if what == "life" else {})
        at = None if age is None else received.isoformat()
        batch.append((OcppMessage(station=name, action=action, payload=payload, id=identity, received_at=at), received))
    return batch


@settings(max_examples=40)
@given(st.lists(BATCHES, min_size=1, max_size=8), st.sampled_from([0, 5_000]))
@example([(1, False, [("CP-1", 1, "fuse", None, None)]), (1, True, [("CP-1", 1, "fine", 30, None)])], 0)
@example([(1, False, [("CP-1", 1, "life", None, None)]), (1, False, [("CP-1", 2, "other", None, None)])], 5_000)
def test_batches_come_to_what_the_model_says(batches: list[tuple[int, bool, list[Any]]], pause_s: int) -> None:
    with transaction.atomic():
        for name, numbers in STATIONS.items():
            station(name, len(numbers))
        model, now, first = Model(), NOW, dict[Any, Any]()
        for number, (seconds, is_swept, said) in enumerate(batches):
            # One long pause: a second one would teach that it is usual.
            now += (seconds + (pause_s if number == len(batches) // 2 else 0)) * SECOND
            if is_swept:
                sweep(now)
                model.sweep(now, put_off())
            batch = messages_of(said, now, first)
            intake = take(*(message for message, _received in batch), now=now)
            answer = (intake.accepted, intake.duplicates, len(intake.rejected))
            assert answer == model.take(batch, now)
            assert shown() == model.shown
        transaction.set_rollback(True)
