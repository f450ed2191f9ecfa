"""The kinds of things that facts tell of: their tables, their links to one another, their present values as columns.

The order of KINDS is the order in which rows are made and locked, the same for every batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from core.sql import Col, text_array
from vehicles.choices import Language, UnmanagedReason
from vehicles.models import (
    ChargingLocation,
    ChargingSession,
    CostStatement,
    Driver,
    OemAccount,
    OemService,
    Payout,
    PdlAgreement,
    Referral,
    Reimbursement,
    UtilityContract,
    Vehicle,
)
from vehicles.models.base import Reported
from vehicles.rules.clocks import as_day, as_moment
from vehicles.rules.conditions.money import amount_of
from vehicles.rules.picture import Thing
from vehicles.rules.timelines import Reports
from vehicles.rules.versions import version_key

Values = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """`links` maps a field of reports to (column, kind of what it names); `present` gives the other columns' values.

    `parent` is the link that a row must have from its first moment.
    """

    name: str
    model: type[Reported]
    links: Mapping[str, tuple[str, str]]
    columns: tuple[Col, ...]
    present: Callable[[Reports], Values]
    parent: str = ""

    @property
    def table(self) -> str:
        return self.model._meta.db_table


def _text(reports: Reports, field: str, length: int) -> str:
    value = reports.latest(field)
    return "" if value is None else str(value)[:length]


def _flag(reports: Reports, field: str) -> bool | None:
    value = reports.latest(field)
    return value if isinstance(value, bool) else None


def _clock(value: Any) -> str | None:
    try:
        return str(time.fromisoformat(value))
    except (TypeError, ValueError):
        return None


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def language_of(told: object) -> str:
    """One of our languages from what a sender says: de, DE, de-AT; English where it is none of ours."""
    short = str(told or "").lower()[:2]
    return short if short in Language.values else Language.ENGLISH.value


def unwanted_of(reports: Reports) -> list[str]:
    return sorted(
        field.removeprefix("wants.")[:20]
        for field in reports.raw
        if field.startswith("wants.") and reports.latest(field) is False
    )


def _driver(reports: Reports) -> Values:
    quiet = reports.latest("quiet_hours") or {}
    version = _text(reports, "app_version", 40)
    return {
        "name": _text(reports, "name", 120),
        "email": _text(reports, "email", 320),
        "country": _text(reports, "country", 3).upper(),
        "language": language_of(reports.latest("language")),
        "time_zone": _text(reports, "time_zone", 60),
        "app_platform": _text(reports, "app_platform", 20),
        "app_version": version,
        "app_version_key": version_key(version),
        "program": _text(reports, "program", 60),
        "push_enabled": reports.latest("push_enabled") is not False,
        "marketing_consent": reports.latest("marketing_consent") is True,
        "unwanted": unwanted_of(reports),
        "quiet_from": _clock(quiet.get("from")),
        "quiet_until": _clock(quiet.get("until")),
        "removed": reports.latest("removed") is True,
    }


def _account(reports: Reports) -> Values:
    return {
        "brand": _text(reports, "brand", 40),
        "auth_state": _text(reports, "auth_state", 40),
        "linked": reports.latest("linked") is not False,
    }


def _vehicle(reports: Reports) -> Values:
    available = [
        field.removeprefix("capability.")[:60]
        for field in reports.raw
        if field.startswith("capability.") and reports.latest(field) == "available"
    ]
    return {
        "brand": _text(reports, "brand", 40),
        "model": _text(reports, "model", 60),
        "vin": _text(reports, "vin", 20),
        "capabilities": sorted(available),
        "user_role": _text(reports, "user_role", 40),
        "enrollment": _text(reports, "enrollment", 40),
        "privacy_mode": _flag(reports, "privacy_mode"),
        "geolocation_enabled": _flag(reports, "geolocation_enabled"),
        "smart_charging": _flag(reports, "smart_charging"),
        "last_contact_at": _iso(reports.last_time("contact", True)),
        "removed": reports.latest("removed") is True,
    }


def _service(reports: Reports) -> Values:
    return {
        "code": _text(reports, "code", 60),
        "state": _text(reports, "state", 20),
        "expires_at": _iso(as_moment(reports.latest("expires_at"))),
    }


def _location(reports: Reports) -> Values:
    return {
        "name": _text(reports, "name", 120),
        "address": _text(reports, "address", 250),
        "country": _text(reports, "country", 3).upper(),
        "time_zone": _text(reports, "time_zone", 60),
        "latitude": reports.latest("latitude"),
        "longitude": reports.latest("longitude"),
        "pdl": _text(reports, "pdl", 20),
    }


def _contract(reports: Reports) -> Values:
    day = as_day(reports.latest("valid_to"))
    return {
        "supplier": _text(reports, "supplier", 100),
        "contract_number": _text(reports, "contract_number", 60),
        "meter_code": _text(reports, "meter_code", 60),
        "state": _text(reports, "state", 20),
        "valid_to": day.isoformat() if day else None,
    }


def _agreement(reports: Reports) -> Values:
    return {"version": _text(reports, "version", 60), "state": _text(reports, "state", 20)}


def _session(reports: Reports) -> Values:
    reason = _text(reports, "reason", 30)
    return {
        "managed": _flag(reports, "managed"),
        "reason": reason if reason in UnmanagedReason.values else "",
        "started_at": _iso(as_moment(reports.latest("started_at"))),
        "ended_at": _iso(as_moment(reports.latest("ended_at"))),
        "energy_kwh": reports.latest("energy_kwh"),
        "soc_start": reports.latest("soc_start"),
        "settled": False,
    }


def _money(reports: Reports) -> Values:
    amount = amount_of(Thing(0, "", reports)) if reports.knows("amount") else None
    return {
        "amount": None if amount is None else str(amount.quantize(amount.__class__("0.01"))),
        "currency": _text(reports, "currency", 3).upper(),
        "settled": False,
    }


def _payout(reports: Reports) -> Values:
    return _money(reports) | {"state": _text(reports, "state", 20)}


def _reimbursement(reports: Reports) -> Values:
    return _money(reports) | {
        "period": _text(reports, "period", 7),
        "qualified": reports.latest("qualified") is True,
    }


def _statement(reports: Reports) -> Values:
    return _money(reports) | {"period": _text(reports, "period", 7), "provider": _text(reports, "provider", 60)}


def _referral(reports: Reports) -> Values:
    return {
        "state": _text(reports, "state", 20),
        "settled_for_referrer": False,
        "settled_for_invitee": False,
    }


def _texts(*names: str) -> tuple[Col, ...]:
    return tuple(Col(name, "text") for name in names)


def _flags(*names: str) -> tuple[Col, ...]:
    return tuple(Col(name, "boolean") for name in names)


_NUMBERS = "ARRAY(SELECT jsonb_array_elements_text(x.app_version_key)::int)"
_MONEY = (Col("amount", "numeric"), *_texts("currency"), *_flags("settled"))
_TO_DRIVER = {"driver": ("driver_id", "driver")}
# Laid out by hand as a table: it is read by its rows.
_KINDS = (
    Kind(
        "driver", Driver, {},
        (
            *_texts("name", "email", "country", "language", "time_zone", "app_platform", "app_version", "program"),
            Col("app_version_key", "jsonb", _NUMBERS), *_flags("push_enabled", "marketing_consent", "removed"),
            text_array("unwanted"), Col("quiet_from", "time"), Col("quiet_until", "time"),
        ),
        _driver,
    ),
    Kind("account", OemAccount, _TO_DRIVER, (*_texts("brand", "auth_state"), *_flags("linked")), _account),
    Kind(
        "location", ChargingLocation, _TO_DRIVER,
        (*_texts("name", "address", "country", "time_zone", "pdl"), Col("latitude", "float8"),
         Col("longitude", "float8")),
        _location,
    ),
    Kind(
        "vehicle", Vehicle, _TO_DRIVER | {"account": ("account_id", "account")},
        (
            *_texts("brand", "model", "vin", "user_role", "enrollment"), text_array("capabilities"),
            *_flags("privacy_mode", "geolocation_enabled", "smart_charging", "removed"),
            Col("last_contact_at", "timestamptz"),
        ),
        _vehicle,
    ),
    Kind(
        "service", OemService, {"vehicle": ("vehicle_id", "vehicle")},
        (*_texts("code", "state"), Col("expires_at", "timestamptz")), _service, parent="vehicle",
    ),
    Kind(
        "contract", UtilityContract, _TO_DRIVER | {"location": ("location_id", "location")},
        (*_texts("supplier", "contract_number", "meter_code", "state"), Col("valid_to", "date")), _contract,
    ),
    Kind(
        "agreement", PdlAgreement, {"location": ("location_id", "location")}, _texts("version", "state"),
        _agreement, parent="location",
    ),
    Kind(
        "session", ChargingSession,
        {"vehicle": ("vehicle_id", "vehicle"), "location": ("location_id", "location")},
        (
            *_flags("managed", "settled"), *_texts("reason"), Col("started_at", "timestamptz"),
            Col("ended_at", "timestamptz"), Col("energy_kwh", "float8"), Col("soc_start", "smallint"),
        ),
        _session,
    ),
    Kind("payout", Payout, _TO_DRIVER, (*_MONEY, *_texts("state")), _payout),
    Kind(
        "reimbursement", Reimbursement, _TO_DRIVER, (*_MONEY, *_texts("period"), *_flags("qualified")), _reimbursement,
    ),
    Kind("statement", CostStatement, _TO_DRIVER, (*_MONEY, *_texts("period", "provider")), _statement),
    Kind(
        "referral", Referral, {"referrer": ("referrer_id", "driver"), "invitee": ("invitee_id", "driver")},
        (*_texts("state"), *_flags("settled_for_referrer", "settled_for_invitee")), _referral,
    ),
)  # fmt: skip
KINDS: dict[str, Kind] = {kind.name: kind for kind in _KINDS}
