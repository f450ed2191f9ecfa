"""Mails that come back: reports as the servers write them, and what becomes of delivery, address and list."""

from __future__ import annotations

import base64
import io
import os
import re
import subprocess
import sys
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from infra_notifications.models import NotificationGroup
from infra_notifications.services.groups import send_test
from outbox.choices import Reason
from outbox.dispatcher import deliver_due
from outbox.models import Address, Attempt, Delivery, Event
from outbox.rules.bounce_reports import Fate, read_report
from outbox.services.bounces.envelope import envelope_sender
from outbox.services.bounces.mailbox import poll_mailbox
from outbox.services.bounces.taking import TakenReport, take_report
from outbox.transports.email.mime import message_id
from tests.conftest import ApiClient
from tests.factories.infra_notifications import NotificationGroupFactory
from tests.imapserver import imap_server
from tests.infra_notifications.pages import text_of
from tests.mailserver import MailServer
from tests.outbox.kit import NOW

SAMPLES = Path(__file__).parent / "bounces"
TO = "night@example.org"
FAILED = [
    "postfix",
    "exim_words",
    "exim_report",
    "exchange_german",
    "gmail",
    "qmail",
    "sendmail_many",
    "base64_parts",
    "utf8_global",
    "nested",
    "few_headers",
]


@pytest.fixture(autouse=True)
def _domain(settings: Settings) -> None:
    settings.BOUNCE_DOMAIN = "bounces.example.org"


@pytest.fixture
def group(db: None) -> NotificationGroup:
    found: NotificationGroup = NotificationGroupFactory(name="Köln", emails=[TO, "day@example.org"], language="de")
    return found


def a_delivery(group: NotificationGroup | None = None, address: str = TO, **more: Any) -> Delivery:
    """A mail that the server accepted."""
    event = Event.objects.create(
        kind="test.note",
        subject="x",
        dedup_key=uuid.uuid4().hex,
        payload={"title": "Fuse"},
        occurred_at=NOW,
        created_at=NOW,
    )
    given = {
        "event": event,
        "channel": "email",
        "address": address,
        "list_key": group.list_key if group else "",
        "destination": "email:example.org",
        "state": "delivered",
        "reason": "accepted",
        "attempts": 1,
        "created_at": NOW,
        "settled_at": NOW,
    }
    return Delivery.objects.create(**(given | more))


def sample(name: str, delivery: Delivery, *, signed: bool = False, to: str = "") -> bytes:
    """A report on this delivery; unsigned, it came to the sender that people see."""
    text = (SAMPLES / f"{name}.eml").read_text(encoding="utf-8")
    envelope = envelope_sender(delivery.pk) if signed else "signalbox@testserver"
    ours = message_id(delivery.event.uuid.hex, delivery.address, "testserver", delivery.copy)
    for mark, value in (("@@TO@@", to or delivery.address), ("@@ID@@", ours), ("@@ENVELOPE@@", envelope)):
        text = text.replace(mark, value)
    packed = re.compile("@@BASE64 (.*?)@@$", re.MULTILINE)
    text = packed.sub(lambda found: base64.encodebytes(found[1].replace("\\n", "\n").encode()).decode(), text)
    return text.encode().replace(b"\n", b"\r\n")


def state_of(delivery: Delivery) -> str:
    return str(Delivery.objects.get(pk=delivery.pk).state)


# ---- reports as servers write them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAILED)
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("ending", [b"\r\n", b"\n"])
def test_mail_that_came_back_is_bounced(name: str, signed: bool, ending: bytes, group: NotificationGroup) -> None:
    delivery, other = a_delivery(group), a_delivery(group, "day@example.org")
    raw = sample(name, delivery, signed=signed).replace(b"\r\n", ending)
    assert take_report(raw=raw, now=NOW) == TakenReport(matched=1, bounced=1)
    assert (state_of(delivery), state_of(other)) == ("bounced", "delivered")
    mark = Address.objects.get(address=TO)
    assert (mark.bounces, mark.failing_since, mark.blocked_reason) == (1, NOW, "")
    assert take_report(raw=raw, now=NOW) == TakenReport(matched=1)  # the same once more
    assert Address.objects.get(address=TO).bounces == 1
    assert Attempt.objects.filter(delivery=delivery, reason=Reason.BOUNCED).count() == 1


def test_words_of_the_server_are_kept(group: NotificationGroup) -> None:
    delivery = a_delivery(group)
    take_report(raw=sample("exchange_german", delivery), now=NOW)
    answer = Attempt.objects.get(delivery=delivery).answer
    assert answer.startswith("5.1.10 550 5.1.10 RESOLVER.ADR.RecipientNotFound")


def test_international_address_is_known_in_each_spelling(group: NotificationGroup) -> None:
    for spelling in ("grün@example.org", "gr\\x{FC}n@example.org", "GRÜN@example.org"):
        delivery = a_delivery(group, "grün@example.org")
        assert take_report(raw=sample("utf8_global", delivery, to=spelling), now=NOW).bounced == 1
    plus = a_delivery(group, "night+desk@example.org")
    assert take_report(raw=sample("postfix", plus, to="night+2Bdesk@example.org"), now=NOW).bounced == 1
    domain = a_delivery(group, "night@grün.example")
    assert take_report(raw=sample("postfix", domain, to="night@xn--grn-ioa.example"), now=NOW).bounced == 1


def test_delay_is_noted_and_nothing_else(group: NotificationGroup) -> None:
    delivery = a_delivery(group)
    raw = sample("postfix_delayed", delivery, signed=True)
    assert take_report(raw=raw, now=NOW) == TakenReport(matched=1, delayed=1)
    assert take_report(raw=raw, now=NOW) == TakenReport(matched=1)
    assert state_of(delivery) == "delivered"
    assert Attempt.objects.get(delivery=delivery).reason == Reason.DELAYED
    assert not Address.objects.filter(address=TO).exists()


def test_complaint_takes_the_address_off_the_list(group: NotificationGroup) -> None:
    delivery = a_delivery(group)
    waiting = a_delivery(group, state="pending", next_attempt_at=NOW, settled_at=None)
    assert take_report(raw=sample("complaint", delivery), now=NOW) == TakenReport(matched=1, complained=1)
    assert list(group.addresses.values_list("address", flat=True)) == ["day@example.org"]
    assert (state_of(delivery), state_of(waiting)) == ("delivered", "cancelled")


@pytest.mark.parametrize("name", ["absence", "success"])
@pytest.mark.parametrize("signed", [True, False])
def test_answers_that_report_no_failure_change_nothing(name: str, signed: bool, group: NotificationGroup) -> None:
    delivery = a_delivery(group)
    taken = take_report(raw=sample(name, delivery, signed=signed), now=NOW)
    assert (taken.bounced, taken.delayed, taken.complained) == (0, 0, 0)
    assert state_of(delivery) == "delivered"


# ---- forged, hostile ------------------------------------------------------------------------------------------------


def test_only_our_own_mails_can_be_marked(group: NotificationGroup) -> None:
    delivery, stranger = a_delivery(group), a_delivery(group, "day@example.org")
    forged = [
        sample("postfix", delivery, to="other@example.org"),  # a report on somebody else
        sample("postfix", delivery).replace(delivery.event.uuid.hex.encode(), uuid.uuid4().hex.encode()),
        sample("postfix", delivery, signed=True).replace(f"b-{delivery.pk}-".encode(), f"b-{stranger.pk}-".encode()),
    ]
    for raw in forged[:2]:
        assert take_report(raw=raw, now=NOW) == TakenReport()
    take_report(raw=forged[2], now=NOW)
    assert state_of(stranger) == "delivered"
    late = NOW + timedelta(days=7, seconds=1)
    assert take_report(raw=sample("postfix", stranger), now=late) == TakenReport()
    assert take_report(raw=sample("postfix", stranger, signed=True), now=late).bounced == 1


def test_report_from_where_the_mail_was_passed_on_counts_when_it_is_signed(group: NotificationGroup) -> None:
    delivery = a_delivery(group)
    raw = sample("exim_report", delivery, signed=True, to="private@elsewhere.example")
    assert take_report(raw=raw, now=NOW).bounced == 1


@pytest.mark.parametrize("name", ["exim_report", "exim_words", "gmail", "qmail"])
def test_report_that_names_only_what_the_mail_was_passed_on_to_counts(name: str, group: NotificationGroup) -> None:
    """Each mail has a Message-ID of its own, which only its receiver knows."""
    delivery, other = a_delivery(group), a_delivery(group, "day@example.org")
    raw = sample(name, delivery, to="private@elsewhere.example")
    assert take_report(raw=raw, now=NOW).bounced == 1
    assert (state_of(delivery), state_of(other)) == ("bounced", "delivered")
    assert Address.objects.get().address == TO


@given(st.binary(max_size=400))
def test_hostile_bytes_never_raise(junk: bytes) -> None:
    head = b'Content-Type: multipart/report; boundary="x"\n\n--x\nContent-Type: message/delivery-status\n'
    for raw in (junk, head + junk, head + b"Content-Transfer-Encoding: base64\n\n" + junk + b"\n--x--"):
        read_report(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n" * 50_000,
        b"Content-Type: message/rfc822\n\n" * 500,
        b'Content-Type: multipart/mixed; boundary=""\n\n--\n--\n----\n',
        b"A: b\n" + b" \n" * 400_000,
        b"Content-Type: message/delivery-status\n\nFinal-Recipient: utf-8; \\x{D800}\\x{FFFFFF}@x\nAction: failed\n",
        b"X-Failed-Recipients: " + b"a@b, " * 100_000,
    ],
)
def test_hostile_mails_end_soon(raw: bytes) -> None:
    report = read_report(raw)
    assert all(recipient.fate in Fate for recipient in report.recipients)
    assert not report.signed
    assert not report.ids


# ---- addresses and lists --------------------------------------------------------------------------------------------


def bounce(group: NotificationGroup, times: int, address: str = TO) -> None:
    for _ in range(times):
        take_report(raw=sample("postfix", a_delivery(group, address)), now=NOW)


def test_address_is_paused_after_three_and_the_others_are_told(group: NotificationGroup) -> None:
    bounce(group, 2)
    assert Address.objects.get(address=TO).blocked_reason == ""
    waiting = a_delivery(group, state="pending", next_attempt_at=NOW, settled_at=None)
    bounce(group, 1)
    mark = Address.objects.get(address=TO)
    assert (mark.bounces, mark.blocked_reason) == (3, Reason.BOUNCED)
    assert state_of(waiting) == "suppressed"
    told = Event.objects.filter(kind="mailing_list.bounces").order_by("id")
    assert [(event.payload["bounces"], event.payload["is_paused"]) for event in told] == [(1, False), (3, True)]
    for event in told:
        (to,) = event.deliveries.values_list("address", "language")
        assert to == ("day@example.org", "de")


def test_administrators_are_told_where_nobody_else_is_on_the_list(db: None, settings: Settings) -> None:
    settings.ADMIN_EMAILS = ["root@example.org"]
    alone: NotificationGroup = NotificationGroupFactory(emails=[TO])
    bounce(alone, 1)
    event = Event.objects.get(kind="mailing_list.bounces")
    assert list(event.deliveries.values_list("address", flat=True)) == ["root@example.org"]


def test_row_of_bounces_is_forgotten(group: NotificationGroup) -> None:
    bounce(group, 2)
    Address.objects.update(last_failure_at=NOW - timedelta(days=31))
    bounce(group, 1)
    assert Address.objects.get(address=TO).bounces == 1


def test_typing_an_address_anew_resumes_it(group: NotificationGroup, api: ApiClient) -> None:
    bounce(group, 3)
    path = f"/charging/groups/{group.pk}"
    assert api.patch(path, {"emails": ["day@example.org"]}).status_code == 200
    assert api.patch(path, {"emails": ["day@example.org", TO.upper()]}).status_code == 200
    mark = Address.objects.get(address=TO)
    assert (mark.bounces, mark.failing_since, mark.blocked_reason) == (0, None, "")


def test_group_page_shows_it_and_resumes(group: NotificationGroup, operator: Client) -> None:
    bounce(group, 3)
    page = reverse("infra_notifications:group", args=[group.pk])
    shown = text_of(operator.get(page))
    assert "3 mails came back" in shown
    assert "Paused: nothing is sent there." in shown
    resume = reverse("outbox:address_resume", args=[Address.objects.get(address=TO).pk])
    response = operator.post(resume, {"next": page})
    assert response.headers["Location"] == page
    assert operator.post(resume, {"next": "https://evil.example/"}).headers["Location"] == reverse("outbox:deliveries")
    assert Address.objects.get(address=TO).blocked_reason == ""
    assert "Resume mails" not in operator.get(page).content.decode()


def test_console_promises_no_more_than_is_known(group: NotificationGroup, operator: Client) -> None:
    delivery = a_delivery(group)
    page = reverse("outbox:delivery", args=[delivery.pk])
    assert "Accepted by the mail server" in text_of(operator.get(page))
    bounce(group, 0)
    take_report(raw=sample("postfix", delivery), now=NOW)
    assert "Bounced" in text_of(operator.get(page))
    listed = operator.get(reverse("outbox:deliveries"), {"q": "state:bounced"})
    assert TO in text_of(listed)


# ---- the ways in ----------------------------------------------------------------------------------------------------


def test_api_takes_raw_mails_and_json(group: NotificationGroup, api: ApiClient, api_with: Any) -> None:
    first, second = a_delivery(group), a_delivery(group)
    raw = api.client.generic(
        "POST", "/api/v1/outbox/bounces", sample("gmail", first), content_type="message/rfc822", headers=api.headers
    )
    assert (raw.status_code, raw.json()) == (200, {"matched": 1, "bounced": 1, "delayed": 0, "complained": 0})
    body = {"raw": sample("postfix", second).decode(), "unknown": 1}
    assert api.post("/outbox/bounces", body).json()["bounced"] == 1
    assert api.post("/outbox/bounces", {"raw": "Hello"}).json()["matched"] == 0
    for wrong, status in ((b"", 400), (b"{", 400), (b'{"raw": " "}', 400), (b"[]", 422), (b'{"raw": 7}', 422)):
        assert api.call("POST", "/outbox/bounces", wrong).status_code == status
    assert api_with("outbox:read").post("/outbox/bounces", body).status_code == 403
    listed = api.get("/deliveries?q=state:bounced").json()["items"]
    assert {item["state"] for item in listed} == {"bounced"}


def test_signed_recipient_may_be_all_that_is_known(group: NotificationGroup, api: ApiClient) -> None:
    delivery = a_delivery(group)
    bare = b"From: MAILER-DAEMON@mx.example.net\n\n550 5.1.1 no such user"
    body = {"raw": bare.decode(), "recipient": envelope_sender(delivery.pk).upper()}
    assert api.post("/outbox/bounces", body).json()["bounced"] == 1


def test_pipe_ends_as_mail_servers_expect(group: NotificationGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = a_delivery(group)

    def pipe(raw: bytes, *args: str) -> str:
        out = io.StringIO()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
        call_command("take_bounce", *args, stdout=out)
        return out.getvalue()

    assert pipe(b"From a@b Sun Nov 29\n" + sample("postfix", delivery)).startswith("1 deliveries: 1 bounced")
    assert pipe(b"Hello").startswith("0 deliveries")
    with pytest.raises(CommandError) as nothing:
        pipe(b" \n")
    assert nothing.value.returncode == 65


def test_pipe_keeps_the_report_where_settings_are_missing() -> None:
    """Mail servers hand no environment on; what ends with another number than 75 is lost."""
    done = subprocess.run(
        [sys.executable, "manage.py", "take_bounce"],
        input=b"x",
        env={"SECRET_KEY": ""},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, b"Signalbox cannot start" in done.stderr) == (os.EX_TEMPFAIL, True)


# ---- the envelope ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize(
    ("domain", "form"),
    [
        ("bounces.example.org", r"b-(\d+)-[0-9a-f]{20}@bounces\.example\.org"),
        ("box@example.org", r"box\+(\d+)-[0-9a-f]{20}@example\.org"),
        ("", r"()signalbox@testserver"),
    ],
)
def test_each_mail_has_an_envelope_sender_of_its_own(
    domain: str, form: str, smtp: MailServer, settings: Settings
) -> None:
    settings.BOUNCE_DOMAIN = domain
    settings.DEFAULT_FROM_EMAIL = "Signalbox <signalbox@testserver>"
    group = NotificationGroupFactory(emails=[TO, "day@example.org"])
    send_test(group=group, sent_by="anna", now=NOW)
    deliver_due()
    assert len(smtp.mails) == 2
    for mail in smtp.mails:
        found = re.fullmatch(form, mail.sender)
        assert found, mail.sender
        assert mail.message["From"] == "Signalbox <signalbox@testserver>"
        delivery = Delivery.objects.get(address=mail.recipients[0], event__kind="notification_group.test")
        if domain:
            assert int(found[1]) == delivery.pk
            raw = b"Content-Type: message/delivery-status\n\nAction: failed\nStatus: 5.1.1\n"
            assert take_report(raw=raw, envelope_to=mail.sender, now=NOW).bounced == 1


# ---- the mailbox ----------------------------------------------------------------------------------------------------


def test_mailbox_is_emptied_of_what_is_unseen(group: NotificationGroup, settings: Settings) -> None:
    deliveries = [a_delivery(group) for _ in range(2)]
    mails = [sample("postfix", deliveries[0]), b"Subject: Hello\r\n\r\nnobody", sample("qmail", deliveries[1])]
    with imap_server(*mails, password="s@cret") as server:
        settings.BOUNCE_MAILBOX_URL = f"imap://bounces%40example.org:s%40cret@127.0.0.1:{server.port}/INBOX"
        assert poll_mailbox(now=NOW) == 2
        assert server.unseen() == []
        assert poll_mailbox(now=NOW) == 0
        server.mails[102].flags.clear()
        assert poll_mailbox(now=NOW) == 0
    assert [state_of(delivery) for delivery in deliveries] == ["bounced", "bounced"]


def test_mailbox_that_cannot_be_used_is_left_alone(group: NotificationGroup, settings: Settings) -> None:
    with imap_server(sample("postfix", a_delivery(group))) as server:
        for path in ("wrong@127.0.0.1:{port}/INBOX", "secret@127.0.0.1:{port}/Nowhere", "secret@127.0.0.1:1/INBOX"):
            settings.BOUNCE_MAILBOX_URL = f"imap://box:{path.format(port=server.port)}"
            assert poll_mailbox(now=NOW) == 0
        assert len(server.unseen()) == 1
        # No mail is read over a connection whose certificate nobody vouches for, nor from a server without TLS.
        for scheme in ("imaps", "imap+tls"):
            settings.BOUNCE_MAILBOX_URL = f"{scheme}://box:secret@127.0.0.1:{server.port}/INBOX"
            assert poll_mailbox(now=NOW) == 0
        assert "LOGIN" not in server.commands[-2:]
    assert not Delivery.objects.filter(state="bounced").exists()


def test_mail_that_cannot_be_taken_now_stays_unseen(
    group: NotificationGroup, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_given: Any) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr("outbox.services.bounces.mailbox.take_report", away)
    with imap_server(sample("postfix", a_delivery(group))) as server:
        settings.BOUNCE_MAILBOX_URL = f"imap://box:secret@127.0.0.1:{server.port}"
        assert poll_mailbox(now=NOW) == 0
        assert len(server.unseen()) == 1


def test_mailbox_is_read_over_tls(
    group: NotificationGroup, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    certificate, known = tmp_path / "imap.pem", tmp_path / "ca.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    authority.cert_pem.write_to_path(str(known))
    with imap_server(sample("postfix", a_delivery(group)), certificate=str(certificate)) as server:
        settings.BOUNCE_MAILBOX_URL = f"imaps://box:secret@127.0.0.1:{server.port}/INBOX"
        assert poll_mailbox(now=NOW) == 0
        assert server.commands == []
        monkeypatch.setenv("SSL_CERT_FILE", str(known))
        assert poll_mailbox(now=NOW) == 1
