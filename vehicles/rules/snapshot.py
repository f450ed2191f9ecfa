"""All that is known of one driver, as the rules see it. Plain values: no database, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from core.text import brand_written, said_once
from vehicles.rules.timelines import Reports, with_terms
from vehicles.rules.words import BRAND

# What is said of an account's sign-in while it lets nobody reach its cars.
LOST = ("invalid_credentials", "action_required", "revoked")


@dataclass(slots=True)
class Entity:
    """Something that facts report of: its row, its own id with the sender, and what was reported."""

    id: int
    key: str
    reports: Reports


@dataclass(slots=True)
class Account(Entity):
    """An account with a manufacturer."""

    @property
    def is_ok(self) -> bool:
        """Nothing speaks against its credentials, and nobody withdrew the access."""
        return self.reports.latest("auth_state") not in LOST


@dataclass(slots=True)
class Service(Entity):
    """A paid service of a manufacturer for one vehicle, e.g. ZE_INTERACTIVE; its days are its driver's."""

    zone: tzinfo = UTC

    def __post_init__(self) -> None:
        self.reports = with_terms(self.reports)


@dataclass(slots=True)
class Session(Entity):
    """A charging session; `managed` is None while only its end was reported."""

    managed: bool | None = None
    reason: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    no_power_since: datetime | None = None
    soc_start: int | None = None
    energy_kwh: float | None = None
    charge_state: str = ""
    soc_last: int | None = None
    # Of one that follows from telemetry, its last sample.
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """Who sends facts of a car: since when it is heard without a long pause, and when it was heard last."""

    key: int
    heard_since: datetime
    last_heard_at: datetime
    says_changes_alone: bool = False


@dataclass(slots=True)
class Vehicle(Entity):
    account: Account | None = None
    feed: Feed | None = None
    services: list[Service] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    # The brand as rules compare it, the name as people write it, whether it is linked: asked by nearly every rule.
    brand: str = field(init=False)
    brand_name: str = field(init=False)
    name: str = field(init=False)
    is_linked: bool = field(init=False)

    def __post_init__(self) -> None:
        brand, model = (str(self.reports.latest(name) or "").strip() for name in ("brand", "model"))
        if not brand and self.account is not None:
            brand = str(self.account.reports.latest("brand") or "").strip()
        self.brand_name = brand_written(brand)
        self.brand = BRAND.read(brand) or brand.lower().replace(" ", "_")
        self.name = said_once(self.brand_name, model)
        self.is_linked = self._is_linked()

    @property
    def account_ok(self) -> bool:
        return self.account is None or self.account.is_ok

    def _is_linked(self) -> bool:
        """In an account that is linked, and not removed by its driver."""
        account = self.account.reports if self.account is not None else Reports()
        return account.latest("linked") is not False and self.reports.latest("removed") is not True

    @property
    def last_contact(self) -> datetime | None:
        return self.reports.last_time("contact", True)


@dataclass(slots=True)
class Contract(Entity):
    """A utility contract; it hangs on a location."""


@dataclass(slots=True)
class Agreement(Entity):
    """An offered version of the agreement about a PDL (the French meter's delivery point)."""


@dataclass(slots=True)
class Location(Entity):
    contracts: list[Contract] = field(default_factory=list)
    agreements: list[Agreement] = field(default_factory=list)
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Campaign:
    """A running campaign that this driver belongs to the audience of."""

    id: int
    type: str
    begins: datetime
    ends: datetime | None
    min_app_version: str


@dataclass(slots=True)
class Snapshot(Entity):
    """One driver."""

    zone: tzinfo = UTC
    accounts: list[Account] = field(default_factory=list)
    vehicles: list[Vehicle] = field(default_factory=list)
    locations: list[Location] = field(default_factory=list)
    payouts: list[Entity] = field(default_factory=list)
    reimbursements: list[Entity] = field(default_factory=list)
    statements: list[Entity] = field(default_factory=list)
    referred: list[Entity] = field(default_factory=list)  # referrals in which this driver is the referrer
    invited: list[Entity] = field(default_factory=list)  # … the invitee
    campaigns: list[Campaign] = field(default_factory=list)
