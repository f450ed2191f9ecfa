"""Passwords that are tried: how often by whom, and what is noted of it. Nothing of a password is kept.

Beside the count by name and address (axes) stands one by address alone, which is asked before anything is hashed:
whoever tries one password on many names fails at each but once.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, User
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from core import rates
from core.addresses import client_address, site_of
from core.breaches import Unusable, is_breached
from core.cache import Cache
from core.keys import REFUSED
from core.rates import Verdict
from core.text import clean_text

log = structlog.get_logger("signalbox.security")
# So many names that were tried with one password within an hour are no slip of anybody's.
MANY_NAMES, LONGEST = 5, 300
_key = os.urandom(32)
# The names that were tried with a password, by a digest that nobody outside of this process can make.
_names: Cache[bytes, set[str]] = Cache(age_s=3600)


class HouseWordsValidator(CommonPasswordValidator):
    """Refuses common passwords, and what is made of words of the house and of signs: whoever guesses tries these."""

    WORDS = (
        *("signalbox", "charging", "charger", "charge", "vehicle", "fleet", "remote", "bike", "share", "station"),
        *("outbox", "webhook", "ocpp", "ocpi", "operator", "administrator", "admin", "viewer"),
        *("password", "passwort", "welcome"),
    )

    def validate(self, password: str, user: User | None = None) -> None:
        super().validate(password, user)
        host = urlsplit(settings.PUBLIC_URL).hostname or ""
        letters = "".join(filter(str.isalpha, password.lower()))
        left = letters
        for word in sorted({*self.WORDS, *host.split(".")}, key=len, reverse=True):
            left = left.replace(word, "") if word.isalpha() and len(word) > 2 else left
        if letters and len(left) <= 1:  # a plural
            raise ValidationError(self.get_error_message(), code="password_too_common")


class BreachedPasswordValidator:
    """Refuses what is in the list of breaches, and everything while that cannot be read: nothing passes unchecked."""

    def validate(self, password: str, user: User | None = None) -> None:
        try:
            found = is_breached(password, settings.BREACHED_PASSWORDS)
        except Unusable as error:
            log.error("passwords cannot be checked", why=str(error))
            raise ValidationError(
                _("New passwords cannot be checked at the moment; manage.py doctor tells an administrator why."),
                code="password_unchecked",
            ) from error
        if found:
            raise ValidationError(
                _("This password is known from a breach: who guesses tries it. Choose another."),
                code="password_breached",
            )

    def get_help_text(self) -> str:
        return _("Your password can’t be one that is known from a breach.")


def too_often(request: HttpRequest, user: AbstractBaseUser | None = None) -> Verdict | None:
    """Takes one try of this address, and of this person; the refusal where there is none left."""
    limit = rates.sign_in_limit()
    for who in (site_of(request), *([f"user:{user.pk}"] if user is not None else ())):
        verdict = rates.spend(limit, who)
        if verdict is not None and verdict.is_refused:
            REFUSED.labels("sign-in", "too often").inc()
            log.warning("sign-in refused", address=client_address(request), why="too often", user=_id(user))
            return verdict
    return None


def note_right(request: HttpRequest, user: AbstractBaseUser, what: str = "signed in") -> None:
    """Whoever knows the password counts for nothing."""
    for who in (site_of(request), f"user:{user.pk}"):
        rates.give_back(rates.sign_in_limit(), who)
    log.info(what, address=client_address(request), user=_id(user))


def note_wrong(request: HttpRequest, name: str, password: str) -> None:
    """The name is told by its number alone: people type their passwords there, too."""
    REFUSED.labels("sign-in", "wrong").inc()
    name = clean_text(name).strip().lower()[:LONGEST]
    user = User.objects.filter(username__iexact=name).first()
    log.warning("sign-in refused", address=client_address(request), why="wrong", user=_id(user))
    digest = blake2b(password.encode("utf-8", "replace")[:LONGEST], key=_key, digest_size=16).digest()
    names = _names.get(digest, set)
    if name in names or len(names) >= 1_000:
        return
    names.add(name)
    if len(names) % MANY_NAMES == 0:
        REFUSED.labels("sign-in", "one password for many names").inc()
        log.warning("one password was tried on many names", names=len(names), address=client_address(request))


def _id(user: AbstractBaseUser | None) -> int | None:
    return user.pk if user is not None else None
