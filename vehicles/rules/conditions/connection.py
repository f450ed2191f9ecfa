"""Whether the account and the car can be reached at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from vehicles.rules.snapshot import Snapshot, Vehicle
from vehicles.rules.windows import Thresholds, Window, condition, of_vehicle

RENAULT = "renault"
# A car counts as lost from its account when it was absent on so many syncs in a row.
ABSENCES = 2


@condition("invalid_credentials")
def invalid_credentials(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """The manufacturer refuses the credentials of a linked account, or access to it was withdrawn: either way the
    connection is lost. Ends when it takes them, or the account is unlinked."""
    for account in snapshot.accounts:
        begins = account.reports.since("auth_state")
        if account.is_ok or begins is None or account.reports.latest("linked") is False:
            continue
        through = (v.reports.latest("brand") for v in snapshot.vehicles if v.account is account)
        brand = str(account.reports.latest("brand") or next(filter(None, through), ""))
        yield Window(
            f"account:{account.key}",
            begins,
            seen_at=account.reports.reported_at("auth_state"),
            account_id=account.id,
            facts={"brand": brand, "account": account.key},
        )


@condition("car_not_found")
def car_not_found(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """The car was absent from its account on two syncs in a row. Its root cause may be the account's."""
    for vehicle in snapshot.vehicles:
        absences = absences_of(vehicle)
        if len(absences) >= ABSENCES and vehicle.is_linked:
            yield from of_vehicle(vehicle, absences[ABSENCES - 1], seen_at=absences[-1])


def absences_of(vehicle: Vehicle) -> list[datetime]:
    """The syncs in a row on which the car was absent, up to now."""
    return vehicle.reports.run("listed") if vehicle.reports.latest("listed") is False else []


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
    """Nothing was heard of a linked car for so many hours."""
    for vehicle in snapshot.vehicles:
        if vehicle.is_linked:
            yield from of_vehicle(
                vehicle,
                silent_at(vehicle, thresholds["hours"]),
                seen_at=vehicle.reports.last_time("contact", False),
                facts={"hours": thresholds["hours"]},
            )


def silent_at(vehicle: Vehicle, hours: float) -> datetime | None:
    """When a car's silence counts; None while it is known to be asleep, or nobody ever tried to reach it."""
    reports, heard = vehicle.reports, vehicle.last_contact
    asleep_since = reports.since("asleep") if reports.latest("asleep") is True else None
    if asleep_since is not None and (heard is None or asleep_since >= heard):
        return None
    begins = heard or reports.first_time("contact", False)
    return begins + timedelta(hours=hours) if begins else None
