"""The table of the 38 in docs/vehicles.md is the catalogue's, word for word; printing `table()` makes it anew."""

from __future__ import annotations

from pathlib import Path

from vehicles.catalogue import TYPES, NotificationType
from vehicles.forms import threshold_text
from vehicles.ingest import FACT_TYPES

DOCS = Path(__file__).resolve().parents[2] / "docs" / "vehicles.md"
HEAD = (
    "| # | notification | channels | severity | category | kind | comes about | one | ends | numbers |",
    "|--|--|--|--|--|--|--|--|--|--|",
)


def numbers(entry: NotificationType) -> str:
    """What an operator may change, and what follows from the catalogue: cooldown, reminder, rank among causes."""
    found = [f"{name} {threshold_text(value)}" for name, value in entry.thresholds.items()]
    found += [f"cooldown {entry.cooldown_h:g} h"] if entry.cooldown_h else []
    found += [f"reminder {entry.reminder_h:g} h"] if entry.reminder_h else []
    found += [f"cause {entry.rank}"] if entry.rank else []
    found += ["once"] if entry.once else []
    found += ["consent"] if entry.needs_consent else []
    return "; ".join(found)


def row(number: int, entry: NotificationType) -> str:
    ways = ", ".join(channel.value for channel in entry.ways)
    one = str(entry.key).removeprefix("one ")
    cells = (
        str(number),
        entry.name,
        ways,
        entry.severity.value,
        entry.category.value,
        entry.kind.value,
        entry.trigger,
        one,
        entry.clear,
        numbers(entry),
    )
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table() -> str:
    return "\n".join([*HEAD, *(row(number, entry) for number, entry in enumerate(TYPES.values(), 1))])


def test_the_documentation_lists_the_38_as_they_are() -> None:
    assert table() in DOCS.read_text()


def test_the_documentation_names_every_type_of_fact() -> None:
    text = DOCS.read_text()
    assert [name for name in FACT_TYPES if f"`{name}`" not in text] == []
