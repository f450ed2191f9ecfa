"""The handshake with a party of OCPI that begins here, its rotation, and its end: we call the party's own endpoints.

versions (token A) → details of the newest version that both have → POST credentials (with our token B) → its
credentials (with token C, by which we call it from then on)
"""

from __future__ import annotations

import contextlib
from datetime import datetime

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from core.refusal import Refused
from core.services import digest_of
from infra_notifications.choices import OcpiPartyState
from infra_notifications.models import OcpiParty
from infra_notifications.rules.ocpi import VERSIONS
from infra_notifications.rules.ocpi.credentials import Credentials, best_version, read_credentials
from infra_notifications.rules.ocpi.merging import BadObject
from infra_notifications.services.ocpi.parties import (
    Places,
    ask_endpoints,
    check_owners,
    keep_registration,
    new_token,
    our_credentials,
    unregister,
)
from infra_notifications.services.ocpi.peers import Peer, PeerError

log = structlog.get_logger("signalbox.ocpi")
NOT_CONNECTED = "not_connected"


def connect(*, party: OcpiParty, versions_url: str, token: str, now: datetime) -> OcpiParty:
    """Registers with a party that gave us its token A. Raises Refused when that fails, and nothing is left open."""
    if party.state == OcpiPartyState.REGISTERED or party.is_disabled:
        raise Refused(
            _("It is connected already, or disabled; end its registration or enable it first."), code="connected"
        )
    ours = new_token()
    # It calls us with this one while it answers.
    _offer(party, ours, None)
    try:
        with Peer(token.strip()) as peer:
            version = best_version(peer.get(versions_url.strip()).data, VERSIONS)
            if not version:
                raise BadObject(_("It has none of the versions %(ours)s.") % {"ours": ", ".join(VERSIONS)})
            places = ask_endpoints(peer, versions_url.strip(), version)
            given = _exchange(peer, "POST", party, places, ours)
    except (PeerError, BadObject) as error:
        _offer(party, new_token(), None)
        raise Refused(str(error)) from error
    return _keep(party, given, places, ours, is_plain=peer.is_plain, now=now)


def rotate(*, party: OcpiParty, now: datetime) -> OcpiParty:
    """New tokens in both directions, by PUT to the party's credentials; the old ones open until the new ones were used.

    Raises Refused when that fails: then each of the tokens that it may have opens until it uses one.
    """
    places = Places(party.version, party.locations_url, party.credentials_url)
    if party.state != OcpiPartyState.REGISTERED or not places.credentials:
        raise Refused(_("The party is not connected, or names no address for credentials."), code=NOT_CONNECTED)
    ours = new_token()
    # Of several that were never used, the one before them is what it has.
    _offer(party, ours, party.old_token_digest or party.token_digest)
    try:
        with Peer(party.peer_token, is_plain=party.sends_plain_token) as peer:
            given = _exchange(peer, "PUT", party, places, ours)
    except (PeerError, BadObject) as error:
        raise Refused(str(error)) from error
    return _keep(party, given, places, ours, is_plain=peer.is_plain, now=now)


def end_registration(*, party: OcpiParty, now: datetime) -> str:
    """Ends a registration here, and there by DELETE; returns why the other side could not be told, "" when it was."""
    error = ""
    if party.state == OcpiPartyState.REGISTERED and party.credentials_url:
        try:
            with Peer(party.peer_token, is_plain=party.sends_plain_token) as peer:
                peer.send("DELETE", party.credentials_url)
        except PeerError as failure:
            error = str(failure)
            log.warning("a party could not be told that its registration ends", party=party.pk, error=error)
    unregister(party=party, now=now)
    return error


def _exchange(peer: Peer, method: str, party: OcpiParty, places: Places, ours: str) -> Credentials:
    if not places.credentials:
        raise BadObject(_("Its endpoints hold no `credentials`."))
    given = read_credentials(peer.send(method, places.credentials, our_credentials(ours)))
    try:
        check_owners(party, given)
    except BadObject:
        # It believes that it is connected.
        if method == "POST":
            with contextlib.suppress(PeerError), Peer(given.token, is_plain=peer.is_plain) as again:
                again.send("DELETE", places.credentials)
        raise
    return given


def _offer(party: OcpiParty, token: str, old: str | None) -> None:
    with transaction.atomic():
        locked = OcpiParty.objects.select_for_update().get(pk=party.pk)
        locked.token_digest, locked.old_token_digest = digest_of(token), old
        locked.save(update_fields=["token_digest", "old_token_digest"])


def _keep(
    party: OcpiParty, given: Credentials, places: Places, ours: str, *, is_plain: bool, now: datetime
) -> OcpiParty:
    with transaction.atomic():
        locked = OcpiParty.objects.select_for_update().filter(pk=party.pk, token_digest=digest_of(ours)).first()
        if locked is None or locked.is_disabled:
            raise Refused(_("The party was changed meanwhile; try again."), code="changed")
        keep_registration(locked, given, places, is_plain=is_plain, now=now)
    return locked
