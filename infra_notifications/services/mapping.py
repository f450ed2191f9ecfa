"""The rule book in use, and rules made of unmapped messages."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.cache import Cache
from core.refusal import Refused, refusing_invalid_models
from infra_notifications.choices import Case, Effect
from infra_notifications.models import EventRule, UnmappedReport
from infra_notifications.rules.matching import RuleBook

# A changed rule takes effect in every process within a second; in the one that changed it at once.
rule_versions: Cache[str, tuple[Any, ...]] = Cache(age_s=1.0)
_rule_books: Cache[str, RuleBook] = Cache()
_ENABLED = "enabled"


def rule_book() -> RuleBook:
    """The enabled rules in their order, compiled anew when the table has changed."""
    version = rule_versions.get(_ENABLED, _version)
    return _rule_books.get(_ENABLED, lambda: RuleBook(EventRule.objects.filter(enabled=True)), stamp=version)


def _version() -> tuple[Any, ...]:
    rows = EventRule.objects.order_by("-updated_at").values_list("pk", "updated_at")
    return rows.first(), rows.count()


def forget_rule_book() -> None:
    """Called after a rule was changed in this process."""
    rule_versions.clear()
    _rule_books.clear()


def save_rule(*, rule: EventRule) -> EventRule:
    """Validates and writes a rule. Raises Refused."""
    with refusing_invalid_models():
        rule.full_clean()
        try:
            with transaction.atomic():
                rule.save()
        except IntegrityError:
            rule.full_clean()  # says that another wrote a rule of this name meanwhile
            raise
    transaction.on_commit(forget_rule_book)
    return rule


def rule_from_report(*, report: UnmappedReport, effect: str, case: str) -> EventRule:
    """Makes a rule of something unmapped, so that it is known from now on; what came before stays as it was recorded.

    Raises Refused for an unknown effect or case, or when such a rule exists.
    """
    if effect not in Effect.values or (case and case not in Case.values):
        raise Refused(_("Choose one of the offered meanings."))
    meaning = Case(case).label if case else Effect(effect).label
    name = f"{report.said or report.signature}"[:90] + f" → {meaning}"
    note = _("Made of an unmapped message, seen %(n)d times.") % {"n": report.seen}
    rule = EventRule(name=name[:120], precedence=10, effect=effect, case=case, note=note, **report.conditions)
    with transaction.atomic():
        save_rule(rule=rule)
        report.delete()
    return rule
