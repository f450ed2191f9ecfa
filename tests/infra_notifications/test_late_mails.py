"""Mails that waited for a server, a hold or another try tell what holds when they are sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from infra_notifications.choices import CloseReason
from infra_notifications.models import ChargePoint, NotificationGroup, Source
from infra_notifications.services.acknowledging import acknowledge_incidents
from infra_notifications.services.charge_points import ChargePointInput, upsert_charge_points
from infra_notifications.services.groups import update_group
from infra_notifications.services.incidents import close_by_hand
from infra_notifications.services.source_watch import sweep_sources
from outbox.dispatcher import deliver_due
from outbox.models import Delivery, Event
from outbox.services.freshness import bring_up_to_date
from outbox.services.settling import claim
from tests.factories.infra_notifications import NotificationGroupFactory
from tests.infra_notifications.helpers import (
    DAY,
    HOUR,
    MINUTE,
    fault,
    fine,
    mails,
    message,
    only_incident,
    say,
    signal,
    station,
    sweep,
    take,
    take_neutral,
)
from tests.mailserver import MailServer

pytestmark = pytest.mark.usefixtures("committed")
ADDRESS = "night@example.org"
# Mails are delivered by the clock: all of this lies before it.
BEGAN = timezone.now() - 6 * HOUR


@pytest.fixture
def points() -> list[ChargePoint]:
    return station("CP-1", 3, expected_interval_s=30 * 86_400)


@pytest.fixture
def group(points: list[ChargePoint]) -> NotificationGroup:
    found: NotificationGroup = NotificationGroupFactory(name="Köln", members=points, emails=[ADDRESS], reminder_s=3600)
    return found


def fates() -> dict[str, tuple[str, str]]:
    """By kind of mail, state and reason of its delivery."""
    rows = Delivery.objects.order_by("id").values_list("event__kind", "state", "reason")
    return {kind.rpartition(".")[2]: (state, reason) for kind, state, reason in rows}


def due_again() -> None:
    """The pause after a refusal is over."""
    Delivery.objects.filter(state="retrying").update(next_attempt_at=timezone.now() - timedelta(seconds=1))


def states(smtp: MailServer) -> list[str]:
    return [mail.text.partition("\n")[0].partition(":")[0] for mail in smtp.mails]


def test_alert_whose_fault_ended_meanwhile_is_one_mail_that_says_so(
    group: NotificationGroup, points: list[ChargePoint], smtp: MailServer
) -> None:
    say(points[0], fault(), now=BEGAN)
    say(points[0], fine(), now=BEGAN + HOUR)
    assert len(mails()) == 2
    deliver_due()
    (mail,) = smtp.mails
    assert mail.text.startswith("Over already: Fuse tripped")
    assert "Over since" in mail.text
    assert "/acknowledge/" not in mail.text
    assert mail.message["Subject"].endswith("– over already")
    assert fates() == {"alert": ("delivered", "over"), "recovery": ("suppressed", "told_together")}


def test_all_clear_never_overtakes_an_alert_that_is_tried_again(
    group: NotificationGroup, points: list[ChargePoint], smtp: MailServer
) -> None:
    smtp.rcpt = lambda address: "450 4.2.1 busy"
    say(points[0], fault(), now=BEGAN)
    deliver_due()
    say(points[0], fine(), now=BEGAN + HOUR)
    smtp.rcpt = lambda address: None
    deliver_due()
    assert smtp.mails == []
    assert fates() == {"alert": ("retrying", "temporary"), "recovery": ("suppressed", "told_together")}
    due_again()
    deliver_due()
    assert states(smtp) == ["Over already"]


def test_all_clear_waits_for_an_alert_that_is_being_sent(
    group: NotificationGroup, points: list[ChargePoint], smtp: MailServer
) -> None:
    say(points[0], fault(), now=BEGAN)
    in_an_hour = timezone.now() + HOUR
    Delivery.objects.update(state="sending", lease="00000000-0000-0000-0000-000000000007", lease_until=in_an_hour)
    say(points[0], fine(), now=BEGAN + HOUR)
    deliver_due()
    assert (smtp.mails, fates()["recovery"][0]) == ([], "retrying")
    Delivery.objects.filter(state="sending").update(state="delivered", reason="accepted", lease=None, lease_until=None)
    due_again()
    deliver_due()
    assert states(smtp) == ["All clear"]


def test_end_that_is_published_after_it_was_told_is_not_told_twice(
    group: NotificationGroup, points: list[ChargePoint], smtp: MailServer
) -> None:
    """The all-clears of one conversation are gathered for a minute: the second waits."""
    take(message(points[0], fault()), message(points[1], fault()), now=BEGAN)
    say(points[0], fine(), now=BEGAN + HOUR)
    say(points[1], fine(), now=BEGAN + HOUR + timedelta(seconds=10))
    deliver_due()
    assert states(smtp) == ["Over already"]
    sweep(BEGAN + HOUR + 2 * MINUTE)
    assert len(mails()) == 3
    deliver_due()
    assert len(smtp.mails) == 1
    assert fates()["recovery"] == ("suppressed", "told_together")


def test_in_time_alert_and_all_clear_are_two_mails(
    group: NotificationGroup, points: list[ChargePoint], smtp: MailServer
) -> None:
    say(points[0], fault(), now=BEGAN)
    deliver_due()
    say(points[0], fine(), now=BEGAN + HOUR)
    deliver_due()
    assert states(smtp) == ["New error", "All clear"]
    assert smtp.mails[1].message["In-Reply-To"] == smtp.mails[0].message["Message-ID"]
    assert fates() == {"alert": ("delivered", "accepted"), "recovery": ("delivered", "accepted")}


def test_addresses_have_each_their_own_order(points: list[ChargePoint], smtp: MailServer) -> None:
    NotificationGroupFactory(name="Köln", members=points, emails=[ADDRESS, "day@example.org"])
    smtp.rcpt = {ADDRESS: "450 4.2.1 busy"}.get
    say(points[0], fault(), now=BEGAN)
    deliver_due()
    say(points[0], fine(), now=BEGAN + HOUR)
    smtp.rcpt = lambda address: None
    deliver_due()
    due_again()
    deliver_due()
    told: dict[str, list[str]] = {mail.recipients[0]: [] for mail in smtp.mails}
    for mail, state in zip(smtp.mails, states(smtp), strict=True):
        told[mail.recipients[0]].append(state)
    assert told == {"day@example.org": ["New error", "All clear"], ADDRESS: ["Over already"]}


def test_some_of_several_are_over(group: NotificationGroup, points: list[ChargePoint], smtp: MailServer) -> None:
    take(*(message(point, fault()) for point in points), now=BEGAN)
    say(points[0], fine(), now=BEGAN + HOUR)
    acknowledge_incidents(incident_ids=[only_incident(charge_point=points[1]).pk], author="anna", now=BEGAN + HOUR)
    deliver_due()
    (mail,) = smtp.mails
    assert mail.text.startswith("New error")
    assert mail.text.count("Over since") == 1
    assert "Acknowledged by: anna" in mail.text
    assert "Acknowledge the open error:" in mail.text  # one is left
    assert fates()["recovery"] == ("suppressed", "told_together")


@pytest.mark.parametrize("ends", ["closed", "acknowledged", "by hand"])
def test_reminder_of_what_needs_nobody_any_more_is_not_sent(
    ends: str, group: NotificationGroup, points: list[ChargePoint], smtp: MailServer
) -> None:
    take(message(points[0], fault()), message(points[1], fault()), now=BEGAN)
    deliver_due()
    sweep(BEGAN + 2 * HOUR)
    first, second = only_incident(charge_point=points[0]), only_incident(charge_point=points[1])

    def end(point: ChargePoint, pk: int) -> None:
        if ends == "closed":
            say(point, fine(), now=BEGAN + 3 * HOUR)
        elif ends == "by hand":
            close_by_hand(incident=only_incident(pk=pk), now=BEGAN + 3 * HOUR, author="anna")
        else:
            acknowledge_incidents(incident_ids=[pk], author="anna", now=BEGAN + 3 * HOUR)

    end(points[0], first.pk)
    if ends != "acknowledged":
        Delivery.objects.filter(event__kind__endswith="recovery").update(state="cancelled", next_attempt_at=None)
    deliver_due()
    assert states(smtp) == ["New error", "Still open"]
    assert points[1].evse_id in smtp.mails[1].text
    assert points[0].evse_id not in smtp.mails[1].text
    sweep(BEGAN + 4 * HOUR)
    end(points[1], second.pk)
    deliver_due()
    assert "Still open" not in states(smtp)[2:]
    assert Delivery.objects.filter(event__kind__endswith="reminder", state="suppressed", reason="over").count() == 1


def test_mail_about_charge_points_that_are_gone_is_not_sent(
    group: NotificationGroup, points: list[ChargePoint], smtp: MailServer
) -> None:
    take(*(message(point, fault()) for point in points[:2]), now=BEGAN)
    points[0].delete()
    deliver_due()
    assert points[1].evse_id in smtp.mails[0].text
    assert "DE*CP-1*1" not in smtp.mails[0].text
    say(points[2], fault(), now=BEGAN + HOUR)
    points[2].delete()
    deliver_due()
    assert len(smtp.mails) == 1


def test_mail_about_what_was_open_already_says_what_is_over(points: list[ChargePoint], smtp: MailServer) -> None:
    say(points[0], fault(), now=BEGAN)
    group = NotificationGroupFactory(name="Köln", members=points, emails=[])
    update_group(group=group, settings={}, emails=[ADDRESS], now=BEGAN + HOUR)
    sweep(BEGAN + HOUR + MINUTE)
    say(points[0], fine(), now=BEGAN + 2 * HOUR)
    deliver_due()
    assert states(smtp) == ["Over already"]


def test_digest_and_flapping_mail_say_what_is_open_now(points: list[ChargePoint], smtp: MailServer) -> None:
    group = NotificationGroupFactory(name="Köln", members=points, emails=[ADDRESS])
    update_group(group=group, settings={"digest_time": "19:00"}, now=BEGAN)
    take(message(points[0], fault()), message(points[1], fault()), now=BEGAN)
    sweep(BEGAN + DAY)
    for point in points[:2]:
        say(point, fine(), now=BEGAN + HOUR)
    say(points[1], fault(), now=BEGAN + 2 * HOUR)
    Delivery.objects.update(next_attempt_at=timezone.now())
    deliver_due()
    (digest,) = smtp.mails
    assert "2 opened, 1 over, 1 open now" in digest.text
    assert digest.text.count("Over since") == 1


@pytest.mark.parametrize("opens_again", [False, True])
def test_flapping_mail_says_what_is_open_now(
    group: NotificationGroup, points: list[ChargePoint], smtp: MailServer, opens_again: bool
) -> None:
    for minute in range(0, 120, 5):
        say(points[0], fault(), now=BEGAN + minute * MINUTE)
        say(points[0], fine(), now=BEGAN + (minute + 2) * MINUTE)
    say(points[0], fault(), now=BEGAN + 121 * MINUTE)
    sweep(BEGAN + 122 * MINUTE)
    assert Event.objects.get(kind="notification_group.flapping").payload["items"][0]["is_open"]
    say(points[0], fine(), now=BEGAN + 130 * MINUTE)
    if opens_again:
        say(points[0], fault("GroundFailure"), now=BEGAN + 131 * MINUTE)
    deliver_due()
    (mail,) = [mail for mail in smtp.mails if "again and again" in mail.text]
    assert ("Now: not open" in mail.text, "GroundFailure" in mail.text) == (not opens_again, opens_again)


def test_all_clear_of_a_charge_point_that_got_another_station_says_why(
    group: NotificationGroup, points: list[ChargePoint], smtp: MailServer
) -> None:
    say(points[0], fault(), now=BEGAN)
    deliver_due()
    # With its connector it would be the same station by another name.
    row = ChargePointInput(evse_id=points[0].evse_id, station="CP-2", connector=7)
    upsert_charge_points(rows=[row], now=BEGAN + HOUR)
    sweep(BEGAN + HOUR + MINUTE)
    deliver_due()
    assert "Reason: The charge point got another station or connector" in smtp.mails[-1].text


@pytest.fixture
def admins(settings: Any) -> None:
    settings.ADMIN_EMAILS = ["admin@example.org"]


def test_alert_of_a_source_that_is_well_again_is_not_sent(admins: None, smtp: MailServer) -> None:
    now = timezone.now()
    source = Source.objects.create(
        pk=9,
        kind="key",
        name="CSMS",
        first_heard_at=now - DAY,
        last_heard_at=now - HOUR,
        longest_gap_s=20,
        gaps=50,
        fed=["A", "B", "C"],
        listening_since=now - DAY,
        checked_at=now,
    )
    sweep_sources(now=now)
    assert Source.objects.get(pk=9).trouble == "silent"
    Source.objects.filter(pk=source.pk).update(last_heard_at=now)
    sweep_sources(now=now)
    deliver_due()
    assert [mail.message["Subject"] for mail in smtp.mails] == ["Source recovered: CSMS"]
    assert fates()["silent"] == ("suppressed", "over")


def test_batch_is_brought_up_to_date_by_one_statement(points: list[ChargePoint], smtp: MailServer) -> None:
    """However many mails it has, and another for all answers among them."""
    for number in range(10):
        NotificationGroupFactory(name=f"G{number}", members=points, emails=[f"a{number}@example.org", ADDRESS])
    take(*(message(point, fault()) for point in points), now=BEGAN)
    with CaptureQueriesContext(connection) as queries:
        claimed = claim(channel="email", limit=100, lease_s=60, now=timezone.now())
        before = len(queries)
        bring_up_to_date(claimed)
        assert (len(claimed), len(queries) - before) == (20, 1)


def test_momentary_event_that_is_over_says_so(
    group: NotificationGroup, points: list[ChargePoint], smtp: MailServer
) -> None:
    take_neutral(signal(points[0], "raised", case="SENSORS"), now=BEGAN)
    incident = only_incident()
    incident.closed_at, incident.close_reason = BEGAN + HOUR, CloseReason.TRANSIENT
    incident.save()
    deliver_due()
    assert states(smtp) == ["Over already"]


def test_preview_shows_what_is_sent(
    group: NotificationGroup, points: list[ChargePoint], smtp: MailServer, operator: Client
) -> None:
    say(points[0], fault(), now=BEGAN)
    page = reverse("outbox:delivery_preview", args=[Delivery.objects.get().pk])
    assert "New error" in operator.get(page).content.decode()
    say(points[0], fine(), now=BEGAN + HOUR)
    assert "Over already" in operator.get(page).content.decode()
    deliver_due()
    assert "Over already" in operator.get(page).content.decode()
