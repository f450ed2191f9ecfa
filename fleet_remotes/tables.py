"""What can be done with selected rows of the lists of fleet remotes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from console.lists import BulkAction, BulkRun
from core.refusal import Refused
from fleet_remotes.forms import BudgetForm
from fleet_remotes.models import RemoteAction
from fleet_remotes.services.approvals import DANGEROUS, waiting_for
from fleet_remotes.services.commands import approve_command, cancel_action
from fleet_remotes.services.vehicles import set_budgets


def _approve(run: BulkRun) -> list[int]:
    approved = []
    for action in waiting_for(run.by.get_username(), run.now).filter(pk__in=run.ids).order_by("pk"):
        try:
            approve_command(action=action, by=run.by, now=run.now)
        except Refused:
            continue
        approved.append(action.pk)
    return approved


def _ask_approval(number: int, arguments: Mapping[str, Any]) -> str:
    text = ngettext(
        "Approve and send %(n)d command? If you ordered it, it waits no more, or a check refuses, it is left alone.",
        "Approve and send %(n)d commands?"
        " Those that you ordered, that wait no more, or that a check refuses are left alone.",
        number,
    )
    return text % {"n": number}


def _approved(number: int, arguments: Mapping[str, Any]) -> str:
    text = ngettext(
        "%(n)d command is approved and will be sent.", "%(n)d commands are approved and will be sent.", number
    )
    return text % {"n": number} if number else _("None of them could be approved; the page of each says why.")


APPROVE = BulkAction(
    key="remote_actions.approve",
    label=gettext_lazy("Approve and send"),
    permission=DANGEROUS,
    run=_approve,
    question=_ask_approval,
    said=_approved,
    danger=True,
)


def _cancel(run: BulkRun) -> list[int]:
    actions = RemoteAction.objects.filter(pk__in=run.ids).order_by("pk")
    by = run.by.get_username()
    return [action.pk for action in actions if cancel_action(action=action, now=run.now, by=by)]


def _ask_cancel(number: int, arguments: Mapping[str, Any]) -> str:
    text = ngettext(
        "Cancel %(n)d command? What the vendor has already cannot be called back.",
        "Cancel %(n)d commands? Those that the vendor has already cannot be called back.",
        number,
    )
    return text % {"n": number}


def _cancelled(number: int, arguments: Mapping[str, Any]) -> str:
    text = ngettext("%(n)d command is cancelled.", "%(n)d commands are cancelled.", number)
    return text % {"n": number} if number else _("None of them could be cancelled: they were sent or over already.")


CANCEL = BulkAction(
    key="remote_actions.cancel",
    label=gettext_lazy("Cancel"),
    icon="x-mark",
    permission="fleet_remotes.send_command",
    run=_cancel,
    question=_ask_cancel,
    said=_cancelled,
    danger=True,
)


def _set_budgets(run: BulkRun) -> list[int]:
    return set_budgets(vehicle_ids=run.ids, budget=run.arguments["wakeup_budget"])


def _ask_budget(number: int, arguments: Mapping[str, Any]) -> str:
    text = ngettext("Set the budget of %(n)d vehicle?", "Set the budget of %(n)d vehicles?", number)
    return text % {"n": number}


def _budget_is_set(number: int, arguments: Mapping[str, Any]) -> str:
    text = ngettext("%(n)d vehicle has another budget now.", "%(n)d vehicles have another budget now.", number)
    return text % {"n": number} if number else _("All of them had this budget already.")


BUDGET = BulkAction(
    key="wakeups.budget",
    label=gettext_lazy("Set the budget"),
    icon="sun",
    permission="fleet_remotes.set_wakeup_budget",
    form=BudgetForm,
    run=_set_budgets,
    question=_ask_budget,
    said=_budget_is_set,
)
BULK_ACTIONS = (APPROVE, CANCEL, BUDGET)
