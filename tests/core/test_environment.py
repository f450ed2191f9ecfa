"""Every mistake in the environment is one sentence that names the variable, and shows no secret."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment

SECRET = "$k-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMN"
Read = Callable[[Environment], Any]
READERS: dict[str, Read] = {
    "text": lambda env: env.text("X", "default"),
    "secret": lambda env: env.secret("X"),
    "flag": lambda env: env.flag("X", True),
    "number": lambda env: env.number("X", 5, least=1),
    "words": lambda env: env.words("X", ["a"]),
    "choice": lambda env: env.choice("X", "json", ("json", "Console")),
    "zone": lambda env: env.zone("X", "UTC"),
    "sender": lambda env: env.sender("X", "a@b.example"),
    "networks": lambda env: env.networks("X"),
    "ports": lambda env: env.ports("X", [443]),
    "url": lambda env: env.url("X", ("redis", "amqp")),
    "site": lambda env: env.site("X").geturl(),
    "database": lambda env: env.database("X"),
    "email": lambda env: env.email("X"),
}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Reads a variable of this kind from an environment in which it has this value."""

    def reading(kind: str, value: str | None) -> Any:
        monkeypatch.delenv("X", raising=False)
        if value is not None:
            monkeypatch.setenv("X", value)
        return READERS[kind](Environment(tmp_path))

    return reading


@pytest.mark.parametrize(
    ("kind", "value", "meant"),
    [
        ("text", " a ", "a"),
        ("text", "$HOME", "$HOME"),
        ("secret", SECRET, SECRET),
        ("flag", "TRUE", True),
        ("flag", "off", False),
        ("flag", "1", True),
        ("number", "7", 7),
        ("words", " a, b ,,c", ["a", "b", "c"]),
        ("choice", "console", "Console"),
        ("zone", "Europe/Berlin", "Europe/Berlin"),
        ("sender", "Signalbox Köln <box@köln.example>", "Signalbox Köln <box@köln.example>"),
        ("sender", "box@localhost", "box@localhost"),
        ("networks", "10.0.0.0/8, ::1/128", [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1/128")]),
        ("networks", "192.0.2.7", [ipaddress.ip_network("192.0.2.7/32")]),
        ("ports", "443, 8443", [443, 8443]),
        ("url", "redis://broker:6379/0", "redis://broker:6379/0"),
        ("site", "https://signalbox.example/", "https://signalbox.example"),
        ("site", "http://[::1]:8000", "http://[::1]:8000"),
        ("site", "https://köln.example", "https://köln.example"),
    ],
)
def test_a_value_is_read(read: Callable[..., Any], kind: str, value: str, meant: Any) -> None:
    assert read(kind, value) == meant


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        ("text", "default"),
        ("flag", True),
        ("number", 5),
        ("words", ["a"]),
        ("choice", "json"),
        ("zone", "UTC"),
        ("sender", "a@b.example"),
        ("networks", []),
        ("ports", [443]),
    ],
)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_what_is_not_set_has_its_default(read: Callable[..., Any], kind: str, default: Any, value: str | None) -> None:
    assert read(kind, value) == default


@pytest.mark.parametrize("kind", ["secret", "url", "site", "database", "email"])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_what_must_be_set_is_named(read: Callable[..., Any], kind: str, value: str | None) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^X is not set; it must be .+\.$"):
        read(kind, value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("secret", "short"),
        ("secret", "a" * 60),
        ("flag", "maybe"),
        ("flag", "2"),
        ("number", "many"),
        ("number", "0"),
        ("number", "1.5"),
        ("number", "-3"),
        ("words", ","),
        ("choice", "xml"),
        ("zone", "Mars/Base"),
        ("zone", "../../etc/passwd"),
        ("zone", "Europe"),
        ("zone", "/etc/localtime"),
        ("sender", "nobody"),
        ("sender", "Box <@example.org>"),
        ("sender", "a@b.example\nBcc: c@d.example"),
        ("networks", "10.0.0.0/33"),
        ("networks", "10.0.0.1/8"),
        ("networks", "everything"),
        ("ports", "https"),
        ("ports", "0"),
        ("ports", "443,65536"),
        ("ports", ","),
        ("url", "http://x"),
        ("url", "redis://host:port"),
        ("url", "redis://host:99999"),
        ("url", "//host"),
        ("site", "signalbox.example"),
        ("site", "ftp://signalbox.example"),
        ("site", "https://"),
        ("site", "https://host:port"),
        ("site", "https://host/path"),
        ("site", "https://host?x"),
        ("site", "https://user@host"),
        ("site", "https://[::1"),
        ("site", "https://ho st"),
        ("database", "sqlite:///db"),
        ("database", "mysql://u:p@h/db"),
        ("database", "postgres://u:p@h"),
        ("database", "postgres://u:p@h:port/db"),
        ("database", "db"),
        ("email", "mail.example"),
        ("email", "http://mail.example"),
        ("email", "smtp://"),
        ("email", "smtp://user:pa#ss@mail.example:25"),
        ("email", "smtp://mail.example:port"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_variable(read: Callable[..., Any], kind: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        read(kind, value)
    sentence = str(caught.value)
    assert sentence.startswith("X must be ")
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "EMAIL_URL", "CELERY_BROKER_URL", "MY_SECRET"])
def test_no_secret_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recwarn: pytest.WarningsRecorder, name: str
) -> None:
    monkeypatch.setenv(name, "smtp://user:hunter2#x@host:25/x")
    env = Environment(tmp_path)
    recwarn.clear()
    for reader in (env.secret, env.database, env.email, lambda n: env.url(n, ("amqp",))):
        with pytest.raises(ImproperlyConfigured) as caught:
            reader(name)
        assert "hunter2" not in str(caught.value)
        assert "not shown" in str(caught.value)
        # What Python would print below the sentence quotes nothing either.
        assert caught.value.__suppress_context__
    assert not any("hunter2" in str(warning.message) for warning in recwarn)


def test_a_plain_value_is_shown(read: Callable[..., Any]) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^X must be a whole number, at least 1, not 'many'\.$"):
        read("number", "many")


def test_a_database_address_is_django_s_settings(read: Callable[..., Any]) -> None:
    found = read("database", "postgres://us%40er:p%23%2F%24@db.example:5433/box?sslmode=require&conn_max_age=60")
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"]) == ("us@er", "p#/$", "db.example", 5433)
    assert found["NAME"] == "box"
    assert found["OPTIONS"] == {"sslmode": "require"}
    assert "CONN_MAX_AGE" not in found


def test_a_database_may_answer_on_a_socket(read: Callable[..., Any]) -> None:
    assert read("database", "postgres://user@%2Fvar%2Frun%2Fpg/box")["HOST"] == "/var/run/pg"


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp://mail.example", 25, False, False),
        ("smtp://mail.example:2525", 2525, False, False),
        ("smtp+tls://mail.example", 587, True, False),
        ("smtp+ssl://mail.example", 465, False, True),
        ("smtps://mail.example", 465, False, True),
    ],
)
def test_a_mail_address_says_how_it_is_encrypted(
    read: Callable[..., Any], url: str, port: int, tls: bool, ssl: bool
) -> None:
    found = read("email", url)
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("mail.example", port)
    assert (found.get("EMAIL_USE_TLS", False), found.get("EMAIL_USE_SSL", False)) == (tls, ssl)


def test_a_mail_login_may_hold_any_sign(read: Callable[..., Any]) -> None:
    found = read("email", "smtp+tls://box%40example.org:p%40%3A%23$@mail.example")
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("box@example.org", "p@:#$")


def test_a_folder_is_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("X", str(tmp_path / "a" / "b c"))
    assert Environment(tmp_path).folder("X", tmp_path).is_dir()
    monkeypatch.delenv("X")
    assert Environment(tmp_path).folder("X", tmp_path / "default") == tmp_path / "default"


def test_a_folder_that_cannot_be_made_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("X", str(tmp_path / "file" / "below"))
    with pytest.raises(ImproperlyConfigured, match=r"^X must be a folder that can be made: .*Not a directory\.$"):
        Environment(tmp_path).folder("X", tmp_path)


def test_a_file_beside_the_project_fills_in_what_is_not_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("X_SET", "from outside")
    monkeypatch.setenv("X_OPEN", "")
    monkeypatch.delenv("X_OPEN")
    (tmp_path / ".env").write_text("X_SET=from the file\nX_OPEN='$from the file'\n")
    env = Environment(tmp_path)
    assert env.text("X_SET") == "from outside"
    assert env.text("X_OPEN") == "$from the file"
