"""Dates in the console: in English the month is written in letters, so that nobody reads another day."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.utils import formats, translation

from console.templatetags.console import exact


@pytest.mark.parametrize(
    ("language", "day", "moment"),
    [
        ("en", "4 Nov 2026", "4 Nov 2026 14:29"),
        ("de", "04.11.2026", "04.11.2026 14:29"),
        ("fr", "04/11/2026", "04/11/2026 14:29"),
    ],
)
def test_nobody_reads_another_day(language: str, day: str, moment: str) -> None:
    with translation.override(language):
        assert formats.date_format(date(2026, 11, 4), "SHORT_DATE_FORMAT") == day
        assert f">{moment}<" in exact(datetime(2026, 11, 4, 14, 29, 45, tzinfo=UTC))
