"""An app that real workers run beside ours, for kinds of event that no domain would publish."""

from __future__ import annotations

import msgspec
from django.apps import AppConfig

from outbox.event_kinds import EventKind, register_kinds


class Word(msgspec.Struct, kw_only=True):
    """The payload; the templates of the outbox's tests name these fields."""

    title: str = "A fault"
    words: str = "Made on purpose"


NOTE = EventKind("faults.note", "Note", "A note.", "faults", Word, Word(), mail="outbox_tests/note", is_public=False)
POISON = EventKind(
    "faults.poison", "Poison", "Cannot be written.", "faults", Word, Word(), mail="outbox_tests/broken", is_public=False
)
HOOK = EventKind("faults.hook", "Hook", "Goes to webhooks.", "faults", Word, Word())


class FaultsConfig(AppConfig):
    name = "tests.faults.app"
    label = "faults"

    def ready(self) -> None:
        register_kinds((NOTE, POISON, HOOK))
