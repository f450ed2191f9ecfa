"""The guides say what is there: every setting, case, event and topic, every link and path, the commands."""

from __future__ import annotations

import re
from datetime import date
from itertools import takewhile
from pathlib import Path

import pytest

from bikeshare.event_kinds import TOPICS
from bikeshare.services.specs import SPECS
from fleet_remotes.choices import Kind
from infra_notifications.choices import CASE_EXPLANATIONS, DEFAULT_HOLD_OFF_S, Case
from infra_notifications.event_kinds import DOMAIN
from outbox.event_kinds import all_kinds
from tests.architecture.test_layout import own_code
from tests.lint import STEPS
from vehicles.catalogue import TYPES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
README, CONTRIBUTING = (ROOT / "README.md").read_text(), (ROOT / "CONTRIBUTING.md").read_text()
ADMINISTRATORS, CHARGING = (DOCS / "administrators.md").read_text(), (DOCS / "charging.md").read_text()
TEXTS = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
_READS = re.compile(r"\benv\.[a-z]+\(\s*\"([A-Z_]+)\"")


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def table(text: str, title: str) -> list[list[str]]:
    """The rows of the table whose first column has this title, cell by cell."""
    lines = takewhile(lambda line: line.startswith("|"), text[text.index(f"| {title} |") :].splitlines())
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in list(lines)[2:]]


def codes(cell: str) -> list[str]:
    """What a cell writes as code."""
    return re.findall(r"`([^`]+)`", cell)


def test_every_setting_is_described_and_no_other() -> None:
    described = [name for row in table(ADMINISTRATORS, "variable") for name in codes(row[0])]
    assert sorted(described) == sorted(set(_READS.findall((ROOT / "config/settings.py").read_text())))


def test_every_case_is_described_with_its_delay() -> None:
    described = {codes(row[0])[0]: row[1:] for row in table(CHARGING, "case")}
    expected = {
        case.value: [str(CASE_EXPLANATIONS[case]).replace("’", "'"), f"{delay} s" if delay else "none"]
        for case in Case
        for delay in [DEFAULT_HOLD_OFF_S[case]]
    }
    assert described == expected


def test_every_event_of_charging_is_described() -> None:
    described = [codes(row[0])[0] for row in table(CHARGING, "event type")]
    public = [kind.key for kind in all_kinds() if kind.domain == DOMAIN and kind.is_public]
    assert sorted(described) == sorted(public)


def test_links_lead_somewhere() -> None:
    targets = [(path, t) for path in TEXTS for t in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text())]
    assert [f"{relative(path)}: {t}" for path, t in targets if "://" not in t and not (path.parent / t).exists()] == []


DECISIONS = sorted((ROOT / "docs/decisions").glob("0*.md"))
DJANGOS = {"migrate", "collectstatic", "createsuperuser", "check"}
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


def test_only_commands_that_exist_are_named() -> None:
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = {path.stem for path in ROOT.glob("*/management/commands/*.py")} | DJANGOS
    for path in TEXTS:
        text = path.read_text() if path.name != "CHANGELOG.md" else ""
        # As code, or indented as such: prose makes all kinds of things.
        targets = set(re.findall(r"(?:`|^    )(?:PORT=\d+ )?make ([a-z-]+)", text, re.MULTILINE))
        unknown = targets - made | set(re.findall(r"manage\.py ([a-z_]+)", text)) - commands
        assert unknown == set(), relative(path)


def test_contributing_names_only_paths_that_exist() -> None:
    """Its steps lead somewhere: what is written as code and looks like a path is one, from the root of the clone."""
    made_by_make = {"var/site", "var/sbom.cdx.json", "var/licences.md"}
    paths = {code for code in codes(CONTRIBUTING) if re.fullmatch(r"[\w.]+(/[\w.]+)+/?", code)} - made_by_make
    assert len(paths) > 40
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_the_guide_to_the_architecture_names_only_modules_that_exist() -> None:
    """From the root of the clone, or, where it follows a message through charging, from that app's folder."""
    paths = set(re.findall(r"`(\w+/\w+\.py)`", (DOCS / "architecture.md").read_text()))
    assert len(paths) > 8
    folders = (ROOT, ROOT / "infra_notifications")
    assert [path for path in sorted(paths) if not any((folder / path).exists() for folder in folders)] == []


def test_contributing_has_steps_for_each_thing_that_is_often_added() -> None:
    chapters = re.findall(r"^## Add an? (.+)$", CONTRIBUTING, re.MULTILINE)
    assert chapters == ["case of charging", "channel", "event type", "list page", "API operation", "setting"]
    for chapter in re.split(r"^## ", CONTRIBUTING, flags=re.MULTILINE):
        if chapter.startswith("Add "):
            steps = [int(number) for number in re.findall(r"^(\d+)\. ", chapter, re.MULTILINE)]
            assert steps == list(range(1, len(steps) + 1)), chapter.partition("\n")[0]
            assert len(steps) >= 3


def test_ci_and_the_hooks_run_what_there_is() -> None:
    assert re.search(r"run: \.ci/run$", (ROOT / ".github/workflows/ci.yml").read_text(), re.MULTILINE)
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert "://" not in hooks, "hooks are local"
    named = re.findall(r'tests\.lint "(.+)"', hooks)
    assert named
    assert set(named) <= {name for name, _ in STEPS}


COUNTED = {
    "topics": len(TOPICS),
    "notifications": len(TYPES),
    "resources": len(SPECS),
    "commands": len(Kind),
    "cases": len(Case),
}


def test_numbers_in_the_guides_are_those_of_the_code() -> None:
    """Numbers of what is registered; in the code itself they are computed, never typed."""
    words = {"three": 3, "nine": 9, "ten": 10}
    for path in TEXTS:
        for number, noun in re.findall(r"(?<![\d,.])\b(\d+|three|nine|ten)\s+(\w+)\b", path.read_text()):
            if noun in COUNTED:
                assert int(words.get(number, number)) == COUNTED[noun], f"{relative(path)}: {number} {noun}"


def test_numbers_that_the_code_knows_are_not_typed_in_it() -> None:
    texts = {path: (ROOT / path).read_text() for path in [*own_code(), *(ROOT / "templates").rglob("*.html")]}
    typed = re.compile(r"\b(?:45 topics|38 notifications|the 38|the 45)\b")
    assert [str(path) for path, text in texts.items() if typed.search(text)] == []
