"""Maintenance: incidents are recorded, mails are not sent and say why; what is still broken at the end is told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from core.refusal import Refused
from infra_notifications.models import ChargePoint, Incident, MaintenanceWindow, NotificationGroup
from infra_notifications.services.groups import remove_members, update_group
from infra_notifications.services.maintenance import (
    Targets,
    cancel_maintenance,
    change_maintenance,
    count_covered,
    end_maintenance,
    plan_maintenance,
)
from tests.clock import iso
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    alerts,
    at,
    decisions,
    fault,
    fine,
    kinds,
    listed,
    mails,
    message,
    recoveries,
    say,
    signal,
    station,
    sweep,
    take,
    take_neutral,
)

pytestmark = pytest.mark.django_db
STILL_BROKEN = "notification_group.still_broken"
HELD = ("opened", "waiting", "maintenance")
TOLD = ("opened", "sent", "")


@pytest.fixture
def points() -> list[ChargePoint]:
    return station("CP-1", 3, expected_interval_s=30 * 86_400, location="Parkhaus", city="Köln")


@pytest.fixture
def group(points: list[ChargePoint]) -> NotificationGroup:
    found: NotificationGroup = NotificationGroupFactory(name="Köln", members=points)
    return found


def plan(targets: Targets, *, ends: datetime = NOW + HOUR, now: datetime = NOW, **more: Any) -> MaintenanceWindow:
    return plan_maintenance(reason="New cables", ends_at=ends, targets=targets, author="anna", now=now, **more)


def of(*points: ChargePoint) -> Targets:
    return Targets(charge_points=[point.pk for point in points])


# ---- what it covers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["charge point", "group", "location", "location anywhere"])
def test_nothing_is_mailed_and_it_says_why(group: NotificationGroup, points: list[ChargePoint], what: str) -> None:
    targets = {
        "charge point": of(points[0]),
        "group": Targets(groups=[group.pk]),
        "location": Targets(locations=[("Parkhaus", "Köln")]),
        "location anywhere": Targets(locations=[("Parkhaus", "")]),
    }[what]
    window = plan(targets)
    say(points[0], fault(), now=at(60))
    assert (mails(), decisions()) == ([], [HELD])
    assert count_covered(window) == (1 if what == "charge point" else 3)
    assert Incident.objects.filter(closed_at=None).count() == 1


@pytest.mark.parametrize("what", ["charge point", "group", "location", "other city"])
def test_what_it_does_not_cover_is_mailed(group: NotificationGroup, points: list[ChargePoint], what: str) -> None:
    targets = {
        "charge point": of(points[1]),
        "group": Targets(groups=[NotificationGroupFactory().pk]),
        "location": Targets(locations=[("Parkhaus Süd", "Köln")]),
        "other city": Targets(locations=[("Parkhaus", "Bonn")]),
    }[what]
    plan(targets)
    say(points[0], fault(), now=at(60))
    assert decisions() == [TOLD]


def test_group_window_covers_its_charge_points_in_every_group(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    other = NotificationGroupFactory(members=[points[0]])
    plan(Targets(groups=[other.pk]))
    take(message(points[0], fault()), message(points[1], fault()), now=at(60))
    assert decisions(group=other) == [HELD]
    assert decisions(group=group) == [HELD, TOLD]


# ---- when -----------------------------------------------------------------------------------------------------------


def test_planned_window_holds_from_its_beginning_to_its_end(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    plan(of(*points), starts_at=at(600), ends=at(1_200))
    say(points[0], fault(), now=at(599))
    say(points[1], fault(), now=at(600))
    assert decisions() == [TOLD, HELD]
    say(points[2], fault(), now=at(1_200))
    assert sorted(kinds()) == ["alert", "alert", "still_broken"]


def test_what_is_still_broken_at_the_end_is_told(group: NotificationGroup, points: list[ChargePoint]) -> None:
    plan(of(*points), ends=at(1_800))
    take(message(points[0], fault()), message(points[1], fault()), now=at(60))
    say(points[1], fine(), now=at(120))
    sweep(at(1_799))
    assert mails() == []
    sweep(at(1_800))
    (mail,) = mails()
    assert (mail.kind, listed(mail)) == (STILL_BROKEN, [points[0].evse_id])
    assert decisions() == [TOLD, ("opened", "skipped", "maintenance")]
    say(points[0], fine(), now=at(2_000))
    assert [one.thread for one in recoveries()] == [mail.uuid.hex]


def test_what_was_broken_at_the_end_is_told_though_it_is_over_before_the_sweep(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    plan(of(*points), ends=at(600))
    say(points[0], fault(), now=at(60))
    say(points[0], fine(), now=at(601))
    assert mails(STILL_BROKEN)[0].payload["items"][0]["incident"]["closed_at"] == iso(at(601))
    assert decisions() == [TOLD, ("recovered", "skipped", "told_together")]


def test_long_window_is_asked_again_every_hour(group: NotificationGroup, points: list[ChargePoint]) -> None:
    plan(of(*points), ends=NOW + 3 * DAY)
    say(points[0], fault(), now=at(60))
    for hour in range(1, 72):
        sweep(NOW + hour * HOUR)
    assert (mails(), decisions()) == ([], [HELD])
    sweep(NOW + 3 * DAY)
    assert kinds() == ["still_broken"]


def test_window_that_follows_goes_on_holding(group: NotificationGroup, points: list[ChargePoint]) -> None:
    plan(of(points[0]), ends=at(600))
    plan(Targets(groups=[group.pk]), starts_at=at(300), ends=at(900))
    say(points[0], fault(), now=at(60))
    sweep(at(600))
    assert mails() == []
    sweep(at(900))
    assert kinds() == ["still_broken"]


def test_hold_off_that_passes_during_maintenance_waits_on(group: NotificationGroup, points: list[ChargePoint]) -> None:
    take_neutral(signal(points[0], "raised", case="UNAVAILABLE"), now=NOW)
    plan(of(points[0]), now=at(300), ends=at(3_000))
    sweep(at(900))
    assert decisions() == [HELD]
    sweep(at(3_000))
    assert kinds() == ["still_broken"]


def test_hold_off_goes_on_after_the_maintenance(group: NotificationGroup, points: list[ChargePoint]) -> None:
    plan(of(points[0]), ends=at(600))
    take_neutral(signal(points[0], "raised", case="UNAVAILABLE"), now=at(500))
    sweep(at(600))
    assert decisions() == [("opened", "waiting", "hold_off")]
    sweep(at(1_400))
    assert kinds() == ["alert"]


def test_all_clear_waits_for_the_end(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault())
    plan(of(points[0]), now=at(60), ends=at(1_200))
    say(points[0], fine(), now=at(600))
    assert decisions()[1] == ("recovered", "waiting", "maintenance")
    sweep(at(1_199))
    assert kinds() == ["alert"]
    sweep(at(1_200))
    assert kinds() == ["alert", "recovery"]
    assert recoveries()[0].thread == alerts()[0].uuid.hex


# ---- ended, changed, cancelled --------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["charge point", "group", "location"])
def test_ended_early_it_tells_at_once(group: NotificationGroup, points: list[ChargePoint], what: str) -> None:
    targets = {
        "charge point": of(points[0]),
        "group": Targets(groups=[group.pk]),
        "location": Targets(locations=[("Parkhaus", "Köln")]),
    }[what]
    window = plan(targets, ends=NOW + DAY)
    say(points[0], fault(), now=at(60))
    assert end_maintenance(window=window, now=at(120))
    sweep(at(121))
    assert kinds() == ["still_broken"]
    assert not end_maintenance(window=window, now=at(130))
    window.refresh_from_db()
    assert window.ends_at == at(120)


def test_shortened_and_prolonged(group: NotificationGroup, points: list[ChargePoint]) -> None:
    window = plan(of(*points), ends=at(3_000))
    say(points[0], fault(), now=at(60))
    change_maintenance(window=window, reason="Longer", starts_at=None, ends_at=at(4_000), now=at(100))
    sweep(at(3_000))
    assert mails() == []
    change_maintenance(window=window, reason="Shorter", starts_at=None, ends_at=at(3_300), now=at(3_100))
    sweep(at(3_300))
    assert kinds() == ["still_broken"]


def test_planned_one_can_be_moved_and_taken_back(points: list[ChargePoint]) -> None:
    window = plan(of(*points), starts_at=NOW + DAY, ends=NOW + 2 * DAY)
    change_maintenance(window=window, reason="Moved", starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR, now=NOW)
    window.refresh_from_db()
    assert (window.reason, window.starts_at, window.ends_at) == ("Moved", NOW + HOUR, NOW + 2 * HOUR)
    assert not end_maintenance(window=window, now=NOW)
    assert cancel_maintenance(window=window, now=NOW)
    assert not MaintenanceWindow.objects.exists()


def test_running_one_keeps_its_beginning_and_cannot_be_taken_back(points: list[ChargePoint]) -> None:
    window = plan(of(*points))
    change_maintenance(window=window, reason="x", starts_at=at(600), ends_at=at(700), now=at(60))
    window.refresh_from_db()
    assert (window.starts_at, window.ends_at) == (NOW, at(700))
    assert not cancel_maintenance(window=window, now=at(60))
    with pytest.raises(Refused, match="is over"):
        change_maintenance(window=window, reason="x", starts_at=None, ends_at=at(900), now=at(700))


def test_membership_that_ends_meanwhile_is_seen_within_the_hour(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    other = NotificationGroupFactory(members=[points[0]])
    plan(Targets(groups=[other.pk]), ends=NOW + DAY)
    say(points[0], fault(), now=at(60))
    remove_members(group=other, charge_point_ids=[points[0].pk])
    sweep(at(60) + HOUR)
    assert decisions(group=group) == [TOLD]
    assert decisions(group=other) == [("opened", "skipped", "left_group")]


def test_group_that_changed_meanwhile_is_seen(group: NotificationGroup, points: list[ChargePoint]) -> None:
    plan(of(*points))
    say(points[0], fault(), now=at(60))
    update_group(group=group, settings={"cases": ["SENSORS"]}, now=at(120))
    sweep(NOW + HOUR)
    assert (mails(), decisions()) == ([], [("opened", "skipped", "case_not_selected")])


# ---- what makes no sense --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 201}, "reason"),
        ({"ends_at": NOW}, "ends_at"),
        ({"ends_at": NOW - HOUR}, "ends_at"),
        ({"starts_at": NOW + 2 * HOUR}, "ends_at"),
        ({"starts_at": NOW - HOUR}, "starts_at"),
        ({"ends_at": NOW + timedelta(days=400)}, "ends_at"),
        ({"targets": Targets()}, "targets"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(
    points: list[ChargePoint], wrong: dict[str, Any], field: str
) -> None:
    given = {"reason": "x", "starts_at": None, "ends_at": NOW + HOUR, "targets": of(points[0])} | wrong
    with pytest.raises(Refused) as refused:
        plan_maintenance(author="anna", now=NOW, **given)
    assert list(refused.value.fields) == [field]
    assert not MaintenanceWindow.objects.exists()


def test_beginning_that_passed_while_the_form_was_filled_in_is_now(points: list[ChargePoint]) -> None:
    assert plan(of(*points), starts_at=NOW - 5 * MINUTE).starts_at == NOW


def test_targets_named_twice_are_one(points: list[ChargePoint]) -> None:
    window = plan(Targets(charge_points=[points[0].pk, points[0].pk], locations=[("A", ""), ("A", "")]))
    assert window.targets.count() == 2


def test_charge_point_that_is_gone_is_covered_by_nothing(points: list[ChargePoint]) -> None:
    window = plan(of(ChargePointFactory(), *points))
    ChargePoint.objects.exclude(pk__in=[point.pk for point in points]).delete()
    assert count_covered(window) == 3
