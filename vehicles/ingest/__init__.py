"""Untrusted facts in, typed reports of entities out."""

from vehicles.ingest.base import EntityReport, IncomingFact, SampleReport
from vehicles.ingest.fact_types import FACT_TYPES, AnyFact

__all__ = ["FACT_TYPES", "AnyFact", "EntityReport", "IncomingFact", "SampleReport"]
