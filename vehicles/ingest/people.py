"""Facts about drivers, their places, contracts, money and friends."""

from __future__ import annotations

import re
from decimal import Decimal
from email.utils import parseaddr
from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from core.amounts import currency_of
from core.corrections import folded, shortened
from core.email_addresses import is_address
from vehicles.ingest.base import (
    Amount,
    Currency,
    Data,
    Day,
    EntityReport,
    Id,
    IncomingFact,
    Period,
    Text,
    Word,
)
from vehicles.rules.words import CATEGORY, COUNTRY

Clock = Annotated[str | int, Meta(description="e.g. 22:00")]
_CLOCK = re.compile(r"(?P<hour>[01]?\d|2[0-3])(?P<rest>(:[0-5]\d){1,2})?")
MAX_AMOUNT = 1_000_000_000


_QUIET = {"start": "from", "begin": "from", "to": "until", "end": "until", "till": "until"}


def _name_country(data: dict[str, Any]) -> None:
    """A country's code for its name."""
    if isinstance(said := data.get("country"), str) and (code := COUNTRY.read(said)):
        data["country"] = code


class QuietHours(Struct, kw_only=True, rename={"from_": "from"}):
    """Wall-clock times in the driver's zone; they may pass midnight."""

    from_: Clock
    until: Clock

    def __post_init__(self) -> None:
        for name in ("from_", "until"):
            found = _CLOCK.fullmatch(str(getattr(self, name)).strip())
            if found is None:
                raise ValueError("`quiet_hours`: two times of day, e.g. 22:00 and 07:00")
            setattr(self, name, f"{int(found['hour']):02}{found['rest'] or ':00'}")


class DriverData(Data, kw_only=True):
    """`preferences` maps a category to whether the driver wants it."""

    name: Text | UnsetType | None = UNSET
    email: Annotated[str, Meta(max_length=320)] | UnsetType | None = UNSET
    country: Annotated[str, Meta(max_length=3)] | UnsetType | None = UNSET
    language: Word | UnsetType | None = UNSET
    time_zone: Annotated[str, Meta(max_length=60, description="IANA, e.g. Europe/Paris.")] | UnsetType | None = UNSET
    app_platform: Word | UnsetType | None = UNSET
    app_version: Word | UnsetType | None = UNSET
    program: Text | UnsetType | None = UNSET
    push_enabled: bool | UnsetType = UNSET
    marketing_consent: bool | UnsetType = UNSET
    preferences: dict[Word, bool] | UnsetType = UNSET
    quiet_hours: QuietHours | UnsetType | None = UNSET
    removed: bool | UnsetType = UNSET

    # OIDC's.
    aliases = {"locale": "language", "zoneinfo": "time_zone"}

    @staticmethod
    def complete(data: dict[str, Any]) -> list[str]:
        """Takes an address that stands beside a name, the ends of quiet hours by other names, a country by its own."""
        before = dict(data)
        if isinstance(said := data.get("email"), str) and not is_address(said) and is_address(parseaddr(said)[1]):
            data["email"] = parseaddr(said)[1]
        if isinstance(hours := data.get("quiet_hours"), dict):
            data["quiet_hours"] = {_QUIET.get(folded(name), name): clock for name, clock in hours.items()}
        _name_country(data)
        return [
            f"`{name}` was {shortened(before[name])} and was read as {shortened(data[name])}."
            for name in before
            if data[name] != before[name]
        ]

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.email, str) and not is_address(self.email):
            raise ValueError("`email`: not an e-mail address")


class DriverFact(IncomingFact, tag="driver", kw_only=True):
    """A driver's contact, language, zone, app, preferences and consent."""

    about: ClassVar[str] = "driver"
    driver: Id
    data: DriverData

    def values(self) -> dict[str, Any]:
        values = self.data_values()
        preferences = values.pop("preferences", {})
        return values | {f"wants.{CATEGORY.read(name) or name.lower()}": wanted for name, wanted in preferences.items()}

    def unknown_words(self) -> list[tuple[str, str]]:
        named = self.data_values().get("preferences", {})
        return [*super().unknown_words(), *(("preferences", name) for name in named if CATEGORY.read(name) is None)]


class LocationData(Data, kw_only=True):
    """`pdl` is the French meter's delivery point, 14 digits."""

    name: Annotated[str, Meta(max_length=120)] | UnsetType | None = UNSET
    address: Text | UnsetType | None = UNSET
    country: Annotated[str, Meta(max_length=3)] | UnsetType | None = UNSET
    time_zone: Annotated[str, Meta(max_length=60)] | UnsetType | None = UNSET
    latitude: Annotated[float, Meta(ge=-90, le=90)] | UnsetType | None = UNSET
    longitude: Annotated[float, Meta(ge=-180, le=180)] | UnsetType | None = UNSET
    pdl: Annotated[str, Meta(max_length=20)] | UnsetType | None = UNSET
    removed: bool | UnsetType = UNSET

    @staticmethod
    def complete(data: dict[str, Any]) -> list[str]:
        said = data.get("country")
        _name_country(data)
        return [] if said == data.get("country") else [f"`country` was read as {data['country']}."]


class LocationFact(IncomingFact, tag="charging_location", kw_only=True):
    """A place where a driver charges."""

    about: ClassVar[str] = "location"
    location: Id
    driver: Id | UnsetType = UNSET
    data: LocationData


class ContractData(Data, kw_only=True):
    """`state`: pending, valid, invalid, expired, removed."""

    supplier: Annotated[str, Meta(max_length=100)] | UnsetType | None = UNSET
    contract_number: Annotated[str, Meta(max_length=60)] | UnsetType | None = UNSET
    meter_code: Annotated[str, Meta(max_length=60)] | UnsetType | None = UNSET
    state: Word | UnsetType = UNSET
    valid_to: Day | UnsetType | None = UNSET
    reason: Text | UnsetType | None = UNSET


class ContractFact(IncomingFact, tag="utility_contract", kw_only=True):
    """A contract with an energy supplier for a location."""

    about: ClassVar[str] = "contract"
    contract: Id
    location: Id | UnsetType = UNSET
    driver: Id | UnsetType = UNSET
    data: ContractData

    def reports(self) -> list[EntityReport]:
        reports = super().reports()
        if self.location is not UNSET and self.driver is not UNSET:
            reports.append(EntityReport("location", self.location, {"driver": self.driver}))
        return reports


class AgreementData(Data, kw_only=True):
    """`state`: offered, accepted, declined."""

    version: Annotated[str, Meta(min_length=1, max_length=15)]
    state: Word


class AgreementFact(IncomingFact, tag="pdl_agreement", kw_only=True):
    """A version of the agreement about a location's PDL."""

    about: ClassVar[str] = "location"
    location: Id
    driver: Id | UnsetType = UNSET
    data: AgreementData

    def reports(self) -> list[EntityReport]:
        values = self.data_values() | {"location": self.location}
        return [
            EntityReport("location", self.location, dict(self.links("driver"))),
            EntityReport("agreement", f"{self.location}/{self.data.version}", values),
        ]


class Money(Data, kw_only=True):
    """A sum of money, which may also be a text with its currency or an object of both."""

    amount: Amount | UnsetType | None = UNSET
    currency: Currency | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.amount, Decimal) and not (self.amount.is_finite() and abs(self.amount) < MAX_AMOUNT):
            raise ValueError(f"`amount`: a number below {MAX_AMOUNT}")

    @staticmethod
    def complete(data: dict[str, Any]) -> list[str]:
        """Takes the currency that stands within the amount, where none stands beside it."""
        said, currency, notes = data.get("amount"), "", list[str]()
        if isinstance(said, dict):
            inner = {folded(name): value for name, value in said.items()}
            value = next((inner[name] for name in ("value", "amount") if name in inner), said)
            currency = str(inner.get("currency") or inner.get("currencycode") or "")
            if value is not said:
                data["amount"] = value
                notes.append(f"`amount` was {shortened(said)} and was read as {shortened(value)}.")
        if not currency and isinstance(data.get("amount"), str):
            currency = currency_of(data["amount"])
        if currency and not data.get("currency"):
            data["currency"] = currency
            notes.append(f"`currency` was read from `amount`: {shortened(currency)}.")
        return notes


class PayoutData(Money, kw_only=True):
    """`state`: due, sent, paid, failed."""

    state: Word | UnsetType = UNSET


class PayoutFact(IncomingFact, tag="payout", kw_only=True):
    """Earnings that are paid to a driver."""

    about: ClassVar[str] = "payout"
    payout: Id
    driver: Id
    data: PayoutData


class ReimbursementData(Money, kw_only=True):
    period: Period | UnsetType | None = UNSET
    qualified: bool | UnsetType = UNSET


class ReimbursementFact(IncomingFact, tag="reimbursement", kw_only=True):
    """Charging costs of a month that are given back; notified when the month is over."""

    about: ClassVar[str] = "reimbursement"
    reimbursement: Id
    driver: Id
    data: ReimbursementData


class StatementData(Money, kw_only=True):
    """`requested` or `issued`: notified at once, else when the month is over."""

    provider: Word | UnsetType | None = UNSET
    period: Period | UnsetType | None = UNSET
    requested: bool | UnsetType = UNSET
    issued: bool | UnsetType = UNSET


class StatementFact(IncomingFact, tag="cost_statement", kw_only=True):
    """An overview of charging costs, e.g. Elexent's."""

    about: ClassVar[str] = "statement"
    statement: Id
    driver: Id
    data: StatementData


class ReferralData(Data, kw_only=True):
    """`state`: open, completed."""

    referrer: Id | UnsetType = UNSET
    invitee: Id | UnsetType = UNSET
    state: Word | UnsetType = UNSET


class ReferralFact(IncomingFact, tag="referral", kw_only=True):
    """One driver brought another."""

    about: ClassVar[str] = "referral"
    referral: Id
    data: ReferralData
