"""The outbox in numbers: counters where things happen, levels read from the tables when Prometheus asks."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection
from django.utils import timezone
from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from outbox.selectors import open_health_alerts

PUBLISHED = Counter("signalbox_events_published", "Events written to the outbox", ["kind"])
DELIVERIES = Counter("signalbox_deliveries_published", "Deliveries written, sent or not", ["channel"])
ENDED = Counter(
    "signalbox_deliveries_settled",
    "What became of deliveries at an attempt or in the end",
    ["channel", "state", "reason"],
)
SETTLED = Counter("signalbox_attempts", "Attempts by what became of them", ["channel", "verdict", "reason"])
SUPPRESSED = Counter("signalbox_deliveries_suppressed", "Deliveries not sent, by reason", ["channel", "reason"])
SEND_SECONDS = Histogram(
    "signalbox_send_seconds",
    "Time that one attempt took",
    ["channel"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30),
)
WAIT_SECONDS = Histogram(
    "signalbox_first_attempt_wait_seconds",
    "From the commit of an event to the end of its first attempt",
    ["channel"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300, 3600),
)


def queue_levels() -> Iterator[Metric]:
    """How many deliveries wait, per channel and state, and how old the oldest due one is."""
    waiting = GaugeMetricFamily("signalbox_deliveries_open", "Deliveries not yet ended", labels=["channel", "state"])
    oldest = GaugeMetricFamily("signalbox_oldest_due_seconds", "Age of the oldest due delivery", labels=["channel"])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT channel, state, count(*), min(next_attempt_at) FROM outbox_delivery"
            " WHERE state IN ('pending', 'retrying') GROUP BY 1, 2"
            " UNION ALL SELECT channel, state, count(*), NULL FROM outbox_delivery"
            " WHERE state = 'sending' GROUP BY 1, 2"
        )
        rows = cursor.fetchall()
    now = timezone.now()
    ages: dict[str, float] = {}
    for channel, state, count, due in rows:
        waiting.add_metric([channel, state], count)
        if due is not None:
            # What is due later has no age yet.
            ages[channel] = max(ages.get(channel, 0.0), (now - due).total_seconds(), 0.0)
    for channel, age in ages.items():
        oldest.add_metric([channel], age)
    yield waiting
    yield oldest


def health_alert_levels() -> Iterator[Metric]:
    """For how long each trouble lasts that Signalbox noticed of itself."""
    lasting = GaugeMetricFamily("signalbox_trouble_seconds", "Age of an open trouble", labels=["name"])
    now = timezone.now()
    for trouble in open_health_alerts():
        lasting.add_metric([trouble.name], max(0.0, (now - trouble.began_at).total_seconds()))
    yield lasting
