"""Which passwords are taken wherever one is set, and that one which somebody else chose does not stay."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha1
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from core.breaches import Unusable, fault_of, is_breached
from core.health import check_passwords
from tests.conftest import client_of
from tests.factories.console import PASSWORD, UserFactory

BREACHED, FRESH = "Tr0ub4dor-and-3", "copper-lantern-walks-42"


def line(password: str, end: str = "\r\n") -> str:
    return f"{sha1(password.encode()).hexdigest().upper()}:{len(password)}{end}"


def write(path: Path, passwords: list[str], end: str = "\r\n") -> str:
    path.write_text("".join(sorted(line(each, end) for each in passwords)), newline="")
    return str(path)


@pytest.fixture
def listed(settings: Settings, tmp_path: Path) -> Path:
    path = tmp_path / "breached.txt"
    settings.BREACHED_PASSWORDS = write(path, [BREACHED, *map(str, range(500))])
    breached = {"NAME": "core.passwords.BreachedPasswordValidator"}
    settings.AUTH_PASSWORD_VALIDATORS = [*configured.AUTH_PASSWORD_VALIDATORS, breached]
    return path


# ---- the list -----------------------------------------------------------------------------------------------------


@given(st.sets(st.text(), max_size=40), st.text(), st.sampled_from(["\n", "\r\n"]))
def test_what_is_in_the_list_is_found_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, passwords: set[str], other: str, end: str
) -> None:
    passwords = {each.encode("utf-8", "replace").decode() for each in passwords}
    path = write(tmp_path_factory.getbasetemp() / "any.txt", list(passwords), end)
    assert all(is_breached(each, path) for each in passwords)
    assert is_breached(other, path) == (other in passwords)


def test_little_of_a_large_list_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    with path.open("wb") as file:  # 4 GB, of which the disk holds a page: between its ends are no lines
        file.write(f"{'0' * 40}:1\n".encode())
        file.truncate(4 * 1024**3)
    with pytest.raises(Unusable, match="no such line"):
        is_breached(BREACHED, str(path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"A" * 32 + b":3\n", "no list of SHA-1"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(200), "no list of SHA-1"),
        (b"B" * 40 + b":1\n" + b"A" * 40 + b":1\n", "not in the order"),
        (b"\xef\xbb\xbf" + b"A" * 40 + b":3\n", "no list of SHA-1"),
    ],
)
def test_what_is_no_list_is_told(tmp_path: Path, settings: Settings, content: bytes, said: str) -> None:
    (tmp_path / "x").write_bytes(content)
    settings.BREACHED_PASSWORDS = str(tmp_path / "x")
    assert said in fault_of(settings.BREACHED_PASSWORDS)
    assert not check_passwords(timezone.now()).ok
    assert "signalbox.E001" in {each.id for each in run_checks(include_deployment_checks=True)}


def test_doctor_and_deployment_check_say_that_there_is_no_list(settings: Settings, tmp_path: Path) -> None:
    settings.BREACHED_PASSWORDS = ""
    finding = check_passwords(timezone.now())
    assert finding.ok
    assert "BREACHED_PASSWORDS" in finding.text
    assert "signalbox.I001" in {each.id for each in run_checks(include_deployment_checks=True)}
    for nowhere in (tmp_path, tmp_path / "none", Path("/dev/zero")):
        settings.BREACHED_PASSWORDS = str(nowhere)
        assert "no file" in check_passwords(timezone.now()).text


# ---- wherever a password is set -----------------------------------------------------------------------------------


def on_the_account(password: str, monkeypatch: pytest.MonkeyPatch) -> str:
    form = {"old_password": PASSWORD, "new_password1": password, "new_password2": password}
    return client_of(UserFactory()).post("/account/", form, follow=True).text


def by_an_administrator(password: str, monkeypatch: pytest.MonkeyPatch) -> str:
    form = {"password1": password, "password2": password, "usable_password": "true"}
    page = f"/admin/auth/user/{UserFactory().pk}/password/"
    return client_of(UserFactory(roles=["administrator"])).post(page, form, follow=True).text


def with_a_new_user(password: str, monkeypatch: pytest.MonkeyPatch) -> str:
    form = {"username": "zoe", "password1": password, "password2": password, "usable_password": "true"}
    return client_of(UserFactory(roles=["administrator"])).post("/admin/auth/user/add/", form, follow=True).text


def by_a_command(password: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", password)
    try:
        call_command("createsuperuser", username="root", email="r@x.example", interactive=False, verbosity=0)
    except CommandError as error:
        return str(error)
    return "Superuser created"


def by_the_other_command(password: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("getpass.getpass", lambda prompt: password)
    try:
        return str(call_command("changepassword", UserFactory().username))
    except CommandError as error:
        return "known from a breach" if "3 attempts" in str(error) else str(error)


DOORS = (on_the_account, by_an_administrator, with_a_new_user, by_a_command, by_the_other_command)


@pytest.mark.django_db
@pytest.mark.parametrize("set_by", DOORS)
def test_a_breached_password_is_refused_wherever_one_is_set(
    listed: Path, set_by: Callable[[str, pytest.MonkeyPatch], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    users = set(User.objects.values_list("username", flat=True))
    said = set_by(BREACHED, monkeypatch)
    assert "known from a breach" in said
    assert not [user for user in User.objects.exclude(username__in=users) if user.check_password(BREACHED)]
    User.objects.exclude(username__in=users).delete()
    set_by(FRESH, monkeypatch)
    assert [user for user in User.objects.exclude(username__in=users) if user.check_password(FRESH)]


@pytest.mark.django_db
def test_while_the_list_cannot_be_read_no_password_passes_unchecked(
    listed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed.unlink()
    assert "cannot be checked at the moment" in on_the_account(FRESH, monkeypatch)


# ---- a password that somebody else chose --------------------------------------------------------------------------


@pytest.fixture
def anna(db: None) -> User:
    """Somebody whose password an administrator has just set anew."""
    user: User = UserFactory(username="anna", roles=["viewer"])
    form = {"password1": FRESH, "password2": FRESH, "usable_password": "true"}
    client_of(UserFactory(roles=["administrator"])).post(f"/admin/auth/user/{user.pk}/password/", form)
    return user


def signed_in(name: str, password: str) -> Client:
    client = Client()
    client.post("/sign-in/", {"username": name, "password": password})
    return client


def test_who_has_it_chooses_one_before_anything_else_and_goes_on(anna: User) -> None:
    client = signed_in("anna", FRESH)
    asked = client.get("/infrastructure/groups/?q=a")
    assert asked["Location"] == "/account/?next=/infrastructure/groups/%3Fq%3Da"
    part = client.get("/infrastructure/groups/", headers={"HX-Request": "true"})
    assert (part.status_code, part["HX-Redirect"]) == (401, "/account/?next=/infrastructure/groups/")
    assert client.post("/infrastructure/groups/new/", {"name": "x"})["Location"] == "/account/"
    assert "Somebody else set this password" in client.get(asked["Location"]).text
    own = {"old_password": FRESH, "new_password1": BREACHED, "new_password2": BREACHED}
    same = {"old_password": FRESH, "new_password1": FRESH, "new_password2": FRESH}
    assert "This is the old password" in client.post("/account/", same).text
    assert client.post("/account/", own | {"next": "/infrastructure/groups/"})["Location"] == "/infrastructure/groups/"
    assert client.get("/infrastructure/groups/").status_code == 200
    assert signed_in("anna", BREACHED).get("/").status_code == 200


def test_they_may_sign_out_and_choose_a_language(anna: User) -> None:
    client = signed_in("anna", FRESH)
    assert client.post("/language/", {"language": "de", "next": "/account/"})["Location"] == "/account/"
    assert client.post("/sign-out/")["Location"] == "/sign-in/"


def test_a_new_user_has_such_a_password(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with_a_new_user(FRESH, monkeypatch)
    assert signed_in("zoe", FRESH).get("/")["Location"] == "/account/?next=/"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_nobody_is_led_elsewhere_afterwards(anna: User, target: str) -> None:
    client = signed_in("anna", FRESH)
    own = {"old_password": FRESH, "new_password1": BREACHED, "new_password2": BREACHED, "next": target}
    assert client.post("/account/", own)["Location"] == "/account/"


def test_the_mark_outlives_more_rounds_of_hashing(settings: Settings, anna: User) -> None:
    settings.PASSWORD_HASHERS = ["core.hashing.PatientPBKDF2", "django.contrib.auth.hashers.MD5PasswordHasher"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("core.hashing.PatientPBKDF2.iterations", 10)
        anna.refresh_from_db()
        form = {"password1": FRESH, "password2": FRESH, "usable_password": "true"}
        client_of(UserFactory(roles=["administrator"])).post(f"/admin/auth/user/{anna.pk}/password/", form)
        patched.setattr("core.hashing.PatientPBKDF2.iterations", 20)
        assert signed_in("anna", FRESH).get("/")["Location"] == "/account/?next=/"


def test_passwords_are_guessed_at_no_second_page(client: Client, db: None) -> None:
    admin = client_of(UserFactory(roles=["administrator"]))
    assert admin.post("/admin/password_change/", {"old_password": "x"})["Location"] == "/account/"
