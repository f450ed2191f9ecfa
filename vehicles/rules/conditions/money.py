"""Payouts, reimbursements, cost statements, referrals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from core.words import word_key
from vehicles.rules.clocks import end_of_month
from vehicles.rules.snapshot import Entity, Snapshot
from vehicles.rules.timelines import Reports
from vehicles.rules.windows import Thresholds, Window, condition

ELEXENT = "elexent"


def amount_in(reports: Reports) -> Decimal:
    try:
        amount = Decimal(str(reports.latest("amount")))
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() else Decimal(0)


def _facts(entity: Entity) -> Mapping[str, Any]:
    return {
        "amount": str(amount_in(entity.reports)) if entity.reports.latest("amount") is not None else "",
        "currency": str(entity.reports.latest("currency") or ""),
        "period": str(entity.reports.latest("period") or ""),
    }


def _once(subject: str, begins: datetime, days: float, facts: Mapping[str, Any]) -> Window:
    return Window(subject, begins, begins + timedelta(days=days), expires=True, facts=facts)


@condition("payout_sent")
def payout_sent(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Window]:
    """A driver is to receive a payout, and it did not fail. One whose amount nobody told is told, too; none is below an
    operator's limit."""
    least: Mapping[str, Any] = thresholds["above"]
    for payout in snapshot.payouts:
        if payout.reports.latest("state") == "failed":
            continue
        begins = payout.reports.first_time("state", "due", "sent", "paid")
        currency = str(payout.reports.latest("currency") or "").upper()
        unknown = payout.reports.latest("amount") is None
        if begins and (unknown or amount_in(payout.reports) > Decimal(str(least.get(currency, 0)))):
            yield _once(f"payout:{payout.key}", begins, thresholds["days"], _facts(payout))


@condition("reimbursement_qualified")
def reimbursement_qualified(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Window]:
    """A driver qualifies for a reimbursement, and the month that it is for is over where the driver lives."""
    for reimbursement in snapshot.reimbursements:
        if reimbursement.reports.latest("qualified") is not True:
            continue
        qualified = reimbursement.reports.since("qualified")
        ended = end_of_month(str(reimbursement.reports.latest("period") or ""), snapshot.zone)
        moments = [moment for moment in (qualified, ended) if moment is not None]
        yield _once(f"reimbursement:{reimbursement.key}", max(moments), thresholds["days"], _facts(reimbursement))


@condition("elexent_statement")
def elexent_statement(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Window]:
    """An overview of Elexent's costs: when it was requested, and when it is here or its month is over."""
    for statement in snapshot.statements:
        reports = statement.reports
        if ELEXENT not in word_key(str(reports.latest("provider") or "")):
            continue
        # What was taken back was not asked for, or is not here.
        requested, issued = (
            reports.first_time(name, True) if reports.latest(name) is True else None for name in ("requested", "issued")
        )
        ended = end_of_month(str(reports.latest("period") or ""), snapshot.zone)
        subject, facts, days = f"statement:{statement.key}", _facts(statement), thresholds["days"]
        if requested is not None and (issued is None or requested < issued):
            yield _once(f"{subject}:requested", requested, days, dict(facts) | {"reason": "overview_requested"})
        # That it is not issued may be said as well, of a month that is over.
        is_awaited = requested is None and reports.latest("issued") is not False
        here = issued or (ended if is_awaited else None)
        if here is not None:
            yield _once(subject, here, days, dict(facts) | {"reason": "overview_issued"})


def _referrals(referrals: list[Entity], thresholds: Thresholds) -> Iterator[Window]:
    for referral in referrals:
        begins = referral.reports.first_time("state", "completed")
        if begins is not None and referral.reports.latest("state") == "completed":
            yield _once(f"referral:{referral.key}", begins, thresholds["days"], {})


@condition("referral_completed_for_referrer")
def referral_completed_for_referrer(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Window]:
    """A referral that this driver made is complete."""
    return _referrals(snapshot.referred, thresholds)


@condition("referral_completed_for_invitee")
def referral_completed_for_invitee(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Window]:
    """A referral by which this driver came is complete."""
    return _referrals(snapshot.invited, thresholds)
