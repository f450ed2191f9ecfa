"""Signing in and out, and what stops those who guess passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client, RequestFactory
from pytest_django import Settings

from core.addresses import client_address
from tests.clock import last
from tests.console.walk import own_routes
from tests.factories.console import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
LIMIT = 3
NOW = last(12)


@pytest.fixture(autouse=True)
def _limits(settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT, settings.AXES_COOLOFF_TIME = LIMIT, 0.25


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as travelled:
        yield travelled


@pytest.fixture
def anna() -> User:
    user: User = UserFactory(username="anna", roles=["viewer"])
    return user


def sign_in(name: str = "anna", password: str = PASSWORD, *, ip: str = "192.0.2.1", **extra: Any) -> Any:
    return Client(REMOTE_ADDR=ip).post("/sign-in/", {"username": name, "password": password}, **extra)


def fail(times: int, **who: Any) -> list[int]:
    return [sign_in(password="wrong", **who).status_code for _ in range(times)]


# ---- signing in and out -----------------------------------------------------------------------------------------


def test_the_right_password_opens_the_dashboard(anna: User) -> None:
    response = sign_in()
    assert (response.status_code, response["Location"]) == (302, "/")
    assert "sessionid" not in response.cookies
    assert response.cookies["signalbox_session"]["httponly"]
    assert response.cookies["signalbox_session"]["samesite"] == "Lax"


def test_a_wrong_password_says_so_without_saying_which_part(anna: User) -> None:
    for name in ("anna", "nobody"):
        response = sign_in(name, "wrong")
        assert response.status_code == 200
        assert "Please enter a correct username and password" in response.content.decode()


def test_who_may_no_longer_sign_in_is_told_the_same(anna: User) -> None:
    User.objects.update(is_active=False)
    assert "Please enter a correct username and password" in sign_in().content.decode()


def test_one_goes_on_to_the_page_that_was_asked_for(anna: User, client: Client) -> None:
    asked = client.get("/infrastructure/groups/?q=a%20b")
    assert asked["Location"] == "/sign-in/?next=/infrastructure/groups/%3Fq%3Da%2520b"
    form = client.get(asked["Location"]).content.decode()
    assert 'name="next" value="/infrastructure/groups/?q=a%20b"' in form
    response = client.post("/sign-in/", {"username": "anna", "password": PASSWORD, "next": "/infrastructure/groups/"})
    assert response["Location"] == "/infrastructure/groups/"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"]
)
def test_no_sign_in_leads_elsewhere(anna: User, target: str) -> None:
    response = Client().post("/sign-in/", {"username": "anna", "password": PASSWORD, "next": target})
    assert response["Location"] == "/"


def test_nothing_leads_to_a_page_that_cannot_be_looked_at(anna: User) -> None:
    """Neither the sign-in nor a choice of language or theme: 405 would be its end."""
    closed = ["/" + re.sub(r"<[^>]+>", "1", route.pattern) for route in own_routes() if not route.takes_get]
    assert {"/sign-out/", "/language/", "/theme/"} < set(closed)
    client = Client()
    for target in (*closed, "/no-such-page/", "/sign-in/"):
        for path, chosen in (("/language/", {"language": "de"}), ("/theme/", {"theme": "dark"})):
            assert client.post(path, {"next": target, **chosen}, headers={"Referer": path})["Location"] in ("/", target)
            assert client.get(client.post(path, {"next": target, **chosen})["Location"]).status_code != 405
    client.force_login(anna, "django.contrib.auth.backends.ModelBackend")
    for target in (*closed, "/sign-in/"):
        assert client.get(f"/sign-in/?next={target}")["Location"] == "/", target
    answer = Client().post("/sign-in/", {"username": "anna", "password": PASSWORD, "next": "/sign-out/"})
    assert answer["Location"] == "/"


def test_who_is_signed_in_needs_no_form(viewer: Client) -> None:
    assert viewer.get("/sign-in/")["Location"] == "/"


def test_signing_out_ends_the_session(viewer: Client) -> None:
    assert viewer.get("/sign-out/").status_code == 405
    assert viewer.post("/sign-out/")["Location"] == "/sign-in/"
    assert viewer.get("/")["Location"] == "/sign-in/?next=/"


def test_a_part_of_a_page_sends_the_whole_page_to_the_sign_in(client: Client) -> None:
    headers = {"HX-Request": "true"}
    read = client.get("/audit/?q=a", headers=headers)
    assert (read.status_code, read["HX-Redirect"]) == (401, "/sign-in/?next=/audit/%3Fq%3Da")
    assert client.post("/account/", headers=headers)["HX-Redirect"] == "/sign-in/"


@pytest.mark.parametrize(
    ("page", "back"),
    [
        ("http://testserver/infrastructure/groups/?q=a%20b#row", "?next=/infrastructure/groups/%3Fq%3Da%2520b"),
        ("https://evil.example/groups/", ""),
        ("//evil.example/", ""),
        ("javascript:x", ""),
        ("", ""),
    ],
)
def test_what_htmx_sends_leads_back_to_the_page_it_runs_on(client: Client, page: str, back: str) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": page}
    assert client.post("/account/", headers=headers)["HX-Redirect"] == f"/sign-in/{back}"


def test_a_forged_form_is_refused_with_a_page(anna: User) -> None:
    response = Client(enforce_csrf_checks=True).post("/sign-in/", {"username": "anna", "password": PASSWORD})
    assert response.status_code == 403
    assert "too old or came from elsewhere" in response.content.decode()


def test_the_admin_has_no_sign_in_of_its_own(client: Client) -> None:
    assert client.get("/admin/login/?next=/admin/auth/user/")["Location"] == "/sign-in/?next=%2Fadmin%2Fauth%2Fuser%2F"
    assert client.post("/admin/login/", {"username": "a", "password": "b"})["Location"].startswith("/sign-in/?")


# ---- guessing ---------------------------------------------------------------------------------------------------


def test_too_many_wrong_passwords_close_the_sign_in(anna: User) -> None:
    assert fail(LIMIT) == [200] * (LIMIT - 1) + [429]
    response = sign_in()
    assert response.status_code == 429
    page = response.content.decode()
    assert "Too many attempts" in page
    assert "ask an administrator" in page
    assert "signalbox_session" not in response.cookies


def test_one_less_is_forgiven_by_the_right_one(anna: User) -> None:
    for _ in range(3):
        fail(LIMIT - 1)
        assert sign_in().status_code == 302


def test_others_at_the_same_address_and_the_same_name_elsewhere_stay_open(anna: User) -> None:
    UserFactory(username="bert")
    fail(LIMIT)
    assert sign_in("bert").status_code == 302
    assert sign_in(ip="192.0.2.2").status_code == 302


def test_a_name_that_nobody_has_is_closed_like_any_other() -> None:
    assert fail(LIMIT, name="nobody")[-1] == 429


def test_it_opens_again_after_a_while(anna: User, clock: time_machine.Traveller) -> None:
    fail(LIMIT)
    clock.shift(14 * 60)
    assert sign_in().status_code == 429
    clock.shift(16 * 60)
    assert sign_in().status_code == 302


def test_an_administrator_opens_it_and_the_audit_log_says_who(anna: User, administrator: Client) -> None:
    fail(LIMIT)
    attempt = AccessAttempt.objects.get()
    assert "192.0.2.1" in administrator.get("/admin/axes/accessattempt/").content.decode()
    administrator.post(f"/admin/axes/accessattempt/{attempt.pk}/delete/", {"post": "yes"})
    assert sign_in().status_code == 302
    assert "access attempt" in administrator.get("/audit/?q=action:deleted").content.decode()


def test_an_administrator_opens_several_at_once(anna: User, administrator: Client) -> None:
    fail(LIMIT)
    ids = AccessAttempt.objects.values_list("pk", flat=True)
    chosen = {"action": "delete_selected", "_selected_action": list(ids), "post": "yes"}
    administrator.post("/admin/axes/accessattempt/", chosen)
    assert sign_in().status_code == 302


def test_no_password_is_kept_of_an_attempt(anna: User) -> None:
    sign_in(password="hunter2-secret")
    attempt = AccessAttempt.objects.get()
    assert "hunter2-secret" not in f"{attempt.post_data}{attempt.get_data}{attempt.path_info}"


@pytest.mark.parametrize("name", ["a\x00b", "x" * 10_000, "'; --", "😀", "", " "])
def test_no_name_breaks_the_sign_in(name: str) -> None:
    assert sign_in(name, "x").status_code in (200, 429)


# ---- whose address it is ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proxies", "forwarded", "peer", "address"),
    [
        (0, "198.51.100.9", "192.0.2.1", "192.0.2.1"),
        (1, "198.51.100.9", "192.0.2.1", "198.51.100.9"),
        (1, "203.0.113.5, 198.51.100.9", "192.0.2.1", "198.51.100.9"),
        (2, "203.0.113.5, 198.51.100.9", "192.0.2.1", "203.0.113.5"),
        (2, "198.51.100.9", "192.0.2.1", "192.0.2.1"),
        (1, "", "192.0.2.1", "192.0.2.1"),
        (1, "unknown", "192.0.2.1", "192.0.2.1"),
        (1, "198.51.100.9:4711", "192.0.2.1", "198.51.100.9"),
        (1, "[2001:db8::1]:4711", "192.0.2.1", "2001:db8::1"),
        (1, "2001:DB8:0::1", "192.0.2.1", "2001:db8::1"),
        (0, "", "::ffff:192.0.2.1", "192.0.2.1"),
        (0, "", "fe80::1%eth0", "fe80::1"),
        (0, "", "", ""),
        (0, "", "unix:", ""),
    ],
)
def test_the_address_is_the_one_that_trusted_proxies_saw(
    settings: Settings, proxies: int, forwarded: str, peer: str, address: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == address


def test_a_forged_header_does_not_open_a_closed_sign_in(anna: User) -> None:
    fail(LIMIT)
    assert sign_in(headers={"X-Forwarded-For": "198.51.100.9"}).status_code == 429


def test_behind_a_proxy_people_are_told_apart(anna: User, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1
    for _ in range(LIMIT):
        sign_in(password="wrong", headers={"X-Forwarded-For": "198.51.100.9"})
    assert sign_in(headers={"X-Forwarded-For": "198.51.100.9"}).status_code == 429
    assert sign_in(headers={"X-Forwarded-For": "198.51.100.8"}).status_code == 302


def test_no_header_breaks_the_sign_in(anna: User) -> None:
    headers = {"User-Agent": "x" * 5_000, "Accept": "y" * 5_000, "X-Forwarded-For": "z" * 5_000}
    assert sign_in(password="wrong", headers=headers).status_code == 200
    assert sign_in(password="wrong", query_params={"q": "\x00" * 500}).status_code == 200


def test_without_an_address_the_name_alone_counts(anna: User) -> None:
    assert fail(LIMIT, ip="") == [200] * (LIMIT - 1) + [429]
    assert sign_in(ip="").status_code == 429


# ---- the account page -------------------------------------------------------------------------------------------


def test_one_changes_ones_password_and_stays_signed_in(anna: User) -> None:
    client = Client()
    client.post("/sign-in/", {"username": "anna", "password": PASSWORD})
    new = {"new_password1": "battery-horse-correct", "new_password2": "battery-horse-correct"}
    page = client.post("/account/", {"old_password": PASSWORD} | new, follow=True).content.decode()
    assert "Your password is changed." in page
    assert sign_in().status_code == 200
    assert sign_in(password="battery-horse-correct").status_code == 302


def test_one_is_guessed_there_as_often_as_at_the_sign_in(anna: User) -> None:
    client = Client(REMOTE_ADDR="192.0.2.1")
    client.post("/sign-in/", {"username": "anna", "password": PASSWORD})
    new = {"new_password1": "battery-horse-correct", "new_password2": "battery-horse-correct"}
    tried = [client.post("/account/", {"old_password": "wrong"} | new).status_code for _ in range(LIMIT)]
    assert tried == [200] * (LIMIT - 1) + [429]
    assert client.post("/account/", {"old_password": PASSWORD} | new).status_code == 429
    assert sign_in().status_code == 429


@pytest.mark.parametrize("new", ["short", "password", "12345678901234", "annanna"])
def test_a_weak_password_is_refused(anna: User, new: str) -> None:
    client = Client()
    client.post("/sign-in/", {"username": "anna", "password": PASSWORD})
    client.post("/account/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
    assert sign_in().status_code == 302


def test_the_account_page_names_ones_roles(viewer: Client, nobody: Client) -> None:
    assert ">viewer</span>" in viewer.get("/account/").content.decode()
    assert "none" in nobody.get("/account/").content.decode()


@pytest.mark.parametrize("password", ["Signalbox2026!", "charging-stations-42", "Admin-OCPP-1234", "testserver.2026"])
def test_words_of_the_house_are_no_password(password: str) -> None:
    with pytest.raises(ValidationError, match="too common"):
        validate_password(password)


@pytest.mark.parametrize("password", ["blue-horse-signalbox-lamp", "charging my grandmother", "4711-0815-&%$-2026!"])
def test_beside_other_words_they_may_stand(password: str) -> None:
    validate_password(password)
