"""Mapping rules: what chargers say and what it means; the try-it box; what no rule meets."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.lists import Action, Column, ListPage
from core.permissions import requires
from core.refusal import Refused
from core.search import ChoiceFacet, SearchSchema, TextFacet
from core.search.schema import any_text
from infra_notifications.choices import EFFECT_COLOURS, Case, Effect
from infra_notifications.forms import TryRuleForm
from infra_notifications.ingest import observe
from infra_notifications.models import EventRule, UnmappedReport
from infra_notifications.rules.matching import effect_of
from infra_notifications.rules.spelling import read_wire
from infra_notifications.search import UNMAPPED_SEARCH
from infra_notifications.services.mapping import preview_rule, rule_book, rule_from_report
from infra_notifications.templatetags.infra import rule_conditions

_VIEW = "infra_notifications.view_eventrule"


def _conditions(rule: EventRule) -> list[str]:
    return [f"{label}: {values}" for label, values in rule_conditions(rule)]


class RuleList(ListPage):
    key = "rules"
    empty_link = "infra_notifications:unmapped"
    title = gettext_lazy("Mapping rules")
    permission = _VIEW
    intro = gettext_lazy("What chargers say, and which case it is. The first rule that a message meets decides.")
    search = SearchSchema(
        any_text("name", "note"),
        (
            TextFacet("name", "name", gettext_lazy("Name")),
            ChoiceFacet(
                "case",
                "case",
                gettext_lazy("Case"),
                choices={c.lower(): c for c in Case.values} | {"none": ""},
            ),
            ChoiceFacet("effect", "effect", gettext_lazy("Effect"), choices={e: e for e in Effect.values}),
            ChoiceFacet("enabled", "enabled", gettext_lazy("Enabled"), choices={"yes": True, "no": False}),
        ),
    )
    columns = (
        Column("precedence", gettext_lazy("Precedence"), sort="precedence", numeric=True),
        Column("name", gettext_lazy("Rule"), "infra_notifications/cells/rule.html", sort="name"),
        Column("conditions", gettext_lazy("When"), "infra_notifications/cells/rule_conditions.html"),
        Column("effect", gettext_lazy("Then"), "infra_notifications/cells/rule_effect.html"),
        Column("note", gettext_lazy("Source")),
    )
    default_sort = "precedence"

    def rows(self, request: HttpRequest) -> Any:
        return EventRule.objects.all()

    def actions(self, request: HttpRequest) -> list[Action]:
        return [
            Action(_("Unmapped"), reverse("infra_notifications:unmapped"), _VIEW, "question-mark-circle"),
            Action(_("Try a message"), reverse("infra_notifications:rule_try"), _VIEW, "beaker"),
            Action(
                _("New rule"),
                reverse("admin:infra_notifications_eventrule_add"),
                "infra_notifications.add_eventrule",
            ),
        ]


@requires(_VIEW)
def rule_try(request: HttpRequest) -> HttpResponse:
    """Shows which rule a pasted message meets, and what it would do. Nothing is stored."""
    form, findings, tried = TryRuleForm(request.POST or None), [], False
    if request.method == "POST" and form.is_valid():
        message, tried = form.cleaned_data["message"], True
        wire = read_wire(str(message["protocol"]), str(message["action"]), message.get("payload"))
        for observation in observe(wire.protocol.lower(), wire.action, wire.payload):
            rule = rule_book().match(observation)
            effect = effect_of(rule, observation) if rule else None
            findings.append(
                {
                    "observation": observation,
                    "rule": rule,
                    "row": EventRule.objects.filter(pk=rule.id).first() if rule and rule.id else None,
                    "effect": effect,
                    "colour": EFFECT_COLOURS[effect] if effect else "warning",
                }
            )
    context = {"page_title": _("Try a message"), "form": form, "findings": findings, "tried": tried}
    return render(request, "infra_notifications/rule_try.html", context)


class UnmappedList(ListPage):
    key = "unmapped"
    empty_link = "infra_notifications:rules"
    title = gettext_lazy("Unmapped messages")
    permission = _VIEW
    intro = gettext_lazy(
        "Chargers said this and no rule knows it. What is a fault opens OTHER_FAULT; one click makes a rule of it."
    )
    search = UNMAPPED_SEARCH
    columns = (
        Column("said", gettext_lazy("What it said"), "infra_notifications/cells/unmapped.html"),
        Column(
            "charge_point",
            gettext_lazy("Charge point"),
            "infra_notifications/cells/unmapped_point.html",
            export=lambda row: row.charge_point.evse_id if row.charge_point else row.station,
        ),
        Column("protocol", gettext_lazy("Protocol"), sort="protocol"),
        Column("seen", gettext_lazy("Seen"), sort="seen", numeric=True),
        Column("last_seen", gettext_lazy("Last seen"), "console/cells/ago.html", sort="last_seen"),
        Column("decide", gettext_lazy("It means"), "infra_notifications/cells/unmapped_decide.html", tool=True),
    )
    template = "infra_notifications/unmapped.html"
    default_sort = "-seen"
    empty_title = gettext_lazy("Every message is understood")
    empty_text = gettext_lazy("What no rule meets would stand here.")

    def rows(self, request: HttpRequest) -> Any:
        return UnmappedReport.objects.select_related("charge_point")

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        for row in rows:
            row.sample_text = json.dumps(row.sample, indent=2, ensure_ascii=False)


@requires("infra_notifications.add_eventrule")
def unmapped_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows what a rule made by a click would change, and makes it when that is confirmed."""
    report = get_object_or_404(UnmappedReport, pk=pk)
    meaning = (request.POST or request.GET).get("meaning", "")
    effect, _sep, case = meaning.partition(":")
    try:
        if request.method == "POST":
            rule = rule_from_report(report=report, effect=effect, case=case)
        else:
            preview = preview_rule(report=report, effect=effect, case=case, now=timezone.now())
    except Refused as error:
        messages.error(request, error.sentence)
    else:
        if request.method != "POST":
            context = {"page_title": preview.rule.name, "report": report, "preview": preview, "meaning": meaning}
            return render(request, "infra_notifications/unmapped_decide.html", context)
        messages.success(request, _("From now on the rule “%(name)s” decides.") % {"name": rule.name})
    return redirect("infra_notifications:unmapped")
