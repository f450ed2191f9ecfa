"""Erasing an address everywhere (GDPR, article 17). Each app registers how to erase it from what it keeps.

An eraser says what it erased, in words for people and a number; it may be run again after it broke off. Where a row
must stay (a delivery's history), the address in it is replaced by MARK.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from axes.models import AccessAttempt, AccessLog
from django.contrib.auth.models import User
from django.db import connection
from django.utils.translation import gettext as _

MARK = "(erased)"
# How many rows one statement looks through.
STEP = 20_000
OWN = "console"


@dataclass(frozen=True)
class Erased:
    """`what` names it for people in the plural, e.g. "addresses of notification groups"."""

    what: str
    number: int


Eraser = Callable[[str, datetime], Sequence[Erased]]
_erasers: dict[str, Eraser] = {}


def register_eraser(app: str, eraser: Eraser) -> None:
    """`eraser(address, now)` erases the address from what the app keeps, whatever its case."""
    _erasers[app] = eraser


def erase_everywhere(*, address: str, now: datetime, told: Callable[[int, int], None]) -> list[Erased]:
    """Erases an address from everything that any app registered. `told(done, total)` hears of each step."""
    found: list[Erased] = []
    # Last of all the audit log, which takes down what the others do.
    ordered = [eraser for app, eraser in _erasers.items() if app != OWN] + [_erasers[OWN]]
    for number, eraser in enumerate(ordered, start=1):
        found += eraser(address, now)
        told(number, len(ordered))
    return [one for one in found if one.number]


def pattern_of(address: str) -> re.Pattern[str]:
    """Finds this address in a text, and not within a longer one: b@x.de does not stand in ab@x.de or b@x.dev."""
    return re.compile(rf"(?<![\w.!#$%&'*+/=?^`{{|}}~-]){re.escape(address)}(?![\w-]|\.\w)", re.IGNORECASE)


def without(address: str, value: Any) -> Any:
    """A JSON value or a text in which the address is replaced, in keys too."""
    if isinstance(value, str):
        return pattern_of(address).sub(MARK, value)
    if isinstance(value, list):
        return [without(address, one) for one in value]
    if isinstance(value, dict):
        return {without(address, key): without(address, one) for key, one in value.items()}
    return value


def scrub(
    table: str, address: str, *, texts: Sequence[str] = (), documents: Sequence[str] = (), key: str = "id"
) -> int:
    """Replaces the address in text and JSON columns of a table, STEP rows per statement; returns in how many rows.

    Names come from our code alone.
    """
    columns, like = (*texts, *documents), _like(address)
    look = (
        f"WITH chunk AS (SELECT {key}, {', '.join(columns)} FROM {table}"  # noqa: S608
        f" WHERE {key} > %s ORDER BY {key} LIMIT %s)"
        f" SELECT ends.last, found.* FROM (SELECT max({key}) AS last FROM chunk) ends LEFT JOIN"
        f" (SELECT * FROM chunk WHERE {' OR '.join(f'{column}::text ILIKE %s' for column in columns)}) found ON true"
    )
    write = f"UPDATE {table} SET {', '.join(f'{column} = %s' for column in columns)} WHERE {key} = %s"  # noqa: S608
    changed = 0
    last: int | None = 0
    with connection.cursor() as cursor:
        while last is not None:
            cursor.execute(look, [last, STEP, *([like] * len(columns))])
            rows = cursor.fetchall()
            last = rows[0][0]
            for _last, pk, *values in rows if rows[0][1] is not None else ():
                plain = [without(address, value) for value in values[: len(texts)]]
                fresh = plain + [_scrubbed(address, value) for value in values[len(texts) :]]
                if fresh != values:
                    cursor.execute(write, [*fresh, pk])
                    changed += 1
    return changed


# A pattern of LIKE; in a JSON text, a quote and a backslash stand behind another backslash.
_IN_LIKE = {"%": r"\%", "_": r"\_", '"': "%", "\\": "%"}


def _like(address: str) -> str:
    """Finds at least all rows that hold the address."""
    return "%" + "".join(_IN_LIKE.get(letter, letter) for letter in address) + "%"


def _scrubbed(address: str, document: str | None) -> str | None:
    """A JSON document as the database gives it, with the address replaced; as it was when it does not hold it."""
    if document is None:
        return None
    held = json.loads(document)
    fresh = without(address, held)
    return document if fresh == held else json.dumps(fresh)


def erase_own(address: str, _now: datetime) -> list[Erased]:
    """What the console itself keeps: the audit log, sign-ins, the addresses of its users."""
    audit = scrub(
        "auditlog_logentry",
        address,
        texts=("object_repr", "changes_text", "actor_email"),
        documents=("changes", "serialized_data", "additional_data"),
    )
    jobs = scrub("console_job", address, texts=("label",), documents=("arguments", "result"))
    signed = [log.objects.filter(username__iexact=address).delete()[0] for log in (AccessAttempt, AccessLog)]
    return [
        Erased(_("entries of the audit log that named it"), audit),
        Erased(_("pieces of work that named it"), jobs),
        Erased(_("records of sign-ins"), sum(signed)),
        Erased(_("users whose address it was"), User.objects.filter(email__iexact=address).update(email="")),
        Erased(
            _("users of this name, who stay until an administrator deletes them"),
            User.objects.filter(username__iexact=address).count(),
        ),
    ]


register_eraser(OWN, erase_own)
