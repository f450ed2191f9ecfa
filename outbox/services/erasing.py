"""Erasing an address: asked for on a page, done by a worker, which says what it erased. The job keeps no address."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from auditlog.models import LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.choices import JobState
from core.erasure import MARK, Erased, erase_everywhere, pattern_of, scrub
from core.models import Job
from core.services import move_job, report_progress, start_job
from outbox.choices import UNENDED, DeliveryState, Reason
from outbox.models import Address, Banner, Delivery, Event
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


def erase_from_outbox(address: str, now: datetime) -> Sequence[Erased]:
    """Stops what is under way to an address and takes it out of what was. Registered as the outbox's eraser."""
    mine = Delivery.objects.filter(address__iexact=address)
    # What is being sent this moment cannot be called back, but is neither repeated nor counted as delivered.
    sending = mine.filter(state=DeliveryState.SENDING).count()
    stopped = mine.filter(state__in=UNENDED).update(
        state=DeliveryState.CANCELLED, reason=Reason.ERASED, next_attempt_at=None, settled_at=now, lease=None,
        lease_until=None,
    )  # fmt: skip
    deliveries = mine.update(address=MARK, destination=MARK)
    banners = Banner.objects.filter(audience__iexact=address).update(audience=MARK)
    banners += scrub("outbox_banner", address, texts=("subject",), key="delivery_id")
    attempts = scrub("outbox_attempt", address, texts=("answer",))
    events = scrub("outbox_event", address, texts=("subject",), documents=("payload",))
    known = Address.objects.filter(address__iexact=address).delete()[0]
    return [
        Erased(_("deliveries to it"), deliveries),
        Erased(_("of them stopped before they were sent"), stopped - sending),
        Erased(_("of them being sent at that moment: ask again in a minute for what the server answered"), sending),
        Erased(_("banners that were shown to it or named it"), banners),
        Erased(_("answers of servers that named it"), attempts),
        Erased(_("events that named it"), events + _forget_keys(address)),
        Erased(_("notes on whether it works"), known),
    ]


def _forget_keys(address: str) -> int:
    """Gives events whose key holds the address another one, which stays unique."""
    pattern = pattern_of(address)
    found = Event.objects.filter(dedup_key__icontains=address).values_list("pk", "uuid", "dedup_key")
    naming = [(pk, uuid) for pk, uuid, key in found if pattern.search(key)]
    for pk, uuid in naming:
        Event.objects.filter(pk=pk).update(dedup_key=f"{MARK}:{uuid.hex}")
    return len(naming)
