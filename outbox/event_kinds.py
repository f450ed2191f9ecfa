"""The kinds of event that apps publish. Each registers its own; the outbox, the API and the docs read them here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.utils.functional import Promise

from outbox.choices import Severity


@dataclass(frozen=True)
class EventKind:
    """`payload` is a msgspec type: its JSON schema is public. `mail` names the templates, without ending."""

    key: str
    label: str | Promise
    description: str | Promise
    domain: str
    payload: type[msgspec.Struct]
    example: msgspec.Struct
    severity: Severity = Severity.INFO
    mail: str = ""
    # Kinds that only carry a mail (a group's alert, a test) are no topics for webhooks.
    is_public: bool = True
    aliases: tuple[str, ...] = field(default=())

    def schema(self) -> dict[str, Any]:
        """The JSON schema of `data` in this kind's payload."""
        return msgspec.json.schema(self.payload)

    def example_data(self) -> dict[str, Any]:
        built: dict[str, Any] = msgspec.to_builtins(self.example)
        return built


class UnknownKind(LookupError):
    """An event names a kind that no app registered."""


_kinds: dict[str, EventKind] = {}


def register_kinds(kinds: Iterable[EventKind]) -> None:
    for kind in kinds:
        _kinds[kind.key] = kind


def kind_of(key: str) -> EventKind:
    try:
        return _kinds[key]
    except KeyError as error:
        raise UnknownKind(f"No app registered the event kind {key}.") from error


def all_kinds() -> list[EventKind]:
    return sorted(_kinds.values(), key=lambda kind: (kind.domain, kind.key))


def matches_topic(pattern: str, key: str) -> bool:
    """Whether a topic of a subscription takes this kind: `*`, `trip.*` (also `trip.mark.updated`), or the kind."""
    return pattern in ("*", key) or (pattern.endswith(".*") and key.startswith(pattern[:-1]))
