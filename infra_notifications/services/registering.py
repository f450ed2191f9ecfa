"""Stations that nobody knows become charge points by themselves, where their route says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db.models import Q, QuerySet
from django.db.models.functions import Upper

from core.refusal import Refused
from core.text import identity_key
from infra_notifications.choices import SourceKind
from infra_notifications.models import ChargePoint, OcppRoute, StationConnection, UnknownChargePoint
from infra_notifications.models.sources import source_id
from infra_notifications.services.adoption import UnknownStation, adopt_stations, whole_stations
from infra_notifications.services.connections import PROTOCOL

log = structlog.get_logger("signalbox.ocpp_routes")
# A station tells of its connectors one by one after it has booted; one that tells of none is its first one.
SETTLES, LATEST = timedelta(seconds=10), timedelta(seconds=60)
LIMIT = 200


class Registrar:
    """Registers round by round. It remembers what it said of whom, and how far it came: who is refused again and again
    is logged once, and keeps nobody else waiting."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], str] = {}
        self._after: dict[int, int] = {}

    def register(self, *, now: datetime) -> list[str]:
        """Adopts the stations that spoke on a route with `register_unknown`; returns the EVSE ids that they got."""
        routes = list(OcppRoute.objects.filter(register_unknown=True, enabled=True))
        known = {route.slug for route in routes}
        self._said = {place: sentence for place, sentence in self._said.items() if place[0] in known}
        return [evse_id for route in routes for evse_id in self._register(route, now)]

    def _register(self, route: OcppRoute, now: datetime) -> list[str]:
        senders = UnknownChargePoint.objects.filter(
            source=source_id(SourceKind.PROXY, route.pk),
            first_seen__lte=now - SETTLES,
            pk__gt=self._after.get(route.pk, 0),
        )
        found = list(senders.order_by("pk")[:LIMIT])
        # After the last ones it begins with the first ones again.
        self._after[route.pk] = found[-1].pk if len(found) == LIMIT else 0
        stations = _ready(whole_stations(found), now)
        if not stations:
            return []
        try:
            done = adopt_stations(stations=stations, pattern=route.evse_pattern, first_connector=1, now=now)
        except Refused as refused:
            self._say(route, "", refused.sentence)
            return []
        for station, sentence in done.refused.items():
            self._say(route, station, sentence)
        return done.evse_ids

    def _say(self, route: OcppRoute, station: str, sentence: str) -> None:
        if self._said.get((route.slug, station)) != sentence:
            self._said[route.slug, station] = sentence
            senders = UnknownChargePoint.objects.filter(source=source_id(SourceKind.PROXY, route.pk))
            if station:
                senders = senders.filter(Q(station=station) | Q(station="", evse_id=station))
            senders.update(refusal=sentence[:300])
            log.warning("a station was not registered", route=route.slug, station=station, error=sentence)


def refused_by(route: OcppRoute) -> QuerySet[UnknownChargePoint]:
    """Senders of a route that it could not register, each with the reason."""
    return UnknownChargePoint.objects.filter(source=source_id(SourceKind.PROXY, route.pk)).exclude(refusal="")


def _ready(stations: Sequence[UnknownStation], now: datetime) -> list[UnknownStation]:
    """Those that said something, and had the time to tell what they have."""
    keys = {identity_key(station.name) for station in stations}
    spoke = set(StationConnection.objects.filter(key__in=keys, messages__gt=0).values_list("key", flat=True))
    spoke |= set(ChargePoint.objects.annotate(key=Upper("station")).filter(key__in=keys).values_list("key", flat=True))
    return [each for each in stations if _is_settled(each, now) and (_spoke(each) or identity_key(each.name) in spoke)]


def _is_settled(station: UnknownStation, now: datetime) -> bool:
    began = min(sender.first_seen for sender in station.senders)
    has_connector = any(sender.connector for sender in station.senders)
    return began <= now - (SETTLES if has_connector else LATEST)


def _spoke(station: UnknownStation) -> bool:
    """Whether more is known of it than that it connected."""
    kept = (said for sender in station.senders for said in sender.said.get("messages", ()))
    last = (sender.sample.get("protocol") for sender in station.senders)
    return any("connected" not in said for said in kept) or any(protocol != PROTOCOL for protocol in last)
