"""Publishes events as a domain does, in a process of its own, whatever happens to the database meanwhile.

Reads a JSON array [prefix, number, kind, pause in seconds] per line; answers “done <prefix>” when all is committed.
Each event goes to one address, <prefix><n>@example.org; those of kind faults.hook go to the webhook endpoint that
["listen", URL] makes and ["deaf"] takes away. ["sleep", number, seconds] keeps workers busy.
Transactions hold up to 50 events and are repeated until they are committed: an event that was committed although the
database could not say so is not written twice.
"""

from __future__ import annotations

import json
import os
import sys
import time

import django

# Answers go the way that the test reads. What other threads log, in the middle of a line, goes to the log.
ANSWERS = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

django.setup()

from celery import current_app  # noqa: E402 - it needs the settings
from django.db import DatabaseError, InterfaceError, connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from core import clock  # noqa: E402
from outbox.contract import NewEvent, Recipient  # noqa: E402
from outbox.models import WebhookEndpoint  # noqa: E402
from outbox.services import publish  # noqa: E402
from outbox.services.webhooks import EndpointInput, create_endpoint, delete_endpoint  # noqa: E402
from tests.faults.app.apps import HOOK, Word  # noqa: E402

BATCH = 50
clock.start()


def events(prefix: str, first: int, last: int, kind: str) -> list[NewEvent]:
    now = timezone.now()
    return [
        NewEvent(
            kind=kind,
            subject=f"{prefix}:{n}",
            payload=Word(),
            dedup_key=f"{prefix}:{n}",
            occurred_at=now,
            recipients=() if kind == HOOK.key else (Recipient(f"{prefix}{n}@example.org"),),
        )
        for n in range(first, last)
    ]


def write(prefix: str, first: int, last: int, kind: str) -> None:
    while True:
        try:
            with transaction.atomic():
                publish(events=events(prefix, first, last, kind), now=timezone.now())
            return
        except (DatabaseError, InterfaceError):
            connection.close()
            time.sleep(0.1)


def main() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        if asked[0] == "listen":
            create_endpoint(details=EndpointInput(asked[1], (HOOK.key,)), now=timezone.now())
        elif asked[0] == "deaf":
            for endpoint in WebhookEndpoint.objects.all():
                delete_endpoint(endpoint=endpoint, now=timezone.now())
        elif asked[0] == "sleep":
            for _ in range(asked[1]):
                current_app.send_task("faults.sleep", args=[asked[2]])
        else:
            prefix, number, kind, pause_s = asked
            for first in range(0, number, BATCH):
                write(prefix, first, min(first + BATCH, number), kind)
                time.sleep(pause_s)
        print(f"done {asked[0]}", file=ANSWERS)


if __name__ == "__main__":
    main()
