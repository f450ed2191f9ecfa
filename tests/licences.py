"""`make sbom`: the licences of what an installation is made of, as a table, from its bill of materials.

Fails where a package names none, or one that asks more of us than Apache-2.0 gives.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

# Each of them lets a work under Apache-2.0 use the package as it is.
FINE = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Python-2|Zlib|Unlicense|0BSD|LGPL|MPL|EPL|Public Domain|CC0|ZPL|HPND|CNRI|Historical",
    re.IGNORECASE,
)
# Whose metadata names none; it is in a file of the package.
IN_A_FILE = {"python-crontab": "LGPLv3"}


def licences(component: dict[str, Any]) -> str:
    """What a package says of its licence, in the words of its metadata."""
    named = [
        entry.get("expression") or entry.get("license", {}).get("id") or entry.get("license", {}).get("name", "")
        for entry in component.get("licenses", [])
    ]
    named = named or [IN_A_FILE.get(component["name"], "")]
    return "; ".join(sorted({name.removeprefix("License :: OSI Approved :: ") for name in named if name}))


def table(bill: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The rows, and the packages whose licence is none of those that are fine."""
    rows, odd = ["| package | version | licence |", "|---|---|---|"], []
    for component in sorted(bill["components"], key=lambda each: each["name"].lower()):
        said = licences(component)
        rows.append(f"| {component['name']} | {component['version']} | {said} |")
        if not FINE.search(said):
            odd.append(f"{component['name']}: {said or 'none named'}")
    return rows, odd


def main(bill: str, into: str) -> int:
    rows, odd = table(json.loads(Path(bill).read_text()))
    Path(into).write_text("\n".join(rows) + "\n")
    if odd:
        print("Look at these licences before they are installed anywhere:", *odd, sep="\n  ")
    return 1 if odd else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
