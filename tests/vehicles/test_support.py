"""What support does: resend, end, note, mute; the timeline that it reads; campaigns by API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.conftest import ApiClient
from tests.vehicles.cases import renault
from tests.vehicles.helpers import (
    DRIVER,
    EMAIL,
    account,
    at,
    car,
    deliveries,
    driver,
    events,
    fact,
    held,
    linked,
    only,
    people,
    shown,
    states,
    steps,
    sweep,
    take,
    telemetry,
)
from vehicles.models import Campaign, Driver, DriverNotification, Mute, NotificationStep
from vehicles.services import support

pytestmark = pytest.mark.django_db
NAME = "InvalidCredentials"


def refused() -> DriverNotification:
    people()
    take(driver(at(days=-6), name="Anna"), *renault(), account(auth_state="revoked"))
    return only(NAME)


# ---- resend ---------------------------------------------------------------------------------------------------------


def test_what_was_told_is_sent_again(api: ApiClient) -> None:
    note = refused()
    answer = api.post(f"/vehicles/notifications/{note.pk}/resend")
    assert answer.status_code == 200, answer.content
    assert deliveries(NAME) == [("email", EMAIL, "pending")] * 2
    again = events(name=NAME)[-1]
    assert (again.payload["occasion"], again.pk) == ("resent", answer.json()["event"])
    assert "Anna" not in str(again.payload)
    assert NotificationStep.objects.get(kind="resent").by
    sweep(at(hours=1))
    assert len(events(name=NAME)) == 2


def test_what_is_held_back_is_not_sent_again(api: ApiClient) -> None:
    people()
    take(driver(at(days=-6), preferences={"setting": False}), linked("BMW"), car(geolocation_enabled=False))
    assert api.post(f"/vehicles/notifications/{only('GeoLocationDisabled').pk}/resend").status_code == 422


def test_a_dismissed_banner_is_shown_again() -> None:
    refused()
    banner = only("InvalidCredentialsBanner")
    DriverNotification.objects.filter(pk=banner.pk).update(state="dismissed", dismissed_at=at())
    support.resend(notification=banner, by="ops", now=at(hours=1))
    assert states("InvalidCredentialsBanner") == ["open"]


# ---- end it ---------------------------------------------------------------------------------------------------------


def test_what_a_person_ended_stays_away_until_it_comes_again(api: ApiClient) -> None:
    note = refused()
    assert api.post(f"/vehicles/notifications/{note.pk}/resolve").status_code == 200
    assert held()[NAME] == "by_hand"
    (over,) = events("vehicle.notification.resolved", NAME)
    assert over.payload["reason"] == "by_hand"
    for hours in (1, 48):
        take(telemetry(at(hours=hours)), now=at(hours=hours))
        sweep(at(hours=hours))
    assert states(NAME) == ["suppressed"]
    take(account(at(hours=50), auth_state="ok"), now=at(hours=50))
    take(account(at(hours=80), auth_state="revoked"), now=at(hours=80))
    assert states(NAME) == ["resolved", "open"]
    assert api.post(f"/vehicles/notifications/{note.pk}/resolve").status_code == 409


def test_what_a_person_ended_holds_nothing_back() -> None:
    refused()
    take(car(at(minutes=1), link_status="active"), car(at(minutes=2), link_status="missing"), now=at(minutes=3))
    assert held() == {"MyRenaultAccessRevoked": f"root_cause:{NAME}"}
    for name in (NAME, "InvalidCredentialsBanner"):
        support.resolve(notification=only(name), by="ops", now=at(minutes=4))
    sweep(at(minutes=4))
    assert shown() == {"MyRenaultAccessRevoked"}


def test_a_note_stands_in_the_timeline(api: ApiClient, operator: Client) -> None:
    note = refused()
    assert api.post(f"/vehicles/notifications/{note.pk}/notes", {"text": "The driver called."}).status_code == 201
    operator.post(reverse("vehicles:notification_note", args=[note.pk]), {"text": "Called back."})
    page = operator.get(reverse("vehicles:notification", args=[note.pk])).content.decode()
    assert "Called back." in page
    assert ("note", "") in steps(NAME)
    empty = operator.post(reverse("vehicles:notification_note", args=[note.pk]), {"text": " "})
    assert empty.status_code == 422


# ---- mute -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("muted", "waits"), [("", True), (NAME, True), (f" {NAME.upper()} ", True), ("CarNotFound", False)]
)
def test_what_is_muted_waits(api: ApiClient, muted: str, waits: bool) -> None:
    people()
    take(*renault())
    driver_row = Driver.objects.get(external_id=DRIVER)
    support.mute(driver=driver_row, until=at(hours=5), by="ops", now=at(), name=muted)
    take(account(auth_state="revoked"))
    assert (held().get(NAME) == "muted") is waits
    sweep(at(hours=5))
    assert NAME in shown()


def test_mutes_by_api(api: ApiClient) -> None:
    people()
    path = f"/vehicles/drivers/{DRIVER}/mutes"
    made = api.post(path, {"hours": 3, "type": NAME, "note": "on holiday"})
    assert made.status_code == 201, made.content
    assert [(row["type"], row["note"]) for row in api.get(path).json()] == [(NAME, "on holiday")]
    assert api.delete(f"/vehicles/mutes/{made.json()['id']}").status_code == 204
    assert api.get(path).json() == []
    for wrong in ({}, {"hours": 3, "type": "Pigeon"}, {"until": at(days=-900).isoformat()}):
        assert api.post(path, wrong).status_code == 422


def test_the_console_mutes_and_tells_again(operator: Client, viewer: Client) -> None:
    people()
    pk = Driver.objects.get(external_id=DRIVER).pk
    url = reverse("vehicles:driver_mute", args=[pk])
    assert viewer.post(url, {"hours": 5}).status_code == 403
    assert operator.post(url, {"hours": 0}).status_code == 422
    operator.post(url, {"hours": 5, "type": "", "note": "asked for it"})
    assert "asked for it" in operator.get(reverse("vehicles:driver", args=[pk])).content.decode()
    operator.post(reverse("vehicles:driver_unmute", args=[Mute.objects.get().pk]))
    assert not Mute.objects.exists()


# ---- the timeline ---------------------------------------------------------------------------------------------------


def test_telemetry_stands_apart_and_the_timeline_pages_back(operator: Client) -> None:
    refused()
    take(*(telemetry(at(minutes=n), soc=n % 100) for n in range(60)), now=at(hours=1))
    url = reverse("vehicles:driver", args=[Driver.objects.get(external_id=DRIVER).pk])

    def lines(query: str) -> str:
        page = operator.get(url + query).content.decode()
        return page[page.index('id="timeline"') :]

    assert "telemetry</strong>" not in lines("") + lines("?timeline=facts")
    assert NAME in lines("")
    first = lines("?timeline=telemetry")
    assert first.count("telemetry</strong>") == 50
    before = first.partition("before=")[2].partition("#")[0]
    older = lines(f"?timeline=telemetry&before={before}")
    assert (older.count("telemetry</strong>"), "before=" in older) == (10, False)
    assert operator.get(f"{url}?timeline=x&before=x").status_code == 200


# ---- campaigns ------------------------------------------------------------------------------------------------------


def test_a_campaign_by_api_is_for_brands_and_programmes(api: ApiClient) -> None:
    for n, (brand, program) in enumerate((("Renault", "lyon"), ("Dacia", "lyon"), ("Audi", "lyon"), ("Renault", "x"))):
        take(
            driver(at(days=-1), driver=f"d-{n}", app_version="4.9", program=program),
            fact("vehicle", at(days=-1), vehicle=f"c-{n}", driver=f"d-{n}", brand=brand),
        )
    body: dict[str, Any] = {
        "name": "Update",
        "type": "ImportantUpdateAppv416Banner",
        "min_app_version": "4.16",
        "brands": ["Renault", "Dacia"],
        "programs": ["lyon"],
        "begins_at": at(hours=-1).isoformat(),
    }
    made = api.post("/vehicles/campaigns", body)
    assert (made.status_code, made.json()["drivers"]) == (201, 2), made.content
    path = f"/vehicles/campaigns/{made.json()['id']}"
    assert api.put(path, body | {"brands": ["Renault"]}).json()["drivers"] == 1
    assert api.post(f"{path}/start").json()["state"] == "running"
    sweep(timezone.now())
    assert api.get(path).json()["progress"]["told"] == 1
    assert (api.put(path, body).status_code, api.delete(path).status_code) == (422, 409)
    assert api.post(f"{path}/end").json()["state"] == "ended"
    assert api.post(f"{path}/end").status_code == 409


def test_a_campaign_that_cannot_be_is_refused(api: ApiClient) -> None:
    body = {"name": "x", "type": "ImportantUpdateAppv416Banner", "min_app_version": "4.16"}
    for wrong in ({"type": "CarNotFound"}, {"brands": ['a"b']}, {"audience": "wibble:3"}, {"colour": "red"}):
        assert api.post("/vehicles/campaigns", body | wrong).status_code == 422
    draft = api.post("/vehicles/campaigns", body).json()["id"]
    assert api.delete(f"/vehicles/campaigns/{draft}").status_code == 204
    assert not Campaign.objects.exists()
