"""Runs the tests on another day: with TEST_DAY set, the clock of this process stands there and goes on running.

TEST_DAY is a name of DAYS, a moment of ISO 8601, or `commit`: the day that the commit's hash chooses, so that all of
them get their turn. PostgreSQL's clock stays where it is, on purpose: what takes its time from both is found.
"""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import time_machine

from core import clock

ROOT = Path(__file__).resolve().parent
DAYS = {
    "leap-day": datetime(2028, 2, 29, 10, 30, tzinfo=UTC),
    # Half an hour before Europe's clocks go forward, and back.
    "summer-time": datetime(2027, 3, 28, 0, 30, tzinfo=UTC),
    "winter-time": datetime(2027, 10, 31, 0, 30, tzinfo=UTC),
    "turn-of-the-year": datetime(2026, 12, 31, 23, 58, tzinfo=UTC),
    "in-five-years": datetime.now(UTC) + timedelta(days=5 * 365 + 1),
}


def chosen(day: str) -> str:
    """The name of the day, or the moment, that a value of TEST_DAY means."""
    if day != "commit":
        return day
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return list(DAYS)[int(commit, 16) % len(DAYS)]


def travel() -> None:
    """Moves the clock if TEST_DAY asks for it; workers of pytest-xdist move it as far as their parent did."""
    if not (day := os.environ.get("TEST_DAY")):
        return
    if "TEST_DAY_SHIFT" not in os.environ:
        name = chosen(day)
        there = DAYS[name] if name in DAYS else datetime.fromisoformat(name)
        os.environ["TEST_DAY_SHIFT"] = str((there - datetime.now(UTC)).total_seconds())
        print(f"The tests run on another day ({name}): {there:%A %Y-%m-%d %H:%M} UTC")
    shift = timedelta(seconds=float(os.environ["TEST_DAY_SHIFT"]))
    time_machine.travel(datetime.now(UTC) + shift, tick=True).start()
    # PostgreSQL's clock would lead back to today whoever follows it from here on.
    mock.patch.object(clock, "start").start()
