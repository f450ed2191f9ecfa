"""Watches over Signalbox itself, in every process that lives long: web, worker and beat each watch the others.

Administrators (ADMIN_EMAILS) are mailed directly and not through the outbox, which may be what is broken.
"""

from __future__ import annotations

import asyncio
import os
import threading
import uuid
from collections.abc import Callable
from datetime import datetime
from functools import partial

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone
from django.utils.html import escape
from django.utils.translation import gettext as _

from core import clock, hold, listening
from core.health import CLOCKS, Asker, Finding, run_checks
from core.services import show_clock
from outbox.checks import check_topic_lists
from outbox.choices import Verdict
from outbox.services.health_alerts import AlertMail, claim_mails, note_findings, note_sent
from outbox.transports.email.mime import Message, build_message
from outbox.transports.email.smtp import Broken, ServerAway, SmtpSession
from outbox.transports.email.transport import own_host, server_from_settings
from outbox.transports.rendering.render import Body

log = structlog.get_logger("signalbox.watch")
# The checks whose failure administrators are mailed about. That of the topic lists is none of the dashboard's: it
# stands at the list, but somebody has to know.
TOPIC_LISTS = "topic lists"
WATCHED = ("deliveries", "worker", "beat", listening.PART, CLOCKS, TOPIC_LISTS)
# The part that takes messages.
WEB = "web"


def evaluate(*, now: datetime) -> int:
    """Asks the checks once, takes note, and mails what administrators are to know; returns how many mails went out."""
    findings = [*run_checks(Asker.DASHBOARD), (TOPIC_LISTS, check_topic_lists(now))]
    faults = {name: None if found.ok else found.text for name, found in findings if name in WATCHED}
    note_findings(faults=faults, now=now)
    if not settings.ADMIN_EMAILS or hold.is_held(now):
        return 0
    return sum(_mail_administrators(mail, findings, now) for mail in claim_mails(now=now))


def _mail_administrators(mail: AlertMail, findings: list[tuple[str, Finding]], now: datetime) -> int:
    """Mails one trouble to every administrator; those whom the server refuses keep no others from it."""
    messages = [_message(mail, findings, address, now) for address in settings.ADMIN_EMAILS]
    sent = asyncio.run(_send(messages))
    if sent:  # else it stays held for a while, and is tried again then
        note_sent(mail=mail, now=now)
    return sent


async def _send(messages: list[Message]) -> int:
    session, sent = SmtpSession(server_from_settings()), 0
    try:
        await session.open()
        for message in messages:
            outcome = await session.transmit(message, lambda: None)
            sent += outcome.verdict == Verdict.DELIVERED
            if outcome.verdict != Verdict.DELIVERED:
                log.warning("administrator not mailed", reason=outcome.reason, answer=outcome.answer[:200])
        await session.close()
    except (ServerAway, Broken) as away:
        log.warning("administrators not mailed", reason=away.outcome.reason, answer=away.outcome.answer[:200])
    return sent


def _message(mail: AlertMail, findings: list[tuple[str, Finding]], address: str, now: datetime) -> Message:
    trouble = mail.trouble
    began = uuid.uuid5(uuid.NAMESPACE_URL, f"{settings.PUBLIC_URL}/trouble/{trouble.pk}")
    own_id = uuid.uuid5(began, "over") if mail.is_over else began
    return build_message(
        _body(mail, findings),
        sender=settings.DEFAULT_FROM_EMAIL,
        recipient=address,
        event_hex=own_id.hex,
        thread=began.hex if mail.is_over else "",
        date=now,
        host=own_host(),
    )


def _body(mail: AlertMail, findings: list[tuple[str, Finding]]) -> Body:
    alert = mail.trouble
    if mail.is_over and alert.ended_at is not None:
        minutes = max(1, round((alert.ended_at - alert.began_at).total_seconds() / 60))
        subject = _("Signalbox: over: %(name)s") % {"name": alert.name}
        first = _("This is over; it lasted for about %(n)d min: %(text)s") % {"n": minutes, "text": str(alert)}
    else:
        subject = _("Signalbox: trouble: %(name)s") % {"name": alert.name}
        first = _("Since %(since)s UTC: %(text)s") % {
            "since": f"{alert.began_at:%Y-%m-%d %H:%M:%S}",
            "text": str(alert),
        }
    state = [f"{'+' if finding.ok else '!'} {name}: {finding.text}" for name, finding in findings]
    hint = _("“manage.py doctor” on the server says more; so does %(url)s.") % {"url": f"{settings.PUBLIC_URL}/"}
    text = "\n".join((first, "", *state, "", hint))
    return Body(subject, text, f"<pre>{escape(text)}</pre>")


# ---- in each process ------------------------------------------------------------------------------------------------


class _ProcessWatch:
    """The watch of this process, begun once and again after a fork."""

    def __init__(self) -> None:
        self._pid = 0

    def start(self, part: str) -> None:
        """`part`: what this process is; the web processes take messages."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            _begin("watch", partial(_round, part), settings.OUTBOX_WATCH_S)
            if part == WEB:
                _begin("listening", listening.note_listening, listening.NOTED_EVERY_S)


def _round(part: str, *, now: datetime) -> None:
    show_clock(part=part, ahead_s=clock.ahead_s(), now=now)
    evaluate(now=now)


def _begin(name: str, work: Callable[..., object], every_s: float) -> None:
    threading.Thread(target=_go_on, args=(work, every_s), name=name, daemon=True).start()


def _go_on(work: Callable[..., object], every_s: float) -> None:
    waiting = threading.Event()
    while not waiting.wait(every_s):
        try:
            work(now=timezone.now())
        except (DatabaseError, InterfaceError) as error:
            log.warning("watch round without a database", error=str(error).strip().split("\n")[0])
        except Exception:
            log.exception("watch round failed; the next one follows")
        finally:
            connections.close_all()


start = _ProcessWatch().start
