"""How the values of a facet are counted: by a column, an array column, conditions, or a relation.

A facet says which of these it is (`Facet.tally`); `core.search.counts` turns them into one SQL statement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet


@dataclass(frozen=True)
class ByColumn:
    """Each value of the column at `path`; `keys` names values that are typed otherwise, and leaves out the others."""

    path: str
    keys: Mapping[Any, str] | None = None


@dataclass(frozen=True)
class ByArray:
    """Each element of the array column at `path`."""

    path: str


@dataclass(frozen=True)
class ByCondition:
    """Each word with the condition that it stands for."""

    conditions: Mapping[str, Q]


@dataclass(frozen=True)
class ByRelation:
    """Names of what the rows belong to: `pairs` returns a queryset of (row id, name); further words by condition."""

    pairs: Callable[[], QuerySet[Any, Any]]
    conditions: Mapping[str, Q] = field(default_factory=dict)


Tally = ByColumn | ByArray | ByCondition | ByRelation
