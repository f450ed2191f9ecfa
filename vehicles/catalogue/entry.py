"""What the catalogue says about one notification."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from msgspec import Struct

from vehicles.choices import Category, DriverChannel, DriverSeverity, TriggerKind


class NotificationType(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One notification. `name` and `description` are the seed's, to the letter.

    `condition` names the rule that says when it holds; types that share one are siblings and end together. `rank` is
    its place in the order of root causes: of one vehicle only the lowest rank is notified; what does not `explains`
    holds back nothing, because all still runs. `is_mishap` is one without a rank of which many at once are mostly their
    feed's. `once`: one notification
    per subject, whatever happens later. `cooldown_h` passes before the same is notified again, or a dismissed banner
    comes back.
    """

    name: str
    description: str
    ways: tuple[DriverChannel, ...]
    severity: DriverSeverity
    category: Category
    kind: TriggerKind
    condition: str
    trigger: Promise
    key: Promise
    clear: Promise
    brand: str = ""
    rank: int = 0
    explains: bool = True
    is_mishap: bool = False
    once: bool = False
    needs_consent: bool = False
    cooldown_h: float = 0
    reminder_h: float = 0
    thresholds: dict[str, Any] = {}

    @property
    def channel(self) -> DriverChannel:
        """The channel that its name or its nature asks for; further ones only add to it."""
        return self.ways[0]

    @property
    def is_banner(self) -> bool:
        return DriverChannel.BANNER in self.ways
