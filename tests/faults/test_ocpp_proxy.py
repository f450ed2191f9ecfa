"""The OCPP proxy while PostgreSQL is away, its disk is full, or the CSMS is slow: not one byte between station and CSMS
is changed, doubled or dropped, and what was heard is taken in afterwards, once and in order.

Beside it stand the faults of a peer alone (`tests/infra_notifications/proxy/test_faults.py`): floods, half-open
sockets, processes that are killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from config.demo.postgres import Postgres
from tests.faults.plant import kill_postgres, restart_postgres
from tests.infra_notifications.helpers import fault, fine
from tests.infra_notifications.proxy.peers import Csms, Proxy, Station, Visit, csms, play
from tests.infra_notifications.proxy.test_faults import full_disk
from tests.infra_notifications.proxy.test_frames import frame
from tests.infra_notifications.proxy.test_heard import connected, ids_of, open_faults, postgres, until

__all__ = ("full_disk", "postgres")
pytestmark = [pytest.mark.processes, pytest.mark.faults]
MESSAGES, LARGE = 400, 1024 * 1024
# So long is PostgreSQL away (`AWAY_S=300 make test-faults ARGS=tests/faults/test_ocpp_proxy.py`); longer is only more
# of the same spool, which is bounded by its size.
AWAY_S = float(os.environ.get("AWAY_S", "6"))
TEXT, BINARY, CONTINUATION, PING = 1, 2, 0, 9


def odd(chance: random.Random, frame: Callable[..., bytes] = frame) -> bytes:
    """Something that a station or a CSMS may send and nobody can read, or that is large, in pieces, or a ping."""
    match chance.randrange(6):
        case 0:
            return frame(TEXT, chance.randbytes(chance.randrange(300)))
        case 1:
            return frame(BINARY, chance.randbytes(chance.randrange(5_000)))
        case 2:
            return frame(TEXT, b'[2,"x","StatusNotification",' + b"[" * chance.randrange(2_000))
        case 3:
            parts = [chance.randbytes(200) for _ in range(3)]
            whole = frame(TEXT, parts[0], fin=False) + frame(CONTINUATION, parts[1], fin=False)
            return whole + frame(PING, b"?") + frame(CONTINUATION, parts[2])
        case 4:
            return frame(PING, chance.randbytes(chance.randrange(125)))
    return frame(TEXT, json.dumps([3, "none", {"currentTime": None}]).encode())


def story(chance: random.Random) -> list[bytes]:
    """What a station says: a count of statuses, and between them what is odd; twice something of 1 MiB."""
    said: list[bytes] = []
    for number in range(MESSAGES):
        call = [2, str(number), "StatusNotification", fine(info=str(number))]
        said.append(frame(TEXT, json.dumps(call).encode()))
        if number % 4 == 0:
            said.append(odd(chance))
        if number in (MESSAGES // 3, MESSAGES // 2):
            large = [2, f"large-{number}", "DataTransfer", {"vendorId": "x", "data": "y" * LARGE}]
            said.append(frame(TEXT, json.dumps(large).encode()))
    return [*said, frame(TEXT, json.dumps([2, "last", "StatusNotification", fault()]).encode())]


async def speak(peer: Station | Visit, said: list[bytes], seconds: float) -> None:
    for part in said:
        peer.writer.write(part)
        await peer.writer.drain()
        await asyncio.sleep(seconds / len(said))


async def listen(peer: Station | Visit, size: int, *, slowly: bool) -> bytes:
    heard = bytearray()
    while len(heard) < size:
        part = await asyncio.wait_for(peer.reader.read(32 * 1024 if slowly else 1 << 20), 50)
        assert part, "the connection was closed"
        heard += part
        await asyncio.sleep(0.04 if slowly else 0)
    return bytes(heard)


async def converse(peer: Station, visit: Visit, *, slowly: bool) -> None:
    """Both sides speak at once, and each hears exactly what the other said."""
    chance = random.Random(15)
    up, down = story(chance), [odd(chance, partial(frame, masked=False)) for _ in range(MESSAGES)]
    _said, _answered, heard, got = await asyncio.gather(
        speak(peer, up, AWAY_S),
        speak(visit, down, AWAY_S),
        listen(visit, len(b"".join(up)), slowly=slowly),
        listen(peer, len(b"".join(down)), slowly=False),
    )
    assert heard == b"".join(up)
    assert got == b"".join(down)


def in_spool(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.seg")) if folder.is_dir() else 0


@pytest.mark.parametrize("trouble", ["only the database", "a full disk, too", "a slow CSMS, too"])
def test_while_postgres_is_away_nothing_is_changed_and_nothing_lost(
    trouble: str, postgres: Postgres, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    disk: Path = request.getfixturevalue("full_disk") if trouble == "a full disk, too" else tmp_path
    names = {"only the database": "CP-1", "a full disk, too": "CP-2", "a slow CSMS, too": "CP-3"}
    name, spool = names[trouble], disk / "spool"

    async def scene() -> None:
        async with csms() as system:
            env = {"DATABASE_URL": postgres.url(), "OCPP_SPOOL_DIR": str(spool), "VAR_DIR": str(disk)}
            proxy = Proxy(tmp_path, [f"site={system.url}"], **env, METRICS_DIR="")
            await asyncio.to_thread(proxy.start)
            try:
                await without_database(system, proxy)
            finally:
                print(proxy.log()[-6000:])
                await asyncio.to_thread(proxy.stop)

    async def without_database(system: Csms, proxy: Proxy) -> None:
        async with connected(system, proxy, name) as (peer, visit):
            await asyncio.to_thread(kill_postgres, postgres)
            await converse(peer, visit, slowly=trouble == "a slow CSMS, too")
            if disk is tmp_path:
                assert in_spool(spool) > 10_000  # it waits there, as in an installation
            await asyncio.to_thread(restart_postgres, postgres)
            began = time.monotonic()
            await until(lambda: name in open_faults(postgres))
            assert ids_of(postgres, name) == list(range(MESSAGES))
            assert time.monotonic() - began < 40

    play(scene(), longer_s=AWAY_S)
