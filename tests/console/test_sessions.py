"""Sessions end when they should, and their cookie is nobody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.conftest import client_of
from tests.factories.console import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(db: None) -> User:
    user: User = UserFactory(username="anna", roles=["viewer"])
    return user


def is_open(client: Client) -> bool:
    return client.get(reverse("console:account")).status_code == 200


def test_a_changed_password_ends_the_sessions_elsewhere_and_not_this_one(anna: User) -> None:
    here, elsewhere = client_of(anna), client_of(anna)
    new = "another-horse-and-battery"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert here.post(reverse("console:account"), form).status_code == 302
    assert is_open(here)
    assert not is_open(elsewhere)


def test_a_deactivated_account_has_no_session_any_more(anna: User) -> None:
    client = client_of(anna)
    assert is_open(client)
    User.objects.filter(pk=anna.pk).update(is_active=False)
    assert not is_open(client)


def test_a_session_ends_however_much_it_is_used(anna: User) -> None:
    begun = timezone.now()
    with time_machine.travel(begun, tick=False) as clock:
        client = client_of(anna)
        lasts = timedelta(seconds=settings.SESSION_COOKIE_AGE)
        for _ in range(4):
            assert is_open(client)
            clock.shift(lasts / 4)
        assert not is_open(client)
    assert lasts <= timedelta(hours=12)


def test_the_cookie_of_a_session_is_kept_from_scripts_and_from_other_sites(anna: User) -> None:
    client = Client()
    client.post(reverse("console:sign_in"), {"username": "anna", "password": PASSWORD})
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] in ("Lax", "Strict")
    assert (cookie["path"], cookie["domain"]) == ("/", "")


def test_no_page_gives_a_traced_request_back(anna: User) -> None:
    for client in (Client(), client_of(anna)):
        for page in ("console:sign_in", "console:dashboard", "console:healthz"):
            answer = client.generic("TRACE", reverse(page), headers={"X-Secret": "hunter2"})
            assert b"hunter2" not in answer.content
