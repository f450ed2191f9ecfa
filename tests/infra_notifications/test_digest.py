"""The daily digest: one mail at a chosen local time instead of single ones."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from core.refusal import Refused
from infra_notifications.models import ChargePoint, Incident, NotificationDecision, NotificationGroup
from infra_notifications.services.acknowledging import acknowledge_incidents
from infra_notifications.services.digests import send_digests
from infra_notifications.services.groups import create_group, remove_members, update_group
from infra_notifications.services.maintenance import Targets, plan_maintenance
from tests.clock import SECOND, iso, local
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import (
    HOUR,
    NOW,
    addressees,
    alerts,
    at,
    decisions,
    fault,
    fine,
    kinds,
    listed,
    mails,
    message,
    say,
    signal,
    station,
    sweep,
    take,
    take_neutral,
)

pytestmark = pytest.mark.django_db
DIGEST = "notification_group.digest"
HELD = ("opened", "waiting", "digest")


def due_at(day: int) -> datetime:
    """So many days after the first digest."""
    return local("Europe/Berlin", 19, days=day)


DUE = due_at(0)


@pytest.fixture
def points() -> list[ChargePoint]:
    return station("CP-1", 3, expected_interval_s=30 * 86_400)


def a_group(points: list[ChargePoint], **more: Any) -> NotificationGroup:
    given = {"name": "Köln", "digest_time": "19:00", "time_zone": "Europe/Berlin"} | more
    return create_group(
        settings=given, emails=["a@example.org"], charge_point_ids=[point.pk for point in points], now=NOW
    )


@pytest.fixture
def group(points: list[ChargePoint]) -> NotificationGroup:
    return a_group(points)


def digests() -> list[dict[str, Any]]:
    return [mail.payload for mail in mails(DIGEST)]


def test_single_mails_are_gathered_for_the_day(group: NotificationGroup, points: list[ChargePoint]) -> None:
    assert group.digest_due_at == DUE
    for number, point in enumerate(points):
        say(point, fault(), now=at(number * 600))
    assert (mails(), decisions()) == ([], [HELD] * 3)
    sweep(DUE - SECOND)
    assert mails() == []
    sweep(DUE)
    (mail,) = mails()
    assert (mail.kind, listed(mail), addressees(mail)) == (DIGEST, [p.evse_id for p in points], ["a@example.org"])
    assert [mail.payload[key] for key in ("opened", "over", "open", "total")] == [3, 0, 3, 3]
    assert set(NotificationDecision.objects.values_list("state", "event_id")) == {("sent", mail.pk)}
    group.refresh_from_db()
    assert (group.digest_due_at, group.last_notified_at) == (due_at(1), DUE)


def test_what_opened_and_ended_stands_in_it(group: NotificationGroup, points: list[ChargePoint]) -> None:
    for second in (0, 1_000, 2_000):
        say(points[0], fault(), now=at(second))
        say(points[0], fine(), now=at(second + 500))
    say(points[1], fault(), now=at(3_000))
    sweep(DUE)
    (digest,) = digests()
    assert [digest[key] for key in ("opened", "over", "open", "total")] == [4, 3, 1, 2]
    still, over = digest["items"]
    assert (still["charge_point"]["evse_id"], still["closed_at"], still["openings"]) == (points[1].evse_id, None, 1)
    assert (over["openings"], over["closed_at"]) == (3, iso(at(2_500)))
    assert decisions(kind="recovered") == [("recovered", "skipped", "told_together")] * 3


def test_end_of_what_an_earlier_digest_told_stands_in_the_next(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    say(points[0], fault())
    sweep(DUE)
    say(points[0], fine(), now=DUE + HOUR)
    assert decisions()[1] == ("recovered", "waiting", "digest")
    sweep(due_at(1))
    assert [[digest[key] for key in ("opened", "over", "open")] for digest in digests()] == [[1, 0, 1], [0, 1, 0]]
    assert kinds() == ["digest", "digest"]


def test_what_is_still_open_is_told_every_day(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault())
    for day in range(3):
        sweep(due_at(day))
    assert [digest["open"] for digest in digests()] == [1, 1, 1]
    assert digests()[2]["items"][0]["openings"] == 0


def test_day_without_anything_has_no_digest(group: NotificationGroup, points: list[ChargePoint]) -> None:
    for day in range(3):
        sweep(due_at(day))
    assert mails() == []
    group.refresh_from_db()
    assert group.digest_due_at == due_at(3)


def test_what_somebody_takes_care_of_alone_is_no_reason_for_a_digest(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    say(points[0], fault())
    sweep(DUE)
    acknowledge_incidents(incident_ids=[Incident.objects.get().pk], author="anna", now=DUE + HOUR)
    sweep(due_at(1))
    assert len(digests()) == 1
    say(points[1], fault(), now=due_at(1) + HOUR)
    sweep(due_at(2))
    assert [item["acknowledged_by"] for item in digests()[1]["items"]] == ["anna", ""]


def test_hold_off_comes_before_the_digest(group: NotificationGroup, points: list[ChargePoint]) -> None:
    take_neutral(signal(points[0], "raised", case="UNAVAILABLE"))
    take_neutral(signal(points[1], "raised", case="UNAVAILABLE"))
    take_neutral(signal(points[0], "cleared", case="UNAVAILABLE"), now=at(600))
    sweep(at(900))
    assert decisions() == [("opened", "skipped", "recovered"), HELD]
    sweep(DUE)
    assert digests()[0]["opened"] == 1


def test_flapping_is_one_line(group: NotificationGroup, points: list[ChargePoint]) -> None:
    for second in range(0, 2_000, 100):
        take_neutral(signal(points[0], "raised"), signal(points[0], "cleared"), now=at(second))
    sweep(DUE)
    assert kinds() == ["digest"]
    assert [item["openings"] for item in digests()[0]["items"]] == [20]


def test_maintenance_is_left_out(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault())
    sweep(DUE)
    targets = Targets(groups=[group.pk])
    plan_maintenance(reason="x", ends_at=due_at(1) + HOUR, targets=targets, author="anna", now=DUE + HOUR)
    say(points[1], fault(), now=DUE + 2 * HOUR)
    sweep(due_at(1))
    assert len(digests()) == 1
    sweep(due_at(1) + HOUR)
    sweep(due_at(2))
    assert len(digests()[1]["items"]) == 2


def test_it_lists_a_hundred_and_counts_the_rest() -> None:
    points: list[ChargePoint] = [ChargePointFactory(expected_interval_s=30 * 86_400) for _ in range(103)]
    a_group(points)
    take(*(message(point, fault()) for point in points))
    sweep(DUE)
    (digest,) = digests()
    assert (len(digest["items"]), digest["total"]) == (100, 103)
    assert set(NotificationDecision.objects.values_list("state", flat=True)) == {"sent"}


# ---- changes --------------------------------------------------------------------------------------------------------


def test_digest_that_is_switched_off_tells_at_once(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault())
    update_group(group=group, settings={"digest_time": None}, now=at(600))
    sweep(at(600))
    assert kinds() == ["alert"]
    assert group.digest_due_at is None


def test_digest_that_is_switched_on_takes_what_was_gathered(points: list[ChargePoint]) -> None:
    group = a_group(points, digest_time=None)
    say(points[0], fault())
    say(points[1], fault(), now=at(1))
    update_group(group=group, settings={"digest_time": "12:00", "time_zone": "UTC"}, now=at(10))
    sweep(at(60))
    assert (len(alerts()), decisions()[1]) == (1, HELD)
    sweep(NOW + 3 * HOUR)
    assert [digests()[0][key] for key in ("opened", "open")] == [1, 2]


@pytest.mark.parametrize(
    ("change", "due"),
    [({"digest_time": "17:00"}, local("Europe/Berlin", 17)), ({"time_zone": "UTC"}, local("UTC", 19))],
)
def test_changed_time_counts_at_once(
    group: NotificationGroup, points: list[ChargePoint], change: dict[str, Any], due: datetime
) -> None:
    say(points[0], fault())
    update_group(group=group, settings=change, now=at(60))
    assert group.digest_due_at == due
    assert NotificationDecision.objects.get().due_at == due
    sweep(due)
    assert len(digests()) == 1


def test_other_settings_leave_the_time_alone(group: NotificationGroup) -> None:
    stale = NotificationGroup.objects.get(pk=group.pk)
    sweep(DUE)
    update_group(group=stale, settings={"name": "Bonn"}, now=DUE)
    group.refresh_from_db()
    assert group.digest_due_at == due_at(1)


def test_charge_point_that_left_is_not_told(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault())
    sweep(DUE)
    say(points[1], fault(), now=DUE + HOUR)
    remove_members(group=group, charge_point_ids=[points[0].pk, points[1].pk])
    sweep(due_at(1))
    assert len(digests()) == 1
    assert decisions()[1] == ("opened", "skipped", "left_group")


def test_group_without_addresses_says_so(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault())
    update_group(group=group, settings={}, emails=[], now=at(60))
    sweep(DUE)
    assert (mails(), decisions()) == ([], [("opened", "skipped", "no_address")])


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"digest_time": "25:00"}, "digest_time"),
        ({"digest_time": "seven"}, "digest_time"),
        ({"time_zone": "Europe/Cologne"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
    ],
)
def test_time_that_is_none_is_refused(group: NotificationGroup, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        update_group(group=group, settings=wrong, now=NOW)
    assert list(refused.value.fields) == [field]


def test_zone_of_the_installation_is_the_usual_one(points: list[ChargePoint]) -> None:
    assert a_group(points, time_zone="").digest_due_at == NOW + 10 * HOUR


def test_digest_that_would_never_be_due_cannot_be_stored() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        NotificationGroupFactory(digest_time=time(7))


def test_digests_take_as_many_groups_as_they_may(points: list[ChargePoint]) -> None:
    for name in "ABC":
        a_group(points, name=name)
    say(points[0], fault())
    assert [send_digests(now=DUE, limit=2) for _ in range(3)] == [2, 1, 0]
    assert sorted(digest["group"] for digest in digests()) == ["A", "B", "C"]
