"""The README and docs say what is there: every setting, every link, the commands."""

from __future__ import annotations

import re
from datetime import date
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


DECISIONS = sorted((ROOT / "docs/decisions").glob("0*.md"))
SECTIONS = ["Context", "Decision", "Consequences"]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_decisions_share_one_template(path: Path) -> None:
    text = path.read_text()
    head = re.match(r"# (\d{4}) \S.*\n\n- Date: (\d{4}-\d\d-\d\d)\n- Status: (.+)\n\n## Context\n", text)
    assert head, "it begins with its number and title, date, status and context"
    assert head[1] == path.name[:4]
    date.fromisoformat(head[2])
    assert re.fullmatch(r"proposed|accepted|superseded by \[\d{4}\]\(\S+\)", head[3])
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert all(part.strip() for part in re.split(r"^## .+$", text, flags=re.MULTILINE))


def test_decisions_are_all_listed_by_their_titles() -> None:
    listed = re.findall(r"^- \[(.+)\]\((\S+)\)$", (ROOT / "docs/decisions/README.md").read_text(), re.MULTILINE)
    titles = [(path.read_text().partition("\n")[0].removeprefix("# "), path.name) for path in DECISIONS]
    assert listed == titles
    assert len({title[:4] for title, _ in titles}) == len(titles), "a number is used twice"


def test_the_readme_names_only_commands_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"\bmake ([a-z-]+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    commands = {path.stem for path in ROOT.glob("*/management/commands/*.py")}
    assert (
        set(re.findall(r"manage\.py ([a-z_]+)", README)) - {"migrate", "collectstatic", "createsuperuser"} <= commands
    )
