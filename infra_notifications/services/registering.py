"""Stations that nobody knows become charge points by themselves, where their route says so."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db.models.functions import Upper

from core.refusal import Refused
from core.text import identity_key
from infra_notifications.choices import SourceKind
from infra_notifications.models import ChargePoint, OcppRoute, UnknownChargePoint
from infra_notifications.models.sources import source_id
from infra_notifications.services.adoption import UnknownStation, adopt_stations, whole_stations

log = structlog.get_logger("signalbox.ocpp_routes")
# A station tells of its connectors one by one after it has booted; one that tells of none is a charge point itself.
SETTLES, LATEST = timedelta(seconds=10), timedelta(seconds=60)
LIMIT = 200


def register_booted(*, now: datetime) -> list[str]:
    """Adopts the stations that booted on a route with `register_unknown`; returns the EVSE ids that they got."""
    made: list[str] = []
    for route in OcppRoute.objects.filter(register_unknown=True, enabled=True):
        source = source_id(SourceKind.PROXY, route.pk)
        senders = UnknownChargePoint.objects.filter(source=source, first_seen__lte=now - SETTLES).order_by("pk")[:LIMIT]
        stations = [each for each in whole_stations(senders) if _is_ready(each, now)]
        if not stations:
            continue
        try:
            done = adopt_stations(stations=stations, pattern=route.evse_pattern, now=now)
        except Refused as refused:
            log.warning("stations were not registered", route=route.slug, error=refused.sentence)
            continue
        made += done.evse_ids
        for station, sentence in done.refused.items():
            log.info("a station was not registered", route=route.slug, station=station, error=sentence)
    return made


def _is_ready(station: UnknownStation, now: datetime) -> bool:
    """Whether a station has booted, or is known by another of its connectors, and told what it has."""
    began = min(sender.first_seen for sender in station.senders)
    has_connector = any(sender.connector for sender in station.senders)
    if began > now - (SETTLES if has_connector else LATEST):
        return False
    if any(station.facts.values()):
        return True
    return ChargePoint.objects.alias(key=Upper("station")).filter(key=identity_key(station.name)).exists()
