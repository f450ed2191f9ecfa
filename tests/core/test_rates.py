"""Who asks too often waits: by key, by address, by person; the same for all processes."""

from __future__ import annotations

import os
import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from core import hashing, rates
from core.hashing import PatientPBKDF2, TooManyPasswords
from core.models import RateAccount
from core.rates import Limit
from core.retention import prune_rate_accounts
from tests.conftest import ApiClient
from tests.factories.console import PASSWORD, UserFactory, make_key
from tests.factories.fleet_remotes import CallbackFactory
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.django_db
LIMIT = Limit("test", 10, 5)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No time passes by itself, however busy the machine is."""
    now = [1_000.0]
    monkeypatch.setattr(rates, "monotonic", lambda: now[0])
    return now


def spent(who: str, times: int, limit: Limit = LIMIT) -> list[bool]:
    verdicts = [rates.spend(limit, who) for _ in range(times)]
    return [verdict is not None and not verdict.is_refused for verdict in verdicts]


# ---- the bucket -----------------------------------------------------------------------------------------------------


def test_a_bucket_gives_what_it_holds_and_fills_again(clock: list[float]) -> None:
    assert spent("a", 6) == [True] * 5 + [False]
    clock[0] += 0.25
    assert spent("a", 3) == [True, True, False]
    clock[0] += 100
    assert spent("a", 6) == [True] * 5 + [False]


def test_one_empties_no_other_bucket() -> None:
    assert spent("a", 6)[-1] is False
    assert spent("b", 1) == [True]


def test_what_is_given_back_was_never_taken() -> None:
    for _ in range(20):
        assert spent("a", 1) == [True]
        rates.give_back(LIMIT, "a")


def test_no_limit_is_none() -> None:
    assert rates.spend(Limit("test", 0, 0), "a") is None


def test_so_many_strangers_are_remembered_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST", 50)
    for number in range(500):
        rates.spend(LIMIT, str(number))
    assert len(rates.buckets.held) <= 50


# ---- all processes --------------------------------------------------------------------------------------------------


def other_process(times: int, limit: Limit) -> None:
    """Another process has its own memory, and the same database."""
    kept = dict(rates.buckets.held)
    rates.clear()
    spent("a", times, limit)
    rates.share()
    rates.clear()
    rates.buckets.held.update(kept)


def test_what_others_spent_is_gone_here_too() -> None:
    slow = Limit("slow", 0.001, 5)
    assert spent("a", 1, slow) == [True]
    rates.share()
    other_process(3, slow)
    assert spent("a", 1, slow) == [True]
    rates.share()
    assert spent("a", 1, slow) == [False]


def test_limits_of_all_kinds_are_shared_at_once(rf: RequestFactory) -> None:
    rates.of_key(1)
    rates.of_stranger(rf.get("/"))
    rates.spend(rates.sign_in_limit(), "192.0.2.7")
    rates.share()
    assert RateAccount.objects.count() == 3


def test_what_was_too_much_is_owed() -> None:
    slow = Limit("slow", 0.001, 5)
    assert spent("a", 5, slow) == [True] * 5
    rates.share()
    RateAccount.objects.update(left_over=-4)
    assert rates.spend(slow, "b") is not None
    bucket = rates.buckets.held["slow", "a"]
    bucket.left, bucket.spent = 5.0, 1.0
    rates.share()
    verdict = rates.spend(slow, "a")
    assert verdict is not None
    assert verdict.is_refused
    assert verdict.retry_after_s > 3_000


def test_nobody_can_be_read_out_of_what_is_stored() -> None:
    spent("192.0.2.77", 1)
    rates.share()
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM console_rateaccount t")
        assert "192.0.2" not in str(cursor.fetchall())


def test_a_request_asks_the_database_for_nothing_of_it() -> None:
    _key, plain = make_key()
    client = ApiClient(plain)
    client.get("/event-kinds")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        client.get("/event-kinds")
    assert not any("rateaccount" in query["sql"] for query in queries)


def test_old_accounts_are_forgotten() -> None:
    spent("a", 1)
    rates.share()
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")  # the clock by which they are written
        (now,) = cursor.fetchone()
    assert prune_rate_accounts(now - timedelta(days=1), 0).deleted == 0
    assert prune_rate_accounts(now + timedelta(days=1), 0).deleted == 1


# ---- keys -----------------------------------------------------------------------------------------------------------


def test_a_key_that_asks_too_often_reads_when_to_come_again(settings: Settings) -> None:
    settings.API_RATE_PER_S = 1
    client = ApiClient(make_key()[1])
    answers = [client.get("/event-kinds") for _ in range(12)]
    assert {answer.status_code for answer in answers[:10]} == {200}
    refused = answers[-1]
    assert refused.status_code == 429
    assert refused["Content-Type"] == "application/problem+json"
    assert "Retry-After" in refused.json()["detail"]
    assert 1 <= int(refused["Retry-After"]) <= 3
    assert ApiClient(make_key("outbox:read")[1]).get("/event-kinds").status_code == 200


def test_every_answer_to_a_key_tells_what_is_left() -> None:
    answer = ApiClient(make_key()[1]).get("/event-kinds")
    assert re.fullmatch(r'"key";q=20000;w=10', answer["RateLimit-Policy"])
    assert re.fullmatch(r'"key";r=19999;t=1', answer["RateLimit"])


def test_without_a_limit_nothing_is_told(settings: Settings) -> None:
    settings.API_RATE_PER_S = 0
    assert "RateLimit" not in ApiClient(make_key()[1]).get("/event-kinds").headers


WRONG = "sbx_0123abcd_" + "x" * 43


def strangers(path: str, times: int, **how: Any) -> list[int]:
    client = Client(REMOTE_ADDR="192.0.2.9")
    return [client.post(f"{path}", b"{}", content_type="application/json", **how).status_code for _ in range(times)]


def doors() -> list[tuple[str, dict[str, Any]]]:
    callback = CallbackFactory()
    return [
        ("/api/v1/charging/messages", {"headers": {"Authorization": f"Bearer {WRONG}"}}),
        (f"/api/v1/charging/in/citrineos/{WRONG}", {}),
        (f"/api/v1/remotes/callbacks/{callback.slug}", {}),
        ("/api/v1/remotes/callbacks/nobody", {}),
        ("/api/v1/vehicles/sources/nobody", {}),
        ("/ocpi/versions", {"headers": {"Authorization": "Token eHh4"}}),
    ]


def test_every_door_counts_wrong_credentials_by_address(settings: Settings) -> None:
    settings.WRONG_KEYS_PER_MIN = 3
    for path, how in doors():
        rates.clear()
        assert strangers(path, 5, **how) == [401, 401, 401, 429, 429], path


def test_who_guesses_keeps_no_neighbour_out(settings: Settings) -> None:
    settings.WRONG_KEYS_PER_MIN = 1
    plain = make_key("charging:write")[1]
    assert strangers("/api/v1/charging/messages", 3, headers={"Authorization": f"Bearer {WRONG}"})[-1] == 429
    right = strangers("/api/v1/charging/messages", 1, headers={"Authorization": f"Bearer {plain}"})
    assert right == [202]


def test_all_of_one_site_are_one_stranger(settings: Settings) -> None:
    settings.WRONG_KEYS_PER_MIN = 2
    answers = [
        Client(REMOTE_ADDR=f"2001:db8::{n}")
        .get("/api/v1/event-kinds", headers={"Authorization": f"Bearer {WRONG}"})
        .status_code
        for n in range(4)
    ]
    assert answers == [401, 401, 429, 429]


# ---- passwords ------------------------------------------------------------------------------------------------------


def sign_in(name: str, password: str, ip: str = "192.0.2.1", client: Client | None = None) -> Any:
    client = client or Client(REMOTE_ADDR=ip)
    return client.post("/sign-in/", {"username": name, "password": password}, REMOTE_ADDR=ip)


def test_one_password_over_many_names_is_stopped_before_anything_is_hashed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SIGN_INS_PER_MIN = 6
    UserFactory(username="anna")
    assert [sign_in(f"name{n}", "Summer2026!").status_code for n in range(8)] == [200] * 6 + [429] * 2

    def hashed(*_: object, **__: object) -> None:
        raise AssertionError("hashed")

    monkeypatch.setattr("django.contrib.auth.hashers.MD5PasswordHasher.encode", hashed)
    answer = sign_in("anna", PASSWORD)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert "Wait a minute" in answer.content.decode()


def test_who_knows_the_password_is_not_counted(settings: Settings) -> None:
    settings.SIGN_INS_PER_MIN = 2
    UserFactory(username="anna")
    assert [sign_in("anna", PASSWORD).status_code for _ in range(5)] == [302] * 5


def test_one_password_over_many_names_is_seen(caplog: pytest.LogCaptureFixture) -> None:
    for n in range(5):
        sign_in(f"name{n}", "Summer2026!", ip=f"192.0.2.{n}")
    for n in range(20):
        sign_in("anna", f"other{n}", ip=f"192.0.2.{n}")
    seen = [record.msg for record in caplog.records if "many names" in str(record.msg)]
    assert len(seen) == 1
    assert "Summer2026!" not in caplog.text


def test_the_password_page_is_limited_too(settings: Settings) -> None:
    settings.SIGN_INS_PER_MIN = 3
    user: User = UserFactory(username="anna")
    answers = []
    for n in range(5):
        client = Client(REMOTE_ADDR=f"192.0.2.{n}")
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")
        new = {"old_password": f"guess{n}", "new_password1": "battery-horse-1", "new_password2": "battery-horse-1"}
        answers.append(client.post("/account/", new).status_code)
    assert answers == [200, 200, 200, 429, 429]


# ---- hashing --------------------------------------------------------------------------------------------------------


def test_hashes_are_djangos_own() -> None:
    encoded = PatientPBKDF2().encode("a password", "salt", 10)
    assert encoded == "pbkdf2_sha256$10$salt$" + encoded.rpartition("$")[2]
    assert PatientPBKDF2().verify("a password", encoded)
    assert not PatientPBKDF2().verify("another", encoded)


def test_few_wait_and_the_others_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    going, go = threading.Event(), threading.Event()

    def hold(*_: object) -> None:
        going.set()
        go.wait(PATIENCE_S)

    waiting = [threading.Thread(target=lambda: PatientPBKDF2().encode("x", "salt", 1)) for _ in range(4)]
    held = hashing._thread(os.getpid()).submit(hold)
    assert going.wait(PATIENCE_S)
    for thread in waiting:
        thread.start()
    try:
        while hashing._places._value:
            pass
        with pytest.raises(TooManyPasswords):
            PatientPBKDF2().encode("x", "salt", 1)
    finally:
        go.set()
        held.result(PATIENCE_S)
        for thread in waiting:
            thread.join(PATIENCE_S)


def test_who_comes_to_a_full_sign_in_reads_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise TooManyPasswords

    monkeypatch.setattr("django.contrib.auth.hashers.MD5PasswordHasher.encode", full)
    answer = sign_in("nobody", "x")
    assert (answer.status_code, answer["Retry-After"]) == (503, "3")
