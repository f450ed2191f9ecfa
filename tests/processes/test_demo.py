"""`make demo` as someone who just cloned it: in an awkward folder, twice, beside another, interrupted, killed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest

from tests.live import ROOT, Live
from tests.mailserver import free_port
from tests.pages import laid_out

pytestmark = pytest.mark.processes

ENGINES = (
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "EMAIL_URL",
    "SECRET_KEY",
    "FIELD_KEY",
    "PUBLIC_URL",
    "ALLOWED_HOSTS",
    "VAR_DIR",
)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project in a folder that has a space and a long path, under one that others cannot enter."""
    locked = tmp_path_factory.mktemp("locked")
    target = locked / ("a rather long folder name " * 3).strip() / "sign al box"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in listed:
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    locked.chmod(0o700)
    return target


class Demo:
    """A demo that was started as `make demo` starts it, or `make run` by its module."""

    def __init__(self, clone: Path, module: str = "config.demo") -> None:
        self.clone, self.port = clone, free_port()
        env = {key: value for key, value in os.environ.items() if key not in ENGINES}
        env.pop("PROMETHEUS_MULTIPROC_DIR", None)
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=clone,
            env=env | {"PORT": str(self.port)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        Live.wait_until(self._answers, "the demo answers", 120)
        self.took = time.monotonic() - self.started
        self.facts: dict[str, Any] = self.read_facts()
        self.folder = next(p for p in clone.glob("var/**/demo.json") if f":{self.port}" in p.read_text()).parent

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.process.communicate()[0]
        with contextlib.suppress(OSError):
            return bool(self.get("/healthz"))
        return False

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    def read_facts(self) -> dict[str, Any]:
        found = [p for p in self.clone.glob("var/**/demo.json") if f":{self.port}" in p.read_text()]
        facts: dict[str, Any] = json.loads(found[0].read_text())
        return facts

    def pids(self) -> list[int]:
        """Every process that this demo started, found by what it was started with."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                command = (entry / "cmdline").read_bytes()
                environment = (entry / "environ").read_bytes()
                ours = f"PORT={self.port}".encode() in environment or f"{self.folder}/postgres".encode() in command
                if ours and b"State:\tZ" not in (entry / "status").read_bytes():
                    found.append(int(entry.name))
        return found

    def end(self, sent: signal.Signals = signal.SIGINT) -> float:
        began = time.monotonic()
        self.process.send_signal(sent)
        self.process.wait(30)
        return time.monotonic() - began


@contextlib.contextmanager
def demo_of(clone: Path, module: str = "config.demo") -> Iterator[Demo]:
    demo = Demo(clone, module)
    try:
        yield demo
    finally:
        with contextlib.suppress(ProcessLookupError):
            demo.process.send_signal(signal.SIGTERM)
        demo.process.wait(30)


def sign_in(demo: Demo, role: str) -> str:
    """Signs in as a browser does and returns the page that follows."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    url = f"http://127.0.0.1:{demo.port}/sign-in/"
    page = opener.open(url, timeout=10).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token is not None
    login = demo.facts[role]
    form = f"csrfmiddlewaretoken={token[1]}&username={login['username']}&password={login['password']}&next="
    return laid_out(opener.open(url, form.encode(), timeout=10).read().decode())


@pytest.fixture(scope="module")
def demo(clone: Path) -> Iterator[Demo]:
    """One demo for the tests that leave it running."""
    with demo_of(clone) as found:
        yield found


def test_starts_in_an_awkward_folder_and_lets_every_role_in(demo: Demo) -> None:
    assert set(demo.facts) == {"url", "operator", "admin", "viewer", "api_key", "mailbox_url", "ocpp_url", "pids"}
    assert all(demo.facts["pids"][part] for part in ("web", "worker", "beat", "postgres", "ocpp_proxy"))
    for role in ("operator", "admin", "viewer"):
        assert "<h1>Dashboard</h1>" in sign_in(demo, role)


def test_a_fault_posted_with_the_key_lands_in_the_mailbox(demo: Demo) -> None:
    body = {
        "charge_point": "DE*SBX*E0001*1",
        "protocol": "ocpp1.6",
        "action": "StatusNotification",
        "payload": {"connectorId": 1, "errorCode": "OverCurrentFailure", "status": "Faulted"},
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{demo.port}/api/v1/charging/messages",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {demo.facts['api_key']}", "Content-Type": "application/json"},
    )
    assert urllib.request.urlopen(request, timeout=10).status == 202

    def arrived() -> bool:
        mails = json.loads(urllib.request.urlopen(demo.facts["mailbox_url"] + "messages.json", timeout=5).read())
        return any("FUSE_TRIPPED" in mail["subject"] for mail in mails)

    # Its group may just have had another mail: then this one is gathered with what comes within the minute.
    Live.wait_until(arrived, "the mail is in the mailbox", 75)


def asked(demo: Demo, path: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        f"{demo.facts['url']}/api/v1/charging/{path}",
        json.dumps(body).encode() if body is not None else None,
        {"Authorization": f"Bearer {demo.facts['api_key']}", "Content-Type": "application/json"},
    )
    return json.loads(urllib.request.urlopen(request, timeout=10).read())


def test_stations_live_through_the_proxy_and_what_happens_to_them_is_told(demo: Demo) -> None:
    assert demo.facts["ocpp_url"].startswith("ws://127.0.0.1:")
    Live.wait_until(lambda: asked(demo, "ocpp-routes/demo")["connected"] > 30, "most stations are connected", 60)
    station = asked(demo, "stations/SBX-0001")
    assert (station["connected"], station["route"], station["protocol"]) == (True, "demo", "ocpp1.6")

    def failed() -> bool:
        return any(i["charge_point"] == "DE*SBX*E0003*1" for i in asked(demo, "incidents?q=open:yes")["items"])

    Live.wait_until(failed, "the first fault of the story", 90)
    assert (
        "signalbox_ocpp_connections 38"
        in urllib.request.urlopen(demo.facts["ocpp_url"].replace("ws://", "http://") + "/metrics", timeout=5)
        .read()
        .decode()
    )


def test_a_station_is_moved_to_another_csms_without_touching_it(demo: Demo) -> None:
    upstream = asked(demo, "ocpp-routes/demo")["upstream"].replace("127.0.0.1", "localhost")
    asked(demo, "ocpp-routes", {"slug": "other", "upstream": upstream})
    before = asked(demo, "stations/SBX-0020")["since"]
    assert asked(demo, "ocpp-routes/demo/move", {"stations": ["sbx-0020"], "target": "other"}) == {
        "moved": ["sbx-0020"],
        "unknown": [],
    }

    def is_back() -> bool:
        station = asked(demo, "stations/SBX-0020")
        return bool(station["connected"] and station["since"] > before)

    other = asked(demo, "stations/SBX-0021")["since"]
    Live.wait_until(is_back, "it was asked to connect again, and is back", 60)
    assert asked(demo, "stations/SBX-0021")["since"] == other
    # Whoever was asked to connect again was never unavailable.
    found = asked(demo, "incidents?q=open:yes%20case:unavailable")["items"]
    assert "DE*SBX*E0020*1" not in [incident["charge_point"] for incident in found]


def test_a_taken_port_is_said_in_a_sentence(clone: Path, demo: Demo) -> None:
    env = {key: value for key, value in os.environ.items() if key not in ENGINES} | {"PORT": str(demo.port)}
    done = subprocess.run(
        [sys.executable, "-m", "config.demo"], cwd=clone, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"port {demo.port}" in done.stderr.lower()
    assert "Traceback" not in done.stderr


def test_a_killed_worker_is_started_again(demo: Demo) -> None:
    before = demo.facts["pids"]["worker"]
    os.kill(before, signal.SIGKILL)
    Live.wait_until(lambda: demo.read_facts()["pids"]["worker"] not in (before, None), "another worker runs", 15)


def test_another_demo_of_the_same_clone_runs_beside_it(clone: Path, demo: Demo) -> None:
    with demo_of(clone) as second:
        assert demo.get("/healthz") == second.get("/healthz") == "ok\n"
        assert demo.facts["pids"]["postgres"] != second.facts["pids"]["postgres"]
        # And nothing of it stays when it is killed itself.
        second.end(signal.SIGKILL)
        Live.wait_until(lambda: second.pids() == [], "all its processes are gone", 15)


def test_ctrl_c_ends_everything_and_a_second_start_goes_on_where_it_was(clone: Path, demo: Demo) -> None:
    assert demo.end() < 15
    assert demo.pids() == []
    with demo_of(clone) as again:
        assert again.took < 60  # 8 s where the processors have nothing else to do, 15 s are promised
        assert again.facts["api_key"] == demo.facts["api_key"]
        assert "<h1>Dashboard</h1>" in sign_in(again, "viewer")


# What reads the code that was changed.
RESTARTED = {"ocpp_proxy", "web", "worker", "beat"}


def test_a_change_of_the_code_takes_effect_while_it_runs(clone: Path) -> None:
    with demo_of(clone, "config.demo.development") as demo:
        before = demo.facts["pids"]
        urls, page = clone / "console/urls.py", clone / "templates/console/sign_in.html"
        healthz = 'path("healthz", views.healthz, name="healthz"),'
        urls.write_text(urls.read_text().replace(healthz, f'{healthz} path("changed", views.healthz),'))
        page.write_text(page.read_text().replace("<form", "<p>changed</p><form", 1))
        Live.wait_until(lambda: answers(demo, "/changed", "ok"), "the changed code answers", 60)
        Live.wait_until(lambda: answers(demo, "/sign-in/", "<p>changed</p>"), "the changed page is served", 10)
        # The facts are written once all that was started lives; the web server may answer before.
        Live.wait_until(lambda: replaced(demo, before) == RESTARTED, "the facts name who lives", 30)
        demo.end()
        assert demo.pids() == []


def replaced(demo: Demo, before: dict[str, int]) -> set[str]:
    """The parts that run in another process than before."""
    after = demo.read_facts()["pids"]
    return {name for name in before if before[name] != after[name]}


def answers(demo: Demo, path: str, text: str) -> bool:
    with contextlib.suppress(OSError):
        return text in demo.get(path)
    return False
