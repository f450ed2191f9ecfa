"""The tables of docs/security.md: every requirement of ASVS 5.0, levels 1 and 2, once, and held by what there is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.architecture.test_docs import ADMINISTRATORS, DOCS, ROOT, codes, table

TEXT = (DOCS / "security.md").read_text()
# How many requirements of level 1 or 2 the sections of each chapter have: 2.3 has four, 3.1 none.
SECTIONS = {
    1: (2, 9, 11, 3, 2),
    2: (3, 3, 4, 1),
    3: (0, 2, 4, 6, 5, 0, 2),
    4: (3, 1, 2, 4),
    5: (1, 3, 2, 3),
    6: (3, 12, 4, 4, 5, 3, 0, 4),
    7: (3, 4, 2, 5, 2, 2),
    8: (2, 3, 1, 1),
    9: (3, 4),
    10: (2, 2, 4, 11, 5, 2, 3),
    11: (2, 3, 3, 4, 1, 1),
    12: (3, 2, 4),
    13: (1, 5, 2, 5),
    14: (2, 4, 3),
    15: (3, 3, 7),
    16: (1, 5, 4, 3, 3),
    17: (1, 4, 2),
}
REQUIREMENTS = {
    f"{chapter}.{section}.{n}"
    for chapter, sizes in SECTIONS.items()
    for section, size in enumerate(sizes, 1)
    for n in range(1, size + 1)
}
CHAPTERS = re.split(r"^### V\d+ .*$", TEXT, flags=re.MULTILINE)[1:]
ROWS = [row for chapter in CHAPTERS for row in table(chapter, "requirement")]


def named(cell: str) -> Iterator[str]:
    """The requirements of a cell, which may hold ranges."""
    for part in cell.split(", "):
        first, _, last = part.partition("–")
        section, _, begin = first.rpartition(".")
        yield from (f"{section}.{n}" for n in range(int(begin), int((last or first).rpartition(".")[2]) + 1))


def test_each_requirement_has_its_place() -> None:
    found = [requirement for row in ROWS for requirement in named(row[0])]
    assert len(REQUIREMENTS) == 253
    assert sorted(found) == sorted(REQUIREMENTS)
    assert len(CHAPTERS) == len(SECTIONS)
    for chapter, rows in enumerate((table(text, "requirement") for text in CHAPTERS), 1):
        assert all(row[0].startswith(f"{chapter}.") for row in rows)


def test_each_is_met_or_says_why_not() -> None:
    for requirement, _asked, state, held in ROWS:
        assert state in ("met", "yours", "none", "open"), requirement
        assert state == "none" or held, requirement


def test_what_holds_them_is_there() -> None:
    variables = {name for row in table(ADMINISTRATORS, "variable") for name in codes(row[0])}
    for requirement, *_rest, held in ROWS:
        for code in codes(held):
            if re.fullmatch(r"[\w.-]+(/[\w.-]+)+", code) and not code.startswith(("/", "signalbox.env")):
                assert (ROOT / code).exists() or code.endswith(".env"), (requirement, code)
            elif re.fullmatch(r"[A-Z][A-Z_]+", code):
                assert code in variables, (requirement, code)
