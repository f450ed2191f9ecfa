"""Erasing an address everywhere (GDPR, article 17), by what models declare (`core.lifecycle`).

First the people whose address it is, by the functions that models name; then rows and values that are nothing but the
address; then every text and document of every table, in which it is replaced by MARK, the audit log last. A column that
is added later is searched without being named. Erasing may be run again after it broke off.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import quote

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import (
    BinaryField,
    CharField,
    Field,
    Func,
    GeneratedField,
    JSONField,
    Model,
    TextField,
    UniqueConstraint,
)
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from core.declared import declared
from core.encryption import EncryptedTextField
from core.lifecycle import How, Lifecycle, Personal

MARK = "(erased)"
# How many rows one statement looks through.
STEP = 20_000
# Named by what the others do, so that it is searched when they are done.
_LAST = "auditlog.LogEntry"


@dataclass(frozen=True)
class Erased:
    """`what` names it for people in the plural, e.g. "addresses of notification groups"."""

    what: str
    number: int


# `handler(address, now)` erases the people whose address it is, whatever its case, and says what it erased.
Handler: TypeAlias = Callable[[str, datetime], Iterable[Erased]]
_Step: TypeAlias = Callable[[], Iterable[Erased]]


def erase_everywhere(
    *, address: str, now: datetime, told: Callable[[int, int], None], asked_by: Model | None = None
) -> list[Erased]:
    """Erases an address from everything. `told(done, total)` hears of each step. Returns what it was found in.

    `asked_by` is the row by which it is asked for, which has to hold the address until all is done.
    """
    models = sorted(declared(), key=lambda each: each[0]._meta.label == _LAST)
    steps: list[_Step] = [partial(import_string(life.erased_by), address, now) for _m, life in models if life.erased_by]
    steps += [partial(_erase_values, model, each, address) for model, life in models for each in life.personal]
    steps += [partial(_mask, model, life, address, asked_by) for model, life in models]
    numbers: dict[str, int] = {}
    for number, step in enumerate(steps, start=1):
        for erased in step():
            numbers[erased.what] = numbers.get(erased.what, 0) + erased.number
        told(number, len(steps))
    return [Erased(what, number) for what, number in numbers.items() if number]


def _erase_values(model: type[Model], personal: Personal, address: str) -> Iterator[Erased]:
    """Deletes or empties what is nothing but the address."""
    if personal.how not in (How.DELETE, How.BLANK, How.KEEP):
        return
    rows = model._base_manager.filter(**{f"{personal.field}__iexact": address})
    if personal.how == How.KEEP:
        number = rows.count()
    elif personal.how == How.BLANK:
        number = rows.update(**{personal.field: ""})
    else:
        number = rows.delete()[0]
    yield Erased(str(personal.what) or _that_named_it(model), number)


def _mask(model: type[Model], lifecycle: Lifecycle, address: str, asked_by: Model | None) -> Iterator[Erased]:
    staying = {personal.field for personal in lifecycle.personal if personal.how == How.KEEP}
    fields = [field for field in texts_of(model) if field.name not in staying]
    what = next((str(one.what) for one in lifecycle.personal if one.what and one.how == How.MASK), "")
    but = asked_by.pk if isinstance(asked_by, model) else None
    number = scrub(model, [address], fields=fields, but=but) + _scrub_sealed(model, address)
    yield Erased(what or _that_named_it(model), number)


def _scrub_sealed(model: type[Model], address: str) -> int:
    """In columns that the database cannot look into; returns in how many values."""
    changed, pattern = 0, pattern_of(address)
    for field in model._meta.concrete_fields:
        if not isinstance(field, EncryptedTextField):
            continue
        for row in model._base_manager.order_by("pk").iterator():
            held = getattr(row, field.name, None)
            if (fresh := without(pattern, held)) != held:
                changed += model._base_manager.filter(pk=row.pk).update(**{field.name: fresh})
    return changed


def end_sessions(address: str, _now: datetime) -> list[Erased]:
    """Ends the sessions of users whose address it is, and those that hold it. Declared as Session's handler."""
    users = {str(pk) for pk in User.objects.filter(email__iexact=address).values_list("pk", flat=True)}
    pattern, going = pattern_of(address), []
    for session in Session.objects.iterator():
        held = session.get_decoded()
        if held.get(SESSION_KEY) in users or without(pattern, held) != held:
            going.append(session.pk)
    return [Erased(_("sessions that were ended"), Session.objects.filter(pk__in=going).delete()[0])]


def _that_named_it(model: type[Model]) -> str:
    return _("%(things)s that named it") % {"things": model._meta.verbose_name_plural}


# ---- in texts -------------------------------------------------------------------------------------------------------


def pattern_of(*words: str) -> re.Pattern[str]:
    """Finds an address in a text, and not within a longer one: b@x.de does not stand in ab@x.de or b@x.dev.

    Also as an address line spells it (b%40x.de). A word without an @, such as a name, is found whole. Signs that an
    address may begin with in theory, but which stand around one in practice (to=b@x.de, /b@x.de, 'b@x.de'), end it.
    """
    parts = []
    for word in sorted(words, key=len, reverse=True):
        if "@" in word:
            parts.append(rf"(?<![\w.!#%&+~^-])(?<!\w'){re.escape(word)}(?![\w-]|\.\w)")
            parts.append(rf"(?:(?<=%[0-9A-F]{{2}})|(?<![\w.%-])){re.escape(quote(word, safe=''))}(?![\w%-]|\.\w)")
        else:
            parts.append(rf"(?<!\w){re.escape(word)}(?!\w)")
    return re.compile("|".join(parts), re.IGNORECASE)


def without(address: str | re.Pattern[str], value: Any) -> Any:
    """A JSON value or a text in which the address is replaced, in keys too."""
    pattern = pattern_of(address) if isinstance(address, str) else address
    if isinstance(value, str):
        return pattern.sub(MARK, value)
    if isinstance(value, list):
        return [without(pattern, each) for each in value]
    if isinstance(value, dict):
        return {without(pattern, key): without(pattern, each) for key, each in value.items()}
    return value


def texts_of(model: type[Model]) -> list[Field[Any, Any]]:
    """The columns of a model that hold free texts, documents or bodies: all but keys, choices and what is generated or
    encrypted."""
    return [field for field in model._meta.concrete_fields if not field.primary_key and _is_free(field)]


def _is_free(field: Field[Any, Any]) -> bool:
    if isinstance(field, ArrayField):
        return _is_free(field.base_field)
    is_text = isinstance(field, CharField | TextField | JSONField | BinaryField)
    return is_text and not isinstance(field, GeneratedField | EncryptedTextField) and not field.choices


def _unique_names(model: type[Model]) -> set[str]:
    """The fields that, alone or with others, must differ from row to row."""
    names = {field.name for field in model._meta.concrete_fields if field.unique}
    for constraint in model._meta.constraints:
        if isinstance(constraint, UniqueConstraint):
            names |= set(constraint.fields)
            names |= {getattr(part, "name", "") for part in Func(*constraint.expressions).flatten()}
    return names


def scrub(
    model: type[Model],
    words: Sequence[str],
    *,
    fields: Sequence[Field[Any, Any]] | None = None,
    keys: Sequence[Any] | None = None,
    but: Any = None,
) -> int:
    """Replaces words in a table's texts and documents, STEP rows per statement; returns in how many values.

    `fields` are all that `texts_of` gives, and `keys` all rows but that of the key `but`, unless they are given.
    """
    fields = texts_of(model) if fields is None else fields
    words = [word for word in words if word.strip()]
    if not fields or not words:
        return 0
    pattern = pattern_of(*words)
    chunks = [list(keys)] if keys is not None else rows_with(model, fields, words)
    chunks = ([key for key in chunk if key != but] for chunk in chunks)
    return sum(_scrub_rows(model, fields, pattern, chunk) for chunk in chunks if chunk)


def rows_with(model: type[Model], fields: Sequence[Field[Any, Any]], words: Sequence[str]) -> Iterator[list[Any]]:
    """The keys of at least all rows that hold one of the words, step by step."""
    table, key = model._meta.db_table, model._meta.pk.column
    spellings = [_like(spelling) for word in words for spelling in {word, quote(word, safe="")}]
    holds = " OR ".join(f"{_as_text(field)} ILIKE ANY(%(likes)s)" for field in fields)
    last: Any = None
    while True:
        behind = "" if last is None else f" WHERE {key} > %(last)s"
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT max(id), array_agg(id) FILTER (WHERE holds) FROM (SELECT {key} AS id, {holds} AS holds"  # noqa: S608
                f" FROM {table}{behind} ORDER BY {key} LIMIT %(step)s) chunk",
                {"likes": spellings, "last": last, "step": STEP},
            )
            last, keys = cursor.fetchone()
        if last is None:
            return
        yield keys or []


def _scrub_rows(
    model: type[Model], fields: Sequence[Field[Any, Any]], pattern: re.Pattern[str], keys: list[Any]
) -> int:
    table, key, unique = model._meta.db_table, model._meta.pk.column, _unique_names(model)
    columns = ", ".join(f'"{field.column}"' for field in fields)
    changed = 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {key}, {columns} FROM {table} WHERE {key} = ANY(%s) ORDER BY {key} FOR NO KEY UPDATE",  # noqa: S608
            [keys],
        )
        for pk, *values in cursor.fetchall():
            fresh = {
                field: scrubbed
                for field, value in zip(fields, values, strict=True)
                if (scrubbed := _scrubbed(field, pattern, value, f"#{pk}" if field.name in unique else "")) != value
            }
            if fresh:
                sets = ", ".join(f'"{field.column}" = %s' for field in fresh)
                cursor.execute(f"UPDATE {table} SET {sets} WHERE {key} = %s", [*fresh.values(), pk])  # noqa: S608
                changed += len(fresh)
    return changed


def _as_text(field: Field[Any, Any]) -> str:
    """A column as a text to be looked through; letters beyond ASCII in bodies are looked for by their neighbours."""
    return f"encode(\"{field.column}\", 'escape')" if isinstance(field, BinaryField) else f'"{field.column}"::text'


# A pattern of LIKE; in a JSON text, a quote and a backslash stand behind another backslash.
_IN_LIKE = {"%": r"\%", "_": r"\_", '"': "%", "\\": "%"}


def _like(address: str) -> str:
    """Finds at least all rows that hold the address."""
    return "%" + "".join(_IN_LIKE.get(letter, letter if letter.isascii() else "%") for letter in address) + "%"


def _scrubbed(field: Field[Any, Any], pattern: re.Pattern[str], value: Any, ending: str) -> Any:
    """A value as the database gives it, with the words replaced; as it was when it does not hold them.

    `ending` follows what must stay unique.
    """
    if isinstance(field, JSONField):
        held = None if value is None else json.loads(value)
        fresh = without(pattern, held)
        return value if fresh == held else json.dumps(fresh)
    if isinstance(field, BinaryField):
        held = None if value is None else bytes(value)
        fresh = without(pattern, (held or b"").decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        return value if fresh == (held or b"") else fresh
    fresh = without(pattern, value)
    if isinstance(fresh, str) and fresh != value:
        longest = field.max_length or len(fresh) + len(ending)
        return fresh[: longest - len(ending)] + ending
    return fresh
