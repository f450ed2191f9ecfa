"""A whole installation that is broken on purpose: real worker, beat and PostgreSQL, and a mail server that fails."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
from cryptography.fernet import Fernet

from config.demo.postgres import CannotStart, Postgres
from tests.faults.sink import Sink
from tests.live import ROOT, Live

SETTLED_WITHIN_S = 60
WELL_WITHIN_S = 20
WRITTEN_WITHIN_S = 120
# WORKER_CONCURRENCY where it is not set.
PLACES = 2


class Plant(Live):
    """One running installation. Every writer has a prefix of its own, by which its deliveries are told apart."""

    def __init__(self, folder: Path, sink: Sink, *, broker: str = "filesystem://") -> None:
        self.sink = sink
        self.clock = folder / "clock"
        self.writer: subprocess.Popen[str] | None = None
        super().__init__(
            folder,
            smtp_port=sink.port,
            DJANGO_SETTINGS_MODULE="tests.faults.settings",
            EMAIL_TIMEOUT_S="1",
            OUTBOX_WATCH_S="1",
            OUTBOX_ALLOWED_NETWORKS="127.0.0.0/8",
            ADMIN_EMAILS="admin@example.org",
            broker=broker,
        )

    # ---- doing ------------------------------------------------------------------------------------------------

    def begin_to_write(self, prefix: str, number: int, kind: str = "faults.note", pause_s: float = 0.0) -> None:
        """Has the writer publish so many events, one address each, with a pause after every 50 of them."""
        self._ask_writer(prefix, number, kind, pause_s)

    def _ask_writer(self, *words: object) -> None:
        if self.writer is None:
            with (self.folder / "log" / "writer.log").open("ab") as log:
                self.writer = subprocess.Popen(
                    [sys.executable, "-m", "tests.faults.writer"],
                    cwd=ROOT,
                    env=self.env,
                    text=True,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                )
        assert self.writer.stdin is not None
        print(json.dumps(words), file=self.writer.stdin, flush=True)

    def wait_written(self, prefix: str) -> None:
        """Until all is committed that the writer began to write under this prefix."""
        assert self.writer is not None
        assert self.writer.stdout is not None
        limit = threading.Timer(WRITTEN_WITHIN_S, self.writer.kill)
        limit.start()
        try:
            for line in self.writer.stdout:
                if line == f"done {prefix}\n":
                    return
        finally:
            limit.cancel()
        raise AssertionError(f"the writer ended, or did not within {WRITTEN_WITHIN_S} s: {self.log('writer')[-2000:]}")

    def write(self, prefix: str, number: int, kind: str = "faults.note") -> None:
        self.begin_to_write(prefix, number, kind)
        self.wait_written(prefix)

    @contextlib.contextmanager
    def listening_at(self, url: str) -> Iterator[str]:
        """A webhook endpoint that takes the events of kind faults.hook; yields its secret."""
        self._ask_writer("listen", url)
        self.wait_written("listen")
        try:
            sealed = str(self.rows("SELECT secret FROM outbox_webhooksecret")[0][0])
            yield Fernet(os.environ["FIELD_KEY"]).decrypt(sealed).decode()
        finally:
            self._ask_writer("deaf")
            self.wait_written("deaf")

    def keep_busy(self, seconds: float) -> None:
        """Has every place of the worker taken for so long; returns when they are."""
        self._ask_writer("sleep", PLACES, seconds)
        self.wait_written("sleep")
        self.wait_until(lambda: self.busy() == PLACES, "every place is taken")

    def busy(self) -> int:
        """How many of the worker's places are taken by `keep_busy`."""
        asleep = "datname = current_database() AND state = 'active' AND query LIKE 'SELECT pg_sleep%%'"
        return int(self.rows(f"SELECT count(*) FROM pg_stat_activity WHERE {asleep}")[0][0])

    def end_writer(self) -> None:
        if self.writer is not None:
            self.writer.kill()
            self.writer.communicate()
        self.writer = None

    def stop(self) -> None:
        self.end_writer()
        super().stop()

    def end_leases(self) -> None:
        """Not to wait for two minutes: the leases of workers that are all dead end now."""
        self.rows("UPDATE outbox_delivery SET lease_until = now() - interval '1 s' WHERE state = 'sending' RETURNING 1")

    def kill_worker(self) -> list[str]:
        """SIGKILL for the worker and all its processes; the subjects of what it held, the leases of which end now."""
        self.kill("worker")
        busy = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND (state = 'active' OR state LIKE 'idle in%%')"
        )
        # What it had asked for last may still be written.
        self.wait_until(lambda: self.rows(busy) == [(0,)], "the database has done the dead one's last wish")
        held = self.rows(
            "SELECT e.subject FROM outbox_delivery d JOIN outbox_event e ON e.id = d.event_id WHERE d.state = 'sending'"
        )
        self.end_leases()
        return [str(subject) for (subject,) in held]

    def set_clock(self, seconds: float) -> None:
        """Sets the clock of all processes that were started with it; they look within a twentieth of a second."""
        self.clock.write_text(str(seconds))
        time.sleep(0.1)

    def wait_until(  # type: ignore[override]
        self, condition: Callable[[], bool], what: str, timeout_s: float = SETTLED_WITHIN_S
    ) -> None:
        """Waits, and starts again what ended by itself, as systemd does."""

        def tended() -> bool:
            for name, process in list(self.processes.items()):
                if process.poll() is not None:
                    print(f"{name} ended by itself with {process.returncode}; started again")
                    self.start(name)
            return condition()

        super().wait_until(tended, what, timeout_s)

    def wait_sweep(self) -> None:
        """Until beat has reached the broker, and a worker has got a task of it, which is what shows that both live."""
        self.rows("DELETE FROM console_signoflife RETURNING 1")
        seen = "SELECT count(*) FROM console_signoflife WHERE part IN ('worker', 'beat')"
        self.wait_until(lambda: self.rows(seen) == [(2,)], "beat and a worker showed life")

    # ---- asking -----------------------------------------------------------------------------------------------

    def states(self, prefix: str) -> Counter[str]:
        """How many deliveries of a writer stand in each state."""
        return Counter(
            dict(
                self.rows("SELECT state, count(*) FROM outbox_delivery WHERE address LIKE %s GROUP BY 1", f"{prefix}%")
            )
        )

    def hook_states(self, prefix: str) -> Counter[str]:
        """How many of a writer's webhooks stand in each state."""
        rows = self.rows(
            "SELECT d.state, count(*) FROM outbox_delivery d JOIN outbox_event e ON e.id = d.event_id"
            " WHERE d.channel = 'webhook' AND e.subject LIKE %s GROUP BY 1",
            f"{prefix}:%",
        )
        return Counter(dict(rows))

    def in_flight(self) -> int:
        return int(
            self.rows("SELECT count(*) FROM outbox_delivery WHERE state = 'sending' AND lease_until > now()")[0][0]
        )

    def wait_ended(self, prefix: str, number: int, timeout_s: float = SETTLED_WITHIN_S) -> Counter[str]:
        """Waits until each of a writer's deliveries has ended, one way or the other, and says how."""

        def ended() -> bool:
            states = self.states(prefix)
            return sum(states.values()) == number == states["delivered"] + states["failed"]

        self.wait_until(ended, f"all {number} deliveries of {prefix} have ended: {self.states(prefix)}", timeout_s)
        return self.states(prefix)

    def doctor(self) -> tuple[bool, dict[str, str]]:
        """Whether `manage.py doctor` says that all is well, and its sentence on each part."""
        done = subprocess.run(
            [sys.executable, "manage.py", "doctor"], cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith(("works", "FAILS"))]
        told = {" ".join(line[7:].split("  ")[0].split()): line for line in lines}
        assert (done.returncode == 0) == done.stdout.strip().endswith("All is well."), done.stdout + done.stderr
        return done.returncode == 0, told

    def is_well(self) -> None:
        """Doctor is right that all is well, and about what failed for good.

        On a busy machine a mail server may once need longer than the second that it has here: doctor is asked again.
        """
        deadline = time.monotonic() + WELL_WITHIN_S
        well, told = self.doctor()
        while not well and time.monotonic() < deadline:
            well, told = self.doctor()
        assert well, [line for line in told.values() if line.startswith("FAILS")]
        failed = self.rows("SELECT count(*) FROM outbox_delivery WHERE state = 'failed'")[0][0]
        assert told["dead letters"].endswith("nothing has failed for good") if not failed else True, told
        assert f" {failed} deliver" in told["dead letters"] if failed else True, told

    def arrived_once(self, prefix: str, number: int) -> None:
        """Every address of a writer has its mail, and no mail came twice."""
        came = self.sink.to(prefix)
        assert len(came) == number
        assert all(len(ids) == 1 for ids in came.values())


def kill_postgres(server: Postgres) -> None:
    """SIGKILL for PostgreSQL and all its processes, as a power cut of the machine would."""
    assert server.process is not None
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()


def restart_postgres(server: Postgres) -> None:
    """Starts it again on what it had written; it may find the dead one's memory for a moment."""
    for _ in range(50):
        server.process = None
        try:
            server.start()
            return
        except (CannotStart, psycopg.Error):
            time.sleep(0.1)
    raise AssertionError("PostgreSQL did not start again")
