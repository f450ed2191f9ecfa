"""What a simulated car does: a day in two hours, of which it charges a third. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

MINUTE = 60.0
# Minutes of a day: it drives, is plugged in and waits, charges, is full, and leaves.
DRIVES, WAITS, CHARGES, FULL = 50.0, 55.0, 95.0, 110.0
DAY = 120.0
# The state of charge when it leaves and when it comes home; what one minute at the plug brings follows.
LEAVES, COMES_HOME, KILOWATTS = 90, 42, 7.4
# A sign-in is refused for so many minutes of one day in so many.
REFUSED_FROM, REFUSED_UNTIL, REFUSED_EVERY = 12.0, 34.0, 11


@dataclass(frozen=True)
class SimulatedCar:
    """A car of the demo: its ids at the platform are those by which the demo knows it."""

    number: int
    platform: str
    brand: str
    model: str

    @property
    def vehicle(self) -> str:
        return f"car-{self.number:03d}"

    @property
    def user(self) -> str:
        return f"driver-{self.number:03d}"

    @property
    def home(self) -> str:
        return f"home-{self.number:03d}"

    @property
    def vin(self) -> str:
        return f"DEMO{self.number:013d}"


# Those of the demo of which nothing else is told that a living car would end.
CARS = (
    SimulatedCar(2, "enode", "Renault", "Zoe"),
    SimulatedCar(5, "enode", "BMW", "i3"),
    SimulatedCar(6, "enode", "MINI", "Cooper SE"),
    SimulatedCar(7, "smartcar", "Tesla", "Model 3"),
    SimulatedCar(8, "enode", "Renault", "5 E-Tech"),
    SimulatedCar(9, "smartcar", "BMW", "iX1"),
    SimulatedCar(10, "smartcar", "Audi", "e-tron"),
    SimulatedCar(11, "enode", "Tesla", "Model Y"),
)


@dataclass(frozen=True)
class State:
    """A car at a moment; `soc` in percent, `power_kw` at the plug."""

    is_plugged_in: bool
    is_charging: bool
    is_full: bool
    soc: int
    power_kw: float
    is_refused: bool


def state_at(car: SimulatedCar, at: datetime, speed: float = 1.0) -> State:
    """What a car does at a moment; `speed` shortens its days."""
    minutes = at.timestamp() / MINUTE * speed + car.number * 13.7
    day, minute = divmod(minutes, DAY)
    refused = int(day) % REFUSED_EVERY == car.number % REFUSED_EVERY and REFUSED_FROM <= minute < REFUSED_UNTIL
    if minute < DRIVES or minute >= FULL:
        driven = minute / DRIVES if minute < DRIVES else 0.0
        soc = round(LEAVES - (LEAVES - COMES_HOME) * driven)
        return State(False, False, False, soc, 0.0, refused)
    charges = WAITS <= minute < CHARGES
    gained = min(1.0, max(0.0, (minute - WAITS) / (CHARGES - WAITS)))
    soc = round(COMES_HOME + (LEAVES - COMES_HOME) * gained)
    return State(True, charges, minute >= CHARGES, soc, KILOWATTS if charges else 0.0, False)
