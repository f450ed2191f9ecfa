"""The table of sizes in the guide to the architecture, and the figures behind it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.architecture.test_layout import ROOT
from tests.house import ALL, BEFORE, BY_HAND, CIRCLES, LONGEST, REGISTRIES, SQL, STATEMENTS, measure, written

# By how much of a figure, or by how many of something rare, the guide may be behind the tree.
SHARE, FEW = 0.1, 5


def test_the_guide_says_how_big_the_house_is() -> None:
    says, now = written(), measure(ROOT)
    assert {name: before for name, (before, _after) in says.items()} == BEFORE
    behind = {
        name: (says[name][1], figure)
        for name, figure in now.items()
        if abs(says[name][1] - figure) > max(FEW, SHARE * figure)
    }
    assert not behind, "make house"
    assert now[CIRCLES] == says[CIRCLES][1] == 0


def test_the_figures_are_counted(tmp_path: Path) -> None:
    mark = "# fmt: " + "skip"
    texts = {
        "core/a.py": "from core import b\n\nx = 'SELECT 1'\n",
        "core/b.py": "def register(x):\n    from core.a import x as y\n    return f'UPDATE t SET x = {y}'\n",
        "core/c.py": f"import core.a\nx = [1]  {mark}\n",
        "core/migrations/d.py": "import core.c\n" * 100,
        "tests/e.py": f"x = 1  {mark}\n",
        "templates/f.html": "x" * 200,
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for command in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    assert {name: figure for name, figure in measure(tmp_path).items() if figure} == {
        "core": 8,
        ALL: 8,
        STATEMENTS: 7,
        CIRCLES: 1,
        LONGEST: 200,
        BY_HAND: 2,
        SQL: 2,
        REGISTRIES: 1,
    }
