"""Marks what no more notifications will follow from, so that it is not read again: sessions, payouts and their like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from django.db import connection

from vehicles.models import ChargingSession, CostStatement, Payout, Referral, Reimbursement
from vehicles.rules.conditions.sessions import is_of_former_driver
from vehicles.rules.deciding import Policy
from vehicles.rules.snapshot import Entity, Snapshot
from vehicles.rules.windows import Window
from vehicles.services.snapshots import Subject

Target = tuple[str, str]  # table, column


def _items(snapshot: Snapshot) -> Iterator[tuple[Target, str, Entity, bool]]:
    """What may be settled: where that is noted, the subject of its windows, the entity, and whether none is to come."""
    for vehicle in snapshot.vehicles:
        for session in vehicle.sessions:
            if session.ended_at is not None:
                yield (
                    (ChargingSession._meta.db_table, "settled"),
                    f"session:{session.key}",
                    session,
                    is_of_former_driver(vehicle, session),
                )
    for model, column, prefix, entities in (
        (Payout, "settled", "payout", snapshot.payouts),
        (Reimbursement, "settled", "reimbursement", snapshot.reimbursements),
        (CostStatement, "settled", "statement", snapshot.statements),
        (Referral, "settled_for_referrer", "referral", snapshot.referred),
        (Referral, "settled_for_invitee", "referral", snapshot.invited),
    ):
        for entity in entities:
            yield (
                (model._meta.db_table, column),
                f"{prefix}:{entity.key}",
                entity,
                entity.reports.latest("state") == "failed",
            )


def settle_items(
    *, subjects: Mapping[int, Subject], windows: Mapping[int, Sequence[tuple[Policy, Window]]], now: datetime
) -> None:
    """Settles every item all of whose windows are over. A later fact about it opens it again."""
    settled: dict[Target, list[int]] = defaultdict(list)
    for pk, subject in subjects.items():
        subjects_of_windows = {window.subject for _policy, window in windows[pk]}
        going_on = {window.subject for _policy, window in windows[pk] if not window.is_over(now)}
        for target, name, entity, is_over in _items(subject.snapshot):
            if name not in going_on and (is_over or name in subjects_of_windows):
                settled[target].append(entity.id)
    with connection.cursor() as cursor:
        for (table, column), ids in settled.items():
            # Rows that a batch of facts holds are passed by: it evaluates them itself.
            cursor.execute(
                f"UPDATE {table} SET {column} = true WHERE id IN (SELECT id FROM {table}"  # noqa: S608 - names are ours
                f" WHERE id = ANY(%s) AND NOT {column} FOR NO KEY UPDATE SKIP LOCKED)",
                [ids],
            )
