"""Fixtures of the tests of bike-share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from bikeshare.services import zones


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    """A password's hash is slow on purpose; here it need not be."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _fresh_zones() -> Iterator[None]:
    """The index of zones lives longer than a test's transaction."""
    zones._maps.clear()
    yield
    zones._maps.clear()
