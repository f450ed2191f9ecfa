"""Reads the environment by django-environ and turns every mistake into one sentence that names the variable."""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from collections.abc import Callable, Sequence
from email.utils import parseaddr
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured

from core.email_addresses import ascii_address

T = TypeVar("T")
_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+")
_REQUIRED: Any = object()
_URL_SAFE = str.maketrans("+/", "-_")


def _long(raw: str) -> str:
    if len(raw) < 50 or len(set(raw)) < 5:
        raise ValueError("too short")
    return raw


class Environment:
    """Typed access to the environment; a `.env` file beside manage.py fills in what is not set."""

    def __init__(self, base_dir: Path) -> None:
        # Whoever reads its settings here writes for its own account alone: what the proxy heard, counts, logs.
        os.umask(0o077)
        self._env = environ.Env()
        if (base_dir / ".env").is_file():
            environ.Env.read_env(base_dir / ".env")

    def _read(self, name: str, default: T, parse: Callable[[str], T], form: str) -> T:
        """Raises ImproperlyConfigured with a sentence that names the variable and its form.

        The value is read as it stands: django-environ would take a secret that begins with "$" for another name.
        """
        raw: str = self._env.ENVIRON.get(name, "").strip()
        if not raw:
            if default is _REQUIRED:
                raise ImproperlyConfigured(f"{name} is not set; it must be {form}.")
            return default
        try:
            return parse(raw)
        except (ValueError, KeyError, OSError, ImproperlyConfigured):
            shown = "its value (not shown)" if "SECRET" in name or name.endswith(("_URL", "_KEY")) else repr(raw)
            # Without the cause, which may quote a part of a password.
            raise ImproperlyConfigured(f"{name} must be {form}, not {shown}.") from None

    def text(self, name: str, default: str = _REQUIRED, form: str = "a text") -> str:
        return self._read(name, default, str, form)

    def secret(self, name: str) -> str:
        found: str = self._read(name, _REQUIRED, _long, "a random text of at least 50 characters")
        return found

    def secrets(self, name: str) -> list[str]:
        form = "random texts of at least 50 characters each, with blanks between them"
        return self._read(name, [], lambda raw: [_long(word) for word in raw.split()], form)

    def keys(self, name: str) -> list[str]:
        """Keys of Fernet with commas between them, in either alphabet of Base64."""

        def parse(raw: str) -> list[str]:
            keys = [word.strip().translate(_URL_SAFE) for word in raw.split(",") if word.strip()]
            if not keys or any(len(base64.urlsafe_b64decode(key)) != 32 for key in keys):
                raise ValueError("no key")
            return keys

        form = "one key or more with commas between them, each as `openssl rand -base64 32` prints it"
        found: list[str] = self._read(name, _REQUIRED, parse, form)
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
        def parse(raw: str) -> list[str]:
            words = [word.strip() for word in raw.split(",") if word.strip()]
            if not words:
                raise ValueError("empty")
            return words

        return self._read(name, default, parse, "a list of words with commas between them")

    def some(self, name: str, known: Sequence[str]) -> list[str]:
        words = {word.lower(): word for word in known}
        form = f"some of {', '.join(known)} with commas between them"
        return self._read(name, [], lambda raw: [words[word.strip().lower()] for word in raw.split(",")], form)

    def ports(self, name: str, default: list[int]) -> list[int]:
        def parse(raw: str) -> list[int]:
            found = [int(word) for word in raw.split(",") if word.strip()]
            if not found or not all(0 < port < 65_536 for port in found):
                raise ValueError("no port")
            return found

        return self._read(name, default, parse, "a list of port numbers with commas between them")

    def choice(self, name: str, default: str, known: Sequence[str]) -> str:
        words = {word.lower(): word for word in known}
        return self._read(name, default, lambda raw: words[raw.lower()], f"one of {', '.join(known)}")

    def zone(self, name: str, default: str) -> str:
        return self._read(name, default, lambda raw: ZoneInfo(raw).key, "a time zone such as Europe/Berlin")

    def sender(self, name: str, default: str) -> str:
        """A mail address, with a name before it or without."""

        def parse(raw: str) -> str:
            ascii_address(parseaddr(raw)[1])
            if not raw.isprintable():
                raise ValueError("control characters")
            return raw

        return self._read(name, default, parse, "an address like Signalbox <signalbox@example.org>")

    def addresses(self, name: str) -> list[str]:
        """Bare mail addresses with commas between them; none when it is not set."""

        def parse(raw: str) -> list[str]:
            found = [word.strip() for word in raw.split(",") if word.strip()]
            for address in found:
                ascii_address(address)
            return found

        return self._read(name, [], parse, "a list of mail addresses with commas between them")

    def folder(self, name: str, default: Path) -> Path:
        """A folder, made if there is none."""
        path = self._read(name, default, Path, "a folder")
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ImproperlyConfigured(f"{name} must be a folder that can be made: {path}: {reason}.") from None
        return path

    def networks(self, name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        return self._read(
            name,
            [],
            lambda raw: [ipaddress.ip_network(w.strip()) for w in raw.split(",") if w.strip()],
            "a comma-separated list of networks such as 10.0.0.0/8",
        )

    def url(self, name: str, schemes: tuple[str, ...], default: str = _REQUIRED) -> str:
        def parse(raw: str) -> str:
            parts = urlsplit(raw)
            if parts.scheme not in schemes or parts.port == 0:  # the port raises ValueError when it is no number
                raise ValueError("scheme or port")
            return raw

        form = f"an address that starts with {' or '.join(scheme + '://' for scheme in schemes)}"
        return self._read(name, default, parse, form)

    def bounces(self, name: str) -> str:
        """A domain or an address in ASCII; empty when it is not set."""

        def parse(raw: str) -> str:
            box, _at, domain = ascii_address(raw if "@" in raw else f"b@{raw}").rpartition("@")
            # RFC 5321: 64 octets before the @, of which the number and the signature take 40.
            if len(box) > 24 or "+" in box:
                raise ValueError("the local part is too long, or has a part of its own")
            return f"{box}@{domain}" if "@" in raw else domain

        return self._read(name, "", parse, "a domain like bounces.example.org or an address like bounces@example.org")

    def party(self, name: str, default: str) -> tuple[str, str]:
        """A country code and a party id of OCPI."""

        def parse(raw: str) -> tuple[str, str]:
            country, _star, code = raw.upper().partition("*")
            if not (re.fullmatch(r"[A-Z]{2}", country) and re.fullmatch(r"[A-Z0-9]{3}", code)):
                raise ValueError("no party")
            return country, code

        return self._read(name, parse(default), parse, "a country code and a party id such as DE*SBX")

    def template(self, name: str, default: str, values: Sequence[str]) -> str:
        """A web address with places for these values in braces; empty for `off`."""

        def parse(raw: str) -> str:
            if raw == "off":
                return ""
            if urlsplit(raw.format_map(dict.fromkeys(values, "0"))).scheme not in ("https", "http"):
                raise ValueError("scheme")
            return raw

        places = " and ".join(f"{{{value}}}" for value in values)
        return self._read(name, default, parse, f"an address that starts with https:// and holds {places}, or off")

    def site(self, name: str) -> SplitResult:
        """The address of this installation: scheme, host, maybe a port, nothing else."""

        def parse(raw: str) -> SplitResult:
            parts = urlsplit(raw.rstrip("/"))
            rest = parts.path + parts.query + parts.fragment + (parts.username or "")
            if parts.scheme not in ("https", "http") or not _HOST.fullmatch(parts.hostname or "") or rest:
                raise ValueError("not a site")
            _port = parts.port  # raises ValueError when it is no number
            return parts

        found: SplitResult = self._read(
            name, _REQUIRED, parse, "an address like https://signalbox.example without a path"
        )
        return found

    def database(self, name: str) -> dict[str, Any]:
        """The Django database settings of a `postgres://` address; other engines are refused."""

        def parse(raw: str) -> dict[str, Any]:
            if urlsplit(raw).scheme not in ("postgres", "postgresql"):
                raise ValueError("engine")  # before django-environ warns of it, with the password
            config: dict[str, Any] = environ.Env.db_url_config(raw)
            if not config.get("NAME"):
                raise ValueError("name")
            config.pop("CONN_MAX_AGE", None)  # the pool keeps the connections
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
            if parts.scheme == "smtps":  # encrypted from the first byte, as the port says, not by STARTTLS
                config["EMAIL_USE_TLS"], config["EMAIL_USE_SSL"] = False, True
            config["EMAIL_PORT"] = port or {"smtp": 25, "smtp+tls": 587}.get(parts.scheme, 465)
            return config

        form = "an address like smtp://host:25, smtp+tls://user:password@host:587 or smtp+ssl://user:password@host:465"
        return self._read(name, _REQUIRED, parse, form)
