"""The objects in the examples of the topics: one small city."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar

from bikeshare.event_kinds import objects as facts

Object = TypeVar("Object", bound=facts.ObjectFacts)
_ID = "03KfZ0d1uTq2XbW7mYpR8s"
PROGRAM, CITY = "lutece", "Paris"
AT = datetime(2026, 11, 21, 5, 40, tzinfo=UTC)
MADE = datetime(2026, 3, 1, 8, tzinfo=UTC)
HERE = facts.Position(latitude=48.85341, longitude=2.3488)


def _example(kind: type[Object], prefix: str, version: int, created: datetime = MADE, **own: Any) -> Object:
    return kind(id=f"{prefix}{_ID}", program=PROGRAM, version=version, created=created, **own)


CYCLIST = _example(facts.CyclistFacts, "cycl_", 3, status="active")
REGISTRATION = _example(facts.RegistrationFacts, "regi_", 2, cyclist=CYCLIST.id, status="active", first_trip_at=AT)
PASS = _example(facts.PassFacts, "pass_", 2, uid="••••B4C2", user=CYCLIST.id)
ABONNEMENT = _example(
    facts.SubscriptionFacts,
    "abon_",
    4,
    cyclist=CYCLIST.id,
    forfait="year",
    amount=4900,
    status="active",
    can_rent=True,
    activated_at=MADE,
    trial_end=datetime(2026, 11, 24, 5, 40, tzinfo=UTC),
)
STATION = _example(
    facts.StationFacts, "stn_", 5, name="Quai de la Tournelle", short_name="12", position=HERE, city=CITY, capacity=8
)
VEHICULE = _example(
    facts.BikeFacts,
    "vhcl_",
    9,
    number="0417",
    type="vae",
    status="ready",
    boitier=f"boit_{_ID}",
    lock="unlocked",
    chain_type="valid",
    battery=19.0,
    battery_vae=64.0,
    position=HERE,
    position_at=AT,
)
DOCK = _example(
    facts.DockFacts,
    "dock_",
    31,
    station=STATION.id,
    number="3",
    rfid="E200001B",
    free=False,
    vehicule=VEHICULE.id,
    vehicule_number="0417",
    vehicule_type="vae",
)
BOITIER = _example(
    facts.LockBoxFacts,
    "boit_",
    1,
    number="BX-000417",
    fw="3.2.1",
    vehicule=VEHICULE.id,
    lock="locked",
    chain_type="valid",
    battery=19.0,
    position=HERE,
    last_seen=AT,
)
TRIP = _example(
    facts.TripFacts,
    "trip_",
    2,
    AT,
    status="renting",
    cyclist=CYCLIST.id,
    vehicule=VEHICULE.id,
    vehicule_number="0417",
    vehicule_type="vae",
    forfait="year",
    start_timestamp=AT,
    start_name=STATION.name,
    start_station=STATION.id,
    start_dock=DOCK.id,
    start_position=HERE,
)
REQUEST = _example(
    facts.TerminationRequestFacts, "treq_", 1, AT, trip=TRIP.id, origin="system", status="created", date=AT
)
ZONE = _example(
    facts.ZoneFacts,
    "zone_",
    1,
    name="Jardin du Roi",
    type="forbidden",
    precedence=3,
    geometry={
        "type": "MultiPolygon",
        "coordinates": [[[[2.356, 48.843], [2.362, 48.842], [2.363, 48.846], [2.356, 48.843]]]],
    },
    bounds=[facts.Position(48.843, 2.356), facts.Position(48.842, 2.362), facts.Position(48.846, 2.363)],
)
