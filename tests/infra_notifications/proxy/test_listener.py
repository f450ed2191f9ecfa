"""From what the proxy hears to incidents: the observer, its spool and the intake, with a real database."""

from __future__ import annotations

import json
import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from infra_notifications.choices import Connectivity
from infra_notifications.models import (
    ChargePointMessage,
    ChargePointState,
    OcppRoute,
    Source,
    StationConnection,
)
from infra_notifications.proxy import listener as listening
from infra_notifications.proxy.links import Link
from infra_notifications.proxy.listener import Listener
from infra_notifications.proxy.routes import Route
from infra_notifications.proxy.writer import Writer
from infra_notifications.services.source_status import check_sources
from tests.infra_notifications.helpers import fault, fine, open_cases, station

pytestmark = pytest.mark.django_db
BOOT = {"chargePointVendor": "ABB", "chargePointModel": "Terra 54", "iccid": "8949"}


class Ear:
    """A listener with its folders, and stations that speak through it."""

    def __init__(self, folder: Path) -> None:
        self.spool, self.memory = folder / "spool", folder / "memory"
        self.now = timezone.now().timestamp()
        self.listener = self.begin()

    def begin(self, most_bytes: int = 1 << 26) -> Listener:
        self.listener = Listener(self.spool, most_bytes=most_bytes, memory=self.memory, clock=lambda: self.now)
        return self.listener

    def connect(self, name: str = "CP-1", *, protocol: str = "ocpp1.6", route: str = "main") -> Link:
        at = datetime.fromtimestamp(self.now, UTC)
        link = Link(Route(route, "ws://csms"), route, name, name, protocol, "10.0.0.1", "", connected_at=at)
        self.listener.connected(link)
        return link

    def close(self, link: Link, code: int | None = 1006, reason: str = "", *, by_station: bool = True) -> None:
        link.closed_at = datetime.fromtimestamp(self.now, UTC)
        self.listener.closed(link, code=code, reason=reason, by_station=by_station)

    def say(self, link: Link, *frame: Any, csms: bool = False) -> None:
        self.raw(link, json.dumps(frame).encode(), csms=csms)

    def raw(self, link: Link, data: bytes, *, csms: bool = False, text: bool = True) -> None:
        self.listener.frame(link, from_station=not csms, data=data, text=text)

    def take(self) -> None:
        """What was heard so far is written and taken in."""
        self.listener.save()
        self.writer()

    def writer(self) -> None:
        writer = Writer([self.spool, self.memory], patience_s=0)
        while writer.step():
            continue
        writer.close()

    def die(self) -> None:
        """What SIGKILL leaves: files and memory as they are, and nobody who holds them."""
        for spool in self.listener.spools:
            spool.close()

    @property
    def stored(self) -> str:
        """All that is on disk or in the memory file system."""
        return "".join(path.read_bytes().decode("latin-1") for path in self.spool.parent.rglob("*") if path.is_file())


@pytest.fixture
def ear(tmp_path: Path) -> Ear:
    OcppRoute.objects.create(slug="main", upstream="ws://csms")
    return Ear(tmp_path)


def stored() -> list[tuple[str, Any]]:
    return list(ChargePointMessage.objects.order_by("received_at", "id").values_list("action", "payload"))


def connection() -> StationConnection:
    return StationConnection.objects.get()


# ---- frames ---------------------------------------------------------------------------------------------------------


def test_a_fault_that_passed_is_an_incident_and_its_end_ends_it(ear: Ear) -> None:
    (point,) = station(points=1)
    link = ear.connect()
    ear.say(link, 2, "1", "StatusNotification", fault(info="RCD triggered"))
    ear.take()
    assert open_cases(point) == ["FUSE_TRIPPED"]
    ear.now += 1
    ear.say(link, 2, "2", "StatusNotification", fine())
    ear.take()
    assert open_cases(point) == []
    source = Source.objects.get()
    assert (source.kind, source.name, source.warnings, source.rejected) == ("proxy", "main", 0, 0)


def test_answers_belong_to_calls_of_the_other_side(ear: Ear) -> None:
    station(points=1)
    link = ear.connect()
    ear.say(link, 2, "1", "BootNotification", BOOT)
    ear.say(link, 2, "1", "RemoteStartTransaction", {"idTag": "04A2"}, csms=True)
    ear.now += 0.25
    told = datetime.fromtimestamp(ear.now + 90, UTC).isoformat()
    ear.say(link, 3, "1", {"status": "Accepted", "interval": 777, "currentTime": told}, csms=True)
    ear.say(link, 3, "1", {"status": "Rejected"})
    ear.now += 60
    ear.say(link, 2, "2", "Heartbeat", {})
    ear.listener.report_lives()
    ear.take()
    state = ChargePointState.objects.get()
    assert (state.learnt_interval_s, state.interval_source) == (777, "boot")
    found = connection()
    assert (found.csms_offset_s, found.round_trip_ms, found.messages) == (90.0, 250.0, 5)
    actions = [action for action, _payload in stored()]
    assert sorted(actions) == [
        *("BootNotification", "BootNotification", "Connected", "Heartbeat", "RemoteStartTransaction"),
    ]


def test_a_transaction_that_is_refused_and_errors_are_kept_with_their_action(ear: Ear) -> None:
    station(points=1)
    ear.now -= 60
    link = ear.connect()
    start = {"connectorId": 1, "idTag": "04A2B3C4D5", "meterStart": 0, "timestamp": "2026-11-29T09:00:00Z"}
    ear.say(link, 2, "1", "StartTransaction", start)
    ear.now += 1
    ear.say(link, 3, "1", {"transactionId": 5, "idTagInfo": {"status": "Blocked", "parentIdTag": "P0"}}, csms=True)
    ear.now += 1
    ear.say(link, 2, "2", "Reset", {"type": "Hard"}, csms=True)
    ear.now += 1
    ear.say(link, 4, "2", "InternalError", "card 04A2B3C4D5 is in use", {"idTag": "04A2B3C4D5"})
    ear.take()
    assert [row for row in stored() if row[0] != "Connected"] == [
        ("StartTransaction", start | {"idTag": "***"}),
        ("StartTransaction", {"transactionId": 5, "idTagInfo": {"status": "Blocked"}}),
        ("Reset", {"type": "***"}),
        ("Reset", {"errorCode": "InternalError"}),
    ]


def test_nothing_that_is_nobodys_business_leaves_the_process(ear: Ear) -> None:
    station(points=1)
    link, secret = ear.connect(), "04A2SECRET"
    ear.say(link, 2, "1", "Authorize", {"idTag": secret})
    ear.say(link, 2, "2", "DataTransfer", {"vendorId": "x", "data": secret})
    ear.say(link, 2, "3", "ChangeConfiguration", {"key": "AuthorizationKey", "value": secret}, csms=True)
    ear.say(link, 2, "4", "StartTransaction", {"connectorId": 1, "idTag": secret, "meterStart": 1, "timestamp": "x"})
    ear.say(link, 2, "5", "StatusNotification", fault() | {"customData": {"vendorId": secret}})
    ear.say(link, 2, secret * 10, "Heartbeat", {})
    ear.raw(link, b"garbage " + secret.encode())
    ear.close(link, 1008, f"unknown tag {secret}")
    assert "Heartbeat" in ear.stored, "the journal holds what was heard"
    assert secret not in ear.stored
    ear.listener.save()
    assert secret not in ear.stored
    ear.writer()
    assert secret not in str([stored(), list(StationConnection.objects.values()), list(Source.objects.values())])
    assert ChargePointMessage.objects.count() >= 6


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", True),
        (b"hello", True),
        (b"[2]", True),
        (b"[" * 50_000, True),
        (b'[2,"1","Heartbeat",{}]', False),
        (b'{"a": 1}', True),
        (b"\xff\xfe[2", True),
        (b'[7,"1","Heartbeat",{}]', True),
        (b'[2,"1","StatusNotification",' + b"[" * 1_000, True),
        (b'[2,"1","StatusNotification",{"info":"' + b"x" * 500_000 + b'"}]', True),
    ],
)
def test_garbage_and_what_is_long_is_life_and_no_more(ear: Ear, data: bytes, text: bool) -> None:
    (point,) = station(points=1)
    link = ear.connect()
    ear.raw(link, data, text=text)
    ear.now += 61
    ear.raw(link, data, text=text)
    ear.listener.too_long(link, from_station=True, size=1 << 30)
    ear.listener.report_lives()
    ear.take()
    assert open_cases(point) == []
    assert connection().last_seen > connection().since


def test_a_station_that_only_pings_lives(ear: Ear) -> None:
    station(points=1)
    link = ear.connect()
    ear.take()
    began = ear.now
    for _ping in range(3):
        ear.now += 61
        ear.listener.alive(link)
        ear.listener.report_lives()
    ear.take()
    seen = ChargePointState.objects.get().last_seen
    assert seen is not None
    assert seen.timestamp() == pytest.approx(min(began + 183, timezone.now().timestamp()), abs=5)


# ---- connections ----------------------------------------------------------------------------------------------------


def test_a_connection_shows_its_messages_within_seconds(ear: Ear) -> None:
    link = ear.connect()
    ear.now += 1
    ear.say(link, 2, "1", "Heartbeat", {})
    ear.now += 4
    ear.listener.report_lives()
    ear.take()
    assert connection().messages == 1


def test_a_socket_that_closes_is_unavailable_until_the_next(ear: Ear) -> None:
    (point,) = station(points=1)
    ear.now -= 600
    link = ear.connect()
    ear.now += 10
    ear.close(link, 1006)
    ear.take()
    assert open_cases(point) == ["UNAVAILABLE"]
    assert ChargePointState.objects.get().connectivity == Connectivity.OFFLINE
    found = connection()
    assert (found.connected, found.close_code, found.route) == (False, 1006, "main")
    ear.now += 10
    ear.connect()
    ear.take()
    assert open_cases(point) == []
    found.refresh_from_db()
    assert (found.connected, found.close_code, found.close_reason) == (True, None, "")


def test_what_the_proxy_itself_closes_has_its_time(ear: Ear) -> None:
    (point,) = station(points=1)
    ear.now -= 60
    link = ear.connect()
    ear.close(link, 1012, by_station=False)
    ear.take()
    assert open_cases(point) == []
    assert connection().lost_at is not None


# ---- faults of our own ----------------------------------------------------------------------------------------------


def test_a_process_that_is_killed_loses_nothing_that_it_heard(ear: Ear) -> None:
    points = [*station("CP-1", points=1), *station("CP-2", points=1)]
    ear.now -= 60
    first, second = ear.connect("CP-1"), ear.connect("CP-2")
    ear.listener.save()
    ear.say(first, 2, "1", "StatusNotification", fault())
    ear.say(second, 2, "1", "StatusNotification", fault("GroundFailure"))
    ear.die()
    ear.writer()
    assert [open_cases(point) for point in points] == [["FUSE_TRIPPED"], ["FUSE_TRIPPED"]]
    lost = StationConnection.objects.filter(connected=False, lost_at__isnull=False).count()
    assert lost == 2, "their connections are over, which is no fault of theirs"
    assert not [path for path in ear.spool.parent.rglob("*") if path.is_file()]


def test_what_is_taken_in_twice_counts_once(ear: Ear) -> None:
    (point,) = station(points=1)
    ear.now -= 60
    link = ear.connect()
    for n in range(5):
        ear.now += 1
        ear.say(link, 2, str(n), "StatusNotification", fault() if n % 2 else fine())
    ear.close(link)
    ear.take()
    before = stored()
    for cursor in ear.spool.rglob("cursor.json"):
        cursor.unlink()
    ear.writer()
    assert stored() == before
    assert Source.objects.get().duplicates == 0
    assert open_cases(point) == ["UNAVAILABLE"]


def test_ids_that_begin_anew_with_each_connection_are_messages_of_their_own(ear: Ear) -> None:
    station(points=1)
    for _boot in range(3):
        link = ear.connect()
        ear.now += 1
        ear.say(link, 2, "1", "Heartbeat", {})
    ear.take()
    assert [action for action, _payload in stored()].count("Heartbeat") == 3


def test_where_the_disk_is_away_the_memory_file_system_takes_it(ear: Ear) -> None:
    (point,) = station(points=1)
    ear.spool.write_text("a file where a folder should be")
    link = ear.connect()
    ear.say(link, 2, "1", "StatusNotification", fault())
    ear.take()
    assert open_cases(point) == ["FUSE_TRIPPED"]


def test_what_could_not_be_kept_is_counted_and_told(ear: Ear) -> None:
    (point,) = station(points=1)
    ear.begin(most_bytes=96 * 1024)
    link = ear.connect()
    ear.say(link, 2, "0", "StatusNotification", fault())
    for n in range(2_000):
        ear.say(link, 2, str(n), "Heartbeat", {})
    ear.listener.save()
    ear.listener.save()
    ear.take()
    source = Source.objects.get()
    assert source.lost > 100
    assert source.lost + source.accepted + source.rejected == 2_002
    assert open_cases(point) == ["FUSE_TRIPPED"]
    finding = check_sources(timezone.now())
    assert not finding.ok
    assert "lost" in finding.text


def test_memory_is_bounded_while_the_disk_hangs(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "MEMORY_BYTES", 10_000)
    (point,) = station(points=1)
    link = ear.connect()
    for n in range(300):
        ear.say(link, 2, str(n), "Heartbeat", {})
    ear.say(link, 2, "x", "StatusNotification", fault())
    ear.take()
    ear.take()
    assert open_cases(point) == ["FUSE_TRIPPED"]
    assert Source.objects.get().lost > 100


def test_an_odd_identity_spoils_nothing(ear: Ear) -> None:
    (point,) = station(points=1)
    link = ear.connect("CP-1\x00\ud83d")
    ear.say(link, 2, "1", "Heartbeat", {})
    good = ear.connect("CP-1")
    ear.say(good, 2, "1", "StatusNotification", fault())
    ear.take()
    assert open_cases(point) == ["FUSE_TRIPPED"]


def test_a_process_that_has_just_begun_is_not_taken_for_a_dead_one(ear: Ear) -> None:
    station(points=1)
    (ear.spool / "other-1").mkdir(parents=True)
    # By the clock of this process, wherever it stands.
    os.utime(ear.spool / "other-1", (time.time() + 5, time.time() + 5))
    link = ear.connect()
    ear.say(link, 2, "1", "Heartbeat", {})
    writer = Writer([ear.spool, ear.memory])
    assert writer.step() == 0
    writer.close()
    assert "Heartbeat" in ear.stored
    assert (ear.spool / "other-1").is_dir()


def test_a_folder_that_somebody_removed_is_made_anew(ear: Ear) -> None:
    (point,) = station(points=1)
    link = ear.connect()
    ear.take()
    shutil.rmtree(ear.spool)
    ear.say(link, 2, "1", "StatusNotification", fault())
    ear.take()
    assert open_cases(point) == ["FUSE_TRIPPED"]
