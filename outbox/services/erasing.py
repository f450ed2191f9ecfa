"""Erasing an address: asked for on a page, done by a worker, which says what it erased. The job keeps no address."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from auditlog.models import LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.background import Ended, Work, hand_over, report_progress, start_job
from core.erasure import MARK, Erased, erase_everywhere
from core.models import Job
from outbox.choices import DeliveryState, Reason
from outbox.models import Delivery
from outbox.services.deliveries import stop_unended


def start(*, address: str, reason: str, by: AbstractBaseUser) -> Job:
    """Has a worker erase the address. The audit log says who wanted it and why, not which address it was."""
    with transaction.atomic():
        label = _("Erase an address everywhere")
        job = start_job(kind=ERASE.kind, label=label, created_by=by, payload=address.encode())
        LogEntry.objects.log_create(job, action=LogEntry.Action.CREATE, changes={"reason": ["", reason]})
        hand_over(job)
    return job


def _run(job: Job) -> Ended:
    """Does what `start` asked for. Done again from the beginning when its worker died."""
    erasures = erase_everywhere(
        address=bytes(job.payload).decode(),
        now=timezone.now(),
        told=lambda done, total: report_progress(job=job, done=done, total=total),
        asked_by=job,
    )
    total = sum(erased.number for erased in erasures)
    text = ngettext("The address was found in %(n)d place.", "The address was found in %(n)d places.", total)
    lines = [{"what": erased.what, "number": erased.number} for erased in erasures]
    return Ended({"message": text % {"n": total}, "lines": lines})


def _failed(_job: Job, why: str) -> dict[str, Any]:
    """The job keeps no address, so that nobody can do it again but who asks for it again."""
    return {"message": _("It broke off: %(error)s. Ask for it again.") % {"error": why.rstrip(".")}}


ERASE = Work("erase_address", _run, _failed)


def stop_deliveries(address: str, now: datetime) -> list[Erased]:
    """Stops what is under way to an address and takes it out of what was. Declared as Delivery's handler."""
    deliveries = Delivery.objects.filter(address__iexact=address)
    sending = deliveries.filter(state=DeliveryState.SENDING).count()
    stopped = stop_unended(deliveries, reason=Reason.ERASED, now=now)
    return [
        Erased(_("deliveries to it"), deliveries.update(address=MARK, destination=MARK)),
        Erased(_("of them stopped before they were sent"), stopped - sending),
        Erased(_("of them being sent at that moment: ask again in a minute for what the server answered"), sending),
    ]
