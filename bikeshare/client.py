"""Reads GBFS feeds: from a folder of files, or over HTTP by way of the feed's gbfs.json.

A gbfs.json names further addresses, and anybody may have written it: each is judged as that of a webhook is, but that
feeds may be behind plain http.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec

from bikeshare.ingest.areas import zones_of_areas
from core.pieces import why_malformed
from core.text import clean_json, one_line, shown_url
from outbox.services.webhooks import policy_from_settings
from outbox.transports.webhook.http import Answer, BlockingClient, Unreachable
from outbox.transports.webhook.targets import Forbidden, Policy, parse_target

MAX_BYTES = 50 * 1024 * 1024
# What an import reads; the other files of a feed are not asked for.
WANTED = ("system_information", "station_information", "station_status", "geofencing_zones", "vehicle_types")
# The large ones are asked for only if they changed since the tags that are known; the others say how to read them.
CONDITIONAL = ("station_information", "station_status", "geofencing_zones")


# What reading an address may end with: none that may be called (a ValueError), no answer, a body that is no JSON.
UNREADABLE = (Unreachable, ValueError, RecursionError)
HEADERS = {"User-Agent": "Signalbox", "Accept": "application/json", "Accept-Encoding": "gzip"}
_ASKED_BY = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
Tags = dict[str, dict[str, str]]


class CannotRead(Exception):
    """A feed that cannot be read at all: a sentence that says why."""


@dataclass
class Documents:
    """A feed's files by name, and what is wrong with those that could not be read."""

    files: dict[str, Any] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    # By address what its server said by which a change is known, and the files that did not change since the last tags.
    tags: Tags = field(default_factory=dict)
    unchanged: set[str] = field(default_factory=set)


def read_feed(source: str, tags: Tags | None = None, language: str = "") -> Documents:
    """The files of a feed, of several languages those of this one. `source` is a folder, or the http(s) address of a
    gbfs.json, of GeoJSON, or of MDS geographies; in place of the folder a file of one of the latter. Raises CannotRead.
    """
    if urlsplit(source).scheme in ("http", "https"):
        return _read_url(source, tags or {}, language)
    folder = Path(source)
    if folder.is_file():
        documents = Documents()
        _keep(documents, "geofencing_zones", folder.read_bytes())
        zones = zones_of_areas(documents.files.get("geofencing_zones"))
        if zones is None:
            raise CannotRead(f"{source} holds neither GeoJSON nor MDS geographies.")
        return Documents({"geofencing_zones": zones})
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


def _read_url(url: str, tags: Tags, language: str) -> Documents:
    documents = Documents()
    with BlockingClient(_policy()) as client:
        try:
            index = msgspec.json.decode(clean_json(_get(client, url).body))
        except UNREADABLE as error:
            raise CannotRead(f"{shown_url(url)} cannot be read: {why_malformed(error)}") from error
        if (zones := zones_of_areas(index)) is not None:
            return Documents({"geofencing_zones": zones})
        for name, address in _addresses(index, url, language).items():
            if name in WANTED:
                try:
                    answer = _get(client, address, tags.get(address, {}) if name in CONDITIONAL else {})
                    if answer.status == 304:
                        documents.unchanged.add(name)
                        documents.tags[address] = tags[address]
                        continue
                    documents.tags[address] = {key: answer.headers[key] for key in _ASKED_BY if key in answer.headers}
                    _keep(documents, name, answer.body)
                except UNREADABLE as error:
                    documents.problems.append(
                        (f"{name}.json", f"{_shown(address)} cannot be read: {why_malformed(error)}")
                    )
    if not documents.files and not documents.problems and not documents.unchanged:
        raise CannotRead(f"{shown_url(url)} names none of {', '.join(WANTED)}; is it a gbfs.json?")
    return documents


def _addresses(index: Any, url: str, language: str) -> dict[str, str]:
    """File name → address, whole or seen from the index; of version 2 those of the language, else of the first, of
    version 3 there is one list."""
    data = index.get("data") if isinstance(index, Mapping) else None
    if not isinstance(data, Mapping):
        return {}
    groups = {"": data} if "feeds" in data else {str(key)[:2].lower(): group for key, group in data.items()}
    groups = {key: group for key, group in groups.items() if isinstance(group, Mapping)}
    feeds = groups.get(language[:2].lower(), next(iter(groups.values()), {})).get("feeds")
    return {
        str(entry["name"]): urljoin(url, str(entry["url"]))
        for entry in (feeds if isinstance(feeds, list) else ())
        if isinstance(entry, Mapping) and "name" in entry and "url" in entry
    }


def check_address(url: str) -> None:
    """Raises CannotRead for what is no address of the web, and for one that may not be asked."""
    try:
        parse_target(url, _policy())
    except Forbidden as error:
        raise CannotRead(str(error)) from error


def _policy() -> Policy:
    policy = policy_from_settings()
    return replace(policy, schemes={"http", *policy.schemes}, ports={80, *policy.ports})


def _get(client: BlockingClient, url: str, tags: Mapping[str, str] | None = None) -> Answer:
    """What an http(s) address holds, or that it is unchanged (304) since the tags. Raises one of UNREADABLE."""
    asked = {_ASKED_BY[name]: value for name, value in (tags or {}).items()}
    answer = client.ask("GET", url, HEADERS | asked, MAX_BYTES)
    if answer.status == 304 and asked:
        return answer
    if answer.status != 200:
        moved = "" if answer.is_inside else answer.headers.get("location", "")
        raise Unreachable(f"HTTP {answer.status}" + (f"; it is now at {_shown(moved)}" if moved else ""))
    return replace(answer, body=_unpacked(answer.body, answer.headers.get("content-encoding", "")))


def _shown(address: str) -> str:
    """Of an address that somebody else named what people may read."""
    with suppress(ValueError):
        return one_line(shown_url(address))[:200] if urlsplit(address).netloc else "***"
    return "***"


def _unpacked(body: bytes, encoding: str) -> bytes:
    """A body that is packed by gzip or deflate, whether or not its headers say so; of the latter some leave out the
    head. Raises Unreachable for one that is too large."""
    if body.startswith(b"\x1f\x8b"):
        bits = zlib.MAX_WBITS | 16
    elif body[:1] == b"\x78":
        bits = zlib.MAX_WBITS
    elif "deflate" in encoding.lower() and body.lstrip()[:1] not in (b"{", b"["):
        bits = -zlib.MAX_WBITS
    else:
        return body
    reader = zlib.decompressobj(bits)
    try:
        unpacked = reader.decompress(body, MAX_BYTES)
    except zlib.error as error:
        raise Unreachable("what came is packed and cannot be unpacked") from error
    if reader.unconsumed_tail or not reader.eof:
        raise Unreachable("what came is packed, and too large or broken off")
    return unpacked


def _keep(documents: Documents, name: str, body: bytes) -> None:
    try:
        documents.files[name] = msgspec.json.decode(clean_json(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        documents.problems.append((f"{name}.json", f"is no valid JSON: {why_malformed(error)}"))
