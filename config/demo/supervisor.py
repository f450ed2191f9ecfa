"""Starts processes, starts again what dies, and ends everything together within seconds."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.demo.postgres import die_with_parent

STOP_TIMEOUT_S = 10.0
NICENESS = 5
RESTART_PAUSES_S = (0.2, 1.0, 3.0, 10.0)


def start_process(
    command: Sequence[str], log: Path, env: dict[str, str], *, yields: bool = False
) -> subprocess.Popen[bytes]:
    """A child in a session of its own, so that Ctrl-C reaches only the supervisor; it ends when the supervisor does.

    One that `yields` lets the others have the processors first.
    """
    with log.open("ab") as output:
        child = subprocess.Popen(
            list(command),
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            env=env,
            preexec_fn=die_with_parent,
            start_new_session=True,
        )
    if yields:
        os.setpriority(os.PRIO_PROCESS, child.pid, NICENESS)
    return child


def stop_process(process: subprocess.Popen[bytes], timeout_s: float = STOP_TIMEOUT_S) -> None:
    """SIGTERM, then SIGKILL for its whole session."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout_s)
    # What the child had started in its session and left behind.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@dataclass
class Child:
    """A process that is kept running. `start` makes a new one."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    restart_at: float = 0.0

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None


@dataclass
class Supervisor:
    """Children in the order of their start; they are stopped in the opposite order."""

    changed: Callable[[], None]
    say: Callable[[str], None]
    children: list[Child] = field(default_factory=list)
    stopping: bool = False

    def add(self, name: str, start: Callable[[], subprocess.Popen[bytes]]) -> Child:
        child = Child(name, start)
        child.process = start()
        self.children.append(child)
        return child

    def pids(self) -> dict[str, int | None]:
        return {child.name: child.pid for child in self.children}

    def watch(self, check: Callable[[], None]) -> None:
        """Returns when `stopping` is set; until then, what dies is started again, ever more slowly.

        `check` is called in every round.
        """
        while not self.stopping:
            check()
            for child in self.children:
                self._tend(child)
            time.sleep(0.2)

    def _tend(self, child: Child) -> None:
        if child.process is not None and child.process.poll() is not None:
            pause = RESTART_PAUSES_S[min(child.deaths, len(RESTART_PAUSES_S) - 1)]
            self.say(f"{child.name} ended (exit code {child.process.returncode}); starting it again")
            stop_process(child.process, 0)
            child.deaths += 1
            child.process, child.restart_at = None, time.monotonic() + pause
        elif child.process is None and time.monotonic() >= child.restart_at:
            try:
                child.process = child.start()
            except RuntimeError as error:
                self.say(f"{child.name} does not start: {error}")
                child.restart_at = time.monotonic() + RESTART_PAUSES_S[-1]
                return
            self.changed()

    def restart(self, *names: str) -> None:
        """Ends these children and starts them again at once, however often they died before."""
        children = [child for child in self.children if child.name in names]
        for child in children:
            if child.process is not None:
                child.process.terminate()
        for child in children:
            if child.process is not None:
                stop_process(child.process)
            child.process, child.deaths, child.restart_at = child.start(), 0, 0.0
        self.changed()

    def stop(self) -> None:
        for child in reversed(self.children):
            if child.process is not None and child.process.poll() is None and child.name != "postgres":
                child.process.terminate()
        for child in reversed(self.children):
            if child.process is not None and child.name != "postgres":
                stop_process(child.process)
