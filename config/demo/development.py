"""`make run`: the demo for those who change its code: what is saved takes effect in seconds, errors show a trace."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from config.demo.__main__ import ROOT, Demo, say, serve

WATCHED = (".py", ".html", ".txt", ".mo", ".css", ".js")
CHECK_EVERY_S = 1.0


def source_folders() -> list[Path]:
    """Our folders that running processes read: apps, templates and static files."""
    packages = {path.parent for path in ROOT.glob("*/__init__.py")} - {ROOT / "tests", ROOT / "bench"}
    return [*sorted(packages), ROOT / "templates", ROOT / "static"]


def version_of(folders: Iterable[Path]) -> tuple[int, int]:
    """How many watched files there are and when the newest was changed, in nanoseconds."""
    moments = []
    for path in (path for folder in folders for path in folder.rglob("*") if path.suffix in WATCHED):
        try:
            moments.append(path.stat().st_mtime_ns)
        except FileNotFoundError:  # an editor's temporary file that is gone again
            continue
    return len(moments), max(moments, default=0)


class Development(Demo):
    """The demo with Django's error pages, whose proxy, web, worker and beat start again after each change of a file."""

    web_workers = 1

    def __init__(self) -> None:
        super().__init__()
        self._folders = source_folders()
        self._version = version_of(self._folders)
        self._check_at = 0.0

    def environment(self) -> dict[str, str]:
        return super().environment() | {"DEBUG": "true"}

    def check(self) -> None:
        """Restarts what reads the sources when they have changed; looks at most once a second."""
        if time.monotonic() < self._check_at:
            return
        self._check_at = time.monotonic() + CHECK_EVERY_S
        version = version_of(self._folders)
        if version != self._version:
            self._version = version
            say("The code changed; restarting the OCPP proxy, web, worker and beat")
            self.supervisor.restart("ocpp_proxy", "web", "worker", "beat")


if __name__ == "__main__":
    serve(Development)
