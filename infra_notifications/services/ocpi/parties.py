"""Parties of OCPI: made by an administrator, registered by their own handshake, disabled and deleted."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from core.refusal import Refused
from core.services import digest_of
from infra_notifications.choices import OcpiPartyState
from infra_notifications.models import OcpiParty
from infra_notifications.rules.ocpi.credentials import (
    HUB,
    Credentials,
    credentials_url,
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


def new_token() -> str:
    """256 random bits in letters that no encoding changes; OCPI allows 64 characters."""
    return secrets.token_urlsafe(32)


def create_party(*, name: str, now: datetime, may_be_hub: bool = False) -> tuple[OcpiParty, str]:
    """Makes a party and returns it with its token A, which is shown this once. Raises Refused for a bad name."""
    token = new_token()
    party = OcpiParty(name=_clean_name(name), token_digest=digest_of(token), created_at=now, may_be_hub=may_be_hub)
    _save_named(party)
    return party, token


def change_party(*, party: OcpiParty, name: str, may_be_hub: bool) -> None:
    """Raises Refused for a bad name."""
    party.name, party.may_be_hub = _clean_name(name), may_be_hub
    _save_named(party, ["name", "may_be_hub"])


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


def invite_again(*, party: OcpiParty, now: datetime) -> str:
    """Ends a registration, and returns a new token A with which the party can begin anew; shown this once."""
    token = new_token()
    with transaction.atomic():
        locked = OcpiParty.objects.select_for_update().get(pk=party.pk)
        locked.state, locked.token_digest = OcpiPartyState.INVITED, digest_of(token)
        locked.old_token_digest = None
        locked.peer_token, locked.pull_due_at = "", None
        locked.save()
        forget_party(party=locked, now=now)
    return token


def set_disabled(*, party: OcpiParty, disabled: bool, now: datetime) -> None:
    """While it is disabled a party is answered as a stranger and not called, and what it alone could end is ended;
    afterwards its locations are compared."""
    with transaction.atomic():
        locked = OcpiParty.objects.select_for_update().get(pk=party.pk)
        locked.is_disabled = disabled
        is_connected = locked.state == OcpiPartyState.REGISTERED
        locked.pull_due_at = now if is_connected and not disabled else None
        locked.save()
        if disabled:
            forget_party(party=locked, now=now)


def delete_party(*, party: OcpiParty, now: datetime) -> None:
    """Deletes a party with its locations; its charge points stay, and what it alone could end is ended. Whoever wants
    to tell it ends its registration first."""
    with transaction.atomic():
        forget_party(party=party, now=now)
        party.delete()


def party_of(authorization: str) -> tuple[OcpiParty, str] | None:
    """Whose token a header `Authorization` holds, and the token; None for that of a stranger."""
    tokens = list(dict.fromkeys(tokens_of(authorization)))
    digests = {digest_of(token): token for token in tokens}
    known = Q(token_digest__in=digests) | Q(old_token_digest__in=digests)
    party = OcpiParty.objects.filter(known, is_disabled=False).first()
    if party is None:
        return None
    return party, digests.get(party.token_digest) or digests[party.old_token_digest or ""]


def confirm_token(*, party: OcpiParty, token: str) -> None:
    """The party has used its token: the one before is dead."""
    if party.old_token_digest and compare_digest(party.token_digest, digest_of(token)):
        OcpiParty.objects.filter(pk=party.pk, token_digest=party.token_digest).update(old_token_digest=None)


def is_old_token(party: OcpiParty, token: str) -> bool:
    return compare_digest(party.old_token_digest or "", digest_of(token))


# ---- the handshake --------------------------------------------------------------------------------------------------


def our_credentials(token: str) -> dict[str, Any]:
    """What a party needs to call us. Only its own token is known here, when it has just sent or been given it."""
    country, code = settings.OCPI_PARTY
    role = {"role": "NSP", "business_details": {"name": "Signalbox"}, "party_id": code, "country_code": country}
    return {"token": token, "url": f"{settings.PUBLIC_URL}/ocpi/versions", "roles": [role]}


def register(*, party: OcpiParty, body: object, version: str, used: str, now: datetime) -> tuple[OcpiParty, str]:
    """Takes a party's credentials, asks it for its endpoints, and returns it with its new token (C).

    Serves the first registration as well as each later change, and their repetition when the answer was lost: the token
    that was `used` opens until the new one was. Raises BadObject with OCPI's code, and nothing is changed.
    """
    given = read_credentials(body)
    try:
        check_owners(party, given)
    except BadObject as error:
        unregistered = OcpiParty.objects.filter(pk=party.pk).exclude(state=OcpiPartyState.REGISTERED)
        unregistered.update(pull_error=str(error)[:300])
        raise
    with Peer(given.token) as peer:
        places = ask_endpoints(peer, given.url, version)
    token = new_token()
    with transaction.atomic():
        locked = OcpiParty.objects.select_for_update().filter(pk=party.pk, token_digest=party.token_digest).first()
        if locked is None or locked.is_disabled:
            raise BadObject("These credentials were changed meanwhile.")
        locked.token_digest, locked.old_token_digest = digest_of(token), digest_of(used)
        keep_registration(locked, given, places, is_plain=peer.is_plain, now=now)
    return locked, token


@dataclass(frozen=True, slots=True)
class Places:
    """A version of a party, and its addresses."""

    version: str
    locations: str
    credentials: str


def keep_registration(locked: OcpiParty, given: Credentials, places: Places, *, is_plain: bool, now: datetime) -> None:
    """Notes of a party that is locked what it gave; its locations are due."""
    locked.state = OcpiPartyState.REGISTERED
    locked.peer_token, locked.sends_plain_token = given.token, is_plain
    locked.version, locked.versions_url = places.version, given.url
    locked.locations_url, locked.credentials_url = places.locations, places.credentials
    locked.roles, locked.registered_at = given.roles, locked.registered_at or now
    locked.pull_due_at, locked.pull_error = now, ""
    locked.save()


def check_owners(party: OcpiParty, given: Credentials) -> None:
    """A country code and party id belong to one party, beside the hubs that reach it, until its registration ends: it
    may be disabled, or invited again. Raises BadObject for one that is taken, and for a hub that nobody has allowed."""
    mine = {(role["country_code"], role["party_id"]) for role in given.roles}
    hubs = {(role["country_code"], role["party_id"]) for role in given.roles if role["role"] == HUB}
    ours = "*".join(settings.OCPI_PARTY)
    if tuple(settings.OCPI_PARTY) in mine:
        raise BadObject(f"{ours} is this platform itself.")
    if hubs and not party.may_be_hub:
        raise BadObject("You say that you are a hub; an operator of this platform has to allow that first.")
    claimed = hubs or mine
    for other in OcpiParty.objects.exclude(pk=party.pk).exclude(state=OcpiPartyState.ENDED):
        theirs = other.hubs if other.is_hub else other.owners
        if taken := sorted(claimed & theirs):
            raise BadObject(
                f"{taken[0][0]}*{taken[0][1]} is another party's here; an operator of this platform has to end the"
                " registration of that one first."
            )


def ask_endpoints(peer: Peer, versions_url: str, version: str) -> Places:
    """The addresses of a party. Raises BadObject with OCPI's code."""
    try:
        details_url = url_of_version(peer.get(versions_url).data, version)
        if not details_url:
            raise BadObject(f"Your versions do not list {version}.", UNSUPPORTED_VERSION)
        details = peer.get(details_url).data
    except PeerError as error:
        raise BadObject(f"Unable to use your API: {error}", CANNOT_USE_API) from error
    if not (locations := locations_url(details)):
        raise BadObject("Your endpoints hold no `locations` of role SENDER.", NO_ENDPOINTS)
    return Places(version, locations, credentials_url(details))


def unregister(*, party: OcpiParty, now: datetime) -> None:
    """The registration ends: the party's tokens are dead, it is not called, and what it alone could end is ended."""
    with transaction.atomic():
        locked = OcpiParty.objects.select_for_update().get(pk=party.pk)
        locked.state, locked.token_digest = OcpiPartyState.ENDED, digest_of(new_token())
        locked.old_token_digest = None
        locked.peer_token, locked.pull_due_at = "", None
        locked.save()
        forget_party(party=locked, now=now)
