"""The mails of topic lists: the first at once, the rest gathered; never lost, never twice, never before its time."""

from __future__ import annotations

from collections import Counter
from email import message_from_bytes, policy
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from outbox.choices import Reason
from outbox.contract import ClaimedEvent, Result, failed
from outbox.dispatcher import deliver_due
from outbox.models import Delivery, Event, TopicDecision, TopicList
from outbox.services import publish
from outbox.services.mailing_lists.leaving import read_token
from outbox.services.settling import settle
from outbox.services.topic_lists import notifying as telling
from outbox.services.topic_lists.items import list_url
from outbox.services.topic_lists.lists import TOPIC_LISTS, delete_list, send_test, update_list
from outbox.tasks import deliver, sweep
from outbox.transports.rendering.render import render_mail
from tests.mailserver import MailServer
from tests.outbox.kit import NOW, Note, a_note, in_one_transaction, in_threads, taken
from tests.outbox.topic_kit import (
    ADDRESS,
    SILENT,
    TRIP,
    a_list,
    at,
    decisions,
    happening,
    happens,
    mails,
    tell,
    told,
)

pytestmark = pytest.mark.usefixtures("db")


# ---- the first at once, the rest gathered ---------------------------------------------------------------------------


def test_first_event_is_mailed_at_once_to_every_address() -> None:
    a_list(emails=["b@example.org", "a@example.org"], language="de")
    happens(happening("fuse"))
    assert tell() == 1
    (mail,) = mails()
    assert (mail.titles, mail.to, mail.seconds) == (["fuse"], ["a@example.org", "b@example.org"], 0)
    assert {one.language for one in Delivery.objects.all()} == {"de"}
    assert decisions() == [("told", "")]


def test_what_follows_within_a_minute_comes_in_one_mail() -> None:
    a_list()
    for second in (0, 1, 30, 59.9):
        happens(happening(f"at {second}"), seconds=second)
        tell(second)
    assert told() == [["at 0"]]
    tell(59.9)
    assert told() == [["at 0"]]
    tell(60)
    assert told() == [["at 0"], ["at 1", "at 30", "at 59.9"]]


def test_mail_that_was_gathered_opens_the_next_minute() -> None:
    a_list()
    for second in (0, 30, 60, 61, 119, 120, 181):
        happens(happening(f"at {second}"), seconds=second)
        tell(second)
    assert told() == [["at 0"], ["at 30", "at 60"], ["at 61", "at 119", "at 120"], ["at 181"]]


def test_events_of_one_batch_come_in_one_mail() -> None:
    a_list()
    happens(*[happening(f"{n}", seconds=n) for n in range(3)], seconds=5)
    tell(5)
    assert told() == [["0", "1", "2"]]


def test_steady_stream_does_not_keep_what_was_gathered_waiting() -> None:
    """At the end of a window, an event that comes that moment is told with what waited, not before it."""
    a_list()
    for second in range(0, 300, 10):
        happens(happening(f"{second}"), seconds=second)
        tell(second)
    assert [mail.seconds for mail in mails()] == [0, 60, 120, 180, 240]
    assert max(int(mail.seconds) - int(title) for mail in mails() for title in mail.titles) == 50


def test_list_that_gathers_nothing_mails_each() -> None:
    a_list(gather_s=0)
    for second in (0, 1, 1):
        happens(happening(f"at {second}"), happening("at once", seconds=second), seconds=second)
        tell(second)
    assert sorted(told()) == [["at 0"], ["at 1"], ["at 1"], *[["at once"]] * 3]


def test_lists_gather_each_for_itself() -> None:
    quick, slow = a_list(gather_s=10), a_list(gather_s=100)
    for second in (0, 5, 10, 100):
        happens(happening(f"{second}"), seconds=second)
        tell(second)
    assert told(quick) == [["0"], ["5", "10"], ["100"]]
    assert told(slow) == [["0"], ["5", "10", "100"]]


def test_long_mail_lists_fifty_and_counts_all() -> None:
    a_list()
    happens(*[happening(f"{n:02}", kind=SILENT if n % 3 else TRIP, seconds=n) for n in range(70)], seconds=70)
    tell(70)
    (mail,) = mails()
    assert mail.titles == [f"{n:02}" for n in range(50)]
    assert mail.event.payload["total"] == 70
    assert mail.event.payload["counts"] == [{"kind": SILENT, "n": 46}, {"kind": TRIP, "n": 24}]


def test_more_than_one_round_takes_is_told_in_the_next_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "NOTIFY_LIMIT", 3)
    a_list()
    for n in range(7):
        happens(happening(f"{n}"))
    tell()
    tell(60)
    tell(120)
    assert told() == [["0", "1", "2"], ["3", "4", "5"], ["6"]]


# ---- decided again when it is due -----------------------------------------------------------------------------------


def gathered() -> TopicList:
    """A list that told one event and gathers two more."""
    found = a_list()
    happens(happening("first"))
    tell()
    happens(happening("left"), happening("right"), seconds=10)
    return found


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"enabled": False}, [("skipped", "disabled")] * 2),
        ({"topics": [TRIP]}, [("skipped", "topic")] * 2),
        ({"condition": "left"}, [("told", ""), ("skipped", "condition")]),
        ({"name": "Another"}, [("told", "")] * 2),
    ],
)
def test_what_waits_is_decided_by_what_holds_when_it_is_due(
    change: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    found = gathered()
    update_list(topic_list=found, settings=change, now=at(20))
    tell(60)
    assert decisions()[1:] == expected


def test_what_waits_for_a_deleted_list_is_recorded_as_not_told() -> None:
    delete_list(topic_list=gathered(), now=at(20))
    assert decisions() == [("told", ""), ("skipped", "list_deleted"), ("skipped", "list_deleted")]
    assert tell(60) == 0


def test_mail_that_is_on_its_way_stops_with_its_list() -> None:
    found = a_list(emails=["a@example.org", "b@example.org"])
    happens(happening())
    tell()
    held = taken(1)
    delete_list(topic_list=found, now=NOW)
    states = Delivery.objects.filter(channel="email").values_list("state", "reason")
    assert list(states) == [("cancelled", "list_deleted")] * 2
    assert settle(results=[Result(held[0], failed(Reason.TEMPORARY, 451, "later"), NOW, 0.1)], now=NOW) == 0
    assert taken() == []


def test_mail_that_is_written_while_its_list_is_deleted_is_stopped_too(committed: None) -> None:
    found = a_list()
    happens(happening())
    in_threads(tell, lambda: delete_list(topic_list=TopicList.objects.get(pk=found.pk), now=NOW))
    assert set(Delivery.objects.filter(channel="email").values_list("state", flat=True)) <= {"cancelled"}
    tell()
    assert [state for state, _reason in decisions()] in (["told"], ["skipped"])
    assert taken() == []


def test_who_left_meanwhile_is_not_mailed() -> None:
    found = gathered()
    update_list(topic_list=found, settings={}, emails=["b@example.org", ADDRESS], now=at(20))
    TOPIC_LISTS.leave(found.list_key, ADDRESS)
    tell(60)
    assert [mail.to for mail in mails()] == [[ADDRESS], ["b@example.org"]]


def test_event_that_was_pruned_meanwhile_is_recorded_as_gone() -> None:
    gathered()
    Event.objects.filter(payload__title="left").delete()
    tell(60)
    assert decisions()[1:] == [("skipped", "event_gone"), ("told", "")]


def test_shorter_time_ends_the_window_earlier() -> None:
    found = gathered()
    update_list(topic_list=found, settings={"gather_s": 15}, now=at(11))
    assert [tell(14), tell(15)] == [0, 2]


def test_shorter_time_that_is_over_tells_at_once() -> None:
    found = gathered()
    update_list(topic_list=found, settings={"gather_s": 0}, now=at(11))
    assert tell(11) == 2


def test_longer_time_holds_from_the_next_mail_on() -> None:
    found = gathered()
    update_list(topic_list=found, settings={"gather_s": 600}, now=at(11))
    assert [tell(60), told()[1]] == [2, ["left", "right"]]
    happens(happening("later"), seconds=61)
    assert [tell(659), tell(660)] == [0, 1]


def test_clock_that_is_set_back_keeps_nothing_waiting_for_its_time() -> None:
    a_list(gather_s=3_600)
    for title in ("first", "second"):
        happens(happening(title), seconds=7_200)
        tell(7_200)
    assert [telling.mend_times(now=at(10_000)), tell(0), telling.mend_times(now=NOW), tell(0)] == [0, 0, 1, 1]
    assert told() == [["first"], ["second"]]


# ---- threads --------------------------------------------------------------------------------------------------------


def threads() -> list[str]:
    return [mail.event.thread for mail in mails()]


def test_gathered_mails_answer_the_first_of_their_burst() -> None:
    a_list()
    for second in (0, 10, 70, 400):
        tell(second)  # as beat does
        happens(happening(f"{second}"), seconds=second)
        tell(second)
        tell(second + 60)
    first, _second, _third, last = (mail.event.uuid.hex for mail in mails())
    assert threads() == ["", first, first, ""]
    assert last not in threads()


def test_event_that_answers_another_is_mailed_in_the_thread_of_that_ones_mail() -> None:
    """E.g. a success after a failure, hours later."""
    a_list()
    failed = happening("failed")
    happens(failed)
    tell()
    happens(happening("elsewhere"), seconds=1_000)
    tell(1_000)
    happens(happening("succeeded", thread=failed.uuid.hex), seconds=5_000)
    tell(5_000)
    assert threads() == ["", "", mails()[0].event.uuid.hex]


@pytest.mark.parametrize("thread", ["ab" * 16, "no uuid at all"])
def test_event_that_answers_what_the_list_never_told_begins_a_thread(thread: str) -> None:
    a_list()
    happens(happening(thread=thread))
    tell()
    assert threads() == [""]


# ---- what cannot be told --------------------------------------------------------------------------------------------


def test_list_that_cannot_be_told_does_not_keep_others_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    broken, fine = a_list(), a_list()
    happens(happening("fuse"))
    url_of_fine = list_url(fine.pk)
    monkeypatch.setattr(telling, "list_url", {fine.pk: url_of_fine}.__getitem__)  # raises for any other
    assert tell() == 1
    assert [told(broken), told(fine)] == [[], [["fuse"]]]
    monkeypatch.undo()
    assert tell(10) == 1
    assert told(broken) == [["fuse"]]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@in_one_transaction
@given(
    payload=st.dictionaries(
        st.sampled_from(["data", "object", "url", "id", "city", "previous_attributes"]) | st.text(), _json
    )
)
def test_whatever_a_payload_holds_is_told(db: None, payload: dict[str, Any]) -> None:
    with transaction.atomic():
        a_list()
        (pk,) = happens(happening())
        Event.objects.filter(pk=pk).update(payload=_storable(payload))
        assert tell() == 1
        event = Event.objects.get(kind="topic_list.mail")
        claimed = ClaimedEvent(
            event.pk, event.uuid, event.kind, event.subject, event.payload, event.occurred_at, event.thread
        )
        assert render_mail(claimed, "en", unsubscribable=True).subject
        transaction.set_rollback(True)


def _storable(value: Any) -> Any:
    """Without what JSON in PostgreSQL cannot hold: NUL and lone surrogates."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "ignore").decode()
    if isinstance(value, dict):
        return {_storable(key): _storable(inner) for key, inner in value.items()}
    return [_storable(one) for one in value] if isinstance(value, list) else value


# ---- never lost, never twice, never before --------------------------------------------------------------------------

# A step: seconds that pass, how many events happen then, whether a worker is nudged or beat sweeps.
_steps = st.lists(st.tuples(st.integers(0, 45), st.integers(0, 3), st.booleans()), max_size=25)


@in_one_transaction
@given(steps=_steps, gather_s=st.sampled_from([0, 1, 20, 60]))
def test_every_event_is_told_once_and_no_mail_comes_before_its_time(
    db: None, steps: list[tuple[int, int, bool]], gather_s: int
) -> None:
    with transaction.atomic():
        a_list(gather_s=gather_s)
        happened: dict[str, int] = {}
        second = 0
        for passed, number, worked in steps:
            second += passed
            fresh = [happening(f"{len(happened) + n}", seconds=second) for n in range(number)]
            happens(*fresh, seconds=second)
            happened |= {event.payload.title: second for event in fresh}  # type: ignore[attr-defined]
            if worked:
                tell(second)
                # Whatever still waits, waits for the end of a window.
                last = max((mail.seconds for mail in mails()), default=None)
                waits = TopicDecision.objects.filter(state="waiting").exists()
                assert not waits or (last is not None and second < last + gather_s)
        for _ in range(3):  # beat goes on
            second += max(gather_s, 1)
            tell(second)
        written = mails()
        assert Counter(title for mail in written for title in mail.titles) == Counter(happened.keys())
        assert all(mail.seconds >= happened[title] for mail in written for title in mail.titles)
        pauses = [later.seconds - earlier.seconds for earlier, later in pairwise(written)]
        assert all(pause >= gather_s for pause in pauses)
        assert not TopicDecision.objects.exclude(state="told").exists()
        transaction.set_rollback(True)


def test_rounds_at_the_same_time_tell_each_event_once(committed: None) -> None:
    a_list(gather_s=0)
    a_list(gather_s=60)

    def work(worker: int) -> None:
        for n in range(8):
            happens(happening(f"{worker}.{n}"))
            tell()

    in_threads(*[lambda worker=worker: work(worker) for worker in range(4)])
    tell(60)
    for number in (1, 2):
        found = TopicList.objects.get(name=f"List {number}")
        assert Counter(title for mail in told(found) for title in mail) == Counter(
            f"{worker}.{n}" for worker in range(4) for n in range(8)
        )
    assert len(told(TopicList.objects.get(name="List 2"))) == 2


def test_round_that_breaks_off_tells_nothing_and_the_next_one_all(committed: None) -> None:
    a_list()
    happens(happening("fuse"))
    with transaction.atomic():
        tell()
        transaction.set_rollback(True)
    assert (told(), decisions()) == ([], [("waiting", "")])
    tell(1)
    assert told() == [["fuse"]]


# ---- what it costs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 100, 1_000])
def test_statements_of_a_round_do_not_grow_with_its_events(number: int) -> None:
    a_list(condition="-nothing", emails=[f"a{n}@example.org" for n in range(20)])
    happens(*[happening(f"{n}") for n in range(number)])
    with CaptureQueriesContext(connection) as captured:
        tell()
    assert len([one for one in captured if "SAVEPOINT" not in one["sql"]]) == 10, "\n".join(
        o["sql"][:100] for o in captured
    )


def test_round_without_work_is_one_statement() -> None:
    gathered()
    with CaptureQueriesContext(connection) as captured:
        assert tell(30) == 0
    assert len(captured) == 1


# ---- the whole way --------------------------------------------------------------------------------------------------


def test_worker_that_is_nudged_tells_and_beat_finds_what_was_gathered(
    committed: None, smtp: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outbox.dispatcher.wake", lambda: None)
    a_list("charge_point.*", gather_s=0)
    a_list(gather_s=0)
    with transaction.atomic():
        publish(events=[happening("fuse")], now=NOW)
    deliver()
    with transaction.atomic():
        publish(events=[happening("again")], now=NOW)
    sweep()
    assert told() == [["fuse"], ["again"]]
    assert deliver_due() == 2


def test_mail_arrives_with_what_when_where_and_a_way_out(smtp: MailServer, transactional_db: None) -> None:
    found = a_list(name="Süd <1>")
    event = a_note(kind=SILENT, payload=Note(title="Müller & <b>Co</b>", words="Deck 2"), occurred_at=NOW)
    happens(event)
    tell()
    deliver_due()
    (received,) = smtp.mails
    mail = message_from_bytes(received.content, policy=policy.default)
    assert mail["Subject"].startswith("Silent: note:")
    text, html = (mail.get_body([kind]).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    assert "Title: Müller & <b>Co</b>" in text
    assert f"{NOW.day} {NOW:%b %Y %H:%M:%S} UTC" in text
    assert "Müller &amp; &lt;b&gt;Co&lt;/b&gt;" in html
    assert f"/outbox/topic-lists/{found.pk}/" in text
    link = mail["List-Unsubscribe"].strip("<>")
    assert read_token(link.rstrip("/").rpartition("/")[2]) == (found.list_key, ADDRESS)
    assert link in text.replace("=\n", "")


def test_test_mail_goes_the_whole_way_and_shows_an_example(smtp: MailServer, transactional_db: None) -> None:
    found = a_list(SILENT)
    event = send_test(topic_list=found, sent_by="anna", now=NOW)
    assert deliver_due() == 1
    mail = message_from_bytes(smtp.mails[0].content, policy=policy.default)
    text = mail.get_body(["plain"]).get_content()  # type: ignore[union-attr]
    assert mail["Subject"] == f"Test of the list “{found.name}”"
    assert "sent by anna" in text
    assert "Title: A fuse tripped" in text
    assert Delivery.objects.get(event=event).state == "delivered"
    assert decisions() == []
