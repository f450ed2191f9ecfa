"""A start with the environment of a real installation, and what a start says that lacks something. Real processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engines import ROOT
from tests.lint import production

# Read as Django reads them; none of the applications need be loaded for that.
PRINT = "import json; from django.conf import settings as s; print(json.dumps({n: getattr(s, n) for n in {names}}))"


def start(tmp_path: Path, *words: str, **changed: str) -> subprocess.CompletedProcess[str]:
    """Python with these words, in the environment of an installation with some variables changed."""
    env = production() | {"VAR_DIR": str(tmp_path), "METRICS_DIR": "", "LOG_LEVEL": "WARNING"} | changed
    env.pop("PROMETHEUS_MULTIPROC_DIR", None)
    return subprocess.run([sys.executable, *words], cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def manage(tmp_path: Path, *words: str, **changed: str) -> subprocess.CompletedProcess[str]:
    return start(tmp_path, "manage.py", *words, **changed)


def settings_of(tmp_path: Path, *names: str, **changed: str) -> dict[str, Any]:
    """Settings as a process in this environment sees them."""
    code = PRINT.replace("{names}", repr(names))
    done = start(tmp_path, "-c", code, DJANGO_SETTINGS_MODULE="config.settings", **changed)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", ["SECRET_KEY", "PUBLIC_URL", "DATABASE_URL", "CELERY_BROKER_URL", "EMAIL_URL"])
def test_a_start_without_a_variable_names_it(tmp_path: Path, name: str) -> None:
    done = manage(tmp_path, "check", **{name: ""})
    assert done.returncode == 1
    assert done.stderr.startswith(f"Signalbox cannot start: {name} is not set; it must be ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "too-short-hunter2"),
        ("DATABASE_URL", "postgres://user:hunter2@host:port/name"),
        ("EMAIL_URL", "smtp://user:hunter2#@host"),
        ("DEBUG", "perhaps"),
        ("TIME_ZONE", "Mars/Base"),
        ("LOG_LEVEL", "loud"),
        ("VAR_DIR", "/dev/null/below"),
    ],
)
def test_a_start_with_a_wrong_value_names_its_variable(tmp_path: Path, name: str, value: str) -> None:
    done = manage(tmp_path, "check", **{name: value})
    assert done.returncode == 1
    assert done.stderr.startswith(f"Signalbox cannot start: {name} must be ")
    assert done.stderr.count("\n") == 1
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("words", [("-c", "import config.wsgi"), ("-m", "celery", "-A", "config", "worker")])
def test_web_and_worker_say_it_too_without_the_secret(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = start(tmp_path, *words, EMAIL_URL="smtp://user:hunter2#@host")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "EMAIL_URL must be an address like" in said
    assert "hunter2" not in said


def test_django_finds_nothing_to_better_in_production(tmp_path: Path) -> None:
    listed = tmp_path / "breached.txt"
    listed.write_text(f"{'A' * 40}:3\n")
    done = manage(tmp_path, "check", "--deploy", "--fail-level", "DEBUG", BREACHED_PASSWORDS=str(listed))
    assert done.returncode == 0, done.stderr
    assert "no issues (1 silenced)" in done.stdout


def test_the_public_address_decides_hosts_cookies_and_encryption(tmp_path: Path) -> None:
    names = (
        "DEBUG",
        "ALLOWED_HOSTS",
        "CSRF_TRUSTED_ORIGINS",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_SECONDS",
        "SECURE_PROXY_SSL_HEADER",
        "DEFAULT_FROM_EMAIL",
    )
    assert settings_of(tmp_path, *names, PUBLIC_URL="https://box.example:8443/", ALLOWED_HOSTS="") == {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["box.example"],
        "CSRF_TRUSTED_ORIGINS": ["https://box.example:8443"],
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31536000,
        "SECURE_PROXY_SSL_HEADER": None,
        "DEFAULT_FROM_EMAIL": "Signalbox <signalbox@box.example>",
    }


def test_without_encryption_no_browser_is_told_to_insist_on_it(tmp_path: Path) -> None:
    names = (
        "ALLOWED_HOSTS",
        "SESSION_COOKIE_SECURE",
        "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_SECONDS",
        "SECURE_PROXY_SSL_HEADER",
    )
    found = settings_of(tmp_path, *names, PUBLIC_URL="http://[::1]:8000", ALLOWED_HOSTS="", TRUSTED_PROXIES="1")
    assert found == {
        "ALLOWED_HOSTS": ["[::1]"],
        "SESSION_COOKIE_SECURE": False,
        "SECURE_SSL_REDIRECT": False,
        "SECURE_HSTS_SECONDS": 0,
        # Only proxies that are trusted may say that a request was encrypted.
        "SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "https"],
    }
