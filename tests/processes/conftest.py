"""Fixtures of the tests that run real processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mailserver import MailServer, mail_server


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    """One mail server for all scenarios of a module."""
    with mail_server() as found:
        yield found
