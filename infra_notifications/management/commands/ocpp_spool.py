"""manage.py ocpp_spool: takes in what the OCPP proxy heard.

The proxy starts it by itself and ends it. By hand it takes in what lies there, e.g. after a proxy was removed.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core import clock
from infra_notifications.proxy.listening import spool_folders, sweep_memory
from infra_notifications.proxy.writer import Writer


class Command(BaseCommand):
    help = "Takes in what the OCPP proxy heard and has kept on disk."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--parent", type=int, help="go on until this process has ended")

    def handle(self, *args: Any, parent: int | None, **options: Any) -> None:
        writer, stopped = Writer(spool_folders()), threading.Event()
        if parent is None:
            while taken := writer.step():
                self.stdout.write(f"{taken} records taken in")
            return
        clock.start()
        os.nice(10)  # stations first: what is heard can wait, what is passed on cannot
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        try:
            writer.run(lambda: stopped.is_set() or os.getppid() != parent)
        finally:
            if stopped.is_set():
                writer.end_in_order()
            writer.close()
            sweep_memory()
