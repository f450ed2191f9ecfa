"""The whole way with real parts: HTTP in, a worker process, SMTP out, whatever dies in between.

The scenarios run on the engines of one machine in `make test`, and on RabbitMQ and Redis with Debian's PostgreSQL in
`make test-engines`; a class that inherits them brings the fixture `live`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.live import Live
from tests.mailserver import MailServer

ADDRESSES = ["day@ops.example", "night@ops.example"]


def a_group(live: Live, server: MailServer, name: str, **more: Any) -> str:
    """A charge point of its own in a group of its own; returns the EVSE id."""
    server.mails.clear()
    evse = f"DE*LIV*{name}*1"
    live.api("PUT", "/charging/charge-points", {"evse_id": evse, "station": name, "connector": 1, **more})
    live.api(
        "POST",
        "/charging/groups",
        {"name": name, "emails": ADDRESSES, "hold_off_s": {"UNAVAILABLE": 0}, "charge_points": [evse]},
    )
    return evse


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


def exactly_one_each(server: MailServer, said: str) -> None:
    """Every address has one mail that says this, and nobody saw another's address."""
    for address in ADDRESSES:
        mine = [mail for mail in server.to(address) if said in mail.text]
        assert len(mine) == 1, [mail.message["Subject"] for mail in server.mails]
        assert mine[0].recipients == (address,)
        assert not any(other in mine[0].content.decode() for other in ADDRESSES if other != address)


class Scenarios:
    """What must hold on every engine."""

    def test_tripped_fuse_reaches_everyone_once(self, live: Live, server: MailServer) -> None:
        evse = a_group(live, server, "FUSE")
        assert live.api("POST", "/charging/messages", fuse(evse)) == {"accepted": 1, "duplicates": 0, "rejected": []}
        server.wait_for(2)
        exactly_one_each(server, "FUSE_TRIPPED")
        assert all(evse in mail.text and "OverCurrentFailure" in mail.text for mail in server.mails)

    def test_shock_of_ocpp_2_reaches_everyone_once(self, live: Live, server: MailServer) -> None:
        evse = a_group(live, server, "SHOCK")
        live.api("POST", "/charging/messages", shock(evse, "true"))
        server.wait_for(2)
        exactly_one_each(server, "SENSORS")

    def test_silence_is_told_and_its_end_is_told_in_the_same_thread(self, live: Live, server: MailServer) -> None:
        evse = a_group(live, server, "SILENT", expected_interval_s=2)
        heartbeat = {"station": "SILENT", "protocol": "ocpp1.6", "action": "Heartbeat", "payload": {}}
        live.api("POST", "/charging/messages", heartbeat)
        server.wait_for(2, timeout_s=15)
        exactly_one_each(server, "UNAVAILABLE")
        alerts = {mail.recipients[0]: mail.message["Message-ID"] for mail in server.mails}
        server.mails.clear()
        live.api("POST", "/charging/messages", heartbeat | {"action": "StatusNotification"})
        for mail in server.wait_for(2):
            assert "over since" in mail.text
            assert evse in mail.text
            assert mail.message["In-Reply-To"] == alerts[mail.recipients[0]]

    def test_worker_killed_in_between_loses_nothing(self, live: Live, server: MailServer) -> None:
        evse = a_group(live, server, "KILLED")
        live.kill("worker")
        live.api("POST", "/charging/messages", fuse(evse))
        states = live.rows("SELECT state FROM outbox_delivery WHERE state IN ('pending', 'retrying')")
        assert states == [("pending",), ("pending",)]
        assert server.mails == []
        live.start("worker")
        server.wait_for(2, timeout_s=20)
        exactly_one_each(server, "FUSE_TRIPPED")

    def test_worker_killed_while_it_sends_sends_again_under_the_same_id(self, live: Live, server: MailServer) -> None:
        """At least once: the lease of a dead worker ends, and the repeat carries the same Message-ID."""
        evse = a_group(live, server, "SENDING")
        killed: list[str] = []

        def kill_once(_envelope: object) -> str | None:
            if not killed:
                killed.append("worker")
                live.kill("worker")
            return None

        server.data = kill_once
        try:
            live.api("POST", "/charging/messages", fuse(evse))
            live.wait_until(lambda: bool(killed), "the worker was killed")
        finally:
            server.data = lambda envelope: None
        # Not to wait two minutes: the lease ends now.
        live.rows(
            "UPDATE outbox_delivery SET lease_until = now() - interval '1 s' WHERE state = 'sending' RETURNING id"
        )
        live.start("worker")
        live.wait_until(lambda: all(server.to(address) for address in ADDRESSES), "both addresses have their mail", 20)
        for address in ADDRESSES:
            ids = {mail.message["Message-ID"] for mail in server.to(address)}
            assert len(ids) == 1
            assert len(server.to(address)) <= 2

    def test_doctor_and_readyz_say_that_all_is_well(self, live: Live) -> None:
        live.wait_until(lambda: live.call("GET", "/readyz")[0] == 200, "readyz is content", 30)
        assert live.manage("doctor").endswith("All is well.")

    def test_metrics_tell_what_was_sent(self, live: Live) -> None:
        text = live.call("GET", "/metrics")[1].decode()
        assert 'signalbox_attempts_total{channel="email",reason="accepted",verdict="delivered"}' in text
        assert "signalbox_oldest_due_seconds" in text or "signalbox_deliveries_open" in text
