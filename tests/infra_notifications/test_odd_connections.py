"""Reports of connections in other words: what they surely mean is taken, with a warning."""

from __future__ import annotations

from typing import Any

import pytest

from infra_notifications.models import StationConnection, UnknownChargePoint
from tests.conftest import ApiClient
from tests.infra_notifications.helpers import open_cases, station

pytestmark = pytest.mark.django_db
CLOSED = {"station": "CP-1", "connected": False}


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"stationId": "CP-1", "connected": False}, ""),
        ({"charge_point": "CP-1", "event": "disconnected"}, ""),
        ({"chargeBoxId": "CP-1", "status": "Offline", "timestamp": "2026-11-29T09:00:00Z"}, ""),
        ({"station": "CP-1", "connected": "disconnected"}, ""),
        ({"event": "client.disconnected", "clientid": "CP-1", "reason": "keepalive_timeout"}, "keepalive_timeout"),
        *(({"station": "CP-1", "event": event}, "") for event in ("timeout", "onClose", "websocket closed")),
        (CLOSED | {"reason": {"code": 1006, "text": "abnormal"}}, "1006 abnormal"),
        (CLOSED | {"reason": 1006}, "1006"),
        (CLOSED | {"reason": ["gone"]}, "gone"),
        (CLOSED | {"reason": True}, ""),
    ],
)
def test_a_close_in_other_words_is_one(api: ApiClient, item: dict[str, Any], reason: str) -> None:
    (point,) = station(points=1)
    answer = api.post("/charging/connections", [item]).json()
    assert (answer["accepted"], answer["rejected"], bool(answer["warnings"])) == (1, [], True)
    assert open_cases(point) == ["UNAVAILABLE"]
    assert StationConnection.objects.get().close_reason == reason
    answer = api.post("/charging/connections", {"identity": "CP-1", "event": "connected"}).json()
    assert (answer["accepted"], open_cases(point)) == (1, [])


@pytest.mark.parametrize(
    "item", [{"station": "CP-1", "event": "Heartbeat"}, {"event": "closed"}, {"station": "CP-1"}, None, 5]
)
def test_what_may_mean_anything_is_rejected_in_a_sentence(api: ApiClient, item: Any) -> None:
    station(points=1)
    (rejected,) = api.post("/charging/connections", [item]).json()["rejected"]
    assert "Expected" not in rejected["error"]
    assert " missing" in rejected["error"] or " must be " in rejected["error"]
    assert not StationConnection.objects.exists()


@pytest.mark.parametrize("field", ["charge_point", "evse_id", "station"])
def test_an_evse_id_is_read_as_its_station(api: ApiClient, field: str) -> None:
    (point,) = station(points=1)
    answer = api.post("/charging/connections", {field: point.evse_id.lower(), "connected": False}).json()
    assert (answer["accepted"], f"EVSE id of station {point.station}" in str(answer["warnings"])) == (1, True)
    assert open_cases(point) == ["UNAVAILABLE"]
    assert (StationConnection.objects.get().station, UnknownChargePoint.objects.exists()) == (point.station, False)
