"""Reads GBFS feeds: from a folder of files, or over HTTP by way of the feed's gbfs.json."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

TIMEOUT_S = 15
MAX_BYTES = 50 * 1024 * 1024
# What an import reads; the other files of a feed are not asked for.
WANTED = ("system_information", "station_information", "geofencing_zones", "vehicle_types")


# What reading an address may end with: no answer, an answer that breaks off or is no HTTP, a body that is no JSON.
UNREADABLE = (OSError, HTTPException, ValueError, RecursionError)


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
    try:
        index = msgspec.json.decode(_get(url))
    except UNREADABLE as error:
        raise CannotRead(f"{url} cannot be read: {error}") from error
    documents = Documents()
    for name, address in _addresses(index).items():
        if name in WANTED:
            try:
                _keep(documents, name, _get(address))
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


def _get(url: str) -> bytes:
    """The body of an http(s) address. Raises one of UNREADABLE."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError(f"{url} is no http address")
    request = urllib.request.Request(url, headers={"User-Agent": "Signalbox", "Accept": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 - the scheme was checked
        body: bytes = response.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise ValueError("it is larger than 50 MiB")
    return body


def _keep(documents: Documents, name: str, body: bytes) -> None:
    try:
        documents.files[name] = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        documents.problems.append((f"{name}.json", f"is no valid JSON: {error}"))
