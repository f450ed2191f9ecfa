"""The whole way with real processes: the vendor's API and its callbacks over HTTP, workers, beat, and SIGKILL."""

from __future__ import annotations

import http.client
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from config.demo.supervisor import start_process
from tests.factories.fleet_remotes import HEADER_VALUE
from tests.live import Live, running
from tests.mailserver import MailServer, free_port, mail_server
from tests.outbox.receiver import Receiver
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.processes
FLEET = "F-LIVE"
SPEED = 20


class Fleet:
    """A running installation, a vendor beside it, vehicles that both know, and those who hear of it."""

    def __init__(self, live: Live, port: int, mailbox: MailServer, receiver: Receiver) -> None:
        self.live, self.port, self.mailbox, self.receiver = live, port, mailbox, receiver
        self.vehicles = 0
        self.callback_id = ""

    def vendor(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, json.dumps(body))
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def vehicle(self, *paths: str, **more: Any) -> str:
        """The VIN of a new vehicle, whose next commands take these paths."""
        self.vehicles += 1
        vin = f"VR3LIVE{self.vehicles:010d}"
        vehicle = {"vin": vin, "vehicle_id": f"v-{vin}", "fleet": FLEET, "new_fleet": True, "brand": "opel"}
        self.live.api("PUT", "/remotes/vehicles", vehicle | more)
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


@contextmanager
def minded(live: Live) -> Iterator[None]:
    """Starts a worker again that ended by itself, as every installation's supervisor does: Celery's transport on files
    ends one that reads a task which is just being written (docs/guarantee.md)."""
    over = threading.Event()

    def mind() -> None:
        while not over.wait(0.2):
            process = live.processes.get("worker")
            if process is not None and process.poll() is not None:
                live.start("worker")

    thread = threading.Thread(target=mind, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    port = free_port()
    env = {
        "REMOTES_API_URL": f"http://127.0.0.1:{port}/connectedcar/v3",
        "REMOTES_CLIENT_ID": "id",
        "REMOTES_TIMEOUT_S": "3",
        "REMOTES_LEASE_S": "5",
        "REMOTES_SEND_PER_S": "50",
        "REMOTES_SWEEP_S": "1",
        "REMOTES_SOFT_FIRST_S": "2",
        "REMOTES_SOFT_SENT_S": "3",
        "REMOTES_SOFT_WAKING_S": "5",
        "REMOTES_SOFT_BLOCKED_S": "2",
        "REMOTES_HARD_S": "25",
        "OUTBOX_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    with ExitStack() as stack:
        mailbox, receiver = stack.enter_context(mail_server()), stack.enter_context(Receiver())
        folder = tmp_path_factory.mktemp("remotes")
        live = stack.enter_context(running(folder, "web", "worker", "beat", smtp_port=mailbox.port, **env))
        stack.enter_context(minded(live))
        command = [sys.executable, "manage.py", "remote_simulator", "--port", str(port), "--speed", str(SPEED)]
        live.processes["vendor"] = start_process(command, live.folder / "log" / "vendor.log", live.env)
        found = Fleet(live, port, mailbox, receiver)
        live.wait_until(lambda: _answers(found), "the vendor answers")
        found.callback_id = _register(
            found, FLEET, f"http://127.0.0.1:{live.port}/api/v1/remotes/callbacks/live", "live"
        )
        yield found


def _answers(fleet: Fleet) -> bool:
    try:
        return "posts" in fleet.vendor("GET", "/simulator")
    except OSError:
        return False


def _register(fleet: Fleet, key: str, target: str, slug: str) -> str:
    """A callback that the vendor gives an id, and that we know by it."""
    webhook = {
        "target": target,
        "name": slug,
        "attributes": [{"type": "Header", "key": "Authorization", "value": HEADER_VALUE}],
    }
    body = {
        "label": slug,
        "callback": {"webhook": webhook},
        "remoteTypes": ["Doors"],
        "retryPolicy": {"policy": "Bounded", "retryNumber": 3, "retryDelay": 10},
    }
    path = f"/connectedcar/v3/fleets/{key}/remote/callbacks?client_id=id"
    callback_id = str(fleet.vendor("POST", path, body)["callbackId"])
    header = {"name": "Authorization", "value": HEADER_VALUE}
    given = {"slug": slug, "fleet": key, "new_fleet": True, "callback_id": callback_id, "header": header}
    fleet.live.api("POST", "/remotes/callbacks", given)
    return callback_id


WAYS = {
    "success": "succeeded",
    "success_awake+duplicated+disordered": "succeeded",
    "success+object": "succeeded",
    "success_awake+undated": "succeeded",
    "already_done": "already_done",
    "missing_rights": "failed",
    "failed_DoorsOpen+type_failed": "failed",
    "quota": "failed",
    "battery": "failed",
    "unknown_cause": "failed",
    "unknown_status": "succeeded",
    "battery_pending_then_success": "succeeded",
    "unheard": "succeeded",
    "success_checked": "succeeded",
    "success_with_feedback": "succeeded",
    "same_action": "failed",
    "time_out": "failed",
    "repeated_time_out": "failed",
    "quota_pending": "failed",
    "hangs": "succeeded",
    "rejected": "rejected",
    "no_answer": "succeeded",
    "server_error_but_done": "succeeded",
    "throttled": "succeeded",
}


def test_every_way_ends_where_it_should(fleet: Fleet) -> None:
    # "throttled" pauses the whole fleet, so it is ordered last; its command then takes the path that follows.
    vins = {way: fleet.vehicle(way, *(["success_awake"] if way == "throttled" else [])) for way in WAYS}
    actions = {way: fleet.order(vin) for way, vin in vins.items()}
    for way, expected in WAYS.items():
        found = fleet.wait_for(actions[way], "succeeded", "already_done", "failed", "rejected", timeout_s=45)
        assert found["state"] == expected, (way, found)
    assert all(fleet.carried_out(vin) == (WAYS[way] != "rejected") for way, vin in vins.items())
    published = {row["data"]["action"]["id"]: row["type"] for row in _events(fleet) if "action" in row["data"]}
    # Doors are never tried again by themselves, so that a time-out is told at once.
    assert published[actions["time_out"]] == published[actions["repeated_time_out"]] == "remote.failed"
    assert published[actions["success"]] == "remote.succeeded"
    assert published[actions["failed_DoorsOpen+type_failed"]] == "remote.failed"
    assert published[actions["quota"]] == published[actions["battery"]] == "remote.blocked"


def _events(fleet: Fleet) -> list[Any]:
    rows = fleet.live.rows("SELECT kind, payload FROM outbox_event ORDER BY id")
    return [{"type": kind, "data": payload} for kind, payload in rows]


KINDS = {
    "remote.succeeded": "Remote command succeeded",
    "remote.failed": "Remote command failed",
    "remote.unconfirmed": "Remote command unconfirmed",
    "remote.blocked": "Remote command blocked",
    "callback.silent": "Callback silent",
    "wakeups.exhausted": "Wake-ups used up",
}


def test_a_list_and_a_webhook_hear_of_all_six_kinds(fleet: Fleet) -> None:
    topics = ["remote.*", "callback.silent", "wakeups.exhausted"]
    listed = {"name": "Ops", "topics": topics, "emails": ["ops@example.org"], "gather_s": 0}
    fleet.live.api("POST", "/topic-lists", listed)
    secret = fleet.live.api("POST", "/webhooks", {"url": fleet.receiver.url, "topics": topics})["secret"]
    silent = fleet.vehicle("silent", fleet="F-SILENT")
    _register(fleet, "F-SILENT", "http://127.0.0.1:9/", "silent")
    fleet.live.rows("UPDATE fleet_remotes_callback SET silent_after_s = 3 WHERE slug = 'silent'")
    mended = fleet.vehicle("failed_DoorsOpen", "success_awake")
    published = {
        fleet.order(silent): "remote.unconfirmed",
        fleet.order(fleet.vehicle("battery")): "remote.blocked",
        fleet.order(fleet.vehicle("success", wakeup_budget=1)): "remote.succeeded",
    }
    first = fleet.order(mended, "door", {"state": "Locked"})
    fleet.wait_for(first, "failed")
    second = fleet.order(mended, "door", {"state": "Locked"})
    published |= {first: "remote.failed", second: "remote.succeeded"}
    fleet.live.wait_until(lambda: {one.event["type"] for one in fleet.receiver.heard} >= set(KINDS), "all heard", 60)
    heard = [one.verify(secret) for one in fleet.receiver.heard]
    mine = {one["data"]["action"]["id"]: one for one in heard if one["type"].startswith("remote.")}
    assert {pk: one["type"] for pk, one in mine.items() if pk in published} == published
    assert mine[second]["data"]["resolves"] == [first]
    fleet.live.wait_until(lambda: all(label in _mailed(fleet) for label in KINDS.values()), "all are mailed")
    assert {mail.recipients for mail in fleet.mailbox.mails} == {("ops@example.org",)}
    assert "A door is open." in _mailed(fleet)
    assert "Someone must close it at the vehicle." in _mailed(fleet)


def _mailed(fleet: Fleet) -> str:
    """All that was mailed: subjects and texts."""
    return "\n".join(f"{mail.message['Subject']}\n{mail.text}" for mail in fleet.mailbox.mails)


def test_5000_notifications_at_once_are_all_stored_and_applied(fleet: Fleet) -> None:
    """As when a callback was away: everything that the vendor kept comes together, in any order."""
    vins = [fleet.vehicle("silent") for _ in range(20)]
    actions = [fleet.wait_for(fleet.order(vin), "sent") for vin in vins]
    now = datetime.now(UTC)
    events = [
        _event(action, "Pending", "Accepted", now - timedelta(seconds=n)) for action in actions for n in range(249)
    ]
    events += [_event(action, "Done", "Success", now) for action in actions]
    random.Random(3).shuffle(events)
    before = fleet.live.rows(COUNTS)[0]
    with ThreadPoolExecutor(16) as pool:
        answers = Counter(
            status for found in pool.map(_knock, [fleet] * 16, [events[n::16] for n in range(16)]) for status in found
        )
    assert answers == {(200, b""): 5_000}
    fleet.live.wait_until(lambda: fleet.live.rows(COUNTS)[0][2] == 0, "all are applied", 60)
    assert [after - was for after, was in zip(fleet.live.rows(COUNTS)[0], before, strict=True)][:2] == [5_000, 5_000]
    assert {fleet.state(action["id"]) for action in actions} == {"succeeded"}


COUNTS = """SELECT (SELECT count(*) FROM fleet_remotes_callbackmessage),
 (SELECT count(*) FROM fleet_remotes_remotenotification),
 (SELECT count(*) FROM fleet_remotes_callbackmessage WHERE applied_at IS NULL)"""


def _event(action: Any, type_: str, status: str, at: datetime) -> dict[str, Any]:
    return {
        "remoteActionId": action["remote_action_id"],
        "vin": action["vin"],
        "eventDate": at.isoformat(),
        "remoteType": "Lights",
        "eventStatus": {"type": type_, "status": status},
    }


def _knock(fleet: Fleet, events: list[dict[str, Any]]) -> list[tuple[int, bytes]]:
    """Posts each as a body of its own over one connection; returns the answers."""
    connection = http.client.HTTPConnection("127.0.0.1", fleet.live.port, timeout=PATIENCE_S)
    headers = {"Authorization": HEADER_VALUE, "Content-Type": "application/json"}
    answers = []
    for one in events:
        body = json.dumps({"callbackId": fleet.callback_id, "attributes": [], "events": [one]})
        connection.request("POST", "/api/v1/remotes/callbacks/live", body, headers)
        answer = connection.getresponse()
        answers.append((answer.status, answer.read()))
    connection.close()
    return answers


OPERATOR = """from django.contrib.auth.models import Group, User
User.objects.create_user("anna", password="correct-horse-battery").groups.add(Group.objects.get(name="operator"))"""


def test_page_of_a_batch_follows_it_to_its_end_by_itself(fleet: Fleet, browser: Browser) -> None:
    fleet.live.manage("shell", "--no-imports", "-c", OPERATOR)
    # The last is settled by the vendor's list after some 8 s, when the page has asked more than once.
    vins = [fleet.vehicle(way, tags=["followed"]) for way in ("success", "success", "hangs")]
    with browser.new_context(base_url=f"http://127.0.0.1:{fleet.live.port}") as context:
        page = context.new_page()
        page.goto("/sign-in/?next=/remotes/vehicles/%3Fq%3Dtag:followed")
        page.get_by_label("Username").fill("anna")
        page.get_by_label("Password").fill("correct-horse-battery")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Command to all 3 that match").click()
        page.get_by_label("Command").select_option("horn")
        page.get_by_role("button", name="Check").click()
        page.get_by_role("button", name="Send to 3 vehicles").click()
        expect(page.get_by_text("3 of 3 ended")).to_be_visible(timeout=60_000)
        # The list below it, too, and nothing is asked any more.
        expect(page.locator("#list tbody .badge-success")).to_have_count(3, timeout=10_000)
        expect(page.locator("#progress")).to_contain_text("Succeeded")
    assert [fleet.carried_out(vin) for vin in vins] == [1, 1, 1]


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
    fleet.live.wait_until(lambda: fleet.action(pk)["remote_action_id"], "it is sent", 10)
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
