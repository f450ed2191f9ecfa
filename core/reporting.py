"""What is kept of a person (GDPR, article 15), by what models declare (`core.lifecycle`), as JSON.

The people whose address it is, with all that belongs to them: the rows that refer to them, and to those. Then every
other row that names the address, in any text, document or body. Nothing of it is stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from auditlog.models import LogEntry
from django.db.models import ForeignKey, GeneratedField, Model

from core.cache import Cache
from core.declared import declared
from core.encryption import EncryptedTextField
from core.erasure import pattern_of, rows_with, texts_of, without
from core.lifecycle import How

# So many rows of a kind are told of one thing.
MOST = 10_000
# How far what belongs to somebody is followed: the driver's car's charging sessions.
DEEPEST = 3


def person_models() -> Iterator[tuple[type[Model], str]]:
    """The models of people, with the field of their address."""
    for model, life in declared():
        names = [each.field for each in life.personal if each.how == How.PERSON and each.field.endswith("email")]
        if life.erased_by and names:
            yield model, names[0]


def report_on(*, address: str, now: datetime) -> Iterator[str]:
    """Everything that is kept of whom this address belongs to, as the pieces of one JSON text: it is made while it is
    sent, because looking through all tables takes its time."""
    told: dict[type[Model], set[Any]] = {}
    yield f'{{"address": {_json(address)}, "made_at": {_json(now.isoformat())}, "people": ['
    comma = ""
    for model, field in person_models():
        for row in _noted(told, model, model._base_manager.filter(**{f"{field}__iexact": address})):
            person = {"type": _name(model), "data": _values(row), "belongings": _belongings(row, told, DEEPEST)}
            yield comma + _json(person)
            comma = ", "
    yield '], "named_in": {'
    comma = ""
    for model, _life in declared():
        before = f"{comma}{_json(_name(model))}: ["
        for found in _naming(model, address, told):
            for values in found:
                yield before + _json(values)
                before = ", "
            yield "\n"  # so that whoever waits sees that it goes on
        if before == ", ":
            yield "]"
            comma = ", "
    yield "}}\n"


def audit_report(*, by: Model, reason: str) -> None:
    """The audit log says who asked for a report and why, not on whom."""
    LogEntry.objects.log_create(by, action=LogEntry.Action.ACCESS, changes={"report on a person": ["", reason]})


_readings: Cache[tuple[Any, str, date], bool] = Cache()


def audit_reading(*, key: Model, where: str, now: datetime) -> None:
    """The audit log says once a day which key reads people, and by which operation; not whom."""
    changes = {"reading of personal data": ["", where]}

    def note() -> bool:
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        known = LogEntry.objects.get_for_object(key).filter(action=LogEntry.Action.ACCESS, timestamp__gte=today)
        if not known.filter(changes=changes).exists():
            LogEntry.objects.log_create(key, action=LogEntry.Action.ACCESS, changes=changes)
        return True

    _readings.get((key.pk, where, now.date()), note)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _noted(told: dict[type[Model], set[Any]], model: type[Model], rows: Any) -> list[Any]:
    """Those of the rows that were not told yet."""
    known = told.setdefault(model, set())
    fresh = [row for row in rows.order_by("pk")[:MOST] if row.pk not in known]
    known |= {row.pk for row in fresh}
    return fresh


def _belongings(row: Model, told: dict[type[Model], set[Any]], depth: int) -> dict[str, list[dict[str, Any]]]:
    """The rows that refer to a row, by kind, and those that refer to them."""
    referring = [
        other
        for model, _life in declared()
        for field in model._meta.concrete_fields
        if depth and isinstance(field, ForeignKey) and field.related_model is type(row)
        for other in _noted(told, model, model._base_manager.filter(**{field.attname: row.pk}))
    ]
    found: dict[str, list[dict[str, Any]]] = {}
    for other in referring:
        inner = _belongings(other, told, depth - 1)
        found.setdefault(_name(type(other)), []).append(_values(other) | ({"belongings": inner} if inner else {}))
    return found


def _naming(model: type[Model], address: str, told: dict[type[Model], set[Any]]) -> Iterator[list[dict[str, Any]]]:
    """The rows of a table that name the address and were not told yet, step by step."""
    pattern, fields = pattern_of(address), texts_of(model)
    for keys in rows_with(model, fields, [address]) if fields else ():
        rows = map(_values, _noted(told, model, model._base_manager.filter(pk__in=keys[:MOST])))
        yield [values for values in rows if without(pattern, values) != values]


def _name(model: type[Model]) -> str:
    return model._meta.label_lower


def _values(row: Model) -> dict[str, Any]:
    """A row's columns as JSON; of what is secret or only a copy, nothing."""
    left_out = EncryptedTextField | GeneratedField
    return {
        field.name: _plain(getattr(row, field.attname))
        for field in row._meta.concrete_fields
        if not isinstance(field, left_out) and field.name not in ("password", "digest", "pin_hash")
    }


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case datetime() | date() | time():
            return value.isoformat()
        case bytes() | memoryview():
            return bytes(value).decode("utf-8", "replace")
        case list() | tuple():
            return [_plain(each) for each in value]
        case dict():
            return {str(key): _plain(each) for key, each in value.items()}
    return str(value)
