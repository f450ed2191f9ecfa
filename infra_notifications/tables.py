"""What can be done with selected rows of the lists of charging infrastructure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from console.lists import BulkAction
from infra_notifications.forms import AddToGroupForm, MaintenanceOfSelectedForm, TagForm
from infra_notifications.services import maintenance, members


def _add_question(number: int, arguments: Mapping[str, Any]) -> str:
    text = ngettext(
        "Add %(n)d charge point to a group? From then on the group is told of its incidents.",
        "Add %(n)d charge points to a group? From then on the group is told of their incidents.",
        number,
    )
    return text % {"n": number}


def _remove_question(number: int, arguments: Mapping[str, Any]) -> str:
    text = ngettext(
        "Remove %(n)d charge point from “%(group)s”? The group is no longer told of its incidents.",
        "Remove %(n)d charge points from “%(group)s”? The group is no longer told of their incidents.",
        number,
    )
    return text % {"n": number, "group": members.group_of(dict(arguments)).name}


def _tag_question(number: int, arguments: Mapping[str, Any]) -> str:
    text = ngettext("Change the tags of %(n)d charge point?", "Change the tags of %(n)d charge points?", number)
    return text % {"n": number}


def _maintenance_question(number: int, arguments: Mapping[str, Any]) -> str:
    text = ngettext(
        "Plan maintenance of %(n)d charge point? While it lasts, its incidents are recorded and nobody is mailed.",
        "Plan maintenance of %(n)d charge points? While it lasts, their incidents are recorded and nobody is mailed.",
        number,
    )
    return text % {"n": number}


def _planned(number: int, arguments: Mapping[str, Any]) -> str:
    text = ngettext(
        "Maintenance of %(n)d charge point is planned.", "Maintenance of %(n)d charge points is planned.", number
    )
    return text % {"n": number}


def _added(number: int, arguments: Mapping[str, Any]) -> str:
    group = members.group_of(dict(arguments)).name
    return members.members_said(number, 0, group) or _("All of them were in “%(group)s” already.") % {"group": group}


def _removed(number: int, arguments: Mapping[str, Any]) -> str:
    group = members.group_of(dict(arguments)).name
    return members.members_said(0, number, group) or _("None of them was in “%(group)s”.") % {"group": group}


def _tagged(number: int, arguments: Mapping[str, Any]) -> str:
    text = ngettext(
        "The tags of %(n)d charge point are changed.", "The tags of %(n)d charge points are changed.", number
    )
    return text % {"n": number} if number else _("All of them had these tags already.")


ADD_TO_GROUP = BulkAction(
    key="charge_points.add_to_group",
    label=gettext_lazy("Add to group"),
    icon="folder-plus",
    permission=members.CHANGE_GROUP,
    form=AddToGroupForm,
    run=members.add_chunk,
    question=_add_question,
    said=_added,
    undo=True,
)
REMOVE_FROM_GROUP = BulkAction(
    key="group_members.remove",
    label=gettext_lazy("Remove from the group"),
    icon="folder-minus",
    permission=members.CHANGE_GROUP,
    run=members.remove_chunk,
    question=_remove_question,
    said=_removed,
    danger=True,
    undo=True,
)
TAG = BulkAction(
    key="charge_points.tag",
    label=gettext_lazy("Tag"),
    icon="tag",
    permission="infra_notifications.change_chargepoint",
    form=TagForm,
    run=members.tag_chunk,
    question=_tag_question,
    said=_tagged,
)
MAINTENANCE = BulkAction(
    key="charge_points.maintenance",
    label=gettext_lazy("Maintenance"),
    icon="wrench-screwdriver",
    permission="infra_notifications.add_maintenancewindow",
    form=MaintenanceOfSelectedForm,
    run=maintenance.cover_chunk,
    question=_maintenance_question,
    said=_planned,
)
BULK_ACTIONS = (ADD_TO_GROUP, REMOVE_FROM_GROUP, TAG, MAINTENANCE)
