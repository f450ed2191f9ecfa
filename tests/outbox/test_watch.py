"""Watching over Signalbox itself: each trouble is mailed once, its end once, by one of many, and only if it lasts."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from core.health import Asker, run_checks
from core.models import SignOfLife
from core.services import show_life
from outbox import watch
from outbox.models import Delivery, HealthAlert
from outbox.selectors import open_health_alerts
from outbox.services.health_alerts import HOLD, MAIL_AFTER, claim_mails, note_findings, note_sent
from tests.mailserver import MailServer, free_port
from tests.outbox.kit import NOW, a_note, in_threads, published
from tests.outbox.topic_kit import a_list, happening, happens, tell

ADMINS = ["ops@example.org", "chief@example.org"]
SILENT = {"worker": "last sign of life 75 s ago"}
FINE = {"worker": None}
LASTING = NOW + MAIL_AFTER


# ---- taking note --------------------------------------------------------------------------------------------------


def test_trouble_is_noted_once_and_keeps_its_beginning(db: None) -> None:
    note_findings(faults=SILENT, now=NOW)
    note_findings(faults={"worker": "last sign of life 90 s ago"}, now=LASTING)
    (trouble,) = open_health_alerts()
    assert (trouble.name, trouble.text, trouble.began_at) == ("worker", "last sign of life 90 s ago", NOW)


def test_trouble_ends_and_may_come_back(db: None) -> None:
    for faults, moment in ((SILENT, 0), (FINE, 1), (FINE, 2), (SILENT, 3)):
        note_findings(faults=faults, now=NOW + timedelta(seconds=moment))
    first, second = HealthAlert.objects.order_by("pk")
    assert (first.ended_at, second.ended_at) == (NOW + timedelta(seconds=1), None)


def test_what_was_not_asked_is_left_alone(db: None) -> None:
    note_findings(faults=SILENT, now=NOW)
    note_findings(faults={"beat": None}, now=LASTING)
    assert open_health_alerts().count() == 1


def test_many_that_watch_at_once_note_it_once(committed: None) -> None:
    in_threads(*[lambda: note_findings(faults=SILENT, now=NOW)] * 5)
    assert HealthAlert.objects.count() == 1


# ---- who tells ----------------------------------------------------------------------------------------------------


def test_restart_is_no_trouble(db: None) -> None:
    note_findings(faults=SILENT, now=NOW)
    assert claim_mails(now=LASTING - timedelta(seconds=1)) == []
    note_findings(faults=FINE, now=LASTING)
    assert claim_mails(now=LASTING + HOLD) == []


def test_it_is_told_once_and_its_end_is_told_once(db: None) -> None:
    note_findings(faults=SILENT, now=NOW)
    (begun,) = claim_mails(now=LASTING)
    note_sent(mail=begun, now=LASTING)
    assert not begun.is_over
    assert claim_mails(now=LASTING + 5 * HOLD) == []
    note_findings(faults=FINE, now=LASTING + 6 * HOLD)
    (over,) = claim_mails(now=LASTING + 6 * HOLD)
    note_sent(mail=over, now=LASTING + 6 * HOLD)
    assert over.is_over
    assert claim_mails(now=LASTING + 9 * HOLD) == []


def test_one_of_many_tells(committed: None) -> None:
    note_findings(faults=SILENT, now=NOW)
    found = in_threads(*[lambda: claim_mails(now=LASTING)] * 5)
    assert sorted(len(one) for one in found) == [0, 0, 0, 0, 1]


def test_who_dies_while_telling_is_replaced(db: None) -> None:
    note_findings(faults=SILENT, now=NOW)
    assert len(claim_mails(now=LASTING)) == 1
    assert claim_mails(now=LASTING + HOLD) == []
    assert len(claim_mails(now=LASTING + HOLD + timedelta(seconds=1))) == 1


def test_clock_that_is_set_back_holds_nothing_up(db: None) -> None:
    note_findings(faults=SILENT, now=NOW - timedelta(hours=1))
    claim_mails(now=LASTING)
    assert len(claim_mails(now=LASTING - timedelta(minutes=50))) == 1


# ---- the mail -----------------------------------------------------------------------------------------------------


@pytest.fixture
def admins(settings: Settings) -> list[str]:
    settings.ADMIN_EMAILS = ADMINS
    return ADMINS


def all_alive(now: datetime) -> None:
    for part in ("worker", "beat"):
        show_life(part=part, now=now)


def test_silent_worker_is_mailed_to_everyone_once(committed: None, smtp: MailServer, admins: list[str]) -> None:
    now = timezone.now()
    all_alive(now)
    SignOfLife.objects.filter(part="worker").update(at=now - timedelta(minutes=3))
    assert watch.evaluate(now=now) == 0
    assert watch.evaluate(now=now + MAIL_AFTER) == 2
    assert watch.evaluate(now=now + 2 * MAIL_AFTER) == 0
    assert sorted(mail.recipients[0] for mail in smtp.mails) == sorted(admins)
    mail = smtp.mails[0]
    assert mail.message["Subject"] == "Signalbox: trouble: worker"
    assert "last sign of life 180 s ago" in mail.text
    assert "+ beat: last sign of life" in mail.text
    assert "http://testserver/" in mail.text


def test_its_end_is_mailed_once_in_the_same_thread(committed: None, smtp: MailServer, admins: list[str]) -> None:
    now = timezone.now()
    all_alive(now)
    SignOfLife.objects.filter(part="worker").update(at=now - timedelta(minutes=3))
    for later in (0, 1, 2):
        watch.evaluate(now=now + later * MAIL_AFTER)
    all_alive(timezone.now())
    assert watch.evaluate(now=now + 3 * MAIL_AFTER) == 2
    assert watch.evaluate(now=now + 4 * MAIL_AFTER) == 0
    begun, over = [mail for mail in smtp.mails if mail.recipients == ("ops@example.org",)]
    assert over.message["Subject"] == "Signalbox: over: worker"
    assert over.message["In-Reply-To"] == begun.message["Message-ID"]
    assert "it lasted for about 3 min" in over.text


def test_delivery_due_for_over_five_minutes_is_a_trouble(committed: None, smtp: MailServer, admins: list[str]) -> None:
    now = timezone.now()
    all_alive(now)
    published(a_note("a@example.org"), now=now - timedelta(minutes=6))
    watch.evaluate(now=now)
    assert watch.evaluate(now=now + MAIL_AFTER) == 2
    assert "deliveries: the oldest due delivery has waited 36" in smtp.mails[0].text
    Delivery.objects.update(state="delivered", next_attempt_at=None)
    watch.evaluate(now=now + 2 * MAIL_AFTER)
    assert smtp.mails[-1].message["Subject"] == "Signalbox: over: deliveries"


def test_topic_list_that_is_not_told_is_a_trouble_and_no_reason_to_close_the_doors(
    committed: None, smtp: MailServer, admins: list[str], viewer: Client
) -> None:
    now = timezone.now()
    all_alive(now)
    a_list()
    assert "A topic list is not told" not in viewer.get("/").text
    six_minutes_ago = (now - NOW).total_seconds() - 360
    happens(happening(seconds=six_minutes_ago), seconds=six_minutes_ago)
    watch.evaluate(now=now)
    assert watch.evaluate(now=now + MAIL_AFTER) == 2
    assert smtp.mails[0].message["Subject"] == "Signalbox: trouble: topic lists"
    assert "an event has waited 420 s to be told to a topic list" in smtp.mails[0].text
    assert "topic lists" not in dict(run_checks(Asker.DASHBOARD))
    assert not dict(run_checks())["topic lists"].ok
    assert "A topic list is not told" in viewer.get("/").text
    assert tell((now - NOW).total_seconds()) == 1
    watch.evaluate(now=now + 2 * MAIL_AFTER)
    assert smtp.mails[-1].message["Subject"] == "Signalbox: over: topic lists"


def test_mail_server_that_is_away_is_tried_again(committed: None, settings: Settings, admins: list[str]) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    now = timezone.now()
    all_alive(now)
    SignOfLife.objects.filter(part="beat").delete()
    watch.evaluate(now=now)
    assert watch.evaluate(now=now + MAIL_AFTER) == 0
    server = MailServer().start(settings.EMAIL_PORT)
    try:
        assert watch.evaluate(now=now + MAIL_AFTER + HOLD + timedelta(seconds=1)) == 2
    finally:
        server.stop()


def test_administrator_whom_the_server_refuses_keeps_no_other_from_hearing(
    committed: None, smtp: MailServer, admins: list[str]
) -> None:
    smtp.rcpt = lambda address: "550 unknown" if address == "ops@example.org" else None
    now = timezone.now()
    all_alive(now)
    SignOfLife.objects.filter(part="beat").delete()
    watch.evaluate(now=now)
    assert watch.evaluate(now=now + MAIL_AFTER) == 1
    assert watch.evaluate(now=now + 2 * MAIL_AFTER) == 0
    assert [mail.recipients for mail in smtp.mails] == [("chief@example.org",)]


def test_without_addresses_troubles_are_noted_and_nobody_is_mailed(committed: None, smtp: MailServer) -> None:
    now = timezone.now()
    watch.evaluate(now=now)
    assert watch.evaluate(now=now + MAIL_AFTER) == 0
    assert {trouble.name for trouble in open_health_alerts()} == {"worker", "beat"}
    assert smtp.mails == []


def test_address_that_is_set_later_hears_what_lasts(committed: None, smtp: MailServer, settings: Settings) -> None:
    now = timezone.now()
    watch.evaluate(now=now)
    settings.ADMIN_EMAILS = ["ops@example.org"]
    assert watch.evaluate(now=now + MAIL_AFTER) == 2  # worker and beat


# ---- shown --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("silent", "other"), [("worker", "beat"), ("beat", "worker")])
def test_trouble_is_shown_in_full_health_and_on_the_dashboard(viewer: Client, silent: str, other: str) -> None:
    now = timezone.now()
    all_alive(now)
    SignOfLife.objects.filter(part=silent).update(at=now - timedelta(minutes=3))
    published(a_note("a@example.org"), now=now - timedelta(minutes=6))
    full = viewer.get("/healthz/full")
    assert full.status_code == 503
    checks = full.json()["checks"]
    assert {name for name, check in checks.items() if not check["ok"]} >= {silent, "deliveries"}
    assert checks[silent]["age_s"] == pytest.approx(180, abs=20)
    assert checks[other]["ok"]
    page = viewer.get("/").text
    assert re.search(r"last sign of life 1[89]\d s ago", page)
    assert "the oldest due delivery has waited 36" in page


def test_sign_of_life_from_a_clock_that_was_set_back_is_none(db: None) -> None:
    show_life(part="worker", now=timezone.now() + timedelta(minutes=59))
    found = dict(run_checks())["worker"]
    assert (found.ok, found.text) == (False, "has never shown life")
