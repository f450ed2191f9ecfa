"""Automatic second tries: each a new action, linked to the one that failed, only where the failure table allows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings

from fleet_remotes.choices import OPEN, Kind, StepKind
from fleet_remotes.models import RemoteAction
from fleet_remotes.rules.retrying import auto_retry_delay
from fleet_remotes.services.bulk_writes import write_steps


def plan_retries(failed: Sequence[RemoteAction], now: datetime) -> dict[int, datetime]:
    """Queues what may be tried again, in the caller's transaction; returns when, by the failed action."""
    if not settings.REMOTES_AUTO_RETRY:
        return {}
    delays = {
        action.pk: delay
        for action in failed
        if not action.fleet.is_stopped
        and (delay := auto_retry_delay(kind=Kind(action.kind), cause=action.cause, tries=action.auto_tries))
    }
    allowed = [action for action in failed if action.pk in delays]
    if not allowed:
        return {}
    # A person was quicker: the same command is under way again.
    open_actions = RemoteAction.objects.filter(vehicle__in={a.vehicle_id for a in allowed}, state__in=OPEN)
    taken = set(open_actions.exclude(pk__in=delays).values_list("vehicle_id", "kind"))
    allowed = [action for action in allowed if (action.vehicle_id, action.kind) not in taken]
    retries = RemoteAction.objects.bulk_create([_retry_of(a, now + delays[a.pk], now) for a in allowed])
    write_steps((retry.pk, now, StepKind.CREATED, f"#{retry.retry_of_id}") for retry in retries)
    return {action.pk: now + delays[action.pk] for action in allowed}


def _retry_of(action: RemoteAction, at: datetime, now: datetime) -> RemoteAction:
    return RemoteAction.ordered(
        now=now,
        not_before=at,
        vehicle_id=action.vehicle_id,
        fleet_id=action.fleet_id,
        batch_id=action.batch_id,
        kind=action.kind,
        parameters=action.parameters,
        reason=action.reason,
        requested_by=action.requested_by,
        retry_of=action,
        auto_tries=action.auto_tries + 1,
    )
