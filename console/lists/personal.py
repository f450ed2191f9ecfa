"""What people keep of a list: saved searches, private or shared, and the columns that they want to see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from console.lists.columns import Column
from console.lists.links import query_without
from console.lists.listing import Listing
from core.models import ColumnChoice, SavedSearch
from core.permissions import check_permission, person
from core.text import clean_text

MOST_SEARCHES = 100
SHARE = "console.share_savedsearch"


def _back(request: HttpRequest) -> HttpResponse:
    return redirect(f"{request.path}{query_without(request.GET)}")


# ---- columns --------------------------------------------------------------------------------------------------------


def shown_columns(page: Listing, request: HttpRequest) -> Sequence[Column]:
    """The columns of the URL, else those that this person chose, in the list's order; tools always stand."""
    known = {c.name for c in page.columns if not c.is_tool}
    chosen = known & set(request.GET.get("columns", "").split(",")) or _chosen(page, request)
    return [c for c in page.columns if c.is_tool or (not c.hidden if chosen is None else c.name in chosen)]


def _chosen(page: Listing, request: HttpRequest) -> set[str] | None:
    if not page.has_tools:
        return None
    if not hasattr(request, "_chosen_columns"):
        found = ColumnChoice.objects.filter(owner_id=person(request).pk, list_key=page.key)
        request._chosen_columns = found.values_list("columns", flat=True).first()  # type: ignore[attr-defined]
    columns = request._chosen_columns  # type: ignore[attr-defined]
    known = {c.name for c in page.columns if not c.is_tool}
    return set(columns) & known or None if columns is not None else None


def choose_columns(page: Listing, request: HttpRequest) -> HttpResponse:
    """Keeps the choice, and names it in the URL; one of the usual ones or of none is the list's own again."""
    usual = {c.name for c in page.columns if not c.is_tool and not c.hidden}
    known = {c.name for c in page.columns if not c.is_tool}
    wanted = known & set(request.POST.getlist("column"))
    mine: dict[str, Any] = {"owner_id": person(request).pk, "list_key": page.key}
    if wanted in (set(), usual) or "reset" in request.POST:
        ColumnChoice.objects.filter(**mine).delete()
        return redirect(f"{request.path}{query_without(request.GET, 'columns')}")
    ColumnChoice.objects.update_or_create(**mine, defaults={"columns": sorted(wanted)})
    shown = ",".join(column.name for column in page.columns if column.name in wanted)
    return redirect(f"{request.path}{query_without(request.GET, columns=shown)}")


# ---- saved searches ---------------------------------------------------------------------------------------------


def menu(page: Listing, request: HttpRequest) -> dict[str, Any]:
    """What the menus above a list show."""
    user = person(request)
    searches = SavedSearch.objects.filter(Q(owner_id=user.pk) | Q(shared=True), list_key=page.key)
    shown = {column.name for column in shown_columns(page, request)}
    return {
        "saved_searches": list(searches.select_related("owner")[:MOST_SEARCHES]),
        "may_share": user.has_perm(SHARE),
        "may_tidy": user.has_perm("console.delete_savedsearch"),
        "column_choices": [(column, column.name in shown) for column in page.columns if not column.is_tool],
    }


def save_search(page: Listing, request: HttpRequest) -> HttpResponse:
    """Keeps what the list shows now under a name; the same name again is a change of that search."""
    name = " ".join(clean_text(request.POST.get("name", "")).split())
    query = query_without(QueryDict(request.META.get("QUERY_STRING", ""))).lstrip("?")
    if not name or len(name) > 80:
        messages.error(request, _("Give the search a name of at most 80 characters."))
        return _back(request)
    shared = "shared" in request.POST
    if shared:
        check_permission(request, SHARE)
    owner_id = person(request).pk
    mine = SavedSearch.objects.filter(list_key=page.key, owner_id=owner_id)
    if mine.filter(name__iexact=name).update(name=name, query=query, shared=shared):
        messages.success(request, _("The search “%(name)s” is changed.") % {"name": name})
    elif mine.count() >= MOST_SEARCHES:
        messages.error(request, _("You have %(n)d searches here already; delete one first.") % {"n": MOST_SEARCHES})
    else:
        try:
            with transaction.atomic():
                mine.create(list_key=page.key, owner_id=owner_id, name=name, query=query, shared=shared)
        except IntegrityError:  # a second click
            pass
        messages.success(request, _("The search “%(name)s” is saved.") % {"name": name})
    return _back(request)


def delete_search(page: Listing, request: HttpRequest) -> HttpResponse:
    """Deletes one's own search; a shared one of somebody else needs the permission."""
    pk, user = request.POST.get("search", ""), person(request)
    found = SavedSearch.objects.filter(
        list_key=page.key, pk=pk if pk.isascii() and pk.isdigit() and len(pk) < 19 else 0
    )
    others = Q(shared=True) if user.has_perm("console.delete_savedsearch") else Q(pk=None)
    found = found.filter(Q(owner_id=user.pk) | others)
    if found.delete()[0]:
        messages.success(request, _("The search is deleted."))
    else:
        messages.warning(request, _("This search is gone already, or it is somebody else’s."))
    return _back(request)
