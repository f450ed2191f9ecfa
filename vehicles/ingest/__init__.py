"""Untrusted facts in, typed reports out."""

from vehicles.ingest.facts import FACT_TYPES, AnyFact, Fact
from vehicles.ingest.reports import Report, SampleReport, Understood, understand

__all__ = ["FACT_TYPES", "AnyFact", "Fact", "Report", "SampleReport", "Understood", "understand"]
