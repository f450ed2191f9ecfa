"""What a fact says of which thing: typed reports, field by field. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec import UNSET

from vehicles.ingest import facts
from vehicles.ingest.facts import Fact, data_of
from vehicles.rules.sessions import Sample

# The capabilities of the reference, A1.2: a list names those that are available, the others of these are missing.
CAPABILITIES = (
    "chargeState",
    "stateOfCharge",
    "charge",
    "discharge",
    "startStopCharging",
    "geoLocation",
    "desiredStateOfCharge",
    "pairing",
    "departureTimes",
    "pullTelemetry",
    "pushTelemetry",
    "geoFencing",
)


@dataclass(frozen=True, slots=True)
class Report:
    """Values of one thing: its kind, the sender's id, and what holds. A link to another thing is a value too."""

    kind: str
    key: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SampleReport:
    vehicle: str
    sample: Sample


@dataclass(slots=True)
class Understood:
    """What a fact says, what it is about (for the timeline), and the things that it names."""

    subject: str
    reports: list[Report] = field(default_factory=list)
    samples: list[SampleReport] = field(default_factory=list)


def understand(fact: Fact, at: datetime) -> Understood:
    """The reports of a fact that occurred at this moment."""
    subject = f"{fact.about}:{getattr(fact, fact.about)}"
    found = Understood(subject)
    _READERS[type(fact)](fact, at, found)
    return found


def _given(fact: Fact, *links: str) -> dict[str, Any]:
    """The data of a fact and the links that it names."""
    named = {link: value for link in links if (value := getattr(fact, link)) is not UNSET}
    return data_of(fact) | named


def _driver(fact: facts.DriverFact, _at: datetime, found: Understood) -> None:
    values = data_of(fact)
    wants = values.pop("preferences", {})
    values |= {f"wants.{category.lower()}": wanted for category, wanted in wants.items()}
    found.reports.append(Report("driver", fact.driver, values))


def _account(fact: facts.AccountFact, _at: datetime, found: Understood) -> None:
    found.reports.append(Report("account", fact.account, _given(fact, "driver")))


def _vehicle(fact: facts.VehicleFact, _at: datetime, found: Understood) -> None:
    values = _given(fact, "driver", "account")
    capabilities = values.pop("capabilities", {})
    if isinstance(capabilities, list):
        capabilities = dict.fromkeys(CAPABILITIES, "missing") | dict.fromkeys(capabilities, "available")
    values |= {f"capability.{name}": state for name, state in capabilities.items()}
    found.reports.append(Report("vehicle", fact.vehicle, values))


def _listing(fact: facts.ListingFact, _at: datetime, found: Understood) -> None:
    found.reports.append(Report("vehicle", fact.vehicle, _given(fact, "account")))


def _contact(fact: facts.ContactFact, _at: datetime, found: Understood) -> None:
    values: dict[str, Any] = {"contact": fact.data.ok}
    if fact.data.asleep is not UNSET:
        values["asleep"] = fact.data.asleep
    found.reports.append(Report("vehicle", fact.vehicle, values))


def _telemetry(fact: facts.TelemetryFact, at: datetime, found: Understood) -> None:
    found.reports.append(Report("vehicle", fact.vehicle, {"contact": True, "asleep": False}))
    if fact.data.location:
        found.reports.append(Report("location", fact.data.location, {}))
    if fact.data.charge_state is not UNSET:
        state = str(fact.data.charge_state).strip().lower()
        sample = Sample(at, state, fact.data.location or "", fact.data.power_kw, fact.data.soc)
        found.samples.append(SampleReport(fact.vehicle, sample))


def _connect(fact: facts.ConnectFact, _at: datetime, found: Understood) -> None:
    values = _given(fact, "driver")
    finished = values.pop("finished")
    if finished:
        values |= {"auth_state": "ok", "linked": True}
    found.reports.append(Report("account", fact.account, values))
    if fact.vehicle is not UNSET:
        links = {"account": fact.account} | ({"driver": fact.driver} if fact.driver is not UNSET else {})
        brand = {"brand": fact.data.brand} if fact.data.brand is not UNSET else {}
        shown = {"connected": True, "removed": False} if finished else {}
        found.reports.append(Report("vehicle", str(fact.vehicle), links | brand | shown))


def _pairing(fact: facts.PairingFact, _at: datetime, found: Understood) -> None:
    found.reports.append(Report("vehicle", fact.vehicle, {"pairing": fact.data.step.lower()}))


def _service(fact: facts.ServiceFact, _at: datetime, found: Understood) -> None:
    values = data_of(fact)
    code = str(values.pop("code")).upper()
    found.reports.append(Report("vehicle", fact.vehicle, {}))
    found.reports.append(Report("service", f"{fact.vehicle}/{code}", values | {"vehicle": fact.vehicle, "code": code}))


def _settings(fact: facts.ChargeSettingsFact, _at: datetime, found: Understood) -> None:
    found.reports.append(Report("vehicle", fact.vehicle, data_of(fact)))


def _plan(fact: facts.PlanFact, _at: datetime, found: Understood) -> None:
    found.reports.append(Report("vehicle", fact.vehicle, {"plan": data_of(fact)}))


def _command(fact: facts.CommandFact, _at: datetime, found: Understood) -> None:
    found.reports.append(Report("vehicle", fact.vehicle, {"command": fact.data.command.lower()}))


def _session(fact: facts.SessionFact, _at: datetime, found: Understood) -> None:
    found.reports.append(Report("session", fact.session, _given(fact, "vehicle")))


def _location(fact: facts.LocationFact, _at: datetime, found: Understood) -> None:
    found.reports.append(Report("location", fact.location, _given(fact, "driver")))


def _contract(fact: facts.ContractFact, _at: datetime, found: Understood) -> None:
    found.reports.append(Report("contract", fact.contract, _given(fact, "location", "driver")))
    if fact.location is not UNSET and fact.driver is not UNSET:
        found.reports.append(Report("location", str(fact.location), {"driver": fact.driver}))


def _agreement(fact: facts.AgreementFact, _at: datetime, found: Understood) -> None:
    links = {"driver": fact.driver} if fact.driver is not UNSET else {}
    found.reports.append(Report("location", fact.location, links))
    values = data_of(fact) | {"location": fact.location, "state": fact.data.state.lower()}
    found.reports.append(Report("agreement", f"{fact.location}/{fact.data.version}", values))


def _of_driver(kind: str) -> Callable[[Any, datetime, Understood], None]:
    def read(fact: Any, _at: datetime, found: Understood) -> None:
        found.reports.append(Report(kind, getattr(fact, kind), _given(fact, "driver")))

    return read


def _referral(fact: facts.ReferralFact, _at: datetime, found: Understood) -> None:
    found.reports.append(Report("referral", fact.referral, data_of(fact)))


_READERS: dict[type[Fact], Callable[[Any, datetime, Understood], None]] = {
    facts.DriverFact: _driver,
    facts.AccountFact: _account,
    facts.ConnectFact: _connect,
    facts.VehicleFact: _vehicle,
    facts.ListingFact: _listing,
    facts.ContactFact: _contact,
    facts.TelemetryFact: _telemetry,
    facts.PairingFact: _pairing,
    facts.ServiceFact: _service,
    facts.ChargeSettingsFact: _settings,
    facts.PlanFact: _plan,
    facts.CommandFact: _command,
    facts.SessionFact: _session,
    facts.LocationFact: _location,
    facts.ContractFact: _contract,
    facts.AgreementFact: _agreement,
    facts.PayoutFact: _of_driver("payout"),
    facts.ReimbursementFact: _of_driver("reimbursement"),
    facts.StatementFact: _of_driver("statement"),
    facts.ReferralFact: _referral,
}
