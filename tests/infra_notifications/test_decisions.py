"""Whether a group is told of an incident now, later, or not, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra_notifications.choices import NotificationReason
from infra_notifications.rules.decisions import (
    NOTIFY,
    Decision,
    Listener,
    Situation,
    Waited,
    decide_opening,
    decide_recovery,
    decide_waiting,
    is_flapping_news,
)
from tests.infra_notifications.helpers import DAY, HOUR, MINUTE, NOW, at

FUSE = Situation("FUSE_TRIPPED", NOW, NOW, None)
SILENT = Situation("UNAVAILABLE", NOW, NOW, None)
ALL = Listener(frozenset({"FUSE_TRIPPED", "UNAVAILABLE"}), {"FUSE_TRIPPED": 0, "UNAVAILABLE": 900}, True, True)

DAILY = replace(ALL, digest_at=at(3600))


def waited(reason: NotificationReason, until: datetime, situation: Situation = FUSE, **more: Any) -> Situation:
    return replace(situation, waited=Waited(reason, until), **more)


@pytest.mark.parametrize(
    ("situation", "listener", "now", "decision"),
    [
        (FUSE, ALL, NOW, NOTIFY),
        (FUSE, replace(ALL, cases=frozenset({"SENSORS"})), NOW, Decision(NotificationReason.CASE_NOT_SELECTED)),
        (FUSE, replace(ALL, cases=frozenset()), NOW, Decision(NotificationReason.CASE_NOT_SELECTED)),
        (FUSE, replace(ALL, has_address=False), NOW, Decision(NotificationReason.NO_ADDRESS)),
        (FUSE, ALL, NOW + DAY, NOTIFY),
        (FUSE, ALL, NOW + DAY + MINUTE, Decision(NotificationReason.TOO_OLD)),
        (replace(FUSE, last_raised_at=NOW + DAY), ALL, NOW + DAY + MINUTE, NOTIFY),
        (replace(FUSE, maintenance_until=at(60)), ALL, NOW, Decision(NotificationReason.MAINTENANCE, at(60))),
        (replace(FUSE, maintenance_until=NOW + DAY), ALL, NOW, Decision(NotificationReason.MAINTENANCE, NOW + HOUR)),
        (replace(FUSE, maintenance_until=NOW), ALL, NOW, NOTIFY),
        (replace(FUSE, maintenance_until=at(60), closed_at=NOW), ALL, NOW, Decision(NotificationReason.MAINTENANCE)),
        (replace(FUSE, flapping_until=NOW), ALL, NOW, Decision(NotificationReason.FLAPPING, NOW)),
        (replace(SILENT, flapping_until=at(60)), ALL, NOW, Decision(NotificationReason.FLAPPING, at(60))),
        (replace(FUSE, flapping_until=at(60)), DAILY, NOW, Decision(NotificationReason.DIGEST, at(3600))),
        (FUSE, DAILY, NOW, Decision(NotificationReason.DIGEST, at(3600))),
        (SILENT, DAILY, NOW, Decision(NotificationReason.HOLD_OFF, at(900))),
        (replace(FUSE, maintenance_until=at(60)), DAILY, NOW, Decision(NotificationReason.MAINTENANCE, at(60))),
        (replace(FUSE, left_group=True), ALL, NOW, Decision(NotificationReason.LEFT_GROUP)),
        (SILENT, ALL, NOW, Decision(NotificationReason.HOLD_OFF, at(900))),
        (SILENT, ALL, at(899.9), Decision(NotificationReason.HOLD_OFF, at(900))),
        (SILENT, ALL, at(900), NOTIFY),
        (replace(SILENT, opened_at=NOW - HOUR), ALL, NOW, NOTIFY),
        (replace(SILENT, closed_at=at(899)), ALL, at(2000), Decision(NotificationReason.RECOVERED_IN_TIME)),
        (replace(SILENT, closed_at=at(899)), ALL, at(100), Decision(NotificationReason.RECOVERED_IN_TIME)),
        (replace(SILENT, closed_at=at(900)), ALL, at(2000), NOTIFY),
        (replace(FUSE, closed_at=NOW), ALL, NOW, NOTIFY),
    ],
)
def test_opening(situation: Situation, listener: Listener, now: datetime, decision: Decision) -> None:
    assert decide_opening(situation, listener, now, DAY) == decision


@pytest.mark.parametrize(
    ("situation", "now", "decision"),
    [
        (SILENT, at(100), Decision(NotificationReason.HOLD_OFF, at(900))),
        (SILENT, NOW + 30 * DAY, NOTIFY),
        (replace(SILENT, left_group=True), at(900), Decision(NotificationReason.LEFT_GROUP)),
        (replace(SILENT, closed_at=at(10)), at(900), Decision(NotificationReason.RECOVERED_IN_TIME)),
        (waited(NotificationReason.MAINTENANCE, at(60)), at(60), NOTIFY),
        (
            waited(NotificationReason.MAINTENANCE, at(60), closed_at=at(59)),
            at(60),
            Decision(NotificationReason.MAINTENANCE),
        ),
        (waited(NotificationReason.MAINTENANCE, at(60), closed_at=at(60)), at(61), NOTIFY),
        # The daily look has come and it goes on; has not come; has come and it is quiet, closed or open.
        (waited(NotificationReason.FLAPPING, at(60), flapping_until=at(99)), at(60), NOTIFY),
        (waited(NotificationReason.FLAPPING, at(60), SILENT, flapping_until=at(99), closed_at=at(1)), at(60), NOTIFY),
        (
            waited(NotificationReason.FLAPPING, at(60), flapping_until=at(60)),
            at(65),
            Decision(NotificationReason.FLAPPING, at(60)),
        ),
        (waited(NotificationReason.FLAPPING, at(60), closed_at=at(1)), at(60), Decision(NotificationReason.FLAPPING)),
        (waited(NotificationReason.FLAPPING, at(60)), at(60), NOTIFY),
        (waited(NotificationReason.DIGEST, at(60), flapping_until=at(99)), at(60), NOTIFY),
    ],
)
def test_waiting_does_not_make_it_old(situation: Situation, now: datetime, decision: Decision) -> None:
    assert decide_waiting(situation, ALL, now) == decision


@pytest.mark.parametrize(
    ("situation", "decision"),
    [
        (replace(FUSE, maintenance_until=at(60)), Decision(NotificationReason.MAINTENANCE, at(60))),
        (replace(FUSE, flapping_until=at(60)), Decision(NotificationReason.FLAPPING, at(60))),
        (waited(NotificationReason.FLAPPING, at(-9), flapping_until=at(60)), Decision(NotificationReason.FLAPPING)),
        (waited(NotificationReason.FLAPPING, at(-9)), NOTIFY),
        (waited(NotificationReason.FLAPPING, at(-9), open_again=True), Decision(NotificationReason.FLAPPING)),
        (replace(FUSE, open_again=True), NOTIFY),
    ],
)
def test_recovery_that_waits(situation: Situation, decision: Decision) -> None:
    assert decide_recovery(situation, ALL, NOW) == decision


def test_recovery_of_a_group_with_a_digest_waits_for_it() -> None:
    assert decide_recovery(replace(FUSE, flapping_until=at(60)), DAILY, NOW) == Decision(
        NotificationReason.DIGEST, at(3600)
    )


@pytest.mark.parametrize(("now", "news"), [(59, False), (60, True), (98, True), (99, False)])
def test_flapping_is_news_once_a_day(now: int, news: bool) -> None:
    assert is_flapping_news(waited(NotificationReason.FLAPPING, at(60), flapping_until=at(99)), at(now)) == news


@pytest.mark.parametrize(
    ("situation", "listener", "reason"),
    [
        (FUSE, ALL, NotificationReason.NONE),
        (replace(FUSE, transient=True), ALL, NotificationReason.TRANSIENT),
        (FUSE, replace(ALL, notify_recovery=False), NotificationReason.NO_RECOVERY_MAILS),
        (FUSE, replace(ALL, has_address=False), NotificationReason.NO_ADDRESS),
        (replace(FUSE, left_group=True), ALL, NotificationReason.NONE),
    ],
)
def test_recovery(situation: Situation, listener: Listener, reason: NotificationReason) -> None:
    assert decide_recovery(situation, listener, NOW).reason == reason


@given(
    opened=st.integers(-10_000, 0),
    closed=st.none() | st.integers(-10_000, 10_000),
    hold_off=st.integers(0, 5_000),
    now=st.integers(0, 10_000),
)
def test_nothing_is_told_before_its_hold_off(opened: int, closed: int | None, hold_off: int, now: int) -> None:
    ended = at(max(closed, opened)) if closed is not None else None
    situation = Situation("UNAVAILABLE", at(opened), at(opened), ended)
    decision = decide_opening(situation, replace(ALL, hold_off_s={"UNAVAILABLE": hold_off}), at(now), DAY)
    lasted_until = ended or at(now)
    assert decision.notifies == (lasted_until >= at(opened + hold_off))
    assert decision.notifies or decision.reason
