"""Erasing an address: asked for on a page, done by a worker, which says what it erased. The job keeps no address."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from auditlog.models import LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.choices import JobState
from core.erasure import MARK, Erased, erase_everywhere
from core.models import Job
from core.services import move_job, report_progress, start_job
from outbox.choices import UNENDED, DeliveryState, Reason
from outbox.models import Delivery
from outbox.services.jobs import hand_over

KIND = "erase_address"


def start(*, address: str, reason: str, by: AbstractBaseUser) -> Job:
    """Has a worker erase the address. The audit log says who wanted it and why, not which address it was."""
    with transaction.atomic():
        job = start_job(kind=KIND, label=_("Erase an address everywhere"), created_by=by, payload=address.encode())
        LogEntry.objects.log_create(job, action=LogEntry.Action.CREATE, changes={"reason": ["", reason]})
        hand_over(job)
    return job


def run(*, job_id: int, now: datetime) -> None:
    """Does what `start` asked for. Done again from the beginning when its worker died."""
    job = Job.objects.get(pk=job_id)
    if not move_job(job=job, to=JobState.RUNNING, away_from=[JobState.WAITING, JobState.RUNNING]):
        return
    address = bytes(job.payload).decode()
    try:
        found = erase_everywhere(
            address=address, now=now, told=lambda done, total: report_progress(job=job, done=done, total=total)
        )
    except Exception as error:
        result = {"message": _("It broke off: %(error)s. Ask for it again.") % {"error": type(error).__name__}}
        move_job(job=job, to=JobState.FAILED, away_from=[JobState.RUNNING], result=result)
        raise
    total = sum(one.number for one in found)
    said = ngettext("The address was found in %(n)d place.", "The address was found in %(n)d places.", total)
    told: dict[str, Any] = {
        "message": said % {"n": total},
        "lines": [{"what": one.what, "number": one.number} for one in found],
    }
    move_job(job=job, to=JobState.DONE, away_from=[JobState.RUNNING], result=told)


def stop_deliveries(address: str, now: datetime) -> list[Erased]:
    """Stops what is under way to an address and takes it out of what was. Declared as Delivery's handler."""
    mine = Delivery.objects.filter(address__iexact=address)
    # What is being sent this moment cannot be called back, but is neither repeated nor counted as delivered.
    sending = mine.filter(state=DeliveryState.SENDING).count()
    stopped = mine.filter(state__in=UNENDED).update(
        state=DeliveryState.CANCELLED,
        reason=Reason.ERASED,
        next_attempt_at=None,
        settled_at=now,
        lease=None,
        lease_until=None,
    )
    return [
        Erased(_("deliveries to it"), mine.update(address=MARK, destination=MARK)),
        Erased(_("of them stopped before they were sent"), stopped - sending),
        Erased(_("of them being sent at that moment: ask again in a minute for what the server answered"), sending),
    ]
