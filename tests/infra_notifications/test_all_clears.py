"""Whoever was told of a fault is told once that it is over, whatever it turned out to be meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from infra_notifications.models import ChargePoint, NotificationDecision
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import (
    alerts,
    at,
    decisions,
    fault,
    fine,
    kinds,
    mails,
    open_cases,
    recoveries,
    say,
    sweep,
)

pytestmark = pytest.mark.django_db
FUSE, SENSORS, OTHER = "FUSE_TRIPPED", "SENSORS", "OTHER_FAULT"


@pytest.fixture
def point() -> ChargePoint:
    return ChargePointFactory(expected_interval_s=30 * 86_400)


@pytest.mark.parametrize("renamed_after", [20, 100])
@pytest.mark.parametrize("delay_s", [0, 600])
def test_what_was_told_is_cleared_when_what_it_became_ends_untold(
    point: ChargePoint, renamed_after: int, delay_s: int
) -> None:
    NotificationGroupFactory(members=[point], hold_off_s={OTHER: 0, FUSE: delay_s})
    say(point, fault("NoError"))
    assert kinds() == ["alert"]
    say(point, fault("GroundFailure"), now=at(renamed_after))
    sweep(at(renamed_after + 1))
    assert open_cases(point) == [FUSE]
    say(point, fine(), now=at(renamed_after + 10))
    for second in range(120, 1_000, 30):
        sweep(at(second))
    assert kinds()[0] == "alert"
    assert kinds()[-1] == "recovery"
    assert len(recoveries()) == 1
    (item,) = recoveries()[0].payload["items"]
    assert (item["incident"]["case"], recoveries()[0].payload["over"]) == (FUSE, 1)


def test_what_turns_out_to_be_another_case_as_it_falls_due_is_one_error(point: ChargePoint) -> None:
    NotificationGroupFactory(members=[point], hold_off_s={OTHER: 20, FUSE: 0})
    say(point, fault("NoError"))
    say(point, fault("GroundFailure"), now=at(21))
    sweep(at(90))
    (alert,) = alerts()
    assert [item["incident"]["case"] for item in alert.payload["items"]] == [FUSE]


def test_what_it_became_is_told_and_cleared_by_itself(point: ChargePoint) -> None:
    NotificationGroupFactory(members=[point], hold_off_s={OTHER: 0, FUSE: 300})
    say(point, fault("NoError"))
    say(point, fault("GroundFailure"), now=at(100))
    for second in range(105, 8_000, 300):
        sweep(at(second))
    assert kinds() == ["alert", "alert"]
    say(point, fine(), now=at(8_000))
    sweep(at(8_100))
    assert kinds() == ["alert", "alert", "recovery"]
    assert [reason for kind, _state, reason in decisions() if kind == "recovered"] == ["renamed", ""]


def test_a_group_that_drops_the_case_meanwhile_gets_its_all_clear(point: ChargePoint) -> None:
    group = NotificationGroupFactory(members=[point], hold_off_s={OTHER: 0, FUSE: 600})
    say(point, fault("NoError"))
    say(point, fault("GroundFailure"), now=at(100))
    group.cases = [OTHER]
    group.save()
    say(point, fine(), now=at(200))
    sweep(at(210))
    assert kinds() == ["alert", "recovery"]


def test_an_end_within_a_digest_is_in_the_digest(point: ChargePoint) -> None:
    group = NotificationGroupFactory(members=[point], hold_off_s={OTHER: 0, FUSE: 600})
    say(point, fault("NoError"))
    say(point, fault("GroundFailure"), now=at(100))
    type(group).objects.filter(pk=group.pk).update(digest_due_at=at(3_600), digest_time="10:00")
    say(point, fine(), now=at(200))
    sweep(at(210))
    sweep(at(3_601))
    assert kinds() == ["alert", "digest"]


# ---- in any order ---------------------------------------------------------------------------------------------------

SAID: dict[str, dict[str, Any]] = {
    "vague": fault("NoError"),
    "unknown": fault("OtherError", vendorErrorCode="X17"),
    "fuse": fault("GroundFailure"),
    "said": fault("OtherError", info="RCD tripped"),
    "sensor": fault("HighTemperature"),
    "fine": fine(),
    "charging": fine(status="Charging"),
}
STEPS = st.lists(st.tuples(st.sampled_from([1, 9, 31, 61, 200]), st.sampled_from(sorted(SAID))), min_size=2, max_size=5)
DELAYS = st.sampled_from([0, 0, 20, 150])


def _ends(notice: NotificationDecision) -> list[str]:
    """How the end of what was told of an incident was told."""
    told = NotificationDecision.objects.filter(group=notice.group, kind="recovered", incident=notice.incident)
    found = []
    for end in told:
        renamed = end.state == "skipped" and end.reason == "renamed"
        if end.state == "sent" or end.reason == "told_together":
            found.append("told")
        elif renamed and end.successor_id:
            later = NotificationDecision.objects.filter(kind="opened", state="sent", incident=end.successor_id)
            found += [how for one in later.filter(group=notice.group) for how in _ends(one)]
    return found


@settings(max_examples=25)
@given(STEPS, DELAYS, DELAYS, DELAYS)
@example([(1, "vague"), (31, "fuse")], 0, 0, 0)
@example([(1, "vague"), (61, "fuse"), (1, "fine"), (9, "vague"), (9, "said")], 0, 150, 0)
def test_each_alert_has_its_all_clear_exactly_once(
    steps: list[tuple[int, str]], other_s: int, fuse_s: int, sensors_s: int
) -> None:
    with transaction.atomic():
        try:
            point = ChargePointFactory(expected_interval_s=30 * 86_400)
            NotificationGroupFactory(members=[point], hold_off_s={OTHER: other_s, FUSE: fuse_s, SENSORS: sensors_s})
            second = 0
            for wait, what in [*steps, (5, "fine")]:
                second += wait
                sweep(at(second - 1))
                say(point, SAID[what], now=at(second))
            for later in (10, 70, 140, 400, 4_000):
                sweep(at(second + later))
            assert open_cases(point) == []
            waiting = NotificationDecision.objects.filter(state="waiting")
            assert not waiting.exists(), decisions()
            for notice in NotificationDecision.objects.filter(kind="opened", state="sent"):
                assert _ends(notice) == ["told"], decisions()
            last = mails()[-1:]
            assert all(mail.payload["over"] == mail.payload["total"] for mail in last), kinds()
            assert len(alerts()) + len(recoveries()) == len(mails())
        finally:
            transaction.set_rollback(True)
