"""A migrated database on a server, of which tests' databases are copies: a copy takes a moment, migrations long.

The embedded server of the tests is itself a copy of one that has the template, kept under var/ between runs for as
long as the migrations and what they import stay the same. Data that migrations write is in the copies too.
"""

from __future__ import annotations

import ast
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql

from config.demo.postgres import Postgres

ROOT = Path(__file__).resolve().parent.parent
APPS = ("bikeshare", "console", "core", "fleet_remotes", "infra_notifications", "outbox", "vehicles")
TEMPLATES = ROOT / "var" / "templates"


def _sources() -> Iterator[Path]:
    """Our migrations, models and choices, what the migrations import of ours, and the versions of everything else."""
    yield ROOT / "requirements" / "dev.txt"
    for app in APPS:
        yield from (ROOT / app / "models").glob("**/*.py")
        yield from (ROOT / app).glob("choices/*.py")
        yield from (ROOT / app / part for part in ("choices.py", "models.py"))
        for migration in (ROOT / app / "migrations").glob("*.py"):
            yield migration
            for node in ast.walk(ast.parse(migration.read_text())):
                if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in APPS:
                    path = ROOT / node.module.replace(".", "/")
                    yield path.with_suffix(".py")
                    yield from path.glob("**/*.py")


@cache
def template_name() -> str:
    """`migrated_…`, another for other migrations."""
    found = hashlib.sha256()
    for path in sorted(set(_sources())):
        if path.is_file():
            found.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return f"migrated_{found.hexdigest()[:12]}"


def template_on(url: str) -> str:
    """The name of the template on the server of `url`; the first who asks makes it, others wait for that."""
    name = template_name()
    server = url.rpartition("/")[0]
    with psycopg.connect(f"{server}/postgres".replace("postgres://", "postgresql://"), autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(hashtext('migrated'))")
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            half = sql.Identifier(f"{name}_half")
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(half))
            admin.execute(sql.SQL("CREATE DATABASE {}").format(half))
            subprocess.run(
                [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
                cwd=ROOT,
                env=os.environ | {"DATABASE_URL": f"{server}/{name}_half"},
                check=True,
            )
            admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(half, sql.Identifier(name)))
    return name


def start_copy(data: Path, options: tuple[str, ...]) -> Postgres:
    """A started server at `data` that has the template; quick where the last run left a server to copy."""
    TEMPLATES.mkdir(parents=True, exist_ok=True)
    with (TEMPLATES / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept, ready = TEMPLATES / template_name(), TEMPLATES / f"{template_name()}.ready"
        if not ready.exists():
            _forget_old_ones()
            server = Postgres(kept, options=options)
            server.start()
            try:
                template_on(server.url())
            finally:
                server.stop()
            ready.touch()
        shutil.copytree(kept, data)
        shutil.copy2(f"{kept}.password", f"{data}.password")
    server = Postgres(data, options=options)
    server.start()
    return server


def _forget_old_ones() -> None:
    for left in TEMPLATES.iterdir():
        if left.is_dir():
            shutil.rmtree(left)
        elif left.name != "lock":
            left.unlink()
