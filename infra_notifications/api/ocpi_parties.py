"""Parties of OCPI, for machines: invited with a token A, watched, disabled and deleted."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Status
from pydantic import Field

from core.api import ConfigurationIn, PartialIn, Problem, audited_by, key_of, page_of, serialize
from core.text import shown_url
from infra_notifications.api.base import READ, WRITE, router
from infra_notifications.models import OcpiParty
from infra_notifications.search import OCPI_PARTY_SEARCH
from infra_notifications.services.ocpi import parties as services
from infra_notifications.services.ocpi.connecting import connect, end_registration, rotate
from infra_notifications.services.ocpi.pulls import fetch_soon, pull_soon

_FIELDS = [
    "id",
    "name",
    "state",
    "may_be_hub",
    "version",
    "roles",
    "created_at",
    "registered_at",
    "pulled_at",
    "pull_due_at",
]


class OcpiPartyIn(ConfigurationIn):
    """A party that is to connect by OCPI. Only one that `may_be_hub` may declare that it is one: it then speaks for all
    who are not connected by themselves."""

    name: str = Field(examples=["Charge & Co"])
    may_be_hub: bool = False


class OcpiPartyPatch(PartialIn):
    """What is to change; everything may be left out. While it is not enabled its token is refused."""

    name: str = ""
    may_be_hub: bool = False
    enabled: bool = True


class OcpiConnectIn(ConfigurationIn):
    """Where the party's versions are, and its token A."""

    versions_url: str = Field(examples=["https://ocpi.example/ocpi/cpo/versions"], max_length=2_000)
    token: str = Field(max_length=500)


def serialize_party(party: OcpiParty) -> dict[str, Any]:
    """Of its addresses, which may hold a key, scheme and host."""
    addresses = {name: getattr(party, name, "") for name in ("versions_url", "locations_url")}
    return serialize(party, *_FIELDS) | {
        **{name: shown_url(url) if url else "" for name, url in addresses.items()},
        "enabled": not party.is_disabled,
        "source": party.source_id,
        "last_pull": party.pull_result or None,
        "error": party.pull_error or None,
    }


def _with_token(party: OcpiParty, token: str) -> dict[str, Any]:
    return serialize_party(party) | {"token": token, "url": f"{settings.PUBLIC_URL}/ocpi/versions"}


def _party(party_id: int) -> OcpiParty:
    return get_object_or_404(OcpiParty, pk=party_id)


@router.get("/ocpi-parties", auth=READ, summary="Parties of OCPI")
def list_ocpi_parties(request: HttpRequest, q: str = "", limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    """`source` is the party's number in `/charging/sources`, which counts what it brought."""
    found = OcpiParty.objects.filter(OCPI_PARTY_SEARCH.condition(q))
    return page_of(found, limit=limit, cursor=cursor, shape=serialize_party, descending=False)


@router.post("/ocpi-parties", auth=WRITE, response={201: dict[str, Any]}, summary="Invite a party of OCPI")
def create_ocpi_party(request: HttpRequest, body: OcpiPartyIn) -> Status[dict[str, Any]]:
    """`token` is OCPI's token A, shown this once; with it and `url` the party registers by itself."""
    with audited_by(key_of(request)):
        party, token = services.create_party(name=body.name, may_be_hub=body.may_be_hub, now=timezone.now())
    return Status(201, _with_token(party, token))


@router.get("/ocpi-parties/{party_id}", auth=READ, summary="One party of OCPI")
def get_ocpi_party(request: HttpRequest, party_id: int) -> dict[str, Any]:
    return serialize_party(_party(party_id))


@router.patch("/ocpi-parties/{party_id}", auth=WRITE, summary="Change, disable or enable a party of OCPI")
def patch_ocpi_party(request: HttpRequest, party_id: int, body: OcpiPartyPatch) -> dict[str, Any]:
    party, changes = _party(party_id), body.changes()
    with audited_by(key_of(request)):
        if {"name", "may_be_hub"} & changes.keys():
            said: dict[str, Any] = {"name": party.name, "may_be_hub": party.may_be_hub, **changes}
            services.change_party(party=party, name=said["name"], may_be_hub=said["may_be_hub"])
        if "enabled" in changes:
            services.set_disabled(party=party, disabled=not changes["enabled"], now=timezone.now())
    return serialize_party(_party(party_id))


@router.delete("/ocpi-parties/{party_id}", auth=WRITE, response={204: None}, summary="Delete a party of OCPI")
def delete_ocpi_party(request: HttpRequest, party_id: int) -> Status[None]:
    """It is told that its registration ends. Its charge points stay; what it alone could end is ended."""
    party = _party(party_id)
    with audited_by(key_of(request)):
        end_registration(party=party, now=timezone.now())
        services.delete_party(party=party, now=timezone.now())
    return Status(204, None)


@router.post("/ocpi-parties/{party_id}/token", auth=WRITE, summary="Begin the registration of a party anew")
def invite_ocpi_party_again(request: HttpRequest, party_id: int) -> dict[str, Any]:
    """Its token is dead from now on; the new token A is shown this once."""
    party = _party(party_id)
    with audited_by(key_of(request)):
        token = services.invite_again(party=party, now=timezone.now())
    return _with_token(_party(party_id), token)


@router.post("/ocpi-parties/{party_id}/connect", auth=WRITE, summary="Begin the handshake with a party of OCPI")
def connect_ocpi_party(request: HttpRequest, party_id: int, body: OcpiConnectIn) -> dict[str, Any]:
    """For a party that has sent you its token A and the address of its versions. Then its locations are fetched."""
    party = _party(party_id)
    with audited_by(key_of(request)):
        connect(party=party, versions_url=body.versions_url, token=body.token, now=timezone.now())
    fetch_soon()
    return serialize_party(_party(party_id))


@router.post("/ocpi-parties/{party_id}/rotate", auth=WRITE, summary="Exchange new tokens with a party of OCPI")
def rotate_ocpi_party(request: HttpRequest, party_id: int) -> dict[str, Any]:
    """In both directions; the old ones open until the new ones were used."""
    party = _party(party_id)
    with audited_by(key_of(request)):
        rotate(party=party, now=timezone.now())
    return serialize_party(_party(party_id))


@router.post("/ocpi-parties/{party_id}/unregister", auth=WRITE, summary="End the registration of a party of OCPI")
def unregister_ocpi_party(request: HttpRequest, party_id: int) -> dict[str, Any]:
    """Here, and there by DELETE; `not_told` says why the other side could not be told."""
    party = _party(party_id)
    with audited_by(key_of(request)):
        error = end_registration(party=party, now=timezone.now())
    return serialize_party(_party(party_id)) | {"not_told": error or None}


@router.post("/ocpi-parties/{party_id}/pull", auth=WRITE, summary="Compare all locations of a party now")
def pull_ocpi_party(request: HttpRequest, party_id: int) -> dict[str, Any]:
    """They are fetched within a minute, as they are every night. 409 for a party that is not connected."""
    if not pull_soon(party_id=_party(party_id).pk, now=timezone.now()):
        raise Problem(409, "The party is not connected; it has to register first.")
    return serialize_party(_party(party_id))
