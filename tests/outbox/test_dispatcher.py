"""claim → send → settle with the real parts: PostgreSQL that commits, an SMTP server, threads."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from core.selectors import last_signs_of_life
from outbox import dispatcher as dispatcher_module
from outbox import tasks
from outbox.choices import DeliveryState, Reason, Verdict
from outbox.dispatcher import Dispatcher, deliver_due
from outbox.models import Attempt, Delivery, Event
from outbox.rules import retrying
from outbox.selectors import refused_addresses
from outbox.services.settling import reclaim_lost
from tests.mailserver import HANG, MailServer, ScriptedServer, SmtpScript, free_port
from tests.outbox.kit import NOW, a_note, days, in_threads, published, taken
from tests.waiting import PATIENCE_S, wait_until

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "SERVER_PAUSES_S", (0.1,))
    monkeypatch.setattr(dispatcher_module, "DATABASE_PAUSE_S", 0.02)


@contextlib.contextmanager
def running_dispatcher() -> Iterator[Dispatcher]:
    """A dispatcher in a thread of its own, as in a worker process."""
    import asyncio

    dispatcher = Dispatcher()
    thread = threading.Thread(target=lambda: asyncio.run(dispatcher.run_forever()))
    thread.start()
    try:
        yield dispatcher
    finally:
        dispatcher.stop()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()


@pytest.fixture
def cut_off() -> Iterator[Callable[[], None]]:
    """Ends every other connection to the database, as its restart does; the pool starts anew afterwards."""
    connection.ensure_connection()
    parameters = connection.get_connection_params()
    mine = connection.connection.info.backend_pid

    def end() -> None:
        with psycopg.connect(**{k: parameters[k] for k in ("dbname", "user", "password", "host", "port")}) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), %s)",
                [mine],
            )

    yield end
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]


def addresses(number: int) -> list[str]:
    return [f"a{n}@example.org" for n in range(number)]


def states() -> dict[str, str]:
    return dict(Delivery.objects.values_list("address", "state"))


def all_delivered() -> bool:
    return set(states().values()) == {DeliveryState.DELIVERED}


def sent_to(server: MailServer) -> list[str]:
    return sorted(mail.recipients[0] for mail in server.mails)


# ---- end to end ---------------------------------------------------------------------------------------------------


def test_what_is_published_reaches_everyone_once(smtp: MailServer) -> None:
    published(a_note(*addresses(3)), now=timezone.now())
    assert deliver_due() == 3
    assert sent_to(smtp) == addresses(3)
    assert all_delivered()
    assert {(attempt.verdict, attempt.code) for attempt in Attempt.objects.all()} == {("delivered", 250)}
    assert smtp.mails[0].text.startswith("A fuse tripped: Deck 2 is dark")


def test_nothing_due_sends_nothing(smtp: MailServer) -> None:
    published(a_note("later@example.org"), now=timezone.now() + days(1))
    assert deliver_due() == 0
    assert smtp.connections == 0


def test_many_batches_go_out_over_one_connection(smtp: MailServer, settings: Settings) -> None:
    settings.OUTBOX_BATCH_SIZE, settings.OUTBOX_SMTP_CONNECTIONS = 5, 1
    published(*[a_note(*addresses(4)) for _ in range(6)])
    assert deliver_due() == 24
    assert (len(smtp.mails), smtp.connections) == (24, 1)
    assert all_delivered()


def test_shortest_lease_that_the_settings_allow_still_sends(smtp: MailServer, settings: Settings) -> None:
    settings.OUTBOX_LEASE_S = 30
    published(a_note("a@example.org"))
    assert deliver_due() == 1
    assert all_delivered()


def test_two_dispatchers_at_once_send_nothing_twice(smtp: MailServer, settings: Settings) -> None:
    settings.OUTBOX_BATCH_SIZE = 10
    published(*[a_note(*addresses(20)) for _ in range(10)])
    assert sum(in_threads(deliver_due, deliver_due)) == 200
    assert len(smtp.mails) == len({mail.message["Message-ID"] for mail in smtp.mails}) == 200


def test_mail_of_a_template_that_raises_fails_and_its_siblings_arrive(smtp: MailServer) -> None:
    published(a_note("a@example.org"), a_note("b@example.org", kind="test.broken"), a_note("c@example.org"))
    deliver_due()
    broken = Delivery.objects.get(address="b@example.org")
    assert (broken.state, broken.reason) == (DeliveryState.FAILED, Reason.TEMPLATE)
    assert "ZeroDivisionError" in broken.tries.get().answer
    assert sent_to(smtp) == ["a@example.org", "c@example.org"]


# ---- refusals -----------------------------------------------------------------------------------------------------


def test_address_refused_for_good_fails_alone_and_is_marked_until_it_works(smtp: MailServer) -> None:
    smtp.rcpt = {"a1@example.org": "550 5.1.1 unknown"}.get
    published(a_note(*addresses(3)))
    deliver_due()
    assert states() == {"a0@example.org": "delivered", "a1@example.org": "failed", "a2@example.org": "delivered"}
    assert refused_addresses(addresses(3))["a1@example.org"].last_answer == "550 5.1.1 unknown"
    smtp.rcpt = lambda address: None
    published(a_note("a1@example.org"))
    deliver_due()
    assert refused_addresses(addresses(3)) == {}


def test_repeat_carries_the_same_message_id(smtp: MailServer) -> None:
    contents: list[bytes] = []

    def refuse_once(envelope: object) -> str | None:
        contents.append(envelope.original_content)  # type: ignore[attr-defined]
        return "451 later" if len(contents) == 1 else None

    smtp.data = refuse_once
    published(a_note("a@example.org"))
    deliver_due()
    assert states() == {"a@example.org": "retrying"}
    Delivery.objects.update(next_attempt_at=NOW)
    deliver_due()
    assert contents[0] == contents[1]
    assert [attempt.verdict for attempt in Attempt.objects.all()] == [Verdict.RETRY, Verdict.DELIVERED]


def test_answer_comes_in_the_thread_of_the_mail_before(smtp: MailServer) -> None:
    alert = a_note("a@example.org")
    published(alert, a_note("a@example.org", thread=alert.uuid.hex))
    deliver_due()
    first, second = sorted(smtp.mails, key=lambda mail: mail.message["In-Reply-To"] or "")
    assert second.message["In-Reply-To"] == second.message["References"] == first.message["Message-ID"]


def test_slow_receiver_does_not_delay_the_others(settings: Settings) -> None:
    script = SmtpScript(lambda verb, line: HANG if verb == "RCPT" and "a0@" in line else None)
    with ScriptedServer(script) as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 0.5
        published(a_note(*addresses(30)))
        with running_dispatcher():
            wait_until(lambda: list(states().values()).count("delivered") == 29, "the others are delivered")
            assert states()["a0@example.org"] == "sending"
            wait_until(lambda: states()["a0@example.org"] == "retrying", "the slow one is given up for now")
    assert Attempt.objects.get(delivery__address="a0@example.org").reason == Reason.TIMEOUT


# ---- a server that is away ----------------------------------------------------------------------------------------


def test_dead_server_delays_and_loses_nothing(settings: Settings) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    published(a_note(*addresses(40)))
    deliver_due()
    assert set(states().values()) == {DeliveryState.RETRYING}
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {0}
    assert [attempt.verdict for attempt in Attempt.objects.all()] == [Verdict.POSTPONED]
    server = MailServer().start(settings.EMAIL_PORT)
    try:
        Delivery.objects.update(next_attempt_at=NOW)
        assert deliver_due() == 40
    finally:
        server.stop()
    assert sent_to(server) == sorted(addresses(40))


def test_dispatcher_goes_on_by_itself_when_the_server_is_back(settings: Settings) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    published(a_note(*addresses(20)))
    with running_dispatcher():
        wait_until(lambda: Attempt.objects.count() > 1, "it asked twice")
        server = MailServer().start(settings.EMAIL_PORT)
        try:
            wait_until(all_delivered, "everything is delivered")
        finally:
            server.stop()
    assert sent_to(server) == sorted(addresses(20))


def test_server_away_for_more_than_seven_days_fails_the_delivery_visibly(settings: Settings) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    published(a_note("a@example.org"), now=timezone.now() - days(7.01))
    deliver_due()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.reason) == (DeliveryState.FAILED, Reason.EXPIRED)
    assert delivery.settled_at is not None


# ---- a database that is away --------------------------------------------------------------------------------------


def test_database_that_ends_our_connection_during_the_send_makes_no_second_mail(
    smtp: MailServer, cut_off: Callable[[], None]
) -> None:
    def cut_once(_envelope: object) -> None:
        if not cut:
            cut.append(True)
            cut_off()

    cut: list[bool] = []
    smtp.data = cut_once
    published(a_note(*addresses(10)))
    assert deliver_due() == 10
    assert sent_to(smtp) == sorted(addresses(10))
    assert all_delivered()
    assert Attempt.objects.count() == 10


def test_settling_that_fails_half_way_records_each_attempt_once(smtp: MailServer) -> None:
    """A constraint that refuses the mark of an address stands for any error between two statements."""
    smtp.rcpt = lambda address: "550 unknown" if address == "a1@example.org" else None
    published(a_note(*addresses(2)))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE outbox_address ADD CONSTRAINT broken CHECK (address <> 'a1@example.org')")
    try:
        with running_dispatcher():
            wait_until(lambda: len(smtp.mails) == 1, "the other one is delivered")
            time.sleep(0.2)
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE outbox_address DROP CONSTRAINT broken")
            wait_until(lambda: states()["a1@example.org"] == "failed", "the refusal is written")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE outbox_address DROP CONSTRAINT IF EXISTS broken")
    assert Attempt.objects.count() == 2
    assert len(smtp.mails) == 1


def test_dispatcher_that_ends_while_the_database_is_away_tries_to_keep_its_results(
    smtp: MailServer, cut_off: Callable[[], None]
) -> None:
    def cut_and_stop(_envelope: object) -> None:
        cut_off()
        stopping.stop()

    smtp.data = cut_and_stop
    published(a_note("a@example.org"))
    with running_dispatcher() as stopping:
        wait_until(lambda: bool(smtp.mails), "the mail is sent")
    assert all_delivered()


# ---- leases -------------------------------------------------------------------------------------------------------


def test_lease_that_is_lost_during_the_send_leads_to_a_recognisable_repeat(smtp: MailServer) -> None:
    def lose_once(_envelope: object) -> None:
        if not lost:
            lost.extend(in_threads(lambda: reclaim_lost(now=timezone.now() + days(1))))
            in_threads(lambda: Delivery.objects.update(next_attempt_at=NOW))

    lost: list[int] = []
    smtp.data = lose_once
    published(a_note("a@example.org"))
    deliver_due()
    assert lost == [1]
    assert len(smtp.mails) == 2
    assert len({mail.message["Message-ID"] for mail in smtp.mails}) == 1
    assert [attempt.reason for attempt in Attempt.objects.all()] == ["worker_lost", "accepted", "accepted"]
    assert all_delivered()


def test_sweep_takes_up_what_a_dead_worker_held(smtp: MailServer) -> None:
    published(a_note("a@example.org"))
    assert len(taken(lease_s=1)) == 1
    tasks.sweep()
    Delivery.objects.update(next_attempt_at=NOW)
    dispatcher_module.wake()
    try:
        wait_until(all_delivered, "the delivery is taken up")
    finally:
        dispatcher_module.stop()
    event = Event.objects.earliest("pk")
    tries = Attempt.objects.filter(delivery__event=event).order_by("pk")
    assert [attempt.reason for attempt in tries] == ["worker_lost", "accepted"]
    assert event.position == 1
    assert last_signs_of_life(timezone.now())["worker"] is not None


# ---- in a worker --------------------------------------------------------------------------------------------------


def test_waking_takes_up_what_came_meanwhile(smtp: MailServer) -> None:
    with running_dispatcher() as dispatcher:
        for number in (1, 2, 3):
            published(a_note("a@example.org"))
            dispatcher.wake()
            wait_until(lambda n=number: len(smtp.mails) == n, f"mail {number} came")  # type: ignore[misc]


def test_dispatcher_that_is_stopped_hands_back_what_it_did_not_send(settings: Settings) -> None:
    script = SmtpScript(lambda verb, line: time.sleep(0.1) if verb == "CONTENT" else None)
    with ScriptedServer(script) as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.OUTBOX_SMTP_CONNECTIONS = "127.0.0.1", server.port, 1
        published(a_note(*addresses(50)))
        with running_dispatcher():
            wait_until(lambda: bool(script.mails), "the first is sent")
    delivered = [address for address, state in states().items() if state == "delivered"]
    assert sorted(delivered) == sorted(to for to, _ in script.mails)
    assert len(delivered) < 50
    assert set(states().values()) == {"delivered", "retrying"}


def test_task_wakes_the_dispatchers_thread_which_lasts_until_it_is_stopped(smtp: MailServer) -> None:
    def threads() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name == "dispatcher"]

    for number in (1, 2):  # it can be started again after it was stopped
        published(a_note("a@example.org"))
        tasks.deliver()
        tasks.deliver()
        wait_until(lambda n=number: len(smtp.mails) == n, f"mail {number} came")  # type: ignore[misc]
        assert threads() == ["dispatcher"]
        dispatcher_module.stop()
        assert threads() == []
    assert all_delivered()
