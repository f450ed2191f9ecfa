"""What every benchmark stands on: PostgreSQL with its normal durability, Redis where it is installed, the processes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from config.demo.postgres import Postgres
from config.demo.supervisor import start_process, stop_process
from tests.live import ROOT, Live
from tests.mailserver import free_port

POSTGRES_OPTIONS = ("shared_buffers=1GB", "max_connections=100", "max_wal_size=4GB", "checkpoint_timeout=15min")


class Rig:
    """The engines, for as long as the benchmarks run."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="signalbox-bench-"))
        self.postgres = Postgres(ROOT / "var" / "bench" / "postgres", options=POSTGRES_OPTIONS)
        self.redis: subprocess.Popen[bytes] | None = None
        self.broker = "filesystem://"

    def __enter__(self) -> Rig:
        self.postgres.start()
        os.environ["DATABASE_URL"] = self.postgres.url()
        if program := shutil.which("redis-server", path=os.environ["PATH"] + ":/usr/sbin"):
            port = free_port()
            command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
            self.redis = start_process(command, self.folder / "redis.log", dict(os.environ))
            self.broker = f"redis://127.0.0.1:{port}/0"
        return self

    def __exit__(self, *_: object) -> None:
        if self.redis is not None:
            stop_process(self.redis)
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.contextmanager
    def live(self, *processes: str, **env: Any) -> Iterator[Live]:
        """An installation with a database of its own; processes are started by the benchmark."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        live = Live(folder, broker=self.broker, LOG_LEVEL="WARNING", OUTBOX_SWEEP_S="5", CHARGING_SWEEP_S="5", **env)
        try:
            live.prepare()
            if processes:
                live.start(*processes)
            yield live
        except BaseException:
            for log in sorted((folder / "log").glob("*.log")):
                print(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}")
            raise
        finally:
            live.stop()


@contextlib.contextmanager
def smtp_sink(pause_ms: float = 0) -> Iterator[int]:
    """A counting mail server in a process of its own; yields its port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.sinks", str(port), str(pause_ms)], cwd=ROOT)
    try:
        wait_for_port(port)
        yield port
    finally:
        process.kill()
        process.wait()


def ask_sink(port: int, word: str = "STAT") -> Any:
    """[count, first, last, times] of a sink; `ZERO` begins anew."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection, connection.makefile("rwb") as stream:
        stream.readline()
        stream.write(word.encode() + b"\r\n")
        stream.flush()
        answer = stream.readline()
    return json.loads(answer) if word == "STAT" else answer


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing answers on port {port}")


def post(live: Live, path: str, body: Any) -> bytes:
    """The bytes of one POST with the key, to be sent as they are."""
    data = json.dumps(body, separators=(",", ":")).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {live.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def hammer(live: Live, requests: Sequence[bytes], *, connections: int, seconds: float) -> dict[str, Any]:
    """Sends requests for some seconds from a process of its own; fails when an answer was not clean."""
    packed = b"".join(struct.pack(">I", len(request)) + request for request in requests)
    done = subprocess.run(
        [sys.executable, "-m", "bench.load", "127.0.0.1", str(live.port), str(connections), str(seconds)],
        input=packed,
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    found: dict[str, Any] = json.loads(done.stdout)
    if found["bad"]:
        raise RuntimeError(f"unexpected answers: {found['bad'][:3]}")
    return found
