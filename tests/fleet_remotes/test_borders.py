"""Both sides of every limit and both ends of every window, and rows of another fleet that nothing may touch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from core.refusal import Refused
from fleet_remotes import selectors
from fleet_remotes.choices import Flag, Kind, Privacy, State, Verdict
from fleet_remotes.ingest.commands import read_command
from fleet_remotes.models import Fleet, FleetVehicle, RemoteAction, RemoteNotification, WakeUpUse
from fleet_remotes.rules.preflight import Level
from fleet_remotes.services import commands, polling
from fleet_remotes.services.binding import bind_vehicles, bind_waiting
from fleet_remotes.services.callbacks import create_callback
from fleet_remotes.services.sending import claim
from fleet_remotes.services.silence import watch_callbacks
from fleet_remotes.services.vehicles import resume_fleet, stop_fleet
from outbox.models import Event
from tests.factories.console import UserFactory
from tests.factories.fleet_remotes import (
    CallbackFactory,
    FleetFactory,
    FleetVehicleFactory,
    RemoteActionFactory,
    with_callback,
)
from tests.fleet_remotes.conftest import Running
from tests.fleet_remotes.helpers import HOUR, MINUTE, at, event, flags, fresh, notify, success, verdicts, waking, woken

pytestmark = pytest.mark.django_db
TICK = timedelta(microseconds=1)
LIGHTS = read_command("lights", {"on": True})
UNLOCK = read_command("door", {"state": "Unlocked"})


@pytest.fixture(autouse=True)
def _set_up(settings: Settings) -> None:
    settings.REMOTES_CLIENT_ID = "id"


def codes(vehicle: FleetVehicle, now: datetime | None = None) -> set[str]:
    """What the checks find of a command to switch the lights on."""
    findings = commands.check_vehicles([vehicle], LIGHTS, now or at(0))[vehicle.pk]
    return {str(finding.code) for finding in findings if finding.level is not Level.NOTES}


def vehicle_with(**values: Any) -> FleetVehicle:
    vehicle: FleetVehicle = FleetVehicleFactory(**values)
    CallbackFactory(fleet=vehicle.fleet)
    return vehicle


# ---- the checks ---------------------------------------------------------------------------------------------------


def test_a_battery_is_low_below_the_limit_and_not_at_it(settings: Settings) -> None:
    settings.REMOTES_LOW_BATTERY = 20
    assert [bool(codes(vehicle_with(battery_level=level))) for level in (19, 20)] == [True, False]


def test_the_last_wake_up_of_a_budget_may_be_used() -> None:
    vehicle = vehicle_with(wakeup_budget=3)
    use = WakeUpUse.objects.create(vehicle=vehicle, month=at(0).date().replace(day=1), used=2)
    assert codes(vehicle) == set()
    WakeUpUse.objects.filter(pk=use.pk).update(used=3)
    assert codes(vehicle) == {"WakeUpBudgetUsed"}


def test_wake_ups_of_a_burst_count_for_twenty_minutes(settings: Settings) -> None:
    action, callback = with_callback(since=at(0))
    notify(callback, *woken(action, *range(settings.REMOTES_WAKEUPS_BURST)), now=at(10))
    end = at(10) + timedelta(seconds=settings.REMOTES_WAKEUPS_BURST_S)
    RemoteAction.objects.update(state=State.SUCCEEDED, since=at(0))
    assert codes(action.vehicle, end - TICK) == {"WokenUpOften"}
    assert codes(action.vehicle, end) == set()


def test_a_pause_ends_at_its_moment(vehicle: FleetVehicle) -> None:
    action = queued(vehicle)
    Fleet.objects.update(paused_until=at(60))
    vehicle.refresh_from_db()
    assert ["Throttled" in codes(vehicle, now) for now in (at(60) - TICK, at(60))] == [True, False]
    assert claim(now=at(60) - TICK) == ([], False)
    assert [one.action for one in claim(now=at(60))[0]] == [action]


# ---- commands -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reason", "is_taken"), [("abc", False), ("  abc  ", False), ("abcd", True)])
def test_a_reason_has_at_least_four_characters(reason: str, is_taken: bool) -> None:
    try:
        commands.check_reason(UNLOCK, reason)
    except Refused:
        assert not is_taken
    else:
        assert is_taken


def test_a_batch_has_at_most_ten_thousand_vehicles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "MOST_VEHICLES", 2)
    fleet = vehicle_with().fleet
    ids = [FleetVehicleFactory(fleet=fleet).pk for _ in range(3)]
    place: dict[str, Any] = {"command": LIGHTS, "reason": "", "by": UserFactory(), "now": at(0)}
    with pytest.raises(Refused):
        commands.place_batch(vehicle_ids=ids, **place)
    assert commands.place_batch(vehicle_ids=ids[:2], **place).total == 2


def test_a_draft_is_confirmed_before_its_ten_minutes_are_over() -> None:
    action, code = commands.place_command(
        vehicle=vehicle_with(), command=UNLOCK, reason="because", by="x", now=at(0), confirmed=False
    )
    with pytest.raises(Refused, match="does not wait"):
        commands.confirm_command(action=action, code=code, by="x", now=at(0) + 10 * MINUTE)
    commands.confirm_command(action=action, code=code, by="x", now=at(0) + 10 * MINUTE - TICK)
    assert fresh(action).state == State.QUEUED


@pytest.mark.parametrize(
    ("values", "is_taken"),
    [
        ({"header_value": "x" * 15}, False),
        ({"header_value": "x" * 16}, True),
        ({"header_value": "x" * 500}, True),
        ({"header_value": "x" * 501}, False),
        ({"header_name": "h" * 60}, True),
        ({"header_name": "h" * 61}, False),
        ({"slug": "s" * 60}, True),
        ({"slug": "s" * 61}, False),
    ],
)
def test_what_a_callback_is_made_of_has_lengths(values: dict[str, str], is_taken: bool) -> None:
    given: dict[str, Any] = {"slug": "north", "header_name": "Authorization", "header_value": "x" * 20} | values
    try:
        create_callback(fleet=FleetFactory(), **given)
    except Refused:
        assert not is_taken
    else:
        assert is_taken


# ---- what is due --------------------------------------------------------------------------------------------------


def queued(vehicle: FleetVehicle, **values: Any) -> RemoteAction:
    action: RemoteAction = RemoteActionFactory(
        vehicle=vehicle, kind=Kind.LIGHTS, state=State.QUEUED, remote_action_id="", since=at(0), **values
    )
    return action


def test_a_command_is_sent_from_its_moment_on_and_until_it_expires(vehicle: FleetVehicle, vendor: Running) -> None:
    action = queued(vehicle, not_before=at(10), expires_at=at(20))
    assert claim(now=at(10) - TICK) == ([], False)
    assert claim(now=at(20)) == ([], False)
    assert [one.action for one in claim(now=at(20) - TICK)[0]] == [action]


def test_a_command_expires_at_its_moment(vehicle: FleetVehicle) -> None:
    action = queued(vehicle, expires_at=at(20))
    assert polling.expire(now=at(20) - TICK) == 0
    assert polling.expire(now=at(20)) == 1
    assert (fresh(action).state, fresh(action).cause) == (State.REFUSED, "Expired")


def test_the_hard_time_out_comes_at_its_moment() -> None:
    action = RemoteActionFactory(since=at(0), deadline_at=at(600))
    assert polling.give_up(now=at(600) - TICK) == 0
    assert polling.give_up(now=at(600)) == 1
    assert fresh(action).state == State.UNCONFIRMED


def test_a_worker_is_lost_after_its_lease() -> None:
    action = RemoteActionFactory(state=State.SUBMITTING, remote_action_id="", since=at(0), lease_until=at(90))
    assert polling.recover_lost(now=at(90)) == 0
    assert polling.recover_lost(now=at(90) + TICK) == 1
    assert fresh(action).state == State.UNKNOWN


def test_the_vendor_is_asked_from_the_moment_on() -> None:
    action, _callback = with_callback(since=at(0), look_at=at(60))
    assert polling.take_questions(now=at(60) - TICK) == []
    assert [question.id for question in polling.take_questions(now=at(60))] == [action.pk]


def test_a_callback_is_silent_after_its_time_and_not_at_it() -> None:
    _action, callback = with_callback(since=at(0), submitted_at=at(0))
    end = at(callback.silent_after_s)
    assert [watch_callbacks(now=now) for now in (end, end + TICK)] == [0, 1]


# ---- dates --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ahead", "is_believed"), [(5 * MINUTE, True), (5 * MINUTE + MINUTE / 60_000, False)])
def test_a_clock_ahead_is_believed_for_five_minutes(ahead: timedelta, is_believed: bool) -> None:
    action, callback = with_callback(since=at(0))
    notify(callback, success(action, (at(60) + ahead - at(0)).total_seconds()), now=at(60))
    assert (Flag.FUTURE_DATE in flags()) != is_believed
    assert fresh(action).since == at(60)


@pytest.mark.parametrize(
    ("date", "is_believed"),
    [
        (at(60) - timedelta(days=3), True),
        (at(60) - timedelta(days=30), True),
        (at(60) - timedelta(days=31), False),
        (datetime(2020, 1, 1, tzinfo=UTC), False),
        (datetime(2000, 1, 1, tzinfo=UTC), False),
        (datetime(1970, 1, 1, tzinfo=UTC), False),
    ],
)
def test_date_before_anything_is_kept_is_a_wrong_clock(date: datetime, is_believed: bool) -> None:
    action, callback = with_callback(since=at(0))
    notify(callback, success(action, (date - at(0)).total_seconds()), now=at(60))
    assert (Flag.OLD_DATE in flags()) != is_believed
    assert fresh(action).state == State.SUCCEEDED
    assert is_believed or fresh(action).since == at(60)


@pytest.mark.parametrize("late", [timedelta(milliseconds=-1), timedelta(0)])
def test_a_wake_up_belongs_to_the_month_of_its_moment_in_utc(late: timedelta) -> None:
    month = at(0).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    action, callback = with_callback(since=month - HOUR)
    notify(callback, waking(action) | {"eventDate": (month + late).isoformat()}, now=month + HOUR)
    assert WakeUpUse.objects.get().month == (month + late).date().replace(day=1)


@pytest.mark.parametrize(("age", "bound"), [(73 * HOUR, 0), (73 * HOUR - TICK, 1)])
def test_a_notification_waits_73_hours_for_its_action(age: timedelta, bound: int) -> None:
    action, callback = with_callback(since=at(0), remote_action_id="")
    notify(callback, success(action) | {"remoteActionId": "later"}, now=at(60))
    RemoteAction.objects.update(remote_action_id="later")
    assert bind_waiting(now=at(60) + age) == bound


@pytest.mark.parametrize(("age", "bound"), [(73 * HOUR, 0), (73 * HOUR - TICK, 1)])
def test_a_notification_waits_73_hours_for_its_vehicle(age: timedelta, bound: int) -> None:
    callback = CallbackFactory()
    other = RemoteActionFactory.build(vehicle=FleetVehicleFactory.build(vin="VR3LATER00000001"), remote_action_id="x")
    notify(callback, waking(other), now=at(60))
    FleetVehicleFactory(vin="VR3LATER00000001", fleet=callback.fleet)
    assert bind_vehicles(now=at(60) + age) == bound


# ---- another fleet ------------------------------------------------------------------------------------------------


def its_callback_speaks(mine: RemoteAction, _other: RemoteAction) -> None:
    """The other fleet's callback names my action and my vehicle."""
    callback = CallbackFactory(fleet=_other.fleet)
    notify(callback, waking(mine), event(mine, "Done", "Failed", 40, "TooManyWakeUpsOverMonth"))
    assert verdicts() == [Verdict.UNKNOWN_ACTION] * 2


def its_callback_is_bound(mine: RemoteAction, other: RemoteAction) -> None:
    """What waits at the other fleet's callback is looked for among its own actions and vehicles."""
    notify(CallbackFactory(fleet=other.fleet), waking(mine))
    assert (bind_waiting(now=at(70)), bind_vehicles(now=at(70))) == (0, 0)


def it_is_stopped(_mine: RemoteAction, other: RemoteAction) -> None:
    stop_fleet(fleet=other.fleet, by=UserFactory(), reason="holiday", now=at(70))


def it_is_resumed(mine: RemoteAction, other: RemoteAction) -> None:
    stop_fleet(fleet=other.fleet, by=UserFactory(), reason="holiday", now=at(70))
    resume_fleet(fleet=other.fleet)


def it_succeeds(_mine: RemoteAction, other: RemoteAction) -> None:
    """A success of another vehicle ends no failure of mine."""
    notify(CallbackFactory(fleet=other.fleet), success(other))
    assert fresh(other).state == State.SUCCEEDED


def it_is_cancelled(_mine: RemoteAction, other: RemoteAction) -> None:
    RemoteAction.objects.filter(pk=other.pk).update(state=State.QUEUED)
    assert commands.cancel_action(action=other, now=at(70), by="x")


@pytest.mark.parametrize(
    "happening",
    [its_callback_speaks, its_callback_is_bound, it_is_stopped, it_is_resumed, it_succeeds, it_is_cancelled],
)
def test_nothing_that_happens_to_another_fleet_changes_mine(
    happening: Callable[[RemoteAction, RemoteAction], None],
) -> None:
    mine = RemoteActionFactory(since=at(0), kind=Kind.LIGHTS, thread="a" * 32)
    waiting = queued(FleetVehicleFactory(fleet=mine.fleet))
    other = RemoteActionFactory(since=at(0), kind=Kind.LIGHTS)

    def rows() -> list[Any]:
        actions = RemoteAction.objects.filter(fleet=mine.fleet).order_by("pk").values()
        return [
            *Fleet.objects.filter(pk=mine.fleet_id).values(),
            *actions,
            *FleetVehicle.objects.filter(fleet=mine.fleet_id).order_by("pk").values(),
        ]

    before = rows()
    happening(mine, other)
    assert rows() == before
    assert not WakeUpUse.objects.exists()
    assert not RemoteNotification.objects.filter(vehicle__fleet=mine.fleet).exists()
    assert not Event.objects.filter(payload__vehicle__fleet=mine.fleet.key).exists()
    assert fresh(waiting).state == State.QUEUED


def test_an_id_of_another_fleets_action_is_no_reason_to_doubt_mine() -> None:
    """The vendor's ids are its fleets': the same id in another fleet is neither mine nor taken."""
    mine, _callback = with_callback(since=at(0), state=State.UNKNOWN, remote_action_id="", kind=Kind.LIGHTS)
    RemoteActionFactory(remote_action_id="ra-of-both")
    listed = [{"remoteActionId": "ra-of-both", "type": "Lights"}]
    assert polling.find_lost(mine, listed) == listed[0]


def test_budgets_are_those_of_the_vehicles_asked_for() -> None:
    mine, other = vehicle_with(), vehicle_with()
    WakeUpUse.objects.create(vehicle=other, month=timezone.now().date().replace(day=1), used=9)
    assert selectors.budgets([mine], timezone.now())[mine.pk].used == 0
    assert selectors.callbacks_to_send_by([mine.fleet_id])[mine.fleet_id].fleet_id == mine.fleet_id


def test_privacy_hides_only_where_it_is_full() -> None:
    assert codes(vehicle_with(privacy=Privacy.GEOLOCATION)) == {"PositionHidden"}
    assert codes(vehicle_with(privacy=Privacy.FULL)) == {"PrivacyOn"}
