"""A brake per brand and feed: trouble of more than a share of its drivers within minutes is the feed's, mostly.

What came before the brake held is told; what comes then waits until a person releases or drops it. One event says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from core.cache import Cache
from outbox.contract import NewEvent
from outbox.services import publish
from vehicles.choices import BrakeState, NotificationState, Reason, StepKind
from vehicles.event_kinds import BRAKED, BrakeFacts
from vehicles.models import Brake, Driver, DriverNotification, NotificationStep
from vehicles.rules.deciding import Key, Policy, Row
from vehicles.rules.snapshot import Snapshot
from vehicles.rules.windows import Window
from vehicles.services.snapshots import Subject

Windows = Mapping[int, Sequence[tuple[Policy, Window]]]
# So many of them within this time; fewer than LEAST drivers are never too many.
WITHIN, LEAST = timedelta(minutes=15), 20
# What was released holds nothing for a day: the person has seen it.
RELEASED_FOR = timedelta(days=1)
# How many drivers a brand has at a feed changes slowly.
_totals: Cache[str, int] = Cache(age_s=600)


def key_of(snapshot: Snapshot, policy: Policy, window: Window | None) -> str:
    """Brand and feed of a trouble; "" for what is no trouble of a car or account."""
    if not policy.is_trouble or window is None:
        return ""
    for vehicle in snapshot.vehicles:
        through = vehicle.account is not None and vehicle.account.id == window.account_id
        if vehicle.feed is not None and (vehicle.id == window.vehicle_id or (window.vehicle_id is None and through)):
            return f"{vehicle.brand[:50]}|{vehicle.feed.key}"
    return ""


class Brakes:
    """Which of the notifications that some drivers are about to get wait for a person: `held`, by driver."""

    def __init__(
        self, subjects: Mapping[int, Subject], windows: Windows, rows: Mapping[int, Sequence[Row]], now: datetime
    ) -> None:
        self.now = now
        coming: dict[str, dict[int, set[Key]]] = defaultdict(lambda: defaultdict(set))
        for pk, subject in subjects.items():
            known = {row.key for row in rows.get(pk, ()) if row.reason != Reason.BRAKE}
            for policy, window in () if subject.driver.removed else windows[pk]:
                key = (policy.name, window.subject)
                if policy.is_trouble and key not in known and window.holds(now):
                    coming[self.key_of(subject.snapshot, policy, window)][pk].add(key)
        coming.pop("", None)
        self.held: dict[int, set[Key]] = defaultdict(set)
        for brake_key in self._holding(coming) if coming else ():
            for pk, keys in coming[brake_key].items():
                self.held[pk] |= keys

    @staticmethod
    def key_of(snapshot: Snapshot, policy: Policy, window: Window | None) -> str:
        return key_of(snapshot, policy, window)

    def _holding(self, coming: Mapping[str, Mapping[int, set[Key]]]) -> list[str]:
        """The keys whose brake holds, also those that begin to hold by what is coming."""
        since = self.now - RELEASED_FOR
        known = Brake.objects.filter(brake_key__in=coming).values_list("brake_key", "state", "decided_at")
        holding = {key for key, state, _at in known if state == BrakeState.HOLDING}
        released = {key for key, state, at in known if state == BrakeState.RELEASED and at and at > since}
        asked = [key for key in coming if key not in holding | released]
        told = self._told_lately(asked)
        for key in asked:
            drivers = len(told[key] | set(coming[key]))
            if drivers >= LEAST and self._is_too_many(key, drivers):
                holding.add(key)
        return sorted(holding)

    def _told_lately(self, keys: Sequence[str]) -> dict[str, set[int]]:
        told: dict[str, set[int]] = defaultdict(set)
        if keys:
            since = self.now - WITHIN
            rows = DriverNotification.objects.filter(brake_key__in=keys, told_at__gt=since)
            for key, driver_id in rows.values_list("brake_key", "driver_id").distinct():
                told[key].add(driver_id)
        return told

    def _is_too_many(self, key: str, drivers: int) -> bool:
        total = _totals.get(key, lambda: _drivers_of(key))
        if drivers * 100 <= settings.VEHICLES_BRAKE_PERCENT * total:
            return False
        row = Brake(brake_key=key, drivers=drivers, of=total, began_at=self.now)
        if Brake.objects.bulk_create([row], ignore_conflicts=True):
            facts = BrakeFacts(brand=row.brand, feed=key.rpartition("|")[2], drivers=drivers, of=total)
            moment = f"{self.now:%Y%m%dT%H%M%S%f}"
            event = NewEvent(BRAKED, f"feed:{key}"[:120], facts, f"brake/{key}/{moment}", self.now)
            publish(events=[event], now=self.now)
        return True


def _drivers_of(key: str) -> int:
    """How many drivers have a car of the brand that the feed spoke of last."""
    brand, _bar, feed = key.rpartition("|")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT driver_id) FROM vehicles_vehicle WHERE feed_key = %s AND NOT removed"
            " AND replace(lower(trim(brand)), ' ', '_') = %s",
            [int(feed), brand],
        )
        return int(cursor.fetchone()[0])


def decide_brake(*, brake: Brake, release: bool, by: str, now: datetime) -> bool:
    """Tells what a brake holds, or drops it for as long as it lasts. Says whether it held."""
    state = BrakeState.RELEASED if release else BrakeState.DROPPED
    with transaction.atomic():
        held = Brake.objects.filter(pk=brake.pk, state=BrakeState.HOLDING)
        if not held.update(state=state, decided_at=now, decided_by=by[:150]):
            return False
        waiting = DriverNotification.objects.filter(
            brake_key=brake.brake_key, state=NotificationState.SUPPRESSED, reason=Reason.BRAKE
        )
        # In the order of the ids, as everyone locks drivers.
        drivers = Driver.objects.filter(pk__in=waiting.values("driver_id")).order_by("pk")
        ids = list(drivers.select_for_update(no_key=True).values_list("pk", flat=True))
        if release:
            Driver.objects.filter(pk__in=ids).update(due_at=now)
        else:
            dropped = list(waiting.values_list("pk", flat=True))
            waiting.update(reason=Reason.DROPPED)
            NotificationStep.objects.bulk_create(
                [
                    NotificationStep(notification_id=pk, at=now, kind=StepKind.HELD, reason=Reason.DROPPED, by=by[:150])
                    for pk in dropped
                ],
                batch_size=5_000,
            )
    brake.refresh_from_db()
    return True
