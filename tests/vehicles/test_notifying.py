"""How a driver is told, and why not: preferences, consent, ways, quiet hours, cooldown, reminders, words."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from babel.dates import format_date

from core.refusal import Refused
from outbox.models import Delivery
from outbox.services.mailing_lists.leaving import read_token, unsubscribe_url
from tests.clock import local
from tests.vehicles.helpers import (
    CAR,
    DRIVER,
    EMAIL,
    NOW,
    account,
    at,
    car,
    contract,
    deliveries,
    driver,
    events,
    fact,
    held,
    linked,
    notes,
    only,
    people,
    service,
    shown,
    states,
    steps,
    sweep,
    take,
    telemetry,
)
from vehicles.catalogue import TYPES
from vehicles.catalogue.texts import TEXTS, examples_of
from vehicles.mailing import CATEGORY_LIST
from vehicles.models import Driver, TypeSetting
from vehicles.services import notifications as services
from vehicles.services.policies import change_text, change_type
from vehicles.services.texts import fill

pytestmark = pytest.mark.django_db


def in_paris(hour: int, minute: int = 0, *, days: int = 0) -> datetime:
    return local("Europe/Paris", hour, minute, days=days)


def broken(moment: datetime = NOW) -> None:
    take(account(moment, brand="Renault", auth_state="invalid_credentials"), now=moment)


def mended(moment: datetime) -> None:
    take(account(moment, auth_state="ok"), now=moment)


def private(on: bool = True, moment: datetime = NOW) -> None:
    """An Audi's privacy mode: a push and a banner, neither of them critical."""
    take(linked("Audi", at(days=-6), user_role="primary"), car(moment, privacy_mode=on), now=moment)


def change(name: str, now: datetime = NOW, **changes: Any) -> None:
    entry = TYPES[name]
    values: dict[str, Any] = {
        "enabled": True,
        "ways": entry.ways,
        "cooldown_h": entry.cooldown_h,
        "thresholds": entry.thresholds,
    }
    change_type(entry=entry, now=now, **(values | changes))


# ---- what the driver wants ------------------------------------------------------------------------------------------


def test_an_unwanted_category_is_held_back_and_comes_when_it_is_wanted_again() -> None:
    people()
    take(driver(preferences={"setting": False}))
    private()
    assert (shown(), held()) == (
        set(),
        {"AudiRemoteAccessDisabled": "preference", "AudiRemoteAccessDisabledBanner": "preference"},
    )
    assert events() == []
    take(driver(at(hours=1), preferences={"setting": True}), now=at(hours=1))
    assert shown() == {"AudiRemoteAccessDisabled", "AudiRemoteAccessDisabledBanner"}


def test_a_category_that_becomes_unwanted_is_taken_away() -> None:
    people()
    private()
    take(driver(at(hours=1), preferences={"setting": False}), now=at(hours=1))
    assert shown() == set()
    assert {e.payload["reason"] for e in events("vehicle.notification.resolved")} == {"preference"}


def test_without_push_the_other_ways_are_used_and_the_skipped_one_is_recorded() -> None:
    people()
    take(driver(push_enabled=False))
    broken()
    (event,) = events(name="InvalidCredentials")
    assert event.payload["channels"] == ["email"]
    assert steps("InvalidCredentials") == [("told", ""), ("skipped", "no_way")]


def test_without_any_way_it_is_held_back_until_there_is_one() -> None:
    people()
    take(driver(email=None))
    take(fact("payout", payout="p", driver=DRIVER, amount=10, currency="EUR", state="sent"))
    assert held() == {"PayoutReceipt": "no_way"}
    take(driver(at(hours=1), email=EMAIL), now=at(hours=1))
    assert deliveries("PayoutReceipt") == [("email", EMAIL, "pending")]


def test_a_driver_who_is_removed_is_told_nothing_more() -> None:
    people()
    broken()
    take(driver(at(hours=1), removed=True), now=at(hours=1))
    private(moment=at(hours=2))
    assert (shown(), held(), Driver.objects.get().due_at) == (set(), {}, None)


def test_the_link_in_a_mail_leaves_its_category() -> None:
    people()
    take(contract("valid", at(days=-1)), contract("invalid"))
    delivery = Delivery.objects.get(address=EMAIL)
    token = unsubscribe_url(delivery.list_key, EMAIL).rstrip("/").rpartition("/")[2]
    list_key, address = read_token(token) or ("", "")
    assert CATEGORY_LIST.title(list_key) == "Contracts"
    assert CATEGORY_LIST.leave(list_key, address)
    assert not CATEGORY_LIST.leave(list_key, address)
    sweep(datetime.now(UTC) + timedelta(minutes=1))
    assert held() == {"InvalidUtilityContract": "preference"}
    assert CATEGORY_LIST.title("driver_category:x:money") is None
    assert not CATEGORY_LIST.leave("driver_category:1:nonsense", address)


def test_what_is_critical_has_no_link_to_leave_it() -> None:
    people()
    broken()
    assert Delivery.objects.get(address=EMAIL).list_key == ""


# ---- quiet hours ----------------------------------------------------------------------------------------------------


def quiet(zone: str = "Europe/Paris") -> None:
    people()
    take(driver(at(days=-2), time_zone=zone, quiet_hours={"from": "22:00", "until": "07:00"}), now=at(days=-2))


def test_quiet_hours_hold_a_push_until_they_end_in_the_drivers_zone() -> None:
    quiet()
    night = in_paris(0, days=1)
    private(moment=night)
    assert shown() == {"AudiRemoteAccessDisabledBanner"}  # a banner disturbs nobody
    assert held() == {"AudiRemoteAccessDisabled": "quiet_hours"}
    morning = in_paris(7, days=1)
    assert only("AudiRemoteAccessDisabled").due_at == morning
    sweep(morning - timedelta(seconds=1))
    assert held()
    sweep(morning)
    assert "AudiRemoteAccessDisabled" in shown()


def test_the_same_hour_is_no_quiet_one_in_another_zone() -> None:
    quiet("America/New_York")
    private(moment=in_paris(0, days=1))
    assert "AudiRemoteAccessDisabled" in shown()


def test_what_ends_in_the_night_is_never_told() -> None:
    quiet()
    night = in_paris(0, days=1)
    private(moment=night)
    private(False, night + timedelta(hours=2))
    sweep(night + timedelta(hours=9))
    assert events(name="AudiRemoteAccessDisabled") == []
    assert steps("AudiRemoteAccessDisabled") == [("held", "quiet_hours"), ("resolved", "never_told")]


def test_what_is_critical_passes_quiet_hours() -> None:
    quiet()
    broken(in_paris(0, days=1))
    assert shown() == {"InvalidCredentials", "InvalidCredentialsBanner"}


# ---- once more ------------------------------------------------------------------------------------------------------


def test_a_dismissed_banner_comes_back_after_the_cooldown_while_its_condition_holds() -> None:
    people()
    broken()
    banner = only("InvalidCredentialsBanner")
    assert services.dismiss(notification=banner, now=at(hours=1))
    sweep(at(hours=24))
    assert states("InvalidCredentialsBanner") == ["dismissed"]
    sweep(at(hours=25))
    assert states("InvalidCredentialsBanner") == ["open"]
    assert [e.payload["occasion"] for e in events(name="InvalidCredentialsBanner")] == ["new", "returned"]
    assert [d[2] for d in deliveries("InvalidCredentialsBanner")] == ["delivered", "delivered"]
    mended(at(hours=30))
    assert states("InvalidCredentialsBanner") == ["resolved"]


def test_a_dismissed_banner_stays_away_when_its_condition_ended() -> None:
    people()
    broken()
    services.dismiss(notification=only("InvalidCredentialsBanner"), now=at(hours=1))
    mended(at(hours=2))
    sweep(at(hours=30))
    assert states("InvalidCredentialsBanner") == ["resolved"]


def test_a_new_episode_shortly_after_a_dismissal_waits_for_the_cooldown() -> None:
    people()
    broken()
    services.dismiss(notification=only("InvalidCredentialsBanner"), now=at(hours=1))
    mended(at(hours=2))
    broken(at(hours=3))
    assert held() == dict.fromkeys(("InvalidCredentials", "InvalidCredentialsBanner"), "cooldown")
    sweep(at(hours=25))
    assert states("InvalidCredentialsBanner") == ["resolved", "open"]


def test_a_banner_told_once_does_not_come_back() -> None:
    people()
    take(fact("referral", referral="r", referrer=DRIVER, state="completed"))
    services.dismiss(notification=only("ReferralCompletedForReferrerBanner"), now=at(hours=1))
    sweep(at(days=10))
    assert states("ReferralCompletedForReferrerBanner") == ["dismissed"]
    sweep(at(days=90))
    assert states("ReferralCompletedForReferrerBanner") == ["expired"]


def test_only_banners_can_be_dismissed() -> None:
    people()
    broken()
    with pytest.raises(Refused):
        services.dismiss(notification=only("InvalidCredentials"), now=at())


def test_reading_counts_once_and_does_not_end_it() -> None:
    people()
    broken()
    note = only("InvalidCredentials")
    assert services.mark_read(notification=note, now=at(hours=1))
    assert services.mark_read(notification=note, now=at(hours=2))
    assert (note.state, note.read_at) == ("read", at(hours=1))
    mended(at(hours=3))
    assert states("InvalidCredentials") == ["resolved"]
    assert not services.mark_read(notification=only("InvalidCredentials"), now=at(hours=4))


def test_flapping_is_told_once_per_cooldown() -> None:
    people()
    private()
    private(False, at(minutes=10))
    private(True, at(minutes=20))
    assert held() == {"AudiRemoteAccessDisabled": "cooldown"}
    assert states("AudiRemoteAccessDisabledBanner") == ["resolved", "open"]
    sweep(at(hours=1))
    assert states("AudiRemoteAccessDisabled") == ["resolved", "open"]


def test_repeats_are_counted_and_not_told() -> None:
    people()
    for hours in range(4):
        broken(at(hours=hours))
    assert only("InvalidCredentials").repeats == 3
    assert only("InvalidCredentials").last_seen_at == at(hours=3)
    assert len(events(name="InvalidCredentials")) == 1


def test_what_is_to_be_done_is_reminded_of_and_not_in_the_night() -> None:
    quiet()
    evening = in_paris(21, 30)
    take(linked("Renault"), service("none", evening), now=evening)
    assert "ZeInteractiveToBeActivated" in shown()
    sweep(in_paris(22, 30, days=7))
    assert len(events(name="ZeInteractiveToBeActivated")) == 1
    sweep(in_paris(7, days=8))
    reminded = events(name="ZeInteractiveToBeActivated")
    assert [event.payload["occasion"] for event in reminded] == ["new", "reminder"]
    sweep(in_paris(8, days=8))
    assert len(events(name="ZeInteractiveToBeActivated")) == 2


# ---- what operators change ------------------------------------------------------------------------------------------


def test_a_type_that_is_switched_off_is_recorded_and_comes_when_it_is_switched_on() -> None:
    people()
    change("InvalidCredentials", enabled=False)
    broken()
    assert held() == {"InvalidCredentials": "switched_off"}
    change("InvalidCredentials", at(hours=1), enabled=True)
    sweep(at(hours=1))
    assert "InvalidCredentials" in shown()


def test_a_type_can_be_told_by_another_channel() -> None:
    people()
    change("InvalidCredentials", ways=["banner"])
    broken()
    assert deliveries("InvalidCredentials") == [("banner", f"driver:{DRIVER}", "delivered")]


def test_a_changed_threshold_counts() -> None:
    people()
    change("CarNotReachable", thresholds={"hours": 2})
    take(linked("Tesla"), telemetry(at(hours=-2)), now=at(hours=-2))
    sweep(at())
    assert only("CarNotReachable").body.startswith("We have not heard of your Tesla One for 2 hours")


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("CarNotReachable", {"ways": []}),
        ("CarNotReachable", {"ways": ["pigeon"]}),
        ("CarNotReachable", {"cooldown_h": -1}),
        ("CarNotReachable", {"thresholds": {"hours": 0}}),
        ("CarNotReachable", {"thresholds": {"hours": "x"}}),
        ("CarNotReachable", {"thresholds": {"minutes": 3}}),
        ("ZeInteractiveExpiresSoon", {"thresholds": {"days": []}}),
        ("ZeInteractiveExpiresSoon", {"thresholds": {"days": [1.5]}}),
        ("PayoutReceipt", {"thresholds": {"above": {"EURO": 5}}}),
        ("PayoutReceipt", {"thresholds": {"above": 5}}),
    ],
)
def test_nonsense_is_refused_with_a_sentence(name: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        change(name, **wrong)
    assert TypeSetting.objects.get(type=name).ways is None


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("de", "Ihr Renault-Konto braucht Sie"),
        ("fr_FR", "Votre compte Renault a besoin de vous"),
        ("nl", "Uw account bij Renault heeft u nodig"),
        ("es", "Your Renault account needs you"),
    ],
)
def test_a_driver_is_told_in_their_language(language: str, title: str) -> None:
    people()
    take(driver(language=language))
    broken()
    assert only("InvalidCredentials").title == title
    assert events(name="InvalidCredentials")[0].payload["title"] == title


def test_dates_and_amounts_are_written_as_people_there_write_them() -> None:
    people()
    take(driver(at(days=-3), language="de", time_zone="Europe/Berlin"))
    take(fact("payout", payout="p", driver=DRIVER, amount="1234.5", currency="EUR", state="sent"))
    assert only("PayoutReceipt").title == "Ihre Auszahlung von 1.234,50 EUR"
    end = local("Europe/Berlin", 10, days=7)
    take(linked("Renault"), service("active", expires_at=end.isoformat()))
    note = only("ZeInteractiveExpiresSoon")
    assert (note.title, format_date(end, "long", "de") in note.body) == ("ZE Interactive endet in 7 Tagen", True)


def test_an_operators_words_win_and_can_be_given_back() -> None:
    entry = TYPES["InvalidCredentials"]
    change_text(entry=entry, language="en", title="{name}, {brand} is gone", body="Sign in at {brand}.")
    people()
    broken()
    note = only("InvalidCredentials")
    assert (note.title, note.body) == ("Anna, Renault is gone", "Sign in at Renault.")
    change_text(entry=entry, language="en", title="", body="")
    mended(at(hours=1))
    broken(at(hours=2))
    assert notes("InvalidCredentials")[1].title == "Your Renault account needs you"


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("Hello {nobody}", "x"),
        ("{", "x"),
        ("x", ""),
        ("{name.__class__}", "x"),
        ("{0}", "x"),
        ("{}", "x"),
        ("[{vehicle}", "x"),
    ],
)
def test_words_that_cannot_be_filled_in_are_refused(title: str, body: str) -> None:
    with pytest.raises(Refused):
        change_text(entry=TYPES["InvalidCredentials"], language="en", title=title, body=body)


def test_facts_that_look_like_placeholders_stay_as_they_are() -> None:
    people()
    take(account(brand="{name} & <b>", auth_state="invalid_credentials"))
    assert only("InvalidCredentials").title == "Your {name} & <b> account needs you"


@pytest.mark.parametrize(
    ("name", "facts", "words"),
    [
        (
            "UnmanagedSessionStart",
            [
                fact(
                    "charging_session",
                    session="s-1",
                    vehicle=CAR,
                    driver=DRIVER,
                    managed=False,
                    started_at=NOW.isoformat(),
                )
            ],
            "Your Tesla One is plugged in, without smart charging.",
        ),
        (
            "SessionImpossible",
            [
                fact("charging_session", session="s-1", vehicle=CAR, managed=True, started_at=NOW.isoformat()),
                fact("charging_plan", vehicle=CAR, target_soc=80, forecast_soc=62),
            ],
            "Your Tesla One will reach about 62 % instead of 80 %.",
        ),
        (
            "ElexentChargingCostsOverview",
            [fact("cost_statement", statement="e", driver=DRIVER, provider="Elexent", requested=True)],
            "The overview of your charging costs was asked for; we tell you when it is here.",
        ),
        (
            "InvalidCredentials",
            [fact("oem_account", account="a-9", driver=DRIVER, auth_state="invalid_credentials")],
            (
                "Your sign-in is no longer accepted: connect your account again. "
                "Until then we cannot charge your car smartly."
            ),
        ),
    ],
)
def test_what_is_not_known_leaves_no_gap(name: str, facts: list[Any], words: str) -> None:
    people()
    take(linked("Tesla"), *facts)
    assert only(name).body == words


OPTIONAL = ("vehicle", "location", "reason", "brand", "ready_by", "period", "supplier", "contract_number", "amount")
GAP = re.compile(
    r" [.,)]|[:(] ?[.)]|\b(with|by|of|for|to|mit|bei|bis|von|für|zu|avec|à|de|pour|d’ici) ?([.,]|lost|perdue|verloren)"
)


@pytest.mark.parametrize("language", ["en", "de", "fr", "nl"])
@pytest.mark.parametrize("name", list(TYPES))
def test_no_words_have_a_gap_where_something_is_not_known(name: str, language: str) -> None:
    every = examples_of(name)
    for missing in ([], *([one] for one in OPTIONAL), OPTIONAL):
        facts = {key: value for key, value in every.items() if key not in missing or name == "PayoutReceipt"}
        words = fill(*TEXTS[language][name], language, facts, UTC)
        for text in (words.title, words.body):
            assert text[0].isupper()
            assert not GAP.search(text), (missing, text)
            assert not set(text) & set("{}[]")


def test_a_car_and_a_place_without_a_name_are_no_ids() -> None:
    take(driver(at(days=-7), email=EMAIL), fact("vehicle", at(days=-6), vehicle=CAR, driver=DRIVER))
    take(fact("pairing", vehicle=CAR, step="ready"), contract("valid", at(days=-5)))
    take(contract("invalid"))
    assert only("ReadyForPairing").body == "Open the app and pair your car."
    assert only("InvalidUtilityContract").body == (
        "Your contract with Greenchoice for your place was found invalid. Please check it."
    )


def test_brackets_that_hold_no_fact_are_words() -> None:
    words = fill("[sic] {name}", "[{nothing} [a]]", "en", {"name": "[x {y}]"}, UTC)
    assert (words.title, words.body) == ("[sic] [x {y}]", "[ [a]]")


# ---- samples --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(TYPES))
def test_a_sample_of_each_can_be_sent_to_an_address(name: str) -> None:
    (event_id,) = services.send_sample(entry=TYPES[name], to=" me@example.org", language="fr", sent_by="me", now=NOW)
    delivery = Delivery.objects.get(event_id=event_id)
    assert (delivery.address, delivery.language, delivery.event.payload["occasion"]) == (
        "me@example.org",
        "fr",
        "sample",
    )
    assert "{" not in delivery.event.payload["title"] + delivery.event.payload["body"]


def test_a_sample_to_a_driver_takes_the_drivers_way_and_language() -> None:
    people()
    take(driver(language="de"))
    (event_id,) = services.send_sample(
        entry=TYPES["InvalidCredentialsBanner"], to=DRIVER, language="en", sent_by="me", now=NOW
    )
    delivery = Delivery.objects.get(event_id=event_id)
    assert (delivery.channel, delivery.address, delivery.language) == ("banner", f"driver:{DRIVER}", "de")
    assert notes("InvalidCredentialsBanner") == []


def test_a_sample_takes_the_channel_that_an_operator_chose() -> None:
    people()
    change("CarNotReachable", ways=["push", "banner"])
    (event_id,) = services.send_sample(entry=TYPES["CarNotReachable"], to=DRIVER, language="en", sent_by="me", now=NOW)
    delivery = Delivery.objects.get(event_id=event_id)
    assert (delivery.channel, delivery.event.payload["channels"]) == ("banner", ["push", "banner"])


def test_a_sample_needs_a_way() -> None:
    take(driver(email=None))
    for to in ("nobody", DRIVER):
        with pytest.raises(Refused):
            services.send_sample(entry=TYPES["PayoutReceipt"], to=to, language="en", sent_by="me", now=NOW)
    assert CAR not in Driver.objects.values_list("external_id", flat=True)
