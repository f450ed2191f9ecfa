"""The demo's charging network: stations of six invented sites, three groups, a history of incidents."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from core.ingest import Submission
from infra_notifications.choices import Case
from infra_notifications.ingest import OcppMessage, SignalMessage
from infra_notifications.models import ChargePoint, Incident, NotificationGroup
from infra_notifications.services.acknowledging import acknowledge_incidents
from infra_notifications.services.charge_points import ChargePointInput, upsert_charge_points
from infra_notifications.services.groups import create_group
from infra_notifications.services.maintenance import Targets, plan_maintenance
from infra_notifications.services.messages import take_messages
from infra_notifications.services.signals import take_signals
from outbox.services.webhooks import EndpointInput, create_endpoint

# location, street, postal code, city, latitude, longitude, stations, power in kW
SITES = (
    ("Parkhaus Süd", "Bahnhofstr. 12", "50667", "Köln", 50.9375, 6.9603, 10, 22),
    ("Rheinufer Nord", "Uferstr. 3", "53113", "Bonn", 50.7374, 7.0982, 6, 11),
    ("Autohof Ost", "Am Kreuz 1", "44143", "Dortmund", 51.5136, 7.4653, 4, 150),
    ("Messe", "Messeplatz 1", "40474", "Düsseldorf", 51.2277, 6.7735, 8, 22),
    ("Gare centrale", "1 place de la Gare", "67000", "Strasbourg", 48.5734, 7.7521, 6, 22),
    ("Depot", "Hafenweg 20", "48155", "Münster", 51.9607, 7.6261, 6, 50),
)
MODELS = (("Mennekes", "Amtron 22"), ("Alfen", "Eve Double"), ("ABB", "Terra 54"), ("Compleo", "Duo"))


def load(now: datetime) -> None:
    """Fills an empty database; does nothing when there are charge points."""
    if ChargePoint.objects.exists():
        return
    chance = random.Random(20261121)  # noqa: S311 - the same demo everywhere
    rows = _charge_points(chance)
    upsert_charge_points(rows=rows, now=now)
    _history(rows, chance, now)
    _groups()
    _troubles(rows, chance, now)
    plan_maintenance(
        reason="New transformer",
        starts_at=now + timedelta(hours=10),
        ends_at=now + timedelta(hours=16),
        targets=Targets(locations=[("Messe", "Düsseldorf")]),
        author="operator",
        now=now,
    )
    _tickets(now)


def _charge_points(chance: random.Random) -> list[ChargePointInput]:
    stations = [site for site in SITES for _ in range(site[6])]
    return [
        _charge_point(number, connector, site, MODELS[number % len(MODELS)], chance)
        for number, site in enumerate(stations, 1)
        for connector in (1, 2)
    ]


def _charge_point(
    number: int, connector: int, site: tuple[Any, ...], kind: tuple[str, str], chance: random.Random
) -> ChargePointInput:
    location, street, postal_code, city, latitude, longitude, _stations, power = site
    return ChargePointInput(
        evse_id=f"DE*SBX*E{number:04d}*{connector}",
        station=f"SBX-{number:04d}",
        connector=connector,
        name=f"{location} {number}{'ab'[connector - 1]}",
        location=location,
        street=street,
        postal_code=postal_code,
        city=city,
        country="FRA" if city == "Strasbourg" else "DEU",
        latitude=latitude + chance.uniform(-0.002, 0.002),
        longitude=longitude + chance.uniform(-0.002, 0.002),
        operator="Signalbox Demo",
        vendor=kind[0],
        model=kind[1],
        firmware=f"5.{chance.randint(10, 32)}",
        connector_standard="IEC_62196_T2_COMBO" if power >= 50 else "IEC_62196_T2",
        power_type="DC" if power >= 50 else "AC_3_PHASE",
        max_power_kw=float(power),
        # The demo's chargers speak once and then rest; two days pass before they count as silent.
        expected_interval_s=2 * 86_400,
        tags=["demo", "hub" if power >= 50 else "city"],
    )


def _history(rows: list[ChargePointInput], chance: random.Random, now: datetime) -> None:
    """Thirty days of incidents, long closed and told to nobody, and a first sign of life of everyone."""
    for day in range(30, 0, -1):
        raised: list[SignalMessage] = []
        cleared: list[SignalMessage] = []
        for row in chance.sample(rows, 2):
            case = chance.choice([*Case, Case.UNAVAILABLE])
            began = now - timedelta(days=day, minutes=chance.randint(0, 900))
            ended = began + timedelta(minutes=chance.randint(5, 300))
            for signals, state, at in ((raised, "raised", began), (cleared, "cleared", ended)):
                signals.append(
                    SignalMessage(charge_point=row.evse_id, case=case, state=state, occurred_at=at.isoformat())
                )
        for signals, at in ((raised, now - timedelta(days=day)), (cleared, now - timedelta(days=day, hours=-5))):
            take_signals(submissions=[Submission(0, list(enumerate(signals)))], now=at)
    messages = [
        OcppMessage(
            station=str(row.station),
            protocol="ocpp1.6",
            action="StatusNotification",
            payload={
                "connectorId": row.connector,
                "errorCode": "NoError",
                "status": chance.choice(["Available", "Available", "Charging", "Preparing"]),
            },
        )
        for row in rows
    ]
    take_messages(submissions=[Submission(0, list(enumerate(messages)))], now=now - timedelta(hours=11))


def _tickets(now: datetime) -> None:
    """A webhook endpoint, paused until it is pointed at a real receiver."""
    wanted = EndpointInput(
        url="https://maintenance.example/hooks/signalbox",
        topics=["charge_point.*"],
        description="Tickets of the maintenance company",
        condition="city:köln",
        contact="tickets@maintenance.example",
    )
    create_endpoint(details=wanted, now=now, enabled=False)


def _troubles(rows: list[ChargePointInput], chance: random.Random, now: datetime) -> None:
    """What is broken right now, at places that no group watches yet: nobody is mailed."""
    at_unwatched = [row for row in rows if row.city in ("Bonn", "Münster")]
    cases = [*Case, Case.UNAVAILABLE]
    for row, case in zip(chance.sample(at_unwatched, len(cases)), cases, strict=True):
        began = now - timedelta(minutes=chance.randint(4, 600))
        signal = SignalMessage(charge_point=row.evse_id, case=case, state="raised", occurred_at=began.isoformat())
        take_signals(submissions=[Submission(0, [(0, signal)])], now=began)
    newest = Incident.objects.filter(closed_at=None).latest("opened_at")
    acknowledge_incidents(incident_ids=[newest.pk], author="operator", note="An electrician is on the way.", now=now)


def _groups() -> None:
    by_city = {site[3]: list(ChargePoint.objects.filter(city=site[3]).values_list("pk", flat=True)) for site in SITES}
    for name, city, cases, language in (
        ("Köln", "Köln", list(Case.values), "de"),
        ("Strasbourg", "Strasbourg", [Case.FUSE_TRIPPED, Case.UNAVAILABLE], "fr"),
        ("Fast chargers", "Dortmund", list(Case.values), "en"),
    ):
        if NotificationGroup.objects.filter(name=name).exists():
            continue
        mail = name.lower().replace("ö", "oe").replace(" ", "-")
        create_group(
            settings={"name": name, "cases": cases, "language": language},
            emails=[f"{mail}@service.example", f"night-shift-{mail}@service.example"],
            charge_point_ids=by_city[city],
        )
