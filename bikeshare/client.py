"""Reads GBFS feeds: from a folder of files, or over HTTP by way of the feed's gbfs.json.

A gbfs.json names further addresses, and anybody may have written it: each is judged as that of a webhook is, but that
feeds may be behind plain http.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from core.text import one_line
from outbox.services.webhooks import policy_from_settings
from outbox.transports.webhook.http import BlockingClient, Unreachable
from outbox.transports.webhook.targets import Policy

MAX_BYTES = 50 * 1024 * 1024
# What an import reads; the other files of a feed are not asked for.
WANTED = ("system_information", "station_information", "geofencing_zones", "vehicle_types")


# What reading an address may end with: none that may be called (a ValueError), no answer, a body that is no JSON.
UNREADABLE = (Unreachable, ValueError, RecursionError)
HEADERS = {"User-Agent": "Signalbox", "Accept": "application/json"}


class CannotRead(Exception):
    """A feed that cannot be read at all: a sentence that says why."""


@dataclass
class Documents:
    """A feed's files by name, and what is wrong with those that could not be read."""

    files: dict[str, Any] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)


def read_feed(source: str) -> Documents:
    """The files of a feed. `source` is a folder or the http(s) address of a gbfs.json. Raises CannotRead."""
    if urlsplit(source).scheme in ("http", "https"):
        return _read_url(source)
    folder = Path(source)
    if not folder.is_dir():
        raise CannotRead(f"{source} is neither a folder nor an http address.")
    return _read_folder(folder)


def _read_folder(folder: Path) -> Documents:
    """In a folder the files are found by their names: the addresses in a copied gbfs.json lead elsewhere."""
    documents = Documents()
    for name in WANTED:
        path = folder / f"{name}.json"
        if path.is_file():
            _keep(documents, name, path.read_bytes())
    if not documents.files and not documents.problems:
        raise CannotRead(f"{folder} holds none of {', '.join(f'{name}.json' for name in WANTED)}.")
    return documents


def _read_url(url: str) -> Documents:
    documents = Documents()
    with BlockingClient(_policy()) as client:
        try:
            index = msgspec.json.decode(_get(client, url))
        except UNREADABLE as error:
            raise CannotRead(f"{url} cannot be read: {error}") from error
        for name, address in _addresses(index).items():
            if name in WANTED:
                try:
                    _keep(documents, name, _get(client, address))
                except UNREADABLE as error:
                    documents.problems.append((f"{name}.json", f"{address} cannot be read: {error}"))
    if not documents.files and not documents.problems:
        raise CannotRead(f"{url} names none of {', '.join(WANTED)}; is it a gbfs.json?")
    return documents


def _addresses(index: Any) -> dict[str, str]:
    """File name → address; of version 2 those of the first language, of version 3 there is one list."""
    data = index.get("data") if isinstance(index, Mapping) else None
    if not isinstance(data, Mapping):
        return {}
    groups = [data] if "feeds" in data else [group for group in data.values() if isinstance(group, Mapping)]
    feeds = groups[0].get("feeds") if groups else None
    return {
        str(entry["name"]): str(entry["url"])
        for entry in (feeds if isinstance(feeds, list) else ())
        if isinstance(entry, Mapping) and "name" in entry and "url" in entry
    }


def _policy() -> Policy:
    policy = policy_from_settings()
    return replace(policy, schemes={"http", *policy.schemes}, ports={80, *policy.ports})


def _get(client: BlockingClient, url: str) -> bytes:
    """The body of an http(s) address. Raises one of UNREADABLE."""
    answer = client.ask("GET", url, HEADERS, MAX_BYTES)
    if answer.status != 200:
        moved = "" if answer.is_inside else one_line(answer.headers.get("location", ""))[:200]
        raise Unreachable(f"HTTP {answer.status}" + (f"; it is now at {moved}" if moved else ""))
    return answer.body


def _keep(documents: Documents, name: str, body: bytes) -> None:
    try:
        documents.files[name] = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        documents.problems.append((f"{name}.json", f"is no valid JSON: {error}"))
