"""/metrics: who may read it, and that Prometheus understands it."""

from __future__ import annotations

import ipaddress
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families as parse
from pytest_django import Settings

from core import metrics
from core.services import show_life
from tests.factories.console import make_key
from tests.live import ROOT

pytestmark = pytest.mark.django_db


def scrape(peer: str = "127.0.0.1", **headers: str) -> Any:
    return Client(REMOTE_ADDR=peer).get("/metrics", headers=headers)


def samples(response: Any) -> dict[str, dict[tuple[str, ...], float]]:
    """The values by name, then by the values of the labels."""
    assert response.status_code == 200
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in parse(response.content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


# ---- who --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
def test_this_machine_may_read(peer: str) -> None:
    assert scrape(peer).status_code == 200


@pytest.mark.parametrize("peer", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "", "unix:"])
def test_others_may_not(peer: str) -> None:
    response = scrape(peer)
    assert response.status_code == 403
    assert b"METRICS_NETWORKS" in response.content


@pytest.mark.parametrize(
    ("peer", "status"),
    [("10.1.2.3", 200), ("::ffff:10.1.2.3", 200), ("2001:db8::5", 200), ("11.1.2.3", 403), ("2001:db9::5", 403)],
)
def test_named_networks_may(settings: Settings, peer: str, status: int) -> None:
    settings.METRICS_NETWORKS = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32")]
    assert scrape(peer).status_code == status


def test_what_a_proxy_on_this_machine_passes_on_comes_from_elsewhere(settings: Settings) -> None:
    forwarded = {"X-Forwarded-For": "192.0.2.1"}
    assert scrape(**forwarded).status_code == 403
    settings.TRUSTED_PROXIES = 1
    assert scrape(**forwarded).status_code == 403
    assert scrape(**{"X-Forwarded-For": "127.0.0.1"}).status_code == 200


def test_a_key_for_the_outbox_may_read_from_anywhere() -> None:
    key, plain = make_key("outbox:read", name="prometheus")
    assert scrape("192.0.2.1", Authorization=f"Bearer {plain}").status_code == 200
    key.refresh_from_db()
    assert key.last_used_at is not None


def test_another_key_may_not() -> None:
    _key, plain = make_key("charging:read", "outbox:write")
    for authorization in (f"Bearer {plain}", "Bearer x", "Basic x", f"Bearer {plain}x"):
        assert scrape("192.0.2.1", Authorization=authorization).status_code == 403


# ---- what -------------------------------------------------------------------------------------------------------


def test_it_is_in_the_text_format_and_kept_by_no_cache() -> None:
    response = scrape()
    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "no-store" in response["Cache-Control"]
    found = samples(response)
    assert found["signalbox_database_up"] == {(): 1.0}
    assert any(name.startswith("signalbox_http_request_seconds") for name in found)


def test_every_name_is_ours_and_explained() -> None:
    families = list(parse(scrape().content.decode()))
    assert {family.name.partition("_")[0] for family in families} == {"signalbox"}
    assert all(family.documentation for family in families)


def test_requests_are_counted_by_route_and_not_by_path(client: Client) -> None:
    def count(*labels: str) -> float:
        return samples(scrape()).get("signalbox_http_request_seconds_count", {}).get(labels, 0)

    labels = ("GET", "outbox/unsubscribe/<str:token>/", "4")
    before = count(*labels)
    for token in ("a", "b", "c"):
        client.get(f"/outbox/unsubscribe/{token}/")
    assert count(*labels) == before + 3
    unmatched = count("GET", "unmatched", "4")
    client.get("/one/")
    client.get("/two/")
    assert count("GET", "unmatched", "4") == unmatched + 2


def test_an_invented_method_is_no_series_of_its_own(client: Client) -> None:
    for method in ("BREW", "X" * 500):
        client.generic(method, "/healthz")
    methods = {labels[0] for labels in samples(scrape())["signalbox_http_request_seconds_count"]}
    assert methods <= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"}


def test_signs_of_life_are_levels() -> None:
    now = timezone.now()
    show_life(part="worker", now=now)
    assert samples(scrape())["signalbox_last_sign_of_life"][("worker",)] == pytest.approx(now.timestamp())


def test_levels_that_cannot_be_read_leave_the_counters_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise DatabaseError

    monkeypatch.setattr(metrics, "_levels", [away])
    found = samples(scrape())
    assert found["signalbox_database_up"] == {(): 0.0}
    assert "signalbox_http_request_seconds_count" in found


@pytest.mark.django_db
def test_only_parts_that_show_life_all_the_time_are_watched_for_it() -> None:
    """SignalboxPartSilent goes by their ages."""
    for part in ("worker", "commit", "home"):
        show_life(part=part, now=timezone.now())
    (family,) = metrics.life_levels()
    assert [sample.labels["part"] for sample in family.samples] == ["worker"]


def test_levels_register_once() -> None:
    with pytest.raises(ValueError, match="already"):
        metrics.register_levels(metrics.life_levels)


# ---- without place --------------------------------------------------------------------------------------------------


def test_numbers_have_all_the_place_that_they_seem_to_have(tmp_path: Path) -> None:
    """A full disk is met when the file is made or grows, not when a number is written, which would end the process."""
    numbers: Any = metrics.RoomyDict(str(tmp_path / "counter.db"))
    for number in range(8_000):
        numbers.write_value(f"name {number}", float(number), 0.0)
    kept = (tmp_path / "counter.db").stat()
    assert kept.st_blocks * 512 >= kept.st_size > 100_000
    numbers.close()
    again: Any = metrics.RoomyDict(str(tmp_path / "counter.db"))
    assert again.read_value("name 7999")[0] == 7999.0


def test_numbers_without_place_are_counted_in_memory_and_cost_nothing_else(tmp_path: Path) -> None:
    """In a process that may write files of 100,000 bytes at most, as on a disk that is full from then on."""
    script = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))\n"
        "numbers = RoomyDict(path)\n"
        "for n in range(8000): numbers.write_value(f'name {n}', float(n), 0.0)\n"
        "assert all(numbers.read_value(f'name {n}')[0] == n for n in range(8000))\n"
        "numbers.close()"
    )
    for limit in (100_000, 0):
        code = f"from core.metrics import RoomyDict; limit, path = {limit}, {str(tmp_path / str(limit))!r}\n{script}"
        django = "import django; django.setup()\n"
        done = subprocess.run([sys.executable, "-c", django + code], capture_output=True, text=True, cwd=ROOT)
        assert (done.returncode, done.stderr) == (0, "")
