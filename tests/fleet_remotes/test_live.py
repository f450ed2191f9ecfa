"""The whole way with real processes: the vendor's API and its callbacks over HTTP, workers, beat, and SIGKILL."""

from __future__ import annotations

import http.client
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from config.demo.supervisor import start_process
from tests.factories.fleet_remotes import HEADER_VALUE
from tests.live import Live, running
from tests.mailserver import free_port

pytestmark = pytest.mark.processes
FLEET = "F-LIVE"
SPEED = 20


class Fleet:
    """A running installation, a vendor beside it, and vehicles that both know."""

    def __init__(self, live: Live, port: int) -> None:
        self.live, self.port = live, port
        self.vehicles = 0
        self.callback_id = ""

    def vendor(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, json.dumps(body))
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def vehicle(self, *paths: str) -> str:
        """The VIN of a new vehicle, whose next commands take these paths."""
        self.vehicles += 1
        vin = f"VR3LIVE{self.vehicles:010d}"
        self.live.api(
            "PUT", "/remotes/vehicles", {"vin": vin, "vehicle_id": f"v-{vin}", "fleet": FLEET, "brand": "opel"}
        )
        self.vendor("PUT", "/simulator/vehicles", {f"v-{vin}": vin})
        self.vendor("POST", "/simulator/paths", {vin: list(paths)})
        return vin

    def order(self, vin: str, kind: str = "lights", parameters: Any = None) -> int:
        body = {"vin": vin, "type": kind, "parameters": parameters or {"on": True}}
        return int(self.live.api("POST", "/remotes/actions", body)["id"])

    def action(self, pk: int) -> Any:
        return self.live.api("GET", f"/remotes/actions/{pk}")

    def state(self, pk: int) -> str:
        return str(self.action(pk)["state"])

    def wait_for(self, pk: int, *states: str, timeout_s: float = 30) -> Any:
        self.live.wait_until(lambda: self.state(pk) in states, f"action {pk} is {states}", timeout_s)
        return self.action(pk)

    def carried_out(self, vin: str) -> int:
        """How many commands the vendor carried out on a vehicle."""
        base = f"/connectedcar/v3/fleets/{FLEET}/vehicles/v-{vin}"
        return int(self.vendor("GET", f"{base}/callbacks/{self.callback_id}/remotes?client_id=id")["total"])


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    port = free_port()
    env = {
        "REMOTES_API_URL": f"http://127.0.0.1:{port}/connectedcar/v3", "REMOTES_CLIENT_ID": "id",
        "REMOTES_TIMEOUT_S": "3", "REMOTES_LEASE_S": "5", "REMOTES_SEND_PER_S": "50", "REMOTES_SWEEP_S": "1",
        "REMOTES_SOFT_FIRST_S": "2", "REMOTES_SOFT_SENT_S": "3", "REMOTES_SOFT_WAKING_S": "5",
    }  # fmt: skip
    with running(tmp_path_factory.mktemp("remotes"), "web", "worker", "beat", **env) as live:
        command = [sys.executable, "manage.py", "remote_simulator", "--port", str(port), "--speed", str(SPEED)]
        live.processes["vendor"] = start_process(command, live.folder / "log" / "vendor.log", live.env)
        found = Fleet(live, port)
        live.wait_until(lambda: _answers(found), "the vendor answers")
        _register(found)
        yield found


def _answers(fleet: Fleet) -> bool:
    try:
        return "posts" in fleet.vendor("GET", "/simulator")
    except OSError:
        return False


def _register(fleet: Fleet) -> None:
    """A callback that the vendor gives an id, and that we know by it."""
    target = f"http://127.0.0.1:{fleet.live.port}/api/v1/remotes/callbacks/live"
    webhook = {"target": target, "name": "live",
               "attributes": [{"type": "Header", "key": "Authorization", "value": HEADER_VALUE}]}  # fmt: skip
    body = {"label": "live", "callback": {"webhook": webhook}, "remoteTypes": ["Doors"],
            "retryPolicy": {"policy": "Bounded", "retryNumber": 3, "retryDelay": 10}}  # fmt: skip
    path = f"/connectedcar/v3/fleets/{FLEET}/remote/callbacks?client_id=id"
    fleet.callback_id = fleet.vendor("POST", path, body)["callbackId"]
    fleet.live.api(
        "POST", "/remotes/callbacks",
        {"slug": "live", "fleet": FLEET, "callback_id": fleet.callback_id,
         "header": {"name": "Authorization", "value": HEADER_VALUE}},
    )  # fmt: skip


WAYS = {
    "success": "succeeded", "success_awake+duplicated+disordered": "succeeded", "success+object": "succeeded",
    "success_awake+undated": "succeeded", "already_done": "already_done", "missing_rights": "failed",
    "failed_DoorsOpen+type_failed": "failed", "quota": "failed", "battery": "failed", "unknown_cause": "failed",
    "unknown_status": "succeeded", "battery_pending_then_success": "succeeded", "unheard": "succeeded",
    "rejected": "rejected", "no_answer": "succeeded", "server_error_but_done": "succeeded", "throttled": "succeeded",
}  # fmt: skip


def test_every_way_ends_where_it_should(fleet: Fleet) -> None:
    # "throttled" pauses the whole fleet, so it is ordered last; its command then takes the path that follows.
    vins = {way: fleet.vehicle(way, *(["success_awake"] if way == "throttled" else [])) for way in WAYS}
    actions = {way: fleet.order(vin) for way, vin in vins.items()}
    for way, expected in WAYS.items():
        found = fleet.wait_for(actions[way], "succeeded", "already_done", "failed", "rejected", timeout_s=45)
        assert found["state"] == expected, (way, found)
    assert all(fleet.carried_out(vin) == (WAYS[way] != "rejected") for way, vin in vins.items())
    told = {row["data"]["action"]["id"]: row["type"] for row in _events(fleet) if "action" in row["data"]}
    assert told[actions["success"]] == "remote.succeeded"
    assert told[actions["failed_DoorsOpen+type_failed"]] == "remote.failed"
    assert told[actions["quota"]] == told[actions["battery"]] == "remote.blocked"


def _events(fleet: Fleet) -> list[Any]:
    rows = fleet.live.rows("SELECT kind, payload FROM outbox_event ORDER BY id")
    return [{"type": kind, "data": payload} for kind, payload in rows]


def test_timeline_holds_both_sides_in_order(fleet: Fleet) -> None:
    pk = fleet.order(fleet.vehicle("success"))
    found = fleet.wait_for(pk, "succeeded")
    lines = [(line["source"], line["what"]) for line in found["timeline"]]
    assert lines[0] == ("us", "Ordered")
    vendor = [what for source, what in lines if source == "vendor"]
    assert vendor == ["Pending / Accepted", "Pending / WakingUpVehicle", "Pending / SentToVehicle", "Done / Success"]
    assert all(line["took_s"] is None or line["took_s"] >= 0 for line in found["timeline"])


def test_worker_killed_between_the_post_and_its_answer_posts_nothing_twice(fleet: Fleet) -> None:
    """The vendor carries it out and does not answer for 6 s; the worker dies meanwhile."""
    vin = fleet.vehicle("hangs")
    pk = fleet.order(vin, "door", {"state": "Locked"})
    fleet.live.wait_until(lambda: fleet.carried_out(vin) == 1, "the vendor has the command", 10)
    assert fleet.state(pk) == "submitting"
    fleet.live.kill("worker")
    time.sleep(0.5)
    assert fleet.state(pk) == "submitting"
    fleet.live.start("worker")
    found = fleet.wait_for(pk, "succeeded", timeout_s=45)
    assert fleet.carried_out(vin) == 1
    ours = [line["what"] for line in found["timeline"] if line["source"] == "us"]
    assert "No answer: it may or may not have arrived" in ours
    assert "Found in the vendor’s list" in ours


def test_notifications_that_come_while_no_worker_lives_are_applied_later(fleet: Fleet) -> None:
    vin = fleet.vehicle("success_awake")
    pk = fleet.order(vin)
    fleet.live.wait_until(lambda: fleet.state(pk) != "queued", "it is sent", 10)
    fleet.live.kill("worker")
    stored = "SELECT count(*) FROM fleet_remotes_callbackmessage WHERE applied_at IS NULL"
    fleet.live.wait_until(lambda: fleet.live.rows(stored)[0][0] > 0, "a notification is stored", 10)
    fleet.live.start("worker")
    assert fleet.wait_for(pk, "succeeded")["remote_action_id"]
    fleet.live.wait_until(lambda: fleet.live.rows(stored) == [(0,)], "all are applied", 10)


def test_web_killed_makes_the_vendor_repeat_until_we_have_it(fleet: Fleet) -> None:
    pk = fleet.order(fleet.vehicle("success"))
    fleet.live.wait_until(lambda: fleet.state(pk) == "submitted" or fleet.action(pk)["remote_action_id"], "it is sent")
    fleet.live.kill("web")
    time.sleep(1.2)
    fleet.live.start("web")
    assert fleet.wait_for(pk, "succeeded", timeout_s=30)
