"""The app itself."""

from __future__ import annotations

from collections.abc import Iterator

from vehicles.rules.snapshot import Snapshot
from vehicles.rules.versions import is_older
from vehicles.rules.windows import Thresholds, Window, condition


@condition("app_outdated")
def app_outdated(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """While a campaign runs: the driver's app is older than the campaign's version, compared as numbers."""
    version = str(snapshot.reports.latest("app_version") or "")
    for campaign in snapshot.campaigns:
        if campaign.type == "ImportantUpdateAppv416Banner" and is_older(version, campaign.min_app_version):
            facts = {"version": campaign.min_app_version, "installed": version}
            yield Window(f"campaign:{campaign.id}", campaign.begins, campaign.ends, expires=True, facts=facts)
