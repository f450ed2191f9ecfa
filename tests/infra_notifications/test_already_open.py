"""What is open already when a charge point, an address or a case comes: each address hears of it once, in one mail."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from infra_notifications.event_kinds import GROUP_ALREADY_OPEN
from infra_notifications.models import (
    ChargePoint,
    GroupAddress,
    GroupMembership,
    Incident,
    NotificationDecision,
    NotificationGroup,
)
from infra_notifications.services.acknowledging import acknowledge_incidents, withdraw_acknowledgement
from infra_notifications.services.groups import (
    GROUPS,
    add_members,
    create_group,
    remove_members,
    replace_members,
    update_group,
)
from infra_notifications.services.maintenance import Targets, plan_maintenance
from outbox.models import Address, Delivery, Event
from outbox.services.bounces.marks import forget_bounces, mark_bounced
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
    listed,
    mails,
    only_incident,
    recoveries,
    say,
    signal,
    station,
    sweep,
    take_neutral,
)
from tests.racing import at_once

A, B, C = "a@example.org", "b@example.org", "c@example.org"
TOLD = ("opened", "sent", "")


@pytest.fixture
def points() -> list[ChargePoint]:
    return station("CP-1", 3, expected_interval_s=30 * 86_400)


def group_of(points: list[ChargePoint], emails: list[str], **settings: Any) -> NotificationGroup:
    """A group whose addresses stood on its list long before anything happened."""
    made = create_group(
        settings={"name": "Köln"} | settings, emails=emails, charge_point_ids=[p.pk for p in points], now=NOW - HOUR
    )
    GroupAddress.objects.update(added_at=NOW - HOUR)
    sweep(at(-1))
    return made


def addresses_are(group: NotificationGroup, *emails: str, now: datetime) -> None:
    old = set(GroupAddress.objects.values_list("pk", flat=True))
    update_group(group=group, settings={}, emails=emails, now=now)
    GroupAddress.objects.exclude(pk__in=old).update(added_at=now)


def delivered() -> None:
    """What is on its way has arrived, so that nothing is cancelled when an address leaves."""
    Delivery.objects.filter(state="pending").update(state="delivered")


def open_mails() -> list[Event]:
    return mails(GROUP_ALREADY_OPEN)


def got(address: str) -> list[str]:
    """The kinds of mail that went to an address, in order."""
    found = Delivery.objects.filter(address=address).exclude(state="cancelled").order_by("id")
    return [kind.rpartition(".")[2] for kind in found.values_list("event__kind", flat=True)]


# ---- what comes ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_group_that_is_made_after_the_fault_is_told_of_what_is_open(points: list[ChargePoint]) -> None:
    for number, point in enumerate(points):
        say(point, fault(), now=at(number))
    say(points[2], fine(), now=at(5))
    create_group(settings={"name": "Köln"}, emails=[A, B], charge_point_ids=[p.pk for p in points], now=at(10))
    sweep(at(11))
    (mail,) = mails()
    assert (mail.kind, listed(mail), mail.payload["total"]) == (GROUP_ALREADY_OPEN, [p.evse_id for p in points[:2]], 2)
    assert addressees(mail) == [A, B]
    assert decisions() == [TOLD, TOLD]
    say(points[0], fine(), now=at(100))
    (recovery,) = recoveries()
    assert (recovery.thread, addressees(recovery)) == (mail.uuid.hex, [A, B])


@pytest.mark.django_db
@pytest.mark.parametrize("coming", ["address", "case", "member", "members replaced", "all at once"])
def test_whatever_comes_last_brings_the_mail(points: list[ChargePoint], coming: str) -> None:
    group = group_of(
        [] if coming in ("member", "members replaced", "all at once") else points,
        [] if coming in ("address", "all at once") else [A],
        cases=["SENSORS"] if coming in ("case", "all at once") else ["FUSE_TRIPPED", "SENSORS"],
    )
    say(points[0], fault())
    sweep(at(5))
    assert mails() == []
    ids = [point.pk for point in points]
    match coming:
        case "address":
            update_group(group=group, settings={}, emails=[A], now=at(10))
        case "case":
            update_group(group=group, settings={"cases": ["FUSE_TRIPPED"]}, now=at(10))
        case "member":
            add_members(group=group, charge_point_ids=ids, now=at(10))
        case "members replaced":
            replace_members(group=group, charge_point_ids=ids, now=at(10))
        case _:
            update_group(group=group, settings={"cases": ["FUSE_TRIPPED"]}, emails=[A], members=ids, now=at(10))
    sweep(at(11))
    (mail,) = mails()
    assert (mail.kind, listed(mail), addressees(mail)) == (GROUP_ALREADY_OPEN, [points[0].evse_id], [A])
    assert decisions() == [TOLD]


@pytest.mark.django_db
def test_second_address_gets_its_own_mail_and_the_first_nothing_again(points: list[ChargePoint]) -> None:
    group = group_of(points, [A])
    say(points[0], fault())
    addresses_are(group, A, B, now=at(100))
    sweep(at(101))
    assert (got(A), got(B)) == (["alert"], ["already_open"])
    sweep(at(200))
    say(points[0], fine(), now=at(300))
    assert (got(A), got(B)) == (["alert", "recovery"], ["already_open", "recovery"])


@pytest.mark.django_db
def test_address_that_comes_after_the_end_gets_no_dangling_all_clear(points: list[ChargePoint]) -> None:
    """It is added, and the fault ends, before the sweep comes."""
    group = group_of(points, [A])
    say(points[0], fault())
    addresses_are(group, A, B, now=at(100))
    say(points[0], fine(), now=at(102))
    sweep(at(105))
    assert (got(A), got(B)) == (["alert", "recovery"], [])


@pytest.mark.django_db
def test_all_clear_of_an_alert_whose_readers_all_left_goes_to_nobody(points: list[ChargePoint]) -> None:
    group = group_of(points, [A])
    say(points[0], fault())
    delivered()
    addresses_are(group, B, now=at(100))
    say(points[0], fine(), now=at(102))
    sweep(at(105))
    assert (got(A), got(B)) == (["alert"], [])
    assert decisions(kind="recovered") == [("recovered", "skipped", "nobody_left")]


@pytest.mark.django_db
def test_new_charge_point_and_new_address_at_once_are_two_lists(points: list[ChargePoint]) -> None:
    """The old address hears of the new charge point alone, the new one of both, each in one mail."""
    group = group_of(points[:1], [A])
    say(points[0], fault())
    say(points[1], fault(), now=at(1))
    addresses_are(group, A, B, now=at(100))
    add_members(group=group, charge_point_ids=[points[1].pk], now=at(100))
    sweep(at(101))
    assert {tuple(addressees(mail)): listed(mail) for mail in open_mails()} == {
        (A,): [points[1].evse_id],
        (B,): [points[0].evse_id, points[1].evse_id],
    }
    for point in points[:2]:
        say(point, fine(), now=at(500))
    sweep(at(700))
    assert sorted(set(got(B))) == ["already_open", "recovery"]
    both = {evse for mail in recoveries() if B in addressees(mail) for evse in listed(mail)}
    assert both == {points[0].evse_id, points[1].evse_id}


# ---- never twice ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    "steps", [*itertools.permutations(["address", "member", "case"]), ("member", "member"), ("address",) * 3]
)
def test_removed_and_added_again_is_not_mailed_twice(points: list[ChargePoint], steps: tuple[str, ...]) -> None:
    group = group_of(points, [A, B], cases=["FUSE_TRIPPED"])
    say(points[0], fault())
    delivered()
    for number, step in enumerate(steps):
        moment, later = at(100 + number * 100), at(150 + number * 100)
        if step == "address":
            addresses_are(group, A, now=moment)
            sweep(moment)
            addresses_are(group, A, B, now=later)
        elif step == "member":
            remove_members(group=group, charge_point_ids=[points[0].pk])
            sweep(moment)
            add_members(group=group, charge_point_ids=[points[0].pk], now=later)
        else:
            update_group(group=group, settings={"cases": []}, now=moment)
            sweep(moment)
            update_group(group=group, settings={"cases": ["FUSE_TRIPPED"]}, now=later)
        sweep(later)
    assert (got(A), got(B)) == (["alert"], ["alert"])
    say(points[0], fine(), now=at(2_000))
    assert (got(A), got(B)) == (["alert", "recovery"], ["alert", "recovery"])


@pytest.mark.django_db
def test_late_address_that_left_and_came_back_is_not_mailed_twice(points: list[ChargePoint]) -> None:
    group = group_of(points, [A])
    say(points[0], fault())
    for number in range(3):
        addresses_are(group, A, B, now=at(100 + number * 20))
        sweep(at(101 + number * 20))
        delivered()
        addresses_are(group, A, now=at(110 + number * 20))
        sweep(at(111 + number * 20))
    assert (got(A), got(B)) == (["alert"], ["already_open"])


@pytest.mark.django_db
def test_address_whose_mail_was_cancelled_when_it_left_has_not_heard(points: list[ChargePoint]) -> None:
    group = group_of(points, [A])
    say(points[0], fault())
    addresses_are(group, A, B, now=at(100))
    sweep(at(101))
    addresses_are(group, A, now=at(102))  # before anything left
    addresses_are(group, A, B.upper().lower(), now=at(200))
    sweep(at(201))
    assert got(B) == ["already_open"]
    assert Delivery.objects.filter(address=B).count() == 2


@pytest.mark.usefixtures("committed")
def test_two_sweeps_and_two_people_at_once_mail_once() -> None:
    points = station("CP-1", 8, expected_interval_s=30 * 86_400)
    for point in points:
        say(point, fault())
    ids = [point.pk for point in points]
    for number in range(5):
        group = create_group(settings={"name": f"G{number}"}, emails=[A], now=NOW)
        now = timezone.now()
        at_once(
            [
                *[partial(add_members, group=group, charge_point_ids=ids[n:], now=now) for n in (0, 3)],
                *[partial(update_group, group=group, settings={}, emails=[A, B], now=now) for _ in range(2)],
                # Each of its own moment: a mail is known by the microsecond of its sweep.
                *[partial(sweep, now + timedelta(seconds=1, microseconds=n)) for n in range(4)],
            ]
        )
        sweep(now + timedelta(seconds=2))
        for address in (A, B):
            heard = [
                evse
                for delivery in Delivery.objects.filter(address=address, list_key=group.list_key).select_related(
                    "event"
                )
                for evse in listed(delivery.event)
            ]
            assert sorted(heard) == sorted(point.evse_id for point in points)


@pytest.mark.usefixtures("committed")
def test_fault_that_opens_while_its_charge_point_is_added_is_told_once() -> None:
    """Whichever of the two commits first, each address hears once."""
    points = station("CP-1", 12, expected_interval_s=30 * 86_400)
    group = create_group(settings={"name": "Köln"}, emails=[A], now=NOW)
    for point in points:
        now = timezone.now()
        at_once(
            [
                partial(say, point, fault(), now=now),
                partial(add_members, group=group, charge_point_ids=[point.pk], now=now),
                partial(sweep, now),
            ]
        )
    for seconds in (1, 70, 140):
        sweep(timezone.now() + timedelta(seconds=seconds))
    heard = [evse for mail in mails() for evse in listed(mail)]
    assert sorted(heard) == sorted(point.evse_id for point in points)


# ---- delays, maintenance, acknowledgements, digests, reminders -------------------------------------------------------


def silent(point: ChargePoint, second: float) -> None:
    take_neutral(signal(point, "raised", case="UNAVAILABLE"), now=at(second))


@pytest.mark.django_db
def test_what_is_younger_than_its_delay_waits_and_is_told_as_any_other(points: list[ChargePoint]) -> None:
    silent(points[0], 0)
    silent(points[1], 880)
    create_group(settings={"name": "K"}, emails=[A], charge_point_ids=[p.pk for p in points], now=at(900))
    sweep(at(900))
    assert [(mail.kind, listed(mail)) for mail in mails()] == [(GROUP_ALREADY_OPEN, [points[0].evse_id])]
    sweep(at(880 + 899))
    assert len(mails()) == 1
    sweep(at(880 + 900))
    assert [listed(mail) for mail in alerts()] == [[points[1].evse_id]]


@pytest.mark.django_db
def test_what_rests_in_maintenance_is_told_to_all_when_that_is_over(points: list[ChargePoint]) -> None:
    group = group_of(points, [A])
    say(points[0], fault())
    plan_maintenance(
        reason="work",
        starts_at=at(10),
        ends_at=at(1_000),
        targets=Targets(charge_points=[p.pk for p in points]),
        author="x",
        now=at(5),
    )
    say(points[1], fault(), now=at(20))
    addresses_are(group, A, B, now=at(100))
    for second in (101, 999):
        sweep(at(second))
        assert (got(A), got(B)) == (["alert"], [])
    sweep(at(1_001))
    assert (got(A), got(B)) == (["alert", "still_broken"], ["already_open", "still_broken"])


@pytest.mark.django_db
def test_acknowledged_incident_is_listed_as_such_and_alarms_nobody(points: list[ChargePoint]) -> None:
    say(points[0], fault())
    incident = only_incident()
    acknowledge_incidents(incident_ids=[incident.pk], author="Anna", now=at(5))
    group = create_group(settings={"name": "K"}, emails=[A], charge_point_ids=[p.pk for p in points], now=at(10))
    sweep(at(11))
    assert (mails(), decisions()) == ([], [("opened", "skipped", "acknowledged")])
    say(points[1], fault(), now=at(12))
    remove_members(group=group, charge_point_ids=[points[1].pk])
    NotificationDecision.objects.filter(incident__charge_point=points[1]).delete()
    Event.objects.all().delete()
    add_members(group=group, charge_point_ids=[points[1].pk], now=at(20))
    sweep(at(21))
    (mail,) = mails()
    assert [
        (item["charge_point"]["evse_id"], item["incident"]["acknowledged_by"]) for item in mail.payload["items"]
    ] == [
        (points[0].evse_id, "Anna"),
        (points[1].evse_id, ""),
    ]


@pytest.mark.django_db
def test_withdrawn_acknowledgement_brings_the_mail(points: list[ChargePoint]) -> None:
    say(points[0], fault())
    acknowledge_incidents(incident_ids=[only_incident().pk], author="Anna", now=at(5))
    create_group(settings={"name": "K"}, emails=[A], charge_point_ids=[p.pk for p in points], now=at(10))
    sweep(at(11))
    withdraw_acknowledgement(incident=only_incident(), author="Anna", now=at(20))
    sweep(at(21))
    assert [(mail.kind, addressees(mail)) for mail in mails()] == [(GROUP_ALREADY_OPEN, [A])]
    say(points[0], fine(), now=at(30))
    assert len(recoveries()) == 1


@pytest.mark.django_db
def test_group_with_a_digest_hears_with_its_next_one(points: list[ChargePoint]) -> None:
    say(points[0], fault())
    group = create_group(
        settings={"name": "K", "digest_time": "12:00", "time_zone": "UTC"},
        emails=[A],
        charge_point_ids=[p.pk for p in points],
        now=at(10),
    )
    sweep(at(11))
    assert (mails(), decisions()) == ([], [("opened", "waiting", "digest")])
    sweep(NotificationGroup.objects.get(pk=group.pk).digest_due_at or NOW)
    assert got(A) == ["digest"]


@pytest.mark.django_db
def test_reminders_count_from_the_mail(points: list[ChargePoint]) -> None:
    say(points[0], fault())
    create_group(
        settings={"name": "K", "reminder_s": 3_600}, emails=[A], charge_point_ids=[points[0].pk], now=at(1_000)
    )
    sweep(at(1_001))
    sweep(at(4_600))
    assert got(A) == ["already_open"]
    sweep(at(4_601))
    assert got(A) == ["already_open", "reminder"]


@pytest.mark.django_db
def test_however_long_it_has_been_open_it_is_told(points: list[ChargePoint]) -> None:
    say(points[0], fault(), now=NOW - 20 * DAY)
    create_group(settings={"name": "K"}, emails=[A], charge_point_ids=[points[0].pk], now=NOW)
    sweep(at(1))
    assert got(A) == ["already_open"]


# ---- over before it was told ----------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("end", "mails_about_it"), [(15, 0), (59, 0), (60, 1), (70, 2)])
def test_fault_that_is_over_before_the_combined_mail_is_not_told(
    points: list[ChargePoint], end: float, mails_about_it: int
) -> None:
    group_of(points, [A])
    say(points[0], fault())
    say(points[1], fault(), now=at(10))
    for second in range(11, 130):
        if second == end:
            say(points[1], fine(), now=at(second))
        sweep(at(second))
    heard = [evse for mail in mails() for evse in listed(mail) if evse == points[1].evse_id]
    assert len(heard) == mails_about_it
    if not mails_about_it:
        assert decisions(incident__charge_point=points[1]) == [("opened", "skipped", "over")]


@pytest.mark.django_db
def test_shock_that_ends_by_itself_in_the_combining_minute_is_told(points: list[ChargePoint]) -> None:
    group_of(points, [A])
    say(points[0], fault())
    take_neutral(signal(points[1], "raised", case="SENSORS"), now=at(10))
    Incident.objects.filter(case="SENSORS").update(ends_at=at(20))
    for second in (20, 30, 60):
        sweep(at(second))
    assert [listed(mail) for mail in alerts()] == [[points[0].evse_id], [points[1].evse_id]]


# ---- size -----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_number_of_statements_does_not_depend_on_the_number_of_members() -> None:
    counts = []
    for number, size in enumerate((3, 300)):
        points = station(f"CP-{number}", size)
        Incident.objects.bulk_create(
            Incident(
                charge_point=point,
                case="FUSE_TRIPPED",
                opened_at=NOW,
                opened_received_at=NOW,
                last_raised_at=NOW,
                faults=["status"],
            )
            for point in points
        )
        group = create_group(
            settings={"name": f"G{number}"}, emails=[A], charge_point_ids=[p.pk for p in points], now=at(1)
        )
        with CaptureQueriesContext(
            connection,
        ) as captured:
            sweep(at(2))
        counts.append(len(captured))
        assert NotificationDecision.objects.filter(group=group, state="sent").count() == size
        addresses_are(group, A, B, now=at(3))
        with CaptureQueriesContext(connection) as captured:
            sweep(at(4))
        counts.append(len(captured))
        assert NotificationDecision.objects.filter(group=group, kind="catch_up").count() == size
    assert counts[:2] == counts[2:]


@pytest.mark.django_db
def test_owner_who_unsubscribes_and_subscribes_again_is_not_told_twice(points: list[ChargePoint]) -> None:
    group = group_of(points, [A, B])
    say(points[0], fault())
    delivered()
    assert GROUPS.leave(group.list_key, B)
    sweep(at(50))
    addresses_are(group, A, B, now=at(60))
    sweep(at(61))
    assert (got(A), got(B)) == (["alert"], ["alert"])


@pytest.mark.django_db
def test_membership_written_in_the_admin_is_reviewed(points: list[ChargePoint], admin_client: Any) -> None:
    group = group_of([], [A])
    say(points[0], fault())
    answer = admin_client.post(
        "/admin/infra_notifications/groupmembership/add/", {"group": group.pk, "charge_point": points[0].pk}
    )
    assert (answer.status_code, GroupMembership.objects.count()) == (302, 1)
    sweep(timezone.now())
    assert got(A) == ["already_open"]


# ---- an address that had been paused, because its mails came back ---------------------------------------------------


def pause(address: str) -> None:
    """Three mails in a row came back."""
    for _ in range(3):
        with transaction.atomic():
            mark_bounced(address=address, answer="550 no such user", now=NOW)


def resume(way: str, group: NotificationGroup, address: str, now: datetime) -> None:
    match way:
        case "resumed":
            forget_bounces([address], now)
        case "typed anew":
            update_group(group=group, settings={}, emails=[], now=now)
            update_group(group=group, settings={}, emails=[address.upper()], now=now)
        case "typed anew elsewhere":
            create_group(settings={"name": "Bonn"}, emails=[address], now=now)


@pytest.mark.django_db
@pytest.mark.parametrize("way", ["resumed", "typed anew", "typed anew elsewhere"])
def test_paused_address_catches_up_when_it_is_resumed(points: list[ChargePoint], way: str) -> None:
    group = group_of(points, [A])
    pause(A)
    say(points[0], fault(), now=at(10))
    say(points[1], fault(), now=at(11))
    sweep(at(12))
    assert (mails(), decisions()) == ([], [("opened", "skipped", "paused")] * 2)
    group.refresh_from_db()
    assert group.last_notified_at is None
    say(points[1], fine(), now=at(100))
    sweep(at(101))
    assert recoveries() == []
    resume(way, group, A, at(200))
    sweep(at(201))
    (mail,) = mails()
    assert (mail.kind, listed(mail)) == (GROUP_ALREADY_OPEN, [points[0].evse_id])
    sweep(at(300))
    say(points[0], fine(), now=at(400))
    assert [listed(each) for each in recoveries()] == [[points[0].evse_id]]


@pytest.mark.django_db
def test_address_beside_others_catches_up_too_and_they_hear_nothing_again(points: list[ChargePoint]) -> None:
    group = group_of(points, [A, B])
    pause(B)
    say(points[0], fault(), now=at(10))
    update_group(group=group, settings={}, now=at(50))
    sweep(at(51))
    assert open_mails() == []
    forget_bounces([B], at(200))
    sweep(at(201))
    sweep(at(300))
    assert [addressees(mail) for mail in open_mails()] == [[B]]
    say(points[0], fine(), now=at(400))
    assert [addressees(mail) for mail in recoveries()] == [[A, B]]


@pytest.mark.django_db
def test_mail_that_came_back_is_sent_anew_after_resuming_and_one_that_arrived_is_not(
    points: list[ChargePoint],
) -> None:
    group_of(points, [A])
    say(points[0], fault(), now=at(10))
    Delivery.objects.update(state="delivered")
    say(points[1], fault(), now=at(100))
    Delivery.objects.filter(state="pending").update(state="bounced")
    pause(A)
    forget_bounces([A], at(200))
    sweep(at(201))
    assert [listed(mail) for mail in open_mails()] == [[points[1].evse_id]]


@pytest.mark.django_db
def test_admin_that_unblocks_or_deletes_the_mark_resumes_too(points: list[ChargePoint], admin_client: Client) -> None:
    group_of(points, [A])
    pause(A)
    say(points[0], fault(), now=at(10))
    mark = Address.objects.get()
    assert admin_client.post(f"/admin/outbox/address/{mark.pk}/delete/", {"post": "yes"}).status_code == 302
    sweep(timezone.now() + HOUR)
    assert [addressees(mail) for mail in open_mails()] == [[A]]
