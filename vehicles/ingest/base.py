"""What all facts share: their frame, and the types of their fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta, Struct

from core.amounts import currency_in
from core.field_types import PERCENT
from core.moments import read_moment
from core.time_zones import known_zones
from vehicles.rules.sessions import Sample
from vehicles.rules.timelines import UNKNOWN
from vehicles.rules.words import VOCABULARIES

Id = Annotated[str, Meta(min_length=1, max_length=100, description="The sender's own id.")]
Word = Annotated[str, Meta(max_length=100)]
Text = Annotated[str, Meta(max_length=250)]
Moment = Annotated[datetime, Meta(tz=True)]
Day = Annotated[
    str | int, Meta(description="A day, which counts to its end where it is, e.g. 2026-11-30; or a moment, RFC 3339.")
]
Percent = Annotated[int, PERCENT]
Period = Annotated[str, Meta(max_length=40, description="A month, e.g. 2026-10.")]
Amount = Annotated[Decimal, Meta(description="In units of the currency, e.g. 12.50.")]
Currency = Annotated[str, Meta(max_length=40, description="ISO 4217, e.g. EUR; or €, £, CHF.")]
FIRST_YEAR, LAST_YEAR = 2000, 2199
# The fields that are days.
DAYS = ("valid_to", "expires_at")


@dataclass(frozen=True, slots=True)
class EntityReport:
    """Values of one entity: its kind, the sender's id, and what holds. A link to another entity is a value too. `at` is
    the moment of what holds since before the fact's."""

    kind: str
    key: str
    values: dict[str, Any]
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SampleReport:
    vehicle: str
    sample: Sample


class IncomingFact(Struct, kw_only=True, tag_field="type"):
    """What all facts have. `occurred_at` orders them, whenever they come; without it the receipt counts.

    A fact reports of entities (`reports`): mostly of the one that it is about, its data and the links beside them.
    """

    # The wire's name of the type and the field that names its subject.
    about: ClassVar[str] = ""
    id: str | int | None = None
    occurred_at: Moment | None = None
    data: Any

    @property
    def type(self) -> str:
        return str(type(self).__struct_config__.tag)

    @property
    def key(self) -> str:
        """The sender's id of what the fact is about."""
        return str(getattr(self, self.about))

    @property
    def subject(self) -> str:
        """What the fact is about, for the timeline."""
        return f"{self.about}:{self.key}"

    def wording(self) -> dict[str, Any]:
        """What was reported, as it was said: JSON values, without what was left out."""
        values: dict[str, Any] = msgspec.to_builtins(self.data)
        return values

    def data_values(self) -> dict[str, Any]:
        """What was reported, in our words. A word that nobody told us is reported beside its field: it is shown, and
        nothing follows from it."""
        return dict(_in_our_words(self.type, self.wording()))

    def unknown_words(self) -> list[tuple[str, str]]:
        """The fields of which the word is not known, with that word."""
        values = self.data_values()
        return [
            (name.removesuffix(UNKNOWN), str(word)) for name, word in values.items() if name.endswith(UNKNOWN) and word
        ]

    def links(self, *names: str) -> dict[str, str]:
        """The other entities that the fact names; of these fields only, where some are given."""
        candidates = names or [name for name in self.__struct_fields__ if name not in (self.about, *_FRAME)]
        return {name: value for name in candidates if (value := getattr(self, name)) is not UNSET}

    def values(self) -> dict[str, Any]:
        """What holds of the entity that the fact is about."""
        return self.data_values() | self.links()

    def reports(self) -> list[EntityReport]:
        return [EntityReport(self.about, self.key, self.values())]

    def samples(self, at: datetime) -> list[SampleReport]:
        """Telemetry about the plug, of the moment at which the fact occurred."""
        return []


_FRAME = ("id", "occurred_at", "data")


def _in_our_words(fact_type: str, values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    vocabularies = VOCABULARIES.get(fact_type, {})
    for name, value in values.items():
        if name in vocabularies and isinstance(value, str | bool | int | float):
            known = vocabularies[name].read(str(value))
            yield (name, known) if known is not None else (name + UNKNOWN, str(value))
        else:
            yield name, value


# A month, or a day or moment in it; a month before its year.
_MONTH = re.compile(r"(?P<year>\d{4})-?(?P<month>0[1-9]|1[0-2])(-.*)?|(?P<first>0?[1-9]|1[0-2])[/.-](?P<then>\d{4})")
# A day before its month; with a stroke only where it can be no month.
_DAY = re.compile(r"(?P<day>\d{1,2})(?:\.|(?<=1[3-9]|2\d|3[01])/)(?P<month>\d{1,2})[./](?P<year>\d{4})")


def month_in(text: str) -> str:
    """The month that a text names, as 2026-10. Raises ValueError."""
    text = text.strip()
    with suppress(ValueError):
        text = datetime.strptime(text, "%B %Y").strftime("%Y-%m")  # noqa: DTZ007 - a month has no zone
    found = _MONTH.fullmatch(text)
    if found is None:
        raise ValueError("`period`: a month, e.g. 2026-10")
    return f"{found['year'] or found['then']}-{int(found['month'] or found['first']):02}"


def day_in(name: str, value: str | int) -> str:
    """A day or a moment that a fact names; without a zone it is the day where it counts. Raises ValueError."""
    text = str(value).strip()
    if found := _DAY.fullmatch(text):
        text = f"{found['year']}-{int(found['month']):02}-{int(found['day']):02}"
    try:
        day = date.fromisoformat(text)
    except ValueError:
        moment = read_moment(text)
        if moment is None:
            raise ValueError(f"`{name}`: a day, e.g. 2026-11-30, or a moment") from None
        day, text = moment.date(), text if text[4:5] == "-" else moment.isoformat()
    else:
        text = day.isoformat()
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"`{name}`: a moment from {FIRST_YEAR} to {LAST_YEAR}")
    return text


class Data(Struct, kw_only=True):
    """Base of every `data`: its moments and days are of our time, so that one can reckon with them; zones exist.

    `aliases` maps what others call a field, without case and signs, to its name."""

    aliases: ClassVar[Mapping[str, str]] = {}

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, date) and not FIRST_YEAR <= value.year <= LAST_YEAR:
                raise ValueError(f"`{name}`: a moment from {FIRST_YEAR} to {LAST_YEAR}")
            if name in DAYS and isinstance(value, str | int):
                setattr(self, name, day_in(name, value))
            if name == "period" and isinstance(value, str):
                setattr(self, name, month_in(value))
            if name == "currency" and isinstance(value, str):
                setattr(self, name, currency_in(value))
            if name == "time_zone" and isinstance(value, str) and value not in known_zones():
                raise ValueError(f"`{name}`: {value!r} is no IANA time zone, e.g. Europe/Paris")
