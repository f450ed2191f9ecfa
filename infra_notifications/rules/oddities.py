"""What is odd about a message that was read: fields that are missing or contradict one another, moments that are none.
Pure; each is a sentence for its sender, "" where nothing is odd.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from core.device_clock import EARLIEST, judge, parse_time
from infra_notifications.ingest import NO_ERROR, Observation
from infra_notifications.rules.actions import missing_fields
from infra_notifications.rules.spelling import PROTOCOLS
from infra_notifications.rules.stations import firmware_of
from infra_notifications.rules.vocabulary import object_of


def incomplete(protocol: str, action: str, payload: Any, observations: Sequence[Observation]) -> tuple[str, bool]:
    """Of a request without its required fields what it lacks, and whether what it says is understood without them."""
    missing = missing_fields(action, PROTOCOLS.get(protocol, ""), payload)
    if not missing:
        return "", True
    lacks = f"{action} lacks {', '.join(f'`{name}`' for name in missing)}, which OCPP requires"
    is_understood = any(map(_is_telling, observations)) or bool(firmware_of(action, payload))
    return f"{lacks}; what it says was taken." if is_understood else f"{lacks}.", is_understood


def _is_telling(observation: Observation) -> bool:
    is_coded = any(code.lower() != NO_ERROR.lower() for code in observation.codes)
    return bool(observation.status or observation.component or observation.words or is_coded)


def contradiction(station: str, evse: int | None, known_station: str, known_connector: int | None) -> str:
    """Whether what stands beside the `charge_point` of a message is not that of this charge point."""
    if station and known_station and station != known_station:
        return f"`charge_point` is one of station {known_station}, not of {station}; `charge_point` counts."
    if evse and known_connector and evse != known_connector:
        return f"`charge_point` is connector {known_connector}, not {evse}; `charge_point` counts."
    return ""


def unreadable_moment(payload: Any) -> str:
    """A moment that a message gives and nobody can read."""
    body = object_of(payload)
    events = body.get("eventData")
    for holder in (body, *(map(object_of, events) if isinstance(events, list) else ())):
        for key in ("timestamp", "generatedAt"):
            if (said := holder.get(key)) is not None and parse_time(said) is None:
                return f"`{key}` {str(said)[:40]!r} is no moment that can be read; the time of receipt counts."
    return ""


def has_moment(payload: Any) -> bool:
    """Whether a message says itself of when it speaks (its own `timestamp`, or that of an event in it).

    A clock that was never set says the same of everything.
    """
    body = object_of(payload)
    moments = (parse_time(body.get(key)) for key in ("timestamp", "generatedAt"))
    return any(moment is not None and moment >= EARLIEST for moment in moments)


class Receipt(NamedTuple):
    """When a sender says that it received or saw something, never after us; and what is odd about that, in words."""

    at: datetime
    oddity: str


_ZONE = re.compile(r"(?:z|[+-]\d\d(?::?\d\d)?)\s*\Z", re.IGNORECASE)


def receipt_of(said: str, now: datetime, name: str = "received_at") -> Receipt:
    """A sender's clock is believed like a device's: never beyond ours, and not before it was set. How long it may have
    kept something has no limit, because it says so."""
    moment = judge(parse_time(said), now, longest_queue=None)
    if not moment.device_clock:
        what = "been received" if name == "received_at" else "happened"
        return Receipt(moment.at, f"`{name}` is no moment at which it can have {what}; this request counts.")
    return Receipt(moment.at, "" if _names_zone(said) else f"`{name}` names no time zone and was read as UTC.")


def _names_zone(moment: str) -> bool:
    return moment[-1:] == "Z" or _ZONE.search(moment, 10) is not None


def too_early_to_end(received_at: str | None) -> str:
    """Why a clear ends nothing."""
    said = "It is from before the fault was reported last, and did not end it."
    if received_at is None or _names_zone(received_at):
        return said
    return f"{said} Its `received_at` names no time zone and was read as UTC."
