"""Reads of the console."""

from __future__ import annotations

import hmac
import re
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Max
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from core.cache import Cache
from core.models import ApiKey, SignOfLife
from core.services import digest_of

# A part that was silent for this long counts as not working: several beats of its 5 s pulse.
LIFE_EXPECTED_WITHIN = timedelta(seconds=60)
# By how much the clocks of several machines may differ.
CLOCK_SLACK = timedelta(seconds=30)
# Prefix and secret, as `create_api_key` makes them.
_KEY = re.compile(r"(sbx_[0-9a-f]{8})_([A-Za-z0-9_-]{43})")
_KEY_PREFIX = re.compile(r"(sbx_[0-9a-f]{8})_")


# A key that was revoked or deleted elsewhere is refused in this process within this time, here at once.
_keys: Cache[str, ApiKey] = Cache(age_s=1.0)


def _key_of_prefix(prefix: str) -> ApiKey | None:
    """A key as it is in the database or was a moment ago: machines send hundreds of requests a second with one."""
    try:
        return _keys.get(prefix, lambda: ApiKey.objects.select_related("created_by").get(prefix=prefix))
    except ApiKey.DoesNotExist:
        return None


@receiver((post_save, post_delete), sender=ApiKey)
def _forget_key(instance: ApiKey, **_: object) -> None:
    _keys.forget(instance.prefix)


def keys_that_stop_with(user: AbstractBaseUser, now: datetime) -> list[ApiKey]:
    """The keys that work now and will not when this person may not sign in any more, or is deleted."""
    keys = ApiKey.objects.filter(created_by_id=user.pk, revoked_at=None).order_by("name")
    return [key for key in keys if key.expires_at is None or key.expires_at > now]


def find_api_key(plain: str, now: datetime) -> ApiKey | None:
    """The usable key that this text is, compared in constant time; None for any other text."""
    matched = _KEY.fullmatch(plain)
    if matched is None:
        return None
    key = _key_of_prefix(matched[1])
    if key is None or not hmac.compare_digest(key.digest, digest_of(matched[2])) or not key.is_usable(now):
        return None
    return key


def key_prefix(plain: str) -> str:
    """By which a key is known, of a text that looks like one; else nothing."""
    matched = _KEY_PREFIX.match(plain)
    return matched[1] if matched is not None else ""


# What is written when somebody asks, or once; its age says nothing of whether anything works.
NOTED_AT_TIMES = ("commit", "home")


def last_signs_of_life(now: datetime) -> dict[str, datetime]:
    """The newest sign of each part, e.g. {"worker": …, "beat": …}."""
    # What was written before the clock was set back says nothing about now.
    shown = SignOfLife.objects.filter(at__lte=now + CLOCK_SLACK)
    rows = shown.values_list("part").annotate(newest=Max("at"))
    return {part: newest for part, newest in rows if newest is not None}
