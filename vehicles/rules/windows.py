"""When a notification's condition holds, as an interval: a pure function of the facts; time is only compared with it.

Because an interval says when it begins and ends, the next moment at which anything can change for a driver is known
beforehand, stored, and indexed: the sweep asks for nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.registry import Registry
from vehicles.rules.snapshot import Snapshot, Vehicle

# What an operator may change, by name: a number of hours, a list of days, amounts by currency.
Thresholds = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """One condition about one subject. It holds from `begins` up to `ends`, or until the facts say otherwise.

    `expires` says that the end is a time limit and no good news. `seen_at` is the newest report that says it holds.
    `facts` fill the texts; `vehicle_id` and `account_id` say whose root causes matter.
    """

    subject: str
    begins: datetime
    ends: datetime | None = None
    expires: bool = False
    seen_at: datetime | None = None
    vehicle_id: int | None = None
    account_id: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def holds(self, now: datetime) -> bool:
        return self.begins <= now and not self.is_over(now)

    def is_over(self, now: datetime) -> bool:
        return self.ends is not None and self.ends <= now

    def next_change(self, now: datetime) -> datetime | None:
        """The next moment at which this window begins or ends."""
        if self.is_over(now) or (self.ends is not None and self.ends <= self.begins):
            return None
        return self.begins if self.begins > now else self.ends


Condition = Callable[[Snapshot, Thresholds], Iterable[Window]]
CONDITIONS: Registry[Condition] = Registry("condition")


def condition(name: str) -> Callable[[Condition], Condition]:
    """Registers a condition under the name by which the catalogue asks for it."""

    def register(function: Condition) -> Condition:
        CONDITIONS.add(name, function)
        return function

    return register


def of_vehicle(
    vehicle: Vehicle, begins: datetime | None, *, subject: str = "", facts: Mapping[str, Any] | None = None, **more: Any
) -> Iterator[Window]:
    """A window about a vehicle, or none when it has no beginning."""
    if begins is None:
        return
    common = {"vehicle": vehicle.name, "brand": vehicle.brand_name}
    yield Window(
        subject or f"vehicle:{vehicle.key}",
        begins,
        vehicle_id=vehicle.id,
        account_id=vehicle.account.id if vehicle.account else None,
        facts=common | dict(facts or {}),
        **more,
    )
