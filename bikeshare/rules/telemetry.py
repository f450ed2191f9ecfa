"""What a device's message means against what is known of the device. Pure: the moment is passed in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from bikeshare.choices import Lock

LOW_BATTERY = 20.0
# A battery must get so far before it can be told as low again.
REARM_BATTERY = 25.0


def is_late(at: datetime, known_at: datetime | None) -> bool:
    """Whether a message is older than what is known. One of the same moment is taken: clocks count whole seconds, and
    a repetition changes nothing."""
    return known_at is not None and at < known_at


def is_known(lock: str) -> bool:
    """Whether a lock says how it is; other words count as neither."""
    return lock in (Lock.LOCKED, Lock.UNLOCKED)


def lock_edge(known: str, new: str) -> str:
    """`locked` or `unlocked` when the lock became so since it last knew, empty otherwise."""
    return new if new != known and is_known(new) else ""


@dataclass(frozen=True)
class BatteryStep:
    """Whether a battery counts as low after a value, and whether it became so by it."""

    is_low: bool
    crossed: bool


def battery_step(was_low: bool, value: float) -> BatteryStep:
    """Low below 20 % (20 itself is not), told once, and again only after it has been at 25 % or more."""
    if value < LOW_BATTERY:
        return BatteryStep(True, not was_low)
    return BatteryStep(was_low and value < REARM_BATTERY, False)


def pin_spellings(pin: str | int) -> list[str]:
    """As what a PIN may have been typed; as a number it has lost its leading zeros."""
    return [pin] if isinstance(pin, str) else [str(pin).zfill(digits) for digits in range(4, 9)]


def masked(text: str) -> str:
    """A card's number by its last four characters: enough to recognise one's own, too little to copy it."""
    shown = text[-4:] if len(text) > 6 else ""
    return f"••••{shown}"


def is_percentage(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and 0 <= value <= 100


def is_position(latitude: float | None, longitude: float | None) -> bool:
    """Whether these are degrees on the earth; 0, 0 is what a receiver without a fix says."""
    if latitude is None or longitude is None or not (math.isfinite(latitude) and math.isfinite(longitude)):
        return False
    return abs(latitude) <= 90 and abs(longitude) <= 180 and (latitude, longitude) != (0, 0)
