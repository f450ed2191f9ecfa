"""An address is erased everywhere, and what was erased is said; what only looks like it stays."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from auditlog.models import LogEntry
from axes.models import AccessLog
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from hypothesis import given

from core.background import run_job
from core.choices import JobState
from core.erasure import MARK, Erased, erase_everywhere, pattern_of, scrub, without
from core.models import Job
from infra_notifications.models import ChargePointMessage
from outbox.choices import Channel, DeliveryState, Reason
from outbox.contract import Recipient, Result, failed
from outbox.models import Banner, Delivery, Event
from outbox.services import erasing
from outbox.services.settling import reclaim_lost, settle
from tests.factories.console import UserFactory
from tests.factories.infra_notifications import NotificationGroupFactory
from tests.outbox.kit import NOW, Note, a_delivery, a_note, days, fine, fresh, published, settled, taken

ANNA = "Anna.Muster@example.org"
URL = "/outbox/erase/"
REFUSED = failed(Reason.ADDRESS_REFUSED, 550, f"550 <{ANNA.lower()}>: unknown")


def erase(address: str = ANNA) -> dict[str, int]:
    found = erase_everywhere(address=address, now=NOW, told=lambda done, total: None)
    return {one.what: one.number for one in found}


def everything() -> str:
    """All texts of all our tables."""
    tables = connection.introspection.table_names()
    ours = [t for t in tables if t.partition("_")[0] in ("outbox", "console", "infra", "auditlog", "axes", "auth")]
    with connection.cursor() as cursor:
        texts = []
        for table in ours:
            cursor.execute(f"SELECT t::text FROM {table} t")
            texts += [row[0] for row in cursor.fetchall()]
    return "\n".join(texts).lower()


# ---- where it stands ----------------------------------------------------------------------------------------------


def test_address_is_nowhere_afterwards(db: None) -> None:
    group = NotificationGroupFactory(emails=[ANNA, "other@example.org"])
    user = UserFactory(email=ANNA)
    published(a_note(ANNA, "other@example.org", payload=Note(words=f"Called {ANNA}"), dedup_key=f"x:{ANNA.lower()}"))
    settled(REFUSED, *[one for one in taken() if one.address == ANNA])
    published(a_note(subject=f"mail:{ANNA}", recipients=(Recipient(ANNA, Channel.BANNER),)))
    LogEntry.objects.log_create(group, action=1, changes={"emails": ["", json.dumps([ANNA])]})
    AccessLog.objects.create(username=ANNA, ip_address="192.0.2.1")
    point_message(payload={"who": [{"mail": ANNA.upper()}], ANNA: 1})
    Job.objects.create(kind="k", label=f"For {ANNA}", arguments={"to": ANNA})
    assert ANNA.lower() in everything()
    said = erase()
    assert ANNA.lower() not in everything()
    assert said["deliveries to it"] == 2
    assert said["notification groups that it stood on"] == 1
    assert said["events that named it"] == 3
    assert said["answers of servers that named it"] == 1
    assert said["banners that were shown to it or named it"] == 2
    assert said["users whose address it was"] == 1
    assert User.objects.get(pk=user.pk).email == ""
    assert erase() == {}


def point_message(**values: Any) -> ChargePointMessage:
    more = {"action": "Heartbeat", "protocol": "ocpp1.6", "verdict": "life", "received_at": NOW}
    return ChargePointMessage.objects.create(**more | values)


def test_others_keep_theirs(db: None) -> None:
    group = NotificationGroupFactory(emails=[ANNA, f"x{ANNA}", f"{ANNA}.de"])
    published(a_note(f"x{ANNA}", payload=Note(words=f"x{ANNA} {ANNA}.de {ANNA}, {ANNA}.")))
    erase()
    assert set(group.addresses.values_list("address", flat=True)) == {f"x{ANNA}", f"{ANNA}.de"}
    assert Delivery.objects.get().address == f"x{ANNA}"
    assert Event.objects.get().payload["words"] == f"x{ANNA} {ANNA}.de {MARK}, {MARK}."


def test_what_waits_is_stopped(db: None) -> None:
    waiting, retrying = a_delivery(ANNA), a_delivery(ANNA, state=DeliveryState.RETRYING)
    assert erase()["of them stopped before they were sent"] == 2
    for one in (waiting, retrying):
        row = fresh(one)
        assert (row.state, row.reason, row.address, row.next_attempt_at) == ("cancelled", "erased", MARK, None)
    assert taken() == []


def test_what_is_being_sent_is_neither_repeated_nor_recorded_with_its_address(db: None) -> None:
    delivery = a_delivery(ANNA)
    held = taken()
    said = erase()
    assert any("being sent at that moment" in what for what in said)
    assert reclaim_lost(now=NOW + days(1)) == 0
    assert settle(results=[Result(held[0], fine(), NOW, 0.1)], now=NOW) == 0
    assert (fresh(delivery).state, fresh(delivery).address) == ("cancelled", MARK)


def test_history_stays_readable(operator: Client) -> None:
    delivery = a_delivery(ANNA)
    settled(fine())
    erase()
    page = operator.get(f"/outbox/deliveries/{delivery.pk}/").text
    assert MARK in page
    assert operator.get("/outbox/deliveries/").status_code == 200


def test_user_of_this_name_stays_and_that_is_said(db: None) -> None:
    UserFactory(username=ANNA.lower())
    assert erase()["users of this name, who stay until an administrator deletes them"] == 1


def test_keys_of_events_stay_unique(db: None) -> None:
    published(a_note(dedup_key=f"a:{ANNA}"), a_note(dedup_key=f"a:{ANNA.lower()}"))
    assert erase() == {"events that named it": 2}
    assert len(set(Event.objects.values_list("dedup_key", flat=True))) == 2


def test_whom_an_app_shows_banners_to_can_be_erased_too(db: None) -> None:
    published(a_note(recipients=(Recipient("driver:12", Channel.BANNER), Recipient("driver:123", Channel.BANNER))))
    erase("driver:12")
    assert set(Banner.objects.values_list("audience", flat=True)) == {MARK, "driver:123"}


# ---- in texts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a@x.de", MARK),
        ("<a@x.de>", f"<{MARK}>"),
        ("A@X.DE a@x.de", f"{MARK} {MARK}"),
        ("to:a@x.de?x", f"to:{MARK}?x"),
        ("a@x.de.", f"{MARK}."),
        ("'a@x.de' `a@x.de` {a@x.de}", f"'{MARK}' `{MARK}` {{{MARK}}}"),
        ("?to=a@x.de&x", f"?to={MARK}&x"),
        ("https://x.org/a@x.de/", f"https://x.org/{MARK}/"),
        ("o'a@x.de", "o'a@x.de"),
        ("b+a@x.de", "b+a@x.de"),
        ("ba@x.de", "ba@x.de"),
        ("b.a@x.de", "b.a@x.de"),
        ("a@x.dev", "a@x.dev"),
        ("a@x.de.uk", "a@x.de.uk"),
        ("a@x.de-y", "a@x.de-y"),
        ("a@xxde", "a@xxde"),
        ("", ""),
    ],
)
def test_address_is_found_whole(text: str, left: str) -> None:
    assert pattern_of("a@x.de").sub(MARK, text) == left


_SCALARS = st.none() | st.booleans() | st.integers() | st.text()


@given(st.recursive(_SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_documents_without_it_are_left_as_they_are(document: Any) -> None:
    assert without("a@x.de", document) == document


def test_odd_letters_in_an_address_are_no_patterns(db: None) -> None:
    odd = "a_%b'\"\\c@x.de"
    events = [a_note(payload=Note(words=words)) for words in (odd, "aXYb'\"\\c@x.de", "a_%b@x.de")]
    published(*events)
    assert scrub(Event, [odd]) == 1
    assert [event.payload["words"] for event in Event.objects.order_by("pk")] == [MARK, "aXYb'\"\\c@x.de", "a_%b@x.de"]


def test_looking_goes_in_small_steps(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from core import erasure

    monkeypatch.setattr(erasure, "STEP", 2)
    published(*[a_note(payload=Note(words=f"{n} {ANNA}")) for n in range(7)])
    assert scrub(Event, [ANNA]) == 7


# ---- asking for it ------------------------------------------------------------------------------------------------

ASKED = {"address": ANNA, "again": ANNA.lower(), "reason": "Asked for it by letter of 20 November"}


def test_administrator_asks_and_reads_what_was_erased(administrator: Client) -> None:
    a_delivery(ANNA)
    answer = administrator.post(URL, ASKED)
    job = Job.objects.get()
    assert answer["Location"] == f"/jobs/{job.pk}/"
    run_job(job_id=job.pk)
    page = administrator.get(f"/jobs/{job.pk}/").text
    assert "The address was found in" in page
    assert "1 deliveries to it" in page
    assert "found in" in administrator.get(URL).text
    job.refresh_from_db()
    assert (job.state, bytes(job.payload)) == (JobState.DONE, b"")
    assert ANNA.lower() not in everything()


@pytest.mark.parametrize("role", ["viewer", "operator", "nobody"])
def test_others_may_not(role: str, request: pytest.FixtureRequest) -> None:
    client: Client = request.getfixturevalue(role)
    assert client.get(URL).status_code == 403
    assert client.post(URL, ASKED).status_code == 403
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"again": "other@example.org"}, "not the same address"),
        ({"address": "a", "again": "a"}, "is no e-mail address"),
        ({"address": "", "again": ""}, "required"),
        ({"address": "@", "again": "@"}, "is no e-mail address"),
        ({"address": "%", "again": "%"}, "is no e-mail address"),
        ({"reason": ""}, "required"),
        ({"reason": f"{ANNA} asked"}, "without an address"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_erased(administrator: Client, change: dict[str, str], said: str) -> None:
    answer = administrator.post(URL, ASKED | change)
    assert (answer.status_code, said in answer.text) == (422, True)
    assert not Job.objects.exists()


def test_audit_log_says_who_and_why_but_not_whom(administrator: Client) -> None:
    administrator.post(URL, ASKED)
    entry = LogEntry.objects.get(object_repr=str(Job.objects.get()))
    assert entry.actor is not None
    assert entry.changes["reason"][1] == ASKED["reason"]
    assert ANNA.lower() not in str(entry.changes).lower()


def test_worker_that_died_begins_again(db: None) -> None:
    delivery = a_delivery(ANNA)
    job = erasing.start(address=ANNA, reason="r", by=UserFactory())
    Job.objects.update(state=JobState.RUNNING)
    run_job(job_id=job.pk)
    assert fresh(delivery).address == MARK
    run_job(job_id=job.pk)  # and a repeat does nothing
    job.refresh_from_db()
    assert job.state == JobState.DONE


def test_eraser_that_breaks_fails_the_job_visibly_and_forgets_the_address(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_address: str, _now: object) -> list[Erased]:
        raise ValueError("odd")

    monkeypatch.setattr(erasing, "stop_deliveries", breaks)
    job = erasing.start(address=ANNA, reason="r", by=UserFactory())
    with pytest.raises(ValueError, match="odd"):
        run_job(job_id=job.pk)
    job.refresh_from_db()
    assert (job.state, bytes(job.payload)) == (JobState.FAILED, b"")
    assert "Ask for it again" in job.result["message"]
