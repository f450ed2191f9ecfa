"""Webhook endpoints: the list, and of one endpoint its settings, deliveries, secret, test, replay."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from console.forms import ConfirmByTypingForm
from console.lists import Action, Column, ListPage
from console.navigation import tabs_of
from core.permissions import person, requires
from core.refusal import Refused, add_refusal
from outbox import selectors
from outbox.choices import DeliveryState
from outbox.event_kinds import kinds_of
from outbox.filters import DeliveryFilters, EndpointFilters
from outbox.forms.webhooks import EndpointForm, ReplayForm
from outbox.models import Delivery, WebhookEndpoint
from outbox.search import DELIVERY_SEARCH, ENDPOINT_SEARCH
from outbox.services import replaying
from outbox.services import webhooks as services
from outbox.services.endpoint_health import contacts_of
from outbox.tables import SEND_AGAIN
from outbox.views.deliveries import DELIVERIES_LIVE_ON, DELIVERY_COLUMNS

_VIEW, _CHANGE = "outbox.view_webhookendpoint", "outbox.change_webhookendpoint"
_OPERATE = "outbox.operate_webhookendpoint"
_CELLS = "outbox/cells"
_UNDER_WAY = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.RETRYING)


def topics_of(row: Any) -> list[str]:
    """The topics of a subscription, all of them, its domain and its condition."""
    condition = [f"{_('if')} {row.condition}"] if row.condition else []
    return [*row.topics, getattr(row, "domain", ""), *condition]


class WebhookList(ListPage):
    key = "webhooks"
    title = gettext_lazy("Webhooks")
    permission = _VIEW
    intro = gettext_lazy("Systems that are told of events by HTTP, signed by Standard Webhooks.")
    search = ENDPOINT_SEARCH
    filterset = EndpointFilters
    columns = (
        Column(
            "shown_url",
            gettext_lazy("Endpoint"),
            f"{_CELLS}/endpoint.html",
            sort="shown_url",
            nowrap=True,
            export=("shown_url", "description"),
        ),
        Column("state", gettext_lazy("State"), f"{_CELLS}/endpoint_state.html", sort="state"),
        Column("topics", gettext_lazy("Hears of"), f"{_CELLS}/endpoint_topics.html", export=topics_of),
        Column("failing_since", gettext_lazy("Failing since"), f"{_CELLS}/endpoint_failing.html", sort="failing_since"),
        Column("created_at", gettext_lazy("Created"), "console/cells/ago.html", sort="created_at"),
    )
    placeholder = gettext_lazy("Search webhooks")
    empty_title = gettext_lazy("No webhook endpoint yet")
    empty_text = gettext_lazy("Make one: name its URL and choose the events that it is to be told of.")

    def rows(self, request: HttpRequest) -> Any:
        return WebhookEndpoint.objects.all()

    def actions(self, request: HttpRequest) -> list[Action]:
        return [Action(_("New endpoint"), reverse("outbox:webhook_create"), "outbox.add_webhookendpoint")]


def _head(endpoint: WebhookEndpoint, active: str) -> dict[str, Any]:
    """What the head of every tab shows."""
    names = (
        ("outbox:webhook", _("Configuration")),
        ("outbox:webhook_deliveries", _("Deliveries")),
        ("outbox:webhook_test", _("Test")),
        ("outbox:webhook_replay", _("Replay")),
    )
    tabs = tabs_of(names, f"outbox:{active}", endpoint.pk)
    return {"endpoint": endpoint, "tabs": tabs, "page_title": str(endpoint)}


@requires("outbox.add_webhookendpoint")
@never_cache
def webhook_create(request: HttpRequest) -> HttpResponse:
    form = EndpointForm(request.POST or None, editor=person(request))
    if request.method == "POST" and form.is_valid():
        details = services.EndpointInput(**form.cleaned_data)
        endpoint, secret = services.create_endpoint(details=details, owner=person(request), now=timezone.now())
        return _secret_page(request, endpoint, secret, _("Your new endpoint"))
    return render(request, "outbox/webhook_form.html", {"page_title": _("New webhook endpoint"), "form": form})


def _secret_page(request: HttpRequest, endpoint: WebhookEndpoint, secret: str, title: str) -> HttpResponse:
    context = {"page_title": title, "endpoint": endpoint, "secret": secret}
    return render(request, "outbox/webhook_secret.html", context)


@requires(_VIEW)
def webhook(request: HttpRequest, pk: int) -> HttpResponse:
    endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
    now = timezone.now()
    context = _head(endpoint, "webhook") | {
        "kinds": kinds_of(endpoint.topics),
        "secrets": endpoint.secrets.all(),
        "contacts": contacts_of(endpoint),
        "counts": selectors.endpoint_counts(endpoint, now),
        "now": now,
    }
    return render(request, "outbox/webhook.html", context)


@requires(_CHANGE)
def webhook_edit(request: HttpRequest, pk: int) -> HttpResponse:
    endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
    data = request.POST if request.method == "POST" else None
    form = EndpointForm(data, editor=person(request), endpoint=endpoint)
    if request.method == "POST" and form.is_valid():
        try:
            with form.held() as held:
                services.change_endpoint(endpoint=held, changes=form.cleaned_data, now=timezone.now())
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("The endpoint is saved."))
            return redirect("outbox:webhook", pk)
    return render(request, "outbox/webhook_form.html", _head(endpoint, "webhook") | {"form": form})


@requires(_OPERATE)
@require_POST
def webhook_pause(request: HttpRequest, pk: int) -> HttpResponse:
    if services.pause_endpoint(endpoint=get_object_or_404(WebhookEndpoint, pk=pk), now=timezone.now()):
        messages.success(request, _("Nothing is sent to it from now on. What happens is kept, to be replayed."))
    else:
        messages.warning(request, _("It was not enabled."))
    return redirect("outbox:webhook", pk)


@requires(_OPERATE)
@require_POST
def webhook_resume(request: HttpRequest, pk: int) -> HttpResponse:
    endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
    held_since = endpoint.held_since
    if not services.resume_endpoint(endpoint=endpoint, now=timezone.now()):
        messages.warning(request, _("It is enabled already."))
        return redirect("outbox:webhook", pk)
    messages.success(request, _("It is told of what happens from now on."))
    held = selectors.held_back(endpoint)
    if not held or held_since is None:
        return redirect("outbox:webhook", pk)
    messages.info(request, ngettext("%(n)d event was held back.", "%(n)d events were held back.", held) % {"n": held})
    since = timezone.localtime(held_since).strftime("%Y-%m-%dT%H:%M")
    return redirect(f"{reverse('outbox:webhook_replay', args=[pk])}?since={since}")


@requires(_CHANGE)
@require_POST
@never_cache
def webhook_rotate(request: HttpRequest, pk: int) -> HttpResponse:
    endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
    secret = services.rotate_secret(endpoint=endpoint, now=timezone.now())
    return _secret_page(request, endpoint, secret, _("The new secret"))


@requires(_VIEW, to_change=_OPERATE)
def webhook_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Sends a test event, and shows what became of the last one; refreshes itself until there is an answer."""
    endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
    if request.method == "POST":
        services.send_test(endpoint=endpoint, sent_by=person(request).get_username(), now=timezone.now())
        return redirect("outbox:webhook_test", pk)
    delivery = selectors.last_test(endpoint)
    attempts = list(selectors.attempts_of(delivery)) if delivery else []
    context = _head(endpoint, "webhook_test") | {
        "delivery": delivery,
        "attempts": attempts,
        "is_waiting": delivery is not None and not attempts and delivery.state in _UNDER_WAY,
    }
    name = "outbox/webhook_test.html"
    return render(request, f"{name}#result" if request.headers.get("HX-Target") == "result" else name, context)


@requires("outbox.retry_delivery")
def webhook_replay(request: HttpRequest, pk: int) -> HttpResponse:
    endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
    form = ReplayForm(request.POST if request.method == "POST" else None, initial=request.GET.dict())
    if request.method == "POST" and form.is_valid():
        try:
            count = replaying.replay_endpoint(endpoint=endpoint, now=timezone.now(), **form.cleaned_data)
        except Refused as error:
            add_refusal(form, error)
        else:
            text = ngettext("%(n)d event is sent again.", "%(n)d events are sent again.", count)
            messages.success(request, text % {"n": count})
            return redirect("outbox:webhook_deliveries", pk)
    return render(request, "outbox/webhook_replay.html", _head(endpoint, "webhook_replay") | {"form": form})


@requires("outbox.retry_delivery")
@require_POST
def webhook_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Sends one webhook again, whether it had arrived or not."""
    try:
        again = replaying.replay_delivery(delivery=get_object_or_404(Delivery, pk=pk), now=timezone.now())
    except Refused as error:
        messages.warning(request, error.sentence)
    else:
        if again:
            messages.success(request, _("It is sent again now, under the same id."))
        else:
            messages.warning(request, _("It is under way already."))
    return redirect("outbox:delivery", pk)


@requires("outbox.delete_webhookendpoint")
def webhook_delete(request: HttpRequest, pk: int) -> HttpResponse:
    endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
    host = urlsplit(endpoint.shown_url).hostname or ""
    form = ConfirmByTypingForm(
        request.POST or None,
        label=_("Type the host of the URL to delete the endpoint"),
        expected=host,
        refusal=_("This is not the host; it is %(host)s.") % {"host": host},
    )
    if request.method == "POST" and form.is_valid():
        services.delete_endpoint(endpoint=endpoint, now=timezone.now())
        messages.success(request, _("The endpoint is deleted."))
        return redirect("outbox:webhooks")
    return render(request, "outbox/webhook_delete.html", _head(endpoint, "webhook") | {"form": form})


class WebhookDeliveries(ListPage):
    key = "webhook_deliveries"
    empty_link = "outbox:events"
    title = gettext_lazy("Deliveries")
    permission = "outbox.view_delivery"
    template = "outbox/webhook_deliveries.html"
    search = DELIVERY_SEARCH
    filterset = DeliveryFilters
    columns = tuple(column for column in DELIVERY_COLUMNS if column.name not in ("channel", "address"))
    bulk = (SEND_AGAIN,)
    live_on = DELIVERIES_LIVE_ON
    empty_title = gettext_lazy("Nothing was sent yet")
    empty_text = gettext_lazy("Send a test event to see that the endpoint answers.")

    def prepare(self, request: HttpRequest, **kwargs: Any) -> None:
        self.endpoint = get_object_or_404(WebhookEndpoint, pk=kwargs["pk"])

    def rows(self, request: HttpRequest) -> Any:
        return selectors.deliveries_of_list(self.endpoint.key)

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        return _head(self.endpoint, "webhook_deliveries")
