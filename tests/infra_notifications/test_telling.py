"""Whether a group is told of an incident now, later, or not, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra_notifications.choices import NoticeReason
from infra_notifications.rules import TELL, Decision, Facts, Listener, decide_opening, decide_recovery, decide_waiting
from tests.infra_notifications.kit import DAY, HOUR, MINUTE, NOW, at

FUSE = Facts("FUSE_TRIPPED", NOW, NOW, None)
SILENT = Facts("UNAVAILABLE", NOW, NOW, None)
ALL = Listener(frozenset({"FUSE_TRIPPED", "UNAVAILABLE"}), {"FUSE_TRIPPED": 0, "UNAVAILABLE": 900}, True, True)


@pytest.mark.parametrize(
    ("facts", "listener", "now", "decision"),
    [
        (FUSE, ALL, NOW, TELL),
        (FUSE, replace(ALL, cases=frozenset({"SENSORS"})), NOW, Decision(NoticeReason.CASE_NOT_SELECTED)),
        (FUSE, replace(ALL, cases=frozenset()), NOW, Decision(NoticeReason.CASE_NOT_SELECTED)),
        (FUSE, replace(ALL, has_address=False), NOW, Decision(NoticeReason.NO_ADDRESS)),
        (FUSE, ALL, NOW + DAY, TELL),
        (FUSE, ALL, NOW + DAY + MINUTE, Decision(NoticeReason.TOO_OLD)),
        (replace(FUSE, last_raised_at=NOW + DAY), ALL, NOW + DAY + MINUTE, TELL),
        (replace(FUSE, in_maintenance=True), ALL, NOW, Decision(NoticeReason.MAINTENANCE)),
        (replace(FUSE, left_group=True), ALL, NOW, Decision(NoticeReason.LEFT_GROUP)),
        (SILENT, ALL, NOW, Decision(NoticeReason.HOLD_OFF, at(900))),
        (SILENT, ALL, at(899.9), Decision(NoticeReason.HOLD_OFF, at(900))),
        (SILENT, ALL, at(900), TELL),
        (replace(SILENT, opened_at=NOW - HOUR), ALL, NOW, TELL),
        (replace(SILENT, closed_at=at(899)), ALL, at(2000), Decision(NoticeReason.RECOVERED_IN_TIME)),
        (replace(SILENT, closed_at=at(899)), ALL, at(100), Decision(NoticeReason.RECOVERED_IN_TIME)),
        (replace(SILENT, closed_at=at(900)), ALL, at(2000), TELL),
        (replace(FUSE, closed_at=NOW), ALL, NOW, TELL),
    ],
)
def test_opening(facts: Facts, listener: Listener, now: datetime, decision: Decision) -> None:
    assert decide_opening(facts, listener, now, DAY) == decision


@pytest.mark.parametrize(
    ("facts", "now", "decision"),
    [
        (SILENT, at(100), Decision(NoticeReason.HOLD_OFF, at(900))),
        (SILENT, NOW + 30 * DAY, TELL),
        (replace(SILENT, left_group=True), at(900), Decision(NoticeReason.LEFT_GROUP)),
        (replace(SILENT, closed_at=at(10)), at(900), Decision(NoticeReason.RECOVERED_IN_TIME)),
    ],
)
def test_waiting_does_not_make_it_old(facts: Facts, now: datetime, decision: Decision) -> None:
    assert decide_waiting(facts, ALL, now) == decision


@pytest.mark.parametrize(
    ("facts", "listener", "reason"),
    [
        (FUSE, ALL, NoticeReason.NONE),
        (replace(FUSE, momentary=True), ALL, NoticeReason.MOMENTARY),
        (FUSE, replace(ALL, notify_recovery=False), NoticeReason.NO_RECOVERY_MAILS),
        (FUSE, replace(ALL, has_address=False), NoticeReason.NO_ADDRESS),
        (replace(FUSE, left_group=True), ALL, NoticeReason.NONE),
    ],
)
def test_recovery(facts: Facts, listener: Listener, reason: NoticeReason) -> None:
    assert decide_recovery(facts, listener).reason == reason


@given(
    opened=st.integers(-10_000, 0), closed=st.none() | st.integers(-10_000, 10_000), hold_off=st.integers(0, 5_000),
    now=st.integers(0, 10_000),
)  # fmt: skip
def test_nothing_is_told_before_its_hold_off(opened: int, closed: int | None, hold_off: int, now: int) -> None:
    ended = at(max(closed, opened)) if closed is not None else None
    facts = Facts("UNAVAILABLE", at(opened), at(opened), ended)
    decision = decide_opening(facts, replace(ALL, hold_off_s={"UNAVAILABLE": hold_off}), at(now), DAY)
    lasted_until = ended or at(now)
    assert decision.tells == (lasted_until >= at(opened + hold_off))
    assert decision.tells or decision.reason
