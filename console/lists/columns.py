"""Columns of a list: how a cell is drawn, and what it holds in a file; the buttons above a list."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from html import unescape
from types import MethodType
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.template import Context
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from console.templatetags.console import drawn
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
    function of the row; by default `value`, the attribute, or the text of what is drawn (`text_of_cell`). Numbers, what
    the page cuts, and the columns of lists of many thousand rows say it.

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

    def exported(self, row: Any, context: Context) -> Any:
        """What a file holds of a row: a plain value, see `plain`."""
        if self.hides:
            return HIDDEN
        source = self.export or self.value or ("" if self.template or self.draw else self.name)
        if not source:
            return text_of_cell(drawn(context, self, row))
        if isinstance(source, str):
            return plain(_at(row, source))
        return plain([_at(row, path) for path in source] if isinstance(source, tuple) else source(row))


def _at(row: Any, path: str) -> Any:
    """What a dotted path leads to from a row, called if it is a method; None where a relation on the way is empty."""
    value = row
    for name in path.split("."):
        if value is None:
            return None
        try:
            value = value.get(name) if isinstance(value, Mapping) else getattr(value, name)
        except ObjectDoesNotExist:  # the other side of a one-to-one relation
            return None
    return value() if isinstance(value, MethodType | partial) else value


# ---- what files hold ------------------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """A value as JSON holds it: times as texts in ISO 8601 with their offset, durations in seconds.

    Raises TypeError for what has no such form (a model, a manager, a dictionary): its column must say what it means.
    """
    match value:
        case None | bool() | int() | float():
            return value
        case str() | Promise():
            return str(value)
        case datetime():
            return timezone.localtime(value).isoformat(timespec="seconds")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Decimal():
            return int(value) if value == int(value) else float(value)
        case list() | tuple() | set() | frozenset():
            return [plain(one) for one in value]
    raise TypeError(f"{type(value).__name__} is no value for a file")


def file_text(value: Any) -> str:
    """A plain value as a cell of a table: yes and no, lists with commas, nothing that a spreadsheet would compute."""
    match value:
        case None:
            return ""
        case bool():
            return _("yes") if value else _("no")
        case str():
            return safe_cell(value)
        case list():
            return safe_cell(", ".join(text for text in (_unquoted(one) for one in value) if text))
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _unquoted(value: Any) -> str:
    return value if isinstance(value, str) else file_text(value)


# What of a cell only acts, or only looks: buttons, pictures, hidden words, "never" and dashes.
_ACTS = re.compile(
    r"<(svg|button|form|progress)\b.*?</\1>"
    r'|<(a|span)\b[^>]*class="(?:btn|visually-hidden|nothing)\b[^>]*>.*?</\2>',
    re.DOTALL,
)
_TIME = re.compile(r'<time datetime="([^"<]*+)"[^<]*+</time>')
_PART = re.compile(r'</?(?:div|p|ul|li|dl|dt|dd|pre|br|details|summary)\b[^>]*>|<span class="badge\b[^>]*>')
_TAG = re.compile(r"<[^<>]*+>")


def text_of_cell(html: str) -> str:
    """What a cell says, as text: its lines and badges with commas between them, times in ISO 8601 with their offset."""
    html = _TIME.sub(lambda found: plain(datetime.fromisoformat(found[1])), _ACTS.sub("", html))
    parts = (" ".join(unescape(_TAG.sub("", part)).split()) for part in _PART.split(html))
    return ", ".join(part for part in parts if part.strip("–, "))


@dataclass(frozen=True)
class Action:
    """A button above the list, for those who have the permission."""

    label: str | Promise
    url: str
    permission: str
    icon: str = "plus"
    modal: bool = False
