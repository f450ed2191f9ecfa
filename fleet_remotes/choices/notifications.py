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


VERDICT_COLOURS = dict.fromkeys((Verdict.REPEATED, Verdict.REGRESSIVE, Verdict.LATE), "secondary")
VERDICT_COLOURS |= dict.fromkeys((Verdict.UNKNOWN_ACTION, Verdict.UNKNOWN_VALUE), "warning")
VERDICT_COLOURS |= dict.fromkeys((Verdict.CONFLICT, Verdict.VIN_MISMATCH, Verdict.UNREADABLE), "danger")
VERDICT_COLOURS[Verdict.APPLIED] = "success"
# What the page of unmatched notifications shows.
UNMATCHED = (Verdict.UNKNOWN_ACTION, Verdict.VIN_MISMATCH, Verdict.UNKNOWN_VALUE, Verdict.UNREADABLE)


class Flag(models.TextChoices):
    """What was odd about a notification that was understood nevertheless."""

    NORMALISED = "normalised", _("An odd spelling was understood")
    NO_DATE = "no_date", _("No date: the receipt counts")
    BAD_DATE = "bad_date", _("Unreadable date: the receipt counts")
    FUTURE_DATE = "future_date", _("A date in the future: the receipt counts")
    CAUSE_IGNORED = "cause_ignored", _("A cause although it is not over: ignored")
    UNKNOWN_CAUSE = "unknown_cause", _("A cause that we do not know")
    UNKNOWN_VIN = "unknown_vin", _("A vehicle that is not in any fleet here")
    TYPE_MISMATCH = "type_mismatch", _("Another kind of action than was sent")
    BOUND_LATER = "bound_later", _("Found its action later")
