"""How long charging infrastructure keeps things: open incidents never go, nor the mails that told of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

import pytest
from django.db.models import F

from core import retention
from core.erasure import erase_everywhere
from core.lifecycle import Kept
from core.retention import prune_old
from infra_notifications import selectors
from infra_notifications.choices import NotificationKind, NotificationState
from infra_notifications.models import (
    ChargePointMessage,
    GroupDraft,
    Incident,
    NotificationDecision,
    UnknownChargePoint,
    UnmappedReport,
)
from outbox.models import Delivery, Event
from outbox.services.publishing import number_events
from tests import clock
from tests.factories.console import UserFactory
from tests.factories.infra_notifications import IncidentFactory, NotificationGroupFactory, online

NOW = clock.NOW
OLD, YOUNG = NOW - timedelta(days=91), NOW - timedelta(days=1)
BEFORE = NOW - timedelta(days=90)
pytestmark = pytest.mark.django_db
prune = retention.by_age(Incident, cast("Kept", Incident.lifecycle.kept))


def incident(opened: datetime, closed: datetime | None = None) -> Incident:
    found: Incident = IncidentFactory(charge_point=online(evse_id=f"DE*KEP*E{Incident.objects.count()}"))
    Incident.objects.filter(pk=found.pk).update(
        opened_at=opened, opened_received_at=opened, closed_at=closed, closed_received_at=closed, last_raised_at=opened
    )
    found.refresh_from_db()
    return found


def notified(of: Incident, at: datetime) -> Event:
    """The mail that told a group of an incident."""
    key = f"told:{Event.objects.count()}"
    event = Event.objects.create(
        kind="charging.group.alert", subject=key, dedup_key=key, payload={}, occurred_at=at, created_at=at
    )
    Delivery.objects.create(
        event=event,
        channel="email",
        address="a@example.org",
        destination="email:example.org",
        state="delivered",
        created_at=at,
        settled_at=at,
    )
    NotificationDecision.objects.create(
        incident=of,
        group=NotificationGroupFactory(),
        group_name="g",
        kind=NotificationKind.OPENED,
        state=NotificationState.SENT,
        decided_at=at,
        event_id=event.pk,
    )
    return event


def test_incident_that_closed_long_ago_goes_with_its_notices() -> None:
    old = incident(OLD, OLD)
    notified(old, OLD)
    assert prune(BEFORE, 0).deleted == 1
    assert not Incident.objects.exists()
    assert not NotificationDecision.objects.exists()


def test_open_incidents_and_those_that_closed_lately_stay() -> None:
    still_open, lately = incident(OLD), incident(OLD, YOUNG)
    assert prune(BEFORE, 0).deleted == 0
    assert set(Incident.objects.all()) == {still_open, lately}


def test_device_clock_that_is_wrong_deletes_nothing_early() -> None:
    found = incident(OLD, OLD)
    Incident.objects.filter(pk=found.pk).update(closed_received_at=YOUNG)
    assert prune(BEFORE, 0).deleted == 0


def test_walk_passes_over_what_is_open_and_ends_where_all_is_young(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP", 2)
    for _ in range(2):
        incident(OLD)
    incident(OLD, OLD)
    for _ in range(4):
        incident(YOUNG, YOUNG)
    after: int | str | None = 0
    deleted = []
    while after is not None:
        step = prune(BEFORE, after)
        deleted.append(step.deleted)
        after = step.after
    assert deleted == [0, 1, 0]


def test_mail_that_told_of_an_open_incident_is_kept_until_it_closes() -> None:
    broken, mended = incident(OLD), incident(OLD, YOUNG)
    events = {notified(broken, OLD).pk, notified(mended, OLD).pk}
    notified(incident(YOUNG), YOUNG)
    number_events()
    assert selectors.events_of_open_incidents(sorted(events)) == {
        NotificationDecision.objects.get(incident=broken).event_id
    }
    prune_old(now=NOW)
    left = set(Event.objects.filter(created_at=OLD).values_list("pk", flat=True))
    assert left == {NotificationDecision.objects.get(incident=broken).event_id}
    Incident.objects.filter(pk=broken.pk).update(closed_at=F("opened_at"), closed_received_at=NOW)
    prune_old(now=NOW)
    assert not Event.objects.filter(created_at=OLD).exists()


def test_raw_messages_and_what_was_collected_from_them_go_by_age() -> None:
    for at in (OLD, YOUNG):
        more = {"action": "Heartbeat", "protocol": "ocpp1.6", "verdict": "life", "payload": {}}
        ChargePointMessage.objects.create(received_at=at, **more)
        UnknownChargePoint.objects.create(evse_id=f"DE*NEW*{at:%j}", first_seen=OLD, last_seen=at)
        UnmappedReport.objects.create(
            signature=f"{at}", protocol="ocpp1.6", action="StatusNotification", first_seen=OLD, last_seen=at
        )
        GroupDraft.objects.create(owner=UserFactory(), name="n")
        GroupDraft.objects.filter(updated_at__gt=NOW).update(updated_at=at)
    deleted = prune_old(now=NOW)
    wanted = ("chargepointmessage", "unknownchargepoint", "unmappedreport", "groupdraft")
    assert {name: deleted.get(f"charging {name}") for name in wanted} == dict.fromkeys(wanted, 1)


def test_every_table_of_raw_messages_has_a_retention() -> None:
    settings = {kept.name: kept.setting for kept in retention.all_kept()}
    assert settings["charging chargepointmessage"] == "RETENTION_MESSAGES_DAYS"
    assert settings["incidents"] == "RETENTION_INCIDENTS_DAYS"
    assert settings["events"] == "RETENTION_EVENTS_DAYS"


def test_erased_address_leaves_every_group_and_others_stay() -> None:
    groups = [NotificationGroupFactory(emails=["Anna@example.org", "b@example.org"]) for _ in range(2)]
    found = erase_everywhere(address="anna@example.org", now=NOW, told=lambda done, total: None)
    assert ("notification groups that it stood on", 2) in [(one.what, one.number) for one in found]
    for group in groups:
        assert list(group.addresses.values_list("address", flat=True)) == ["b@example.org"]
