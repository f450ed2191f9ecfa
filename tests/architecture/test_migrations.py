"""Migrations: one for everything until the first release, then small ones that are named by hand and only add."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.test_layout import APPS, ROOT

MIGRATIONS = sorted(path for app in APPS for path in (ROOT / app / "migrations").glob("0*.py"))
# What Django calls a migration that nobody named.
UNNAMED = re.compile(r"_(auto|alter|add|remove|delete|rename)_|_and_more$|_auto$")
# While the new version migrates, the old one still reads and writes what these would take from it.
BREAKING = {"DeleteModel", "RemoveField", "RenameField", "RenameModel", "AlterModelTable", "AlterUniqueTogether"}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("app", [app for app in APPS if app != "console"])
def test_each_app_begins_with_one_initial_migration(app: str) -> None:
    """The console has no tables of its own: core's bear its label."""
    names = [path.name for path in MIGRATIONS if path.parts[-3] == app]
    assert names[0] == "0001_initial.py"
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_migrations_are_named_and_say_what_they_do() -> None:
    assert [relative(path) for path in MIGRATIONS if UNNAMED.search(path.stem)] == []
    assert [relative(path) for path in MIGRATIONS if not ast.get_docstring(ast.parse(path.read_text()))] == []


def breaking(source: str) -> set[str]:
    """The operations in a migration that take something away."""
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return {func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in calls} & BREAKING


def test_later_migrations_only_add() -> None:
    later = [path for path in MIGRATIONS if path.name != "0001_initial.py"]
    assert {relative(path): breaking(path.read_text()) for path in later if breaking(path.read_text())} == {}


def test_what_takes_something_away_is_seen() -> None:
    assert breaking("ops = [migrations.RemoveField('a', 'b'), migrations.AddField('a', 'c', f)]") == {"RemoveField"}
