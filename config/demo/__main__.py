"""`make demo`: everything on this machine, from nothing, until Ctrl-C."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path
from typing import IO, Any

from config.demo.postgres import CannotStart, Postgres
from config.demo.supervisor import Supervisor, start_process
from core import files

ROOT = Path(__file__).resolve().parent.parent.parent
ANSWER_TIMEOUT_S = 90
ROLES = ("operator", "admin", "viewer")
LOOPBACK = "127.0.0.0/8,::1/128"


def say(text: str) -> None:
    print(text, flush=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_of(name: str, default: str) -> int:
    raw = os.environ.get(name, default)
    if not raw.isdigit() or not 0 < int(raw) < 65536:
        sys.exit(f"{name} must be a number from 1 to 65535, not {raw!r}.")
    return int(raw)


class Demo:
    """One running demo: its folder, its secrets, its engines, its processes."""

    web_workers = 2

    def __init__(self) -> None:
        self.host = os.environ.get("HOST", "127.0.0.1")
        self.port = port_of("PORT", "8000")
        self.ocpp_port = self._ocpp_port()
        self.var, self._lock = self._folder()
        self.logs = self.var / "log"
        self.logs.mkdir(exist_ok=True)
        self.secrets = self._secrets()
        self.postgres: Postgres | None = None
        self.mailbox_url: str | None = None
        self.vendor_port = free_port()
        self.csms_port = self._csms_port()
        self.supervisor = Supervisor(changed=self.write_facts, say=say)
        shown = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        self.url = f"http://{shown}:{self.port}"
        self.ocpp_url = f"ws://{shown}:{self.ocpp_port}"

    def _ocpp_port(self) -> int:
        """OCPP_PORT, or the port a thousand above PORT, so that several demos find one each."""
        if os.environ.get("OCPP_PORT"):
            return port_of("OCPP_PORT", "")
        port = self.port + 1000
        return port if port < 65536 and not _is_taken(self.host, port) else free_port()

    def _csms_port(self) -> int:
        """Where the simulated CSMS listens: as before if it can be, because the demo's route and webhook lead there."""
        port = int(self.secrets.get("csms_port") or 0)
        if not port or _is_taken("127.0.0.1", port):
            port = free_port()
        self.secrets["csms_port"] = port
        return port

    def _folder(self) -> tuple[Path, IO[str]]:
        """var/, or a folder of its own beside it while another demo of this clone runs."""
        for folder in (ROOT / "var", ROOT / "var" / f"port-{self.port}"):
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / "demo.lock").open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            return folder, lock
        sys.exit(f"A demo of this clone runs on port {self.port} already; choose another one with PORT=….")

    def _secrets(self) -> dict[str, Any]:
        """What was made up at the first start and is kept: the key, passwords, the API key."""
        path = self.var / "secrets.json"
        secrets_made: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            secrets_made = json.loads(path.read_text())
        secrets_made.setdefault("SECRET_KEY", secrets.token_urlsafe(64))
        secrets_made.setdefault("FIELD_KEY", base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
        for role in ROLES:
            secrets_made.setdefault(role, secrets.token_urlsafe(9))
        files.put(path, json.dumps(secrets_made))
        return secrets_made

    # ---- engines ----------------------------------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        """What the processes see; HOST, PORT and any engine named in the environment win."""
        env = dict(os.environ)
        env |= {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DEMO": "true",
            "SECRET_KEY": env.get("SECRET_KEY") or self.secrets["SECRET_KEY"],
            "FIELD_KEY": env.get("FIELD_KEY") or self.secrets["FIELD_KEY"],
            "PUBLIC_URL": env.get("PUBLIC_URL") or self.url,
            "ALLOWED_HOSTS": env.get("ALLOWED_HOSTS")
            or ("*" if self.host in ("0.0.0.0", "::") else f"{self.host},localhost"),  # noqa: S104
            "VAR_DIR": str(self.var),
            "METRICS_DIR": str(self.var / "metrics"),
            "CELERY_BROKER_URL": env.get("CELERY_BROKER_URL") or "filesystem://",
            "OCPP_HOST": self.host,
            "OCPP_PORT": str(self.ocpp_port),
            "OCPP_PUBLIC_URL": env.get("OCPP_PUBLIC_URL") or self.ocpp_url,
            # The CSMS behind the proxy is simulated on this machine.
            "OCPP_UPSTREAM_NETWORKS": env.get("OCPP_UPSTREAM_NETWORKS") or LOOPBACK,
            "OUTBOX_ALLOWED_NETWORKS": env.get("OUTBOX_ALLOWED_NETWORKS") or LOOPBACK,
            # Commands to fleet vehicles go to a simulator of the vendor.
            "REMOTES_API_URL": env.get("REMOTES_API_URL") or f"http://127.0.0.1:{self.vendor_port}/connectedcar/v3",
            "REMOTES_CLIENT_ID": env.get("REMOTES_CLIENT_ID") or "demo",
            "PYTHONUNBUFFERED": "1",
        }
        if self.postgres is not None:
            env["DATABASE_URL"] = self.postgres.url()
        if self.mailbox_url is not None:
            env["EMAIL_URL"] = f"smtp://127.0.0.1:{self.smtp_port}"
        return env

    def start_postgres(self) -> None:
        if os.environ.get("DATABASE_URL"):
            return
        server = Postgres(self.var / "postgres", options=("shared_buffers=128MB", "max_connections=60"))
        self.postgres = server

        def start() -> subprocess.Popen[bytes]:
            server.start()
            assert server.process is not None
            return server.process

        self.supervisor.add("postgres", start)

    def start_mailbox(self) -> None:
        if os.environ.get("EMAIL_URL"):
            return
        self.smtp_port, web_port = free_port(), free_port()
        self.mailbox_url = f"http://127.0.0.1:{web_port}/"
        command = [
            sys.executable,
            "-m",
            "config.demo.mailbox",
            str(self.smtp_port),
            str(web_port),
            str(self.var / "mailbox"),
        ]
        env = self.environment()
        self.supervisor.add("mailbox", lambda: start_process(command, self.logs / "mailbox.log", env))

    def manage(self, *words: str) -> str:
        """Runs a management command; its failure ends the demo with its last words."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotStart(f"manage.py {words[0]} failed:\n{(done.stderr or done.stdout).strip()[-2000:]}")
        return done.stdout.strip()

    def prepare(self) -> None:
        """Database, users, key and demo data; quick when they are there."""
        self._clear_leavings()
        logins = json.dumps({role: self.secrets[role] for role in ROLES})
        facts = json.loads(
            self.manage("load_demo", "--logins", logins, "--api-key", self.secrets.get("api_key", "")).splitlines()[-1]
        )
        self.secrets["api_key"] = facts["api_key"]
        files.put(self.var / "secrets.json", json.dumps(self.secrets))

    def _clear_leavings(self) -> None:
        """Counters of processes that are gone, and messages of a broker that lost nothing but nudges."""
        for folder in ("metrics", "broker/queue", "broker/control"):
            path = self.var / folder
            path.mkdir(parents=True, exist_ok=True)
            for left in path.iterdir():
                left.unlink()

    # ---- processes --------------------------------------------------------------------------------------------

    def start_processes(self) -> None:
        env = self.environment()
        python = sys.executable
        celery = [python, "-m", "celery", "-A", "config"]
        worker = [*celery, "worker", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
        beat = [*celery, "beat", "--loglevel", "WARNING", "--pidfile="]
        address = ["--host", self.host, "--port", str(self.port)]
        threads = [
            "--workers",
            str(self.web_workers),
            "--blocking-threads",
            "8",
            "--workers-kill-timeout",
            "8",
            "--respawn-failed-workers",
        ]
        logs = ["--no-access-log", "--log-level", "warning", "--log-config", "config/server_log.json"]
        granian = [python, "-m", "granian", "--interface", "wsgi"]
        web = [*granian, *address, *threads, *logs, "config.wsgi:application"]
        vendor = [python, "manage.py", "remote_simulator", "--database", "--port", str(self.vendor_port)]
        # Stations are connected before anybody asks who is not; when all ends, the proxy is told before them.
        stations = [python, "manage.py", "charging_simulator", "--database", "--port", str(self.csms_port)]
        proxy = [python, "manage.py", "ocpp_proxy"]
        cars = [python, "manage.py", "vehicle_simulator", "--database", "--url", self.url]
        commands = {
            "stations": stations,
            "ocpp_proxy": proxy,
            "web": web,
            "worker": worker,
            "beat": beat,
            "vendor": vendor,
            "cars": cars,
        }
        for name, command in commands.items():
            self.supervisor.add(
                name, partial(start_process, command, self.logs / f"{name}.log", env, yields=name != "web")
            )
        self.write_facts()

    def write_facts(self) -> None:
        """var/demo.json, complete at every moment: it is written aside and moved into place."""
        pids = self.supervisor.pids()
        facts = {
            "url": self.url,
            **{role: {"username": role, "password": self.secrets[role]} for role in ROLES},
            "api_key": self.secrets.get("api_key"),
            "mailbox_url": self.mailbox_url,
            "ocpp_url": self.ocpp_url,
            "pids": {name: pids.get(name) for name in ("web", "worker", "beat", "postgres", "ocpp_proxy")},
        }
        files.put(self.var / "demo.json", json.dumps(facts, indent=2))

    def wait_for_answer(self) -> None:
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while time.monotonic() < deadline and not self.supervisor.stopping:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=2):  # noqa: S310
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        if not self.supervisor.stopping:
            raise CannotStart(f"The web process does not answer; its log is {self.logs / 'web.log'}.")

    def announce(self) -> None:
        say(f"\nSignalbox answers at {self.url}\n")
        for role in ROLES:
            say(f"  {role:<9} password {self.secrets[role]}")
        say(f"\n  API key   {self.secrets['api_key']}")
        if self.mailbox_url:
            say(f"  mailbox   {self.mailbox_url}")
        say(f"  stations  {self.ocpp_url}/demo/…")
        say(f"  facts     {self.var / 'demo.json'}\n\nCtrl-C ends it.")

    def check(self) -> None:
        """Called a few times a second while the demo runs."""

    def run(self) -> None:
        if _is_taken(self.host, self.port):
            sys.exit(f"Port {self.port} is taken by another program; choose another one with PORT=….")
        if _is_taken(self.host, self.ocpp_port):
            sys.exit(f"Port {self.ocpp_port} is taken by another program; choose another one with OCPP_PORT=….")
        (self.var / "demo.json").unlink(missing_ok=True)
        try:
            self.start_postgres()
            self.start_mailbox()
            self.prepare()
            if not self.supervisor.stopping:
                self.start_processes()
                self.wait_for_answer()
            if not self.supervisor.stopping:
                self.announce()
            self.supervisor.watch(self.check)
        finally:
            self.supervisor.stop()
            if self.postgres is not None:
                self.postgres.stop()
            say("Stopped.")


def _is_taken(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def serve(kind: type[Demo]) -> None:
    """Runs such a demo until SIGINT or SIGTERM."""
    os.chdir(ROOT)
    os.umask(0o077)  # passwords, mails and logs of the demo are for whoever started it
    demo = kind()

    def stop(_signal: int, _frame: object) -> None:
        demo.supervisor.stopping = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        demo.run()
    except CannotStart as error:
        sys.exit(f"The demo cannot start: {error}")


if __name__ == "__main__":
    serve(Demo)
