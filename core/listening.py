"""Since when messages can be received without a pause: what was not heard before that is nobody's silence.

Every web process notes again and again that it takes messages; the note is one for all of them, so that there is no
pause while any of them does. Nobody notes anything during an outage of ours, or in the time between a backup and its
copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils.translation import gettext as _

from core.health import Asker, Finding, register_check
from core.models import SignOfLife
from core.time_zones import moment_text

PART = "listening"
NOTED_EVERY_S = 5.0
# A restart of the web processes is no pause.
PAUSED_AFTER = timedelta(seconds=30)
# A pause that ended is told for so long, so that it is told when all of Signalbox was away.
TOLD_FOR = timedelta(minutes=3)


@dataclass(frozen=True)
class Listening:
    """`paused_from` is when the last pause began, None where there was none; `since` is when it ended."""

    is_on: bool
    since: datetime | None
    paused_from: datetime | None


def note_listening(*, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO console_signoflife AS s (part, instance, at, detail) VALUES (%s, '', %s, '{}')"
            " ON CONFLICT (part, instance) DO UPDATE SET at = excluded.at, detail = CASE"
            " WHEN s.at BETWEEN %s AND %s THEN s.detail"
            " ELSE jsonb_build_object('since', excluded.at, 'paused_from', s.at) END",
            [PART, now, now - PAUSED_AFTER, now + PAUSED_AFTER],
        )


def listening(now: datetime) -> Listening | None:
    """Whether somebody listens, and since when; None where no web process has ever noted it."""
    noted = SignOfLife.objects.filter(part=PART).first()
    if noted is None:
        return None
    if now - noted.at > PAUSED_AFTER:
        return Listening(False, None, noted.at)
    since, paused_from = (_moment(noted.detail.get(name)) for name in ("since", "paused_from"))
    return Listening(True, since, paused_from)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def check_listening(now: datetime) -> Finding:
    """One sentence for a pause, while it lasts and for a while after it."""
    found = listening(now)
    if found is None:
        return Finding(True, _("no web process has listened yet"))
    if not found.is_on and found.paused_from is not None:
        age = (now - found.paused_from).total_seconds()
        text = _("nothing can be received since %(since)s") % {"since": moment_text(found.paused_from)}
        return Finding(False, f"{text}; {_not_counted()}", age)
    if found.since is None or found.paused_from is None or now - found.since > TOLD_FOR:
        return Finding(True, _("messages are received"))
    text = _("from %(since)s to %(until)s nothing could be received") % {
        "since": moment_text(found.paused_from),
        "until": moment_text(found.since),
    }
    return Finding(False, f"{text}; {_not_counted()}")


def _not_counted() -> str:
    return _("this time counts for nobody's silence")


register_check(PART, check_listening, asker=Asker.DASHBOARD)
