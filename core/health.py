"""What works and what does not: one list of checks for `/readyz`, the dashboard, and `doctor` with `/healthz/full`.

Apps register theirs; a check returns a sentence for people and whether all is well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

import psycopg
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import clock, hold
from core.breaches import fault_of
from core.cache import Cache
from core.device_clock import span_text
from core.encryption import unreadable_values
from core.models import SignOfLife
from core.registry import Registry
from core.selectors import LIFE_EXPECTED_WITHIN, last_signs_of_life
from core.services import CLOCK, show_life

CONNECT_TIMEOUT_S = 2
COMMIT, CLOCKS = "commit", "clocks"


@dataclass(frozen=True)
class Finding:
    """What one check found: `age_s` is given where "how long ago" is the answer."""

    ok: bool
    text: str
    age_s: float | None = None


class Asker(IntEnum):
    """Who asks a check, and all after it: whoever sends requests here needs to know only whether a message can be
    committed; the dashboard shows what administrators are mailed about; the doctor asks everything."""

    BALANCER = 1
    DASHBOARD = 2
    DOCTOR = 3


@dataclass(frozen=True)
class Check:
    name: str
    run: Callable[[datetime], Finding]
    asker: Asker = Asker.DOCTOR
    # Whether it reads from the database; then it is not asked while the database is away.
    asks_database: bool = True


checks: Registry[Check] = Registry("health check")


def register_check(
    name: str, run: Callable[[datetime], Finding], *, asker: Asker = Asker.DOCTOR, asks_database: bool = True
) -> None:
    checks.add(name, Check(name, run, asker, asks_database))


def run_checks(asker: Asker = Asker.DOCTOR) -> list[tuple[str, Finding]]:
    """Runs every check of one who asks; one that raises is a finding, not a crash.

    Each that reads from a database that is away would wait for the pool, so those are answered without being asked.
    """
    now, fault = timezone.now(), database_fault()
    chosen = [check for check in checks.values() if check.asker <= asker]
    return [(check.name, _run(check, now, fault)) for check in chosen]


def _run(check: Check, now: datetime, fault: str) -> Finding:
    if fault and check.asks_database:
        known = fault if check.run is check_database else _("the database does not answer")
        return Finding(False, _("cannot be asked: %(error)s") % {"error": known})
    try:
        return check.run(now)
    except (DatabaseError, OSError, ObjectDoesNotExist) as error:
        return Finding(False, _("cannot be asked: %(error)s") % {"error": str(error).strip().split("\n")[0]})


def database_fault() -> str:
    """Why the database does not answer; empty when it does. Asked past the pool, which only knows that it waited."""
    try:
        parameters = connection.get_connection_params() | {"connect_timeout": CONNECT_TIMEOUT_S}
        with psycopg.connect(**parameters):
            return ""
    except psycopg.Error as error:
        return str(error).strip().split("\n")[0] or type(error).__name__


def check_database(_now: datetime) -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0]
    return Finding(True, _("PostgreSQL %(version)s answers") % {"version": version.split(" ")[0]})


def check_commit(now: datetime) -> Finding:
    """Whether a message could be stored: something is written and committed, at most once a second."""
    return _committed.get("", lambda: _commit(now))


_committed: Cache[str, Finding] = Cache(age_s=1.0)


def _commit(now: datetime) -> Finding:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{CONNECT_TIMEOUT_S}s'")
        show_life(part=COMMIT, now=now)
    return Finding(True, _("what is written is kept"))


def check_migrations(_now: datetime) -> Finding:
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if missing:
        text = ngettext("%(n)d migration is not applied", "%(n)d migrations are not applied", missing)
        return Finding(False, text % {"n": missing} + " (manage.py migrate)")
    return Finding(True, _("all applied"))


def check_life(part: str) -> Callable[[datetime], Finding]:
    """A check that a part of Signalbox showed life lately."""

    def run(now: datetime) -> Finding:
        seen = last_signs_of_life(now).get(part)
        if seen is None:
            return Finding(False, _("has never shown life"))
        age = max(0.0, (now - seen).total_seconds())
        text = _("last sign of life %(age)d s ago") % {"age": age}
        return Finding(age <= LIFE_EXPECTED_WITHIN.total_seconds(), text, age)

    return run


def check_clocks(now: datetime) -> Finding:
    """Whether all machines have the same time, and whose clock is off."""
    shown = SignOfLife.objects.filter(part=CLOCK, at__gt=now - LIFE_EXPECTED_WITHIN).order_by("instance")
    off = {row.instance: row.detail["ahead_s"] for row in shown} | {_("this process"): clock.ahead_s()}
    told = [_clock_text(who, ahead_s) for who, ahead_s in off.items() if abs(ahead_s) > clock.TOLD_FROM.total_seconds()]
    return Finding(not told, "; ".join(told) or _("all have the database's time"))


def _clock_text(who: str, ahead_s: float) -> str:
    values = {"who": who, "by": span_text(round(ahead_s))}
    text = _("%(who)s is ahead by %(by)s") if ahead_s > 0 else _("%(who)s is behind by %(by)s")
    is_off = abs(ahead_s) > clock.OFF_FROM.total_seconds()
    return text % values + (", " + _("and decides nothing until it is set") if is_off else "")


def check_hold(now: datetime) -> Finding:
    """Whether this is the installation, and no copy of it."""
    if reason := hold.reason_to_hold(now):
        text = _("%(reason)s: nothing is sent from here, and no worker does anything (manage.py release)")
        return Finding(False, text % {"reason": reason})
    return Finding(True, _("this is no copy: all is sent"))


def check_secrets(_now: datetime) -> Finding:
    """Whether FIELD_KEY opens what was encrypted."""
    if lost := unreadable_values():
        text = _("FIELD_KEY does not open %(values)s") % {"values": ", ".join(lost[:5])}
        return Finding(False, text + (" …" if len(lost) > 5 else ""))
    return Finding(True, _("FIELD_KEY opens what is encrypted"))


def check_passwords(_now: datetime) -> Finding:
    """Whether new passwords are compared with those of breaches; that they are not is a choice."""
    if not settings.BREACHED_PASSWORDS:
        return Finding(True, _("the most common are refused; BREACHED_PASSWORDS names no list of breaches"))
    fault = fault_of(settings.BREACHED_PASSWORDS)
    return Finding(not fault, fault or _("those of breaches are refused"))


register_check("database", check_database, asker=Asker.BALANCER)
register_check("migrations", check_migrations, asker=Asker.BALANCER)
register_check(COMMIT, check_commit, asker=Asker.BALANCER)
register_check("worker", check_life("worker"), asker=Asker.DASHBOARD)
register_check("beat", check_life("beat"), asker=Asker.DASHBOARD)
register_check(CLOCKS, check_clocks, asker=Asker.DASHBOARD)
register_check("hold", check_hold, asker=Asker.DASHBOARD)
register_check("secrets", check_secrets)
register_check("passwords", check_passwords, asks_database=False)
