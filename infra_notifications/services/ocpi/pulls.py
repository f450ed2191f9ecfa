"""Fetches all locations of parties: when they are registered, and once a night to compare.

What is pushed is enough as long as nothing is lost; the night's comparison finds what was (OCPI, mod_locations: "when
the Receiver is not 100% sure the Location cache is entirely up-to-date").
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import structlog
from django.conf import settings
from django.db import DataError
from django.db.models import F
from django.utils import timezone

from core.health import Finding
from core.text import identity_key
from infra_notifications.choices import OcpiPartyState
from infra_notifications.models import OcpiEvse, OcpiParty
from infra_notifications.rules.ocpi.merging import BadObject, Push
from infra_notifications.rules.ocpi.statuses import REMOVED
from infra_notifications.rules.vocabulary import object_of, text
from infra_notifications.services.ocpi.locations import (
    NotYours,
    Taken,
    check_owner,
    count,
    remove_absent,
    take_pushes,
)
from infra_notifications.services.ocpi.peers import Page, Peer, PeerError
from outbox.nudge import Nudger

# A party's locations are due; beat looks for what no wake-up announced.
fetch_soon = Nudger("infra_notifications.ocpi_pull").nudge
log = structlog.get_logger("signalbox.ocpi")
LIMIT, MOST_PAGES = 100, 10_000
# In UTC; each party at a minute of its own, as the specification asks.
NIGHT_HOUR, SPLAY_S = 2, 3 * 3_600
RETRY = timedelta(minutes=30)
# Nobody else fetches the same for so long; a fetch that takes longer goes on beside the next.
LEASE = timedelta(hours=1)


@dataclass
class _Fetched:
    """What a whole list brought. `listed` are the keys of its locations and EVSEs; `is_whole`: nothing of it was left
    out, so that what it does not name is gone. `total` is the most that a page said there are."""

    total: int = 0
    locations: int = 0
    evses: int = 0
    changed: int = 0
    removed: int = 0
    listed: set[tuple[str, str]] = field(default_factory=set)
    rejected: list[str] = field(default_factory=list)
    is_whole: bool = True

    def reject(self, sentence: str, *, is_whole: bool = True) -> None:
        self.rejected.append(sentence)
        self.is_whole = self.is_whole and is_whole

    @property
    def result(self) -> dict[str, int]:
        names = ("locations", "evses", "changed", "removed")
        return {name: getattr(self, name) for name in names} | {"rejected": len(self.rejected)}


def pull_due(*, now: datetime) -> int:
    """Fetches from each party whose time has come; returns from how many."""
    due = OcpiParty.objects.filter(pull_due_at__lte=now, state=OcpiPartyState.REGISTERED, is_disabled=False)
    return sum(pull(party_id=pk, now=now) for pk in due.order_by("pull_due_at").values_list("pk", flat=True))


def check_parties(now: datetime) -> Finding:
    """Whether the locations of each party that is connected can be fetched."""
    failing = OcpiParty.objects.filter(state=OcpiPartyState.REGISTERED, is_disabled=False).exclude(pull_error="")
    said = "; ".join(f"{party}: {party.pull_error}" for party in failing.order_by("name"))
    return Finding(not said, said or "fetched when it was due")


def pull_soon(*, party_id: int, now: datetime) -> bool:
    """Has a party's locations fetched at once, as far as it is connected; says whether it is."""
    connected = OcpiParty.objects.filter(pk=party_id, state=OcpiPartyState.REGISTERED, is_disabled=False)
    if not connected.update(pull_due_at=now):
        return False
    fetch_soon()
    return True


def pull(*, party_id: int, now: datetime) -> bool:
    """Fetches all locations of a party and compares; False where another worker does so already."""
    claimed = OcpiParty.objects.filter(pk=party_id, pull_due_at__lte=now).update(pull_due_at=now + LEASE)
    party = OcpiParty.objects.filter(pk=party_id).first()
    if not claimed or party is None:
        return False
    fetched = _Fetched()
    try:
        _fetch(party, fetched, now)
    except PeerError as error:
        log.warning("a party's locations could not be fetched", party=party.pk, error=str(error))
        _settle(party, now, due_at=timezone.now() + RETRY, error=str(error)[:300], result=fetched.result)
        failure = Taken(errors=[(0, BadObject(f"Its locations could not be fetched: {error}"))])
        count(party=party, accepted=0, stale=0, taken=failure, now=timezone.now())
        return True
    _settle(party, now, due_at=_next_night(timezone.now()), error="", result=fetched.result)
    return True


def _settle(party: OcpiParty, now: datetime, *, due_at: datetime, error: str, result: dict[str, int]) -> None:
    """Notes what came of it, unless the party was changed meanwhile, which asks for a new comparison."""
    mine = OcpiParty.objects.filter(pk=party.pk)
    mine.update(pull_error=error, pull_result=result, pulled_at=F("pulled_at") if error else now)
    mine.filter(pull_due_at=now + LEASE).update(pull_due_at=due_at)


def _next_night(now: datetime) -> datetime:
    night = now.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return night + timedelta(seconds=random.uniform(0, SPLAY_S))  # noqa: S311 - nothing is kept secret by it


# ---- the pages ------------------------------------------------------------------------------------------------------


def _fetch(party: OcpiParty, fetched: _Fetched, now: datetime) -> None:
    url: str | None = _with_query(party.locations_url, offset=0, limit=LIMIT)
    seen: set[str] = set()
    with Peer(party.peer_token, is_plain=party.sends_plain_token) as peer:
        while url is not None:
            if url in seen or len(seen) >= MOST_PAGES:
                raise PeerError("Its pages lead in a circle, or have no end.")
            seen.add(url)
            page = peer.get(url, _routing(party))
            if not isinstance(page.data, list):
                raise PeerError("Its list of locations is no list.")
            fetched.total = max(fetched.total, page.total or 0)
            _take_page(party, page.data, fetched)
            url = page.next_url or _next_by_count(party, page, fetched)
        if fetched.locations < fetched.total:
            sentence = f"Its list ends after {fetched.locations} of {fetched.total} locations; nothing was removed."
            fetched.reject(sentence, is_whole=False)
    if peer.is_plain != party.sends_plain_token:
        OcpiParty.objects.filter(pk=party.pk).update(sends_plain_token=peer.is_plain)
    _remove_absent(party, fetched, now)


def _routing(party: OcpiParty) -> dict[str, str]:
    """OCPI's headers for messages to parties behind a platform."""
    country, code = settings.OCPI_PARTY
    headers = {"OCPI-from-country-code": country, "OCPI-from-party-id": code}
    by_role = {role["role"]: role for role in reversed(party.roles)}
    role = by_role.get("HUB") or by_role.get("CPO")
    if role is not None:
        headers |= {"OCPI-to-country-code": role["country_code"], "OCPI-to-party-id": role["party_id"]}
    return headers


def _with_query(url: str, **values: int) -> str:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) | {name: str(value) for name, value in values.items()}
    return urlunsplit(parts._replace(query=urlencode(query)))


def _next_by_count(party: OcpiParty, page: Page, fetched: _Fetched) -> str | None:
    """The next page of a party that counts its locations and forgets the link to it."""
    if not page.data or fetched.locations >= fetched.total:
        return None
    return _with_query(party.locations_url, offset=fetched.locations, limit=LIMIT)


def _take_page(party: OcpiParty, data: list[Any], fetched: _Fetched) -> None:
    fetched.locations += len(data)
    pushes = []
    for location in map(object_of, data):
        country, code, name = (text(location.get(field)) for field in ("country_code", "party_id", "id"))
        push = Push(country, code, name, body=location)
        if not (push.country and push.party and push.location):
            fetched.reject("A location names no `country_code`, `party_id` and `id`.", is_whole=False)
            continue
        pushes += _owned(party, push, fetched)
        evses = location.get("evses")
        for evse in map(object_of, evses if isinstance(evses, list) else []):
            fetched.evses += 1
            fetched.listed.add((push.key, identity_key(text(evse.get("uid")))))
            fetched.is_whole = fetched.is_whole and bool(text(evse.get("uid")))
    _take_all(party, pushes, fetched)


def _owned(party: OcpiParty, push: Push, fetched: _Fetched) -> list[Push]:
    try:
        check_owner(party, push.country, push.party)
    except NotYours:
        # A hub lists those too who are connected by themselves.
        if not party.is_hub:
            fetched.reject(f"Location {push.key} is not the party's.")
        return []
    return [push]


def _take_all(party: OcpiParty, pushes: Sequence[Push], fetched: _Fetched) -> None:
    """A page in one transaction; what the database refuses is found by halves and left out."""
    if not pushes:
        return
    try:
        taken = take_pushes(party=party, pushes=pushes, now=timezone.now())
    except (DataError, NotYours) as error:
        if len(pushes) == 1:
            fetched.reject(f"Location {pushes[0].key} cannot be stored: {str(error).strip() or 'it is not yours'}.")
            return
        _take_all(party, pushes[: len(pushes) // 2], fetched)
        _take_all(party, pushes[len(pushes) // 2 :], fetched)
        return
    fetched.changed += taken.changed
    fetched.rejected += taken.rejections


def _remove_absent(party: OcpiParty, fetched: _Fetched, now: datetime) -> None:
    """What a whole list does not name is gone. A list that names nothing at all is rather broken than true."""
    if not fetched.is_whole:
        return
    known = OcpiEvse.objects.filter(location__party=party).exclude(document__status=REMOVED)
    if not fetched.listed and known.exists():
        raise PeerError("Its list names no EVSE although some are known; nothing was removed.")
    fetched.removed = remove_absent(party=party, listed=fetched.listed, before=now, now=timezone.now())
