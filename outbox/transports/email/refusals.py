"""What deliveries teach about mail addresses: whether the server refuses one, since when, and in which words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from core.sql import columns, insert_rows
from core.text import clean_text
from outbox.choices import Channel, Reason, Verdict
from outbox.contract import Result
from outbox.models import Address
from outbox.services.bounces.marks import BOUNCE_REMEMBERED


def learn_about_addresses(results: Sequence[Result], now: datetime) -> None:
    """Marks mail addresses that the server refused, and clears the mark where the last word was that mail arrived."""
    last = {
        result.claimed.address.lower(): result
        for result in results
        if result.outcome.verdict == Verdict.DELIVERED or result.outcome.reason == Reason.ADDRESS_REFUSED
    }
    refused = {address: result for address, result in last.items() if result.outcome.verdict != Verdict.DELIVERED}
    accepted = last.keys() - refused.keys()
    if accepted:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE outbox_address SET failing_since = NULL, bounces = 0 WHERE channel = %s"
                " AND lower(address) = ANY(%s) AND failing_since IS NOT NULL"
                # That a server takes mail says little where mail came back lately.
                " AND (bounces = 0 OR last_failure_at < %s)",
                [Channel.EMAIL, list(accepted), now - BOUNCE_REMEMBERED],
            )
    insert_rows(
        "outbox_address",
        columns(Address, "channel", "address", "failing_since", "last_failure_at", "last_answer", "blocked_reason"),
        [
            (Channel.EMAIL, address, now, now, clean_text(refused[address].outcome.answer), "")
            for address in sorted(refused)
        ],
        "ON CONFLICT (channel, lower(address)) DO UPDATE SET last_failure_at = EXCLUDED.last_failure_at,"
        " last_answer = EXCLUDED.last_answer,"
        " failing_since = coalesce(outbox_address.failing_since, EXCLUDED.failing_since)",
    )
