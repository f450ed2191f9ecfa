"""The table of topics and the examples of objects in docs/bikeshare.md are those of the code.

`python -m tests.bikeshare.test_docs` writes them anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.live import ROOT

DOCS = ROOT / "docs" / "bikeshare.md"
# Of an object in the table only this is shown; all of it stands below.
SHOWN = ("object", "status", "version")


def table() -> str:
    """One line for each topic: name, description of the seed, exact cause, example."""
    from bikeshare.event_kinds import TOPICS

    lines = ["| topic | when | exactly | example |", "|---|---|---|---|"]
    lines += [
        f"| `{t.key}` | {t.description} | {t.cause} | `{_short(msgspec.to_builtins(t.example))}` |" for t in TOPICS
    ]
    return "\n".join(lines) + "\n"


def _short(payload: dict[str, Any]) -> str:
    """An example on one line; of the objects in it what a reader looks for."""

    def cut(value: Any) -> Any:
        if isinstance(value, dict) and "object" in value:
            return {name: value[name] for name in SHOWN if name in value} | {"…": "…"}
        return value

    text = json.dumps({name: cut(value) for name, value in payload.items()}, ensure_ascii=False)
    return text.replace('"…": "…"', "…")


def objects() -> str:
    """One example of each object, as it stands in every event about it."""
    from bikeshare.event_kinds import examples as ex

    every = (
        ex.ABONNEMENT,
        ex.BOITIER,
        ex.CYCLIST,
        ex.DOCK,
        ex.PASS,
        ex.REGISTRATION,
        ex.STATION,
        ex.TRIP,
        ex.REQUEST,
        ex.VEHICULE,
        ex.ZONE,
    )
    lines = [json.dumps(msgspec.to_builtins(one), ensure_ascii=False) for one in every]
    return "```json\n" + "\n".join(lines) + "\n```\n"


PARTS: dict[str, Callable[[], str]] = {"topics": table, "objects": objects}


def part(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {name}:[^>]*-->\n)(.*?)(<!-- /{name} -->)", re.DOTALL)


@pytest.mark.parametrize("name", PARTS)
def test_what_the_docs_say_is_that_of_the_code(name: str) -> None:
    found = part(name).search(DOCS.read_text())
    assert found is not None
    assert found.group(2) == PARTS[name](), "write it anew: python -m tests.bikeshare.test_docs"


def test_the_table_has_a_line_with_cause_and_example_for_each_topic() -> None:
    lines = [line.strip("| ").split(" | ") for line in table().splitlines()[2:]]
    assert lines
    for topic, when, exactly, example in lines:
        assert topic.strip("`").removeprefix("x.").partition(".")[0] in example
        assert when.startswith("Occurs ")
        assert exactly.endswith(".")


def test_each_of_the_thirteen_cases_of_zones_is_decided_and_tested() -> None:
    decided = re.findall(r"^\| (\d+) \| .+ \| .+ \|$", DOCS.read_text(), re.MULTILINE)
    assert [int(number) for number in decided] == list(range(1, 14))
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "bikeshare").glob("test_*.py"))
    assert {int(number) for number in re.findall(r"^def test_case_(\d+)_", tests, re.MULTILINE)} == set(range(1, 14))


if __name__ == "__main__":
    import django

    import tests.engines  # noqa: F401 - the environment that the settings ask for

    django.setup()
    text = DOCS.read_text()
    for name, write in PARTS.items():
        text = part(name).sub(lambda found, write=write: found.group(1) + write() + found.group(3), text)  # type: ignore[misc]
    DOCS.write_text(text)
