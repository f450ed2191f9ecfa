"""The rule book in use, and rules made of unmapped messages."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.cache import Cache
from core.refusal import Refused, refusing_invalid_models
from infra_notifications.choices import Case, Effect, MessageVerdict
from infra_notifications.ingest import Observation, observe
from infra_notifications.models import ChargePointMessage, EventRule, UnmappedReport
from infra_notifications.rules.matching import CONDITIONS, RuleBook, effect_of

# A rule made by a click is asked when no seeded one is met, so that it takes nothing from another case.
CLICKED_PRECEDENCE = 54
PREVIEW_DAYS, PREVIEW_LIMIT, PREVIEW_EXAMPLES = 30, 20_000, 10

# A changed rule takes effect in every process within a second; in the one that changed it at once.
rule_versions: Cache[str, tuple[Any, ...]] = Cache(age_s=1.0)
_rule_books: Cache[str, RuleBook] = Cache()
_ENABLED = "enabled"


def rule_book() -> RuleBook:
    """The enabled rules in their order, compiled anew when the table has changed."""
    rows = EventRule.objects.filter(enabled=True).values_list(*CONDITIONS, named=True)
    return _rule_books.get(_ENABLED, lambda: RuleBook(rows), stamp=rule_versions.get(_ENABLED, _version))


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


def _draft(report: UnmappedReport, effect: str, case: str) -> EventRule:
    """The rule that a click makes, unsaved. Raises Refused for an unknown effect or case."""
    if effect not in Effect.values or (case and case not in Case.values) or (effect == Effect.RAISE and not case):
        raise Refused(_("Choose one of the offered meanings."))
    meaning = Case(case).label if case else Effect(effect).label
    name = f"{report.said or report.signature}"[:90] + f" → {meaning}"
    note = _("Made of an unmapped message, seen %(n)d times.") % {"n": report.seen}
    return EventRule(
        name=name[:120], precedence=CLICKED_PRECEDENCE, effect=effect, case=case, note=note, **report.conditions
    )


def rule_from_report(*, report: UnmappedReport, effect: str, case: str) -> EventRule:
    """Makes a rule of something unmapped, so that it is known from now on; what came before stays as it was recorded.

    Raises Refused for an unknown effect or case, or when such a rule exists.
    """
    rule = _draft(report, effect, case)
    with transaction.atomic():
        save_rule(rule=rule)
        report.delete()
    return rule


@dataclass(frozen=True)
class Example:
    """One message that a rule would change."""

    message: ChargePointMessage
    said: str
    before: str
    after: str


@dataclass
class Preview:
    """What a rule would have made of the messages of the last days: how many it would change, from what to what.

    `looked_through` messages were asked; of more than `PREVIEW_LIMIT` the last ones (`is_cut`).
    """

    rule: EventRule
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)
    looked_through: int = 0
    is_cut: bool = False

    @property
    def total(self) -> int:
        return self.changes.total()

    @property
    def rows(self) -> list[tuple[str, str, int]]:
        """The changes as (from, to, how many), the most first."""
        return [(before, after, n) for (before, after), n in self.changes.most_common()]


def preview_rule(*, report: UnmappedReport, effect: str, case: str, now: datetime) -> Preview:
    """Asks the rules once as they are and once with the new one what they make of the last messages of this action.

    Raises Refused for an unknown effect or case.
    """
    preview = Preview(_draft(report, effect, case))
    rows = list(EventRule.objects.filter(enabled=True))
    more = sorted([*rows, preview.rule], key=lambda rule: rule.precedence)
    before, after = RuleBook(rows), RuleBook(more)
    found = ChargePointMessage.objects.filter(
        action__iexact=report.action, received_at__gte=now - timedelta(days=PREVIEW_DAYS)
    )
    for message in found.select_related("charge_point").order_by("-id")[: PREVIEW_LIMIT + 1]:
        if preview.looked_through == PREVIEW_LIMIT:
            preview.is_cut = True
            break
        preview.looked_through += 1
        for observation in observe(message.protocol, message.action, message.payload):
            was, will = (_meaning(book, observation) for book in (before, after))
            if was != will:
                preview.changes[was, will] += 1
                if len(preview.examples) < PREVIEW_EXAMPLES:
                    preview.examples.append(Example(message, observation.said, was, will))
    return preview


def _meaning(book: RuleBook, observation: Observation) -> str:
    """What a rule book makes of an observation, in words."""
    rule = book.match(observation)
    if rule is None:
        return str(MessageVerdict.UNMAPPED.label if observation.alarming else MessageVerdict.SEEN.label)
    effect = effect_of(rule, observation)
    if effect == Effect.RAISE:
        return str(Case(rule.case).label)
    return str(MessageVerdict.CLEARED.label if effect == Effect.CLEAR else MessageVerdict.INFO.label)
