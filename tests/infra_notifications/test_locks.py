"""Two that change the same thing: the second waits for the first and decides by what that has left behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from console.lists import BulkRun
from core.refusal import Refused
from infra_notifications.models import (
    ChargePoint,
    EventRule,
    GroupDraft,
    Incident,
    MaintenanceTarget,
    MaintenanceWindow,
    NotificationGroup,
    UnknownChargePoint,
    UnmappedReport,
)
from infra_notifications.services import drafts, maintenance
from infra_notifications.services.charge_points import ChargePointInput, upsert_charge_points
from infra_notifications.services.groups import replace_members
from infra_notifications.services.incidents import close_by_hand, end_transient
from infra_notifications.services.mapping import rule_from_report
from infra_notifications.services.notifying import notify_due
from tests.factories.console import UserFactory
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import (
    HOUR,
    MINUTE,
    NOW,
    adopt_unknown,
    alerts,
    at,
    decisions,
    event,
    events,
    fault,
    fine,
    kinds,
    listed,
    message,
    only_incident,
    say,
    station,
    take,
)
from tests.racing import overtaken

pytestmark = pytest.mark.usefixtures("committed")


# ---- incidents ------------------------------------------------------------------------------------------------------


def test_incident_that_a_message_is_closing_is_not_closed_by_hand() -> None:
    (point,) = station("CP-1", 1)
    say(point, fault())
    closing = partial(close_by_hand, incident=only_incident(), now=at(2), author="anna")
    assert overtaken(partial(say, point, fine(), now=at(1)), closing) is False
    assert only_incident().close_reason == "cleared"


def test_message_waits_for_a_person_who_closes_and_opens_anew() -> None:
    (point,) = station("CP-1", 1)
    say(point, fault())
    closing = partial(close_by_hand, incident=only_incident(), now=at(1), author="anna")
    overtaken(closing, partial(say, point, fault(), now=at(2)))
    assert list(Incident.objects.order_by("id").values_list("close_reason", "repeats")) == [("by_hand", 0), ("", 0)]


def test_transient_incident_that_a_message_prolongs_is_not_ended_by_time() -> None:
    (point,) = station("CP-1", 1)
    shock = partial(say, point, events(event("ShockSensor", "Active")), now=NOW)
    shock()
    ends = only_incident().ends_at
    assert ends is not None
    assert overtaken(partial(shock, now=ends - MINUTE), partial(end_transient, now=ends)) == 0
    assert only_incident().is_open


# ---- who is notified ------------------------------------------------------------------------------------------------


def test_second_incident_waits_for_the_first_mail_and_is_gathered() -> None:
    (a,), (b,) = station("CP-1", 1), station("CP-2", 1)
    NotificationGroupFactory(members=[a, b], hold_off_s={"FUSE_TRIPPED": 60})
    say(a, fault())
    say(b, fault(), now=at(1))
    overtaken(partial(notify_due, now=at(60)), partial(notify_due, now=at(61)))
    assert [listed(mail) for mail in alerts()] == [[a.evse_id]]
    notify_due(now=at(121))
    assert [listed(mail) for mail in alerts()] == [[a.evse_id], [b.evse_id]]


def test_end_that_comes_while_the_alert_is_written_has_its_all_clear() -> None:
    """By the device's clock it was over within the hold-off; but the group hears of it just now."""
    (point,) = station("CP-1", 1)
    NotificationGroupFactory(members=[point], hold_off_s={"FUSE_TRIPPED": 60})
    say(point, fault(timestamp=NOW.isoformat()))
    over = message(point, fine(timestamp=at(30).isoformat()))
    overtaken(partial(notify_due, now=at(90)), partial(take, over, now=at(91)))
    notify_due(now=at(300))
    assert kinds() == ["alert", "recovery"]
    assert decisions() == [("opened", "sent", ""), ("recovered", "sent", "")]


# ---- maintenance ----------------------------------------------------------------------------------------------------


def planned(starts_in: timedelta = timedelta(0), **targets: Any) -> MaintenanceWindow:
    point = ChargePointFactory()
    return maintenance.plan_maintenance(
        reason="Works",
        starts_at=NOW + starts_in,
        ends_at=NOW + 4 * HOUR,
        targets=maintenance.Targets([point.pk]),
        author="anna",
        now=NOW,
    )


def changed(window: MaintenanceWindow, **more: Any) -> Callable[[], None]:
    values = {"reason": "More works", "starts_at": None, "ends_at": NOW + 8 * HOUR, "now": NOW + HOUR} | more
    return partial(maintenance.change_maintenance, window=window, **values)


def ended(window: MaintenanceWindow) -> Callable[[], bool]:
    return partial(maintenance.end_maintenance, window=window, now=NOW + HOUR)


def test_maintenance_that_is_being_ended_is_not_prolonged() -> None:
    window = planned()
    assert isinstance(overtaken(ended(window), changed(window)), Refused)
    assert MaintenanceWindow.objects.get().ends_at == NOW + HOUR


def test_maintenance_that_is_being_ended_is_not_ended_twice() -> None:
    window = planned()
    assert overtaken(ended(window), ended(window)) is False


def test_maintenance_that_is_being_begun_is_not_cancelled() -> None:
    window = planned(2 * HOUR)
    begun = changed(window, starts_at=NOW + HOUR)
    cancelled = partial(maintenance.cancel_maintenance, window=window, now=NOW + HOUR)
    assert overtaken(begun, cancelled) is False
    assert MaintenanceWindow.objects.count() == 1


def test_maintenance_that_is_being_ended_covers_nothing_more() -> None:
    window = planned()
    point, by = ChargePointFactory(), UserFactory()
    run = BulkRun(ids=[point.pk], arguments={"window": window.pk}, by=by, now=NOW + HOUR)

    def cover() -> list[int]:
        with transaction.atomic():
            return maintenance.cover_chunk(run)

    assert isinstance(overtaken(ended(window), cover), Refused)
    assert not MaintenanceTarget.objects.filter(charge_point=point).exists()


# ---- groups and charge points ---------------------------------------------------------------------------------------


def test_marks_of_a_draft_that_is_being_finished_are_not_lost_silently() -> None:
    draft = GroupDraft.objects.create(owner=UserFactory(), name="Köln")
    point = ChargePointFactory()
    finish = partial(drafts.finish_draft, draft=draft, by=None, now=NOW)
    overtaken(partial(drafts.mark, draft=GroupDraft.objects.get(), charge_point_ids=[point.pk]), finish)
    assert list(NotificationGroup.objects.get().charge_points.all()) == [point]


def test_members_that_two_replace_at_once_are_those_of_the_second() -> None:
    a, b = ChargePointFactory(), ChargePointFactory()
    group = NotificationGroupFactory(members=[])
    overtaken(
        partial(replace_members, group=group, charge_point_ids=[a.pk]),
        partial(replace_members, group=group, charge_point_ids=[a.pk, b.pk]),
    )
    assert set(group.charge_points.all()) == {a, b}


def test_import_waits_for_a_boot_that_writes_the_same_charge_point() -> None:
    (point,) = station("CP-1", 1)
    boot = message(point, {"chargePointModel": "Duo", "firmwareVersion": "5.1"}, action="BootNotification")
    row = ChargePointInput(evse_id=point.evse_id, name="Deck 2")
    done = overtaken(partial(take, boot), partial(upsert_charge_points, rows=[row], now=at(1)))
    assert (done.created, done.changed) == (0, 1)
    assert ChargePoint.objects.values_list("name", "model", "firmware").get() == ("Deck 2", "Duo", "5.1")


def test_imports_lock_in_one_order_whatever_theirs_is() -> None:
    rows = [ChargePointInput(evse_id=point.evse_id, name="Deck 2") for point in station("CP-1", 2)]
    one = [partial(upsert_charge_points, rows=[row], now=at(1)) for row in rows]
    other = partial(upsert_charge_points, rows=rows[::-1], now=at(2))
    assert overtaken(one[0], other, then=one[1]).changed == 0
    assert set(ChargePoint.objects.values_list("name", flat=True)) == {"Deck 2"}


def test_sender_that_is_adopted_twice_at_once_is_one_charge_point() -> None:
    take(message("DE*NEW*1", fine()))
    unknown = UnknownChargePoint.objects.get()
    adopted = partial(adopt_unknown, unknown=unknown, evse_id="DE*NEW*1", now=NOW)
    again = partial(adopt_unknown, unknown=UnknownChargePoint.objects.get(), evse_id="de*new*1", now=NOW)
    assert isinstance(overtaken(adopted, again), Refused)
    assert ChargePoint.objects.count() == 1


def test_report_that_two_decide_at_once_is_one_rule() -> None:
    (point,) = station("CP-1", 1)
    say(point, fault("SomethingNew"))
    decided = [
        partial(rule_from_report, report=report, effect="raise", case="SENSORS")
        for report in (*UnmappedReport.objects.all(), *UnmappedReport.objects.all())
    ]
    assert isinstance(overtaken(*decided), Refused)
    assert EventRule.objects.filter(codes=["=SomethingNew"]).count() == 1
