"""Celery tasks of fleet remotes."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from fleet_remotes.services import applying, binding, nudges, polling, schedules, sending, silence, vendor_vehicles


@shared_task(name="fleet_remotes.apply_callbacks")
def apply_callbacks() -> None:
    """Applies what the vendor's callbacks brought."""
    while applying.apply_waiting(now=timezone.now()):
        continue


@shared_task(name="fleet_remotes.send_due")
def send_due() -> None:
    """Sends commands that are due."""
    sending.send_due()


@shared_task(name="fleet_remotes.look_due")
def poll_due() -> None:
    """Asks the vendor about what is overdue."""
    while polling.poll_due(now=timezone.now()) >= polling.POLLS_AT_ONCE:
        continue


@shared_task(name="fleet_remotes.sweep")
def sweep() -> None:
    """What time brings: time-outs, lost workers, expired commands, and whatever no wake-up announced."""
    now = timezone.now()
    for step in (schedules.run_due, polling.recover_lost, polling.expire, polling.give_up, silence.watch_callbacks):
        step(now=now)
    nudges.apply_soon()
    nudges.send_soon()
    nudges.poll_soon()


@shared_task(name="fleet_remotes.read_vehicles")
def read_vehicles() -> None:
    """Reads the vendor's vehicles, what they can do and how they are."""
    vendor_vehicles.read_all(now=timezone.now())


@shared_task(name="fleet_remotes.bind")
def bind() -> None:
    """Binds notifications that came before their action or vehicle, and asks how the callbacks are."""
    now = timezone.now()
    binding.bind_vehicles(now=now)
    binding.bind_waiting(now=now)
    polling.callbacks_checked(now=now)
