"""Stations that nobody knows, on routes that register them by themselves and on others."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from structlog.testing import capture_logs

from infra_notifications.choices import SourceKind
from infra_notifications.models import ChargePoint, OcppRoute, UnknownChargePoint
from infra_notifications.models.sources import source_id
from infra_notifications.services import registering
from infra_notifications.services.adoption import adopt_stations, whole_stations
from infra_notifications.services.registering import Registrar
from tests.conftest import ApiClient
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import MINUTE, fault, fine, open_cases
from tests.infra_notifications.pages import url
from tests.infra_notifications.proxy.test_listener import BOOT, Ear, connection, ear

__all__ = ("ear",)
pytestmark = pytest.mark.django_db
PATTERN = "DE*ABC*E{station}*{connector}"


def register(*, now: datetime) -> list[str]:
    return Registrar().register(now=now)


def by_itself(pattern: str = PATTERN) -> None:
    OcppRoute.objects.filter(slug="main").update(register_unknown=True, evse_pattern=pattern)


def test_an_unknown_station_that_boots_is_registered_where_its_route_says_so(ear: Ear) -> None:
    OcppRoute.objects.filter(slug="main").update(register_unknown=True, evse_pattern="DE*ABC*E{station}*{connector}")
    link = ear.connect("NEW1")
    ear.say(link, 2, "1", "BootNotification", BOOT)
    ear.say(link, 2, "2", "StatusNotification", fault())
    ear.say(link, 2, "3", "StatusNotification", fine(connectorId=2))
    ear.take()
    assert UnknownChargePoint.objects.count() == 3
    assert register(now=timezone.now()) == []
    made = register(now=timezone.now() + MINUTE)
    assert sorted(made) == ["DE*ABC*ENEW1*1", "DE*ABC*ENEW1*2"]
    assert UnknownChargePoint.objects.count() == 0
    first = ChargePoint.objects.get(connector=1)
    assert (first.vendor, open_cases(first)) == ("ABB", ["FUSE_TRIPPED"])
    assert first.state.source_id == source_id(SourceKind.PROXY, OcppRoute.objects.get().pk)
    assert register(now=timezone.now() + MINUTE) == []


def test_an_unknown_station_stays_unknown_elsewhere(ear: Ear) -> None:
    link = ear.connect("NEW1")
    ear.say(link, 2, "1", "BootNotification", BOOT)
    ear.take()
    assert register(now=timezone.now() + MINUTE) == []
    assert connection().connected


@pytest.mark.parametrize("action", ["Heartbeat", "MeterValues", "Authorize", "StatusNotification"])
def test_any_message_registers_and_a_later_boot_says_what_it_is(ear: Ear, action: str) -> None:
    """A station that was there before the proxy does not boot because of it."""
    by_itself()
    ear.now -= 300
    link = ear.connect("OLD1")
    ear.now += 1
    ear.say(link, 2, "1", action, fine() if action == "StatusNotification" else {})
    ear.now += 100
    ear.listener.report_lives()
    ear.take()
    assert register(now=timezone.now() + MINUTE) == ["DE*ABC*EOLD1*1"]
    ear.say(link, 2, "2", "BootNotification", BOOT)
    ear.take()
    assert ChargePoint.objects.get().vendor == "ABB"
    ear.say(link, 2, "3", "StatusNotification", fault(connectorId=2))
    ear.take()
    assert register(now=timezone.now() + MINUTE) == ["DE*ABC*EOLD1*2"]
    assert {point.connector: open_cases(point) for point in ChargePoint.objects.all()} == {1: [], 2: ["FUSE_TRIPPED"]}


def test_who_only_connects_is_not_registered(ear: Ear) -> None:
    by_itself()
    ear.now -= 300
    ear.close(ear.connect("SCAN1"))
    ear.connect("SCAN2")
    ear.take()
    assert register(now=timezone.now() + MINUTE) == []
    assert UnknownChargePoint.objects.count() == 2


def test_a_refusal_is_said_once_and_keeps_nobody_else_waiting(
    ear: Ear, api: ApiClient, administrator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registering, "LIMIT", 2)
    by_itself()
    for name in ("A1", "A2", "A3"):
        ChargePointFactory(evse_id=f"DE*ABC*E{name}*1", station="other", connector=None)
    ear.now -= 300
    for name in ("A1", "A2", "A3", "B1"):
        ear.say(ear.connect(name), 2, "1", "StatusNotification", fine())
    ear.take()
    registrar, made = Registrar(), list[str]()
    with capture_logs() as logs:
        for _round in range(12):
            made += registrar.register(now=timezone.now() + MINUTE)
    assert made == ["DE*ABC*EB1*1"]
    said = [line["station"] for line in logs if line["event"] == "a station was not registered"]
    assert sorted(said) == ["A1", "A2", "A3"]
    told = {each["station"]: each["refusal"] for each in api.get("/charging/unknown").json()["items"]}
    assert sorted(told) == ["A1", "A2", "A3"]
    page = administrator.get(url("ocpp_route", OcppRoute.objects.get().pk)).content.decode()
    assert all(sentence and escape(sentence) in page for sentence in told.values())


def test_the_pattern_of_the_route_is_proposed_and_used(ear: Ear, api: ApiClient, administrator: Client) -> None:
    OcppRoute.objects.filter(slug="main").update(evse_pattern="NL*XYZ*E{station}*{connector}")
    link = ear.connect("NEW1")
    ear.say(link, 2, "1", "StatusNotification", fine(connectorId=2))
    ear.take()
    (found,) = api.get("/charging/unknown").json()["items"]
    assert [each["proposed_evse_id"] for each in found["charge_points"]] == ["NL*XYZ*ENEW1*2"]
    sender = UnknownChargePoint.objects.get(connector=2)
    shown = administrator.get(url("unknown_adopt", sender.pk)).content.decode()
    assert "NL*XYZ*ENEW1*2" in shown
    stations: Any = whole_stations([sender])
    assert adopt_stations(stations=stations, now=timezone.now()).evse_ids == ["NL*XYZ*ENEW1*2"]


@pytest.mark.parametrize("installation", [PATTERN, "DE*ABC*E{station}"])
def test_a_pattern_without_connectors_is_refused_where_stations_register_themselves(
    api: ApiClient, settings: Any, installation: str
) -> None:
    settings.CHARGING_EVSE_PATTERN = installation
    route = {"slug": "one", "upstream": "wss://csms.example/ocpp"}
    for pattern in ("", "DE*ABC*E{station}", PATTERN):
        is_whole = "{connector}" in (pattern or installation)
        answer = api.post("/charging/ocpp-routes", route | {"register_unknown": True, "evse_pattern": pattern})
        assert answer.status_code == (201 if is_whole else 422), answer.content
        assert is_whole or "must hold {connector}" in answer.content.decode()
        OcppRoute.objects.all().delete()
    assert api.post("/charging/ocpp-routes", route | {"evse_pattern": "DE*ABC*E{station}"}).status_code == 201
    assert api.patch("/charging/ocpp-routes/one", {"register_unknown": True}).status_code == 422
