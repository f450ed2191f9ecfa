"""Brings mails up to date that waited before they were sent: what is over by then is not told as live.

An outage of the mail server, a hold or a later try may lie between the decision and the sending. An alert is then sent
as over, a reminder without what needs none any more, and nothing is sent of which nothing is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import F

from core.api import rfc3339
from infra_notifications.event_kinds import GROUP_DIGEST, GROUP_FLAPPING, GROUP_REMINDER
from infra_notifications.models import Incident, Source
from infra_notifications.services.payloads import incident_of, incidents_in, newest_incidents
from outbox.contract import ClaimedEvent, Refreshed

Payload = dict[str, Any]


class _Fate(NamedTuple):
    """What became of an incident."""

    closed_at: datetime | None
    close_reason: str
    acknowledged_by: str
    # The newest incident of its charge point and case, for mails that tell of these and not of one incident.
    newest: Incident | None = None

    @property
    def needs_nobody(self) -> bool:
        return self.closed_at is not None or bool(self.acknowledged_by)

    @property
    def is_open(self) -> bool:
        """Whether it is, or has opened again."""
        return self.closed_at is None or (self.newest is not None and self.newest.is_open)


def current_mails(events: Sequence[ClaimedEvent]) -> dict[int, Refreshed]:
    """Mails of groups as of now, by event. One statement, and another for those that tell of several openings."""
    ids = {pk for event in events for pk in incidents_in(event.payload)}
    found = Incident.objects.filter(pk__in=ids).annotate(author=F("acknowledgement__author"))
    several = {pk for event in events if event.kind in _UPDATES for pk in incidents_in(event.payload)}
    newest = newest_incidents(several) if several else {}
    fates = {
        pk: _Fate(closed_at, reason, author or "", newest.get((point, case)))
        for pk, point, case, closed_at, reason, author in found.values_list(
            "pk", "charge_point_id", "case", "closed_at", "close_reason", "author"
        )
    }
    return {event.id: _current(event, fates) for event in events if event.payload.get("items")}


def _current(event: ClaimedEvent, fates: dict[int, _Fate]) -> Refreshed:
    payload, items = event.payload, event.payload["items"]
    left = there = [item for item in items if incident_of(item) in fates]
    if event.kind == GROUP_REMINDER:
        left = [item for item in there if not fates[incident_of(item)].needs_nobody]
    if not left and payload["total"] > len(items):  # what it does not list may well be open
        left = there or items
    if not left:
        return Refreshed(None)
    if not there:
        return Refreshed(payload)
    gone = len(items) - len(left)
    counts = {"total": payload["total"] - gone}
    if gone and "points" in payload and counts["total"] == len(left):
        counts["points"] = len({item["charge_point"]["id"] for item in left})
    current = payload | counts | _UPDATES.get(event.kind, _update_incidents)(payload, left, fates)
    return Refreshed(current, is_over="about" in current and current["over"] == current["total"])


def _update_incidents(payload: Payload, items: list[Payload], fates: dict[int, _Fate]) -> Payload:
    """An alert and its like: each incident with its end, and how many are over."""
    over, current = payload["over"], []
    over -= sum(_is_over(item["incident"]) for item in payload["items"]) - sum(_is_over(i["incident"]) for i in items)
    for item in items:
        incident, fate = item["incident"], fates[incident_of(item)]
        over += fate.closed_at is not None and not _is_over(incident)
        current.append(
            item
            | {
                "incident": incident
                | {
                    "closed_at": rfc3339(fate.closed_at),
                    "close_reason": fate.close_reason,
                    "acknowledged_by": fate.acknowledged_by,
                }
            }
        )
    return {"items": current, "over": over}


def _update_digest(payload: Payload, items: list[Payload], fates: dict[int, _Fate]) -> Payload:
    ended, current = 0, []
    for item in items:
        fate = fates[incident_of(item)]
        ended += not fate.is_open and not _is_over(item)
        closed_at = None if fate.is_open else rfc3339(fate.closed_at)
        current.append(item | {"closed_at": closed_at, "acknowledged_by": fate.acknowledged_by})
    return {"items": current, "open": max(0, payload["open"] - ended), "over": payload["over"] + ended}


def _update_flapping(payload: Payload, items: list[Payload], fates: dict[int, _Fate]) -> Payload:
    current = []
    for item in items:
        fate = fates[incident_of(item)]
        last = {"opened_at": rfc3339(fate.newest.opened_at), "said": fate.newest.said} if fate.newest else {}
        current.append(item | {"is_open": fate.is_open} | last)
    return {"items": current}


def _is_over(item: Payload) -> bool:
    return item.get("closed_at") is not None


_UPDATES: dict[str, Callable[[Payload, list[Payload], dict[int, _Fate]], Payload]] = {
    GROUP_DIGEST: _update_digest,
    GROUP_FLAPPING: _update_flapping,
}


def current_sources(events: Sequence[ClaimedEvent]) -> dict[int, Refreshed]:
    """Alerts of sources whose trouble has ended, of which another mail tells, by event. One statement."""
    sources = Source.objects.in_bulk({event.payload["id"] for event in events})
    return {
        event.id: Refreshed(None)
        for event in events
        if (source := sources.get(event.payload["id"])) is None or source.trouble != event.payload["trouble"]
    }
