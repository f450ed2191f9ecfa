"""Reminders every n hours while something is open and nobody acknowledged it."""

from __future__ import annotations

import pytest

from core.refusal import Refused
from infra_notifications.models import (
    Acknowledgement,
    ChargePoint,
    GroupAddress,
    Incident,
    IncidentEntry,
    NotificationDecision,
    NotificationGroup,
)
from infra_notifications.services.acknowledging import (
    acknowledge_incidents,
    add_note,
    withdraw_acknowledgement,
)
from infra_notifications.services.groups import delete_group, remove_members, update_group
from infra_notifications.services.incidents import close_by_hand
from infra_notifications.services.maintenance import Targets, plan_maintenance
from infra_notifications.services.reminders import send_reminders
from tests.factories.infra_notifications import IncidentFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import (
    DAY,
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
    only_incident,
    say,
    station,
    sweep,
    take,
)

pytestmark = pytest.mark.django_db
REMINDER = "notification_group.reminder"
EVERY = 4 * 3600


@pytest.fixture
def points() -> list[ChargePoint]:
    return station("CP-1", 3, expected_interval_s=30 * 86_400)


@pytest.fixture
def group(points: list[ChargePoint]) -> NotificationGroup:
    found: NotificationGroup = NotificationGroupFactory(
        name="Köln", members=points, emails=["day@example.org", "night@example.org"], reminder_s=EVERY
    )
    return found


def acknowledge(*, now_s: float = 0, note: str = "") -> int:
    ids = list(Incident.objects.values_list("pk", flat=True))
    return acknowledge_incidents(incident_ids=ids, author="anna", note=note, now=at(now_s))


def test_group_is_reminded_every_n_hours_while_it_is_open(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault())
    for hour in range(1, 13):
        sweep(NOW + hour * HOUR)
    reminders = mails(REMINDER)
    assert [mail.created_at for mail in reminders] == [NOW + 4 * HOUR, NOW + 8 * HOUR, NOW + 12 * HOUR]
    assert {mail.thread for mail in reminders} == {alerts()[0].uuid.hex}
    assert addressees(reminders[0]) == ["day@example.org", "night@example.org"]
    assert decisions() == [("opened", "sent", ""), *[("reminder", "sent", "")] * 3]
    assert NotificationDecision.objects.filter(kind="reminder").values_list("event_id", flat=True)[1] == reminders[1].pk
    group.refresh_from_db()
    assert group.last_notified_at == NOW + 12 * HOUR


def test_nobody_is_reminded_who_did_not_ask(points: list[ChargePoint]) -> None:
    NotificationGroupFactory(members=points)
    say(points[0], fault())
    sweep(NOW + 29 * DAY)
    assert kinds() == ["alert"]


def test_reminders_end_with_the_incident(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault())
    say(points[0], fine(), now=NOW + HOUR)
    sweep(NOW + 4 * HOUR)
    assert kinds() == ["alert", "recovery"]
    assert NotificationDecision.objects.get(kind="opened").remind_at is None


def test_acknowledged_incident_is_not_reminded(group: NotificationGroup, points: list[ChargePoint]) -> None:
    take(message(points[0], fault()), message(points[1], fault()))
    first, second = Incident.objects.order_by("id")
    assert acknowledge_incidents(incident_ids=[first.pk], author="anna", note="On my way", now=NOW + HOUR) == 1
    sweep(NOW + 4 * HOUR)
    assert [listed(mail) for mail in mails(REMINDER)] == [[points[1].evse_id]]
    assert decisions(incident=second)[-1] == ("reminder", "sent", "")
    entry = IncidentEntry.objects.get()
    assert (entry.incident, entry.kind, entry.author, entry.text) == (first, "acknowledged", "anna", "On my way")


def test_all_that_is_open_is_one_reminder(group: NotificationGroup, points: list[ChargePoint]) -> None:
    for number, point in enumerate(points):
        say(point, fault(), now=NOW + number * HOUR)
    for hour in range(4, 12):
        sweep(NOW + hour * HOUR)
    first, second = mails(REMINDER)
    assert listed(first) == listed(second) == [point.evse_id for point in points]
    assert (first.thread, second.created_at) == ("", NOW + 8 * HOUR)


def test_each_group_is_reminded_in_its_own_time(group: NotificationGroup, points: list[ChargePoint]) -> None:
    NotificationGroupFactory(name="Often", members=points, reminder_s=3600)
    say(points[0], fault())
    for hour in range(1, 5):
        sweep(NOW + hour * HOUR)
    assert sorted(mail.payload["group"] for mail in mails(REMINDER)) == ["Köln", "Often", "Often", "Often", "Often"]


@pytest.mark.parametrize("change", ["never", "leaves", "no case", "no address", "deleted", "digest"])
def test_what_changed_meanwhile_is_seen(group: NotificationGroup, points: list[ChargePoint], change: str) -> None:
    say(points[0], fault())
    match change:
        case "never":
            update_group(group=group, settings={"reminder_s": None}, now=at(60))
        case "digest":
            update_group(group=group, settings={"digest_time": "07:00"}, now=at(60))
        case "no case":
            update_group(group=group, settings={"cases": ["SENSORS"]}, now=at(60))
        case "leaves":
            remove_members(group=group, charge_point_ids=[points[0].pk])
        case "no address":
            GroupAddress.objects.all().delete()
        case "deleted":
            delete_group(group=group, now=at(60))
    sweep(NOW + 4 * HOUR)
    sweep(NOW + 5 * HOUR)
    assert mails(REMINDER) == []
    assert not NotificationDecision.objects.filter(remind_at__lte=NOW + 5 * HOUR).exists()


def test_changed_interval_counts_from_the_change(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault())
    update_group(group=group, settings={"reminder_s": 3600}, now=NOW + HOUR)
    sweep(NOW + HOUR)
    assert mails(REMINDER) == []
    sweep(NOW + 2 * HOUR)
    assert len(mails(REMINDER)) == 1


def test_other_settings_leave_reminders_alone(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault())
    update_group(group=group, settings={"name": "Bonn", "language": "de"}, now=NOW + HOUR)
    assert NotificationDecision.objects.get().remind_at == NOW + 4 * HOUR


def test_in_maintenance_the_reminder_waits(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault())
    plan_maintenance(
        reason="x", ends_at=NOW + 6 * HOUR, targets=Targets(groups=[group.pk]), author="anna", now=NOW + HOUR
    )
    for hour in range(2, 6):
        sweep(NOW + hour * HOUR)
    assert mails(REMINDER) == []
    sweep(NOW + 6 * HOUR)
    assert len(mails(REMINDER)) == 1


def test_reminders_take_as_many_as_they_may_and_say_so(points: list[ChargePoint]) -> None:
    for point in points:
        NotificationGroupFactory(members=[point], reminder_s=EVERY)
    take(*(message(point, fault()) for point in points))
    assert [send_reminders(now=NOW + 4 * HOUR, limit=2) for _ in range(3)] == [2, 1, 0]
    assert len(mails(REMINDER)) == 3


# ---- acknowledging --------------------------------------------------------------------------------------------------


def test_acknowledged_once(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault())
    assert [acknowledge(now_s=second) for second in (10, 20)] == [1, 0]
    found = Acknowledgement.objects.get()
    assert (found.author, found.at, IncidentEntry.objects.count()) == ("anna", at(10), 1)


def test_only_what_is_open_is_acknowledged() -> None:
    IncidentFactory(closed_at=NOW, opened_at=NOW - HOUR, close_reason="cleared")
    IncidentFactory()
    assert acknowledge() == 1
    assert acknowledge_incidents(incident_ids=[0, 10**12], author="anna", now=NOW) == 0


def test_thousands_are_acknowledged_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra_notifications.services.acknowledging.CHUNK", 2)
    for _ in range(5):
        IncidentFactory()
    assert acknowledge(note="All of them") == 5
    assert IncidentEntry.objects.filter(text="All of them").count() == 5


def test_withdrawn_acknowledgement_lets_reminders_go_on(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault())
    acknowledge(now_s=60)
    sweep(NOW + 5 * HOUR)
    assert withdraw_acknowledgement(incident=only_incident(), author="bert", now=NOW + 6 * HOUR)
    assert not withdraw_acknowledgement(incident=only_incident(), author="bert", now=NOW + 6 * HOUR)
    sweep(NOW + 9 * HOUR)
    assert mails(REMINDER) == []
    sweep(NOW + 10 * HOUR)
    assert len(mails(REMINDER)) == 1
    assert list(IncidentEntry.objects.values_list("kind", "author")) == [
        ("acknowledged", "anna"),
        ("withdrawn", "bert"),
    ]
    assert acknowledge() == 1


def test_acknowledged_incident_still_has_its_all_clear(group: NotificationGroup, points: list[ChargePoint]) -> None:
    say(points[0], fault())
    acknowledge()
    say(points[0], fine(), now=NOW + HOUR)
    assert kinds() == ["alert", "recovery"]


def test_notes_are_kept_in_order() -> None:
    incident = IncidentFactory()
    for text in (" First ", "Second"):
        add_note(incident=incident, author="anna", note=text, now=NOW)
    assert list(incident.entries.values_list("kind", "text")) == [("note", "First"), ("note", "Second")]


@pytest.mark.parametrize("text", ["", "  ", "x" * 2_001])
def test_note_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        add_note(incident=IncidentFactory(), author="anna", note=text, now=NOW)
    assert list(refused.value.fields) == ["note"]
    assert not IncidentEntry.objects.exists()


def test_who_closed_an_incident_is_kept() -> None:
    incident = IncidentFactory()
    assert close_by_hand(incident=incident, now=NOW, author="anna")
    assert not close_by_hand(incident=incident, now=NOW, author="bert")
    assert list(incident.entries.values_list("kind", "author")) == [("closed", "anna")]
