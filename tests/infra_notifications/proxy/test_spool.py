"""The buffer on disk: in order, bounded, whole or known to be damaged, whatever happens to its files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra_notifications.proxy.journal import Half, Journal
from infra_notifications.proxy.reader import FolderReader, journal_of
from infra_notifications.proxy.records import Rank, Record, encode, records_in
from infra_notifications.proxy.spool import BELONGS_TO, Spool, folders_in, is_alive, segments_of, sweep
from infra_notifications.rules.frames import HeardMessage

MANY = 1 << 30


def record(number: int, rank: int = Rank.STATE, route: str = "main") -> tuple[Record, bytes]:
    message = HeardMessage(id=f"link-{number}", station="CP-1", action="Heartbeat", payload={"n": number})
    made = Record(number, rank, route, message)
    return made, encode(made)


def numbers(reader: FolderReader, most: int = 10_000) -> list[int]:
    return [one.number for one in reader.take(most)]


def bytes_in(base: Path) -> int:
    """How much waits to be taken in."""
    return sum(segment.size for folder in folders_in(base) for segment in segments_of(folder))


def test_what_is_written_is_read_in_order_across_ranks(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "p1", MANY)
    for start in range(0, 100, 10):
        spool.append([record(n, n % 4) for n in range(start, start + 10)])
    reader = FolderReader(tmp_path / "p1")
    assert numbers(reader, 30) == list(range(30))
    assert numbers(reader, 30) == list(range(30)), "what was not said to be done is handed out once more"
    reader.done()
    assert numbers(FolderReader(tmp_path / "p1")) == list(range(30, 100))


def test_a_reader_goes_on_where_the_writer_does(tmp_path: Path) -> None:
    spool, reader = Spool(tmp_path, "p1", MANY), FolderReader(tmp_path / "p1")
    for n in range(20):
        spool.append([record(n)])
        assert numbers(reader) == [n]
        reader.done()
    assert numbers(reader) == []


def test_segments_that_were_taken_go(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "p1", 1 << 20)
    for n in range(2_000):
        spool.append([record(n)])
    assert len(segments_of(tmp_path / "p1")) > 3
    reader, taken = FolderReader(tmp_path / "p1"), list[int]()
    while found := numbers(reader, 700):
        taken += found
        reader.done()
    assert taken == list(range(2_000))
    assert len(segments_of(tmp_path / "p1")) == 1


def test_when_it_is_full_heartbeats_go_first_and_faults_last(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "p1", 256 * 1024)
    for n in range(4_000):
        spool.append([record(n, Rank.FAULT if n % 10 == 0 else Rank.LIFE)])
    assert bytes_in(tmp_path) <= 256 * 1024 + spool.segment_bytes
    left = FolderReader(tmp_path / "p1").take(10_000)
    faults = [one.number for one in left if one.rank == Rank.FAULT]
    assert faults == list(range(0, 4_000, 10))
    lives = [one.number for one in left if one.rank == Rank.LIFE]
    assert lives == sorted(lives)
    assert lives[-1] == 3_999
    assert spool.evicted["main"] == 4_000 - len(left)


def test_faults_alone_are_bounded_too(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "p1", 128 * 1024)
    for n in range(3_000):
        spool.append([record(n, Rank.FAULT)])
    left = numbers(FolderReader(tmp_path / "p1"))
    assert left == list(range(3_000 - len(left), 3_000))
    assert bytes_in(tmp_path) <= 128 * 1024 + spool.segment_bytes


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    spool = Spool(tmp_path, "p1", MANY)
    spool.append([record(n) for n in range(4)])
    spool.close()
    (segment,) = segments_of(tmp_path / "p1")
    return segment.path.read_bytes()


def test_a_crash_at_any_byte_leaves_all_that_was_whole(whole: bytes) -> None:
    ends = [found.end for found in records_in(whole)]
    for cut in range(len(whole) + 1):
        found = [one.record.number for one in records_in(whole[:cut])]
        assert found == list(range(sum(end <= cut for end in ends))), cut


def test_a_damaged_byte_costs_its_own_record(whole: bytes) -> None:
    ends = [0, *(found.end for found in records_in(whole))]
    for place in range(len(whole)):
        spoilt = bytearray(whole)
        spoilt[place] ^= 0xFF
        hit = next(n for n in range(4) if ends[n] <= place < ends[n + 1])
        found = list(records_in(bytes(spoilt)))
        assert [one.record.number for one in found] == [n for n in range(4) if n != hit], place
        assert sum(one.damaged for one in found) == (ends[hit + 1] - ends[hit] if hit < 3 else 0)


@settings(max_examples=200)
@given(st.binary(max_size=300), st.integers(0, 4))
def test_garbage_anywhere_is_passed_over(whole: bytes, garbage: bytes, where: int) -> None:
    ends = [0, *(found.end for found in records_in(whole))]
    data = whole[: ends[where]] + garbage + whole[ends[where] :]
    assert [one.record.number for one in records_in(data)] == [0, 1, 2, 3]


def test_a_torn_end_is_waited_for_and_then_passed_over(tmp_path: Path) -> None:
    spool, reader = Spool(tmp_path, "p1", MANY), FolderReader(tmp_path / "p1")
    spool.append([record(0), record(1)])
    (segment,) = segments_of(tmp_path / "p1")
    os.truncate(segment.path, segment.size - 3)
    assert numbers(reader) == [0]
    reader.done()
    spool.close()
    again = Spool(tmp_path, "p1", MANY)
    again.append([record(2)])
    assert numbers(reader) == [2]


def test_a_process_is_alive_while_it_holds_its_folder(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "p1", MANY)
    spool.append([record(0)])
    assert is_alive(tmp_path / "p1")
    spool.close()
    assert not is_alive(tmp_path / "p1")


_FILL = """
import resource, signal, sys
from pathlib import Path
from infra_notifications.proxy.spool import BELONGS_TO, Spool, sweep
from tests.infra_notifications.proxy.test_spool import record
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
spool = Spool(Path(sys.argv[1]), "p1", 1 << 30)
failed = 0
for n in range(100):
    try:
        spool.append([record(n)])
    except OSError:
        failed += 1
        spool.append([record(n)])
print(failed)
"""


def test_a_write_that_fails_halfway_spoils_nothing_that_follows(tmp_path: Path) -> None:
    """A file that may not grow is what a full disk is: the write that meets it is cut short."""
    environment = os.environ | {"PYTHONPATH": os.getcwd(), "DJANGO_SETTINGS_MODULE": "config.settings"}
    script = "import django; django.setup()\n" + _FILL
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 1
    assert sorted(set(numbers(FolderReader(tmp_path / "p1")))) == list(range(100))


# ---- the journal ----------------------------------------------------------------------------------------------------


def test_what_was_not_written_yet_outlives_the_process(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for n in range(3):
        journal.active.put(record(n)[1])
    half = journal.swap()
    journal.active.put(record(3)[1])
    assert [one.number for one in journal_of(tmp_path)] == [0, 1, 2, 3]
    half.empty()
    assert [one.number for one in journal_of(tmp_path)] == [3]
    journal.close()
    assert journal_of(tmp_path) == []


def test_a_journal_without_room_or_folder_takes_nothing(tmp_path: Path) -> None:
    small = Half(tmp_path / "a.journal", size=200)
    assert small.put(b"x" * 150)
    assert not small.put(b"x" * 100)
    assert not Half(None).put(b"x")
    assert not Half(Path("/proc/none/a.journal")).put(b"x")


def test_what_a_proxy_left_in_memory_goes_with_its_spool(tmp_path: Path) -> None:
    """A spool that is there may be taken in yet, and who lives or left no word is left alone."""

    def left(name: str, belongs_to: str | None) -> Path:
        folder = tmp_path / name / "process"
        folder.mkdir(parents=True)
        if belongs_to is not None:
            (folder / BELONGS_TO).write_text(belongs_to)
        return folder.parent

    (tmp_path / "spool").mkdir()
    gone, there = left("gone", str(tmp_path / "no-spool")), left("there", str(tmp_path / "spool"))
    unsaid, empty = left("unsaid", None), tmp_path / "empty"
    empty.mkdir()
    alive = Spool(tmp_path / "alive", "process", 1 << 20)
    alive.open()
    (alive.own / BELONGS_TO).write_text(str(tmp_path / "no-spool"))
    bases = [gone, there, unsaid, empty, alive.folder]
    sweep(bases)
    assert [base.exists() for base in bases] == [False, True, True, False, True]
    alive.close()
    sweep(bases[4:])
    assert not alive.folder.exists()
