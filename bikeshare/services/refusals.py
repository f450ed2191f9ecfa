"""Bike-share's refusals: each with the source's own code where it has one, or the field that cannot be taken."""

from __future__ import annotations

from django.utils.functional import Promise

from bikeshare.choices import Refusal
from core.refusal import Reason, Refused


def refusal(reason: Refusal, sentence: str | Promise = "") -> Refused:
    """What is not possible now, in the words of its code where no sentence says more."""
    return Refused(sentence or reason.label, code=reason.value)


def invalid(field: str, sentence: str | Promise) -> Refused:
    """What cannot be taken; the sentences are so short that the field's name belongs to them."""
    return Refused(f"{field}: {sentence}", reasons=[Reason(field, str(sentence))])
