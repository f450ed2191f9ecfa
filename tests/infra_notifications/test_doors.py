"""What `doctor` says of the OCPP proxy and the MQTT consumer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from core.health import run_checks
from core.models import SignOfLife
from core.services import end_life, show_life
from infra_notifications.choices import SourceKind
from infra_notifications.models import OcppRoute
from infra_notifications.models.sources import source_id
from infra_notifications.proxy.writer import Writer
from infra_notifications.services.doors import MQTT, PROXY, check_mqtt, check_proxy
from infra_notifications.services.sources import count_lost
from tests.infra_notifications.helpers import MINUTE, NOW
from tests.infra_notifications.proxy.test_listener import BOOT, Ear

pytestmark = pytest.mark.django_db


def test_a_proxy_is_missed_where_there_are_routes() -> None:
    assert check_proxy(NOW).ok
    OcppRoute.objects.create(slug="main", upstream="ws://csms")
    assert not check_proxy(NOW).ok
    show_life(part=PROXY, instance="a", now=NOW)
    show_life(part=PROXY, instance="b", now=NOW - 10 * MINUTE)
    assert check_proxy(NOW).ok
    late = check_proxy(NOW + 2 * MINUTE)
    assert (late.ok, late.age_s) == (False, 120)
    # Who ended in order is not missed, where no route is left.
    OcppRoute.objects.update(enabled=False)
    end_life(part=PROXY, instance="a")
    end_life(part=PROXY, instance="b")
    assert check_proxy(NOW).ok


def test_a_spool_that_fills_and_what_was_lost_are_findings(settings: Any) -> None:
    settings.OCPP_SPOOL_MAX_MB = 10
    show_life(part=PROXY, instance="a", now=NOW, detail={"waiting_bytes": 1_000_000})
    show_life(part=PROXY, instance="b", now=NOW, detail={"waiting_bytes": 2_000_000})
    finding = check_proxy(NOW)
    assert (finding.ok, "3.0 MB" in finding.text) == (True, True)
    show_life(part=PROXY, instance="b", now=NOW, detail={"waiting_bytes": 9_000_000})
    assert not check_proxy(NOW).ok
    show_life(part=PROXY, instance="b", now=NOW)
    count_lost(source=source_id(SourceKind.PROXY, 0), count=3, now=NOW)
    finding = check_proxy(NOW)
    assert (finding.ok, "3 records lost" in finding.text) == (False, True)
    show_life(part=PROXY, instance="b", now=NOW + 1_500 * MINUTE)
    assert check_proxy(NOW + 1_500 * MINUTE).ok


def test_a_writer_says_how_much_waits(tmp_path: Path) -> None:
    ear = Ear(tmp_path)
    ear.say(ear.connect(), 2, "1", "BootNotification", BOOT)
    ear.listener.save()
    writer = Writer([ear.spool, ear.memory], patience_s=0)
    writer.step()
    ear.say(ear.connect("CP-2"), 2, "1", "BootNotification", BOOT)
    ear.listener.save()
    writer.show_life()
    assert SignOfLife.objects.get().detail["waiting_bytes"] > 100
    writer.end_in_order()
    assert not SignOfLife.objects.exists()
    writer.close()


def test_a_consumer_is_missed_where_a_broker_is_named(settings: Any) -> None:
    settings.MQTT_URL = ""
    assert check_mqtt(NOW).ok
    settings.MQTT_URL = "mqtt://broker.example"
    assert not check_mqtt(NOW).ok
    show_life(part=MQTT, now=NOW, detail={"broker": "broker.example", "connected": True})
    assert check_mqtt(NOW).ok
    assert not check_mqtt(NOW + 2 * MINUTE).ok
    show_life(part=MQTT, now=NOW, detail={"broker": "broker.example", "connected": False})
    assert "broker.example" in check_mqtt(NOW).text


def test_every_door_is_looked_at(client: Client) -> None:
    names = {name for name, _finding in run_checks()}
    assert {"OCPP proxy", "MQTT", "OCPI", "platforms", "sources"} <= names
    assert set(client.get("/healthz/full").json()["checks"]) == names
