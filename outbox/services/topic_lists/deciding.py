"""Which topic lists are notified, decided in the transaction in which it happened: a decision per event and list.

It costs no statement when no list takes the kind of any event, and one when some do. Nobody is mailed here: a list is
locked while its mail is written, and the transaction of whatever happened must not wait for that, nor hold it up. So a
decision to notify is due at once, or at the end of the time in which its list gathers; `notifying` finds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef

from core.search import SearchError
from core.sql import array_literal
from outbox import metrics
from outbox.choices import Channel, DecisionReason, DecisionState
from outbox.contract import NewEvent
from outbox.event_kinds import EventKind, kind_of, matches_topic
from outbox.models import TopicList, TopicListAddress
from outbox.rules.deciding import CLOCK_SLACK, DecisionInput, why_not_notified
from outbox.subscriptions.conditions import EventView, Predicate, compile_condition
from outbox.subscriptions.stamps import Source, listeners_changed

log = structlog.get_logger("signalbox.topic_lists")
SOURCE = "topic_lists"


@dataclass(frozen=True)
class ListSubscription:
    """A topic list as deciding needs it. `condition` is None for one that cannot be read."""

    id: int
    name: str
    domain: str
    topics: tuple[str, ...]
    condition: Predicate | None
    asks: bool
    enabled: bool
    has_address: bool

    def takes(self, kind: EventKind) -> bool:
        return self.domain in ("", kind.domain) and any(matches_topic(topic, kind.key) for topic in self.topics)

    def fits(self, view: EventView | None) -> bool | None:
        """Whether an event fits the condition; None when that cannot be said."""
        if not self.asks:
            return True
        if self.condition is None or view is None:
            return None
        try:
            return self.condition(view)
        except Exception:  # whatever a condition makes of a payload, the transaction of what happened must not end
            log.exception("condition could not be applied", topic_list=self.id, kind=view.kind)
            return None

    def decision_input(self, kind: EventKind, view: EventView | None, *, is_news: bool = True) -> DecisionInput:
        return DecisionInput(self.takes(kind), self.fits(view), self.enabled, self.has_address, is_news)


def subscription_of(topic_list: TopicList, *, has_address: bool) -> ListSubscription:
    condition: Predicate | None = None
    try:
        condition = compile_condition(topic_list.condition)
    except SearchError as error:
        log.warning("condition cannot be read", topic_list=topic_list.pk, error=str(error))
    return ListSubscription(
        topic_list.pk,
        topic_list.name,
        topic_list.domain,
        tuple(topic_list.topics),
        condition,
        bool(topic_list.condition.strip()),
        topic_list.enabled,
        has_address,
    )


def _read() -> list[ListSubscription]:
    addresses = TopicListAddress.objects.filter(topic_list=OuterRef("pk"))
    lists = TopicList.objects.annotate(has_address=Exists(addresses)).order_by("pk")
    return [subscription_of(topic_list, has_address=topic_list.has_address) for topic_list in lists]


_source = Source(SOURCE, _read, ListSubscription.takes)


def lists_changed() -> None:
    """To be called in the transaction of every change to a list or its addresses, after it."""
    listeners_changed(SOURCE)


def record_decisions(
    *, events: Sequence[NewEvent], ids: Mapping[str, int], stamps: Mapping[str, str], now: datetime
) -> bool:
    """Writes what each list makes of events that were just published; says whether somebody is to be notified now."""
    if not events:
        return False
    subscriptions = _source.as_of(stamps)
    max_age = timedelta(seconds=settings.OUTBOX_MAIL_MAX_AGE_S)
    rows: list[tuple[Any, ...]] = []
    for event in events:
        kind = kind_of(event.kind)
        listening = subscriptions.of(kind) if kind.is_public else ()
        view = EventView.of_new(event, kind) if any(subscription.asks for subscription in listening) else None
        for subscription in listening:
            is_news = now - event.occurred_at <= max_age
            reason = why_not_notified(subscription.decision_input(kind, view, is_news=is_news))
            state = DecisionState.SKIPPED if reason else DecisionState.WAITING
            rows.append((subscription.id, subscription.name, ids[event.dedup_key], state, reason))
            count_skipped(reason)
    return _insert(rows, now) if rows else False


def count_skipped(reason: DecisionReason) -> None:
    if reason:
        metrics.SUPPRESSED.labels(Channel.EMAIL, f"topic_list_{reason}").inc()


def _insert(rows: Sequence[tuple[Any, ...]], now: datetime) -> bool:
    """One statement, which also asks until when each list gathers; without a lock, so `notifying` asks again."""
    names = ("list", "name", "event", "state", "reason")
    columns: dict[str, Any] = {
        name: array_literal(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_topicdecision"
            " (topic_list_id, list_name, event_id, state, reason, due_at, decided_at, thread)"
            " SELECT x.list_id, x.list_name, x.event_id, x.state,"
            " CASE WHEN x.state = 'waiting' AND l.id IS NOT NULL THEN 'gathered' ELSE x.reason END,"
            " CASE WHEN x.state = 'waiting' THEN coalesce(l.gathering_until, %(now)s) END, %(now)s, ''"
            " FROM unnest(%(list)s::bigint[], %(name)s::text[], %(event)s::bigint[], %(state)s::text[],"
            "  %(reason)s::text[]) AS x(list_id, list_name, event_id, state, reason)"
            " LEFT JOIN outbox_topiclist l ON l.id = x.list_id AND l.gather_s > 0 AND l.gathering_until > %(now)s"
            "  AND l.gathering_until <= %(now)s + make_interval(secs => l.gather_s) + %(slack)s"
            " ON CONFLICT (event_id, topic_list_id) DO NOTHING RETURNING due_at <= %(now)s",
            columns | {"now": now, "slack": CLOCK_SLACK},
        )
        return any(due for (due,) in cursor.fetchall())
