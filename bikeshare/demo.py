"""The demo's bikes: two cities with stations, docks, zones, vehicles, cyclists, a day of trips, and some trouble."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from bikeshare import models
from bikeshare.choices import BikeStatus, CyclistStatus, RegistrationStatus, SubscriptionStatus, ZoneType
from bikeshare.ingest.telemetry import DeviceMessage
from bikeshare.selectors import running_trips
from bikeshare.services import subscriptions, trips
from bikeshare.services.renting import start_trip
from bikeshare.services.telemetry import take_telemetry
from bikeshare.services.unit_of_work import ResourceUnitOfWork
from core.ingest import Submission
from outbox.services.topic_lists.lists import create_list

DOCKS = 8
# key, name, city, latitude, longitude, stations, vehicles, radius in degrees
CITIES = (
    ("lutece", "Vélos de Lutèce", "Paris", 48.8566, 2.3522, 18, 70, 0.030),
    ("nemo", "Némo à vélo", "Nantes", 47.2184, -1.5536, 8, 24, 0.016),
)
STREETS = ("Quai", "Place", "Gare", "Jardin", "Pont", "Marché", "Musée", "Parc", "Port")
NAMES = ("du Roi", "des Lilas", "Neuve", "du Canal", "Sainte-Anne", "de l’Île", "des Arts", "du Moulin", "du Nord")
PEOPLE = ("Camille", "Alix", "Noa", "Sacha", "Charlie", "Eden", "Lou", "Maxence", "Andrea", "Robin")
FAMILIES = ("Durand", "Moreau", "Petit", "Laurent", "Simon", "Michel", "Garcia", "Roux", "Fontaine", "Bonnet")


@dataclass
class City:
    """What is made for one program."""

    program: models.Program
    chance: random.Random
    work: ResourceUnitOfWork
    middle: tuple[float, float]
    radius: float
    docks: list[models.Dock] = field(default_factory=list)
    vehicules: list[models.Bike] = field(default_factory=list)
    riders: list[models.Cyclist] = field(default_factory=list)

    def make(self, model: Any, /, **values: Any) -> Any:
        row = model(id=models.new_id(model.PREFIX), program=self.program, created=self.work.now, **values)
        return self.work.create(row)


def load(now: datetime) -> None:
    """Fills an empty database; does nothing when there are programs."""
    if models.Program.objects.exists():
        return
    chance = random.Random(20261121)  # noqa: S311 - the same demo everywhere
    yesterday = now - timedelta(days=2)
    for key, name, place, latitude, longitude, stations, vehicules, radius in CITIES:
        program = models.Program.objects.create(
            pk=key,
            name=name,
            city=place,
            operator="Signalbox Demo",
            publish_gbfs=True,
            max_renting=2,
            contact_email="velos@service.example",
            exit_margin_m=15,
            accuracy_factor=2,
        )
        with ResourceUnitOfWork.begin(yesterday) as work:
            city = City(program, chance, work, (latitude, longitude), radius)
            _stations(city, stations)
            _vehicules(city, vehicules)
            _people(city, 40 if key == "lutece" else 12)
            _zones(city)
        _states(city, now)
        _trips(city, now)
    _incidents(now)
    _feed(now)
    create_list(
        settings={"name": "Batteries in Paris", "topics": ["vehicule.battery.low"], "condition": "city:paris"},
        emails=["batteries@service.example"],
    )


def _feed(now: datetime) -> None:
    """A neighbour whose stations and zones come in by its public feed: for the demo our own feed of Nantes."""
    program = models.Program.objects.create(
        pk="voisin", name="Vélos d’à côté", city="Nantes", operator="Signalbox Demo"
    )
    url = f"{settings.PUBLIC_URL}/gbfs/nemo/gbfs.json"
    models.FeedSource.objects.create(program=program, url=url, every_min=5, next_at=now)


def _stations(city: City, count: int) -> None:
    for number in range(1, count + 1):
        turn, far = 2.4 * number, city.radius * math.sqrt(number / count)
        station = city.make(
            models.Station,
            external_id=str(100 + number),
            short_name=f"{number:02d}",
            name=f"{STREETS[number % len(STREETS)]} {NAMES[(number * 5) % len(NAMES)]}",
            latitude=round(city.middle[0] + far * math.sin(turn), 5),
            longitude=round(city.middle[1] + 1.5 * far * math.cos(turn), 5),
            city=city.program.city,
            capacity=DOCKS,
            electrical=number % 5 == 0,
        )
        for place in range(1, DOCKS + 1):
            tag = f"E2{city.program.pk[:2].upper()}{number:02d}{place:02d}"
            dock = city.make(
                models.Dock,
                station=station,
                number=str(place),
                rfid=tag,
                end_code=f"{number:02d}{place}{city.program.pk[0].upper()}",
            )
            city.docks.append(dock)


def _vehicules(city: City, count: int) -> None:
    free = city.chance.sample(city.docks, count)
    for number, dock in enumerate(free, 1):
        box = city.make(models.LockBox, number=f"BX-{city.program.pk[:2].upper()}-{number:04d}", fw="3.2.1")
        city.work.attach(models.LockBoxState(boitier=box))
        status = BikeStatus.READY
        if number % 17 == 0:
            status = city.chance.choice([BikeStatus.MAINTENANCE, BikeStatus.HS])
        vehicule = city.make(
            models.Bike,
            number=f"{number:04d}",
            boitier=box,
            station=dock.station,
            type="vae" if number % 3 else "classic",
            model="titi" if number % 3 else "city",
            status=status,
        )
        city.work.attach(models.BikeState(vehicule=vehicule))
        city.work.change(dock, vehicule=vehicule)
        city.vehicules.append(vehicule)


def _people(city: City, count: int) -> None:
    for number in range(count):
        first, last = PEOPLE[number % len(PEOPLE)], FAMILIES[(number // len(PEOPLE) + number) % len(FAMILIES)]
        waits = number % 9 == 8
        cyclist = city.make(
            models.Cyclist,
            name=f"{first} {last}",
            status=CyclistStatus.ACTIVE,
            email=f"{first}.{last}.{number}@rider.example".lower(),
            phone_number=f"+336{number:08d}",
            has_payment_source=number % 7 != 6,
        )
        city.make(models.Registration, cyclist=cyclist, status=RegistrationStatus.ACTIVE)
        city.make(
            models.Subscription,
            cyclist=cyclist,
            forfait=("year", "month", "student")[number % 3],
            amount=(4900, 990, 0)[number % 3],
            supporting_documents=["student card"] if number % 3 == 2 else [],
            status=SubscriptionStatus.WAITING_VALIDATION if waits else SubscriptionStatus.ACTIVE,
            activated_at=None if waits else city.work.now,
        )
        if number % 2:
            city.make(models.Pass, uid=f"04{city.chance.getrandbits(40):010X}", user=cyclist)
        if not waits:
            city.riders.append(cyclist)


def _blob(chance: random.Random, middle: tuple[float, float], size: float, corners: int = 9) -> dict[str, Any]:
    """An area with corners around a middle, as GeoJSON."""
    ring = []
    for number in range(corners):
        turn, far = 2 * math.pi * number / corners, size * chance.uniform(0.75, 1)
        x = middle[1] + far * math.cos(turn) / math.cos(math.radians(middle[0]))
        ring.append([round(x, 5), round(middle[0] + far * math.sin(turn), 5)])
    return {"type": "MultiPolygon", "coordinates": [[[*ring, ring[0]]]]}


def _zones(city: City) -> None:
    kinds: tuple[tuple[str, ZoneType, list[dict[str, Any]], float], ...] = (
        ("Jardin des Plantes", ZoneType.FORBIDDEN, [], 0.12),
        ("Parc du Moulin", ZoneType.FORBIDDEN, [], 0.16),
        ("Île aux Oiseaux", ZoneType.FORBIDDEN, [], 0.10),
        ("Vieux quartier", ZoneType.LIMITED_TRAFFIC, [_rule(speed=10)], 0.30),
        ("Marché", ZoneType.LIMITED_TRAFFIC, [_rule(speed=6)], 0.14),
        ("Parking du Port", ZoneType.PARKING, [_rule()], 0.10),
    )
    for number, (name, kind, rules, size) in enumerate(kinds):
        turn, far = 1.1 + 1.9 * number, city.radius * (0.35 + 0.1 * number)
        place = (city.middle[0] + far * math.sin(turn), city.middle[1] + 1.5 * far * math.cos(turn))
        geometry = _blob(city.chance, place, city.radius * size)
        city.make(models.Zone, name=name, type=kind, rules=rules, precedence=number, geometry=geometry)


def _rule(speed: int | None = None) -> dict[str, Any]:
    rule: dict[str, Any] = {"ride_start_allowed": True, "ride_end_allowed": True, "ride_through_allowed": True}
    return rule | ({"maximum_speed_kph": speed} if speed else {})


def _take(messages: list[DeviceMessage], now: datetime) -> None:
    take_telemetry(submissions=[Submission(0, list(enumerate(messages)))], now=now)


def _say(vehicule: models.Bike, kind: str, at: datetime, **more: Any) -> DeviceMessage:
    assert vehicule.boitier is not None
    return DeviceMessage(boitier=vehicule.boitier.number, type=kind, at=at, **more)


def _states(city: City, now: datetime) -> None:
    """The first word of every box: locked, charged, where its station is."""
    at = now - timedelta(hours=20)
    messages = []
    for vehicule in city.vehicules:
        station = vehicule.station
        assert station is not None
        messages += [
            _say(vehicule, "lock", at, state="locked"),
            _say(vehicule, "chain_type", at, chain_type="valid"),
            _say(vehicule, "battery", at, value=city.chance.randint(30, 99)),
            _say(vehicule, "battery_vae", at, value=city.chance.randint(25, 99)),
            _say(vehicule, "position", at, latitude=station.latitude, longitude=station.longitude, accuracy=6),
        ]
    _take(messages, at)


def _trips(city: City, now: datetime) -> None:
    """Rides of the last hours, most of them over and billed, some still going on."""
    ready = [vehicule for vehicule in city.vehicules if vehicule.status == BikeStatus.READY]
    rented = city.chance.sample(ready, len(ready) // 4)
    still = len(rented) // 3
    for number, (vehicule, cyclist) in enumerate(zip(rented, city.riders, strict=False)):
        running = number < still
        start = now - timedelta(minutes=city.chance.randint(4, 25) if running else city.chance.randint(60, 900))
        trip, _pin = start_trip(cyclist_id=cyclist.pk, vehicule_id=vehicule.pk, now=start, details={"origin": "app"})
        minutes = 4 if running else city.chance.randint(5, 30)
        taken = set(models.Dock.objects.filter(vehicule__isnull=False).values_list("pk", flat=True))
        target = city.chance.choice([dock for dock in city.docks if dock.pk not in taken])
        messages = [_say(vehicule, "lock", start + timedelta(seconds=20), state="unlocked")]
        messages += _ride(city, vehicule, target, start, minutes, share=0.5 if running else 1.0)
        end = start + timedelta(minutes=minutes)
        if not running:
            messages.append(_say(vehicule, "lock", end, state="locked", rfid=target.rfid))
        _take(messages, end)
        if not running:
            cents = 100 + 5 * minutes
            amounts: dict[str, int | None] = {"amount": cents, "amount_cyclist": cents}
            trips.bill(trip_id=trip.pk, amounts=amounts, now=end + timedelta(minutes=1))


def _ride(
    city: City, vehicule: models.Bike, target: models.Dock, start: datetime, minutes: int, *, share: float
) -> list[DeviceMessage]:
    """Positions every half minute, on a bent line to the station of the target."""
    assert vehicule.station is not None
    begin, end = vehicule.station, target.station
    bend, steps = city.chance.uniform(-0.25, 0.25), minutes * 2
    north = (end.latitude or 0) - (begin.latitude or 0)
    east = (end.longitude or 0) - (begin.longitude or 0)
    messages = []
    for number in range(1, steps):
        part = share * number / steps
        aside = bend * math.sin(math.pi * part)
        place = {
            "latitude": round((begin.latitude or 0) + north * part - east * aside, 5),
            "longitude": round((begin.longitude or 0) + east * part + north * aside, 5),
        }
        messages.append(_say(vehicule, "position", start + timedelta(seconds=30 * number), accuracy=8, **place))
    return messages


def _incidents(now: datetime) -> None:
    """What operators have to do with: low batteries, unknown cards, wrong PINs, an end to decide, a trial that ends."""
    program = models.Program.objects.get(pk="lutece")
    running = list(running_trips().filter(program=program).select_related("vehicule__boitier").order_by("pk"))
    resting = models.Bike.objects.filter(program=program).select_related("boitier")[:5]
    messages = [_say(vehicule, "battery", now - timedelta(minutes=9), value=14) for vehicule in resting]
    for trip in running[:3]:
        messages.append(_say(trip.vehicule, "pin", now - timedelta(minutes=3), pin="0000"))
        messages.append(_say(trip.vehicule, "pass", now - timedelta(minutes=2), uid="04AABBCCDDEE01"))
    _take(messages, now)
    for trip in running[:2]:
        photo = "https://photos.service.example/end.jpg"
        trips.request_end(trip_id=trip.pk, photo=photo, latitude=48.853, longitude=2.349, now=now)
    _into_a_forbidden_zone(running[2:4], now)
    with ResourceUnitOfWork.begin(now) as work:
        row = models.Subscription.objects.filter(program=program, status=SubscriptionStatus.ACTIVE).order_by("pk")[0]
        end = now + timedelta(days=2)
        due, at_once = subscriptions.trial_plan(row, end, now)
        work.change(row, trial_end=end, trial_notice_at=due)
        if at_once:
            subscriptions.notify_trial_end(work, row)


def _into_a_forbidden_zone(riding: list[Any], now: datetime) -> None:
    zone = models.Zone.objects.filter(program_id="lutece", type=ZoneType.FORBIDDEN).order_by("precedence")[0]
    ring = zone.geometry["coordinates"][0][0][:-1]
    longitude, latitude = (sum(point[axis] for point in ring) / len(ring) for axis in (0, 1))
    for number, trip in enumerate(riding):
        at = now - timedelta(seconds=60 - number)
        _take(
            [_say(trip.vehicule, "position", at, latitude=latitude, longitude=longitude + 0.0002 * number, accuracy=5)],
            now,
        )
