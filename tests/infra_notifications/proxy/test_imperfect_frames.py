"""Frames that a CSMS may well understand and JSON does not: their faults are heard, with a warning at the source."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra_notifications.models import ChargePointMessage, OcppRoute, Source
from tests.conftest import ApiClient
from tests.infra_notifications.helpers import fault, open_cases, station
from tests.infra_notifications.proxy.test_listener import Ear

pytestmark = pytest.mark.django_db
FAULT = json.dumps(fault()).encode()
PLAIN = b'[2,"1","StatusNotification",' + FAULT + b"]"
WRAPPED = [
    PLAIN[:-2] + b",}]",
    PLAIN[:-1] + b",]",
    PLAIN[:-1],
    PLAIN.replace(b'"1"', b"null", 1),
    json.dumps([2, "1", "StatusNotification", FAULT.decode()]).encode(),
    b'[2,"1","StatusNotification",[' + FAULT + b"]]",
    PLAIN[:-2] + b',"info":"door "A" is open"}]',
    PLAIN[:-2] + b',"info":"door "A" is open"}',
    PLAIN[:-2] + b',"timestamp":"x","timestamp":"' + datetime.now(UTC).isoformat().encode() + b'"}]',
]


@pytest.fixture
def hearing(tmp_path: Path) -> Ear:
    OcppRoute.objects.create(slug="main", upstream="ws://csms")
    return Ear(tmp_path)


@pytest.mark.parametrize("data", WRAPPED)
def test_a_fault_in_an_imperfect_frame_is_heard_and_warned_of(hearing: Ear, data: bytes) -> None:
    (point,) = station(points=1)
    hearing.raw(hearing.connect(), data)
    hearing.take()
    assert open_cases(point) == ["FUSE_TRIPPED"]
    source = Source.objects.get()
    assert (source.rejected, source.warnings) == (0, 1), source.cautions
    assert ChargePointMessage.objects.exclude(warnings=None).count() == 1


@pytest.mark.parametrize("data", WRAPPED)
def test_the_door_for_frames_hears_the_same(api: ApiClient, data: bytes) -> None:
    (point,) = station(points=1)
    answer = api.post("/charging/frames/CP-1", data)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1), answer.content
    assert open_cases(point) == ["FUSE_TRIPPED"]
    assert len(answer.json()["warnings"]) == 1


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.replace(b'"1"', b"{}", 1),
        b'[2,"1","StatusNotification",[' + FAULT + b"," + FAULT + b"]]",
        b'[2,"1","StatusNotification","Faulted"]',
        b'[2,"1","StatusNotification",7]',
        PLAIN[:-20],
    ],
)
def test_what_cannot_be_read_is_rejected_at_its_source(hearing: Ear, data: bytes) -> None:
    (point,) = station(points=1)
    hearing.raw(hearing.connect(), data)
    hearing.take()
    assert open_cases(point) == []
    source = Source.objects.get()
    assert source.rejected == 1
    assert "CP-1" in str(source.rejections) or "lacks" in str(source.rejections)


def test_a_number_that_no_database_holds_costs_nothing_else(hearing: Ear) -> None:
    (point,) = station(points=1)
    hearing.raw(hearing.connect(), PLAIN[:-2] + b',"evseId":' + b"9" * 400 + b"}]")
    hearing.take()
    assert open_cases(point) == ["FUSE_TRIPPED"]


def test_a_status_that_the_csms_sends_is_none_of_the_station(hearing: Ear) -> None:
    (point,) = station(points=1)
    link = hearing.connect()
    hearing.raw(link, PLAIN, csms=True)
    hearing.say(link, 2, "c", "NotifyEvent", {"generatedAt": "x", "seqNo": 0, "eventData": []}, csms=True)
    hearing.take()
    assert open_cases(point) == []
    point.state.refresh_from_db()
    assert point.state.status == ""
    hearing.raw(link, PLAIN)
    hearing.take()
    assert open_cases(point) == ["FUSE_TRIPPED"]


@pytest.mark.parametrize("name", ["N" * 300, "N" * 49])
def test_an_identity_too_long_to_be_kept_says_so(hearing: Ear, name: str) -> None:
    hearing.say(hearing.connect(name), 2, "1", "Heartbeat", {})
    hearing.take()
    assert "It is not kept" in str(Source.objects.get().rejections)
