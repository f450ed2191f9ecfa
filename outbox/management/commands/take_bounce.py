"""manage.py take_bounce [RECIPIENT]: takes a mail that came back from standard input, for a mail server's pipe.

Ends as sysexits.h says, so that the mail server keeps what could not be taken: 0 taken, or no report on a mail of ours
(which is nobody's mistake, and would come back for ever); 65 nothing was given; 75 try again later,
also where the settings or the program are at fault.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from outbox.rules.mime_parts import MOST_BYTES
from outbox.services.bounces.taking import take_report

log = structlog.get_logger("signalbox.bounces")


class Command(BaseCommand):
    help = "Takes a mail that came back, or a complaint, from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("recipient", nargs="?", default="", help="the address that it came to")

    def handle(self, *args: Any, **options: Any) -> None:
        raw = sys.stdin.buffer.read(MOST_BYTES)
        while sys.stdin.buffer.read(MOST_BYTES):  # the rest, so that the mail server sees no broken pipe
            pass
        if not raw.strip():
            raise CommandError("There is no mail on standard input.", returncode=os.EX_DATAERR)
        try:
            taken = take_report(raw=raw, envelope_to=options["recipient"], now=timezone.now())
        except Exception as error:  # whatever it is: a report that is bounced itself is lost
            log.exception("report not taken")
            raise CommandError(f"Not taken, try again later: {error}", returncode=os.EX_TEMPFAIL) from error
        self.stdout.write(
            f"{taken.matched} deliveries: {taken.bounced} bounced, {taken.delayed} delayed,"
            f" {taken.complained} complained of."
        )
