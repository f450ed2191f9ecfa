"""Fixtures of the tests of bike-share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bikeshare.services import zones


@pytest.fixture(autouse=True)
def _fresh_zones() -> Iterator[None]:
    """The index of zones lives longer than a test's transaction."""
    zones._maps.clear()
    yield
    zones._maps.clear()
