"""Many failed deliveries sent again: chosen by a person, done by a worker in small steps, watched with a bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from auditlog.models import LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext

from core.background import Ended, Work, hand_over, report_progress, start_job
from core.models import Job
from outbox import nudge
from outbox.choices import DeliveryState
from outbox.filters import DeadLetterFilters
from outbox.models import Delivery
from outbox.search import DELIVERY_SEARCH
from outbox.services.deliveries import send_again

STEP = 1_000


def failed_matching(query: str, ids: Sequence[int] = ()) -> QuerySet[Delivery]:
    """The failed deliveries that the dead letters' page shows under this query string, or those of them named by id.

    Raises SearchError when its `q` cannot be read.
    """
    params = QueryDict(query)
    failed = Delivery.objects.filter(state=DeliveryState.FAILED)
    condition = DELIVERY_SEARCH.condition(params.get("q", ""))
    filters = DeadLetterFilters(params, queryset=failed.filter(condition) if condition else failed)
    matching: QuerySet[Delivery] = filters.qs if filters.is_valid() else filters.queryset
    return matching.filter(pk__in=ids) if ids else matching


def retry_failed(
    *, failed: QuerySet[Delivery], now: datetime, limit: int = 0, progress: Callable[[int], None] = lambda done: None
) -> int:
    """Sends failed deliveries again at once, oldest first; returns how many. Their schedules start anew.

    Each step is a transaction of its own: what was done stays done when a later step fails. `limit` 0 means all.
    """
    done, last = 0, 0
    newest = failed.order_by("-pk").values_list("pk", flat=True).first() or 0
    while not limit or done < limit:
        size = min(STEP, limit - done) if limit else STEP
        ids = list(failed.filter(pk__gt=last, pk__lte=newest).order_by("pk").values_list("pk", flat=True)[:size])
        if not ids:
            break
        last = ids[-1]
        done += send_again(Delivery.objects.filter(pk__in=ids, state=DeliveryState.FAILED), now)
        nudge.nudge()
        progress(done)
    return done


def start(*, query: str, ids: Sequence[int], total: int, by: AbstractBaseUser) -> Job:
    """Has a worker retry what was chosen. The audit log says who wanted it."""
    with transaction.atomic():
        label = ngettext("Send %(n)d failed delivery again", "Send %(n)d failed deliveries again", total)
        arguments: dict[str, Any] = {"query": query, "ids": list(ids)}
        job = start_job(kind=RETRY.kind, label=label % {"n": total}, created_by=by, arguments=arguments, total=total)
        LogEntry.objects.log_create(job, action=LogEntry.Action.CREATE, changes={"chosen": ["", query or "-"]})
        hand_over(job)
    return job


def _run(job: Job) -> Ended:
    """Does what `start` asked for. Done again when its worker died: what was retried is no longer failed."""
    failed = failed_matching(job.arguments["query"], job.arguments["ids"])
    done = retry_failed(
        failed=failed,
        now=timezone.now(),
        progress=lambda n: report_progress(job=job, done=n, total=max(n, job.total)),
    )
    text = ngettext("%(n)d delivery is sent again.", "%(n)d deliveries are sent again.", done) % {"n": done}
    return Ended({"message": text, "done": done, "url": reverse("outbox:dead_letters")})


RETRY = Work("retry_failed", _run)
