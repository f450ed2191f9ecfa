"""Columns of a list, the buttons above it, and what a cell says in a CSV file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import strip_tags

# What a spreadsheet would compute.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Column:
    """One column: `template` renders a cell from `row` (default: the attribute's text); `sort` is an ORM path.

    `value` says what a cell holds where that is no attribute, `text` what it says in a CSV file where that differs. A
    column that is `hidden` is shown when a person asks for it; one without a label is a tool and always stands.
    `draw` makes the HTML from the row and the page's context in Python, ten times as fast as a template: for lists of
    many columns that are looked at all day.
    """

    name: str
    label: str | Promise
    template: str = ""
    sort: str = ""
    numeric: bool = False
    value: Callable[[Any], Any] | None = None
    text: Callable[[Any], Any] | None = None
    hidden: bool = False
    nowrap: bool = False
    draw: Callable[[Any, Mapping[str, Any]], str] | None = None

    @property
    def is_tool(self) -> bool:
        return not self.label

    def exported(self, row: Any) -> str:
        """The cell of a CSV file: plain, exact, and nothing that a spreadsheet would compute."""
        if self.text is not None or self.value is not None:
            found = (self.text or self.value)(row)  # type: ignore[misc]
        elif hasattr(row, self.name):
            found = getattr(row, self.name)
        else:
            drawn = self.draw(row, {}) if self.draw else render_to_string(self.template, {"row": row, "column": self})
            found = " ".join(strip_tags(drawn).split())
        if isinstance(found, datetime):
            found = timezone.localtime(found).isoformat(timespec="seconds")
        if isinstance(found, list | tuple):
            found = ", ".join(map(str, found))
        if isinstance(found, str):
            return f"'{found}" if found.startswith((*_FORMULA, "'")) else found
        return "" if found is None else str(found)


@dataclass(frozen=True)
class Action:
    """A button above the list, for those who have the permission."""

    label: str | Promise
    url: str
    permission: str
    icon: str = "plus"
    modal: bool = False
