"""Statuses of EVSEs: incidents, maintenance and what is shown of a charge point, up to the mail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from infra_notifications.models import (
    ChargePoint,
    ChargePointMessage,
    Incident,
    MaintenanceWindow,
    OcpiParty,
    StatusPeriod,
)
from infra_notifications.services.ocpi.parties import delete_party
from tests.conftest import ApiClient
from tests.factories.infra_notifications import NotificationGroupFactory
from tests.infra_notifications.helpers import kinds, message, open_cases, signal, sweep, take, take_neutral
from tests.infra_notifications.ocpi.cpo import Cpo, Sender, evse, location, said

pytestmark = pytest.mark.django_db
EVSE_ID = "BE*BEC*E041503256"


@pytest.fixture
def moments() -> Iterator[str]:
    """`last_updated`, each a second after the one before."""
    begin = timezone.now() - timedelta(hours=1)
    return (f"{begin + timedelta(seconds=n):%Y-%m-%dT%H:%M:%SZ}" for n in range(1_000))


class Point:
    """A charge point that is an EVSE of a party, in a group."""

    def __init__(self, cpo: Cpo, moments: Iterator[str]) -> None:
        self.cpo, self.moments = cpo, moments
        assert said(cpo.put("LOC1", location("LOC1", evse()))) == (201, 1000)
        self.row = ChargePoint.objects.get(evse_id=EVSE_ID)
        NotificationGroupFactory(
            members=[self.row], cases=["OTHER_FAULT", "UNAVAILABLE"], hold_off_s={"OTHER_FAULT": 0}
        )

    def becomes(self, status: Any, **more: Any) -> None:
        self.said_at = next(self.moments)
        answer = self.cpo.patch("LOC1/3256", {"status": status, "last_updated": self.said_at} | more)
        assert said(answer) == (200, 1000)

    @property
    def cases(self) -> list[str]:
        return open_cases(self.row)

    @property
    def state(self) -> Any:
        self.row.state.refresh_from_db()
        return self.row.state


@pytest.fixture
def point(cpo: Cpo, moments: Iterator[str]) -> Point:
    return Point(cpo, moments)


def test_out_of_order_is_a_fault_of_unknown_cause_until_it_is_over(point: Point) -> None:
    point.becomes("OUTOFORDER")
    assert (point.cases, point.state.status) == (["OTHER_FAULT"], "Faulted")
    assert kinds() == ["alert"]
    point.becomes("AVAILABLE")
    assert (point.cases, point.state.status) == ([], "Available")
    assert Incident.objects.get().close_reason == "cleared"
    sweep(timezone.now())
    assert kinds() == ["alert", "recovery"]


@pytest.mark.parametrize("well", ["AVAILABLE", "BLOCKED", "CHARGING", "RESERVED", "INOPERATIVE"])
def test_every_status_that_is_no_fault_ends_one(point: Point, well: str) -> None:
    point.becomes("OUTOFORDER")
    point.becomes(well)
    assert (point.cases, point.state.status) == ([], well.capitalize())


def test_planned_is_no_end_of_a_fault(point: Point) -> None:
    point.becomes("OUTOFORDER")
    point.becomes("PLANNED")
    assert (point.cases, kinds()) == (["OTHER_FAULT"], ["alert"])
    point.becomes("AVAILABLE")
    assert point.cases == []


def test_unknown_is_unavailable_and_no_end_of_a_fault(point: Point) -> None:
    point.becomes("OUTOFORDER")
    point.becomes("UNKNOWN")
    assert (point.cases, point.state.connectivity) == (["OTHER_FAULT", "UNAVAILABLE"], "silent")
    point.becomes("OUTOFORDER")
    assert (point.cases, point.state.connectivity) == (["OTHER_FAULT"], "online")
    point.becomes("CHARGING")
    assert point.cases == []


def test_inoperative_is_maintenance_until_another_status(point: Point) -> None:
    point.becomes("INOPERATIVE")
    point.becomes("INOPERATIVE")
    window = MaintenanceWindow.objects.get()
    assert (window.reason, window.author) == ("OCPI: INOPERATIVE", "OCPI: BeCharged")
    take_neutral(signal(point.row, "raised", case="OTHER_FAULT"), now=timezone.now())
    assert kinds() == []
    point.becomes("AVAILABLE")
    window.refresh_from_db()
    assert window.ends_at <= timezone.now()
    sweep(timezone.now())
    assert kinds() == ["still_broken"]
    point.becomes("INOPERATIVE")
    assert MaintenanceWindow.objects.count() == 2


def test_what_was_removed_has_no_incident_and_comes_back(point: Point) -> None:
    point.becomes("OUTOFORDER")
    point.becomes("REMOVED")
    assert (point.cases, point.state.status, point.state.silent_at) == ([], "Removed", None)
    assert Incident.objects.get().close_reason == "removed"
    point.becomes("OUTOFORDER")
    assert point.cases == ["OTHER_FAULT"]


def test_a_removed_evse_may_lose_its_id(point: Point) -> None:
    """The specification: an `evse_id` can be used again when its EVSE is removed, and is then taken from it."""
    point.becomes("OUTOFORDER")
    point.becomes("REMOVED", evse_id=None)
    assert (point.cases, ChargePoint.objects.count()) == ([], 1)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("outoforder", "OUTOFORDER"),
        ("OutOfOrder", "OUTOFORDER"),
        ("OUT_OF_ORDER", "OUTOFORDER"),
        ("Faulted", "OUTOFORDER"),
        (" Available ", "AVAILABLE"),
        ("Occupied", "CHARGING"),
        ("Offline", "UNKNOWN"),
        ("SLEEPING", "SLEEPING"),
        ("INTERNAL_FAULT", "OUTOFORDER"),
        ("Störung Typ B", "OUTOFORDER"),
        ("NO_FAULT", "NO_FAULT"),
    ],
)
def test_other_spellings_are_read_and_other_words_kept(point: Point, sent: str, read: str) -> None:
    point.becomes(sent)
    assert point.cpo.get(f"{point.cpo.LOCATIONS}/LOC1/3256").json()["data"]["status"] == read
    assert bool(point.cases) == (read in ("OUTOFORDER", "UNKNOWN"))


def test_a_word_of_nobody_ends_nothing_and_is_shown(point: Point) -> None:
    point.becomes("OUTOFORDER")
    point.becomes("SLEEPING")
    assert (point.cases, point.state.status) == (["OTHER_FAULT"], "Sleeping")


def test_old_news_ends_and_raises_nothing(point: Point) -> None:
    old = next(point.moments)
    point.becomes("OUTOFORDER")
    answer = point.cpo.patch("LOC1/3256", {"status": "AVAILABLE", "last_updated": old})
    assert said(answer) == (200, 1000)
    assert point.cases == ["OTHER_FAULT"]


def test_what_is_known_to_be_the_cause_takes_the_fault_in(point: Point) -> None:
    """A CSMS forwards the messages of the same station: one fault is told once, by its cause."""
    take(message(point.row, {"connectorId": 1, "errorCode": "OverCurrentFailure", "status": "Faulted"}))
    point.becomes("OUTOFORDER")
    assert point.cases == ["FUSE_TRIPPED"]


def test_a_message_of_the_station_proves_life_and_its_state_is_the_truer_one(point: Point) -> None:
    point.becomes("UNKNOWN")
    take(message(point.row, {"connectorId": 1, "errorCode": "NoError", "status": "Charging"}), now=timezone.now())
    assert (point.cases, point.state.status, point.state.connectivity) == ([], "Charging", "online")
    silent_at = point.state.silent_at
    point.becomes("BLOCKED")
    assert (point.state.status, point.state.silent_at) == ("Charging", silent_at)


def test_who_only_speaks_by_ocpi_is_never_silent(point: Point) -> None:
    point.becomes("CHARGING")
    sweep(timezone.now() + timedelta(days=3))
    assert point.cases == []
    assert point.state.last_seen is not None
    assert point.state.source_id == OcpiParty.objects.get().source_id


def test_the_time_at_which_it_happened_is_the_operators_and_old_faults_are_news_when_they_come_in(point: Point) -> None:
    began = timezone.now() - timedelta(days=60)
    cpo = point.cpo
    fault = evse("88", "OUTOFORDER", last_updated=f"{began:%Y-%m-%dT%H:%M:%SZ}")
    assert said(cpo.put("LOC1/88", fault)) == (201, 1000)
    found = Incident.objects.get(charge_point__evse_id="BE*BEC*E0415088")
    assert abs(found.opened_at - began) < timedelta(seconds=2)
    assert (found.case, found.said) == ("OTHER_FAULT", "OCPI: OUTOFORDER")


def test_statuses_are_messages_of_their_charge_point(point: Point) -> None:
    point.becomes("OUTOFORDER")
    point.becomes("AVAILABLE")
    found = ChargePointMessage.objects.filter(charge_point=point.row).order_by("id")
    assert [(one.action, one.verdict, one.protocol) for one in found] == [
        ("Status AVAILABLE", "info", "ocpi2.2.1"),
        ("Status OUTOFORDER", "raised", "ocpi2.2.1"),
        ("Status AVAILABLE", "cleared", "ocpi2.2.1"),
    ]


@pytest.mark.parametrize("how", ["they end it", "we end it", "begun anew", "disabled", "deleted"])
def test_who_is_no_longer_connected_leaves_nothing_behind_that_nobody_ends(
    point: Point, party: OcpiParty, api: ApiClient, sender: Sender, how: str
) -> None:
    point.becomes("OUTOFORDER")
    address, token = f"/charging/ocpi-parties/{party.pk}", ""
    if how == "they end it":
        assert said(point.cpo.call("DELETE", "/ocpi/2.2.1/credentials")) == (200, 1000)
    elif how == "we end it":
        assert api.post(f"{address}/unregister", {}).status_code == 200
    elif how == "deleted":
        assert api.delete(address).status_code == 204
    elif how == "disabled":
        assert api.patch(address, {"enabled": False}).status_code == 200
    if how in ("they end it", "we end it", "begun anew"):
        token = api.post(f"{address}/token", {}).json()["token"]
    found = Incident.objects.get()
    assert (found.close_reason, point.state.status, point.state.connectivity) == ("unreported", "Unknown", "never")
    assert not StatusPeriod.objects.filter(ended_at=None).exists()
    assert ChargePoint.objects.get().evse_id == EVSE_ID
    if token:
        answer = Cpo(token).call("POST", "/ocpi/2.2.1/credentials", sender.credentials())
        again = evse(status="OUTOFORDER", last_updated=point.said_at)
        put = Cpo(answer.json()["data"]["token"]).put("LOC1/3256", again)
        assert (said(put), point.cases, point.state.status) == ((200, 1000), ["OTHER_FAULT"], "Faulted")


def test_a_deleted_party_ends_its_maintenance(point: Point, party: OcpiParty) -> None:
    point.becomes("INOPERATIVE")
    delete_party(party=party, now=timezone.now())
    assert MaintenanceWindow.objects.get().ends_at <= timezone.now()


def test_a_status_costs_the_same_in_a_large_location_as_in_a_small_one(point: Point) -> None:
    """The party; a savepoint and its end; the location, its EVSEs, both written; the state with its memory, the open
    incidents; the message, and the count of the source. Its charge points are not written again."""
    with CaptureQueriesContext(connection) as small:
        point.becomes("CHARGING")
    assert len(small) <= 14
    more = [evse(f"{n}", last_updated="2026-11-03T10:00:00Z") for n in range(100)]
    assert said(point.cpo.put("LOC1", location("LOC1", evse(), *more, last_updated=next(point.moments)))) == (201, 1000)
    with CaptureQueriesContext(connection) as large:
        point.becomes("AVAILABLE")
    assert len(large) == len(small)
