"""The way out by e-mail: many messages over few connections, each judged by itself."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from pytest_django import Settings

from outbox.choices import Reason, Verdict
from outbox.contract import RELEASED
from outbox.transports.email.transport import EmailTransport, server_from_settings
from tests.mailserver import MailServer, SmtpScript, mail_server
from tests.outbox.kit import StartScript, TransportRun, a_claim, claims, sent, server_at, verdicts

DELIVERED, RETRY, FAILED = Verdict.DELIVERED, Verdict.RETRY, Verdict.FAILED


# ---- a batch ------------------------------------------------------------------------------------------------------


def test_one_connection_serves_a_batch(smtp: MailServer) -> None:
    outcomes = sent(server_at(smtp.port), claims(20))
    assert verdicts(outcomes) == [DELIVERED] * 20
    assert (smtp.connections, len(smtp.mails)) == (1, 20)


@pytest.mark.parametrize("extensions", [[], ["PIPELINING"]])
def test_big_batch_opens_more_connections_up_to_the_limit(extensions: list[str]) -> None:
    with mail_server(*extensions) as found:
        outcomes = sent(server_at(found.port), claims(200), connections=4)
    assert verdicts(outcomes) == [DELIVERED] * 200
    assert found.connections == 4
    assert {mail.recipients[0] for mail in found.mails} == set(outcomes)


def test_small_batch_opens_no_more_connections_than_it_needs(smtp: MailServer) -> None:
    sent(server_at(smtp.port), claims(9), connections=32)
    assert smtp.connections <= 2


def test_every_address_has_a_mail_of_its_own_and_sees_no_other(smtp: MailServer) -> None:
    held = [a_claim(f"a{n}@example.org", list_key="group:1") for n in range(5)]
    sent(server_at(smtp.port), held)
    for mail in smtp.mails:
        (recipient,) = mail.recipients
        assert mail.message["To"] == recipient
        assert not any(one.address.encode() in mail.content for one in held if one.address != recipient)


def test_every_address_gets_its_own_link_to_leave(smtp: MailServer) -> None:
    sent(
        server_at(smtp.port),
        [a_claim("a@example.org", list_key="group:1"), a_claim("b@example.org", list_key="group:1")],
    )
    links = [mail.message["List-Unsubscribe"] for mail in smtp.mails]
    assert len(set(links)) == 2
    for mail, link in zip(smtp.mails, links, strict=True):
        assert link.startswith("<http://testserver/outbox/unsubscribe/")
        assert f"Unsubscribe: {link[1:-1]}" in mail.text
        assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_mail_on_no_list_has_no_link_to_leave(smtp: MailServer) -> None:
    sent(server_at(smtp.port), [a_claim()])
    assert smtp.mails[0].message["List-Unsubscribe"] is None


def test_mail_comes_from_whom_the_settings_name(smtp: MailServer, settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL, settings.PUBLIC_HOST = "Leitstelle Köln <box@köln.example>", "köln.example:8000"
    sent(server_at(smtp.port), [a_claim()])
    mail = smtp.mails[0]
    assert mail.sender == "box@xn--kln-sna.example"
    assert mail.message["Message-ID"].endswith("@xn--kln-sna.example>")
    assert server_from_settings().hello == "xn--kln-sna.example"


# ---- what fails alone ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "verdict", "reason"),
    [
        ("550 5.1.1 unknown", FAILED, Reason.ADDRESS_REFUSED),
        ("450 4.2.1 busy", RETRY, Reason.TEMPORARY),
        ("552 5.2.2 mailbox full", RETRY, Reason.TEMPORARY),
    ],
)
def test_refused_address_has_its_own_outcome(smtp: MailServer, reply: str, verdict: Verdict, reason: Reason) -> None:
    smtp.rcpt = {"a2@example.org": reply}.get
    outcomes = sent(server_at(smtp.port), claims(5))
    refused = outcomes.pop("a2@example.org")
    assert (refused.verdict, refused.reason, refused.answer) == (verdict, reason, reply)
    assert verdicts(outcomes) == [DELIVERED] * 4
    assert smtp.connections == 1


@pytest.mark.parametrize("kind", ["test.broken", "test.missing", "test.silent", "gone.kind"])
def test_mail_that_cannot_be_written_fails_alone(smtp: MailServer, kind: str) -> None:
    outcomes = sent(
        server_at(smtp.port), [a_claim("a@x.example"), a_claim("b@x.example", kind=kind), a_claim("c@x.example")]
    )
    assert verdicts(outcomes) == [FAILED, DELIVERED, DELIVERED]
    assert outcomes["b@x.example"].reason == Reason.TEMPLATE
    assert outcomes["b@x.example"].answer


def test_what_is_no_address_fails_alone_and_never_reaches_the_server(smtp: MailServer) -> None:
    evil = "a@x.example>\r\nRCPT TO:<b@x.example"
    outcomes = sent(server_at(smtp.port), [a_claim(evil), a_claim("fine@x.example")])
    assert (outcomes[evil].verdict, outcomes[evil].reason) == (FAILED, Reason.ADDRESS_INVALID)
    assert [mail.recipients for mail in smtp.mails] == [("fine@x.example",)]


def test_international_addresses_reach_a_server_that_takes_them_and_domains_reach_any() -> None:
    addresses = ["störung@x.example", "b@köln.example"]
    with mail_server() as takes, mail_server(enable_SMTPUTF8=False) as refuses:
        assert verdicts(sent(server_at(takes.port), [a_claim(a) for a in addresses])) == [DELIVERED, DELIVERED]
        outcomes = sent(server_at(refuses.port), [a_claim(a) for a in addresses])
    assert outcomes["störung@x.example"].reason == Reason.NEEDS_SMTPUTF8
    assert outcomes["b@köln.example"].verdict == DELIVERED


# ---- leases and the end -------------------------------------------------------------------------------------------


def test_message_whose_lease_is_about_to_end_is_given_back_unsent(smtp: MailServer) -> None:
    outcomes = sent(server_at(smtp.port), claims(3), send_within=-1.0)
    assert list(outcomes.values()) == [RELEASED] * 3
    assert smtp.mails == []


def test_message_that_waited_behind_a_slow_one_for_too_long_is_given_back(
    scripted: StartScript,
) -> None:
    script = SmtpScript(lambda verb, line: time.sleep(0.2) if verb == "CONTENT" else None, "PIPELINING")

    async def run(port: int) -> dict[str, Any]:
        runner = TransportRun(server_at(port))
        runner.submit(claims(1))
        runner.submit([a_claim("late@example.org")], send_within=0.1)
        await runner.reported(2)
        await runner.transport.close()
        return runner.outcomes()

    outcomes = asyncio.run(run(scripted(script)))
    assert outcomes["a0@example.org"].verdict == DELIVERED
    assert outcomes["late@example.org"] == RELEASED
    assert [to for to, _ in script.mails] == ["a0@example.org"]


def test_end_lets_the_message_under_way_finish_and_gives_back_the_others(scripted: StartScript) -> None:
    async def run(port: int) -> dict[str, Any]:
        runner = TransportRun(server_at(port))
        runner.submit(claims(30))
        while not script.mails:
            await asyncio.sleep(0.001)
        await runner.transport.close()
        assert len(runner.results) == 30
        return runner.outcomes()

    script = SmtpScript(None, "PIPELINING")
    outcomes = asyncio.run(run(scripted(script)))
    delivered = [address for address, outcome in outcomes.items() if outcome.verdict == DELIVERED]
    assert sorted(delivered) == sorted(to for to, _ in script.mails)
    assert 1 <= len(delivered) < 30
    assert script.lines[-1] == "QUIT"


def test_transport_has_room_for_what_it_does_not_hold(scripted: StartScript) -> None:
    async def run(port: int) -> None:
        runner = TransportRun(server_at(port), capacity=10)
        assert runner.transport.room() == 10
        runner.submit(claims(4))
        assert runner.transport.room() == 6
        await runner.reported(4)
        assert runner.transport.room() == 10
        await runner.transport.close()
        assert runner.transport.room() == 0

    asyncio.run(run(scripted(SmtpScript())))


def test_settings_say_where_mail_goes_and_how_much_at_once(settings: Settings) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_HOST_USER = "mail.example", 587, "box"
    settings.EMAIL_USE_TLS, settings.EMAIL_HOST_PASSWORD, settings.EMAIL_TIMEOUT = True, "secret", 7
    settings.OUTBOX_SMTP_CONNECTIONS, settings.OUTBOX_BATCH_SIZE = 3, 50
    runner = EmailTransport()
    server = runner.server
    assert (server.host, server.port, server.username, server.password) == ("mail.example", 587, "box", "secret")
    assert (server.use_starttls, server.use_tls, server.timeout_s) == (True, False, 7)
    assert (runner.most, runner.capacity) == (3, 100)
