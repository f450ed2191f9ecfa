"""Facts in any order, repeated, late: what is known and what a driver sees at the end is the same."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.vehicles.helpers import (
    ACCOUNT,
    CAR,
    DRIVER,
    EMAIL,
    HOME,
    KEY,
    Json,
    account,
    at,
    car,
    contract,
    driver,
    events,
    fact,
    linked,
    notes,
    service,
    sweep,
    take,
    telemetry,
)
from vehicles.catalogue import TYPES
from vehicles.models import (
    ChargingSession,
    Driver,
    DriverNotification,
    Feed,
    OemService,
    TypeSetting,
    UtilityContract,
    Vehicle,
)
from vehicles.rules.sessions import Sample, Surroundings, derive
from vehicles.rules.timelines import MOST_ENTRIES, Reports

END = at(hours=72)
CAPABILITIES = ("geoLocation", "startStopCharging")
hours = st.integers(-48, 71)


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# ---- pure -----------------------------------------------------------------------------------------------------------

entries = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from(["ok", "bad", None, True])),
    max_size=MOST_ENTRIES,
    unique_by=lambda entry: entry[0],
)


@given(st.lists(st.sampled_from(["ok", "bad", "none"]), min_size=1), st.booleans())
def test_of_one_moment_the_value_that_came_last_counts_and_a_repetition_is_none(said: list[str], anew: bool) -> None:
    reports = Reports()
    for value in said:
        reports.add("x", value, at(), anew=anew)
    assert reports.latest("x") == (said[-1] if anew else list(dict.fromkeys(said))[-1])


@given(entries, st.randoms(use_true_random=False))
def test_a_timeline_does_not_depend_on_the_order_of_its_entries(told: list[tuple[int, Any]], chance: Any) -> None:
    mixed = [*told, *told[: len(told) // 2]]
    chance.shuffle(mixed)
    one, other = Reports(), Reports()
    for reports, order in ((one, told), (other, mixed)):
        for minute, value in order:
            reports.add("x", value, at(minutes=minute))
    assert one.raw == other.raw


@given(st.lists(st.sampled_from(["ok", "bad"]), min_size=MOST_ENTRIES + 1, max_size=3 * MOST_ENTRIES))
def test_a_long_timeline_keeps_the_present_value_and_its_beginning(values: list[str]) -> None:
    reports = Reports()
    for minute, value in enumerate(values):
        reports.add("x", value, at(minutes=minute))
    begins = (
        next(n for n in range(len(values), 0, -1) if values[n - 1] != values[-1] or n == 0)
        if len(set(values)) > 1
        else 0
    )
    assert reports.latest("x") == values[-1]
    assert reports.since("x") == at(minutes=begins)
    assert reports.reported_at("x") == at(minutes=len(values) - 1)
    assert len(reports.raw["x"]) <= MOST_ENTRIES


samples = st.lists(
    st.builds(
        lambda minute, state, place, power: Sample(at(minutes=minute), state, place, power),
        st.integers(0, 60),
        st.sampled_from(["charging", "stopped", "disconnected", "unknown"]),
        st.sampled_from(["", HOME]),
        st.sampled_from([None, 0.0, 7.4]),
    ),
    max_size=20,
    unique_by=lambda sample: sample.at,
)
switches = st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=4)


@given(samples, switches, st.randoms(use_true_random=False))
def test_sessions_do_not_depend_on_the_order_of_the_samples(
    told: list[Sample], switched: list[tuple[int, bool]], chance: Any
) -> None:
    reports = Reports()
    for minute, on in switched:
        reports.add("smart_charging", on, at(minutes=minute))
    for name in CAPABILITIES:
        reports.add(f"capability.{name}", "available", at())
    mixed = list(told)
    chance.shuffle(mixed)
    found = derive(told, Surroundings(reports))
    assert derive(mixed, Surroundings(reports)) == found
    for session in found:
        assert session.started_at <= (session.ended_at or session.last_at)
    assert all(session.ended_at is not None for session in found[:-1])
    for one, following in itertools.pairwise(found):
        assert one.ended_at is not None
        assert one.ended_at < following.started_at


# ---- through the database -------------------------------------------------------------------------------------------


def _moment(hour: int) -> datetime:
    return at(hours=hour)


ANY_FACT = st.one_of(
    st.builds(
        lambda h, v: account(_moment(h), brand="Any", auth_state=v),
        hours,
        st.sampled_from(["ok", "invalid_credentials"]),
    ),
    st.builds(lambda h, v: fact("vehicle_listing", _moment(h), vehicle=CAR, listed=v), hours, st.booleans()),
    st.builds(lambda h, v: fact("vehicle_contact", _moment(h), vehicle=CAR, ok=v), hours, st.booleans()),
    st.builds(
        lambda h, v, p: telemetry(_moment(h), charge_state=v, location=p, power_kw=0),
        hours,
        st.sampled_from(["charging", "disconnected", "stopped"]),
        st.sampled_from([None, HOME]),
    ),
    st.builds(lambda h, v: fact("charge_settings", _moment(h), vehicle=CAR, smart_charging=v), hours, st.booleans()),
    st.builds(
        lambda h, v: service(v, _moment(h), expires_at=at(days=20).isoformat()),
        hours,
        st.sampled_from(["none", "requested", "active", "rejected"]),
    ),
    st.builds(
        lambda h, v: fact("pairing", _moment(h), vehicle=CAR, step=v),
        hours,
        st.sampled_from(["ready", "started", "completed"]),
    ),
    st.builds(
        lambda h, name, v: car(_moment(h), **{name: v}),
        hours,
        st.sampled_from(["privacy_mode", "geolocation_enabled"]),
        st.booleans(),
    ),
    st.builds(lambda h, v: car(_moment(h), user_role=v), hours, st.sampled_from(["none", "primary"])),
    st.builds(lambda h, v: car(_moment(h), enrollment=v), hours, st.sampled_from(["started", "completed"])),
    st.builds(lambda h, v: car(_moment(h), link_status=v), hours, st.sampled_from(["active", "missing"])),
    st.builds(
        lambda h, n, v: car(_moment(h), capabilities={n: v}),
        hours,
        st.sampled_from(CAPABILITIES),
        st.sampled_from(["available", "blocked"]),
    ),
    st.builds(lambda h, v: contract(v, _moment(h)), hours, st.sampled_from(["valid", "invalid", "removed"])),
)


def world(brand: str) -> list[Json]:
    Feed.objects.create(key=KEY, heard_since=at(days=-8), last_heard_at=END)
    return [
        driver(at(days=-7), email=EMAIL, country="FR"),
        fact("charging_location", at(days=-7), location=HOME, driver=DRIVER),
        linked(brand, at(days=-6)),
        account(at(days=-6), brand=brand, auth_state="ok"),
    ]


def without_cooldowns() -> None:
    """When something was told depends on when it was known; so let that have no effect."""
    settings = [TypeSetting(type=entry.name, cooldown_h=0) for entry in TYPES.values() if entry.cooldown_h]
    TypeSetting.objects.bulk_create(
        settings, update_conflicts=True, unique_fields=["type"], update_fields=["cooldown_h"]
    )


def known() -> dict[str, Any]:
    """What is known, and what the driver sees: all that must not depend on the order."""
    lasting = [name for name, entry in TYPES.items() if not entry.once or "Session" in name]
    # The key of a derived session keeps the start that was known first; an earlier sample moves the start alone.
    begins = {f"session:{key}": f"{at}" for key, at in ChargingSession.objects.values_list("external_id", "started_at")}
    living = DriverNotification.objects.filter(type__in=lasting).exclude(state__in=("resolved", "expired"))
    return {
        "vehicle": Vehicle.objects.values_list("reports", "pairing_state", "pairing_reason", "last_contact_at").get(),
        "services": list(OemService.objects.values_list("external_id", "reports", "state")),
        "contracts": list(UtilityContract.objects.values_list("external_id", "reports", "state")),
        "sessions": sorted(
            ChargingSession.objects.filter(withdrawn=False).values_list("started_at", "ended_at", "managed", "reason"),
        ),
        "living": sorted((n.type, begins.get(n.subject, n.subject), n.state, n.reason, n.root) for n in living),
    }


def live_through(facts: Sequence[Json]) -> None:
    """In order, each received when it occurred, with the periodic task at work."""
    for one in sorted(facts, key=lambda f: str(f["occurred_at"])):
        moment = datetime.fromisoformat(one["occurred_at"])
        sweep(moment)
        take(one, now=moment)
    sweep(END)


def at_last(facts: Sequence[Json], sizes: Sequence[int]) -> None:
    """All of it late, in batches of some sizes."""
    rest = list(facts)
    for size in (*sizes, len(rest)):
        batch, rest = rest[:size], rest[size:]
        if batch:
            take(*batch, now=END)
    sweep(END)


@pytest.mark.django_db
@settings(max_examples=25, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
@given(
    st.sampled_from(["Renault", "Audi", "BMW", "Volkswagen"]),
    st.lists(ANY_FACT, min_size=1, max_size=9, unique_by=lambda f: f["occurred_at"]),
    st.randoms(use_true_random=False),
    st.lists(st.integers(1, 5), max_size=4),
)
def test_neither_order_nor_repetition_nor_delay_matter(
    brand: str, told: list[Json], chance: Any, sizes: list[int]
) -> None:
    with undone():
        facts = [*world(brand), *told]
        without_cooldowns()
        live_through(facts)
        expected = known()
        told_once = {(e.payload["type"], e.dedup_key) for e in events()}
        assert len(told_once) == len(events())
    mixed = [*facts, *chance.sample(facts, k=len(facts) // 2)]
    chance.shuffle(mixed)
    with undone():
        world(brand)
        without_cooldowns()
        at_last(mixed, sizes)
        assert known() == expected
        due = Driver.objects.get().due_at
        assert due is None or due > END
        for name in TYPES:
            subjects = [note.subject for note in notes(name) if note.state not in ("resolved", "expired")]
            assert len(subjects) == len(set(subjects))


@pytest.mark.django_db
def test_a_repeated_fact_is_kept_once_and_counted() -> None:
    facts = [*world("Audi"), car(privacy_mode=True)]
    take(*facts)
    before = known()
    for _ in range(3):
        take(*facts, now=at(hours=1))
    assert known() == before
    assert len(events(name="AudiRemoteAccessDisabled")) == 1
    assert notes("AudiRemoteAccessDisabled")[0].repeats == 0


@pytest.mark.django_db
def test_an_account_that_is_told_of_last_still_counts() -> None:
    take(car(brand="BMW", geolocation_enabled=False, account=ACCOUNT), now=at())
    assert notes("GeoLocationDisabled") == []
    take(account(brand="BMW"), now=at() + timedelta(hours=1))
    assert [note.state for note in notes("GeoLocationDisabled")] == ["open"]
