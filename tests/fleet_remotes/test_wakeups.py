"""The wake-up budget as it is used: counted once whoever says it, learnt from whole months, told once a month."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from fleet_remotes import event_kinds as kinds
from fleet_remotes.models import Callback, FleetVehicle, RemoteAction, WakeUpUse
from fleet_remotes.selectors import awake_until, budgets
from fleet_remotes.services.binding import bind_vehicles, bind_waiting
from fleet_remotes.services.polling import Question, VendorReply, take_answer
from tests.clock import SECOND, iso
from tests.factories.fleet_remotes import CallbackFactory, FleetVehicleFactory, RemoteActionFactory, with_callback
from tests.fleet_remotes.helpers import (
    DAY,
    NOW,
    at,
    event,
    failed,
    notify,
    published,
    published_kinds,
    sent,
    success,
    waking,
    woken,
)

pytestmark = pytest.mark.django_db
THIS_MONTH = NOW.replace(day=1, hour=0)


def in_flight(**more: Any) -> tuple[RemoteAction, Callback]:
    return with_callback(since=at(0), **more)


MINE: dict[str, str] = {}
OTHERS = {"remoteActionId": "of-another-tool"}


@pytest.mark.parametrize("whose", [MINE, OTHERS])
def test_an_action_wakes_its_vehicle_once_and_is_refused_once_however_often_it_is_said(whose: dict[str, str]) -> None:
    action, callback = in_flight()
    copies = [waking(action), waking(action), waking(action, 3), sent(action), waking(action, 50)]
    copies += [event(action, "Pending", "TooManyWakeUpsOverMonth", 60), failed(action, "TooManyWakesUpsOverMonth")]
    other = CallbackFactory(fleet=callback.fleet)
    for turn in (copies[:2], copies[1:], copies):
        notify(callback, *(one | whose for one in turn))
        notify(other, *(one | whose for one in turn))
    use = WakeUpUse.objects.get()
    assert (use.vehicle, use.month, use.used, use.refusals) == (action.vehicle, NOW.date().replace(day=1), 1, 1)


def test_a_wake_up_that_overtook_its_action_or_its_vehicle_is_the_same_one_later() -> None:
    action, callback = with_callback(since=at(0), remote_action_id="")
    late = {"remoteActionId": "later"}
    unknown = OTHERS | {"vin": "VR3LATER00000001"}
    notify(callback, waking(action) | late, waking(action) | unknown, waking(action, 3) | unknown)
    FleetVehicleFactory(vin=unknown["vin"], fleet=callback.fleet)
    notify(callback, waking(action, 4) | unknown)
    assert bind_vehicles(now=at(60)) == 2
    RemoteAction.objects.update(remote_action_id="later")
    assert bind_waiting(now=at(60)) == 1
    notify(callback, waking(action, 5) | late)
    assert list(WakeUpUse.objects.values_list("used", flat=True)) == [1, 1]


def test_wake_ups_of_other_tools_count_too_and_each_in_its_own_month() -> None:
    action, callback = in_flight()
    foreign = waking(action) | {"remoteActionId": "of-another-tool", "eventDate": iso(THIS_MONTH)}
    before = foreign | {"eventDate": iso(THIS_MONTH - SECOND), "remoteActionId": "before"}
    notify(callback, foreign, before, foreign | {"vin": "VR3NOBODY000"}, now=THIS_MONTH + DAY)
    assert list(WakeUpUse.objects.order_by("month").values_list("month__month", "used")) == [
        ((THIS_MONTH - DAY).month, 1),
        (THIS_MONTH.month, 1),
    ]


def since_last_month(callback: Callback, vehicle: FleetVehicle) -> None:
    """As if both had been there when this month began."""
    for rows in (Callback.objects.filter(pk=callback.pk), FleetVehicle.objects.filter(pk=vehicle.pk)):
        rows.update(created_at=THIS_MONTH - DAY)


def test_the_first_refusal_of_a_whole_month_teaches_the_budget() -> None:
    action, callback = in_flight()
    since_last_month(callback, action.vehicle)
    notify(callback, *woken(action, *range(31)))
    notify(callback, failed(action, "TooManyWakeUpsOverMonth"))
    later = RemoteActionFactory(vehicle=action.vehicle, since=at(90))
    notify(callback, event(later, "Pending", "TooManyWakeUpsOverMonth", 92), now=at(99))
    use = WakeUpUse.objects.get()
    assert (use.used, use.refusals, use.refused_at_count) == (31, 2, 31)
    assert FleetVehicle.objects.get().wakeup_learnt == 31


@pytest.mark.parametrize("young", [Callback, FleetVehicle])
def test_a_month_that_was_not_counted_from_its_beginning_teaches_nothing(young: type[Any]) -> None:
    action, callback = in_flight()
    since_last_month(callback, action.vehicle)
    young.objects.update(created_at=THIS_MONTH + SECOND)
    notify(callback, waking(action), failed(action, "TooManyWakeUpsOverMonth"))
    assert WakeUpUse.objects.get().refused_at_count == 1
    assert FleetVehicle.objects.get().wakeup_learnt is None


def test_more_wake_ups_than_were_learnt_show_that_it_was_learnt_wrongly() -> None:
    action, callback = in_flight()
    since_last_month(callback, action.vehicle)
    FleetVehicle.objects.update(wakeup_learnt=2)
    notify(callback, *woken(action, 1, 2))
    assert FleetVehicle.objects.get().wakeup_learnt == 2
    notify(callback, waking(action, 3))
    assert FleetVehicle.objects.get().wakeup_learnt is None


@pytest.mark.parametrize(
    ("record", "said", "counted"),
    [
        ({"status": "WakingUpVehicle"}, ("Pending", "WakingUpVehicle"), (1, 0)),
        ({"status": "TooManyWakeUpsOverMonth"}, ("Pending", "TooManyWakeUpsOverMonth"), (0, 1)),
        ({"status": "Failed", "failureCause": "TooManyWakeUpsOverMonth"}, ("Done", "Failed"), (0, 1)),
    ],
)
def test_what_the_record_alone_shows_counts_once_as_if_it_were_notified(
    settings: Settings, record: dict[str, Any], said: tuple[str, str], counted: tuple[int, int]
) -> None:
    settings.REMOTES_WAKEUPS_BURST = 1
    action, callback = in_flight()
    question = Question(action.pk, "", "", "", action.remote_action_id)
    for _ in range(2):
        take_answer(question=question, answer=VendorReply(record=record), now=at(30))
    use = WakeUpUse.objects.get()
    assert (use.used, use.refusals) == counted
    assert (budgets([action.vehicle], at(31))[action.vehicle_id].resting_until is not None) == bool(counted[0])
    notify(callback, event(action, *said, 5, record.get("failureCause", "")))
    take_answer(question=question, answer=VendorReply(record=record), now=at(90))
    use.refresh_from_db()
    assert (use.used, use.refusals) == counted


def test_a_vehicle_is_awake_for_three_minutes_after_what_was_sent_to_it() -> None:
    action, callback = in_flight()
    notify(callback, waking(action, 2))
    assert awake_until([action.vehicle], at(3)) == {}
    notify(callback, sent(action, 30), now=at(31))
    assert awake_until([action.vehicle], at(31)) == {action.vehicle_id: at(30 + 180)}
    notify(callback, success(action, 40), now=at(41))
    assert awake_until([action.vehicle], at(219)) == {action.vehicle_id: at(40 + 180)}
    assert awake_until([action.vehicle], at(221)) == {}


def test_a_refusal_without_any_wake_up_of_ours_teaches_nothing() -> None:
    action, callback = in_flight()
    notify(callback, failed(action, "TooManyWakeUpsOverMonth"))
    assert FleetVehicle.objects.get().wakeup_learnt is None
    assert WakeUpUse.objects.get().refusals == 1


def test_used_up_wake_ups_are_told_once_a_month() -> None:
    action, callback = in_flight()
    FleetVehicle.objects.update(wakeup_budget=2)
    notify(callback, waking(action, 1))
    assert published_kinds() == []
    notify(callback, *woken(action, 2, 3), event(action, "Pending", "TooManyWakeUpsOverMonth", 4))
    ((kind, payload),) = published()
    assert (kind, payload["month"]) == (kinds.WAKEUPS_EXHAUSTED, f"{NOW:%Y-%m}")
    assert (payload["used"], payload["budget"]) == (3, 2)
    following = (THIS_MONTH + 32 * DAY).replace(day=1)
    notify(callback, waking(action, 5) | OTHERS | {"eventDate": iso(following + 5 * SECOND)}, now=following + DAY)
    assert len(published()) == 1


def test_what_happened_last_month_is_counted_but_no_news() -> None:
    action, callback = in_flight()
    late = failed(action, "TooManyWakeUpsOverMonth") | {"eventDate": iso(THIS_MONTH - DAY)}
    notify(callback, late, now=THIS_MONTH + DAY)
    assert WakeUpUse.objects.get().refusals == 1
    assert kinds.WAKEUPS_EXHAUSTED not in published_kinds()
