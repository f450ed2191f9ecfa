"""Commands as people and machines give them: checked, confirmed where they are dangerous, queued, cancelled."""

from __future__ import annotations

import hmac
import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.refusal import Reason, Refused
from core.services import digest_of
from fleet_remotes.catalogue.advice import advice_of, summary_of
from fleet_remotes.choices import FAILURES, REPEATABLE_KINDS, UNSENT, State, StepKind
from fleet_remotes.ingest.commands import Command
from fleet_remotes.models import CommandBatch, FleetVehicle, RemoteAction
from fleet_remotes.rules.preflight import CheckFinding, Level, preflight
from fleet_remotes.selectors import sending_contexts, snapshots_of
from fleet_remotes.services import nudges
from fleet_remotes.services.approvals import ask_approval
from fleet_remotes.services.bulk_writes import write_steps
from fleet_remotes.services.outcomes import action_url

MIN_REASON = 4
MOST_VEHICLES = 10_000
# How long a dangerous command that a machine gave waits for its second confirmation.
CONFIRM_WITHIN = timedelta(minutes=10)


def _cannot_send(findings: Sequence[CheckFinding]) -> Refused:
    """Of the checks that speak against sending: their codes, and why and what to do in the sentence."""
    blocking = [finding for finding in findings if finding.level is Level.BLOCKS]
    advices = [advice_of(finding.code) for finding in blocking]
    sentence = " ".join(f"{advice.meaning} {advice.todo}" for advice in advices)
    for action in filter(None, (finding.action for finding in blocking)):
        sentence += f" {summary_of(action.kind, action.parameters)}: {action_url(action.id)}"
    return Refused(sentence, code="cannot_send", reasons=[Reason("vin", str(finding.code)) for finding in blocking])


def check_reason(command: Command, reason: str) -> str:
    """The reason, tidied. Raises Refused where a dangerous command has none."""
    reason = " ".join(reason.split())[:200]
    if command.is_dangerous and len(reason) < MIN_REASON:
        raise Refused(_("Say why, in at least %(n)d characters.") % {"n": MIN_REASON}, field="reason")
    return reason


def place_command(
    *,
    vehicle: FleetVehicle,
    command: Command,
    reason: str,
    by: str,
    now: datetime,
    confirmed: bool,
    retry_of: RemoteAction | None = None,
) -> tuple[RemoteAction, str]:
    """Queues a command for one vehicle. A dangerous one that is not `confirmed` becomes a draft, and the code that
    confirms it is returned beside it.

    Raises Refused when a check refuses or a reason is missing.
    """
    reason = check_reason(command, reason)
    is_draft = command.is_dangerous and not confirmed
    code = f"{secrets.randbelow(10**6):06d}" if is_draft else ""
    with transaction.atomic():
        # So that two people who give the same command at once are one.
        locked = FleetVehicle.objects.select_for_update(no_key=True, of=("self",)).select_related("fleet")
        vehicle = locked.get(pk=vehicle.pk)
        findings = check_vehicles([vehicle], command, now)[vehicle.pk]
        if any(finding.level is Level.BLOCKS for finding in findings):
            raise _cannot_send(findings)
        _cancel_tries([vehicle.pk], command, now, by)
        action = _new_action(vehicle, command, reason, by, now, retry_of=retry_of)
        if is_draft:
            action.state, action.expires_at = State.DRAFT, now + CONFIRM_WITHIN
            action.confirm_digest = digest_of(code)
        elif _asks_second_person(command):
            action.state = State.DRAFT
        action.save()
        write_steps([(action.pk, now, StepKind.CREATED, by)])
        ask_approval([action] if action.awaits_approval else [], now)
        transaction.on_commit(nudges.send_soon, robust=True)
    return action, code


def confirm_command(*, action: RemoteAction, code: str, by: str, now: datetime) -> RemoteAction:
    """The second confirmation of a dangerous command. Raises Refused for a wrong code or one that is late,
    and when a check refuses by now."""
    with transaction.atomic():
        FleetVehicle.objects.select_for_update(no_key=True).get(pk=action.vehicle_id)
        action = RemoteAction.objects.select_for_update(of=("self",)).select_related("vehicle__fleet").get(pk=action.pk)
        if action.state != State.DRAFT or action.expires_at <= now:
            raise Refused(_("This command does not wait for a confirmation any more."), code="conflict")
        if action.awaits_approval:
            raise Refused(_("It is confirmed, and waits for a second person."), code="conflict")
        if not hmac.compare_digest(action.confirm_digest, digest_of(code)):
            # One guess: a code of six digits must not be tried out.
            _cancel(RemoteAction.objects.filter(pk=action.pk), now, _("wrong confirmation code"))
            wrong = True
        else:
            wrong = False
            command = Command(action.kind, action.parameters)  # type: ignore[arg-type]
            findings = check_vehicles([action.vehicle], command, now)[action.vehicle_id]
            if any(finding.level is Level.BLOCKS for finding in findings):
                raise _cannot_send(findings)
            write_steps([(action.pk, now, StepKind.CONFIRMED, by)])
            if _asks_second_person(command):
                action.confirm_digest, action.expires_at = "", now + timedelta(seconds=settings.REMOTES_QUEUE_MAX_S)
                action.save(update_fields=["confirm_digest", "expires_at"])
                ask_approval([action], now)
            else:
                _queue(action, now)
    if wrong:
        raise Refused(_("This is not the code; the command is cancelled. Give it again."), code="wrong_code")
    return action


def _queue(action: RemoteAction, now: datetime) -> None:
    """Lets a draft go."""
    action.state, action.since, action.entered_at, action.not_before = State.QUEUED, now, now, now
    action.expires_at = now + timedelta(seconds=settings.REMOTES_QUEUE_MAX_S)
    action.save(update_fields=["state", "since", "entered_at", "not_before", "expires_at"])
    transaction.on_commit(nudges.send_soon, robust=True)


def _asks_second_person(command: Command) -> bool:
    return command.is_dangerous and settings.REMOTES_SECOND_PERSON


def approve_command(*, action: RemoteAction, by: User, now: datetime) -> None:
    """The second person's yes to a dangerous command. Raises Refused for whoever ordered it, when it is late, and when
    a check refuses by now."""
    with transaction.atomic():
        FleetVehicle.objects.select_for_update(no_key=True).get(pk=action.vehicle_id)
        action = RemoteAction.objects.select_for_update(of=("self",)).select_related("vehicle__fleet").get(pk=action.pk)
        if not action.awaits_approval or action.expires_at <= now:
            raise Refused(_("This command does not wait for a second person any more."), code="conflict")
        if action.requested_by == by.get_username():
            raise Refused(_("You ordered it; somebody else has to say yes."), code="conflict")
        command = Command(action.kind, action.parameters)  # type: ignore[arg-type]
        findings = check_vehicles([action.vehicle], command, now)[action.vehicle_id]
        if any(finding.level is Level.BLOCKS for finding in findings):
            raise _cannot_send(findings)
        write_steps([(action.pk, now, StepKind.APPROVED, by.get_username())])
        _queue(action, now)


def check_vehicles(vehicles: Sequence[FleetVehicle], command: Command, now: datetime) -> dict[int, list[CheckFinding]]:
    """What speaks against sending this command to each of these vehicles now."""
    snapshots, contexts = snapshots_of(vehicles, now), sending_contexts(vehicles, now)
    return {v.pk: preflight(command.kind, command.parameters, snapshots[v.pk], contexts[v.fleet_id]) for v in vehicles}


def place_batch(
    *,
    vehicle_ids: Sequence[int],
    command: Command,
    reason: str,
    by: User | str,
    now: datetime,
    retry_of: CommandBatch | None = None,
) -> CommandBatch:
    """Queues a command for many vehicles, in the name of a person or of whatever is named; those that a check refuses
    are kept in the batch as not sent, with why.

    Raises Refused for too many or no vehicles, a missing reason, or a dangerous command to several.
    """
    reason, name = check_reason(command, reason), by if isinstance(by, str) else by.get_username()
    ids = sorted(set(vehicle_ids))
    if not ids or len(ids) > MOST_VEHICLES:
        raise Refused(_("Choose between 1 and %(n)d vehicles.") % {"n": MOST_VEHICLES})
    if command.is_dangerous and len(ids) > 1 and not settings.REMOTES_DANGEROUS_IN_BULK:
        raise Refused(_("Such a command is sent to one vehicle at a time."))
    with transaction.atomic():
        locked = FleetVehicle.objects.select_for_update(no_key=True, of=("self",)).select_related("fleet")
        vehicles = list(locked.filter(pk__in=ids).order_by("pk"))
        findings = check_vehicles(vehicles, command, now)
        batch = CommandBatch.objects.create(
            kind=command.kind,
            parameters=command.parameters,
            reason=reason,
            total=len(vehicles),
            created_at=now,
            created_by=by if isinstance(by, User) else None,
            retry_of=retry_of,
        )
        going = [pk for pk, of in findings.items() if all(finding.level is not Level.BLOCKS for finding in of)]
        _cancel_tries(going, command, now, name)
        earlier = _failed_actions(retry_of) if retry_of is not None else {}
        actions = []
        for vehicle in vehicles:
            action = _new_action(vehicle, command, reason, name, now, retry_of=earlier.get(vehicle.pk))
            action.batch = batch
            blocking = next((f.code for f in findings[vehicle.pk] if f.level is Level.BLOCKS), "")
            if blocking:
                action.state, action.cause = State.REFUSED, str(blocking)
            elif _asks_second_person(command):
                action.state = State.DRAFT
            actions.append(action)
        RemoteAction.objects.bulk_create(actions, batch_size=2_000)
        write_steps((action.pk, now, StepKind.CREATED, action.requested_by) for action in actions)
        refused = [action for action in actions if action.state == State.REFUSED]
        write_steps((action.pk, now, StepKind.REFUSED, action.cause) for action in refused)
        ask_approval([action for action in actions if action.awaits_approval], now)
        transaction.on_commit(nudges.send_soon, robust=True)
    return batch


def _failed_actions(batch: CommandBatch) -> dict[int, RemoteAction]:
    return {action.vehicle_id: action for action in failed_of(batch)}


def failed_of(batch: CommandBatch) -> list[RemoteAction]:
    """The actions of a batch that may be tried again: ended without success, and no later success resolved it."""
    rows = batch.actions.order_by("vehicle_id", "-pk").distinct("vehicle_id")
    return [action for action in rows if action.state in FAILURES and action.resolved_by_id is None]


def cancel_action(*, action: RemoteAction, now: datetime, by: str) -> bool:
    """Cancels what is not yet sent. Says whether it could: what the vendor has cannot be called back."""
    with transaction.atomic():
        return _cancel(RemoteAction.objects.filter(pk=action.pk), now, by) == 1


def why_not_cancelled(action: RemoteAction) -> str:
    """Why an action could not be cancelled, by how it stands now."""
    if action.submitting_at is None or action.state in (State.CANCELLED, State.REFUSED):
        return _("It does not wait any more: %(state)s.") % {"state": action.get_state_display()}
    return _("It was sent already; what the vendor has cannot be called back.")


def cancel_batch(*, batch: CommandBatch, now: datetime, by: str) -> int:
    """Cancels what of a batch is not yet sent; returns how many."""
    with transaction.atomic():
        return _cancel(RemoteAction.objects.filter(batch=batch), now, by)


def _cancel_tries(vehicle_ids: Sequence[int], command: Command, now: datetime, by: str) -> None:
    """Cancels the tries that wait for commands of this kind: they would undo, minutes later, what is ordered now."""
    if command.kind in REPEATABLE_KINDS:
        tries = RemoteAction.objects.filter(vehicle_id__in=vehicle_ids, kind=command.kind, auto_tries__gt=0)
        _cancel(tries, now, by)


def _cancel(rows: QuerySet[RemoteAction], now: datetime, by: str) -> int:
    waiting = rows.filter(state__in=UNSENT).select_for_update().order_by("pk")
    ids = list(waiting.values_list("pk", flat=True))
    RemoteAction.objects.filter(pk__in=ids).update(
        state=State.CANCELLED, since=now, entered_at=now, look_at=None, deadline_at=None
    )
    write_steps((pk, now, StepKind.CANCELLED, by) for pk in ids)
    return len(ids)


def _new_action(
    vehicle: FleetVehicle, command: Command, reason: str, by: str, now: datetime, retry_of: RemoteAction | None
) -> RemoteAction:
    return RemoteAction.ordered(
        now=now,
        vehicle=vehicle,
        fleet_id=vehicle.fleet_id,
        kind=command.kind,
        parameters=command.parameters,
        reason=reason,
        requested_by=by[:150],
        retry_of=retry_of,
    )


def describe(findings: dict[int, list[CheckFinding]]) -> str:
    """How many will be sent and how many not, in a sentence."""
    levels = Counter(any(f.level is Level.BLOCKS for f in of_vehicle) for of_vehicle in findings.values())
    sent = ngettext("%(n)d vehicle gets it", "%(n)d vehicles get it", levels[False]) % {"n": levels[False]}
    unsent = ngettext("%(n)d does not", "%(n)d do not", levels[True]) % {"n": levels[True]}
    return f"{sent}, {unsent}." if levels[True] else f"{sent}."
