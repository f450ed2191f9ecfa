"""Reads of the console."""

from __future__ import annotations

import hmac
import re
from datetime import datetime, timedelta

from django.db.models import Max

from console.models import ApiKey, SignOfLife
from console.services import digest_of

# A part that was silent for this long counts as not working: several beats of its 5 s pulse.
LIFE_EXPECTED_WITHIN = timedelta(seconds=60)
# Prefix and secret, as `create_api_key` makes them.
_KEY = re.compile(r"(sbx_[0-9a-f]{8})_([A-Za-z0-9_-]{43})")


def find_api_key(plain: str, now: datetime) -> ApiKey | None:
    """The usable key that this text is, compared in constant time; None for any other text."""
    matched = _KEY.fullmatch(plain)
    if matched is None:
        return None
    key = ApiKey.objects.filter(prefix=matched[1]).first()
    if key is None or not hmac.compare_digest(key.digest, digest_of(matched[2])) or not key.is_usable(now):
        return None
    return key


def last_signs_of_life() -> dict[str, datetime]:
    """The newest sign of each part, e.g. {"worker": …, "beat": …}."""
    rows = SignOfLife.objects.values_list("part").annotate(newest=Max("at"))
    return {part: newest for part, newest in rows if newest is not None}
