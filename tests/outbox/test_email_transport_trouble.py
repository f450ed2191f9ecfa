"""The way out by e-mail while connections break, the server limits them, or is away."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from outbox.choices import Reason, Verdict
from outbox.contract import RELEASED
from outbox.rules import retrying
from outbox.transports.email import transport as transport_module
from tests.mailserver import DROP, HANG, MailServer, SmtpScript, free_port, mail_server
from tests.outbox.kit import StartScript, TransportRun, claims, sent, server_at, verdicts
from tests.waiting import PATIENCE_S

DELIVERED, RETRY, POSTPONED = Verdict.DELIVERED, Verdict.RETRY, Verdict.POSTPONED


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "SERVER_PAUSES_S", (0.1, 0.2))


# ---- connections that break ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("extensions", [(), ("PIPELINING",)])
@pytest.mark.parametrize(("what", "reason"), [(DROP, Reason.BROKEN_OFF), (HANG, Reason.TIMEOUT)])
def test_break_in_the_middle_of_a_content_is_retried_alone(
    scripted: StartScript, what: str, reason: Reason, extensions: tuple[str, ...]
) -> None:
    script = SmtpScript(lambda verb, to: what if (verb, to) == ("CONTENT", "a3@example.org") else None, *extensions)
    outcomes = sent(server_at(scripted(script), timeout_s=1 if what == HANG else PATIENCE_S), claims(8))
    broken = outcomes.pop("a3@example.org")
    assert (broken.verdict, broken.reason) == (RETRY, reason)
    assert verdicts(outcomes) == [DELIVERED] * 7
    assert sorted(to for to, _ in script.mails) == [f"a{n}@example.org" for n in range(8)]


def test_message_that_breaks_every_connection_holds_up_nobody_else(scripted: StartScript) -> None:
    script = SmtpScript(lambda verb, line: DROP if verb == "RCPT" and "a0@" in line else None)
    outcomes = sent(server_at(scripted(script)), claims(12))
    assert outcomes.pop("a0@example.org").reason == Reason.BROKEN_OFF
    assert verdicts(outcomes) == [DELIVERED] * 11


def test_kept_connection_that_the_server_closed_meanwhile_costs_no_attempt() -> None:
    """Both kept connections are stale when a message comes, which goes out on a new one at once."""

    async def run(server: MailServer) -> list[Verdict]:
        runner = TransportRun(server_at(server.port), connections=2)
        runner.submit(claims(16))
        await runner.reported(16)
        server.hang_up()
        await asyncio.sleep(0.2)
        runner.submit(claims(1))
        await runner.reported(17)
        await runner.transport.close()
        return [one.outcome.verdict for one in runner.results]

    with mail_server() as server:
        assert asyncio.run(run(server)) == [DELIVERED] * 17
    assert len(server.mails) == 17


def test_message_of_a_broken_connection_is_taken_at_once_by_one_that_waits(scripted: StartScript) -> None:
    def answer(verb: str, line: str) -> str | None:
        return DROP if verb == "MAIL" and armed and armed.pop() else None

    async def run(port: int) -> list[Verdict]:
        runner = TransportRun(server_at(port), connections=2)
        runner.submit(claims(16))
        await runner.reported(16)
        armed.append(True)
        runner.submit(claims(1))
        await runner.reported(17)
        await runner.transport.close()
        return [one.outcome.verdict for one in runner.results]

    armed: list[bool] = []
    assert asyncio.run(run(scripted(SmtpScript(answer)))) == [DELIVERED] * 17


def test_connection_is_kept_for_the_next_batch(smtp: MailServer) -> None:
    async def run() -> None:
        runner = TransportRun(server_at(smtp.port))
        for batch in (1, 2, 3):
            runner.submit(claims(1))
            await runner.reported(batch)
        await runner.transport.close()

    asyncio.run(run())
    assert (smtp.connections, len(smtp.mails)) == (1, 3)


def test_connection_without_work_is_closed(scripted: StartScript, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "KEEP_WARM_S", 0.05)
    script = SmtpScript()

    async def run(port: int) -> None:
        runner = TransportRun(server_at(port))
        runner.submit(claims(1))
        await runner.reported(1)
        while script.open:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(run(scripted(script)), PATIENCE_S))
    assert script.lines[-1] == "QUIT"


def test_server_that_takes_few_messages_per_connection_gets_more_connections(
    scripted: StartScript, monkeypatch: pytest.MonkeyPatch
) -> None:
    """421 after messages were taken closes the channel, not the server: no message waits and none counts."""

    def answer(verb: str, line: str) -> str | None:
        counted[0] = counted[0] + 1 if verb == "MAIL" else 0 if verb == "GREETING" else counted[0]
        return "421 4.7.0 enough for now" if verb == "MAIL" and counted[0] > 3 else None

    counted = [0]
    script = SmtpScript(answer)
    monkeypatch.setattr(retrying, "SERVER_PAUSES_S", (2 * PATIENCE_S,))
    outcomes = sent(server_at(scripted(script)), claims(9))
    assert verdicts(outcomes) == [DELIVERED] * 9


# ---- limits and absence -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["421 too many connections", DROP])
def test_too_many_connections_is_learnt_and_everything_is_delivered(scripted: StartScript, words: str) -> None:
    """Whether the server says so, or closes them without a word."""
    script = SmtpScript()
    script.answer = lambda verb, line: words if verb == "GREETING" and script.open > 2 else None
    port = scripted(script)

    async def run() -> tuple[dict[str, Any], int]:
        runner = TransportRun(server_at(port), connections=8)
        runner.submit(claims(8))
        await runner.reported(8)
        runner.submit(claims(100))
        await runner.reported(108)
        limit = runner.transport.limit
        await runner.transport.close()
        return runner.outcomes(), limit

    outcomes, limit = asyncio.run(run())
    assert set(verdicts(outcomes)) == {DELIVERED}
    assert 1 <= limit <= 2


def test_learnt_limit_is_forgotten_after_a_while(scripted: StartScript, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "BELIEVE_LIMIT_S", 0.5)
    script = SmtpScript()
    script.answer = lambda verb, line: "421 too many" if verb == "GREETING" and script.open > strict else None
    strict = 1
    port = scripted(script)

    async def run() -> None:
        nonlocal strict
        runner = TransportRun(server_at(port), connections=4)
        runner.submit(claims(8))
        await runner.reported(8)
        runner.submit(claims(32))
        await runner.reported(40)
        assert runner.transport.limit == 1
        strict = 99
        await asyncio.sleep(0.55)
        runner.submit(claims(32))
        await runner.reported(72)
        assert runner.transport.limit == 4
        await runner.transport.close()

    asyncio.run(run())


@pytest.mark.parametrize("verb", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "CONTENT"])
@pytest.mark.parametrize("connections", [1, 4])
def test_server_that_shuts_down_delays_one_message_and_gives_back_the_rest(
    scripted: StartScript, verb: str, connections: int
) -> None:
    script = SmtpScript(lambda asked, line: "421 shutting down" if asked == verb else None)
    outcomes = sent(server_at(scripted(script)), claims(40), connections=connections)
    assert set(verdicts(outcomes)) == {POSTPONED, Verdict.RELEASED}
    assert 1 <= verdicts(outcomes).count(POSTPONED) <= connections


@pytest.mark.parametrize(
    ("verb", "reply", "reason"), [("MAIL", "553 not you", Reason.SENDER_REFUSED), ("RCPT", "530 log in", Reason.LOGIN)]
)
def test_our_own_mistake_delays_everything_and_fails_nothing(
    scripted: StartScript, verb: str, reply: str, reason: Reason
) -> None:
    script = SmtpScript(lambda asked, line: reply if asked == verb else None)
    outcomes = sent(server_at(scripted(script)), claims(20))
    delayed = [outcome for outcome in outcomes.values() if outcome != RELEASED]
    assert [(one.verdict, one.reason, one.answer) for one in delayed] == [(POSTPONED, reason, reply)]


def test_away_server_is_asked_with_one_message_and_then_gets_the_rest() -> None:
    port = free_port()

    async def run() -> None:
        runner = TransportRun(server_at(port), connections=2)
        capacity = runner.transport.room()
        began = time.monotonic()
        runner.submit(claims(30))
        await runner.reported(30)
        (probe,) = [one for one in runner.results if one.outcome != RELEASED]
        assert (probe.outcome.verdict, probe.outcome.reason) == (POSTPONED, Reason.CONNECTION)
        assert 0.1 <= probe.pause_s <= 0.11
        assert runner.transport.room() == 0 or time.monotonic() > began + probe.pause_s
        await runner.ready()
        assert runner.transport.room() == 1
        server = await asyncio.to_thread(lambda: MailServer().start(port))
        try:
            runner.submit(claims(1))
            await runner.reported(31)
            assert runner.transport.room() == capacity
            runner.submit(claims(29))
            await runner.reported(60)
            await runner.transport.close()
        finally:
            await asyncio.to_thread(server.stop)
        assert len(server.mails) == 30

    asyncio.run(run())


def test_server_that_stays_away_is_asked_less_and_less_often() -> None:
    async def run() -> list[float]:
        runner = TransportRun(server_at(1))
        for asked in (1, 2, 3):
            runner.submit(claims(1))
            await runner.reported(asked)
            await runner.ready()
        return [one.pause_s for one in runner.results]

    first, second, third = asyncio.run(run())
    assert 0.1 <= first <= 0.11 < 0.2 <= second <= 0.22
    assert 0.2 <= third <= 0.22


def test_server_that_refuses_our_login_for_long_is_asked_less_and_less_often(scripted: StartScript) -> None:
    """That a connection opens does not mean that the server is back."""
    port = scripted(SmtpScript(lambda verb, line: "530 log in" if verb == "MAIL" else None))

    async def run() -> list[float]:
        runner = TransportRun(server_at(port))
        for asked in (1, 2):
            runner.submit(claims(1))
            await runner.reported(asked)
            await runner.ready()
            assert runner.transport.room() == 1
        return [one.pause_s for one in runner.results]

    first, second = asyncio.run(run())
    assert second > first + 0.05


def test_messages_that_come_while_the_server_is_away_are_given_back() -> None:
    """The dispatcher may claim in the moment in which the runner finds out."""

    async def run() -> None:
        runner = TransportRun(server_at(1))
        runner.submit(claims(1))
        await runner.reported(1)
        runner.submit(claims(20))
        await runner.reported(21)
        assert [one.outcome for one in runner.results[1:]] == [RELEASED] * 20
        await runner.ready()
        assert runner.transport.room() == 1

    asyncio.run(run())
