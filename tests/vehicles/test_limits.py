"""Both sides of each limit, both ends of each window, and what belongs to another driver."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.device_clock import TOLERANCE
from core.refusal import Refused
from outbox.services.banners import mark_read
from tests.conftest import ApiClient
from tests.vehicles.helpers import DRIVER, EMAIL, NOW, Json, at, decoded, driver, fact, notes, sweep, take
from vehicles.catalogue import TYPES
from vehicles.models import Campaign, Driver, DriverNotification
from vehicles.rules.clocks import quiet_until
from vehicles.rules.versions import is_older
from vehicles.services.banners import audience_of, banners_of
from vehicles.services.campaigns import gather_audiences, save_campaign, start_campaign
from vehicles.services.erasing import erase_drivers
from vehicles.services.intake import EARLIEST, moment_of
from vehicles.services.notifications import dismiss, stop_category
from vehicles.services.policies import MAX_HOURS, change_type

pytestmark = pytest.mark.django_db
TICK = timedelta(microseconds=1)
BANNER, PUSH = "InvalidCredentialsBanner", "InvalidCredentials"
UPDATE = "ImportantUpdateAppv416Banner"
PARIS = ZoneInfo("Europe/Paris")


def allowed(is_allowed: bool) -> AbstractContextManager[Any]:
    return nullcontext() if is_allowed else pytest.raises(Refused)


# ---- clocks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("occurred", "is_believed"),
    [
        (NOW + TOLERANCE, True),
        (NOW + TOLERANCE + TICK, False),
        (EARLIEST, True),
        (EARLIEST - TICK, False),
    ],
)
def test_a_clock_is_believed_within_its_limits(occurred: datetime, is_believed: bool) -> None:
    assert moment_of(decoded(driver(occurred)), NOW) == (occurred if is_believed else NOW)


@pytest.mark.parametrize(
    ("clock", "is_quiet"),
    [
        (datetime(2026, 11, 20, 22, tzinfo=PARIS) - TICK, False),
        (datetime(2026, 11, 20, 22, tzinfo=PARIS), True),
        (datetime(2026, 11, 21, 7, tzinfo=PARIS) - TICK, True),
        (datetime(2026, 11, 21, 7, tzinfo=PARIS), False),
    ],
)
def test_quiet_hours_hold_from_their_beginning_and_not_at_their_end(clock: datetime, is_quiet: bool) -> None:
    ends = quiet_until(clock.astimezone(UTC), time(22), time(7), PARIS)
    assert ends == (datetime(2026, 11, 21, 7, tzinfo=PARIS) if is_quiet else None)


# ---- limits of settings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "changes", "is_allowed"),
    [
        (BANNER, {"cooldown_h": 0}, True),
        (BANNER, {"cooldown_h": -0.1}, False),
        (BANNER, {"cooldown_h": MAX_HOURS}, True),
        (BANNER, {"cooldown_h": MAX_HOURS + 0.1}, False),
        (BANNER, {"ways": []}, False),
        ("CarNotReachable", {"thresholds": {"hours": 1}}, True),
        ("CarNotReachable", {"thresholds": {"hours": 0}}, False),
        ("CarNotReachable", {"thresholds": {"hours": 10_000}}, True),
        ("CarNotReachable", {"thresholds": {"hours": 10_001}}, False),
        ("CarNotReachable", {"thresholds": {"days": 5}}, False),
    ],
)
def test_a_type_has_limits(name: str, changes: dict[str, Any], is_allowed: bool) -> None:
    settings: dict[str, Any] = {"enabled": True, "ways": ["banner"], "cooldown_h": 24, "thresholds": {}}
    with allowed(is_allowed):
        change_type(entry=TYPES[name], now=NOW, **settings | changes)


@pytest.mark.parametrize(("installed", "is_told"), [("4.15.9", True), ("4.16", False), ("4.16.0", False), ("", False)])
def test_an_app_is_old_below_the_least_version_and_not_at_it(installed: str, is_told: bool) -> None:
    assert is_older(installed, "4.16") == is_told


# ---- ends of a campaign ---------------------------------------------------------------------------------------------


def campaign(**values: Any) -> Campaign:
    settings = {"name": "Autumn", "type": UPDATE, "min_app_version": "4.16", "audience": "", "begins_at": NOW}
    return save_campaign(campaign=None, values=settings | values)


@pytest.mark.parametrize(("ends", "is_allowed"), [(NOW - TICK, False), (NOW, False), (NOW + TICK, True)])
def test_a_campaign_ends_after_it_begins(ends: datetime, is_allowed: bool) -> None:
    with allowed(is_allowed):
        campaign(ends_at=ends)


@pytest.mark.parametrize(("moment", "state"), [(at(days=1) - TICK, "running"), (at(days=1), "ended")])
def test_a_campaign_runs_until_its_end(moment: datetime, state: str) -> None:
    start_campaign(campaign=campaign(ends_at=at(days=1)), now=NOW)
    gather_audiences(now=moment)
    assert Campaign.objects.get().state == state


@pytest.mark.parametrize(("moment", "told"), [(at(days=1) - TICK, 0), (at(days=1), 1)])
def test_a_campaign_tells_from_its_beginning_on(moment: datetime, told: int) -> None:
    take(driver(at(days=-1), app_version="4.9"), now=at(days=-1))
    start_campaign(campaign=campaign(begins_at=at(days=1)), now=NOW)
    sweep(NOW)
    sweep(moment)
    assert len(notes(UPDATE)) == told


# ---- a banner that comes back ---------------------------------------------------------------------------------------


def lost(who: str, moment: datetime = NOW, state: str = "invalid_credentials") -> list[Json]:
    """A car whose account cannot be reached with what the driver typed, or can again."""
    return [
        fact("vehicle", moment, vehicle=f"car of {who}", driver=who, account=f"account of {who}", brand="Renault"),
        fact("oem_account", moment, account=f"account of {who}", driver=who, auth_state=state),
    ]


@pytest.mark.parametrize(("after", "is_back"), [(timedelta(hours=24) - TICK, False), (timedelta(hours=24), True)])
def test_a_banner_that_was_put_away_comes_back_when_its_cooldown_is_over(after: timedelta, is_back: bool) -> None:
    change_type(entry=TYPES[BANNER], enabled=True, ways=["banner"], cooldown_h=24, thresholds={}, now=NOW)
    take(*lost(DRIVER), now=NOW)
    sweep(NOW)
    assert dismiss(notification=notes(BANNER)[0], now=NOW)
    sweep(NOW + after)
    assert any(note.state == "open" for note in notes(BANNER)) == is_back


# ---- what belongs to another driver ---------------------------------------------------------------------------------

ANNA, BERTA = "anna", "berta"


def seen(who: str) -> set[tuple[str, str]]:
    """The types that a driver was notified of, and how each stands."""
    rows = DriverNotification.objects.filter(driver__external_id=who, type__in=(BANNER, PUSH))
    return set(rows.values_list("type", "state"))


def _reconnects(berta: DriverNotification) -> None:
    take(*lost(ANNA, at(minutes=1), "ok"), now=at(minutes=1))
    assert {state for _type, state in seen(ANNA)} == {"resolved"}


def _puts_away(berta: DriverNotification) -> None:
    assert dismiss(notification=notes(BANNER, driver__external_id=ANNA)[0], now=at(minutes=1))


def _reads_what_is_not_hers(berta: DriverNotification) -> None:
    assert mark_read(audience=audience_of(ANNA), ids=banners_of(berta), now=at(minutes=1)) == 0


def _leaves_the_category(berta: DriverNotification) -> None:
    anna = Driver.objects.get(external_id=ANNA)
    assert stop_category(driver_id=anna.pk, category=TYPES[BANNER].category, now=at(minutes=1))
    sweep(at(minutes=1))


def _is_erased(berta: DriverNotification) -> None:
    erase_drivers(EMAIL, at(minutes=1))
    assert Driver.objects.get(external_id=ANNA).email == ""


@pytest.mark.parametrize("change", [_reconnects, _puts_away, _reads_what_is_not_hers, _leaves_the_category, _is_erased])
def test_what_one_driver_does_changes_nothing_of_another(change: Callable[[DriverNotification], None]) -> None:
    people = [driver(at(days=-1), driver=ANNA, email=EMAIL), driver(at(days=-1), driver=BERTA, email="b@example.org")]
    take(*people, *lost(ANNA), *lost(BERTA), now=NOW)
    sweep(NOW)
    before, berta = seen(BERTA), notes(BANNER, driver__external_id=BERTA)[0]
    assert before
    change(berta)
    assert seen(BERTA) == before
    row = Driver.objects.get(external_id=BERTA)
    assert (row.email, row.unwanted) == ("b@example.org", [])


def test_the_api_lists_what_is_of_the_driver_that_is_asked_for(api: ApiClient) -> None:
    take(*lost(ANNA), *lost(BERTA), now=NOW)
    sweep(NOW)
    for who in (ANNA, BERTA):
        items = api.get(f"/vehicles/drivers/{who}/notifications").json()["items"]
        assert items
        assert {item["driver"] for item in items} == {who}
