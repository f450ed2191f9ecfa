"""Rules of vehicles: pure functions from facts to conditions, and from conditions to what a driver is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vehicles.rules.conditions import CONDITIONS
from vehicles.rules.deciding import Policy
from vehicles.rules.picture import Picture
from vehicles.rules.windows import Window


def windows_of(picture: Picture, policies: Iterable[Policy]) -> Iterator[tuple[Policy, Window]]:
    """All windows of a driver, whether they hold now, later, or held before."""
    for policy in policies:
        for window in CONDITIONS[policy.condition](picture, policy.thresholds):
            yield policy, window
