"""The way of a bulk action: rows are selected, their exact number is confirmed, the work starts."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Aggregate, BinaryField, F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from console.lists.actions import BulkAction, BulkForm
from console.lists.jobs import start_bulk
from console.lists.links import query_without
from console.lists.listing import Listing
from core.choices import JobState
from core.permissions import check_permission, person

# So many rows are done in the request itself.
AT_ONCE = 200


class _PackedIds(Aggregate):
    """The ids as PostgreSQL packs them, eight bytes each: a million of them leave it as one value."""

    function = "string_agg"
    template = "%(function)s(int8send(%(expressions)s), ''::bytea)"
    output_field = BinaryField()


def frozen(rows: QuerySet[Any]) -> bytes:
    packed_ids: bytes | memoryview | None = rows.order_by().aggregate(ids=_PackedIds(F("pk")))["ids"]
    return bytes(packed_ids or b"")


def _selected(page: Listing, request: HttpRequest) -> QuerySet[Any] | None:
    """The rows that were marked, or all that match; None where the search cannot be read."""
    if "all" in request.POST:
        rows, selection = page.matching(request)
        return None if selection["search_error"] is not None else rows
    ids = [int(pk) for pk in request.POST.getlist("row") if pk.isascii() and pk.isdigit() and len(pk) < 19]
    return page.rows(request).filter(pk__in=ids)


def answer_bulk(page: Listing, request: HttpRequest) -> HttpResponse:
    """Asks for a yes that names the number, and then starts the work."""
    back = f"{request.path}{query_without(request.GET)}"
    action = next((a for a in page.bulk if a.key == request.POST.get("action")), None)
    if action is None:
        messages.error(request, _("This cannot be done here."))
        return redirect(back)
    check_permission(request, action.permission)
    rows = _selected(page, request)
    confirmed = "confirmed" in request.POST
    form = action.form(request.POST if confirmed else None, prefix="bulk") if action.form else None
    ids = frozen(rows) if rows is not None else b""
    number = len(ids) // 8
    if not number:
        messages.warning(request, _("Select rows first."))
        return redirect(back)
    changed = confirmed and request.POST.get("number") != str(number)
    if not confirmed or changed or (form is not None and not form.is_valid()):
        return _ask(page, request, action, form, number, back, changed=changed)
    arguments = page.bulk_arguments() | (form.arguments() if form else {})
    job = start_bulk(
        action=action, ids=ids, arguments=arguments, by=person(request), url=back, at_once=number <= AT_ONCE
    )
    if job.state != JobState.DONE:
        return redirect("console:job", job.pk)
    messages.success(request, job.result["message"])
    return redirect(back)


def _ask(
    page: Listing,
    request: HttpRequest,
    action: BulkAction,
    form: BulkForm | None,
    number: int,
    back: str,
    *,
    changed: bool,
) -> HttpResponse:
    context = {
        "page_title": action.label,
        "action": action,
        "question": action.question(number, page.bulk_arguments()),
        "form": form,
        "number": number,
        "changed": changed,
        "everything": "all" in request.POST,
        "rows": request.POST.getlist("row"),
        "back": back,
        "listing": page,
    }
    wrong = form is not None and form.is_bound and not form.is_valid()
    return render(request, "console/bulk_confirm.html", context, status=422 if wrong else 200)
