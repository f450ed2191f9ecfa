"""The time zones that may be chosen."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones


@cache
def known_zones() -> tuple[str, ...]:
    """The time zones of the IANA database, in the order of their names; read from the disk once."""
    return tuple(sorted(available_timezones()))
