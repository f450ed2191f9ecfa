"""What all models declare of themselves (`core.lifecycle`), and the audit log that follows from it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditlog.registry import auditlog
from django.apps import apps
from django.db.models import Model

from core.encryption import EncryptedTextField
from core.lifecycle import Lifecycle
from core.parties import PARTIES
from core.text import shown_url

_ADDRESS = re.compile(r"(?:http|ws)s?://")


def declared() -> Iterator[tuple[type[Model], Lifecycle]]:
    """Every model that says something of itself, and what."""
    for model in apps.get_models():
        lifecycle = vars(model).get("lifecycle") or PARTIES.get(model._meta.label)
        if lifecycle is not None:
            yield model, lifecycle


def register_audit() -> None:
    """Has the audit log follow the models that want it. Called once, when all models are loaded."""
    for model, lifecycle in declared():
        if (audited := lifecycle.audited) is not None:
            auditlog.register(
                model,
                include_fields=list(audited.include),
                exclude_fields=list(audited.exclude),
                mask_fields=[*audited.mask, *(f.name for f in model._meta.fields if isinstance(f, EncryptedTextField))],
                mask_callable=f"{__name__}.{hidden.__name__}",
                m2m_fields=set(audited.many_to_many),
            )


def hidden(value: str) -> str:
    """What the audit log holds instead of a secret: nothing of it; of a URL whose it is."""
    if _ADDRESS.match(value):
        return shown_url(value)
    return "***" if value else ""
