"""The facts that `POST /vehicles/facts` takes: one schema per type, distinguished by `type`.

Every field of `data` may be left out: what is not named stays as it was; null says that it is not known any more.
Words of manufacturers (states, roles) are texts: one that we do not know is kept and shown, and brings nothing about.
"""

from __future__ import annotations

from vehicles.ingest import cars, charging, people
from vehicles.ingest.base import IncomingFact

AnyFact = (
    people.DriverFact
    | cars.AccountFact
    | cars.ConnectFact
    | cars.VehicleFact
    | cars.ListingFact
    | cars.ContactFact
    | charging.TelemetryFact
    | cars.PairingFact
    | cars.ServiceFact
    | charging.ChargeSettingsFact
    | charging.PlanFact
    | charging.CommandFact
    | charging.SessionFact
    | people.LocationFact
    | people.ContractFact
    | people.AgreementFact
    | people.PayoutFact
    | people.ReimbursementFact
    | people.StatementFact
    | people.ReferralFact
)
FACT_TYPES: dict[str, type[IncomingFact]] = {
    str(fact_type.__struct_config__.tag): fact_type for fact_type in AnyFact.__args__
}
