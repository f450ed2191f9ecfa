"""Batches of commands: how far each is, what failed, trying only that again, cancelling what is not yet sent."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from console.lists import Column, ListPage
from core.permissions import person, requires
from fleet_remotes import selectors
from fleet_remotes.catalogue.advice import summary_of
from fleet_remotes.choices import IN_FLIGHT, STATE_COLOURS, SUCCESS, UNSENT, State
from fleet_remotes.filters import ActionFilters, BatchFilters
from fleet_remotes.models import CommandBatch, CommandDraft
from fleet_remotes.search import ACTION_SEARCH, BATCH_SEARCH
from fleet_remotes.services import commands
from fleet_remotes.tables import APPROVE, CANCEL
from fleet_remotes.views.columns import ACTION_COLUMNS, CELLS

_VIEW, _SEND = "fleet_remotes.view_commandbatch", "fleet_remotes.send_command"
# htmx' word for "this was the last time".
STOP_POLLING = 286


class BatchList(ListPage):
    key = "command_batches"
    empty_link = "fleet_remotes:vehicles"
    title = gettext_lazy("Batches")
    permission = _VIEW
    search = BATCH_SEARCH
    filterset = BatchFilters
    columns = (
        Column("created_at", gettext_lazy("Sent"), f"{CELLS}/batch_sent.html", sort="created_at"),
        Column("command", gettext_lazy("Command"), f"{CELLS}/batch_command.html", sort="kind"),
        Column("total", gettext_lazy("Vehicles"), sort="total", numeric=True),
        Column("progress", gettext_lazy("Progress"), f"{CELLS}/batch_progress.html"),
        Column("created_by", gettext_lazy("Sent by"), export="created_by.username"),
    )
    empty_title = gettext_lazy("No batches yet")
    empty_text = gettext_lazy("A command that is sent to several vehicles at once stands here.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.batches()

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        counts = selectors.progress_of(rows)
        for row in rows:
            row.progress = progress(counts[row.pk])


def progress(counts: dict[str, int]) -> dict[str, Any]:
    """Counts by state as a person reads them: how many ended well, badly, are under way, wait."""
    total = sum(counts.values())
    waiting, under_way = (sum(counts.get(state, 0) for state in states) for states in (UNSENT, IN_FLIGHT))
    good = sum(counts.get(state, 0) for state in SUCCESS)
    ended = total - waiting - under_way
    states = [(State(state), STATE_COLOURS[State(state)], n) for state, n in sorted(counts.items())]
    return {
        "total": total,
        "waiting": waiting,
        "under_way": under_way,
        "good": good,
        "bad": ended - good,
        "ended": ended,
        "percent": 100 * ended // total if total else 100,
        "states": states,
        "is_open": bool(waiting or under_way),
    }


class BatchPage(ListPage):
    """One batch: its progress above the list of its actions."""

    key = "command_batch"
    empty_link = "fleet_remotes:vehicles"
    title = gettext_lazy("Batch")
    permission = _VIEW
    search = ACTION_SEARCH
    filterset = ActionFilters
    columns = ACTION_COLUMNS
    bulk = (APPROVE, CANCEL)
    template = "fleet_remotes/batch.html"
    parts: ClassVar[dict[str, str]] = {"progress": "fleet_remotes/batch_part.html"}
    empty_title = gettext_lazy("No actions")

    def prepare(self, request: HttpRequest, **kwargs: Any) -> None:
        self.batch = get_object_or_404(selectors.batches().select_related("retry_of"), pk=kwargs["pk"])

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().get(request, *args, **kwargs)
        if request.headers.get("HX-Target") == "progress" and not self.shown["is_open"]:
            response.status_code = STOP_POLLING
        return response

    def rows(self, request: HttpRequest) -> Any:
        return selectors.actions().filter(batch=self.batch)

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        self.shown = progress(selectors.progress_of([self.batch])[self.batch.pk])
        return {
            "page_title": summary_of(self.batch.kind, self.batch.parameters),
            "batch": self.batch,
            "progress": self.shown,
            "failed": len(commands.failed_of(self.batch)),
        }


@requires(_SEND)
@require_POST
def batch_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    batch = get_object_or_404(CommandBatch, pk=pk)
    n = commands.cancel_batch(batch=batch, now=timezone.now(), by=person(request).get_username())
    text = ngettext(
        "%(n)d command was not sent and is cancelled.", "%(n)d commands were not sent and are cancelled.", n
    )
    if n:
        messages.success(request, text % {"n": n})
    else:
        messages.warning(request, _("Nothing of it waits any more."))
    return redirect("fleet_remotes:batch", pk)


@requires(_SEND)
@require_POST
def batch_retry(request: HttpRequest, pk: int) -> HttpResponse:
    """The same command to those alone where it failed, with the checks anew."""
    batch = get_object_or_404(CommandBatch, pk=pk)
    failed = commands.failed_of(batch)
    if not failed:
        messages.info(request, _("Nothing of it failed."))
        return redirect("fleet_remotes:batch", pk)
    command = {"kind": batch.kind, "parameters": batch.parameters, "reason": batch.reason}
    draft = CommandDraft.objects.create(
        owner=person(request), vehicles=[action.vehicle_id for action in failed], command=command, retry_of=batch
    )
    return redirect("fleet_remotes:draft_check", draft.pk)
