"""That the charge points changed, told to every process that remembers some of them."""

from __future__ import annotations

import uuid

from django.db import models

from core.lifecycle import Lifecycle, While


class DirectoryChange(models.Model):
    """A row for each statement that changed what messages ask of charge points, written by the database itself.

    All rows that a transaction sees are the version of the charge points that it sees (`services.directory`): a new
    row has an id that was never seen before, and deletes those that it sees and nobody holds, so that they stay few
    and no transaction waits for another.
    """

    lifecycle = Lifecycle(kept=While("The database replaces it with the next change."), personal=(), audited=None)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    def __str__(self) -> str:
        return str(self.id)
