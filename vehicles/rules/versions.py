"""Versions of apps, compared as numbers: 4.9 is older than 4.16."""

from __future__ import annotations

import re

PARTS = 4


def version_key(version: str) -> list[int]:
    """The numbers of a version: "4.16.2 (1023)" → [4, 16, 2]; empty when there are none. Trailing zeros go, so that
    4.16 and 4.16.0 are the same."""
    match = re.match(r"\s*v?(\d{1,9}(?:\.\d{1,9})*)", version)
    numbers = [int(part) for part in match.group(1).split(".")][:PARTS] if match else []
    while numbers and numbers[-1] == 0 and len(numbers) > 1:
        numbers.pop()
    return numbers


def is_older(version: str, than: str) -> bool:
    """Whether a version is older; an unknown one is not said to be."""
    mine, other = version_key(version), version_key(than)
    return bool(mine) and bool(other) and mine < other
