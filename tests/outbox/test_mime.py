"""The bytes of a mail: what goes in comes out of the standard library's parser, and nothing else."""

from __future__ import annotations

import email.policy
import re
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outbox.transports.email.mime import MAX_SUBJECT, Message, message_id, one_line
from outbox.transports.email.smtp import stuffed
from outbox.transports.rendering.render import UNSUBSCRIBE_MARK
from tests.outbox.kit import NOW, a_message

HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Language",
    "Content-Type",
]
EVIL = [
    "\r\nBcc: evil@example.org",
    "\nBcc: evil@example.org",
    "\rBcc: e",
    "\x00Bcc: e",
    "\u2028Bcc: e",
    "\x85Bcc: e",
    "\r\n\r\nBody",
]
texts = st.text(max_size=400) | st.text(alphabet='ab =?.,_\t\r\n\u2028äß🔌"\\<>@', max_size=400)


def parsed(message: Message) -> EmailMessage:
    found = BytesParser(policy=email.policy.default).parsebytes(message.content)
    assert isinstance(found, EmailMessage)
    assert found.defects == []
    return found


def part(message: Message, kind: str) -> str:
    found = parsed(message).get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def header(message: Message, name: str) -> Any:
    return parsed(message)[name]


def quoted(name: str) -> str:
    """A name as it stands before an address in a setting."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <box@example.com>'


def name_of(message: Message) -> str:
    """The sender's name; the parser's own reading of it puts spaces between encoded words that it folded."""
    raw = message.content.partition(b"From: ")[2].partition(b"box@")[0].decode()
    return str(make_header(decode_header(raw.replace("\r\n", "").rstrip("<")))).strip()


def lines(content: bytes) -> list[bytes]:
    return content.split(b"\r\n")


# ---- whatever goes in ---------------------------------------------------------------------------------------------


@given(subject=texts)
@example("=?utf-8?q?looks_encoded?=")
@example("x" * 300)
@example("ä" * 300)
@example("word " * 60)
def test_subject_arrives_as_it_was_written(subject: str) -> None:
    assert header(a_message(subject=subject), "Subject") == one_line(subject[:MAX_SUBJECT])


@given(text=texts, html=texts)
@example("." * 100, ".\r\n..\r\n.")
@example("x" * 2_000, " trailing \t\nspaces ")
def test_both_parts_arrive_as_they_were_written(text: str, html: str) -> None:
    message = a_message(text=text, html=html)
    for kind, given_text in (("plain", text), ("html", html)):
        assert part(message, kind) == re.sub("\r\n?", "\n", given_text).rstrip("\n") + "\n"


@given(subject=texts, text=texts, name=texts)
def test_what_is_written_never_adds_a_header_or_breaks_a_line(subject: str, text: str, name: str) -> None:
    message = a_message(subject=subject, text=text, sender=quoted(name))
    assert parsed(message).keys() == HEADERS
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", message.content)
    assert max(map(len, lines(message.content))) <= 998
    assert message.content.isascii()
    assert message.content.endswith(b"--\r\n")


@given(
    content=st.binary(max_size=60) | st.lists(st.sampled_from([b".", b"\r\n", b"a", b".."]), max_size=20).map(b"".join)
)
def test_dots_are_stuffed_so_that_the_server_reads_what_was_written(content: bytes) -> None:
    wire = stuffed(content)
    assert b".\r\n" not in [line + b"\r\n" for line in lines(wire)]
    assert b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines(wire)) == content


# ---- injection ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("evil", EVIL)
def test_no_header_is_smuggled_in_by_a_subject_or_a_name(evil: str) -> None:
    message = a_message(subject=f"Hello{evil}", sender=quoted(f"Signal{evil}box"))
    assert parsed(message).keys() == HEADERS
    assert message.sender == "box@example.com"
    assert header(message, "Subject").startswith("Hello ")


@pytest.mark.parametrize(
    "evil", [*EVIL, " ", "\t", "<", ">", ",b@example.org", "\x7f", "\u2029", "@", "(c)", '"', "\\", ";", ":"]
)
def test_address_that_holds_more_than_an_address_is_refused(evil: str) -> None:
    for address in (f"a{evil}@example.org", f"a@example.org{evil}", f"{evil}a@example.org", f"ä@example.org{evil}"):
        with pytest.raises(ValueError, match=r"."):
            a_message(address)


@pytest.mark.parametrize(
    "address", ["", "a", "@example.org", "a@", "a@b@c", f"{'a' * 250}@example.org", "ä@", "ä@b..c"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        a_message(address)


@pytest.mark.parametrize(
    "address", ["o'hara+x@example.org", "a..b.@example.org", "a@[192.0.2.1]", "a/b=c{d}@x-1.example"]
)
def test_odd_addresses_are_addresses(address: str) -> None:
    message = a_message(address)
    assert message.recipient == address
    assert f"\r\nTo: {address}\r\n".encode() in message.content


# ---- addresses ----------------------------------------------------------------------------------------------------


def test_domain_of_another_script_goes_out_in_ascii() -> None:
    message = a_message("leitstelle@Köln-Süd.example")
    assert (message.recipient, message.utf8) == ("leitstelle@xn--kln-sd-wxa6c.example", False)
    assert header(message, "To") == "leitstelle@xn--kln-sd-wxa6c.example"
    assert message.content.isascii()


def test_international_local_part_needs_smtputf8() -> None:
    message = a_message("störung@köln.example")
    assert (message.recipient, message.utf8) == ("störung@xn--kln-sna.example", True)
    assert "\r\nTo: störung@xn--kln-sna.example\r\n".encode() in message.content


def test_senders_domain_of_another_script_goes_out_in_ascii() -> None:
    message = a_message(sender="Störungsdienst <box@köln.example>")
    assert (message.sender, message.utf8) == ("box@xn--kln-sna.example", False)
    (sender,) = header(message, "From").addresses
    assert (sender.display_name, sender.addr_spec) == ("Störungsdienst", "box@xn--kln-sna.example")


@given(name=texts)
@example('Signal "the" \\ box')
@example("Störungsdienst " * 12)
@example("=?utf-8?q?x?=")
def test_senders_name_arrives_as_it_is_set(name: str) -> None:
    message = a_message(sender=quoted(name))
    assert header(message, "From").addresses[0].addr_spec == message.sender == "box@example.com"
    name = one_line(name)
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    assert name_of(message) in (name, f'"{escaped}"')
    assert name.isascii() or max(map(len, lines(message.content.partition(b"\r\nTo:")[0]))) <= 78


def test_sender_without_a_name_is_an_address_alone() -> None:
    assert b"\r\nFrom: box@example.com\r\n" in b"\r\n" + a_message(sender="box@example.com").content


def test_wrong_sender_is_left_for_the_server_to_refuse() -> None:
    assert a_message(sender="nobody").sender == "nobody"


# ---- what a mail says of itself -----------------------------------------------------------------------------------


def test_message_id_is_the_same_at_every_attempt_and_another_for_each_address() -> None:
    first, again, other = (header(a_message(a), "Message-ID") for a in ("a@x.example", "A@X.example", "b@x.example"))
    assert first == again == message_id("0" * 31 + "7", "a@x.example", "signalbox.example")
    assert other != first
    assert re.fullmatch(r"<[0-9a-f]{32}\.[0-9a-f]{16}@signalbox\.example>", first)


def test_message_id_does_not_tell_the_address() -> None:
    assert "someone" not in header(a_message("someone@x.example"), "Message-ID")


def test_answer_names_the_mail_that_the_same_address_got_before() -> None:
    alert = a_message("a@x.example", event_hex="ab" * 16)
    answer = a_message("a@x.example", event_hex="cd" * 16, thread="ab" * 16)
    assert header(answer, "In-Reply-To") == header(answer, "References") == header(alert, "Message-ID")


def test_mail_that_begins_a_thread_answers_none() -> None:
    assert header(a_message(), "In-Reply-To") is None


def test_mail_says_that_a_machine_wrote_it_and_in_which_language() -> None:
    message = a_message(language="de")
    assert header(message, "Auto-Submitted") == "auto-generated"
    assert header(message, "Content-Language") == "de"
    assert header(message, "Date").datetime == NOW


def test_mail_of_a_list_can_be_left_with_one_click() -> None:
    link = "https://signalbox.example/outbox/unsubscribe/t/"
    message = a_message(text=f"Leave: {UNSUBSCRIBE_MARK}", html=f'<a href="{UNSUBSCRIBE_MARK}">', unsubscribe=link)
    assert header(message, "List-Unsubscribe") == f"<{link}>"
    assert header(message, "List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    assert part(message, "plain") == f"Leave: {link}\n"
    assert part(message, "html") == f'<a href="{link}">\n'


def test_mail_of_no_list_cannot_be_left() -> None:
    assert header(a_message(), "List-Unsubscribe") is None
    assert header(a_message(), "List-Unsubscribe-Post") is None


def test_text_comes_before_html_so_that_programs_prefer_html() -> None:
    message = parsed(a_message())
    assert message.get_content_type() == "multipart/alternative"
    assert [p.get_content_type() for p in message.iter_parts()] == ["text/plain", "text/html"]
    assert {p["Content-Transfer-Encoding"] for p in message.iter_parts()} == {"quoted-printable"}
