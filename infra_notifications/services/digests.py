"""The daily digest of a group: what happened since the last one and what is still open, in one mail."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from infra_notifications.choices import NotificationKind, NotificationReason, NotificationState
from infra_notifications.event_kinds import GROUP_DIGEST, DigestItem, GroupDigest
from infra_notifications.models import GroupMembership, Incident, NotificationDecision, NotificationGroup
from infra_notifications.rules.daily import next_daily
from infra_notifications.rules.decisions import Listener
from infra_notifications.services.context import context_of
from infra_notifications.services.notifying import NotificationRound
from infra_notifications.services.payloads import LISTED, charge_point_facts, incident_url, to_group

# Groups per round: each may have thousands of notifications, and messages about these wait for the round.
DIGEST_LIMIT = 5
_RELATED = ("incident__charge_point__state", "incident__acknowledgement")


def zone_of(group: NotificationGroup) -> tzinfo:
    """Where the group's wall clock hangs."""
    return ZoneInfo(group.time_zone) if group.time_zone else timezone.get_default_timezone()


def next_digest(group: NotificationGroup, now: datetime) -> datetime | None:
    """When the group's next digest is due; None when it gets single mails."""
    return next_daily(group.digest_time, zone_of(group), now) if group.digest_time is not None else None


def send_digests(*, now: datetime, limit: int = DIGEST_LIMIT) -> int:
    """Sends the digests that are due and returns for how many groups; one in which nothing stands is not mailed."""
    with transaction.atomic():
        due = NotificationGroup.objects.filter(digest_due_at__lte=now).order_by("digest_due_at")
        # The groups first: who has only found a group whose notifications another holds would call its digest done.
        ids = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
        if ids:
            waiting = NotificationDecision.objects.filter(
                group_id__in=ids, state=NotificationState.WAITING, reason=NotificationReason.DIGEST, due_at__lte=now
            )
            free = list(waiting.select_for_update(skip_locked=True).order_by("id").values_list("pk", flat=True))
            # A digest without a notification that is being decided at this moment would leave it for tomorrow.
            held = set(waiting.exclude(pk__in=free).values_list("group_id", flat=True))
            ids = [pk for pk in ids if pk not in held]
            found = NotificationDecision.objects.filter(pk__in=free, group_id__in=ids)
            _DigestRound(ids, list(found.select_related(*_RELATED).order_by("id")), now).notify()
    return len(ids)


class _DigestRound(NotificationRound):
    """One round of digests: decides what waits for them once more, and adds what is still open from before."""

    def __init__(self, ids: Sequence[int], notifications: Sequence[NotificationDecision], now: datetime) -> None:
        self.ids = set(ids)
        super().__init__(notifications, now)
        # Another worker may have been quicker, or the group may want no digest any more: what waits stays as it is.
        self.due = {pk for pk, group in self.groups.items() if group.digest_due_at and group.digest_due_at <= now}
        self.notifications = [notification for notification in notifications if notification.group_id in self.due]

    def _lock_groups(self, ids: set[int]) -> None:
        super()._lock_groups(self.ids)

    def listener_of(self, group: NotificationGroup) -> Listener:
        """The group's digest is now."""
        return replace(super().listener_of(group), digest_at=None)

    def notify(self) -> None:
        notified: dict[int, list[NotificationDecision]] = defaultdict(list)
        for notification in self.notifications:
            if self.is_still_due(notification, self.situation_of(notification)):
                notified[notification.group_id or 0].append(notification)
        still_open = self._still_open()
        for group_id in sorted(self.due):
            group = self.groups[group_id]
            group.digest_due_at = next_digest(group, self.now)
            unattended = [i for i in still_open[group_id] if not _author_of_acknowledgement(i)]
            if self.addresses[group_id] and (notified[group_id] or unattended):
                self._add_digest(group, notified[group_id], still_open[group_id])
        self.write()

    def _still_open(self) -> dict[int, list[Incident]]:
        """What each group was told of before, at charge points that are still its members, and is still open."""
        members = GroupMembership.objects.filter(
            group=OuterRef("group"), charge_point=OuterRef("incident__charge_point")
        )
        found = NotificationDecision.objects.filter(
            Exists(members),
            group_id__in=self.due,
            kind=NotificationKind.OPENED,
            state=NotificationState.SENT,
            incident__closed_at__isnull=True,
        )
        notifications = list(found.select_related(*_RELATED))
        # Of what is in maintenance nothing is mailed.
        resting = context_of(
            {notification.incident.charge_point_id for notification in notifications}, self.now
        ).maintenance
        incidents: dict[int, list[Incident]] = defaultdict(list)
        for notification in notifications:
            if notification.incident.charge_point_id not in resting:
                incidents[notification.group_id or 0].append(notification.incident)
        return incidents

    def _add_digest(
        self, group: NotificationGroup, notified: list[NotificationDecision], still_open: list[Incident]
    ) -> None:
        opened = [notification.incident for notification in notified if notification.kind == NotificationKind.OPENED]
        ended = [notification.incident for notification in notified if notification.kind == NotificationKind.RECOVERED]
        items = _items(opened, (*opened, *ended, *still_open))
        payload = GroupDigest(
            opened=len(opened),
            over=len(ended) + sum(not incident.is_open for incident in opened),
            open=len(still_open) + sum(incident.is_open for incident in opened),
            items=items[:LISTED],
            total=len(items),
            **to_group(group),
        )
        self.add_mail(group, GROUP_DIGEST, payload, notified)


def _author_of_acknowledgement(incident: Incident) -> str:
    found = getattr(incident, "acknowledgement", None)
    return found.author if found is not None else ""


def _items(opened: Sequence[Incident], incidents: Sequence[Incident]) -> list[DigestItem]:
    """One item per charge point and case with its latest incident; what is open stands first."""
    openings = Counter((incident.charge_point_id, incident.case) for incident in opened)
    latest: dict[tuple[int, str], Incident] = {}
    for incident in sorted(incidents, key=lambda incident: incident.pk):
        latest[incident.charge_point_id, incident.case] = incident
    ordered = sorted(latest.items(), key=lambda pair: (not pair[1].is_open, pair[1].opened_at, pair[1].pk))
    return [
        DigestItem(
            charge_point=charge_point_facts(incident.charge_point),
            case=incident.case,
            openings=openings[pair],
            opened_at=incident.opened_at,
            closed_at=incident.closed_at,
            acknowledged_by=_author_of_acknowledgement(incident),
            said=incident.said,
            url=incident_url(incident.pk),
            incident_id=incident.pk,
        )
        for pair, incident in ordered
    ]
