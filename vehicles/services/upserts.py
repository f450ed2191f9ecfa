"""The kinds of entities that facts report of: their tables, their links to one another, their values as columns.

The order of KINDS is the order in which rows are made and locked, the same for every batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils.timezone import get_default_timezone

from core.sql import Col, columns
from vehicles.choices import UnmanagedReason
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
from vehicles.rules.clocks import as_day, end_of
from vehicles.rules.conditions.money import amount_in
from vehicles.rules.timelines import Reports, with_terms
from vehicles.rules.versions import version_key
from vehicles.services.languages import language_named

# What a column holds now, by the reports of its entity.
Present = Callable[[Reports], Any]
# Links: of a field of reports, its column and the kind of what it names.
_OF_DRIVER = {"driver": ("driver_id", "driver")}


@dataclass(frozen=True)
class EntityKind:
    """`links` maps a field of reports to (column, kind of what it names); `fields` are the model's other columns, each
    with the present value of the report of its name, but for those in `derived`.

    `parent` is the link that a row must have from its first moment.
    """

    name: str
    model: type[Reported]
    fields: Sequence[str]
    links: Mapping[str, tuple[str, str]] = field(default_factory=_OF_DRIVER.copy)
    derived: Mapping[str, Present] = field(default_factory=dict)
    parent: str = ""
    # What stands in for a link that nobody told.
    otherwise: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[Col, ...] = field(init=False)
    present: tuple[Present, ...] = field(init=False)

    def __post_init__(self) -> None:
        readers = (self.derived.get(name) or _reader(self.model._meta.get_field(name)) for name in self.fields)
        object.__setattr__(self, "columns", columns(self.model, *self.fields))
        object.__setattr__(self, "present", tuple(readers))

    @property
    def table(self) -> str:
        return self.model._meta.db_table


def _reader(column: Any) -> Present:
    """How a column of the model's follows from the report of the same name."""
    name = column.name
    match column:
        case models.CharField(max_length=length):
            return lambda reports: _text(reports, name)[:length]
        case models.BooleanField(null=True):
            return lambda reports: value if isinstance(value := reports.latest(name), bool) else None
        case models.BooleanField(default=default):
            return lambda reports: default if (value := reports.latest(name)) is None else value
        case models.DateTimeField():
            return lambda reports: _iso(end_of(reports.latest(name), get_default_timezone()))
        case models.DateField():
            return lambda reports: _iso(as_day(reports.latest(name), get_default_timezone()))
        case _:
            return lambda reports: reports.latest(name)


def _text(reports: Reports, name: str) -> str:
    value = reports.shown(name)
    return "" if value is None else str(value)


def _iso(moment: Any) -> str | None:
    return moment.isoformat() if moment else None


def _capitals(name: str) -> Present:
    """A code of three letters."""
    return lambda reports: _text(reports, name)[:3].upper()


def _quiet(end: str) -> Present:
    def clock(reports: Reports) -> str | None:
        try:
            return str(time.fromisoformat(reports.latest("quiet_hours")[end]))
        except (KeyError, TypeError, ValueError):
            return None

    return clock


def language_of(reports: Reports) -> str:
    return language_named(_text(reports, "language"))


def _those(prefix: str, length: int, value: object) -> Present:
    """The names of the reports below a prefix that have this value now."""

    def names(reports: Reports) -> list[str]:
        fields = (field for field in reports.raw if field.startswith(prefix) and reports.latest(field) == value)
        return sorted(field.removeprefix(prefix)[:length] for field in fields)

    return names


def _session_reason(reports: Reports) -> str:
    reason = _text(reports, "reason")
    return reason if reason in UnmanagedReason.values else ""


def _last_contact(reports: Reports) -> str | None:
    return _iso(reports.last_time("contact", True))


def _amount(reports: Reports) -> str | None:
    return str(amount_in(reports).quantize(Decimal("0.01"))) if reports.latest("amount") is not None else None


_MONEY: Mapping[str, Present] = {"amount": _amount, "currency": _capitals("currency")}
_IN_VEHICLE, _IN_LOCATION = {"vehicle": ("vehicle_id", "vehicle")}, {"location": ("location_id", "location")}
_KINDS = (
    EntityKind(
        "driver",
        Driver,
        (
            *("name", "email", "country", "language", "time_zone", "app_platform", "app_version", "app_version_key"),
            *("program", "push_enabled", "marketing_consent", "removed", "unwanted", "quiet_from", "quiet_until"),
        ),
        links={},
        derived={
            "country": _capitals("country"),
            "language": language_of,
            "app_version_key": lambda reports: version_key(_text(reports, "app_version")[:40]),
            "unwanted": _those("wants.", 20, False),
            "quiet_from": _quiet("from"),
            "quiet_until": _quiet("until"),
        },
    ),
    EntityKind("account", OemAccount, ("brand", "auth_state", "linked")),
    EntityKind(
        "location",
        ChargingLocation,
        ("name", "address", "country", "time_zone", "pdl", "latitude", "longitude"),
        derived={"country": _capitals("country")},
    ),
    EntityKind(
        "vehicle",
        Vehicle,
        (
            *("brand", "model", "vin", "user_role", "enrollment", "capabilities", "last_contact_at", "removed"),
            *("privacy_mode", "geolocation_enabled", "smart_charging"),
        ),
        links=_OF_DRIVER | {"account": ("account_id", "account")},
        # A car that nobody placed in an account is of the one that it is missing from.
        otherwise={"account": "absent_from"},
        derived={"capabilities": _those("capability.", 60, "available"), "last_contact_at": _last_contact},
    ),
    EntityKind(
        "service",
        OemService,
        ("code", "state", "expires_at"),
        links=_IN_VEHICLE,
        parent="vehicle",
        derived={"state": lambda reports: _text(with_terms(reports), "state")[:20]},
    ),
    EntityKind(
        "contract",
        UtilityContract,
        ("supplier", "contract_number", "meter_code", "state", "valid_to"),
        links=_OF_DRIVER | _IN_LOCATION,
    ),
    EntityKind("agreement", PdlAgreement, ("version", "state"), links=_IN_LOCATION, parent="location"),
    EntityKind(
        "session",
        ChargingSession,
        ("managed", "settled", "reason", "started_at", "ended_at", "energy_kwh", "soc_start"),
        links=_IN_VEHICLE | _IN_LOCATION,
        derived={"reason": _session_reason},
    ),
    EntityKind("payout", Payout, ("amount", "currency", "settled", "state"), derived=_MONEY),
    EntityKind(
        "reimbursement", Reimbursement, ("amount", "currency", "settled", "period", "qualified"), derived=_MONEY
    ),
    EntityKind("statement", CostStatement, ("amount", "currency", "settled", "period", "provider"), derived=_MONEY),
    EntityKind(
        "referral",
        Referral,
        ("state", "settled_for_referrer", "settled_for_invitee"),
        links={"referrer": ("referrer_id", "driver"), "invitee": ("invitee_id", "driver")},
    ),
)
KINDS: dict[str, EntityKind] = {kind.name: kind for kind in _KINDS}
