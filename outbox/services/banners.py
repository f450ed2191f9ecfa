"""Banners: what an app shows to its user. Available from the commit of its event, ended by its user, its cause or time.

An app asks `selectors.banners_of(audience)`, and calls these with the ids that it showed; each changes what still
stands open by one conditional UPDATE, so that doing it twice, or too late, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from core.sql import array_literal
from outbox.choices import BannerState
from outbox.models import Banner

# How many banners one sweep ends; what is left comes with the next.
EXPIRE_LIMIT = 5_000


def show_banners(*, expiries: Mapping[int, datetime | None], now: datetime) -> None:
    """Makes deliveries available as banners, each until its time if it has one. Called by `publish`."""
    if not expiries:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_banner (delivery_id, audience, kind, subject, state, shown_at, expires_at)"
            " SELECT d.id, d.address, e.kind, e.subject, 'open', %s, x.expires_at"
            " FROM unnest(%s::bigint[], %s::timestamptz[]) AS x(id, expires_at)"
            " JOIN outbox_delivery d ON d.id = x.id JOIN outbox_event e ON e.id = d.event_id",
            [now, array_literal(expiries.keys()), array_literal(expiries.values())],
        )


@dataclass(frozen=True)
class Owner:
    """The app whose users some audiences are. It hears, by the ids of the events and in the same transaction, what its
    user read or dismissed; before the banners change, so that it takes its own locks first."""

    read: Callable[[Sequence[int], datetime], None]
    dismissed: Callable[[Sequence[int], datetime], None]


_owners: dict[str, Owner] = {}


def register_owner(audience_prefix: str, owner: Owner) -> None:
    _owners[audience_prefix] = owner


def _owner_of(audience: str) -> Owner | None:
    return next((owner for prefix, owner in _owners.items() if audience.startswith(prefix)), None)


def mark_read(*, audience: str, ids: Iterable[int], now: datetime) -> int:
    """Notes when these were first read; a read banner stands open until it ends. Returns how many were unread."""
    unread, owner = _of(audience, ids).filter(read_at__isnull=True), _owner_of(audience)
    with transaction.atomic():
        if owner is not None:
            owner.read(_events_of(unread), now)
        return unread.update(read_at=now)


def dismiss(*, audience: str, ids: Iterable[int], now: datetime) -> int:
    """Ends banners by their user's wish, who thereby has read them. Returns how many still stood open."""
    open_banners, owner = _of(audience, ids).filter(state=BannerState.OPEN), _owner_of(audience)
    with transaction.atomic():
        if owner is not None:
            owner.dismissed(_events_of(open_banners), now)
        return open_banners.update(state=BannerState.DISMISSED, ended_at=now, read_at=Coalesce("read_at", now))


def _events_of(banners: QuerySet[Banner]) -> list[int]:
    return list(banners.values_list("delivery__event_id", flat=True))


def resolve(*, subject: str, kinds: Iterable[str], now: datetime, audience: str | None = None) -> int:
    """Ends the open banners about a subject, because what they told of is over. Returns how many there were.

    `audience` limits it to one; else it is over for all.
    """
    banners = Banner.objects.filter(subject=subject, kind__in=list(kinds), state=BannerState.OPEN)
    if audience is not None:
        banners = banners.filter(audience=audience)
    return banners.update(state=BannerState.RESOLVED, ended_at=now)


def end_of_events(*, event_ids: Iterable[int], state: BannerState, now: datetime) -> int:
    """Ends the open banners by which events were shown: resolved, or expired with their cause's time."""
    banners = Banner.objects.filter(delivery__event_id__in=list(event_ids), state=BannerState.OPEN)
    return banners.update(state=state, ended_at=now)


def expire(*, now: datetime) -> int:
    """Ends the banners whose time has come. Returns how many; at most EXPIRE_LIMIT, earliest first."""
    due = Banner.objects.filter(state=BannerState.OPEN, expires_at__lte=now).order_by("expires_at")
    ids = list(due.values_list("pk", flat=True)[:EXPIRE_LIMIT])
    # Asked again behind the lock: one may be shown for longer by now.
    still_due = Banner.objects.filter(pk__in=ids, state=BannerState.OPEN, expires_at__lte=now)
    return still_due.update(state=BannerState.EXPIRED, ended_at=now)


def _of(audience: str, ids: Iterable[int]) -> QuerySet[Banner]:
    return Banner.objects.filter(audience=audience, pk__in=list(ids))
