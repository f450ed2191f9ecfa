"""The facts that `POST /vehicles/facts` takes: one schema per type, told apart by `type`.

Every field of `data` may be left out: what is not named stays as it was; null says that it is not known any more.
Words of manufacturers (states, roles) are texts: one that we do not know is kept and shown, and brings nothing about.
"""

from __future__ import annotations

from typing import Any, Union

import msgspec

from vehicles.ingest.base import Fact
from vehicles.ingest.cars import (
    AccountFact,
    ConnectFact,
    ContactFact,
    ListingFact,
    PairingFact,
    ServiceFact,
    VehicleFact,
)
from vehicles.ingest.charging import ChargeSettingsFact, CommandFact, PlanFact, SessionFact, TelemetryFact
from vehicles.ingest.people import (
    AgreementFact,
    ContractFact,
    DriverFact,
    LocationFact,
    PayoutFact,
    ReferralFact,
    ReimbursementFact,
    StatementFact,
)

__all__ = [
    "FACT_TYPES",
    "AccountFact",
    "AgreementFact",
    "AnyFact",
    "ChargeSettingsFact",
    "CommandFact",
    "ConnectFact",
    "ContactFact",
    "ContractFact",
    "DriverFact",
    "Fact",
    "ListingFact",
    "LocationFact",
    "PairingFact",
    "PayoutFact",
    "PlanFact",
    "ReferralFact",
    "ReimbursementFact",
    "ServiceFact",
    "SessionFact",
    "StatementFact",
    "TelemetryFact",
    "VehicleFact",
    "data_of",
    "type_of",
]
# Laid out by hand as a table: it is read by its rows.
AnyFact = Union[  # noqa: UP007 - msgspec needs the union at run time
    DriverFact, AccountFact, ConnectFact, VehicleFact, ListingFact, ContactFact, TelemetryFact, PairingFact,
    ServiceFact, ChargeSettingsFact, PlanFact, CommandFact, SessionFact, LocationFact, ContractFact, AgreementFact,
    PayoutFact, ReimbursementFact, StatementFact, ReferralFact,
]  # fmt: skip
FACT_TYPES: dict[str, type[Fact]] = {str(struct.__struct_config__.tag): struct for struct in AnyFact.__args__}  # type: ignore[attr-defined]


def type_of(fact: Fact) -> str:
    return str(type(fact).__struct_config__.tag)


def data_of(fact: Fact) -> dict[str, Any]:
    """What was told, as it is kept: JSON values, without what was left out."""
    built: dict[str, Any] = msgspec.to_builtins(fact.data)  # type: ignore[attr-defined]
    return built
