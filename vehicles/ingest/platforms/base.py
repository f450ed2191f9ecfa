"""What a platform's webhook comes to: facts as `POST /vehicles/facts` takes them, or an answer to its challenge.

A platform is a pure table over the raw body: nothing is looked up, nothing is written. What the table does not know
becomes a note, so that an operator sees what is not heard.
"""

from __future__ import annotations

import hmac
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from core.corrections import TRUTHS
from core.moments import read_moment
from vehicles.rules.places import Position

Fact = dict[str, Any]
Number = TypeVar("Number", int, float)
# What is sent to try the address, with invented cars and drivers.
TEST = "It is a test event of the platform; it arrived, and nothing follows from it."


@dataclass(slots=True)
class Translation:
    """`facts` without ids; `notes` what was not understood; `delivery` by which the platform repeats what follows.

    Beside each fact stands in `deliveries` the one that it is of, in `positions` where the car stood, and in
    `unless_car` what is noted where no car of its account is known and it does not count then; None: it counts anyhow.
    """

    delivery: str = ""
    facts: list[Fact] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    deliveries: list[str] = field(default_factory=list)
    positions: list[Position | None] = field(default_factory=list)
    unless_car: list[str | None] = field(default_factory=list)

    def add(
        self,
        fact_type: str,
        data: Mapping[str, Any],
        at: str | None = None,
        *,
        position: Position | None = None,
        unless_car: str | None = None,
        **about: str,
    ) -> None:
        """A fact of what is known of it; one that says nothing is none."""
        known = {name: value for name, value in data.items() if value is not None}
        named = {name: value for name, value in about.items() if value}
        moment = {"occurred_at": at} if at else {}
        if known:
            self.facts.append({"type": fact_type, **named, **moment, "data": known})
            self.deliveries.append(self.delivery)
            self.positions.append(position)
            self.unless_car.append(unless_car)

    def note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    def read(self, name: str, said: Any, read: Number | None) -> Number | None:
        """A number as it was read; one that is said and cannot be is left out and noted."""
        if read is None and said not in (None, "", {}, []):
            self.note(f"The {name} “{str(said)[:40]}” cannot be read and was left out.")
        return read


class Platform(ABC):
    """How a platform signs and what its bodies mean. `signature_header` holds a hexadecimal HMAC of the raw body."""

    name: ClassVar[str]
    label: ClassVar[str]
    signature_header: ClassVar[str]
    hash_name: ClassVar[str]
    # What stands before the hexadecimal digits.
    signature_prefix: ClassVar[str] = ""
    # What the secret is called at the platform.
    secret_name: ClassVar[str]

    def sign(self, secret: str, body: bytes) -> str:
        return self.signature_prefix + hmac.new(secret.encode(), body, self.hash_name).hexdigest()

    def is_signed(self, secret: str, body: bytes, signature: str) -> bool:
        """Compares in constant time; any signature that is not ASCII is wrong."""
        expected = self.sign(secret, body)
        return hmac.compare_digest(expected.encode(), signature.strip().lower().encode(errors="replace"))

    def challenge(self, body: Any) -> str | None:
        """What the platform wants to have signed before it begins to send; None where this is no such request."""
        return None

    @abstractmethod
    def translate(self, body: Any) -> Translation:
        """The facts of a decoded JSON body. Never raises: what has another shape than expected becomes a note."""


def member(value: Any, *names: str) -> Any:
    """What stands under some names in nested objects; None where there is no such thing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text(value: Any) -> str:
    """An id or a word: a text or a whole number; "" for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()[:100]


# Not that of thousands.
_COMMA = re.compile(r"(?<=\d),(?=\d{1,2}\s*$)")


def number(value: Any, least: float, most: float) -> float | None:
    """A number, also one that is written as a text ("7.3", "7,3", "66%"); None beyond the limits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = _COMMA.sub(".", value.strip().removesuffix("%"))
    try:
        read = float(value)
    except (TypeError, ValueError):
        return None
    return read if least <= read <= most else None


def percent(value: Any) -> int | None:
    """A state of charge in whole percent."""
    read = number(value, 0, 100)
    return None if read is None else round(read)


def flag(value: Any) -> bool | None:
    """A truth value in any spelling; None where it is none."""
    return TRUTHS.get(str(value).strip().casefold())


def moment(value: Any) -> str | None:
    """A moment in RFC 3339, of any usual spelling; without a zone it is UTC."""
    read = read_moment(value)
    return None if read is None else read.isoformat()


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """The objects of a list; of one object that stands where a list is usual, itself."""
    items = value if isinstance(value, list) else [value]
    yield from (item for item in items if isinstance(item, dict))


def position(value: Any) -> Position | None:
    """Where an object says that something stands."""
    latitude, longitude = number(member(value, "latitude"), -90, 90), number(member(value, "longitude"), -180, 180)
    return None if latitude is None or longitude is None else (latitude, longitude)


def newest(*moments: str | None) -> str | None:
    """The last of some moments of one zone."""
    known = [datetime.fromisoformat(at) for at in moments if at]
    return max(known).isoformat() if known else None


def first(*values: Any) -> Any:
    """The first value that is there."""
    return next((value for value in values if value is not None and value != ""), None)
