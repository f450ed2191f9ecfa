"""Signalbox as real processes on real engines, for tests and benchmarks: web, worker, beat, their own database."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from config.demo.supervisor import start_process, stop_process
from tests.mailserver import free_port
from tests.template import template_on

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 60


class Live:
    """One running installation with a database of its own on the server of DATABASE_URL."""

    def __init__(self, folder: Path, *, broker: str = "filesystem://", smtp_port: int = 1, **env: str) -> None:
        self.folder = folder
        self.name = f"live_{uuid.uuid4().hex[:10]}"
        self.base = os.environ["DATABASE_URL"].rpartition("/")[0]
        self.port = free_port()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for part in ("broker/queue", "broker/control", "metrics", "log"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        self.env = os.environ | {
            "DATABASE_URL": f"{self.base}/{self.name}",
            "DATABASE_POOL_SIZE": "10",
            "CELERY_BROKER_URL": broker,
            "EMAIL_URL": f"smtp://127.0.0.1:{smtp_port}",
            "PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "ALLOWED_HOSTS": "127.0.0.1",
            "VAR_DIR": str(folder),
            "METRICS_DIR": str(folder / "metrics"),
            "OUTBOX_SWEEP_S": "1",
            "CHARGING_SWEEP_S": "1",
            "LOG_LEVEL": "INFO",
            **env,
        }
        self.env.pop("PROMETHEUS_MULTIPROC_DIR", None)
        self.env.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
        self.key = ""

    # ---- set-up -----------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Makes the database, a copy of the server's migrated one, and an API key with every scope."""
        template = template_on(self.env["DATABASE_URL"])
        with self._admin() as admin:
            admin.execute(f'CREATE DATABASE "{self.name}" TEMPLATE "{template}"')
        scopes = [
            f"{d}:{a}" for d in ("charging", "vehicles", "remotes", "bikeshare", "outbox") for a in ("read", "write")
        ]
        self.key = self.manage("create_api_key", "live", "--scope", *scopes)

    def _admin(self) -> psycopg.Connection[Any]:
        return psycopg.connect(f"{self.base}/postgres".replace("postgres://", "postgresql://"), autocommit=True)

    def manage(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, done.stderr + done.stdout
        return (done.stdout + ("" if done.returncode == 0 else done.stderr)).strip()

    def start(self, *names: str) -> None:
        python = [sys.executable, "-m"]
        commands = {
            "web": [
                *python,
                "granian",
                "--interface",
                "wsgi",
                "--host",
                "127.0.0.1",
                "--port",
                str(self.port),
                "--workers",
                "2",
                "--blocking-threads",
                "16",
                "--no-access-log",
                "--log-level",
                "warning",
                "--respawn-failed-workers",
                "--log-config",
                "config/server_log.json",
                "config.wsgi:application",
            ],
            "worker": [*python, "celery", "-A", "config", "worker", "--without-gossip", "--without-mingle"],
            "beat": [*python, "celery", "-A", "config", "beat", "--pidfile="],
        }
        for name in names or ("web", "worker", "beat"):
            self.processes[name] = start_process(commands[name], self.folder / "log" / f"{name}.log", self.env)
        if "web" in (names or ("web",)):
            self.wait_until(self._answers, "the web process answers")

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.call("GET", "/healthz")[0] == 200
        return False

    # ---- using it ---------------------------------------------------------------------------------------------

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One HTTP request with the key; the body and answer are JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        with contextlib.suppress(ValueError):
            return answer.status, json.loads(text)
        return answer.status, text

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """A call to /api/v1 that must succeed."""
        status, answer = self.call(method, f"/api/v1{path}", body)
        assert 200 <= status < 300, (status, answer)
        return answer

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        url = urlsplit(self.env["DATABASE_URL"])
        with psycopg.connect(url._replace(scheme="postgresql").geturl()) as connection:
            cursor = connection.execute(sql, params)
            return cursor.fetchall() if cursor.description else []

    def commands(self, statements: Iterable[tuple[str, Any]]) -> None:
        """Statements outside transactions, for filling large tables."""
        url = urlsplit(self.env["DATABASE_URL"])
        with psycopg.connect(url._replace(scheme="postgresql").geturl(), autocommit=True) as connection:
            for sql, params in statements:
                connection.execute(sql, params if "%(" in sql else None)

    @staticmethod
    def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = START_TIMEOUT_S) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"waited {timeout_s} s in vain until {what}"
            time.sleep(0.02)

    def log(self, name: str) -> str:
        return (self.folder / "log" / f"{name}.log").read_text(errors="replace")

    # ---- ending -----------------------------------------------------------------------------------------------

    def kill(self, name: str) -> None:
        """SIGKILL for a process and everything it had started."""
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            stop_process(process)
        self.processes.clear()
        with self._admin() as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')


@contextlib.contextmanager
def running(folder: Path, *names: str, **options: Any) -> Iterator[Live]:
    """A prepared and started installation; what failed shows its logs."""
    live = Live(folder, **options)
    try:
        live.prepare()
        live.start(*names)
        yield live
    except BaseException:
        for log in sorted((folder / "log").glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-4000:]}")
        raise
    finally:
        live.stop()
