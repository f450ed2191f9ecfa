"""Limits and logs of real processes: memory, hashing beside ingestion, one id from the request to the mail."""

from __future__ import annotations

import http.client
import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.live import Live, running
from tests.mailserver import MailServer
from tests.processes.scenarios import a_group, fuse

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, server: MailServer) -> Iterator[Live]:
    folder: Path = tmp_path_factory.mktemp("limits")
    with running(
        folder,
        "web",
        "worker",
        smtp_port=server.port,
        WEB_MEMORY_MB="256",
        SIGN_INS_PER_MIN="100000",
        SIGN_IN_FAILURE_LIMIT="100000",
    ) as found:
        yield found


def lines(live: Live, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in live.log(name).splitlines() if line.startswith("{")]


def test_one_id_leads_from_the_request_to_the_mail(live: Live, server: MailServer) -> None:
    group = a_group(live, server, "TRACED")
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=30)
    headers = {"Authorization": f"Bearer {live.key}", "Content-Type": "application/json", "X-Request-ID": "trace-me-1"}
    connection.request("POST", "/api/v1/charging/messages", json.dumps(fuse(group.evse)).encode(), headers)
    assert connection.getresponse().status == 202
    group.wait_for(2)

    def sent() -> list[dict[str, Any]]:
        return [
            line for line in lines(live, "worker") if line["event"] == "sent" and line["request_id"] == "trace-me-1"
        ]

    live.wait_until(lambda: bool(sent()), "the mail is noted", 15)
    assert {line["channel"] for line in sent()} == {"email"}
    (request,) = [line for line in lines(live, "web") if line.get("request_id") == "trace-me-1"]
    assert request["address"] == "127.0.0.1"
    assert live.key.startswith(request["key_prefix"])
    assert live.rows("SELECT count(*) FROM outbox_event WHERE request_id = 'trace-me-1'")[0][0] > 0


def test_what_asks_for_too_much_memory_fails_alone(live: Live) -> None:
    small = b'{"station":"S","action":"DataTransfer","payload":{"vendorId":"v","data":[%b{}]}}'
    large = small % (b'{"":[]},' * 620_000)
    assert len(large) < 5 * 1024 * 1024
    answers = [post(live, large) for _ in range(4)]
    # Code that is not Python's may end the process where it gets no memory; then another takes its place.
    assert {status for status, _said in answers} <= {413, 0}, answers
    assert any("memory" in said for _status, said in answers)
    live.wait_until(lambda: post(live, small % b"")[0] == 202, "the next request is served", 20)
    for _ in range(8):
        live.wait_until(lambda: live.call("GET", "/api/v1/event-kinds")[0] == 200, "others are served", 20)


def test_processes_of_a_worker_grow_only_so_far(live: Live) -> None:
    """They also send the mails: a job that asks for too much must fail, and not end them."""
    parent = live.processes["worker"].pid

    def limits() -> list[str]:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [Path(f"/proc/{pid}/limits").read_text().partition("Max data size")[2].split()[0] for pid in children]

    live.wait_until(lambda: len(limits()) - limits().count("unlimited") >= 2, "both children have their limit", 20)


def post(live: Live, body: bytes) -> tuple[int, str]:
    """The answer to a message; 0 where the connection broke."""
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=60)
    with suppress(OSError, http.client.HTTPException):
        connection.request("POST", "/api/v1/charging/messages", body, {"Authorization": f"Bearer {live.key}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    return 0, ""


def test_strangers_at_the_sign_in_do_not_slow_ingestion(live: Live) -> None:
    """Twenty who try passwords one after the other, from as many addresses as it takes not to be limited."""
    stop = threading.Event()
    tried: list[int] = []

    def guess() -> None:
        page = http.client.HTTPConnection("127.0.0.1", live.port, timeout=60)
        page.request("GET", "/sign-in/")
        form = page.getresponse()
        cookie = str(form.headers["Set-Cookie"]).partition(";")[0]
        token = form.read().decode().partition('csrfmiddlewaretoken" value="')[2].partition('"')[0]
        while not stop.is_set():
            body = f"username=nobody&password=x&csrfmiddlewaretoken={token}"
            kind = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
            page.request("POST", "/sign-in/", body, kind)
            answer = page.getresponse()
            answer.read()
            tried.append(answer.status)
            time.sleep(0.05)

    def ingest(seconds: float) -> float:
        connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=60)
        took: list[float] = []
        end = time.monotonic() + seconds
        beat = {"station": "TRACED", "action": "Heartbeat", "payload": {}}
        while time.monotonic() < end or len(took) < 40:
            began = time.perf_counter()
            connection.request(
                "POST", "/api/v1/charging/messages", json.dumps(beat), {"Authorization": f"Bearer {live.key}"}
            )
            connection.getresponse().read()
            took.append(time.perf_counter() - began)
            time.sleep(0.01)
        return statistics.quantiles(took, n=50)[-1]

    ingest(1)
    without = ingest(4)
    strangers = [threading.Thread(target=guess, daemon=True) for _ in range(20)]
    for stranger in strangers:
        stranger.start()
    time.sleep(1)
    beside = ingest(5)
    stop.set()
    assert {200, 503} >= set(tried)
    assert beside < max(1.0, 4 * without)


def test_a_log_holds_lines_of_json_and_nothing_else(live: Live) -> None:
    """What nobody caught as well, and what the server itself says. Celery warns root before anything is set up."""
    assert not [line for line in live.log("web").splitlines() if not line.startswith("{")]
    assert "\nTraceback" not in live.log("worker")
