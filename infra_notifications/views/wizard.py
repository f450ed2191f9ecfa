"""The wizard that makes or changes a group: name, charge points, confirmation.

The same views serve the modal (htmx, into #modal-dialog) and full pages (without JavaScript). Its state is a draft on
the server, so that a reload, a step back or a lost connection costs nothing.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from console.lists import Column, ListPage
from console.permissions import person, requires
from infra_notifications import selectors
from infra_notifications.filters import ChargePointFilters
from infra_notifications.forms import GroupNameForm, ids_in
from infra_notifications.models import ChargePoint, GroupDraft, GroupMembership, NotificationGroup
from infra_notifications.search import CHARGE_POINT_SEARCH
from infra_notifications.services import groups as services
from infra_notifications.views.columns import POINT_COLUMNS

_ADD, _CHANGE = "infra_notifications.add_notificationgroup", "infra_notifications.change_notificationgroup"
CHIPS = 50
MOST_MARKED = 100_000


def _draft(request: HttpRequest, pk: int) -> GroupDraft:
    draft = selectors.draft_of(pk, person(request).pk)
    if draft is None:
        raise Http404
    return draft


def _render(request: HttpRequest, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """A step as part of the modal when htmx asks for it, else as a page."""
    template = f"infra_notifications/{name}.html"
    if request.headers.get("HX-Target") == "modal-dialog":
        template += "#wizard"
    return render(request, template, context, status=status)


def _context(draft: GroupDraft, step: int, **more: Any) -> dict[str, Any]:
    title = _("Change %(name)s") % {"name": draft.group.name} if draft.group else _("New notification group")
    return {"page_title": title, "draft": draft, "step": step} | more


def _go(request: HttpRequest, name: str, draft: GroupDraft) -> HttpResponse:
    """On to another step; in the modal its content is answered at once."""
    return redirect(f"infra_notifications:{name}", draft.pk)


@requires(_ADD)
def wizard_start(request: HttpRequest) -> HttpResponse:
    """Goes on with an unfinished new group if there is one, else begins."""
    unfinished = GroupDraft.objects.filter(owner=person(request), group__isnull=True).first()
    draft = unfinished or GroupDraft.objects.create(owner=person(request))
    return wizard_name(request, draft.pk)


@requires(_CHANGE)
def wizard_change(request: HttpRequest, pk: int) -> HttpResponse:
    """The same steps for a group that exists, beginning with what it is now."""
    group = get_object_or_404(NotificationGroup, pk=pk)
    draft = GroupDraft.objects.filter(owner=person(request), group=group).first()
    if draft is None:
        marked = GroupMembership.objects.filter(group=group).order_by("id").values_list("charge_point_id", flat=True)
        draft = GroupDraft.objects.create(
            owner=person(request),
            group=group,
            name=group.name,
            description=group.description,
            marked=list(marked),
        )
    return wizard_name(request, draft.pk)


@requires(_ADD)
def wizard_name(request: HttpRequest, pk: int) -> HttpResponse:
    draft = _draft(request, pk)
    submitted = request.method == "POST"
    initial = {"name": draft.name, "description": draft.description}
    form = GroupNameForm(request.POST if submitted else None, initial=initial, group=draft.group)
    if submitted and form.is_valid():
        draft.name, draft.description = form.cleaned_data["name"], form.cleaned_data["description"]
        draft.save(update_fields=["name", "description", "updated_at"])
        return _go(request, "wizard_charge_points", draft)
    return _render(request, "wizard_name", _context(draft, 1, form=form), 422 if submitted else 200)


class WizardChargePoints(ListPage):
    """The second step: the list with filters and Magic Search, marked rows also as chips."""

    key = "wizard_charge_points"
    title = gettext_lazy("Charge points")
    permission = _ADD
    search = CHARGE_POINT_SEARCH
    filterset = ChargePointFilters
    template = "infra_notifications/wizard_charge_points.html"
    list_id = "wizard-list"
    parts: ClassVar[dict[str, str]] = {"modal-dialog": "infra_notifications/wizard_charge_points.html#wizard"}
    columns = (Column("mark", "", "infra_notifications/cells/mark.html"), *POINT_COLUMNS)
    default_sort = "evse_id"
    placeholder = gettext_lazy("Search, e.g. köln group:none")
    empty_title = gettext_lazy("No charge points yet")
    empty_text = gettext_lazy("Import them first; the group can also be made without and filled later.")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.draft = _draft(request, kwargs["pk"])
        return super().get(request, *args, **kwargs)

    def rows(self, request: HttpRequest) -> QuerySet[ChargePoint]:
        return selectors.charge_points()

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        selectors.attach_groups(rows)
        marked = set(self.draft.marked)
        for row in rows:
            row.is_marked = row.pk in marked

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        return _context(self.draft, 2) | marked_context(self.draft)


def marked_context(draft: GroupDraft) -> dict[str, Any]:
    """The first marked charge points as chips, and how many more there are."""
    shown = draft.marked[:CHIPS]
    points = ChargePoint.objects.in_bulk(shown)
    return {
        "marked_count": len(draft.marked),
        "marked_chips": [points[pk] for pk in shown if pk in points],
        "marked_more": max(0, len(draft.marked) - CHIPS),
    }


@requires(_ADD)
@require_POST
def wizard_mark(request: HttpRequest, pk: int) -> HttpResponse:
    """Marks or unmarks: one row, the rows of a page, or all that match the search."""
    draft = _draft(request, pk)
    what = request.POST.get("what", "")
    ids = ids_in(request.POST.getlist("charge_point"))
    if what == "mark":
        services.mark(draft=draft, charge_point_ids=ids)
    elif what == "toggle":
        rows = ids_in(request.POST.getlist("row"))
        (services.mark if ids else services.unmark)(draft=draft, charge_point_ids=rows)
    elif what == "unmark":
        services.unmark(draft=draft, charge_point_ids=ids)
    elif what == "clear":
        services.unmark(draft=draft, charge_point_ids=list(draft.marked))
    elif what in ("page", "next"):
        page = set(ids_in(request.POST.getlist("on_page")))
        services.unmark(draft=draft, charge_point_ids=page - set(ids))
        services.mark(draft=draft, charge_point_ids=ids)
    elif what == "all":
        _mark_all(request, draft)
    if request.headers.get("HX-Request") == "true":
        context = _context(draft, 2) | marked_context(draft)
        return render(request, "infra_notifications/wizard_charge_points.html#marked", context)
    if what == "next":
        return _go(request, "wizard_confirm", draft)
    target = reverse("infra_notifications:wizard_charge_points", args=[draft.pk])
    return redirect(f"{target}?{request.POST.get('query', '')}")


def _mark_all(request: HttpRequest, draft: GroupDraft) -> None:
    """Marks everything that the list's search and filters find."""
    view = WizardChargePoints()
    view.draft = draft
    matching, selection = view.matching(request)
    if selection["search_error"]:
        return
    ids = list(matching.order_by("pk").values_list("pk", flat=True)[: MOST_MARKED + 1])
    if len(ids) > MOST_MARKED:
        messages.error(request, _("More than %(n)d match; narrow the search first.") % {"n": MOST_MARKED})
        return
    services.mark(draft=draft, charge_point_ids=ids)


@requires(_ADD)
def wizard_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    draft = _draft(request, pk)
    error = ""
    if request.method == "POST":
        try:
            group = services.finish_draft(draft=draft, by=person(request), now=timezone.now())
        except ValidationError as refused:
            error = " ".join(refused.messages)
        except GroupDraft.DoesNotExist:  # a second click: the first one has made the group
            return _to_overview(request)
        else:
            return _finished(request, draft, group)
    context = _context(draft, 3, error=error) | marked_context(draft)
    context["history"] = selectors.would_have_sent(draft.marked, timezone.now())
    return _render(request, "wizard_confirm", context, 422 if error else 200)


def _finished(request: HttpRequest, draft: GroupDraft, group: NotificationGroup) -> HttpResponse:
    """Closes the modal and shows the overview with the group in it."""
    said = _("“%(name)s” is saved.") if draft.group_id else _("“%(name)s” is made. Say now who is to be told.")
    messages.success(request, said % {"name": group.name})
    return _to_overview(request)


@requires(_ADD)
@require_POST
def wizard_discard(request: HttpRequest, pk: int) -> HttpResponse:
    _draft(request, pk).delete()
    return _to_overview(request)


def _to_overview(request: HttpRequest) -> HttpResponse:
    overview = reverse("infra_notifications:groups")
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Redirect": overview})
    return redirect(overview)
