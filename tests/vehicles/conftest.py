"""The app's backend of these tests: somebody listens, so that pushes are told."""

from __future__ import annotations

import pytest
from django.utils import timezone

from outbox.models import WebhookEndpoint
from outbox.subscriptions.stamps import listeners_changed
from tests.vehicles.helpers import EVERYBODYS
from vehicles.services import brakes


@pytest.fixture(autouse=True)
def no_brake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fleets of tests are in trouble together; tests of the brake set it."""
    monkeypatch.setattr(brakes, "LEAST", 100_000)


@pytest.fixture(autouse=True)
def somebody_listens(request: pytest.FixtureRequest) -> None:
    """A webhook that takes every push, where there is a database."""
    if request.node.get_closest_marker("django_db") or {"db", "committed"} & set(request.fixturenames):
        request.getfixturevalue("db")
        listen(url=EVERYBODYS)


def listen(condition: str = "", url: str = "https://app.example/") -> None:
    WebhookEndpoint.objects.create(
        url=url,
        shown_url=url,
        topics=["vehicle.notification.*"],
        condition=condition,
        created_at=timezone.now(),
    )
    listeners_changed("webhooks")
