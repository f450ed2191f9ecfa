"""Stations that send and are not registered: the list, and the adoption of one or of all that match."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from console.lists import Column, ListPage
from console.templatetags.console import ago
from core.permissions import requires
from core.refusal import Refused, add_refusal
from infra_notifications.forms import AdoptForm
from infra_notifications.models import ChargePoint, Source, UnknownChargePoint
from infra_notifications.search import UNKNOWN_SEARCH
from infra_notifications.services.adoption import adopt_stations, heads, whole_stations
from infra_notifications.tables import ADOPT

_VIEW = "infra_notifications.view_chargepoint"


class UnknownList(ListPage):
    key = "unknown_charge_points"
    empty_link = "infra_notifications:charge_points"
    title = gettext_lazy("Unknown charge points")
    permission = _VIEW
    search = UNKNOWN_SEARCH
    bulk = (ADOPT,)
    columns = (
        Column("evse_id", gettext_lazy("EVSE id"), sort="evse_id"),
        Column("station", gettext_lazy("Station"), sort="station"),
        Column("connector", gettext_lazy("Connectors"), value=lambda row: row.connectors),
        Column("messages", gettext_lazy("Messages"), value=lambda row: row.whole.messages, sort="messages"),
        Column(
            "last_seen",
            gettext_lazy("Last seen"),
            draw=lambda row, context: ago(row.whole.last_seen),
            sort="last_seen",
            export="whole.last_seen",
        ),
        Column(
            "model",
            gettext_lazy("Model"),
            draw=lambda row, context: format_html("{vendor} {model} {firmware}", **row.whole.facts),
        ),
        Column(
            "fault",
            gettext_lazy("Last fault"),
            draw=lambda row, context: format_html("{}", row.whole.fault),
        ),
        Column("adopt", "", "infra_notifications/cells/adopt.html"),
    )
    default_sort = "-last_seen"
    empty_title = gettext_lazy("Everyone is known")
    empty_text = gettext_lazy("Messages of charge points that are not in the list would be counted here.")

    @property
    def intro(self) -> str:  # type: ignore[override]
        """What they are, and how many more there were than are kept."""
        first = _("They send messages but are no charge points here. Adopt those that are yours.")
        full = Source.objects.filter(dropped__gt=0, pk__in=UnknownChargePoint.objects.values("source"))
        dropped = sum(full.values_list("dropped", flat=True))
        more = ngettext("And %(n)d more that is not kept.", "And %(n)d more that are not kept.", dropped)
        return f"{first} {more % {'n': dropped}}" if dropped else first

    def rows(self, request: HttpRequest) -> Any:
        return heads()

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        whole = {sender.pk: station for station in whole_stations(rows) for sender in station.senders}
        for row in rows:
            row.whole = whole[row.pk]
            numbers = [str(sender.connector) for sender in row.whole.points if sender.connector is not None]
            row.connectors = ", ".join(numbers) or "–"


@requires("infra_notifications.add_chargepoint")
def unknown_adopt(request: HttpRequest, pk: int) -> HttpResponse:
    """Adopts a station with all its connectors, each under the EVSE id that was proposed or typed."""
    unknown = get_object_or_404(UnknownChargePoint, pk=pk)
    (station,) = whole_stations([unknown])
    form = AdoptForm(request.POST or None, station=station)
    if request.method == "POST" and form.is_valid():
        try:
            done = adopt_stations(stations=[station], evse_ids=form.evse_ids(), now=timezone.now())
            for sentence in done.refused.values():
                raise Refused(sentence, field=form.first)
        except Refused as error:
            add_refusal(form, error)
        else:
            names = ", ".join(done.evse_ids)
            said = ngettext("%(evse)s is a charge point now.", "%(evse)s are charge points now.", len(done.evse_ids))
            messages.success(request, said % {"evse": names})
            point = ChargePoint.objects.get(evse_id=done.evse_ids[0])
            return redirect("infra_notifications:charge_point", point.pk)
    context = {"page_title": _("Adopt a charge point"), "unknown": unknown, "station": station, "form": form}
    return render(request, "infra_notifications/unknown_adopt.html", context)
