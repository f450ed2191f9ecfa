"""Parties of OCPI: made by an administrator, registered by their own handshake, disabled and deleted."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.refusal import Refused
from core.services import digest_of
from infra_notifications.choices import OcpiPartyState
from infra_notifications.models import OcpiParty
from infra_notifications.rules.ocpi.credentials import (
    HUB,
    Credentials,
    locations_url,
    read_credentials,
    tokens_of,
    url_of_version,
)
from infra_notifications.rules.ocpi.merging import BadObject
from infra_notifications.services.ocpi.peers import Peer, PeerError
from infra_notifications.services.ocpi.statuses import forget_party

MAX_NAME = 100
CANNOT_USE_API, UNSUPPORTED_VERSION, NO_ENDPOINTS = 3001, 3002, 3003


def _new_token() -> str:
    """256 random bits in letters that no encoding changes; OCPI allows 64 characters."""
    return secrets.token_urlsafe(32)


def create_party(*, name: str, now: datetime) -> tuple[OcpiParty, str]:
    """Makes a party and returns it with its token A, which is shown this once. Raises Refused for a bad name."""
    token = _new_token()
    party = OcpiParty(name=_clean_name(name), token_digest=digest_of(token), created_at=now)
    _save_named(party)
    return party, token


def rename_party(*, party: OcpiParty, name: str) -> None:
    """Raises Refused for a bad name."""
    party.name = _clean_name(name)
    _save_named(party, ["name"])


def _clean_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise Refused(_("Give the party a name of at most %(n)d characters.") % {"n": MAX_NAME}, field="name")
    return name


def _save_named(party: OcpiParty, fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            party.save(update_fields=fields)
    except IntegrityError as error:
        sentence = _("There is a party named “%(name)s” already.") % {"name": party.name}
        raise Refused(sentence, field="name", code="unique") from error


def invite_again(*, party: OcpiParty) -> str:
    """Ends a registration, and returns a new token A with which the party can begin anew; shown this once."""
    token = _new_token()
    with transaction.atomic():
        locked = OcpiParty.objects.select_for_update().get(pk=party.pk)
        locked.state, locked.token_digest = OcpiPartyState.INVITED, digest_of(token)
        locked.peer_token, locked.pull_due_at = "", None
        locked.save()
    return token


def set_disabled(*, party: OcpiParty, disabled: bool, now: datetime) -> None:
    """While it is disabled a party is answered as a stranger and not called; afterwards its locations are compared."""
    with transaction.atomic():
        locked = OcpiParty.objects.select_for_update().get(pk=party.pk)
        locked.is_disabled = disabled
        is_connected = locked.state == OcpiPartyState.REGISTERED
        locked.pull_due_at = now if is_connected and not disabled else None
        locked.save()


def delete_party(*, party: OcpiParty, now: datetime) -> None:
    """Deletes a party with its locations; its charge points stay, and what it alone could end is ended."""
    with transaction.atomic():
        forget_party(party=party, now=now)
        party.delete()


def party_of(authorization: str) -> tuple[OcpiParty, str] | None:
    """Whose token a header `Authorization` holds, and the token; None for that of a stranger."""
    tokens = list(dict.fromkeys(tokens_of(authorization)))
    digests = {digest_of(token): token for token in tokens}
    party = OcpiParty.objects.filter(token_digest__in=digests, is_disabled=False).first()
    return (party, digests[party.token_digest]) if party is not None else None


# ---- the handshake --------------------------------------------------------------------------------------------------


def register(*, party: OcpiParty, body: object, version: str, now: datetime) -> tuple[OcpiParty, str]:
    """Takes a party's credentials, asks it for its endpoints, and returns it with its new token (C).

    Serves the first registration as well as each later change: the old token is dead afterwards. Raises BadObject with
    OCPI's code, and nothing is changed.
    """
    given = read_credentials(body)
    _check_owners(party, given)
    with Peer(given.token) as peer:
        locations = _ask_endpoints(peer, given.url, version)
    token = _new_token()
    with transaction.atomic():
        locked = OcpiParty.objects.select_for_update().filter(pk=party.pk, token_digest=party.token_digest).first()
        if locked is None or locked.is_disabled:
            raise BadObject("These credentials were changed meanwhile.")
        locked.state, locked.token_digest = OcpiPartyState.REGISTERED, digest_of(token)
        locked.peer_token, locked.sends_plain_token = given.token, peer.is_plain
        locked.version, locked.versions_url, locked.locations_url = version, given.url, locations
        locked.roles, locked.registered_at = given.roles, locked.registered_at or now
        locked.pull_due_at, locked.pull_error = now, ""
        locked.save()
    return locked, token


def _check_owners(party: OcpiParty, given: Credentials) -> None:
    """A country code and party id belong to one party, beside the hubs that reach it. Raises BadObject for one that is
    taken."""
    mine = {(role["country_code"], role["party_id"]) for role in given.roles}
    if any(role["role"] == HUB for role in given.roles):
        return
    for other in OcpiParty.objects.exclude(pk=party.pk).filter(state=OcpiPartyState.REGISTERED):
        if not other.is_hub and (taken := sorted(mine & other.owners)):
            raise BadObject(f"{taken[0][0]}*{taken[0][1]} is registered by another party.")


def _ask_endpoints(peer: Peer, versions_url: str, version: str) -> str:
    """The address of a party's locations. Raises BadObject with OCPI's code."""
    try:
        details_url = url_of_version(peer.get(versions_url).data, version)
        if not details_url:
            raise BadObject(f"Your versions do not list {version}.", UNSUPPORTED_VERSION)
        locations = locations_url(peer.get(details_url).data)
    except PeerError as error:
        raise BadObject(f"Unable to use your API: {error}", CANNOT_USE_API) from error
    if not locations:
        raise BadObject("Your endpoints hold no `locations` of role SENDER.", NO_ENDPOINTS)
    return locations


def unregister(*, party: OcpiParty) -> None:
    """The party ends its registration: its token is dead, and it is called no more."""
    with transaction.atomic():
        locked = OcpiParty.objects.select_for_update().get(pk=party.pk)
        locked.state, locked.token_digest = OcpiPartyState.ENDED, digest_of(_new_token())
        locked.peer_token, locked.pull_due_at = "", None
        locked.save()
