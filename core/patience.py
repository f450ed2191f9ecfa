"""For how long a statement waits for a row, and lasts: no row stops everybody, and no statement for ever."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

# What takes messages although it is a command. What people start (migrations, imports, backups) takes as long as it
# takes.
TAKES_MESSAGES = ("ocpp_spool", "mqtt_consumer", "take_bounce")
# Workers have more time than those for whom somebody waits.
WORKERS_TIMES = 10


def is_worker(argv: Sequence[str]) -> bool:
    return "celery" in Path(argv[0]).parts[-2:]


def limits(argv: Sequence[str], *, lock_s: int, statement_s: int) -> dict[str, Any]:
    """The options of PostgreSQL's connections that a process with this command line has; 0 is no limit."""
    is_by_hand = Path(argv[0]).name == "manage.py" and not set(argv[1:2]) & set(TAKES_MESSAGES)
    times = WORKERS_TIMES if is_worker(argv) else 1
    seconds = {"lock_timeout": lock_s * times, "statement_timeout": statement_s * times}
    words = [f"-c {name}={value}s" for name, value in seconds.items() if value and not is_by_hand]
    return {"options": " ".join(words)} if words else {}
