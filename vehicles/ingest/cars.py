"""Facts about accounts, cars and their pairing."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, UnsetType

from core.corrections import shortened
from vehicles.ingest.base import Data, Day, EntityReport, Id, IncomingFact, Text, Word
from vehicles.rules.clocks import end_of
from vehicles.rules.timelines import OVER, UNKNOWN
from vehicles.rules.words import CAPABILITY, CAPABILITY_STATE, NOT_RUNNING, SERVICE_CODE, state_of_capability

# A list names those that are available, the others of these are missing.
CAPABILITIES = CAPABILITY.words


def capability_of(name: str) -> str:
    """A capability by our name; one that we have no name for stays as it is."""
    return CAPABILITY.read(name) or name


def _capability(name: str, state: str | bool | int) -> tuple[str, str]:
    known = CAPABILITY_STATE.read(str(state))
    field = f"capability.{capability_of(name)}"
    return (field, known) if known is not None else (field + UNKNOWN, str(state))


class AccountData(Data, kw_only=True):
    """`auth_state`: ok, invalid_credentials, action_required (in the maker's app), revoked."""

    brand: Word | UnsetType | None = UNSET
    auth_state: Word | UnsetType = UNSET
    linked: bool | UnsetType = UNSET


class AccountFact(IncomingFact, tag="oem_account", kw_only=True):
    """An account with a manufacturer: whether its credentials are valid, whether it is linked."""

    about: ClassVar[str] = "account"
    account: Id
    driver: Id | UnsetType = UNSET
    data: AccountData


class VehicleData(Data, kw_only=True):
    """`capabilities` maps a capability to available, missing or blocked; a list names those that are available. Enode's
    objects (`isCapable`, `interventionIds`) are read as the word that they mean.

    `user_role`: primary, secondary, guest, none. `enrollment`: not_started, started, completed.
    `link_status` (MyRenault): active, missing.
    """

    brand: Word | UnsetType | None = UNSET
    model: Annotated[str, Meta(max_length=60)] | UnsetType | None = UNSET
    vin: Annotated[str, Meta(max_length=20)] | UnsetType | None = UNSET
    capabilities: dict[Word, Word | bool | int] | list[Word] | UnsetType = UNSET
    user_role: Word | UnsetType | None = UNSET
    enrollment: Word | UnsetType | None = UNSET
    privacy_mode: Word | bool | int | UnsetType | None = UNSET
    geolocation_enabled: bool | UnsetType | None = UNSET
    link_status: Word | UnsetType | None = UNSET
    asleep: bool | UnsetType = UNSET
    activation_confirmed: bool | UnsetType = UNSET
    removed: bool | UnsetType = UNSET

    @staticmethod
    def complete(data: dict[str, Any]) -> list[str]:
        said = data.get("capabilities")
        objects = {name: one for name, one in said.items() if isinstance(one, dict)} if isinstance(said, dict) else {}
        states = {name: state_of_capability(one) for name, one in objects.items()}
        if isinstance(said, dict) and states:
            data["capabilities"] = {name: one for name, one in (said | states).items() if one is not None}
        unsaid = "does not say `isCapable` and was left out"
        return [
            f"`capabilities`: {shortened(name)} {f'was read as {state}' if state else unsaid}."
            for name, state in states.items()
        ]


class VehicleFact(IncomingFact, tag="vehicle", kw_only=True):
    """A car: what it is, what it can, what its driver allows."""

    about: ClassVar[str] = "vehicle"
    vehicle: Id
    driver: Id | UnsetType = UNSET
    account: Id | UnsetType = UNSET
    data: VehicleData

    def values(self) -> dict[str, Any]:
        values = super().values()
        if values.get("privacy_mode") is not None:
            values["privacy_mode"] = values["privacy_mode"] == "on"
        capabilities = values.pop("capabilities", {})
        if isinstance(capabilities, list):
            named = dict.fromkeys(map(capability_of, capabilities), "available")
            capabilities = dict.fromkeys(CAPABILITIES, "missing") | named
        return values | dict(_capability(name, state) for name, state in capabilities.items())

    def unknown_words(self) -> list[tuple[str, str]]:
        values, named = self.values(), self.data.capabilities
        words = [(name.removesuffix(UNKNOWN), str(word)) for name, word in values.items() if name.endswith(UNKNOWN)]
        names = named if named is not UNSET else ()
        return words + [("capabilities", name) for name in names if CAPABILITY.read(name) is None]


class ListingData(Data, kw_only=True):
    """`confirmed` says that one absence is enough: the platform itself knows that the car is gone from the account."""

    listed: bool
    confirmed: bool | UnsetType = UNSET


class ListingFact(IncomingFact, tag="vehicle_listing", kw_only=True):
    """One sync of the account's list of cars: whether this one is in it."""

    about: ClassVar[str] = "vehicle"
    vehicle: Id
    account: Id | UnsetType = UNSET
    data: ListingData

    def reports(self) -> list[EntityReport]:
        """A list in which the car is not says in which account it is missing, and not that it is in that one."""
        values = {"confirmed": False} | self.values()
        if not self.data.listed and "account" in values:
            values["absent_from"] = values.pop("account")
        return [EntityReport(self.about, self.key, values)]


class ContactData(Data, kw_only=True):
    """`asleep` says that the car rests and need not answer."""

    ok: bool
    asleep: bool | UnsetType = UNSET


class ContactFact(IncomingFact, tag="vehicle_contact", kw_only=True):
    """A try to reach the car."""

    about: ClassVar[str] = "vehicle"
    vehicle: Id
    data: ContactData

    def values(self) -> dict[str, Any]:
        values = self.data_values()
        return values | {"contact": values.pop("ok")}


class ConnectData(Data, kw_only=True):
    finished: bool
    brand: Word | UnsetType | None = UNSET


class ConnectFact(IncomingFact, tag="connect_session", kw_only=True):
    """A driver connects a car or connects an account again; finished, its credentials are valid."""

    about: ClassVar[str] = "account"
    account: Id
    vehicle: Id | UnsetType = UNSET
    driver: Id | UnsetType = UNSET
    data: ConnectData

    def reports(self) -> list[EntityReport]:
        values = self.data_values() | self.links("driver")
        finished = values.pop("finished")
        account = values | ({"auth_state": "ok", "linked": True} if finished else {})
        reports = [EntityReport("account", self.account, account)]
        if self.vehicle is not UNSET:
            connected = {"connected": True, "removed": False} if finished else {}
            reports.append(EntityReport("vehicle", self.vehicle, values | {"account": self.account} | connected))
        return reports


class PairingData(Data, kw_only=True):
    """`step`: ready, started, completed, failed."""

    step: Word


class PairingFact(IncomingFact, tag="pairing", kw_only=True):
    """A step of the pairing."""

    about: ClassVar[str] = "vehicle"
    vehicle: Id
    data: PairingData

    def values(self) -> dict[str, Any]:
        return {name.replace("step", "pairing"): word for name, word in self.data_values().items()}


class ServiceData(Data, kw_only=True):
    """`state`: none, requested, active, rejected, expired, ended, revoked."""

    code: Word = "ZE_INTERACTIVE"
    state: Word | UnsetType = UNSET
    expires_at: Day | UnsetType | None = UNSET
    reason: Text | UnsetType | None = UNSET

    # Kamereon's.
    aliases = {"status": "state", "enddate": "expires_at"}


class ServiceFact(IncomingFact, tag="oem_service", kw_only=True):
    """A manufacturer's service for a car, e.g. Renault's ZE Interactive."""

    about: ClassVar[str] = "vehicle"
    vehicle: Id
    data: ServiceData

    def unknown_words(self) -> list[tuple[str, str]]:
        known = SERVICE_CODE.read(self.data.code) is not None
        return super().unknown_words() + ([] if known else [("code", self.data.code)])

    def reports(self) -> list[EntityReport]:
        code = SERVICE_CODE.read(self.data.code) or self.data.code.upper()
        key, values = f"{self.vehicle}/{code}", self.data_values()
        named = {"vehicle": self.vehicle, "code": code}
        ends = end_of(values.get("expires_at"), UTC) if values.get("state") in NOT_RUNNING else None
        reports = [EntityReport("vehicle", self.vehicle, {})]
        if ends is None:
            return [*reports, EntityReport("service", key, values | named)]
        # A record of a term that is over says nothing of another one that runs.
        return [
            *reports,
            EntityReport("service", key, named),
            EntityReport("service", key, {OVER: values["state"]}, ends),
        ]
