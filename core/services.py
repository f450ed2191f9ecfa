"""Writes of the console: API keys, signs of life."""

from __future__ import annotations

import hashlib
import secrets
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, User
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext as _

from core.choices import Scope
from core.models import ApiKey, SignOfLife
from core.refusal import Refused

# `last_used_at` says "used within the last minute"; writing it more often would cost a write per request.
LAST_USED_PRECISION = timedelta(minutes=1)
MAX_NAME = 100
# The signs of life that tell of clocks.
CLOCK = "clock"


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def create_api_key(
    *,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None = None,
    created_by: AbstractBaseUser | None = None,
) -> tuple[ApiKey, str]:
    """Makes a key and returns it with its plain text, which is shown this once and stored nowhere.

    Raises Refused for an unknown scope, no scope at all, and a name that is taken, missing or too long.
    """
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise Refused(_("Give the key a name of at most %(n)d characters.") % {"n": MAX_NAME})
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown or not scopes:
        known = ", ".join(Scope.values)
        sentence = (
            _("Unknown scope %(scope)s.") % {"scope": ", ".join(unknown)} if unknown else _("Name at least one scope.")
        )
        raise Refused(f"{sentence} " + _("The scopes are: %(known)s.") % {"known": known})
    prefix, secret = "sbx_" + secrets.token_hex(4), secrets.token_urlsafe(32)
    key = ApiKey(name=name, prefix=prefix, digest=digest_of(secret), scopes=sorted(set(scopes)), expires_at=expires_at)
    key.created_by = created_by  # type: ignore[assignment]
    try:
        with transaction.atomic():
            key.save()
    except IntegrityError as error:
        raise Refused(_("There is a key named “%(name)s” already.") % {"name": name}) from error
    return key, f"{prefix}_{secret}"


def revoke_api_key(*, key: ApiKey) -> None:
    """Ends a key at once; a key that was revoked before keeps its time."""
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])


def take_over_api_key(*, key: ApiKey, by: AbstractBaseUser) -> None:
    """From now on the key works as long as this person may sign in."""
    key.created_by = by  # type: ignore[assignment]
    key.save(update_fields=["created_by"])


@receiver(pre_delete, sender=User)
def _revoke_keys_of(instance: User, **_: object) -> None:
    """The keys of somebody who is deleted would be nobody's, and work on."""
    for key in ApiKey.objects.filter(created_by=instance, revoked_at=None):
        revoke_api_key(key=key)


def touch_api_key(*, key: ApiKey, now: datetime) -> None:
    if key.last_used_at is None or key.last_used_at < now - LAST_USED_PRECISION:
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - LAST_USED_PRECISION)
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
        key.last_used_at = now


def show_life(*, part: str, now: datetime, instance: str = "", detail: dict[str, Any] | None = None) -> None:
    """Notes that a part of Signalbox works; called every few seconds."""
    said = {"at": now, "detail": detail or {}}
    SignOfLife.objects.update_or_create(part=part, instance=instance or socket.gethostname(), defaults=said)


def show_clock(*, part: str, ahead_s: float, now: datetime) -> None:
    """Notes how far the clock is off that a part of Signalbox has, by name and machine."""
    show_life(part=CLOCK, now=now, instance=f"{part} {socket.gethostname()}"[:120], detail={"ahead_s": ahead_s})


def end_life(*, part: str, instance: str = "") -> None:
    """A part ends in order: nobody is to miss it."""
    SignOfLife.objects.filter(part=part, instance=instance or socket.gethostname()).delete()
