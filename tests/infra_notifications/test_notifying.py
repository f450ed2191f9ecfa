"""Who is told of an incident, when, and why not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from infra_notifications.choices import Case, NotificationReason, NotificationState
from infra_notifications.event_kinds import RECOVERED
from infra_notifications.models import (
    ChargePoint,
    GroupAddress,
    GroupMembership,
    Incident,
    NotificationDecision,
    NotificationGroup,
)
from infra_notifications.services import notifying
from infra_notifications.services.groups import delete_group, remove_members, update_group
from infra_notifications.services.incidents import close_by_hand
from outbox.models import Delivery, Event
from tests.clock import iso
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    addressees,
    alerts,
    at,
    decisions,
    event,
    events,
    fault,
    fine,
    heartbeat,
    listed,
    message,
    only_incident,
    recoveries,
    say,
    signal,
    station,
    sweep,
    take,
    take_neutral,
)

pytestmark = pytest.mark.django_db
TOLD = ("opened", "sent", "")


@pytest.fixture
def points() -> list[ChargePoint]:
    """Charge points that may be silent for days without anybody minding."""
    return station("CP-1", 3, expected_interval_s=30 * 86_400)


@pytest.fixture
def group(points: list[ChargePoint]) -> NotificationGroup:
    found: NotificationGroup = NotificationGroupFactory(
        name="Köln", members=points, emails=["day@example.org", "night@example.org"]
    )
    return found


def reload(group: NotificationGroup) -> NotificationGroup:
    return NotificationGroup.objects.get(pk=group.pk)


# ---- at once, then gathered -----------------------------------------------------------------------------------------


def test_first_incident_is_mailed_at_once_to_every_address_once(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    say(points[0], fault())
    (mail,) = alerts()
    assert (listed(mail), addressees(mail)) == ([points[0].evse_id], ["day@example.org", "night@example.org"])
    assert decisions() == [TOLD]
    assert (NotificationDecision.objects.get().event_id, reload(group).last_notified_at) == (mail.pk, NOW)


def test_repeat_is_not_mailed_again(group: NotificationGroup, points: list[ChargePoint]) -> None:
    for second in (0, 1, 100, 7200):
        say(points[0], fault(), now=at(second))
    sweep(at(9000))
    assert len(alerts()) == 1


def test_what_opens_within_the_next_minute_is_gathered_into_one_mail(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    for number, point in enumerate(points):
        say(point, fault(), now=at(number * 20))
    assert [listed(mail) for mail in alerts()] == [[points[0].evse_id]]
    assert decisions() == [TOLD, ("opened", "waiting", "gathered"), ("opened", "waiting", "gathered")]
    assert set(NotificationDecision.objects.filter(state="waiting").values_list("due_at", flat=True)) == {at(60)}
    sweep(at(59))
    assert len(alerts()) == 1
    sweep(at(60))
    assert listed(alerts()[1]) == [points[1].evse_id, points[2].evse_id]
    assert decisions() == [TOLD] * 3


def test_incidents_of_one_batch_are_one_mail(group: NotificationGroup, points: list[ChargePoint]) -> None:
    take(*(message(point, fault()) for point in points))
    assert [listed(mail) for mail in alerts()] == [[point.evse_id for point in points]]


def test_after_the_minute_the_next_incident_is_mailed_at_once(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    say(points[0], fault())
    say(points[1], fault(), now=at(60))
    assert [listed(mail) for mail in alerts()] == [[points[0].evse_id], [points[1].evse_id]]


def test_steady_stream_of_incidents_does_not_hold_up_what_was_gathered(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    """What comes first after the minute takes the gathered ones along, though no sweep came between."""
    for number, point in enumerate(points):
        say(point, fault(), now=at(number * 40))
    assert [listed(mail) for mail in alerts()] == [[points[0].evse_id], [points[1].evse_id, points[2].evse_id]]


def test_request_that_began_earlier_but_came_later_does_not_mail_on_its_own(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    say(points[0], fault(), now=at(1))
    say(points[1], fault(), now=at(0))
    assert len(alerts()) == 1
    assert decisions()[1] == ("opened", "waiting", "gathered")


def test_window_of_a_clock_that_was_wrong_does_not_count(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault(), now=NOW + DAY)
    say(points[1], fault(), now=NOW)
    assert len(alerts()) == 2


@pytest.mark.parametrize(("gather_s", "second", "mails"), [(0, 0, 2), (0, -1, 2), (600, 599, 1), (600, 600, 2)])
def test_length_of_the_gathering_is_a_setting(
    settings: Settings, group: NotificationGroup, points: list[ChargePoint], gather_s: int, second: int, mails: int
) -> None:
    settings.CHARGING_GATHER_S = gather_s
    say(points[0], fault())
    say(points[1], fault(), now=at(second))
    assert len(alerts()) == mails


def test_mail_names_case_place_time_words_and_link(points: list[ChargePoint], group: NotificationGroup) -> None:
    ChargePoint.objects.update(location="Parkhaus Süd", street="Bahnhofstr. 1", postal_code="50667", city="Köln")
    say(points[0], fault(timestamp=(NOW - MINUTE).isoformat(), info="MCB 2"))
    payload = alerts()[0].payload
    (item,) = payload["items"]
    facts, incident = item["charge_point"], item["incident"]
    assert (facts["location"], facts["street"], facts["city"]) == ("Parkhaus Süd", "Bahnhofstr. 1", "Köln")
    assert (incident["case"], incident["opened_at"]) == ("FUSE_TRIPPED", iso(at(-60)))
    assert incident["said"] == "Faulted · OverCurrentFailure · MCB 2"
    assert item["url"] == f"http://testserver/infrastructure/incidents/{only_incident().pk}/"
    assert (payload["group"], payload["total"], payload["url"]) == (
        "Köln",
        1,
        f"http://testserver/infrastructure/groups/{group.pk}/",
    )


def test_mail_lists_a_hundred_and_counts_the_rest() -> None:
    points = [ChargePointFactory() for _ in range(103)]
    NotificationGroupFactory(members=points)
    take(*(message(point, fault()) for point in points))
    (mail,) = alerts()
    assert (len(listed(mail)), mail.payload["total"]) == (100, 103)
    assert NotificationDecision.objects.filter(state=NotificationState.SENT).count() == 103


def test_two_cases_at_one_charge_point_are_both_listed(group: NotificationGroup, points: list[ChargePoint]) -> None:
    take(message(points[0], fault()), message(points[0], fault("OtherError", info="tilted")))
    (mail,) = alerts()
    assert [item["incident"]["case"] for item in mail.payload["items"]] == ["FUSE_TRIPPED", "SENSORS"]


# ---- hold-off -------------------------------------------------------------------------------------------------------


def silent(point: ChargePoint, second: float = 0, **more: Any) -> None:
    """UNAVAILABLE by another system's word, which needs no waiting for a sweep."""
    take_neutral(signal(point, "raised", case="UNAVAILABLE", **more), now=at(second))


def back(point: ChargePoint, second: float, **more: Any) -> None:
    take_neutral(signal(point, "cleared", case="UNAVAILABLE", **more), now=at(second))


def test_incident_that_outlasts_its_hold_off_is_told(group: NotificationGroup, points: list[ChargePoint]) -> None:
    silent(points[0])
    assert decisions() == [("opened", "waiting", "hold_off")]
    assert NotificationDecision.objects.get().due_at == at(900)
    for second, notified in ((899, 0), (900, 1)):
        sweep(at(second))
        assert len(alerts()) == notified


def test_recovery_in_time_is_not_told_and_says_why(group: NotificationGroup, points: list[ChargePoint]) -> None:
    silent(points[0])
    back(points[0], 899)
    sweep(at(1000))
    assert (alerts(), recoveries(), decisions()) == ([], [], [("opened", "skipped", "recovered")])


def test_recovery_after_the_hold_off_but_before_the_sweep_is_told_as_over(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    silent(points[0])
    back(points[0], 901)
    (mail,) = alerts()
    assert mail.payload["items"][0]["incident"]["closed_at"] == iso(at(901))
    assert decisions() == [TOLD, ("recovered", "skipped", "told_together")]


def test_recovery_that_is_reported_late_but_was_in_time_is_not_told(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    silent(points[0])
    back(points[0], 950, occurred_at=at(600).isoformat())
    sweep(at(1000))
    assert (alerts(), decisions()) == ([], [("opened", "skipped", "recovered")])


def test_what_lasted_before_it_was_reported_is_told_at_once(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    silent(points[0], occurred_at=(NOW - HOUR).isoformat())
    assert decisions() == [TOLD]


def test_opened_and_over_within_one_batch(group: NotificationGroup, points: list[ChargePoint]) -> None:
    take(message(points[0], fault()), message(points[0], fine()))
    assert alerts()[0].payload["items"][0]["incident"]["closed_at"] == iso(NOW)
    assert decisions() == [TOLD, ("recovered", "skipped", "told_together")]


def test_default_hold_off_is_a_quarter_of_an_hour_for_unavailable_and_five_minutes_for_other_faults(
    group: NotificationGroup,
) -> None:
    expected = {"FUSE_TRIPPED": 0, "UNAVAILABLE": 900, "SENSORS": 0, "OTHER_FAULT": 300}
    assert {case: group.hold_off_of(case) for case in Case} == expected


@pytest.mark.parametrize(("hold_off_s", "due"), [(60, 60), (1800, 1800), (0, 0)])
def test_changed_hold_off_reschedules_what_waits(
    group: NotificationGroup, points: list[ChargePoint], hold_off_s: int, due: int
) -> None:
    silent(points[0])
    update_group(group=group, settings={"hold_off_s": {"UNAVAILABLE": hold_off_s}}, now=at(30))
    assert NotificationDecision.objects.get().due_at == at(due)
    for second in (30, 59, 60, 899, 900, 1799, 1800):
        sweep(at(second))
        assert len(alerts()) == (second >= due)


def test_changed_hold_off_moves_neither_other_groups_nor_what_is_gathered(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    other = NotificationGroupFactory(members=points)
    say(points[0], fault())
    say(points[1], fault(), now=at(1))
    silent(points[2], 2)
    update_group(group=group, settings={"hold_off_s": {"UNAVAILABLE": 60, "FUSE_TRIPPED": 600}}, now=at(3))
    waiting = NotificationDecision.objects.filter(state="waiting")
    assert set(waiting.values_list("reason", "group_id", "due_at")) == {
        ("gathered", group.pk, at(60)),
        ("gathered", other.pk, at(60)),
        ("hold_off", group.pk, at(62)),
        ("hold_off", other.pk, at(902)),
    }


def test_hold_off_of_days_is_told_when_it_has_passed(group: NotificationGroup, points: list[ChargePoint]) -> None:
    update_group(group=group, settings={"hold_off_s": {"UNAVAILABLE": 3 * 86_400}}, now=NOW)
    silent(points[0])
    sweep(NOW + 3 * DAY)
    assert decisions() == [TOLD]


def test_what_is_still_open_after_workers_were_away_for_days_is_told(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    silent(points[0])
    sweep(NOW + 5 * DAY)
    assert decisions() == [TOLD]


# ---- why not --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "received_at", "reason"),
    [
        ({"cases": ["SENSORS", "UNAVAILABLE"]}, None, NotificationReason.CASE_NOT_SELECTED),
        ({"cases": []}, None, NotificationReason.CASE_NOT_SELECTED),
        ({"emails": []}, None, NotificationReason.NO_ADDRESS),
        ({}, NOW - DAY - MINUTE, NotificationReason.TOO_OLD),
        ({}, NOW - 21 * DAY, NotificationReason.TOO_OLD),
        ({"cases": [], "emails": []}, NOW - 2 * DAY, NotificationReason.CASE_NOT_SELECTED),
    ],
)
def test_every_decision_not_to_send_is_recorded_with_its_reason(values: Any, received_at: Any, reason: str) -> None:
    point = ChargePointFactory()
    NotificationGroupFactory(members=[point], **values)
    say(point, fault(), received_at=received_at and received_at.isoformat())
    assert decisions() == [("opened", "skipped", reason)]
    assert (alerts(), Incident.objects.count()) == ([], 1)


@pytest.mark.parametrize(
    "timestamp",
    [
        iso(NOW - DAY),
        iso(NOW - 2 * DAY),
        iso(NOW - 300 * DAY),
        "2020-01-01",
        "1970-01-01T00:00:00Z",
        iso(NOW + 1_500 * DAY),
        "odd",
    ],
)
def test_no_time_of_a_device_makes_what_is_received_now_old(
    group: NotificationGroup, points: list[ChargePoint], timestamp: str
) -> None:
    say(points[0], fault(timestamp=timestamp))
    assert decisions() == [TOLD]


def test_age_beyond_which_nothing_is_mailed_is_a_setting(
    settings: Settings, group: NotificationGroup, points: list[ChargePoint]
) -> None:
    settings.CHARGING_MAIL_MAX_AGE_S = 60
    say(points[0], fault(), received_at=(NOW - 61 * timedelta(seconds=1)).isoformat())
    assert decisions() == [("opened", "skipped", "too_old")]


def test_old_incident_is_mailed_when_it_is_raised_anew(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault(), received_at=(NOW - 2 * DAY).isoformat())
    say(points[0], fault(), received_at=(NOW - 1.5 * DAY).isoformat(), now=at(10))
    assert (alerts(), decisions()) == ([], [("opened", "skipped", "too_old")])
    say(points[0], fault(timestamp=at(20).isoformat()), now=at(20))
    assert decisions() == [TOLD]
    assert only_incident().opened_at == NOW - 2 * DAY


def test_old_incident_that_is_repeated_step_by_step_is_mailed_in_the_end(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    """A backlog of repeats, none of them much later than the one before."""
    for number, moment in enumerate(range(25 * 6, -1, -1)):
        say(points[0], fault(), received_at=(NOW - moment * 10 * MINUTE).isoformat(), now=at(number))
    assert len(alerts()) == 1


def test_unmailed_old_incident_has_no_all_clear(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault(), received_at=(NOW - 2 * DAY).isoformat())
    say(points[0], fine(), now=at(10))
    assert (recoveries(), decisions()) == ([], [("opened", "skipped", "too_old")])


def test_charge_point_in_no_group_has_an_incident_and_nobody_to_tell() -> None:
    say(ChargePointFactory(), fault())
    assert (Incident.objects.count(), decisions()) == (1, [])


def test_every_group_of_a_charge_point_decides_for_itself(points: list[ChargePoint]) -> None:
    notified = NotificationGroupFactory(members=points, emails=["a@example.org"])
    NotificationGroupFactory(members=points, cases=["SENSORS"])
    NotificationGroupFactory(members=points, emails=[])
    later = NotificationGroupFactory(members=points, hold_off_s={"FUSE_TRIPPED": 60}, emails=["a@example.org"])
    say(points[0], fault())
    assert [reason for _kind, _state, reason in decisions()] == ["", "case_not_selected", "no_address", "hold_off"]
    sweep(at(60))
    assert [mail.payload["group_id"] for mail in alerts()] == [notified.pk, later.pk]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda group, points: remove_members(group=group, charge_point_ids=[points[0].pk]), "left_group"),
        (lambda group, points: GroupMembership.objects.filter(charge_point=points[0]).delete(), "left_group"),
        (lambda group, points: delete_group(group=group, now=NOW), "left_group"),
        (lambda group, points: NotificationGroup.objects.get(pk=group.pk).delete(), "left_group"),
        (lambda group, points: GroupAddress.objects.all().delete(), "no_address"),
        (lambda group, points: update_group(group=group, settings={"cases": []}, now=NOW), "case_not_selected"),
    ],
)
@pytest.mark.parametrize("waits_for", ["hold_off", "gathered"])
def test_what_changed_while_it_waited_is_seen(
    group: NotificationGroup, points: list[ChargePoint], change: Any, reason: str, waits_for: str
) -> None:
    if waits_for == "gathered":
        say(points[1], fault())
        say(points[0], fault())
    else:
        silent(points[0])
    assert decisions(incident__charge_point=points[0]) == [("opened", "waiting", waits_for)]
    change(group, points)
    sweep(at(900))
    assert decisions(incident__charge_point=points[0]) == [("opened", "skipped", reason)]
    assert points[0].evse_id not in [evse for mail in alerts() for evse in listed(mail)]


def test_deleted_group_leaves_the_history_under_its_name(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault())
    delete_group(group=group, now=at(5))
    say(points[0], fine(), now=at(10))
    kept = NotificationDecision.objects.get()
    assert (kept.group, kept.group_name, kept.state, recoveries()) == (None, "Köln", "sent", [])


# ---- all-clear ------------------------------------------------------------------------------------------------------


def test_all_clear_answers_in_the_thread_of_the_alert(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault())
    say(points[0], fine(), now=at(120))
    (alert,), (recovery,) = alerts(), recoveries()
    assert (alert.thread, recovery.thread) == ("", alert.uuid.hex)
    assert addressees(recovery) == addressees(alert)
    assert recovery.payload["items"][0]["incident"]["closed_at"] == iso(at(120))
    assert decisions() == [TOLD, ("recovered", "sent", "")]


def test_all_clears_of_one_alert_are_gathered(group: NotificationGroup, points: list[ChargePoint]) -> None:
    take(*(message(point, fault()) for point in points))
    for number, point in enumerate(points):
        say(point, fine(), now=at(100 + number))
    assert decisions(kind="recovered")[1:] == [("recovered", "waiting", "gathered")] * 2
    sweep(at(159))
    assert len(recoveries()) == 1
    sweep(at(160))
    assert [listed(mail) for mail in recoveries()] == [[points[0].evse_id], [points[1].evse_id, points[2].evse_id]]
    assert {mail.thread for mail in recoveries()} == {alerts()[0].uuid.hex}


def test_all_clears_of_two_alerts_answer_each_in_its_thread(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    say(points[0], fault())
    say(points[1], fault(), now=at(90))
    take(message(points[0], fine()), message(points[1], fine()), now=at(200))
    assert {mail.thread for mail in recoveries()} == {mail.uuid.hex for mail in alerts()}


def test_incident_over_before_the_gathered_mail_is_not_told_and_says_why(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    say(points[0], fault())
    say(points[1], fault(), now=at(10))
    say(points[1], fine(), now=at(20))
    sweep(at(60))
    assert (len(alerts()), recoveries()) == (1, [])
    assert decisions(incident__charge_point=points[1]) == [("opened", "skipped", "over")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"settings": {"notify_recovery": False}}, "no_recovery"),
        ({"settings": {}, "emails": []}, "no_address"),
    ],
)
def test_all_clear_that_is_not_wanted_says_why(
    group: NotificationGroup, points: list[ChargePoint], change: Any, reason: str
) -> None:
    say(points[0], fault())
    update_group(group=group, now=at(1), **change)
    say(points[0], fine(), now=at(120))
    assert (recoveries(), decisions()[1]) == ([], ("recovered", "skipped", reason))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"settings": {"notify_recovery": False}}, "no_recovery"),
        ({"settings": {}, "emails": []}, "no_address"),
    ],
)
def test_all_clear_that_waits_is_decided_again(
    group: NotificationGroup, points: list[ChargePoint], change: Any, reason: str
) -> None:
    take(*(message(point, fault()) for point in points))
    say(points[0], fine(), now=at(100))
    say(points[1], fine(), now=at(101))
    update_group(group=group, now=at(110), **change)
    sweep(at(200))
    assert decisions(kind="recovered") == [("recovered", "sent", ""), ("recovered", "skipped", reason)]


def test_who_was_told_is_told_of_the_end_also_after_the_charge_point_left(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    say(points[0], fault())
    remove_members(group=group, charge_point_ids=[points[0].pk])
    say(points[0], fine(), now=at(120))
    assert len(recoveries()) == 1


def test_who_was_not_told_gets_no_all_clear(points: list[ChargePoint]) -> None:
    NotificationGroupFactory(members=points, cases=["SENSORS"])
    say(points[0], fault())
    say(points[0], fine(), now=at(120))
    assert (recoveries(), decisions()) == ([], [("opened", "skipped", "case_not_selected")])


def test_momentary_event_ends_by_itself_without_an_all_clear(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    say(points[0], events(event("ShockSensor", "Active")))
    sweep(at(3599))
    assert only_incident().is_open
    sweep(at(3600))
    assert (only_incident().close_reason, recoveries()) == ("momentary", [])
    assert decisions() == [TOLD, ("recovered", "skipped", "momentary")]


def test_momentary_event_that_is_cleared_has_an_all_clear(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], events(event("ShockSensor", "Active")))
    say(points[0], events(event("ShockSensor", "Active", "false", timestamp=at(60).isoformat())), now=at(120))
    assert len(recoveries()) == 1


def test_incident_closed_by_a_person_has_an_all_clear(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault())
    assert close_by_hand(incident=only_incident(), now=at(120))
    assert not close_by_hand(incident=only_incident(), now=at(121))
    assert (only_incident().close_reason, len(recoveries())) == ("by_hand", 1)


def test_incident_that_opens_again_is_a_new_alert_in_a_new_thread(
    group: NotificationGroup, points: list[ChargePoint]
) -> None:
    for second, payload in ((0, fault()), (100, fine()), (200, fault()), (300, fine())):
        say(points[0], payload | {"timestamp": at(second).isoformat()}, now=at(second))
    assert len(alerts()) == len(recoveries()) == 2
    assert [mail.thread for mail in recoveries()] == [mail.uuid.hex for mail in alerts()]


def test_life_after_silence_is_an_all_clear() -> None:
    points = station("CP-2", expected_interval_s=900)
    NotificationGroupFactory(members=points)
    take(heartbeat("CP-2"))
    for second in (900, 1800):
        sweep(at(second))
    take(heartbeat("CP-2"), now=at(2000))
    (alert,), (recovery,) = alerts(), recoveries()
    assert listed(alert) == listed(recovery) == [point.evse_id for point in points]


# ---- what webhooks and the log hear ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ("FUSE_TRIPPED", "charge_point.fuse_tripped"),
        ("UNAVAILABLE", "charge_point.unavailable"),
        ("SENSORS", "charge_point.sensors"),
    ],
)
def test_every_opening_and_end_is_an_event_without_recipients(case: str, kind: str) -> None:
    point = ChargePointFactory()
    take_neutral(signal(point, "raised", case=case))
    take_neutral(signal(point, "raised", case=case), now=at(1))
    take_neutral(signal(point, "cleared", case=case), now=at(2))
    assert list(Event.objects.order_by("id").values_list("kind", "subject", "occurred_at")) == [
        (kind, f"charge_point:{point.pk}", NOW),
        (RECOVERED, f"charge_point:{point.pk}", at(2)),
    ]
    assert not Delivery.objects.exists()


# ---- the sweep ------------------------------------------------------------------------------------------------------


def test_sweep_tells_as_many_as_it_may_and_says_so(monkeypatch: pytest.MonkeyPatch, points: list[ChargePoint]) -> None:
    monkeypatch.setattr(notifying, "NOTIFY_LIMIT", 2)
    for point in points:
        NotificationGroupFactory(members=[point])
        silent(point)
    assert [notifying.notify_due(now=at(900)) for _ in range(3)] == [2, 1, 0]
    assert len(alerts()) == 3


def test_nothing_that_waits_is_told_twice(group: NotificationGroup, points: list[ChargePoint]) -> None:
    silent(points[0])
    for _ in range(3):
        sweep(at(900))
    assert len(alerts()) == 1
