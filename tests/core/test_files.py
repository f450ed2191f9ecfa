"""Files are there whole or not at all, whoever looks and whenever."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from core import files

OLD, NEW = b"old" * 1_000_000, b"new!" * 1_000_000


def test_who_reads_finds_the_old_or_the_new_one(tmp_path: Path) -> None:
    path, seen = tmp_path / "mail.eml", set()
    files.put(path, OLD)
    done = threading.Event()

    def write() -> None:
        for turn in range(20):
            files.put(path, (NEW, OLD)[turn % 2], synced=turn == 0)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        seen.add(path.read_bytes())
    writer.join()
    assert seen <= {OLD, NEW}
    assert path.read_bytes() == OLD
    assert [each.name for each in tmp_path.iterdir()] == ["mail.eml"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    files.put(tmp_path / "there", "as it was")
    (tmp_path / "taken").mkdir()
    for path in (tmp_path / "no folder" / "x", tmp_path / "taken"):
        with pytest.raises((FileNotFoundError, IsADirectoryError)):
            files.put(path, "new")
    assert (tmp_path / "there").read_text() == "as it was"
