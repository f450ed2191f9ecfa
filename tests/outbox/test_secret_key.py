"""A new SECRET_KEY: what the old one signed is taken as long as it stands in SECRET_KEY_FALLBACKS, and no longer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from bikeshare.services.trips import is_pin, pin_hash
from infra_notifications.services.mail_links import acknowledge_url, read_link
from outbox.services.bounces.envelope import is_signed, signature_of
from outbox.services.mailing_lists.leaving import read_token, unsubscribe_url
from tests.outbox.kit import a_delivery

pytestmark = pytest.mark.django_db


def _token(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]


def _link_to_leave() -> Callable[[], bool]:
    token = _token(unsubscribe_url("list:1", "a@example.org"))
    return lambda: read_token(token) == ("list:1", "a@example.org")


def _link_to_acknowledge() -> Callable[[], bool]:
    delivery = a_delivery()
    token = _token(acknowledge_url(delivery.pk))
    return lambda: read_link(token, timezone.now()) is not None


def _sender_of_a_mail() -> Callable[[], bool]:
    signature = signature_of(7)
    return lambda: is_signed(7, signature)


def _pin_of_a_trip() -> Callable[[], bool]:
    kept = pin_hash("trip_1", "0042")
    return lambda: is_pin("trip_1", "0042", kept)


@pytest.mark.parametrize("sign", [_link_to_leave, _link_to_acknowledge, _sender_of_a_mail, _pin_of_a_trip])
def test_what_was_signed_before_is_taken_while_the_old_key_is_named(
    sign: Callable[[], Callable[[], bool]], settings: Settings
) -> None:
    is_taken, old = sign(), settings.SECRET_KEY
    assert is_taken()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = f"new-{old}", [old]
    assert is_taken()
    settings.SECRET_KEY_FALLBACKS = []
    assert not is_taken()


def test_nobody_is_signed_out_by_a_new_key(viewer: Client, settings: Settings) -> None:
    old = settings.SECRET_KEY
    assert viewer.get("/account/").status_code == 200
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = f"new-{old}", [old]
    assert viewer.get("/account/").status_code == 200
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = f"newer-{old}", []
    assert viewer.get("/account/").status_code == 302
