"""Health checks from outside, and that what any process writes is for its own account alone."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.alive import QUIET_S, is_alive, show_alive
from tests.live import ROOT

DEMO = """
import os
from types import SimpleNamespace as Any
from config.demo.__main__ import serve
serve(lambda: Any(supervisor=Any(), run=lambda: os.mkdir(os.environ["VAR_DIR"])))
"""
ENTRIES = {
    "manage.py": ("manage.py", "check"),
    "web": ("-c", "import config.wsgi"),
    "worker": ("-m", "celery", "-A", "config", "report"),
    "demo": ("-c", DEMO),
}
# Writes a file when the process ends, as if Signalbox did.
LAST_WORDS = """
import atexit, os, pathlib
atexit.register(lambda: (pathlib.Path(os.environ["VAR_DIR"]) / "written").touch())
"""


def asked(part: str, **env: str) -> int:
    command = [sys.executable, "-m", "core.alive", part]
    return subprocess.run(command, cwd=ROOT, env=os.environ | env, capture_output=True, check=False).returncode


def test_part_that_works_is_alive_and_one_that_went_quiet_is_not(tmp_path: Path) -> None:
    assert not is_alive("worker", tmp_path)
    show_alive("worker", tmp_path)
    now = time.time()  # by the tests' clock, of which the file's own moment knows nothing
    os.utime(tmp_path / "worker.alive", (now, now))
    assert is_alive("worker", tmp_path)
    assert not is_alive("beat", tmp_path)
    quiet = time.time() - QUIET_S - 1
    os.utime(tmp_path / "worker.alive", (quiet, quiet))
    assert not is_alive("worker", tmp_path)
    show_alive("worker", tmp_path)
    assert abs((tmp_path / "worker.alive").stat().st_mtime - quiet) > 1


def test_showing_life_where_nothing_can_be_written_stops_nobody() -> None:
    show_alive("worker", Path("/nowhere/at/all"))


def test_command_looks_where_the_part_writes(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    show_alive("beat", tmp_path / "metrics")
    assert asked("beat", VAR_DIR=str(tmp_path), METRICS_DIR="") == 0
    assert asked("beat", METRICS_DIR=str(tmp_path)) == 1
    assert asked("worker", VAR_DIR=str(tmp_path), METRICS_DIR="") == 1
    assert asked("nonsense") == 2


class Healthz(http.server.BaseHTTPRequestHandler):
    hosts: list[str] = []
    status = 200

    def do_GET(self) -> None:
        self.hosts.append(self.headers["Host"])
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[str]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Healthz)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield str(server.server_address[1])
    server.shutdown()
    server.server_close()


def test_web_is_asked_by_the_name_that_it_answers_to(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked("web", PORT=port, PUBLIC_URL="https://signalbox.example") == 0
    assert Healthz.hosts.pop() == "signalbox.example"
    monkeypatch.setattr(Healthz, "status", 503)
    assert asked("web", PORT=port) == 1
    assert asked("proxy", OCPP_PORT="1") == 1


@pytest.mark.parametrize("entry", ENTRIES)
def test_what_an_entry_writes_is_for_its_own_account_alone(entry: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(LAST_WORDS)
    env = os.environ | {"VAR_DIR": str(tmp_path / "var"), "METRICS_DIR": "", "PYTHONPATH": str(tmp_path)}
    env.pop("PROMETHEUS_MULTIPROC_DIR", None)
    command = [sys.executable, *ENTRIES[entry]]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, umask=0)
    assert done.returncode == 0, done.stderr[-2000:]
    found = {path: path.stat().st_mode & 0o777 for path in [tmp_path / "var", *(tmp_path / "var").rglob("*")]}
    assert tmp_path / "var" / "written" in found
    assert not {path: oct(mode) for path, mode in found.items() if mode & 0o077}
