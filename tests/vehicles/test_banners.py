"""Drivers' banners are the outbox's: both APIs show, read and dismiss the same ones; what is over takes them away."""

from __future__ import annotations

import pytest

from outbox.models import Banner
from outbox.services import banners as store
from outbox.services.banners import expire as expire_banners
from tests.conftest import ApiClient
from tests.outbox.kit import in_threads
from tests.vehicles.helpers import DAY, DRIVER, HOUR, NOW, account, at, linked, only, people, steps, sweep, take
from vehicles.catalogue import TYPES
from vehicles.services.notifications import dismiss, send_sample

TYPE = "InvalidCredentialsBanner"
OURS = f"/vehicles/drivers/{DRIVER}/notifications?channel=banner&state=open"
THEIRS = f"/banners?audience=driver:{DRIVER}"


@pytest.fixture
def broken(db: None) -> None:
    """A driver whose account needs a new sign-in, which a banner says."""
    begin()


def begin() -> None:
    people()
    take(linked("Renault"), account(brand="Renault", auth_state="invalid_credentials"))


def banners() -> list[str]:
    return list(Banner.objects.order_by("pk").values_list("state", flat=True))


def ids(api: ApiClient, path: str) -> list[int]:
    return [item["id"] for item in api.get(path).json()["items"]]


def test_one_banner_is_shown_by_both(api: ApiClient, broken: None) -> None:
    (theirs,) = api.get(THEIRS).json()["items"]
    assert ids(api, OURS) == [theirs["event"]["data"]["id"]] == [only(TYPE).pk]
    assert (theirs["read"], theirs["state"]) == (False, "open")


@pytest.mark.parametrize("door", ["ours", "theirs"])
def test_reading_is_seen_by_both(api: ApiClient, broken: None, door: str) -> None:
    banner = Banner.objects.get()
    path = f"/vehicles/notifications/{only(TYPE).pk}" if door == "ours" else f"/banners/{banner.pk}"
    for _twice in range(2):
        assert api.post(f"{path}/read").status_code == 200
    banner.refresh_from_db()
    assert (banner.state, banner.read_at is not None) == ("open", True)
    assert only(TYPE).state == "read"
    assert [what for what, _reason in steps(TYPE)] == ["told", "read"]


@pytest.mark.parametrize("door", ["ours", "theirs"])
def test_dismissing_is_seen_by_both_and_it_comes_back(api: ApiClient, broken: None, door: str) -> None:
    banner = Banner.objects.get()
    path = f"/vehicles/notifications/{only(TYPE).pk}" if door == "ours" else f"/banners/{banner.pk}"
    for _twice in range(2):
        assert api.post(f"{path}/dismiss").status_code == 200
    assert (banners(), only(TYPE).state) == (["dismissed"], "dismissed")
    assert (ids(api, OURS), ids(api, THEIRS)) == ([], [])
    assert [what for what, _reason in steps(TYPE)] == ["told", "dismissed"]
    back = only(TYPE).driver.due_at
    assert back is not None
    sweep(back)
    assert (banners(), only(TYPE).state) == (["dismissed", "open"], "open")


def test_what_is_over_takes_its_banner_away(api: ApiClient, broken: None) -> None:
    take(account(at(hours=1), auth_state="ok"), now=NOW + HOUR)
    assert (banners(), only(TYPE).state) == (["resolved"], "resolved")
    assert ids(api, THEIRS) == []
    banner = Banner.objects.get()
    assert api.post(f"/banners/{banner.pk}/dismiss").status_code == 409
    assert only(TYPE).state == "resolved"


def test_a_dismissed_banner_stays_dismissed_when_its_cause_ends(broken: None) -> None:
    dismiss(notification=only(TYPE), now=NOW)
    take(account(at(hours=1), auth_state="ok"), now=NOW + HOUR)
    assert (banners(), only(TYPE).state) == (["dismissed"], "resolved")


def test_a_sample_is_a_banner_of_no_notification(api: ApiClient, db: None) -> None:
    people()
    send_sample(entry=TYPES[TYPE], to=DRIVER, language="en", sent_by="me", now=NOW)
    banner = Banner.objects.get()
    assert api.post(f"/banners/{banner.pk}/dismiss").json()["state"] == "dismissed"


def test_banners_of_other_apps_are_left_alone(api: ApiClient, broken: None) -> None:
    Banner.objects.update(audience="cyclist:1")
    assert api.post(f"/banners/{Banner.objects.get().pk}/dismiss").status_code == 200
    assert only(TYPE).state == "open"


@pytest.mark.parametrize("_round", range(3))
def test_the_app_and_the_facts_at_once_end_it_once(committed: None, _round: int) -> None:
    """Dismissed by both APIs while facts say that it is over: nobody waits for ever, and both agree in the end."""
    begin()
    banner, note = Banner.objects.get(), only(TYPE)
    in_threads(
        lambda: dismiss(notification=note, now=NOW),
        lambda: store.dismiss(audience=banner.audience, ids=[banner.pk], now=NOW),
        lambda: take(account(at(hours=1), auth_state="ok"), now=NOW + HOUR),
    )
    assert only(TYPE).state == "resolved"
    assert banners() in (["dismissed"], ["resolved"])
    was_dismissed = only(TYPE).dismissed_at is not None
    assert was_dismissed == (banners() == ["dismissed"])


def test_expiry_by_the_outbox_is_no_concern_of_the_notification(broken: None) -> None:
    assert expire_banners(now=NOW + DAY) == 0
    assert only(TYPE).state == "open"
