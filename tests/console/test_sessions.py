"""Sessions end when they should, and their cookie is nobody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import client_of
from tests.factories.console import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
IDLE = timedelta(minutes=settings.SESSION_IDLE_MIN)


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
        for _ in range(12):
            assert is_open(client)
            clock.shift(lasts / 12)
        assert not is_open(client)
    assert lasts <= timedelta(hours=12)


def test_a_session_ends_when_nobody_has_used_it_for_a_while(anna: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = client_of(anna)
        clock.shift(IDLE - timedelta(minutes=2))
        assert is_open(client)
        clock.shift(IDLE - timedelta(minutes=2))
        assert is_open(client)
        clock.shift(IDLE + timedelta(seconds=1))
        answer = client.get("/infrastructure/groups/?q=a")
        assert answer["Location"] == "/sign-in/?next=/infrastructure/groups/%3Fq%3Da"


def test_a_page_that_asks_by_itself_keeps_no_session_open(anna: User) -> None:
    polls = {"HX-Request": "true", "X-By-Itself": "1", "HX-Current-URL": "http://testserver/?a=1"}
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = client_of(anna)
        for _ in range(4):
            assert client.get("/", headers=polls).status_code == 200
            clock.shift(IDLE / 4)
        ended = client.get("/", headers=polls)
        assert (ended.status_code, ended["HX-Redirect"]) == (401, "/sign-in/?next=/%3Fa%3D1")


def test_an_idle_session_may_stay_open_where_the_setting_says_so(anna: User, settings: Settings) -> None:
    settings.SESSION_IDLE_MIN = 0
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = client_of(anna)
        clock.shift(timedelta(hours=11))
        assert is_open(client)
        clock.shift(timedelta(hours=1))
        assert not is_open(client)


def test_an_activity_costs_a_statement_a_minute_at_most(anna: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = client_of(anna)
        with CaptureQueriesContext(connection) as asked:
            for _ in range(3):
                client.get("/account/")
        assert not [query for query in asked if query["sql"].startswith("UPDATE")]
        clock.shift(timedelta(minutes=1))
        with CaptureQueriesContext(connection) as asked:
            client.get("/account/")
        written = [query["sql"] for query in asked if query["sql"].startswith("UPDATE")]
        assert len(written) == 1


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
