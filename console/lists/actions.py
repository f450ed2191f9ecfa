"""Bulk actions: what can be done with selected rows, or with all that match, after a yes to their exact number.

    ADD_TO_GROUP = BulkAction(
        key="charge_points.add_to_group", label=_("Add to group"), permission="…",
        form=AddToGroupForm, run=add_to_group, question=…, said=…,
    )

A list names its actions (`bulk`), the app registers them (`register_bulk`), so that a worker knows them too. The ids
are frozen when the person says yes. A few rows are done at once, more by a worker, a thousand at a time, each thousand
in a transaction with its progress: a worker that dies neither loses nor repeats anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.functional import Promise

from core.registry import Registry


@dataclass(frozen=True)
class BulkRun:
    """A chunk of the rows, what the form said, and who wants it."""

    ids: list[int]
    arguments: dict[str, Any]
    by: User
    now: datetime


@dataclass(frozen=True)
class BulkAction:
    """`run` does a chunk and returns the ids that it changed. `question` and `said` make sentences of a number and the
    arguments. With `undo` the change can be taken back (`core.undo`, under the action's key)."""

    key: str
    label: str | Promise
    permission: str
    run: Callable[[BulkRun], Iterable[int]]
    question: Callable[[int, Mapping[str, Any]], str]
    said: Callable[[int, Mapping[str, Any]], str]
    icon: str = "check"
    form: type[BulkForm] | None = None
    danger: bool = False
    undo: bool = False


class BulkForm(forms.Form):
    """What an action asks before it runs."""

    def arguments(self) -> dict[str, Any]:
        """What was chosen, as JSON."""
        return dict(self.cleaned_data)


bulk_actions: Registry[BulkAction] = Registry("bulk action")


def register_bulk(*actions: BulkAction) -> None:
    for action in actions:
        bulk_actions.add(action.key, action)


def bulk_action(key: str) -> BulkAction | None:
    return bulk_actions.get(key)
