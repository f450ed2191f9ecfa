"""`make lint`: style, types, dependency directions, migrations, and Django's checks with production settings."""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import tests.engines  # noqa: F401 - prepares the environment that the settings ask for

PYTHON = sys.executable
# Where the programs of the installed packages are.
SCRIPTS = Path(PYTHON).parent
ROOT = Path(__file__).resolve().parent.parent
# Jinja2's templates, named one by one: the folder's formatter leaves them out.
MAILS = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("templates/*/mail/*.html"))
STEPS: tuple[tuple[str, Sequence[str]], ...] = (
    ("style", ("-m", "ruff", "check", ".")),
    ("format", ("-m", "ruff", "format", "--check", ".")),
    ("templates", (str(SCRIPTS / "djangofmt"), "--check", "templates")),
    ("mails", (str(SCRIPTS / "djangofmt"), "--check", "--profile", "jinja", *MAILS)),
    ("style sheets and scripts", (str(SCRIPTS / "oxfmt"), "--check", "static")),
    ("security", ("-m", "tests.audit")),
    ("types", ("-m", "mypy", ".")),
    ("dependency directions", ("-c", "from importlinter.cli import lint_imports_command as run; run()")),
    ("dead code", ("-m", "tests.dead_code")),
    ("guides", ("-m", "mkdocs", "build", "--strict", "--quiet")),
    ("migrations", ("manage.py", "makemigrations", "--check", "--dry-run")),
    ("deployment", ("manage.py", "check", "--deploy", "--fail-level", "WARNING")),
)


def production() -> dict[str, str]:
    """The environment of an installation as docs/administrators.md describes it."""
    kept = {key: value for key, value in os.environ.items() if key != "DJANGO_ALLOW_ASYNC_UNSAFE"}
    return kept | {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "FIELD_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "PUBLIC_URL": "https://signalbox.example",
        "ALLOWED_HOSTS": "signalbox.example",
        "CELERY_BROKER_URL": "amqp://signalbox:secret@broker.example//",
        "EMAIL_URL": "smtp+tls://signalbox:secret@mail.example:587",
    }


def main(names: Sequence[str]) -> int:
    """Runs all steps, or those that are named, and says which are not clean."""
    unknown = set(names) - {name for name, _ in STEPS}
    if unknown:
        print(f"No such step: {', '.join(sorted(unknown))}. There are: {', '.join(name for name, _ in STEPS)}.")
        return 2
    broken = []
    for name, command in STEPS:
        if names and name not in names:
            continue
        print(f"— {name}", flush=True)
        env = production() if name == "deployment" else os.environ | {"NO_MKDOCS_2_WARNING": "1"}
        program = [PYTHON] if command[0].endswith((".py", "-m", "-c")) else []
        if subprocess.run([*program, *command], env=env).returncode:
            broken.append(name)
    print(f"Not clean: {', '.join(broken)}." if broken else "Everything is clean.", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
