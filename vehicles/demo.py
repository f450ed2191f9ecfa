"""The demo's drivers: cars of six brands with their troubles, contracts, sessions, payouts, two campaigns.

Everything comes about by facts, as it would from the API, reported as the days pass with the sweep at work.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from core.ingest import Submission
from outbox.services.webhooks import EndpointInput, create_endpoint
from vehicles.ingest import AnyFact, IncomingFact
from vehicles.models import Driver
from vehicles.services.campaigns import gather_audiences, save_campaign, start_campaign
from vehicles.services.evaluation import sweep_due
from vehicles.services.intake import take_facts

Json = dict[str, Any]
DatedFact = tuple[datetime, Json]
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
# How long they have lived when the demo begins, and how often facts come in meanwhile.
LIVED, STRIDE = 6 * DAY, 2 * HOUR
# name, language, country, zone, brand, model
PEOPLE = (
    ("Anna Berg", "de", "DE", "Europe/Berlin", "Audi", "Q4 e-tron"),
    ("Bruno Martin", "fr", "FR", "Europe/Paris", "Renault", "Zoe"),
    ("Clara de Vries", "en", "NL", "Europe/Amsterdam", "Volkswagen", "ID.3"),
    ("David Roux", "fr", "FR", "Europe/Paris", "Renault", "Megane E-Tech"),
    ("Eva Lang", "de", "DE", "Europe/Berlin", "BMW", "i3"),
    ("Finn Bakker", "en", "NL", "Europe/Amsterdam", "MINI", "Cooper SE"),
    ("Greta Holm", "en", "NO", "Europe/Oslo", "Tesla", "Model 3"),
    ("Hugo Petit", "fr", "FR", "Europe/Paris", "Renault", "5 E-Tech"),
    ("Ida Sommer", "de", "DE", "Europe/Berlin", "BMW", "iX1"),
    ("Jan Visser", "en", "NL", "Europe/Amsterdam", "Audi", "e-tron"),
    ("Karim Benali", "fr", "FR", "Europe/Paris", "Tesla", "Model Y"),
    ("Lena Wolf", "de", "DE", "Europe/Berlin", "Volkswagen", "ID.4"),
)


# Two cars that have not been heard of lately.
SILENT = (3, 12)


def load(now: datetime) -> None:
    """Fills an empty database; does nothing when there are drivers."""
    if Driver.objects.exists():
        return
    backend = EndpointInput(
        "https://app.example/signalbox", ("vehicle.notification.*",), description="The app’s backend"
    )
    create_endpoint(details=backend, now=now, enabled=False)  # it listens, and nothing is sent there
    chance = random.Random(20261121)  # noqa: S311 - the same demo everywhere
    facts = sorted((*_beginnings(now, chance), *_histories(now, chance), *_problems(now)), key=lambda f: f[0])
    decoder = msgspec.json.Decoder(AnyFact)
    until, waiting = now - LIVED, facts
    while until < now:
        until = min(until + STRIDE, now)
        come, waiting = _split(waiting, until)
        if come:
            items: list[tuple[int, IncomingFact]] = [
                (number, decoder.decode(msgspec.json.encode(fact))) for number, (_at, fact) in enumerate(come)
            ]
            take_facts(submissions=[Submission(0, items)], now=until)
        while sweep_due(now=until):
            continue
    _campaigns(now)


def _split(facts: list[DatedFact], until: datetime) -> tuple[list[DatedFact], list[DatedFact]]:
    """What has come by a moment, and what comes later."""
    here = next((n for n, (at, _fact) in enumerate(facts) if at > until), len(facts))
    return facts[:here], facts[here:]


def _fact(at: datetime, kind: str, data: Json, **links: str) -> DatedFact:
    return at, {"type": kind, "occurred_at": at.isoformat(), "data": data, **links}


# What every car says when it is enrolled.
CAR: dict[str, Any] = {
    "capabilities": dict.fromkeys(("geoLocation", "startStopCharging", "chargeState"), "available"),
    "user_role": "primary",
    "enrollment": "completed",
    "privacy_mode": False,
    "geolocation_enabled": True,
}


def _beginnings(now: datetime, chance: random.Random) -> Iterator[DatedFact]:
    began = now - LIVED + HOUR
    for n, (name, language, country, zone, brand, model) in enumerate(PEOPLE, 1):
        driver, car, account, home = (f"{word}-{n:03d}" for word in ("driver", "car", "account", "home"))
        mail = name.lower().replace(" ", ".")
        yield _fact(
            began,
            "driver",
            {
                "name": name,
                "email": f"{mail}@drivers.example",
                "language": language,
                "country": country,
                "time_zone": zone,
                "app_platform": chance.choice(["ios", "android"]),
                "app_version": chance.choice(["4.9", "4.15.2", "4.16", "4.18.1"]),
                "marketing_consent": n % 3 != 0,
                "program": "demo",
                "quiet_hours": {"from": "22:00", "until": "07:00"},
            },
            driver=driver,
        )
        yield _fact(began, "charging_location", {"name": "Home", "country": country}, location=home, driver=driver)
        yield _fact(
            began, "connect_session", {"finished": True, "brand": brand}, account=account, vehicle=car, driver=driver
        )
        enrolled = CAR | {"brand": brand, "model": model, "vin": f"DEMO{n:013d}"}
        yield _fact(began, "vehicle", enrolled, vehicle=car, driver=driver, account=account)
        if brand == "Renault":
            expires = (now + DAY * chance.choice([200, 300])).isoformat()
            yield _fact(began, "oem_service", {"state": "active", "expires_at": expires}, vehicle=car)
            yield _fact(began, "vehicle", {"link_status": "active"}, vehicle=car)
        yield _fact(began + HOUR, "pairing", {"step": "completed"}, vehicle=car)
        yield _fact(began + HOUR, "charge_settings", {"smart_charging": n % 4 != 0}, vehicle=car)
        supplier = {"NL": "Greenchoice", "FR": "EDF", "DE": "Stadtwerke Köln"}.get(country, "Tibber")
        yield _fact(
            began,
            "utility_contract",
            {
                "supplier": supplier,
                "contract_number": f"{4700 + n}",
                "state": "valid",
                "valid_to": (now + DAY * 300).date().isoformat(),
            },
            contract=f"contract-{n:03d}",
            location=home,
            driver=driver,
        )


def _histories(now: datetime, chance: random.Random) -> Iterator[DatedFact]:
    """Evenings at the plug, the last of which still goes on for some; and twice a day every car is heard of."""
    for n in range(1, len(PEOPLE) + 1):
        car, home = f"car-{n:03d}", f"home-{n:03d}"
        for days in (5, 3) if n in SILENT else (5, 3, 1):
            begins = now - DAY * days + MINUTE * chance.randint(0, 240)
            soc = chance.randint(20, 55)
            for step in range(4):
                sample = {"charge_state": "charging", "location": home, "power_kw": 7.4, "soc": soc + 8 * step}
                yield _fact(begins + HOUR * step, "telemetry", sample, vehicle=car)
            yield _fact(begins + HOUR * 9, "telemetry", {"charge_state": "disconnected", "soc": soc + 30}, vehicle=car)
        for hours in range(12 * 11, 0, -12):
            if hours > 30 or n not in SILENT:
                yield _fact(now - HOUR * hours, "vehicle_contact", {"ok": True}, vehicle=car)
        if n not in SILENT:
            state = {"charge_state": "charging", "location": home, "power_kw": 7.4, "soc": 61}
            idle = {"charge_state": "disconnected", "soc": 70}
            yield _fact(now - 2 * HOUR, "telemetry", state if n % 3 == 0 else idle, vehicle=car)
        if n % 4 == 1:
            yield _fact(
                now - 5 * DAY,
                "payout",
                {"amount": 6.5 + n, "currency": "EUR", "state": "sent"},
                payout=f"payout-{n:03d}",
                driver=f"driver-{n:03d}",
            )


def _problems(now: datetime) -> Iterator[DatedFact]:
    yield _fact(now - HOUR, "vehicle", {"privacy_mode": True}, vehicle="car-001")
    yield _fact(
        now - DAY, "oem_service", {"state": "active", "expires_at": (now + 6 * DAY).isoformat()}, vehicle="car-002"
    )
    yield _fact(now - 2 * DAY, "oem_account", {"auth_state": "invalid_credentials"}, account="account-004")
    yield _fact(now - DAY, "vehicle_listing", {"listed": False}, vehicle="car-004")
    yield _fact(now - HOUR, "vehicle_listing", {"listed": False}, vehicle="car-004")
    yield _fact(now - 4 * HOUR, "vehicle", {"geolocation_enabled": False}, vehicle="car-005")
    yield _fact(now - 4 * DAY, "vehicle", {"capabilities": {"startStopCharging": "blocked"}}, vehicle="car-006")
    yield _fact(now - DAY, "vehicle", {"capabilities": {"startStopCharging": "available"}}, vehicle="car-006")
    yield _fact(now - DAY, "oem_service", {"state": "rejected", "reason": "Echec d’activation"}, vehicle="car-008")
    yield _fact(
        now - 2 * HOUR,
        "utility_contract",
        {"state": "invalid", "reason": "The meter is unknown."},
        contract="contract-009",
    )
    yield _fact(now - DAY, "utility_contract", {"state": "removed"}, contract="contract-010")
    yield _fact(
        now - 3 * DAY,
        "referral",
        {"referrer": "driver-007", "invitee": "driver-011", "state": "completed"},
        referral="referral-001",
    )
    yield _fact(
        now - 2 * HOUR,
        "charging_plan",
        {"target_soc": 90, "forecast_soc": 72, "ready_by": (now + 8 * HOUR).isoformat()},
        vehicle="car-009",
    )
    yield _fact(now - 2 * DAY, "charging_location", {"pdl": "12345678901234"}, location="home-011")
    yield _fact(now - DAY, "pdl_agreement", {"version": "2026-2", "state": "offered"}, location="home-011")


def _campaigns(now: datetime) -> None:
    running = save_campaign(
        campaign=None,
        values={
            "name": "Update to 4.16",
            "type": "ImportantUpdateAppv416Banner",
            "min_app_version": "4.16",
            "audience": "app:<4.16",
            "begins_at": now - HOUR,
            "ends_at": now + 30 * DAY,
        },
    )
    start_campaign(campaign=running, now=now)
    save_campaign(
        campaign=None,
        values={
            "name": "PDL in France",
            "type": "InformationMobilizePdlBenefitBanner",
            "audience": "country:fr pdl:no",
            "begins_at": now + DAY,
            "ends_at": now + 60 * DAY,
        },
    )
    gather_audiences(now=now)
    while sweep_due(now=now):
        continue
