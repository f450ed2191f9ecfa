"""The whole way with real parts: HTTP in, a worker process, SMTP out, whatever dies in between.

The scenarios run on the engines of one machine in `make test`, and on RabbitMQ and Redis with Debian's PostgreSQL in
`make test-engines`; a class that inherits them brings the fixture `live`.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.live import Live
from tests.mailserver import Mail, MailServer


@dataclass(frozen=True)
class Group:
    """A group with one charge point, and what its own two addresses received: no other group writes to them."""

    evse: str
    addresses: tuple[str, str]
    server: MailServer

    def mails(self) -> list[Mail]:
        return [mail for mail in self.server.mails if set(mail.recipients) & set(self.addresses)]

    def wait_for(self, number: int, timeout_s: float = 10) -> list[Mail]:
        Live.wait_until(lambda: len(self.mails()) >= number, f"{number} mails came", timeout_s)
        return self.mails()

    def has_one_each(self, said: str) -> None:
        """Every address has one mail that says this, and nobody saw another's address."""
        for address in self.addresses:
            mine = [mail for mail in self.server.to(address) if said in mail.text]
            assert len(mine) == 1, [mail.message["Subject"] for mail in self.mails()]
            assert mine[0].recipients == (address,)
            assert not any(other in mine[0].content.decode() for other in self.addresses if other != address)


def a_group(live: Live, server: MailServer, name: str, **more: Any) -> Group:
    domain = f"{name}.{live.name}.example".lower().replace("_", "-")
    group = Group(f"DE*LIV*{name}*1", (f"day@{domain}", f"night@{domain}"), server)
    live.api("PUT", "/charging/charge-points", {"evse_id": group.evse, "station": name, "connector": 1, **more})
    live.api(
        "POST",
        "/charging/groups",
        {
            "name": name,
            "emails": group.addresses,
            "hold_off_s": {"UNAVAILABLE": 0},
            "charge_points": [group.evse],
        },
    )
    return group


def fuse(evse: str) -> dict[str, Any]:
    payload = {"connectorId": 1, "errorCode": "OverCurrentFailure", "status": "Faulted"}
    return {"charge_point": evse, "protocol": "ocpp1.6", "action": "StatusNotification", "payload": payload}


def shock(evse: str, active: str) -> dict[str, Any]:
    event = {
        "eventId": 1,
        "timestamp": datetime.now(UTC).isoformat(),
        "trigger": "Delta",
        "actualValue": active,
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": "ShockSensor", "evse": {"id": 1}},
        "variable": {"name": "Active"},
    }
    payload = {"generatedAt": datetime.now(UTC).isoformat(), "seqNo": 0, "eventData": [event]}
    return {"charge_point": evse, "protocol": "ocpp2.0.1", "action": "NotifyEvent", "payload": payload}


def send(live: Live, body: bytes, *, chunked: bool) -> tuple[int, bytes]:
    """Messages as a simple client sends them: all is written before the answer is read."""
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=60)
    headers = {"Authorization": f"Bearer {live.key}", "Content-Type": "application/json"}
    parts = (body[start : start + 65_536] for start in range(0, len(body), 65_536))
    try:
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
            connection.request("POST", "/api/v1/charging/messages", parts, headers, encode_chunked=True)
        else:
            connection.request("POST", "/api/v1/charging/messages", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class Scenarios:
    """What must hold on every engine."""

    def test_tripped_fuse_reaches_everyone_once(self, live: Live, server: MailServer) -> None:
        group = a_group(live, server, "FUSE")
        assert live.api("POST", "/charging/messages", fuse(group.evse)) == {
            "accepted": 1,
            "duplicates": 0,
            "rejected": [],
            "warnings": [],
        }
        group.wait_for(2)
        group.has_one_each("FUSE_TRIPPED")
        assert all(group.evse in mail.text and "OverCurrentFailure" in mail.text for mail in group.mails())

    def test_shock_of_ocpp_2_reaches_everyone_once(self, live: Live, server: MailServer) -> None:
        group = a_group(live, server, "SHOCK")
        live.api("POST", "/charging/messages", shock(group.evse, "true"))
        group.wait_for(2)
        group.has_one_each("SENSORS")

    def test_silence_is_told_and_its_end_is_told_in_the_same_thread(self, live: Live, server: MailServer) -> None:
        group = a_group(live, server, "SILENT", expected_interval_s=2)
        heartbeat = {"station": "SILENT", "protocol": "ocpp1.6", "action": "Heartbeat", "payload": {}}
        live.api("POST", "/charging/messages", heartbeat)
        # Another station of the same source speaks on: a source that is silent as a whole is another story.
        live.api("PUT", "/charging/charge-points", {"evse_id": "DE*AWAKE*E1", "station": "AWAKE", "connector": 1})

        def is_told() -> bool:
            live.api("POST", "/charging/messages", heartbeat | {"station": "AWAKE"})
            return len(group.mails()) >= 2

        live.wait_until(is_told, "the silence is told", 30)
        group.has_one_each("UNAVAILABLE")
        alerts = {mail.recipients[0]: mail.message["Message-ID"] for mail in group.mails()}
        # From now on it may be silent for a day: a second silence would be told too.
        live.api("PUT", "/charging/charge-points", {"evse_id": group.evse, "expected_interval_s": 86_400})
        spoken = {"action": "DataTransfer", "payload": {"vendorId": "org.example"}}
        live.api("POST", "/charging/messages", heartbeat | spoken)
        for mail in group.wait_for(4)[2:4]:
            assert "is over" in mail.text
            assert "Over since: " in mail.text
            assert group.evse in mail.text
            assert mail.message["In-Reply-To"] == alerts[mail.recipients[0]]

    def test_worker_killed_in_between_loses_nothing(self, live: Live, server: MailServer) -> None:
        group = a_group(live, server, "KILLED")
        live.kill("worker")
        live.api("POST", "/charging/messages", fuse(group.evse))
        states = live.rows("SELECT state FROM outbox_delivery WHERE address = ANY(%s)", list(group.addresses))
        assert states == [("pending",), ("pending",)]
        assert group.mails() == []
        live.start("worker")
        group.wait_for(2, timeout_s=20)
        group.has_one_each("FUSE_TRIPPED")

    def test_worker_killed_while_it_sends_sends_again_under_the_same_id(self, live: Live, server: MailServer) -> None:
        """At least once: the lease of a dead worker ends, and the repeat carries the same Message-ID."""
        group = a_group(live, server, "SENDING")
        killed: list[str] = []

        def kill_once(_envelope: object) -> str | None:
            if not killed:
                killed.append("worker")
                live.kill("worker")
            return None

        server.data = kill_once
        try:
            live.api("POST", "/charging/messages", fuse(group.evse))
            live.wait_until(lambda: bool(killed), "the worker was killed")
        finally:
            server.data = lambda envelope: None
        # Not to wait two minutes: the lease ends now.
        live.rows(
            "UPDATE outbox_delivery SET lease_until = now() - interval '1 s' WHERE state = 'sending' RETURNING id"
        )
        live.start("worker")
        live.wait_until(
            lambda: all(server.to(address) for address in group.addresses), "both addresses have their mail", 20
        )
        for address in group.addresses:
            ids = {mail.message["Message-ID"] for mail in server.to(address)}
            assert len(ids) == 1
            assert len(server.to(address)) <= 2

    def test_bodies_in_chunks_are_read_and_of_those_too_long_the_reason_is(
        self, live: Live, server: MailServer
    ) -> None:
        group = a_group(live, server, "CHUNKS")
        message = fuse(group.evse)
        assert send(live, json.dumps([message, message]).encode(), chunked=True)[0] == 202
        group.wait_for(2)
        for size in (6, 20):
            for chunked in (False, True):
                status, said = send(live, b'["' + b"x" * size * 1024 * 1024 + b'"]', chunked=chunked)
                assert (status, json.loads(said)["detail"].partition(";")[0]) == (413, "The body is larger than 5 MiB")

    def test_doctor_and_readyz_say_that_all_is_well(self, live: Live) -> None:
        assert live.call("GET", "/readyz")[0] == 200
        live.wait_until(lambda: live.call("GET", "/healthz/full")[0] == 200, "every part is well", 30)
        assert live.manage("doctor").endswith("All is well.")

    def test_metrics_tell_what_was_sent(self, live: Live) -> None:
        text = live.call("GET", "/metrics")[1].decode()
        assert 'signalbox_attempts_total{channel="email",reason="accepted",verdict="delivered"}' in text
        assert "signalbox_oldest_due_seconds" in text or "signalbox_deliveries_open" in text
