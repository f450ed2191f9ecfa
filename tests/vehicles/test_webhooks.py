"""What the app's backend hears by webhook: it shows the push, and takes it away again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from outbox.models import Event, WebhookEndpoint
from tests.outbox.hooks import LOOPBACK, deliver, endpoint_at
from tests.outbox.receiver import Receiver
from tests.vehicles.helpers import DRIVER, HOUR, account, at, driver, linked, only, people, take
from vehicles.models import NotificationText

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def backend(settings: Settings) -> Iterator[Receiver]:
    settings.OUTBOX_ALLOWED_NETWORKS = list(LOOPBACK.networks)
    with Receiver() as receiver:
        yield receiver


def test_the_backend_is_told_to_ring_and_to_take_it_away(backend: Receiver) -> None:
    endpoint = endpoint_at(backend, "vehicle.notification.*", now=at(days=-30))
    people()
    take(driver(language="fr"), linked("Renault"), account(brand="Renault", auth_state="invalid_credentials"))
    deliver()
    take(account(at(hours=1), auth_state="ok"), now=at() + HOUR)
    deliver()
    for heard in backend.heard:
        heard.verify(endpoint.secret)  # type: ignore[attr-defined]
    told = {(heard.event["type"], heard.event["data"]["type"]): heard.event["data"] for heard in backend.heard}
    created, resolved = "vehicle.notification.created", "vehicle.notification.resolved"
    both = ("InvalidCredentials", "InvalidCredentialsBanner")
    assert set(told) == {(kind, name) for kind in (created, resolved) for name in both}
    assert len(backend.heard) == 4
    ring, over = told[created, "InvalidCredentials"], told[resolved, "InvalidCredentials"]
    assert (ring["channels"], ring["occasion"], ring["state"]) == (["push", "email"], "new", "open")
    assert ring["title"] == "Votre compte Renault a besoin de vous"
    assert ring["driver"] == {"id": DRIVER, "language": "fr"}
    assert "person" not in ring
    assert (over["id"], over["state"], over["reason"]) == (ring["id"], "resolved", "condition_ended")
    assert ring["id"] == only("InvalidCredentials").pk


def test_the_driver_is_named_to_who_asks_for_it_and_nowhere_in_the_log(backend: Receiver) -> None:
    """Decision 16: the name is read when the event is sent; an operator's words have a place for it."""
    NotificationText.objects.create(
        type="InvalidCredentials", language="fr", title="{name}!", body="[Cher {name}, ]bon"
    )
    endpoint_at(backend, "vehicle.notification.*", now=at(days=-30))
    WebhookEndpoint.objects.update(personal_data=True)
    people()
    take(driver(language="fr"), linked("Renault"), account(brand="Renault", auth_state="invalid_credentials"))
    deliver()
    take(account(at(hours=1), auth_state="ok"), now=at() + HOUR)
    deliver()
    found = [heard.event["data"] for heard in backend.heard if heard.event["data"]["type"] == "InvalidCredentials"]
    assert {(data["person"]["id"], data["person"]["name"]) for data in found} == {(DRIVER, "Anna")}
    assert [(data["title"], data["body"]) for data in found] == [("!", "bon")] * 2
    assert found[0]["named"] == {"title": "{name}!", "body": "Cher {name}, bon"}
    shown = only("InvalidCredentials")
    assert (shown.title, shown.body) == ("Anna!", "Cher Anna, bon")
    assert "Anna" not in str(list(Event.objects.values_list("payload", flat=True)))
