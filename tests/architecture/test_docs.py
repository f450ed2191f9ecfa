"""The README and docs say what is there: every setting, every link, the commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_READS = re.compile(r"\benv\.[a-z]+\(\s*\"([A-Z_]+)\"")


def test_every_setting_is_in_the_readme_and_no_other() -> None:
    table = README[README.index("| variable |") : README.index("## In production")]
    described = {
        name
        for line in table.splitlines()[2:]
        for name in re.findall(r"`([A-Z_]+)`", line.split("|")[1:2][0] if "|" in line else "")
    }
    assert described == set(_READS.findall((ROOT / "config/settings.py").read_text()))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text())
    missing = [t for t in targets if "://" not in t and not (path.parent / t).exists()]
    assert not missing


def test_decisions_are_all_listed() -> None:
    folder = ROOT / "docs/decisions"
    listed = (folder / "README.md").read_text()
    assert [path.name for path in sorted(folder.glob("0*.md")) if path.name not in listed] == []


def test_the_readme_names_only_commands_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"\bmake ([a-z-]+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    commands = {path.stem for path in ROOT.glob("*/management/commands/*.py")}
    assert (
        set(re.findall(r"manage\.py ([a-z_]+)", README)) - {"migrate", "collectstatic", "createsuperuser"} <= commands
    )
