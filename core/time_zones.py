"""The time zones that may be chosen, and how days, moments and numbers are written for whoever reads: one way for pages
and mails, by the language and the zone that are active."""

from __future__ import annotations

from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from functools import cache, lru_cache
from zoneinfo import available_timezones

from django.utils import formats, timezone
from django.utils.translation import get_language


@cache
def known_zones() -> tuple[str, ...]:
    """The time zones of the IANA database, in the order of their names; read from the disk once."""
    return tuple(sorted(available_timezones()))


def moment_text(moment: datetime, *, zone: bool = False) -> str:
    """`29 Nov 2026 14:29:45`, also with its zone: `29 Nov 2026 14:29:45 CET`."""
    return _moment_text(moment, get_language(), timezone.get_current_timezone(), zone)


@lru_cache(maxsize=4_096)
def _moment_text(moment: datetime, _language: str | None, zone: tzinfo, with_zone: bool) -> str:
    """Kept, because a mail's text and HTML, and those of other lists, tell of the same moment."""
    local = timezone.localtime(moment, zone)
    text = f"{day_text(local)} {local:%H:%M:%S}"
    return f"{text} {_zone_name(local)}" if with_zone else text


def _zone_name(local: datetime) -> str:
    """CET, or UTC+03:30 where a zone has numbers for a name."""
    name = local.tzname() or ""
    numbers = f"{local:%z}"
    return f"UTC{numbers[:3]}:{numbers[3:5]}" if name[:1] in "+-" else name


def day_text(day: date) -> str:
    """`29 Nov 2026`: the month in letters where numbers could be read as another day."""
    return str(formats.date_format(day, "SHORT_DATE_FORMAT"))


def short_day_text(day: date) -> str:
    """`29 Nov`, beside others of the same year."""
    return str(formats.date_format(day, "j M"))


def month_text(day: date) -> str:
    return str(formats.date_format(day, "YEAR_MONTH_FORMAT"))


def clock_text(at: time | datetime) -> str:
    """`14:29`, of a moment in the zone of whoever reads."""
    return f"{timezone.localtime(at) if isinstance(at, datetime) else at:%H:%M}"


def number_text(number: float | Decimal, digits: int | None = None) -> str:
    """`12,345.6`, as the language writes it, with so many digits behind the point."""
    return str(formats.number_format(number, digits, use_l10n=True, force_grouping=True))
