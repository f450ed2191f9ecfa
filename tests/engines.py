"""A pytest plugin, loaded before everything else: the PostgreSQL, the environment and the clock of the tests.

Without DATABASE_URL an embedded server is started (data under var/tests, nothing is flushed to disk), so that tests
run on what production runs, on a machine that has no PostgreSQL.
"""

from __future__ import annotations

import atexit
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests import other_day

ROOT = Path(__file__).resolve().parent.parent
# Faster, and worthless after a crash: it holds test databases only.
UNSAFE_AND_QUICK = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "max_connections=200",
)


def prepare() -> None:
    """Sets what the settings ask for; an xdist worker inherits it from its parent."""
    os.environ.setdefault("TESTS_BEGAN", datetime.now(UTC).isoformat())
    os.environ.setdefault("SECRET_KEY", "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFG")
    os.environ.setdefault("FIELD_KEY", "b25seS1mb3ItdGVzdHMtMDEyMzQ1Njc4OS1hYmNkZWY=")
    os.environ.setdefault("PUBLIC_URL", "http://testserver")
    os.environ.setdefault("ALLOWED_HOSTS", "testserver,localhost,127.0.0.1")
    os.environ.setdefault("CELERY_BROKER_URL", "filesystem://")
    os.environ.setdefault("EMAIL_URL", "smtp://127.0.0.1:1")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    os.environ.setdefault("DATABASE_POOL_SIZE", "20")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # Django's test client and Playwright's sync API share a thread with an event loop.
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    if "VAR_DIR" not in os.environ:
        os.environ["VAR_DIR"] = tempfile.mkdtemp(prefix="signalbox-tests-")
    elif worker := os.environ.get("PYTEST_XDIST_WORKER"):
        os.environ["VAR_DIR"] = str(Path(os.environ["VAR_DIR"]) / worker)
    for folder in ("queue", "control"):  # the broker's, for what a commit hands to workers
        (Path(os.environ["VAR_DIR"]) / "broker" / folder).mkdir(parents=True, exist_ok=True)
    if "DATABASE_URL" not in os.environ and "bench" not in sys.argv[0]:
        from tests.template import start_copy

        server = start_copy(ROOT / "var" / f"tests-{os.getpid()}", UNSAFE_AND_QUICK)
        os.environ["DATABASE_URL"] = server.url()
        owner = os.getpid()

        def stop() -> None:
            if os.getpid() == owner:
                server.stop()
                server.remove()

        atexit.register(stop)


other_day.travel()
prepare()
