"""Whether a group is told of an incident now, later, or not, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra_notifications.choices import NoticeReason
from infra_notifications.rules.telling import (
    TELL,
    Decision,
    Facts,
    Listener,
    Waited,
    decide_opening,
    decide_recovery,
    decide_waiting,
    is_flapping_news,
)
from tests.infra_notifications.kit import DAY, HOUR, MINUTE, NOW, at

FUSE = Facts("FUSE_TRIPPED", NOW, NOW, None)
SILENT = Facts("UNAVAILABLE", NOW, NOW, None)
ALL = Listener(frozenset({"FUSE_TRIPPED", "UNAVAILABLE"}), {"FUSE_TRIPPED": 0, "UNAVAILABLE": 900}, True, True)

DAILY = replace(ALL, digest_at=at(3600))


def waited(reason: NoticeReason, until: datetime, facts: Facts = FUSE, **more: Any) -> Facts:
    return replace(facts, waited=Waited(reason, until), **more)


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
        (replace(FUSE, maintenance_until=at(60)), ALL, NOW, Decision(NoticeReason.MAINTENANCE, at(60))),
        (replace(FUSE, maintenance_until=NOW + DAY), ALL, NOW, Decision(NoticeReason.MAINTENANCE, NOW + HOUR)),
        (replace(FUSE, maintenance_until=NOW), ALL, NOW, TELL),
        (replace(FUSE, maintenance_until=at(60), closed_at=NOW), ALL, NOW, Decision(NoticeReason.MAINTENANCE)),
        (replace(FUSE, flapping_until=NOW), ALL, NOW, Decision(NoticeReason.FLAPPING, NOW)),
        (replace(SILENT, flapping_until=at(60)), ALL, NOW, Decision(NoticeReason.FLAPPING, at(60))),
        (replace(FUSE, flapping_until=at(60)), DAILY, NOW, Decision(NoticeReason.DIGEST, at(3600))),
        (FUSE, DAILY, NOW, Decision(NoticeReason.DIGEST, at(3600))),
        (SILENT, DAILY, NOW, Decision(NoticeReason.HOLD_OFF, at(900))),
        (replace(FUSE, maintenance_until=at(60)), DAILY, NOW, Decision(NoticeReason.MAINTENANCE, at(60))),
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
        (waited(NoticeReason.MAINTENANCE, at(60)), at(60), TELL),
        (waited(NoticeReason.MAINTENANCE, at(60), closed_at=at(59)), at(60), Decision(NoticeReason.MAINTENANCE)),
        (waited(NoticeReason.MAINTENANCE, at(60), closed_at=at(60)), at(61), TELL),
        # The daily look has come and it goes on; has not come; has come and it is quiet, closed or open.
        (waited(NoticeReason.FLAPPING, at(60), flapping_until=at(99)), at(60), TELL),
        (waited(NoticeReason.FLAPPING, at(60), SILENT, flapping_until=at(99), closed_at=at(1)), at(60), TELL),
        (waited(NoticeReason.FLAPPING, at(60), flapping_until=at(60)), at(65), Decision(NoticeReason.FLAPPING, at(60))),
        (waited(NoticeReason.FLAPPING, at(60), closed_at=at(1)), at(60), Decision(NoticeReason.FLAPPING)),
        (waited(NoticeReason.FLAPPING, at(60)), at(60), TELL),
        (waited(NoticeReason.DIGEST, at(60), flapping_until=at(99)), at(60), TELL),
    ],
)
def test_waiting_does_not_make_it_old(facts: Facts, now: datetime, decision: Decision) -> None:
    assert decide_waiting(facts, ALL, now) == decision


@pytest.mark.parametrize(
    ("facts", "decision"),
    [
        (replace(FUSE, maintenance_until=at(60)), Decision(NoticeReason.MAINTENANCE, at(60))),
        (replace(FUSE, flapping_until=at(60)), Decision(NoticeReason.FLAPPING, at(60))),
        (waited(NoticeReason.FLAPPING, at(-9), flapping_until=at(60)), Decision(NoticeReason.FLAPPING)),
        (waited(NoticeReason.FLAPPING, at(-9)), TELL),
        (waited(NoticeReason.FLAPPING, at(-9), open_again=True), Decision(NoticeReason.FLAPPING)),
        (replace(FUSE, open_again=True), TELL),
    ],
)
def test_recovery_that_waits(facts: Facts, decision: Decision) -> None:
    assert decide_recovery(facts, ALL, NOW) == decision


def test_recovery_of_a_group_with_a_digest_waits_for_it() -> None:
    assert decide_recovery(replace(FUSE, flapping_until=at(60)), DAILY, NOW) == Decision(NoticeReason.DIGEST, at(3600))


@pytest.mark.parametrize(("now", "news"), [(59, False), (60, True), (98, True), (99, False)])
def test_flapping_is_news_once_a_day(now: int, news: bool) -> None:
    assert is_flapping_news(waited(NoticeReason.FLAPPING, at(60), flapping_until=at(99)), at(now)) == news


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
    assert decide_recovery(facts, listener, NOW).reason == reason


@given(
    opened=st.integers(-10_000, 0),
    closed=st.none() | st.integers(-10_000, 10_000),
    hold_off=st.integers(0, 5_000),
    now=st.integers(0, 10_000),
)
def test_nothing_is_told_before_its_hold_off(opened: int, closed: int | None, hold_off: int, now: int) -> None:
    ended = at(max(closed, opened)) if closed is not None else None
    facts = Facts("UNAVAILABLE", at(opened), at(opened), ended)
    decision = decide_opening(facts, replace(ALL, hold_off_s={"UNAVAILABLE": hold_off}), at(now), DAY)
    lasted_until = ended or at(now)
    assert decision.tells == (lasted_until >= at(opened + hold_off))
    assert decision.tells or decision.reason
