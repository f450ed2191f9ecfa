"""The wizard that makes or changes a group: name, charge points, confirmation.

The same views serve the modal (htmx, into #modal-dialog, then step after step into #wizard) and full pages (without
JavaScript, or after a reload). Its state is a draft on the server, so that a reload, a step back or a lost connection
costs nothing; marks that could not be sent wait in the browser (static/js/wizard.js).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from console.charts import stacked_bars
from console.lists import PAGE_SIZE, Column, ListPage
from core.permissions import check_permission, person, requires
from core.refusal import Refused
from core.text import clean_text
from core.time_zones import short_day_text
from infra_notifications import selectors
from infra_notifications.choices import CASE_COLOURS, DEFAULT_HOLD_OFF_S, Case
from infra_notifications.filters import ChargePointFilters
from infra_notifications.forms import GroupNameForm, ids_in
from infra_notifications.models import ChargePoint, GroupDraft, NotificationGroup
from infra_notifications.models.groups import all_cases, draft_key
from infra_notifications.search import CHARGE_POINT_SEARCH
from infra_notifications.services import drafts
from infra_notifications.services.availability import attach_availability
from infra_notifications.views.columns import POINT_COLUMNS

_ADD, _CHANGE = "infra_notifications.add_notificationgroup", "infra_notifications.change_notificationgroup"
_STEP_2 = "infra_notifications/wizard_charge_points.html#wizard"
CHIPS, SHOWN = 50, 20
MOST_MARKED = 100_000


def _draft(request: HttpRequest, key: str) -> GroupDraft:
    draft = drafts.draft_of(key=key, owner=person(request))
    if draft is None:
        raise Http404
    if draft.group_id:
        check_permission(request, _CHANGE)
    return draft


def _render(request: HttpRequest, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """A step as part of the modal or page when htmx asks for it, else as a page."""
    template = f"infra_notifications/{name}.html"
    if request.headers.get("HX-Target") in ("modal-dialog", "wizard"):
        template += "#wizard"
    return render(request, template, context, status=status)


def _context(draft: GroupDraft, step: int, **more: Any) -> dict[str, Any]:
    title = _("Change %(name)s") % {"name": draft.group.name} if draft.group else _("New notification group")
    # Closing one that was not begun loses nothing that is worth a question.
    is_empty = not draft.is_begun or (draft.group_id is None and not draft.name and not draft.marked)
    return {"page_title": title, "draft": draft, "step": step, "is_empty": is_empty} | more


def _go(name: str, draft: GroupDraft, query: str = "") -> HttpResponse:
    """On to another step; htmx follows and gets its content."""
    target = reverse(f"infra_notifications:{name}", args=[draft.key])
    return redirect(f"{target}?{query}" if query else target)


# ---- name -----------------------------------------------------------------------------------------------------------


@requires(_ADD)
def wizard_start(request: HttpRequest) -> HttpResponse:
    """Begins a new group, for this tab alone; nothing is kept before something is typed."""
    return _go("wizard_name", GroupDraft())


@requires(_CHANGE)
def wizard_change(request: HttpRequest, pk: int) -> HttpResponse:
    """The same steps for a group that exists, beginning with what it is now."""
    group = get_object_or_404(NotificationGroup, pk=pk)
    return _go("wizard_name", GroupDraft(key=draft_key(group.pk)))


@requires(_ADD)
def wizard_name(request: HttpRequest, key: str) -> HttpResponse:
    draft, version = _draft(request, key), request.POST.get("version", "")[:100]
    submitted = request.method == "POST"
    if "autosave" in request.POST:  # while it is being typed
        name, description = (clean_text(request.POST.get(field, "")) for field in ("name", "description"))
        drafts.write_name(draft=draft, name=name, description=description, version=version)
        return HttpResponse(status=204)
    initial = {"name": draft.name, "description": draft.description}
    form = GroupNameForm(request.POST if submitted else None, initial=initial, group=draft.group)
    if submitted and form.is_valid():
        drafts.write_name(draft=draft, **form.cleaned_data, version=version)
        return _go("wizard_charge_points", draft)
    return _render(request, "wizard_name", _context(draft, 1, form=form), 422 if submitted else 200)


# ---- charge points --------------------------------------------------------------------------------------------------


class WizardChargePoints(ListPage):
    """The second step: the list with filters and Magic Search, marked rows also as chips."""

    key = "wizard_charge_points"
    empty_link = "infra_notifications:charge_points"
    title = gettext_lazy("Charge points")
    permission = _ADD
    search = CHARGE_POINT_SEARCH
    filterset = ChargePointFilters
    counted_as = "charge_points"
    has_tools = False
    template = "infra_notifications/wizard_charge_points.html"
    list_id = "wizard-list"
    bar_template = "infra_notifications/wizard_marks.html"
    parts: ClassVar[dict[str, str]] = {"modal-dialog": _STEP_2, "wizard": _STEP_2}
    columns = (Column("mark", "", "infra_notifications/cells/mark.html"), *POINT_COLUMNS)
    default_sort = "evse_id"
    placeholder = gettext_lazy("Search, e.g. köln group:none")
    empty_title = gettext_lazy("No charge points yet")
    empty_text = gettext_lazy("Import them first; the group can also be made without and filled later.")

    def prepare(self, request: HttpRequest, **kwargs: Any) -> None:
        self.draft = _draft(request, kwargs["key"])

    def rows(self, request: HttpRequest) -> QuerySet[ChargePoint]:
        return selectors.charge_points()

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        selectors.attach_groups(rows)
        attach_availability(rows, timezone.now())
        marked = set(self.draft.marked)
        for row in rows:
            row.is_marked = row.pk in marked

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        return _marking_context(self.draft)


def _marking_context(draft: GroupDraft) -> dict[str, Any]:
    return _context(draft, 2) | marked_context(draft)


def marked_context(draft: GroupDraft) -> dict[str, Any]:
    """The first marked charge points as chips, and how many more there are."""
    return {
        "marked_count": len(draft.marked),
        "marked_chips": _first(draft.marked, CHIPS),
        "marked_more": max(0, len(draft.marked) - CHIPS),
    }


def _first(ids: Sequence[int], number: int) -> list[ChargePoint]:
    points = ChargePoint.objects.only("pk", "evse_id", "name").in_bulk(ids[:number])
    return [points[pk] for pk in ids[:number] if pk in points]


@requires(_ADD)
@require_POST
def wizard_mark(request: HttpRequest, key: str) -> HttpResponse:
    """Marks or unmarks: single rows, the rows of a page, or all that match the search; then the list again, or on."""
    draft = _draft(request, key)
    what = request.POST.get("what", "")
    if what == "set":  # row by row, by the script
        draft = drafts.mark(draft=draft, charge_point_ids=ids_in(request.POST.getlist("mark")))
        draft = drafts.unmark(draft=draft, charge_point_ids=ids_in(request.POST.getlist("unmark")))
        return render(request, "infra_notifications/wizard_charge_points.html#marked", _marking_context(draft))
    if request.headers.get("HX-Request") != "true":  # the script has sent each mark when it was made
        draft = _mark_page(request, draft)
    if what == "this_page":
        drafts.mark(draft=draft, charge_point_ids=ids_in(request.POST.getlist("on_page")))
    elif what == "all":
        _mark_all(request, draft)
    elif what == "clear":
        drafts.unmark(draft=draft, charge_point_ids=list(draft.marked))
    elif what.startswith("unmark-"):
        drafts.unmark(draft=draft, charge_point_ids=ids_in([what.removeprefix("unmark-")]))
    elif what == "next":
        return _go("wizard_confirm", draft)
    elif what == "back":
        return _go("wizard_name", draft)
    return _go("wizard_charge_points", draft, request.GET.urlencode())


def _mark_page(request: HttpRequest, draft: GroupDraft) -> GroupDraft:
    """What was changed on the page that was sent, and no more: another tab may have changed the others."""
    ids, before = ids_in(request.POST.getlist("charge_point")), ids_in(request.POST.getlist("was_marked"))
    draft = drafts.unmark(draft=draft, charge_point_ids=set(before) - set(ids))
    return drafts.mark(draft=draft, charge_point_ids=[one for one in ids if one not in before])


def _mark_all(request: HttpRequest, draft: GroupDraft) -> None:
    """Marks everything that the list's search and filters find."""
    view = WizardChargePoints()
    view.draft = draft
    matching, selection = view.matching(request)
    if selection["search_error"]:
        return
    ids = list(matching.order_by("evse_id").values_list("pk", flat=True)[: MOST_MARKED + 1])
    if len(ids) > MOST_MARKED:
        messages.error(request, _("More than %(n)d match; narrow the search first.") % {"n": MOST_MARKED})
        return
    drafts.mark(draft=draft, charge_point_ids=ids)


# ---- confirmation ---------------------------------------------------------------------------------------------------


@requires(_ADD)
def wizard_confirm(request: HttpRequest, key: str) -> HttpResponse:
    """What will be made, or what of a group will be changed: nobody else's change is taken back."""
    draft = _draft(request, key)
    error = ""
    if not draft.is_begun:  # nothing was typed or marked; or a second click, and the first one has made the group
        return _to(request, reverse("infra_notifications:groups"))
    if request.method == "POST":
        try:
            group = drafts.finish_draft(draft=draft, by=person(request), now=timezone.now())
        except Refused as refused:
            error = refused.sentence
        except GroupDraft.DoesNotExist:  # two clicks at once
            return _to(request, reverse("infra_notifications:groups"))
        else:
            return _finished(request, draft, group)
    cases = draft.group.cases if draft.group else all_cases()
    open_already = selectors.open_for_draft(draft, cases)
    context = _context(draft, 3, error=error, open_already=open_already) | marked_context(draft) | _forecast(draft)
    context |= _differences(draft)
    return _render(request, "wizard_confirm", context, 422 if error else 200)


def _differences(draft: GroupDraft) -> dict[str, Any]:
    """Of a change of a group: whom it adds and removes, by name the first of them; and whom others did meanwhile."""
    if draft.group is None:
        return {}
    added, removed = drafts.differences(draft)
    present, began = set(drafts.members_of(draft.group)), set(draft.members)
    return {
        "changes": [
            (sign, len(ids), _first(ids, SHOWN)) for sign, ids in (("added", added), ("removed", removed)) if ids
        ],
        "meanwhile": len(present - began - set(added)) + len(began - present - set(removed)),
    }


def _forecast(draft: GroupDraft) -> dict[str, Any]:
    """What the group would have sent in the last 30 days, as a table and as a chart."""
    cases = draft.group.cases if draft.group else all_cases()
    hold_offs = {
        case: draft.group.hold_off_of(case) if draft.group else DEFAULT_HOLD_OFF_S[Case(case)] for case in cases
    }
    found = selectors.would_have_sent(draft, timezone.now(), hold_offs)
    series = {
        str(Case(case).label): (CASE_COLOURS[Case(case)], [found.notified.get((case, day), 0) for day in found.days])
        for case in cases
    }
    labels = [short_day_text(day) for day in found.days]
    return {
        "history": [
            (case, day, n) for (case, day), n in sorted(found.notified.items(), key=lambda item: item[0][::-1])
        ],
        "totals": [(case, sum(n for (one, _day), n in found.notified.items() if one == case)) for case in cases],
        "notified": sum(found.notified.values()),
        "held": found.held,
        "chart": stacked_bars(labels, series) if found.notified else "",
    }


def _finished(request: HttpRequest, draft: GroupDraft, group: NotificationGroup) -> HttpResponse:
    """Closes the modal and shows the overview where the group stands in it."""
    said = _("“%(name)s” is saved.") if draft.group_id else _("“%(name)s” is made. Say now who is to be told.")
    said %= {"name": group.name}
    if not draft.group_id:
        edit = reverse("infra_notifications:group_edit", args=[group.pk])
        said = format_html('{} <a href="{}">{}</a>', said, edit, _("Add recipients"))
    messages.success(request, said)
    say_what_is_open(request, group, selectors.unheard_at_members(group))
    before = NotificationGroup.objects.filter(name__lt=group.name).count()
    page = f"?page={before // PAGE_SIZE + 1}" if before >= PAGE_SIZE else ""
    return _to(request, f"{reverse('infra_notifications:groups')}{page}#list-row-{group.pk}")


def say_what_is_open(request: HttpRequest, group: NotificationGroup, number: int) -> None:
    """Says beforehand that a mail will come about what is open already, and to whom."""
    if not number:
        return
    if not group.addresses.exists():
        said = ngettext(
            "%(n)d error is open already; nobody is told of it before the group has an address.",
            "%(n)d errors are open already; nobody is told of them before the group has an address.",
            number,
        )
    elif group.digest_time is not None:
        said = ngettext(
            "%(n)d error is open already; it will be in the group’s next digest.",
            "%(n)d errors are open already; they will be in the group’s next digest.",
            number,
        )
    else:
        said = ngettext(
            "%(n)d error is open already; those who have not heard of it get one mail about it.",
            "%(n)d errors are open already; those who have not heard of them get one mail about them.",
            number,
        )
    messages.info(request, said % {"n": number})


@requires(_ADD)
@require_POST
def wizard_discard(request: HttpRequest, key: str) -> HttpResponse:
    draft = _draft(request, key)
    if draft.is_begun:
        draft.delete()
    return _to(request, reverse("infra_notifications:groups"))


def _to(request: HttpRequest, url: str) -> HttpResponse:
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)
