"""What can be done with selected rows of the lists of charging infrastructure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from console.lists import BulkAction, BulkRun
from core.refusal import Refused
from infra_notifications.forms import AddToGroupForm, AdoptAllForm, MaintenanceOfSelectedForm, TagForm
from infra_notifications.forms.incidents import AcknowledgeForm
from infra_notifications.forms.routes import MoveForm
from infra_notifications.models import MovedStation, OcppRoute, StationConnection, UnknownChargePoint
from infra_notifications.services import acknowledging, maintenance, members
from infra_notifications.services.adoption import adopt_stations, whole_stations
from infra_notifications.services.ocpp_routes import move_stations

Sentence = Callable[[int, Mapping[str, Any]], str]
# What `ngettext_lazy` returns has no public type.
LazyPlural = Any
# So many of the stations that could not be adopted are named.
SHOWN_REFUSALS = 5


def _about_rows(text: LazyPlural, none: str | Promise = "") -> Sentence:
    """A sentence that names the number of rows; `none` where there were none."""
    return lambda number, arguments: text % {"n": number} if number or not none else str(none)


def _about_group(text: LazyPlural, none: str | Promise = "") -> Sentence:
    """The same with the name of the group that the rows are added to or removed from."""

    def sentence(number: int, arguments: Mapping[str, Any]) -> str:
        values = {"n": number, "group": members.group_of(arguments).name}
        return text % values if number or not none else str(none) % values

    return sentence


ADD_TO_GROUP = BulkAction(
    key="charge_points.add_to_group",
    label=gettext_lazy("Add to group"),
    icon="folder-plus",
    permission=members.CHANGE_GROUP,
    form=AddToGroupForm,
    run=members.add_chunk,
    question=_about_rows(
        ngettext_lazy(
            "Add %(n)d charge point to a group? From then on the group is told of its incidents.",
            "Add %(n)d charge points to a group? From then on the group is told of their incidents.",
            "n",
        )
    ),
    said=_about_group(members.ADDED, gettext_lazy("All of them were in “%(group)s” already.")),
    undo=True,
)
REMOVE_FROM_GROUP = BulkAction(
    key="group_members.remove",
    label=gettext_lazy("Remove from the group"),
    icon="folder-minus",
    permission=members.CHANGE_GROUP,
    run=members.remove_chunk,
    question=_about_group(
        ngettext_lazy(
            "Remove %(n)d charge point from “%(group)s”? The group is no longer told of its incidents.",
            "Remove %(n)d charge points from “%(group)s”? The group is no longer told of their incidents.",
            "n",
        )
    ),
    said=_about_group(members.REMOVED, gettext_lazy("None of them was in “%(group)s”.")),
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
    question=_about_rows(
        ngettext_lazy("Change the tags of %(n)d charge point?", "Change the tags of %(n)d charge points?", "n")
    ),
    said=_about_rows(
        ngettext_lazy(
            "The tags of %(n)d charge point are changed.", "The tags of %(n)d charge points are changed.", "n"
        ),
        gettext_lazy("All of them had these tags already."),
    ),
)
MAINTENANCE = BulkAction(
    key="charge_points.maintenance",
    label=gettext_lazy("Maintenance"),
    icon="wrench-screwdriver",
    permission="infra_notifications.add_maintenancewindow",
    form=MaintenanceOfSelectedForm,
    run=maintenance.cover_chunk,
    question=_about_rows(
        ngettext_lazy(
            "Plan maintenance of %(n)d charge point? While it lasts, its incidents are recorded and nobody is mailed.",
            "Plan maintenance of %(n)d charge points?"
            " While it lasts, their incidents are recorded and nobody is mailed.",
            "n",
        )
    ),
    said=_about_rows(
        ngettext_lazy(
            "Maintenance of %(n)d charge point is planned.", "Maintenance of %(n)d charge points is planned.", "n"
        )
    ),
)


ACKNOWLEDGE = BulkAction(
    key="incidents.acknowledge",
    label=gettext_lazy("Acknowledge"),
    icon="hand-raised",
    permission="infra_notifications.acknowledge_incident",
    form=AcknowledgeForm,
    run=acknowledging.acknowledge_chunk,
    question=_about_rows(
        ngettext_lazy(
            "Acknowledge %(n)d incident? If it is closed or acknowledged already, it is left alone.",
            "Acknowledge %(n)d incidents? Those that are closed or acknowledged already are left alone.",
            "n",
        )
    ),
    said=_about_rows(
        ngettext_lazy("%(n)d incident acknowledged.", "%(n)d incidents acknowledged.", "n"),
        gettext_lazy("None of them is open without an acknowledgement."),
    ),
)


def _adopt(run: BulkRun) -> list[int]:
    """Adopts the stations of these senders; the first refusals are named in the end."""
    chosen = UnknownChargePoint.objects.filter(pk__in=run.ids)
    done = adopt_stations(stations=whole_stations(chosen), pattern=run.arguments["pattern"], now=run.now)
    refused = [f"{name}: {sentence}" for name, sentence in done.refused.items()]
    run.arguments["refused"] = [*run.arguments.get("refused", []), *refused][:SHOWN_REFUSALS]
    return sorted(set(run.ids) & set(done.senders))


def _adopted(number: int, arguments: Mapping[str, Any]) -> str:
    said = ngettext_lazy("%(n)d station adopted.", "%(n)d stations adopted.", "n") % {"n": number}
    return " ".join([str(said), *arguments.get("refused", ())])


ADOPT = BulkAction(
    key="unknown.adopt",
    label=gettext_lazy("Adopt"),
    icon="plus",
    permission="infra_notifications.add_chargepoint",
    form=AdoptAllForm,
    run=_adopt,
    question=_about_rows(
        ngettext_lazy(
            "Adopt %(n)d unknown station with all its connectors?",
            "Adopt %(n)d unknown stations with all their connectors?",
            "n",
        )
    ),
    said=_adopted,
)


def _move_back(run: BulkRun) -> list[int]:
    """Ends the moves of these stations; the first refusal ends the chunk."""
    moves = MovedStation.objects.filter(pk__in=run.ids).select_related("route")
    done = []
    for move in moves:
        move_stations(route=move.route, stations=[move.station], target=move.route, now=run.now)
        done.append(move.pk)
    return done


def _move(run: BulkRun) -> list[int]:
    """Moves the stations of these connections by one route to another."""
    target = OcppRoute.objects.filter(pk=run.arguments["target"]).first()
    route = OcppRoute.objects.filter(pk=run.arguments["route"]).first()
    if target is None or route is None:
        raise Refused(_("The route is gone."))
    by_station = {row.station: row.pk for row in StationConnection.objects.filter(pk__in=run.ids, route=route.slug)}
    moved = move_stations(route=route, stations=list(by_station), target=target, now=run.now)
    return [by_station[station] for station in moved]


MOVE = BulkAction(
    key="routes.move",
    label=gettext_lazy("Move to another CSMS"),
    icon="arrows-right-left",
    permission="infra_notifications.change_ocpproute",
    form=MoveForm,
    run=_move,
    question=_about_rows(
        ngettext_lazy(
            "Move %(n)d station to another route? If it is connected, it is asked to connect again.",
            "Move %(n)d stations to another route? Those that are connected are asked to connect again.",
            "n",
        )
    ),
    said=_about_rows(
        ngettext_lazy("%(n)d station moved.", "%(n)d stations moved.", "n"),
        gettext_lazy("All of them are passed on by that route already."),
    ),
)
MOVE_BACK = BulkAction(
    key="routes.move_back",
    label=gettext_lazy("Move back"),
    icon="arrow-uturn-left",
    permission="infra_notifications.change_ocpproute",
    run=_move_back,
    question=_about_rows(
        ngettext_lazy(
            "Move %(n)d station back to its own CSMS? If it is connected, it is asked to connect again.",
            "Move %(n)d stations back to their own CSMS? Those that are connected are asked to connect again.",
            "n",
        )
    ),
    said=_about_rows(ngettext_lazy("%(n)d station moved back.", "%(n)d stations moved back.", "n")),
)
BULK_ACTIONS = (ACKNOWLEDGE, ADD_TO_GROUP, REMOVE_FROM_GROUP, TAG, MAINTENANCE, ADOPT, MOVE, MOVE_BACK)
