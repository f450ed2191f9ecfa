"""Mails tell what holds when they are sent, however long they waited: for a server, behind a hold, for another try.

Each batch that is to be sent is asked once for each kind that goes out of date (`EventKind.refresh`), and once for what
answers another mail: an answer never comes before what it answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import structlog
from django.db import DatabaseError, connection
from django.utils.module_loading import import_string

from core.sql import array_literal
from outbox.choices import Reason
from outbox.contract import RELEASED, Claimed, ClaimedEvent, Outcome, Refreshed, held_back
from outbox.event_kinds import EventKind, registered

log = structlog.get_logger("signalbox.freshness")
# A mail that answers one which is being sent at this moment is tried again so soon.
ANSWER_PAUSE_S = 5.0
OVER, TOLD_TOGETHER = held_back(Reason.OVER), held_back(Reason.TOLD_TOGETHER)


@dataclass(frozen=True)
class Batch:
    """Claimed deliveries with their events as of now; by id the outcomes of those that are not sent now; and the events
    of which all is over."""

    claimed: list[Claimed]
    outcomes: dict[int, Outcome]
    over: set[int]


def bring_up_to_date(claimed: Sequence[Claimed]) -> Batch:
    """A batch as it is to be sent now."""
    refreshed = _refreshed({delivery.event.id: delivery.event for delivery in claimed}.values())
    outcomes = _of_answers(claimed)
    current: list[Claimed] = []
    for delivery in claimed:
        found = refreshed.get(delivery.event.id)
        if found is not None and found.payload is None:
            outcomes.setdefault(delivery.id, OVER)
        elif found is not None and found.payload is not None:
            delivery = replace(delivery, event=replace(delivery.event, payload=found.payload))
        current.append(delivery)
    return Batch(current, outcomes, {pk for pk, found in refreshed.items() if found.is_over})


def as_of_now(event: ClaimedEvent) -> ClaimedEvent:
    """An event as a mail of it would tell it now; as it was where nothing of it is left."""
    found = _refreshed([event]).get(event.id)
    return event if found is None or found.payload is None else replace(event, payload=found.payload)


def _goes_out_of_date(kind: str) -> EventKind | None:
    found = registered.get(kind)
    return found if found is not None and found.refresh else None


def _refreshed(events: Iterable[ClaimedEvent]) -> dict[int, Refreshed]:
    by_path: dict[str, list[ClaimedEvent]] = defaultdict(list)
    for event in events:
        if (kind := _goes_out_of_date(event.kind)) is not None:
            by_path[kind.refresh].append(event)
    refreshed: dict[int, Refreshed] = {}
    for path, those in by_path.items():
        try:
            refreshed |= import_string(path)(those)
        except DatabaseError:
            raise
        except Exception:  # what cannot be brought up to date is better sent as it was written than not at all
            log.exception("mails could not be brought up to date", refresh=path)
    return refreshed


def _of_answers(claimed: Sequence[Claimed]) -> dict[int, Outcome]:
    """Outcomes of what answers a mail that its receiver has not got yet, or that told of the end by itself.

    Where the first mail tells what holds when it is sent, its answers are not needed; one of another kind, or that is
    being sent at this moment, comes first. Those of one batch go out in their order.
    """
    answers = [delivery for delivery in claimed if delivery.event.thread]
    if not answers:
        return {}
    here = {
        (d.event.uuid.hex, d.address.lower()): _First(d.event.kind, False, False)
        for d in claimed
        if _goes_out_of_date(d.event.kind)
    }
    first = _first_mails(answers, {delivery.id for delivery in claimed}) | here
    outcomes: dict[int, Outcome] = {}
    for delivery in answers:
        mail = first.get((delivery.event.thread, delivery.address.lower()))
        if mail is not None:
            tells_all = mail.told_over or (_goes_out_of_date(mail.kind) is not None and not mail.is_under_way)
            outcomes[delivery.id] = TOLD_TOGETHER if tells_all else RELEASED
    return outcomes


class _First(NamedTuple):
    """The mail that began a thread, at one address."""

    kind: str
    is_under_way: bool
    told_over: bool


def _first_mails(answers: Sequence[Claimed], ids: set[int]) -> dict[tuple[str, str], _First]:
    """The first mails of these threads that have not ended, or told that all is over, by thread and address."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT replace(e.uuid::text, '-', ''), lower(d.address), e.kind, bool_or(d.state = 'sending'),"
            " bool_or(d.state = 'delivered') FROM outbox_event e JOIN outbox_delivery d ON d.event_id = e.id"
            " WHERE e.uuid = ANY(%s::uuid[]) AND d.channel = %s AND (d.state IN ('pending', 'retrying', 'sending')"
            " OR (d.state = 'delivered' AND d.reason = %s))"
            " AND lower(d.address) = ANY(%s) AND d.id <> ALL(%s::bigint[]) GROUP BY 1, 2, 3",
            [
                array_literal({delivery.event.thread for delivery in answers}),
                answers[0].channel,
                Reason.OVER,
                [delivery.address.lower() for delivery in answers],
                array_literal(ids),
            ],
        )
        return {(thread, address): _First(*row) for thread, address, *row in cursor.fetchall()}
