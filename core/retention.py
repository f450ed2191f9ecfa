"""How long things are kept, as their models declare it; beat has a worker delete what is older, in small steps.

A step deletes at most STEP rows, so that no lock lasts and nothing else waits. Rows are walked by primary key, which is
the order in which they were written: the walk ends at the first step that holds nothing old, and what must be kept (an
open incident, a delivery under way) is passed over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Model
from django.utils.module_loading import import_string

from core.declared import declared
from core.lifecycle import Kept, With
from core.metrics import PRUNED

log = structlog.get_logger("signalbox.retention")
STEP = 1_000
# How long one run may take: the next follows within a minute.
BUDGET_S = 10.0
# Any fixed number serves, as long as nothing else locks it.
_LOCK = 7_201_002

# A primary key; the walk begins behind 0, whatever the type.
Key: TypeAlias = int | str


@dataclass(frozen=True)
class Step:
    """What one step did: how many rows went, and behind which key the next one begins; None at the end."""

    deleted: int
    after: Key | None


# Deletes rows older than a moment, among the next STEP behind a key.
Prune: TypeAlias = Callable[[datetime, Any], Step]


@dataclass(frozen=True)
class Retention:
    """What is kept for as many days as a setting says; 0 keeps it for ever."""

    name: str
    setting: str
    prune: Prune
    least: int = 0

    @property
    def days(self) -> int:
        days = int(getattr(settings, self.setting))
        return max(days, self.least) if days else 0


def all_kept() -> list[Retention]:
    """What every model that is kept for a time declares."""
    return [_retention(model, life.kept) for model, life in declared() if isinstance(life.kept, Kept)]


def _retention(model: type[Model], kept: Kept) -> Retention:
    name = kept.name or model._meta.label_lower.replace(".", " ")
    prune = import_string(kept.prune) if kept.prune else by_age(model, kept)
    return Retention(name, kept.setting, prune, kept.least)


def by_age(model: type[Model], kept: Kept) -> Prune:
    """Prunes a table by one of its times, and with its rows whatever is declared to go with them."""
    table, key = model._meta.db_table, model._meta.pk.column
    is_text = model._meta.pk.get_internal_type() == "CharField"
    # Names and conditions come from our own declarations.
    look = (
        f"SELECT count(*), max(id), coalesce(bool_or(is_old), false), array_agg(id) FILTER (WHERE is_old AND may_go)"  # noqa: S608
        f" FROM (SELECT {key} AS id, {kept.by} < %(before)s AS is_old, {kept.only} AS may_go FROM {table} t"
        f" WHERE {key} > %(after)s ORDER BY {key} LIMIT %(step)s) chunk"
    )
    # Asked again of the rows that are held now; what somebody else holds is left for the next run.
    hold = (
        f"SELECT {key} FROM {table} t WHERE {key} = ANY(%(keys)s) AND {kept.by} < %(before)s AND {kept.only}"  # noqa: S608
        f" ORDER BY {key} FOR UPDATE SKIP LOCKED"
    )

    def prune(before: datetime, after: Key) -> Step:
        asked = {"before": before, "after": after or ("" if is_text else 0), "step": STEP}
        going: list[Key] = []
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(look, asked)
            seen, last, some_old, keys = cursor.fetchone()
            if keys:
                cursor.execute(hold, asked | {"keys": keys})
                going = [row[0] for row in cursor.fetchall()]
                _delete(model, going)
        is_end = seen < STEP or (kept.in_order and not some_old)
        return Step(len(going), None if is_end else last)

    return prune


def prune_rate_accounts(before: datetime, _after: object) -> Step:
    """What nobody asked for lately: it would begin full again (`core/rates.py`)."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM console_rateaccount WHERE at < %s", [before])
        return Step(int(cursor.rowcount), None)


def _delete(model: type[Model], keys: Sequence[Key]) -> None:
    """Deletes rows, before them what goes with them, and takes them out of what refers to them."""
    if not keys:
        return
    for other, life in declared():
        if isinstance(life.kept, With):
            owner = other._meta.get_field(life.kept.owner)
            if owner.related_model is model:
                rows = other._base_manager.filter(**{f"{owner.name}__in": keys})
                _delete(other, list(rows.values_list("pk", flat=True)))
    model._base_manager.filter(pk__in=keys).delete()


def prune_old(*, now: datetime, budget_s: float = BUDGET_S, kept: Sequence[Retention] | None = None) -> dict[str, int]:
    """Deletes what is older than its retention, in turns, for as long as the budget lasts; one run at a time.

    Returns how many rows went, by name. `kept` is all that models declare, unless it is given.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return {}
        try:
            return _prune_in_turns(all_kept() if kept is None else kept, now, time.monotonic() + budget_s)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _prune_in_turns(kept: Sequence[Retention], now: datetime, deadline: float) -> dict[str, int]:
    by_name = {one.name: one for one in kept if one.days}
    places: dict[str, Key] = dict.fromkeys(by_name, 0)
    deleted = dict.fromkeys(by_name, 0)
    while places and time.monotonic() < deadline:
        for name, after in list(places.items()):
            step = by_name[name].prune(now - timedelta(days=by_name[name].days), after)
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
