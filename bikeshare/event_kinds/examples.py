"""The objects in the examples of the topics: one small city."""

from __future__ import annotations

from datetime import UTC, datetime

from bikeshare.event_kinds.objects import (
    AbonnementFacts,
    BoitierFacts,
    CyclistFacts,
    DockFacts,
    PassFacts,
    Position,
    RegistrationFacts,
    StationFacts,
    TerminationRequestFacts,
    TripFacts,
    VehiculeFacts,
    ZoneFacts,
)

PROGRAM, CITY = "lutece", "Paris"
AT = datetime(2026, 11, 21, 5, 40, tzinfo=UTC)
MADE = datetime(2026, 3, 1, 8, tzinfo=UTC)
HERE = Position(latitude=48.85341, longitude=2.3488)
_IDS = {
    name: f"{prefix}03KfZ0d1uTq2XbW7mYpR8s"
    for name, prefix in {
        "cyclist": "cycl_",
        "registration": "regi_",
        "pass": "pass_",
        "abonnement": "abon_",
        "station": "stn_",
        "dock": "dock_",
        "boitier": "boit_",
        "vehicule": "vhcl_",
        "trip": "trip_",
        "request": "treq_",
        "zone": "zone_",
    }.items()
}

CYCLIST = CyclistFacts(id=_IDS["cyclist"], program=PROGRAM, version=3, created=MADE, status="active")
REGISTRATION = RegistrationFacts(
    id=_IDS["registration"],
    program=PROGRAM,
    version=2,
    created=MADE,
    cyclist=CYCLIST.id,
    status="active",
    first_trip_at=AT,
)
PASS = PassFacts(id=_IDS["pass"], program=PROGRAM, version=2, created=MADE, uid="••••B4C2", user=CYCLIST.id)
ABONNEMENT = AbonnementFacts(
    id=_IDS["abonnement"],
    program=PROGRAM,
    version=4,
    created=MADE,
    cyclist=CYCLIST.id,
    forfait="year",
    amount=4900,
    status="active",
    can_rent=True,
    activated_at=MADE,
    trial_end=datetime(2026, 11, 24, 5, 40, tzinfo=UTC),
)
STATION = StationFacts(
    id=_IDS["station"],
    program=PROGRAM,
    version=5,
    created=MADE,
    name="Quai de la Tournelle",
    short_name="12",
    position=HERE,
    city=CITY,
    capacity=8,
)
VEHICULE = VehiculeFacts(
    id=_IDS["vehicule"],
    program=PROGRAM,
    version=9,
    created=MADE,
    number="0417",
    type="vae",
    status="ready",
    boitier=_IDS["boitier"],
    lock="unlocked",
    chain_type="valid",
    battery=19.0,
    battery_vae=64.0,
    position=HERE,
    position_at=AT,
)
DOCK = DockFacts(
    id=_IDS["dock"],
    program=PROGRAM,
    version=31,
    created=MADE,
    station=STATION.id,
    number="3",
    rfid="E200001B",
    free=False,
    vehicule=VEHICULE.id,
    vehicule_number="0417",
    vehicule_type="vae",
)
BOITIER = BoitierFacts(
    id=_IDS["boitier"],
    program=PROGRAM,
    version=1,
    created=MADE,
    number="BX-000417",
    fw="3.2.1",
    vehicule=VEHICULE.id,
    lock="locked",
    chain_type="valid",
    battery=19.0,
    position=HERE,
    last_seen=AT,
)
TRIP = TripFacts(
    id=_IDS["trip"],
    program=PROGRAM,
    version=2,
    created=AT,
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
REQUEST = TerminationRequestFacts(
    id=_IDS["request"], program=PROGRAM, version=1, created=AT, trip=TRIP.id, origin="system", status="created", date=AT
)
ZONE = ZoneFacts(
    id=_IDS["zone"],
    program=PROGRAM,
    version=1,
    created=MADE,
    name="Jardin du Roi",
    type="forbidden",
    precedence=3,
    geometry={
        "type": "MultiPolygon",
        "coordinates": [[[[2.356, 48.843], [2.362, 48.842], [2.363, 48.846], [2.356, 48.843]]]],
    },
    bounds=[Position(48.843, 2.356), Position(48.842, 2.362), Position(48.846, 2.363)],
)
