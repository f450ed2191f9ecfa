"""How big the house is and how tidy: the table in docs/architecture.md (`make house` writes it).

python -m tests.house            measures this tree and writes the table
python -m tests.house FOLDER     measures another tree, e.g. an older checkout, and prints its figures
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs/architecture.md"
APPS = ("core", "console", "outbox", "infra_notifications", "vehicles", "fleet_remotes", "bikeshare", "config")
ALL, STATEMENTS, CIRCLES, LONGEST, BY_HAND, SQL, REGISTRIES = (
    "all apps",
    "Python statements",
    "import circles",
    "longest line",
    "lines kept from the formatter",
    "raw SQL statements",
    "functions that register",
)
# What people read: the apps' modules and what has lines beside them.
READ = ("*.py", "templates/**.html", "static/**.css", "static/**.js")
# Commit 58b1a33, by `python -m tests.house`: `core` was part of `console` and of the outbox then.
BEFORE: Mapping[str, int] = {
    "core": 0,
    "console": 6_252,
    "outbox": 9_998,
    "infra_notifications": 9_884,
    "vehicles": 9_334,
    "fleet_remotes": 8_221,
    "bikeshare": 8_625,
    "config": 1_645,
    ALL: 53_959,
    STATEMENTS: 30_419,
    CIRCLES: 6,
    LONGEST: 1_648,
    BY_HAND: 399,
    SQL: 113,
    REGISTRIES: 19,
}
START, END = "<!-- house: made by `make house` -->", "<!-- house ends -->"
_STATEMENT = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|LOCK TABLE|EXPLAIN|DECLARE)\s")


def files(root: Path, *patterns: str) -> dict[str, str]:
    """The text of each file under version control that matches, by its path; without migrations."""
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=root, capture_output=True, text=True, check=True)
    paths = [path for path in listed.stdout.splitlines() if "/migrations/" not in path and (root / path).is_file()]
    return {path: (root / path).read_text() for path in paths}


def module_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported(tree: ast.Module, modules: set[str]) -> Iterator[str]:
    """The apps' modules that a module imports, within functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in modules else node.module


def reached(graph: Mapping[str, set[str]], start: str) -> set[str]:
    """The modules that importing one imports, directly or not."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        fresh = graph.get(waiting.pop(), set()) - seen
        seen |= fresh
        waiting += fresh
    return seen


def circles(trees: Mapping[str, ast.Module]) -> list[frozenset[str]]:
    """Sets of modules each of which imports all others of its set, directly or not."""
    names = {module_of(path): tree for path, tree in trees.items()}
    graph = {name: set(imported(tree, set(names))) - {name} for name, tree in names.items()}
    below = {name: reached(graph, name) for name in graph}
    return list(
        {frozenset(m for m in below[name] if name in below.get(m, ())) for name in graph if name in below[name]}
    )


def sql_statements(tree: ast.Module) -> int:
    """Texts that are SQL: whole ones, and the beginnings of those with something inserted."""
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return sum(bool(_STATEMENT.match(text)) for text in texts)


def registering(tree: ast.Module) -> int:
    return sum(isinstance(node, ast.FunctionDef) and node.name.startswith("register") for node in tree.body)


def measure(root: Path) -> dict[str, int]:
    """Each figure of the table for a tree by its name; an app's figure is its number of lines."""
    lines = {path: text.splitlines() for path, text in files(root, *READ).items()}
    trees = {path: ast.parse(text) for path, text in files(root, *(f"{app}/*.py" for app in APPS)).items()}
    sizes = {app: sum(len(lines[path]) for path in trees if path.startswith(f"{app}/")) for app in APPS}
    return sizes | {
        ALL: sum(sizes.values()),
        STATEMENTS: sum(isinstance(node, ast.stmt) for tree in trees.values() for node in ast.walk(tree)),
        CIRCLES: len(circles(trees)),
        LONGEST: max(len(line) for whole in lines.values() for line in whole),
        BY_HAND: sum(line.endswith("# fmt: " + "skip") for whole in lines.values() for line in whole),
        SQL: sum(map(sql_statements, trees.values())),
        REGISTRIES: sum(map(registering, trees.values())),
    }


def table(after: Mapping[str, int]) -> str:
    """The figures of BEFORE beside those of now, in Markdown."""
    rows = [f"| {name} | {BEFORE[name]:,} | {figure:,} |" for name, figure in after.items()]
    return "\n".join(["| figure | before | after |", "|---|---:|---:|", *rows])


def written() -> dict[str, tuple[int, int]]:
    """What the guide says: before and after by figure."""
    rows = re.findall(r"^\| ([\w ]+) \| ([\d,]+) \| ([\d,]+) \|$", GUIDE.read_text(), re.MULTILINE)
    return {name: (int(before.replace(",", "")), int(after.replace(",", ""))) for name, before, after in rows}


def main(folders: list[str]) -> int:
    if folders:
        for name, figure in measure(Path(folders[0])).items():
            print(f"{figure:7,} {name}")
        return 0
    text = GUIDE.read_text()
    before, _, rest = text.partition(START)
    GUIDE.write_text(f"{before}{START}\n\n{table(measure(ROOT))}\n\n{END}{rest.partition(END)[2]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
