"""What all facts share: their frame, and the types of their fields."""

from __future__ import annotations

import zoneinfo
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

Id = Annotated[str, Meta(min_length=1, max_length=100, description="The sender's own id.")]
Word = Annotated[str, Meta(max_length=40)]
Text = Annotated[str, Meta(max_length=250)]
Moment = Annotated[datetime, Meta(tz=True)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Period = Annotated[str, Meta(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="A month, e.g. 2026-10.")]
Amount = Annotated[Decimal, Meta(description="In units of the currency, e.g. 12.50.")]
Currency = Annotated[str, Meta(pattern="^[A-Za-z]{3}$", description="ISO 4217.")]
FIRST_YEAR, LAST_YEAR = 2000, 2199


class Fact(Struct, kw_only=True, tag_field="type"):
    """What all facts have. `occurred_at` orders them, whenever they come; without it the receipt counts."""

    # The wire's name of the type and the field that names its subject.
    about: ClassVar[str] = ""
    id: str | int | None = None
    occurred_at: Moment | None = None


def is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def is_address(text: str) -> bool:
    """Near enough to be sent to; the mail server has the last word."""
    local, at, domain = text.rpartition("@")
    return bool(local and at and domain) and not any(c.isspace() for c in text)


class Data(Struct, kw_only=True):
    """Base of every `data`: its moments and days are of our time, so that one can reckon with them."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, date) and not FIRST_YEAR <= value.year <= LAST_YEAR:
                raise ValueError(f"`{name}`: a moment from {FIRST_YEAR} to {LAST_YEAR}")
