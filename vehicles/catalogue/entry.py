"""What the catalogue says of one notification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise

from vehicles.choices import Category, Kind, Severity, Way

Text = str | Promise


@dataclass(frozen=True)
class NotificationType:
    """One notification. `name` and `description` are the seed's, to the letter.

    `condition` names the rule that says when it holds; types that share one are siblings and end together. `rank` is
    its place in the order of root causes: of one vehicle only the lowest rank is told. `once` is told once per subject,
    whatever happens later. `cooldown_h` passes before the same is told again, or a dismissed banner comes back.
    """

    name: str
    description: str
    ways: tuple[Way, ...]
    severity: Severity
    category: Category
    kind: Kind
    condition: str
    trigger: Text
    key: Text
    clear: Text
    brand: str = ""
    rank: int = 0
    once: bool = False
    needs_consent: bool = False
    cooldown_h: float = 0
    reminder_h: float = 0
    thresholds: Mapping[str, Any] = field(default_factory=dict)

    @property
    def channel(self) -> Way:
        """The way that its name or its nature asks for; further ones only add to it."""
        return self.ways[0]

    @property
    def is_banner(self) -> bool:
        return Way.BANNER in self.ways
