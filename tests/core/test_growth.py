"""What reads texts of strangers takes twice as long for twice the text, whatever the text is."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from django.core.exceptions import ValidationError

from core.addresses import client_address
from core.api import Problem
from core.batches import BatchDecoder
from core.corrections import Corrections
from core.email_addresses import clean_mailbox
from core.logs import redact
from core.pieces import repeated_keys, split_array, split_objects
from core.refusal import Refused
from core.samples import sample_of
from core.search import SearchError
from core.search.caret import typing_at
from core.search.grammar import parse
from core.sheets import Unreadable, read_table
from core.text import clean_json, composed, identity, one_line
from infra_notifications.ingest import OcppMessage, observe
from infra_notifications.models.charge_points import tags_typed
from infra_notifications.rules.citrineos import NotUnderstood, read_event
from infra_notifications.rules.mqtt_topics import NotUnderstood as NotPublished
from infra_notifications.rules.mqtt_topics import read_publication
from infra_notifications.rules.ocpi.credentials import tokens_of
from infra_notifications.rules.spelling import read_wire
from infra_notifications.services.frames import frames_of
from outbox.rules.bounce_reports import read_report
from outbox.services.mailing_lists.addresses import addresses_in, clean_addresses
from outbox.transports.webhook.targets import Forbidden, Policy, parse_target

KIB = 1024
# Shorter times say nothing on a busy machine.
QUICK_S = 0.05
FACTOR = 3.0
PIECES = (
    *(
        "a",
        "A1",
        " ",
        "\n",
        "\r\n",
        ",",
        ";",
        '"',
        "\\",
        "\\u0000",
        "e\u0301",
        "<",
        "a <",
        '"a" ',
        "@",
        "a@b.example, ",
    ),
    *(
        ":",
        "-",
        "(",
        "[",
        "{",
        "]",
        "[[",
        '{"a":',
        '{"a":1}',
        '[2,"1","Heartbeat",{}],',
        '"\\',
        "a:b ",
        "a..b ",
        "%40",
        "/a",
    ),
    *("--b\n", "Final-Recipient: rfc822; a@b.example\n\n", "<a@b.example>:\n", "a.", "://a@", "sbx_0123abcd_", "a=1&"),
)


class _Request:
    def __init__(self, text: str) -> None:
        self.META = {"REMOTE_ADDR": text, "HTTP_X_FORWARDED_FOR": text}


def _observed(text: str) -> None:
    events = [{"component": {"name": text[:900]}, "variable": {"name": "Problem"}, "techInfo": text}]
    for action, payload in (
        ("StatusNotification", {"errorCode": text, "status": text, "info": text, "vendorErrorCode": text}),
        ("NotifyEvent", {"eventData": [each | {"techCode": text, "actualValue": text} for each in events]}),
        ("DataTransfer", {"vendorId": text, "messageId": text, "data": text}),
    ):
        wire = read_wire("ocpp1.6", action, payload)
        observe(wire.protocol, wire.action, wire.payload)


def _wrapped(text: str) -> None:
    read_wire(text, text, {text: text})
    read_wire("ocpp1.6", "StatusNotification", text)


_REPORT = b"""From: mailer-daemon
Content-Type: multipart/report; boundary=b

--b
Content-Type: message/delivery-status

%b
--b--"""
READERS: dict[str, Callable[[str], Any]] = {
    "a log line": lambda text: redact(None, "info", {"event": text, "path": text, "deep": [{"x": text}]}),
    "pasted addresses": lambda text: clean_addresses(addresses_in([text])),
    "a mailbox": clean_mailbox,
    "a JSON body": lambda text: clean_json(text.encode()),
    "a body in pieces": lambda text: split_array(b"[" + text.encode()),
    "objects in lines": lambda text: split_objects(text.encode()),
    "keys": lambda text: repeated_keys(text.encode()),
    "a batch": lambda text: BatchDecoder(OcppMessage, Corrections(OcppMessage)).decode(text.encode()),
    "an array of a batch": lambda text: BatchDecoder(OcppMessage, Corrections(OcppMessage)).decode(
        b"[" + text.encode()
    ),
    "frames": lambda text: frames_of(text.encode()),
    "a message": _observed,
    "a message in another spelling": _wrapped,
    "a sample": lambda text: sample_of({"a": text, text: [text]}),
    "a search": parse,
    "a search being typed": lambda text: typing_at(text, len(text)),
    "an identity": lambda text: (identity(text), composed(text), one_line(text)),
    "tags": lambda text: tags_typed([text]),
    "an address of the network": lambda text: client_address(_Request(text)),  # type: ignore[arg-type]
    "a token of OCPI": lambda text: list(tokens_of(f"Token {text}")),
    "an event of CitrineOS": lambda text: read_event({"stationId": text, "event": "message", "message": text}),
    "a topic": lambda text: read_publication(text, text.encode()),
    "a table": lambda text: [*read_table(text.encode()).rows],
    "a report": lambda text: read_report(_REPORT % text.encode()),
    "headers of a mail": lambda text: read_report(text.encode()),
    "a webhook's address": lambda text: parse_target(f"https://{text}", Policy()),
}
REFUSALS = (
    *(Problem, Refused, SearchError, ValidationError, Unreadable, NotUnderstood, NotPublished, Forbidden),
    msgspec.MsgspecError,
)


def seconds(reader: Callable[[str], Any], text: str, tries: int) -> float:
    best = 60.0
    gc.disable()
    for _try in range(tries):
        began = time.process_time()
        with suppress(*REFUSALS):
            reader(text)
        best = min(best, time.process_time() - began)
    gc.enable()
    return best


@pytest.mark.django_db
@pytest.mark.parametrize("name", READERS)
def test_twice_the_text_takes_twice_the_time(name: str) -> None:
    reader = READERS[name]
    for piece in PIECES:
        shorter, longer = (piece * (size // len(piece)) for size in (32 * KIB, 64 * KIB))
        if seconds(reader, longer, 1) < QUICK_S:
            continue
        took = seconds(reader, longer, 3)
        assert took < FACTOR * max(QUICK_S / 2, seconds(reader, shorter, 3)), f"{piece!r} often: {took:.2f} s"
