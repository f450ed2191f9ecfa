"""Many senders, sweeps and people at once: real threads on real connections, nothing lost and nothing said twice."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Thread
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test import Client
from django.utils import timezone

from infra_notifications.models import (
    ChargePoint,
    ChargePointState,
    GroupDraft,
    Incident,
    NotificationDecision,
    NotificationGroup,
    UnknownChargePoint,
)
from infra_notifications.services import sweeps
from infra_notifications.services.acknowledging import acknowledge_incidents, withdraw_acknowledgement
from infra_notifications.services.charge_points import ChargePointInput, upsert_charge_points
from infra_notifications.services.drafts import mark
from infra_notifications.services.groups import create_group, delete_group, update_group
from infra_notifications.services.incidents import sweep_silence
from infra_notifications.services.maintenance import Targets, end_maintenance, plan_maintenance
from outbox.dispatcher import deliver_due
from tests.clock import SECOND
from tests.conftest import ApiClient
from tests.factories.console import UserFactory, make_key
from tests.factories.infra_notifications import NotificationGroupFactory
from tests.infra_notifications.helpers import (
    DAY,
    HOUR,
    NOW,
    alerts,
    at,
    event,
    events,
    fault,
    fine,
    heartbeat,
    kinds,
    listed,
    message,
    station,
    sweep,
    take,
)
from tests.infra_notifications.pages import url
from tests.infra_notifications.test_histories import BY_THE_CLOCK, check_promises
from tests.mailserver import MailServer
from tests.racing import at_once, wait_for_a_waiting_statement
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.usefixtures("committed")
THREADS = 8
LONG = 30 * 86_400


def points_of(stations: int) -> list[ChargePoint]:
    return [point for n in range(stations) for point in station(f"CP-{n}", 2, expected_interval_s=LONG)]


def test_one_charge_point_in_eight_threads_is_one_incident_and_one_mail(smtp: MailServer) -> None:
    (point,) = station("CP-1", 1, expected_interval_s=LONG)
    NotificationGroupFactory(members=[point])
    at_once([partial(take, message(point, fault()), now=at(n / 10)) for n in range(THREADS)])
    sweep(at(90))
    deliver_due()
    assert Incident.objects.get().repeats == THREADS - 1
    assert [mail.recipients for mail in smtp.mails] == [("ops@example.org",)]


def test_overlapping_batches_neither_dead_lock_nor_tell_twice(smtp: MailServer) -> None:
    points = points_of(15)
    for members in (points, points[:20], points[10:]):
        NotificationGroupFactory(members=members)
    chance = random.Random(1)
    batches = [
        [message(point, fault()) for point in chance.sample(points, 20)] for _ in range(THREADS) for _round in range(3)
    ]
    at_once([partial(_take_all, batches[n::THREADS], n) for n in range(THREADS)])
    sweep(at(90))
    deliver_due()
    check_promises()
    raised = {incident.charge_point.evse_id for incident in Incident.objects.select_related("charge_point")}
    for group in NotificationGroup.objects.all():
        notified = [evse for mail in alerts() if mail.payload["group_id"] == group.pk for evse in listed(mail)]
        assert sorted(notified) == sorted(raised & set(group.charge_points.values_list("evse_id", flat=True)))
    assert len(smtp.mails) == len(alerts()) <= 6


def _take_all(batches: list[list[Any]], number: int) -> None:
    for batch in batches:
        take(*batch, now=at(number / 10))


def test_requests_at_once_are_taken_together_and_answered_each() -> None:
    points = points_of(4)
    key = make_key()[1]
    bodies = [
        [{"id": f"{n}-{i}", "charge_point": p.evse_id, "action": "StatusNotification", "payload": fault()}]
        for n in range(THREADS)
        for i, p in enumerate(points)
    ]
    answers = at_once([partial(_post_all, key, bodies[n::THREADS]) for n in range(THREADS)])
    assert sum(answer["accepted"] for each in answers for answer in each) == THREADS * len(points)
    assert Incident.objects.count() == len(points)
    assert sum(Incident.objects.values_list("repeats", flat=True)) == (THREADS - 1) * len(points)


def _post_all(key: str, bodies: list[Any]) -> list[Any]:
    api = ApiClient(key)
    return [api.post("/charging/messages", body).json() for body in bodies]


def test_same_ids_at_once_are_taken_once() -> None:
    points = points_of(5)
    batch = [message(point, fault(), id=point.evse_id) for point in points]
    intakes = at_once([partial(take, *batch) for _ in range(THREADS)])
    assert sum(intake.accepted for intake in intakes) == len(points)
    assert sum(intake.duplicates for intake in intakes) == (THREADS - 1) * len(points)


def test_unknown_senders_at_once_are_counted() -> None:
    batch = [message(f"DE*NEW*{n}", fine()) for n in range(20)]
    chance = random.Random(2)
    at_once([partial(take, *chance.sample(batch, 20)) for _ in range(THREADS)])
    assert set(UnknownChargePoint.objects.values_list("messages", flat=True)) == {THREADS}


def test_everything_at_once() -> None:
    """Messages, boots, sweeps, imports, and people that change groups, acknowledge and work at the charge points."""
    points = points_of(6)
    groups: list[NotificationGroup] = [
        NotificationGroupFactory(members=points, hold_off_s={"UNAVAILABLE": 0}) for _ in range(3)
    ]
    said = (fault(), fine(), events(event("RCD", "Tripped")), events(event("RCD", "Tripped", "false")))

    def send(chance: random.Random) -> None:
        batch = [message(point, chance.choice(said)) for point in chance.sample(points, 8)]
        boots = [message(p, {"firmwareVersion": str(chance.random())}, action="BootNotification") for p in points[:4]]
        take(*batch, *boots, now=timezone.now())

    def upsert(chance: random.Random) -> None:
        rows = [ChargePointInput(evse_id=p.evse_id, expected_interval_s=chance.choice([60, LONG])) for p in points]
        chance.shuffle(rows)
        upsert_charge_points(rows=rows, now=timezone.now())

    def change(chance: random.Random) -> None:
        soon = (timezone.now() + timedelta(seconds=60)).time().replace(second=0, microsecond=0)
        settings = {
            "hold_off_s": {"FUSE_TRIPPED": chance.choice([0, 60])},
            "digest_time": chance.choice([None, soon]),
            "reminder_s": chance.choice([None, 60]),
        }
        group = NotificationGroup.objects.get(pk=chance.choice(groups).pk)
        update_group(group=group, settings=settings, now=timezone.now())

    def beat(_chance: random.Random) -> None:
        sweep(timezone.now() + timedelta(seconds=90))

    works: list[Callable[[random.Random], None]] = [send, send, send, send, upsert, change, beat, beat]
    works += [partial(_take_care, points), partial(_work_at, points, groups)]
    at_once([partial(_often, work, n) for n, work in enumerate(works)])
    check_promises(but=BY_THE_CLOCK)


def _take_care(points: list[ChargePoint], chance: random.Random) -> None:
    """What people do about incidents."""
    found = list(Incident.objects.filter(charge_point__in=chance.sample(points, 6)).order_by("?"))
    ids = [incident.pk for incident in found]
    acknowledge_incidents(incident_ids=ids, author="anna", now=timezone.now())
    for incident in found[:3]:
        withdraw_acknowledgement(incident=incident, author="anna", now=timezone.now())


def _work_at(points: list[ChargePoint], groups: list[NotificationGroup], chance: random.Random) -> None:
    """Maintenance that begins, and ends before its time."""
    now = timezone.now()
    targets = Targets([point.pk for point in chance.sample(points, 4)], [chance.choice(groups).pk])
    window = plan_maintenance(reason="Works", ends_at=now + HOUR, targets=targets, author="anna", now=now)
    time.sleep(0.05)
    assert end_maintenance(window=window, now=timezone.now())


def _often(work: Callable[[random.Random], None], number: int) -> None:
    chance = random.Random(number)
    for _ in range(8):
        work(chance)


def test_two_sweeps_at_once_find_each_silence_once() -> None:
    points_of(10)
    ChargePointState.objects.update(last_seen=NOW, silent_at=NOW)
    found = at_once([partial(sweep_silence, now=NOW + HOUR) for _ in range(THREADS)])
    assert sum(found) == Incident.objects.count() == 20
    assert set(Incident.objects.values_list("repeats", flat=True)) == {0}


def test_reminders_and_digests_at_once_are_sent_once() -> None:
    points = points_of(3)
    NotificationGroupFactory(members=points, reminder_s=3_600)
    create_group(
        settings={"name": "Daily", "digest_time": "12:00"},
        emails=["a@example.org"],
        charge_point_ids=[point.pk for point in points],
        now=NOW,
    )
    take(*(message(point, fault()) for point in points))
    at_once([partial(sweeps.sweep_daily, now=NOW + 3 * HOUR) for _ in range(THREADS)])
    sweeps.sweep_daily(now=NOW + 3 * HOUR)  # what one left because another held it
    assert sorted(kinds()) == ["alert", "digest", "reminder"]
    check_promises()


def _interrupt(number: int, work: Callable[[], Any], other: Callable[[], Any]) -> None:
    """Does the other work, on a connection of its own, just before this work's statement of this number."""
    count = itertools.count(1)

    def step(execute: Callable[..., Any], *given: Any) -> Any:
        if next(count) == number:
            at_once([other])
        return execute(*given)

    with connection.execute_wrapper(step):
        work()


def test_sweep_that_comes_between_two_statements_of_another_reminds_of_nothing_again() -> None:
    points = points_of(2)
    NotificationGroupFactory(members=points, reminder_s=3_600)
    take(*(message(point, fault()) for point in points))
    for number in range(1, 9):
        now = NOW + number * 2 * HOUR
        _interrupt(number, partial(sweeps.sweep_daily, now=now), partial(sweeps.sweep_daily, now=now + SECOND))
        assert kinds() == ["alert"] + ["reminder"] * number
    check_promises()


def test_daily_look_at_once_is_one_flapping_mail() -> None:
    points = points_of(3)
    NotificationGroupFactory(members=points)
    said = [message(point, one) for _ in range(7) for point in points for one in (fault(), fine())]
    take(*said)
    take(*said, now=at(60))
    at_once([partial(sweeps.sweep, now=NOW + DAY) for _ in range(THREADS)])
    assert kinds() == ["flapping", "flapping"]
    check_promises()


def test_message_during_the_sweep_wins() -> None:
    """Whoever holds the charge point's row decides first; the sweep passes by what is being decided."""
    station("CP-1", 1)
    take(heartbeat("CP-1"))
    with transaction.atomic():
        list(ChargePointState.objects.select_for_update())
        assert at_once([partial(sweep_silence, now=NOW + HOUR)]) == [0]
    take(heartbeat("CP-1"), now=NOW + HOUR)
    assert sweep_silence(now=NOW + HOUR) == 0


def test_group_deleted_between_reading_and_commit_fails_no_batch() -> None:
    (point,) = station("CP-1", 1)
    group = NotificationGroupFactory(members=[point])
    with transaction.atomic():
        delete_group(group=group, now=NOW)
        sending = Thread(target=_in_thread, args=(partial(take, message(point, fault())),))
        sending.start()
        wait_for_a_waiting_statement()
    sending.join(PATIENCE_S)
    assert (Incident.objects.count(), NotificationDecision.objects.count(), alerts()) == (1, 0, [])


def _in_thread(work: Callable[[], Any]) -> None:
    try:
        work()
    finally:
        connections.close_all()


def test_marks_of_two_tabs_are_all_kept() -> None:
    draft = GroupDraft.objects.create(owner=UserFactory())
    at_once([partial(mark, draft=GroupDraft.objects.get(), charge_point_ids=[n]) for n in range(THREADS)])
    draft.refresh_from_db()
    assert sorted(draft.marked) == list(range(THREADS))


def test_group_changed_while_it_is_being_told_keeps_its_gathering() -> None:
    points = points_of(1)
    group = NotificationGroupFactory(members=points)
    stale = NotificationGroup.objects.get(pk=group.pk)
    take(message(points[0], fault()))
    update_group(group=stale, settings={"description": "x"}, now=at(1))
    take(message(points[1], fault()), now=at(2))
    assert len(alerts()) == 1
    assert NotificationGroup.objects.get().last_notified_at == NOW


def test_two_clicks_make_one_group_and_neither_ends_in_an_error() -> None:
    user = UserFactory(roles=["operator"])
    draft = GroupDraft.objects.create(owner=user, name="Köln")
    clients = [Client() for _ in range(THREADS)]
    for client in clients:
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    answers = at_once([partial(client.post, url("wizard_confirm", draft.key)) for client in clients])
    assert NotificationGroup.objects.count() == 1
    assert {answer.status_code for answer in answers} <= {302, 404}


def test_second_click_leads_to_the_overview_too() -> None:
    user = UserFactory(roles=["operator"])
    draft = GroupDraft.objects.create(owner=user, name="Köln")
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    answers: list[Any] = []
    with transaction.atomic():
        GroupDraft.objects.select_for_update().get().delete()
        work = partial(_in_thread, lambda: answers.append(client.post(url("wizard_confirm", draft.key))))
        clicking = Thread(target=work)
        clicking.start()
        wait_for_a_waiting_statement()
    clicking.join(PATIENCE_S)
    assert answers[0].headers["Location"] == url("groups")
