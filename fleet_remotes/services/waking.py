"""Wakes workers without making a request wait for the broker; beat sweeps what no wake-up announced."""

from __future__ import annotations

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

from outbox.nudge import Nudger

log = structlog.get_logger("signalbox.remotes")
# A vehicle takes seconds, so notifications may be gathered for a tenth of one: fewer, larger transactions.
_applier = Nudger("fleet_remotes.apply_callbacks", gather_s=0.1)
_sender = Nudger("fleet_remotes.send_due")
_looker = Nudger("fleet_remotes.look_due")


def apply_soon() -> None:
    """Says that callbacks were stored."""
    _applier.nudge()


def send_soon() -> None:
    """Says that commands are due."""
    _sender.nudge()


def look_soon() -> None:
    """Says that the vendor is to be asked."""
    _looker.nudge()


def send_in(seconds: float) -> None:
    """Goes on sending a little later: the rate limit left something behind."""
    try:
        current_app.send_task("fleet_remotes.send_due", countdown=seconds, retry=False, expires=60, ignore_result=True)
    except (OperationalError, OSError) as error:
        log.warning("broker not reached; beat will sweep", error=str(error))
