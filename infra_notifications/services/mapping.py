"""The rule book in use, and rules made of unmapped messages."""

from __future__ import annotations

import threading
import time
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from infra_notifications.choices import Case, Effect
from infra_notifications.models import EventRule, UnmappedReport
from infra_notifications.rules.matching import RuleBook

# A changed rule takes effect in every process within this time; in the one that changed it at once.
RULES_KEPT_S = 1.0


class _Shelf:
    """The compiled rules of this process, replaced when the table has changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._book: RuleBook | None = None
        self._version: Any = None
        self._checked = 0.0

    def book(self) -> RuleBook:
        book = self._book
        if book is not None and time.monotonic() - self._checked < RULES_KEPT_S:
            return book
        with self._lock:
            rows = EventRule.objects.order_by("-updated_at").values_list("pk", "updated_at")
            version = (rows.first(), rows.count())
            if self._book is None or version != self._version:
                self._book = RuleBook(EventRule.objects.filter(enabled=True))
                self._version = version
            self._checked = time.monotonic()
            return self._book

    def forget(self) -> None:
        with self._lock:
            self._book, self._checked = None, 0.0


_shelf = _Shelf()


def rule_book() -> RuleBook:
    """The enabled rules in their order."""
    return _shelf.book()


def forget_rule_book() -> None:
    """Called after a rule was changed in this process."""
    _shelf.forget()


def save_rule(*, rule: EventRule) -> EventRule:
    """Validates and writes a rule. Raises ValidationError."""
    rule.full_clean()
    rule.save()
    transaction.on_commit(forget_rule_book)
    return rule


def rule_from_report(*, report: UnmappedReport, effect: str, case: str) -> EventRule:
    """Makes a rule of something unmapped, so that it is known from now on; what came before stays as it was recorded.

    Raises ValidationError for an unknown effect or case, or when such a rule exists.
    """
    if effect not in Effect.values or (case and case not in Case.values):
        raise ValidationError(_("Choose one of the offered meanings."))
    meaning = Case(case).label if case else Effect(effect).label
    name = f"{report.said or report.signature}"[:90] + f" → {meaning}"
    note = _("Made of an unmapped message, seen %(n)d times.") % {"n": report.seen}
    rule = EventRule(name=name[:120], precedence=10, effect=effect, case=case, note=note, **report.conditions)
    with transaction.atomic():
        save_rule(rule=rule)
        report.delete()
    return rule
