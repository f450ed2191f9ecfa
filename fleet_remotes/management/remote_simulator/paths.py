"""The paths that a command may take at the vendor, and the odd ways in which its notifications may arrive."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fleet_remotes.choices import REMOTE_TYPES, Kind

CAUSES = (
    "GeneralError",
    "VehicleError",
    "WrongCommand",
    "VehicleInUse",
    "DoorsOpen",
    "CidInside",
    "VehicleIsNotLocked",
    "VehicleErrorOrCidInside",
    "NotPossibleDueToVehiclePrivacyLevel",
    "NotPossibleDueToVehicleStolenState",
    "TooManyRequestInShortTime",
    "ExternalChargingSystemError",
    "VehicleChargingSystemError",
    "CanceledByDriver",
)


@dataclass(frozen=True, slots=True)
class PathStep:
    """One notification, `after_s` seconds after the one before it."""

    after_s: float
    type: str
    status: str
    cause: str = ""
    feedback: str = ""
    # Recorded at the vendor, but never notified.
    is_kept_back: bool = False

    def notification(self, remote_action_id: str, vin: str, kind: Kind, at: datetime) -> dict[str, Any]:
        """What the vendor sends of this step of an action."""
        status = {"type": self.type, "status": self.status}
        status |= {"failureCause": self.cause} if self.cause else {}
        status |= {"feedbackDetail": self.feedback} if self.feedback else {}
        return {
            "remoteActionId": remote_action_id,
            "vin": vin,
            "eventDate": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "remoteType": REMOTE_TYPES[kind],
            "eventStatus": status,
        }


@dataclass(frozen=True, slots=True)
class Path:
    """What becomes of a command: how its POST is answered, and what is notified. `weight` is its share by chance."""

    name: str
    steps: tuple[PathStep, ...] = ()
    weight: int = 0
    # The answer to the POST; 0: the connection is closed without one, -1: none for a long time.
    answer: int = 202
    # Whether the command is carried out although it was not answered by 202.
    is_processed: bool = True


ACCEPTED = PathStep(0.4, "Pending", "Accepted")
CHECKING = PathStep(0.6, "Pending", "CheckingVehicle")
WAKING = PathStep(1.0, "Pending", "WakingUpVehicle")
SENT = PathStep(2.0, "Pending", "SentToVehicle")
SENT_AFTER_WAKING = PathStep(25.0, "Pending", "SentToVehicle")
SUCCESS = PathStep(6.0, "Done", "Success")


def _failing(after_s: float, cause: str) -> PathStep:
    return PathStep(after_s, "Done", "Failed", cause)


_ASLEEP = (ACCEPTED, WAKING, SENT_AFTER_WAKING)
_AWAKE = (ACCEPTED, SENT)

_ALL = (
    # As the flow chart has it.
    Path("success", (*_ASLEEP, SUCCESS), 40),
    Path("success_awake", (*_AWAKE, SUCCESS), 20),
    Path("success_checked", (ACCEPTED, CHECKING, SENT, SUCCESS), 3),
    Path("success_with_feedback", (*_AWAKE, replace(SUCCESS, feedback="NoCIDBlacklisted")), 2),
    Path("already_done", (*_AWAKE, PathStep(4.0, "Done", "AlreadyDone")), 6),
    Path("missing_rights", (_failing(0.3, "MissingRights"),), 2),
    Path("same_action", (_failing(0.3, "SameActionInProgress"),)),
    Path("quota", (_failing(0.3, "TooManyWakesUpsOverMonth"),)),
    Path("battery", (_failing(0.3, "VehicleBatteryChargeTooLow"),), 3),
    Path("time_out", (ACCEPTED, WAKING, _failing(128.0, "VehicleConnectionTimeout")), 5),
    *(Path(f"failed_{cause}", (*_AWAKE, _failing(5.0, cause)), 1) for cause in CAUSES),
    # What else was seen, or is to be feared.
    Path("quota_pending", (PathStep(0.3, "Pending", "TooManyWakeUpsOverMonth"),)),
    Path("battery_pending", (PathStep(0.3, "Pending", "VehicleBatteryChargeTooLow"),), 1),
    Path("battery_pending_then_success", (PathStep(0.3, "Pending", "VehicleBatteryChargeTooLow"), SENT, SUCCESS), 1),
    Path("repeated_time_out", (ACCEPTED, WAKING, *(_failing(60.0, "VehicleConnectionTimeout"),) * 3), 1),
    Path("conflict", (*_AWAKE, SUCCESS, _failing(3.0, "GeneralError"))),
    Path("unknown_cause", (*_AWAKE, _failing(5.0, "NewThing"))),
    Path("unknown_status", (ACCEPTED, PathStep(1.0, "Pending", "ThinkingAboutIt"), SENT, SUCCESS)),
    Path("silent", (ACCEPTED, SENT), 2),
    Path("unheard", tuple(replace(s, is_kept_back=True) for s in (*_AWAKE, SUCCESS)), 1),
    Path("late", (*_AWAKE, PathStep(1_200.0, "Done", "Success")), 1),
    # The POST itself.
    Path("rejected", weight=1, answer=403, is_processed=False),
    Path("not_found", answer=404, is_processed=False),
    Path("throttled", answer=429, is_processed=False),
    Path("server_error", answer=500, is_processed=False),
    Path("server_error_but_done", (*_AWAKE, SUCCESS), answer=500),
    Path("no_answer", (*_AWAKE, SUCCESS), answer=0),
    Path("no_answer_not_done", answer=0, is_processed=False),
    Path("hangs", (*_AWAKE, SUCCESS), answer=-1),
)
PATHS = {path.name: path for path in _ALL}


def choose_path(chance: random.Random) -> Path:
    """One of those that have a weight."""
    return chance.choices(_ALL, [path.weight for path in _ALL])[0]


# ---- odd ways to arrive ---------------------------------------------------------------------------------------------

Events = list[dict[str, Any]]


def _duplicated(events: Events) -> Events:
    return [event for event in events for _ in range(2)]


def _disordered(events: Events) -> Events:
    return events[::-1]


def _as_object(events: Events) -> Events:
    """The seed's way to write a status."""
    for event in events:
        status = event["eventStatus"]
        key = "RemoteDoneEventStatus" if status["type"] == "Done" else "RemotePendingEventStatus"
        event["eventStatus"] = status | {"status": {key: status["status"]}}
    return events


def _type_failed(events: Events) -> Events:
    """The flow chart's way to write a failure."""
    for event in events:
        status = event["eventStatus"]
        if status.get("failureCause"):
            event["eventStatus"] = {"type": "Failed", "status": status["failureCause"]}
    return events


def _undated(events: Events) -> Events:
    return [{key: value for key, value in event.items() if key != "eventDate"} for event in events]


ODDITIES: dict[str, Callable[[Events], Events]] = {
    "duplicated": _duplicated,
    "disordered": _disordered,
    "object": _as_object,
    "type_failed": _type_failed,
    "undated": _undated,
}
# By chance, one action in ten comes oddly.
ODD_SHARE = 0.1


def choose_oddities(chance: random.Random) -> tuple[str, ...]:
    return (chance.choice(list(ODDITIES)),) if chance.random() < ODD_SHARE else ()


def named(text: str) -> tuple[Path, tuple[str, ...]]:
    """`success+duplicated+disordered` as a path and its oddities. Raises KeyError for a name that is none."""
    name, *oddities = text.split("+")
    for oddity in oddities:
        ODDITIES[oddity]
    return PATHS[name], tuple(oddities)


def arranged(events: Events, oddities: Sequence[str]) -> Events:
    for oddity in oddities:
        events = ODDITIES[oddity](events)
    return events
