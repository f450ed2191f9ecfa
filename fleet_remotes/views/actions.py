"""Remote actions: the list, and of one action everything that happened, what is expected next, and what to do."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from console.lists import ListPage
from core.permissions import person, requires
from core.refusal import Refused
from fleet_remotes import selectors
from fleet_remotes.catalogue.advice import summary_of
from fleet_remotes.choices import OPEN
from fleet_remotes.filters import ActionFilters
from fleet_remotes.models import CommandDraft, RemoteAction
from fleet_remotes.rules.status import ActionStatus
from fleet_remotes.search import ACTION_SEARCH
from fleet_remotes.services import approvals, commands, polling
from fleet_remotes.services.outcomes import explanation_of
from fleet_remotes.tables import APPROVE, CANCEL
from fleet_remotes.views.columns import ACTION_COLUMNS

_VIEW, _SEND = "fleet_remotes.view_remoteaction", "fleet_remotes.send_command"


class ActionList(ListPage):
    key = "remote_actions"
    empty_link = "fleet_remotes:vehicles"
    title = gettext_lazy("Remote actions")
    permission = _VIEW
    search = ACTION_SEARCH
    filterset = ActionFilters
    columns = ACTION_COLUMNS
    bulk = (APPROVE, CANCEL)
    live_on = ("state",)
    template = "fleet_remotes/actions.html"
    placeholder = gettext_lazy("Search, e.g. state:trouble type:door ordered:today")
    empty_title = gettext_lazy("No commands yet")
    empty_text = gettext_lazy("Mark vehicles in their list and send them a command.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.actions()

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        return {"to_approve": approvals.count_for(request.user, timezone.now())}


@requires(_VIEW)
def action(request: HttpRequest, pk: int) -> HttpResponse:
    """One action; the page asks for itself again every few seconds while it is open."""
    action = get_object_or_404(selectors.actions().select_related("batch", "retry_of", "resolved_by"), pk=pk)
    meaning, todo = explanation_of(action)
    context = {
        "page_title": summary_of(action.kind, action.parameters),
        "action": action,
        "meaning": meaning,
        "todo": todo,
        "late_s": ActionStatus.of(action).confirmed_late_after_s,
        "timeline": selectors.timeline_of(action),
        "expected": selectors.expected_next(action),
        "is_open": action.state in OPEN,
        "retries": action.retries.order_by("pk"),
        "resolves": action.resolved.exclude(pk=action.pk).order_by("pk"),
        "can_approve": action.awaits_approval and action.requested_by != person(request).get_username(),
        "can_ask": action.submitting_at is not None,
    }
    name = "fleet_remotes/action.html"
    return render(request, f"{name}#action" if request.headers.get("HX-Target") == "action" else name, context)


@requires(_SEND)
@require_POST
def action_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    action = get_object_or_404(RemoteAction, pk=pk)
    if commands.cancel_action(action=action, now=timezone.now(), by=person(request).get_username()):
        messages.success(request, _("The command is cancelled."))
    else:
        action.refresh_from_db()
        messages.warning(request, commands.why_not_cancelled(action))
    return redirect("fleet_remotes:action", pk)


@requires("fleet_remotes.send_dangerous_command")
@require_POST
def action_approve(request: HttpRequest, pk: int) -> HttpResponse:
    """The second person's yes."""
    action = get_object_or_404(RemoteAction, pk=pk)
    try:
        commands.approve_command(action=action, by=person(request), now=timezone.now())
        messages.success(request, _("It is approved and will be sent."))
    except Refused as error:
        messages.error(request, error.sentence)
    return redirect("fleet_remotes:action", pk)


@requires(_SEND)
@require_POST
def action_look(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks the vendor for its record now."""
    action = get_object_or_404(RemoteAction, pk=pk)
    if polling.poll_now(action=action, now=timezone.now()):
        messages.info(request, _("The vendor is being asked; this page shows what it says."))
    else:
        messages.warning(request, _("It was not sent, so there is nothing to ask about."))
    return redirect("fleet_remotes:action", pk)


@requires(_SEND)
@require_POST
def action_again(request: HttpRequest, pk: int) -> HttpResponse:
    """The same command once more, with the same checks and confirmations as a new one."""
    action = get_object_or_404(RemoteAction, pk=pk)
    command = {"kind": action.kind, "parameters": action.parameters, "reason": action.reason, "retry_of": action.pk}
    draft = CommandDraft.objects.create(owner=person(request), vehicles=[action.vehicle_id], command=command)
    return redirect("fleet_remotes:draft_check", draft.pk)
