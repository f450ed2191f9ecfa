"""The catalogue of the notifications (`types.toml`): what each is, what brings it about, in which words it is written.

What an operator may change (on or off, channels, thresholds, cooldown, words) is kept in the database and laid over it
(`services.policies`).
"""

import tomllib
from pathlib import Path
from typing import Any

import msgspec
from django.utils.translation import gettext_lazy

from vehicles.catalogue.entry import NotificationType


def _translated(_type: type, text: Any) -> Any:
    """The sentences of the table are texts of the console, which `make messages` collects."""
    return gettext_lazy(text)


_TABLE = tomllib.loads(Path(__file__).with_name("types.toml").read_text(encoding="utf-8"))
TYPES: dict[str, NotificationType] = {
    name: msgspec.convert(row | {"name": name}, NotificationType, dec_hook=_translated) for name, row in _TABLE.items()
}
# Those that an operator sends to an audience.
CAMPAIGN_TYPES = tuple(name for name, entry in TYPES.items() if entry.kind == "campaign")


def siblings_of(entry: NotificationType) -> list[NotificationType]:
    """The other notifications of the same condition."""
    return [other for other in TYPES.values() if other.condition == entry.condition and other.name != entry.name]


__all__ = ["CAMPAIGN_TYPES", "TYPES", "NotificationType", "siblings_of"]
