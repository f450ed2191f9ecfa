"""One of everything, for the tests that walk all pages: an object behind each path of the project."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, time, timedelta
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

from bikeshare.choices import SubscriptionStatus, TripStatus
from bikeshare.models import FeedSource, StationFavorite, TelemetryMessage
from core.choices import JobState
from core.models import ColumnChoice, FacetCensus, FacetCount, Job, KnownValue, SavedSearch, SignOfLife
from core.undo import keep_undo
from fleet_remotes.choices import Kind, State, StepKind, Verdict
from fleet_remotes.models import (
    ActionStep,
    CallbackMessage,
    CommandBatch,
    CommandDraft,
    CommandSchedule,
    RemoteNotification,
    WakeUpUse,
)
from infra_notifications.choices import NotificationKind, NotificationReason, NotificationState
from infra_notifications.event_kinds import GROUP_TEST
from infra_notifications.models import (
    Acknowledgement,
    ChargePoint,
    ChargePointMessage,
    EventRule,
    Flapping,
    GroupDraft,
    GroupMembership,
    Incident,
    IncidentEntry,
    MaintenanceTarget,
    MaintenanceWindow,
    MovedStation,
    NotificationDecision,
    NotificationGroup,
    OcpiEvse,
    OcpiLocation,
    OcpiParty,
    OcppRoute,
    Source,
    StationConnection,
    StatusPeriod,
    UnknownChargePoint,
    UnmappedReport,
)
from infra_notifications.services.import_jobs import IMPORT
from outbox.models import (
    Address,
    Attempt,
    Banner,
    Delivery,
    Event,
    HealthAlert,
    TopicDecision,
    TopicList,
    TopicListAddress,
    WebhookEndpoint,
    WebhookSecret,
)
from outbox.services.mailing_lists.leaving import read_token, unsubscribe_url
from tests.clock import iso
from tests.factories.bikeshare import (
    BikeFactory,
    DockFactory,
    LockBoxFactory,
    PassFactory,
    ProgramFactory,
    RegistrationFactory,
    StationFactory,
    SubscriptionFactory,
    ZoneFactory,
    ending_trip,
)
from tests.factories.console import make_key
from tests.factories.fleet_remotes import with_callback
from tests.factories.infra_notifications import IncidentFactory, NotificationGroupFactory, online
from tests.factories.vehicles import one_of_each as one_of_each_vehicle_thing

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
    _remotes(world, owner)
    world.add(*one_of_each_vehicle_thing(owner))
    _bikes(world)
    _outbox(world)
    _console(world, owner)
    _schedules(world)
    return world


def _routes(now: datetime) -> tuple[OcppRoute, MovedStation]:
    route = OcppRoute.objects.create(slug="berlin", upstream="wss://csms.example/<ocpp>&'1'", register_unknown=True)
    other = OcppRoute.objects.create(slug="other", upstream="wss://csms.example/2", enabled=False)
    return route, MovedStation.objects.create(
        route=route, station="TST <1> & 'co'", station_key="TST <1> & 'CO'", target=other, moved_at=now
    )


def _ocpi(point: ChargePoint, now: datetime) -> tuple[OcpiParty, OcpiLocation, OcpiEvse]:
    role = {"role": "CPO", "country_code": "DE", "party_id": "TST", "name": "Party <1> & 'co'"}
    party = OcpiParty.objects.create(
        name="Party <1> & 'co'",
        state="registered",
        token_digest="0" * 64,
        roles=[role],
        created_at=now,
        version="2.2.1",
    )
    shown = {"country_code": "DE", "party_code": "TST", "location_id": "L1"}
    place = OcpiLocation.objects.create(party=party, key="DE/TST/L1", last_updated=now, received_at=now, **shown)
    return (
        party,
        place,
        OcpiEvse.objects.create(
            location=place,
            uid="1",
            key="1",
            charge_point=point,
            document={"status": "AVAILABLE"},
            last_updated=now,
            received_at=now,
        ),
    )


def _charging(world: World, owner: User) -> None:
    now = timezone.now()
    point = online(evse_id="DE*TST*E1", station="TST-1", name="Deck <1> & 'co'", tags=["garage"], max_power_kw=22)
    group = NotificationGroupFactory(emails=[ADDRESS], members=[point])
    incident = IncidentFactory(charge_point=point, said="OverCurrentFailure")
    world.add(point, group, incident, point.state, GroupMembership.objects.get(), EventRule.objects.all()[0])
    world.add(
        NotificationDecision.objects.create(
            incident=incident,
            group=group,
            group_name=group.name,
            kind=NotificationKind.OPENED,
            state=NotificationState.WAITING,
            reason=NotificationReason.HOLD_OFF,
            due_at=now,
            decided_at=now,
        ),
        StationConnection.objects.create(
            station="TST-1",
            key="TST-1",
            connected=False,
            since=now,
            last_seen=now,
            close_reason="<b>bye</b>",
            route="berlin",
        ),
        UnknownChargePoint.objects.create(evse_id="DE*NEW*E1", first_seen=now, last_seen=now),
        *_routes(now),
        *_ocpi(point, now),
        Source.objects.create(
            id=7,
            kind="key",
            name="CSMS <1> & 'co'",
            first_heard_at=now,
            last_heard_at=now,
            rejections=[{"text": "Unknown station <i>X.", "n": 3, "at": iso(now)}],
        ),
        UnmappedReport.objects.create(
            signature="x",
            protocol="ocpp1.6",
            action="StatusNotification",
            first_seen=now,
            last_seen=now,
            conditions={"codes": ["Odd"]},
            sample={"errorCode": "Odd"},
            said="Odd",
            seen=3,
        ),
        GroupDraft.objects.create(owner=owner, name="Draft", marked=[point.pk]),
        StatusPeriod.objects.create(charge_point=point, status="Faulted", began_at=now),
        ChargePointMessage.objects.create(
            charge_point=point,
            station=point.station,
            action="Heartbeat",
            protocol="ocpp1.6",
            payload={},
            verdict="life",
            received_at=now,
        ),
    )
    _care(world)


def _care(world: World) -> None:
    """What people and time do about incidents."""
    now, incident = timezone.now(), world[Incident]
    window = MaintenanceWindow.objects.create(
        reason="New <cables> & 'co'", starts_at=now, ends_at=now + timedelta(hours=1), author="someone"
    )
    world.add(
        window,
        MaintenanceTarget.objects.create(window=window, charge_point=incident.charge_point),
        Acknowledgement.objects.create(incident=incident, at=now, author="someone"),
        IncidentEntry.objects.create(incident=incident, kind="note", at=now, author="someone", text="<b>bold</b>"),
        Flapping.objects.create(
            charge_point=incident.charge_point, case=incident.case, began_at=now, openings=6, next_check_at=now
        ),
    )


def _remotes(world: World, owner: User) -> None:
    now = timezone.now()
    batch = CommandBatch.objects.create(
        kind=Kind.DOOR, parameters={"state": "Locked"}, total=1, created_at=now, created_by=owner, reason="<i>odd"
    )
    action, callback = with_callback(batch=batch, reason="<i>odd", state=State.QUEUED, remote_action_id="")
    message = CallbackMessage.objects.create(callback=callback, body=b'{"events": [1]}', received_at=now)
    world.add(
        batch,
        action,
        callback,
        message,
        action.vehicle,
        action.fleet,
        ActionStep.objects.create(action=action, at=now, kind=StepKind.SUBMITTED),
        CommandDraft.objects.create(
            owner=owner, vehicles=[action.vehicle_id], command={"kind": "door", "parameters": {"state": "Locked"}}
        ),
        CommandSchedule.objects.create(
            name="<b>Mornings",
            kind=Kind.LIGHTS,
            parameters={"on": True},
            vehicles=[action.vehicle_id],
            days=[0, 4],
            at=time(6, 30),
            time_zone="Europe/Berlin",
            next_at=now,
            last_batch=batch,
            created_at=now,
            created_by=owner,
        ),
        WakeUpUse.objects.create(vehicle=action.vehicle, month=now.date().replace(day=1), used=3),
        RemoteNotification.objects.create(
            message=message,
            callback=callback,
            action=action,
            vehicle=action.vehicle,
            digest="x",
            received_at=now,
            remote_action_id=action.remote_action_id,
            vin=action.vehicle.vin,
            remote_type="Doors",
            type="Pending",
            status="ThinkingAboutIt",
            verdict=Verdict.UNKNOWN_VALUE,
            raw={"vin": "<i>odd"},
        ),
    )


def _bikes(world: World) -> None:
    """A trip whose cyclist asks for its end, and everything around it."""
    now = timezone.now()
    program = ProgramFactory(publish_gbfs=True)
    station = StationFactory(program=program, name="Quai <1> & 'co'", external_id="7")
    box = LockBoxFactory(program=program, said={"latitude": 48.85, "longitude": 2.35, "last_seen": now, "battery": 9})
    vehicule = BikeFactory(program=program, boitier=box, station=station)
    trip = ending_trip(TripStatus.TERMINATION_REQUESTED, program=program, vehicule=vehicule)
    cyclist = trip.cyclist
    said = {"latitude": 48.85, "longitude": 2.35}
    message = TelemetryMessage.objects.create(
        boitier_id=box.pk, trip_id=trip.pk, type="position", value=said, verdict="state", at=now, received_at=now
    )
    world.add(
        program,
        station,
        box,
        box.state,
        vehicule.told,
        vehicule,
        trip,
        cyclist,
        trip.requests.get(),
        message,
        DockFactory(program=program, station=station, number="1"),
        ZoneFactory(program=program),
        PassFactory(program=program, user=cyclist),
        RegistrationFactory(program=program, cyclist=cyclist),
        SubscriptionFactory(program=program, cyclist=cyclist, status=SubscriptionStatus.WAITING_VALIDATION),
        FeedSource.objects.create(program=program, url="https://feeds.example/<gbfs>.json"),
        StationFavorite.objects.create(cyclist=cyclist, station=station, created=now),
    )


def _outbox(world: World) -> None:
    now, group = timezone.now(), world[NotificationGroup]
    payload = {
        "group_id": group.pk,
        "group": group.name,
        "charge_points": 1,
        "cases": list(group.cases),
        "sent_by": "someone",
        "url": "https://signalbox.example/",
    }
    event = Event.objects.create(
        kind=GROUP_TEST, subject=group.list_key, dedup_key="walked", payload=payload, occurred_at=now, created_at=now
    )
    delivery = Delivery.objects.create(
        event=event,
        channel="email",
        address=ADDRESS,
        list_key=group.list_key,
        destination="email:example.org",
        state="failed",
        reason="address_refused",
        attempts=1,
        created_at=now,
        settled_at=now,
    )
    shown = Delivery.objects.create(
        event=event,
        channel="banner",
        address="driver:12",
        destination="banner:driver:12",
        state="delivered",
        created_at=now,
        settled_at=now,
    )
    world.add(
        event,
        delivery,
        Banner.objects.create(
            delivery=shown, audience="driver:12", kind=event.kind, subject=event.subject, shown_at=now
        ),
        HealthAlert.objects.create(name="worker", text="last sign of life 75 s ago", began_at=now),
        Attempt.objects.create(delivery=delivery, at=now, duration_ms=5, verdict="failed", code=550, answer="<no>"),
        Address.objects.create(channel="email", address=ADDRESS, failing_since=now, last_answer="550 no"),
    )
    topic_list = TopicList.objects.create(name="Topics & <all>", topics=["*"], condition="city:köln")
    Delivery.objects.create(
        event=event,
        channel="email",
        address=ADDRESS,
        list_key=topic_list.list_key,
        destination="email:example.org",
        state="delivered",
        attempts=1,
        created_at=now,
        settled_at=now,
    )
    world.add(
        topic_list,
        TopicListAddress.objects.create(topic_list=topic_list, address=ADDRESS),
        TopicDecision.objects.create(
            topic_list=topic_list,
            list_name=topic_list.name,
            event=event,
            state="skipped",
            reason="condition",
            decided_at=now,
        ),
    )
    _webhooks(world, event)
    world.token = unsubscribe_url(group.list_key, ADDRESS).rstrip("/").rpartition("/")[2]
    assert read_token(world.token) == (group.list_key, ADDRESS)


def _webhooks(world: World, event: Event) -> None:
    now = timezone.now()
    endpoint = WebhookEndpoint.objects.create(
        url="https://hooks.example.com/in?key=1",
        description="Hooks & <all>",
        topics=["*"],
        condition="city:köln",
        headers={"X-Key": "topsecret"},
        created_at=now,
        failing_since=now,
    )
    world.add(endpoint, WebhookSecret.objects.create(endpoint=endpoint, secret="whsec_d2Fsa2Vk", created_at=now))
    Delivery.objects.create(
        event=event,
        channel="webhook",
        address=endpoint.shown_url,
        list_key=endpoint.key,
        destination=endpoint.key,
        state="failed",
        reason="rejected",
        attempts=1,
        created_at=now,
        settled_at=now,
    )


def _console(world: World, owner: User) -> None:
    now = timezone.now()
    LogEntry.objects.log_create(world[ChargePoint], action=LogEntry.Action.UPDATE, changes={"name": ["<a>", "<b>"]})
    world.add(
        SignOfLife.objects.create(part="worker", instance="here", at=now),
        Job.objects.create(
            kind=IMPORT.kind, label="Import of <x>.csv", created_by=owner, state=JobState.REVIEW, total=10
        ),
        LogEntry.objects.all()[0],
        AccessAttempt.objects.create(username="someone", ip_address="192.0.2.1", failures_since_start=1),
        AccessLog.objects.create(username="someone", ip_address="192.0.2.1"),
        SavedSearch.objects.create(list_key="charge_points", name="<mine>", query="q=k%C3%B6ln", owner=owner),
        ColumnChoice.objects.create(list_key="charge_points", columns=["evse_id", "city"], owner=owner),
        KnownValue.objects.create(column="walked.city", value="Köln <Süd>"),
        FacetCensus.objects.create(list_key="walked", counted_at=now, took_ms=5, rows=1),
        FacetCount.objects.create(list_key="walked", facet="city", value="Köln", folded="koln", count=1, rank=0),
        keep_undo(
            kind="group_members.remove",
            label="1 removed <b>",
            arguments={"group": world[NotificationGroup].pk},
            ids=[world[ChargePoint].pk],
            by=owner,
            now=now,
        ),
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
