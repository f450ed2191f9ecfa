"""The link to a real broker: Debian's mosquitto, what waits there while nobody listens, and what is stored once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion

from infra_notifications.models import ChargePointMessage, Incident, Source
from infra_notifications.mqtt.link import MqttLink, Publication
from infra_notifications.services.mqtt import MqttIntake
from tests.brokers.conftest import Mosquitto
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.test_everest import RECORDED
from tests.waiting import PATIENCE_S, wait_until

pytestmark = [pytest.mark.engines, pytest.mark.usefixtures("committed")]
TOPICS = ["+/in/+/+", "+/everest_api/1/+/+/e2m/#"]
TOPIC = "cs/in/ocpp1.6/CP-1"


class Taking:
    """Stores what comes, or raises as a database that is away."""

    def __init__(self) -> None:
        self.intake = MqttIntake("broker.example")
        self.is_away, self.tries = False, 0

    def __call__(self, publications: list[Publication]) -> None:
        self.tries += 1
        if self.is_away:
            raise OSError("the database is away")
        self.intake.take(publications, timezone.now())


@contextmanager
def linked(broker: Mosquitto, taking: Taking) -> Iterator[None]:
    link = MqttLink(f"mqtt://127.0.0.1:{broker.port}", TOPICS, "signalbox-test", taking)

    def run() -> None:
        try:
            link.run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        link.stop()
        thread.join(20)
    assert not thread.is_alive()


def publish(broker: Mosquitto, *bodies: Any, topic: str = TOPIC) -> None:
    publish_all(broker, [(topic, json.dumps(body)) for body in bodies])


def publish_all(broker: Mosquitto, publications: Iterable[tuple[str, str]]) -> None:
    """By a client of its own; returns when the broker has taken them."""
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    sent: list[MQTTMessageInfo] = [client.publish(topic, body, qos=1) for topic, body in publications]
    for info in sent:
        info.wait_for_publish(PATIENCE_S)
        assert info.is_published()
    client.disconnect()
    client.loop_stop()


def status(pk: int, code: str = "NoError", state: str = "Available") -> dict[str, Any]:
    payload = {"connectorId": 1, "errorCode": code, "status": state}
    return {"type": 2, "action": "StatusNotification", "id": str(pk), "request": payload}


def wait_for(n: int) -> None:
    until = time.monotonic() + 30
    while ChargePointMessage.objects.count() < n:
        assert time.monotonic() < until, f"{ChargePointMessage.objects.count()} of {n} messages"
        time.sleep(0.05)


@pytest.fixture
def taking() -> Taking:
    ChargePointFactory(evse_id="DE*TST*E1*1", station="CP-1", connector=1)
    return Taking()


def test_a_fault_becomes_an_incident(mosquitto: Mosquitto, taking: Taking) -> None:
    with linked(mosquitto, taking):
        mosquitto.wait_for_session()
        publish(mosquitto, status(1, "GroundFailure", "Faulted"))
        wait_for(1)
    assert Incident.objects.get().case == "FUSE_TRIPPED"
    assert Source.objects.get().kind == "mqtt"


def test_an_everest_without_its_csms_is_so_for_the_next_consumer_too(mosquitto: Mosquitto, taking: Taking) -> None:
    """Its topics and bodies as EVerest's documents have them."""
    api = "CP-1/everest_api/1"
    error: dict[str, Any] = {
        "type": "ac_rcd/AC",
        "severity": "Low",
        "timestamp": timezone.now().isoformat(),
        "uuid": "2c7d2f6e",
    }
    error |= {"message": "", "description": "", "origin": {"module_id": "yeti", "mapping": {"evse": 1}}}

    def cases() -> list[str]:
        return sorted(Incident.objects.filter(closed_at=None).values_list("case", flat=True))

    with linked(mosquitto, taking):
        mosquitto.wait_for_session()
        publish(mosquitto, True, topic=f"{api}/ocpp_consumer/ocpp/e2m/is_connected")
        publish(mosquitto, False, topic=f"{api}/ocpp_consumer/ocpp/e2m/is_connected")
        wait_until(lambda: cases() == ["UNAVAILABLE"])
    with linked(mosquitto, Taking()):
        publish(mosquitto, 7, topic=f"{api}/ocpp_consumer/ocpp/e2m/heartbeat")
        publish(mosquitto, error, topic=f"{api}/error_history_consumer/errors/e2m/error_raised")
        wait_until(lambda: len(cases()) == 2 and "UNAVAILABLE" in cases())
        publish(mosquitto, True, topic=f"{api}/ocpp_consumer/ocpp/e2m/is_connected")
        wait_until(lambda: len(cases()) == 1 and "UNAVAILABLE" not in cases())


def test_what_everest_publishes_opens_its_cases(mosquitto: Mosquitto, taking: Taking) -> None:
    """All that was recorded of its own library, in its order, up to the last error that is raised and stays."""
    first_end = next(n for n, each in enumerate(RECORDED) if "EnclosureOpen" in each["body"])
    with linked(mosquitto, taking):
        mosquitto.wait_for_session()
        publish_all(mosquitto, ((f"CP-1/{each['topic']}", each["body"]) for each in RECORDED[: first_end + 1]))
        wait_until(lambda: Incident.objects.filter(case="SENSORS", closed_at=None).exists())
        publish_all(mosquitto, ((f"CP-1/{each['topic']}", each["body"]) for each in RECORDED[first_end + 1 :]))
        wait_until(lambda: not Incident.objects.filter(closed_at=None).exists())
    assert {"FUSE_TRIPPED", "SENSORS", "OTHER_FAULT"} <= set(Incident.objects.values_list("case", flat=True))
    assert Source.objects.get().rejected == 0


def test_what_comes_while_nobody_listens_waits_at_the_broker(mosquitto: Mosquitto, taking: Taking) -> None:
    with linked(mosquitto, taking):
        mosquitto.wait_for_session()
    publish(mosquitto, *(status(n) for n in range(50)))
    assert not ChargePointMessage.objects.exists()
    with linked(mosquitto, taking):
        wait_for(50)
    assert ChargePointMessage.objects.count() == 50


def test_what_was_not_stored_is_not_acknowledged(mosquitto: Mosquitto, taking: Taking) -> None:
    taking.is_away = True
    with linked(mosquitto, taking):
        mosquitto.wait_for_session()
        publish(mosquitto, *(status(n) for n in range(20)))
        until = time.monotonic() + 20
        while not taking.tries:
            assert time.monotonic() < until
            time.sleep(0.05)
    assert not ChargePointMessage.objects.exists()
    taking.is_away = False
    with linked(mosquitto, taking):  # as after the process was killed
        wait_for(20)
    assert ChargePointMessage.objects.count() == 20


def test_a_database_that_comes_back_gets_all_in_order(mosquitto: Mosquitto, taking: Taking) -> None:
    taking.is_away = True
    with linked(mosquitto, taking):
        mosquitto.wait_for_session()
        publish(mosquitto, status(0, "GroundFailure", "Faulted"), *(status(n) for n in range(1, 30)))
        time.sleep(0.5)
        taking.is_away = False
        wait_for(30)
    assert Incident.objects.get().closed_at is not None


def test_a_broker_that_restarts_is_found_again(mosquitto: Mosquitto, taking: Taking) -> None:
    with linked(mosquitto, taking):
        mosquitto.wait_for_session()
        mosquitto.restart()
        mosquitto.wait_for_session()
        publish(mosquitto, status(1))
        wait_for(1)
