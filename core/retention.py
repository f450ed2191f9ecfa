"""How long things are kept. Each app registers what it prunes; beat has a worker do it every minute, in small steps.

A step deletes at most STEP rows in a statement of its own, so that no lock lasts and nothing else waits. Rows are
walked by primary key, which is the order in which they were written: the walk ends at the first step that holds nothing
old, and what must be kept (an open incident, a delivery under way) is passed over.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection

from core.metrics import PRUNED

log = structlog.get_logger("signalbox.retention")
STEP = 1_000
# How long one run may take: the next follows within a minute.
BUDGET_S = 10.0
# Any fixed number serves, as long as nothing else locks it.
_LOCK = 7_201_002


@dataclass(frozen=True)
class Step:
    """What one step did: how many rows went, and behind which key the next one begins; None at the end."""

    deleted: int
    after: int | None


# Deletes rows older than a moment, among the next STEP behind a key.
Prune = Callable[[datetime, int], Step]


@dataclass(frozen=True)
class Kept:
    """Something that is kept for as many days as a setting says; 0 keeps it for ever."""

    name: str
    setting: str
    prune: Prune

    @property
    def days(self) -> int:
        return int(getattr(settings, self.setting))


_kept: dict[str, Kept] = {}


def register_retention(name: str, *, setting: str, prune: Prune) -> None:
    _kept[name] = Kept(name, setting, prune)


def all_kept() -> list[Kept]:
    return list(_kept.values())


def by_age(table: str, column: str, *, only: str = "true", written_in_order: bool = True) -> Prune:
    """Prunes a table by one of its times. `only` is a condition on its rows; names come from our code alone.

    With `written_in_order` False the whole table is walked: for small ones whose rows are changed later.
    """

    def prune(before: datetime, after: int) -> Step:
        with connection.cursor() as cursor:
            cursor.execute(
                f"WITH chunk AS (SELECT id, {column} < %s AS is_old, {only} AS may_go FROM {table}"  # noqa: S608
                f" WHERE id > %s ORDER BY id LIMIT %s),"
                f" gone AS (DELETE FROM {table} t USING chunk c WHERE t.id = c.id AND c.is_old AND c.may_go"
                " RETURNING t.id)"
                " SELECT count(*), max(id), coalesce(bool_or(is_old), false), (SELECT count(*) FROM gone) FROM chunk",
                [before, after, STEP],
            )
            seen, last, some_old, deleted = cursor.fetchone()
        is_end = seen < STEP or (written_in_order and not some_old)
        return Step(deleted, None if is_end else last)

    return prune


def prune_old(*, now: datetime, budget_s: float = BUDGET_S) -> dict[str, int]:
    """Deletes what is older than its retention, in turns, for as long as the budget lasts; one run at a time.

    Returns how many rows went, by name.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return {}
        try:
            return _prune_in_turns(now, time.monotonic() + budget_s)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _prune_in_turns(now: datetime, deadline: float) -> dict[str, int]:
    places = {kept.name: 0 for kept in all_kept() if kept.days}
    deleted = dict.fromkeys(places, 0)
    while places and time.monotonic() < deadline:
        for name, after in list(places.items()):
            kept = _kept[name]
            step = kept.prune(now - timedelta(days=kept.days), after)
            deleted[name] += step.deleted
            PRUNED.labels(name).inc(step.deleted)
            if step.after is None:
                del places[name]
            else:
                places[name] = step.after
    done = {name: number for name, number in deleted.items() if number}
    if done:
        log.info("pruned", **{name.replace(" ", "_"): number for name, number in done.items()})
    return done
