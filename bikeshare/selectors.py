"""Reads of bike-share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet

from bikeshare.choices import ENDING, RUNNING, BikeStatus, OpenStatus, TelemetryType
from bikeshare.event_kinds import DOMAIN, TOPICS
from bikeshare.models import (
    Bike,
    Cyclist,
    Dock,
    LockBox,
    Program,
    Resource,
    Station,
    TelemetryMessage,
    Trip,
    Zone,
)
from outbox.choices import ENDPOINT_COLOURS, EndpointState
from outbox.event_kinds import matches_topic
from outbox.models import Event, TopicList, WebhookEndpoint

# What is read together with a row, so that `facts_of` and the lists ask for nothing more.
_JOINED: dict[type[Resource], tuple[str, ...]] = {
    LockBox: ("state", "vehicule"),
    Dock: ("vehicule",),
    Bike: ("boitier__state", "program"),
}
_SHOWN: dict[str, tuple[str, ...]] = {
    "abonnement": ("cyclist",),
    "dock": ("station", "vehicule"),
    "pass": ("user",),
    "registration": ("cyclist",),
    "trip": ("cyclist", "vehicule"),
    "vehicule": ("boitier__state", "station", "told"),
    "boitier": ("state", "vehicule"),
}


def rows_of(model: type[Resource]) -> QuerySet[Any]:
    """The living rows of a resource with what their facts need."""
    return model.objects.select_related(*_JOINED.get(model, ()))


def listed(model: type[Resource]) -> QuerySet[Any]:
    """The same with what a list shows besides."""
    return model.objects.select_related("program", *_SHOWN.get(model.NAME, ()))


def programs() -> QuerySet[Program]:
    return Program.objects.all()


def docks_of(station_ids: Iterable[str]) -> dict[str, dict[str, int]]:
    """For each station its docks: `total`, `free`, `vehicules`; those that are closed count for nothing."""
    rows = (
        Dock.objects.filter(station_id__in=list(station_ids), status=OpenStatus.OPEN)
        .values_list("station_id")
        .annotate(total=Count("pk"), taken=Count("vehicule"))
        .order_by()
    )
    return {pk: {"total": total, "free": total - taken, "vehicules": taken} for pk, total, taken in rows}


def vehicules_at(station_ids: Iterable[str]) -> dict[str, int]:
    rows = Bike.objects.filter(station_id__in=list(station_ids)).values_list("station_id")
    return dict(rows.annotate(n=Count("pk")).order_by())


def attach_docks(stations: Sequence[Station]) -> None:
    """Gives each station `dock_counts` and `vehicule_count`, in two queries for a whole page."""
    ids = [station.pk for station in stations]
    docks, vehicules = docks_of(ids), vehicules_at(ids)
    for station in stations:
        station.dock_counts = docks.get(station.pk, {"total": 0, "free": 0, "vehicules": 0})  # type: ignore[attr-defined]
        station.vehicule_count = vehicules.get(station.pk, 0)  # type: ignore[attr-defined]


def events_about(subjects: Iterable[str], limit: int = 100) -> list[Event]:
    """What was told about these objects, newest first."""
    return list(Event.objects.filter(subject__in=list(subjects)).order_by("-id")[:limit])


def events_of_trip(trip: Trip, request_ids: Iterable[str], limit: int = 200) -> list[Event]:
    """What was told of a trip, and of its vehicle and box while it lasted."""
    mine = Q(subject__in=[trip.pk, *request_ids])
    while_riding = Q(subject__in=[trip.vehicule_id, trip.vehicule.boitier_id], payload__trip=trip.pk)
    return list(Event.objects.filter(mine | while_riding).order_by("-id")[:limit])


def messages_of_trip(trip: Trip, limit: int = 200) -> list[TelemetryMessage]:
    """What the box said during a trip, without its positions."""
    messages = TelemetryMessage.objects.filter(trip_id=trip.pk).exclude(type=TelemetryType.POSITION)
    return list(messages.order_by("-id")[:limit])


def track_of_trip(trip: Trip, limit: int = 2_000) -> list[tuple[float, float]]:
    """The trip's positions (latitude, longitude) in their order, at most so many of the newest."""
    positions = TelemetryMessage.objects.filter(trip_id=trip.pk, type=TelemetryType.POSITION).order_by("-id")
    values = positions.values_list("at", "value")[:limit]
    return [(value["latitude"], value["longitude"]) for _at, value in sorted(values, key=lambda row: row[0])]


def open_zones(program_id: str, limit: int | None = None) -> list[Zone]:
    """A program's zones in use, in the order in which they decide."""
    return list(Zone.objects.filter(program_id=program_id, status=OpenStatus.OPEN).order_by("precedence", "pk")[:limit])


def messages_of_boitier(boitier_id: str, limit: int = 100) -> list[TelemetryMessage]:
    return list(TelemetryMessage.objects.filter(boitier_id=boitier_id).order_by("-id")[:limit])


def running_trips() -> QuerySet[Trip]:
    return Trip.objects.filter(status__in=RUNNING)


def overview(now: datetime) -> dict[str, int]:
    """The numbers of the dashboard."""
    trips = running_trips().aggregate(renting=Count("pk"), ending=Count("pk", filter=Q(status__in=ENDING)))
    vehicules = Bike.objects.aggregate(
        ready=Count("pk", filter=Q(status=BikeStatus.READY)),
        low=Count("pk", filter=Q(told__battery_low=True) | Q(told__battery_vae_low=True)),
    )
    since = Event.objects.filter(kind="vehicule.position.forbidden", created_at__gte=now - timedelta(hours=24))
    return {**trips, **vehicules, "forbidden": since.count()}


def topic_activity(now: datetime) -> dict[str, tuple[datetime | None, int | None, int]]:
    """For each topic the time and id of its last event, and how many there were in the last 24 hours.

    One walk to the end of an index per topic, and one over the last day's events.
    """
    keys = [topic.key for topic in TOPICS]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT k.kind, last.created_at, last.id FROM unnest(%s::text[]) AS k(kind) LEFT JOIN LATERAL"
            " (SELECT id, created_at FROM outbox_event e WHERE e.kind = k.kind ORDER BY id DESC LIMIT 1) last ON true",
            [keys],
        )
        last = {kind: (at, pk) for kind, at, pk in cursor.fetchall()}
        cursor.execute(
            "SELECT kind, count(*) FROM outbox_event WHERE created_at >= %s AND kind = ANY(%s) GROUP BY kind",
            [now - timedelta(hours=24), keys],
        )
        counts = dict(cursor.fetchall())
    return {key: (*last[key], counts.get(key, 0)) for key in keys}


@dataclass(frozen=True)
class TopicListener:
    """A webhook endpoint or a topic list, with the route of its page, and its state unless it is on."""

    name: str
    route: str
    pk: int
    condition: str
    state: str = ""
    colour: str = ""


def topic_listeners(*, webhooks: bool = True, lists: bool = True) -> dict[str, list[TopicListener]]:
    """Who listens to each topic, whatever condition they put on its events: endpoints first, then mailing lists."""
    by_topic: dict[str, list[TopicListener]] = {topic.key: [] for topic in TOPICS}
    for endpoint in WebhookEndpoint.objects.order_by("pk") if webhooks else ():
        state = EndpointState(endpoint.state)
        off = ("", "") if state == EndpointState.ENABLED else (str(state.label), ENDPOINT_COLOURS[state])
        listener = TopicListener(str(endpoint), "outbox:webhook", endpoint.pk, endpoint.condition, *off)
        _listens(by_topic, endpoint.topics, listener)
    for topic_list in TopicList.objects.filter(domain__in=("", DOMAIN)) if lists else ():
        off = ("", "") if topic_list.enabled else (str(EndpointState.DISABLED.label), "secondary")
        _listens(
            by_topic,
            topic_list.topics,
            TopicListener(topic_list.name, "outbox:topic_list", topic_list.pk, topic_list.condition, *off),
        )
    return by_topic


def _listens(by_topic: dict[str, list[TopicListener]], topics: Iterable[str], listener: TopicListener) -> None:
    for key, listeners in by_topic.items():
        if any(matches_topic(topic, key) for topic in topics):
            listeners.append(listener)


# ---- people ---------------------------------------------------------------------------------------------------------

# What a webhook endpoint gets that asks for personal data; identity documents stay with the API.
PERSONAL_FIELDS = ("name", "email", "phone_number")


def people(payloads: Sequence[Mapping[str, Any]]) -> list[dict[str, Any] | None]:
    """For each event's payload the cyclist that it tells of: id, name, email, phone_number; one query.

    None where there is none, and for a cyclist who was erased.
    """
    ids = [_cyclist_in(payload) for payload in payloads]
    rows = Cyclist.everything.filter(pk__in={pk for pk in ids if pk}, deleted_at=None).values("id", *PERSONAL_FIELDS)
    cyclists = {row["id"]: row for row in rows}
    return [cyclists.get(pk) for pk in ids]


def _cyclist_in(payload: Mapping[str, Any]) -> str:
    """The id of the cyclist that an event's object is, or that it names; empty for none."""
    subject = payload.get("object")
    if not isinstance(subject, Mapping):
        return ""
    pk = subject.get("id") if subject.get("object") == "cyclist" else subject.get("cyclist") or subject.get("user")
    return pk if isinstance(pk, str) else ""
