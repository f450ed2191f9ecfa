"""What may be tried again without a person's doing (the failure table of reference B6)."""

from __future__ import annotations

from datetime import timedelta

from fleet_remotes.catalogue.words import cause_of_word
from fleet_remotes.choices import REPEATABLE_KINDS, Kind

_MINUTE = timedelta(minutes=1)
# Cause → the pauses before each further try; what is not listed is never tried again by itself.
_PAUSES: dict[str, tuple[timedelta, ...]] = {
    "VehicleConnectionTimeout": (20 * _MINUTE,),
    "TooManyRequestInShortTime": (20 * _MINUTE, 60 * _MINUTE),
    "TooManyRequestSent": (20 * _MINUTE, 60 * _MINUTE),
    "GeneralError": (5 * _MINUTE,),
}


def auto_retry_delay(*, kind: Kind, cause: str, tries: int) -> timedelta | None:
    """How long to wait before an action that failed for `cause` is tried again, or None for not at all.

    `tries` counts the automatic tries so far.
    """
    if kind not in REPEATABLE_KINDS:
        return None
    pauses = _PAUSES.get(cause_of_word(cause), ())
    return pauses[tries] if tries < len(pauses) else None


def may_post_again(kind: Kind) -> bool:
    """Whether an action may be posted anew after the vendor's list showed that it never arrived."""
    return kind in REPEATABLE_KINDS
