"""Pages of the outbox: what was sent, to whom, with the receiver's words; events; leaving a mailing list."""

from __future__ import annotations

import json
from typing import Any

from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from console.lists import Column, ListPage
from core.people import SEE_PEOPLE, sees_people, shown_id, shown_text
from core.permissions import public, requires
from outbox import selectors
from outbox.choices import CANCELLABLE, RETRYABLE, STATE_COLOURS, UNENDED, Channel, DeliveryState, Reason
from outbox.contract import ClaimedEvent
from outbox.event_kinds import label_of
from outbox.filters import DeliveryFilters, EventFilters
from outbox.models import Banner, Delivery, Event
from outbox.search import DELIVERY_SEARCH, EVENT_SEARCH
from outbox.services import deliveries
from outbox.services.freshness import as_of_now
from outbox.services.mailing_lists.leaving import list_of, read_token
from outbox.services.replaying import REPLAYABLE, endpoint_of
from outbox.tables import SEND_AGAIN
from outbox.transports.rendering.render import CannotRender, render_mail


def what_of(row: Delivery) -> list[Any]:
    """What happened, and to what."""
    return [label_of(row.event.kind), shown_id(row.event.subject)]


DELIVERIES_LIVE_ON = ("state", "reason", "attempts")
# What deliveries say of themselves in every list of them.
WHERE_TO = (
    Column("channel", gettext_lazy("Channel"), value=lambda row: row.get_channel_display()),
    Column(
        "address",
        gettext_lazy("To"),
        "outbox/cells/address.html",
        sort="address",
        nowrap=True,
        personal=True,
        export="shown_address",
    ),
)
WHAT = Column("kind", gettext_lazy("What"), "outbox/cells/kind.html", export=what_of)
DELIVERY_COLUMNS = (
    Column("created_at", gettext_lazy("Created"), "outbox/cells/created.html", sort="created_at", export="created_at"),
    Column("state", gettext_lazy("State"), "outbox/cells/state.html", sort="state", export="state_label"),
    *WHERE_TO,
    WHAT,
    Column("reason", gettext_lazy("Reason"), value=lambda row: row.get_reason_display() if row.reason else ""),
    Column("attempts", gettext_lazy("Attempts"), numeric=True, sort="attempts"),
)

# A mail brings its own styles and nothing else; whatever is in it, it runs nothing, loads nothing and sends nothing.
PREVIEW_POLICY = {
    "default-src": [NONE],
    "style-src": [UNSAFE_INLINE],
    "img-src": ["data:"],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
    "sandbox": ["allow-popups"],
}


class DeliveryList(ListPage):
    key = "deliveries"
    empty_link = "outbox:events"
    title = gettext_lazy("Deliveries")
    permission = "outbox.view_delivery"
    intro = gettext_lazy("Everything that was sent or held back, with the receiver’s words.")
    search = DELIVERY_SEARCH
    filterset = DeliveryFilters
    columns = DELIVERY_COLUMNS
    bulk = (SEND_AGAIN,)
    live_on = DELIVERIES_LIVE_ON
    counted_as = "deliveries"
    empty_title = gettext_lazy("Nothing was sent yet")
    empty_text = gettext_lazy("When something happens that somebody must hear of, its delivery stands here.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.deliveries()


class EventList(ListPage):
    key = "events"
    title = gettext_lazy("Events")
    permission = "outbox.view_event"
    intro = gettext_lazy("What the domains told the outbox, in the order it was recorded.")
    search = EVENT_SEARCH
    filterset = EventFilters
    counted_as = "events"
    columns = (
        Column(
            "created_at", gettext_lazy("Recorded"), "outbox/cells/event.html", sort="created_at", export="created_at"
        ),
        Column(
            "kind",
            gettext_lazy("Kind"),
            "outbox/cells/event_kind.html",
            sort="kind",
            export=lambda row: [label_of(row.kind), row.kind],
        ),
        Column("subject", gettext_lazy("About"), value=lambda row: shown_id(row.subject)),
        Column("occurred_at", gettext_lazy("Occurred"), sort="occurred_at"),
    )
    empty_title = gettext_lazy("No events yet")
    empty_text = gettext_lazy("Send a signal to the API, and what it means stands here.")

    def rows(self, request: HttpRequest) -> Any:
        return Event.objects.all()


@requires("outbox.view_event")
def event(request: HttpRequest, pk: int) -> HttpResponse:
    event_row = get_object_or_404(Event, pk=pk)
    context = {
        "page_title": label_of(event_row.kind),
        "event": event_row,
        "payload": json.dumps(shown_text(event_row.payload), indent=2, ensure_ascii=False),
        "deliveries": selectors.deliveries_of_events([event_row.pk])[:200],
        "decisions": selectors.decisions_of_event(event_row)[:200],
        "colours": STATE_COLOURS,
    }
    return render(request, "outbox/event.html", context)


@requires("outbox.view_delivery")
def delivery(request: HttpRequest, pk: int) -> HttpResponse:
    """One delivery: its state, each attempt with the server's words, and what was written."""
    delivery_row = get_object_or_404(selectors.deliveries(), pk=pk)
    context = {
        "page_title": _("Delivery %(id)d") % {"id": delivery_row.pk},
        "delivery": delivery_row,
        "kind_label": label_of(delivery_row.event.kind),
        "attempts": selectors.attempts_of(delivery_row),
        "colour": STATE_COLOURS[delivery_row.state],  # type: ignore[index]
        "can_retry": delivery_row.state in RETRYABLE,
        "can_replay": delivery_row.channel == Channel.WEBHOOK and delivery_row.state in REPLAYABLE,
        "can_cancel": delivery_row.state in CANCELLABLE,
        "can_resend": delivery_row.channel == Channel.EMAIL and delivery_row.state == DeliveryState.DELIVERED,
        "banner": Banner.objects.filter(pk=delivery_row.pk).first() if delivery_row.channel == Channel.BANNER else None,
        "is_mail": delivery_row.channel == Channel.EMAIL and sees_people(),
        "endpoint": endpoint_of(delivery_row),
    }
    return render(request, "outbox/delivery.html", context)


@requires(SEE_PEOPLE)
@requires("outbox.view_delivery")
@xframe_options_sameorigin
def delivery_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """The mail's HTML as its receiver sees it, for a sandboxed frame: no script of it could run."""
    delivery_row = get_object_or_404(selectors.deliveries(), pk=pk, channel=Channel.EMAIL)
    event = delivery_row.event
    claimed = ClaimedEvent(
        event.pk, event.uuid, event.kind, event.subject, event.payload, event.occurred_at, event.thread
    )
    if delivery_row.state in UNENDED or delivery_row.reason == Reason.OVER:
        claimed = as_of_now(claimed)
    try:
        response = HttpResponse(
            render_mail(claimed, delivery_row.language, unsubscribable=bool(delivery_row.list_key)).html
        )
    except CannotRender as error:
        response = HttpResponse(str(error), content_type="text/plain; charset=utf-8")
    response._csp_config = PREVIEW_POLICY  # type: ignore[attr-defined]
    return response


@requires("outbox.retry_delivery")
@require_POST
def delivery_retry(request: HttpRequest, pk: int) -> HttpResponse:
    if deliveries.retry_delivery(delivery=get_object_or_404(Delivery, pk=pk), now=timezone.now()):
        messages.success(request, _("It will be sent again now."))
    else:
        messages.warning(request, _("It is being sent or was delivered; there is nothing to repeat."))
    return redirect("outbox:delivery", pk)


@requires("outbox.retry_delivery")
@require_POST
def delivery_resend(request: HttpRequest, pk: int) -> HttpResponse:
    again = deliveries.resend_mail(delivery=get_object_or_404(Delivery, pk=pk), now=timezone.now())
    if again is None:
        messages.warning(request, _("Only a mail that was delivered can be sent once more."))
        return redirect("outbox:delivery", pk)
    messages.success(request, _("This is the mail that is sent once more."))
    return redirect("outbox:delivery", again.pk)


@requires("outbox.retry_delivery")
@require_POST
def delivery_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    if deliveries.cancel_delivery(delivery=get_object_or_404(Delivery, pk=pk), now=timezone.now()):
        messages.success(request, _("It will not be sent."))
    else:
        messages.warning(request, _("It is being sent or has ended; it cannot be called back."))
    return redirect("outbox:delivery", pk)


@public
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Leaves a mailing list: a page with a button for people, one POST for mail programs (RFC 8058)."""
    read = read_token(token)
    mailing_list = list_of(read[0]) if read else None
    if read is None or mailing_list is None:
        raise Http404
    list_key, address = read
    context = {
        "page_title": _("Unsubscribe"),
        "address": address,
        "list_title": mailing_list.title(list_key),
        "done": False,
    }
    if request.method == "POST":
        mailing_list.leave(list_key, address)
        deliveries.cancel_for_list(list_key=list_key, address=address, reason=Reason.UNSUBSCRIBED, now=timezone.now())
        context["done"] = True
    response = render(request, "outbox/unsubscribe.html", context)
    # Its address is the receiver's own: no search engine may list it, no other site be told it.
    response["X-Robots-Tag"], response["Referrer-Policy"] = "noindex, nofollow", "no-referrer"
    return response
