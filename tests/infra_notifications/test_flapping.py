"""A charge point that opens the same case again and again: one mail, then one a day until it is quiet."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from infra_notifications.models import ChargePoint, Flapping, Incident, NotificationGroup
from infra_notifications.services.context import evaluate_flapping
from infra_notifications.services.groups import remove_members, update_group
from infra_notifications.services.maintenance import Targets, plan_maintenance
from tests.factories.infra_notifications import IncidentFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    alerts,
    at,
    decisions,
    fault,
    kinds,
    listed,
    mails,
    message,
    recoveries,
    signal,
    station,
    sweep,
    take,
    take_neutral,
)

pytestmark = pytest.mark.django_db
FLAPPING = "notification_group.flapping"
CHECK = 25 * 3600  # the daily look after what flaps since a few minutes past NOW


@pytest.fixture
def points() -> list[ChargePoint]:
    return station("CP-1", 3, expected_interval_s=30 * 86_400)


@pytest.fixture
def group(points: list[ChargePoint]) -> NotificationGroup:
    found: NotificationGroup = NotificationGroupFactory(name="Köln", members=points)
    return found


def flap(point: ChargePoint, moments: Iterable[float], case: str = "FUSE_TRIPPED") -> None:
    """Opens at each of these seconds and closes a second later."""
    for second in moments:
        take_neutral(signal(point, "raised", case=case), now=at(second))
        take_neutral(signal(point, "cleared", case=case), now=at(second + 1))


def test_sixth_opening_within_a_day_is_told_as_flapping(group: NotificationGroup, points: list[ChargePoint]) -> None:
    flap(points[0], range(0, 500, 100))
    assert (len(alerts()), kinds().count("flapping"), Flapping.objects.count()) == (5, 0, 0)
    flap(points[0], [500])
    (mail,) = mails(FLAPPING)
    (item,) = mail.payload["items"]
    assert (item["case"], item["openings"], item["charge_point"]["evse_id"]) == ("FUSE_TRIPPED", 6, points[0].evse_id)
    assert item["url"] == f"http://testserver/infrastructure/charge-points/{points[0].pk}/"
    assert (mail.payload["total"], item["is_open"], len(alerts())) == (1, True, 5)


def test_what_opens_while_it_flaps_is_not_mailed_and_says_why(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    flap(points[0], range(0, 1_000, 100))
    sweep(at(2_000))
    assert (len(alerts()), kinds().count("flapping")) == (5, 1)
    last = Incident.objects.order_by("id")[9]
    assert decisions(incident=last) == [("opened", "waiting", "flapping")]
    sixth = Incident.objects.order_by("id")[5]
    assert decisions(incident=sixth) == [("opened", "sent", ""), ("recovered", "waiting", "flapping")]


def test_daily_mail_comes_as_long_as_it_flaps(group: NotificationGroup, points: list[ChargePoint]) -> None:
    flap(points[0], range(0, 600, 100))
    for day in (1, 2):
        flap(points[0], range(day * CHECK - 8_000, day * CHECK - 1_000, 1_000))
        sweep(at(day * CHECK))
    first, second, third = mails(FLAPPING)
    assert [mail.payload["items"][0]["openings"] for mail in (first, second, third)] == [6, 7, 7]
    assert second.created_at == at(CHECK)
    assert not any(state == "waiting" for _kind, state, _reason in decisions(incident__opened_at__lt=at(CHECK)))


def test_it_is_over_when_a_day_is_quiet(group: NotificationGroup, points: list[ChargePoint]) -> None:
    flap(points[0], range(0, 800, 100))
    sweep(at(CHECK))
    assert Flapping.objects.get().ended_at == at(CHECK)
    seventh = Incident.objects.order_by("id")[6]
    assert decisions(incident=seventh) == [("opened", "skipped", "flapping")]
    # The one that the flapping mail told has its all-clear, in the thread of that mail.
    assert recoveries()[-1].thread == mails(FLAPPING)[0].uuid.hex
    assert len(mails(FLAPPING)) == 1
    flap(points[0], [CHECK + 100])
    assert kinds()[-2:] == ["alert", "recovery"]


def test_five_openings_a_day_are_quiet_enough(group: NotificationGroup, points: list[ChargePoint]) -> None:
    flap(points[0], range(0, 600, 100))
    flap(points[0], range(CHECK - 5_000, CHECK, 1_000))
    sweep(at(CHECK))
    assert (Flapping.objects.get().openings, len(mails(FLAPPING))) == (5, 1)
    assert Flapping.objects.get().ended_at is not None


def test_what_is_still_open_when_flapping_ends_is_told(group: NotificationGroup, points: list[ChargePoint]) -> None:
    flap(points[0], range(0, 700, 100))
    take_neutral(signal(points[0], "raised"), now=at(800))
    sweep(at(CHECK))
    assert listed(alerts()[-1]) == [points[0].evse_id]
    assert alerts()[-1].created_at == at(CHECK)
    sixth = Incident.objects.order_by("id")[5]
    assert decisions(incident=sixth, kind="recovered") == [("recovered", "skipped", "flapping")]


def test_each_case_and_charge_point_counts_for_itself(group: NotificationGroup, points: list[ChargePoint]) -> None:
    flap(points[0], range(0, 500, 100))
    flap(points[0], range(500, 900, 100), case="SENSORS")
    flap(points[1], range(900, 1_400, 100))
    assert not Flapping.objects.exists()


def test_what_comes_in_just_before_the_daily_look_stands_in_its_mail(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    flap(points[0], [*range(0, 600, 100), *range(CHECK - 8_000, CHECK - 1_000, 1_000), CHECK + 1])
    sweep(at(CHECK + 3))
    for second in (CHECK + 15, CHECK + 80):
        sweep(at(second))
    assert [mail.created_at for mail in mails(FLAPPING)][1:] == [at(CHECK + 3)]


def test_openings_of_more_than_a_day_do_not_count(group: NotificationGroup, points: list[ChargePoint]) -> None:
    flap(points[0], [n * 5 * 3600 for n in range(12)])
    assert not Flapping.objects.exists()
    assert len(alerts()) == 12


def test_flapping_of_many_is_gathered(group: NotificationGroup, points: list[ChargePoint]) -> None:
    for number, point in enumerate(points):
        flap(point, range(number * 10, 500 + number * 10, 100))
    before = len(mails(FLAPPING))
    take(*(message(point, fault()) for point in points), now=at(600))
    assert len(mails(FLAPPING)) - before == 1
    assert mails(FLAPPING)[0].payload["total"] == 3
    sweep(NOW + DAY + 2 * HOUR)
    assert kinds().count("flapping") == 1


def test_one_batch_that_opens_too_often_is_one_mail(group: NotificationGroup, points: list[ChargePoint]) -> None:
    signals = [signal(points[0], state) for _ in range(8) for state in ("raised", "cleared")]
    take_neutral(*signals)
    assert kinds() == ["flapping"]
    notified = [("opened", "sent", "")] * 8 + [("recovered", "skipped", "told_together")] * 8
    assert sorted(decisions()) == sorted(notified)


def test_hold_off_does_not_hide_flapping(points: list[ChargePoint]) -> None:
    NotificationGroupFactory(members=points)
    flap(points[0], range(0, 600, 100), case="UNAVAILABLE")
    assert kinds() == ["flapping"]
    assert decisions()[:5] == [("opened", "skipped", "recovered")] * 5


def test_openings_during_maintenance_do_not_count(group: NotificationGroup, points: list[ChargePoint]) -> None:
    plan_maintenance(
        reason="Works", ends_at=at(3600), targets=Targets(charge_points=[points[0].pk]), author="anna", now=NOW
    )
    flap(points[0], range(1, 2_000, 100))
    flap(points[0], range(4_000, 4_500, 100))
    assert not Flapping.objects.exists()
    flap(points[0], [5_000])
    assert Flapping.objects.get().openings == 6


def test_who_does_not_listen_gets_no_flapping_mail(points: list[ChargePoint]) -> None:
    NotificationGroupFactory(members=points, cases=["SENSORS"])
    NotificationGroupFactory(members=points, emails=[])
    flap(points[0], range(0, 700, 100))
    assert mails() == []
    assert Flapping.objects.count() == 1
    assert {reason for _kind, _state, reason in decisions()} == {"case_not_selected", "no_address"}


@pytest.mark.parametrize("change", ["leaves", "no case", "no address"])
def test_what_changed_meanwhile_is_seen(group: NotificationGroup, points: list[ChargePoint], change: str) -> None:
    flap(points[0], range(0, 700, 100))
    take_neutral(signal(points[0], "raised"), now=at(800))
    if change == "leaves":
        remove_members(group=group, charge_point_ids=[points[0].pk])
    else:
        given: dict[str, Any] = {"settings": {"cases": ["SENSORS"]}} if change == "no case" else {"settings": {}}
        update_group(group=group, emails=[] if change == "no address" else None, now=at(900), **given)
    sweep(at(CHECK))
    reason = {"leaves": "left_group", "no case": "case_not_selected", "no address": "no_address"}[change]
    assert decisions(kind="opened")[-1] == ("opened", "skipped", reason)


def test_acknowledged_or_not_it_is_told_only_once_a_day(group: NotificationGroup, points: list[ChargePoint]) -> None:
    flap(points[0], range(0, 2_000, 100))
    for minute in range(0, 24 * 60, 60):
        sweep(at(3_000) + minute * MINUTE)
    assert kinds().count("flapping") == 1


def test_look_takes_as_many_as_it_may_and_says_so(points: list[ChargePoint]) -> None:
    for point in points:
        Flapping.objects.create(
            charge_point=point, case="SENSORS", began_at=NOW - DAY, openings=6, next_check_at=NOW - MINUTE
        )
    assert [evaluate_flapping(now=NOW, limit=2) for _ in range(3)] == [2, 1, 0]
    assert not Flapping.objects.filter(ended_at=None).exists()


def test_long_history_is_cheap_and_counts_as_flapping(points: list[ChargePoint]) -> None:
    for number in range(600):
        IncidentFactory(charge_point=points[0], opened_at=at(number), closed_at=at(number), close_reason="cleared")
    flap(points[0], [1_000])
    assert Flapping.objects.get().openings == 500


# ---- any history ----------------------------------------------------------------------------------------------------


@settings(max_examples=6)
@given(st.lists(st.sampled_from([70, 600, 5_000, 40_000]), min_size=6, max_size=25))
def test_nobody_is_mailed_more_than_six_times_a_day(pauses: list[int]) -> None:
    """Five alerts and the flapping mail; every opening is told or says why not."""
    with transaction.atomic():
        (point,) = station("CP-9", 1, expected_interval_s=30 * 86_400)
        NotificationGroupFactory(members=[point], notify_recovery=False)
        second = 0
        for pause in pauses:
            flap(point, [second])
            for step in range(0, pause, 3 * 3_600):
                sweep(at(second + step))
            second += pause
        notified = [mail.created_at for mail in mails()]
        for moment in notified:
            assert len([one for one in notified if moment <= one < moment + DAY]) <= 7
        daily = [mail.created_at for mail in mails(FLAPPING)]
        assert all(later - earlier >= DAY for earlier, later in pairwise(daily))
        openings = Incident.objects.count()
        assert len(decisions(kind="opened")) == openings
        assert all(state == "sent" or reason for _kind, state, reason in decisions())
        transaction.set_rollback(True)
