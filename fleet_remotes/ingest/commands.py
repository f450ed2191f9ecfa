"""Commands as they are given: the nine actions with their parameters, spelled as the vendor's API spells them.

Parameters are strict, unlike notifications: what is wrong is refused before anything is sent (reference B1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from fleet_remotes.choices import KIND_ALIASES, Kind

Slot = Annotated[int, Meta(ge=1, le=4)]
TimeOfDay = Annotated[str, Meta(pattern=r"^PT(?:([01]?\d|2[0-3])H)?(?:[0-5]?\dM)?$", min_length=3)]
Day = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


class CommandError(ValueError):
    """A command that cannot be sent as it is: a sentence, and the JSON pointer of what is wrong."""

    def __init__(self, message: str, pointer: str = "/parameters") -> None:
        super().__init__(message)
        self.pointer = pointer


class _Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    pass


class Occurrence(_Strict):
    day: Annotated[list[Day], Meta(min_length=1, max_length=7)]


class AirProgram(_Strict):
    slot: Slot
    start: TimeOfDay
    enabled: bool = True
    # The vendor's own spelling.
    occurence: Occurrence | UnsetType = UNSET
    recurrence: Literal["None", "Daily"] | UnsetType = UNSET
    actionsType: Literal["Set", "Delete"] | UnsetType = UNSET  # noqa: N815 - the vendor's spelling


class AirConditioning(_Strict):
    immediate: bool | UnsetType = UNSET
    programs: Annotated[list[AirProgram], Meta(min_length=1, max_length=4)] | UnsetType = UNSET


class Preconditioning(_Strict):
    airConditioning: AirConditioning  # noqa: N815 - the vendor's spelling


class ChargeProgram(_Strict):
    slot: Slot
    start: TimeOfDay
    enabled: bool = True
    end: TimeOfDay | UnsetType = UNSET
    occurence: Occurrence | UnsetType = UNSET


class ChargeSchedule(_Strict):
    nextDelayedTime: TimeOfDay | UnsetType = UNSET  # noqa: N815 - the vendor's spelling
    programs: Annotated[list[ChargeProgram], Meta(min_length=1, max_length=4)] | UnsetType = UNSET


class ChargePreferences(_Strict):
    level: Literal["Level1", "Level2", "Level3", "Level4", "Level5"] | UnsetType = UNSET
    type: Literal["Partial", "Full"] | UnsetType = UNSET


class Charging(_Strict):
    """`{"immediate": false}` stops charging."""

    immediate: bool | UnsetType = UNSET
    schedule: ChargeSchedule | UnsetType = UNSET
    preferences: ChargePreferences | UnsetType = UNSET


class Door(_Strict):
    state: Literal["Locked", "Unlocked"]


class Horn(_Strict):
    state: Literal["Activated", "Unactivated"]


class Lights(_Strict):
    on: bool


class Immobilization(_Strict):
    activate: bool


class TrackingPeriod(_Strict):
    """Seconds between positions, while it drives and while it is parked."""

    running: Annotated[int, Meta(ge=5)]
    shutdown: Annotated[int, Meta(ge=60)]


class Stolen(_Strict):
    stolen: bool | UnsetType = UNSET
    trackingPeriod: TrackingPeriod | UnsetType = UNSET  # noqa: N815 - the vendor's spelling
    immobilization: Immobilization | UnsetType = UNSET


class WakeUp(_Strict):
    action: Literal["WakeUp"] = "WakeUp"


Longitude = Annotated[float, Meta(ge=-180, le=180)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]


class Point(_Strict):
    """A GeoJSON point: longitude first."""

    type: Literal["Point"]
    coordinates: tuple[Longitude, Latitude]


class Navigation(_Strict):
    """Up to ten points; the last is the destination."""

    positions: Annotated[list[Point], Meta(min_length=1, max_length=10)]


PARAMETERS: dict[Kind, type[_Strict]] = {
    Kind.PRECONDITIONING: Preconditioning,
    Kind.CHARGING: Charging,
    Kind.DOOR: Door,
    Kind.HORN: Horn,
    Kind.LIGHTS: Lights,
    Kind.IMMOBILIZATION: Immobilization,
    Kind.STOLEN: Stolen,
    Kind.WAKE_UP: WakeUp,
    Kind.NAVIGATION: Navigation,
}


@dataclass(frozen=True, slots=True)
class Command:
    """A valid command: its kind and the parameters as the vendor takes them."""

    kind: Kind
    parameters: dict[str, Any]

    @property
    def is_dangerous(self) -> bool:
        """Whether it asks for a reason and a second confirmation: immobilisation, stolen, unlocking."""
        if self.kind == Kind.DOOR:
            return self.parameters.get("state") == "Unlocked"
        return self.kind in (Kind.IMMOBILIZATION, Kind.STOLEN)

    def body(self, label: str) -> dict[str, Any]:
        """The vendor's request; the label finds it again in the vendor's list."""
        return {"label": label, str(self.kind): self.parameters}


def kind_named(name: str) -> Kind:
    """Raises CommandError for a name that is none of the nine."""
    kinds = {kind.lower(): kind for kind in Kind} | KIND_ALIASES
    kind = kinds.get(name.strip().lower())
    if kind is None:
        raise CommandError(f"`type` must be one of {', '.join(Kind.values)}.", "/type")
    return kind


def read_command(name: str, parameters: Any) -> Command:
    """Raises CommandError that says what is wrong and where."""
    kind = kind_named(name)
    try:
        read = msgspec.convert({} if parameters is None else parameters, PARAMETERS[kind])
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        pointer = path.rstrip("`").replace("[", ".").replace("]", "").replace(".", "/")
        raise CommandError(f"{message}.", f"/parameters{pointer}") from error
    _check(read)
    built: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(read))
    if isinstance(read, WakeUp):
        built = {"action": "WakeUp"}
    elif isinstance(read, Preconditioning | Charging):
        built = _with_enabled(built)
    return Command(kind, built)


def _with_enabled(built: dict[str, Any]) -> dict[str, Any]:
    """Says `enabled` of every program, which the vendor does not default."""
    for part in (built.get("airConditioning", {}), built.get("schedule", {})):
        for program in part.get("programs", ()):
            program.setdefault("enabled", True)
    return built


def _check(read: msgspec.Struct) -> None:
    """What the types cannot say: which fields exclude one another."""
    match read:
        case Preconditioning(airConditioning=air) if air.immediate is UNSET and air.programs is UNSET:
            raise CommandError("Give `immediate` or `programs`.", "/parameters/airConditioning")
        case Charging() if _present(read) == []:
            raise CommandError("Give `immediate`, `schedule` or `preferences`.")
        case Charging() if "preferences" in _present(read) and len(_present(read)) > 1:
            raise CommandError("`preferences` stand alone, without `immediate` and `schedule`.")
        case Charging(schedule=schedule) if isinstance(schedule, ChargeSchedule) and len(_present(schedule)) != 1:
            raise CommandError("Give either `nextDelayedTime` or `programs`.", "/parameters/schedule")
        case Charging(preferences=choice) if isinstance(choice, ChargePreferences) and not _present(choice):
            raise CommandError("Give `level` or `type`.", "/parameters/preferences")
        case Stolen() if len(_present(read)) != 1:
            raise CommandError("Give exactly one of `stolen`, `trackingPeriod`, `immobilization`.")
        case _:
            return


def _present(read: msgspec.Struct) -> list[str]:
    return [name for name in read.__struct_fields__ if getattr(read, name) is not UNSET]
