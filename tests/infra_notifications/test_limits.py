"""Both sides of each limit, both ends of each window, and what belongs to another group."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.refusal import Refused
from infra_notifications.choices import Case
from infra_notifications.models import ChargePoint, Incident, NotificationGroup
from infra_notifications.services.groups import MAX_HOLD_OFF_S, delete_group, remove_members, update_group
from infra_notifications.services.maintenance import LONGEST, SLACK, Targets, plan_maintenance
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import (
    HOUR,
    NOW,
    alerts,
    at,
    decisions,
    fault,
    fine,
    kinds,
    listed,
    open_cases,
    say,
    sweep,
)
from tests.outbox.topic_kit import a_list

pytestmark = pytest.mark.django_db
TICK = timedelta(microseconds=1)
# So long that nothing counts as offline meanwhile.
QUIET = 300 * 86_400


def allowed(is_allowed: bool) -> AbstractContextManager[Any]:
    return nullcontext() if is_allowed else pytest.raises(Refused)


@pytest.mark.parametrize("page", ["infra_notifications:group_edit", "outbox:topic_list_edit"])
def test_a_form_answers_with_little_more_than_it_was_sent(operator: Client, page: str) -> None:
    """It showed a field for each of the addresses that were pasted: twenty MB for what a body may hold."""
    row = NotificationGroupFactory() if "group" in page else a_list("charge_point.*")
    pasted = "a@b " * 20_000
    answer = operator.post(reverse(page, args=[row.pk]), {"emails": pasted})
    assert len(answer.content) < len(pasted) + 300_000
    shown = re.findall(r'name="emails"\s+value="([^"]*)"', answer.text)
    assert " ".join(shown).split() == pasted.split()


@pytest.fixture
def point() -> ChargePoint:
    found: ChargePoint = ChargePointFactory(expected_interval_s=QUIET)
    return found


def group_of(*points: ChargePoint, **settings: Any) -> NotificationGroup:
    group: NotificationGroup = NotificationGroupFactory(members=points, **settings)
    return group


# ---- ends of windows ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("moment", "mails"), [(at(900) - TICK, []), (at(900), ["alert"])])
def test_a_delay_is_over_at_its_end(point: ChargePoint, moment: datetime, mails: list[str]) -> None:
    group_of(point, hold_off_s=dict.fromkeys(Case.values, 900))
    say(point, fault())
    sweep(moment)
    assert kinds() == mails


@pytest.mark.parametrize(("moment", "is_mailed"), [(at(900) - TICK, False), (at(900) + TICK, True)])
def test_what_ends_within_the_delay_is_never_mailed(point: ChargePoint, moment: datetime, is_mailed: bool) -> None:
    group_of(point, hold_off_s=dict.fromkeys(Case.values, 900))
    say(point, fault())
    if is_mailed:
        sweep(at(900))
    say(point, fine(), now=moment)
    sweep(moment + HOUR)
    assert kinds() == (["alert", "recovery"] if is_mailed else [])


@pytest.mark.parametrize(("moment", "mails"), [(at(14_400) - TICK, ["alert"]), (at(14_400), ["alert", "reminder"])])
def test_a_reminder_comes_when_its_hours_are_over(point: ChargePoint, moment: datetime, mails: list[str]) -> None:
    group_of(point, reminder_s=14_400)
    say(point, fault())
    sweep(NOW)
    sweep(moment)
    assert kinds() == mails


@pytest.mark.parametrize(("moment", "cases"), [(at(600) - TICK, []), (at(600), [Case.UNAVAILABLE])])
def test_a_charge_point_is_offline_when_its_interval_is_over(moment: datetime, cases: list[str]) -> None:
    point = ChargePointFactory(expected_interval_s=600)
    say(point, fine())
    sweep(moment)
    assert open_cases(point) == cases


@pytest.mark.parametrize(
    ("moment", "is_held"),
    [
        (NOW + HOUR - TICK, False),
        (NOW + HOUR, True),
        (NOW + 2 * HOUR - TICK, True),
        (NOW + 2 * HOUR, False),
    ],
)
def test_maintenance_holds_from_its_beginning_and_not_at_its_end(
    point: ChargePoint, moment: datetime, is_held: bool
) -> None:
    group_of(point)
    targets = Targets(charge_points=[point.pk])
    plan_maintenance(reason="x", starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR, targets=targets, author="anna", now=NOW)
    say(point, fault(), now=moment)
    sweep(moment)
    assert [reason for _kind, _state, reason in decisions()] == (["maintenance"] if is_held else [""])
    assert bool(alerts()) is not is_held


@pytest.mark.parametrize(
    ("starts", "ends", "is_allowed"),
    [
        (NOW - SLACK, NOW + HOUR, True),
        (NOW - SLACK - TICK, NOW + HOUR, False),
        (NOW + HOUR, NOW + HOUR, False),
        (NOW + HOUR, NOW + HOUR + TICK, True),
        (NOW, NOW + LONGEST, True),
        (NOW, NOW + LONGEST + TICK, False),
    ],
)
def test_maintenance_has_limits(point: ChargePoint, starts: datetime, ends: datetime, is_allowed: bool) -> None:
    targets = Targets(charge_points=[point.pk])
    with allowed(is_allowed):
        plan_maintenance(reason="x", starts_at=starts, ends_at=ends, targets=targets, author="anna", now=NOW)


@pytest.mark.parametrize(
    ("settings", "is_allowed"),
    [
        ({"hold_off_s": {Case.SENSORS: MAX_HOLD_OFF_S}}, True),
        ({"hold_off_s": {Case.SENSORS: MAX_HOLD_OFF_S + 1}}, False),
        ({"hold_off_s": {Case.SENSORS: -1}}, False),
        ({"reminder_s": 60}, True),
        ({"reminder_s": 59}, False),
        ({"reminder_s": MAX_HOLD_OFF_S}, True),
        ({"reminder_s": MAX_HOLD_OFF_S + 1}, False),
        ({"name": "x" * 100}, True),
        ({"name": "x" * 101}, False),
    ],
)
def test_a_group_has_limits(settings: dict[str, Any], is_allowed: bool) -> None:
    with allowed(is_allowed):
        update_group(group=group_of(), settings=settings, now=NOW)


# ---- what belongs to another group ----------------------------------------------------------------------------------


def _deleted(mine: NotificationGroup, point: ChargePoint) -> None:
    delete_group(group=mine, now=at(1))


def _without_the_member(mine: NotificationGroup, point: ChargePoint) -> None:
    remove_members(group=mine, charge_point_ids=[point.pk])


def _in_maintenance(mine: NotificationGroup, point: ChargePoint) -> None:
    other = ChargePointFactory(expected_interval_s=QUIET)
    NotificationGroupFactory(members=[other])
    targets = Targets(charge_points=[other.pk])
    plan_maintenance(reason="x", ends_at=NOW + HOUR, targets=targets, author="anna", now=NOW)


@pytest.mark.parametrize("change", [_deleted, _without_the_member, _in_maintenance])
def test_what_becomes_of_one_group_is_nothing_to_another(
    point: ChargePoint, change: Callable[[NotificationGroup, ChargePoint], None]
) -> None:
    delay = dict.fromkeys(Case.values, 900)
    mine = group_of(point, emails=["mine@example.org"], hold_off_s=delay)
    theirs = group_of(point, emails=["theirs@example.org"], hold_off_s=delay)
    say(point, fault())
    change(mine, point)
    sweep(at(900))
    told = [mail for mail in alerts() if mail.subject == theirs.list_key]
    assert [listed(mail) for mail in told] == [[point.evse_id]]
    assert Incident.objects.get().closed_at is None


def test_a_group_hears_nothing_of_the_charge_points_of_another(point: ChargePoint) -> None:
    other = ChargePointFactory(expected_interval_s=QUIET)
    mine, theirs = group_of(point), group_of(other)
    say(point, fault())
    sweep(at(60))
    assert {mail.subject for mail in alerts()} == {mine.list_key}
    assert decisions(group=theirs) == []
