"""Automatic second tries: each a new action, linked to the one that failed, only where it was chosen and the failure
table allows, and only until that one succeeds after all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings

from fleet_remotes.choices import OPEN, SUCCESS, Kind, State, StepKind
from fleet_remotes.models import RemoteAction
from fleet_remotes.rules.retrying import auto_retry_delay
from fleet_remotes.services.bulk_writes import write_steps


def plan_retries(failed: Sequence[RemoteAction], now: datetime) -> dict[int, datetime]:
    """Queues what may be tried again, in the caller's transaction; returns when, by the failed action."""
    delays = {
        action.pk: delay
        for action in failed
        if action.kind in settings.REMOTES_AUTO_RETRY
        and not action.fleet.is_stopped
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


def cancel_retries(changed: Sequence[RemoteAction], now: datetime) -> None:
    """Cancels the tries that wait for actions which have succeeded after all, in the caller's transaction."""
    successes = [action.pk for action in changed if action.state in SUCCESS]
    if not successes:
        return
    waiting = RemoteAction.objects.filter(retry_of__in=successes, auto_tries__gt=0, state=State.QUEUED)
    tries = list(waiting.select_for_update(no_key=True, of=("self",)).order_by("pk").values_list("pk", "retry_of_id"))
    RemoteAction.objects.filter(pk__in=[pk for pk, _first in tries]).update(
        state=State.CANCELLED, since=now, entered_at=now
    )
    write_steps((pk, now, StepKind.CANCELLED, f"#{first}") for pk, first in tries)


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
