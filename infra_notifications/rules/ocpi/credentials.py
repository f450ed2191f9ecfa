"""Credentials and endpoints as parties of OCPI exchange them: reading theirs, writing ours."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from core.text import identity_key, one_line
from infra_notifications.rules.ocpi.merging import BadObject
from infra_notifications.rules.vocabulary import object_of, text

HUB = "HUB"
MAX_TOKEN, MAX_URL, MAX_ROLES = 500, 2_000, 5_000
_TOKEN = re.compile(r"[\x21-\x7e]+")
_PARTY = re.compile(r"[A-Z0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a party says of itself: how it is called, where its versions are, and who it is."""

    token: str
    url: str
    roles: list[dict[str, str]]


def read_credentials(body: Any) -> Credentials:
    """Raises BadObject for what is no Credentials object."""
    given = object_of(body)
    token, url = given.get("token"), given.get("url")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token.strip()) or len(token) > MAX_TOKEN:
        raise BadObject("`token` must be printable ASCII without blanks.")
    if not isinstance(url, str) or not url.strip() or len(url) > MAX_URL:
        raise BadObject("`url` must be the address of your versions.")
    roles = given.get("roles")
    if not isinstance(roles, list) or not roles or len(roles) > MAX_ROLES:
        raise BadObject("`roles` must name at least one role.")
    return Credentials(token.strip(), url.strip(), [*_hub(given.get("hub_party_id")), *(_role(role) for role in roles)])


def _hub(hub: Any) -> list[dict[str, str]]:
    """OCPI 2.3.0 says beside the roles that a platform is a hub, by the country code and party id in one."""
    said = identity_key(text(hub))
    country, party = said[:2], said[2:]
    if not _PARTY.fullmatch(party):
        return []
    return [{"role": HUB, "country_code": country, "party_id": party, "name": ""}]


def _role(role: Any) -> dict[str, str]:
    given = object_of(role)
    read = {
        "role": text(given.get("role")).upper()[:20],
        "country_code": identity_key(text(given.get("country_code"))),
        "party_id": identity_key(text(given.get("party_id"))),
        "name": one_line(text(object_of(given.get("business_details")).get("name")))[:100],
    }
    if not read["role"] or len(read["country_code"]) != 2 or not _PARTY.fullmatch(read["party_id"]):
        raise BadObject("Each of `roles` must have `role`, `country_code` and `party_id`.")
    return read


def tokens_of(authorization: str) -> Iterator[str]:
    """What a header `Authorization: Token …` may mean: the token in Base64, as 2.2.1 and later ask, or as it is."""
    scheme, *rest = authorization.split(None, 1)[:2] or [""]
    if scheme.lower() != "token" or not rest:
        return
    token = rest[0].strip()
    # The specification's own example encodes a line feed at the end.
    with contextlib.suppress(binascii.Error, ValueError):
        yield base64.b64decode(token, validate=True).decode().strip()
    yield token


def url_of_version(versions: Any, version: str) -> str:
    """Where a list of versions says that the details of one are; "" where it does not list it."""
    listed = [object_of(one) for one in versions] if isinstance(versions, list) else []
    return next((text_url(one.get("url")) for one in listed if text(one.get("version")) == version), "")


def best_version(versions: Any, ours: Sequence[str]) -> str:
    """The newest of our versions that a list of theirs has; "" where it has none."""
    return next((version for version in sorted(ours, reverse=True) if url_of_version(versions, version)), "")


def locations_url(details: Any) -> str:
    """Where a party's locations can be fetched: its sender interface. "" where it has none."""
    return _endpoint(details, "locations", "RECEIVER")


def credentials_url(details: Any) -> str:
    """Where a party takes credentials; of this module the role says nothing. "" where it has none."""
    return _endpoint(details, "credentials", "")


def _endpoint(details: Any, identifier: str, other_role: str) -> str:
    endpoints = object_of(details).get("endpoints")
    for endpoint in map(object_of, endpoints if isinstance(endpoints, list) else []):
        role = text(endpoint.get("role")).upper()
        if text(endpoint.get("identifier")).lower() == identifier and (not other_role or role != other_role):
            return text_url(endpoint.get("url"))
    return ""


def text_url(value: Any) -> str:
    return value.strip()[:MAX_URL] if isinstance(value, str) else ""
