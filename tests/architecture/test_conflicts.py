"""No tracked file holds the marks of a merge that nobody finished."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.architecture.test_layout import ROOT

MARK = re.compile(rb"^(?:<{7} |>{7} |\|{7} |={7}\r?$)", re.MULTILINE)


def marked(root: Path) -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True).stdout
    files = [root / name for name in listed.decode().split("\0") if name]
    return [str(file.relative_to(root)) for file in files if file.is_file() and MARK.search(file.read_bytes())]


def test_no_file_holds_conflict_marks() -> None:
    assert marked(ROOT) == []


def test_conflict_marks_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("one\n" + "<" * 7 + " HEAD\ntwo\n")
    (tmp_path / "b.md").write_text("one\n" + "=" * 9 + "\ntwo\n")
    for command in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    assert marked(tmp_path) == ["a.md"]
