"""Reads the environment by django-environ and turns every mistake into one sentence that names the variable."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
_REQUIRED: Any = object()


class Environment:
    """Typed access to the environment; a `.env` file beside manage.py fills in what is not set."""

    def __init__(self, base_dir: Path) -> None:
        self._env = environ.Env()
        if (base_dir / ".env").is_file():
            environ.Env.read_env(base_dir / ".env")

    def _read(self, name: str, default: T, parse: Callable[[str], T], form: str) -> T:
        """Raises ImproperlyConfigured with a sentence that names the variable and its form."""
        raw: str = self._env.str(name, default="").strip()
        if not raw:
            if default is _REQUIRED:
                raise ImproperlyConfigured(f"{name} is not set; it must be {form}.")
            return default
        try:
            return parse(raw)
        except (ValueError, KeyError, ImproperlyConfigured) as error:
            shown = "its value (not shown)" if "SECRET" in name or name.endswith("_URL") else repr(raw)
            raise ImproperlyConfigured(f"{name} must be {form}, not {shown}.") from error

    def text(self, name: str, default: str = _REQUIRED, form: str = "a text") -> str:
        return self._read(name, default, str, form)

    def secret(self, name: str) -> str:
        def parse(raw: str) -> str:
            if len(raw) < 50 or len(set(raw)) < 5:
                raise ValueError("too short")
            return raw

        found: str = self._read(name, _REQUIRED, parse, "a random text of at least 50 characters")
        return found

    def flag(self, name: str, default: bool) -> bool:
        words = {"1": True, "true": True, "yes": True, "on": True}
        words |= {"0": False, "false": False, "no": False, "off": False}
        return self._read(name, default, lambda raw: words[raw.lower()], "true or false")

    def number(self, name: str, default: int, *, least: int = 0) -> int:
        def parse(raw: str) -> int:
            value = int(raw)
            if value < least:
                raise ValueError("too small")
            return value

        return self._read(name, default, parse, f"a whole number, at least {least}")

    def words(self, name: str, default: list[str]) -> list[str]:
        return self._read(name, default, lambda raw: [w.strip() for w in raw.split(",") if w.strip()], "a list")

    def networks(self, name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        return self._read(
            name,
            [],
            lambda raw: [ipaddress.ip_network(w.strip()) for w in raw.split(",") if w.strip()],
            "a comma-separated list of networks such as 10.0.0.0/8",
        )

    def url(self, name: str, schemes: tuple[str, ...], default: str = _REQUIRED) -> str:
        def parse(raw: str) -> str:
            if urlsplit(raw).scheme not in schemes:
                raise ValueError("scheme")
            return raw

        return self._read(
            name, default, parse, f"an address that starts with {' or '.join(s + '://' for s in schemes)}"
        )

    def database(self, name: str) -> dict[str, Any]:
        """The Django database settings of a `postgres://` address; other engines are refused."""

        def parse(raw: str) -> dict[str, Any]:
            config: dict[str, Any] = environ.Env.db_url_config(raw)
            if config.get("ENGINE") != "django.db.backends.postgresql" or not config.get("NAME"):
                raise ValueError("engine")
            config["HOST"] = unquote(config.get("HOST") or "")  # a socket's folder, as libpq writes it: %2Fvar%2Frun
            return config

        return self._read(name, _REQUIRED, parse, "an address like postgres://user:password@host:5432/name")

    def email(self, name: str) -> dict[str, Any]:
        """Django's EMAIL_* values of an `smtp://`, `smtp+tls://` (STARTTLS) or `smtp+ssl://` address."""

        def parse(raw: str) -> dict[str, Any]:
            parts = urlsplit(raw)
            if parts.scheme not in ("smtp", "smtp+tls", "smtp+ssl", "smtps") or not parts.hostname:
                raise ValueError("scheme")
            port = parts.port  # raises ValueError when it is no number
            config: dict[str, Any] = environ.Env.email_url_config(raw)
            config["EMAIL_PORT"] = port or {"smtp": 25, "smtp+tls": 587}.get(parts.scheme, 465)
            return config

        form = "an address like smtp://host:25, smtp+tls://user:password@host:587 or smtp+ssl://user:password@host:465"
        return self._read(name, _REQUIRED, parse, form)
