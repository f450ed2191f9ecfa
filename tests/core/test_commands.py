"""The console's commands: doctor, create_api_key, load_demo."""

from __future__ import annotations

import json
from datetime import datetime
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from core import health
from core.health import Finding
from core.models import ApiKey
from core.registry import Registry
from core.selectors import find_api_key
from core.services import show_life
from tests.core.test_settings import manage
from tests.mailserver import MailServer

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out, no_color=True)
    return out.getvalue()


# ---- doctor -----------------------------------------------------------------------------------------------------


def test_the_doctor_says_that_all_is_well(smtp: MailServer) -> None:
    for part in ("worker", "beat"):
        show_life(part=part, now=timezone.now())
    said = run("doctor")
    assert said.endswith("All is well.\n")
    for name in ("database", "migrations", "broker", "worker", "beat", "mail server", "deliveries"):
        assert f"works  {name}" in said


def test_the_doctor_names_what_does_not_work() -> None:
    out = StringIO()
    with pytest.raises(CommandError, match=r"^Not all is well: worker, beat, mail server\.$") as caught:
        call_command("doctor", stdout=out, no_color=True)
    assert caught.value.returncode == 1
    assert "works  database" in out.getvalue()
    assert "FAILS  worker" in out.getvalue()
    assert "has never shown life" in out.getvalue()


def test_the_doctor_stands_in_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fine(_now: datetime) -> Finding:
        return Finding(True, "fine")

    checks = {name: health.Check(name, fine) for name in ("a", "a long name")}
    monkeypatch.setattr(health, "checks", Registry("health check", checks))
    assert run("doctor").splitlines()[:2] == ["works  a            fine", "works  a long name  fine"]


def test_the_doctor_works_without_a_database(tmp_path: object) -> None:
    done = manage(tmp_path, "doctor", DATABASE_URL="postgres://u:hunter2@127.0.0.1:9/x")  # type: ignore[arg-type]
    assert done.returncode == 1
    assert "FAILS  database" in done.stdout
    assert "refused" in done.stdout
    assert "Not all is well: database," in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


# ---- create_api_key ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("--scope", "charging:write", "outbox:read"),
        ("--scope", "charging:write", "--scope", "outbox:read"),
        ("--scope", "charging:write,outbox:read"),
        ("--scope", "outbox:read", "charging:write", "outbox:read"),
    ],
)
def test_a_key_is_made_and_printed_alone(words: tuple[str, ...]) -> None:
    plain = run("create_api_key", "CSMS", *words)
    assert plain.endswith("\n")
    key = find_api_key(plain.strip(), timezone.now())
    assert key is not None
    assert (key.name, key.scopes) == ("CSMS", ["charging:write", "outbox:read"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("CSMS",), "Name at least one scope. The scopes are: charging:write"),
        (("CSMS", "--scope", "root"), "Unknown scope root. The scopes are: charging:write"),
        (("CSMS", "--scope", "outbox:read,,"), "Unknown scope ."),
        (("taken", "--scope", "outbox:read"), "There is a key named “taken” already."),
        (("", "--scope", "outbox:read"), "Give the key a name of at most 100 characters."),
        (("x" * 101, "--scope", "outbox:read"), "Give the key a name of at most 100 characters."),
    ],
)
def test_a_key_that_cannot_be_made_says_why(words: tuple[str, ...], said: str) -> None:
    run("create_api_key", "Taken", "--scope", "outbox:read")
    with pytest.raises(CommandError) as caught:
        run("create_api_key", *words)
    assert str(caught.value).startswith(said)
    assert ApiKey.objects.count() == 1


# ---- load_demo --------------------------------------------------------------------------------------------------


def test_the_demo_is_loaded_in_the_demo_alone() -> None:
    with pytest.raises(CommandError, match="This is not the demo"):
        run("load_demo")
    assert not User.objects.exists()


def test_the_demo_goes_on_where_it_was(settings: Settings) -> None:
    settings.DEMO = True
    logins = {"operator": "first-word", "admin": "second-word", "viewer": "third-word"}
    first = json.loads(run("load_demo", "--logins", json.dumps(logins)))["api_key"]
    again = json.loads(run("load_demo", "--logins", json.dumps(logins), "--api-key", first))["api_key"]
    assert again == first
    assert ApiKey.objects.count() == 1
    for name, password in logins.items():
        user = User.objects.get(username=name)
        assert user.check_password(password)
        assert user.is_superuser == (name == "admin")


def test_a_demo_that_forgot_its_key_gets_a_new_one(settings: Settings) -> None:
    settings.DEMO = True
    first, second = (json.loads(run("load_demo"))["api_key"] for _ in range(2))
    assert first != second
    assert find_api_key(first, timezone.now()) is None
    assert find_api_key(second, timezone.now()) is not None
