"""No application code remembers what it read of the database or the settings, but by `core.cache`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.test_layout import own_code, tree

CHANGES = {
    "add",
    "append",
    "appendleft",
    "clear",
    "discard",
    "extend",
    "insert",
    "pop",
    "popitem",
    "remove",
    "setdefault",
    "update",
}
# Functions that fill what is filled when the application starts, and forget nothing of it.
FILLS = "register"
CACHES = {"cache", "lru_cache", "cached"}
READS = {"objects", "connection", "connections", "cursor", "settings"}


def module_level(tree: ast.Module) -> set[str]:
    """The names of a module's own dictionaries, lists and sets."""
    names = set()
    for node in tree.body:
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        value = getattr(node, "value", None)
        is_container = isinstance(value, ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp) or (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Name)
            and value.func.id in {"dict", "list", "set", "defaultdict", "OrderedDict", "deque", "WeakKeyDictionary"}
        )
        names |= {target.id for target in targets if isinstance(target, ast.Name) and is_container}
    return names


def changed(function: ast.AST) -> Iterator[tuple[str, int]]:
    """The names that a function's body changes as containers, or assigns as globals."""
    for node in ast.walk(function):
        if isinstance(node, ast.Global):
            yield from ((name, node.lineno) for name in node.names)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            if isinstance(node.value, ast.Name):
                yield node.value.id, node.lineno
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in CHANGES
            and isinstance(node.func.value, ast.Name)
        ):
            yield node.func.value.id, node.lineno


def own_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Names that are the function's own: its arguments and what it assigns."""
    arguments = [*function.args.args, *function.args.kwonlyargs, *function.args.posonlyargs]
    stored = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    shared = {name for n in ast.walk(function) if isinstance(n, ast.Global) for name in n.names}
    return ({argument.arg for argument in arguments} | stored) - shared


def remembered(tree: ast.Module) -> list[str]:
    """What a module remembers by itself, each with its line."""
    containers = module_level(tree)
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not node.name.startswith(FILLS):
            mine = own_names(node)
            found += [f"{name}:{line}" for name, line in changed(node) if name in containers and name not in mine]
            shared = [n for n in ast.walk(node) if isinstance(n, ast.Global)]
            found += [f"global {name}:{statement.lineno}" for statement in shared for name in statement.names]
        decorators = {getattr(d, "id", getattr(d, "attr", "")) for d in map(called, node.decorator_list)}
        names = {getattr(n, "id", getattr(n, "attr", "")) for n in ast.walk(node)}
        if decorators & CACHES and names & READS:
            found.append(f"{node.name}:{node.lineno}")
    return found


def called(decorator: ast.expr) -> ast.expr:
    return decorator.func if isinstance(decorator, ast.Call) else decorator


def test_a_module_remembers_nothing_by_itself() -> None:
    found = {path: remembered(tree(path)) for path in own_code() if path != Path("core/cache.py")}
    assert {str(path): names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "source",
    [
        "_kept = {}\ndef f(key):\n    _kept[key] = 1",
        "_kept: dict[str, int] = {}\ndef f(key):\n    return _kept.setdefault(key, 1)",
        "_kept = []\nclass A:\n    def f(self):\n        _kept.append(1)",
        "_kept = set()\ndef f():\n    def g():\n        _kept.add(1)\n    return g",
        "_kept = {'a': 1}\ndef f():\n    del _kept['a']",
        "_kept = None\ndef f():\n    global _kept\n    _kept = 1",
        "from functools import lru_cache\n@lru_cache(maxsize=3)\ndef f():\n    return Thing.objects.count()",
        "import functools\n@functools.cache\ndef f():\n    return settings.TIME_ZONE",
    ],
)
def test_what_a_module_remembers_is_seen(source: str) -> None:
    assert remembered(ast.parse(source)) != []


@pytest.mark.parametrize(
    "source",
    [
        "WORDS = {'a': 1}\ndef f(key):\n    return WORDS[key]",
        "_known = {}\ndef register_kind(key, kind):\n    _known[key] = kind",
        "_known = {}\ndef f():\n    _known = {}\n    _known['a'] = 1",
        "from functools import cache\n@cache\ndef f(name):\n    return name.upper()",
    ],
)
def test_constants_registries_and_pure_functions_are_none(source: str) -> None:
    assert remembered(ast.parse(source)) == []
