"""Moments as others write them: RFC 3339 and its neighbours, dates of mails, numbers since 1970. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

# From 2001 on, in seconds, milliseconds, microseconds, nanoseconds.
_UNITS = ((10**9, 1), (10**12, 10**3), (10**15, 10**6), (10**18, 10**9))
_NUMBER = re.compile(r"\d{9,20}(?:\.\d{1,9})?")
_SLASHES = re.compile(r"^(\d{4})/(\d{2})/(\d{2})\b")
_ZONE = re.compile(r"(?<!\s)\s*(?:UTC|GMT)$", re.IGNORECASE)
_OFFSET = re.compile(r"(?<=\d)\s+(?=[+-]\d\d:?\d\d$)")
_MONTH = re.compile(r"\b[A-Za-z]{3}\b")


def moment_of_number(number: float) -> datetime | None:
    """The moment of a number since 1970 in any usual unit; None for what is none since 2001."""
    unit = next((unit for first, unit in _UNITS if first <= number < first * 10), None)
    return None if unit is None else datetime.fromtimestamp(number / unit, UTC)


def read_moment(value: Any) -> datetime | None:
    """The moment that is meant, in UTC, as which one without a zone is read; None for what is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return moment_of_number(value)
    text = value.strip() if isinstance(value, str) else ""
    if text[4:5] != "-" and _NUMBER.fullmatch(text) and (moment := moment_of_number(float(text))) is not None:
        return moment
    for read in (datetime.fromisoformat, _otherwise):
        try:
            moment = read(text)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            continue
    return None


def _otherwise(text: str) -> datetime:
    """2026/01/05 8:00:00, a zone in letters or behind a blank, and what mails and HTTP write. Raises ValueError."""
    plain = _OFFSET.sub("", _ZONE.sub("+00:00", _SLASHES.sub(r"\1-\2-\3", text)))
    try:
        return datetime.fromisoformat(plain)
    except ValueError:
        if not _MONTH.search(text):
            raise
        return parsedate_to_datetime(text)
