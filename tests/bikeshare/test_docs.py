"""The table of topics in docs/bikeshare.md is that of the code.

`python -m tests.bikeshare.test_docs` writes it anew.
"""

from __future__ import annotations

import re

import msgspec

from tests.live import ROOT

DOCS = ROOT / "docs" / "bikeshare.md"
TABLE = re.compile(r"(<!-- topics:[^>]*-->\n)(.*?)(<!-- /topics -->)", re.DOTALL)


def table() -> str:
    """One line for each topic: name, description of the seed, exact cause, fields beside the object."""
    from bikeshare.event_kinds import TOPICS
    from bikeshare.event_kinds.payloads import Told

    common = {*Told.__struct_fields__}
    lines = ["| topic | when | exactly | besides the object |", "|---|---|---|---|"]
    for topic in TOPICS:
        more = [f"`{name}`" for name in msgspec.to_builtins(topic.example) if name not in common]
        lines.append(f"| `{topic.key}` | {topic.description} | {topic.cause} | {', '.join(more)} |")
    return "\n".join(lines) + "\n"


def test_the_table_of_topics_is_that_of_the_code() -> None:
    found = TABLE.search(DOCS.read_text())
    assert found is not None
    assert found.group(2) == table(), "write it anew: python -m tests.bikeshare.test_docs"


if __name__ == "__main__":
    import django

    import tests.engines  # noqa: F401 - the environment that the settings ask for

    django.setup()
    DOCS.write_text(TABLE.sub(lambda found: found.group(1) + table() + found.group(3), DOCS.read_text()))
