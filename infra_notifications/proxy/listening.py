"""Starts what listens beside a process of the proxy, and ends it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from infra_notifications.proxy.listener import Listener
from infra_notifications.proxy.spool import sweep

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own in it, which only we may read
RESTART_S, ENDS_S = 1.0, 5.0


def memory_folder() -> Path | None:
    """A folder of the memory file system that belongs to this spool, None where the system has none."""
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK)):
        return None
    spool = hashlib.sha256(str(Path(settings.OCPP_SPOOL_DIR).resolve()).encode()).hexdigest()[:16]
    return MEMORY / f"signalbox-ocpp-{os.getuid()}-{spool}"


def sweep_memory() -> None:
    """Leaves nothing in the memory file system that nobody will take in any more."""
    sweep(MEMORY.glob(f"signalbox-ocpp-{os.getuid()}-*"))


def spool_folders() -> list[Path]:
    memory = memory_folder()
    return [Path(settings.OCPP_SPOOL_DIR), *([memory] if memory else [])]


@contextlib.contextmanager
def listening(figures: memoryview) -> Iterator[Listener]:
    """The observer of this process, with a process beside it that takes in what it hears."""
    sweep_memory()
    bound = settings.OCPP_SPOOL_MAX_MB * 1024 * 1024 // settings.OCPP_PROXY_PROCESSES
    listener = Listener(Path(settings.OCPP_SPOOL_DIR), most_bytes=bound, memory=memory_folder(), figures=figures)
    listener.start()
    writer = _Supervised()
    writer.start()
    try:
        yield listener
    finally:
        listener.stop()
        writer.stop()
        sweep_memory()


class _Supervised:
    """The writer's process: it is started anew when it ends, and has a session of its own, so that what ends the proxy
    leaves it the time to take in the rest."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="ocpp-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _watch(self) -> None:
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "ocpp_spool", "--parent", str(os.getpid())]
        while not self._stopping.is_set():
            with contextlib.suppress(OSError):
                self._process = subprocess.Popen(command, start_new_session=True)  # noqa: S603 - our own command
                self._process.wait()
            self._stopping.wait(RESTART_S)

    def stop(self) -> None:
        """Lets it take in what is left, for a while."""
        self._stopping.set()
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        self._thread.join(ENDS_S)
        if process.poll() is None:
            process.kill()
