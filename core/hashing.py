"""Passwords are hashed one at a time, with little priority: strangers at the sign-in slow nothing else down.

PBKDF2 takes the better part of a second of a processor, on purpose. OpenSSL does it without Python's lock, so a thread
of its own, which the system runs when nobody else wants to, leaves the processors to what comes in.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from django.utils.crypto import get_random_string

# So many wait for their turn, each in a thread of the server that could serve others meanwhile.
MOST_WAITING = 4
# It gets a quarter of a processor that others want, so that people can sign in at any time.
NICENESS = 5
# How the salt begins of a password that somebody else chose; salts made by chance have letters and digits alone.
_FIRST = "first-"
_places = threading.BoundedSemaphore(MOST_WAITING)


class TooManyPasswords(Exception):
    """More passwords are waiting to be hashed than may; nothing was done."""


class PatientPBKDF2(PBKDF2PasswordHasher):
    """Django's own, with the same hashes."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """Raises TooManyPasswords."""
        if not _places.acquire(blocking=False):
            raise TooManyPasswords
        try:
            encoded: str = _thread(os.getpid()).submit(super().encode, password, salt, iterations).result()
            return encoded
        finally:
            _places.release()

    def must_update(self, encoded: str) -> bool:
        """What has to be changed anyway keeps its mark until then."""
        return not is_first(encoded) and super().must_update(encoded)


def make_first(password: str) -> str:
    """The hash of a password that somebody chose for somebody else, who has to change it at the sign-in."""
    return make_password(password, salt=_FIRST + get_random_string(22))


def is_first(encoded: str) -> bool:
    parts = encoded.split("$")
    return len(parts) > 2 and parts[-2].startswith(_FIRST)


@lru_cache(maxsize=1)
def _thread(_pid: int) -> Any:
    """The one thread of this process; after a fork the child has its own."""
    return ThreadPoolExecutor(1, "hashing", initializer=_step_back)


def _step_back() -> None:
    with suppress(OSError, AttributeError):  # of one thread only on Linux
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def check_place() -> None:
    """Asked before anything is done for a password. Raises TooManyPasswords."""
    if not _places.acquire(blocking=False):
        raise TooManyPasswords
    _places.release()
