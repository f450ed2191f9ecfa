"""API keys: hashed, scoped, expirable, revocable at once, their last use noted, shown once."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from auditlog.models import LogEntry
from django.db import connection
from django.forms import model_to_dict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.choices import Scope
from core.models import ApiKey
from core.refusal import Refused
from core.selectors import find_api_key
from core.services import create_api_key, digest_of, revoke_api_key, touch_api_key
from tests import clock
from tests.conftest import ApiClient
from tests.factories.console import make_key

pytestmark = pytest.mark.django_db
NEW = "/api-keys/new/"
NOW = clock.last(12)


def form(**changed: Any) -> dict[str, Any]:
    return {"name": "CSMS Rhineland", "scopes": ["charging:write"], "expires_on": ""} | changed


def status_of(authorization: str | None) -> int:
    headers = {} if authorization is None else {"Authorization": authorization}
    return Client().get("/api/v1/event-kinds", headers=headers).status_code


# ---- made and shown once ----------------------------------------------------------------------------------------


def test_only_the_hash_is_stored() -> None:
    key, plain = make_key()
    secret = plain.split("_", 2)[2]
    with connection.cursor() as cursor:
        cursor.execute("SELECT k::text FROM console_apikey k")
        (stored,) = cursor.fetchone()
    assert secret not in stored
    assert plain.startswith(f"{key.prefix}_")
    assert key.digest == digest_of(secret)


def test_keys_are_long_and_never_the_same() -> None:
    plains = {make_key(name=str(n))[1] for n in range(20)}
    assert len(plains) == 20
    assert all(len(plain.split("_", 2)[2]) >= 43 for plain in plains)


def test_the_console_shows_a_new_key_this_once(administrator: Client) -> None:
    page = administrator.post(NEW, form()).content.decode()
    plain = page.split('id="plain-key" value="')[1].split('"')[0]
    assert find_api_key(plain, timezone.now()) is not None
    for url in ("/api-keys/", "/audit/", NEW):
        assert plain.split("_", 2)[2] not in administrator.get(url).content.decode()
    assert not LogEntry.objects.filter(changes__icontains=ApiKey.objects.get().digest).exists()


def test_the_page_with_the_key_is_kept_by_no_cache(administrator: Client) -> None:
    assert "no-store" in administrator.post(NEW, form())["Cache-Control"]
    assert "no-store" in administrator.get("/api-keys/")["Cache-Control"]


def test_a_new_key_knows_who_made_it(administrator: Client) -> None:
    administrator.post(NEW, form())
    key = ApiKey.objects.get()
    assert key.created_by_id == int(administrator.session["_auth_user_id"])
    assert (key.name, key.scopes) == ("CSMS Rhineland", ["charging:write"])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "taken"}, "There is a key of this name already."),
        ({"name": " "}, "This field is required."),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"name": "a\x00b"}, "Null characters"),
        ({"name": "a\nb\u202e"}, "Give the key a name"),
        ({"scopes": []}, "This field is required."),
        ({"scopes": ["root"]}, "Select a valid choice."),
        ({"expires_on": "2020-01-01"}, "This day is over"),
        ({"expires_on": "tomorrow"}, "Enter a valid date."),
    ],
)
def test_the_form_says_what_is_wrong_and_keeps_the_rest(
    administrator: Client, changed: dict[str, Any], said: str
) -> None:
    make_key(name="Taken")
    page = administrator.post(NEW, form(**changed)).content.decode()
    assert said in page
    assert "plain-key" not in page
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "scopes"),
    [("", ["outbox:read"]), ("x" * 101, ["outbox:read"]), ("a\x00", ["outbox:read"]), ("a", []), ("a", ["root"])],
)
def test_the_service_refuses_what_cannot_be(name: str, scopes: list[str]) -> None:
    with pytest.raises(Refused):
        create_api_key(name=name, scopes=scopes)


def test_a_name_is_taken_whatever_its_case() -> None:
    create_api_key(name="CSMS", scopes=["outbox:read"])
    with pytest.raises(Refused, match="csms"):
        create_api_key(name=" csms ", scopes=["outbox:read"])


# ---- opening the API --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_a_key_opens_the_api(scheme: str) -> None:
    assert status_of(scheme + make_key()[1]) == 200


def test_a_wrong_key_opens_nothing() -> None:
    _key, plain = make_key()
    prefix, secret = plain.rsplit("_", 1)[0][:12], plain[13:]
    wrong = [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Basic {plain}",
        plain,
        f"Bearer {plain}x",
        f"Bearer {plain[:-1]}",
        f"Bearer {prefix}_{secret[::-1]}",
        f"Bearer {prefix}",
        f"Bearer {prefix}_",
        f"Bearer sbx_00000000_{secret}",
        f"Bearer {plain.upper()}",
        f"Bearer {plain} {plain}",
        "Bearer \x00",
        f"Bearer {prefix}_\x00{secret[1:]}",
        "Bearer " + "ä" * 43,
        "Bearer " + "_" * 5_000,
        "Bearer sbx_' OR 1=1 --_x",
        "Bearer none",
        "Bearer {}",
    ]
    assert [status_of(authorization) for authorization in wrong] == [401] * len(wrong)


def test_a_key_lacks_what_its_scopes_do_not_say() -> None:
    _key, plain = make_key("charging:read")
    response = ApiClient(plain).get("/events")
    assert response.status_code == 403
    assert response.json()["detail"] == "This key lacks the scope outbox:read."


def test_every_scope_of_the_contract_exists() -> None:
    areas = ("charging", "vehicles", "remotes", "bikeshare", "outbox")
    assert set(Scope.values) == {f"{area}:{right}" for area in areas for right in ("read", "write")} | {"personal:read"}


# ---- ending -----------------------------------------------------------------------------------------------------


def test_a_revoked_key_opens_nothing_from_the_next_request_on(administrator: Client) -> None:
    key, plain = make_key()
    assert status_of(f"Bearer {plain}") == 200
    response = administrator.post(f"/api-keys/{key.pk}/revoke/", follow=True)
    assert "no longer works" in response.content.decode()
    assert status_of(f"Bearer {plain}") == 401


def test_looking_at_the_revocation_revokes_nothing(administrator: Client) -> None:
    key, plain = make_key()
    assert "stops working at once" in administrator.get(f"/api-keys/{key.pk}/revoke/").content.decode()
    assert status_of(f"Bearer {plain}") == 200


def test_a_key_is_revoked_once() -> None:
    key, _plain = make_key()
    with time_machine.travel(NOW, tick=False) as clock:
        revoke_api_key(key=key)
        clock.shift(60)
        revoke_api_key(key=key)
    key.refresh_from_db()
    assert key.revoked_at == NOW


def test_a_key_works_until_the_moment_at_which_it_expires() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        _key, plain = make_key(expires_at=NOW + timedelta(hours=1))
        clock.shift(3599)
        assert status_of(f"Bearer {plain}") == 200
        clock.shift(1)
        assert status_of(f"Bearer {plain}") == 401


def test_the_last_day_is_the_viewers_whole_day(administrator: Client) -> None:
    administrator.cookies["signalbox_tz"] = "America/New_York"
    with time_machine.travel(datetime(2026, 11, 21, 3, 0, tzinfo=UTC), tick=False):
        administrator.post(NEW, form(expires_on="2026-11-20"))
    assert ApiKey.objects.get().expires_at == datetime(2026, 11, 21, 4, 59, 59, 999999, tzinfo=UTC)


def test_the_list_says_what_became_of_a_key(administrator: Client) -> None:
    make_key(name="working")
    make_key(name="gone", expires_at=timezone.now() - timedelta(days=1))
    revoke_api_key(key=make_key(name="revoked")[0])
    page = administrator.get("/api-keys/?sort=name").content.decode()
    rows = page.split("<tbody>")[-1].split("<tr ")[1:]
    assert ["expired" in rows[0], "revoked</span>" in rows[1], "works" in rows[2]] == [True] * 3
    assert ["/revoke/" in row for row in rows] == [False, False, True]


# ---- last use ---------------------------------------------------------------------------------------------------


def test_the_last_use_is_noted_at_most_once_a_minute() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        key, plain = make_key()
        for shift, noted in ((0, NOW), (59, NOW), (2, NOW + timedelta(seconds=61))):
            clock.shift(shift)
            assert status_of(f"Bearer {plain}") == 200
            key.refresh_from_db()
            assert key.last_used_at == noted


def test_a_use_within_the_minute_writes_nothing() -> None:
    client = ApiClient(make_key()[1])
    client.get("/event-kinds")
    with CaptureQueriesContext(connection) as queries:
        client.get("/event-kinds")
    assert queries.captured_queries == []


def test_a_key_revoked_by_another_process_is_refused_within_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    key, plain = make_key()
    assert status_of(f"Bearer {plain}") == 200
    # No signal tells this process of it, as none would of another's change.
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=NOW)
    in_a_second = time.monotonic() + 1.0
    monkeypatch.setattr("core.cache.monotonic", lambda: in_a_second)
    assert status_of(f"Bearer {plain}") == 401


def test_a_late_writer_does_not_turn_the_last_use_back() -> None:
    key, _plain = make_key()
    stale = ApiKey.objects.get(pk=key.pk)
    touch_api_key(key=key, now=NOW)
    touch_api_key(key=stale, now=NOW - timedelta(seconds=30))
    assert ApiKey.objects.get().last_used_at == NOW


def test_a_wrong_key_notes_no_use() -> None:
    key, plain = make_key()
    status_of(f"Bearer {plain[:-1]}x" if plain[-1] != "x" else f"Bearer {plain[:-1]}y")
    key.refresh_from_db()
    assert key.last_used_at is None


# ---- in the Django admin ----------------------------------------------------------------------------------------


def test_the_admin_neither_makes_keys_nor_shows_their_hash(administrator: Client) -> None:
    key, _plain = make_key()
    page = administrator.get(f"/admin/console/apikey/{key.pk}/change/").content.decode()
    assert key.digest not in page
    assert administrator.get("/admin/console/apikey/add/").status_code == 403


def test_the_admin_changes_the_scopes(administrator: Client) -> None:
    key, plain = make_key("outbox:write", name="poor")
    url = f"/admin/console/apikey/{key.pk}/change/"
    fields = model_to_dict(key, ["name"]) | {"expires_at_0": "", "expires_at_1": ""}
    assert administrator.post(url, fields | {"scopes": "root"}).status_code == 200
    assert administrator.post(url, fields | {"scopes": "outbox:read"}).status_code == 302
    assert status_of(f"Bearer {plain}") == 200


# ---- receipts ---------------------------------------------------------------------------------------------------
