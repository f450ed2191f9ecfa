"""The demo's charging network: stations of invented sites, three groups, a history of incidents."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from core.ingest import Submission
from infra_notifications.choices import CASES, Case
from infra_notifications.ingest import OcppMessage, SignalMessage
from infra_notifications.management.charging_simulator import Event, Step
from infra_notifications.management.charging_simulator.dialects import DIALECTS, Knowledge
from infra_notifications.management.charging_simulator.site import (
    CONNECTORS,
    ROUTE,
    TICKETS,
    TICKETS_PLACEHOLDER,
    SiteStation,
    stations,
)
from infra_notifications.management.charging_simulator.story import BROKEN
from infra_notifications.models import ChargePoint, Incident, NotificationGroup
from infra_notifications.services.acknowledging import acknowledge_incidents
from infra_notifications.services.charge_points import ChargePointInput, upsert_charge_points
from infra_notifications.services.groups import create_group
from infra_notifications.services.maintenance import Targets, plan_maintenance
from infra_notifications.services.messages import take_messages
from infra_notifications.services.ocpp_routes import RouteInput, create_route
from infra_notifications.services.signals import take_signals
from outbox.services.webhooks import EndpointInput, create_endpoint

# Most stations are let live by the simulator, and are cut off only when it stops; of a closed site nothing is expected.
EXPECTED_S, CLOSED_EXPECTED_S = 2 * 86_400, 200 * 86_400
HISTORY_DAYS = 30
# The demo's mail server says that nobody of this address works there any more.
GONE = "former-colleague@service.example"


def load(now: datetime) -> None:
    """Fills an empty database; does nothing when there are charge points."""
    if ChargePoint.objects.exists():
        return
    chance = random.Random(20261121)  # noqa: S311 - the same demo everywhere
    rows = [_charge_point(station, connector, chance) for station in stations() for connector in (1, CONNECTORS)]
    upsert_charge_points(rows=rows, now=now)
    _history(rows, chance, now)
    _first_words(chance, now)
    _groups()
    _troubles(chance, now)
    _maintenance(now)
    _tickets(now)
    # The simulator, which knows where its CSMS listens, gives it another address.
    create_route(details=RouteInput(ROUTE, "wss://csms.example/ocpp"))


def _charge_point(station: SiteStation, connector: int, chance: random.Random) -> ChargePointInput:
    site = station.site
    return ChargePointInput(
        evse_id=station.evse_id(connector),
        station=station.identity,
        connector=connector,
        name=f"{site.location} {station.number}{'ab'[connector - 1]}",
        location=site.location,
        street=site.street,
        postal_code=site.postal_code,
        city=site.city,
        country="FRA" if site.city == "Strasbourg" else "DEU",
        latitude=site.latitude + chance.uniform(-0.002, 0.002),
        longitude=site.longitude + chance.uniform(-0.002, 0.002),
        operator="Signalbox Demo",
        vendor=station.vendor,
        model=station.model,
        firmware=station.firmware,
        connector_standard="IEC_62196_T2_COMBO" if station.is_fast else "IEC_62196_T2",
        power_type="DC" if station.is_fast else "AC_3_PHASE",
        max_power_kw=site.power_kw,
        expected_interval_s=CLOSED_EXPECTED_S if site.is_closed else EXPECTED_S,
        tags=["demo", "hub" if station.is_fast else "city"],
    )


def _history(rows: list[ChargePointInput], chance: random.Random, now: datetime) -> None:
    """Thirty days of incidents, long closed and told to nobody."""
    for day in range(HISTORY_DAYS, 0, -1):
        raised: list[SignalMessage] = []
        cleared: list[SignalMessage] = []
        for row in chance.sample(rows, 2):
            case = chance.choice([*Case, Case.UNAVAILABLE])
            began = now - timedelta(days=day, minutes=chance.randint(0, 900))
            ended = began + timedelta(minutes=chance.randint(5, 300))
            for signals, state, at in ((raised, "raised", began), (cleared, "cleared", ended)):
                signals.append(_signal(row.evse_id, case, state, at))
        for signals, at in ((raised, now - timedelta(days=day)), (cleared, now - timedelta(days=day, hours=-5))):
            _take_signals(signals, at)


def _signal(evse_id: str, case: Case, state: str, at: datetime) -> SignalMessage:
    return SignalMessage(
        charge_point=evse_id, case=case, state=state, occurred_at=at.isoformat(), detail=CASES[case].example
    )


def _take_signals(signals: list[SignalMessage], at: datetime) -> None:
    take_signals(submissions=[Submission(0, list(enumerate(signals)))], now=at)


def _first_words(chance: random.Random, now: datetime) -> None:
    """What each connector said last, before the demo was started; closed sites a few days ago."""
    for said_at, is_closed in ((now - timedelta(days=3, hours=2), True), (now - timedelta(hours=11), False)):
        messages = [
            OcppMessage(station=station.identity, protocol=station.protocol, action=action, payload=payload)
            for station in stations()
            if station.site.is_closed == is_closed
            for connector in range(1, CONNECTORS + 1)
            for action, payload in _messages(station, Step(0, Event.STATUS, connector, "Available"), said_at)
        ]
        chance.shuffle(messages)
        take_messages(submissions=[Submission(0, list(enumerate(messages)))], now=said_at)


def _messages(station: SiteStation, step: Step, at: datetime) -> list[tuple[str, dict[str, object]]]:
    known = Knowledge(station.vendor, station.model, station.firmware, "", "")
    return DIALECTS[station.protocol](step, known, at)


def _troubles(chance: random.Random, now: datetime) -> None:
    """What is broken right now, at places that no group watches: nobody is mailed."""
    by_number = {station.number: station for station in stations()}
    for number, (connector, fault, _hours) in BROKEN.items():
        station, began = by_number[number], now - timedelta(minutes=chance.randint(30, 600))
        messages = [
            OcppMessage(station=station.identity, protocol=station.protocol, action=action, payload=payload)
            for action, payload in _messages(station, Step(0, Event.FAULT, connector, fault), began)
        ]
        take_messages(submissions=[Submission(0, list(enumerate(messages)))], now=began)
    newest = Incident.objects.filter(closed_at=None).latest("opened_at")
    acknowledge_incidents(incident_ids=[newest.pk], author="operator", note="An electrician is on the way.", now=now)
    closed = [station for station in stations() if station.site.is_closed]
    for station, case in zip(closed, (Case.SENSORS, Case.UNAVAILABLE), strict=True):
        began = now - timedelta(minutes=chance.randint(30, 600))
        _take_signals([_signal(station.evse_id(1), case, "raised", began)], began)


def _maintenance(now: datetime) -> None:
    closed = next(station.site for station in stations() if station.site.is_closed)
    transformer = now + timedelta(hours=10)
    for reason, begins, ends, location in (
        ("New transformer", transformer, transformer + timedelta(hours=6), ("Messe", "Düsseldorf")),
        ("Closed for the winter", now, now + timedelta(days=110), (closed.location, closed.city)),
    ):
        plan_maintenance(
            reason=reason,
            starts_at=begins,
            ends_at=ends,
            targets=Targets(locations=[location]),
            author="operator",
            now=now,
        )


def _tickets(now: datetime) -> None:
    """A webhook endpoint, paused until the simulator points it at a real receiver."""
    details = EndpointInput(
        url=TICKETS_PLACEHOLDER,
        topics=["charge_point.*"],
        description=TICKETS,
        contact="tickets@maintenance.example",
    )
    create_endpoint(details=details, now=now, enabled=False)


def _groups() -> None:
    by_place = {"Köln": "Parkhaus Süd", "Strasbourg": "Gare centrale", "Fast chargers": "Autohof Ost"}
    for name, cases, language in (
        ("Köln", list(Case.values), "de"),
        ("Strasbourg", [Case.FUSE_TRIPPED, Case.UNAVAILABLE], "fr"),
        ("Fast chargers", list(Case.values), "en"),
    ):
        if NotificationGroup.objects.filter(name=name).exists():
            continue
        mail = name.lower().replace("ö", "oe").replace(" ", "-")
        emails = [f"{mail}@service.example", f"night-shift-{mail}@service.example"]
        if language == "fr":
            emails.append(GONE)
        create_group(
            settings={"name": name, "cases": cases, "language": language},
            emails=emails,
            charge_point_ids=list(ChargePoint.objects.filter(location=by_place[name]).values_list("pk", flat=True)),
        )
