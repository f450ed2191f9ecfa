"""The pages: lists with Magic Search, a driver's page with why not, the catalogue, campaigns, facts by hand."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from outbox.models import Delivery
from tests.vehicles.helpers import (
    ACCOUNT,
    CAR,
    DRIVER,
    EMAIL,
    HOME,
    NOW,
    Json,
    account,
    driver,
    events,
    fact,
    linked,
    only,
    take,
)
from vehicles.ingest import FACT_TYPES
from vehicles.models import Campaign, Driver, Fact, NotificationText, TypeSetting, Vehicle

pytestmark = pytest.mark.django_db
EVIL = "<script>alert('x')</script>"


def url(name: str, *args: Any) -> str:
    return reverse(f"vehicles:{name}", args=args)


def words(response: Any) -> str:
    html = re.sub(r"<script.*?</script>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def setting(name: str) -> TypeSetting:
    return TypeSetting.objects.get(type=name)


@pytest.fixture
def world(db: None) -> None:
    """A driver with an Audi in privacy mode, whose account is refused: the one holds the other back."""
    now = timezone.now()
    take(
        driver(None, email=EMAIL, name=f"Anna {EVIL}", language="de", preferences={"money": False}),
        fact("charging_location", None, location=HOME, driver=DRIVER, name="Home"),
        fact("utility_contract", None, contract="k", location=HOME, driver=DRIVER, supplier="Eneco", state="valid"),
        linked("Audi", now, user_role="primary", privacy_mode=True),
        fact("telemetry", None, vehicle="car-8", charge_state="charging"),
        fact("vehicle", None, vehicle="car-8", driver=DRIVER, brand="Tesla"),
        now=now,
    )
    take(account(now, brand="Audi", auth_state="invalid_credentials"), now=now)


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("name", "query", "there", "not_there"),
    [
        ("drivers", "open:any", "Anna", "No drivers"),
        ("vehicles", "pairing:lost", "Audi One", "Tesla"),
        ("accounts", "auth:invalid*", ACCOUNT, "No accounts"),
        ("sessions", "managed:no open:yes", "unmanaged", "No charging sessions"),
        ("contracts", "supplier:eneco", "Eneco", "No contracts"),
        ("notifications", "state:suppressed", "AudiRemoteAccessDisabled", "InvalidCredentialsBanner Critical"),
        ("catalogue", "category:money channel:email", "PayoutReceipt", "CarNotFound"),
        ("campaigns", "", "No campaigns yet", "results found"),
    ],
)
def test_lists_are_searched(operator: Client, name: str, query: str, there: str, not_there: str) -> None:
    response = operator.get(url(name), {"q": query})
    assert response.status_code == 200
    assert EVIL.encode() not in response.content
    assert there in words(response)
    assert not_there not in words(response)


@pytest.mark.parametrize(
    "name", ["drivers", "vehicles", "accounts", "sessions", "contracts", "notifications", "catalogue"]
)
def test_a_search_that_cannot_be_read_is_told(viewer: Client, name: str) -> None:
    response = viewer.get(url(name), {"q": "colour:red"})
    assert "There is no field" in words(response)


@pytest.mark.usefixtures("world")
def test_a_drivers_page_says_what_is_shown_and_what_not_and_why(viewer: Client) -> None:
    response = viewer.get(url("driver", Driver.objects.get().pk))
    text = words(response)
    assert EVIL.encode() not in response.content
    for there in (
        "InvalidCredentials",
        "AudiRemoteAccessDisabled",
        "Another notification tells its cause: InvalidCredentials",
        "Timeline",
        "Told · push, email",
        "E-mail",
        "Payouts and costs",
        "Verbindung zu Audi verloren",
    ):
        assert there in text, there
    facts = words(viewer.get(url("driver", Driver.objects.get().pk) + "?timeline=facts"))
    assert "oem_account account:account-7" in facts


@pytest.mark.usefixtures("world")
def test_a_vehicles_page(viewer: Client) -> None:
    text = words(viewer.get(url("vehicle", Vehicle.objects.get(external_id=CAR).pk)))
    assert "Lost The account’s credentials are not valid" in text
    assert "privacy mode" in text


@pytest.mark.usefixtures("world")
def test_a_notifications_page_tells_its_steps_and_deliveries(operator: Client) -> None:
    text = words(operator.get(url("notification", only("InvalidCredentials").pk)))
    assert "Told · push, email" in text
    assert EMAIL in text
    held = words(operator.get(url("notification", only("AudiRemoteAccessDisabled").pk)))
    assert "Another notification tells its cause" in held


# ---- the catalogue --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("world")
def test_the_catalogue_says_what_triggers_and_how_many_are_open(viewer: Client) -> None:
    text = words(viewer.get(url("catalogue"), {"q": "name:InvalidCredentials*"}))
    assert "2 results" in text
    assert "The manufacturer refuses the credentials of a linked account, or access was revoked. 1 0 on" in text


@pytest.mark.usefixtures("world")
def test_a_types_page(viewer: Client) -> None:
    text = words(viewer.get(url("type", setting("CarNotReachable").pk)))
    for there in (
        "Threshold hours 24",
        "Cooldown 6 h",
        "Held back by",
        "InvalidCredentials",
        "Wir erreichen Ihr Auto nicht",
    ):
        assert there in text
    assert "Send a sample" not in text


def test_settings_are_changed_and_checked(operator: Client) -> None:
    row = setting("ZeInteractiveExpiresSoon")
    page = url("type_edit", row.pk)
    assert operator.get(page).status_code == 200
    good = {"enabled": "on", "ways": ["push", "banner"], "cooldown_h": "2", "threshold_days": "60, 14"}
    mistakes: tuple[Json, ...] = (
        {"ways": []},
        {"threshold_days": "soon"},
        {"threshold_days": "0"},
        {"cooldown_h": "-1"},
    )
    for wrong in mistakes:
        response = operator.post(page, good | wrong)
        assert (response.status_code, "is-invalid" in response.content.decode()) == (200, True)
    assert operator.post(page, good).status_code == 302
    row.refresh_from_db()
    assert (row.ways, row.cooldown_h, row.thresholds) == (["push", "banner"], 2, {"days": [60, 14]})
    assert (
        operator.post(
            url("type_edit", setting("PayoutReceipt").pk),
            {"ways": ["email"], "cooldown_h": "0", "threshold_above": "EUR 10, nok 5", "threshold_days": "30"},
        ).status_code
        == 302
    )
    paid = setting("PayoutReceipt")
    assert (paid.enabled, paid.thresholds["above"]) == (False, {"EUR": 10, "NOK": 5})


def test_words_are_previewed_and_saved(operator: Client) -> None:
    page = url("type_texts", setting("PayoutReceipt").pk) + "?language=fr"
    values = {"title": "Voici {amount}", "body": "Merci {name} <b>"}
    shown = operator.post(page, values | {"preview": "1"})
    assert "Voici 12,50 EUR" in words(shown)
    assert "Merci Anna &lt;b&gt;" in shown.content.decode()
    # And with values that are long, odd, or not known.
    assert "Voici 12 345,60 NOK" in words(shown).replace("\u202f", " ").replace("\xa0", " ")
    assert "Merci Anne-Sophie O’Neill-Müller &lt;b&gt;" in shown.content.decode()
    assert "{" not in words(shown).partition("Little is known")[2].partition("Long and odd")[0]
    assert NotificationText.objects.count() == 0
    assert operator.post(page, values).status_code == 302
    assert NotificationText.objects.get().body == "Merci {name} <b>"
    for wrong in ({"title": "{nobody}"}, {"title": "{"}, {"body": ""}):
        assert operator.post(page, values | wrong).status_code == 200
    assert operator.post(page, {"title": "", "body": ""}).status_code == 302
    assert NotificationText.objects.count() == 0


def test_a_sample_is_sent_from_the_page(operator: Client) -> None:
    page = url("type_sample", setting("PayoutReceipt").pk)
    assert "There is no driver" in words(operator.post(page, {"to": "nobody", "language": "en"}))
    response = operator.post(page, {"to": "me@example.org", "language": "de"})
    delivery = Delivery.objects.get()
    assert (response.status_code, response["Location"]) == (302, reverse("outbox:event", args=[delivery.event_id]))
    assert operator.get(page).status_code == 405


# ---- campaigns ------------------------------------------------------------------------------------------------------


def test_a_campaign_from_draft_to_end(operator: Client) -> None:
    take(driver(app_version="4.9", name="Anna"), driver(driver="d-2", app_version="5.0"))
    values = {
        "name": "Autumn",
        "type": "ImportantUpdateAppv416Banner",
        "min_app_version": "4.16",
        "audience": "app:<4.16",
        "begins_at": "2026-01-01T00:00",
        "ends_at": "",
    }
    shown = words(operator.post(url("campaign_new"), values | {"preview": "1"}))
    assert "1 driver in the audience now Anna" in shown
    assert Campaign.objects.count() == 0
    assert "There is no field" in words(
        operator.post(url("campaign_new"), values | {"audience": "colour:red", "preview": "1"})
    )
    assert "from which version" in words(operator.post(url("campaign_new"), values | {"min_app_version": ""}))
    assert operator.post(url("campaign_new"), values).status_code == 302
    campaign = Campaign.objects.get()
    assert operator.post(url("campaign_edit", campaign.pk), values | {"name": "Winter"}).status_code == 302
    assert "1 driver in the audience now" in words(operator.get(url("campaign", campaign.pk)))
    operator.post(url("campaign_start", campaign.pk))
    campaign.refresh_from_db()
    assert (campaign.name, campaign.state) == ("Winter", "running")
    assert "cannot be changed" in words(operator.get(url("campaign_edit", campaign.pk), follow=True))
    operator.post(url("campaign_delete", campaign.pk))
    part = operator.get(url("campaign", campaign.pk), headers={"HX-Request": "true", "HX-Target": "progress"})
    assert part.content.decode().lstrip().startswith("<section")
    operator.post(url("campaign_end", campaign.pk))
    campaign.refresh_from_db()
    assert campaign.state == "ended"


def test_a_draft_can_be_deleted(operator: Client) -> None:
    draft = Campaign.objects.create(name="x", type="ImportantUpdateAppv416Banner", begins_at=timezone.now())
    operator.post(url("campaign_delete", draft.pk))
    assert Campaign.objects.count() == 0


# ---- facts by hand --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(FACT_TYPES))
def test_every_type_has_a_form_that_keeps_what_was_typed(operator: Client, name: str) -> None:
    page = f"{url('fact_new')}?type={name}"
    assert operator.get(page).status_code == 200
    response = operator.post(page, {"occurred_at": "2026-11-21T09:00"})
    assert response.status_code == 200
    assert "2026-11-21T09:00" in response.content.decode()
    assert Fact.objects.count() == 0


def test_a_fact_by_hand_does_what_one_by_the_api_does(operator: Client) -> None:
    page = url("fact_new")
    operator.post(
        f"{page}?type=driver",
        {
            "driver": DRIVER,
            "data_email": EMAIL,
            "data_preferences": "money no, session yes",
            "data_quiet_hours": "22:00-07:00",
            "data_push_enabled": "false",
        },
    )
    found = Driver.objects.get()
    assert (found.email, found.unwanted, str(found.quiet_from), found.push_enabled) == (
        EMAIL,
        ["money"],
        "22:00:00",
        False,
    )
    response = operator.post(
        f"{page}?type=vehicle",
        {
            "vehicle": CAR,
            "driver": DRIVER,
            "data_brand": "BMW",
            "data_geolocation_enabled": "false",
            "data_capabilities": "geoLocation blocked",
        },
    )
    assert response["Location"] == url("driver", found.pk)
    operator.post(
        f"{page}?type=payout", {"payout": "p", "driver": DRIVER, "data_amount": "12.50", "data_currency": "EUR"}
    )
    operator.post(f"{page}?type=vehicle_contact", {"vehicle": CAR, "data_ok": "true"})
    assert Fact.objects.count() == 4
    assert [event.payload["type"] for event in events()] == []  # push is switched off
    assert only("GeoLocationDisabled").reason == "no_way"


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("driver", {"driver": DRIVER, "data_email": "x"}),
        ("driver", {"driver": DRIVER, "data_quiet_hours": "late"}),
        ("driver", {"driver": DRIVER, "data_quiet_hours": "25:00-07:00"}),
        ("driver", {"driver": DRIVER, "data_preferences": "money"}),
        ("driver", {"driver": DRIVER, "data_preferences": "money perhaps"}),
        ("driver", {"driver": ""}),
        ("telemetry", {"vehicle": CAR, "data_soc": "120"}),
        ("payout", {"payout": "p", "driver": DRIVER, "data_currency": "DOLLARS"}),
        ("vehicle_contact", {"vehicle": CAR}),
        ("driver", {"driver": DRIVER, "occurred_at": "yesterday"}),
    ],
)
def test_a_wrong_fact_is_told_what_to_do(operator: Client, kind: str, wrong: dict[str, str]) -> None:
    response = operator.post(f"{url('fact_new')}?type={kind}", wrong)
    assert response.status_code == 200
    assert "is-invalid" in response.content.decode() or "alert" in response.content.decode()
    assert Fact.objects.count() == 0


def test_words_are_chosen_by_their_meaning_and_null_can_be_said(operator: Client) -> None:
    page = f"{url('fact_new')}?type=vehicle"
    assert "Primary user (primary)" in words(operator.get(page))
    operator.post(page, {"vehicle": CAR, "data_user_role": "secondary", "data_privacy_mode": "on"})
    vehicle = Vehicle.objects.get()
    assert (vehicle.user_role, vehicle.privacy_mode) == ("secondary", True)
    operator.post(page, {"vehicle": CAR, "unknown": ["user_role", "privacy_mode"]})
    vehicle.refresh_from_db()
    assert (vehicle.user_role, vehicle.privacy_mode) == ("", None)
    both = {"vehicle": CAR, "data_user_role": "primary", "unknown": ["user_role"]}
    assert "Say either" in words(operator.post(page, both))


@pytest.mark.usefixtures("world")
def test_the_dashboard_counts_what_is_open(viewer: Client) -> None:
    text = words(viewer.get(reverse("console:dashboard")))
    assert "Vehicle notifications 2 Critical" in text


def test_the_demo_shows_every_kind_of_trouble_once() -> None:
    from vehicles.demo import load
    from vehicles.models import DriverNotification

    load(NOW)
    before = DriverNotification.objects.count()
    load(NOW)
    assert DriverNotification.objects.count() == before
    living = set(DriverNotification.objects.filter(state__in=("open", "read")).values_list("type", flat=True))
    assert living >= {
        "InvalidCredentials",
        "InvalidCredentialsBanner",
        "CarNotReachable",
        "ZeInteractiveExpiresSoon",
        "ZeInteractiveCannotBeActivated",
        "AudiRemoteAccessDisabledBanner",
        "GeoLocationDisabled",
        "MiniSmartChargingUnlockedBanner",
        "InvalidUtilityContract",
        "RemovedGreenchoiceContractBanner",
        "ReferralCompletedForReferrerBanner",
        "AcceptPdlAgreementBanner",
        "ImportantUpdateAppv416Banner",
        "PayoutReceipt",
        "SessionImpossible",
        "ManagedSessionStart",
    }
    held = set(DriverNotification.objects.filter(state="suppressed").values_list("type", "reason"))
    assert ("CarNotFound", "root_cause") in held


def test_links_of_a_type_are_set_by_lines_and_checked(operator: Client) -> None:
    page = url("type_edit", setting("CarNotFound").pk)
    form = {"enabled": "on", "ways": ["push"], "cooldown_h": "24"}
    operator.post(page, form | {"links": "https://app.example Open it\nLyon | myapp://cars Open"})
    assert setting("CarNotFound").links == {"": ["https://app.example", "Open it"], "lyon": ["myapp://cars", "Open"]}
    assert "lyon | myapp://cars Open" in operator.get(page).content.decode()
    for wrong in ("javascript://x Open", "http://app.example Open", "app.example Open", "https://app.example"):
        refused = operator.post(page, form | {"links": wrong})
        assert "errorlist" in refused.content.decode() or "invalid-feedback" in refused.content.decode()
    assert len(setting("CarNotFound").links) == 2
