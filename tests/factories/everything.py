"""One of everything, for the tests that walk all pages: an object behind each path of the project."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from auditlog.models import LogEntry
from axes.models import AccessAttempt, AccessLog
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.utils import timezone
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from console.choices import JobState
from console.models import Job, SignOfLife
from infra_notifications.choices import NoticeKind, NoticeReason, NoticeState
from infra_notifications.event_kinds import GROUP_TEST
from infra_notifications.models import (
    ChargePoint,
    ChargePointMessage,
    EventRule,
    GroupDraft,
    GroupMembership,
    Notice,
    NotificationGroup,
    UnknownChargePoint,
    UnmappedReport,
)
from infra_notifications.services.import_jobs import KIND
from outbox.lists import read_token, unsubscribe_url
from outbox.models import Address, Attempt, Delivery, Event
from tests.factories.console import make_key
from tests.factories.infra_notifications import IncidentFactory, NotificationGroupFactory, online

ADDRESS = "ops@example.org"


@dataclass
class World:
    """The objects by model, and what fills the parameters of paths."""

    objects: dict[type[Model], Model]
    token: str

    def __getitem__(self, model: type[Model]) -> Any:
        return self.objects[model]

    def add(self, *objects: Model) -> None:
        self.objects |= {type(one): one for one in objects}


def one_of_everything(owner: User) -> World:
    """A world in which every page has something to show; what has an owner belongs to `owner`."""
    key, _plain = make_key(name="walked")
    world = World({User: owner, type(key): key, Group: Group.objects.get(name="viewer")}, token="")
    _charging(world, owner)
    _outbox(world)
    _console(world, owner)
    _schedules(world)
    return world


def _charging(world: World, owner: User) -> None:
    now = timezone.now()
    point = online(evse_id="DE*TST*E1", station="TST-1", name="Deck <1> & 'co'", tags=["garage"], max_power_kw=22)
    group = NotificationGroupFactory(emails=[ADDRESS], members=[point])
    incident = IncidentFactory(charge_point=point, said="OverCurrentFailure")
    world.add(point, group, incident, point.state, GroupMembership.objects.get(), EventRule.objects.all()[0])
    world.add(
        Notice.objects.create(
            incident=incident, group=group, group_name=group.name, kind=NoticeKind.OPENED,
            state=NoticeState.WAITING, reason=NoticeReason.HOLD_OFF, due_at=now, decided_at=now,
        ),
        UnknownChargePoint.objects.create(evse_id="DE*NEW*E1", station="NEW-1", first_seen=now, last_seen=now),
        UnmappedReport.objects.create(
            signature="x", protocol="ocpp1.6", action="StatusNotification", first_seen=now, last_seen=now,
            conditions={"codes": ["Odd"]}, sample={"errorCode": "Odd"}, said="Odd", seen=3,
        ),
        GroupDraft.objects.create(owner=owner, name="Draft", marked=[point.pk]),
        ChargePointMessage.objects.create(
            charge_point=point, station=point.station, action="Heartbeat", protocol="ocpp1.6", payload={},
            verdict="life", received_at=now,
        ),
    )  # fmt: skip


def _outbox(world: World) -> None:
    now, group = timezone.now(), world[NotificationGroup]
    payload = {
        "group_id": group.pk, "group": group.name, "charge_points": 1, "cases": list(group.cases),
        "sent_by": "someone", "url": "https://signalbox.example/",
    }  # fmt: skip
    event = Event.objects.create(
        kind=GROUP_TEST, subject=group.list_key, dedup_key="walked", payload=payload, occurred_at=now, created_at=now
    )
    delivery = Delivery.objects.create(
        event=event, channel="email", address=ADDRESS, list_key=group.list_key, destination="email:example.org",
        state="failed", reason="address_refused", attempts=1, created_at=now, settled_at=now,
    )  # fmt: skip
    world.add(
        event, delivery,
        Attempt.objects.create(delivery=delivery, at=now, duration_ms=5, verdict="failed", code=550, answer="<no>"),
        Address.objects.create(channel="email", address=ADDRESS, failing_since=now, last_answer="550 no"),
    )  # fmt: skip
    world.token = unsubscribe_url(group.list_key, ADDRESS).rstrip("/").rpartition("/")[2]
    assert read_token(world.token) == (group.list_key, ADDRESS)


def _console(world: World, owner: User) -> None:
    now = timezone.now()
    LogEntry.objects.log_create(world[ChargePoint], action=LogEntry.Action.UPDATE, changes={"name": ["<a>", "<b>"]})
    world.add(
        SignOfLife.objects.create(part="worker", instance="here", at=now),
        Job.objects.create(kind=KIND, label="Import of <x>.csv", created_by=owner, state=JobState.REVIEW, total=10),
        LogEntry.objects.all()[0],
        AccessAttempt.objects.create(username="someone", ip_address="192.0.2.1", failures_since_start=1),
        AccessLog.objects.create(username="someone", ip_address="192.0.2.1"),
    )


def _schedules(world: World) -> None:
    every = IntervalSchedule.objects.create(every=7, period=IntervalSchedule.MINUTES)
    world.add(
        every,
        CrontabSchedule.objects.create(),
        SolarSchedule.objects.create(event="sunset", latitude=50, longitude=7),
        ClockedSchedule.objects.create(clocked_time=timezone.now()),
        PeriodicTask.objects.create(name=f"walked {uuid.uuid4().hex[:6]}", task="outbox.sweep", interval=every),
    )
