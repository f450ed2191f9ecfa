"""What all bike-share resources have in common: their id, program, version, and that deleting keeps the row."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from bikeshare.models.programs import Program
from core.lifecycle import While

# In the order of their codes, so that ids sort as they were made (with the collation "C").
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTH = 22
ID_LENGTH = 32


def _rising() -> Iterator[int]:
    """48 bits of time in milliseconds and 80 of chance: each above those that this process had before."""
    newest = 0
    while True:
        newest = max(newest + 1 + secrets.randbits(72), (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80))
        yield newest


_numbers, _one_at_a_time = _rising(), threading.Lock()


def new_id(prefix: str) -> str:
    """A prefix and 22 letters and digits, which sort as they were made, also within a millisecond."""
    with _one_at_a_time:
        number = next(_numbers)
    digits = []
    for _position in range(_LENGTH):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return prefix + "".join(reversed(digits))


# How long resources are kept that are no trips.
KEPT_AS_SUBJECT = While("Deleting keeps the row, without personal data: trips and events name it.")


class LiveManager(models.Manager[Any]):
    """Without what was deleted. Relations still lead to it: history keeps its subjects."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(deleted_at__isnull=True)


class Resource(models.Model):
    """A row is written by `services.unit_of_work` alone: it counts versions and tells what happened."""

    PREFIX: ClassVar[str]
    # The first part of this resource's topics.
    NAME: ClassVar[str]
    # Fields that name a thing however they are spelt (`core.identities`); each is unique so.
    IDENTITIES: ClassVar[tuple[str, ...]] = ()

    # Compared byte by byte, so that ids sort as they were made.
    id = models.CharField(max_length=ID_LENGTH, primary_key=True, editable=False, db_collation="C")
    program = models.ForeignKey(Program, models.PROTECT, related_name="+", verbose_name=_("program"))
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    created = models.DateTimeField(_("created"))
    deleted_at = models.DateTimeField(_("deleted"), null=True, editable=False)

    objects = LiveManager()
    everything: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.pk)


LIVE = models.Q(deleted_at__isnull=True)
