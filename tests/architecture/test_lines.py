"""Lines that people can read: in code, templates, style sheets and scripts."""

from __future__ import annotations

import subprocess

from tests.architecture.test_layout import ROOT

# Of a hundred lines one may be longer than this, and none longer than the other.
USUAL, LONGEST = 120, 160
# Tables that are laid out by hand, each with its reason.
MOST_BY_HAND = 20


def lines_of(*patterns: str) -> dict[str, list[str]]:
    """The lines of each file under version control that matches, without migrations."""
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [name for name in listed.stdout.splitlines() if "/migrations/" not in name and (ROOT / name).is_file()]
    return {name: (ROOT / name).read_text().splitlines() for name in paths}


def test_lines_are_short_enough_to_read() -> None:
    for pattern in ("*.py", "templates/*.html", "static/*.css", "static/*.js"):
        lines = {
            f"{name}:{number}": len(line)
            for name, whole in lines_of(pattern).items()
            for number, line in enumerate(whole, 1)
        }
        assert lines
        too_long = {where: length for where, length in lines.items() if length > LONGEST}
        assert not too_long, too_long
        assert sum(length > USUAL for length in lines.values()) <= len(lines) / 100, pattern


def test_few_tables_are_laid_out_by_hand_and_say_why() -> None:
    mark = "# fmt: " + "skip"
    by_hand = {name: sum(line.endswith(mark) for line in lines) for name, lines in lines_of("*.py").items()}
    assert sum(by_hand.values()) < MOST_BY_HAND
    silent = [
        name for name, lines in lines_of("*.py").items() if by_hand[name] and "Laid out by hand" not in "\n".join(lines)
    ]
    assert not silent
