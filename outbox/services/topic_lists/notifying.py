"""Writes the mails of topic lists: the first event of a list mails at once, what follows is gathered into one mail.

A mail opens a window (`gather_s`); what comes within it waits until its end and goes out in one mail, which opens the
next window and answers the one before. A list that gathers nothing has a mail for each event. A mail whose events all
answer events of one earlier mail (a success after a failure) answers that mail.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q

from core.sql import Col, columns, update_rows
from outbox.choices import DecisionReason, DecisionState
from outbox.contract import NewEvent
from outbox.event_kinds import UnknownKind, kind_of
from outbox.models import Event, TopicDecision, TopicList
from outbox.rules.deciding import CLOCK_SLACK, why_not_notified, window_end
from outbox.services.mailing_lists.lists import mail_to_list
from outbox.services.publishing import publish
from outbox.services.topic_lists.deciding import count_skipped, subscription_of
from outbox.services.topic_lists.items import item_of, list_url
from outbox.subscriptions.conditions import EventView
from outbox.subscriptions.kinds import TOPIC_MAIL, TopicCount, TopicMail

log = structlog.get_logger("signalbox.topic_lists")
# A mail lists this many events and says how many more there are; the list's page has them all.
LISTED = 50
NOTIFY_LIMIT = 5_000


def notify_due(*, now: datetime) -> int:
    """Takes every decision that is due, and returns how many; one transaction per list, so that none waits for another.

    A list whose mail cannot be written is left for the next round and does not hold up the others.
    """
    decided = 0
    due = TopicDecision.objects.filter(state=DecisionState.WAITING, due_at__lte=now)
    for list_id in sorted(set(due.order_by().values_list("topic_list_id", flat=True).distinct())):
        try:
            while (number := _notify_list(list_id, now)) >= NOTIFY_LIMIT:
                decided += number
            decided += number
        except (OperationalError, InterfaceError):  # the database is away, for every list
            raise
        except Exception:
            log.exception("topic list could not be notified", topic_list=list_id)
    return decided


def mend_times(*, now: datetime) -> int:
    """What a clock wrote that was then set back would wait until that clock's time: it is due now. Says how many."""
    future = now + CLOCK_SLACK
    waiting = TopicDecision.objects.filter(state=DecisionState.WAITING, due_at__gt=future, decided_at__gt=future)
    return waiting.update(due_at=now)


def _notify_list(list_id: int, now: datetime) -> int:
    """Decides what is due for one list; returns how many."""
    due = TopicDecision.objects.filter(topic_list_id=list_id, state=DecisionState.WAITING, due_at__lte=now)
    with transaction.atomic():
        # Locked so that two rounds never open two windows of one list.
        topic_list = TopicList.objects.select_for_update(no_key=True).filter(pk=list_id).first()
        if topic_list is None:
            return skip(due, DecisionReason.LIST_DELETED, now)
        end = window_end(topic_list.gathering_until, topic_list.gather_s, now)
        if end is not None:
            return due.update(due_at=end, reason=DecisionReason.GATHERED, decided_at=now)
        return _Round(topic_list, list(due.order_by("id")[:NOTIFY_LIMIT]), now).notify()


def skip(decisions: Any, reason: DecisionReason, now: datetime) -> int:
    """Writes that waiting decisions are not told; returns how many."""
    skipped: int = decisions.filter(state=DecisionState.WAITING).update(
        state=DecisionState.SKIPPED, reason=reason, due_at=None, decided_at=now
    )
    return skipped


class _Round:
    """One round for one list, under its lock: takes each decision again by what holds now, and writes one mail."""

    def __init__(self, topic_list: TopicList, decisions: Sequence[TopicDecision], now: datetime) -> None:
        self.list, self.decisions, self.now = topic_list, decisions, now
        self.addresses = list(topic_list.addresses.values_list("address", flat=True))
        self.events = Event.objects.in_bulk([decision.event_id for decision in decisions])
        self.subscription = subscription_of(topic_list, has_address=bool(self.addresses))

    def notify(self) -> int:
        notified = []
        for decision in self.decisions:
            reason = self._why_not(self.events.get(decision.event_id))
            if reason:
                decision.state, decision.reason = DecisionState.SKIPPED, reason
                count_skipped(reason)
            else:
                notified.append(decision)
        if notified:
            self._publish_mails(notified)
        self._write()
        return len(self.decisions)

    def _why_not(self, event: Event | None) -> DecisionReason:
        if event is None:
            return DecisionReason.EVENT_GONE
        try:
            kind = kind_of(event.kind)
        except UnknownKind:
            return DecisionReason.TOPIC
        view = EventView.of(kind, event.subject, event.payload) if self.subscription.asks else None
        return why_not_notified(self.subscription.decision_input(kind, view))

    def _publish_mails(self, notified: Sequence[TopicDecision]) -> None:
        """One mail of all of them; of a list that gathers nothing a mail for each."""
        notified = sorted(notified, key=lambda decision: self._order(self.events[decision.event_id]))
        of_each = [list(notified)] if self.list.gather_s else [[decision] for decision in notified]
        threads = self._threads()
        mails = [self._mail(decisions, threads) for decisions in of_each]
        ids = publish(events=mails, now=self.now)
        for mail, decisions in zip(mails, of_each, strict=True):
            for decision in decisions:
                decision.state, decision.reason = DecisionState.NOTIFIED, DecisionReason.NONE
                decision.mail_id, decision.thread = ids.get(mail.dedup_key), mail.thread or mail.uuid.hex
        window = timedelta(seconds=self.list.gather_s)
        # Not by save(): the audit log would ask for the list once more to find that nothing of it changed.
        TopicList.objects.filter(pk=self.list.pk).update(
            gathering_until=self.now + window if window else None, thread=notified[-1].thread, last_told_at=self.now
        )

    @staticmethod
    def _order(event: Event) -> tuple[datetime, int]:
        return event.occurred_at, event.pk

    def _mail(self, decisions: Sequence[TopicDecision], threads: Mapping[str, str]) -> NewEvent:
        events = [self.events[decision.event_id] for decision in decisions]
        return mail_to_list(
            self.list,
            self.addresses,
            kind=TOPIC_MAIL,
            payload=TopicMail(
                list_id=self.list.pk,
                list_name=self.list.name,
                items=[item_of(event) for event in events[:LISTED]],
                total=len(events),
                counts=[TopicCount(kind, n) for kind, n in Counter(event.kind for event in events).most_common()],
                url=list_url(self.list.pk),
            ),
            # A decision is told in one mail only, whatever else goes wrong.
            dedup_key=f"topic_notice:{min(decision.pk for decision in decisions)}",
            occurred_at=events[0].occurred_at,
            thread=self._thread(decisions, events, threads),
        )

    def _threads(self) -> dict[str, str]:
        """The mails of this list that told of what is answered now, by the events (uuid hex)."""
        uuids = {found for event in self.events.values() if (found := _uuid(event.thread))}
        rows = TopicDecision.objects.filter(~Q(thread=""), topic_list_id=self.list.pk, event__uuid__in=uuids)
        return {told.hex: thread for told, thread in rows.values_list("event__uuid", "thread")} if uuids else {}

    def _thread(self, decisions: Sequence[TopicDecision], events: Sequence[Event], threads: Mapping[str, str]) -> str:
        """The mail that this one answers, or nothing when it begins a conversation."""
        if all(event.thread for event in events):
            mails = {threads[event.thread] for event in events if event.thread in threads}
            if len(mails) == 1:
                return mails.pop()
        return self.list.thread if any(decision.reason == DecisionReason.GATHERED for decision in decisions) else ""

    def _write(self) -> None:
        update_rows(
            "outbox_topicdecision",
            Col("id", "bigint"),
            columns(TopicDecision, "state", "reason", "mail_id", "thread", "due_at", "decided_at"),
            [
                (decision.pk, decision.state, decision.reason, decision.mail_id, decision.thread, None, self.now)
                for decision in self.decisions
            ],
        )


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(hex=text)
    except ValueError:
        return None
