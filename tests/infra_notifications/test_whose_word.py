"""What a CSMS says, its own calls and its answers to those of a station, is no sign of that station's life."""

from __future__ import annotations

from typing import Any

import pytest

from core.ingest import Submission
from infra_notifications.choices import Connectivity, IntervalSource
from infra_notifications.ingest import OcppMessage
from infra_notifications.models import ChargePoint, ChargePointState
from infra_notifications.rules.actions import ACTIONS
from infra_notifications.rules.connections import ConnectionReport
from infra_notifications.rules.frames import FROM_CSMS
from infra_notifications.services.connections import take_connections
from infra_notifications.services.frames import frames_submission
from infra_notifications.services.messages import take_messages
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import KEY, NOW, at, heartbeat, open_cases, sweep, take

pytestmark = pytest.mark.django_db
BOTH = {"DataTransfer"}


@pytest.fixture
def point() -> ChargePoint:
    return ChargePointFactory(station="CP-1", connector=1)


def frames(body: bytes, seconds: float) -> None:
    submission = frames_submission(body, key_id=KEY, station="CP-1", protocol="ocpp1.6")
    take_messages(submissions=[submission], now=at(seconds))


def closes(seconds: float = 0) -> None:
    report = ConnectionReport(station="CP-1", connected=False)
    take_connections(submissions=[Submission(KEY, [(0, report)])], now=at(seconds))


@pytest.mark.parametrize(("suffix", "from_station"), [("", set(ACTIONS) - FROM_CSMS), ("Response", FROM_CSMS | BOTH)])
def test_each_action_is_its_stations_word_or_not(suffix: str, from_station: set[str]) -> None:
    for action in ACTIONS:
        ChargePointFactory(evse_id=f"DE*{action}", station=action, connector=1)
    intake = take(*(OcppMessage(station=action, action=action + suffix, payload={}) for action in ACTIONS))
    alive = ChargePointState.objects.exclude(last_seen=None).values_list("charge_point__station", flat=True)
    assert set(alive) == (from_station | BOTH)
    if not suffix:
        warned = {[*ACTIONS][index] for index, sentence in intake.warnings if "no life" in sentence}
        assert warned == FROM_CSMS


@pytest.mark.parametrize("named", [{"station": "CP-1"}, {"charge_point": "DE*1"}])
@pytest.mark.parametrize("action", ["Reset", "TriggerMessage", "remote_start_transaction", "ChangeAvailability.req"])
def test_order_of_a_csms_ends_no_outage(action: str, named: dict[str, Any]) -> None:
    point = ChargePointFactory(evse_id="DE*1", station="CP-1", connector=1)
    closes()
    take(OcppMessage(**named, action=action, payload={"type": "Hard", "connectorId": 1}), now=at(5))
    assert open_cases(point) == ["UNAVAILABLE"]
    take(OcppMessage(**named, action="ResetResponse", payload={"status": "Accepted"}), now=at(6))
    assert open_cases(point) == []


@pytest.mark.parametrize("answer", [b'{"currentTime": "2026-11-29T10:00:00Z"}', b"{}"])
def test_answer_to_a_call_of_the_station_ends_no_outage(point: ChargePoint, answer: bytes) -> None:
    frames(b'[2, "1", "Heartbeat", {}]', 0)
    closes(1)
    frames(b'[3, "1", %s]' % answer, 2)
    assert open_cases(point) == ["UNAVAILABLE"]
    frames(b'[[2, "2", "Reset", {"type": "Hard"}], [4, "3", "InternalError", "", {}]]', 3)
    frames(b'[3, "2", {"status": "Accepted"}]', 4)
    assert open_cases(point) == []


def test_interval_that_a_csms_asks_for_is_learnt_though_it_proves_no_life(point: ChargePoint) -> None:
    take(heartbeat("CP-1"))
    answer = {"currentTime": NOW.isoformat(), "interval": 3_600, "status": "Accepted"}
    take(OcppMessage(station="CP-1", action="BootNotificationResponse", payload=answer), now=at(600))
    point.state.refresh_from_db()
    assert (point.state.last_seen, point.state.interval_source) == (NOW, IntervalSource.BOOT)
    sweep(at(3_600))
    assert open_cases(point) == []
    sweep(at(4_600))
    point.state.refresh_from_db()
    assert (open_cases(point), point.state.connectivity) == (["UNAVAILABLE"], Connectivity.SILENT)
