"""The proxy's routes: they follow the database, and go on without it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import OperationalError
from django.utils import timezone

from core.encryption import unsealed
from infra_notifications.models import OcppRoute
from infra_notifications.proxy.route_table import Routing, RoutingReader, StoredRoutes
from infra_notifications.proxy.routes import Route
from infra_notifications.services.ocpp_routes import move_stations
from tests.waiting import wait_until

HERE = Route("berlin", "wss://csms.example/ocpp", id=1)
THERE = Route("other", "wss://other.example", register_unknown=True, enabled=False, id=2, evse_pattern="{station}")
ROUTING = Routing({"berlin": HERE, "other": THERE}, {"berlin": {"CP-2": "other"}})


def unreachable() -> Routing:
    raise OperationalError("connection refused")


@contextmanager
def running(copy: Path, read: Callable[[], Routing], wait_s: float = 3.0) -> Iterator[StoredRoutes]:
    table = StoredRoutes(copy, read=read, every_s=0.01)
    table.start(wait_s=wait_s)
    try:
        yield table
    finally:
        table.stop()


@pytest.mark.parametrize(
    ("slug", "identity", "found"),
    [
        ("berlin", "CP-1", HERE),
        ("Berlin", "CP-1", HERE),
        ("berlin", "CP-2", THERE),
        ("BERLIN", " cp-2", THERE),
        ("other", "CP-2", THERE),
        ("none", "CP-1", None),
        ("", "", None),
    ],
)
def test_a_station_finds_its_route_or_the_one_it_was_moved_to(slug: str, identity: str, found: Route | None) -> None:
    assert ROUTING.find(slug, identity) == found


def test_a_copy_says_all_that_the_table_says() -> None:
    assert Routing.from_json(ROUTING.to_json()) == ROUTING


def test_the_proxy_starts_and_goes_on_without_a_database(tmp_path: Path) -> None:
    copy = tmp_path / "routes.json"
    with running(copy, lambda: ROUTING) as table:
        wait_until(copy.exists)
        assert table.find("berlin", "CP-2") == THERE
    with running(copy, unreachable, wait_s=0.05) as table:
        assert table.find("berlin", "CP-2") == THERE
        assert table.find("none", "CP-2") is None


def test_a_proxy_that_never_read_its_routes_asks_stations_to_come_back(tmp_path: Path) -> None:
    with running(tmp_path / "routes.json", unreachable, wait_s=0.05) as table:
        found = table.find("berlin", "CP-1")
    assert found is not None
    assert not found.enabled


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[]", b"null", b'{"format": 1}', b'{"format": 0}', b"\xff" * 100])
def test_a_copy_that_is_none_is_passed_over(rubbish: bytes, tmp_path: Path) -> None:
    copy = tmp_path / "routes.json"
    copy.write_bytes(rubbish)
    with running(copy, lambda: ROUTING) as table:
        assert table.find("berlin", "CP-1") == HERE
        wait_until(lambda: copy.read_bytes() != rubbish)
    assert unsealed(copy.read_bytes()) == ROUTING.to_json()


def test_a_copy_of_which_a_part_is_missing_is_passed_over() -> None:
    whole = ROUTING.to_json()
    for size in range(len(whole)):
        with pytest.raises(ValueError, match="no copy of routes"):
            Routing.from_json(whole[:size])


def test_a_disk_that_takes_nothing_stops_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    with running(blocked / "routes.json", lambda: ROUTING) as table:
        assert table.find("berlin", "CP-1") == HERE


def test_only_its_owner_reads_the_copy(tmp_path: Path) -> None:
    copy = tmp_path / "new" / "routes.json"
    with running(copy, lambda: ROUTING):
        wait_until(copy.exists)
    assert os.stat(copy).st_mode & 0o077 == 0
    assert list(copy.parent.iterdir()) == [copy]
    assert json.loads(unsealed(copy.read_bytes()))["moves"] == {"berlin": {"CP-2": "other"}}


def test_it_follows_the_database(committed: None, tmp_path: Path) -> None:
    berlin = OcppRoute.objects.create(slug="berlin", upstream="wss://csms.example/ocpp")
    other = OcppRoute.objects.create(slug="other", upstream="wss://other.example", register_unknown=True)
    with running(tmp_path / "routes.json", RoutingReader()) as table:

        def leads_to(identity: str) -> str:
            found = table.find("berlin", identity)
            return found.upstream if found is not None and found.enabled else ""

        wait_until(lambda: leads_to("CP-1") == "wss://csms.example/ocpp")
        move_stations(route=berlin, stations=["cp-1"], target=other, now=timezone.now())
        wait_until(lambda: leads_to("CP-1") == "wss://other.example")
        assert leads_to("CP-3") == "wss://csms.example/ocpp"
        move_stations(route=berlin, stations=["CP-1"], target=berlin, now=timezone.now())
        wait_until(lambda: leads_to("CP-1") == "wss://csms.example/ocpp")
        OcppRoute.objects.filter(pk=berlin.pk).update(upstream="wss://new.example")
        wait_until(lambda: leads_to("CP-1") == "wss://new.example")
        OcppRoute.objects.filter(pk=berlin.pk).update(enabled=False)
        wait_until(lambda: leads_to("CP-1") == "")
        berlin.delete()
        wait_until(lambda: table.find("berlin", "CP-1") is None)
