"""`make lint`'s step "security": bandit's findings in what is installed, but for lines that say to ruff why not.

The numbers of both are the same (B608 is ruff's S608), so that one reason at the line serves both.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.template import APPS, ROOT

# An assert states an invariant, and processes are started by the demo and by us alone: ruff is told the same.
SKIPPED = ("B101", "B404", "B603", "B607")
# What ruff knows under another number.
ALIKE = {"B703": "S308"}


def excused(finding: dict[str, Any]) -> bool:
    lines = (ROOT / finding["filename"]).read_text().splitlines()
    if finding["issue_text"].endswith("password: ''"):
        return True  # none is no password
    number = ALIKE.get(finding["test_id"], finding["test_id"].replace("B", "S"))
    # A statement's mark stands at its end.
    end = max(finding["line_range"])
    said = " ".join(lines[finding["line_number"] - 1 : end + 1])
    return bool(re.search(rf"# noqa: [A-Z0-9, ]*\b{number}\b", said))


def main() -> int:
    command = [
        sys.executable,
        "-m",
        "bandit",
        "--quiet",
        "--format",
        "json",
        "--skip",
        ",".join(SKIPPED),
        "--recursive",
    ]
    folders = [*APPS, "config", "manage.py"]
    done = subprocess.run([*command, *folders], cwd=ROOT, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    if report["errors"] or not report["metrics"]["_totals"]["loc"]:
        print(done.stdout[-2000:], done.stderr[-2000:])
        return 1
    left = [finding for finding in report["results"] if not excused(finding)]
    for finding in left:
        path = Path(finding["filename"])
        print(f"{path}:{finding['line_number']}: {finding['test_id']} {finding['issue_text']}")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
