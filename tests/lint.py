"""`make lint`: style, types, dependency directions, migrations, and Django's checks with production settings."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Sequence

import tests.engines  # noqa: F401 - prepares the environment that the settings ask for

PYTHON = sys.executable
STEPS: tuple[tuple[str, Sequence[str]], ...] = (
    ("style", ("-m", "ruff", "check", ".")),
    ("format", ("-m", "ruff", "format", "--check", ".")),
    ("types", ("-m", "mypy", ".")),
    ("dependency directions", ("-c", "from importlinter.cli import lint_imports_command as run; run()")),
    ("dead code", ("-m", "tests.dead_code")),
    ("migrations", ("manage.py", "makemigrations", "--check", "--dry-run")),
    ("deployment", ("manage.py", "check", "--deploy", "--fail-level", "WARNING")),
)


def production() -> dict[str, str]:
    """The environment of an installation as the README describes it."""
    kept = {key: value for key, value in os.environ.items() if key != "DJANGO_ALLOW_ASYNC_UNSAFE"}
    return kept | {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "PUBLIC_URL": "https://signalbox.example",
        "ALLOWED_HOSTS": "signalbox.example",
        "CELERY_BROKER_URL": "amqp://signalbox:secret@broker.example//",
        "EMAIL_URL": "smtp+tls://signalbox:secret@mail.example:587",
    }


def main() -> int:
    broken = []
    for name, command in STEPS:
        print(f"— {name}", flush=True)
        env = production() if name == "deployment" else dict(os.environ)
        if subprocess.run([PYTHON, *command], env=env).returncode:
            broken.append(name)
    print(f"Not clean: {', '.join(broken)}." if broken else "Everything is clean.", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
