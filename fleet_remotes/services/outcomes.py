"""Publishes outcomes: events for webhooks and mailing lists, in the transaction that ended the action."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from core.sql import Col, update_rows
from fleet_remotes import event_kinds as kinds
from fleet_remotes.catalogue.advice import CauseGroup, advice_of, group_of, summary_of
from fleet_remotes.choices import FAILURES, SUCCESS, Brand, State
from fleet_remotes.event_kinds import ActionFacts, RemoteOutcome, VehicleFacts
from fleet_remotes.models import FleetVehicle, RemoteAction
from fleet_remotes.rules.status import ActionStatus
from outbox.contract import NewEvent
from outbox.services import publish


def kind_of_outcome(action: RemoteAction) -> str:
    """The event kind for how an action ended; empty when a person ended it."""
    if action.state in SUCCESS:
        return kinds.SUCCEEDED
    if action.state == State.UNCONFIRMED:
        return kinds.UNCONFIRMED
    if action.state in FAILURES:
        blocked = group_of(action.cause) in (CauseGroup.QUOTA, CauseGroup.BATTERY)
        return kinds.BLOCKED if blocked and action.cause else kinds.FAILED
    return ""


def vehicle_facts(vehicle: FleetVehicle, fleet_key: str) -> VehicleFacts:
    return VehicleFacts(
        vin=vehicle.vin,
        vehicle_id=vehicle.vehicle_id,
        fleet=fleet_key,
        brand=str(Brand(vehicle.brand).label),
        model=vehicle.model,
        plate=vehicle.plate,
        name=vehicle.name,
        url=_absolute("vehicle", vehicle.pk),
    )


def _absolute(name: str, pk: int) -> str:
    return settings.PUBLIC_URL + reverse(f"fleet_remotes:{name}", args=[pk])


def action_url(pk: int) -> str:
    """Where a person reads an action's whole story."""
    return _absolute("action", pk)


def explanation_of(action: RemoteAction) -> tuple[str, str]:
    """What an outcome means and what to do about it, in the reader's language; empty for a success."""
    if action.is_disputed:
        return (
            _(
                "The vendor reported two outcomes that contradict each other; the earlier counts until its own record"
                " decides."
            ),
            _("Look at the vehicle before you rely on it or send it again."),
        )
    if action.state == State.UNCONFIRMED:
        return (
            _("Sent is not confirmed: nothing more was heard, so it may or may not have been carried out."),
            _("Look at the vehicle before you send it again. A late word of the vendor still settles it."),
        )
    if action.state == State.REJECTED:
        return (
            _("The vendor did not take the command: HTTP %(status)s %(code)s %(text)s")
            % {"status": action.http_status, "code": action.error_code, "text": action.error_text},
            _("Check the vehicle’s id, the callback and the access to the API; name the error id in a ticket."),
        )
    if action.state in FAILURES:
        advice = advice_of(action.cause)
        return str(advice.meaning), str(advice.todo)
    return "", ""


def publish_contradictions(disputed: Sequence[RemoteAction], now: datetime) -> None:
    """Publishes that two outcomes contradict each other and the vendor's record did not decide in time, once."""
    events = []
    with override("en"):
        for action in disputed:
            payload = _payload(action, [], said=_("outcomes contradict each other"))
            subject, key = f"fleet_vehicle:{action.vehicle.vin}", f"{kinds.CONTRADICTED}:{action.pk}"
            events.append(NewEvent(kinds.CONTRADICTED, subject, payload, key, now, thread=action.thread))
            action.thread = action.thread or events[-1].uuid.hex
    publish(events=events, now=now)


def publish_outcomes(ended: Sequence[RemoteAction], now: datetime) -> None:
    """Publishes what ended; a success resolves the earlier failures of the same command, parameters included.

    Sets `thread` of failed actions to their event, which the caller writes.
    """
    events: list[NewEvent] = []
    with override("en"):
        resolved = _resolve([action for action in ended if action.state in SUCCESS])
        for action in ended:
            kind = kind_of_outcome(action)
            if not kind:
                continue
            earlier = resolved.get(action.pk, [])
            thread = action.thread or (earlier[-1].thread if earlier else "")
            payload = _payload(action, [failure.pk for failure in earlier if failure.pk != action.pk])
            event = NewEvent(
                kind, f"fleet_vehicle:{action.vehicle.vin}", payload, f"{kind}:{action.pk}", now, thread=thread
            )
            if kind != kinds.SUCCEEDED:
                action.thread = action.thread or event.uuid.hex
            events.append(event)
    publish(events=events, now=now)


def _command_of(action: RemoteAction) -> tuple[int, str, str]:
    """What a success must equal to resolve a failure: locked doors are no answer to doors that did not unlock."""
    return action.vehicle_id, action.kind, json.dumps(action.parameters, sort_keys=True)


def _resolve(successes: Sequence[RemoteAction]) -> dict[int, list[RemoteAction]]:
    """Marks the earlier, unresolved failures that these successes end; returns them by success, oldest first."""
    if not successes:
        return {}
    unresolved: dict[tuple[int, str, str], list[RemoteAction]] = defaultdict(list)
    failures = RemoteAction.objects.filter(
        vehicle_id__in={action.vehicle_id for action in successes}, resolved_by__isnull=True
    ).exclude(thread="")
    for failure in failures.only("pk", "vehicle_id", "kind", "parameters", "thread").order_by("pk"):
        unresolved[_command_of(failure)].append(failure)
    resolved: dict[int, list[RemoteAction]] = {}
    rows = []
    for success in sorted(successes, key=lambda action: action.pk):
        command = _command_of(success)
        ended = [failure for failure in unresolved[command] if failure.pk <= success.pk]
        unresolved[command] = [failure for failure in unresolved[command] if failure.pk > success.pk]
        resolved[success.pk] = ended
        rows += [(failure.pk, success.pk) for failure in ended]
    update_rows("fleet_remotes_remoteaction", Col("id", "bigint"), (Col("resolved_by_id", "bigint"),), sorted(rows))
    return resolved


def _payload(action: RemoteAction, resolves: list[int], said: str = "") -> RemoteOutcome:
    meaning, todo = explanation_of(action)
    summary = summary_of(action.kind, action.parameters)
    facts = ActionFacts(
        id=action.pk,
        type=action.kind,
        state=action.state,
        summary=summary,
        remote_action_id=action.remote_action_id,
        cause=action.cause,
        reason=action.reason,
        requested_by=action.requested_by,
        created_at=action.created_at,
        submitted_at=action.submitted_at,
        ended_at=action.since,
        retry_of=action.retry_of_id,
        batch=action.batch_id,
        error=" ".join(filter(None, (str(action.http_status or ""), action.error_code, action.error_text))),
    )
    said = said or str(State(action.state).label)
    return RemoteOutcome(
        headline=f"{summary}: {said} ({action.vehicle.full_title})",
        vehicle=vehicle_facts(action.vehicle, action.fleet.key),
        action=facts,
        explanation=meaning,
        suggestion=todo,
        inferred=action.inferred,
        conflict=action.conflict,
        confirmed_late_after_s=ActionStatus.of(action).confirmed_late_after_s,
        resolves=resolves,
        url=action_url(action.pk),
    )
