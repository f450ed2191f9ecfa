"""A copy is quiet: what was restored, promoted or cloned sends nothing until a person says that it is the installation.

Each database knows where it is at home: the cluster and the database that PostgreSQL made for it. One that finds itself
elsewhere was copied, and holds; so does one that `manage.py restore` wrote, and whoever starts with OUTBOX_HOLD. What
holds takes in what comes, and no worker of it does anything: nothing is decided, sent, fetched or asked.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import Error, connection
from django.utils.translation import gettext as _

from core.cache import Cache
from core.models import SignOfLife

HOME = "home"
_CACHED_S = 2.0
_held: Cache[str, str] = Cache(age_s=_CACHED_S)


def reason_to_hold(now: datetime) -> str:
    """Why nothing is sent, in words; empty when all is sent. Asked of the database every few seconds."""
    if settings.OUTBOX_HOLD:
        return _("OUTBOX_HOLD is set")
    return _held.get("", lambda: _ask(now))


def is_held(now: datetime) -> bool:
    """The same for whoever only goes on or not; while the database is away, nobody can do anything either."""
    try:
        return bool(reason_to_hold(now))
    except Error:
        return True


def _ask(now: datetime) -> str:
    here = _here()
    home, _is_new = SignOfLife.objects.get_or_create(part=HOME, instance="", defaults={"at": now, "detail": here})
    if home.detail.get("held"):
        return _("this was restored from a backup")
    if home.detail != here:
        return _("this is a copy of another database")
    return ""


def _here() -> dict[str, Any]:
    """The cluster, which a copy of its files keeps, and the database, which a dump does not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT system_identifier FROM pg_control_system())::text, oid::int8"
            " FROM pg_database WHERE datname = current_database()"
        )
        cluster, database = cursor.fetchone()
    return {"cluster": cluster, "database": database}


def hold(*, now: datetime) -> None:
    """Nothing is sent from here until `release`."""
    _note(_here() | {"held": True}, now)


def release(*, now: datetime) -> None:
    """This is the installation from now on, wherever it was copied from."""
    _note(_here(), now)


def _note(detail: dict[str, Any], now: datetime) -> None:
    SignOfLife.objects.update_or_create(part=HOME, instance="", defaults={"at": now, "detail": detail})
    _held.forget("")
