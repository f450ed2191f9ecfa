"""Celery tasks of vehicles."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from vehicles.services import campaigns, evaluation, policies, pushes, sources


@shared_task(name="vehicles.sweep")
def sweep() -> None:
    """What time brings: audiences that are still to be gathered, drivers for whom something is due."""
    now = timezone.now()
    pushes.tell_the_unheard(now=now)
    while campaigns.gather_audiences(now=now) >= campaigns.AT_ONCE:
        continue
    if evaluation.sweep_due(now=now) >= evaluation.AT_ONCE:
        sweep_more.delay()  # a second worker takes its share: each takes those whom no other holds
        sweep_more()


@shared_task(name="vehicles.sweep_more")
def sweep_more() -> None:
    """The rest of what is due, batch by batch; as many workers as there are may do so at once."""
    while evaluation.sweep_due(now=timezone.now()) >= evaluation.AT_ONCE:
        continue


@shared_task(name="vehicles.apply_messages")
def apply_messages() -> None:
    """What platforms brought and what could not be applied when it came."""
    while sources.apply_waiting(now=timezone.now()) >= sources.AT_ONCE:
        continue


@shared_task(name="vehicles.look_at_everyone")
def evaluate_everyone() -> None:
    """After a threshold was changed: every driver becomes due, and the sweep evaluates them."""
    policies.mark_everyone_due(now=timezone.now())
