"""A fault is heard in a frame of any length that the proxy takes, wherever in the frame it is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra_notifications.models import OcppRoute, Source
from infra_notifications.proxy import lengthy
from infra_notifications.proxy.figures import Figure
from tests.infra_notifications.helpers import event, events, fault, fine, open_cases, station
from tests.infra_notifications.proxy.test_listener import Ear

pytestmark = pytest.mark.django_db
CALM = [event("ConnectedEV", "Present", "false") for _n in range(1_500)]
TRIPPED = event("GroundFaultProtection", "Tripped")
LONG = "x" * 70_000


@pytest.fixture
def ear(tmp_path: Path) -> Ear:
    OcppRoute.objects.create(slug="main", upstream="ws://csms")
    return Ear(tmp_path)


@pytest.mark.parametrize(
    ("protocol", "action", "payload"),
    [
        ("ocpp2.0.1", "NotifyEvent", events(*CALM, TRIPPED)),
        ("ocpp1.6", "StatusNotification", fault("GroundFailure", info=LONG)),
        ("ocpp1.6", "StatusNotification", {"customData": {"vendorId": LONG}} | fault("GroundFailure")),
        ("ocpp1.6", "DataTransfer", {"messageId": "StatusNotification", "data": json.dumps(fault(info=LONG))}),
        ("ocpp1.6", "DataTransfer", {"messageId": "alarms", "data": [{"n": 1}] * 300 + [{"text": "RCD tripped"}]}),
        (
            "ocpp2.0.1",
            "NotifyReport",
            {
                "requestId": 1,
                "generatedAt": "2026-11-30T07:00:00Z",
                "seqNo": 0,
                "reportData": [
                    {
                        "component": {"name": name, "evse": {"id": 1}},
                        "variable": {"name": "Tripped"},
                        "variableAttribute": [{"value": value}],
                    }
                    for name, value in [("Spare", "false")] * 800 + [("GroundFaultProtection", "true")]
                ],
            },
        ),
    ],
)
@pytest.mark.parametrize("pk", ["1", 1])
def test_a_fault_at_the_end_of_a_long_frame_is_heard(
    ear: Ear, protocol: str, action: str, payload: dict[str, Any], pk: Any
) -> None:
    (point,) = station(points=1)
    link = ear.connect(protocol=protocol)
    ear.say(link, 2, pk, action, {"vendorId": "maker"} | payload if action == "DataTransfer" else payload)
    ear.take()
    assert open_cases(point) == ["FUSE_TRIPPED"]
    assert Source.objects.get().rejected == 0


def test_one_that_is_too_long_to_be_read_is_named_at_its_source(ear: Ear) -> None:
    (point,) = station(points=1)
    link = ear.connect()
    for from_station in (True, False):
        ear.listener.too_long(link, from_station=from_station, size=1 << 21)
    ear.take()
    source = Source.objects.get()
    assert (source.rejected, len(source.rejections)) == (1, 1)
    assert source.rejections[0]["text"].startswith("A frame of station CP-1 is longer than OCPP_PROXY_MAX_FRAME_BYTES")
    point.state.refresh_from_db()
    assert point.state.last_seen is not None


def test_what_follows_a_long_frame_counts_after_it(ear: Ear) -> None:
    (point,) = station(points=1)
    link = ear.connect()
    ear.say(link, 2, "1", "StatusNotification", fault(info=LONG))
    ear.now += 1
    ear.say(link, 2, "2", "StatusNotification", fine())
    ear.take()
    assert open_cases(point) == []


def test_without_room_for_more_long_frames_one_is_named(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lengthy, "MOST_BYTES", 100_000)
    (point,) = station(points=1)
    figures = memoryview(bytearray(8 * len(Figure))).cast("Q")
    monkeypatch.setattr(ear.listener, "_figures", figures)
    link = ear.connect()
    for pk in ("1", "2", "3"):
        ear.say(link, 2, pk, "StatusNotification", fault(info=LONG))
    ear.take()
    assert figures[Figure.NOT_READ_LONG] == 2
    assert (open_cases(point), Source.objects.get().rejected) == (["FUSE_TRIPPED"], 2)
    ear.now += 1
    ear.say(link, 2, "4", "StatusNotification", fine(info=LONG))
    ear.take()
    assert open_cases(point) == []
