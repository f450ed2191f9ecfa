"""The outbox's part of `doctor` and `/readyz`: broker, mail server, oldest due delivery."""

from __future__ import annotations

import asyncio
from datetime import datetime

from celery import current_app
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.health import Finding
from outbox.selectors import dead_letters_by_reason, oldest_due, oldest_undecided, oldest_undelivered
from outbox.transports.email.smtp import ServerAway, SmtpSession
from outbox.transports.email.transport import server_from_settings

# A delivery that is due for longer than this means that nobody sends.
DUE_TOO_LONG_S = 300.0


def check_broker(_now: datetime) -> Finding:
    try:
        with current_app.connection_for_write(connect_timeout=2) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=2)
            transport = connection.transport.driver_type
    except Exception as error:  # each broker library raises its own kinds
        return Finding(False, _("the broker cannot be reached: %(error)s") % {"error": error})
    return Finding(True, _("%(transport)s answers") % {"transport": transport})


def check_oldest_due(now: datetime) -> Finding:
    """What became due first, and what was made first of all that has not ended; none at which worker after worker dies
    may be old."""
    due = _judged(oldest_due(now), _("the oldest due delivery has waited %(age)d s"), now)
    oldest = oldest_undelivered()
    if oldest.since is None:
        return due
    age = (now - oldest.since).total_seconds()
    text = f"{due.text}; " + _("the oldest that has not ended is %(age)d s old") % {"age": age}
    if oldest.lost_since is not None:
        lost_for = (now - oldest.lost_since).total_seconds()
        text += "; " + _("workers died at deliveries, the oldest of which is %(age)d s old") % {"age": lost_for}
        return Finding(due.ok and lost_for < DUE_TOO_LONG_S, text, max(due.age_s or 0.0, lost_for))
    return Finding(due.ok, text, due.age_s)


def _judged(due: datetime | None, text: str, now: datetime) -> Finding:
    """What became due first must not have waited for too long; `text` says of what it is the age."""
    if due is None:
        return Finding(True, _("nothing is waiting"), 0.0)
    age = (now - due).total_seconds()
    return Finding(age < DUE_TOO_LONG_S, text % {"age": age}, age)


def check_dead_letters(now: datetime) -> Finding:
    """What failed for good is a person's business and no fault of Signalbox: told, not complained about."""
    failed = sum(group.count for group in dead_letters_by_reason())
    if not failed:
        return Finding(True, _("nothing has failed for good"))
    text = ngettext(
        "%(n)d delivery has failed for good; see Dead letters",
        "%(n)d deliveries have failed for good; see Dead letters",
        failed,
    )
    return Finding(True, text % {"n": failed})


def check_alerts(_now: datetime) -> Finding:
    addresses = settings.ADMIN_EMAILS
    if not addresses:
        return Finding(True, _("nobody is mailed about troubles: ADMIN_EMAILS is not set"))
    return Finding(True, _("troubles are mailed to %(addresses)s") % {"addresses": ", ".join(addresses)})


def check_topic_lists(now: datetime) -> Finding:
    return _judged(oldest_undecided(now), _("an event has waited %(age)d s to be told to a topic list"), now)


def check_smtp(_now: datetime) -> Finding:
    server = server_from_settings()

    async def ask() -> None:
        session = SmtpSession(server)
        await session.open()
        await session.close()

    try:
        asyncio.run(ask())
    except ServerAway as away:
        detail = away.outcome.answer or away.outcome.reason.label
        return Finding(False, _("%(host)s: %(detail)s") % {"host": server.host, "detail": detail})
    return Finding(True, _("%(host)s takes mail") % {"host": server.host})
