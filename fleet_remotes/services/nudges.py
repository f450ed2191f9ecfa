"""Wakes workers without making a request wait for the broker; beat sweeps what no wake-up announced."""

from __future__ import annotations

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

from outbox.nudge import Nudger

log = structlog.get_logger("signalbox.remotes")
# A vehicle takes seconds, so notifications may be collected for a tenth of one: fewer, larger transactions.
# Callbacks were stored.
apply_soon = Nudger("fleet_remotes.apply_callbacks", gather_s=0.1).nudge
# Commands are due.
send_soon = Nudger("fleet_remotes.send_due").nudge
# The vendor is to be asked.
poll_soon = Nudger("fleet_remotes.look_due").nudge

# The vendor's vehicles are to be read.
read_vehicles_soon = Nudger("fleet_remotes.read_vehicles").nudge


def send_in(seconds: float) -> None:
    """Goes on sending a little later: the rate limit left something behind."""
    try:
        current_app.send_task("fleet_remotes.send_due", countdown=seconds, retry=False, expires=60, ignore_result=True)
    except (OperationalError, OSError) as error:
        log.warning("broker not reached; beat will sweep", error=str(error))
