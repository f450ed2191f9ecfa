"""People and requests at the same moment: real threads on real connections."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connections
from django.test import Client

from core.combine import Combiner
from core.ingest import write_receipts
from core.models import ApiKey, ApiReceipt
from tests.core.test_api_keys import NEW, form

pytestmark = pytest.mark.usefixtures("committed")


def test_of_two_with_the_same_name_at_once_one_is_told(administrator: Client) -> None:
    clients = [administrator, Client()]
    clients[1].cookies = administrator.cookies
    pages: list[str] = []
    start = threading.Barrier(2)

    def post(client: Client) -> None:
        start.wait()
        pages.append(client.post(NEW, form()).content.decode())
        connections.close_all()

    threads = [threading.Thread(target=post, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted("plain-key" in page for page in pages) == [False, True]
    assert ApiKey.objects.count() == 1


def test_an_answer_comes_after_the_commit() -> None:
    now = datetime.now(UTC)

    def write(given: Sequence[str]) -> list[bool]:
        new = write_receipts([(1, name) for name in given], now)
        return [(1, name) in new for name in given]

    combiner = Combiner[str, bool](write)

    def send(name: str) -> tuple[bool, bool]:
        try:
            return combiner.submit(name), ApiReceipt.objects.filter(external_id=name).exists()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, [f"m{n}" for n in range(64)])) == {(True, True)}
