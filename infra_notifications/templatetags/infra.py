"""Names and colours of charging infrastructure in templates."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _

from console.templatetags.console import register_colours
from infra_notifications.choices import (
    CASE_COLOURS,
    EFFECT_COLOURS,
    NOTIFICATION_COLOURS,
    TROUBLE_COLOURS,
    VERDICT_COLOURS,
    WINDOW_COLOURS,
    Case,
)
from infra_notifications.mailing import case_label, reported, who
from infra_notifications.models import EventRule
from outbox.transports.rendering.words import mail_time

register = template.Library()
register_colours(
    register, case_colour=CASE_COLOURS, effect_colour=EFFECT_COLOURS, notification_colour=NOTIFICATION_COLOURS
)
register_colours(register, verdict_colour=VERDICT_COLOURS, window_colour=WINDOW_COLOURS, trouble_colour=TROUBLE_COLOURS)


register.filter("case_label", case_label)
register.filter("reported", reported)
register.filter("who", who)
# On pages without a viewer's settings: date, time and zone as mails have them.
register.filter("day_and_time", mail_time)


@register.filter
def rule_conditions(rule: EventRule) -> list[tuple[str, str]]:
    """A rule's conditions as (label, values)."""
    pairs = (
        (_("protocol"), rule.protocols),
        (_("action"), rule.actions),
        (_("status"), rule.statuses),
        (_("code"), rule.codes),
        (_("component"), rule.components),
        (_("variable"), rule.variables),
        (_("vendor"), rule.vendors),
        (_("says"), rule.words),
        (_("and says"), rule.and_words),
    )
    return [(label, ", ".join(_condition(value) for value in values)) for label, values in pairs if values]


def _condition(value: str) -> str:
    """A condition in words where it is a sign: "=X" is met by X alone, "!*" and "=" by nothing at all."""
    if value in ("!*", "="):
        return _("none at all")
    return _("exactly “%(text)s”") % {"text": value[1:]} if value.startswith("=") else value


@register.filter
def meanings(_effect: str) -> list[tuple[str, str]]:
    """What an unmapped message may be made to mean with one click."""
    return [*((f"raise:{case}", str(case.label)) for case in Case), ("info:", _("no alarm"))]
