"""Pages of charge points: the list, one of them, the unknown ones."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from infra_notifications.models import ChargePoint, UnknownChargePoint
from tests.factories.infra_notifications import (
    ChargePointFactory,
    IncidentFactory,
    NotificationGroupFactory,
    online,
)
from tests.infra_notifications.helpers import (
    event,
    events,
    fault,
    fine,
    heartbeat,
    message,
    say,
    signal,
    station,
    take,
    take_neutral,
)
from tests.infra_notifications.pages import EVIL, harmless, rows_of, text_of, url

pytestmark = pytest.mark.django_db


# ---- the list -------------------------------------------------------------------------------------------------------


def test_list_shows_what_is_known_of_each(viewer: Client) -> None:
    facts = {"name": "Deck", "location": "Parkhaus", "city": "Köln", "vendor": "Alfen", "model": "Eve"}
    point = ChargePointFactory(evse_id="A", max_power_kw=22, **facts)
    NotificationGroupFactory(name="West", members=[point])
    NotificationGroupFactory(name="All", members=[point])
    take(message(point, fault(), received_at=None), now=timezone.now())
    ChargePointFactory(evse_id="B", name="", location="", city="")
    first, second = rows_of(viewer.get(url("charge_points")))
    assert (
        re.sub(r"\d+ s ago", "now", first)
        == "A Deck Parkhaus Köln Online now Faulted Fuse tripped All , West – Alfen Eve 22"
    )
    assert second == "B Never seen – – in no group – – –"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["A", "B", "C"]),
        ("status=Faulted", ["A"]),
        ("status=Faulted&status=Charging", ["A", "B"]),
        ("connectivity=never", ["C"]),
        ("open=any", ["A"]),
        ("open=SENSORS", []),
        ("group=none", ["B", "C"]),
        ("group=any", ["A"]),
        ("city=Köln", ["A"]),
        ("vendor=Alfen", ["B"]),
        ("current=DC", ["B"]),
        ("power_min=30", ["B"]),
        ("power_max=30", ["A"]),
        ("q=tag:hub", ["C"]),
        ("q=köln&status=Charging", []),
        ("status=Nonsense", ["A", "B", "C"]),
        ("q=tag:hub&power_min=x", ["C"]),
        ("sort=-evse_id", ["C", "B", "A"]),
        ("sort=nonsense&page=x", ["A", "B", "C"]),
        ("q=%00", []),  # in an address it names nothing
    ],
)
def test_list_is_narrowed_by_search_and_filters(viewer: Client, query: str, found: list[str]) -> None:
    a = ChargePointFactory(evse_id="A", city="Köln", max_power_kw=22, power_type="AC_3_PHASE", location="")
    b = ChargePointFactory(evse_id="B", city="Bonn", max_power_kw=50, power_type="DC", vendor="Alfen", location="")
    ChargePointFactory(evse_id="C", city="Bonn", tags=["hub"], location="")
    NotificationGroupFactory(members=[a])
    say(a, fault())
    say(b, fine(status="Charging"))
    page = viewer.get(f"{url('charge_points')}?{query}").context["page"]
    assert [row.evse_id for row in page.rows] == found


def test_search_that_cannot_be_read_leaves_the_list_and_names_the_nearest(viewer: Client) -> None:
    ChargePointFactory(city="Köln")
    response = viewer.get(f"{url('charge_points')}?q=citty:bonn")
    assert "Did you mean “city”?" in text_of(response)
    assert len(rows_of(response)) == 1


def test_empty_list_says_what_to_do(viewer: Client) -> None:
    assert "Import them from a CSV file, or send them to the API." in text_of(viewer.get(url("charge_points")))


# ---- one of them ----------------------------------------------------------------------------------------------------


def test_page_shows_facts_groups_incidents_and_messages_with_their_rules(viewer: Client) -> None:
    point, other = station("CP-1", vendor="Alfen", model="Eve", firmware="5", tags=["hub"])
    NotificationGroupFactory(name="West", members=[point])
    now = timezone.now()
    odd = message(point, events(event("Odd", "Level", "17", trigger="Alerting")))
    for sent in (heartbeat("CP-1"), message(point, fault()), message(point, fault("ReaderFailure")), odd):
        take(sent, now=now)
    take(message(other, fault("OtherError", info="tilted")), now=now)
    shown = text_of(viewer.get(url("charge_point", point.pk)))
    for said in (
        "DE*CP-1*1",
        "Online",
        "Faulted since",
        "West",
        "CP-1 / 1",
        "Alfen Eve (5)",
        "hub",
        "Fuse tripped",
        "Faulted · OverCurrentFailure → Over-current protection tripped",
        "Other fault",
        "Faulted · ReaderFailure → Other standard errors",
        "Heartbeat",
        "Sign of life",
        "Unmapped",
        "Told West",
    ):
        assert said in shown
    assert "tilted" not in shown
    page = viewer.get(url("charge_point", point.pk)).content.decode()
    assert re.findall(r'data-copy-text="([^"]+)"', page) == ["DE*CP-1*1", "CP-1"]


def test_page_shows_neutral_signals_and_events_too(viewer: Client) -> None:
    (point,) = station("CP-1", 1)
    now = timezone.now()
    take_neutral(signal(point, "raised", case="SENSORS", detail="door open"), now=now)
    say(point, events(event("RCD", "Tripped")), now=now)
    shown = text_of(viewer.get(url("charge_point", point.pk)))
    assert "SENSORS raised" in shown
    assert "RCD/Tripped → RCD tripped" in shown


def test_page_of_one_that_was_never_heard_of(viewer: Client) -> None:
    shown = text_of(viewer.get(url("charge_point", ChargePointFactory(name="", location="", city="").pk)))
    assert "It has not sent anything yet." in shown
    assert "None so far." in shown


def test_only_administrators_are_offered_to_edit(viewer: Client, administrator: Client) -> None:
    where = url("charge_point", online().pk)
    shown = [
        "/admin/infra_notifications/chargepoint/" in c.get(where).content.decode() for c in (viewer, administrator)
    ]
    assert shown == [False, True]


def test_charge_point_that_is_gone_is_404(viewer: Client) -> None:
    assert viewer.get(url("charge_point", 0)).status_code == 404


# ---- the unknown ----------------------------------------------------------------------------------------------------


def unknown_sender() -> UnknownChargePoint:
    take(heartbeat("NEW", connector=2), now=timezone.now())
    return UnknownChargePoint.objects.get()


def test_unknown_senders_are_listed_with_their_numbers(viewer: Client, administrator: Client) -> None:
    assert "Everyone is known" in text_of(viewer.get(url("unknown")))
    found = unknown_sender()
    (shown,) = rows_of(viewer.get(url("unknown")))
    assert re.fullmatch(r"– NEW 2 1 \d+ s ago", shown)
    assert url("unknown_adopt", found.pk) in administrator.get(url("unknown")).content.decode()
    assert rows_of(viewer.get(url("unknown") + "?q=messages:>1")) == []


def test_unknown_sender_is_adopted(administrator: Client) -> None:
    found = unknown_sender()
    assert "Heartbeat" in text_of(administrator.get(url("unknown_adopt", found.pk)))
    response = administrator.post(url("unknown_adopt", found.pk), {"evse_id": "DE*NEW*2"}, follow=True)
    assert "DE*NEW*2 is a charge point now." in text_of(response)
    assert ChargePoint.objects.get().station == "NEW"


@pytest.mark.parametrize(
    ("evse_id", "says"),
    [
        ("", "This field is required."),
        ("x" * 49, "at most 48 characters"),
        ("de*known*1", "There is a charge point of this EVSE id already."),
        ("a\x00", "Null characters are not allowed."),
    ],
)
def test_adoption_under_an_id_that_cannot_be_says_why(administrator: Client, evse_id: str, says: str) -> None:
    ChargePointFactory(evse_id="DE*KNOWN*1")
    response = administrator.post(url("unknown_adopt", unknown_sender().pk), {"evse_id": evse_id})
    assert says in text_of(response)
    assert UnknownChargePoint.objects.exists()


# ---- hostile names --------------------------------------------------------------------------------------------------


def test_what_was_sent_is_shown_as_it_is(administrator: Client) -> None:
    odd: dict[str, Any] = dict.fromkeys(("name", "location", "city", "operator", "vendor", "model", "street"), EVIL)
    point = ChargePointFactory(evse_id="<i>odd</i>", tags=[EVIL[:40]], **odd)
    IncidentFactory(charge_point=point, said=EVIL)
    NotificationGroupFactory(name=EVIL, members=[point])
    say(point, fault("OtherError", info=EVIL, odd={EVIL: EVIL}), now=timezone.now())
    take(message(EVIL[:48], fault("OtherError", info=EVIL, odd={EVIL: EVIL})))
    pages = (url("charge_points"), url("charge_point", point.pk), url("unknown"))
    for where in (*pages, url("unknown_adopt", UnknownChargePoint.objects.get().pk)):
        assert escape(EVIL)[:40].lower() in harmless(administrator.get(where)).lower()
