"""The engines of production from Debian's packages, started here on ports of their own and stopped at the end."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from config.demo.supervisor import start_process, stop_process
from tests.mailserver import MailServer, free_port, mail_server

START_TIMEOUT_S = 90


def _program(name: str, package: str, *folders: str) -> str:
    """A program's path; a missing package fails the test with what to install."""
    found = shutil.which(name, path=os.pathsep.join((*folders, os.environ["PATH"], "/usr/sbin")))
    assert found, f"{name} is missing: apt-get install {package}"
    return found


def _as_user(name: str, command: Sequence[str]) -> list[str]:
    return ["runuser", "-u", name, "--", *command] if os.geteuid() == 0 else list(command)


def _folder_of(user: str) -> Path:
    """A new folder that belongs to the user that a server runs as."""
    folder = Path(tempfile.mkdtemp(prefix="signalbox-", dir="/tmp"))
    if os.geteuid() == 0:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    return folder


def _start(user: str, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    return start_process(_as_user(user, command), log, {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})


def _stop(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Ends the server and whatever it started in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    stop_process(process, 20)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def debian_postgres() -> Iterator[str]:
    """Debian's PostgreSQL; yields its URL for the processes and sets it for this process' database helpers."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    assert versions, "PostgreSQL is missing: apt-get install postgresql"
    programs, folder, port = versions[-1].parent, _folder_of("postgres"), free_port()
    init = [
        str(programs / "initdb"),
        "-D",
        f"{folder}/data",
        "-U",
        "signalbox",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
    ]
    subprocess.run(_as_user("postgres", init), check=True, capture_output=True, cwd="/")
    command = [
        str(programs / "postgres"),
        "-D",
        f"{folder}/data",
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-k",
        str(folder),
        "-c",
        "max_connections=200",
    ]
    process = _start("postgres", command, folder / "log")
    url = f"postgres://signalbox@127.0.0.1:{port}/postgres"
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            psycopg.connect(url.replace("postgres://", "postgresql://")).close()
            break
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, "Debian's PostgreSQL does not answer"
            time.sleep(0.1)
    before, os.environ["DATABASE_URL"] = os.environ["DATABASE_URL"], url
    yield url
    os.environ["DATABASE_URL"] = before
    _stop(process, folder)


def _wait_for_port(port: int, what: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, f"{what} does not answer"
            time.sleep(0.1)


class Redis:
    """A Redis that keeps nothing: killed and started again, it has forgotten everything."""

    notices = True

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start_empty(self) -> None:
        program = _program("redis-server", "redis-server")
        self.folder = _folder_of("nobody")
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        self.process = _start("nobody", [program, *words], self.folder / "log")
        _wait_for_port(self.port, "Redis")

    def stop(self) -> None:
        _kill(self.process, self.folder)


class RabbitMQ:
    """A RabbitMQ whose disk is lost with it: started again, it has forgotten everything."""

    notices = True

    def __init__(self) -> None:
        self.port, self.distribution, self.mapper = free_port(), free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start_empty(self) -> None:
        program = _program("rabbitmq-server", "rabbitmq-server")
        self.folder = _folder_of("rabbitmq")
        settings = {
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"signalbox{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(self.distribution),
            "RABBITMQ_MNESIA_BASE": f"{self.folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{self.folder}/log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{self.folder}/plugins",
            "RABBITMQ_PID_FILE": f"{self.folder}/pid",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self.mapper),
            "ERL_EPMD_RELAXED_COMMAND_CHECK": "true",
        }
        pairs = [f"{key}={value}" for key, value in settings.items()]
        self.process = _start("rabbitmq", ["env", *pairs, program], self.folder / "start.log")
        _wait_for_port(self.port, "RabbitMQ")

    def stop(self) -> None:
        _kill(self.process, self.folder)
        # Erlang's port mapper is a daemon of its own; on a port of its own it is ours to end.
        command = [_program("epmd", "erlang-base"), "-port", str(self.mapper), "-kill"]
        subprocess.run(command, capture_output=True, check=False)


def _kill(process: subprocess.Popen[bytes], folder: Path) -> None:
    """SIGKILL for the server and whatever it started in its session."""
    stop_process(process, 0)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    server = Redis()
    server.start_empty()
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def rabbitmq_url() -> Iterator[str]:
    server = RabbitMQ()
    server.start_empty()
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    with mail_server() as found:
        yield found


class Mosquitto:
    """Debian's mosquitto on a port of its own, which keeps sessions on disk."""

    def __init__(self) -> None:
        self.port, self.folder = free_port(), _folder_of("mosquitto" if os.geteuid() == 0 else "")
        self._settings, self._log = self.folder / "mosquitto.conf", self.folder / "mosquitto.log"
        self._settings.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\nqueue_qos0_messages false\n"
            f"persistence_location {self.folder}/\nautosave_interval 1\nautosave_on_changes true\nlog_type all\n"
        )
        self._settings.chmod(0o644)  # the broker reads it as a user of its own, and our files are for us alone
        self.start()

    def start(self) -> None:
        program = _program("mosquitto", "mosquitto")
        self._process = _start("mosquitto", [program, "-c", str(self._settings)], self._log)
        until = time.monotonic() + START_TIMEOUT_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert time.monotonic() < until, self._log.read_text()
            time.sleep(0.05)

    def restart(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        stop_process(self._process, 20)
        self._log.write_text("")
        self.start()

    def wait_for_session(self) -> None:
        """Until the link has subscribed."""
        until = time.monotonic() + 30
        while "SUBACK" not in self._log.read_text():
            assert time.monotonic() < until, self._log.read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        _stop(self._process, self.folder)


@pytest.fixture
def mosquitto() -> Iterator[Mosquitto]:
    broker = Mosquitto()
    try:
        yield broker
    finally:
        broker.stop()
