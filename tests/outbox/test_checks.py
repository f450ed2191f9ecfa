"""What `doctor` and `/readyz` ask of the outbox, and its part of the metrics."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from celery import current_app
from django.utils import timezone
from pytest_django import Settings

from core.health import Asker, run_checks
from core.metrics import exposition
from outbox.checks import DUE_TOO_LONG_S, check_broker, check_oldest_due, check_smtp
from outbox.models import Delivery
from tests.mailserver import MailServer, ScriptedServer, SmtpScript
from tests.outbox.kit import NOW, a_delivery, a_note, fine, published, settled


@pytest.fixture
def broker_url() -> Iterator[None]:
    """The broker's address may be changed."""
    before = current_app.conf.broker_url, current_app.conf.broker_write_url
    yield
    current_app.conf.broker_url, current_app.conf.broker_write_url = before


def test_mail_server_that_answers_is_well(smtp: MailServer) -> None:
    finding = check_smtp(NOW)
    assert (finding.ok, finding.text) == (True, "127.0.0.1 takes mail")
    assert smtp.connections == 1


def test_mail_server_that_is_away_is_named_with_the_reason(settings: Settings) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    finding = check_smtp(NOW)
    assert not finding.ok
    assert finding.text.startswith("127.0.0.1: ")
    assert "111" in finding.text


def test_mail_server_that_refuses_is_quoted(settings: Settings) -> None:
    script = SmtpScript()
    script.greeting = "554 no service for you"
    with ScriptedServer(script) as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        assert check_smtp(NOW).text == "127.0.0.1: 554 no service for you"


def test_mail_server_is_the_doctors_business_alone(db: None, settings: Settings, queue: Path) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    ready, all_of_them = dict(run_checks(Asker.DASHBOARD)), dict(run_checks())
    assert {"broker", "deliveries"} <= set(ready)
    assert "mail server" not in ready
    assert all_of_them["mail server"].ok is False


def test_broker_that_answers_is_well(queue: Path) -> None:
    assert check_broker(NOW).ok


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "amqp://127.0.0.1:1//"])
def test_broker_that_is_away_is_a_finding_and_no_crash(url: str, broker_url: None) -> None:
    current_app.conf.broker_url = current_app.conf.broker_write_url = url
    finding = check_broker(NOW)
    assert not finding.ok
    assert finding.text.startswith("the broker cannot be reached: ")


def test_nothing_due_is_well(db: None) -> None:
    a_delivery(next_attempt_at=NOW + timedelta(seconds=1))
    finding = check_oldest_due(NOW)
    assert (finding.ok, finding.age_s) == (True, 0)


@pytest.mark.parametrize(("age", "ok"), [(1.0, True), (DUE_TOO_LONG_S - 1, True), (DUE_TOO_LONG_S, False)])
def test_delivery_that_nobody_sends_is_a_finding(db: None, age: float, ok: bool) -> None:
    a_delivery(next_attempt_at=NOW - timedelta(seconds=age))
    Delivery.objects.update(created_at=NOW - timedelta(seconds=age + 60))
    finding = check_oldest_due(NOW)
    assert (finding.ok, finding.age_s) == (ok, age)
    whole = f"the oldest that has not ended is {age + 60:.0f} s old"
    assert finding.text == f"the oldest due delivery has waited {age:.0f} s; {whole}"


def test_metrics_tell_what_waits_and_for_how_long(db: None) -> None:
    a_delivery(next_attempt_at=timezone.now() - timedelta(seconds=100))
    a_delivery(state="sending")
    text = exposition().decode()
    assert 'signalbox_deliveries_open{channel="email",state="pending"} 1.0' in text
    assert 'signalbox_deliveries_open{channel="email",state="sending"} 1.0' in text
    (age,) = [line for line in text.splitlines() if line.startswith("signalbox_oldest_due_seconds{")]
    assert 100 <= float(age.split()[1]) < 110


def count_of(name: str) -> float:
    found = [line for line in exposition().decode().splitlines() if line.startswith(name)]
    return sum(float(line.split()[1]) for line in found)


def test_metrics_count_what_was_published_and_settled(db: None) -> None:
    published_before = count_of('signalbox_events_published_total{kind="test.note"}')
    settled_before = count_of('signalbox_attempts_total{channel="email",reason="accepted",verdict="delivered"}')
    published(a_note("a@x.example"), a_note("b@x.example"))
    settled(fine())
    assert count_of('signalbox_events_published_total{kind="test.note"}') >= published_before + 2
    name = 'signalbox_attempts_total{channel="email",reason="accepted",verdict="delivered"}'
    assert count_of(name) >= settled_before + 2
