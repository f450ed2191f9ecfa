"""Columns of a list: how a cell is drawn, and what it holds in a file; the buttons above a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.utils import timezone
from django.utils.functional import Promise

from core.people import HIDDEN, sees_people
from core.sheets import safe_cell

Function = Callable[[Any], Any]


@dataclass(frozen=True)
class Column:
    """One column of a list.

    A cell shows the attribute `name` of the row, or what one of these says: `value` makes it of the row, `draw` makes
    its HTML of the row and the page's context in Python (ten times as fast as a template: for lists of many columns
    that are looked at all day), `template` renders it from `row`.

    `export` says what it holds in a file: a path such as "vehicle.vin" (also of a dictionary), several of them, or a
    function of the row; by default `value`, or the attribute. A file holds plain values alone: see `file_text`.

    `sort` is an ORM path. Of a `personal` column those who may not see people (`core.people`) see HIDDEN, unless its
    template shows something else (`column.hides`); they cannot sort by it, nor by
    one that `identifies`: it shows ids, of which some are people's addresses (`core.people.shown_id`). A column that is
    `hidden` is shown when a person asks for it; a `tool` (also every column without a label) always stands and is in no
    file.
    """

    name: str
    label: str | Promise
    template: str = ""
    sort: str = ""
    numeric: bool = False
    value: Function | None = None
    export: str | tuple[str, ...] | Function | None = None
    hidden: bool = False
    nowrap: bool = False
    tool: bool = False
    personal: bool = False
    identifies: bool = False
    draw: Callable[[Any, Mapping[str, Any]], str] | None = None

    def __post_init__(self) -> None:
        if bool(self.template) + bool(self.value) + bool(self.draw) > 1:
            raise TypeError(f"Column {self.name}: a template or one function, not both")

    @property
    def hides(self) -> bool:
        return self.personal and not sees_people()

    @property
    def order(self) -> str:
        """What it can be sorted by, by whoever looks at it."""
        return "" if self.hides or (self.identifies and not sees_people()) else self.sort

    @property
    def is_tool(self) -> bool:
        return self.tool or not self.label

    def exported(self, row: Any) -> str:
        """The cell of a file: plain, exact, and nothing that a spreadsheet would compute."""
        if self.hides:
            return HIDDEN
        source = self.export or self.value or self.name
        if isinstance(source, str):
            return file_text(_at(row, source))
        return file_text([_at(row, path) for path in source] if isinstance(source, tuple) else source(row))


def _at(row: Any, path: str) -> Any:
    """What a dotted path leads to from a row; None where a relation on the way is empty."""
    value = row
    for name in path.split("."):
        if value is None:
            return None
        try:
            value = value.get(name) if isinstance(value, Mapping) else getattr(value, name)
        except ObjectDoesNotExist:  # the other side of a one-to-one relation
            return None
    return value


def file_text(value: Any) -> str:
    """A value as files hold it: times in ISO 8601 with their offset, yes and no, lists with commas, all of them whole.

    Raises TypeError for what has no such form (a model, a manager, a dictionary): its column must say what it means.
    """
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str() | Promise():
            return safe_cell(str(value))
        case datetime():
            return timezone.localtime(value).isoformat(timespec="seconds")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return f"{value.total_seconds():g}"
        case Decimal():
            return f"{value.normalize():f}"
        case int() | float():
            return str(value)
        case list() | tuple() | set() | frozenset():
            return file_text(", ".join(text for text in (_unquoted(one) for one in value) if text))
    raise TypeError(f"{type(value).__name__} is no value for a file")


def _unquoted(value: Any) -> str:
    return str(value) if isinstance(value, str | Promise) else file_text(value)


@dataclass(frozen=True)
class Action:
    """A button above the list, for those who have the permission."""

    label: str | Promise
    url: str
    permission: str
    icon: str = "plus"
    modal: bool = False
