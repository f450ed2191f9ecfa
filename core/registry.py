"""What apps register when they start, by name: a second of the same name is a mistake, and raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Value = TypeVar("Value")


class Registry(dict[str, Value]):
    """A dictionary that is filled by `add` alone; `what` says in the error what its values are."""

    def __init__(self, what: str, entries: Mapping[str, Value] | None = None) -> None:
        super().__init__(entries or {})
        self.what = what

    def add(self, name: str, value: Value) -> None:
        """Raises ValueError where the name is taken."""
        if name in self:
            raise ValueError(f"There is a {self.what} of the name {name} already.")
        self[name] = value
