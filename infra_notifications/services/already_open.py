"""What is open already when a charge point, an address or a case comes to a group: decided anew, told in one mail.

Whoever changes a group notes in its transaction that it is to be reviewed (`review_groups`); the sweep reviews it in a
transaction of its own, after that commit. It holds the states of all members, as messages do, so that an incident is
either seen here or decided there. Each address hears once of an incident through a group: who came later gets a mail of
its own, and the deliveries say who got what, so that an address that is removed and added again is not told twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import connection, transaction
from django.db.models.functions import Lower

from core.sql import columns, insert_rows, take_ids
from infra_notifications.choices import NotificationKind, NotificationReason, NotificationState
from infra_notifications.event_kinds import GROUP_ALREADY_OPEN
from infra_notifications.models import GroupAddress, Incident, NotificationDecision, NotificationGroup
from infra_notifications.rules.decisions import Decision, decide_open
from infra_notifications.services.decisions import NotificationRow, insert_notifications, unheard_by
from infra_notifications.services.notifying import NotificationRound
from infra_notifications.services.payloads import incidents_payload
from outbox.contract import NewEvent
from outbox.services.mailing_lists.lists import mail_to_list

REVIEW_LIMIT = 100
# Why a group was not told, where the reason may have gone: decided anew. Everything else stays as it was decided.
_MAY_HAVE_GONE = frozenset(
    {
        NotificationReason.NO_ADDRESS,
        NotificationReason.PAUSED,
        NotificationReason.CASE_NOT_SELECTED,
        NotificationReason.LEFT_GROUP,
        NotificationReason.TOO_OLD,
        NotificationReason.ACKNOWLEDGED,
    }
)
_NEW = columns(
    NotificationDecision,
    "id",
    "incident_id",
    "group_id",
    "group_name",
    "kind",
    "state",
    "reason",
    "due_at",
    "decided_at",
    "thread",
    "event_id",
)


def review_groups(*, group_ids: Iterable[int], now: datetime) -> None:
    """Notes that somebody or something came to these groups, in the transaction that brings it."""
    NotificationGroup.objects.filter(pk__in=group_ids).update(review_at=now)


def catch_up(addresses: Sequence[str], now: datetime) -> None:
    """Mail goes to these addresses again: what their groups were told meanwhile did not reach them.

    An address comes anew by that, as one that is typed anew, so that its deliveries say what it has heard of.
    """
    rows = GroupAddress.objects.alias(lowered=Lower("address"))
    rows = rows.filter(lowered__in=[address.lower() for address in addresses])
    group_ids = set(rows.values_list("group_id", flat=True))
    rows.update(added_at=now)
    review_groups(group_ids=group_ids, now=now)


def review_due(*, now: datetime, limit: int = REVIEW_LIMIT) -> int:
    """Reviews the groups to which something came and returns how many; each in a transaction of its own."""
    due = NotificationGroup.objects.filter(review_at__lte=now).order_by("review_at", "pk")
    found = list(due.values_list("pk", flat=True)[:limit])
    for pk in found:
        with transaction.atomic():
            _review(pk, now)
    return len(found)


def _version_of(pk: int) -> str:
    """The row's version: whoever changes it, at whatever time, makes another one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin::text FROM infra_notifications_notificationgroup WHERE id = %s", [pk])
        row = cursor.fetchone()
    return row[0] if row else ""


def _review(pk: int, now: datetime) -> None:
    """Locks in the order of all writers: states of the members, decisions, group."""
    version = _version_of(pk)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT charge_point_id FROM infra_notifications_chargepointstate WHERE charge_point_id IN"
            " (SELECT charge_point_id FROM infra_notifications_groupmembership WHERE group_id = %s)"
            " ORDER BY charge_point_id FOR UPDATE",
            [pk],
        )
        members = {row[0] for row in cursor.fetchall()}
    found = Incident.objects.filter(closed_at__isnull=True, charge_point__memberships__group_id=pk)
    found = found.select_related("charge_point__state", "acknowledgement").order_by("opened_at", "id")
    # Of those alone whose states are held: who came since is reviewed next time.
    incidents = [incident for incident in found if incident.charge_point_id in members]
    decided = NotificationDecision.objects.select_for_update(of=("self",)).filter(
        group_id=pk, kind=NotificationKind.OPENED, incident__closed_at__isnull=True
    )
    by_incident = {notification.incident_id: notification for notification in decided.order_by("id")}
    for incident in incidents:
        if incident.pk in by_incident:
            by_incident[incident.pk].incident = incident
    _Review(pk, version, incidents, by_incident, now).notify()


class _Review(NotificationRound):
    """The review of one group: new and reopened decisions, and mails to exactly those who have not heard."""

    def __init__(
        self,
        pk: int,
        version: str,
        incidents: Sequence[Incident],
        decided: dict[int, NotificationDecision],
        now: datetime,
    ) -> None:
        self.pk, self.version = pk, version
        self.incidents, self.decided = incidents, decided
        self.caught_up: list[tuple[NewEvent, list[Incident]]] = []
        new = [NotificationDecision(incident=incident) for incident in incidents]
        super().__init__(new, now)

    def _lock_groups(self, ids: set[int]) -> None:
        super()._lock_groups({self.pk})
        self.is_complete = _version_of(self.pk) == self.version

    def notify(self) -> None:
        group = self.groups.get(self.pk)
        if group is None:  # deleted meanwhile
            return
        fresh = self._decide(group)
        later = self._heard_by_the_group_alone(group)
        self._add_mails(group, fresh, later)
        self.write()
        if self.is_complete:  # else something came after we began to read: it is reviewed next time
            NotificationGroup.objects.filter(pk=self.pk).update(review_at=self._next_review(later))

    # ---- what the group has not heard of --------------------------------------------------------------------------

    def _decide(self, group: NotificationGroup) -> list[NotificationDecision]:
        """Decides what no decision stands for, or one that may not hold any more; returns what is told now.

        What is acknowledged is told beside what is not, and else not at all.
        """
        listener = self.listener_of(group)
        now_told: list[NotificationDecision] = []
        acknowledged: list[NotificationDecision] = []
        rows: list[NotificationRow] = []
        ids = iter(take_ids("infra_notifications_notice", sum(i.pk not in self.decided for i in self.incidents)))
        for incident in self.incidents:
            notification = self.decided.get(incident.pk)
            if notification is None:
                notification = self._new(next(ids), group, incident)
                rows.append(tuple(getattr(notification, column.name) for column in _NEW))
            elif notification.state != NotificationState.SKIPPED or notification.reason not in _MAY_HAVE_GONE:
                continue
            situation = replace(
                self.situation_of(notification), waited=None, acknowledged=_author_of(incident) is not None
            )
            decision = decide_open(situation, listener, self.now)
            if decision.notifies:
                now_told.append(notification)
            elif decision.reason == NotificationReason.ACKNOWLEDGED:
                acknowledged.append(notification)
            else:
                self._note(notification, decision)
        insert_rows("infra_notifications_notice", _NEW, rows)
        if now_told:
            return sorted((*now_told, *acknowledged), key=lambda n: (n.incident.opened_at, n.incident_id))
        for notification in acknowledged:
            self._note(notification, Decision(NotificationReason.ACKNOWLEDGED))
        return []

    def _new(self, pk: int, group: NotificationGroup, incident: Incident) -> NotificationDecision:
        return NotificationDecision(
            id=pk,
            incident=incident,
            group=group,
            group_name=group.name,
            kind=NotificationKind.OPENED,
            state=NotificationState.SKIPPED,
            reason=NotificationReason.NO_ADDRESS,
            decided_at=self.now,
        )

    def _note(self, notification: NotificationDecision, decision: Decision) -> None:
        state = NotificationState.WAITING if decision.due_at else NotificationState.SKIPPED
        if (state, decision.reason) != (notification.state, notification.reason) or notification.decided_at == self.now:
            self._change(notification, state, decision.reason, decision.due_at)

    # ---- what the group has heard of, but not everybody on its list -----------------------------------------------

    def _heard_by_the_group_alone(self, group: NotificationGroup) -> dict[int, set[str]]:
        """By incident that the group was told of, the addresses that have not heard; a digest tells them by itself."""
        if group.digest_due_at is not None:
            return {}
        told = [
            (self.pk, incident)
            for incident in self.incidents
            if (notification := self.decided.get(incident.pk)) is not None
            and notification.state == NotificationState.SENT
            and incident.case in group.cases
        ]
        unheard = unheard_by(told, self.addresses)
        paused = self.paused[group.pk]
        return {incident_id: addresses - paused for (_group, incident_id), addresses in unheard.items()}

    def _next_review(self, later: dict[int, set[str]]) -> datetime | None:
        """When a maintenance ends during which an address came: what is still broken then is told there too."""
        points = {incident.charge_point_id for incident in self.incidents if incident.pk in later}
        return min(
            (self.context.maintenance[point] for point in points & self.context.maintenance.keys()), default=None
        )

    # ---- mails ----------------------------------------------------------------------------------------------------

    def _add_mails(
        self, group: NotificationGroup, fresh: list[NotificationDecision], later: dict[int, set[str]]
    ) -> None:
        """One mail for all addresses that have not heard of the same incidents; most often that is one mail."""
        incidents = {incident.pk: incident for incident in self.incidents}
        missing: dict[str, list[Incident]] = {
            address: [n.incident for n in fresh]
            for address in self.addresses[group.pk]
            if address not in self.paused[group.pk]
        }
        for pk, addresses in later.items():
            if incidents[pk].charge_point_id not in self.context.maintenance:
                for address in addresses:
                    missing[address].append(incidents[pk])
        mails: dict[tuple[int, ...], list[str]] = defaultdict(list)
        for address, those in missing.items():
            if any(_author_of(incident) is None for incident in those):
                mails[tuple(sorted(incident.pk for incident in those))].append(address)
        # The group's own mail is the one that most addresses get; the thread of what it tells begins with it.
        ordered = sorted(mails.items(), key=lambda mail: -len(mail[1]))
        for number, (ids, to) in enumerate(ordered):
            told = fresh if number == 0 else []
            settled = {notification.incident_id for notification in told}
            listed = sorted((incidents[pk] for pk in ids), key=lambda incident: (incident.opened_at, incident.pk))
            event = self._mail(group, listed, to, number)
            self.events.append((event, told))
            self.caught_up.append((event, [incident for incident in listed if incident.pk not in settled]))

    def _mail(self, group: NotificationGroup, listed: Sequence[Incident], to: Sequence[str], number: int) -> NewEvent:
        group.last_notified_at = self.now
        payload = incidents_payload(group, listed)
        for item, incident in zip(payload.items, listed, strict=False):
            item.incident.acknowledged_by = _author_of(incident) or ""
        return mail_to_list(
            group,
            to,
            kind=GROUP_ALREADY_OPEN,
            payload=payload,
            dedup_key=f"{GROUP_ALREADY_OPEN}:{group.pk}:{self.now.timestamp():.6f}:{number}:{listed[0].pk}",
            occurred_at=listed[0].opened_at,
        )

    def write(self) -> dict[str, int]:
        """Also which incidents an address that came later was told of, so that it is told once."""
        ids = super().write()
        group = self.groups[self.pk]
        insert_notifications(
            [
                (
                    incident.pk,
                    group.pk,
                    group.name,
                    NotificationKind.CATCH_UP,
                    NotificationState.SENT,
                    "",
                    None,
                    self.now,
                    event.uuid.hex,
                    ids.get(event.dedup_key),
                    None,
                )
                for event, incidents in self.caught_up
                for incident in incidents
            ]
        )
        return ids


def _author_of(incident: Incident) -> str | None:
    """Who acknowledged it; None where nobody has."""
    found = getattr(incident, "acknowledgement", None)
    return found.author if found is not None else None
