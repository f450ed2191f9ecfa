"""Bodies at the real server: in chunks they are whole, and whoever sends too much reads why."""

from __future__ import annotations

import http.client
import io
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from core import bodies
from core.bodies import WholeBodies
from core.slow_bodies import MOST_SLOW, Peer, Wait, late_of
from tests.core.whole_bodies import MOST, application, echo
from tests.mailserver import free_port
from tests.waiting import PATIENCE_S, wait_until

MIB = 1024 * 1024


def answers(number: int) -> bool:
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", number), 1).close()
        return True
    return False


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    number = free_port()
    command = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--port",
        str(number),
        "--log-level",
        "critical",
        "--blocking-threads",
        "8",
    ]
    server = subprocess.Popen([*command, "tests.core.whole_bodies:application"], cwd=Path(__file__).parents[2])
    try:
        wait_until(lambda: answers(number), "the server answers")
        yield number
    finally:
        server.terminate()
        server.wait(PATIENCE_S)


def post(port: int, path: str, body: bytes, *, chunked: bool) -> tuple[int, bytes]:
    """As simple clients do: everything is written before the answer is read."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        if chunked:
            parts = (body[at : at + 100_000] for at in range(0, len(body), 100_000))
            connection.request("POST", path, parts, {"Transfer-Encoding": "chunked"}, encode_chunked=True)
        else:
            connection.request("POST", path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [0, 1, 100_000, MOST, MOST + 1, 6 * MIB, 7 * MIB, 20 * MIB])
def test_a_body_is_whole_or_its_sender_reads_that_it_is_too_long(port: int, size: int, chunked: bool) -> None:
    expected = (200, str(size).encode()) if size <= MOST else (413, b"too long")
    assert post(port, "/", b"x" * size, chunked=chunked) == expected


@pytest.mark.parametrize("chunked", [False, True])
def test_who_is_refused_for_another_reason_reads_that_too(port: int, chunked: bool) -> None:
    assert post(port, "/nobody", b"x" * 8 * MIB, chunked=chunked) == (401, b"who are you")


def answered(body: bytes, **environ: str) -> tuple[str, int]:
    """The status, and how much of the body was left unread."""
    stream, statuses = io.BytesIO(body), []
    start = {"PATH_INFO": "/", "wsgi.input": stream, **environ}
    list(application(start, lambda status, _headers: statuses.append(status)))
    return statuses[0], len(body) - stream.tell()


def test_no_more_is_thrown_away_than_its_bounds_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"x" * 8 * MIB
    assert answered(body, CONTENT_LENGTH=str(len(body))) == ("413 Payload Too Large", 0)
    monkeypatch.setattr(bodies, "DRAIN_BYTES", MIB)
    assert answered(body, CONTENT_LENGTH=str(len(body))) == ("413 Payload Too Large", 7 * MIB)
    assert answered(body, HTTP_TRANSFER_ENCODING="chunked")[0] == "413 Payload Too Large"
    monkeypatch.setattr(bodies, "DRAIN_S", 0.0)
    assert answered(body, CONTENT_LENGTH=str(len(body))) == ("413 Payload Too Large", 8 * MIB)


@pytest.mark.parametrize("length", ["", "x", "-1"])
def test_a_length_that_is_none_is_left_to_django(length: str) -> None:
    seen: list[object] = []

    def django(environ: dict[str, object], start_response: object) -> list[bytes]:
        seen.append(environ["CONTENT_LENGTH"])
        return []

    assert list(WholeBodies(django)({"CONTENT_LENGTH": length, "wsgi.input": io.BytesIO()}, echo)) == []
    assert seen == [length]


# ---- what does not arrive -----------------------------------------------------------------------------------------


def begin(port: int, head: str, body: bytes = b"", own: str = "127.0.0.1", path: str = "/") -> socket.socket:
    sender = socket.create_connection(("127.0.0.1", port), PATIENCE_S, (own, 0))
    sender.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode() + body)
    return sender


@pytest.mark.parametrize("head", ["Content-Length: 1", "Content-Length: 900", "Transfer-Encoding: chunked"])
def test_a_body_that_does_not_arrive_is_answered_after_its_time(port: int, head: str) -> None:
    began = time.monotonic()
    with begin(port, head) as sender:
        answer = sender.recv(10_000)
    assert answer.startswith(b"HTTP/1.1 408 "), answer
    assert b"did not arrive in time" in answer
    assert time.monotonic() - began > 1.5


def test_one_letter_at_a_time_is_no_way_to_stay(port: int) -> None:
    with begin(port, "Content-Length: 900") as sender:
        sender.settimeout(0.2)
        answer, deadline = b"", time.monotonic() + PATIENCE_S
        while not answer and time.monotonic() < deadline:
            sender.sendall(b"x")
            with suppress(TimeoutError):
                answer = sender.recv(10_000)
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_who_sends_slowly_keeps_nobody_else_out(port: int) -> None:
    """More of them than the server has threads."""
    senders = [begin(port, "Content-Length: 900", b"x", "127.0.0.2") for _ in range(24)]
    began = time.monotonic()
    try:
        assert post(port, "/", b"y" * 1_000, chunked=False) == (200, b"1000")
        assert time.monotonic() - began < 25
        assert all(sender.recv(1_000).startswith(b"HTTP/1.1 408 ") for sender in senders)
    finally:
        for sender in senders:
            sender.close()


def test_of_many_that_send_slowly_at_once_few_get_their_time() -> None:
    one, other = Peer("192.0.2.1", 8000), Peer("192.0.2.2", 8000)
    crowd = [Wait(one, began=n / 10, until=40) for n in range(20)]
    others = [Wait(other, began=0, until=40) for _ in range(MOST_SLOW)]
    young = [Wait(one, began=7.5, until=40) for _ in range(20)]
    assert late_of([*crowd, *others, *young], 10) == crowd[:-MOST_SLOW]
    assert late_of(others, 41) == others
    # Whoever has one address of a site of IPv6 has them all.
    site = [Wait(Peer(f"2001:db8::{n + 1:x}", 8000), began=n / 10, until=40) for n in range(20)]
    assert late_of([*site, *others], 10) == site[:-MOST_SLOW]


def test_nothing_else_of_the_same_machine_is_ended(port: int) -> None:
    """A connection between two requests, one whose first answer is being made, and one that the server itself began."""
    idle = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    idle.request("POST", "/", b"x" * 10)
    assert idle.getresponse().read() == b"10"
    own = idle.sock
    assert post(port, "/database", b"x", chunked=False) == (200, b"!")
    time.sleep(0.5)
    with begin(port, "Content-Length: 900") as sender:
        time.sleep(1.8)
        with begin(port, "Content-Length: 1", b"x", path="/late") as young:
            assert sender.recv(1_000).startswith(b"HTTP/1.1 408 ")
            assert young.recv(1_000).startswith(b"HTTP/1.1 200 ")
    idle.request("POST", "/", b"x" * 20)
    assert idle.getresponse().read() == b"20"
    assert idle.sock is own
    idle.close()
    assert post(port, "/database", b"x", chunked=False) == (200, b"!")
