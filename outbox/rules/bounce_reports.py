"""What a report about a mail of ours says: that it came back, is delayed, or was complained of. Pure, never raising.

Read are RFC 3464 (delivery status), RFC 6533 (the same for international addresses), RFC 5965 (complaints), and the
texts of the servers that write no such part: qmail, older Exim.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from outbox.rules.mime_parts import Part, headers_in, parts_of

MOST_RECIPIENTS = 100
MOST_IDS = 20
LONGEST_ANSWER = 1_000

# A Message-ID as `transports.email.mime.message_id` writes it, and the local part of an envelope sender as
# `services.bounces.envelope` does. Both are proved later; here they are only found.
_MESSAGE_ID = re.compile(r"<?\b([0-9a-f]{32})\.([0-9a-f]{16})(?:\.(\d{1,5}))?@", re.IGNORECASE)
_SIGNED = re.compile(r"\b(?:b-|\+)(\d{1,18})-([0-9a-f]{20})@", re.IGNORECASE)
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_REPLY = re.compile(r"(?<![\d.])([45])\d\d(?=[ -])")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_UNITEXT = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_QMAIL = re.compile(r"^(?:<([^>\s@]++@[^>\s]++)>:[ \t]*\r?\n)((?:(?!<|---).+(?:\n|\Z))*)", re.MULTILINE)
_COPY = re.compile(
    r"^-{2,} ?(?:Below this line is a copy|This is a copy|Original message)", re.MULTILINE | re.IGNORECASE
)
_STATUS_PARTS = ("message/delivery-status", "message/global-delivery-status")
_RETURNED = (
    "message/rfc822",
    "message/global",
    "text/rfc822-headers",
    "message/rfc822-headers",
    "message/global-headers",
)


class Fate(StrEnum):
    """What became of a mail, the gravest first."""

    FAILED = "failed"
    DELAYED = "delayed"
    COMPLAINED = "complained"
    OTHER = "other"


@dataclass(frozen=True)
class ReportedRecipient:
    """One recipient of a report: the addresses by which it is known, in lower case, and the server's words.

    `names_original`: it says to which address we sent, whatever it was passed on to.
    """

    addresses: frozenset[str]
    fate: Fate
    answer: str
    names_original: bool = False


@dataclass(frozen=True)
class ReturnedId:
    """The parts of a Message-ID of ours: the event's uuid, the receiver's digest, the number of the copy."""

    event_hex: str
    receiver: str
    copy: int


@dataclass(frozen=True)
class MailReport:
    """`signed` are deliveries with the signatures that came along; `ids` stand in what was returned."""

    recipients: tuple[ReportedRecipient, ...]
    signed: tuple[tuple[int, str], ...]
    ids: tuple[ReturnedId, ...]

    def about(self, addresses: Iterable[str]) -> ReportedRecipient | None:
        """What it says of the receiver with these addresses; None when it names others alone."""
        known = {address.lower() for address in addresses}
        named = [recipient for recipient in self.recipients if recipient.addresses & known]
        unnamed = [recipient for recipient in self.recipients if not recipient.addresses]
        return _gravest(named or unnamed)

    @property
    def passed_on(self) -> ReportedRecipient | None:
        """The only one that it names, where that may be what a mail of ours was passed on to."""
        only = self.recipients[0] if len(self.recipients) == 1 else None
        return only if only is not None and not only.names_original else None

    @property
    def gravest(self) -> ReportedRecipient | None:
        """What is worst in it, whoever it names: for a mail that was passed on to another address."""
        return _gravest(self.recipients)


def _gravest(recipients: Iterable[ReportedRecipient]) -> ReportedRecipient | None:
    order = list(Fate)
    return min(recipients, key=lambda recipient: order.index(recipient.fate), default=None)


def read_report(raw: bytes, *, envelope_to: str = "") -> MailReport:
    """Reads a mail that came to an envelope sender of ours; `envelope_to` is that address, where it is known."""
    parts = parts_of(raw)
    recipients = tuple([*_complaints(parts), *_statuses(parts)][:MOST_RECIPIENTS]) or tuple(_in_words(parts))
    everything = "\n".join([envelope_to, *(part.text for part in parts)])
    signed = dict.fromkeys((int(found[1]), found[2].lower()) for found in _SIGNED.finditer(everything))
    returned = "\n".join(_returned(parts))
    ids = dict.fromkeys(
        ReturnedId(found[1].lower(), found[2].lower(), int(found[3] or 0)) for found in _MESSAGE_ID.finditer(returned)
    )
    return MailReport(recipients, tuple(signed)[:MOST_IDS], tuple(ids)[:MOST_IDS])


def _returned(parts: list[Part]) -> Iterator[str]:
    """The texts in which the mail that is reported of is named: its headers, and what the report refers to."""
    headers = parts[0].headers
    for name in ("in-reply-to", "references", "x-failed-message-id", "original-message-id"):
        yield from headers.get(name, ())
    for part in parts[1:]:
        if part.kind in _STATUS_PARTS:
            fields = headers_in(part.text)
            for name in ("original-message-id", "x-original-message-id", "original-envelope-id"):
                yield from fields.get(name, ())
        elif part.kind in _RETURNED:
            yield part.text.partition("\n\n")[0] if "\r\n\r\n" not in part.text else part.text.partition("\r\n\r\n")[0]
        elif (copy := _COPY.search(part.text)) is not None:
            yield part.text[copy.start() :]


# ---- delivery status ------------------------------------------------------------------------------------------------


def _statuses(parts: list[Part]) -> Iterator[ReportedRecipient]:
    for part in parts:
        if part.kind in _STATUS_PARTS:
            # The first group is about the mail; some servers leave the empty line behind it out.
            for group in re.split(r"\r?\n[ \t]*\r?\n", part.text.strip()):
                fields = headers_in(group)
                if {"final-recipient", "original-recipient", "action", "status"} & fields.keys():
                    yield _recipient(fields)


def _recipient(fields: dict[str, list[str]]) -> ReportedRecipient:
    def first(name: str) -> str:
        return fields.get(name, [""])[0]

    named = (first("final-recipient"), first("original-recipient"), first("x-actual-recipient"))
    addresses = frozenset(address for text in named for address in _addresses(text))
    diagnostic = " ".join(first("diagnostic-code").split())
    status = first("status").partition(" ")[0].partition("(")[0]
    fate = _fate(first("action").lower().partition(" ")[0], status, diagnostic)
    kind, _semicolon, words = diagnostic.partition(";")
    words = words.strip() if _semicolon and len(kind) < 20 else diagnostic
    names_original = "@" in first("original-recipient")
    return ReportedRecipient(addresses, fate, f"{status} {words}".strip()[:LONGEST_ANSWER], names_original)


def _addresses(field: str) -> Iterator[str]:
    """The address of `rfc822; <a@example.org>` in each spelling that it may have been given: xtext, \\x{E9}."""
    text = field.rpartition(";")[2].strip().strip("<>").lower()
    if "@" not in text:
        return
    yield text
    yield _XTEXT.sub(lambda found: chr(int(found[1], 16)), field.rpartition(";")[2].strip().strip("<>")).lower()
    yield _UNITEXT.sub(lambda found: _character(int(found[1], 16)), text)


def _character(code: int) -> str:
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "?"


def _fate(action: str, status: str, diagnostic: str) -> Fate:
    """The action says it; where it does not, the status, then the words of the server."""
    if action == "failed":
        return Fate.FAILED
    if action == "delayed":
        return Fate.DELAYED
    if action in ("delivered", "relayed", "expanded"):
        return Fate.OTHER
    return _by_numbers(status) or _by_numbers(diagnostic) or Fate.OTHER


def _by_numbers(text: str) -> Fate | None:
    found = _STATUS.search(text) or _REPLY.search(text)
    return {"5": Fate.FAILED, "4": Fate.DELAYED}.get(found[1]) if found is not None else None


# ---- complaints -----------------------------------------------------------------------------------------------------


def _complaints(parts: list[Part]) -> Iterator[ReportedRecipient]:
    for part in parts:
        if part.kind == "message/feedback-report":
            fields = headers_in(part.text)
            kind = fields.get("feedback-type", ["abuse"])[0].lower()
            named = (*fields.get("original-rcpt-to", ()), *fields.get("removal-recipient", ()))
            addresses = frozenset(address for text in named for address in _addresses(text))
            fate = Fate.OTHER if kind in ("not-spam", "auth-failure") else Fate.COMPLAINED
            yield ReportedRecipient(addresses, fate, f"feedback: {kind}"[:LONGEST_ANSWER], bool(addresses))


# ---- servers that write a text --------------------------------------------------------------------------------------


def _in_words(parts: list[Part]) -> Iterator[ReportedRecipient]:
    headers, text = parts[0].headers, "\n".join(part.text for part in parts[1:] if part.kind == "text/plain")
    copy = _COPY.search(text)
    words = text[: copy.start()] if copy is not None else text
    failed = [address for line in headers.get("x-failed-recipients", ()) for address in re.split(r"[\s,]+", line)]
    if failed:
        named = (address.strip("<>").lower() for address in failed if "@" in address)
        yield from (ReportedRecipient(frozenset({name}), Fate.FAILED, _answer(words)) for name in named)
    elif "qmail-send program" in words:
        for found in _QMAIL.finditer(words):
            yield ReportedRecipient(frozenset({found[1].lower()}), Fate.FAILED, _answer(found[2]))
    elif _is_from_a_server(headers) and (fate := _by_numbers(words)) is not None:
        yield ReportedRecipient(frozenset(), fate, _answer(words))


def _is_from_a_server(headers: dict[str, list[str]]) -> bool:
    """Whether a mail server wrote it; an absence note may well hold the number of a room."""
    sender = " ".join((*headers.get("from", ()), *headers.get("return-path", ()))).lower()
    return "mailer-daemon" in sender or "postmaster" in sender or "<>" in headers.get("return-path", ())


def _answer(words: str) -> str:
    return " ".join(words.split())[:LONGEST_ANSWER]
