"""What was made of one message, finding by finding: the gravest of them, and no more than anybody reads. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from infra_notifications.choices import Effect, MessageVerdict
from infra_notifications.rules.matching import CompiledRule

MOST = 100
_RANK = {verdict: rank for rank, verdict in enumerate(MessageVerdict.values)}


def finding_of(
    rule: CompiledRule | None, effect: Effect, said: str, count: int, steps: Iterable[str]
) -> dict[str, Any]:
    """What one observation came to at so many charge points; `steps` are those of `IncidentChange` that it made."""
    finding: dict[str, Any] = {"rule": rule.id if rule else None, "said": said, "n": count, "steps": sorted(steps)}
    return finding if rule is None else finding | {"name": rule.name, "effect": effect.value, "case": rule.case}


class Findings:
    """`verdict` is that of the gravest."""

    def __init__(self) -> None:
        self.verdict: str = MessageVerdict.SEEN.value
        self._found: list[tuple[int, dict[str, Any]]] = []

    def add(self, verdict: str, finding: dict[str, Any]) -> None:
        self._found.append((_RANK[verdict], finding))
        if _RANK[verdict] > _RANK[self.verdict]:
            self.verdict = verdict

    def listed(self) -> list[dict[str, Any]] | None:
        """In the order in which they were found; of more than are kept the gravest, and how many others there were."""
        more = len(self._found) - MOST
        if more <= 0:
            return [finding for _rank, finding in self._found] or None
        # Of equally grave ones those that a rule knows.
        gravest = sorted(
            range(len(self._found)),
            key=lambda place: (-self._found[place][0], self._found[place][1].get("rule") is None),
        )[:MOST]
        kept = [self._found[place][1] for place in sorted(gravest)]
        return [*kept, {"rule": None, "said": f"and {more} more", "n": 0, "steps": []}]
