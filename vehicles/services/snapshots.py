"""Reads all that was reported of some drivers into snapshots for the rules, in a fixed number of statements.

Plain SQL, because this is the busiest path: no row becomes an object that the rules do not need, and however many
drivers there are, their ids are one parameter.
"""

from __future__ import annotations

import zoneinfo
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any

import msgspec
from django.conf import settings

from core.sql import Rows, sent
from vehicles.models import Driver
from vehicles.models.sources import KEYS_OF_SOURCES
from vehicles.rules import snapshot as pic
from vehicles.rules.deciding import Person
from vehicles.rules.timelines import Raw, Reports

# An ended campaign is still evaluated so long, so that its end is seen.
ENDED_LATELY = timedelta(days=30)
_BASIC = "id, external_id, reports::text"
_OF_VEHICLE = "v.id, v.external_id, v.reports::text"
_decode = msgspec.json.Decoder(Raw).decode


@dataclass(slots=True)
class Subject:
    """One driver before the rules: the snapshot, how the driver may be notified, and what the row says."""

    driver: Driver
    snapshot: pic.Snapshot
    person: Person
    # The pairing status in the vehicle's row, by vehicle.
    statuses: dict[int, tuple[str, str]] = field(default_factory=dict)


def zone_named(name: str) -> tzinfo:
    """A zone by name, the installation's where none was reported."""
    try:
        return zoneinfo.ZoneInfo(name or settings.TIME_ZONE)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return zoneinfo.ZoneInfo(settings.TIME_ZONE)


def _reports(text: str) -> Reports:
    return Reports(_decode(text))


def read_snapshots(driver_ids: Sequence[int], now: datetime) -> dict[int, Subject]:
    """The drivers by id, with everything that notifications may still follow from."""
    ids = list(driver_ids)
    fields = [f for f in Driver._meta.concrete_fields if f.attname not in ("search_text", "created_at", "reports")]
    names = [f.attname for f in fields]
    rows = sent(
        f"SELECT reports::text, {', '.join(names)} FROM vehicles_driver WHERE id = ANY(%s) ORDER BY id",  # noqa: S608
        [ids],
    )
    muted = sent("SELECT driver_id, type, until FROM vehicles_mute WHERE driver_id = ANY(%s)", [ids])
    cars, locations, money = _ask_for_cars(ids), _ask_for_locations(ids), [_ask_for_money(ids, *one) for one in _MONEY]
    campaigns = _ask_for_campaigns(ids, now)
    subjects = {}
    mutes: dict[int, dict[str, datetime]] = defaultdict(dict)
    for pk, name, until in muted():
        mutes[pk][name] = until
    for reports, *values in rows():
        driver = Driver(**dict(zip(names, values, strict=True)))
        subjects[driver.pk] = _subject(driver, _reports(reports), mutes[driver.pk])
    snapshots = {pk: subject.snapshot for pk, subject in subjects.items()}
    _read_cars(cars(), ids, subjects)
    _read_locations(locations(), ids, snapshots)
    for (_table, _owner, _settled, name), found in zip(_MONEY, money, strict=True):
        for driver_id, pk, key, reports in found():
            getattr(snapshots[driver_id], name).append(pic.Entity(pk, key, _reports(reports)))
    for driver_id, *values in campaigns():
        snapshots[driver_id].campaigns.append(pic.Campaign(*values))
    return subjects


def _subject(driver: Driver, reports: Reports, mutes: Mapping[str, datetime]) -> Subject:
    zone = zone_named(driver.time_zone)
    person = Person(
        zone=zone,
        quiet_from=driver.quiet_from,
        quiet_until=driver.quiet_until,
        unwanted=frozenset(driver.unwanted),
        consents=driver.marketing_consent,
        has_email=bool(driver.email),
        push_enabled=driver.push_enabled,
        mutes=mutes,
    )
    return Subject(driver, pic.Snapshot(driver.pk, driver.external_id, reports, zone=zone), person)


def _ask_for_cars(driver_ids: list[int]) -> Rows:
    return sent(
        "SELECT driver_id, account_id, pairing_state, pairing_reason, v.feed_key, f.heard_since, f.last_heard_at,"  # noqa: S608
        f" {_OF_VEHICLE} FROM vehicles_vehicle v LEFT JOIN vehicles_feed f ON f.key = v.feed_key"
        " WHERE driver_id = ANY(%s) ORDER BY v.id",
        [driver_ids],
    )


def _read_cars(rows: list[tuple[Any, ...]], driver_ids: list[int], subjects: dict[int, Subject]) -> None:
    # Also accounts of somebody else's through which one of these cars is reached.
    through = sorted({row[1] for row in rows if row[1] is not None})
    accounts: dict[int, pic.Account] = {}
    found = sent(
        f"SELECT driver_id, {_BASIC} FROM vehicles_oemaccount"  # noqa: S608
        " WHERE driver_id = ANY(%s) OR id = ANY(%s) ORDER BY id",
        [driver_ids, through],
    )
    for driver_id, pk, key, reports in found():
        accounts[pk] = pic.Account(pk, key, _reports(reports))
        if driver_id in subjects:
            subjects[driver_id].snapshot.accounts.append(accounts[pk])
    vehicles: dict[int, pic.Vehicle] = {}
    for driver_id, account_id, state, reason, feed_key, since, last, pk, key, reports in rows:
        feed = pic.Feed(feed_key, since, last, feed_key >= KEYS_OF_SOURCES) if since is not None else None
        vehicles[pk] = pic.Vehicle(pk, key, _reports(reports), account=accounts.get(account_id), feed=feed)
        subjects[driver_id].snapshot.vehicles.append(vehicles[pk])
        subjects[driver_id].statuses[pk] = (state, reason)
    if vehicles:
        _read_services_and_sessions(vehicles, {row[7]: subjects[row[0]].snapshot.zone for row in rows})


def _read_services_and_sessions(vehicles: dict[int, pic.Vehicle], zones: Mapping[int, tzinfo]) -> None:
    ids = list(vehicles)
    services = sent(
        f"SELECT vehicle_id, {_BASIC} FROM vehicles_oemservice WHERE vehicle_id = ANY(%s) ORDER BY id",  # noqa: S608
        [ids],
    )
    sessions = sent(
        f"SELECT vehicle_id, {_BASIC}, managed, reason, started_at, ended_at, no_power_since, soc_start,"  # noqa: S608
        " energy_kwh, charge_state, soc_last, CASE WHEN derived THEN last_at END FROM vehicles_chargingsession"
        " WHERE vehicle_id = ANY(%s) AND NOT settled AND NOT withdrawn ORDER BY id",
        [ids],
    )
    for vehicle_id, pk, key, reports in services():
        vehicles[vehicle_id].services.append(pic.Service(pk, key, _reports(reports), zone=zones[vehicle_id]))
    for vehicle_id, pk, key, reports, *values in sessions():
        vehicles[vehicle_id].sessions.append(pic.Session(pk, key, _reports(reports), *values))


def _ask_for_locations(driver_ids: list[int]) -> Rows:
    return sent(
        f"SELECT driver_id, time_zone, {_BASIC} FROM vehicles_charginglocation"  # noqa: S608
        " WHERE driver_id = ANY(%s) ORDER BY id",
        [driver_ids],
    )


def _read_locations(rows: list[tuple[Any, ...]], driver_ids: list[int], snapshots: dict[int, pic.Snapshot]) -> None:
    locations: dict[int, pic.Location] = {}
    for driver_id, zone, pk, key, reports in rows:
        place = zone_named(zone) if zone else snapshots[driver_id].zone
        locations[pk] = pic.Location(pk, key, _reports(reports), zone=place)
        snapshots[driver_id].locations.append(locations[pk])
    nowhere: dict[int, pic.Location] = {}
    contracts = sent(
        f"SELECT driver_id, location_id, {_BASIC} FROM vehicles_utilitycontract"  # noqa: S608
        " WHERE driver_id = ANY(%s) OR location_id = ANY(%s) ORDER BY id",
        [driver_ids, list(locations)],
    )
    for driver_id, location_id, pk, key, reports in contracts():
        location = locations.get(location_id)
        if location is None and driver_id in snapshots:
            # A contract whose location nobody reported, or somebody else's: it stands alone.
            location = nowhere.setdefault(driver_id, pic.Location(0, "", Reports(), zone=snapshots[driver_id].zone))
        if location is not None:
            location.contracts.append(pic.Contract(pk, key, _reports(reports)))
    for driver_id, location in nowhere.items():
        snapshots[driver_id].locations.append(location)
    if locations:
        agreements = sent(
            f"SELECT location_id, {_BASIC} FROM vehicles_pdlagreement"  # noqa: S608
            " WHERE location_id = ANY(%s) ORDER BY id",
            [list(locations)],
        )
        for location_id, pk, key, reports in agreements():
            locations[location_id].agreements.append(pic.Agreement(pk, key, _reports(reports)))


_MONEY = (
    ("vehicles_payout", "driver_id", "settled", "payouts"),
    ("vehicles_reimbursement", "driver_id", "settled", "reimbursements"),
    ("vehicles_coststatement", "driver_id", "settled", "statements"),
    ("vehicles_referral", "referrer_id", "settled_for_referrer", "referred"),
    ("vehicles_referral", "invitee_id", "settled_for_invitee", "invited"),
)


def _ask_for_money(driver_ids: list[int], table: str, owner: str, settled: str, _name: str) -> Rows:
    """Payouts and their like, and referrals: only what is not settled."""
    return sent(
        f"SELECT {owner}, {_BASIC} FROM {table} WHERE {owner} = ANY(%s) AND NOT {settled} ORDER BY id",  # noqa: S608
        [driver_ids],
    )


def _ask_for_campaigns(driver_ids: list[int], now: datetime) -> Rows:
    """The campaigns that run, and those that ended lately."""
    return sent(
        "SELECT r.driver_id, c.id, c.type, c.begins_at, c.ends_at, c.min_app_version"
        " FROM vehicles_campaignrecipient r JOIN vehicles_campaign c ON c.id = r.campaign_id"
        " WHERE r.driver_id = ANY(%s) AND r.left_at IS NULL AND c.state <> 'draft'"
        " AND (c.ends_at IS NULL OR c.ends_at > %s) ORDER BY c.id",
        [driver_ids, now - ENDED_LATELY],
    )
