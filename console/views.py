"""Pages of no single domain: dashboard, API keys, audit log, jobs, health, errors."""

from __future__ import annotations

from typing import Any

from auditlog.models import LogEntry
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import check_for_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST, require_safe

from console import unsent
from console.context_processors import THEMES
from console.forms import ApiKeyForm
from console.lists import Action, Column, ListPage
from console.navigation import tiles_for
from console.templatetags.console import audit_lines
from core import health as checks
from core import metrics as metric_pages
from core.addresses import client_address
from core.api import Problem, problem_response
from core.keys import admit
from core.models import ApiKey, Job, Undo
from core.permissions import SIGNED_IN, check_permission, landing, person, public, requires
from core.refusal import Refused, add_refusal
from core.search import ChoiceFacet, SearchSchema, TextFacet, TimeFacet
from core.search.schema import any_text
from core.services import create_api_key, revoke_api_key, take_over_api_key
from core.undo import may_take_back, take_back

COOKIE_AGE = 365 * 24 * 3600


@requires(SIGNED_IN)
def dashboard(request: HttpRequest) -> HttpResponse:
    """The tiles that the apps registered; htmx asks for it again every half minute and swaps what changed."""
    context = {
        "page_title": _("Dashboard"),
        "tiles": tiles_for(request),
        "findings": checks.run_checks(checks.Asker.DASHBOARD),
    }
    name = "console/dashboard.html#tiles" if request.headers.get("HX-Target") == "tiles" else "console/dashboard.html"
    return render(request, name, context)


@public
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Keeps the chosen language in a cookie and goes back."""
    chosen = request.POST.get("language", "")
    response = HttpResponseRedirect(landing(request, request.POST.get("next")))
    if check_for_language(chosen):
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, chosen, COOKIE_AGE, secure=settings.HTTPS, samesite="Lax")
    return response


@public
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keeps the chosen theme in a cookie and goes back."""
    chosen = request.POST.get("theme", "auto")
    response = HttpResponseRedirect(landing(request, request.POST.get("next")))
    response.set_cookie(
        "signalbox_theme",
        chosen if chosen in THEMES else "auto",
        COOKIE_AGE,
        secure=settings.HTTPS,
        samesite="Lax",
    )
    return response


# ---- API keys -----------------------------------------------------------------------------------------------


@method_decorator(never_cache, name="dispatch")
class ApiKeyList(ListPage):
    key = "api_keys"
    title = gettext_lazy("API keys")
    permission = "console.view_apikey"
    intro = gettext_lazy(
        "Keys for machines that send signals or read. Only a hash is stored; the key itself is shown once."
    )
    search = SearchSchema(
        any_text("name", "prefix"),
        (
            TextFacet("name", "name", gettext_lazy("Name")),
            TextFacet("owner", "created_by__username", gettext_lazy("Belongs to"), counted=True),
            TimeFacet("used", "last_used_at", gettext_lazy("Last used")),
            TimeFacet("expires", "expires_at", gettext_lazy("Expires")),
        ),
    )
    columns = (
        Column("name", gettext_lazy("Name"), sort="name"),
        Column("prefix", gettext_lazy("Begins with")),
        Column("scopes", gettext_lazy("Scopes"), value=lambda key: key.scopes),
        Column("created_at", gettext_lazy("Created"), sort="created_at"),
        Column("created_by", gettext_lazy("Belongs to"), value=lambda key: key.created_by and str(key.created_by)),
        Column("last_used_at", gettext_lazy("Last used"), "console/cells/ago.html", sort="last_used_at"),
        Column(
            "expires_at",
            gettext_lazy("State"),
            "console/cells/api_key_state.html",
            sort="expires_at",
        ),
    )
    empty_title = gettext_lazy("No API keys yet")
    empty_text = gettext_lazy("Make one for the system that forwards messages of your charge points.")

    def rows(self, request: HttpRequest) -> Any:
        return ApiKey.objects.select_related("created_by")

    def actions(self, request: HttpRequest) -> list[Action]:
        return [Action(_("New key"), reverse("console:api_key_create"), "console.add_apikey")]


@requires("console.add_apikey")
@never_cache
def api_key_create(request: HttpRequest) -> HttpResponse:
    form = ApiKeyForm(request.POST or None)
    context: dict[str, Any] = {"page_title": _("New API key"), "form": form}
    if request.method == "POST" and form.is_valid():
        try:
            key, plain = create_api_key(
                name=form.cleaned_data["name"],
                scopes=form.cleaned_data["scopes"],
                expires_at=form.expires_at(),
                created_by=person(request),
            )
        except Refused as error:  # somebody else was quicker with the same name
            add_refusal(form, error, field="name")
        else:
            context = {"page_title": _("Your new API key"), "key": key, "plain": plain}
    return render(request, "console/api_key_form.html", context)


@requires("console.change_apikey")
def api_key_take_over(request: HttpRequest, pk: int) -> HttpResponse:
    """So that the machines of somebody who leaves go on working."""
    key = get_object_or_404(ApiKey.objects.select_related("created_by"), pk=pk)
    if request.method == "POST":
        take_over_api_key(key=key, by=person(request))
        messages.success(request, _("The key “%(name)s” is yours now.") % {"name": key.name})
        return redirect("console:api_keys")
    context = {
        "page_title": _("Take over API key"),
        "question": _("“%(name)s” works as long as its owner may sign in. From now on that is you.")
        % {"name": key.name},
        "button": _("Take over"),
        "style": "btn-primary",
    }
    return render(request, "console/api_key_confirm.html", context)


@requires("console.change_apikey")
def api_key_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    key = get_object_or_404(ApiKey, pk=pk)
    if request.method == "POST":
        revoke_api_key(key=key)
        messages.success(request, _("The key “%(name)s” no longer works.") % {"name": key.name})
        return redirect("console:api_keys")
    question = _(
        "Everything that uses “%(name)s” stops working at once. This cannot be undone; make a new key instead."
    )
    context = {
        "page_title": _("Revoke API key"),
        "question": question % {"name": key.name},
        "button": _("Revoke"),
        "style": "btn-danger",
    }
    return render(request, "console/api_key_confirm.html", context)


# ---- audit log ----------------------------------------------------------------------------------------------


def _changes(entry: LogEntry) -> list[str]:
    """Each field with what it held before, if anything, and after."""
    words = {"True": "yes", "False": "no"}
    return [
        f"{field}: {' → '.join(words.get(text, text) for text in (before, after) if text)}"
        for field, before, after in audit_lines(entry)
    ]


_ACTIONS = {"created": 0, "changed": 1, "deleted": 2, "read": 3}


class AuditList(ListPage):
    key = "audit"
    title = gettext_lazy("Audit log")
    permission = "auditlog.view_logentry"
    intro = gettext_lazy("Who changed what, and when.")
    search = SearchSchema(
        any_text("object_repr", "actor__username"),
        (
            TextFacet("who", "actor__username", gettext_lazy("Who")),
            TextFacet("what", "object_repr", gettext_lazy("What")),
            TextFacet("type", "content_type__model", gettext_lazy("Type"), counted=True),
            ChoiceFacet("action", "action", gettext_lazy("Action"), choices=_ACTIONS),
            TimeFacet("at", "timestamp", gettext_lazy("When")),
            TextFacet("request", "cid", gettext_lazy("Request"), exact=True),
        ),
    )
    columns = (
        Column("timestamp", gettext_lazy("When"), sort="timestamp"),
        Column("actor", gettext_lazy("Who"), "console/cells/audit_actor.html"),
        Column("action", gettext_lazy("Action"), value=lambda entry: entry.get_action_display()),
        Column(
            "object_repr",
            gettext_lazy("What"),
            "console/cells/audit_object.html",
            export=("content_type.name", "object_repr"),
        ),
        Column("changes", gettext_lazy("Changes"), "console/cells/audit_changes.html", export=_changes),
        Column("remote_addr", gettext_lazy("Source address"), nowrap=True),
        Column("cid", gettext_lazy("Request")),
    )
    default_sort = "-timestamp"

    def rows(self, request: HttpRequest) -> Any:
        return LogEntry.objects.select_related("actor", "content_type")


# ---- long work ----------------------------------------------------------------------------------------------


@requires(SIGNED_IN)
def job(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress of one's own piece of work; an administrator sees everyone's."""
    job = get_object_or_404(Job, pk=pk)
    if job.created_by_id != request.user.pk:
        check_permission(request, "console.view_job")
    name = "console/job.html#progress" if request.headers.get("HX-Target") == "progress" else "console/job.html"
    change = Undo.objects.filter(pk=job.result.get("undo")).first()
    can_undo = change is not None and change.is_open(timezone.now()) and may_take_back(change, person(request))
    return render(request, name, {"page_title": job.label, "job": job, "undo": change if can_undo else None})


@requires(SIGNED_IN)
@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes back one's own change of the last ten minutes."""
    change = get_object_or_404(Undo, pk=pk, created_by=person(request))
    if not may_take_back(change, person(request)):
        raise PermissionDenied
    try:
        taken = take_back(undo=change, by=person(request), now=timezone.now())
    except Refused as error:
        messages.error(request, error.sentence)
    else:
        if taken:
            messages.success(request, _("Taken back: %(what)s") % {"what": change.label})
        else:
            messages.warning(request, _("It is too late to take this back, or it was done already."))
    return redirect(landing(request, request.POST.get("next")))


# ---- health -------------------------------------------------------------------------------------------------


@public
@csrf_exempt
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process lives. Asks nothing else, so that a broken database does not get it killed."""
    return HttpResponse("ok\n", content_type="text/plain")


@public
@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether a message sent here could be committed, and nothing else; for strangers only whether. 503 when not."""
    return _health("ready", checks.run_checks(checks.Asker.BALANCER), is_brief=not _may_see_all(request))


@public
@require_safe
@never_cache
def healthz_full(request: HttpRequest) -> HttpResponse:
    """Every check with its age, as `manage.py doctor` says it, for whoever may read the metrics, and administrators."""
    if not _may_see_all(request):
        return HttpResponse(_WHO_MAY_WATCH, status=403)
    return _health("well", checks.run_checks())


def _may_see_all(request: HttpRequest) -> bool:
    return _may_watch(request) or request.user.has_perm("console.view_signoflife")


def _health(name: str, findings: list[tuple[str, checks.Finding]], *, is_brief: bool = False) -> JsonResponse:
    is_well = all(finding.ok for _name, finding in findings)
    body: dict[str, Any] = {name: is_well}
    if not is_brief:
        body["checks"] = {
            check: {"ok": f.ok, "detail": f.text} | ({"age_s": round(f.age_s, 1)} if f.age_s is not None else {})
            for check, f in findings
        }
    return JsonResponse(body, status=200 if is_well else 503)


@public
@require_GET
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format, for loopback, METRICS_NETWORKS, or a key with outbox:read."""
    if not _may_watch(request):
        return HttpResponse(_WHO_MAY_WATCH, status=403)
    return HttpResponse(metric_pages.exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")


_WHO_MAY_WATCH = "Scrape from METRICS_NETWORKS or with a key that has outbox:read.\n"


def _may_watch(request: HttpRequest) -> bool:
    return metric_pages.may_scrape(request, client_address(request)) or _has_metrics_key(request)


def _has_metrics_key(request: HttpRequest) -> bool:
    plain = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if not plain:
        return False
    try:
        admit(request, plain, "outbox:read", "")
    except Problem:
        return False
    return True


# ---- errors -------------------------------------------------------------------------------------------------


def _error(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem_response(Problem(status, text))
    return render(request, "console/error.html", {"page_title": title, "text": text, "status": status}, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    try:
        return _error(
            request, 400, _("Bad request"), _("Signalbox could not read this request. Go back and try again.")
        )
    except Exception:  # e.g. a Host header that no page can be rendered for
        return HttpResponseBadRequest("Bad request\n", content_type="text/plain")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    text = _("Your role does not include this. Ask an administrator if you need it.")
    return _error(request, 403, _("Not allowed"), text)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A page that was opened before the last sign-in sends a token of then: what it sends is brought back to it."""
    sent = unsent.sent_with(request) if unsent.is_from_our_page(request) else None
    is_sign_in = request.path == reverse("console:sign_in") and unsent.KEPT not in request.POST
    if sent is not None and not is_sign_in and unsent.can_be_shown(request, sent["page"]):
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(status=401, headers={"HX-Redirect": sent["page"]})
        if not request.user.is_authenticated:
            return unsent.ask_to_sign_in(request, sent)
        unsent.keep(request, sent)
        return redirect(sent["page"])
    text = _("This form is too old or came from elsewhere. Go back, reload the page and send it again.")
    return _error(request, 403, _("Not allowed"), text)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 404, _("Not found"), _("There is no such page, or what it showed is gone."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Rendered without context processors: they may be what failed."""
    if request.path.startswith("/api/"):
        return problem_response(Problem(500, _("Signalbox met an unexpected error. Its id is in X-Request-ID.")))
    return render(None, "500.html", status=500)
