"""manage.py release: a copy becomes the installation; what waits in it is sent from now on."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from core import hold


class Command(BaseCommand):
    help = "Ends the hold of a database that was restored or copied: what waits in it is sent from now on."

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        if settings.OUTBOX_HOLD:
            raise CommandError("OUTBOX_HOLD is set: take it out of the environment and start the processes anew.")
        reason = hold.reason_to_hold(now)
        if not reason:
            raise CommandError("Nothing is held here.")
        hold.release(now=now)
        self.stdout.write(f"Released ({reason}): what waits here is sent from now on.")
