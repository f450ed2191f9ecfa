"""What every model says of the data that it holds: how long it is kept, whose it is, and whether changes are audited.

    class Message(models.Model):
        lifecycle = Lifecycle(
            kept=Kept("RETENTION_MESSAGES_DAYS", by="received_at"),
            personal=(Personal("address", How.DELETE),),
            audited=None,
        )

`core.retention`, `core.erasure` and the audit log follow from it (`core.declared`). A test demands it of every model;
those of other packages are declared in `core.parties`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from django.utils.functional import Promise

Words: TypeAlias = str | Promise


@dataclass(frozen=True)
class Kept:
    """Deleted some days after its time `by`, as many as a setting says; 0 keeps it for ever.

    `only` is a condition in SQL on the row (alias `t`) that must hold too; `%(before)s` in it is the moment before
    which a time is old. With `in_order` the keys ascend with `by`, so that the walk ends where nothing is old. `least`
    is the number of days below which the setting is not followed. `prune` names a function instead of all that
    (`core.retention.Prune`). `name` is what logs and metrics call it.
    """

    setting: str
    by: str = ""
    only: str = "true"
    in_order: bool = True
    least: int = 0
    prune: str = ""
    name: str = ""


@dataclass(frozen=True)
class With:
    """Goes together with the row to which this foreign key leads."""

    owner: str


@dataclass(frozen=True)
class While:
    """Not deleted by age, for a reason."""

    reason: str


class How(Enum):
    """What erasing an address does to a value that holds it."""

    # The row is nothing without it.
    DELETE = "delete"
    # The value is this address and nothing else, and is emptied.
    BLANK = "blank"
    # The address in a longer text or a document is replaced; so it is in every text of every table, declared or not.
    MASK = "mask"
    # It stays, which is said.
    KEEP = "keep"
    # `Lifecycle.erased_by` deals with it, or that of the person whom it is about.
    PERSON = "person"


@dataclass(frozen=True)
class Personal:
    """A field that holds what belongs to a person. `what` names, in the plural, what was erased."""

    field: str
    how: How = How.MASK
    what: Words = ""


@dataclass(frozen=True)
class Audited:
    """Changes are written to the audit log, but for `exclude`; values of `mask` are hidden in it."""

    exclude: tuple[str, ...] = ()
    mask: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    many_to_many: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Lifecycle:
    """`erased_by` names a function that erases the person whose address it is (`core.erasure.Handler`)."""

    kept: Kept | With | While
    personal: tuple[Personal, ...]
    audited: Audited | None
    erased_by: str = ""


def masked(*fields: str, what: Words = "") -> tuple[Personal, ...]:
    return tuple(Personal(field, How.MASK, what) for field in fields)


def of_person(*fields: str) -> tuple[Personal, ...]:
    return tuple(Personal(field, How.PERSON) for field in fields)


def one_of(column: str, values: Iterable[str]) -> str:
    """A condition for `Kept.only`: the column holds one of some values that are written in our code."""
    quoted = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({quoted})"


def no_row(table: str, condition: str) -> str:
    """A condition for `Kept.only`: no row of another table (alias `o`) fits."""
    return f"NOT EXISTS (SELECT 1 FROM {table} o WHERE {condition})"  # noqa: S608 - names and conditions are ours
