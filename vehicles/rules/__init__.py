"""Rules of vehicles: pure functions from facts to conditions, and from conditions to notifications of a driver."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vehicles.rules.conditions import CONDITIONS
from vehicles.rules.deciding import Policy
from vehicles.rules.snapshot import Snapshot
from vehicles.rules.windows import Window


def windows_of(snapshot: Snapshot, policies: Iterable[Policy]) -> Iterator[tuple[Policy, Window]]:
    """All windows of a driver, whether they hold now, later, or held before."""
    for policy in policies:
        for window in CONDITIONS[policy.condition](snapshot, policy.thresholds):
            yield policy, window
