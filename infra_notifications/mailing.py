"""What the mails of notification groups can say beyond their payload."""

from __future__ import annotations

from typing import Any


def address_line(facts: dict[str, Any]) -> str:
    """Where a payload's charge point stands, in one line: location, street, town."""
    town = " ".join(facts[part] for part in ("postal_code", "city") if facts.get(part))
    return ", ".join(part for part in (facts.get("location"), facts.get("street"), town) if part)
