"""Files that others read while we write them, or after we were killed."""

from __future__ import annotations

import os
from pathlib import Path


def put(path: Path, content: str | bytes, *, synced: bool = False) -> None:
    """Puts a file in place whole: who reads `path` finds what was there before or all of this, never a part.

    `synced` waits until the disk has it, so that it outlives the machine's fall too. Only its owner can read it.
    Raises OSError; what was there before then stays.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with open(aside, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(content.encode() if isinstance(content, str) else content)
        if synced:
            file.flush()
            os.fsync(file.fileno())
    aside.replace(path)
