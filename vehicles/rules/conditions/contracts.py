"""Utility contracts and the agreement about a French meter's delivery point (PDL)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from core.words import word_key
from vehicles.rules.clocks import as_day, end_of_day
from vehicles.rules.snapshot import Agreement, Contract, Location, Snapshot
from vehicles.rules.versions import is_older, version_key
from vehicles.rules.windows import Thresholds, Window, condition

GREENCHOICE = "greenchoice"


def _contracts(snapshot: Snapshot) -> Iterator[tuple[Location, Contract, str]]:
    """Each contract with its state; a place that was removed takes its contracts with it."""
    for location in snapshot.locations:
        for contract in location.contracts if location.reports.latest("removed") is not True else ():
            if contract.reports.has("state"):
                yield location, contract, str(contract.reports.latest("state")).lower()


def _facts(location: Location, contract: Contract) -> Mapping[str, Any]:
    return {
        "supplier": str(contract.reports.latest("supplier") or ""),
        "location": str(location.reports.latest("name") or ""),
        "contract_number": str(contract.reports.latest("contract_number") or ""),
    }


def expired_at(location: Location, contract: Contract) -> datetime | None:
    """The end of a contract's last day where it is supplied, or when it was said to have expired."""
    if str(contract.reports.latest("state")).lower() == "expired":
        return contract.reports.since("state")
    day = as_day(contract.reports.latest("valid_to"), location.zone)
    return end_of_day(day, location.zone) if day else None


def _replacement(location: Location, contract: Contract, after: datetime) -> Contract | None:
    """Another contract of the location that came to be valid after a moment, or outlives it; one that was there before
    is of something else, e.g. of gas, as is one of another meter."""
    begun = contract.reports.raw["state"][0][0]
    for other in location.contracts:
        if other is contract or str(other.reports.latest("state")).lower() != "valid":
            continue
        meters = {one.reports.latest("meter_code") for one in (contract, other)} - {None, ""}
        if other.reports.raw["state"][0][0] < begun or len(meters) > 1:
            continue
        since, end = other.reports.since("state"), expired_at(location, other)
        if (since is not None and since >= after) or end is None or end > after:
            return other
    return None


@condition("contract_invalid")
def contract_invalid(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """A contract that was valid is not any more."""
    for location, contract, state in _contracts(snapshot):
        begins = contract.reports.since("state")
        was_valid = "valid" in [str(v).lower() for v in contract.reports.before("state")]
        if state == "invalid" and was_valid and begins and _replacement(location, contract, begins) is None:
            yield Window(
                f"contract:{contract.key}",
                begins,
                seen_at=contract.reports.reported_at("state"),
                facts=dict(_facts(location, contract)) | {"reason": str(contract.reports.latest("reason") or "")},
            )


@condition("contract_expired")
def contract_expired(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """The last day of a contract is over, and no other contract of the location took its place."""
    for location, contract, state in _contracts(snapshot):
        begins = expired_at(location, contract)
        if state in ("valid", "expired") and begins and _replacement(location, contract, begins) is None:
            yield Window(f"contract:{contract.key}", begins, facts=_facts(location, contract))


@condition("greenchoice_removed")
def greenchoice_removed(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Window]:
    """A contract with Greenchoice was removed. Ends with a new contract at the location."""
    for location, contract, state in _contracts(snapshot):
        begins = contract.reports.since("state")
        supplier = word_key(str(contract.reports.latest("supplier") or ""))
        if state != "removed" or GREENCHOICE not in supplier or begins is None:
            continue
        if _replacement(location, contract, begins) is None:
            ends = begins + timedelta(days=thresholds["days"])
            yield Window(f"contract:{contract.key}", begins, ends, expires=True, facts=_facts(location, contract))


@condition("pdl_agreement_open")
def pdl_agreement_open(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """A location has a PDL, and neither the version of the agreement that was offered last nor a newer is answered."""
    for location in snapshot.locations:
        offered = [(m, a) for a in location.agreements if (m := a.reports.first_time("state", "offered"))]
        if not location.reports.latest("pdl") or not offered or location.reports.latest("removed") is True:
            continue
        begins, newest = max(offered, key=lambda pair: (pair[0], version_key(_version(pair[1])), pair[1].key))
        answering = [a for a in location.agreements if a is newest or is_older(_version(newest), _version(a))]
        if not any(a.reports.first_time("state", "accepted", "declined") for a in answering):
            facts = {"location": str(location.reports.latest("name") or "")}
            yield Window(f"agreement:{newest.key}", begins, facts=facts)


def _version(agreement: Agreement) -> str:
    return agreement.key.rpartition("/")[2]


@condition("pdl_missing")
def pdl_missing(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """While a campaign runs: a location in France has no PDL."""
    for campaign in snapshot.campaigns:
        if campaign.type != "InformationMobilizePdlBenefitBanner":
            continue
        for location in snapshot.locations:
            country = str(location.reports.latest("country") or snapshot.reports.latest("country") or "").upper()
            removed = location.reports.latest("removed") is True
            if country in ("FR", "FRA") and not location.reports.latest("pdl") and not removed:
                yield Window(
                    f"campaign:{campaign.id}:location:{location.key}",
                    campaign.begins,
                    campaign.ends,
                    expires=True,
                    facts={"location": str(location.reports.latest("name") or "")},
                )
