"""Pushes are proven: who listens, what the app's backend reports of each, and what events say of their severity."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from core.search import SearchError
from outbox.event_kinds import kind_of
from outbox.models import WebhookEndpoint
from outbox.subscriptions.conditions import EventView, check_condition, compile_condition
from outbox.subscriptions.stamps import listeners_changed
from outbox.transports.webhook.envelope import envelope
from tests.conftest import ApiClient
from tests.vehicles.cases import renault
from tests.vehicles.conftest import listen
from tests.vehicles.helpers import (
    DRIVER,
    EMAIL,
    account,
    at,
    car,
    deliveries,
    driver,
    events,
    held,
    linked,
    only,
    people,
    shown,
    steps,
    sweep,
    take,
)
from vehicles.models import DriverNotification
from vehicles.search import NOTIFICATION_SEARCH
from vehicles.selectors import check_pushes
from vehicles.services.pushes import tell_the_unheard

pytestmark = pytest.mark.django_db
PATH = "/vehicles/push-reports"


def deaf() -> None:
    WebhookEndpoint.objects.all().delete()
    listeners_changed("webhooks")


def private() -> DriverNotification:
    """Something that goes by push alone."""
    people()
    take(linked("Audi", user_role="primary"), car(privacy_mode=True))
    return only("AudiRemoteAccessDisabled")


# ---- nobody listens -------------------------------------------------------------------------------------------------


def test_what_goes_by_push_alone_waits_while_nobody_listens() -> None:
    deaf()
    private()
    assert held() == {"AudiRemoteAccessDisabled": "no_listener"}
    assert shown() == {"AudiRemoteAccessDisabledBanner"}
    assert events(name="AudiRemoteAccessDisabled") == []
    finding = check_pushes(timezone.now())
    assert not finding.ok
    assert "1" in finding.text
    assert tell_the_unheard(now=at()) == 0
    listen()
    assert tell_the_unheard(now=at(minutes=1)) == 1
    sweep(at(minutes=1))
    assert check_pushes(timezone.now()).ok
    assert "AudiRemoteAccessDisabled" in shown()
    assert [d[0] for d in deliveries("AudiRemoteAccessDisabled")] == ["webhook"]


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("type:AudiRemoteAccessDisabled severity:>=warning program:lyon", True),
        ("program:paris", False),
        ("type:CarNotFound", False),
        ("severity:critical", False),
        ("brand:audi channels:push occasion:new", True),
        ("privacy", True),
        ("-privacy", False),
    ],
)
def test_somebody_listens_whose_condition_fits_the_very_event(condition: str, told: bool) -> None:
    deaf()
    listen(condition)
    take(driver(at(days=-7), program="Lyon"))
    private()
    assert ("AudiRemoteAccessDisabled" in shown()) is told
    assert bool(deliveries("AudiRemoteAccessDisabled")) is told
    assert check_pushes(timezone.now()).ok is told


def test_what_nobody_takes_is_asked_again_only_once_others_listen() -> None:
    deaf()
    listen("program:paris")
    private()
    assert held() == {"AudiRemoteAccessDisabled": "no_listener"}
    assert [tell_the_unheard(now=at(minutes=n)) for n in (1, 2)] == [1, 0]
    sweep(at(minutes=2))
    WebhookEndpoint.objects.update(condition="program:paris,none")
    listeners_changed("webhooks")
    assert [tell_the_unheard(now=at(minutes=n)) for n in (3, 4)] == [1, 0]
    sweep(at(minutes=4))
    assert [d[0] for d in deliveries("AudiRemoteAccessDisabled")] == ["webhook"]


def test_what_is_mailed_too_is_told_by_mail_and_says_why_by_no_push() -> None:
    deaf()
    people()
    take(*renault(), account(auth_state="revoked"))
    assert deliveries("InvalidCredentials") == [("email", EMAIL, "pending")]
    assert ("skipped", "no_listener") in steps("InvalidCredentials")


def test_the_dashboard_says_that_nobody_listens(viewer: Client) -> None:
    deaf()
    private()
    assert "Nobody listens" in viewer.get("/").content.decode()


@pytest.mark.parametrize(("state", "waits"), [("enabled", False), ("paused", True), ("disabled", True)])
def test_who_is_paused_or_disabled_listens_to_nothing(state: str, waits: bool) -> None:
    WebhookEndpoint.objects.update(state=state)
    listeners_changed("webhooks")
    private()
    assert ("AudiRemoteAccessDisabled" in held()) is waits


# ---- what became of them --------------------------------------------------------------------------------------------


def test_the_backend_reports_delivered_and_opened(api: ApiClient) -> None:
    note = private()
    assert api.post(PATH, {"notification": note.pk, "state": "Delivered"}).json()["accepted"] == 1
    note.refresh_from_db()
    assert (note.push_state, note.state) == ("delivered", "open")
    assert api.post(PATH, [{"notification": note.pk, "state": "opened"}]).json()["accepted"] == 1
    note.refresh_from_db()
    assert (note.push_state, note.state) == ("opened", "read")
    assert [kind for kind, _reason in steps("AudiRemoteAccessDisabled")] == ["told", "delivered", "opened"]


def test_a_failed_push_is_found(api: ApiClient) -> None:
    note = private()
    api.post(PATH, {"notification": note.pk, "state": "failed", "reason": "the token is gone"})
    (row,) = api.get("/vehicles/notifications?q=push:failed").json()["items"]
    assert (row["id"], row["push_state"]) == (note.pk, "failed")
    assert "1" in check_pushes(timezone.now()).text
    assert not check_pushes(timezone.now()).ok


def test_the_newest_report_counts_and_opened_is_the_last_word(api: ApiClient) -> None:
    note = private()
    for minutes, state, expected in (
        (5, "failed", "failed"),
        (3, "delivered", "failed"),
        (9, "delivered", "delivered"),
    ):
        api.post(PATH, {"notification": note.pk, "state": state, "at": at(minutes=minutes).isoformat()})
        note.refresh_from_db()
        assert note.push_state == expected
    api.post(PATH, {"notification": note.pk, "state": "opened", "at": at(minutes=1).isoformat()})
    api.post(PATH, {"notification": note.pk, "state": "failed", "at": at(minutes=20).isoformat()})
    note.refresh_from_db()
    assert note.push_state == "opened"


def test_bad_reports_are_named_and_good_ones_taken(api: ApiClient) -> None:
    note = private()
    banner = only("AudiRemoteAccessDisabledBanner")
    take(car(user_role="none"), driver(preferences={"pairing": False}))
    held_back = only("AudiNotPaired")
    assert held_back.told_at is None
    body: list[Any] = [
        {"id": str(note.pk), "status": "delivered", "at": "yesterday", "device": "phone"},
        {"notification": note.pk, "state": "eaten"},
        {"notification": 999_999, "state": "delivered"},
        {"notification": banner.pk, "state": "delivered"},
        {"notification": held_back.pk, "state": "delivered"},
        {"notification": -1, "state": "delivered"},
        {"state": "delivered"},
        7,
    ]
    answer = api.post(PATH, body).json()
    assert (answer["accepted"], [row["index"] for row in answer["rejected"]]) == (1, [1, 2, 3, 4, 5, 6, 7])
    assert "never told" in answer["rejected"][3]["error"]
    assert not any("PushReport" in row["error"] for row in answer["rejected"])
    said = " ".join(row["warning"] for row in answer["warnings"])
    assert all(name in said for name in ("`id`", "`status`", "`at`", "`device`"))
    note.refresh_from_db()
    assert note.push_state == "delivered"


def test_a_backends_wrong_clock_holds_no_later_report_back(api: ApiClient) -> None:
    note = private()
    ahead = (timezone.now() + timedelta(days=400)).isoformat()
    answer = api.post(PATH, {"notification": note.pk, "state": "failed", "at": ahead}).json()
    assert "wrong" in answer["warnings"][0]["warning"]
    api.post(PATH, {"notification": note.pk, "state": "delivered"})
    note.refresh_from_db()
    assert note.push_state == "delivered"


# ---- banners, severity, filters -------------------------------------------------------------------------------------


def test_banners_are_listed_until_they_are_dismissed_or_over(api: ApiClient) -> None:
    private()
    banner = only("AudiRemoteAccessDisabledBanner")

    def listed() -> list[int]:
        rows = api.get(f"/vehicles/drivers/{DRIVER}/notifications?channel=BANNER&state=Shown").json()["items"]
        return [row["id"] for row in rows]

    api.post(f"/vehicles/notifications/{banner.pk}/read")
    assert listed() == [banner.pk]
    api.post(f"/vehicles/notifications/{banner.pk}/dismiss")
    assert listed() == []


def test_an_events_severity_is_the_notifications() -> None:
    people()
    take(driver(at(days=-6), program="Lyon"), *renault(), account(auth_state="revoked"))
    (event,) = events(name="InvalidCredentials")
    sent = envelope(
        event_uuid=event.uuid,
        kind=event.kind,
        subject=event.subject,
        occurred_at=event.occurred_at,
        sequence=1,
        data=event.payload,
    )
    assert (sent["severity"], sent["program"]) == ("critical", "Lyon")


@pytest.mark.parametrize(
    ("condition", "fits"),
    [
        ("type:InvalidCredentials", True),
        ("type:vehicle.notification.*", True),
        ("type:CarNotFound", False),
        ("severity:>=warning", True),
        ("severity:info", False),
        ("program:lyon", True),
        ("program:paris", False),
        ("-type:InvalidCredentials", False),
    ],
)
def test_conditions_ask_for_type_severity_and_program(condition: str, fits: bool) -> None:
    people()
    take(driver(at(days=-6), program="Lyon"), *renault(), account(auth_state="revoked"))
    (event,) = events(name="InvalidCredentials")
    kind = kind_of(event.kind)
    check_condition(condition, [kind])
    assert compile_condition(condition)(EventView.of(kind, event.subject, event.payload)) is fits


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("type:InvalidCredentials", {"InvalidCredentials"}),
        ("severity:critical", {"InvalidCredentials", "InvalidCredentialsBanner"}),
        ("program:lyon type:invalidcredentials", {"InvalidCredentials"}),
        ("program:paris", set()),
        ("state:shown channel:banner", {"InvalidCredentialsBanner"}),
    ],
)
def test_the_list_asks_for_type_severity_and_program(api: ApiClient, query: str, found: set[str]) -> None:
    people()
    take(driver(at(days=-6), program="Lyon"), *renault(), account(auth_state="revoked"))
    rows = api.get(f"/vehicles/notifications?q={query}").json()["items"]
    assert {row["type"] for row in rows} == found


def test_the_list_and_conditions_know_the_same_fields_and_operators(api: ApiClient) -> None:
    """What a condition may ask of a notification the list may be asked, and the reverse."""
    kind = kind_of("vehicle.notification.created")
    example = EventView.of(kind, "driver:driver-7", kind.example_data()).values
    asked = {name: facet for facet in NOTIFICATION_SEARCH.all_facets for name in (facet.name, *facet.aliases)}
    both = {name: facet for name, facet in asked.items() if name in example}
    texts = [
        text.replace(facet.name, name, 1).replace("garage", "push")
        for name, facet in both.items()
        for text in map(str, facet.examples())
    ]
    for text in [*texts, "severity:>=action", "severity:<warning", "severity:info..warning", "-type:carnotfound"]:
        check_condition(text, [kind])
        assert api.get(f"/vehicles/notifications?{urlencode({'q': text})}").status_code == 200, text
    plain = {"type", "state", "channels", "severity", "category", "subject", "program", "language"}
    assert {*plain, "driver", "vehicle", "brand", "model"} <= both.keys()


def test_action_lies_between_information_and_warning(api: ApiClient) -> None:
    people()
    take(linked("Audi", user_role="guest"))
    (event,) = events(name="AudiNotPaired")
    view = EventView.of(kind_of(event.kind), event.subject, event.payload)
    for query, fits in {"severity:>=action": True, "severity:action": True, "severity:>=warning": False}.items():
        assert compile_condition(query)(view) is fits
        listed = api.get(f"/vehicles/notifications?{urlencode({'q': f'{query} type:AudiNotPaired'})}").json()["items"]
        assert bool(listed) is fits


@pytest.mark.parametrize(
    ("condition", "near"),
    [
        ("type:InvalidCredential5", "InvalidCredentials"),
        ("type:vehicle.notification.created5", "vehicle.notification.created"),
        ("type:wibble", ""),
        ("severity:>=warnig", "warning"),
        ("category:conection", "connection"),
        ("program:lyom", "Lyon"),
        ("state:opened5", "open"),
    ],
)
def test_a_condition_with_an_unknown_word_is_refused_with_the_nearest(condition: str, near: str) -> None:
    take(driver(program="Lyon"))
    with pytest.raises(SearchError) as refused:
        check_condition(condition, [kind_of("vehicle.notification.created")])
    assert refused.value.suggestion.rpartition(":")[2] == near
    check_condition("program:marseille", [kind_of("vehicle.notification.created")])
