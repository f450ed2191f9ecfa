"""Commands as they are given: the nine actions with their parameters, spelled as the vendor's API spells them.

What has one meaning is taken in other spellings too (`spelling`); what is wrong is refused before anything is sent
(reference B1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from core.corrections import folded
from core.schema_words import pointer_of, readable
from fleet_remotes.catalogue.words import kind_of_name
from fleet_remotes.choices import Kind
from fleet_remotes.ingest.spelling import Misspelled, as_meant

Slot = Annotated[int, Meta(ge=1, le=4)]
TimeOfDay = str
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
    # A program that is deleted needs none, but the vendor's document asks for one.
    start: TimeOfDay | UnsetType = UNSET
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
    # Deprecated, as `driverApproval` below: the vendor takes it, and ignores it where it does not apply.
    forced: bool | UnsetType = UNSET


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
    driverApproval: bool | UnsetType = UNSET  # noqa: N815 - the vendor's spelling


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
    kind = kind_of_name(name)
    if kind is None:
        raise CommandError(f"`type` must be one of {', '.join(Kind.values)}.", "/type")
    return kind


def read_command(name: str, parameters: Any) -> Command:
    """Raises CommandError that says what is wrong and where."""
    kind = kind_named(name)
    try:
        given = _of_kind(kind, {} if parameters is None else parameters)
        read = msgspec.convert(as_meant(given, PARAMETERS[kind]), PARAMETERS[kind])
    except Misspelled as error:
        raise CommandError(str(error), f"/parameters{error.path}") from error
    except msgspec.ValidationError as error:
        raise CommandError(f"{readable(error).removesuffix('.')}.", f"/parameters{pointer_of(error)}") from error
    _check(read)
    built: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(read))
    if isinstance(read, WakeUp):
        built = {"action": "WakeUp"}
    elif isinstance(read, Preconditioning | Charging):
        built = _with_enabled(built)
    return Command(kind, built)


def _of_kind(kind: Kind, given: Any) -> Any:
    """The parameters themselves, also of the vendor's whole request, where they stand under the command's own key."""
    if not isinstance(given, dict):
        return given
    rest = [(key, value) for key, value in given.items() if folded(key) != "label"]
    if len(rest) == 1 and isinstance(rest[0][1], dict) and kind_of_name(rest[0][0]) == kind:
        is_field = rest[0][0] in PARAMETERS[kind].__struct_fields__ and kind != Kind.STOLEN
        given = given if is_field else rest[0][1]
    if kind == Kind.CHARGING and "nextDelayedTime" in given:  # deprecated beside `schedule`
        given = {key: value for key, value in given.items() if key != "nextDelayedTime"} | {
            "schedule": {"nextDelayedTime": given["nextDelayedTime"]}
        }
    if kind == Kind.PRECONDITIONING and not any(folded(key).startswith("aircondition") for key in given) and given:
        given = {"airConditioning": given}
    return given


def _with_enabled(built: dict[str, Any]) -> dict[str, Any]:
    """Says of every program what the vendor does not default."""
    for part in (built.get("airConditioning", {}), built.get("schedule", {})):
        for program in part.get("programs", ()):
            program.setdefault("enabled", True)
            program.setdefault("start", "PT0H0M")
    return built


def _check(read: msgspec.Struct) -> None:
    """What the types cannot say: which fields exclude one another."""
    match read:
        case Preconditioning(airConditioning=air) if air.immediate is UNSET and air.programs is UNSET:
            raise CommandError("Give `immediate` or `programs`.", "/parameters/airConditioning")
        case Preconditioning(airConditioning=AirConditioning(programs=list(programs))) if any(
            program.start is UNSET and program.actionsType != "Delete" for program in programs
        ):
            raise CommandError("Give each program its `start`, e.g. PT6H30M.", "/parameters/airConditioning/programs")
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
