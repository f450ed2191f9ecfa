"""Dead letters: what failed for good, by reason, and sending it again, one by one or all that match."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from console.lists import Column, ListPage
from console.paging import COUNT_CAP, capped_ids
from core.permissions import person, requires
from core.search import SearchError
from outbox import selectors
from outbox.choices import DeliveryState, Reason
from outbox.filters import DeadLetterFilters
from outbox.search import DELIVERY_SEARCH
from outbox.services import repeats
from outbox.transports.registry import channel_choices
from outbox.views.deliveries import WHAT, WHERE_TO

_SHOWN = "outbox.view_delivery"
_RETRY = "outbox.retry_delivery"
# As many as one page can have marked.
MAX_MARKED = 500


class DeadLetterList(ListPage):
    key = "dead_letters"
    empty_link = "outbox:deliveries"
    title = gettext_lazy("Dead letters")
    permission = _SHOWN
    intro = gettext_lazy("What could not be delivered and is not tried again by itself.")
    search = DELIVERY_SEARCH
    filterset = DeadLetterFilters
    template = "outbox/dead_letters.html"
    bar_template = "outbox/parts/dead_letters_bar.html"
    columns = (
        Column("mark", "", "outbox/cells/mark.html"),
        Column("settled_at", gettext_lazy("Failed"), "outbox/cells/failed_at.html", sort="settled_at"),
        *WHERE_TO,
        Column(
            "reason", gettext_lazy("Reason"), value=lambda row: row.get_reason_display(), sort="reason", nowrap=True
        ),
        Column("answer", gettext_lazy("Last answer"), "outbox/cells/answer.html", nowrap=True, export="last_answer"),
        WHAT,
        Column("attempts", gettext_lazy("Attempts"), numeric=True, sort="attempts"),
    )
    empty_title = gettext_lazy("Nothing has failed for good")
    empty_text = gettext_lazy("What no attempt could deliver stands here, with the receiver’s words.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.deliveries().filter(state=DeliveryState.FAILED)

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        """What the receiver said last to each row of the page."""
        answers = selectors.last_answers(row.pk for row in rows)
        for row in rows:
            row.last_answer = answers.get(row.pk, "")

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        url, channels = reverse("outbox:dead_letters"), dict(channel_choices())
        groups = [
            {
                "group": group,
                "channel": channels.get(group.channel, group.channel),
                "reason": Reason(group.reason).label,
                "url": f"{url}?channel={group.channel}&reason={group.reason}",
            }
            for group in selectors.dead_letters_by_reason()
        ]
        return {"groups": groups, "query": request.GET.urlencode(), "may_retry": request.user.has_perm(_RETRY)}


def _chosen(request: HttpRequest) -> tuple[str, list[int]]:
    """The query string of the list and the marked rows; no marks mean all that match."""
    marked = [int(pk) for pk in request.POST.getlist("mark") if pk.isascii() and pk.isdigit() and len(pk) < 19]
    return request.POST.get("query", "")[:20_000], [] if "all" in request.POST else marked[:MAX_MARKED]


@requires(_RETRY)
@require_POST
def dead_letters_retry(request: HttpRequest) -> HttpResponse:
    """First names how many are sent again, then has a worker do it."""
    query, ids = _chosen(request)
    if not ids and "all" not in request.POST:
        messages.info(request, _("Mark what is to be sent again, or choose all that match."))
        return redirect(f"{reverse('outbox:dead_letters')}?{query}")
    try:
        matching = capped_ids(repeats.failed_matching(query, ids))
    except SearchError as error:
        messages.error(request, str(error))
        return redirect("outbox:dead_letters")
    if not matching:
        messages.info(request, _("None of these is a dead letter any more."))
        return redirect("outbox:dead_letters")
    if "confirmed" in request.POST:
        job = repeats.start(query=query, ids=ids, total=len(matching), by=person(request))
        return redirect("console:job", job.pk)
    context = {
        "page_title": _("Send again"),
        "query": query,
        "ids": ids,
        "count": min(len(matching), COUNT_CAP),
        "capped": len(matching) > COUNT_CAP,
    }
    return render(request, "outbox/dead_letters_retry.html", context)
