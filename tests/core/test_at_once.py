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
from core.models import ApiKey, ApiReceipt
from core.receipts import Receipt, digest_of_content, scope_of, write_receipts
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
        scopes = [scope_of(1, "messages", "S", name) for name in given]
        new = write_receipts([Receipt(scope, digest_of_content(1), now) for scope in scopes], now)
        return [scope in new for scope in scopes]

    combiner = Combiner[str, bool](write)

    def send(name: str) -> tuple[bool, bool]:
        try:
            return combiner.submit(name), ApiReceipt.objects.filter(scope=scope_of(1, "messages", "S", name)).exists()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, [f"m{n}" for n in range(64)])) == {(True, True)}
