"""Takes a report on a mail: finds the delivery that it is about, and does what it says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from core.email_addresses import ascii_address
from core.text import clean_text
from outbox import metrics
from outbox.choices import Channel, DeliveryState, Reason, Verdict
from outbox.models import Attempt, Delivery, Event
from outbox.rules.bounce_reports import Fate, MailReport, ReportedRecipient, ReturnedId, read_report
from outbox.services.bounces.envelope import is_signed
from outbox.services.bounces.marks import mark_bounced
from outbox.services.bounces.telling import tell_others
from outbox.services.deliveries import cancel_for_list
from outbox.services.mailing_lists.leaving import list_of

log = structlog.get_logger("signalbox.bounces")

# A report that does not come to a signed address is believed for so long after its mail was written.
UNSIGNED_FOR = timedelta(days=7)


@dataclass(frozen=True)
class TakenReport:
    """How many deliveries a report was about, and what it did to them."""

    matched: int = 0
    bounced: int = 0
    delayed: int = 0
    complained: int = 0


def take_report(*, raw: bytes, envelope_to: str = "", now: datetime) -> TakenReport:
    """Takes a mail that came back, or a complaint. What is about no mail of ours, or is forged, changes nothing.

    `envelope_to` is the address that the report came to, where whoever passes it on knows it.
    """
    report = read_report(raw, envelope_to=envelope_to)
    found = list(_matching(report, now))
    done = [_apply(delivery, recipient, now) for delivery, recipient in found]
    taken = TakenReport(len(found), *(done.count(fate) for fate in (Fate.FAILED, Fate.DELAYED, Fate.COMPLAINED)))
    log.info(
        "mail report",
        deliveries=[delivery.pk for delivery, _ in found],
        bounced=taken.bounced,
        delayed=taken.delayed,
        complained=taken.complained,
    )
    return taken


# ---- which delivery -------------------------------------------------------------------------------------------------


def _matching(report: MailReport, now: datetime) -> Iterator[tuple[Delivery, ReportedRecipient]]:
    """Deliveries with what the report says of each; by the signed address, else by the Message-ID and the receiver."""
    signed = [pk for pk, signature in report.signed if is_signed(pk, signature)]
    for delivery in Delivery.objects.filter(pk__in=signed, channel=Channel.EMAIL):
        # It may have been passed on to an address that we do not know.
        if (said := report.about(_spellings(delivery.address)) or report.gravest) is not None:
            yield delivery, said
    if signed:
        return
    for returned in report.ids:
        mail = _by_message_id(returned, now)
        if mail is not None and (said := report.about(_spellings(mail.address)) or report.passed_on) is not None:
            yield mail, said


def _by_message_id(returned: ReturnedId, now: datetime) -> Delivery | None:
    event = Event.objects.filter(uuid=returned.event_hex).first()
    if event is None:
        return None
    mails = Delivery.objects.filter(
        event=event, channel=Channel.EMAIL, copy=returned.copy, created_at__gte=now - UNSIGNED_FOR
    )
    digests = ((mail, hashlib.sha256(mail.address.lower().encode()).hexdigest()[:16]) for mail in mails)
    return next((mail for mail, digest in digests if digest == returned.receiver), None)


def _spellings(address: str) -> set[str]:
    """An address, and as it stands on the wire."""
    try:
        return {address, ascii_address(address)}
    except ValueError:
        return {address}


# ---- what it does ---------------------------------------------------------------------------------------------------


def _apply(delivery: Delivery, said: ReportedRecipient, now: datetime) -> Fate | None:
    """Does what a report says of a delivery; None when that is nothing, or nothing new."""
    with transaction.atomic():
        match said.fate:
            case Fate.FAILED:
                is_new = _bounce(delivery, said.answer, now)
            case Fate.DELAYED:
                is_new = _note(delivery, Verdict.RETRY, Reason.DELAYED, said.answer, now)
            case Fate.COMPLAINED:
                is_new = _complain(delivery, said.answer, now)
            case _:
                is_new = False
    return said.fate if is_new else None


def _note(delivery: Delivery, verdict: Verdict, reason: Reason, answer: str, now: datetime) -> bool:
    """Writes the server's words beside the attempts; the same words once."""
    words = clean_text(answer)
    if Attempt.objects.filter(delivery=delivery, reason=reason, answer=words).exists():
        return False
    Attempt.objects.create(delivery=delivery, at=now, duration_ms=0, verdict=verdict, reason=reason, answer=words)
    return True


def _bounce(delivery: Delivery, answer: str, now: datetime) -> bool:
    rows = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.DELIVERED)
    if not rows.update(state=DeliveryState.BOUNCED, reason=Reason.BOUNCED, settled_at=now):
        return False
    _note(delivery, Verdict.FAILED, Reason.BOUNCED, answer, now)
    metrics.ENDED.labels(Channel.EMAIL, DeliveryState.BOUNCED, Reason.BOUNCED).inc()
    mark = mark_bounced(address=delivery.address, answer=answer, now=now)
    if mark.bounces == 1 or mark.just_paused:
        tell_others(delivery, answer, mark, now)
    return True


def _complain(delivery: Delivery, answer: str, now: datetime) -> bool:
    """Who says that our mail is spam wants no more of it: the address leaves the list, as by the link in the mail."""
    if not _note(delivery, Verdict.FAILED, Reason.COMPLAINED, answer, now):
        return False
    mailing_list = list_of(delivery.list_key)
    left = mailing_list is not None and mailing_list.leave(delivery.list_key, delivery.address)
    cancel_for_list(list_key=delivery.list_key, address=delivery.address, reason=Reason.UNSUBSCRIBED, now=now)
    log.warning("mail complaint", delivery=delivery.pk, list=delivery.list_key, left=left)
    return True
