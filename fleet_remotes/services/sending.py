"""Sends what is due: claim → post → settle. The row first, the network after, never a socket inside a transaction.

A command is posted once. Whoever dies between the POST and its answer, or gets none, leaves the state "sent, fate
unknown", and the vendor's own list says what became of it (services.polling).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from fleet_remotes.catalogue.advice import Refusal
from fleet_remotes.choices import IN_FLIGHT, Kind, State, StepKind
from fleet_remotes.client import ApiAway, ApiError, Remotes
from fleet_remotes.ingest.commands import Command
from fleet_remotes.models import Callback, Fleet, RemoteAction
from fleet_remotes.rules.preflight import CheckFinding, Level, preflight
from fleet_remotes.selectors import callbacks_to_send_by, sending_contexts, snapshots_of
from fleet_remotes.services import nudges
from fleet_remotes.services.binding import bind_to
from fleet_remotes.services.unit_of_work import ActionUnitOfWork, changing_actions

log = structlog.get_logger("signalbox.remotes")
THREADS = 8
# Seconds before a command is posted again that certainly did not arrive, by how often it was tried.
BACK_OFF_S = (5, 15, 60, 300)


@dataclass(frozen=True, slots=True)
class Claimed:
    """An action that this worker is about to post, and the callback by the vendor's id."""

    action: RemoteAction
    callback_id: str


# What became of a POST: the vendor's id of the action, or what went wrong.
Posted = str | ApiError | ApiAway


def send_due() -> int:
    """Sends everything that is due, at most so many a second; returns how many were posted."""
    posted = 0
    while True:
        claimed, is_throttled = claim(now=timezone.now())
        post_all(claimed)
        posted += len(claimed)
        if is_throttled and claimed:
            nudges.send_in(1)
        if is_throttled or not claimed:
            return posted


def post_all(claimed: Sequence[Claimed]) -> None:
    """Posts on a few connections at once; each answer is written as soon as it is there."""
    if not claimed:
        return
    with ThreadPoolExecutor(min(THREADS, len(claimed)), thread_name_prefix="remotes") as pool:
        posts = {pool.submit(post, item): item for item in claimed}
        for done in as_completed(posts):
            try:
                settle(claimed=posts[done], posted=done.result(), now=timezone.now())
            except DatabaseError as error:
                # Its lease ends, and then the vendor's list shows what became of it; the others must not suffer.
                log.error("an answer was not written", action=posts[done].action.pk, error=str(error).strip())


def post(claimed: Claimed) -> Posted:
    """Posts one command. Touches no database."""
    action = claimed.action
    body = Command(Kind(action.kind), action.parameters).body(action.label)
    try:
        return Remotes().send(action.fleet.key, action.vehicle.vehicle_id, claimed.callback_id, body)
    except (ApiError, ApiAway) as error:
        return error


# ---- claim ------------------------------------------------------------------------------------------------------


def claim(*, now: datetime) -> tuple[list[Claimed], bool]:
    """Takes what is due, one command per vehicle at a time; says too whether the rate limit left something behind.

    Every command is checked once more: a budget may be used up since it was ordered, or privacy be on.
    """
    with changing_actions():
        room = settings.REMOTES_SEND_PER_S - _posted_lately(now)
        if room <= 0:
            return [], True
        ids = _due(now, room + 1)
        is_throttled = len(ids) > room
        work = ActionUnitOfWork(now)
        work.load(ids[:room])
        actions = list(work.actions.values())
        vehicles = [action.vehicle for action in actions]
        for action in actions:
            action.vehicle.fleet = action.fleet
        snapshots, contexts = snapshots_of(vehicles, now, leaving_out=work.actions), sending_contexts(vehicles, now)
        callbacks = callbacks_to_send_by(action.fleet_id for action in actions)
        claimed = []
        for action in actions:
            findings = preflight(
                Kind(action.kind), action.parameters, snapshots[action.vehicle_id], contexts[action.fleet_id]
            )
            if _goes_ahead(action, findings, work):
                claimed.append(_take(action, callbacks[action.fleet_id], work))
        work.flush()
    return claimed, is_throttled


def _posted_lately(now: datetime) -> int:
    return RemoteAction.objects.filter(submitting_at__gt=now - timedelta(seconds=1)).count()


def _due(now: datetime, limit: int) -> list[int]:
    """The oldest due command of each vehicle that has none with the vendor, in fleets that may send.

    One that was postponed is not overtaken by its opposite: the vehicle would end as the older one asked.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.id FROM fleet_remotes_remoteaction a JOIN fleet_remotes_fleet f ON f.id = a.fleet_id"
            " WHERE a.state = 'queued' AND a.not_before <= %s AND a.expires_at > %s AND f.stopped_at IS NULL"
            " AND (f.paused_until IS NULL OR f.paused_until <= %s)"
            " AND NOT EXISTS (SELECT 1 FROM fleet_remotes_remoteaction b"
            "   WHERE b.vehicle_id = a.vehicle_id AND b.state = ANY(%s))"
            " AND NOT EXISTS (SELECT 1 FROM fleet_remotes_remoteaction c WHERE c.vehicle_id = a.vehicle_id"
            "   AND c.state = 'queued' AND c.id < a.id AND (c.not_before <= %s OR c.kind = a.kind))"
            " ORDER BY a.not_before, a.id LIMIT %s",
            [now, now, now, [state.value for state in IN_FLIGHT], now, limit],
        )
        return [row[0] for row in cursor.fetchall()]


def _goes_ahead(action: RemoteAction, findings: Sequence[CheckFinding], work: ActionUnitOfWork) -> bool:
    """Whether it is posted now; else it is refused, or waits."""
    if action.state != State.QUEUED:  # cancelled since it was selected
        return False
    # Another of its kind that waits behind it is no reason against the first.
    blocking = [f for f in findings if f.level is Level.BLOCKS and f.code != Refusal.SAME_ACTION]
    waiting = [f.until for f in findings if f.level is Level.WAITS and f.until is not None]
    if blocking:
        cause = str(blocking[0].code)
        work.move(action, State.REFUSED, StepKind.REFUSED, cause, cause=cause)
    elif waiting:
        _postpone(action, max(waiting), work, "")
    return not blocking and not waiting


def _postpone(action: RemoteAction, until: datetime, work: ActionUnitOfWork, why: str) -> None:
    """Back into the queue, not to be sent before `until`."""
    action.not_before, action.lease_until = until, None
    work.move(action, State.QUEUED, StepKind.POSTPONED, f"{until.isoformat(timespec='seconds')} {why}".strip())
    work.watch(action)


def _take(action: RemoteAction, callback: Callback, work: ActionUnitOfWork) -> Claimed:
    action.submitting_at = work.now
    action.lease_until = work.now + timedelta(seconds=settings.REMOTES_LEASE_S + settings.REMOTES_TIMEOUT_S)
    action.posts += 1
    action.callback_ref = callback.pk
    work.move(action, State.SUBMITTING, StepKind.SUBMITTING)
    return Claimed(action, callback.callback_id)


# ---- settle -----------------------------------------------------------------------------------------------------


def settle(*, claimed: Claimed, posted: Posted, now: datetime) -> None:
    """Writes what became of a POST. One whose lease ran out meanwhile is settled too, unless it was posted again."""
    with changing_actions():
        work = ActionUnitOfWork(now)
        work.load([claimed.action.pk])
        action = work.actions.get(claimed.action.pk)
        if action is None or action.posts != claimed.action.posts or action.remote_action_id:
            return
        if action.state not in (State.SUBMITTING, State.UNKNOWN, State.UNCONFIRMED):
            return
        action.lease_until = None
        if isinstance(posted, str):
            submitted(action, posted, work)
        elif isinstance(posted, ApiError):
            _refused(action, posted, work)
        elif posted.may_have_arrived:
            fate_unknown(action, work, str(posted))
        else:
            pause = BACK_OFF_S[min(action.posts, len(BACK_OFF_S)) - 1]
            _postpone(action, now + timedelta(seconds=pause), work, str(posted))
        work.flush()


def submitted(action: RemoteAction, remote_action_id: str, work: ActionUnitOfWork) -> None:
    """The vendor has it, under this id; notifications that came before are applied now."""
    taken = RemoteAction.objects.filter(fleet_id=action.fleet_id, remote_action_id=remote_action_id)
    if taken.exclude(pk=action.pk).exists():
        fate_unknown(action, work, f"the vendor named the id of another action: {remote_action_id}")
        return
    action.remote_action_id, action.submitted_at = remote_action_id, work.now
    if action.state == State.UNCONFIRMED:
        work.step(action, StepKind.SUBMITTED, remote_action_id)
    else:
        work.move(action, State.SUBMITTED, StepKind.SUBMITTED, remote_action_id)
    work.watch(action)
    bind_to(work, [remote_action_id])


def fate_unknown(action: RemoteAction, work: ActionUnitOfWork, why: str) -> None:
    """It may have arrived or not: never posted again blindly, searched for in the vendor's list instead."""
    if action.state == State.UNCONFIRMED:
        return
    action.lease_until = None
    work.move(action, State.UNKNOWN, StepKind.FATE_UNKNOWN, why)
    work.watch(action)


def _refused(action: RemoteAction, error: ApiError, work: ActionUnitOfWork) -> None:
    if error.leaves_fate_open:
        fate_unknown(action, work, str(error))
        return
    if error.is_throttled:
        until = work.now + timedelta(seconds=error.retry_after_s)
        Fleet.objects.filter(pk=action.fleet_id).update(paused_until=until)
        _postpone(action, until, work, str(error))
        return
    action.http_status = error.status
    action.error_code, action.error_text, action.error_uuid = error.code, error.text, error.uuid
    work.move(action, State.REJECTED, StepKind.REJECTED, str(error))
