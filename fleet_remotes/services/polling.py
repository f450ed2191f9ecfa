"""Follows what the vendor has: asks about what is overdue, finds what was lost, gives up after the hard time-out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection

from fleet_remotes.catalogue.advice import Refusal
from fleet_remotes.choices import REMOTE_TYPES, UNSENT, CallbackStatus, Kind, State, StepKind
from fleet_remotes.client import ApiAway, ApiError, Remotes, is_set_up
from fleet_remotes.ingest.notifications import read_record
from fleet_remotes.models import Callback, Fleet, RemoteAction
from fleet_remotes.rules.retrying import may_post_again
from fleet_remotes.rules.status import ActionStatus, infer_failure, mark_unconfirmed
from fleet_remotes.services import nudges
from fleet_remotes.services.sending import fate_unknown, submitted
from fleet_remotes.services.unit_of_work import ActionUnitOfWork, changing_actions

log = structlog.get_logger("signalbox.remotes")
MOST = 500
POLLS_AT_ONCE = 20
# For so long a poll belongs to the worker that claimed it.
POLL_LEASE = timedelta(seconds=90)
# A command is posted at most so often, each time after the vendor's list showed that it had not arrived.
MOST_POSTS = 3
_BLOCKED = (State.BLOCKED_QUOTA, State.BLOCKED_BATTERY)


# ---- what time brings ---------------------------------------------------------------------------------------------


def recover_lost(*, now: datetime) -> int:
    """Finds actions whose worker died between the POST and its answer: sent, fate unknown."""
    return _sweep(RemoteAction.objects.filter(state=State.SUBMITTING, lease_until__lt=now), _lost, now)


def _lost(action: RemoteAction, work: ActionUnitOfWork) -> None:
    fate_unknown(action, work, "the worker ended before it could write the answer")


def give_up(*, now: datetime) -> int:
    """The hard time-out: nothing more is expected. What stayed held up has failed, what contradicts itself is told, the
    rest is unconfirmed."""
    return _sweep(RemoteAction.objects.filter(deadline_at__lte=now), _give_up, now)


def _give_up(action: RemoteAction, work: ActionUnitOfWork) -> None:
    if action.state in _BLOCKED:
        _infer(action, work)
    elif action.is_disputed:
        work.tell_contradiction(action)
    else:
        work.step(action, StepKind.UNCONFIRMED)
        work.change(action, mark_unconfirmed(ActionStatus.of(action), work.now))


def _infer(action: RemoteAction, work: ActionUnitOfWork) -> None:
    work.step(action, StepKind.INFERRED)
    work.change(action, infer_failure(ActionStatus.of(action), work.now))


def expire(*, now: datetime) -> int:
    """What waited too long is not sent any more, and drafts that nobody confirmed are cancelled."""
    return _sweep(RemoteAction.objects.filter(state__in=UNSENT, expires_at__lte=now), _expire, now)


def _expire(action: RemoteAction, work: ActionUnitOfWork) -> None:
    is_draft = action.state == State.DRAFT
    state, cause = (State.CANCELLED, "") if is_draft else (State.REFUSED, str(Refusal.EXPIRED))
    work.move(action, state, StepKind.CANCELLED if is_draft else StepKind.REFUSED, cause, cause=cause)


def _sweep(rows: Any, change: Any, now: datetime) -> int:
    """Changes what is due under the lock, looking again at each once it is locked; returns how many."""
    with changing_actions():
        ids = list(rows.values_list("pk", flat=True)[:MOST])
        if not ids:
            return 0
        work = ActionUnitOfWork(now)
        work.load(ids)
        still = set(rows.filter(pk__in=ids).values_list("pk", flat=True))
        for action in work.actions.values():
            if action.pk in still:
                change(action, work)
        work.flush()
    return len(still)


# ---- asking the vendor --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """An action to ask about, with what is needed to ask."""

    id: int
    fleet: str
    vehicle_id: str
    callback_id: str
    remote_action_id: str


@dataclass(frozen=True, slots=True)
class VendorReply:
    """The vendor's answer: its record, its list, or why it could not be asked."""

    record: dict[str, Any] | None = None
    listed: list[dict[str, Any]] = field(default_factory=list)
    problem: str = ""
    pause_s: float = 0


def poll_due(*, now: datetime) -> int:
    """Asks the vendor about what is overdue, until it asks for a pause; returns about how many."""
    questions = take_questions(now=now)
    asked = 0
    for question in questions:
        answer = ask(question)
        take_answer(question=question, answer=answer, now=now)
        asked += 1
        if answer.pause_s:
            _put_back(questions[asked:], now + timedelta(seconds=answer.pause_s))
            return 0
    return asked


def _put_back(questions: Sequence[Question], until: datetime) -> None:
    """Questions that were claimed and not asked, because the vendor asked for a pause."""
    RemoteAction.objects.filter(pk__in=[question.id for question in questions]).update(look_at=until)


def poll_now(*, action: RemoteAction, now: datetime) -> bool:
    """Has the vendor asked about an action as soon as a worker can; says whether there is anything to ask."""
    changed = RemoteAction.objects.filter(pk=action.pk, submitting_at__isnull=False).update(look_at=now)
    if changed:
        nudges.poll_soon()
    return bool(changed)


def take_questions(*, now: datetime, limit: int = POLLS_AT_ONCE) -> list[Question]:
    """Takes what is overdue, so that no other worker asks the same."""
    if not is_set_up():
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE fleet_remotes_remoteaction a SET look_at = %s FROM ("
            "  SELECT l.id, p.key FROM fleet_remotes_remoteaction l JOIN fleet_remotes_fleet p ON p.id = l.fleet_id"
            "  WHERE l.look_at <= %s AND (p.paused_until IS NULL OR p.paused_until <= %s)"
            "  ORDER BY l.look_at LIMIT %s FOR UPDATE OF l SKIP LOCKED) due,"
            " fleet_remotes_fleetvehicle v, fleet_remotes_callback c"
            " WHERE a.id = due.id AND v.id = a.vehicle_id AND c.id = a.callback_ref"
            " RETURNING a.id, due.key, v.vehicle_id, c.callback_id, a.remote_action_id",
            [now + POLL_LEASE, now, now, limit],
        )
        return [Question(*row) for row in sorted(cursor.fetchall())]


def ask(question: Question) -> VendorReply:
    """Asks for the record of an action, or for the list where its id is not known. Touches no database."""
    where = (question.fleet, question.vehicle_id, question.callback_id)
    try:
        remotes = Remotes()
        if question.remote_action_id:
            return VendorReply(record=remotes.action(*where, question.remote_action_id))
        return VendorReply(listed=remotes.actions(*where))
    except ApiError as error:
        return VendorReply(problem=str(error), pause_s=error.retry_after_s)
    except ApiAway as away:
        return VendorReply(problem=str(away))


def take_answer(*, question: Question, answer: VendorReply, now: datetime) -> None:
    """Writes the vendor's answer about an action."""
    with changing_actions():
        work = ActionUnitOfWork(now)
        work.load([question.id])
        action = work.actions.get(question.id)
        if action is None:
            return
        if answer.pause_s:  # throttled: the same question later, and no poll is used up
            action.look_at = now + timedelta(seconds=answer.pause_s)
            work.changed[action.pk] = action
            Fleet.objects.filter(pk=action.fleet_id).update(paused_until=action.look_at)
        else:
            action.looks += 1
            if action.remote_action_id and question.remote_action_id:
                _take_record(action, answer, work)
            elif not action.remote_action_id:
                _take_list(action, answer, work)
            else:  # the 202 came while we asked
                work.watch(action)
        work.flush()


def _take_record(action: RemoteAction, answer: VendorReply, work: ActionUnitOfWork) -> None:
    work.watch(action)
    if answer.record is None:
        work.step(action, StepKind.POLLED, answer.problem)
        return
    report = read_record(answer.record, work.now)
    work.step(action, StepKind.POLLED, str(answer.record.get("status", ""))[:100])
    if report is None:
        return
    stayed = action.state in _BLOCKED and report.state == action.state
    work.report(action, report)
    if stayed:
        _infer(action, work)


def _take_list(action: RemoteAction, answer: VendorReply, work: ActionUnitOfWork) -> None:
    """Looks for a lost action in the vendor's list; after the last poll it is posted again, or ends unconfirmed."""
    entry = find_lost(action, answer.listed)
    if entry is not None:
        work.step(action, StepKind.FOUND, str(entry["remoteActionId"]))
        submitted(action, str(entry["remoteActionId"]), work)
        report = read_record(entry, work.now)
        if report is not None and action.remote_action_id:
            work.report(action, report)
        return
    work.watch(action)
    work.step(action, StepKind.POLLED if answer.problem else StepKind.NOT_FOUND, answer.problem)
    if action.state != State.UNKNOWN or action.look_at is not None:
        return
    again = may_post_again(Kind(action.kind)) and action.posts < MOST_POSTS and action.expires_at > work.now
    if again and not answer.problem:
        action.not_before = work.now
        work.change(action, replace(ActionStatus.of(action), state=State.QUEUED, since=work.now))
    else:
        work.step(action, StepKind.UNCONFIRMED)
        work.change(action, mark_unconfirmed(ActionStatus.of(action), work.now))


def find_lost(action: RemoteAction, listed: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The vendor's entry of an action whose id is not known: by its label, else the only unknown one that equals it."""
    entries = [entry for entry in listed if isinstance(entry.get("remoteActionId"), str) and entry["remoteActionId"]]
    for entry in entries:
        if action.label in (entry.get("label"), _request_of(entry).get("label")):
            return entry
    if any(entry.get("label") or _request_of(entry).get("label") for entry in entries):
        return None  # it shows labels, and ours is not among them
    ids_of_ours = set(
        RemoteAction.objects.filter(
            fleet_id=action.fleet_id, remote_action_id__in=[entry["remoteActionId"] for entry in entries]
        ).values_list("remote_action_id", flat=True)
    )
    equal = [entry for entry in entries if entry["remoteActionId"] not in ids_of_ours and _equals(action, entry)]
    return equal[0] if len(equal) == 1 else None


def _request_of(entry: dict[str, Any]) -> dict[str, Any]:
    request = entry.get("remote")
    return request if isinstance(request, dict) else {}


def _equals(action: RemoteAction, entry: dict[str, Any]) -> bool:
    request = _request_of(entry)
    if request:
        return bool(request.get(action.kind) == action.parameters)
    named = entry.get("type")
    return REMOTE_TYPES[Kind(action.kind)] in (named if isinstance(named, list) else [named])


def callbacks_checked(*, now: datetime) -> int:
    """Asks the vendor what it thinks of each registered callback; returns how many answered."""
    answered = 0
    for callback in Callback.objects.exclude(callback_id="").select_related("fleet") if is_set_up() else ():
        try:
            _id, status = Remotes().callback(callback.fleet.key, callback.callback_id)
        except (ApiAway, ApiError) as error:
            log.warning("callback not checked", callback=callback.slug, error=str(error))
            if not isinstance(error, ApiError) or error.status != 404:
                continue
            status = CallbackStatus.FAILED  # the vendor does not know it any more: nothing will come
        answered += 1
        if status != callback.status:
            Callback.objects.filter(pk=callback.pk).update(status=status)
    return answered
