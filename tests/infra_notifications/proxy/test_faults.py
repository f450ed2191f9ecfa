"""Peers that are slow, that flood, that vanish; disks that are full, and processes that end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra_notifications.proxy.peers import (
    Proxy,
    csms,
    play,
    proxy,
    relaying,
    request,
    station,
)
from tests.infra_notifications.proxy.test_frames import frame
from tests.mailserver import free_port
from tests.waiting import PATIENCE_S, soon, wait_until

TEXT, BINARY, CLOSE = 1, 2, 8
FLOOD = 40 * 1024 * 1024


def resident(pid: int) -> int:
    """KiB of memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


@pytest.mark.processes
@pytest.mark.parametrize("flooder", ["station", "csms"])
def test_a_side_that_reads_nothing_slows_the_other_and_takes_no_memory(tmp_path: Path, flooder: str) -> None:
    """A flood of 40 MiB against a peer that sleeps: nothing is dropped, and the proxy does not grow."""
    port = free_port()
    masked = flooder == "station"
    one = frame(BINARY, os.urandom(50_000), masked=masked)
    whole = one * (FLOOD // len(one))

    async def scene(running: Proxy) -> None:
        async with csms(port=port) as system:
            peer = await station(running.port)
            visit = await system.visit()
            before = resident(running.process.pid)
            sender, reader = (peer.writer, visit) if masked else (visit.writer, peer)
            reader_transport = (visit if masked else peer).writer.transport
            reader_transport.pause_reading()  # type: ignore[attr-defined]  # a transport of a socket
            sender.write(whole)
            await asyncio.sleep(3)
            left = sender.transport.get_write_buffer_size()
            assert left > FLOOD // 2  # it was slowed
            assert resident(running.process.pid) - before < 8 * 1024
            # Others do not feel it.
            other = await station(running.port, "/site/CP-2")
            second = await system.visit()
            other.writer.write(frame(TEXT, b"quick"))
            assert len(await asyncio.wait_for(second.reader.readexactly(11), PATIENCE_S)) == 11
            reader_transport.resume_reading()  # type: ignore[attr-defined]
            assert await reader.read(len(whole)) == whole

    with proxy(tmp_path, f"site=ws://127.0.0.1:{port}/ocpp") as running:
        play(scene(running))


def test_a_station_that_leaves_while_its_csms_sleeps_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra_notifications.proxy.relay.CUT_S", 0.5)

    async def scene() -> None:
        async with csms() as system, relaying(system.url) as running:
            peer = await station(running.port)
            visit = await system.visit()
            visit.writer.transport.pause_reading()  # type: ignore[attr-defined]
            peer.writer.write(frame(BINARY, b"x" * FLOOD))
            await asyncio.sleep(1)
            assert peer.writer.transport.get_write_buffer_size() > 0
            at_once = struct.pack("ii", 1, 0)  # a reset, which nothing that waits in between holds up
            peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            peer.writer.transport.abort()
            await soon(lambda: not running.relay.pairs)

    play(scene())


def test_a_station_on_a_thin_line_gets_the_last_bytes_of_a_csms_that_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Much longer than a side may take that takes nothing."""
    monkeypatch.setattr("infra_notifications.proxy.relay.CUT_S", 1.5)
    whole = frame(BINARY, os.urandom(FLOOD // 2), masked=False)

    async def scene() -> None:
        async with csms() as system, relaying(system.url) as running:
            peer = await station(running.port)
            visit = await system.visit()
            visit.writer.write(whole)
            visit.writer.close()
            got = bytearray()
            while len(got) < len(whole):
                got += await peer.read(min(FLOOD // 16, len(whole) - len(got)))
                await asyncio.sleep(0.3)
            assert got == whole
            assert await peer.read_rest() == b""
            peer.close()

    play(scene())


@pytest.mark.processes
def test_the_end_of_the_process_is_told_to_all(tmp_path: Path) -> None:
    port = free_port()

    async def scene(running: Proxy) -> None:
        async with csms(port=port) as system:
            peers = [await station(running.port, f"/site/CP-{number}") for number in range(30)]
            visits = [await system.visit() for _ in peers]
            half = frame(TEXT, b"under way")
            peers[0].writer.write(half[:4])
            assert await visits[0].read(4) == half[:4]
            running.process.send_signal(signal.SIGTERM)
            for peer, visit in zip(peers, visits, strict=True):
                head = await peer.read(2)
                assert head[0] == 0x88
                assert (await peer.read(head[1]))[:2] == (1012).to_bytes(2, "big")
                answer = (half[4:] if peer is peers[0] else b"") + frame(CLOSE, (1012).to_bytes(2, "big"))
                peer.writer.write(answer)
                assert await visit.read(len(answer)) == answer
                visit.writer.close()
                assert await peer.read_rest() == b""

    with proxy(tmp_path, f"site=ws://127.0.0.1:{port}/ocpp") as running:
        play(scene(running))
        assert running.process.wait(PATIENCE_S) == 0


@pytest.mark.processes
def test_stations_that_ignore_the_end_do_not_hold_it_up(tmp_path: Path) -> None:
    port = free_port()

    async def scene(running: Proxy) -> None:
        async with csms(port=port) as system:
            peers = [await station(running.port, f"/site/CP-{number}") for number in range(3)]
            visit = await system.visit()
            running.process.send_signal(signal.SIGTERM)
            for peer in peers:
                assert (await peer.read_rest())[2:4] == (1012).to_bytes(2, "big")
            assert (await visit.read_rest())[-2:] == (1001).to_bytes(2, "big")

    with proxy(tmp_path, f"site=ws://127.0.0.1:{port}/ocpp", OCPP_PROXY_DRAIN_S="2") as running:
        play(scene(running))
        assert running.process.wait(PATIENCE_S) == 0


@pytest.mark.processes
def test_several_processes_share_a_port_and_their_figures(tmp_path: Path) -> None:
    port = free_port()

    def connections(running: Proxy) -> int:
        shown: int = json.loads(running.get("/healthz")[1])["connections"]
        return shown

    def children(running: Proxy) -> list[int]:
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(running.process.pid)], capture_output=True, text=True
        )
        return [int(word) for word in listed.stdout.split()]

    async def scene(running: Proxy) -> None:
        async with csms(port=port) as system:
            peers = [await station(running.port, f"/site/CP-{number}") for number in range(40)]
            assert {peer.head.status for peer in peers} == {101}
            loop = asyncio.get_running_loop()
            assert await loop.run_in_executor(None, connections, running) == 40
            for peer in peers:
                peer.writer.write(frame(TEXT, b"no OCPP-J"))
            # Whichever process is asked tells what all of them heard.
            garbage = 'signalbox_ocpp_unread_total{why="garbage"} 40.0'
            await loop.run_in_executor(None, wait_until, lambda: garbage in running.get("/metrics")[1])
            metrics = (await loop.run_in_executor(None, running.get, "/metrics"))[1]
            assert "signalbox_ocpp_connections 40.0" in metrics
            assert 'signalbox_ocpp_handshakes_total{outcome="accepted"} 40.0' in metrics
            victim = (await loop.run_in_executor(None, children, running))[0]
            os.kill(victim, signal.SIGKILL)
            await soon(lambda: any(peer.reader.at_eof() for peer in peers))
            await loop.run_in_executor(None, wait_until, lambda: len(children(running)) == 2)

            def left() -> int:  # some hear of it a moment later than others
                return sum(not peer.reader.at_eof() for peer in peers)

            await loop.run_in_executor(None, wait_until, lambda: connections(running) == left())
            assert 0 < left() < 40  # the other process goes on
            assert (await station(running.port)).head.status == 101
            del system

    with proxy(tmp_path, f"site=ws://127.0.0.1:{port}/ocpp", OCPP_PROXY_PROCESSES="2") as running:
        play(scene(running))
        running.stop()
        assert running.process.returncode == 0


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own, full to the last byte; needs a superuser."""
    folder = tmp_path / "disk"
    (folder / "metrics").mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() or shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a disk that is full needs a superuser")
    try:
        for name in ("metrics", "static"):
            (folder / name).mkdir()
        with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(b"x" * 512)
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.processes
def test_the_proxy_starts_and_serves_on_a_full_disk(tmp_path: Path, full_disk: Path) -> None:
    port = free_port()

    async def scene(running: Proxy) -> None:
        async with csms(port=port) as system:
            peer = await station(running.port)
            visit = await system.visit()
            raw = frame(TEXT, b"x" * 1_000) * 1_000
            peer.writer.write(raw)
            assert await visit.read(len(raw)) == raw

    with proxy(tmp_path, f"site=ws://127.0.0.1:{port}/ocpp", VAR_DIR=str(full_disk), METRICS_DIR="") as running:
        play(scene(running))
        assert "signalbox_ocpp_messages_total" in running.get("/metrics")[1]


# ---- half-open ------------------------------------------------------------------------------------------------------


def test_a_peer_that_vanished_is_found_by_tcp() -> None:
    """Both sockets are asked by TCP itself whether the peer lives, and give up within the time that is set."""

    async def scene() -> None:
        async with csms() as system, relaying(system.url, dead_after_s=16) as running:
            peer = await station(running.port)
            (pair,) = running.relay.pairs
            for side in (pair.station, pair.csms):
                assert side.transport is not None
                sock = side.transport.get_extra_info("socket")
                assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
                wait, every, times = (
                    sock.getsockopt(socket.IPPROTO_TCP, option)
                    for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
                )
                assert wait + every * times == 16
                assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 16_000
            peer.close()

    play(scene())


@pytest.fixture
def cable() -> Iterator[tuple[str, str, str]]:
    """A network of two hosts: its name, our address in it and our end of its cable; needs a superuser."""
    name = f"sbx{os.getpid() % 100_000}"
    ours, theirs = "10.231.77.1", "10.231.77.2"
    steps = [
        f"ip netns add {name}",
        f"ip link add {name} type veth peer name eth0 netns {name}",
        f"ip addr add {ours}/24 dev {name}",
        f"ip link set {name} up",
        f"ip -n {name} addr add {theirs}/24 dev eth0",
        f"ip -n {name} link set eth0 up",
    ]
    try:
        for step in steps:
            if shutil.which("ip") is None or subprocess.run(step.split(), capture_output=True).returncode:
                pytest.skip("a network of two hosts needs a superuser")
        yield name, ours, theirs
    finally:
        if shutil.which("ip") is not None:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


CONNECT = """
import socket, sys, time
station = socket.create_connection((sys.argv[1], int(sys.argv[2])))
station.sendall(bytes.fromhex(sys.argv[3]))
print(station.recv(1_000).split(b" ")[1].decode(), flush=True)
time.sleep(60)
"""


@pytest.mark.processes
def test_a_station_whose_cable_is_pulled_is_closed_at_its_csms(tmp_path: Path, cable: tuple[str, str, str]) -> None:
    name, ours, theirs = cable
    port = free_port()

    async def scene(running: Proxy) -> None:
        async with csms(port=port) as system:
            words = [sys.executable, "-c", CONNECT, ours, str(running.port), request("/site/CP-1").hex()]
            peer = subprocess.Popen(["ip", "netns", "exec", name, *words], stdout=subprocess.PIPE, text=True)
            try:
                visit = await system.visit()
                assert peer.stdout is not None
                assert peer.stdout.readline() == "101\n"
                assert visit.head.get("X-Forwarded-For") == theirs
                subprocess.run(["ip", "link", "set", name, "down"], check=True)
                assert await visit.read_rest() == b""
            finally:
                peer.kill()
                peer.wait()

    env = {"OCPP_HOST": "0.0.0.0", "OCPP_PROXY_DEAD_AFTER_S": "8"}
    with proxy(tmp_path, f"site=ws://127.0.0.1:{port}/ocpp", **env) as running:
        play(scene(running))
