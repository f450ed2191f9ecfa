"""Erasing cyclists by their address: their personal data goes, their trips stay under an id."""

from __future__ import annotations

from datetime import datetime

from auditlog.models import LogEntry
from django.utils.translation import gettext as _

from bikeshare.models import Cyclist, Subscription
from bikeshare.services.people import ERASED
from bikeshare.services.unit_of_work import ResourceUnitOfWork, load
from core.erasure import Erased, scrub
from outbox.models import Event


def erase_cyclists(address: str, now: datetime) -> list[Erased]:
    """Takes the personal data of cyclists away, of whom this is the address. Declared as Cyclist's handler.

    Their program is told which attributes changed; a cyclist who should be deleted altogether is deleted by the API.
    """
    ids = list(Cyclist.objects.filter(email__iexact=address).order_by("pk").values_list("pk", flat=True))
    return [
        Erased(_("cyclists whose address it was"), len(ids)),
        Erased(_("events and entries of the audit log that named them"), sum(_erase(pk, now) for pk in ids)),
    ]


def _erase(pk: str, now: datetime) -> int:
    """Returns in how many values of other rows the cyclist was named."""
    with ResourceUnitOfWork.begin(now) as work:
        words: list[str] = []
        for cyclist in load(Cyclist.objects.filter(pk=pk)):
            words = [cyclist.name, cyclist.email, cyclist.phone_number, *cyclist.kyc_documents]
            # Without an event: what people wrote here would be told once more, as what it was before.
            Cyclist.objects.filter(pk=pk).update(status_updated_reason="")
            Subscription.objects.filter(cyclist=cyclist).update(declined_reason="", supporting_documents=[])
            cyclist.status_updated_reason = ""
            work.change(cyclist, **ERASED)
    return sum(
        scrub(rows.model, words, keys=list(rows.values_list("pk", flat=True)))
        for rows in (
            Event.objects.filter(subject=pk),
            LogEntry.objects.filter(content_type__app_label="bikeshare", object_pk=pk),
        )
    )
