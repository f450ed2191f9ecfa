"""What happens at a simulated station, step by step for ever. Pure: the same seed and station give the same steps."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Event(StrEnum):
    """What a station does in a step; a dialect (`dialects.py`) makes the messages of it."""

    CONNECT = "connect"
    BOOT = "boot"
    STATUS = "status"
    AUTHORIZE = "authorize"
    START = "start"
    METER = "meter"
    STOP = "stop"
    FAULT = "fault"
    RECOVER = "recover"
    # Its socket closes, in order or without a word.
    HANG_UP = "hang up"
    LOSE = "lose"


@dataclass(frozen=True)
class Step:
    """After so many seconds `event` happens at a connector (0: the station). `detail` names a status or a fault."""

    after_s: float
    event: Event
    connector: int = 0
    detail: str = ""


MINUTE = 60.0
# How often in a thousand scenes what happens; a scene takes about a quarter of an hour. Forty stations give two or
# three incidents an hour.
SCENES = {"session": 780, "idle": 186, "fault": 14, "sensor": 6, "outage": 14}
# A fault that lasts between so many minutes, and how often it is chosen.
FAULTS: Mapping[str, tuple[float, float, int]] = {
    "fuse": (3, 40, 3),
    "ground": (2, 25, 3),
    "lock": (6, 45, 4),
    "meter": (8, 60, 1),
    "emergency": (5, 30, 1),
    "reader": (6, 30, 2),
}
SENSORS: Mapping[str, tuple[float, float, int]] = {"tilt": (1, 15, 2), "door": (2, 30, 2)}
# What happens soon after the start, so that there is something to see: by the station's number, when and for how long
# (minutes).
OPENING: Mapping[int, tuple[float, str, float]] = {
    3: (0.4, "fuse", 6),
    30: (0.9, "ground", 9),
    18: (1.5, "outage", 24),
    6: (2.5, "tilt", 4),
    32: (4, "lock", 18),
}
# What is broken from the start, where nobody is notified, so that lists have something to show: the connector, the
# fault, and for how many hours; one waits for a spare part.
BROKEN: Mapping[int, tuple[int, str, float]] = {12: (1, "lock", 7), 14: (2, "ground", 60 * 24), 37: (1, "meter", 5)}
# The README lets its readers trip a fuse at the first one, so nothing else happens there.
CALM = frozenset({1})


def story(number: int, *, seed: int, connectors: int = 2) -> Iterator[Step]:
    """The steps of a station, by its number, without end."""
    chance = random.Random(f"{seed}:{number}")  # noqa: S311 - a story, no secret
    yield Step(chance.uniform(0, 2), Event.CONNECT)
    yield Step(0.2, Event.BOOT)
    broken = BROKEN.get(number)
    for connector in range(connectors + 1):
        if broken is None or broken[0] != connector:
            yield Step(0.05, Event.STATUS, connector, "Available")
    if broken is not None:
        connector, fault, hours = broken
        yield from _fault(connector, fault, 0, hours * 60 * MINUTE)
    if number in OPENING:
        after, what, minutes = OPENING[number]
        scene = _outage(chance, minutes) if what == "outage" else _fault(1, what, 0, minutes * MINUTE)
        yield from _after(after * MINUTE, scene)
    elif number not in CALM:
        # Not all of them begin at once.
        yield from _after(chance.uniform(0, 12 * MINUTE), _session(chance, connectors))
    while True:
        yield from _scene("idle" if number in CALM else _choose(chance, SCENES), chance, connectors)


def _choose(chance: random.Random, weights: Mapping[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def _after(pause_s: float, steps: Iterator[Step]) -> Iterator[Step]:
    for number, step in enumerate(steps):
        yield step if number else Step(step.after_s + pause_s, step.event, step.connector, step.detail)


def _scene(name: str, chance: random.Random, connectors: int) -> Iterator[Step]:
    match name:
        case "session":
            yield from _after(chance.uniform(1, 20) * MINUTE, _session(chance, connectors))
        case "idle":
            yield Step(chance.uniform(10, 30) * MINUTE, Event.STATUS, 1, "Available")
        case "outage":
            # Most are short; some last until somebody is notified.
            minutes = chance.choice((chance.uniform(0.2, 4), chance.uniform(0.5, 8), chance.uniform(18, 50)))
            yield from _outage(chance, minutes)
        case _:
            faults = SENSORS if name == "sensor" else FAULTS
            fault = _choose(chance, {key: weight for key, (_least, _most, weight) in faults.items()})
            least, most, _weight = faults[fault]
            connector = chance.randint(1, connectors)
            yield from _fault(connector, fault, chance.uniform(1, 9) * MINUTE, chance.uniform(least, most) * MINUTE)


def _session(chance: random.Random, connectors: int) -> Iterator[Step]:
    connector = chance.randint(1, connectors)
    yield Step(0, Event.STATUS, connector, "Preparing")
    yield Step(chance.uniform(4, 25), Event.AUTHORIZE, connector)
    yield Step(chance.uniform(0.5, 2), Event.START, connector)
    yield Step(chance.uniform(1, 4), Event.STATUS, connector, "Charging")
    for _minute in range(chance.randint(4, 28)):
        yield Step(MINUTE, Event.METER, connector)
    yield Step(chance.uniform(1, 50), Event.STOP, connector)
    yield Step(0.5, Event.STATUS, connector, "Finishing")
    yield Step(chance.uniform(10, 240), Event.STATUS, connector, "Available")


def _fault(connector: int, fault: str, pause_s: float, lasts_s: float) -> Iterator[Step]:
    yield Step(pause_s, Event.FAULT, connector, fault)
    yield Step(lasts_s, Event.RECOVER, connector, fault)


def _outage(chance: random.Random, minutes: float) -> Iterator[Step]:
    """The mobile network is gone, or the power: then it boots when it comes back."""
    has_power = chance.random() < 0.6
    yield Step(2, Event.HANG_UP if chance.random() < 0.3 else Event.LOSE)
    yield Step(minutes * MINUTE, Event.CONNECT)
    if not has_power:
        yield Step(0.3, Event.BOOT)
    for connector in (1, 2):
        yield Step(0.2, Event.STATUS, connector, "Available")
