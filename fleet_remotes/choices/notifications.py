"""Choices of notifications received: what became of each, and what was odd about it."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Verdict(models.TextChoices):
    """Whether a notification changed its action, or why not."""

    APPLIED = "applied", _("Applied")
    REPEATED = "repeated", _("Says what was known")
    REGRESSIVE = "regressive", _("Older than what was known")
    LATE = "late", _("After the end")
    CONFLICT = "conflict", _("Contradicts another outcome")
    UNKNOWN_ACTION = "unknown_action", _("No action of ours has this id")
    VIN_MISMATCH = "vin_mismatch", _("Another vehicle than the action’s")
    UNKNOWN_VALUE = "unknown_value", _("A value that we do not know")
    UNREADABLE = "unreadable", _("Not readable as a notification")


VERDICT_COLOURS = {
    Verdict.APPLIED: "success",
    Verdict.REPEATED: "secondary",
    Verdict.REGRESSIVE: "secondary",
    Verdict.LATE: "secondary",
    Verdict.CONFLICT: "danger",
    Verdict.UNKNOWN_ACTION: "warning",
    Verdict.VIN_MISMATCH: "danger",
    Verdict.UNKNOWN_VALUE: "warning",
    Verdict.UNREADABLE: "danger",
}
# What the page of unmatched notifications shows.
UNMATCHED = (Verdict.UNKNOWN_ACTION, Verdict.VIN_MISMATCH, Verdict.UNKNOWN_VALUE, Verdict.UNREADABLE)


class Flag:
    """What was odd about a notification that was understood nevertheless."""

    NORMALISED = "normalised"
    NO_DATE = "no_date"
    BAD_DATE = "bad_date"
    FUTURE_DATE = "future_date"
    CAUSE_IGNORED = "cause_ignored"
    UNKNOWN_CAUSE = "unknown_cause"
    UNKNOWN_VIN = "unknown_vin"
    TYPE_MISMATCH = "type_mismatch"
    BOUND_LATER = "bound_later"


FLAG_LABELS = {
    Flag.NORMALISED: _("An odd spelling was understood"),
    Flag.NO_DATE: _("No date: the receipt counts"),
    Flag.BAD_DATE: _("Unreadable date: the receipt counts"),
    Flag.FUTURE_DATE: _("A date in the future: the receipt counts"),
    Flag.CAUSE_IGNORED: _("A cause although it is not over: ignored"),
    Flag.UNKNOWN_CAUSE: _("A cause that we do not know"),
    Flag.UNKNOWN_VIN: _("A vehicle that is not in any fleet here"),
    Flag.TYPE_MISMATCH: _("Another kind of action than was sent"),
    Flag.BOUND_LATER: _("Found its action later"),
}
