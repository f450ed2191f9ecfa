"""One SMTP connection: encryption, login, pipelining, and what each answer means; against real and scripted servers."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import AuthResult, LoginPassword

from outbox.choices import Reason, Verdict
from outbox.contract import Outcome
from outbox.transports.email import smtp as client
from outbox.transports.email.smtp import Broken, Reply, judge_content, judge_envelope
from tests.mailserver import DROP, HANG, MailServer, ScriptedServer, SmtpScript, mail_server
from tests.outbox.kit import a_message, away, opened, server_at, transmitted
from tests.waiting import PATIENCE_S

# The server's own opinion of its options; the encryption is one that it does not see.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
OK, GO_ON, NONE = Reply(250, "OK"), Reply(354, "go on"), Reply(0, "")
NAME, PASSWORD = "signalbox", "pässword"


class Certificates:
    """A certificate for 127.0.0.1 by an authority of our own."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.authority = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self.context)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def trusted(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority is known to this machine."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))


def check_login(server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
    right = (data.login, data.password) == (NAME.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


@pytest.fixture
def starttls(certificates: Certificates) -> Iterator[MailServer]:
    options: dict[str, Any] = {"tls_context": certificates.context, "require_starttls": True, "auth_required": True}
    with mail_server(authenticator=check_login, **options) as server:
        yield server


@pytest.fixture
def implicit_tls(certificates: Certificates) -> Iterator[MailServer]:
    options: dict[str, Any] = {"ssl_context": certificates.context, "auth_required": True, "auth_require_tls": False}
    with mail_server(authenticator=check_login, **options) as server:
        yield server


def said(outcome: Outcome) -> tuple[Verdict, Reason]:
    return outcome.verdict, outcome.reason


# ---- encryption and login -----------------------------------------------------------------------------------------


def test_starttls_with_login_delivers(starttls: MailServer, trusted: None) -> None:
    server = server_at(starttls.port, use_starttls=True, username=NAME, password=PASSWORD)
    messages = [a_message(text="x" * 100_000), a_message("b@example.org")]
    assert [said(outcome) for outcome in transmitted(server, *messages)] == [(Verdict.DELIVERED, Reason.ACCEPTED)] * 2
    assert [mail.content for mail in starttls.mails] == [message.content for message in messages]


def test_implicit_tls_with_login_delivers(implicit_tls: MailServer, trusted: None) -> None:
    server = server_at(implicit_tls.port, use_tls=True, username=NAME, password=PASSWORD)
    (outcome,) = transmitted(server, a_message())
    assert outcome.verdict == Verdict.DELIVERED
    assert len(implicit_tls.mails) == 1


def test_login_is_spoken_where_plain_is_not_offered(certificates: Certificates, trusted: None) -> None:
    options: dict[str, Any] = {"ssl_context": certificates.context, "auth_required": True, "auth_require_tls": False}
    with mail_server(authenticator=check_login, auth_exclude_mechanism=["PLAIN"], **options) as found:
        server = server_at(found.port, use_tls=True, username=NAME, password=PASSWORD)
        assert opened(server).extensions["AUTH"] == "LOGIN"
        assert said(away(server_at(found.port, use_tls=True, username=NAME, password="wrong")))[1] == Reason.LOGIN


def test_wrong_password_delays_and_says_so(starttls: MailServer, trusted: None) -> None:
    outcome = away(server_at(starttls.port, use_starttls=True, username=NAME, password="wrong"))
    assert said(outcome) == (Verdict.POSTPONED, Reason.LOGIN)
    assert (outcome.code, outcome.answer[:3]) == (535, "535")


def test_missing_login_delays_instead_of_failing_the_address(starttls: MailServer, trusted: None) -> None:
    (outcome,) = transmitted(server_at(starttls.port, use_starttls=True), a_message())
    assert said(outcome) == (Verdict.POSTPONED, Reason.LOGIN)


@pytest.mark.parametrize("encryption", ["use_tls", "use_starttls"])
def test_certificate_of_an_unknown_authority_is_refused(
    encryption: str, starttls: MailServer, implicit_tls: MailServer
) -> None:
    port = starttls.port if encryption == "use_starttls" else implicit_tls.port
    outcome = away(server_at(port, **{encryption: True}))
    assert said(outcome) == (Verdict.POSTPONED, Reason.TLS)
    assert "CERTIFICATE_VERIFY_FAILED" in outcome.answer


def test_certificate_for_another_name_is_refused(implicit_tls: MailServer, trusted: None) -> None:
    outcome = away(server_at(implicit_tls.port, host="localhost", use_tls=True))
    assert said(outcome) == (Verdict.POSTPONED, Reason.TLS)


def test_nothing_is_sent_in_the_clear_when_starttls_is_wanted_but_not_offered() -> None:
    with mail_server() as found:
        outcome = away(server_at(found.port, use_starttls=True, username=NAME, password=PASSWORD))
    assert said(outcome) == (Verdict.POSTPONED, Reason.TLS)
    assert outcome.answer == "The server does not offer STARTTLS"


def test_answers_smuggled_in_before_the_encryption_are_not_believed(certificates: Certificates, trusted: None) -> None:
    """Whoever stands in between may send a line behind the plain answer to STARTTLS; it must not answer our EHLO."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await reader.readline()
        writer.write(b"250-hello\r\n250 STARTTLS\r\n")
        await reader.readline()
        writer.write(b"220 go on\r\n250 smuggled\r\n")
        await writer.start_tls(certificates.context)
        while line := await reader.readline():
            writer.write(b"221 bye\r\n" if line.startswith(b"QUIT") else b"250 hello\r\n")

    with ScriptedServer(script) as found:
        outcome = away(server_at(found.port, use_starttls=True))
    assert said(outcome) == (Verdict.POSTPONED, Reason.TLS)


# ---- servers that cannot be used ----------------------------------------------------------------------------------


def test_nobody_listening_is_a_server_that_is_away() -> None:
    outcome = away(server_at(1))
    assert said(outcome) == (Verdict.POSTPONED, Reason.CONNECTION)
    assert outcome.answer


@pytest.mark.parametrize(
    "greeting", ["554 no service here", "421 too many connections", "hello", "", "x" * 70_000, "220-x\r\n" * 101]
)
def test_strange_greeting_is_a_server_that_is_away(greeting: str) -> None:
    script = SmtpScript()
    script.greeting = greeting
    with ScriptedServer(script) as found:
        outcome = away(server_at(found.port))
    assert said(outcome) == (Verdict.POSTPONED, Reason.CONNECTION)
    assert outcome.code == (int(greeting[:3]) if greeting[:1] in {"4", "5"} else None)


def test_server_that_closes_at_once_is_away() -> None:
    with ScriptedServer(SmtpScript(lambda verb, line: DROP)) as found:
        assert said(away(server_at(found.port))) == (Verdict.POSTPONED, Reason.CONNECTION)


def test_server_that_never_greets_is_away_after_the_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CONNECT_TIMEOUT_S", 0.1)
    with ScriptedServer(SmtpScript(lambda verb, line: HANG)) as found:
        started = time.monotonic()
        assert said(away(server_at(found.port, timeout_s=0.1))) == (Verdict.POSTPONED, Reason.TIMEOUT)
    assert time.monotonic() - started < 10


def test_server_without_ehlo_is_spoken_to_with_helo() -> None:
    script = SmtpScript(lambda verb, line: "502 what?" if verb == "EHLO" else None, "PIPELINING")
    with ScriptedServer(script) as found:
        assert opened(server_at(found.port)).extensions == {}
    assert script.lines == ["EHLO signalbox.example", "HELO signalbox.example", "QUIT"]


# ---- a message -----------------------------------------------------------------------------------------------------


def test_message_arrives_byte_by_byte(smtp: MailServer) -> None:
    message = a_message(text=".\n..\n.hidden\n" + "long " * 500)
    (outcome,) = transmitted(server_at(smtp.port), message)
    assert (outcome.verdict, outcome.code, outcome.answer) == (Verdict.DELIVERED, 250, "250 Accepted")
    (mail,) = smtp.mails
    assert (mail.sender, mail.recipients, mail.content) == (message.sender, (message.recipient,), message.content)


@pytest.mark.parametrize("extensions", [[], ["PIPELINING"]])
def test_outcomes_belong_to_their_messages_whatever_is_refused_in_between(extensions: list[str]) -> None:
    refuse = {"b@x.example": "550 5.1.1 unknown", "d@x.example": "450 4.2.1 busy"}
    messages = [a_message(f"{name}@x.example", text=f"for {name}") for name in "abcdef"]
    with mail_server(*extensions) as found:
        found.rcpt = refuse.get
        found.data = lambda envelope: "554 spam" if envelope.rcpt_tos == ["e@x.example"] else None
        outcomes = transmitted(server_at(found.port), *messages)
    assert [outcome.code for outcome in outcomes] == [250, 550, 250, 450, 554, 250]
    assert [(mail.recipients[0][0], mail.text) for mail in found.mails] == [(n, f"for {n}\r\n") for n in "acf"]
    assert found.connections == 1


def test_answers_of_several_lines_are_kept(smtp: MailServer) -> None:
    smtp.rcpt = lambda address: "550-5.1.1 No such user.\r\n550 5.1.1 Ask the postmaster."
    (outcome,) = transmitted(server_at(smtp.port), a_message())
    assert outcome.answer == "550 5.1.1 No such user.\n5.1.1 Ask the postmaster."


def test_senders_refusal_delays_because_no_address_is_to_blame() -> None:
    script = SmtpScript(lambda verb, line: "553 not allowed to send as this" if verb == "MAIL" else None)
    with ScriptedServer(script) as found:
        (outcome,) = transmitted(server_at(found.port), a_message())
    assert said(outcome) == (Verdict.POSTPONED, Reason.SENDER_REFUSED)


# ---- pipelining ---------------------------------------------------------------------------------------------------


def test_envelope_goes_out_in_one_group_and_the_next_one_before_the_contents_answer() -> None:
    """The scripted server answers MAIL and RCPT only when DATA came: a client that waits would wait for ever."""
    script = SmtpScript(None, "PIPELINING")
    script.looks_ahead_s = 0.5
    with ScriptedServer(script) as found:
        outcomes = transmitted(server_at(found.port), *[a_message(f"{name}@x.example") for name in "abcd"])
    assert {said(outcome) for outcome in outcomes} == {(Verdict.DELIVERED, Reason.ACCEPTED)}
    assert [recipient[0] for recipient, _ in script.mails] == list("abcd")
    assert script.ahead == 3


@pytest.mark.parametrize("reply_to_data", ["503 no recipients", "354 go on all the same"])
def test_refused_recipient_in_the_middle_of_a_pipeline_fails_alone(reply_to_data: str) -> None:
    def answer(verb: str, line: str) -> str | None:
        if verb in ("RCPT", "DATA"):
            refused.append("b@" in line if verb == "RCPT" else refused[-1])
        return {"RCPT": "550 unknown", "DATA": reply_to_data}.get(verb) if refused[-1] else None

    refused = [False]
    script = SmtpScript(answer, "PIPELINING")
    with ScriptedServer(script) as found:
        messages = [a_message(f"{name}@x.example", text=f"for {name}") for name in "abcd"]
        outcomes = transmitted(server_at(found.port), *messages)
    assert [outcome.code for outcome in outcomes] == [250, 550, 250, 250]
    assert [(to[0], f"for {to[0]}".encode() in content) for to, content in script.mails] == [(n, True) for n in "acd"]


def test_server_that_does_not_offer_pipelining_is_asked_one_by_one() -> None:
    script = SmtpScript(lambda verb, line: "550 unknown" if verb == "RCPT" else None)
    with ScriptedServer(script) as found:
        transmitted(server_at(found.port), a_message("a@x.example"), a_message("b@x.example"))
    assert [line[:4] for line in script.lines] == ["EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "QUIT"]


# ---- international addresses --------------------------------------------------------------------------------------


@pytest.mark.parametrize("extensions", [[], ["PIPELINING"]])
def test_international_address_is_sent_where_the_server_takes_it(extensions: list[str]) -> None:
    with mail_server(*extensions) as found:
        outcomes = transmitted(server_at(found.port), a_message("störung@x.example"), a_message("a@x.example"))
    assert [outcome.verdict for outcome in outcomes] == [Verdict.DELIVERED] * 2
    assert [mail.recipients for mail in found.mails] == [("störung@x.example",), ("a@x.example",)]


@pytest.mark.parametrize("extensions", [[], ["PIPELINING"]])
def test_international_address_fails_alone_where_the_server_does_not(extensions: list[str]) -> None:
    messages = [a_message(address) for address in ("a@x.example", "störung@x.example", "b@köln.example")]
    with mail_server(*extensions, enable_SMTPUTF8=False) as found:
        outcomes = transmitted(server_at(found.port), *messages)
    assert [outcome.reason for outcome in outcomes] == [Reason.ACCEPTED, Reason.NEEDS_SMTPUTF8, Reason.ACCEPTED]
    assert outcomes[1].verdict == Verdict.FAILED
    assert found.mails[1].recipients == ("b@xn--kln-sna.example",)


def test_international_sender_that_the_server_cannot_take_is_no_addresses_fault() -> None:
    with mail_server(enable_SMTPUTF8=False) as found:
        (outcome,) = transmitted(server_at(found.port), a_message(sender="störung@x.example"))
    assert said(outcome) == (Verdict.POSTPONED, Reason.SENDER_REFUSED)


# ---- connections that break ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "CONTENT"])
@pytest.mark.parametrize(
    ("what", "reason"), [(DROP, Reason.BROKEN_OFF), (HANG, Reason.TIMEOUT), ("25", Reason.BROKEN_OFF)]
)
def test_break_in_the_middle_of_a_message_is_retried(verb: str, what: str, reason: Reason) -> None:
    script = SmtpScript(lambda asked, line: what if asked == verb else None)
    with ScriptedServer(script) as found, pytest.raises(Broken) as broken:
        transmitted(server_at(found.port, timeout_s=0.2 if what == HANG else PATIENCE_S), a_message())
    assert said(broken.value.outcome) == (Verdict.RETRY, reason)


def test_goodbye_that_is_never_answered_does_not_hold_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CLOSE_TIMEOUT_S", 0.1)
    with ScriptedServer(SmtpScript(lambda verb, line: HANG if verb == "QUIT" else None)) as found:
        started = time.monotonic()
        assert len(transmitted(server_at(found.port, timeout_s=PATIENCE_S), a_message())) == 1
    assert time.monotonic() - started < PATIENCE_S / 2


# ---- what answers mean --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mail", "rcpt", "data", "verdict", "reason"),
    [
        (OK, Reply(450, ""), NONE, Verdict.RETRY, Reason.TEMPORARY),
        (OK, Reply(550, ""), NONE, Verdict.FAILED, Reason.ADDRESS_REFUSED),
        (OK, Reply(553, ""), NONE, Verdict.FAILED, Reason.ADDRESS_REFUSED),
        (OK, Reply(552, ""), NONE, Verdict.RETRY, Reason.TEMPORARY),
        (OK, Reply(421, ""), NONE, Verdict.POSTPONED, Reason.CONNECTION),
        (OK, Reply(530, ""), NONE, Verdict.POSTPONED, Reason.LOGIN),
        (Reply(451, ""), NONE, NONE, Verdict.RETRY, Reason.TEMPORARY),
        (Reply(421, ""), NONE, NONE, Verdict.POSTPONED, Reason.CONNECTION),
        (Reply(530, ""), NONE, NONE, Verdict.POSTPONED, Reason.LOGIN),
        (Reply(550, ""), NONE, NONE, Verdict.POSTPONED, Reason.SENDER_REFUSED),
        (Reply(550, ""), Reply(503, ""), Reply(503, ""), Verdict.POSTPONED, Reason.SENDER_REFUSED),
        (OK, OK, Reply(451, ""), Verdict.RETRY, Reason.TEMPORARY),
        (OK, OK, Reply(554, ""), Verdict.FAILED, Reason.CONTENT_REFUSED),
        (OK, Reply(450, ""), Reply(554, ""), Verdict.RETRY, Reason.TEMPORARY),
    ],
)
def test_answers_to_the_envelope(mail: Reply, rcpt: Reply, data: Reply, verdict: Verdict, reason: Reason) -> None:
    outcome = judge_envelope(mail, rcpt, data)
    assert outcome is not None
    assert said(outcome) == (verdict, reason)


def test_content_may_be_sent_when_all_is_well_with_the_envelope() -> None:
    assert judge_envelope(OK, Reply(251, "forwarded"), GO_ON) is None


@pytest.mark.parametrize(
    ("code", "verdict", "reason"),
    [
        (250, Verdict.DELIVERED, Reason.ACCEPTED),
        (421, Verdict.POSTPONED, Reason.CONNECTION),
        (452, Verdict.RETRY, Reason.TEMPORARY),
        (550, Verdict.FAILED, Reason.CONTENT_REFUSED),
    ],
)
def test_answers_to_the_content(code: int, verdict: Verdict, reason: Reason) -> None:
    assert said(judge_content(Reply(code, "said so"))) == (verdict, reason)
    assert judge_content(Reply(code, "said so")).answer == f"{code} said so"
