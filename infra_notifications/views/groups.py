"""Notification groups: the overview, and of one group its configuration, members, incidents and deliveries."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from console.lists import Action, Column, ListPage
from core.permissions import person, requires
from core.refusal import Refused
from core.search import SearchSchema
from core.undo import last_undo
from infra_notifications import selectors
from infra_notifications.choices import CASE_COLOURS, CASE_EXPLANATIONS, Case
from infra_notifications.event_kinds import CASE_KINDS, RECOVERED
from infra_notifications.filters import ChargePointFilters, GroupFilters, IncidentFilters
from infra_notifications.forms import DeleteGroupForm, GroupConfigurationForm, ids_in
from infra_notifications.models import GroupMembership, NotificationGroup
from infra_notifications.search import CHARGE_POINT_SEARCH, GROUP_SEARCH, INCIDENT_SEARCH
from infra_notifications.services import groups as services
from infra_notifications.services.availability import attach_availability
from infra_notifications.services.digests import zone_of
from infra_notifications.services.members import take_out
from infra_notifications.services.unheard import attach_missing
from infra_notifications.tables import ACKNOWLEDGE, ADD_TO_GROUP, MAINTENANCE, REMOVE_FROM_GROUP, TAG
from infra_notifications.views.columns import INCIDENT_COLUMNS, INCIDENTS_LIVE_ON, POINT_COLUMNS
from infra_notifications.views.wizard import say_what_is_open
from outbox.choices import DeliveryState
from outbox.filters import DeliveryFilters
from outbox.search import DELIVERY_SEARCH
from outbox.selectors import (
    deliveries_of_events,
    deliveries_of_list,
    last_answers,
    refused_addresses,
    webhooks_subscribed_to,
)
from outbox.services.mailing_lists.addresses import changed_addresses, in_fields
from outbox.tables import SEND_AGAIN
from outbox.views.deliveries import DELIVERIES_LIVE_ON, DELIVERY_COLUMNS

_VIEW, _CHANGE = "infra_notifications.view_notificationgroup", "infra_notifications.change_notificationgroup"
_CELLS = "infra_notifications/cells"


def _name_of(row: Any) -> list[str]:
    """Its name, whom it has, and what it lacks."""
    n = ngettext("%(n)d charge point", "%(n)d charge points", row.member_count) % {"n": row.member_count}
    return [row.name, n, row.description, *row.missing]


class GroupList(ListPage):
    key = "groups"
    title = gettext_lazy("Charging Infrastructure Notifications")
    permission = _VIEW
    intro = gettext_lazy("Groups of charge points, and who is told when an error occurs at one of them.")
    search = GROUP_SEARCH
    filterset = GroupFilters
    template = "infra_notifications/groups.html"
    columns = (
        Column("name", gettext_lazy("Group"), f"{_CELLS}/group.html", sort="name", export=_name_of),
        Column("cases", gettext_lazy("Cases"), f"{_CELLS}/group_cases.html"),
        Column("address_count", gettext_lazy("Addresses"), numeric=True),
        Column("open_count", gettext_lazy("Open incidents"), f"{_CELLS}/group_open.html", numeric=True),
        Column(
            "last_notified_at",
            gettext_lazy("Last notification"),
            "console/cells/ago.html",
            sort="last_notified_at",
        ),
        Column("edit", "", f"{_CELLS}/group_edit.html"),
    )
    default_sort = "name"
    placeholder = gettext_lazy("Search groups")
    empty_title = gettext_lazy("No notification group yet")
    empty_text = gettext_lazy("Make one: name it, choose its charge points, and say who is to be told of what.")

    def rows(self, request: HttpRequest) -> Any:
        return NotificationGroup.objects.all()

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        selectors.attach_counts(rows)
        attach_missing(rows)

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        may = request.user.has_perm("infra_notifications.add_notificationgroup")
        return {
            "drafts": selectors.unfinished_drafts(person(request).pk) if may else [],
            "undo": last_undo(person(request)),
        }

    def actions(self, request: HttpRequest) -> list[Action]:
        url = reverse("infra_notifications:wizard_start")
        return [Action(_("New group"), url, "infra_notifications.add_notificationgroup", modal=True)]


def tabs_of(group: NotificationGroup, active: str) -> list[dict[str, Any]]:
    names = (
        ("group", _("Configuration")),
        ("group_members", _("Members")),
        ("group_incidents", _("Incidents")),
        ("group_deliveries", _("Deliveries")),
    )
    return [
        {
            "url": reverse(f"infra_notifications:{name}", args=[group.pk]),
            "label": label,
            "active": name == active,
        }
        for name, label in names
    ]


def _head(group: NotificationGroup, active: str) -> dict[str, Any]:
    """What the head of every tab shows."""
    selectors.attach_counts([group])
    attach_missing([group])
    return {"group": group, "tabs": tabs_of(group, active), "page_title": group.name}


def _addresses(group: NotificationGroup) -> list[dict[str, Any]]:
    rows = list(group.addresses.all())
    refused = refused_addresses(row.address for row in rows)
    return [{"row": row, "refused": refused.get(row.address.lower())} for row in rows]


@requires(_VIEW)
def group_configuration(request: HttpRequest, pk: int) -> HttpResponse:
    group = get_object_or_404(NotificationGroup, pk=pk)
    context = _head(group, "group") | {
        "addresses": _addresses(group),
        "zone": zone_of(group),
        "cases": [
            {
                "case": case,
                "colour": CASE_COLOURS[case],
                "explanation": CASE_EXPLANATIONS[case],
                "chosen": case.value in group.cases,
                "hold_off": group.hold_off_of(case),
            }
            for case in Case
        ],
    }
    if request.user.has_perm("outbox.view_webhookendpoint"):
        # They hear of charge points, in a group or not, by these kinds.
        context["webhooks"] = webhooks_subscribed_to([*(CASE_KINDS[Case(case)] for case in group.cases), RECOVERED])
    return render(request, "infra_notifications/group_configuration.html", context)


@requires(_CHANGE)
def group_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The configuration's form. What was typed stays when something is wrong."""
    group = get_object_or_404(NotificationGroup, pk=pk)
    addresses = [row.address for row in group.addresses.all()]
    form = GroupConfigurationForm(request.POST if request.method == "POST" else None, group=group, addresses=addresses)
    refusals: list[str] = []
    if request.method == "POST" and "add_field" in request.POST:
        form.emails.append("")
        form.errors.clear() if form.is_bound else None
    elif request.method == "POST" and form.is_valid():
        try:
            emails = changed_addresses(form.emails, form.known_emails, addresses)
            with form.held() as held:
                services.update_group(group=held, settings=form.group_settings(), emails=emails, now=timezone.now())
        except Refused as error:
            refusals = error.sentences
        else:
            messages.success(request, _("The configuration is saved."))
            _say_what_is_open(request, group, addresses)
            return redirect("infra_notifications:group", pk)
    context = _head(group, "group") | {"form": form, "emails": in_fields(form.emails), "email_errors": refusals}
    return render(request, "infra_notifications/group_edit.html", context, status=422 if refusals else 200)


def _say_what_is_open(request: HttpRequest, group: NotificationGroup, addresses_before: list[str]) -> None:
    """A new address hears of everything that is open, the others of what they have not heard of."""
    before = {address.lower() for address in addresses_before}
    has_new = any(row.address.lower() not in before for row in group.addresses.all())
    say_what_is_open(
        request, group, selectors.open_at_members(group) if has_new else selectors.unheard_at_members(group)
    )


class _GroupTab(ListPage):
    """A list on a tab of a group's page."""

    template = "infra_notifications/group_list.html"
    tab: ClassVar[str]
    title = gettext_lazy("Group")
    permission = _VIEW

    def prepare(self, request: HttpRequest, **kwargs: Any) -> None:
        self.group = get_object_or_404(NotificationGroup, pk=kwargs["pk"])

    def bulk_arguments(self) -> dict[str, Any]:
        return {"group": self.group.pk}

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        return _head(self.group, self.tab)


class GroupMembers(_GroupTab):
    key = "group_members"
    empty_link = "infra_notifications:charge_points"
    tab = "group_members"
    search = CHARGE_POINT_SEARCH
    filterset = ChargePointFilters
    columns = (*POINT_COLUMNS, Column("remove", "", f"{_CELLS}/member_remove.html"))
    bulk = (REMOVE_FROM_GROUP, ADD_TO_GROUP, TAG, MAINTENANCE)
    default_sort = "evse_id"
    placeholder = gettext_lazy("Search the members")
    empty_title = gettext_lazy("No members yet")
    empty_text = gettext_lazy("Add charge points with the button above.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.member_points(self.group)

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        selectors.attach_groups(rows)
        attach_availability(rows, timezone.now())

    def actions(self, request: HttpRequest) -> list[Action]:
        url = reverse("infra_notifications:wizard_change", args=[self.group.pk])
        return [Action(_("Change members"), url, _CHANGE, "pencil-square", modal=True)]


class GroupIncidents(_GroupTab):
    key = "group_incidents"
    empty_link = "infra_notifications:incidents"
    tab = "group_incidents"
    search = INCIDENT_SEARCH
    filterset = IncidentFilters
    columns = INCIDENT_COLUMNS
    bulk = (ACKNOWLEDGE,)
    live_on = INCIDENTS_LIVE_ON
    default_sort = "-opened_at"
    empty_title = gettext_lazy("No incidents")
    empty_text = gettext_lazy("Nothing happened at the members of this group so far.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.incidents_of_group(self.group)

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        selectors.attach_notifications(rows)


class GroupDeliveries(_GroupTab):
    key = "group_deliveries"
    empty_link = "outbox:deliveries"
    tab = "group_deliveries"
    permission = "outbox.view_delivery"
    search: ClassVar[SearchSchema] = DELIVERY_SEARCH
    filterset = DeliveryFilters
    columns = DELIVERY_COLUMNS
    bulk = (SEND_AGAIN,)
    live_on = DELIVERIES_LIVE_ON
    empty_title = gettext_lazy("Nothing was sent yet")
    empty_text = gettext_lazy("Send a test mail to see that this group’s addresses work.")

    def rows(self, request: HttpRequest) -> Any:
        return deliveries_of_list(self.group.list_key)


@requires(_CHANGE)
@require_POST
def group_member_remove(request: HttpRequest, pk: int) -> HttpResponse:
    group = get_object_or_404(NotificationGroup, pk=pk)
    ids = ids_in(request.POST.getlist("charge_point"))
    removed = take_out(group=group, charge_point_ids=ids, by=person(request), now=timezone.now())
    said = ngettext(
        "%(n)d charge point removed from the group.", "%(n)d charge points removed from the group.", removed
    )
    messages.success(request, said % {"n": removed})
    return redirect("infra_notifications:group_members", pk)


@requires(_CHANGE)
@require_POST
def group_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Sends a test mail the whole way through the outbox and shows its deliveries."""
    group = get_object_or_404(NotificationGroup, pk=pk)
    try:
        event_id = services.send_test(group=group, sent_by=request.user.get_username(), now=timezone.now())
    except Refused as error:
        messages.error(request, error.sentence)
        return redirect("infra_notifications:group", pk)
    return redirect(f"{reverse('infra_notifications:group_result', args=[pk])}?event={event_id}")


# A test is looked at every second while something happens, and seldom while it waits for another attempt.
_POLL_S, _POLL_SELDOM_S = 1, 15
_UNDER_WAY = (DeliveryState.PENDING, DeliveryState.SENDING)
_NOT_DELIVERED = (DeliveryState.FAILED, DeliveryState.CANCELLED, DeliveryState.SUPPRESSED)


@requires(_VIEW)
def group_result(request: HttpRequest, pk: int) -> HttpResponse:
    """What became of a test mail at each address, in the servers' words; the last one, or the one that is asked for."""
    group = get_object_or_404(NotificationGroup, pk=pk)
    event = selectors.last_test(group, ids_in([request.GET.get("event", "")]))
    deliveries = list(deliveries_of_events([event.pk])) if event else []
    answers = last_answers(delivery.pk for delivery in deliveries)
    for delivery in deliveries:
        delivery.answer = answers.get(delivery.pk, "")  # type: ignore[attr-defined]
    states = Counter(delivery.state for delivery in deliveries)
    is_under_way = any(states[state] for state in _UNDER_WAY)
    context = {
        "group": group,
        "page_title": _("Test of %(name)s") % {"name": group.name},
        "event": event,
        "deliveries": deliveries,
        "summary": _test_summary(states),
        "poll_s": _POLL_S if is_under_way else _POLL_SELDOM_S if states[DeliveryState.RETRYING] else None,
    }
    name = "infra_notifications/group_test.html"
    wants_part = request.headers.get("HX-Target") == "test-result"
    return render(request, f"{name}#result" if wants_part else name, context)


def _test_summary(states: Counter[str]) -> str:
    """How the test stands, in one sentence that is announced."""
    total = sum(states.values())
    return _("%(delivered)d of %(total)d delivered, %(failed)d failed, %(waiting)d under way.") % {
        "delivered": states[DeliveryState.DELIVERED],
        "total": total,
        "failed": sum(states[state] for state in _NOT_DELIVERED),
        "waiting": sum(states[state] for state in (*_UNDER_WAY, DeliveryState.RETRYING)),
    }


@requires("infra_notifications.delete_notificationgroup")
def group_delete(request: HttpRequest, pk: int) -> HttpResponse:
    group = get_object_or_404(NotificationGroup, pk=pk)
    form = DeleteGroupForm(request.POST or None, group=group)
    if request.method == "POST" and form.is_valid():
        name = group.name
        services.delete_group(group=group, now=timezone.now())
        messages.success(request, _("The group “%(name)s” is deleted.") % {"name": name})
        return redirect("infra_notifications:groups")
    context = {
        "page_title": _("Delete %(name)s") % {"name": group.name},
        "group": group,
        "form": form,
        "member_count": GroupMembership.objects.filter(group=group).count(),
        "address_count": group.addresses.count(),
    }
    return render(request, "infra_notifications/group_delete.html", context)
