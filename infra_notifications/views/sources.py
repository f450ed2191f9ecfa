"""Sources: who sends, how regularly, and what became of it; of one of them the last rejections and warnings."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from console.lists import Column, ListPage
from core.permissions import requires
from infra_notifications.filters import SourceFilters
from infra_notifications.models import Source
from infra_notifications.search import SOURCE_SEARCH
from infra_notifications.services.source_status import fed_by, sources
from infra_notifications.services.source_watch import pace_of, pause_source

_VIEW = "infra_notifications.view_source"
_CELLS = "infra_notifications/cells"


class SourceList(ListPage):
    key = "sources"
    empty_link = "infra_notifications:ocpp_routes"
    title = gettext_lazy("Sources")
    permission = _VIEW
    intro = gettext_lazy(
        "Everyone who sends messages of charge points: API keys, routes of the OCPP proxy, OCPI parties, CSMS that push"
        " and MQTT brokers. When one falls silent, you are notified."
    )
    search = SOURCE_SEARCH
    filterset = SourceFilters
    columns = (
        Column("name", gettext_lazy("Name"), f"{_CELLS}/source.html", sort="name"),
        Column("state", gettext_lazy("State"), f"{_CELLS}/source_state.html"),
        Column("last_heard_at", gettext_lazy("Last heard"), "console/cells/ago.html", sort="last_heard_at"),
        Column("usual_gap_s", gettext_lazy("Usual gap"), f"{_CELLS}/source_gap.html", sort="usual_gap_s"),
        Column("accepted", gettext_lazy("Accepted"), sort="accepted", numeric=True),
        Column("rejected", gettext_lazy("Rejected"), sort="rejected", numeric=True),
        Column("warnings", gettext_lazy("Warnings"), sort="warnings", numeric=True),
        Column("kind", gettext_lazy("Kind"), value=lambda row: row.get_kind_display()),
    )
    default_sort = "name"
    placeholder = gettext_lazy("Search, e.g. state:silent")
    empty_title = gettext_lazy("No sources yet")
    empty_text = gettext_lazy("A source appears here when it sends the first message of a charge point.")

    def rows(self, request: HttpRequest) -> Any:
        return sources()


@requires(_VIEW)
def source(request: HttpRequest, pk: int) -> HttpResponse:
    """One source: its pace and clock, what it feeds, and the last sentences that it was answered."""
    found = get_object_or_404(sources(), pk=pk)
    context = {
        "page_title": str(found),
        "source": found,
        "fed": fed_by(found),
        "silent_at": pace_of(found).silent_at,
        "sentences": [
            (_("Last rejections"), _said(found.rejections), _("Nothing was rejected.")),
            (_("Last warnings"), _said(found.cautions), _("Nothing looked odd.")),
        ],
    }
    return render(request, "infra_notifications/source.html", context)


def _said(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"at": parse_datetime(row["at"])} for row in rows]


@requires("infra_notifications.change_source")
@require_POST
def source_pause(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Source, pk=pk)
    paused = request.POST.get("paused") == "yes"
    pause_source(source=found, paused=paused, now=timezone.now())
    said = _("No alerts of %(name)s until they are resumed.") if paused else _("Alerts of %(name)s are on again.")
    messages.success(request, said % {"name": found})
    return redirect("infra_notifications:source", pk)
