"""What a benchmark found, and the table it is shown in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """One measured number. `floor` must be reached, `goal` is what we want; for times lower is better."""

    name: str
    value: float
    unit: str
    floor: float
    goal: float
    lower_is_better: bool = False

    @property
    def verdict(self) -> str:
        sign = -1 if self.lower_is_better else 1
        reached = [limit for limit in ("goal", "floor") if sign * (self.value - getattr(self, limit)) >= 0]
        return {"goal": "goal", "floor": "ok"}[reached[0]] if reached else "MISSED"

    def row(self) -> dict[str, object]:
        return asdict(self) | {"verdict": self.verdict}


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def table(figures: Sequence[Figure]) -> str:
    width = max((len(f.name) for f in figures), default=10)
    lines = [f"{'what':<{width}}  {'measured':>12}  {'floor':>10}  {'goal':>10}  verdict"]
    lines += [
        f"{f.name:<{width}}  {f.value:>9,.1f} {f.unit:<3} {f.floor:>9,.0f}  {f.goal:>9,.0f}   {f.verdict}"
        for f in figures
    ]
    return "\n".join(lines)
