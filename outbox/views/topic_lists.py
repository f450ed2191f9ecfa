"""Topic lists: the overview, and of one list its configuration, deliveries, and what it was not told and why."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from console.forms import ConfirmByTypingForm
from console.lists import Action, Column, ListPage
from console.navigation import tabs_of
from core.permissions import requires
from core.refusal import Refused
from core.search import SearchError
from outbox import selectors
from outbox.event_kinds import EventKind, kinds_of
from outbox.filters import DecisionFilters, DeliveryFilters, TopicListFilters
from outbox.forms.topic_lists import TopicCheckForm, TopicListForm
from outbox.models import TopicList
from outbox.search import DECISION_SEARCH, DELIVERY_SEARCH, TOPIC_LIST_SEARCH
from outbox.services.mailing_lists.addresses import changed_addresses, in_fields
from outbox.services.topic_lists import lists as services
from outbox.subscriptions.conditions import check_condition, fields_of
from outbox.tables import SEND_AGAIN
from outbox.views.deliveries import DELIVERIES_LIVE_ON, DELIVERY_COLUMNS, what_of
from outbox.views.webhooks import topics_of

_VIEW, _CHANGE = "outbox.view_topiclist", "outbox.change_topiclist"
_CELLS = "outbox/cells"
# So many fields of the chosen events are named beside the condition.
MOST_FIELDS = 60


def _name_of(row: TopicList) -> list[str]:
    return [row.name, "" if row.enabled else _("off"), row.description]


class TopicListList(ListPage):
    key = "topic_lists"
    title = gettext_lazy("Topic lists")
    permission = _VIEW
    intro = gettext_lazy("Mailing lists that hear of events: any topic, on a condition, gathered into few mails.")
    search = TOPIC_LIST_SEARCH
    filterset = TopicListFilters
    columns = (
        Column("name", gettext_lazy("List"), f"{_CELLS}/topic_list.html", sort="name", export=_name_of),
        Column("topics", gettext_lazy("Hears of"), f"{_CELLS}/topic_list_topics.html", export=topics_of),
        Column("address_count", gettext_lazy("Addresses"), numeric=True, sort="address_count"),
        Column("last_told_at", gettext_lazy("Last mail"), "console/cells/ago.html", sort="last_told_at"),
        Column("edit", "", f"{_CELLS}/topic_list_edit.html"),
    )
    default_sort = "name"
    placeholder = gettext_lazy("Search topic lists")
    empty_title = gettext_lazy("No topic list yet")
    empty_text = gettext_lazy("Make one: choose topics, say on which condition, and whom to mail.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.topic_lists()

    def actions(self, request: HttpRequest) -> list[Action]:
        return [Action(_("New topic list"), reverse("outbox:topic_list_create"), "outbox.add_topiclist")]


def _head(topic_list: TopicList, active: str) -> dict[str, Any]:
    """What the head of every tab shows."""
    names = (
        ("outbox:topic_list", _("Configuration")),
        ("outbox:topic_list_deliveries", _("Deliveries")),
        ("outbox:topic_list_untold", _("Not told, and why")),
    )
    tabs = tabs_of(names, f"outbox:{active}", topic_list.pk)
    return {"topic_list": topic_list, "tabs": tabs, "page_title": topic_list.name}


def _condition_error(topic_list: TopicList) -> str:
    """What is wrong with the condition of a list, as of the kinds that there are now."""
    try:
        check_condition(topic_list.condition, kinds_of(topic_list.topics, topic_list.domain))
    except SearchError as error:
        return str(error)
    return ""


@requires(_VIEW)
def topic_list(request: HttpRequest, pk: int) -> HttpResponse:
    topic_list_row = get_object_or_404(TopicList, pk=pk)
    rows = list(topic_list_row.addresses.all())
    refused = selectors.refused_addresses(row.address for row in rows)
    context = _head(topic_list_row, "topic_list") | {
        "addresses": [{"row": row, "refused": refused.get(row.address.lower())} for row in rows],
        "kinds": kinds_of(topic_list_row.topics, topic_list_row.domain),
        "condition_error": _condition_error(topic_list_row),
        "waiting": selectors.waiting_decisions(topic_list_row),
    }
    return render(request, "outbox/topic_list.html", context)


class _ListTab(ListPage):
    """A list on a tab of a topic list's page."""

    template = "outbox/topic_list_tab.html"
    title = gettext_lazy("Topic list")
    permission = _VIEW

    def prepare(self, request: HttpRequest, **kwargs: Any) -> None:
        self.topic_list = get_object_or_404(TopicList, pk=kwargs["pk"])

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        return _head(self.topic_list, self.key)


class TopicListDeliveries(_ListTab):
    key = "topic_list_deliveries"
    empty_link = "outbox:events"
    permission = "outbox.view_delivery"
    search = DELIVERY_SEARCH
    filterset = DeliveryFilters
    columns = DELIVERY_COLUMNS
    bulk = (SEND_AGAIN,)
    live_on = DELIVERIES_LIVE_ON
    empty_title = gettext_lazy("Nothing was sent yet")
    empty_text = gettext_lazy("Send a test mail to see that this list’s addresses work.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.deliveries_of_list(self.topic_list.list_key)


class TopicListUntold(_ListTab):
    key = "topic_list_untold"
    empty_link = "outbox:events"
    search = DECISION_SEARCH
    filterset = DecisionFilters
    columns = (
        Column("event", gettext_lazy("Event"), f"{_CELLS}/decision_event.html", export=what_of),
        Column(
            "occurred_at",
            gettext_lazy("Occurred"),
            f"{_CELLS}/decision_occurred.html",
            sort="event__occurred_at",
            export="event.occurred_at",
        ),
        Column("state", gettext_lazy("State"), f"{_CELLS}/decision_state.html", sort="state"),
        Column("reason", gettext_lazy("Why"), value=lambda row: row.get_reason_display() if row.reason else ""),
        Column("decided_at", gettext_lazy("Decided"), f"{_CELLS}/decision_decided.html", sort="decided_at"),
    )
    empty_title = gettext_lazy("Everything was told")
    empty_text = gettext_lazy("An event of this list’s topics that is not mailed stands here with the reason.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.not_notified(self.topic_list)


# ---- writing --------------------------------------------------------------------------------------------------------


def _save(request: HttpRequest, topic_list: TopicList | None) -> tuple[TopicListForm, list[str], TopicList | None]:
    """The form, what is wrong with the addresses, and the list once it is saved. What was typed stays."""
    form = TopicListForm(request.POST if request.method == "POST" else None, topic_list=topic_list)
    if request.method != "POST":
        return form, [], None
    if "add_field" in request.POST:
        form.emails.append("")
        form.errors.clear()
        return form, [], None
    if not form.is_valid():
        return form, [], None
    try:
        if topic_list is None:
            saved = services.create_list(settings=form.cleaned_data, emails=form.emails)
        else:
            present = [row.address for row in topic_list.addresses.all()]
            emails = changed_addresses(form.emails, form.known_emails, present)
            with form.held() as held:
                saved = services.update_list(
                    topic_list=held, settings=form.cleaned_data, emails=emails, now=timezone.now()
                )
    except Refused as error:
        return form, error.sentences, None
    return form, [], saved


def _typed(form: TopicListForm, refusals: list[str]) -> dict[str, Any]:
    return {"form": form, "emails": in_fields(form.emails), "email_errors": refusals}


@requires("outbox.add_topiclist")
def topic_list_create(request: HttpRequest) -> HttpResponse:
    form, refusals, saved = _save(request, None)
    if saved is not None:
        messages.success(request, _("The topic list is made. Send a test to see that its mails arrive."))
        return redirect("outbox:topic_list", saved.pk)
    context = {"page_title": _("New topic list"), **_typed(form, refusals)}
    return render(request, "outbox/topic_list_form.html", context, status=_status(form, refusals))


@requires(_CHANGE)
def topic_list_edit(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(TopicList, pk=pk)
    form, refusals, saved = _save(request, row)
    if saved is not None:
        messages.success(request, _("The configuration is saved."))
        return redirect("outbox:topic_list", pk)
    context = _head(row, "topic_list") | _typed(form, refusals)
    return render(request, "outbox/topic_list_form.html", context, status=_status(form, refusals))


def _status(form: TopicListForm, refusals: list[str]) -> int:
    return 422 if refusals or (form.is_bound and form.errors) else 200


@requires(_VIEW)
@require_POST
def topic_list_check(request: HttpRequest) -> HttpResponse:
    """While a list is edited: what its condition means, and what it would have told of the last events."""
    form = TopicCheckForm(request.POST)
    form.is_valid()
    data = form.cleaned_data
    topics, domain, condition = data.get("topics") or [], data.get("domain", ""), data.get("condition", "")
    kinds = kinds_of(topics, domain)
    context: dict[str, Any] = {"kinds": kinds, "fields": _fields(kinds)}
    try:
        check_condition(condition, kinds)
        context["preview"] = selectors.preview(topics=topics, domain=domain, condition=condition)
    except SearchError as error:
        context["error"] = error
    return render(request, "outbox/parts/topic_list_check.html", context)


def _fields(kinds: list[EventKind]) -> list[str]:
    """The short names by which the chosen events can be asked; those of every chosen kind come first."""
    counts: dict[str, int] = {}
    for kind in kinds:
        for name in fields_of(kind) or ():
            if "." not in name:
                counts[name] = counts.get(name, 0) + 1
    return sorted(counts, key=lambda name: (-counts[name], name))[:MOST_FIELDS]


@requires(_CHANGE)
@require_POST
def topic_list_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Sends a test mail the whole way through the outbox and shows its deliveries."""
    row = get_object_or_404(TopicList, pk=pk)
    try:
        event = services.send_test(topic_list=row, sent_by=request.user.get_username(), now=timezone.now())
    except Refused as error:
        messages.error(request, error.sentence)
        return redirect("outbox:topic_list", pk)
    messages.info(request, _("The test mails are on their way; this page shows what becomes of each."))
    return redirect("outbox:event", event.pk)


@requires("outbox.delete_topiclist")
def topic_list_delete(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(TopicList, pk=pk)
    form = ConfirmByTypingForm(
        request.POST or None,
        label=_("Type the list’s name to delete it"),
        expected=row.name,
        refusal=_("This is not the list’s name."),
    )
    if request.method == "POST" and form.is_valid():
        name = row.name
        services.delete_list(topic_list=row, now=timezone.now())
        messages.success(request, _("The topic list “%(name)s” is deleted.") % {"name": name})
        return redirect("outbox:topic_lists")
    context = _head(row, "topic_list") | {
        "page_title": _("Delete %(name)s") % {"name": row.name},
        "form": form,
        "address_count": row.addresses.count(),
        "waiting": selectors.waiting_decisions(row),
    }
    return render(request, "outbox/topic_list_delete.html", context)
