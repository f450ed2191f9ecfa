"""The periodic tasks that come with the code; apps register theirs and beat writes the missing ones to its table.

What an administrator changes there stays changed.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.registry import Registry


@dataclass(frozen=True)
class Periodic:
    name: str
    task: str
    every_s: int


_entries: Registry[Periodic] = Registry("periodic task")


def register_periodic(name: str, *, task: str, every_s: int) -> None:
    _entries.add(name, Periodic(name, task, every_s))


def periodic_tasks() -> list[Periodic]:
    return list(_entries.values())
