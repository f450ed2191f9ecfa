"""OCPI with real processes: an independent operator registers over HTTP, is fetched by a worker, pushes, and people are
mailed."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra_notifications.ocpi.cpo import Sender, evse, in_base64, location, serving
from tests.live import Live, running
from tests.mailserver import MailServer

pytestmark = pytest.mark.processes
EVSE_ID = "BE*BEC*E041503256"
LATER, LATEST = "2026-11-02T10:00:00Z", "2026-11-02T10:05:00Z"


@pytest.fixture(scope="module")
def live(server: MailServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    networks = {"OUTBOX_ALLOWED_NETWORKS": "127.0.0.0/8"}
    with running(tmp_path_factory.mktemp("ocpi"), smtp_port=server.port, CHARGING_GATHER_S="1", **networks) as found:
        yield found


def call(live: Live, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
    """One request of the operator, with its own token alone."""
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=30)
    headers = {"Authorization": f"Token {in_base64(token)}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, None if body is None else json.dumps(body).encode(), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_an_operator_is_connected_and_its_fault_is_mailed_and_its_end(live: Live, server: MailServer) -> None:
    address = "night@ocpi.example"
    with serving(Sender()) as operator:
        operator.locations = [location("LOC1", evse("3256"), evse("3257")), location("LOC2", evse("1"))]
        token = live.api("POST", "/charging/ocpi-parties", {"name": "BeCharged"})["token"]
        status, answer = call(live, "POST", "/ocpi/2.2.1/credentials", token, operator.credentials())
        assert (status, answer["status_code"]) == (200, 1000)
        token = answer["data"]["token"]
        live.wait_until(
            lambda: len(live.api("GET", "/charging/charge-points")["items"]) == 3, "a worker fetched all locations"
        )
        members = {"name": "OCPI", "emails": [address], "charge_points": [EVSE_ID], "hold_off_s": {"OTHER_FAULT": 0}}
        live.api("POST", "/charging/groups", members)
        place = "/ocpi/emsp/2.2.1/locations/BE/BEC/LOC1/3256"
        assert call(live, "PATCH", place, token, {"status": "OUTOFORDER", "last_updated": LATER})[0] == 200
        live.wait_until(lambda: len(server.to(address)) == 1, "the fault is mailed")
        assert EVSE_ID in server.to(address)[0].text
        assert call(live, "PATCH", place, token, {"status": "AVAILABLE", "last_updated": LATEST})[0] == 200
        live.wait_until(lambda: len(server.to(address)) == 2, "its end is mailed")
        [source] = live.api("GET", "/charging/sources?q=kind:ocpi")["items"]
        assert (source["name"], source["rejected"]) == ("BeCharged", 0)
        logs = live.log("web") + live.log("worker")
        assert token not in logs
        assert operator.token not in logs
        assert in_base64(operator.token) not in logs
