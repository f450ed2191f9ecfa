"""Moments in the spellings of others; what is none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.moments import read_moment

EIGHT = datetime(2026, 1, 5, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-05T08:00:00Z",
        " 2026-01-05t09:00:00+01:00 ",
        "2026-01-05 08:00:00",
        "2026-01-05 08:00:00 UTC",
        "2026-01-05 08:00 GMT",
        "2026-01-05 09:00:00 +0100",
        "2026-01-05T08:00:00.0000000Z",
        "2026/01/05 08:00:00",
        "20260105T080000Z",
        "Mon, 05 Jan 2026 08:00:00 GMT",
        "Mon, 5 Jan 2026 09:00:00 +0100",
        1_767_600_000,
        1_767_600_000.0,
        1_767_600_000_000,
        1_767_600_000_000_000,
        1_767_600_000_000_000_000,
        "1767600000",
        "1767600000.0",
        "1767600000000",
    ],
)
def test_one_moment_in_many_spellings(value: Any) -> None:
    assert read_moment(value) == EIGHT


@pytest.mark.parametrize("value", [None, "", "soon", True, 0, -1, 5, "0", "2026-13-45", "05/01/2026", [], {}, 10**400])
def test_what_is_no_moment(value: Any) -> None:
    assert read_moment(value) is None


@given(st.one_of(st.text(), st.floats(), st.integers(), st.datetimes().map(str)))
def test_whatever_comes_is_a_moment_in_utc_or_none(value: Any) -> None:
    moment = read_moment(value)
    assert moment is None or moment.utcoffset() == EIGHT.utcoffset()
