"""An app that real workers run beside ours, for kinds of event that no domain would publish."""

from __future__ import annotations

import os
import signal

import msgspec
from django.apps import AppConfig

from outbox.event_kinds import EventKind, register_kinds
from outbox.transports.rendering.words import register_mail_words


class Word(msgspec.Struct, kw_only=True):
    """The payload; the templates of the outbox's tests name these fields."""

    title: str = "A fault"
    words: str = "Made on purpose"


NOTE = EventKind("faults.note", "Note", "A note.", "faults", Word, Word(), mail="outbox_tests/note", is_public=False)
POISON = EventKind(
    "faults.poison", "Poison", "Cannot be written.", "faults", Word, Word(), mail="outbox_tests/broken", is_public=False
)
# Whoever writes it dies: its template asks for what ends the process.
DEADLY = EventKind(
    "faults.deadly", "Deadly", "Kills.", "faults", Word, Word(), mail="outbox_tests/deadly", is_public=False
)
HOOK = EventKind("faults.hook", "Hook", "Goes to webhooks.", "faults", Word, Word())


def _end_the_worker(_word: str) -> None:
    """All of it, as a machine that runs out of memory may."""
    os.killpg(os.getpgid(0), signal.SIGKILL)


class FaultsConfig(AppConfig):
    name = "tests.faults.app"
    label = "faults"

    def ready(self) -> None:
        register_kinds((NOTE, POISON, DEADLY, HOOK))
        register_mail_words(end_the_worker=_end_the_worker)
