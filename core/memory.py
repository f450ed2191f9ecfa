"""A process may grow only so far: what asks for more fails by itself, and the process lives on.

Without it one request can take all the memory of a machine, and the system then ends whatever process it likes
(docs/decisions/0040-memory-of-a-request.md).
"""

from __future__ import annotations

import gc
import resource
import traceback
from pathlib import Path

from django.db import DatabaseError

MIB = 1024 * 1024


def is_short_of_memory(error: BaseException) -> bool:
    """Whether there was no memory for Python, for the driver of the database, or for the database itself."""
    return isinstance(error, MemoryError) or (isinstance(error, DatabaseError) and "out of memory" in str(error))


def let_go(error: BaseException) -> None:
    """Frees what was held where the memory ended: the error itself would keep it until nobody remembers that."""
    known: set[int] = set()
    while error is not None and id(error) not in known:
        known.add(id(error))
        traceback.clear_frames(error.__traceback__)
        error = error.__context__  # type: ignore[assignment]
    gc.collect()


def limit_growth(mib: int) -> int:
    """Lets this process take so much more than it has now, what it writes to and no files that it maps; returns the
    limit in bytes, 0 where there is none. What asks for more meets MemoryError."""
    if mib <= 0:
        return 0
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[5])
    except (OSError, ValueError, IndexError):  # not Linux
        return 0
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = pages * resource.getpagesize() + mib * MIB
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    if soft != resource.RLIM_INFINITY:
        limit = min(limit, soft)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    return limit
