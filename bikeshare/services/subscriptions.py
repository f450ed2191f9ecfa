"""Abonnements: submit, validate or decline, activate, pay, end; and their trials' ends, told 72 hours before."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from django.utils.translation import gettext as _

from bikeshare.choices import Refusal, SubscriptionStatus
from bikeshare.event_kinds.payloads import (
    Failure,
    ObjectPayload,
    SubscriptionDeclined,
    SubscriptionFailed,
    SubscriptionValidated,
    TrialWillEnd,
)
from bikeshare.models import Subscription
from bikeshare.rules.renting import trial_notice_at
from bikeshare.selectors import running_trips
from bikeshare.services.refusals import invalid, refusal
from bikeshare.services.unit_of_work import ResourceUnitOfWork, load_by_id

log = structlog.get_logger("signalbox.bikeshare")
SWEEP_LIMIT = 500
ENDED = (SubscriptionStatus.DELETION_REQUESTED, SubscriptionStatus.CANCELED)
# What a payment system may say of a running abonnement.
PAYMENTS = {
    "paid": SubscriptionStatus.ACTIVE,
    "past_due": SubscriptionStatus.PAST_DUE,
    "unpaid": SubscriptionStatus.UNPAID,
}


def _failure(row: Subscription, error: Failure | None) -> Failure | None:
    """What speaks against an activation: what was reported, or a tariff that costs without a card to charge."""
    if error is not None:
        return error
    if row.amount > 0 and not row.cyclist.has_payment_source:
        return Failure(Refusal.NO_PAYMENT_SOURCE.value, str(Refusal.NO_PAYMENT_SOURCE.label))
    return None


def submit(abonnement_id: str, *, now: datetime, documents: list[str] | None = None) -> Subscription:
    """Hands it in for validation by an operator."""
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        row = load_by_id(Subscription, abonnement_id)
        changes = {"supporting_documents": documents} if documents is not None else {}
        work.change(row, status=SubscriptionStatus.WAITING_VALIDATION, declined_reason="", **changes)
        return row


def validate(abonnement_id: str, *, by: str, now: datetime, error: Failure | None = None) -> Subscription:
    """An operator validates: it becomes active at once, or the validation fails and it goes on waiting."""
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        row = _waiting(abonnement_id)
        failure = _failure(row, error)
        if failure is not None:
            _publish_attempt(work, "abonnement.validation_failed", row, SubscriptionFailed, error=failure)
            return row
        due = _activate(work, row)
        work.publish("abonnement.validation_succeeded", row, SubscriptionValidated, validator=by)
        _publish_activated(work, row, due)
        return row


def decline(abonnement_id: str, *, by: str, reason: str, now: datetime) -> Subscription:
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        row = _waiting(abonnement_id)
        work.change(row, status=SubscriptionStatus.INCOMPLETE, declined_reason=reason[:200])
        work.publish("abonnement.validation_declined", row, SubscriptionDeclined, validator=by, reason=reason)
        return row


def _waiting(pk: str) -> Subscription:
    row = load_by_id(Subscription, pk)
    if row.status != SubscriptionStatus.WAITING_VALIDATION:
        raise refusal(Refusal.WRONG_STATE)
    return row


def activate(abonnement_id: str, *, now: datetime, error: Failure | None = None) -> Subscription:
    """Activates one that needs no validation. `error` is a failure that the payment system reports."""
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        row = load_by_id(Subscription, abonnement_id)
        if row.status != SubscriptionStatus.INCOMPLETE:
            raise refusal(Refusal.ILLEGAL_MOVE, _("Only an incomplete abonnement can be activated."))
        failure = _failure(row, error)
        if failure is not None:
            _publish_attempt(work, "abonnement.activation_failed", row, SubscriptionFailed, error=failure)
            return row
        _publish_activated(work, row, _activate(work, row))
        return row


def _activate(work: ResourceUnitOfWork, row: Subscription) -> bool:
    """Says whether the end of its trial is to be told at once."""
    row.activated_at = work.now
    due, is_due = trial_plan(row, row.trial_end, work.now)
    row.activated_at = None
    work.change(row, status=SubscriptionStatus.ACTIVE, activated_at=work.now, trial_notice_at=due)
    return is_due


def _publish_activated(work: ResourceUnitOfWork, row: Subscription, trial_ends: bool) -> None:
    work.publish("abonnement.activation_succeeded", row, ObjectPayload)
    if trial_ends:
        notify_trial_end(work, row)


def _publish_attempt(work: ResourceUnitOfWork, topic: str, row: Subscription, payload: Any, **extra: Any) -> None:
    """For attempts, which change nothing in the row: each is its own, by its time."""
    work.publish(topic, row, payload, key=f"{row.version}:{work.now.isoformat()}", **extra)


def note_payment(abonnement_id: str, *, outcome: str, now: datetime) -> Subscription:
    """What the payment system says: paid, past_due or unpaid."""
    if outcome not in PAYMENTS:
        raise invalid("outcome", _("It must be one of %(known)s.") % {"known": ", ".join(PAYMENTS)})
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        row = load_by_id(Subscription, abonnement_id)
        if row.activated_at is None:
            raise refusal(Refusal.ILLEGAL_MOVE, _("The abonnement was never active."))
        work.change(row, status=PAYMENTS[outcome])
        return row


def request_deletion(abonnement_id: str, *, now: datetime) -> Subscription:
    """Asks for its end. Refused while its cyclist has a running trip."""
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        row = load_by_id(Subscription, abonnement_id)
        if running_trips().filter(cyclist=row.cyclist, program_id=row.program_id).exists():
            raise refusal(Refusal.ABONNEMENT_DELETION_TRIPS)
        work.change(row, status=SubscriptionStatus.DELETION_REQUESTED, trial_notice_at=None)
        return row


def cancel(abonnement_id: str, *, now: datetime) -> Subscription:
    """Ends it, by way of the request for deletion."""
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        row = load_by_id(Subscription, abonnement_id)
        if row.status != SubscriptionStatus.DELETION_REQUESTED:
            work.change(row, status=SubscriptionStatus.DELETION_REQUESTED, trial_notice_at=None)
        work.change(row, status=SubscriptionStatus.CANCELED, canceled_at=now)
        return row


def delete(abonnement_id: str, *, now: datetime) -> Subscription:
    """Deletes it for good: after it was canceled, or when it never was complete."""
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        row = load_by_id(Subscription, abonnement_id)
        if row.status not in (*ENDED, SubscriptionStatus.INCOMPLETE):
            raise refusal(Refusal.IN_USE, _("Ask for the deletion of the abonnement first."))
        work.change(row, trial_notice_at=None)
        work.delete(row)
        return row


# ---- the end of trials ------------------------------------------------------------------------------------------


def trial_plan(row: Subscription, trial_end: datetime | None, now: datetime) -> tuple[datetime | None, bool]:
    """For an abonnement whose trial ends (anew) then: when its notice is due, and whether it is given at once. One that
    was never activated has no trial yet."""
    is_running = row.activated_at is not None and row.status not in ENDED
    due = trial_notice_at(trial_end, now) if is_running else None
    return (None, True) if due is not None and due <= now else (due, False)


def notify_trial_end(work: ResourceUnitOfWork, row: Subscription) -> None:
    assert row.trial_end is not None
    key = f"trial:{row.trial_end.isoformat()}"
    work.publish("abonnement.trial_will_end", row, TrialWillEnd, key=key, trial_end=row.trial_end)


def notify_trial_ends(*, now: datetime, limit: int = SWEEP_LIMIT) -> int:
    """Tells of trials that end within 72 hours; returns how many notices were due.

    The moment of each notice is stored and indexed, so that whatever was down meanwhile, the next sweep finds it. One
    whose trial is over by then says nothing that is still true: it is noted in the log and dropped.
    """
    with ResourceUnitOfWork.begin(now) as work:
        due = Subscription.objects.filter(trial_notice_at__lte=now).order_by("trial_notice_at")
        rows = list(due.select_for_update(skip_locked=True)[:limit])
        for row in rows:
            if row.status not in ENDED and row.trial_end is not None and row.trial_end > now:
                notify_trial_end(work, row)
            else:
                log.warning("trial ended before its notice could be given", abonnement=row.pk)
        # No change of the abonnement itself: neither version nor abonnement.updated.
        Subscription.objects.filter(pk__in=[row.pk for row in rows]).update(trial_notice_at=None)
    return len(rows)
