"""No import circles, of any size, and no import inside a function that would hide one."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

import grimp

from tests.architecture.test_layout import APPS, own_code, tree

PACKAGES = (*APPS, "config")


def imports_of_our_modules() -> dict[str, set[str]]:
    """Each module with those it imports: anywhere in the file, under TYPE_CHECKING and inside functions as well."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def circles(imports: Mapping[str, set[str]]) -> list[frozenset[str]]:
    """The strongly connected components of more than one module (Tarjan 1972), each once."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    result: list[frozenset[str]] = []

    def visit(module: str) -> None:
        order[module] = lowest[module] = len(order)
        stack.append(module)
        for target in sorted(imports.get(module, ())):
            if target not in order:
                visit(target)
            if target in stack:
                lowest[module] = min(lowest[module], lowest[target])
        if lowest[module] == order[module]:
            component = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(component) > 1:
                result.append(frozenset(component))

    for module in sorted(imports):
        if module not in order:
            visit(module)
    return result


def inner_imports(within: ast.AST, inside: bool = False) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports of our own modules that stand in a function."""
    for node in ast.iter_child_nodes(within):
        if inside and isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            if any(name.split(".")[0] in PACKAGES for name in names):
                yield node
        yield from inner_imports(node, inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))


def test_no_modules_import_one_another_in_a_circle() -> None:
    unexpected = [sorted(circle) for circle in circles(imports_of_our_modules())]
    assert not unexpected, "\n".join(" ↔ ".join(circle) for circle in unexpected)


def test_circles_of_any_size_are_seen() -> None:
    chain = {"a": {"b"}, "b": {"c"}, "c": {"d", "x"}, "d": {"e"}, "e": {"c"}, "x": {"y"}, "y": {"x"}, "z": {"a"}}
    assert set(circles(chain)) == {frozenset("cde"), frozenset("xy")}


def test_modules_are_imported_at_the_top() -> None:
    """Only `apps.py` imports inside functions: Django reads it before the models may be imported."""
    code = [path for path in own_code() if path.name != "apps.py"]
    assert [f"{path}:{node.lineno}" for path in code for node in inner_imports(tree(path))] == []


def test_imports_inside_functions_are_seen() -> None:
    code = (
        "import core\ndef f():\n    import os\n    from core.api import x\n    def g():\n        import outbox.models\n"
    )
    assert [node.lineno for node in inner_imports(ast.parse(code))] == [4, 6]
