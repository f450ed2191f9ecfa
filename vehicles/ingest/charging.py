"""Facts about charging: telemetry, settings, plans, commands, sessions."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, UnsetType

from core.corrections import shortened
from vehicles.ingest.base import Data, EntityReport, Id, IncomingFact, Moment, Percent, SampleReport, Word
from vehicles.rules.sessions import DISCONNECTED, PLUGGED, STOPPED, UNKNOWN_STATE, Sample

_POWER = re.compile(r"\s*([+-]?\d{1,6}(?:[.,]\d{1,6})?)\s*(k)?w\s*", re.IGNORECASE)


class TelemetryData(Data, kw_only=True):
    """`charge_state`: disconnected, charging, stopped, no_power, complete, unknown; `plugged`: whether the cable is in,
    where the state does not say. Leave both out when you send sessions yourself.

    `location` is a charging location's id. What is null or left out stays as it was since the car was plugged in.
    """

    charge_state: Word | UnsetType = UNSET
    plugged: Word | bool | int | UnsetType | None = UNSET
    location: Id | None = None
    power_kw: Annotated[float, Meta(ge=-1000, le=1000)] | None = None
    soc: Percent | None = None

    @staticmethod
    def complete(data: dict[str, Any]) -> list[str]:
        """Takes a power that is written with its unit."""
        said = data.get("power_kw")
        found = _POWER.fullmatch(said) if isinstance(said, str) else None
        if found is None:
            return []
        data["power_kw"] = float(found[1].replace(",", ".")) / (1 if found[2] else 1000)
        return [f"`power_kw` was {shortened(said)} and was read as {data['power_kw']:g}."]


class TelemetryFact(IncomingFact, tag="telemetry", kw_only=True):
    """What the car says of itself. Sessions follow from it, and it proves that the car can be reached."""

    about: ClassVar[str] = "vehicle"
    vehicle: Id
    data: TelemetryData

    def reports(self) -> list[EntityReport]:
        reports = [EntityReport("vehicle", self.vehicle, {"contact": True, "asleep": False})]
        return reports + ([EntityReport("location", self.data.location, {})] if self.data.location else [])

    def _charge_state(self) -> str:
        """What the state and the plug say together, "" where neither says anything: without a cable nothing charges,
        and with one a car that says that it does not charge has stopped."""
        values = self.data_values()
        state = str(values.get("charge_state", "" if self.data.charge_state is UNSET else UNKNOWN_STATE))
        plug = values.get("plugged")
        if plug == "out":
            return DISCONNECTED
        if plug == "in" and state in (UNKNOWN_STATE, DISCONNECTED):
            return STOPPED
        return state or (PLUGGED if plug == "in" else "")

    def samples(self, at: datetime) -> list[SampleReport]:
        sample = Sample(at, self._charge_state(), self.data.location or "", self.data.power_kw, self.data.soc)
        return [] if sample == Sample(at, "") else [SampleReport(self.vehicle, sample)]


class ChargeSettingsData(Data, kw_only=True):
    smart_charging: bool


class ChargeSettingsFact(IncomingFact, tag="charge_settings", kw_only=True):
    """Smart charging on or off. Off ends a managed session; the next telemetry begins an unmanaged one."""

    about: ClassVar[str] = "vehicle"
    vehicle: Id
    data: ChargeSettingsData


class PlanData(Data, kw_only=True):
    target_soc: Percent | None = None
    forecast_soc: Percent | None = None
    ready_by: Moment | None = None


class PlanFact(IncomingFact, tag="charging_plan", kw_only=True):
    """A plan for the running session: what is wanted by when, and what will be reached; null: not known."""

    about: ClassVar[str] = "vehicle"
    vehicle: Id
    data: PlanData

    def values(self) -> dict[str, Any]:
        return {"plan": self.data_values()}


class CommandData(Data, kw_only=True):
    """`command`: start, stop."""

    command: Word


class CommandFact(IncomingFact, tag="charging_command", kw_only=True):
    """A command to charge or to stop was sent to the car."""

    about: ClassVar[str] = "vehicle"
    vehicle: Id
    data: CommandData

    def values(self) -> dict[str, Any]:
        return self.data_values()


class SessionData(Data, kw_only=True):
    """`reason` of an unmanaged one: smart_charging_off, unknown_location, missing_capability."""

    managed: bool | UnsetType = UNSET
    started_at: Moment | UnsetType = UNSET
    ended_at: Moment | UnsetType | None = UNSET
    reason: Annotated[str, Meta(max_length=30)] | UnsetType | None = UNSET
    location: Id | UnsetType | None = UNSET
    energy_kwh: Annotated[float, Meta(ge=0, le=10_000)] | UnsetType | None = UNSET
    soc_start: Percent | UnsetType | None = UNSET


class SessionFact(IncomingFact, tag="charging_session", kw_only=True):
    """A session that the sender records itself; do not send `charge_state` in telemetry then."""

    about: ClassVar[str] = "session"
    session: Id
    vehicle: Id
    data: SessionData
