"""Passwords that were in a breach, by a list on this machine: nothing is asked elsewhere.

It is Have I Been Pwned's: SHA-1 and a count in each line (`HASH:count`), in the order of the hashes. With some 40 GB it
is never read as a whole: the place of a hash is found by halves, in some thirty reads.
"""

from __future__ import annotations

import os
import re
from hashlib import sha1
from typing import Any, BinaryIO

from django.conf import settings
from django.core import checks

_LINE = re.compile(rb"([0-9A-Fa-f]{40}):\d{1,12}\r?\n?")
LONGEST_LINE = 64
# So many lines of it are looked at to see whether a list is one, and in order.
SAMPLES = 64


class Unusable(Exception):
    """The list cannot be read, or is none; the sentence says why."""


def is_breached(password: str, path: str) -> bool:
    """Raises Unusable."""
    wanted = sha1(password.encode("utf-8", "replace"), usedforsecurity=False).hexdigest().upper().encode()
    with _opened(path) as file:
        try:
            return _hash_at(file, _place(file, wanted)) == wanted
        except OSError as error:
            raise Unusable(f"{path}: {error.strerror}") from error


def fault_of(path: str) -> str:
    """What is wrong with a list, by some of its lines; empty where it can be used."""
    try:
        with _opened(path) as file:
            size = file.seek(0, os.SEEK_END)
            found = [_hash_at(file, _next_line(file, size * n // SAMPLES)) for n in range(SAMPLES)]
    except Unusable as error:
        return str(error)
    except OSError as error:
        return f"{path}: {error.strerror}"
    known = [each for each in found if each]
    if not known or known != sorted(known):
        return f"{path} is empty, or not in the order of its hashes."
    return ""


def _opened(path: str) -> BinaryIO:
    """A pipe or a device would never answer."""
    if not os.path.isfile(path):
        raise Unusable(f"{path} is no file.")
    try:
        return open(path, "rb")
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror}") from error


def _place(file: BinaryIO, wanted: bytes) -> int:
    """Where the first line begins whose hash is not less than this one."""
    low, high = 0, file.seek(0, os.SEEK_END)
    while low < high:
        middle = (low + high) // 2
        start = _next_line(file, middle)
        if start < high and _hash_at(file, start) < wanted:
            low = file.tell()
        else:
            high = middle
    return low


def _next_line(file: BinaryIO, position: int) -> int:
    """Where the first line begins that begins here or behind."""
    if position:
        file.seek(position - 1)
        file.readline(LONGEST_LINE)
        return file.tell()
    return 0


def _hash_at(file: BinaryIO, start: int) -> bytes:
    """The hash of the line that begins here; nothing at the end. Raises Unusable."""
    file.seek(start)
    line = file.readline(LONGEST_LINE)
    match = _LINE.fullmatch(line)
    if line and match is None:
        raise Unusable(f"{file.name} is no list of SHA-1 hashes with their counts: byte {start} begins no such line.")
    return match[1].upper() if match else b""


@checks.register(checks.Tags.security, deploy=True)
def check_breached_passwords(app_configs: Any, **_kwargs: Any) -> list[checks.CheckMessage]:
    """Whether passwords are compared with those of breaches."""
    path = settings.BREACHED_PASSWORDS
    if not path:
        hint = "Name a file of Have I Been Pwned; until then only the 20,000 most common passwords are refused."
        return [checks.Info("BREACHED_PASSWORDS is not set.", hint=hint, id="signalbox.I001")]
    fault = fault_of(path)
    return [checks.Error(f"BREACHED_PASSWORDS: {fault}", id="signalbox.E001")] if fault else []
