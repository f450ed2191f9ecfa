"""Whether the account and the car can be reached at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from core.text import brand_written
from vehicles.rules.snapshot import Snapshot, Vehicle
from vehicles.rules.timelines import to_moment
from vehicles.rules.windows import Thresholds, Window, condition, of_vehicle

RENAULT = "renault"
# Absences that are closer to one another are of one sync: a car counts as lost when it was absent on two in a row.
SYNCS_APART = timedelta(seconds=10)
# A feed that was heard of so lately is no reason for a car's silence.
HEARD_WITHIN = timedelta(hours=2)
# A car of which nothing was said for so long is history.
HISTORY = timedelta(days=365)


@condition("invalid_credentials")
def invalid_credentials(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """The manufacturer refuses the credentials of a linked account, or access to it was withdrawn: either way the
    connection is lost. Ends when it takes them, the account is unlinked, or its cars stand in others."""
    reached = {v.account.key for v in snapshot.vehicles if v.account is not None}
    left = {key for v in snapshot.vehicles for key in v.reports.before("account")} - reached
    for account in snapshot.accounts:
        begins = account.reports.since("auth_state")
        if account.is_ok or begins is None or account.reports.latest("linked") is False or account.key in left:
            continue
        through = (v.reports.latest("brand") for v in snapshot.vehicles if v.account is account)
        brand = brand_written(str(account.reports.latest("brand") or next(filter(None, through), "")))
        yield Window(
            f"account:{account.key}",
            begins,
            seen_at=account.reports.reported_at("auth_state"),
            account_id=account.id,
            facts={"brand": brand, "account": brand, "problem": account.reports.latest("auth_state")},
        )


@condition("car_not_found")
def car_not_found(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """The car was absent from its account on two syncs in a row, or the platform knows it to be gone. Its root
    cause may be the account's."""
    for vehicle in snapshot.vehicles:
        if vehicle.is_linked:
            yield from of_vehicle(vehicle, missing_since(vehicle), seen_at=vehicle.reports.last_time("listed", False))


def missing_since(vehicle: Vehicle) -> datetime | None:
    """Since when the car is lost from its account: absent on two syncs in a row, up to now, or once for all. What
    was said of another account, or before the car came to this one, is none of these; what is heard of is found."""
    reports, account = vehicle.reports, vehicle.account
    if reports.latest("listed") is not False:
        return None
    came, heard = reports.since("account") if reports.before("account") else None, vehicle.last_contact
    absences = [
        moment
        for moment in reports.run("listed")
        if (came is None or moment > came)
        and (account is None or reports.at("absent_from", moment, account.key) == account.key)
    ]
    if not absences or (heard is not None and heard > absences[-1]):
        return None
    if reports.at("confirmed", absences[-1]) is True:
        return absences[0]
    return next((moment for moment in absences if moment >= absences[0] + SYNCS_APART), None)


@condition("access_revoked")
def access_revoked(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """The car's link in MyRenault was active and is gone."""
    for vehicle in snapshot.vehicles:
        if vehicle.brand == RENAULT and is_revoked(vehicle) and vehicle.is_linked:
            begins = vehicle.reports.since("link_status")
            yield from of_vehicle(vehicle, begins, seen_at=vehicle.reports.reported_at("link_status"))


def is_revoked(vehicle: Vehicle) -> bool:
    status = str(vehicle.reports.latest("link_status") or "").lower()
    return status == "missing" and "active" in [str(v).lower() for v in vehicle.reports.before("link_status")]


@condition("car_not_reachable")
def car_not_reachable(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Window]:
    """Nothing was heard of a linked car for so many hours, although one tried or its feed was heard."""
    for vehicle in snapshot.vehicles:
        if vehicle.is_linked and (spoken := vehicle.reports.reported_at("contact")) is not None:
            yield from of_vehicle(
                vehicle,
                silent_at(vehicle, thresholds["hours"]),
                ends=spoken + HISTORY,
                expires=True,
                seen_at=vehicle.reports.last_time("contact", False),
                facts={"hours": thresholds["hours"]},
            )


def silent_at(vehicle: Vehicle, hours: float) -> datetime | None:
    """When a car's silence counts: so long after an attempt failed, or after it was last heard of while its feed was.

    None while it is known to be asleep, or while it may be the feed that is silent.
    """
    if _is_asleep(vehicle):
        return None
    at = silence_judged_at(vehicle, hours)
    if at is not None and vehicle.feed is not None and vehicle.feed.last_heard_at + HEARD_WITHIN < at:
        at = None
    return min((moment for moment in (_failed_at(vehicle, hours), at) if moment is not None), default=None)


def _is_asleep(vehicle: Vehicle) -> bool:
    reports, heard = vehicle.reports, vehicle.last_contact
    since = reports.since("asleep") if reports.latest("asleep") is True else None
    return since is not None and (heard is None or since >= heard)


def _failed_at(vehicle: Vehicle, hours: float) -> datetime | None:
    """Failed attempts since a car was last heard of: the first is so long ago, or one was made so long after."""
    tried = [to_moment(text) for text, value in vehicle.reports.raw.get("contact", ()) if value is False]
    if not tried:
        return None
    heard, patience = vehicle.last_contact, timedelta(hours=hours)
    failed = [moment for moment in tried if heard is None or moment > heard]
    if not failed:
        return None
    late = next((moment for moment in failed if heard is not None and moment >= heard + patience), None)
    return min(filter(None, (failed[0] + patience, late)))


def silence_judged_at(vehicle: Vehicle, hours: float) -> datetime | None:
    """When it can be asked whether a car is silent: its feed was heard for so long since the car was. None where it
    says only what changes: of a car that rests it says nothing, and of one that cannot be reached it says so."""
    if vehicle.last_contact is None or vehicle.feed is None or vehicle.feed.says_changes_alone:
        return None
    return max(vehicle.last_contact, vehicle.feed.heard_since) + timedelta(hours=hours)
